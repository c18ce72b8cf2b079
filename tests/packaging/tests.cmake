# What is installed beside the program: completion, man pages.
if(NOT EDDY_SANITIZE)
  set(packaging ${PROJECT_SOURCE_DIR}/tests/packaging)
  add_test(NAME packaging.completion COMMAND ${packaging}/completion $<TARGET_FILE:eddy_program>)
  add_test(NAME packaging.manual COMMAND ${packaging}/manual ${PROJECT_BINARY_DIR})
  set_tests_properties(packaging.completion packaging.manual PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
endif()
