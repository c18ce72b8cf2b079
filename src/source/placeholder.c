/* source: see the folder. */
typedef int ed_source_folder;
