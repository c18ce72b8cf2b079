eddy_folder(source SOURCES source.c files.c kafka.c positions.c options.c LINK PkgConfig::rdkafka)
