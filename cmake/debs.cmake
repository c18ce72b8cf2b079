# Run by cpack when its packages are there: dpkg-deb makes each once more out of what is in it, because
# the outermost layer that cpack itself writes shows the umask of whoever ran it.
find_program(dpkg_deb dpkg-deb REQUIRED)
find_program(chmod chmod REQUIRED)
foreach(deb ${CPACK_PACKAGE_FILES})
  set(tree ${deb}.tree)
  foreach(step "${dpkg_deb};--raw-extract;${deb};${tree}" "${chmod};755;${tree};${tree}/DEBIAN"
      "${dpkg_deb};--root-owner-group;--build;${tree};${deb}")
    execute_process(COMMAND ${step} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
  file(REMOVE_RECURSE ${tree})
endforeach()
