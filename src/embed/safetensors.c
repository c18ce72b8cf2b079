/* The safetensors header is checked once, as a whole; afterwards a tensor is a pointer. */
#include "embed/safetensors.h"

#include "base/error.h"
#include "base/memory.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "weights are read in place");

#define HEADER_MAX  ((size_t)16 << 20) /* bytes; a BERT of 12 layers needs 22 kB */
#define TENSORS_MAX ((size_t)100000)

/* Bytes of one element, 0: a type we do not know. */
static size_t dtype_size(const char *dtype)
{
    static const struct {
        const char *name;
        size_t size;
    } known[] = {{"F64", 8}, {"I64", 8}, {"U64", 8},  {"F32", 4}, {"I32", 4},
                 {"U32", 4}, {"F16", 2}, {"BF16", 2}, {"I16", 2}, {"U16", 2},
                 {"I8", 1},  {"U8", 1},  {"BOOL", 1}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].name, dtype))
            return known[i].size;
    return 0;
}

/* A whole number of JSON that is not negative; 0 when it is something else. */
static int whole(const json_t *value, size_t *ret)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return 0;
    *ret = (size_t)json_integer_value(value);
    return 1;
}

/* Bytes that the shape asks for, 0 in *ret when the type is unknown; 0: too many to count. */
static int shape_bytes(const struct ed_tensor *t, size_t *ret)
{
    size_t n = dtype_size(t->dtype);
    for (size_t i = 0; i < t->n_dims; i++)
        if (__builtin_mul_overflow(n, t->shape[i], &n))
            return 0;
    *ret = n;
    return 1;
}

/* One entry of the header. data is where offsets count from, (n_data) bytes. */
static eddy_status tensor_read(struct ed_safetensors *file, const char *name, const json_t *about,
                               const char *data, size_t n_data, struct ed_tensor *ret,
                               eddy_error *err)
{
    const json_t *dtype = json_object_get(about, "dtype");
    const json_t *shape = json_object_get(about, "shape");
    const json_t *offsets = json_object_get(about, "data_offsets");
    size_t begin, end, wanted;
    if (!json_is_string(dtype) || !json_is_array(shape) || json_array_size(offsets) != 2 ||
        json_array_size(shape) > ED_TENSOR_DIMS || !whole(json_array_get(offsets, 0), &begin) ||
        !whole(json_array_get(offsets, 1), &end))
        return eddy_fail(err, EDDY_FORMAT,
                         "%s: tensor %.100s wants dtype, shape (of at most %d) and data_offsets",
                         file->label, name, ED_TENSOR_DIMS);
    if (begin > end || end > n_data)
        return eddy_fail(err, EDDY_FORMAT, "%s: tensor %.100s lies at [%zu, %zu) of %zu bytes",
                         file->label, name, begin, end, n_data);

    struct ed_tensor t = {.n_dims = json_array_size(shape)};
    for (size_t i = 0; i < t.n_dims; i++)
        if (!whole(json_array_get(shape, i), &t.shape[i]))
            return eddy_fail(err, EDDY_FORMAT, "%s: tensor %.100s: dimension %zu is no number",
                             file->label, name, i);
    t.at = data + begin;
    t.n_bytes = end - begin;
    t.name = ed_arena_str(file->arena, name, strlen(name)).at;
    t.dtype = ed_arena_str(file->arena, json_string_value(dtype), json_string_length(dtype)).at;
    if (!t.name || !t.dtype)
        return eddy_fail_nomem(err, file->label, strlen(name));
    if (!shape_bytes(&t, &wanted) || (dtype_size(t.dtype) && wanted != t.n_bytes))
        return eddy_fail(err, EDDY_FORMAT, "%s: tensor %.100s: %zu bytes do not fit its shape",
                         file->label, name, t.n_bytes);
    *ret = t;
    return EDDY_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct ed_tensor *s = a, *t = b;
    if (s->at != t->at)
        return s->at < t->at ? -1 : 1;
    return (s->n_bytes > t->n_bytes) - (s->n_bytes < t->n_bytes); /* empty ones first */
}

/* All entries of the header, sorted by place, so that an overlap is between neighbours. */
static eddy_status tensors_read(struct ed_safetensors *file, json_t *header, const char *data,
                                size_t n_data, eddy_error *err)
{
    size_t n = json_object_size(header);
    if (n > TENSORS_MAX)
        return eddy_fail(err, EDDY_FORMAT, "%s: %zu tensors, the most is %zu", file->label, n,
                         TENSORS_MAX);
    file->tensors = ed_arena_alloc_zero(file->arena, n ? n : 1, sizeof *file->tensors);
    if (!file->tensors)
        return eddy_fail_nomem(err, file->label, n * sizeof *file->tensors);
    const char *name;
    json_t *about;
    json_object_foreach(header, name, about)
    {
        if (!strcmp(name, "__metadata__"))
            continue;
        eddy_status st =
            tensor_read(file, name, about, data, n_data, &file->tensors[file->n_tensors], err);
        if (st != EDDY_OK)
            return st;
        file->n_tensors++;
    }
    qsort(file->tensors, file->n_tensors, sizeof *file->tensors, by_place);
    for (size_t i = 1; i < file->n_tensors; i++) {
        const struct ed_tensor *before = &file->tensors[i - 1];
        if (file->tensors[i].at < before->at + before->n_bytes)
            return eddy_fail(err, EDDY_FORMAT, "%s: tensors %.100s and %.100s overlap", file->label,
                             before->name, file->tensors[i].name);
    }
    return EDDY_OK;
}

eddy_status ed_safetensors_init(struct ed_safetensors *file, const char *bytes, size_t n,
                                const char *label, eddy_error *err)
{
    *file = (struct ed_safetensors){.label = label};
    uint64_t n_header = 0;
    if (n >= sizeof n_header)
        memcpy(&n_header, bytes, sizeof n_header);
    if (n < sizeof n_header || n_header > n - sizeof n_header || n_header > HEADER_MAX)
        return eddy_fail(err, EDDY_FORMAT, "%s: a header of %llu bytes in a file of %zu", label,
                         (unsigned long long)n_header, n);
    const char *data = bytes + sizeof n_header + n_header;

    json_error_t problem;
    json_t *header =
        json_loadb(bytes + sizeof n_header, (size_t)n_header, JSON_REJECT_DUPLICATES, &problem);
    if (!header && json_error_code(&problem) == json_error_out_of_memory)
        return eddy_fail_nomem(err, label, (size_t)n_header);
    if (!json_is_object(header)) {
        eddy_status st = eddy_fail(err, EDDY_FORMAT, "%s: the header is no JSON object: %s", label,
                                   header ? "another kind of value" : problem.text);
        json_decref(header);
        return st;
    }
    eddy_status st;
    /* Converted tensors are at most twice the file, names no longer than the header. */
    file->arena = eddy_arena_new(3 * n + TENSORS_MAX * sizeof *file->tensors);
    if (file->arena)
        st = tensors_read(file, header, data, n - sizeof n_header - (size_t)n_header, err);
    else
        st = eddy_fail_nomem(err, label, sizeof *file->tensors);
    json_decref(header);
    if (st != EDDY_OK)
        ed_safetensors_clear(file);
    return st;
}

void ed_safetensors_clear(struct ed_safetensors *file)
{
    eddy_arena_free(file->arena);
    *file = (struct ed_safetensors){.label = file->label};
}

const struct ed_tensor *ed_safetensors_find(const struct ed_safetensors *file, const char *name)
{
    static const char *const prefixes[] = {"", "bert.", "roberta."};
    for (size_t i = 0; i < file->n_tensors; i++)
        for (size_t j = 0; j < sizeof prefixes / sizeof *prefixes; j++) {
            const char *have = file->tensors[i].name;
            size_t n = strlen(prefixes[j]);
            if (!strncmp(have, prefixes[j], n) && !strcmp(have + n, name))
                return &file->tensors[i];
        }
    return NULL;
}

/* Subnormal numbers are normalised by the multiplication. */
float ed_float_of_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t rest = (uint32_t)(half & 0x7FFF) << 13;
    if (rest >= 0x0F800000) { /* infinite or not a number */
        rest |= 0x7F800000;
    } else {
        float value;
        memcpy(&value, &rest, sizeof value);
        value *= 0x1p112f; /* from the exponent bias of the one to that of the other */
        memcpy(&rest, &value, sizeof rest);
    }
    rest |= sign;
    float value;
    memcpy(&value, &rest, sizeof value);
    return value;
}

static float from_bf16(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* "(384, 1536)" */
#define SHAPE_TEXT (ED_TENSOR_DIMS * 22 + 3)
static void shape_text(const size_t *shape, size_t n, char ret[SHAPE_TEXT])
{
    int at = snprintf(ret, SHAPE_TEXT, "(");
    for (size_t i = 0; i < n; i++)
        at += snprintf(ret + at, SHAPE_TEXT - (size_t)at, i ? ", %zu" : "%zu", shape[i]);
    snprintf(ret + at, SHAPE_TEXT - (size_t)at, ")");
}

eddy_status ed_safetensors_floats(struct ed_safetensors *file, const char *name, size_t rows,
                                  size_t cols, const float **ret, eddy_error *err)
{
    const struct ed_tensor *t = ed_safetensors_find(file, name);
    if (!t)
        return eddy_fail(err, EDDY_FORMAT, "%s: no tensor %s", file->label, name);
    size_t wanted[] = {rows, cols};
    size_t n_wanted = rows ? 2 : 1;
    if (t->n_dims != n_wanted ||
        memcmp(t->shape, wanted + 2 - n_wanted, n_wanted * sizeof *wanted) != 0) {
        char is[SHAPE_TEXT], should_be[SHAPE_TEXT];
        shape_text(t->shape, t->n_dims, is);
        shape_text(wanted + 2 - n_wanted, n_wanted, should_be);
        return eddy_fail(err, EDDY_FORMAT, "%s: tensor %s is %s, not %s", file->label, name, is,
                         should_be);
    }
    int is_f32 = !strcmp(t->dtype, "F32");
    int is_f16 = !strcmp(t->dtype, "F16");
    if (!is_f32 && !is_f16 && strcmp(t->dtype, "BF16") != 0)
        return eddy_fail(err, EDDY_FORMAT,
                         "%s: tensor %s is %.20s; F32, F16 and BF16 are supported", file->label,
                         name, t->dtype);
    if (is_f32 && (uintptr_t)t->at % _Alignof(float) == 0) {
        *ret = (const float *)(const void *)t->at;
        return EDDY_OK;
    }
    size_t n = (rows ? rows : 1) * cols;
    float *copy = ed_arena_alloc_aligned(file->arena, n * sizeof *copy);
    if (!copy)
        return eddy_fail_nomem(err, file->label, n * sizeof *copy);
    if (is_f32)
        memcpy(copy, t->at, n * sizeof *copy);
    for (size_t i = 0; i < n && !is_f32; i++) {
        uint16_t half;
        memcpy(&half, t->at + i * sizeof half, sizeof half);
        copy[i] = is_f16 ? ed_float_of_half(half) : from_bf16(half);
    }
    *ret = copy;
    return EDDY_OK;
}
