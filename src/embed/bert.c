/* The network: six matrices a layer, packed for the kernels, and what stands between them.
 *
 * The rows of all tokens (x) stay floats from the first layer to the last; each product takes them
 * in its own precision and adds to them. Attention is in bf16 where the CPU multiplies that, else
 * in floats: it is two products for each text and head, whose right sides, keys and values, are
 * packed as weights are. What goes from one product into the next is made on the way out, so that
 * there are no passes over it but layer norm, and the rounding to bytes, which has to see a whole
 * row. The wide rows inside the feed-forward step go through it in blocks that do not leave the
 * cache. */
#include "embed/bert.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PACK_TOKENS 256 /* of a pass: enough for full speed, and few enough for the cache */
#define WIDE_BYTES  ((size_t)800 << 10) /* of the wide rows that are under way */
#define SEEN_BYTES  ((size_t)32 << 10)  /* of the likenesses of those that attend at once */

/* y = x w^T + b. */
struct dense {
    struct ed_right w;
    const float *b;
};

/* Layer norm: gain and offset, (hidden). */
struct norm {
    const float *g, *b;
};

struct layer {
    struct dense query, key, value, out; /* (hidden, hidden) */
    struct norm out_norm;
    struct dense up, down; /* (inner, hidden), (hidden, inner) */
    struct norm down_norm;
};

struct ed_bert {
    struct ed_encoder_config config;
    const struct ed_kernels *kernels, *attention;
    const struct ed_rows *rows;
    const float *piece_rows, *position_rows; /* (pieces, hidden), (positions, hidden) */
    const float *type_row;                   /* (hidden) of type 0, the only one used */
    struct norm first_norm;
    struct layer *layers;
    size_t block_wide;       /* rows in the feed-forward step at once */
    char *packed;            /* all weights that are multiplied with, in one piece */
    size_t n_packed, n_used; /* bytes */
};

/* ---- opening ---- */

/* Tensors are taken one after another; the first failure stands and makes the rest do nothing. */
struct loader {
    struct ed_bert *bert;
    struct ed_safetensors *file;
    eddy_status st;
    eddy_error *err;
};

static const float *take(struct loader *load, const char *base, const char *part, size_t rows,
                         size_t cols)
{
    char name[128];
    const float *at = NULL;
    snprintf(name, sizeof name, "%s.%s", base, part);
    if (load->st == EDDY_OK)
        load->st = ed_safetensors_floats(load->file, name, rows, cols, &at, load->err);
    return at;
}

static struct dense take_dense(struct loader *load, const char *layer, const char *what,
                               size_t rows, size_t cols)
{
    struct ed_bert *bert = load->bert;
    struct dense ret = {{0}, NULL};
    char base[96];
    snprintf(base, sizeof base, "%s.%s", layer, what);
    const float *w = take(load, base, "weight", rows, cols);
    ret.b = take(load, base, "bias", 0, rows);
    if (load->st != EDDY_OK)
        return ret;
    ed_right_pack(bert->kernels, w, rows, cols, bert->packed + bert->n_used, &ret.w);
    bert->n_used += ed_right_bytes(bert->kernels, rows, cols);
    return ret;
}

static struct norm take_norm(struct loader *load, const char *layer, const char *what, size_t cols)
{
    char base[96];
    snprintf(base, sizeof base, "%s.%s.LayerNorm", layer, what);
    return (struct norm){take(load, base, "weight", 0, cols), take(load, base, "bias", 0, cols)};
}

static eddy_status weights_take(struct ed_bert *bert, struct ed_safetensors *file, eddy_error *err)
{
    const struct ed_encoder_config *c = &bert->config;
    struct loader load = {bert, file, EDDY_OK, err};
    size_t hidden = c->hidden;
    bert->piece_rows = take(&load, "embeddings.word_embeddings", "weight", c->pieces, hidden);
    bert->position_rows =
        take(&load, "embeddings.position_embeddings", "weight", c->positions, hidden);
    if (bert->position_rows)
        bert->position_rows += c->first * hidden;
    bert->type_row = take(&load, "embeddings.token_type_embeddings", "weight", c->types, hidden);
    bert->first_norm = (struct norm){take(&load, "embeddings.LayerNorm", "weight", 0, hidden),
                                     take(&load, "embeddings.LayerNorm", "bias", 0, hidden)};
    for (size_t i = 0; i < c->layers && load.st == EDDY_OK; i++) {
        char at[40];
        snprintf(at, sizeof at, "encoder.layer.%zu", i);
        bert->layers[i] = (struct layer){
            .query = take_dense(&load, at, "attention.self.query", hidden, hidden),
            .key = take_dense(&load, at, "attention.self.key", hidden, hidden),
            .value = take_dense(&load, at, "attention.self.value", hidden, hidden),
            .out = take_dense(&load, at, "attention.output.dense", hidden, hidden),
            .out_norm = take_norm(&load, at, "attention.output", hidden),
            .up = take_dense(&load, at, "intermediate.dense", c->inner, hidden),
            .down = take_dense(&load, at, "output.dense", hidden, c->inner),
            .down_norm = take_norm(&load, at, "output", hidden),
        };
    }
    return load.st;
}

/* Whether what goes from one product into the next is bf16 on its way. Bytes are made of it too,
 * where it is fast: half as much to write, and finer than they are. */
static int in_halves(const struct ed_bert *bert)
{
    return bert->kernels->precision == ED_BF16 || bert->attention->precision == ED_BF16;
}

static size_t wide_element(const struct ed_bert *bert)
{
    return in_halves(bert) ? 2 : 4;
}

/* Elements from one wide row to the next: a line of the cache more than there are, for rows that
 * lie a power of two apart, or near it, would push each other out of the first cache. */
static size_t wide_stride(const struct ed_bert *bert)
{
    return bert->config.inner + 64 / wide_element(bert);
}

static size_t wide_rows(const struct ed_bert *bert)
{
    size_t rows = WIDE_BYTES / (wide_stride(bert) * wide_element(bert)) / 32 * 32;
    return rows < 32 ? 32 : rows < PACK_TOKENS ? rows : PACK_TOKENS;
}

static size_t packed_bytes(const struct ed_bert *bert)
{
    const struct ed_encoder_config *c = &bert->config;
    return c->layers * (4 * ed_right_bytes(bert->kernels, c->hidden, c->hidden) +
                        ed_right_bytes(bert->kernels, c->inner, c->hidden) +
                        ed_right_bytes(bert->kernels, c->hidden, c->inner));
}

eddy_status ed_bert_new(const struct ed_encoder_config *config, struct ed_safetensors *file,
                        const struct ed_kernels *kernels, struct ed_bert **ret, eddy_error *err)
{
    struct ed_bert *bert = ed_alloc_zero(1, sizeof *bert);
    if (!bert)
        return eddy_fail_nomem(err, "encoder", sizeof *bert);
    bert->config = *config;
    bert->kernels = bert->attention = kernels;
    bert->rows = ed_rows_best();
    if (kernels->precision != ED_F32)
        bert->attention = ed_kernels_best(ed_precision_is_fast(ED_BF16) ? ED_BF16 : ED_F32);
    bert->layers = ed_alloc_zero(config->layers, sizeof *bert->layers);
    bert->block_wide = wide_rows(bert);
    bert->n_packed = packed_bytes(bert);
    bert->packed = ed_alloc_aligned(bert->n_packed);
    eddy_status st = EDDY_OK;
    if (!bert->layers || !bert->packed)
        st = eddy_fail_nomem(err, "encoder: packed weights", bert->n_packed);
    if (st == EDDY_OK)
        st = weights_take(bert, file, err);
    if (st == EDDY_OK)
        *ret = bert;
    else
        ed_bert_free(bert);
    return st;
}

void ed_bert_free(struct ed_bert *bert)
{
    if (!bert)
        return;
    ed_free(bert->packed);
    ed_free(bert->layers);
    ed_free(bert);
}

/* ---- a pass ---- */

static size_t rounded(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* Tokens of a text of n that attend at once: as many as leave their likenesses in the first cache.
 */
static size_t seen_at_once(size_t n)
{
    const size_t rows = SEEN_BYTES / (rounded(n, 32) * sizeof(float)) / 32 * 32;
    return rows > 32 ? rows : 32;
}

eddy_status ed_pass_init(struct ed_pass *pass, const struct ed_bert *bert, eddy_arena *scratch,
                         eddy_error *err)
{
    const struct ed_encoder_config *c = &bert->config;
    const size_t width = c->hidden / c->heads, hidden = c->hidden, limit = c->limit;
    const size_t tokens = limit > PACK_TOKENS ? limit : PACK_TOKENS, slack = ED_LEFT_SLACK;
    const size_t texts = bert->kernels->whole_only ? 1 : tokens / 2;
    const size_t unit = ed_precision_size(bert->kernels->precision);
    const size_t seen = ed_precision_size(bert->attention->precision);
    const size_t half = wide_element(bert);
    const size_t rows = seen_at_once(1),
                 words = 32 * rounded(limit, 32);                    /* more, where texts are */
    const size_t likenesses = words > rows * 32 ? words : rows * 32; /* short, or long */
    *pass = (struct ed_pass){.tokens_max = tokens, .texts_max = texts};
    const struct {
        void **ret;
        size_t bytes;
    } parts[] = {
        {(void **)&pass->ids, (tokens + limit) * sizeof *pass->ids},
        {(void **)&pass->start, (texts + 2) * sizeof *pass->start},
        {(void **)&pass->x, (tokens + slack) * hidden * sizeof *pass->x},
        {&pass->sides, (tokens + slack) * 3 * hidden * seen},
        {&pass->keys, ed_right_bytes(bert->attention, limit, width)},
        {&pass->values, ed_right_bytes(bert->attention, width, limit)},
        {&pass->weights, (likenesses + slack * rounded(limit, 32)) * seen},
        {(void **)&pass->scores, likenesses * sizeof *pass->scores},
        {(void **)&pass->inverse, rows * sizeof *pass->inverse},
        {&pass->mixed, (tokens + slack) * hidden * half},
        {&pass->wide, (bert->block_wide + slack) * wide_stride(bert) * half},
        {&pass->left, (tokens + slack) * (hidden > c->inner ? hidden : c->inner) * unit},
        {(void **)&pass->scale, tokens * sizeof *pass->scale},
        {(void **)&pass->low, tokens * sizeof *pass->low},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        *parts[i].ret = ed_arena_alloc_aligned(scratch, parts[i].bytes + 64);
        if (!*parts[i].ret)
            return eddy_fail_nomem(err, "encoder: work memory", parts[i].bytes);
        memset(*parts[i].ret, 0, parts[i].bytes + 64); /* slack must be finite */
    }
    return EDDY_OK;
}

static void embed_tokens(const struct ed_bert *bert, struct ed_pass *pass)
{
    const size_t hidden = bert->config.hidden;
    for (size_t t = 0; t < pass->n_texts; t++)
        for (size_t i = pass->start[t]; i < pass->start[t + 1]; i++)
            bert->rows->add_three(bert->piece_rows + pass->ids[i] * hidden,
                                  bert->position_rows + (i - pass->start[t]) * hidden,
                                  bert->type_row, hidden, pass->x + i * hidden);
    bert->rows->norm(pass->x, bert->first_norm.g, bert->first_norm.b, bert->config.norm_eps,
                     pass->start[pass->n_texts], hidden);
}

/* Rows (m, n) of floats, a row every stride, as the left side of a product with weights. */
static struct ed_left left_of(const struct ed_bert *bert, const struct ed_pass *pass,
                              const float *rows, size_t stride, size_t m, size_t n)
{
    switch (bert->kernels->precision) {
    case ED_F32: break;
    case ED_BF16:
        for (size_t i = 0; i < m; i++)
            bert->rows->bf16_of(rows + i * stride, n, (uint16_t *)pass->left + i * n);
        return (struct ed_left){.at = pass->left, .stride = n * 2};
    case ED_INT8:
        for (size_t i = 0; i < m; i++)
            bert->rows->levels_of(rows + i * stride, n, (uint8_t *)pass->left + i * n,
                                  &pass->scale[i], &pass->low[i]);
        return (struct ed_left){pass->left, n, pass->scale, pass->low};
    }
    return (struct ed_left){.at = rows, .stride = stride * sizeof *rows};
}

/* The same of what a product left: in bf16 it is one already. */
static struct ed_left left_again(const struct ed_bert *bert, const struct ed_pass *pass,
                                 const void *rows, size_t stride, size_t m, size_t n)
{
    if (bert->kernels->precision == ED_BF16)
        return (struct ed_left){.at = rows, .stride = stride * 2};
    if (!in_halves(bert))
        return left_of(bert, pass, rows, stride, m, n);
    for (size_t i = 0; i < m; i++)
        bert->rows->levels_of_halves((const uint16_t *)rows + i * stride, n,
                                     (uint8_t *)pass->left + i * n, &pass->scale[i], &pass->low[i]);
    return (struct ed_left){pass->left, n, pass->scale, pass->low};
}

static void multiply(const struct ed_bert *bert, const struct ed_left *left, size_t m,
                     const struct dense *dense, struct ed_finish finish)
{
    finish.bias = dense->b;
    bert->kernels->product(left, m, &dense->w, &finish);
}

/* What one head of one text, tokens from to to, gathers: each token the values of all, by the
 * likeness of its query and their keys. */
static void head_attend(const struct ed_bert *bert, struct ed_pass *pass, size_t from, size_t to,
                        size_t head)
{
    const struct ed_encoder_config *c = &bert->config;
    const struct ed_kernels *kernels = bert->attention;
    const int halves = kernels->precision == ED_BF16;
    const size_t width = c->hidden / c->heads, n = to - from, unit = halves ? 2 : 4;
    const size_t stride = 3 * c->hidden, across = rounded(n, 32), row = across * unit;
    const size_t at_once = seen_at_once(n);
    const char *query = (const char *)pass->sides + (from * stride + head * width) * unit;
    struct ed_right keys, values;
    ed_right_pack_rows(kernels, query + c->hidden * unit, stride, n, width, pass->keys, &keys);
    ed_right_pack_across(kernels, query + 2 * c->hidden * unit, stride, width, n, pass->values,
                         &values);
    for (size_t i = 0; i < n; i += at_once) {
        size_t m = n - i < at_once ? n - i : at_once, at = (from + i) * c->hidden + head * width;
        const struct ed_left asking = {.at = query + i * stride * unit, .stride = stride * unit};
        const struct ed_left weights = {pass->weights, row, pass->inverse, NULL};
        struct ed_finish gathered = {.stride = c->hidden, .to_bf16 = in_halves(bert)};
        gathered.ret = gathered.to_bf16 ? (void *)((uint16_t *)pass->mixed + at)
                                        : (void *)((float *)pass->mixed + at);
        kernels->product(&asking, m, &keys,
                         &(struct ed_finish){.ret = pass->scores, .stride = across, .roomy = 1});
        bert->rows->softmax(pass->scores, across, (float)(1.0 / sqrt((double)width)), m, n,
                            pass->weights, row, halves, pass->inverse);
        kernels->product(&weights, m, &values, &gathered);
    }
}

static void attend(const struct ed_bert *bert, struct ed_pass *pass, const struct layer *layer)
{
    const size_t n = pass->start[pass->n_texts], hidden = bert->config.hidden;
    const struct dense *sides[] = {&layer->query, &layer->key, &layer->value};
    const struct ed_left x = left_of(bert, pass, pass->x, hidden, n, hidden);
    for (size_t s = 0; s < 3; s++) {
        struct ed_finish finish = {.stride = 3 * hidden,
                                   .to_bf16 = bert->attention->precision == ED_BF16};
        finish.ret = finish.to_bf16 ? (void *)((uint16_t *)pass->sides + s * hidden)
                                    : (void *)((float *)pass->sides + s * hidden);
        multiply(bert, &x, n, sides[s], finish);
    }
    for (size_t t = 0; t < pass->n_texts; t++)
        for (size_t head = 0; head < bert->config.heads; head++)
            head_attend(bert, pass, pass->start[t], pass->start[t + 1], head);
    const struct ed_left mixed = left_again(bert, pass, pass->mixed, hidden, n, hidden);
    multiply(bert, &mixed, n, &layer->out,
             (struct ed_finish){.add = 1, .ret = pass->x, .stride = hidden});
}

static void feed_forward(const struct ed_bert *bert, struct ed_pass *pass,
                         const struct layer *layer)
{
    const size_t n = pass->start[pass->n_texts], hidden = bert->config.hidden;
    const size_t inner = bert->config.inner, stride = wide_stride(bert);
    for (size_t i = 0; i < n; i += bert->block_wide) {
        size_t m = n - i < bert->block_wide ? n - i : bert->block_wide;
        float *x = pass->x + i * hidden;
        const struct ed_left narrow = left_of(bert, pass, x, hidden, m, hidden);
        multiply(bert, &narrow, m, &layer->up,
                 (struct ed_finish){.activation = bert->config.activation,
                                    .to_bf16 = in_halves(bert),
                                    .ret = pass->wide,
                                    .stride = stride});
        const struct ed_left wide = left_again(bert, pass, pass->wide, stride, m, inner);
        multiply(bert, &wide, m, &layer->down,
                 (struct ed_finish){.add = 1, .ret = x, .stride = hidden});
    }
}

void ed_bert_run(const struct ed_bert *bert, struct ed_pass *pass)
{
    const size_t n = pass->start[pass->n_texts], hidden = bert->config.hidden;
    const double eps = bert->config.norm_eps;
    embed_tokens(bert, pass);
    for (size_t i = 0; i < bert->config.layers; i++) {
        const struct layer *layer = &bert->layers[i];
        attend(bert, pass, layer);
        bert->rows->norm(pass->x, layer->out_norm.g, layer->out_norm.b, eps, n, hidden);
        feed_forward(bert, pass, layer);
        bert->rows->norm(pass->x, layer->down_norm.g, layer->down_norm.b, eps, n, hidden);
    }
}
