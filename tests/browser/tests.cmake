# The dashboard in Chromium: tests/browser/run SCENE. Where it or Node is missing they are skipped.
set(slow 1)
if(EDDY_SANITIZE)
  set(slow 10)
endif()
foreach(scene pages hostile many logs demo operations)
  add_test(NAME browser.${scene} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/browser/run ${scene})
  set_tests_properties(browser.${scene} PROPERTIES LABELS slow TIMEOUT 600 SKIP_RETURN_CODE 77
    ENVIRONMENT "EDDY_BUILD=${PROJECT_BINARY_DIR};EDDY_SLOW=${slow};\
EDDY_KAFKA_DIR=${CMAKE_CURRENT_BINARY_DIR}/kafka")
endforeach()
set_tests_properties(browser.operations PROPERTIES LABELS "kafka;slow" FIXTURES_REQUIRED kafka)
# It measures frames: nothing else runs beside it.
set_tests_properties(browser.many PROPERTIES RUN_SERIAL TRUE)
