/* embed: see the folder. */
typedef int ed_embed_folder;
