/* One raw line of any bytes: only what is no text, or nothing, is rejected. */
#include <eddy/doc.h>

#include "base/utf8.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    eddy_parse_options options;
    eddy_parse_options_init(&options);
    options.format = EDDY_FORMAT_LINES;
    eddy_parser *parser = NULL;
    if (eddy_parser_new(&options, &parser, NULL) != EDDY_OK)
        abort();
    eddy_arena *arena = eddy_arena_new(0);
    eddy_raw raw = {.bytes = (const char *)data, .n = size, .position = {"t", 0, 9}};
    eddy_doc doc;
    eddy_reject reject;
    if (eddy_parser_parse(parser, &raw, arena, &doc, &reject, NULL, 0, NULL) != EDDY_OK)
        abort();
    if (reject == EDDY_ACCEPTED) {
        for (size_t i = 0; i < doc.text.n; i++)
            if ((unsigned char)doc.text.at[i] < ' ')
                abort();
        if (doc.text.n == 0 || doc.text.n > size)
            abort();
    } else if (reject == EDDY_REJECT_UTF8) {
        if (ed_utf8_valid((const char *)data, size) == size)
            abort();
    } else if (reject != EDDY_REJECT_TEXT && !(reject == EDDY_REJECT_TOMBSTONE && !data)) {
        abort();
    }
    eddy_arena_free(arena);
    eddy_parser_free(parser);
    return 0;
}
