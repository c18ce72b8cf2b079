/* Weights in the safetensors format.
 *
 * A file is: u64 little-endian length of the header; the header, a JSON object
 *   {"name": {"dtype": "F32", "shape": [384, 1536], "data_offsets": [begin, end]}, ...,
 *    "__metadata__": {...}}
 * and then the data, from which offsets count. Nothing in it is trusted: every tensor lies
 * inside, none overlaps another, and its bytes are as many as its shape and type ask. */
#ifndef ED_EMBED_SAFETENSORS_H
#define ED_EMBED_SAFETENSORS_H

#include <eddy/doc.h>

#define ED_TENSOR_DIMS 8

struct ed_tensor {
    const char *name;
    const char *dtype;
    size_t n_dims, shape[ED_TENSOR_DIMS];
    const char *at; /* in the file; any alignment */
    size_t n_bytes;
};

struct ed_safetensors {
    const char *label; /* what errors begin with */
    eddy_arena *arena; /* names, and tensors that had to be converted */
    struct ed_tensor *tensors;
    size_t n_tensors;
};

/* Read the header of a file.
 *
 *   bytes  (n) the whole file; borrowed until clear
 *   label  begins each error; borrowed until clear
 *
 * EDDY_FORMAT  the header is not what it should be; the text says where
 * EDDY_NOMEM
 * On failure nothing is left to clear, though clearing does no harm. */
eddy_status ed_safetensors_init(struct ed_safetensors *file, const char *bytes, size_t n,
                                const char *label, eddy_error *err);
void ed_safetensors_clear(struct ed_safetensors *file);

/* A tensor as it lies in the file, found as name or behind "bert." or "roberta."; NULL: none. */
const struct ed_tensor *ed_safetensors_find(const struct ed_safetensors *file, const char *name);

/* IEEE binary16 to binary32, exactly. */
float ed_float_of_half(uint16_t half);

/* A tensor as (rows, cols) floats, or (cols) when rows is 0; found in the same way.
 *
 *   ret  into the file itself when it holds aligned F32, else a converted copy (F16, BF16);
 *        lives until clear
 *
 * EDDY_FORMAT  missing, of another shape, or of a type that is not supported
 * EDDY_NOMEM
 * Changes the file's arena: one thread. */
eddy_status ed_safetensors_floats(struct ed_safetensors *file, const char *name, size_t rows,
                                  size_t cols, const float **ret, eddy_error *err);

#endif
