/* Epochs in files: JSON Lines that grow by whole epochs, and a store that tells how far they count.
 *
 * An epoch's lines are gathered in memory and written in one go. When that fails half-way, a
 * regular file is cut back to where the epoch began: no line is ever torn, and a retry doubles
 * nothing.
 *
 * With a store an epoch counts from the moment its frame is on the disk: the frame holds the
 * records, the offsets, and how long each output is. Lines are flushed before it, so what it tells
 * of is there; a run that is taken up cuts off what it does not tell of. A run that ended tells so
 * (mark.ended 1), then gives its outputs their names, then tells that too (2, which only this file
 * ever sees): killed anywhere in between, the next start does the rest.
 *
 * Beside the engine's records the store holds the name of each output (kind 255), so that outputs
 * which were swapped, dropped or added between two starts are refused and not cut to a length that
 * is another's. Names only, without their folders: those may move. */
#include "journal/inside.h"

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/point.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/disk.h"
#include "journal/output.h"
#include "journal/store.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#define KIND_SHIFT 56
#define KIND_NAMES UINT64_C(255)
#define WAY_OUT    "to begin anew, choose another --journal folder or remove this file"

enum { ENDED = 1, NAMED = 2 }; /* mark.ended in the store */

struct files {
    struct ed_journal journal;
    const char *paths[ED_TOPICS]; /* owned; NULL: not kept */
    struct ed_output outputs[ED_TOPICS];
    struct ed_output *of_topic[ED_TOPICS]; /* NULL: not kept */
    int failed;                            /* the last commit was */
    struct ed_head head;                   /* after the last epoch that counts */
    uint64_t fingerprint;

    struct ed_store *store; /* NULL: none; then the rest is not used */
    char *store_path;
    char *names[ED_TOPICS]; /* of the outputs, as the store has them; owned */
    struct ed_bytes bytes;  /* of a head */
    int restored, named;    /* commits may come; the outputs have their names */

    atomic_uint_fast64_t epochs, aborted, records, record_bytes, restored_records;
    atomic_int_fast64_t restore_ms;
    atomic_int from_store;
};

/* ---- lines ---- */

static void put_text(struct ed_bytes *b, const char *key, eddy_str s)
{
    ed_json_key(b, key);
    if (s.at)
        ed_json_text(b, s.at, s.n);
    else
        ed_json_null(b);
}

/* A header that holds a number goes in as it is. */
static void put_number(struct ed_bytes *b, const char *key, eddy_str s)
{
    long long x = -1;
    if (s.at)
        sscanf(s.at, "%lld", &x);
    ed_json_key(b, key);
    ed_json_integer(b, x);
}

static void put_bytes(struct ed_bytes *b, const char *key, const char *key_base64, eddy_str s)
{
    if (!s.at || ed_utf8_valid(s.at, s.n) == s.n) {
        put_text(b, key, s);
    } else {
        ed_json_key(b, key_base64);
        ed_json_base64(b, s.at, s.n);
    }
}

static void put_dead(struct ed_bytes *b, const struct ed_message *m)
{
    ed_json_open(b, '{');
    put_text(b, "reason", ed_header_last(m->headers, m->n_headers, ED_HEADER_DEAD_CODE));
    put_text(b, "detail", ed_header_last(m->headers, m->n_headers, ED_HEADER_DEAD_MESSAGE));
    put_text(b, "topic", ed_header_last(m->headers, m->n_headers, ED_HEADER_DEAD_TOPIC));
    put_number(b, "partition", ed_header_last(m->headers, m->n_headers, ED_HEADER_DEAD_PARTITION));
    put_number(b, "offset", ed_header_last(m->headers, m->n_headers, ED_HEADER_DEAD_OFFSET));
    put_bytes(b, "key", "key_base64", m->key);
    put_bytes(b, "value", "value_base64", m->value);
    ed_json_close(b, '}');
}

static void lines_gather(struct files *f, const struct ed_epoch *epoch)
{
    for (size_t i = 0; i < epoch->n_messages; i++) {
        const struct ed_message *m = &epoch->messages[i];
        struct ed_output *out = f->of_topic[m->topic];
        if (!out || (!m->value.at && m->topic != ED_DEAD)) /* a tombstone has no line */
            continue;
        if (m->topic == ED_DEAD)
            put_dead(&out->lines, m);
        else
            ed_bytes_add(&out->lines, m->value.at, m->value.n);
        ed_bytes_add(&out->lines, "\n", 1);
    }
}

/* ---- commit ---- */

/* Nothing of an epoch stays in any file: also those that took it are cut back. */
static eddy_status take_back(struct files *f, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    for (int i = 0; i < ED_TOPICS; i++) {
        eddy_status one = ed_output_cut(&f->outputs[i], err);
        st = st == EDDY_OK ? one : st;
    }
    return st;
}

static eddy_status lines_write(struct files *f, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    for (int i = 0; i < ED_TOPICS && st == EDDY_OK; i++) {
        struct ed_output *out = &f->outputs[i];
        if (out->fd < 0)
            continue;
        if (out->lines.failed)
            st = eddy_fail_nomem(err, ed_output_name(out), out->lines.n);
        if (st == EDDY_OK)
            st = ed_output_write(out, err);
        if (st == EDDY_OK && f->store)
            st = ed_output_flush(out, err);
    }
    return st;
}

/* How long the outputs are, lines of this epoch included. */
static void written_tell(const struct files *f, struct ed_head *head)
{
    for (int t = 0; t < ED_TOPICS; t++) {
        const struct ed_output *out = f->of_topic[t];
        head->written[t] = out ? out->committed + out->lines.n : 0;
    }
}

static eddy_status head_append(struct files *f, const struct ed_head *head,
                               const eddy_record *records, size_t n_records, eddy_error *err)
{
    ed_bytes_empty(&f->bytes);
    ed_head_write(head, &f->bytes);
    if (f->bytes.failed)
        return eddy_fail_nomem(err, f->store_path, f->bytes.n);
    return ed_store_append(f->store, (eddy_str){f->bytes.at, f->bytes.n}, records, n_records, err);
}

static void count_epoch(struct files *f, const struct ed_epoch *epoch, eddy_status st)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < epoch->n_records; i++)
        bytes += epoch->records[i].value.n;
    if (st != EDDY_OK) {
        f->aborted++;
        return;
    }
    f->epochs++;
    if (f->store) {
        f->records += epoch->n_records;
        f->record_bytes += bytes;
    }
}

static eddy_status commit_allowed(struct files *f, eddy_error *err)
{
    if (f->store && !f->restored)
        return eddy_fail(err, EDDY_INVALID, "%s: a commit before a restore", f->store_path);
    if (f->named)
        return eddy_fail(err, EDDY_INVALID, "%s: a commit after the end of the run", f->store_path);
    return take_back(f, err); /* there is something where an earlier cut failed */
}

static eddy_status files_commit(struct ed_journal *journal, struct ed_epoch *epoch, eddy_error *err)
{
    struct files *f = (struct files *)journal;
    struct ed_head after = {0};
    eddy_status st = commit_allowed(f, err);
    if (st != EDDY_OK)
        return st;
    epoch->mark.epoch = f->head.mark.epoch + 1;
    epoch->mark.fingerprint = f->fingerprint;
    st = ed_head_after(&f->head, epoch, &after, err);
    if (st == EDDY_OK) {
        lines_gather(f, epoch);
        st = lines_write(f, err);
    }
    written_tell(f, &after);
    ed_point("files-written");
    if (st == EDDY_OK && f->store)
        st = head_append(f, &after, epoch->records, epoch->n_records, err);
    for (int i = 0; i < ED_TOPICS; i++) {
        if (st == EDDY_OK)
            ed_output_accept(&f->outputs[i]);
        else
            ed_output_forget(&f->outputs[i]);
    }
    if (st == EDDY_OK) {
        ed_head_accept(&f->head, &after);
    } else {
        eddy_error cut = {0};
        if (take_back(f, &cut) != EDDY_OK)
            ed_log(ED_LOG_ERROR, "journal", "%s", cut.text);
        ed_head_drop(&f->head, &after);
    }
    f->failed = st != EDDY_OK;
    count_epoch(f, epoch, st);
    return st;
}

/* ---- the end of a run with a store ---- */

/* The outputs get their names, and the store knows it. */
static eddy_status outputs_name(struct files *f, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    for (int i = 0; i < ED_TOPICS && st == EDDY_OK; i++) {
        struct ed_output *out = &f->outputs[i];
        if (out->fd < 0)
            continue;
        st = ed_output_finish(out, err);
        ed_point("files-rename");
        if (st == EDDY_OK)
            st = ed_disk_settle(out->path, err);
    }
    if (st != EDDY_OK)
        return st;
    f->head.mark.ended = NAMED;
    st = head_append(f, &f->head, NULL, 0, err);
    f->head.mark.ended = ENDED;
    f->named = st == EDDY_OK;
    return st;
}

/* The run had ended, and was killed before all of its outputs had their names. */
static eddy_status outputs_name_rest(struct files *f, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    for (int t = 0; t < ED_TOPICS && st == EDDY_OK; t++) {
        struct ed_output *out = f->of_topic[t];
        int waits = 0;
        if (!out || out->path)
            continue;
        st = ed_output_waits(f->paths[t], &waits, err);
        if (st == EDDY_OK && waits)
            st = ed_output_resume(out, f->paths[t], f->head.written[t], err);
    }
    return st == EDDY_OK ? outputs_name(f, err) : st;
}

/* ---- restore ---- */

struct restoring {
    struct files *files;
    const struct ed_loader *loader;
};

static const char *name_in(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static eddy_status name_load(struct files *f, const eddy_record *record, eddy_error *err)
{
    uint64_t t = record->key & ((UINT64_C(1) << KIND_SHIFT) - 1);
    if (t >= ED_TOPICS)
        return eddy_fail(err, EDDY_FORMAT, "an output %llu is not known", (unsigned long long)t);
    ed_free(f->names[t]);
    f->names[t] = ed_strndup(record->value.at, record->value.n);
    if (!f->names[t])
        return eddy_fail_nomem(err, f->store_path, record->value.n);
    return EDDY_OK;
}

static eddy_status record_load(void *user, const eddy_record *record, eddy_error *err)
{
    struct restoring *r = user;
    if (record->key >> KIND_SHIFT == KIND_NAMES)
        return name_load(r->files, record, err);
    r->files->restored_records++;
    return r->loader ? r->loader->load(r->loader->user, record, err) : EDDY_OK;
}

/* Say whose fault it is and what to do, behind what was found. */
static eddy_status with_way_out(const struct files *f, eddy_status st, const eddy_error *found,
                                eddy_error *err)
{
    int named = !strncmp(found->text, f->store_path, strlen(f->store_path));
    if (st == EDDY_FORMAT || st == EDDY_CONFIG)
        return eddy_fail(err, st, "%s%s%s; %s", named ? "" : f->store_path, named ? "" : ": ",
                         found->text, WAY_OUT);
    if (err && err->status == EDDY_OK)
        *err = *found;
    return st;
}

/* The run that is taken up is one of ours: before its records go anywhere. */
static eddy_status head_take(struct files *f, eddy_str bytes, eddy_error *err)
{
    struct ed_head head = {0};
    eddy_status st = ed_head_read(bytes, &head, err);
    if (st != EDDY_OK)
        return st;
    if (head.pipeline.n != f->head.pipeline.n ||
        memcmp(head.pipeline.at, f->head.pipeline.at, head.pipeline.n) != 0)
        st = eddy_fail(err, EDDY_CONFIG, "it is of the pipeline %s", head.pipeline.at);
    else if (head.n_shards != 1)
        st = eddy_fail(err, EDDY_CONFIG, "it is of shard %d of %d", head.shard, head.n_shards);
    else if (head.mark.epoch && head.mark.fingerprint != f->fingerprint)
        st = eddy_fail(err, EDDY_CONFIG,
                       "its run had other options of the engine, or another model, than this one");
    if (st != EDDY_OK) {
        ed_head_clear(&head);
        return st;
    }
    ed_head_clear(&f->head);
    f->head = head;
    f->head.mark.fingerprint = f->fingerprint;
    return EDDY_OK;
}

/* The outputs are those of the run that is taken up. */
static eddy_status names_check(struct files *f, eddy_error *err)
{
    for (int t = 0; t < ED_TOPICS && f->head.mark.epoch; t++) {
        const char *now = f->paths[t] ? name_in(f->paths[t]) : NULL;
        if (now && !f->names[t])
            return eddy_fail(err, EDDY_CONFIG, "its run does not write %s", f->paths[t]);
        if (!now && f->names[t])
            return eddy_fail(err, EDDY_CONFIG, "its run writes %s too", f->names[t]);
        if (now && strcmp(now, f->names[t]) != 0)
            return eddy_fail(err, EDDY_CONFIG, "its run writes to %s what is to go to %s now",
                             f->names[t], f->paths[t]);
        if (now && f->of_topic[t] != &f->outputs[t] &&
            f->head.written[t] != f->head.written[f->of_topic[t] - f->outputs])
            return eddy_fail(err, EDDY_CONFIG, "its run does not share %s between two topics",
                             f->paths[t]);
    }
    return EDDY_OK;
}

/* All that the store holds. *found: it holds something. */
static eddy_status store_load(struct files *f, const struct ed_loader *loader, int *found,
                              eddy_error *err)
{
    struct restoring r = {f, loader};
    eddy_str bytes = {NULL, 0};
    eddy_status st = ed_store_head(f->store, &bytes, err);
    *found = bytes.at != NULL;
    if (st == EDDY_OK && *found)
        st = head_take(f, bytes, err);
    if (st == EDDY_OK)
        st = ed_store_load(f->store, record_load, &r, &bytes, err);
    if (st == EDDY_OK)
        st = names_check(f, err);
    if (st == EDDY_OK && loader && f->head.mark.epoch)
        st = loader->check(loader->user, &f->head.mark, err);
    return st;
}

/* Every output where its run left it; those of a new run anew. */
static eddy_status outputs_open(struct files *f, int found, eddy_error *err)
{
    for (int t = 0; t < ED_TOPICS; t++) {
        struct ed_output *out = f->of_topic[t];
        if (!out || out->path)
            continue;
        eddy_status st = found ? ed_output_resume(out, f->paths[t], f->head.written[t], err)
                               : ed_output_open(out, f->paths[t], err);
        if (st == EDDY_OK)
            st = ed_disk_settle(f->paths[t], err);
        if (st != EDDY_OK)
            return st;
    }
    return EDDY_OK;
}

/* This start is in the store before it writes anything: what NAME.part holds from here on is ours.
 */
static eddy_status take_over(struct files *f, eddy_error *err)
{
    eddy_record records[ED_TOPICS];
    for (uint64_t t = 0; t < ED_TOPICS; t++) {
        const char *name = f->paths[t] ? name_in(f->paths[t]) : NULL;
        records[t] = (eddy_record){KIND_NAMES << KIND_SHIFT | t, {name, name ? strlen(name) : 0}};
    }
    do
        if (getrandom(&f->head.owner, sizeof f->head.owner, 0) != sizeof f->head.owner)
            return ed_disk_fail(f->store_path, "no random number to be had", err);
    while (!f->head.owner);
    written_tell(f, &f->head);
    return head_append(f, &f->head, records, ED_TOPICS, err);
}

static eddy_status store_restore(struct files *f, const struct ed_loader *loader, eddy_error *err)
{
    int found = 0;
    eddy_error inner = {0};
    eddy_status st = store_load(f, loader, &found, &inner);
    f->from_store = found;
    f->named = found && f->head.mark.ended == NAMED;
    f->head.mark.ended = f->head.mark.ended ? ENDED : 0;
    if (st == EDDY_OK && f->named) /* all is done */
        return EDDY_OK;
    if (st == EDDY_OK && f->head.mark.ended)
        st = outputs_name_rest(f, &inner);
    else if (st == EDDY_OK)
        st = outputs_open(f, found, &inner);
    if (st == EDDY_OK && !f->head.mark.ended)
        st = take_over(f, &inner);
    return st == EDDY_OK ? st : with_way_out(f, st, &inner, err);
}

static eddy_status files_restore(struct ed_journal *journal, uint64_t fingerprint,
                                 const struct ed_loader *loader, const struct ed_head **ret_head,
                                 eddy_error *err)
{
    struct files *f = (struct files *)journal;
    int64_t begun = ed_monotonic_ms();
    f->fingerprint = f->head.mark.fingerprint = fingerprint;
    eddy_status st = f->store ? store_restore(f, loader, err) : EDDY_OK;
    f->restore_ms = ed_monotonic_ms() - begun;
    if (st != EDDY_OK)
        return st;
    f->restored = 1;
    *ret_head = &f->head;
    return EDDY_OK;
}

static void files_stats(const struct ed_journal *journal, struct ed_journal_stats *ret)
{
    const struct files *f = (const struct files *)journal;
    *ret = (struct ed_journal_stats){
        .epochs = f->epochs,
        .aborted = f->aborted,
        .records = f->records,
        .record_bytes = f->record_bytes,
        .restored_records = f->restored_records,
        .restore_ms = f->restore_ms,
        .from_store = f->from_store,
    };
}

/* ---- close ---- */

static void files_free(struct files *f)
{
    for (int i = 0; i < ED_TOPICS; i++) {
        ed_output_clear(&f->outputs[i]);
        ed_free((char *)f->paths[i]);
        ed_free(f->names[i]);
    }
    ed_store_close(f->store);
    ed_head_clear(&f->head);
    ed_bytes_clear(&f->bytes);
    ed_free(f->store_path);
    ed_free(f);
}

static eddy_status files_close(struct ed_journal *journal, eddy_error *err)
{
    struct files *f = (struct files *)journal;
    eddy_status st = EDDY_OK;
    if (f->store) {
        if (f->restored && f->head.mark.ended && !f->named)
            st = outputs_name(f, err);
    } else {
        for (int i = 0; i < ED_TOPICS && f->epochs && !f->failed; i++) {
            eddy_status one = ed_output_finish(&f->outputs[i], err);
            st = st == EDDY_OK ? one : st;
        }
    }
    files_free(f);
    return st;
}

/* ---- open ---- */

/* Each path once: topics with the same one share its output. */
static eddy_status paths_take(struct files *f, const char *const paths[ED_TOPICS], eddy_error *err)
{
    for (int i = 0; i < ED_TOPICS; i++) {
        if (!paths[i])
            continue;
        f->paths[i] = ed_strdup(paths[i]);
        if (!f->paths[i])
            return eddy_fail_nomem(err, paths[i], strlen(paths[i]));
        f->of_topic[i] = &f->outputs[i];
        for (int k = 0; k < i; k++)
            if (paths[k] && !strcmp(paths[k], paths[i]))
                f->of_topic[i] = f->of_topic[k];
    }
    return EDDY_OK;
}

static eddy_status outputs_begin(struct files *f, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    for (int i = 0; i < ED_TOPICS && st == EDDY_OK; i++)
        if (f->of_topic[i] == &f->outputs[i])
            st = ed_output_open(&f->outputs[i], f->paths[i], err);
    return st;
}

static eddy_status store_begin(struct files *f, const char *dir, const char *pipeline,
                               eddy_error *err)
{
    struct stat is;
    if (!*pipeline || *pipeline == '.' || strchr(pipeline, '/'))
        return eddy_fail(err, EDDY_INVALID, "a pipeline %s cannot have a file of its name",
                         pipeline);
    for (int i = 0; i < ED_TOPICS; i++)
        if (f->paths[i] &&
            (!strcmp(f->paths[i], "-") || (stat(f->paths[i], &is) == 0 && !S_ISREG(is.st_mode))))
            return eddy_fail(err, EDDY_CONFIG,
                             "%s: not a regular file: it cannot be cut back when a run is taken "
                             "up; give a file, or leave --journal away",
                             f->paths[i]);
    struct ed_bytes path;
    ed_bytes_init(&path, 0);
    ed_bytes_printf(&path, "%s/%s.state", dir, pipeline);
    f->store_path = path.at;
    if (path.failed)
        return eddy_fail_nomem(err, dir, strlen(dir));
    if (mkdir(dir, 0777) == 0) {
        eddy_status st = ed_disk_settle(dir, err);
        if (st != EDDY_OK)
            return st;
    } else if (errno != EEXIST) {
        return ed_disk_fail(dir, "cannot make this folder", err);
    }
    return ed_store_open(f->store_path, 1, &f->store, err);
}

eddy_status ed_journal_files_open(const char *const paths[ED_TOPICS], const char *dir,
                                  const char *pipeline, struct ed_journal **ret, eddy_error *err)
{
    struct files *f = ed_alloc_zero(1, sizeof *f);
    if (!f)
        return eddy_fail_nomem(err, "journal", sizeof *f);
    f->journal = (struct ed_journal){files_restore, NULL, files_commit, files_stats, files_close};
    for (int i = 0; i < ED_TOPICS; i++)
        ed_output_init(&f->outputs[i]);
    ed_bytes_init(&f->bytes, 0);
    f->head.n_shards = 1;
    f->head.state_next = -1;
    f->head.pipeline = (eddy_str){ed_strdup(pipeline), strlen(pipeline)};

    eddy_status st = EDDY_OK;
    if (!f->head.pipeline.at)
        st = eddy_fail_nomem(err, pipeline, strlen(pipeline));
    if (st == EDDY_OK)
        st = paths_take(f, paths, err);
    if (st == EDDY_OK)
        st = dir ? store_begin(f, dir, pipeline, err) : outputs_begin(f, err);
    if (st != EDDY_OK) {
        files_free(f);
        return st;
    }
    *ret = &f->journal;
    return EDDY_OK;
}
