# The simulation. What it tries is compiled a second time, with its points (base/point.h) open; the
# clocks and the log are its own.
set(sim ${PROJECT_SOURCE_DIR}/src)
file(GLOB sim_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/sim/*.c)
get_target_property(sim_engine ed_engine SOURCES)
list(TRANSFORM sim_engine PREPEND ${PROJECT_SOURCE_DIR}/)
add_executable(eddy_sim ${sim_sources} ${sim_engine} ${sim}/base/message.c
  ${sim}/publish/publish.c ${sim}/journal/journal.c ${sim}/journal/head.c ${sim}/journal/store.c
  ${sim}/journal/frame.c ${sim}/journal/disk.c
  ${sim}/journal/files.c ${sim}/journal/output.c ${sim}/journal/epochs.c ${sim}/journal/living.c
  ${sim}/journal/takeover.c
  $<TARGET_OBJECTS:ed_base> $<TARGET_OBJECTS:ed_parse>)
target_compile_definitions(eddy_sim PRIVATE EDDY_POINTS)
target_include_directories(eddy_sim PRIVATE ${PROJECT_SOURCE_DIR}/include ${sim}
  ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(eddy_sim PRIVATE eddy_flags PkgConfig::jansson PkgConfig::openblas
  PkgConfig::utf8proc PkgConfig::lz4 m)
set_target_properties(eddy_sim PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
# What would fail, or differ from run to run, comes from the simulation (disk.c).
foreach(call pwrite write fsync fdatasync getpid getrandom)
  target_link_options(eddy_sim PRIVATE -Wl,--wrap=${call})
endforeach()

# The first seeds, and every mutant until it is caught; tools/bench/simulation runs many more.
set(sim_seeds 400)
if(EDDY_SANITIZE)
  set(sim_seeds 80)
else()
  add_test(NAME sim.mutants COMMAND eddy_sim --seeds 1000 --mutants)
  set_tests_properties(sim.mutants PROPERTIES TIMEOUT 600)
endif()
add_test(NAME sim.seeds COMMAND eddy_sim --seeds ${sim_seeds})
set_tests_properties(sim.seeds PROPERTIES TIMEOUT 600)
