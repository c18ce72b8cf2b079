# Install: the program, both libraries, headers, eddy.pc and the CMake package. Nothing that is
# installed knows where: eddy.pc and eddyConfig.cmake look from their own place.
# COMPONENT is the Debian package that it goes to (cmake/package.cmake).
install(TARGETS eddy_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
install(TARGETS eddy_shared eddy_static
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT development
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(DIRECTORY include/eddy DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)

install(DIRECTORY conf/ DESTINATION ${CMAKE_INSTALL_DATADIR}/eddy COMPONENT program
  FILES_MATCHING PATTERN "*.yaml" PATTERN "*.rules.yml" PATTERN "*.grafana.json" PATTERN prompts EXCLUDE)

set(eddy_pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(eddy_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/eddy)
file(RELATIVE_PATH EDDY_PC_UP /${eddy_pc_dir} /)
file(RELATIVE_PATH EDDY_CMAKE_UP /${eddy_cmake_dir} /)
get_target_property(EDDY_SOVERSION eddy_shared SOVERSION)
configure_file(cmake/eddy.pc.in eddy.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/eddy.pc DESTINATION ${eddy_pc_dir}
  COMPONENT development)

include(CMakePackageConfigHelpers)
configure_file(cmake/eddyConfig.cmake.in eddyConfig.cmake @ONLY)
write_basic_package_version_file(eddyConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/eddyConfig.cmake ${PROJECT_BINARY_DIR}/eddyConfigVersion.cmake
  DESTINATION ${eddy_cmake_dir} COMPONENT development)
