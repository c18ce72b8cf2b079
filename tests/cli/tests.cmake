# The program from outside: tests/cli/check SCENE.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
  set(slow 1)
  if(EDDY_SANITIZE)
    set(slow 10)
  endif()
  foreach(scene golden account stdin reader misread embed interrupt mistakes demo terminal top top_feeds coretype
                journal operations reason keyphrases endpoint crashes kafka)
    add_test(NAME cli.${scene}
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/cli/check ${scene})
    set_tests_properties(cli.${scene} PROPERTIES LABELS threads TIMEOUT 300 SKIP_RETURN_CODE 77
      ENVIRONMENT "EDDY_BUILD=${PROJECT_BINARY_DIR};EDDY_SLOW=${slow};\
EDDY_KAFKA_DIR=${CMAKE_CURRENT_BINARY_DIR}/kafka;\
TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp")
  endforeach()
  foreach(scene recognised records batches killed pipe counts many)
    add_test(NAME cli.logs.${scene}
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/cli/logs ${scene})
    set_tests_properties(cli.logs.${scene} PROPERTIES LABELS threads TIMEOUT 300 SKIP_RETURN_CODE 77
      ENVIRONMENT "EDDY_BUILD=${PROJECT_BINARY_DIR};EDDY_SLOW=${slow};\
TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp")
  endforeach()
  add_test(NAME cli.report COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/cli/report)
  set_tests_properties(cli.report PROPERTIES TIMEOUT 300 ENVIRONMENT "EDDY_BUILD=${PROJECT_BINARY_DIR}")
  # What is promised in seconds is measured with nothing beside it; under sanitizers nothing is.
  if(NOT EDDY_SANITIZE)
    set_tests_properties(cli.interrupt cli.demo PROPERTIES RUN_SERIAL TRUE)
  endif()
  # The broker is that of tests/kafka.
  set_tests_properties(cli.kafka PROPERTIES LABELS "kafka;threads" FIXTURES_REQUIRED kafka)
endif()
