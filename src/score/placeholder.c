/* score: see the folder. */
typedef int ed_score_folder;
