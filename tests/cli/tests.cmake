# The program from outside: tests/cli/check SCENE.
eddy_scenes(cli cli/check golden account stdin reader misread embed interrupt mistakes demo terminal top top_feeds
  coretype journal operations reason keyphrases endpoint crashes kafka)
eddy_scenes(cli.logs cli/logs recognised records batches killed pipe counts many)
if(Python3_FOUND)
  add_test(NAME cli.report COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/cli/report)
  set_tests_properties(cli.report PROPERTIES TIMEOUT 300 ENVIRONMENT "EDDY_BUILD=${PROJECT_BINARY_DIR}")
  # What is promised in seconds is measured with nothing beside it; under sanitizers nothing is.
  if(NOT EDDY_SANITIZE)
    set_tests_properties(cli.interrupt cli.demo PROPERTIES RUN_SERIAL TRUE)
  endif()
  # The broker is that of tests/kafka.
  set_tests_properties(cli.kafka PROPERTIES LABELS "kafka;threads" FIXTURES_REQUIRED kafka)
endif()
