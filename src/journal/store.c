/* The store: a log of epochs in one file, and an index that knows which records still count.
 *
 * The index holds, for each key that is there, the number of its newest record, counted through the
 * file. A load reads the file twice: first to make the index, to see what counts; then to hand that
 * over. A rewrite reads it once more by the same index. So neither holds more than a frame in
 * memory.
 *
 * Beside the number stands the record's size, so that we know what part of the file is outdated
 * without reading it. Sizes are those before compression, and rounded; it is a matter of more or
 * less.
 *
 * An append that fails is cut off again. What is cut off cannot be taken for an epoch later on,
 * also when the cut itself fails: the next append insists on it before it writes. */
#include "journal/store.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/pack.h"
#include "base/point.h"
#include "base/table.h"
#include "journal/disk.h"
#include "journal/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_MS       3000 /* that the lock of a store is waited for */
#define FORMAT        1
#define HEADER        12 /* bytes in front of the first frame */
#define REWRITE_MIN   ((uint64_t)1 << 20)
#define REWRITE_PIECE ((size_t)4 << 20) /* content of a frame of a rewrite */
#define RECORD_BYTES  13                /* a record without its value */

static const char magic[8] = {'e', 'd', 'd', 'y', 's', 't', 'o', 'r'};

/* Which records count. */
struct index {
    struct ed_table places; /* key -> number of the newest record << SIZE_BITS | its size */
    uint64_t first, next;   /* numbers of the file's first record, and of the next to be added */
    uint64_t live, total;   /* bytes of content that count, and all */
};

struct ed_store {
    char *path, *fresh, *lock;          /* PATH, PATH.new, PATH.lock */
    int fd, lock_fd, sync;              /* fd -1: there is no file */
    int scanned, loaded;                /* the index holds; appends are allowed */
    int loose;                          /* the file's name may not outlive the machine yet */
    int overhang;                       /* there may be bytes behind `bytes`, to be cut off */
    uint64_t bytes, torn;               /* whole frames end at bytes */
    uint64_t rewrite_min, rewrite_next; /* not before the file is as large as this */
    struct index index;
    struct ed_frames frames;
    struct ed_bytes content; /* of the frame that is to be written */
    struct ed_bytes head;    /* as ed_store_head gave it away */
};

/* ---- index ---- */

#define SIZE_BITS 24
#define SIZE_UNIT 16
#define SIZE_MAX_ ((UINT64_C(1) << SIZE_BITS) - 1)

static void index_clear(struct index *ix)
{
    ed_table_clear(&ix->places);
    *ix = (struct index){.first = 1, .next = 1};
}

static uint64_t size_of_place(uint64_t place)
{
    return (place & SIZE_MAX_) * SIZE_UNIT;
}

static uint64_t place_at(uint64_t number, const eddy_record *record)
{
    uint64_t size = (record->value.n + RECORD_BYTES + SIZE_UNIT - 1) / SIZE_UNIT;
    return number << SIZE_BITS | (size < SIZE_MAX_ ? size : SIZE_MAX_);
}

/* Count one more record. A key that is known, or gone, needs no memory. */
static int index_add(struct index *ix, const eddy_record *record)
{
    uint64_t place = place_at(ix->next, record);
    uint64_t *at = record->value.at ? ed_table_put(&ix->places, record->key, 0)
                                    : ed_table_find(&ix->places, record->key);
    if (!at && record->value.at)
        return 0;
    ix->next++;
    ix->total += RECORD_BYTES + record->value.n;
    if (at)
        ix->live -= size_of_place(*at);
    if (record->value.at) {
        *at = place;
        ix->live += size_of_place(place);
    } else {
        ed_table_remove(&ix->places, record->key);
    }
    return 1;
}

/* 1: of this key's records in the file the one of this number counts. */
static int index_counts(const struct index *ix, uint64_t key, uint64_t number)
{
    const uint64_t *place = ed_table_find(&ix->places, key);
    return place && *place >> SIZE_BITS == number;
}

/* ---- content of a frame ---- */

static void record_write(struct ed_bytes *out, const eddy_record *record)
{
    ed_pack_u64(out, record->key);
    ed_pack_u8(out, record->value.at != NULL);
    ed_pack_str(out, record->value.at, record->value.at ? record->value.n : 0);
}

/* The next record of a frame; 0: there is none. Check u->failed afterwards. */
static int record_read(struct ed_unpack *u, eddy_record *ret)
{
    if (u->failed || u->at == u->end)
        return 0;
    ret->key = ed_unpack_u64(u);
    uint8_t there = ed_unpack_u8(u);
    eddy_str value = ed_unpack_str(u);
    if (!ret->key || there > 1 || (!there && value.n))
        u->failed = 1;
    ret->value = there ? value : (eddy_str){NULL, 0};
    return !u->failed;
}

static eddy_status damaged(const struct ed_store *s, uint64_t at, eddy_error *err)
{
    return eddy_fail(err, EDDY_FORMAT, "%s: damaged at byte %llu of %llu", s->path,
                     (unsigned long long)at, (unsigned long long)s->bytes);
}

/* ---- open ---- */

static char *name_with(const char *path, const char *end)
{
    size_t n = strlen(path), n_end = strlen(end);
    char *name = ed_alloc(n + n_end + 1);
    if (name) {
        memcpy(name, path, n);
        memcpy(name + n, end, n_end + 1);
    }
    return name;
}

/* One who was killed in the midst of a sync still holds it until the disk is done: worth a wait
 * where the store is the truth. */
static int lock_wait(const struct ed_store *s)
{
    int taken = flock(s->lock_fd, LOCK_EX | LOCK_NB);
    for (int ms = 0; taken != 0 && errno == EWOULDBLOCK && s->sync && ms < LOCK_MS; ms += 50) {
        nanosleep(&(struct timespec){0, 50 * 1000000L}, NULL);
        taken = flock(s->lock_fd, LOCK_EX | LOCK_NB);
    }
    return taken;
}

/* The lock has a file of its own: the store itself is replaced by a rewrite. It stays where it is,
 * as taking it away would race with the next one who opens it. */
static eddy_status lock_take(struct ed_store *s, eddy_error *err)
{
    char pid[24] = "";
    s->lock_fd = open(s->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
    if (s->lock_fd < 0)
        return ed_disk_fail(s->lock, "cannot open", err);
    if (lock_wait(s) == 0) {
        int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
        if (ftruncate(s->lock_fd, 0) != 0)
            return ed_disk_fail(s->lock, "cannot write", err);
        return ed_disk_write(s->lock_fd, s->lock, pid, (size_t)n, 0, err);
    }
    if (errno != EWOULDBLOCK)
        return ed_disk_fail(s->lock, "cannot lock", err);
    ssize_t n = pread(s->lock_fd, pid, sizeof pid - 1, 0);
    long holder = n > 0 ? strtol(pid, NULL, 10) : 0;
    if (holder > 0)
        return eddy_fail(err, EDDY_IO, "%s: another process (%ld) is using it", s->path, holder);
    return eddy_fail(err, EDDY_IO, "%s: another process is using it", s->path);
}

static eddy_status file_open(struct ed_store *s, eddy_error *err)
{
    struct stat is;
    if (unlink(s->fresh) != 0 && errno != ENOENT) /* a rewrite that was killed */
        return ed_disk_fail(s->fresh, "cannot remove", err);
    s->fd = open(s->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (s->fd < 0 && errno == ENOENT)
        return EDDY_OK;
    if (s->fd < 0)
        return ed_disk_fail(s->path, "cannot open", err);
    if (fstat(s->fd, &is) != 0)
        return ed_disk_fail(s->path, "cannot read", err);
    if (!S_ISREG(is.st_mode))
        return eddy_fail(err, EDDY_IO, "%s: not a regular file", s->path);
    s->bytes = (uint64_t)is.st_size;
    return EDDY_OK;
}

eddy_status ed_store_open(const char *path, int sync, struct ed_store **ret, eddy_error *err)
{
    struct ed_store *s = ed_alloc_zero(1, sizeof *s);
    if (!s)
        return eddy_fail_nomem(err, path, sizeof *s);
    s->fd = s->lock_fd = -1;
    s->sync = sync;
    s->loose = 1; /* we may have been killed between a rename and its flush */
    s->rewrite_min = REWRITE_MIN;
    ed_table_init(&s->index.places);
    index_clear(&s->index);
    ed_frames_init(&s->frames);
    ed_bytes_init(&s->content, ED_FRAME_MAX);
    ed_bytes_init(&s->head, 0);
    s->path = ed_strdup(path);
    s->fresh = name_with(path, ".new");
    s->lock = name_with(path, ".lock");
    eddy_status st = EDDY_OK;
    if (!s->path || !s->fresh || !s->lock)
        st = eddy_fail_nomem(err, path, strlen(path));
    if (st == EDDY_OK)
        st = lock_take(s, err);
    if (st == EDDY_OK)
        st = file_open(s, err);
    if (st != EDDY_OK) {
        ed_store_close(s);
        return st;
    }
    *ret = s;
    return EDDY_OK;
}

void ed_store_close(struct ed_store *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    ed_table_clear(&s->index.places);
    ed_frames_clear(&s->frames);
    ed_bytes_clear(&s->content);
    ed_bytes_clear(&s->head);
    ed_free(s->path);
    ed_free(s->fresh);
    ed_free(s->lock);
    ed_free(s);
}

uint64_t ed_store_torn(const struct ed_store *s)
{
    return s->torn;
}

uint64_t ed_store_bytes(const struct ed_store *s)
{
    return s->bytes;
}

void ed_store_rewrite_from(struct ed_store *s, uint64_t bytes)
{
    s->rewrite_min = bytes;
}

/* ---- scan: what is in the file ---- */

static eddy_status cut(struct ed_store *s, uint64_t bytes, eddy_error *err)
{
    if (ftruncate(s->fd, (off_t)bytes) != 0)
        return ed_disk_fail(s->path, "cannot cut off its torn end", err);
    s->torn += s->bytes - bytes;
    s->bytes = bytes;
    return EDDY_OK;
}

/* The first bytes of the file. What was torn within them, or never reached the disk behind a size
 * that did, is new. */
static eddy_status header_check(struct ed_store *s, eddy_error *err)
{
    char header[HEADER], zeros[HEADER] = {0};
    ssize_t n_read = pread(s->fd, header, HEADER, 0);
    if (n_read < 0)
        return ed_disk_fail(s->path, "cannot read", err);
    size_t n = (size_t)n_read, n_magic = n < sizeof magic ? n : sizeof magic;
    int follows = 0;
    if (!memcmp(header, zeros, n)) {
        eddy_status st = ed_frame_follows(&s->frames, s->fd, s->path, 0, s->bytes, &follows, err);
        if (st != EDDY_OK || !follows)
            return st != EDDY_OK ? st : cut(s, 0, err);
    }
    if (n < HEADER && !memcmp(header, magic, n_magic))
        return cut(s, 0, err);
    struct ed_unpack u = ed_unpack_of((eddy_str){header, n});
    ed_unpack_bytes(&u, sizeof magic);
    uint32_t version = ed_unpack_u32(&u);
    if (u.failed || memcmp(header, magic, sizeof magic) != 0 || !version)
        return eddy_fail(err, EDDY_FORMAT, "%s: not a store of eddy's", s->path);
    if (version > FORMAT)
        return eddy_fail(
            err, EDDY_FORMAT,
            "%s: a store of format %u, this eddy reads up to %d: a newer eddy wrote it", s->path,
            version, FORMAT);
    return EDDY_OK;
}

/* The records of the frame at hand into the index; *headed: it is the end of an epoch. */
static eddy_status frame_index(struct ed_store *s, uint64_t at, int *headed, eddy_error *err)
{
    eddy_record record;
    struct ed_unpack u = ed_unpack_of((eddy_str){s->frames.content.at, s->frames.content.n});
    eddy_str head = ed_unpack_str(&u);
    s->index.total += 4 + head.n;
    while (record_read(&u, &record))
        if (!index_add(&s->index, &record))
            return eddy_fail_nomem(err, s->path, s->index.places.room * 16);
    if (u.failed) /* its checksum is right: somebody else wrote it */
        return damaged(s, at, err);
    *headed = head.n > 0;
    if (*headed) {
        ed_bytes_empty(&s->head);
        if (!ed_bytes_add(&s->head, head.at, head.n))
            return eddy_fail_nomem(err, s->path, head.n);
    }
    return EDDY_OK;
}

static eddy_status frames_scan(struct ed_store *s, eddy_error *err)
{
    uint64_t at = HEADER, next = 0;
    int headed = 1;
    for (;;) {
        enum ed_frame_found found;
        eddy_status st =
            ed_frame_read(&s->frames, s->fd, s->path, at, s->bytes, &found, &next, err);
        if (st != EDDY_OK)
            return st;
        if (found == ED_FRAME_WHOLE) {
            st = frame_index(s, at, &headed, err);
            if (st != EDDY_OK)
                return st;
            at = next;
            continue;
        }
        int follows = 0;
        if (found == ED_FRAME_BAD)
            st = ed_frame_follows(&s->frames, s->fd, s->path, at, s->bytes, &follows, err);
        if (st != EDDY_OK)
            return st;
        /* What a rewrite leaves is whole before it gets the name; so it has lost its end. */
        if (follows || !headed)
            return damaged(s, at, err);
        return found == ED_FRAME_BAD ? cut(s, at, err) : EDDY_OK;
    }
}

static eddy_status scan(struct ed_store *s, eddy_error *err)
{
    if (s->scanned)
        return EDDY_OK;
    eddy_status st = EDDY_OK;
    index_clear(&s->index);
    ed_bytes_empty(&s->head);
    if (s->bytes)
        st = header_check(s, err);
    if (st == EDDY_OK && s->bytes)
        st = frames_scan(s, err);
    s->scanned = st == EDDY_OK;
    return st;
}

eddy_status ed_store_head(struct ed_store *s, eddy_str *ret_head, eddy_error *err)
{
    eddy_status st = scan(s, err);
    if (st == EDDY_OK)
        *ret_head = (eddy_str){s->head.n ? s->head.at : NULL, s->head.n};
    return st;
}

/* ---- load ---- */

typedef eddy_status take_record(void *user, const eddy_record *record, eddy_error *err);

/* Every record that counts, in the order of the file. */
static eddy_status each_counting(struct ed_store *s, take_record *take, void *user, eddy_error *err)
{
    uint64_t number = s->index.first, at = HEADER, next = 0;
    while (at < s->bytes) {
        enum ed_frame_found found;
        eddy_record record;
        eddy_status st =
            ed_frame_read(&s->frames, s->fd, s->path, at, s->bytes, &found, &next, err);
        if (st != EDDY_OK)
            return st;
        if (found != ED_FRAME_WHOLE)
            return damaged(s, at, err);
        struct ed_unpack u = ed_unpack_of((eddy_str){s->frames.content.at, s->frames.content.n});
        ed_unpack_str(&u);
        for (; record_read(&u, &record); number++) {
            if (!index_counts(&s->index, record.key, number))
                continue;
            st = take(user, &record, err);
            if (st != EDDY_OK)
                return st;
        }
        if (u.failed)
            return damaged(s, at, err);
        at = next;
    }
    return EDDY_OK;
}

eddy_status ed_store_load(struct ed_store *s, take_record *load, void *user, eddy_str *ret_head,
                          eddy_error *err)
{
    eddy_status st = scan(s, err);
    if (st == EDDY_OK)
        st = each_counting(s, load, user, err);
    ed_frames_trim(&s->frames);
    if (st != EDDY_OK)
        return st;
    s->loaded = 1;
    return ed_store_head(s, ret_head, err);
}

/* ---- append ---- */

/* The name of the file outlives the machine from here on. */
static eddy_status settle(struct ed_store *s, eddy_error *err)
{
    if (!s->sync || !s->loose)
        return EDDY_OK;
    eddy_status st = ed_disk_settle(s->path, err);
    s->loose = st != EDDY_OK;
    return st;
}

static eddy_status flush(struct ed_store *s, eddy_error *err)
{
    if (s->sync && fdatasync(s->fd) != 0)
        return ed_disk_fail(s->path, "cannot flush", err);
    return settle(s, err);
}

/* A file without a header gets one. */
static eddy_status header_write(int fd, const char *path, eddy_error *err)
{
    char header[HEADER] = {[sizeof magic] = FORMAT};
    memcpy(header, magic, sizeof magic);
    return ed_disk_write(fd, path, header, HEADER, 0, err);
}

static eddy_status frame_write(int fd, const char *path, const struct ed_bytes *packed, uint64_t at,
                               eddy_error *err)
{
    size_t first = 0;
#ifdef EDDY_POINTS /* so that there is a middle to be torn in */
    first = packed->n / 2;
    eddy_status st = ed_disk_write(fd, path, packed->at, first, at, err);
    ed_point("store-torn");
    if (st != EDDY_OK)
        return st;
#endif
    return ed_disk_write(fd, path, packed->at + first, packed->n - first, at + first, err);
}

/* What is behind the last whole epoch goes. */
static eddy_status overhang_cut(struct ed_store *s, eddy_error *err)
{
    if (s->overhang && ftruncate(s->fd, (off_t)s->bytes) != 0)
        return ed_disk_fail(s->path, "cannot cut back", err);
    s->overhang = 0;
    return EDDY_OK;
}

static eddy_status file_ready(struct ed_store *s, eddy_error *err)
{
    if (s->fd < 0) {
        s->fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (s->fd < 0)
            return ed_disk_fail(s->path, "cannot open", err);
        s->loose = 1;
    }
    return overhang_cut(s, err);
}

static eddy_status check_epoch(const struct ed_store *s, eddy_str head, const eddy_record *records,
                               size_t n_records, size_t *ret_size, eddy_error *err)
{
    size_t size = 4 + head.n;
    if (!s->loaded)
        return eddy_fail(err, EDDY_INVALID, "%s: an append before a load", s->path);
    if (!head.n)
        return eddy_fail(err, EDDY_INVALID, "%s: an epoch without a head", s->path);
    for (size_t i = 0; i < n_records && size <= ED_FRAME_MAX; i++) {
        if (!records[i].key)
            return eddy_fail(err, EDDY_INVALID, "%s: a record with the key 0", s->path);
        if (records[i].value.n > ED_FRAME_MAX)
            size = ED_FRAME_MAX;
        else
            size += records[i].value.n;
        size += RECORD_BYTES;
    }
    if (size > ED_FRAME_MAX)
        return eddy_fail(err, EDDY_INVALID, "%s: an epoch of more than %zu bytes", s->path,
                         ED_FRAME_MAX);
    *ret_size = size;
    return EDDY_OK;
}

/* The epoch into frames.packed, and places for its keys: after the write nothing needs memory. */
static eddy_status epoch_pack(struct ed_store *s, eddy_str head, const eddy_record *records,
                              size_t n_records, eddy_error *err)
{
    size_t size = 0;
    eddy_status st = check_epoch(s, head, records, n_records, &size, err);
    if (st != EDDY_OK)
        return st;
    ed_bytes_empty(&s->content);
    ed_pack_str(&s->content, head.at, head.n);
    for (size_t i = 0; i < n_records; i++)
        record_write(&s->content, &records[i]);
    int placed = 1; /* a place of 0 is nowhere, so that it may stay if the write fails */
    for (size_t i = 0; i < n_records && placed; i++)
        placed = !records[i].value.at || ed_table_put(&s->index.places, records[i].key, 0);
    if (s->content.failed || !placed)
        return eddy_fail_nomem(err, s->path, size);
    return ed_frame_pack(&s->frames, (eddy_str){s->content.at, s->content.n}, err);
}

static void rewrite_if_due(struct ed_store *s);

eddy_status ed_store_append(struct ed_store *s, eddy_str head, const eddy_record *records,
                            size_t n_records, eddy_error *err)
{
    uint64_t at = s->bytes ? s->bytes : HEADER;
    eddy_status st = epoch_pack(s, head, records, n_records, err);
    if (st == EDDY_OK)
        st = file_ready(s, err);
    if (st != EDDY_OK)
        return st;
    ed_point("store-append");
    s->overhang = 1;
    if (!s->bytes)
        st = header_write(s->fd, s->path, err);
    if (st == EDDY_OK)
        st = frame_write(s->fd, s->path, &s->frames.packed, at, err);
    if (st == EDDY_OK)
        st = flush(s, err);
    if (st != EDDY_OK) {
        overhang_cut(s, NULL); /* or before the next one */
        return st;
    }
    s->overhang = 0;
    s->bytes = at + s->frames.packed.n;
    s->index.total += 4 + head.n;
    for (size_t i = 0; i < n_records; i++)
        index_add(&s->index, &records[i]);
    rewrite_if_due(s);
    ed_frames_trim(&s->frames);
    if (s->content.room > REWRITE_PIECE * 2)
        ed_bytes_clear(&s->content);
    return EDDY_OK;
}

eddy_status ed_store_forget(struct ed_store *s, eddy_error *err)
{
    if (s->fd >= 0 && ftruncate(s->fd, 0) != 0)
        return ed_disk_fail(s->path, "cannot empty", err);
    if (s->fd >= 0 && s->sync && fsync(s->fd) != 0)
        return ed_disk_fail(s->path, "cannot flush", err);
    index_clear(&s->index);
    ed_bytes_empty(&s->head);
    s->bytes = s->rewrite_next = 0;
    s->overhang = 0;
    s->scanned = s->loaded = 1;
    return EDDY_OK;
}

/* ---- rewrite ---- */

struct rewrite {
    struct ed_store *store;
    struct ed_frames frames; /* those of the store are reading */
    struct index index;
    size_t piece;
    int fd;
    uint64_t bytes;
};

static eddy_status piece_write(struct rewrite *w, eddy_error *err)
{
    struct ed_bytes *content = &w->store->content;
    if (content->failed)
        return eddy_fail_nomem(err, w->store->fresh, content->room);
    eddy_status st = ed_frame_pack(&w->frames, (eddy_str){content->at, content->n}, err);
    if (st == EDDY_OK)
        st = ed_disk_write(w->fd, w->store->fresh, w->frames.packed.at, w->frames.packed.n,
                           w->bytes, err);
    w->bytes += w->frames.packed.n;
    w->index.total += 4;
    ed_bytes_empty(content);
    ed_pack_str(content, NULL, 0); /* the next has no head either */
    return st;
}

static eddy_status piece_add(void *user, const eddy_record *record, eddy_error *err)
{
    struct rewrite *w = user;
    struct ed_bytes *content = &w->store->content;
    if (content->n > 4 && content->n + record->value.n > w->piece) {
        eddy_status st = piece_write(w, err);
        if (st != EDDY_OK)
            return st;
    }
    record_write(content, record);
    if (!index_add(&w->index, record))
        return eddy_fail_nomem(err, w->store->fresh, w->index.places.room * 16);
    return EDDY_OK;
}

/* The head of the last frame of the file, as a frame of its own at the end of the new one. */
static eddy_status head_write(struct rewrite *w, eddy_str head, eddy_error *err)
{
    struct ed_bytes *content = &w->store->content;
    eddy_status st = content->n > 4 ? piece_write(w, err) : EDDY_OK;
    ed_bytes_empty(content);
    ed_pack_str(content, head.at, head.n);
    w->index.total += head.n;
    return st == EDDY_OK ? piece_write(w, err) : st;
}

static eddy_status rewrite_fill(struct rewrite *w, eddy_error *err)
{
    struct ed_store *s = w->store;
    eddy_status st = header_write(w->fd, s->fresh, err);
    ed_bytes_empty(&s->content);
    ed_pack_str(&s->content, NULL, 0);
    if (st == EDDY_OK)
        st = each_counting(s, piece_add, w, err);
    if (st != EDDY_OK)
        return st;
    /* The last frame is still at hand, and it has a head. */
    struct ed_unpack u = ed_unpack_of((eddy_str){s->frames.content.at, s->frames.content.n});
    st = head_write(w, ed_unpack_str(&u), err);
    ed_point("store-rewrite");
    /* A cache is not worth the wait: if the machine fails, its torn rewrite is no epoch at all. */
    if (st == EDDY_OK && s->sync && fsync(w->fd) != 0)
        st = ed_disk_fail(s->fresh, "cannot flush", err);
    return st;
}

static eddy_status rewrite(struct ed_store *s, eddy_error *err)
{
    struct rewrite w = {.store = s, .bytes = HEADER};
    w.piece = s->rewrite_min < REWRITE_PIECE / 4 ? (size_t)s->rewrite_min : REWRITE_PIECE;
    ed_frames_init(&w.frames);
    ed_table_init(&w.index.places);
    index_clear(&w.index);
    eddy_status st = EDDY_OK;
    w.fd = open(s->fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (w.fd < 0)
        st = ed_disk_fail(s->fresh, "cannot open", err);
    if (st == EDDY_OK)
        st = rewrite_fill(&w, err);
    if (st == EDDY_OK && rename(s->fresh, s->path) != 0)
        st = ed_disk_fail(s->fresh, "cannot rename", err);
    if (st == EDDY_OK) {
        ed_point("store-rename");
        close(s->fd);
        ed_table_clear(&s->index.places);
        s->fd = w.fd;
        s->bytes = w.bytes;
        s->index = w.index;
        s->loose = 1;
        settle(s, NULL); /* or before the next append counts */
    } else {
        if (w.fd >= 0)
            close(w.fd);
        unlink(s->fresh);
        ed_table_clear(&w.index.places);
    }
    ed_frames_clear(&w.frames);
    return st;
}

static void rewrite_if_due(struct ed_store *s)
{
    if (s->bytes < s->rewrite_min || s->bytes < s->rewrite_next ||
        s->index.live * 2 >= s->index.total)
        return;
    s->rewrite_next = 0;
    if (rewrite(s, NULL) != EDDY_OK) /* nothing is lost by waiting */
        s->rewrite_next = s->bytes + s->bytes / 8;
}
