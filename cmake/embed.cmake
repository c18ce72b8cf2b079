# cmake -DIN=newsday.jsonl -DOUT=newsday.c -DHEADER=cli/demo/newsday.h -DNAME=ed_newsday -P
# embed.cmake: a file as a C array, NAME with NAME_n bytes.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${OUT} "#include \"${HEADER}\"\n\nconst unsigned char ${NAME}[] = {\n${bytes}0};\nconst size_t ${NAME}_n = sizeof ${NAME} - 1;\n")
