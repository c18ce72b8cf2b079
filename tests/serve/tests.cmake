# What is shown by HTTP, asked over real sockets: tests/serve/check SCENE.
eddy_scenes(serve serve/check metrics prometheus health models api stream guard ports kafka)
if(Python3_FOUND)
  set_tests_properties(serve.kafka PROPERTIES LABELS "kafka;threads" FIXTURES_REQUIRED kafka)
endif()
