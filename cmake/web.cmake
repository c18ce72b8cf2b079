# cmake -DNODE=node -DNPM=npm -DIN=web -DWORK=build/web -DOUT=web.c -P web.cmake: the dashboard, bundled
# by esbuild out of its sources and of uPlot (both as web/package-lock.json pins them), as C arrays.
#
# Without Node, or where npm cannot fetch the two, the arrays are empty: the build goes on, and the
# program says what it misses when it is asked for its dashboard.
set(missing "")

macro(step) # what comes of it when it fails, and the command
  if(NOT missing)
    execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${WORK} RESULT_VARIABLE status
      OUTPUT_VARIABLE said ERROR_VARIABLE said)
    if(NOT status EQUAL 0)
      message(WARNING "${step_fails}\n${said}")
      set(missing "${step_fails}")
    endif()
  endif()
endmacro()

if(NODE AND NPM)
  file(COPY ${IN}/ DESTINATION ${WORK})
  file(SHA256 ${IN}/package-lock.json pinned)
  set(fetched "")
  if(EXISTS ${WORK}/fetched)
    file(READ ${WORK}/fetched fetched)
  endif()
  if(NOT fetched STREQUAL pinned)
    set(step_fails "this eddy was built without its dashboard: npm could not fetch esbuild and uPlot")
    step(${NPM} ci --ignore-scripts --no-audit --no-fund)
    if(NOT missing)
      file(WRITE ${WORK}/fetched ${pinned})
    endif()
  endif()
  set(step_fails "this eddy was built without its dashboard: esbuild refused its sources")
  step(${NODE} node_modules/esbuild/bin/esbuild main.js style.css --bundle --minify --format=esm
    --target=es2022 --charset=utf8 --legal-comments=none --entry-names=eddy --outdir=dist
    --log-level=warning)
  if(missing MATCHES "refused") # ours to mend
    message(FATAL_ERROR "${missing}")
  endif()
else()
  set(missing "this eddy was built without its dashboard: node and npm were not there")
  message(STATUS "dashboard: left out, node and npm are not there")
endif()
if(NOT missing)
  file(COPY ${WORK}/index.html DESTINATION ${WORK}/dist)
  file(READ ${WORK}/dist/eddy.js script)
  file(READ ${WORK}/node_modules/uplot/LICENSE license) # goes wherever uPlot goes
  file(WRITE ${WORK}/dist/eddy.js "/* With uPlot:\n${license}*/\n${script}")
endif()

file(WRITE ${OUT} "#include \"serve/web.h\"\n\nconst char ed_web_missing[] = \"${missing}\";\n")
foreach(pair "index.html;page" "eddy.js;script" "eddy.css;style")
  list(GET pair 0 file)
  list(GET pair 1 name)
  set(bytes "")
  if(NOT missing)
    file(READ ${WORK}/dist/${file} hex HEX)
    string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  endif()
  file(APPEND ${OUT} "static const unsigned char ${name}[] = {\n${bytes}0};\n"
    "const struct ed_web_file ed_web_${name} = {${name}, sizeof ${name} - 1};\n")
endforeach()
