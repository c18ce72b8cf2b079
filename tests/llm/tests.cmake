# The long lane with a real llama.cpp server (tools/test --llm) runs llm_real by tests/llm/real-server.
add_executable(llm_real ${CMAKE_CURRENT_SOURCE_DIR}/llm/real.c)
target_link_libraries(llm_real PRIVATE eddy_inside PkgConfig::cmocka)

# What is promised in milliseconds is measured with nothing beside it; under sanitizers nothing is.
if(NOT EDDY_SANITIZE)
  set_tests_properties(unit.remote_http unit.remote_chat PROPERTIES RUN_SERIAL TRUE)
endif()
