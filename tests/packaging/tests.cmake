# What is installed beside the program: completion, man pages; Debian packages of all; the service; the
# examples of all that people read; rules and dashboard for what is exported; the bill of materials; and
# that two builds give the same bytes.
if(NOT EDDY_SANITIZE)
  set(packaging ${PROJECT_SOURCE_DIR}/tests/packaging)
  add_test(NAME packaging.completion COMMAND ${packaging}/completion $<TARGET_FILE:eddy_program>)
  add_test(NAME packaging.completion_shells COMMAND ${packaging}/completion-shells $<TARGET_FILE:eddy_program>)
  add_test(NAME packaging.manual COMMAND ${packaging}/manual ${PROJECT_BINARY_DIR})
  add_test(NAME packaging.debian COMMAND ${packaging}/debian ${PROJECT_BINARY_DIR})
  add_test(NAME packaging.notify COMMAND ${packaging}/notify $<TARGET_FILE:eddy_program> $<TARGET_FILE:eddy_faulty>)
  add_test(NAME packaging.sbom COMMAND ${packaging}/sbom ${PROJECT_BINARY_DIR})
  add_test(NAME packaging.examples COMMAND ${packaging}/examples)
  set_tests_properties(packaging.examples PROPERTIES TIMEOUT 300 ENVIRONMENT "EDDY_BUILD=${PROJECT_BINARY_DIR}")
  add_test(NAME packaging.monitoring COMMAND ${packaging}/monitoring)
  set_tests_properties(packaging.monitoring PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77
    ENVIRONMENT "EDDY_BUILD=${PROJECT_BINARY_DIR}")
  add_test(NAME packaging.reproducible COMMAND ${packaging}/reproducible ${PROJECT_SOURCE_DIR})
  set_tests_properties(packaging.reproducible PROPERTIES LABELS slow TIMEOUT 1200 PROCESSORS 2 SKIP_RETURN_CODE 77)
  set_tests_properties(packaging.completion packaging.completion_shells packaging.manual packaging.debian packaging.notify PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
endif()
