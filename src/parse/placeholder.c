/* parse: see the folder. */
typedef int ed_parse_folder;
