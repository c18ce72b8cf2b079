/* Envelope: the dialect of /v1/chat/completions, written and read.
 *
 * "OpenAI-compatible" is a family of dialects: how an answer is held to a schema, and what the
 * limits are called, differs by server and by version. A dialect says how we speak to one. */
#ifndef ED_REMOTE_ENVELOPE_H
#define ED_REMOTE_ENVELOPE_H

#include "base/bytes.h"

#include <eddy/reason.h>

/* How an answer is held to its schema: from the strictest to nothing at all. */
enum ed_form {
    ED_FORM_SCHEMA,        /* response_format json_schema: OpenAI, vLLM, llama.cpp, Ollama */
    ED_FORM_OBJECT_SCHEMA, /* json_object with a schema beside it: llama-cpp-python, Together */
    ED_FORM_OBJECT,        /* json_object: any JSON object */
    ED_FORM_TEXT,          /* only asked for in words */
    ED_FORMS
};

struct ed_dialect {
    enum ed_form form;
    int max_completion_tokens; /* 1: that is the name of max_tokens there */
    int no_temperature, no_seed;
};

/* Add the body of a request. Every form but the first repeats the schema in words. Fails as bytes
 * do. */
void ed_envelope_write(struct ed_bytes *b, const char *model, const eddy_request *request,
                       const struct ed_dialect *dialect);

enum ed_ending {
    ED_ENDING_WELL,
    ED_ENDING_CUT,      /* at max_tokens */
    ED_ENDING_FILTERED, /* by the endpoint */
    ED_ENDING_REFUSED,  /* by the model */
    ED_ENDING_TOOL,     /* it calls a tool instead, though none is there */
    ED_ENDING_EMPTY,    /* nothing but blanks */
    ED_ENDING_NOT_CHAT, /* not the JSON that it should be */
    ED_ENDINGS
};

struct ed_answer {
    enum ed_ending ending;
    eddy_str text;                  /* WELL; without the thoughts before it (<think>) */
    int is_object;                  /* 1: the text is one JSON object */
    int is_spun;                    /* CUT: 1: it was spinning: blanks, and no end */
    uint64_t tokens_in, tokens_out; /* also where it did not end well; 0: not told */
};

/* Read an answer; its text is copied into the arena. EDDY_NOMEM: nothing can be said of it.
 * JSON deeper than 2,048 levels is not chat; memory up to twenty times the body, for the call. */
eddy_status ed_envelope_read(eddy_str body, eddy_arena *arena, struct ed_answer *ret);

#endif
