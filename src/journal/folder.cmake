eddy_folder(journal
  SOURCES journal.c head.c store.c frame.c disk.c output.c files.c epochs.c living.c takeover.c kafka.c broker.c forget.c client.c group.c topics.c sender.c
  LINK PkgConfig::rdkafka PkgConfig::lz4)
