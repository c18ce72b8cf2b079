eddy_folder(serve SOURCES facts.c board.c exposition.c server.c routes.c events.c streams.c operations.c
  LINK PkgConfig::microhttpd PkgConfig::utf8proc)

# The description of the API goes into the program.
set(openapi ${PROJECT_BINARY_DIR}/openapi.c)
add_custom_command(OUTPUT ${openapi}
  COMMAND ${CMAKE_COMMAND} -DIN=${PROJECT_SOURCE_DIR}/src/serve/openapi.json -DOUT=${openapi}
    -DHEADER=serve/openapi.h -DNAME=ed_openapi -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  DEPENDS ${PROJECT_SOURCE_DIR}/src/serve/openapi.json ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  VERBATIM)
target_sources(ed_serve PRIVATE ${openapi})
