# The prompts of conf/prompts are compiled in, in the order of enum eddy_prompt.
set(prompt_names name same odd place plan group keyphrases topic)
set(prompt_files ${prompt_names})
list(TRANSFORM prompt_files PREPEND ${PROJECT_SOURCE_DIR}/conf/prompts/)
list(TRANSFORM prompt_files APPEND .md)
list(JOIN prompt_names "," prompt_list)
add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/prompts.c
  COMMAND ${CMAKE_COMMAND} -DOUT=${PROJECT_BINARY_DIR}/prompts.c
    -DDIR=${PROJECT_SOURCE_DIR}/conf/prompts -DNAMES=${prompt_list}
    -P ${PROJECT_SOURCE_DIR}/cmake/prompts.cmake
  DEPENDS ${prompt_files} ${PROJECT_SOURCE_DIR}/cmake/prompts.cmake VERBATIM)

eddy_folder(reason
  SOURCES reasoner.c statistics.c describe.c words.c plain.c questions.c prompt.c request.c ask.c extract.c answers.c
    verdicts.c known.c waiting.c budget.c cache.c keyphrases.c
  LINK PkgConfig::jansson PkgConfig::utf8proc)
target_sources(ed_reason PRIVATE ${PROJECT_BINARY_DIR}/prompts.c)
