/* Level: leaves gather in nodes as long as their mean similarity is above a threshold.
 *
 * A pass looks at the leaves that have edges, and at whose their neighbours are: a leaf stays where
 * it is unless that gains by more than the hysteresis, loses its place when the rest of the node
 * turned away, nodes part in two in turn, and then whoever belongs together merges. Sums of nodes
 * are made anew in each pass, so that what a topic weighs is what its events weigh, and the state
 * is nothing but who belongs to whom.
 *
 * What merges: pairs that are each other's best, all of a round at once, until there are none. For
 * average linkage that is the same tree as best pair first, without a search for each merge. */
#include "engine/level.h"

#define SWEEPS 4  /* of a bisection */
#define FEW    16 /* nodes that one is held against at a time */

struct pair {
    double value;
    uint32_t a, b; /* nodes, a < b */
};

static eddy_status no_room(eddy_error *err, size_t n)
{
    return eddy_fail_nomem(err, "topics", n);
}

/* ---- nodes ---- */

static double asked_of(const struct ed_level *l, double weight)
{
    return l->asked + ed_threshold_off(l->cl, weight);
}

/* The same of the heavier of two nodes, which tells it of many pairs. */
static double asked_of_two(const struct ed_level *l, struct ed_node *a, struct ed_node *b)
{
    struct ed_node *heavy = a->weight > b->weight ? a : b;
    if (heavy->asked_for < heavy->weight || heavy->asked_for > heavy->weight) {
        heavy->asked_for = heavy->weight;
        heavy->asked = asked_of(l, heavy->weight);
    }
    return heavy->asked;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static uint32_t node_new(struct ed_level *l)
{
    l->nodes[l->n_nodes] = (struct ed_node){.into = l->n_nodes, .event = NONE, .asked_for = -1};
    return l->n_nodes++;
}

uint32_t ed_level_node(const struct ed_level *l, uint32_t node)
{
    while (l->nodes[node].into != node)
        node = l->nodes[node].into;
    return node;
}

/* Sum memory of its own, with what the sum is. 0: none. */
static int node_own(struct ed_level *l, struct ed_node *v)
{
    if (v->own)
        return 1;
    v->own = ed_arena_alloc_aligned(l->cl->work, l->dim * sizeof *v->own);
    if (!v->own)
        return 0;
    if (v->n)
        memcpy(v->own, v->sum, l->dim * sizeof *v->own);
    else
        memset(v->own, 0, l->dim * sizeof *v->own);
    v->sum = v->own;
    return 1;
}

/* The slot of the event whose sum the leaf is; NONE. */
static uint32_t event_of(const struct ed_level *l, const struct ed_leaf *e)
{
    return l->of_sums ? e->thing : NONE;
}

static int node_join(struct ed_level *l, uint32_t node, uint32_t leaf)
{
    struct ed_node *v = &l->nodes[node];
    struct ed_leaf *e = &l->leaves[leaf];
    if (!v->n && !v->own) {
        v->sum = e->x;
        v->event = event_of(l, e);
    } else if (!node_own(l, v)) {
        return 0;
    }
    if (v->own)
        ed_add_scaled(v->own, 1, e->x, l->dim);
    v->coded = 0;
    v->n++;
    v->weight += e->weight;
    v->docs += e->docs;
    e->node = node;
    return 1;
}

static int node_part(struct ed_level *l, uint32_t leaf)
{
    struct ed_leaf *e = &l->leaves[leaf];
    struct ed_node *v = &l->nodes[e->node];
    if (!node_own(l, v))
        return 0;
    ed_add_scaled(v->own, -1, e->x, l->dim);
    v->coded = 0;
    v->n--;
    v->weight -= e->weight;
    v->docs -= e->docs;
    return 1;
}

static double node_similarity(const struct ed_level *l, const struct ed_node *a,
                              const struct ed_node *b)
{
    return ed_dot(a->sum, b->sum, l->dim) / (a->weight * b->weight);
}

/* The code of the node's sum; 0: there is no memory for one. */
static int node_code(const struct ed_level *l, struct ed_node *v, struct ed_coded *ret)
{
    if (!v->own && v->event != NONE) {
        *ret = ed_coded(&l->shape, &l->cl->event_codes, v->event);
        return 1;
    }
    if (!v->bytes)
        v->bytes = ed_arena_alloc_aligned(l->cl->work, l->shape.bytes);
    if (!v->bytes)
        return 0;
    if (!v->coded)
        ed_code_of(&l->shape, v->sum, v->bytes, NULL, &v->code);
    v->coded = 1;
    *ret = (struct ed_coded){v->bytes, &v->code, NULL};
    return 1;
}

/* Two nodes and what they are asked for. */
struct asked {
    struct ed_node *b;
    uint32_t number; /* of b */
    double least;
};

/* Of these (n, at most FEW) those that are not less alike with a than that for certain; returns how
 * many are left. By codes, then in float, with the error of either on the side of no. */
static size_t not_below(const struct ed_level *l, struct ed_node *a, struct asked *list, size_t n)
{
    struct ed_coded x, rows[FEW];
    float dot[FEW], within[FEW];
    size_t left = 0;
    int coded = node_code(l, a, &x);
    for (size_t k = 0; k < n && coded; k++)
        coded = node_code(l, list[k].b, &rows[k]);
    if (coded)
        ed_codes_dots(&l->shape, x, rows, n, dot, within);
    for (size_t k = 0; k < n; k++) {
        const struct ed_node *b = list[k].b;
        double least = (list[k].least - ed_slop(l->cl)) * (a->weight * b->weight);
        if (coded && (double)(dot[k] + within[k]) < least)
            continue;
        if (!((double)ed_dot_rough(a->sum, b->sum, l->dim) < least))
            list[left++] = list[k];
    }
    return left;
}

/* ---- leaves ---- */

/* Nodes for the topics of this level, by slot; then one for each leaf that is in none. Room for
 * those that leaves leave for, and parts of split ones, too. */
static eddy_status nodes_make(struct ed_level *l, eddy_error *err)
{
    eddy_clusterer *cl = l->cl;
    const struct ed_topics *t = &cl->topics;
    size_t room = 2 * (size_t)l->n_leaves + 2 * (size_t)t->slots.n + 1;
    uint32_t *node_at = ed_arena_alloc(cl->work, (t->slots.n + (size_t)1) * sizeof *node_at);
    l->nodes = ed_arena_alloc(cl->work, room * sizeof *l->nodes);
    l->leaf_bytes = ed_arena_alloc_aligned(cl->work, l->shape.bytes);
    if (!l->nodes || !node_at || !l->leaf_bytes)
        return no_room(err, room * sizeof *l->nodes);
    for (uint32_t s = 0; s < t->slots.n; s++)
        if (t->at[s].id && t->at[s].level == l->number) {
            node_at[s] = node_new(l);
            l->nodes[node_at[s]].id = t->at[s].id;
            l->nodes[node_at[s]].slot = s;
        }
    for (uint32_t i = 0; i < l->n_leaves; i++) {
        const struct ed_leaf *e = &l->leaves[i];
        uint64_t parent = l->number == 1 ? cl->events[e->thing].topic : t->at[e->thing].parent;
        uint32_t slot = parent ? ed_topic_slot(cl, parent) : NONE;
        if (!node_join(l, slot == NONE ? node_new(l) : node_at[slot], i))
            return no_room(err, l->dim * sizeof(float));
    }
    return EDDY_OK;
}

/* ---- 1. moves ---- */

static int by_id(const void *a, const void *b)
{
    uint64_t x = (*(const struct ed_leaf *const *)a)->id;
    uint64_t y = (*(const struct ed_leaf *const *)b)->id;
    return (x > y) - (x < y);
}

/* Where would this leaf of several rather be? One that is alone is for the merges. */
static int consider_leaf(struct ed_level *l, uint32_t leaf)
{
    const struct ed_leaf *e = &l->leaves[leaf];
    const struct ed_node *a = &l->nodes[e->node];
    if (a->n < 2)
        return 1;
    double rest = a->weight - e->weight;
    double own = (ed_dot(e->x, a->sum, l->dim) - ed_dot(e->x, e->x, l->dim)) / (e->weight * rest) -
                 asked_of(l, larger(e->weight, rest));
    double h = l->cl->o.stability;
    double most = larger(own + h, 0);
    struct ed_node own_node = {.weight = e->weight, /* were it alone */
                               .sum = e->x,
                               .event = event_of(l, e),
                               .bytes = l->leaf_bytes,
                               .asked_for = -1};
    double least = most;
    uint32_t best = NONE, seen = NONE;
    struct asked list[FEW];
    size_t n = 0;
    for (uint32_t i = 0; i < e->n_edges; i++) {
        uint32_t other = l->leaves[l->edges[e->edge + i]].node;
        struct ed_node *b = &l->nodes[other];
        if (other != e->node && other != seen)
            list[n++] = (struct asked){b, other, least + asked_of_two(l, &own_node, b)};
        seen = other == e->node ? seen : other;
        if (n < FEW && i + 1 < e->n_edges)
            continue;
        n = not_below(l, &own_node, list, n);
        for (size_t k = 0; k < n; k++) {
            b = list[k].b;
            double gain = ed_dot(e->x, b->sum, l->dim) / (e->weight * b->weight) -
                          asked_of_two(l, &own_node, b);
            best = gain > most ? list[k].number : best;
            most = larger(gain, most);
        }
        n = 0;
    }
    if (best == NONE && own >= -h)
        return 1;
    if (!node_part(l, leaf))
        return 0;
    return node_join(l, best == NONE ? node_new(l) : best, leaf);
}

static eddy_status moves(struct ed_level *l, eddy_error *err)
{
    const struct ed_leaf **due =
        ed_arena_alloc(l->cl->work, (l->n_leaves + (size_t)1) * sizeof *due);
    size_t n = 0;
    if (!due)
        return no_room(err, l->n_leaves * sizeof *due);
    for (uint32_t i = 0; i < l->n_leaves; i++)
        if (l->leaves[i].n_edges)
            due[n++] = &l->leaves[i];
    qsort(due, n, sizeof *due, by_id);
    for (size_t i = 0; i < n; i++)
        if (!consider_leaf(l, (uint32_t)(due[i] - l->leaves)))
            return no_room(err, l->dim * sizeof(float));
    return EDDY_OK;
}

/* ---- 2. splits ---- */

/* What the affinities inside gain when the leaf goes from its side to the other. */
static double gain_of_flip(const struct ed_level *l, const struct ed_leaf *e,
                           const struct ed_node *from, const struct ed_node *to)
{
    double stay = ed_dot(e->x, from->sum, l->dim) - ed_dot(e->x, e->x, l->dim) -
                  l->asked * e->weight * (from->weight - e->weight);
    return ed_dot(e->x, to->sum, l->dim) - l->asked * e->weight * to->weight - stay;
}

/* The leaf that is least like the rest of the node. */
static uint32_t farthest(const struct ed_level *l, const struct ed_node *v, const uint32_t *leaves)
{
    uint32_t ret = leaves[0];
    double least = 2;
    for (uint32_t i = 0; i < v->n; i++) {
        const struct ed_leaf *e = &l->leaves[leaves[i]];
        double similarity = (ed_dot(e->x, v->sum, l->dim) - ed_dot(e->x, e->x, l->dim)) /
                            (e->weight * (v->weight - e->weight));
        if (similarity < least) {
            least = similarity;
            ret = leaves[i];
        }
    }
    return ret;
}

/* Part the node (its leaves: n) in two where that gains enough. From its farthest leaf, each leaf
 * goes to the side where it gains, two dots at a time: sums stand for all pairs. */
static int consider_split(struct ed_level *l, uint32_t node, const uint32_t *leaves)
{
    uint32_t n = l->nodes[node].n;
    uint32_t out = node_new(l);
    uint32_t seed = farthest(l, &l->nodes[node], leaves);
    if (!node_part(l, seed) || !node_join(l, out, seed) || !node_own(l, &l->nodes[out]))
        return 0;
    int flips = 1;
    for (int sweep = 0; sweep < SWEEPS && flips; sweep++) {
        flips = 0;
        for (uint32_t i = 0; i < n; i++) {
            uint32_t from = l->leaves[leaves[i]].node;
            uint32_t to = from == node ? out : node;
            if (l->nodes[from].n < 2 ||
                !(gain_of_flip(l, &l->leaves[leaves[i]], &l->nodes[from], &l->nodes[to]) > 1e-9))
                continue;
            if (!node_part(l, leaves[i]) || !node_join(l, to, leaves[i]))
                return 0;
            flips++;
        }
    }
    struct ed_node *a = &l->nodes[node];
    struct ed_node *b = &l->nodes[out];
    double apart = node_similarity(l, a, b) - asked_of(l, larger(a->weight, b->weight));
    int split = apart < -l->cl->o.stability;
    uint32_t back = split ? (b->weight > a->weight ? NONE : node) : out;
    for (uint32_t i = 0; i < n && back == out; i++) /* as it was */
        if (l->leaves[leaves[i]].node == out &&
            (!node_part(l, leaves[i]) || !node_join(l, node, leaves[i])))
            return 0;
    if (back == NONE) { /* the id stays with the heavier side */
        b->id = a->id;
        b->slot = a->slot;
        a->id = 0;
    }
    return 1;
}

uint32_t *ed_level_leaves(const struct ed_level *l, uint32_t **ret_first)
{
    uint32_t *list = ed_arena_alloc(l->cl->work, (l->n_leaves + (size_t)1) * sizeof *list);
    uint32_t *first = ed_arena_alloc_zero(l->cl->work, l->n_nodes + (size_t)2, sizeof *first);
    if (!list || !first)
        return NULL;
    for (uint32_t i = 0; i < l->n_leaves; i++)
        first[l->leaves[i].node + 2]++;
    for (uint32_t v = 2; v < l->n_nodes + 2; v++)
        first[v] += first[v - 1];
    for (uint32_t i = 0; i < l->n_leaves; i++)
        list[first[l->leaves[i].node + 1]++] = i;
    *ret_first = first;
    return list;
}

static eddy_status splits(struct ed_level *l, eddy_error *err)
{
    uint32_t *first = NULL;
    const uint32_t *list = ed_level_leaves(l, &first);
    if (!list)
        return no_room(err, l->n_nodes * sizeof *first);
    uint32_t n = l->n_nodes;
    for (uint32_t v = 0; v < n; v++) {
        uint64_t id = l->nodes[v].id;
        if (id && l->nodes[v].n > 2 && (id + l->cl->pass) % l->cl->o.turns == 0 &&
            !consider_split(l, v, list + first[v]))
            return no_room(err, l->dim * sizeof(float));
    }
    return EDDY_OK;
}

/* ---- 3. merges ---- */

struct pairs {
    struct pair *at;
    struct pair *other; /* as much room, for sorting */
    uint32_t *first;    /* (n_nodes + 1) likewise */
    size_t *best;       /* (n_nodes) each node's best pair */
};

/* The first n by a, and by b where that is the same: one digit after the other, the last first. */
static void pairs_sort(struct pairs *pairs, uint32_t n_nodes, size_t n)
{
    struct pair *from = pairs->at, *to = pairs->other;
    uint32_t *first = pairs->first;
    for (int digit = 0; digit < 2; digit++) {
        memset(first, 0, (n_nodes + (size_t)1) * sizeof *first);
        for (size_t i = 0; i < n; i++)
            first[(digit ? from[i].a : from[i].b) + 1]++;
        for (uint32_t v = 1; v < n_nodes; v++)
            first[v] += first[v - 1];
        for (size_t i = 0; i < n; i++)
            to[first[digit ? from[i].a : from[i].b]++] = from[i];
        from = pairs->other;
        to = pairs->at;
    }
}

/* Pairs of one node, from `from` on, each once, at most FEW: who it is with, and what is asked.
 * Returns where those begin that were not looked at. */
static size_t pairs_of_one(const struct ed_level *l, const struct pairs *pairs, size_t from,
                           size_t n, struct asked *ret, size_t *ret_n)
{
    const struct pair *first = &pairs->at[from];
    size_t i = from, m = 0;
    for (; i < n && pairs->at[i].a == first->a; i++) {
        uint32_t b = pairs->at[i].b;
        if (m && ret[m - 1].number == b)
            continue;
        if (m == FEW)
            break;
        double least = asked_of_two(l, &l->nodes[first->a], &l->nodes[b]);
        ret[m++] = (struct asked){&l->nodes[b], b, least};
    }
    *ret_n = m;
    return i;
}

/* Each pair once, those that attract. */
static size_t pairs_judge(const struct ed_level *l, struct pairs *pairs, size_t n)
{
    size_t kept = 0;
    pairs_sort(pairs, l->n_nodes, n);
    for (size_t i = 0; i < n;) {
        struct asked list[FEW];
        size_t m;
        uint32_t at = pairs->at[i].a;
        struct ed_node *a = &l->nodes[at];
        i = pairs_of_one(l, pairs, i, n, list, &m);
        m = not_below(l, a, list, m);
        for (size_t k = 0; k < m; k++) {
            double value = node_similarity(l, a, list[k].b) - list[k].least;
            if (value > 0)
                pairs->at[kept++] = (struct pair){value, at, list[k].number};
        }
    }
    return kept;
}

/* The nodes of neighbours; 0: no memory. */
static int pairs_of(const struct ed_level *l, struct pairs *ret, size_t *ret_n)
{
    size_t n = 0, nodes = l->n_nodes;
    for (uint32_t i = 0; i < l->n_leaves; i++)
        n += l->leaves[i].n_edges;
    ret->at = ed_arena_alloc(l->cl->work, (n + 1) * sizeof *ret->at);
    ret->other = ed_arena_alloc(l->cl->work, (n + 1) * sizeof *ret->other);
    ret->first = ed_arena_alloc(l->cl->work, (nodes + 1) * sizeof *ret->first);
    ret->best = ed_arena_alloc(l->cl->work, (nodes + 1) * sizeof *ret->best);
    if (!ret->at || !ret->other || !ret->first || !ret->best)
        return 0;
    *ret_n = 0;
    for (uint32_t i = 0; i < l->n_leaves; i++)
        for (uint32_t k = 0; k < l->leaves[i].n_edges; k++) {
            uint32_t a = l->leaves[i].node;
            uint32_t b = l->leaves[l->edges[l->leaves[i].edge + k]].node;
            if (a != b)
                ret->at[(*ret_n)++] = (struct pair){0, a < b ? a : b, a < b ? b : a};
        }
    return 1;
}

/* The one with a topic's id lives on; of two, the one with more documents. */
static int merge(struct ed_level *l, uint32_t a, uint32_t b)
{
    const struct ed_node *x = &l->nodes[a];
    const struct ed_node *y = &l->nodes[b];
    int heavier = y->docs > x->docs || (!(x->docs > y->docs) && y->id && y->id < x->id);
    int b_lives = !x->id == !y->id ? heavier : y->id != 0;
    struct ed_node *into = &l->nodes[b_lives ? b : a];
    struct ed_node *from = &l->nodes[b_lives ? a : b];
    if (!node_own(l, into))
        return 0;
    ed_add_scaled(into->own, 1, from->sum, l->dim);
    into->coded = 0;
    into->n += from->n;
    into->weight += from->weight;
    into->docs += from->docs;
    from->into = (uint32_t)(into - l->nodes);
    from->n = 0;
    return 1;
}

static eddy_status merges(struct ed_level *l, eddy_error *err)
{
    size_t n = 0;
    struct pairs all;
    if (!pairs_of(l, &all, &n))
        return no_room(err, l->n_nodes * sizeof *all.best);
    struct pair *pairs = all.at;
    size_t *best = all.best;
    n = pairs_judge(l, &all, n);
    while (n) {
        for (size_t i = 0; i < n; i++)
            best[pairs[i].a] = best[pairs[i].b] = i;
        for (size_t i = 0; i < n; i++) { /* ties: the pair of the lower places */
            const struct pair *p = &pairs[i];
            double a = pairs[best[p->a]].value, b = pairs[best[p->b]].value;
            best[p->a] = p->value > a || (!(a > p->value) && i < best[p->a]) ? i : best[p->a];
            best[p->b] = p->value > b || (!(b > p->value) && i < best[p->b]) ? i : best[p->b];
        }
        for (size_t i = 0; i < n; i++)
            if (best[pairs[i].a] == i && best[pairs[i].b] == i && !merge(l, pairs[i].a, pairs[i].b))
                return no_room(err, l->dim * sizeof(float));
        size_t kept = 0;
        for (size_t i = 0; i < n; i++) {
            uint32_t a = ed_level_node(l, pairs[i].a);
            uint32_t b = ed_level_node(l, pairs[i].b);
            if (a != b)
                pairs[kept++] = (struct pair){0, a < b ? a : b, a < b ? b : a};
        }
        n = pairs_judge(l, &all, kept);
    }
    return EDDY_OK;
}

/* ---- what became of it ---- */

/* The leaf is in topic or theme `id` now; whoever shows it says so. */
static void place(struct ed_level *l, const struct ed_leaf *e, uint64_t id)
{
    eddy_clusterer *cl = l->cl;
    if (l->number == 2) {
        if (cl->topics.at[e->thing].parent == id)
            return;
        cl->topics.at[e->thing].parent = id;
        ed_mark(cl, ED_TOPIC, e->thing);
        return;
    }
    struct ed_event_state *ev = &cl->events[e->thing];
    if (ev->topic == id)
        return;
    ev->topic = id;
    ev->pictured = ed_round(cl);
    ed_mark(cl, ED_TOPIC_OF, e->thing);
    ed_mark(cl, ED_EVENT, e->thing);
}

static eddy_status commit(struct ed_level *l, eddy_error *err)
{
    eddy_clusterer *cl = l->cl;
    for (uint32_t v = 0; v < l->n_nodes; v++) {
        struct ed_node *x = &l->nodes[v];
        if (x->n < 2 || x->id)
            continue;
        x->slot = ed_topic_new(cl, l->number);
        if (x->slot == NONE)
            return no_room(err, sizeof *cl->topics.at);
        x->id = cl->topics.at[x->slot].id;
    }
    for (uint32_t i = 0; i < l->n_leaves; i++)
        place(l, &l->leaves[i], l->nodes[ed_level_node(l, l->leaves[i].node)].id);
    for (uint32_t v = 0; v < l->n_nodes; v++) {
        const struct ed_node *x = &l->nodes[v];
        const struct ed_node *into = &l->nodes[ed_level_node(l, v)];
        if (!x->id || x->n)
            continue;
        eddy_status st = ed_topic_drop(cl, x->slot, into == x ? NONE : into->slot, err);
        if (st != EDDY_OK)
            return st;
    }
    return EDDY_OK;
}

eddy_status ed_level_pass(struct ed_level *l, eddy_error *err)
{
    eddy_status st = nodes_make(l, err);
    if (st == EDDY_OK)
        st = moves(l, err);
    if (st == EDDY_OK)
        st = splits(l, err);
    if (st == EDDY_OK)
        st = merges(l, err);
    return st == EDDY_OK ? commit(l, err) : st;
}
