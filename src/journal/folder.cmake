eddy_folder(journal SOURCES journal.c files.c kafka.c topics.c LINK PkgConfig::rdkafka)
