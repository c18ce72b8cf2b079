/* Strings by their bytes, one after another: all strings that a text begins with, in one walk. */
#ifndef ED_EMBED_TRIE_H
#define ED_EMBED_TRIE_H

#include <eddy/doc.h>

/* A node of the double array (Aoe 1989): the child for byte c of the node at i stands at
 * base ^ c, if that one's parent is i. */
struct ed_trie_node {
    uint32_t base;
    uint32_t parent; /* UINT32_MAX: free */
    uint32_t value;  /* UINT32_MAX: no string ends here */
};

struct ed_trie {
    struct ed_trie_node *nodes; /* the root is 0 */
    size_t n;
};

#define ED_TRIE_NONE UINT32_MAX

/* A string and its value; values are below ED_TRIE_NONE. */
struct ed_trie_entry {
    eddy_str at;
    uint32_t value;
};

/* Make a trie of (n) entries, none of them empty. They are sorted here; of equal strings that with
 * the largest value counts. 0: no memory, and nothing to clear. */
int ed_trie_init(struct ed_trie *trie, struct ed_trie_entry *entries, size_t n);
void ed_trie_clear(struct ed_trie *trie);

/* The node that byte c leads to from a node, ED_TRIE_NONE when there is none. */
static inline uint32_t ed_trie_next(const struct ed_trie *trie, uint32_t node, unsigned char c)
{
    uint32_t next = trie->nodes[node].base ^ c;
    return trie->nodes[next].parent == node ? next : ED_TRIE_NONE;
}

/* The value of a string, ED_TRIE_NONE when it is not there. */
uint32_t ed_trie_find(const struct ed_trie *trie, const char *s, size_t n);

#endif
