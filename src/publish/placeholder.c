/* publish: see the folder. */
typedef int ed_publish_folder;
