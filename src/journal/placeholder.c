/* journal: see the folder. */
typedef int ed_journal_folder;
