# Debian packages: cpack --config build/release/CPackConfig.cmake gives eddy (program, manual, service),
# libeddy0 and libeddy-dev. What only Debian has (its documents, /etc, the unit) is put beside what is
# installed by debian.cmake, so that an installation elsewhere writes nothing outside its prefix.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME eddy)
# Who publishes packages gives an address that is answered.
set(EDDY_PACKAGE_CONTACT "The eddy authors <eddy@localhost.localdomain>" CACHE STRING
  "maintainer of the Debian packages, with an address")
set(CPACK_PACKAGE_CONTACT ${EDDY_PACKAGE_CONTACT})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program library development)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/debian.cmake)
set(CPACK_POST_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/debs.cmake)
set(CPACK_EDDY_SOURCE ${PROJECT_SOURCE_DIR})

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME eddy)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/cmake/conffiles)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libeddy0)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/cmake/triggers)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libeddy-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "libeddy0 (= ${PROJECT_VERSION}), libjansson-dev, libopenblas-dev, libutf8proc-dev")

# The first line is Debian's synopsis, the rest its description.
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "events in streams of text
eddy reads documents from Kafka topics, files or standard input, puts each
into an event or lets it found a new one, goes on repairing what it decided,
and writes down every step.")
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "events in streams of text - library
libeddy parses documents, embeds them and clusters them as they come. It has
no thread, no socket and no output of its own.")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "events in streams of text - development files
Headers that compile as C99 and C++, the static library, and what pkg-config
and CMake need to find libeddy.")
include(CPack)
