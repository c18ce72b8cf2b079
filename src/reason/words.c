/* Words: how alike two short texts are, by the words in them.
 *
 * For titles only: a test that is independent of the engine's vectors, where both must agree. */
#include "reason/inside.h"

#include "base/utf8.h"

#include <utf8proc.h>

static int is_word(int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND: return 1;
    default: return 0;
    }
}

int ed_words_hold(const struct ed_words *words, uint64_t hash)
{
    for (size_t i = 0; i < words->n; i++)
        if (words->hash[i] == hash)
            return 1;
    return 0;
}

void ed_words_add(struct ed_words *words, eddy_str text)
{
    uint64_t h = ED_FNV_BASIS;
    size_t letters = 0;
    for (size_t i = 0; i <= text.n;) {
        int32_t c = -1;
        i += i < text.n ? ed_utf8_next(text.at + i, text.n - i, &c) : 1;
        if (c >= 0 && is_word(c)) {
            c = utf8proc_tolower(c);
            h = ed_fnv1a(h, &c, sizeof c);
            letters++;
            continue;
        }
        if (letters && words->n < WORDS_MAX && !ed_words_hold(words, h))
            words->hash[words->n++] = h;
        h = ED_FNV_BASIS;
        letters = 0;
    }
}

size_t ed_words_common(const struct ed_words *a, const struct ed_words *b)
{
    size_t both = 0;
    for (size_t i = 0; i < a->n; i++)
        both += (size_t)ed_words_hold(b, a->hash[i]);
    return both;
}

double ed_words_alike(const struct ed_words *a, const struct ed_words *b)
{
    size_t both = ed_words_common(a, b);
    size_t all = a->n + b->n - both;
    return all ? (double)both / (double)all : 0;
}
