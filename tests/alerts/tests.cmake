# Alerts from documents to those who are woken: tests/alerts/check SCENE.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
  set(slow 1)
  if(EDDY_SANITIZE)
    set(slow 10)
  endif()
  foreach(scene files killed hooks alertmanager trusted)
    add_test(NAME alerts.${scene}
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/alerts/check ${scene})
    set_tests_properties(alerts.${scene} PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77
      ENVIRONMENT "EDDY_BUILD=${PROJECT_BINARY_DIR};EDDY_SLOW=${slow};\
EDDY_KAFKA_DIR=${CMAKE_CURRENT_BINARY_DIR}/kafka;\
TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp")
  endforeach()
  set_tests_properties(alerts.killed alerts.hooks alerts.alertmanager alerts.trusted PROPERTIES LABELS "kafka;threads"
    FIXTURES_REQUIRED kafka)
endif()
