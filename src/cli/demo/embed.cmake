# cmake -DIN=newsday.jsonl -DOUT=newsday.c -P embed.cmake: a file as a C array.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${OUT} "#include \"cli/demo/newsday.h\"\n\nconst unsigned char ed_newsday[] = {\n${bytes}0};\nconst size_t ed_newsday_n = sizeof ed_newsday - 1;\n")
