# What is read by people and shells: man pages and completion for shells. eddy(1), eddy.yaml(5) and the
# completion are written by the program out of its own tables; scdoc makes pages of them. Without
# scdoc, and under sanitizers, there are none, and all else is as it was.
find_program(EDDY_SCDOC scdoc)
find_program(EDDY_GZIP gzip)
if(NOT EDDY_SCDOC OR NOT EDDY_GZIP)
  message(STATUS "man pages: left out, for want of scdoc")
endif()
if(EDDY_SANITIZE OR EDDY_FUZZ)
  return()
endif()

set(manual_made "")
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/man ${PROJECT_BINARY_DIR}/completion)
foreach(shell "bash;eddy;bash-completion/completions" "zsh;_eddy;zsh/vendor-completions"
    "fish;eddy.fish;fish/vendor_completions.d")
  list(GET shell 0 name)
  list(GET shell 1 file)
  list(GET shell 2 folder)
  set(made ${PROJECT_BINARY_DIR}/completion/${file})
  add_custom_command(OUTPUT ${made}
    COMMAND eddy_program completion ${name} > ${made} DEPENDS eddy_program VERBATIM)
  list(APPEND manual_made ${made})
  install(FILES ${made} DESTINATION ${CMAKE_INSTALL_DATADIR}/${folder} COMPONENT program)
endforeach()

if(EDDY_SCDOC AND EDDY_GZIP)
  foreach(page eddy.1 eddy.yaml.5 eddy-topics.7)
    set(made ${PROJECT_BINARY_DIR}/man/${page})
    set(source ${PROJECT_SOURCE_DIR}/man/${page}.scd)
    set(write "")
    if(NOT EXISTS ${source})
      set(source ${made}.scd)
      set(write COMMAND eddy_program help ${page} > ${source})
    endif()
    # SOURCE_DATE_EPOCH: the date of a page is that of no build; gzip -n keeps neither name nor time.
    add_custom_command(OUTPUT ${made}.gz ${write}
      COMMAND ${CMAKE_COMMAND} -E env SOURCE_DATE_EPOCH=0 ${EDDY_SCDOC} < ${source} > ${made}
      COMMAND ${EDDY_GZIP} -9nkf ${made}
      DEPENDS ${PROJECT_SOURCE_DIR}/man/eddy-topics.7.scd eddy_program VERBATIM)
    list(APPEND manual_made ${made}.gz)
    string(REGEX REPLACE ".*\\." "" section ${page})
    install(FILES ${made}.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT program)
  endforeach()
endif()
add_custom_target(eddy_manual ALL DEPENDS ${manual_made})
