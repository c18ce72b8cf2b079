/* A tokenizer.json, a form feed, a text: what opens keeps the promises of embed/tokenizer.h, what
 * is refused names the model and leaves the answers alone. */
#include "embed/tokenizer.h"

#include <eddy/error.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64], path[96];

static void folder_remove(void)
{
    unlink(path);
    rmdir(folder);
}

static void folder_make(void)
{
    const char *temp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.40s/eddy-tok-XXXXXX", temp ? temp : "/tmp");
    if (!mkdtemp(folder))
        abort();
    snprintf(path, sizeof path, "%s/tokenizer.json", folder);
    atexit(folder_remove);
}

static void check(const struct ed_tokenizer *tok, eddy_str text)
{
    eddy_arena *arena = eddy_arena_new(0);
    struct ed_token_work *one = ed_token_work_new(arena), *two = ed_token_work_new(arena);
    const uint32_t *all, *some;
    size_t n, n_some, around = ed_tokenizer_around(tok), max = around + 1 + text.n % 20;
    if (ed_tokenizer_read(tok, one, text, 100000, &all, &n, NULL) != EDDY_OK ||
        ed_tokenizer_read(tok, two, text, max, &some, &n_some, NULL) != EDDY_OK)
        abort();
    if (n < around || n_some != (n < max ? n : max))
        abort();
    for (size_t i = 0; i < n; i++)
        if (all[i] >= ed_tokenizer_size(tok))
            abort();
    eddy_arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (!*folder)
        folder_make();
    const uint8_t *end = n ? memchr(data, '\f', n) : NULL;
    size_t n_file = end ? (size_t)(end - data) : n;
    FILE *out = fopen(path, "wb");
    if (!out || (n_file && fwrite(data, 1, n_file, out) != n_file) || fclose(out) != 0)
        abort();
    const struct ed_tokenizer_options options = {.fold = {1, 1, 1}, .bare = (int)(n & 1)};
    struct ed_tokenizer *tok = NULL;
    uint64_t fingerprint = 1;
    eddy_error err = {0};
    eddy_status st = ed_tokenizer_open(folder, &options, &fingerprint, &tok, &err);
    if (st == EDDY_OK)
        check(tok, (eddy_str){end ? (const char *)end + 1 : "", end ? n - n_file - 1 : 0});
    else if (tok || fingerprint != 1 || !strstr(err.text, folder))
        abort();
    ed_tokenizer_free(tok);
    return 0;
}
