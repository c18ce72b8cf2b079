/* Answers of chat endpoints: whatever comes is an answer or has a name, its text is of UTF-8 and
 * ends in a 0, and a complaint is one short line. */
#include "base/utf8.h"
#include "remote/envelope.h"
#include "remote/refusal.h"

#include <stdlib.h>
#include <string.h>

#define TRUE(x)                                                                                    \
    if (!(x))                                                                                      \
    abort()

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ed_answer answer;
    eddy_arena *arena = eddy_arena_new(0);
    eddy_str body = {(const char *)data, n};
    TRUE(ed_envelope_read(body, arena, &answer) == EDDY_OK);
    TRUE((answer.ending == ED_ENDING_WELL) == (answer.text.n > 0));
    TRUE(!answer.is_object || (*answer.text.at == '{' && answer.text.at[answer.text.n - 1] == '}'));
    TRUE(!answer.is_spun || answer.ending == ED_ENDING_CUT);
    if (answer.text.n) {
        TRUE(ed_utf8_valid(answer.text.at, answer.text.n) == answer.text.n);
        TRUE(answer.text.at[answer.text.n] == 0);
    }
    eddy_str said = ed_refusal_complaint(body, arena);
    TRUE(said.n <= 200 && ed_utf8_valid(said.at ? said.at : "", said.n) == said.n);
    for (size_t i = 0; i < said.n; i++)
        TRUE((unsigned char)said.at[i] >= ' ');
    eddy_arena_free(arena);
    return 0;
}
