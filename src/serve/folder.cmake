eddy_folder(serve SOURCES facts.c board.c exposition.c server.c routes.c page.c events.c sources.c history.c feed.c streams.c operations.c dashboard.c
  LINK PkgConfig::microhttpd PkgConfig::utf8proc)

# The description of the API goes into the program.
set(openapi ${PROJECT_BINARY_DIR}/openapi.c)
add_custom_command(OUTPUT ${openapi}
  COMMAND ${CMAKE_COMMAND} -DIN=${PROJECT_SOURCE_DIR}/src/serve/openapi.json -DOUT=${openapi}
    -DHEADER=serve/openapi.h -DNAME=ed_openapi -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  DEPENDS ${PROJECT_SOURCE_DIR}/src/serve/openapi.json ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  VERBATIM)
target_sources(ed_serve PRIVATE ${openapi})

# So does the dashboard, where Node is there to bundle it.
find_program(EDDY_NODE NAMES node nodejs)
find_program(EDDY_NPM npm)
set(web ${PROJECT_BINARY_DIR}/web.c)
file(GLOB web_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/web/*)
add_custom_command(OUTPUT ${web}
  COMMAND ${CMAKE_COMMAND} -DNODE=${EDDY_NODE} -DNPM=${EDDY_NPM} -DIN=${PROJECT_SOURCE_DIR}/web
    -DWORK=${PROJECT_BINARY_DIR}/web -DOUT=${web} -P ${PROJECT_SOURCE_DIR}/cmake/web.cmake
  DEPENDS ${web_sources} ${PROJECT_SOURCE_DIR}/cmake/web.cmake
  COMMENT "Bundling the dashboard"
  VERBATIM)
target_sources(ed_serve PRIVATE ${web})
