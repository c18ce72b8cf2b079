/* Living: a table from keys to the age of their last record, when it was last asked for, and its
 * size; and how many keys each age has. */
#include "journal/living.h"

#include <string.h>

#define AGE_PARTS  8     /* ages that the log may span, when all is well */
#define RECORD_IN  24    /* bytes of a record in a log beside its value */
#define PATIENCE   64    /* calls after which a key is asked for again */
#define LOOKED_MAX 16384 /* places of the table that one call looks at */

/* value = low 24 bits of the age << 40 | 16 bits: round of the asking % 65535 + 1, 0: it was not
 * asked for | 24 bits: bytes */
#define AGE_MASK   ((UINT64_C(1) << 24) - 1)
#define BYTES_MASK ((UINT64_C(1) << 24) - 1)
_Static_assert(ED_AGES <= AGE_MASK, "an age is known by its low bits");

static struct ed_age *age_at(struct ed_living *l, uint64_t number)
{
    return &l->ages[number % ED_AGES];
}

/* The number of a value's age: they all are among the last ED_AGES. */
static uint64_t age_of(const struct ed_living *l, uint64_t value)
{
    return l->oldest + (((value >> 40) - l->oldest) & AGE_MASK);
}

static uint64_t asked_in(uint64_t value)
{
    return value >> 24 & 0xffff;
}

static uint64_t value_of(uint64_t age, uint64_t bytes)
{
    return (age & AGE_MASK) << 40 | (bytes < BYTES_MASK ? bytes : BYTES_MASK);
}

void ed_living_clear(struct ed_living *l)
{
    ed_table_clear(&l->keys);
}

void ed_living_begin(struct ed_living *l, int64_t from)
{
    uint64_t span_least = l->span_least;
    ed_table_clear(&l->keys);
    *l = (struct ed_living){.span_least = span_least ? span_least : ED_SPAN_LEAST};
    ed_table_init(&l->keys);
    l->ages[0].from = from;
}

void ed_living_note(struct ed_living *l, const eddy_record *record)
{
    struct ed_age *now = age_at(l, l->newest);
    uint64_t bytes = record->value.n + RECORD_IN;
    now->bytes += bytes;
    if (l->lost)
        return;
    uint64_t *value = ed_table_find(&l->keys, record->key);
    l->fresh[0] += value && asked_in(*value) ? 0 : bytes;
    if (value) {
        age_at(l, age_of(l, *value))->keys--;
        l->bytes -= *value & BYTES_MASK;
    }
    if (!record->value.at) {
        if (value)
            ed_table_remove(&l->keys, record->key);
        return;
    }
    if (!value && !(value = ed_table_put(&l->keys, record->key, 0))) {
        l->lost = 1;
        return;
    }
    *value = value_of(l->newest, bytes);
    l->bytes += *value & BYTES_MASK;
    now->keys++;
}

static uint64_t span_of(const struct ed_living *l)
{
    return l->bytes > l->span_least ? l->bytes : l->span_least;
}

void ed_living_pass(struct ed_living *l, int64_t offset)
{
    l->fresh[1] = l->fresh[0];
    l->fresh[0] = 0;
    if (age_at(l, l->newest)->bytes < span_of(l) / AGE_PARTS ||
        l->newest - l->oldest + 1 == ED_AGES)
        return;
    l->newest++;
    *age_at(l, l->newest) = (struct ed_age){.from = offset};
}

int64_t ed_living_from(struct ed_living *l)
{
    while (!l->lost && l->oldest < l->newest && !age_at(l, l->oldest)->keys)
        l->oldest++;
    return age_at(l, l->oldest)->from;
}

/* How many bytes the log has, and the first age that may stay. */
static uint64_t spanned(struct ed_living *l, uint64_t *ret_stays)
{
    uint64_t bytes = 0;
    *ret_stays = l->oldest;
    for (uint64_t age = l->newest + 1; age-- > l->oldest;) {
        bytes += age_at(l, age)->bytes;
        if (bytes > span_of(l) && *ret_stays == l->oldest)
            *ret_stays = age < l->newest ? age + 1 : age;
    }
    return bytes;
}

static int is_due(const struct ed_living *l, uint64_t value, uint64_t stays)
{
    uint64_t asked = asked_in(value);
    uint64_t since = (l->round % 65535 + 1 + 65535 - asked) % 65535;
    return age_of(l, value) < stays && (!asked || since >= PATIENCE);
}

/* The longer the log is beyond its span, the more is asked for: at twice the span as much again as
 * there is of its own in an epoch. So the share settles at what is needed, and an epoch is at most
 * twice as long. */
size_t ed_living_wanted(struct ed_living *l, uint64_t *ret, size_t room)
{
    uint64_t stays;
    uint64_t span = span_of(l);
    uint64_t bytes = spanned(l, &stays);
    uint64_t over = bytes > span ? bytes - span : 0;
    double share = over < span ? (double)over / (double)span : 1;
    double budget = share * (double)l->fresh[1];
    size_t n = 0;
    size_t looked = 0;
    l->round++;
    for (; !l->lost && budget > 0 && n < room && looked < l->keys.room && looked < LOOKED_MAX;
         looked++) {
        size_t at = l->cursor++ & (l->keys.room - 1);
        uint64_t value = l->keys.values[at];
        if (!l->keys.keys[at] || !is_due(l, value, stays))
            continue;
        ret[n++] = l->keys.keys[at];
        l->keys.values[at] = (value & ~(UINT64_C(0xffff) << 24)) | (l->round % 65535 + 1) << 24;
        budget -= (double)(value & BYTES_MASK);
    }
    return n;
}
