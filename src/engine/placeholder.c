/* engine: see the folder. */
typedef int ed_engine_folder;
