eddy_folder(source SOURCES source.c files.c kafka.c positions.c options.c names.c mock.c LINK PkgConfig::rdkafka)
