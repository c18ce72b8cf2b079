/* Any bytes as a weights file: every tensor it lets through can be read to its end. */
#include "embed/safetensors.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ed_safetensors file;
    if (ed_safetensors_init(&file, (const char *)data, n, "fuzz", NULL) != EDDY_OK)
        return 0;
    for (size_t i = 0; i < file.n_tensors; i++) {
        const struct ed_tensor *t = &file.tensors[i];
        size_t rows = t->n_dims == 2 ? t->shape[0] : 0;
        size_t cols = t->n_dims ? t->shape[t->n_dims - 1] : 0;
        const float *at;
        volatile float sum = 0;
        if (t->n_bytes > n ||
            ed_safetensors_floats(&file, t->name, rows, cols, &at, NULL) != EDDY_OK)
            continue;
        for (size_t j = 0; j < (rows ? rows : 1) * cols; j++) {
            float value;
            memcpy(&value, at + j, sizeof value);
            sum = sum + value;
        }
    }
    ed_safetensors_clear(&file);
    return 0;
}
