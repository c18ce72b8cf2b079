# Source and journal against a real broker. The fixture starts one (tools/kafka, in the build
# folder) for all programs of this lane and stops it after the last.
set(kafka_dir ${CMAKE_CURRENT_BINARY_DIR}/kafka)
add_test(NAME kafka.up COMMAND ${PROJECT_SOURCE_DIR}/tools/kafka up --dir ${kafka_dir})
add_test(NAME kafka.down COMMAND ${PROJECT_SOURCE_DIR}/tools/kafka down --dir ${kafka_dir})
set_tests_properties(kafka.up PROPERTIES FIXTURES_SETUP kafka TIMEOUT 600)
set_tests_properties(kafka.down PROPERTIES FIXTURES_CLEANUP kafka TIMEOUT 60)
set_tests_properties(kafka.up kafka.down PROPERTIES LABELS kafka)

# A tool, and not under test: no sanitizer looks at it.
add_executable(kafka_admin ${CMAKE_CURRENT_SOURCE_DIR}/kafka/admin.c)
target_compile_options(kafka_admin PRIVATE -Wall -Wextra -Wshadow -Wstrict-prototypes)
target_link_libraries(kafka_admin PRIVATE PkgConfig::rdkafka)
add_dependencies(threaded kafka_admin)

foreach(name source journal)
  add_executable(test_kafka_${name} ${CMAKE_CURRENT_SOURCE_DIR}/kafka/${name}.c)
  target_link_libraries(test_kafka_${name} PRIVATE eddy_inside PkgConfig::cmocka)
  add_dependencies(threaded test_kafka_${name})
  add_test(NAME kafka.${name} COMMAND test_kafka_${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  # Runs well below a minute; the limit is for a machine that is busy with other things.
  set_tests_properties(kafka.${name} PROPERTIES TIMEOUT 180 LABELS "kafka;threads"
    FIXTURES_REQUIRED kafka ENVIRONMENT "EDDY_KAFKA_DIR=${kafka_dir};\
TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp")
endforeach()

# Processes of the program on the same broker: tests/kafka/check SCENE.
set(scenes restart handover kill twin refusals deleted from_end grown store damaged replay places then_run
  resumed shards tree control logs)
eddy_scenes(kafka kafka/check ${scenes})
if(Python3_FOUND)
  # Under sanitizers those that take each way through the program once; the dev lane has all.
  set(everywhere restart handover kill store replay shards control logs)
  foreach(scene ${scenes})
    set(labels "kafka;threads")
    if(EDDY_SANITIZE AND NOT scene IN_LIST everywhere)
      set(labels "kafka;slow")
    endif()
    set_tests_properties(kafka.${scene} PROPERTIES LABELS "${labels}" FIXTURES_REQUIRED kafka)
  endforeach()
endif()
