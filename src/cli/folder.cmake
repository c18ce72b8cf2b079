eddy_folder(cli
  SOURCES options.c options_text.c options_print.c
    config.c config_substitute.c config_yaml.c config_kafka.c config_finish.c config_args.c
    config_make.c config_reason.c config_print.c usage.c check.c score.c score_internal.c
    labels.c orders.c ask.c operate.c look.c story.c events.c tree.c explain.c reason.c
    alert.c detect.c top.c top_draw.c top_page.c screen.c feed.c inbox.c roster.c curve.c tail.c dead.c
    templates.c guess.c embed.c npy.c run.c replay.c demo.c demo_play.c gallery.c stream.c site.c past.c
    metrics.c view.c commands.c completion.c completion_zsh.c completion_fish.c manual.c notify.c report.c
  LINK PkgConfig::jansson PkgConfig::yaml PkgConfig::ncursesw)

# The corpus of eddy demo goes into the program.
set(newsday ${PROJECT_BINARY_DIR}/newsday.c)
add_custom_command(OUTPUT ${newsday}
  COMMAND ${CMAKE_COMMAND} -DIN=${PROJECT_SOURCE_DIR}/src/cli/demo/newsday.jsonl -DOUT=${newsday}
    -DHEADER=cli/demo/newsday.h -DNAME=ed_newsday -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  DEPENDS ${PROJECT_SOURCE_DIR}/src/cli/demo/newsday.jsonl
    ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  VERBATIM)
target_sources(ed_cli PRIVATE ${newsday})
