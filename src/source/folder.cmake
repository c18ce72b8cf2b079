eddy_folder(source SOURCES source.c files.c kafka.c keeper.c merge.c places.c options.c names.c marks.c mock.c LINK PkgConfig::rdkafka)
