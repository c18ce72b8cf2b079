/* Describe: what events and topics are called, and what they are said to be.
 *
 * Names, pins and descriptions are given by operations and kept together, each with who gave it
 * and by which operation. The higher rank's stays; of equal rank, the later one's. Where two events
 * become one, what the one that lives on was given stays, else it takes the other's. */
#include "engine/hierarchy.h"
#include "engine/record.h"

#include "base/utf8.h"

/* ---- keeping ---- */

void ed_given_free(struct ed_given *given)
{
    if (given)
        ed_free(given->vector);
    ed_free(given);
}

static int is_nothing(const struct ed_given *given)
{
    return given->named_by == EDDY_ONLINE && given->pinned_by == EDDY_ONLINE &&
           given->described_by == EDDY_ONLINE;
}

int ed_given_keep(const eddy_clusterer *cl, struct ed_given *at, const struct ed_given *given)
{
    float *vector = given->vector;
    if (vector != at->vector && vector) {
        vector = ed_alloc(cl->o.dense_dim * sizeof *vector);
        if (!vector)
            return 0;
        memcpy(vector, given->vector, cl->o.dense_dim * sizeof *vector);
    }
    if (vector != at->vector)
        ed_free(at->vector);
    *at = *given;
    at->vector = vector;
    return 1;
}

int ed_given_put(const eddy_clusterer *cl, struct ed_given **at, const struct ed_given *given)
{
    if (is_nothing(given)) {
        ed_given_free(*at);
        *at = NULL;
        return 1;
    }
    if (!*at)
        *at = ed_alloc_zero(1, sizeof **at);
    return *at && ed_given_keep(cl, *at, given);
}

int ed_give(eddy_clusterer *cl, uint32_t slot, const struct ed_given *given)
{
    ed_mark(cl, ED_EVENT, slot);
    return ed_given_put(cl, &cl->events[slot].given, given);
}

/* ---- taking over: the vector stays its owner's until the whole is put somewhere ---- */

void ed_given_name(struct ed_given *to, const struct ed_given *from)
{
    to->named_by = from->named_by;
    to->named_in = from->named_in;
    to->n = from->n;
    memcpy(to->name, from->name, sizeof to->name);
}

void ed_given_pin(struct ed_given *to, const struct ed_given *from)
{
    to->pinned_by = from->pinned_by;
    to->pinned_in = from->pinned_in;
}

void ed_given_description(struct ed_given *to, const struct ed_given *from)
{
    to->described_by = from->described_by;
    to->described_in = from->described_in;
    to->n_summary = from->n_summary;
    to->n_category = from->n_category;
    memcpy(to->summary, from->summary, sizeof to->summary);
    memcpy(to->category, from->category, sizeof to->category);
    to->vector = from->vector;
}

int ed_given_merged(const eddy_clusterer *cl, struct ed_given **into, const struct ed_given *from)
{
    struct ed_given all = {0};
    if (!from)
        return 1;
    if (*into)
        all = **into;
    if (from->named_by > all.named_by)
        ed_given_name(&all, from);
    if (from->pinned_by > all.pinned_by)
        ed_given_pin(&all, from);
    if (from->described_by > all.described_by)
        ed_given_description(&all, from);
    return ed_given_put(cl, into, &all);
}

/* ---- the operation ---- */

static int is_text(eddy_str s)
{
    return !s.n || (s.at && ed_utf8_valid(s.at, s.n) == s.n);
}

eddy_status ed_describe_check(const eddy_clusterer *cl, const eddy_operation *op, eddy_error *err)
{
    if (!is_text(op->name) || !is_text(op->summary) || !is_text(op->category))
        return eddy_fail(err, EDDY_INVALID, "operation: a text of the description is not UTF-8");
    if (!op->name.n && !op->summary.n && !op->category.n)
        return eddy_fail(err, EDDY_INVALID, "operation: a description that says nothing");
    if (op->actor == EDDY_ONLINE)
        return eddy_fail(err, EDDY_INVALID, "operation: a description by nobody");
    if (op->vector && (!cl->o.dense_dim || !ed_finite(op->vector, cl->o.dense_dim) ||
                       !(ed_norm(op->vector, cl->o.dense_dim) > 0)))
        return eddy_fail(err, EDDY_INVALID, "operation: its vector is zero or not finite");
    return EDDY_OK;
}

/* Which parts may this actor say? */
static int names(const struct ed_given *given, const eddy_operation *op)
{
    return op->name.n && (!given || given->named_by <= op->actor);
}

static int describes(const struct ed_given *given, const eddy_operation *op)
{
    return (op->summary.n || op->category.n) && (!given || given->described_by <= op->actor);
}

eddy_refusal ed_describe_premise(const struct ed_given *given, const eddy_operation *op)
{
    if (given && given->pinned_by && op->actor != EDDY_PERSON)
        return EDDY_REFUSED_PINNED;
    return names(given, op) || describes(given, op) ? EDDY_APPLIED : EDDY_REFUSED_FORBIDDEN;
}

static size_t text_set(char *at, size_t max, eddy_str s)
{
    size_t n = ed_utf8_cut(s.at, s.n, max);
    memset(at, 0, max);
    memcpy(at, s.at, n);
    return n;
}

void ed_given_rename(struct ed_given *given, eddy_str name, eddy_actor by, uint64_t number)
{
    given->n = (uint8_t)text_set(given->name, sizeof given->name, name);
    given->named_by = by;
    given->named_in = number;
}

int ed_describe(const eddy_clusterer *cl, struct ed_given **at, const eddy_operation *op,
                uint64_t number)
{
    struct ed_given given = {0};
    if (*at)
        given = **at;
    if (names(*at, op))
        ed_given_rename(&given, op->name, op->actor, number);
    float *vector = NULL;
    if (describes(*at, op)) {
        given.described_by = op->actor;
        given.described_in = number;
        if (op->category.n)
            given.n_category =
                (uint8_t)text_set(given.category, sizeof given.category, op->category);
        if (op->summary.n) { /* its vector, or none: that of another summary says nothing */
            given.n_summary = (uint16_t)text_set(given.summary, sizeof given.summary, op->summary);
            given.vector = NULL;
        }
        if (op->vector && (vector = ed_alloc(cl->o.dense_dim * sizeof *vector)) != NULL) {
            memcpy(vector, op->vector, cl->o.dense_dim * sizeof *vector);
            given.vector = vector;
        }
        if (op->vector && !vector)
            return 0;
    }
    int ok = ed_given_put(cl, at, &given);
    ed_free(vector); /* it was copied */
    return ok;
}

/* Was it the operation of this number that said what is said now? */
int ed_described_by(const struct ed_given *given, uint64_t number)
{
    return given && ((given->named_by && given->named_in == number) ||
                     (given->described_by && given->described_in == number));
}

int ed_describe_undo(const eddy_clusterer *cl, struct ed_given **at, const struct ed_given *before,
                     uint64_t number)
{
    struct ed_given now = **at;
    if (now.named_by && now.named_in == number)
        ed_given_name(&now, before);
    if (now.described_by && now.described_in == number)
        ed_given_description(&now, before);
    return ed_given_put(cl, at, &now);
}

/* ---- as records ---- */

/* Nothing, or 1 and all of it. */
ed_out ed_given_record_put(const eddy_clusterer *cl, ed_out at, const struct ed_given *given)
{
    int some = given && (given->named_by || given->pinned_by || given->described_by);
    *at++ = (unsigned char)some;
    if (!some)
        return at;
    *at++ = (unsigned char)given->named_by;
    *at++ = (unsigned char)given->pinned_by;
    *at++ = (unsigned char)given->described_by;
    at = ed_put_varint(at, given->named_in);
    at = ed_put_varint(at, given->pinned_in);
    at = ed_put_varint(at, given->described_in);
    *at++ = given->n;
    at = ed_put_bytes(at, given->name, given->n);
    *at++ = given->n_category;
    at = ed_put_bytes(at, given->category, given->n_category);
    at = ed_put_varint(at, given->n_summary);
    at = ed_put_bytes(at, given->summary, given->n_summary);
    *at++ = given->vector != NULL;
    return given->vector ? ed_put_floats(at, given->vector, cl->o.dense_dim) : at;
}

/* At most so much of it. */
size_t ed_given_record_max(const eddy_clusterer *cl, const struct ed_given *given)
{
    if (!given)
        return 1;
    return sizeof *given + 8 * (size_t)ED_VARINT_MAX +
           (given->vector ? ED_FLOATS_MAX(cl->o.dense_dim) : 0);
}

/* n bytes, at most max. */
static size_t text_get(struct ed_unpack *u, char *ret, size_t max, uint64_t n)
{
    u->failed |= n > max;
    const char *at = ed_unpack_bytes(u, u->failed ? 0 : (size_t)n);
    if (u->failed)
        return 0;
    if (n)
        memcpy(ret, at, (size_t)n);
    return (size_t)n;
}

/* The vector, where there is one, is from the work arena: who keeps it, copies it. 0: no memory. */
int ed_given_record_get(eddy_clusterer *cl, struct ed_unpack *u, struct ed_given *given)
{
    memset(given, 0, sizeof *given);
    uint8_t some = ed_unpack_u8(u);
    u->failed |= some > 1;
    if (u->failed || !some)
        return 1;
    given->named_by = ed_get_actor(u);
    given->pinned_by = ed_get_actor(u);
    given->described_by = ed_get_actor(u);
    given->named_in = ed_get_varint(u);
    given->pinned_in = ed_get_varint(u);
    given->described_in = ed_get_varint(u);
    given->n = (uint8_t)text_get(u, given->name, EDDY_NAME_MAX, ed_unpack_u8(u));
    given->n_category = (uint8_t)text_get(u, given->category, EDDY_CATEGORY_MAX, ed_unpack_u8(u));
    given->n_summary = (uint16_t)text_get(u, given->summary, EDDY_SUMMARY_MAX, ed_get_varint(u));
    uint8_t vector = ed_unpack_u8(u);
    u->failed |= vector > (cl->o.dense_dim && given->described_by) ||
                 (given->named_by == EDDY_ONLINE) != !given->n ||
                 (given->described_by == EDDY_ONLINE) != !(given->n_category || given->n_summary) ||
                 !(given->named_by || given->pinned_by || given->described_by);
    if (u->failed || !vector)
        return 1;
    eddy_arena_reset(cl->work);
    given->vector = ed_arena_alloc(cl->work, cl->o.dense_dim * sizeof *given->vector);
    if (!given->vector)
        return 0;
    ed_get_floats(u, given->vector, cl->o.dense_dim);
    u->failed |= !(ed_norm(given->vector, cl->o.dense_dim) > 0);
    return 1;
}
