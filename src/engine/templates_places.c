/* Places: where words vary, found by leaving them out one by one (LOGS 3.3, 3.4).
 *
 * Two signatures that are equal but for one word have the same place there. What is seen at it
 * opens it: enough distinct words, or a variable beside a word. All that met there are one template
 * then, and so is whatever comes later. */
#include "engine/templates.h"

#define T_WORD       6 /* distinct words that open a place ... */
#define T_EXPECTED   3 /* ... after "for", "user" ..., or where all of them look like identifiers */
#define PAIR_EACH    4 /* ... at both of a pair */
#define VARIABLE_MIN 3 /* words that a signature must have beside its variable to open a place */
#define FEW_WORDS    2 /* that remain: little context */

/* ---- keys ---- */

#define PAIR_TAG UINT64_C(0x7061697270616972)

static void keys_add(struct ed_keys *keys, uint64_t key, unsigned word, unsigned second,
                     eddy_place_reason reason)
{
    keys->key[keys->n] = key ? key : 1;
    keys->word[keys->n] = (uint8_t)word;
    keys->second[keys->n] = (uint8_t)second;
    keys->reason[keys->n++] = (uint8_t)reason;
}

static int may_pair(uint8_t flags)
{
    return flags & EDDY_WORD_CANDIDATE && flags & (EDDY_WORD_IDENTIFIER | EDDY_WORD_AFTER);
}

static void keys_of_pairs(const struct ed_form *f, const uint64_t *head, const uint64_t *tail,
                          struct ed_keys *ret)
{
    for (unsigned p = 0; p + 1 < f->n; p++) {
        if (!may_pair(f->flags[p]))
            continue;
        uint64_t between = PAIR_TAG + p;
        for (unsigned q = p + 1; q < f->n; q++) {
            if (may_pair(f->flags[q]))
                keys_add(ret, ed_mix_pair(ed_mix_pair(head[p], tail[q + 1]), between), p, q,
                         EDDY_PLACE_PAIR);
            between = ed_mix_pair(between, f->hashes[q]);
        }
    }
}

void ed_keys_of(const struct ed_form *f, int pairs, struct ed_keys *ret)
{
    uint64_t head[EDDY_SCAN_WORDS + 1], tail[EDDY_SCAN_WORDS + 1];
    head[0] = 0;
    tail[f->n] = f->rest;
    for (unsigned i = 0; i < f->n; i++)
        head[i + 1] = ed_mix_pair(head[i], f->hashes[i]);
    for (unsigned i = f->n; i-- > 0;)
        tail[i] = ed_mix_pair(tail[i + 1], f->hashes[i]);
    ret->n = 0;
    for (unsigned p = 0; p < f->n && f->n >= 2; p++)
        if (f->flags[p] & EDDY_WORD_CANDIDATE)
            keys_add(ret, ed_mix_pair(ed_mix_pair(head[p], tail[p + 1]), p + 1), p, p,
                     EDDY_PLACE_WORDS);
    for (unsigned g = 0; g <= f->n && f->n >= 1 && g < EDDY_SCAN_WORDS; g++)
        if (f->gaps >> g & 1)
            keys_add(ret, ed_mix_pair(ed_mix_pair(head[g], tail[g]), g + 1), g, g,
                     EDDY_PLACE_VARIABLE);
    if (pairs && f->n >= PAIR_WORDS_MIN && f->n <= PAIR_WORDS_MAX)
        keys_of_pairs(f, head, tail, ret);
}

uint32_t ed_place_of(const eddy_miner *m, const struct ed_form *form)
{
    struct ed_keys keys;
    uint32_t ret = NONE;
    if (!m->n_places)
        return NONE;
    ed_keys_of(form, m->n_pairs > 0, &keys);
    for (unsigned i = 0; i < keys.n; i++) {
        const uint64_t *place = ed_table_find(&m->place_of, keys.key[i]);
        if (place && (ret == NONE || m->places[*place].order < m->places[ret].order))
            ret = (uint32_t)*place;
    }
    return ret;
}

/* ---- closed places: a table of keys, and of those with more than one member a struct ---- */

#define SINGLE   (UINT64_C(1) << 63) /* with the slot of a member that has a word there, ... */
#define VARIABLE (UINT64_C(1) << 62) /* ... or a variable */

static uint32_t closed_take(eddy_miner *m)
{
    if (m->free_closed != NONE) {
        uint32_t at = m->free_closed;
        m->free_closed = m->closed[at].n;
        return at;
    }
    size_t room = m->room_closed;
    struct ed_closed *wide = ed_list_room(m->closed, m->n_closed, &room, sizeof *wide);
    if (!wide)
        return NONE;
    m->closed = wide;
    m->room_closed = (uint32_t)room;
    return m->n_closed++;
}

static void closed_give(eddy_miner *m, uint32_t at)
{
    m->closed[at].n = m->free_closed;
    m->free_closed = at;
}

static void closed_put(struct ed_closed *closed, uint32_t slot, int variable)
{
    if (variable) {
        closed->variable = slot;
        return;
    }
    if (closed->n == PLACE_MEMBERS) { /* the last ones count */
        closed->n--;
        memmove(closed->members, closed->members + 1, closed->n * sizeof *closed->members);
    }
    closed->members[closed->n++] = slot;
}

/* One more member. 0: no memory. */
static int closed_add(eddy_miner *m, uint64_t key, uint32_t slot, int variable)
{
    uint64_t single = SINGLE | (variable ? VARIABLE : 0) | slot;
    uint64_t *value = ed_table_put(&m->closed_of, key, single);
    if (!value)
        return 0;
    if (*value == single)
        return 1;
    if (*value & SINGLE) {
        uint32_t at = closed_take(m);
        if (at == NONE)
            return 0;
        m->closed[at] = (struct ed_closed){.variable = NONE};
        closed_put(&m->closed[at], (uint32_t)*value, (*value & VARIABLE) != 0);
        *value = at;
    }
    closed_put(&m->closed[*value], slot, variable);
    return 1;
}

static struct ed_closed closed_get(const eddy_miner *m, uint64_t key)
{
    struct ed_closed ret = {.variable = NONE};
    const uint64_t *value = ed_table_find(&m->closed_of, key);
    if (value && *value & SINGLE)
        closed_put(&ret, (uint32_t)*value, (*value & VARIABLE) != 0);
    else if (value)
        ret = m->closed[*value];
    return ret;
}

static void closed_remove(eddy_miner *m, uint64_t key)
{
    uint64_t *value = ed_table_find(&m->closed_of, key);
    if (value && !(*value & SINGLE))
        closed_give(m, (uint32_t)*value);
    ed_table_remove(&m->closed_of, key);
}

/* A node says nothing any more of this place, which may have been opened. */
static void closed_leave(eddy_miner *m, uint64_t key, uint32_t slot)
{
    uint64_t *value = ed_table_find(&m->closed_of, key);
    if (!value)
        return;
    if (*value & SINGLE) {
        if ((uint32_t)*value == slot)
            ed_table_remove(&m->closed_of, key);
        return;
    }
    struct ed_closed *closed = &m->closed[*value];
    if (closed->variable == slot)
        closed->variable = NONE;
    for (uint32_t i = 0; i < closed->n; i++)
        if (closed->members[i] == slot) {
            closed->n--;
            memmove(closed->members + i, closed->members + i + 1,
                    (closed->n - i) * sizeof *closed->members);
            break;
        }
    uint32_t at = (uint32_t)*value;
    if (closed->n + (closed->variable != NONE) > 1)
        return;
    if (closed->n || closed->variable != NONE)
        *value = SINGLE | (closed->n ? closed->members[0] : VARIABLE | closed->variable);
    else
        ed_table_remove(&m->closed_of, key);
    closed_give(m, at);
}

/* ---- the window ---- */

static uint32_t *window_at(const eddy_miner *m, uint64_t number)
{
    return &m->window[number % m->o.learning];
}

static void window_leave(eddy_miner *m)
{
    uint32_t slot = *window_at(m, m->window_from++);
    if (slot == NONE)
        return;
    struct ed_form form = ed_form_of(m->nodes[slot].founder);
    struct ed_keys keys;
    ed_keys_of(&form, 1, &keys);
    m->window_places -= keys.n;
    for (unsigned i = 0; i < keys.n; i++)
        closed_leave(m, keys.key[i], slot);
}

/* The node just founded enters, with so many places. */
static void window_enter(eddy_miner *m, uint32_t slot, unsigned n_keys)
{
    uint64_t number = m->nodes[slot].number;
    while (number - m->window_from >= m->o.learning ||
           (m->window_places + n_keys > WINDOW_PLACES && m->window_from < number))
        window_leave(m);
    *window_at(m, number) = n_keys ? slot : NONE;
    m->window_places += n_keys;
}

static int is_closed(const eddy_miner *m, uint64_t key)
{
    return !ed_table_find(&m->place_of, key) && !ed_table_find(&m->is_sticky, key);
}

int ed_window_begin(eddy_miner *m)
{
    ed_table_clear(&m->closed_of);
    m->n_closed = 0;
    m->free_closed = NONE;
    m->window_places = 0;
    for (uint64_t number = m->window_from; number < m->next_number; number++) {
        uint32_t slot = *window_at(m, number);
        if (slot == NONE)
            continue;
        struct ed_form form = ed_form_of(m->nodes[slot].founder);
        struct ed_keys keys;
        ed_keys_of(&form, 1, &keys);
        m->window_places += keys.n;
        for (unsigned i = 0; i < keys.n; i++)
            if (is_closed(m, keys.key[i]) &&
                !closed_add(m, keys.key[i], slot, keys.reason[i] == EDDY_PLACE_VARIABLE))
                return 0;
    }
    return 1;
}

/* ---- open places ---- */

int ed_places_room(eddy_miner *m, size_t wanted)
{
    size_t room = m->room_places ? m->room_places * (size_t)2 : 64;
    if (wanted <= m->room_places)
        return 1;
    room = ((wanted > room ? wanted : room) + 63) & ~(size_t)63;
    struct ed_place *wide = ed_realloc(m->places, room * sizeof *wide);
    if (!wide)
        return 0;
    memset(wide + m->room_places, 0, (room - m->room_places) * sizeof *wide);
    m->places = wide;
    if (!ed_slots_room(&m->place_slots, m->room_places, room) ||
        !ed_marks_room(&m->marks[ED_MINER_PLACE - ED_MINER_SCALARS], room))
        return 0;
    m->room_places = (uint32_t)room;
    return 1;
}

static int place_open(eddy_miner *m, uint64_t key, uint32_t root, eddy_place_reason reason)
{
    uint32_t at = ed_slots_lowest(&m->place_slots);
    if (!ed_places_room(m, (size_t)at + 1) || !ed_table_put(&m->place_of, key, at))
        return 0;
    ed_slots_take(&m->place_slots, at);
    m->places[at] = (struct ed_place){.key = key,
                                      .order = m->next_order++,
                                      .root = root,
                                      .next = m->nodes[root].places,
                                      .pair = reason == EDDY_PLACE_PAIR};
    m->nodes[root].places = at;
    m->n_places++;
    m->n_pairs += m->places[at].pair;
    ed_miner_mark(m, ED_MINER_PLACE, at);
    return 1;
}

void ed_place_drop(eddy_miner *m, uint32_t place)
{
    uint32_t *link = &m->nodes[m->places[place].root].places;
    while (*link != place)
        link = &m->places[*link].next;
    *link = m->places[place].next;
    ed_table_remove(&m->place_of, m->places[place].key);
    ed_slots_free(&m->place_slots, place);
    m->n_places--;
    m->n_pairs -= m->places[place].pair;
    m->places[place].key = 0;
    ed_miner_mark(m, ED_MINER_PLACE, place);
}

/* ---- learning ---- */

/* Of the founder of a member. It has such a word, unless somebody made two keys collide. */
static uint64_t member_word(const eddy_miner *m, uint32_t member, unsigned word)
{
    const struct ed_founder *f = m->nodes[member].founder;
    return word < f->n ? f->hashes[word] : 0;
}

static uint8_t member_flags(const eddy_miner *m, uint32_t member, unsigned word)
{
    const struct ed_founder *f = m->nodes[member].founder;
    return word < f->n ? ed_founder_flags(f)[word] : 0;
}

static unsigned words_distinct(const eddy_miner *m, const struct ed_closed *closed, unsigned word)
{
    unsigned ret = 0;
    for (uint32_t i = 0; i < closed->n; i++) {
        uint64_t hash = member_word(m, closed->members[i], word);
        uint32_t j = 0;
        while (j < i && member_word(m, closed->members[j], word) != hash)
            j++;
        ret += j == i;
    }
    return ret;
}

/* How many distinct words open this place. */
static unsigned words_needed(const eddy_miner *m, const struct ed_closed *closed, unsigned word)
{
    const struct ed_founder *f = m->nodes[closed->members[0]].founder;
    unsigned after = member_flags(m, closed->members[0], word) & EDDY_WORD_AFTER;
    unsigned identifiers = 0, once = 0;
    for (uint32_t i = 0; i < closed->n; i++) {
        identifiers += (member_flags(m, closed->members[i], word) & EDDY_WORD_IDENTIFIER) != 0;
        once += m->nodes[closed->members[i]].count <= 1;
    }
    unsigned ret = after || identifiers == closed->n ? T_EXPECTED : T_WORD;
    if (f->n - 1u <= FEW_WORDS)
        ret *= 2;
    if (!word)
        ret *= 2;
    if (once * 3 < closed->n) /* a small vocabulary, each word of it seen again and again */
        ret *= 3;
    return ret < PLACE_MEMBERS ? ret : PLACE_MEMBERS;
}

static eddy_place_reason opens(const eddy_miner *m, const struct ed_closed *closed,
                               const struct ed_keys *keys, unsigned i)
{
    if (keys->reason[i] == EDDY_PLACE_PAIR)
        return words_distinct(m, closed, keys->word[i]) >= PAIR_EACH &&
                       words_distinct(m, closed, keys->second[i]) >= PAIR_EACH
                   ? EDDY_PLACE_PAIR
                   : EDDY_PLACE_NONE;
    if (!closed->n)
        return EDDY_PLACE_NONE;
    if (closed->variable != NONE && m->nodes[closed->variable].founder->n >= VARIABLE_MIN)
        return EDDY_PLACE_VARIABLE;
    return closed->n >= words_needed(m, closed, keys->word[i]) ? EDDY_PLACE_WORDS : EDDY_PLACE_NONE;
}

/* "Word 4 took 6 values: admin, oracle, ..." 0: no memory. */
static int evidence(eddy_miner *m, const struct ed_closed *closed, unsigned word,
                    eddy_template_change *change)
{
    change->word = word;
    for (uint32_t i = 0; i < closed->n; i++) {
        const struct ed_founder *f = m->nodes[closed->members[i]].founder;
        eddy_span span = word < f->n ? ed_founder_words(f)[word] : (eddy_span){0};
        eddy_str *seen = &change->words[change->n_words++];
        *seen = ed_arena_str(m->told, ed_founder_text(f) + span.at, span.n);
        if (!seen->at)
            return 0;
    }
    return 1;
}

/* All that met there are one. 0: no memory. */
static int merge_members(eddy_miner *m, const struct ed_closed *closed, const struct ed_keys *keys,
                         unsigned k, eddy_place_reason reason, int64_t time_ms)
{
    uint32_t list[PLACE_MEMBERS + 1], n = 0, into = NONE;
    for (uint32_t i = 0; i < closed->n; i++)
        list[n++] = closed->members[i];
    if (closed->variable != NONE)
        list[n++] = closed->variable;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t root = m->nodes[list[i]].root;
        if (into == NONE || m->nodes[root].number < m->nodes[into].number)
            into = root;
    }
    if (!place_open(m, keys->key[k], into, reason))
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t from = m->nodes[list[i]].root;
        if (from == into)
            continue;
        eddy_template_change *change = ed_template_told(m, EDDY_TEMPLATE_MERGED, from, time_ms);
        if (!change)
            return 0;
        change->other = m->nodes[into].id;
        change->other_slot = into;
        change->reason = reason;
        change->place = keys->key[k];
        if (!evidence(m, closed, keys->word[k], change))
            return 0;
        ed_nodes_join(m, into, from);
        m->stats.merges++;
    }
    return 1;
}

int ed_learn(eddy_miner *m, uint32_t slot)
{
    struct ed_form form = ed_form_of(m->nodes[slot].founder);
    struct ed_keys keys = {0};
    if (!m->nodes[slot].coarse)
        ed_keys_of(&form, 1, &keys);
    window_enter(m, slot, keys.n);
    for (unsigned i = 0; i < keys.n; i++) {
        if (!is_closed(m, keys.key[i]))
            continue;
        if (!closed_add(m, keys.key[i], slot, keys.reason[i] == EDDY_PLACE_VARIABLE))
            return 0;
        struct ed_closed closed = closed_get(m, keys.key[i]);
        eddy_place_reason reason = opens(m, &closed, &keys, i);
        if (reason == EDDY_PLACE_NONE)
            continue;
        if (m->n_places == PLACES_MAX) {
            m->stats.places_max_hits++;
            continue;
        }
        closed_remove(m, keys.key[i]);
        if (!merge_members(m, &closed, &keys, i, reason, m->nodes[slot].last_ms))
            return 0;
    }
    return 1;
}
