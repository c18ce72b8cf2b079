# The fault matrix (tests/faults/run): eddy_faulty is the program with its points, which kills or
# stops itself where it is told to; rehash is the independent replay;
# bare is a producer without eddy's guard; clock a wall clock that jumps.
if(NOT EDDY_SANITIZE)
  set(faulty "")
  foreach(folder source remote publish journal serve pipeline cli)
    get_target_property(sources ed_${folder} SOURCES)
    foreach(file ${sources})
      cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
      list(APPEND faulty ${file})
    endforeach()
  endforeach()
  add_executable(eddy_faulty ${faulty} ${PROJECT_SOURCE_DIR}/src/cli/main.c
    ${CMAKE_CURRENT_SOURCE_DIR}/faults/point.c $<TARGET_OBJECTS:ed_base_program>)
  add_dependencies(eddy_faulty ed_cli ed_serve) # they make newsday.c, openapi.c and web.c
  target_compile_definitions(eddy_faulty PRIVATE EDDY_POINTS)
  target_include_directories(eddy_faulty PRIVATE ${PROJECT_SOURCE_DIR}/include
    ${PROJECT_SOURCE_DIR}/src)
  get_target_property(links eddy_program LINK_LIBRARIES)
  target_link_libraries(eddy_faulty PRIVATE ${links})
  add_executable(rehash ${CMAKE_CURRENT_SOURCE_DIR}/faults/rehash.c)
  target_link_libraries(rehash PRIVATE eddy_inside)
  add_library(clock MODULE ${CMAKE_CURRENT_SOURCE_DIR}/faults/clock.c)
  target_compile_options(clock PRIVATE -fvisibility=default -U_FORTIFY_SOURCE)
  target_link_libraries(clock PRIVATE ${CMAKE_DL_LIBS})
  add_executable(bare ${CMAKE_CURRENT_SOURCE_DIR}/faults/bare.c)
  target_link_libraries(bare PRIVATE eddy_flags PkgConfig::rdkafka)

  if(Python3_FOUND)
    add_test(NAME faults.short
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/faults/run --short)
    set_tests_properties(faults.short PROPERTIES LABELS kafka TIMEOUT 1200 SKIP_RETURN_CODE 77
      RUN_SERIAL TRUE ENVIRONMENT "EDDY_BUILD=${PROJECT_BINARY_DIR}")
  endif()
endif()
