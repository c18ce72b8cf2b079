/* One JSON message of any bytes: accepted and whole, or rejected with a reason. */
#include <eddy/doc.h>

#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void require(int holds)
{
    if (!holds)
        abort();
}

static void require_text(eddy_str s)
{
    require(s.n == 0 || (s.at[s.n] == 0 && ed_utf8_valid(s.at, s.n) == s.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    eddy_parse_options options;
    eddy_parse_options_init(&options);
    options.group_path = "/meta/team";
    options.keyphrases_path = "/tags";
    options.dense_path = "/dense";
    options.dense_dim = 3;
    options.n_extra = 1;
    options.extra_path[0] = "/extra/0";
    options.extra_dim[0] = 2;
    options.document_max = 1 << 16;
    eddy_parser *parser = NULL;
    require(eddy_parser_new(&options, &parser, NULL) == EDDY_OK);
    eddy_arena *arena = eddy_arena_new((size_t)1 << 24);
    eddy_raw raw = {
        .bytes = (const char *)data, .n = size, .broker_ms = 1, .position = {"t", 0, 9}};
    eddy_doc doc;
    eddy_reject reject;
    char detail[100];
    eddy_status st =
        eddy_parser_parse(parser, &raw, arena, &doc, &reject, detail, sizeof detail, NULL);
    require(st == EDDY_OK && reject < EDDY_REJECTS);
    if (reject == EDDY_ACCEPTED) {
        require(doc.id.n > 0 && doc.time_ms >= 0);
        require(doc.text.n || doc.title.n || doc.dense || doc.extra[0]);
        require_text(doc.id);
        require_text(doc.title);
        require_text(doc.text);
        require_text(doc.language);
        require_text(doc.source);
        require_text(doc.group);
        if (doc.dense)
            require(fabsf(doc.dense[0]) <= 1 && isfinite(doc.dense[1] + doc.dense[2]));
    } else {
        require(detail[0] != 0 && strlen(detail) < sizeof detail);
    }
    eddy_arena_free(arena);
    eddy_parser_free(parser);
    return 0;
}
