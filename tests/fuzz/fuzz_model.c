/* The JSON files of a model, parted by form feeds, in the order below; an empty one is not there.
 * What is taken keeps the promises of embed/config.h, what is refused names the model and leaves
 * the answer alone. */
#include "embed/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const names[] = {"config.json",           "modules.json",
                                    "1_Pooling/config.json", "sentence_bert_config.json",
                                    "tokenizer.json",        "tokenizer_config.json"};
enum { FILES = sizeof names / sizeof *names };

static char folder[64];

static const char *path(const char *name)
{
    static char ret[128];
    snprintf(ret, sizeof ret, "%s/%s", folder, name);
    return ret;
}

static void folder_remove(void)
{
    for (size_t i = 0; i < FILES; i++)
        unlink(path(names[i]));
    rmdir(path("1_Pooling"));
    rmdir(folder);
}

static void folder_make(void)
{
    const char *temp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.40s/eddy-model-XXXXXX", temp ? temp : "/tmp");
    if (!mkdtemp(folder) || mkdir(path("1_Pooling"), 0700) != 0)
        abort();
    atexit(folder_remove);
}

static void file_put(const char *name, const char *bytes, size_t n)
{
    unlink(path(name));
    if (!n)
        return;
    FILE *out = fopen(path(name), "wb");
    if (!out || fwrite(bytes, 1, n, out) != n || fclose(out) != 0)
        abort();
}

static void check(const struct ed_encoder_config *c)
{
    if (!c->hidden || !c->layers || !c->heads || !c->inner || !c->pieces || !c->types ||
        c->hidden % c->heads || c->limit < 2 || c->limit > c->positions)
        abort();
    if (!(c->norm_eps > 0 && c->norm_eps < 1) || c->activation > ED_RELU ||
        c->pooling > ED_POOL_CLS)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (!*folder)
        folder_make();
    const char *at = (const char *)data;
    for (size_t i = 0; i < FILES; i++) {
        const char *end = n ? memchr(at, '\f', n) : NULL;
        size_t n_file = end ? (size_t)(end - at) : n;
        file_put(names[i], at, n_file);
        at += n_file + (end != NULL);
        n -= n_file + (end != NULL);
    }
    struct ed_encoder_config config, before;
    eddy_error err = {0};
    memset(&config, 0xA5, sizeof config);
    before = config;
    eddy_status st = ed_encoder_config_read(folder, &config, &err);
    if (st == EDDY_OK)
        check(&config);
    else if ((st != EDDY_FORMAT && st != EDDY_UNAVAILABLE) || !strstr(err.text, folder) ||
             memcmp(&config, &before, sizeof config) != 0)
        abort();
    return 0;
}
