/* Flags (a byte), a vocabulary, a zero byte, a text: ids stay below the vocabulary's size, stand
 * between [CLS] and [SEP], and a shorter cut is a beginning of a longer one. */
#include "embed/wordpiece.h"

#include <stdlib.h>
#include <string.h>

#define MAX 512

static const char specials[] = "[UNK]\n[CLS]\n[SEP]\n";

static void check(const struct ed_wordpiece *words, eddy_str text)
{
    static uint32_t all[MAX], some[MAX];
    size_t n = ed_wordpiece_read(words, text, all, MAX);
    if (n < 2 || n > MAX)
        abort();
    for (size_t i = 0; i < n; i++)
        if (all[i] >= ed_wordpiece_size(words))
            abort();
    size_t max = 2 + text.n % 20;
    size_t n_some = ed_wordpiece_read(words, text, some, max);
    if (n_some != (n < max ? n : max) || memcmp(all, some, (n_some - 1) * sizeof *all) != 0 ||
        some[n_some - 1] != all[n - 1])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 2)
        return 0;
    const struct ed_fold_flags flags = {data[0] & 1, data[0] & 2, data[0] & 4};
    const char *vocab = (const char *)data + 1;
    const char *end = memchr(vocab, 0, n - 1);
    size_t n_vocab = end ? (size_t)(end - vocab) : n - 1;
    char *whole = malloc(n_vocab + sizeof specials);
    if (!whole)
        return 0;
    memcpy(whole, specials, sizeof specials - 1);
    memcpy(whole + sizeof specials - 1, vocab, n_vocab);
    struct ed_wordpiece *words = NULL;
    if (ed_wordpiece_new(whole, n_vocab + sizeof specials - 1, &flags, "fuzz", &words, NULL) ==
        EDDY_OK)
        check(words, (eddy_str){end ? end + 1 : "", end ? n - 2 - n_vocab : 0});
    ed_wordpiece_free(words);
    free(whole);
    return 0;
}
