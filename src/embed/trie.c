/* The double array is filled depth first from the sorted strings. Children of one node lie in one
 * block of 256 places. A place is looked for in the last blocks only: what those before have left
 * free is given up, which keeps filling linear and costs a few per cent of memory. */
#include "embed/trie.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK       256
#define BLOCKS_OPEN 8                  /* that are looked through for a place */
#define ROOT        (ED_TRIE_NONE - 1) /* parent of the root: not free, and no node */

struct filling {
    struct ed_trie *trie;
    size_t room; /* places; whole blocks */
    const struct ed_trie_entry *entries;
    uint16_t *used; /* (blocks) how many places are taken */
};

static int by_bytes(const void *a, const void *b)
{
    const struct ed_trie_entry *x = a, *y = b;
    size_t n = x->at.n < y->at.n ? x->at.n : y->at.n;
    int order = memcmp(x->at.at, y->at.at, n);
    if (order || x->at.n != y->at.n)
        return order ? order : x->at.n < y->at.n ? -1 : 1;
    return (x->value < y->value) - (x->value > y->value); /* the largest value first */
}

static int block_add(struct filling *f)
{
    struct ed_trie *trie = f->trie;
    if (trie->n == f->room) {
        size_t room = f->room ? 2 * f->room : 4 * BLOCK;
        struct ed_trie_node *nodes = ed_realloc(trie->nodes, room * sizeof *nodes);
        if (!nodes)
            return 0;
        trie->nodes = nodes;
        uint16_t *used = ed_realloc(f->used, room / BLOCK * sizeof *used);
        if (!used)
            return 0;
        f->used = used;
        f->room = room;
    }
    for (size_t i = 0; i < BLOCK; i++)
        trie->nodes[trie->n + i] = (struct ed_trie_node){0, ED_TRIE_NONE, ED_TRIE_NONE};
    f->used[trie->n / BLOCK] = 0;
    trie->n += BLOCK;
    return 1;
}

/* The base of a block at which the places of all n bytes are free, 0: there is none. Base 0 is
 * given to nobody, so that it can say so. */
static uint32_t place_in(const struct ed_trie_node *nodes, size_t block, const unsigned char *bytes,
                         size_t n)
{
    for (size_t place = block * BLOCK; place < (block + 1) * BLOCK; place++) {
        if (nodes[place].parent != ED_TRIE_NONE)
            continue;
        size_t base = place ^ bytes[0], i = 1;
        while (i < n && nodes[base ^ bytes[i]].parent == ED_TRIE_NONE)
            i++;
        if (i == n && base)
            return (uint32_t)base;
    }
    return 0;
}

/* The same in any block, a new one if need be. 0: no memory. */
static uint32_t place_find(struct filling *f, const unsigned char *bytes, size_t n)
{
    size_t blocks = f->trie->n / BLOCK;
    for (size_t b = blocks > BLOCKS_OPEN ? blocks - BLOCKS_OPEN : 0; b < blocks; b++) {
        uint32_t base = f->used[b] + n <= BLOCK ? place_in(f->trie->nodes, b, bytes, n) : 0;
        if (base)
            return base;
    }
    return block_add(f) ? (uint32_t)(f->trie->n - BLOCK) : 0;
}

/* Where in [from, to) the strings have another byte at depth than that of from. */
static size_t run_end(const struct filling *f, size_t from, size_t to, size_t depth)
{
    unsigned char c = (unsigned char)f->entries[from].at.at[depth];
    while (from < to && (unsigned char)f->entries[from].at.at[depth] == c)
        from++;
    return from;
}

/* Put what lies below a node: the entries [from, to), which agree in their first depth bytes. */
static int node_fill(struct filling *f, uint32_t node, size_t from, size_t to, size_t depth)
{
    unsigned char bytes[BLOCK] = {0};
    size_t n = 0;
    if (from < to && f->entries[from].at.n == depth) {
        f->trie->nodes[node].value = f->entries[from].value;
        while (from < to && f->entries[from].at.n == depth)
            from++;
    }
    if (from == to)
        return 1;
    for (size_t i = from; i < to; i = run_end(f, i, to, depth))
        bytes[n++] = (unsigned char)f->entries[i].at.at[depth];
    uint32_t base = place_find(f, bytes, n);
    if (!base)
        return 0;
    f->trie->nodes[node].base = base;
    for (size_t i = 0; i < n; i++)
        f->trie->nodes[base ^ bytes[i]].parent = node;
    f->used[base / BLOCK] = (uint16_t)(f->used[base / BLOCK] + n);
    for (size_t i = 0, at = from; i < n; i++) {
        size_t end = run_end(f, at, to, depth);
        if (!node_fill(f, base ^ bytes[i], at, end, depth + 1))
            return 0;
        at = end;
    }
    return 1;
}

int ed_trie_init(struct ed_trie *trie, struct ed_trie_entry *entries, size_t n)
{
    struct filling f = {.trie = trie, .entries = entries};
    *trie = (struct ed_trie){0};
    if (n)
        qsort(entries, n, sizeof *entries, by_bytes);
    int done = block_add(&f);
    if (done) {
        trie->nodes[0].parent = ROOT;
        f.used[0] = 1;
        done = node_fill(&f, 0, 0, n, 0);
    }
    ed_free(f.used);
    if (!done)
        ed_trie_clear(trie);
    return done;
}

void ed_trie_clear(struct ed_trie *trie)
{
    ed_free(trie->nodes);
    *trie = (struct ed_trie){0};
}

uint32_t ed_trie_find(const struct ed_trie *trie, const char *s, size_t n)
{
    uint32_t node = 0;
    for (size_t i = 0; i < n && node != ED_TRIE_NONE; i++)
        node = ed_trie_next(trie, node, (unsigned char)s[i]);
    return node == ED_TRIE_NONE ? ED_TRIE_NONE : trie->nodes[node].value;
}
