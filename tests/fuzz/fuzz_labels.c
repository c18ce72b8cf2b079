/* A file of gold labels, any bytes: a line that is refused is named, and a file that is taken says
 * the same when it is read twice. */
#include "cli/labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 1: all lines are taken. The lines are those that the source of files gives. */
static int read_all(struct ed_labels *labels, const char *data, size_t n)
{
    int64_t number = 0;
    for (size_t at = 0; at < n; number++) {
        const char *end = memchr(data + at, '\n', n - at);
        size_t n_line = end ? (size_t)(end - data) - at : n - at;
        char *copy = malloc(n_line ? n_line : 1); /* so that one byte too far is seen */
        memcpy(copy, data + at, n_line);
        eddy_raw line = {.bytes = copy, .n = n_line, .position = {"gold", 0, number}};
        eddy_error err = {0};
        eddy_status st = n_line ? ed_labels_line(labels, &line, &err) : EDDY_OK;
        char place[32];
        snprintf(place, sizeof place, "gold:%" PRId64 ": ", number + 1);
        if (st != EDDY_OK && (st != EDDY_FORMAT || strncmp(err.text, place, strlen(place)) != 0))
            abort();
        free(copy);
        if (st != EDDY_OK)
            return 0;
        at += n_line + 1;
    }
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ed_labels labels;
    if (ed_labels_init(&labels, "/id", "/of/0", NULL) != EDDY_OK)
        abort();
    if (read_all(&labels, (const char *)data, n)) {
        size_t n_labels = labels.of.n;
        if (!read_all(&labels, (const char *)data, n) || labels.of.n != n_labels)
            abort();
    }
    ed_labels_clear(&labels);
    return 0;
}
