# What is shown by HTTP, asked over real sockets: tests/serve/check SCENE.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
  set(slow 1)
  if(EDDY_SANITIZE)
    set(slow 10)
  endif()
  foreach(scene metrics prometheus health models api stream guard ports kafka)
    add_test(NAME serve.${scene}
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/serve/check ${scene})
    set_tests_properties(serve.${scene} PROPERTIES LABELS threads TIMEOUT 300 SKIP_RETURN_CODE 77
      ENVIRONMENT "EDDY_BUILD=${PROJECT_BINARY_DIR};EDDY_SLOW=${slow};\
EDDY_KAFKA_DIR=${CMAKE_CURRENT_BINARY_DIR}/kafka;\
TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp")
  endforeach()
  set_tests_properties(serve.kafka PROPERTIES LABELS "kafka;threads" FIXTURES_REQUIRED kafka)
endif()
