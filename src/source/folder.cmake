eddy_folder(source SOURCES source.c files.c kafka.c positions.c options.c mock.c LINK PkgConfig::rdkafka)
