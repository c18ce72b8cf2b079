/* Logs of the labelled sets, and lines with what they should be, for the tests of layouts. */
#ifndef EDDY_LAYOUT_SUPPORT_H
#define EDDY_LAYOUT_SUPPORT_H

#include "test.h"

#include <eddy/layout.h>

#include <jansson.h>
#include <unistd.h>

/* One labelled set of log lines; everything is the caller's until log_clear. */
struct log_set {
    eddy_str *raw, *text; /* (n) */
    int64_t *time_ms;     /* (n) */
    size_t n;
    json_t *documents;
};

static const char *const log_names[] = {"android",   "apache",  "bgl",       "hdfs",
                                        "healthapp", "hpc",     "openssh",   "proxifier",
                                        "spark",     "windows", "zookeeper", NULL};

/* 0: the set is absent. */
static inline int log_read(const char *name, struct log_set *ret)
{
    const char *data = getenv("EDDY_DATA");
    char path[1100], command[1200];
    char *line = NULL;
    size_t room = 0;
    snprintf(path, sizeof path, "%s/log_%s.jsonl.gz", data ? data : "../shared/data", name);
    if (access(path, R_OK) != 0)
        return 0;
    snprintf(command, sizeof command, "gzip -dc '%s'", path);
    FILE *in = popen(command, "r");
    assert_non_null(in);
    *ret = (struct log_set){.documents = json_array()};
    while (getline(&line, &room, in) > 0)
        assert_int_equal(json_array_append_new(ret->documents, json_loads(line, 0, NULL)), 0);
    free(line);
    pclose(in);
    ret->n = json_array_size(ret->documents);
    ret->raw = calloc(ret->n, sizeof *ret->raw);
    ret->text = calloc(ret->n, sizeof *ret->text);
    ret->time_ms = calloc(ret->n, sizeof *ret->time_ms);
    for (size_t i = 0; i < ret->n; i++) {
        const json_t *doc = json_array_get(ret->documents, i);
        const json_t *raw = json_object_get(doc, "raw"), *text = json_object_get(doc, "text");
        ret->raw[i] = (eddy_str){json_string_value(raw), json_string_length(raw)};
        ret->text[i] = (eddy_str){json_string_value(text), json_string_length(text)};
        ret->time_ms[i] = json_integer_value(json_object_get(doc, "ts"));
    }
    return 1;
}

static inline void log_clear(struct log_set *set)
{
    json_decref(set->documents);
    free(set->raw);
    free(set->text);
    free(set->time_ms);
}

static inline eddy_str str(const char *s)
{
    return (eddy_str){s, strlen(s)};
}

static inline int is_same(eddy_str a, eddy_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.at, b.at, a.n) == 0);
}

#endif
