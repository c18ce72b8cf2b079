/* pipeline: see the folder. */
typedef int ed_pipeline_folder;
