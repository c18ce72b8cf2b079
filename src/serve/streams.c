/* Streams: changes as server-sent events, as they become visible.
 *
 * A stream that has told all there is is suspended; one thread waits at the board and wakes those
 * that have something to tell, or have been silent for so long that a proxy might think them dead.
 * Who comes back with Last-Event-ID misses nothing that the board still has; what it has not is
 * told as an event of its own, "gap", and so is another process ("other"), whose numbers start
 * anew. */
#include "serve/inside.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/time.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#define STREAMS_MAX   64
#define PIECE_BYTES   ((size_t)64 << 10)
#define SILENT_MS     15000
#define LOOK_MS       1000
#define NOT_SAID      UINT64_MAX
#define DRAIN_MS      500
#define DRAIN_LOOK_MS 5

struct ed_reader {
    struct ed_streams *all;
    struct MHD_Connection *connection;
    uint64_t next;   /* number of the change that it wants next */
    uint64_t event;  /* of this event only; 0: of all */
    char kinds[200]; /* ",born,merged,"; "": all */
    struct ed_bytes piece;
    size_t sent; /* of it */
    int64_t said_ms;
    int waiting; /* guarded by the lock, as the list is */
    int gone;    /* likewise: its client has left */
    struct ed_reader *before, *after;
};

struct ed_streams {
    struct ed_serve *serve;
    uint64_t process; /* by chance: whose numbers they are */
    pthread_t thread;
    int has_thread;
    pthread_mutex_t lock;
    struct ed_reader *first;
    size_t n;
    uint64_t refused;
    uint64_t next; /* number of the next change, as the thread last saw it */
};

/* ---- a reader, in the server's thread ---- */

static int is_of(const struct ed_reader *r, const struct ed_told_change *c)
{
    char kind[40];
    if (r->event && c->event != r->event && c->other != r->event)
        return 0;
    snprintf(kind, sizeof kind, ",%.*s,", (int)c->kind.n, c->kind.at);
    return !*r->kinds || strstr(r->kinds, kind);
}

static void piece_fill(struct ed_reader *r)
{
    const struct ed_told_change *c;
    ed_bytes_empty(&r->piece);
    r->sent = 0;
    while (r->piece.n < PIECE_BYTES &&
           (c = ed_board_change(r->all->serve->o.board, r->next)) != NULL) {
        if (c->number > r->next)
            ed_bytes_printf(&r->piece, "event: gap\ndata: {\"missed\":%" PRIu64 "}\n\n",
                            c->number - r->next);
        r->next = c->number + 1;
        if (is_of(r, c)) {
            ed_bytes_printf(&r->piece,
                            "id: %016" PRIx64 "-%" PRIu64 "\nevent: %.*s\ndata: ", r->all->process,
                            c->number, (int)c->kind.n, c->kind.at);
            ed_bytes_add(&r->piece, c->json.at, c->json.n);
            ed_bytes_add_str(&r->piece, "\n\n");
        }
        ed_change_back(c);
    }
    int64_t now_ms = ed_monotonic_ms();
    if (!r->piece.n && now_ms - r->said_ms >= SILENT_MS)
        ed_bytes_add_str(&r->piece, ": still here\n\n");
    if (r->piece.n)
        r->said_ms = now_ms;
}

static int is_gone(struct ed_reader *r)
{
    pthread_mutex_lock(&r->all->lock);
    int gone = r->gone;
    pthread_mutex_unlock(&r->all->lock);
    return gone;
}

/* 1: nothing has come meanwhile, and it sleeps. */
static int reader_rest(struct ed_reader *r)
{
    struct ed_streams *all = r->all;
    pthread_mutex_lock(&all->lock);
    int rests = r->next >= all->next && !atomic_load(&all->serve->stopping);
    if (rests) {
        r->waiting = 1;
        MHD_suspend_connection(r->connection);
    }
    pthread_mutex_unlock(&all->lock);
    return rests;
}

static ssize_t on_read(void *p, uint64_t at, char *ret, size_t max)
{
    struct ed_reader *r = p;
    (void)at;
    while (r->sent == r->piece.n) {
        piece_fill(r);
        if (is_gone(r))
            return MHD_CONTENT_READER_END_WITH_ERROR;
        if (r->piece.failed || (!r->piece.n && atomic_load(&r->all->serve->stopping)))
            return MHD_CONTENT_READER_END_OF_STREAM;
        if (!r->piece.n && reader_rest(r))
            return 0;
    }
    size_t n = r->piece.n - r->sent < max ? r->piece.n - r->sent : max;
    memcpy(ret, r->piece.at + r->sent, n);
    r->sent += n;
    return (ssize_t)n;
}

static void reader_free(void *p)
{
    struct ed_reader *r = p;
    struct ed_streams *all = r->all;
    pthread_mutex_lock(&all->lock);
    *(r->before ? &r->before->after : &all->first) = r->after;
    if (r->after)
        r->after->before = r->before;
    all->n--;
    pthread_mutex_unlock(&all->lock);
    ed_bytes_clear(&r->piece);
    ed_free(r);
}

struct MHD_Response *ed_reader_response(struct ed_reader *r)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE_BYTES, on_read, r, reader_free);
    if (!response)
        reader_free(r);
    return response;
}

/* Where it begins: behind the last change that the client has seen, or told us; else with the next
 * one. */
static void reader_begin(struct ed_reader *r, const struct ed_exchange *x, uint64_t after)
{
    const char *last = ed_exchange_header(x, "Last-Event-ID");
    char *end = NULL;
    r->next = after != NOT_SAID ? after + 1 : ed_board_wait(x->serve->o.board, 0, 0);
    if (!last)
        return;
    uint64_t process = strtoull(last, &end, 16);
    uint64_t number = *end == '-' ? strtoull(end + 1, &end, 10) : 0;
    if (process == r->all->process && number && !*end) {
        r->next = number + 1;
        return;
    }
    r->next = 1;
    ed_bytes_add_str(&r->piece, "event: other\ndata: {}\n\n");
}

void ed_route_stream(struct ed_exchange *x)
{
    struct ed_streams *all = x->serve->streams;
    const char *kinds = ed_exchange_argument(x, "kinds"), *event = ed_exchange_argument(x, "event");
    uint64_t after = NOT_SAID;
    if (!ed_exchange_number(x, "after", 0, NOT_SAID - 1, NOT_SAID, &after))
        return;
    uint64_t id = event ? ed_exchange_id(event, strlen(event)) : 0;
    if ((event && !id) || (kinds && strlen(kinds) > sizeof(((struct ed_reader *)0)->kinds) - 3)) {
        ed_exchange_fail(x, 400, "event is an id such as E12, kinds a list such as born,merged");
        return;
    }
    pthread_mutex_lock(&all->lock);
    int room = all->n < STREAMS_MAX && !atomic_load(&x->serve->stopping);
    struct ed_reader *r = room ? ed_alloc_zero(1, sizeof *r) : NULL;
    if (r) {
        r->all = all;
        r->after = all->first;
        if (r->after)
            r->after->before = r;
        all->first = r;
        all->n++;
    }
    all->refused += !room;
    pthread_mutex_unlock(&all->lock);
    if (!r) {
        ed_exchange_fail(x, 503, "%d streams are open, which is all there may be", STREAMS_MAX);
        return;
    }
    r->connection = x->connection;
    r->event = id;
    r->said_ms = ed_monotonic_ms();
    ed_bytes_init(&r->piece, 0);
    if (kinds && *kinds)
        snprintf(r->kinds, sizeof r->kinds, ",%s,", kinds);
    reader_begin(r, x, after);
    if (!r->piece.n)
        ed_bytes_add_str(&r->piece, ": here we are\n\n");
    x->type = ED_TYPE_STREAM;
    x->reader = r;
}

/* ---- who wakes them ---- */

/* The server does not look at those that are suspended, so we do: a client that has left would keep
 * its place until there is something to tell. */
static int has_left(struct ed_reader *r)
{
    char byte;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    r->gone = info && recv(info->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
    return r->gone;
}

static void *streams_main(void *p)
{
    struct ed_streams *all = p;
    int stopping = 0;
    while (!stopping) {
        uint64_t next = ed_board_wait(all->serve->o.board, all->next, LOOK_MS);
        int64_t now_ms = ed_monotonic_ms();
        pthread_mutex_lock(&all->lock);
        all->next = next;
        stopping = atomic_load(&all->serve->stopping);
        for (struct ed_reader *r = all->first; r; r = r->after) {
            if (!r->waiting) /* it is the server's thread's now */
                continue;
            if (r->next >= next && !stopping && now_ms - r->said_ms < SILENT_MS && !has_left(r))
                continue;
            r->waiting = 0;
            MHD_resume_connection(r->connection);
        }
        pthread_mutex_unlock(&all->lock);
    }
    return NULL;
}

eddy_status ed_streams_new(struct ed_serve *serve, struct ed_streams **ret, eddy_error *err)
{
    sigset_t every, before;
    struct ed_streams *all = ed_alloc_zero(1, sizeof *all);
    if (!all)
        return eddy_fail_nomem(err, "serve", sizeof *all);
    all->serve = serve;
    pthread_mutex_init(&all->lock, NULL);
    while (getrandom(&all->process, sizeof all->process, 0) != sizeof all->process)
        continue;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    all->has_thread = pthread_create(&all->thread, NULL, streams_main, all) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    *ret = all;
    return all->has_thread ? EDDY_OK : eddy_fail(err, EDDY_NOMEM, "serve: cannot start a thread");
}

void ed_streams_stop(struct ed_streams *all)
{
    if (!all)
        return;
    ed_board_wake(all->serve->o.board);
    if (all->has_thread)
        pthread_join(all->thread, NULL);
}

/* Until all readers have been told of the end, or will not hear of it. */
void ed_streams_drain(struct ed_streams *all)
{
    for (int i = 0; all && i < DRAIN_MS / DRAIN_LOOK_MS && ed_streams_n(all); i++)
        nanosleep(&(struct timespec){0, DRAIN_LOOK_MS * 1000000L}, NULL);
}

/* The daemon has given all readers back. */
void ed_streams_free(struct ed_streams *all)
{
    if (!all)
        return;
    pthread_mutex_destroy(&all->lock);
    ed_free(all);
}

size_t ed_streams_n(struct ed_streams *all)
{
    pthread_mutex_lock(&all->lock);
    size_t n = all->n;
    pthread_mutex_unlock(&all->lock);
    return n;
}

uint64_t ed_streams_refused(struct ed_streams *all)
{
    pthread_mutex_lock(&all->lock);
    uint64_t n = all->refused;
    pthread_mutex_unlock(&all->lock);
    return n;
}
