# The bill of materials: what eddy is made of, as SPDX 2.3 in JSON, with the versions that this build
# found: the libraries that it links itself. None is copied in; the C library comes with the system.
set(sbom_packages "")
set(sbom_relationships "")
function(sbom_package id name version license relationship)
  string(APPEND sbom_packages ",
  {\"SPDXID\": \"SPDXRef-${id}\", \"name\": \"${name}\", \"versionInfo\": \"${version}\",
   \"downloadLocation\": \"NOASSERTION\", \"filesAnalyzed\": false, \"licenseConcluded\": \"NOASSERTION\",
   \"licenseDeclared\": \"${license}\", \"copyrightText\": \"NOASSERTION\"}")
  string(APPEND sbom_relationships ",
  {\"spdxElementId\": \"SPDXRef-eddy\", \"relationshipType\": \"${relationship}\",
   \"relatedSpdxElement\": \"SPDXRef-${id}\"}")
  set(sbom_packages "${sbom_packages}" PARENT_SCOPE)
  set(sbom_relationships "${sbom_relationships}" PARENT_SCOPE)
endfunction()
sbom_package(curl libcurl "${curl_VERSION}" curl DYNAMIC_LINK)
sbom_package(jansson jansson "${jansson_VERSION}" MIT DYNAMIC_LINK)
sbom_package(lz4 liblz4 "${lz4_VERSION}" BSD-2-Clause DYNAMIC_LINK)
sbom_package(microhttpd libmicrohttpd "${microhttpd_VERSION}" LGPL-2.1-or-later DYNAMIC_LINK)
sbom_package(ncursesw ncurses "${ncursesw_VERSION}" X11-distribute-modifications-variant DYNAMIC_LINK)
sbom_package(openblas OpenBLAS "${openblas_VERSION}" BSD-3-Clause DYNAMIC_LINK)
sbom_package(rdkafka librdkafka "${rdkafka_VERSION}" BSD-2-Clause DYNAMIC_LINK)
sbom_package(utf8proc utf8proc "${utf8proc_VERSION}" MIT DYNAMIC_LINK)
sbom_package(yaml libyaml "${yaml_VERSION}" MIT DYNAMIC_LINK)
# Its functions are inline in its header, and so in the program.
sbom_package(xxhash xxHash "${xxhash_VERSION}" BSD-2-Clause STATIC_LINK)

# Its name is its own: other versions, another name. SOURCE_DATE_EPOCH is heeded.
string(SHA256 SBOM_DIGEST "${PROJECT_VERSION}${sbom_packages}")
string(TIMESTAMP SBOM_DATE "%Y-%m-%dT%H:%M:%SZ" UTC)
string(REGEX REPLACE "^," "" sbom_relationships "${sbom_relationships}")
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/eddy.spdx.json @ONLY CONTENT [[{"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
 "name": "eddy-@PROJECT_VERSION@",
 "documentNamespace": "https://spdx.org/spdxdocs/eddy-@PROJECT_VERSION@-@SBOM_DIGEST@",
 "creationInfo": {"created": "@SBOM_DATE@", "creators": ["Tool: eddy-cmake-sbom"]},
 "documentDescribes": ["SPDXRef-eddy"],
 "packages": [
  {"SPDXID": "SPDXRef-eddy", "name": "eddy", "versionInfo": "@PROJECT_VERSION@",
   "downloadLocation": "NOASSERTION", "filesAnalyzed": false, "licenseConcluded": "MIT",
   "licenseDeclared": "MIT", "copyrightText": "Copyright (c) 2026 The eddy authors"}@sbom_packages@],
 "relationships": [@sbom_relationships@]}
]])
install(FILES ${PROJECT_BINARY_DIR}/eddy.spdx.json DESTINATION ${CMAKE_INSTALL_DOCDIR}
  COMPONENT program)
