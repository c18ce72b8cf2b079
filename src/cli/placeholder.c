/* cli: see the folder. */
typedef int ed_cli_folder;
