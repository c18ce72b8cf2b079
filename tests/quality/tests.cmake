# Labelled streams at the defaults stay above tests/quality/floors.json. One test an embedder; each
# is skipped where the data or the model is not there.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
  foreach(embedder hash encoder)
    add_test(NAME quality.${embedder}
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/quality/check ${embedder})
    set_tests_properties(quality.${embedder} PROPERTIES LABELS "slow;quality" TIMEOUT 1800
      SKIP_RETURN_CODE 77 RUN_SERIAL ON
      ENVIRONMENT "EDDY_BUILD=${PROJECT_BINARY_DIR};EDDY_DATA=${PROJECT_SOURCE_DIR}/../shared/data")
  endforeach()
  # Log lines by template; the miner's bench does it, which sanitizers do not build.
  if(NOT EDDY_SANITIZE)
    add_test(NAME quality.templates
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/quality/templates)
    set_tests_properties(quality.templates PROPERTIES LABELS quality TIMEOUT 600 SKIP_RETURN_CODE 77
      ENVIRONMENT "EDDY_BUILD=${PROJECT_BINARY_DIR};EDDY_DATA=${PROJECT_SOURCE_DIR}/../shared/data")
  endif()
endif()
