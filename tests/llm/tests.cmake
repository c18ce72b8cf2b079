# The long lane with a real llama.cpp server (tools/test --llm) runs these by tests/llm/real-server.
add_executable(llm_real ${CMAKE_CURRENT_SOURCE_DIR}/llm/real.c)
add_executable(llm_embeddings ${CMAKE_CURRENT_SOURCE_DIR}/llm/real_embeddings.c)
foreach(program llm_real llm_embeddings)
  target_link_libraries(${program} PRIVATE eddy_inside PkgConfig::cmocka)
endforeach()

# What is promised in milliseconds is measured with nothing beside it; under sanitizers nothing is.
if(NOT EDDY_SANITIZE)
  set_tests_properties(unit.remote_http unit.remote_chat unit.remote_embeddings PROPERTIES RUN_SERIAL TRUE)
endif()
