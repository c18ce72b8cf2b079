# Run by cpack when all is installed into folders, one a package, and before they are packed: adds what
# only Debian has.
set(source ${CPACK_EDDY_SOURCE})
set(folder ${CPACK_TEMPORARY_INSTALL_DIRECTORY})
find_program(gzip gzip REQUIRED)
find_program(strip strip REQUIRED)
file(GLOB_RECURSE archives ${folder}/development/*.a)
execute_process(COMMAND ${strip} --strip-debug --enable-deterministic-archives ${archives}
  COMMAND_ERROR_IS_FATAL ANY)

# Its date is that of the sources where they say one, so that the same sources give the same bytes.
if(DEFINED ENV{SOURCE_DATE_EPOCH})
  string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
else()
  set(date "Thu, 01 Jan 2026 00:00:00 +0000")
endif()
foreach(pair program:eddy library:libeddy0 development:libeddy-dev)
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 component)
  list(GET pair 1 package)
  set(doc ${folder}/${component}/usr/share/doc/${package})
  file(MAKE_DIRECTORY ${doc})
  configure_file(${source}/LICENSE ${doc}/copyright COPYONLY)
  file(WRITE ${doc}/changelog "eddy (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium

  * CHANGELOG.md of the sources tells what is new.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
  execute_process(COMMAND ${gzip} -9n ${doc}/changelog COMMAND_ERROR_IS_FATAL ANY)
endforeach()
# What lintian is told not to ask.
file(WRITE ${folder}/library/usr/share/lintian/overrides/libeddy0
"# cpack itself writes a postinst with ldconfig for every library.
libeddy0: maintscript-calls-ldconfig
")
file(WRITE ${folder}/development/usr/share/lintian/overrides/libeddy-dev
"# It looks from its own place, wherever that is; it is in /usr/lib unless CMAKE_INSTALL_LIBDIR says
# another.
libeddy-dev: pkg-config-unavailable-for-cross-compilation
")
file(COPY ${source}/conf/eddy.yaml DESTINATION ${folder}/program/etc/eddy)
file(COPY ${source}/conf/eddy.service DESTINATION ${folder}/program/lib/systemd/system)
# Whoever builds under a umask of his own does not hand it on.
find_program(chmod chmod REQUIRED)
execute_process(COMMAND ${chmod} -R u=rwX,go=rX ${folder}/program ${folder}/library ${folder}/development
  COMMAND_ERROR_IS_FATAL ANY)
