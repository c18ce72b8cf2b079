# The house and the library from outside: laws of the tree, what libeddy shows, what it asks for, how
# both binaries are hardened, and that programs in C and C++ can use what is installed.
find_package(Python3 COMPONENTS Interpreter)
set(abi ${PROJECT_SOURCE_DIR}/tests/abi)

if(NOT EDDY_SANITIZE)
  if(Python3_FOUND)
    add_test(NAME house.layers COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tools/check-layers)
    add_test(NAME house.layers_bite COMMAND ${Python3_EXECUTABLE} ${abi}/layers_bite)
  endif()
  add_test(NAME house.format COMMAND ${PROJECT_SOURCE_DIR}/tools/format --check)
  add_test(NAME abi.headers COMMAND ${abi}/headers ${PROJECT_SOURCE_DIR}/include)
  add_test(NAME abi.library COMMAND ${abi}/library $<TARGET_FILE:eddy_shared> $<TARGET_FILE:eddy_static>)
  add_test(NAME abi.consumers COMMAND ${abi}/consumers ${PROJECT_BINARY_DIR})
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    add_test(NAME abi.hardening
      COMMAND ${abi}/hardening $<TARGET_FILE:eddy_program> $<TARGET_FILE:eddy_shared>)
    set_tests_properties(abi.hardening PROPERTIES SKIP_RETURN_CODE 77)
  endif()
  set_tests_properties(house.format abi.headers abi.consumers PROPERTIES SKIP_RETURN_CODE 77)
endif()
