/* One level of the hierarchy: leaves that gather in nodes, in the memory of one pass (cl->work). */
#ifndef ED_ENGINE_LEVEL_H
#define ED_ENGINE_LEVEL_H

#include "engine/hierarchy.h"

struct ed_leaf {
    uint64_t id;
    uint32_t thing; /* slot of the event, or of the topic */
    uint32_t node;
    uint32_t edge, n_edges; /* leaves near it, of those that are due */
    double weight, docs;
    const float *x; /* (dim) its weight times its mean */
};

struct ed_node {
    uint64_t id;   /* 0: no topic, or not yet */
    uint32_t slot; /* of the topic */
    uint32_t into; /* the node that it was merged into; itself */
    uint32_t n;    /* leaves */
    double weight, docs;
    const float *sum; /* (dim) that of its only leaf, or own */
    float *own;       /* NULL: none yet */
    uint32_t event;   /* slot of the only event, whose code is there; NONE */
    uint8_t *bytes;   /* of its code; NULL: none yet */
    int coded;        /* the code is that of the sum */
    struct ed_code code;
    double asked_for, asked; /* what is asked of so much weight */
};

struct ed_level {
    eddy_clusterer *cl;
    int number;  /* 1: topics over events, 2: themes over topics */
    int of_sums; /* leaves are the events' sums themselves */
    size_t dim;
    struct ed_code_shape shape; /* of a sum's code */
    double mean, spread, asked; /* of the null pairs; of large nodes */
    struct ed_leaf *leaves;
    uint32_t n_leaves;
    struct ed_node *nodes;
    uint32_t n_nodes;
    uint32_t *edges;     /* leaves */
    uint32_t *leaf_of;   /* slot of an event or topic -> leaf */
    uint8_t *leaf_bytes; /* room for the code of one */
};

/* Move, split and merge; then the topics or themes are what the nodes are, and the leaves know
 * whose they are. Leaves and edges are filled in. */
eddy_status ed_level_pass(struct ed_level *l, eddy_error *err);
/* The node that this one went into at last; itself. */
uint32_t ed_level_node(const struct ed_level *l, uint32_t node);
/* The leaves, node by node: those of node v are at ret_first[v] to ret_first[v + 1] - 1. NULL: no
 * memory. */
uint32_t *ed_level_leaves(const struct ed_level *l, uint32_t **ret_first);

#endif
