/* Any bytes as the file of a store: what is loaded can be loaded again, goes on, and is the same
 * after a rewrite; what is refused is named and left alone.
 *
 * The first byte of the input decides what the bytes are: those of the file, or those of the
 * content of its frames, which no mutation would get past the checksum of LZ4. */
#include "journal/frame.h"
#include "journal/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static void path_remove(void)
{
    static const char *const ends[] = {"", ".lock", ".new"};
    char name[80];
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

static void path_make(void)
{
    const char *temp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%.40s/eddy-store-XXXXXX", temp ? temp : "/tmp");
    int fd = mkstemp(path);
    if (fd < 0)
        abort();
    close(fd);
    atexit(path_remove);
}

static void put(FILE *out, const void *p, size_t n)
{
    if (n && fwrite(p, 1, n, out) != n)
        abort();
}

/* Each piece up to a form feed is the content of a frame. */
static void frames_put(FILE *out, const char *at, size_t n)
{
    struct ed_frames frames;
    ed_frames_init(&frames);
    put(out, "eddystor\1\0\0\0", 12);
    while (n) {
        const char *end = memchr(at, '\f', n);
        size_t n_piece = end ? (size_t)(end - at) : n;
        if (n_piece && ed_frame_pack(&frames, (eddy_str){at, n_piece}, NULL) != EDDY_OK)
            abort();
        if (n_piece)
            put(out, frames.packed.at, frames.packed.n);
        at += n_piece + (end != NULL);
        n -= n_piece + (end != NULL);
    }
    ed_frames_clear(&frames);
}

static void file_put(const char *data, size_t n)
{
    FILE *out = fopen(path, "wb");
    if (!out)
        abort();
    if (n && *data == 'c')
        frames_put(out, data + 1, n - 1);
    else if (n)
        put(out, data + 1, n - 1);
    if (fclose(out) != 0)
        abort();
}

struct sum {
    uint64_t keys, records;
};

static eddy_status take(void *user, const eddy_record *record, eddy_error *err)
{
    struct sum *sum = user;
    (void)err;
    if (!record->key || !record->value.at)
        abort();
    sum->keys += record->key;
    sum->records++;
    return EDDY_OK;
}

/* Load it; 0: refused. */
static int load(struct ed_store *store, struct sum *sum, eddy_str *head)
{
    eddy_error err = {0};
    *sum = (struct sum){0};
    eddy_status st = ed_store_load(store, take, sum, head, &err);
    if (st != EDDY_OK && (st != EDDY_FORMAT || !strstr(err.text, path)))
        abort();
    if (st == EDDY_OK && sum->records && !head->at)
        abort();
    return st == EDDY_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ed_store *store = NULL;
    struct sum first, second;
    eddy_str head = {NULL, 0};
    if (!*path)
        path_make();
    file_put((const char *)data, n);
    if (ed_store_open(path, 0, &store, NULL) != EDDY_OK)
        abort();
    int taken = load(store, &first, &head);
    if (taken) {
        ed_store_rewrite_from(store, 64); /* if most of it is outdated */
        if (ed_store_append(store, (eddy_str){"head", 4}, NULL, 0, NULL) != EDDY_OK)
            abort();
    }
    ed_store_close(store);
    if (!taken)
        return 0;
    if (ed_store_open(path, 0, &store, NULL) != EDDY_OK || !load(store, &second, &head))
        abort();
    if (head.n != 4 || memcmp(&first, &second, sizeof first) != 0)
        abort();
    ed_store_close(store);
    return 0;
}
