/* Letters go round like batches: blank ones to the reader, written ones to the engine. When all are
 * written, no more is read. */
#include "pipeline/control.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/message.h"
#include "parse/control.h"
#include "pipeline/ring.h"

#include <stdatomic.h>
#include <string.h>

#define LETTERS   16
#define WAIT_MS   100
#define ARENA_MAX ((size_t)128 << 20) /* a message of any size is kept whole, for a dead letter */

struct ed_control {
    struct ed_source *source;
    struct ed_letter letters[LETTERS];
    struct ed_ring *blank, *written;
    atomic_int stopping;
};

eddy_status ed_control_new(struct ed_source *source, struct ed_control **ret, eddy_error *err)
{
    struct ed_control *c = ed_alloc_zero(1, sizeof *c);
    if (!c)
        return eddy_fail_nomem(err, "control", sizeof *c);
    c->source = source;
    eddy_status st = ed_ring_new(LETTERS, &c->blank, err);
    if (st == EDDY_OK)
        st = ed_ring_new(LETTERS, &c->written, err);
    for (size_t i = 0; i < LETTERS && st == EDDY_OK; i++) {
        c->letters[i].arena = eddy_arena_new(ARENA_MAX);
        if (!c->letters[i].arena)
            st = eddy_fail_nomem(err, "control", 0);
        else
            (void)ed_ring_push(c->blank, &c->letters[i], 0);
    }
    if (st != EDDY_OK) {
        ed_control_free(c);
        return st;
    }
    *ret = c;
    return EDDY_OK;
}

static eddy_status letter_write(struct ed_letter *letter, const eddy_raw *raw, eddy_error *err)
{
    char detail[256] = "";
    eddy_status st = ed_raw_copy(letter->arena, raw, &letter->raw, err);
    if (st == EDDY_OK)
        st = ed_control_parse(letter->raw.bytes, letter->raw.n, letter->arena, &letter->order,
                              &letter->reject, detail, sizeof detail, err);
    if (st != EDDY_OK)
        return st;
    letter->detail = ed_arena_str(letter->arena, detail, strlen(detail)).at;
    return letter->detail ? EDDY_OK : eddy_fail_nomem(err, "control", sizeof detail);
}

eddy_status ed_control_read(struct ed_control *c, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    int end = 0;
    while (st == EDDY_OK && !end && !atomic_load(&c->stopping)) {
        void *letter = NULL;
        eddy_raw raw;
        size_t n = 0;
        enum ed_ring_answer answer = ed_ring_pop(c->blank, &letter, WAIT_MS);
        if (answer == ED_RING_CLOSED)
            return EDDY_STOPPED;
        while (answer == ED_RING_OK && st == EDDY_OK && !n && !end)
            st = ed_source_read(c->source, WAIT_MS, &raw, 1, &n, &end, err);
        if (n)
            st = letter_write(letter, &raw, err);
        if (n && st == EDDY_OK)
            (void)ed_ring_push(c->written, letter, 0);
    }
    return st;
}

void ed_control_stop(struct ed_control *c)
{
    atomic_store(&c->stopping, 1);
    ed_source_stop(c->source);
}

struct ed_letter *ed_control_next(struct ed_control *c)
{
    void *letter = NULL;
    return ed_ring_pop(c->written, &letter, 0) == ED_RING_OK ? letter : NULL;
}

void ed_control_back(struct ed_control *c, struct ed_letter *letter)
{
    eddy_arena_reset(letter->arena);
    (void)ed_ring_push(c->blank, letter, 0);
}

int ed_control_waits(struct ed_control *c)
{
    return ed_ring_count(c->written) > 0;
}

void ed_control_free(struct ed_control *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < LETTERS; i++)
        eddy_arena_free(c->letters[i].arena);
    ed_ring_free(c->blank);
    ed_ring_free(c->written);
    ed_free(c);
}
