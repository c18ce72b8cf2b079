# cmake -DOUT=FILE -DDIR=conf/prompts -DNAMES=name,same,... -P prompts.cmake
# The prompts as C strings, in the order of the names: what is compiled in is what conf/prompts says.
string(REPLACE "," ";" NAMES "${NAMES}")
set(text "/* Made from conf/prompts by cmake/prompts.cmake. */\n")
string(APPEND text "extern const char *const ed_prompt_texts[];\nconst char *const ed_prompt_texts[] = {\n")
foreach(name ${NAMES})
  file(READ ${DIR}/${name}.md prompt)
  string(REPLACE "\\" "\\\\" prompt "${prompt}")
  string(REPLACE "\"" "\\\"" prompt "${prompt}")
  string(REPLACE "\n" "\\n\"\n    \"" prompt "${prompt}")
  string(APPEND text "    \"${prompt}\",\n")
endforeach()
string(APPEND text "};\n")
file(WRITE ${OUT} "${text}")
