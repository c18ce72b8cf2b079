eddy_folder(cli
  SOURCES options.c options_text.c options_print.c
    config.c config_substitute.c config_yaml.c config_kafka.c config_finish.c config_args.c
    config_make.c config_print.c usage.c check.c score.c
    detect.c run.c gallery.c stream.c view.c
  LINK PkgConfig::jansson PkgConfig::yaml)
