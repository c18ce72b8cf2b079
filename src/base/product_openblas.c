/* Products of floats by OpenBLAS, where there are no kernels of our own: rows stay as they lie,
 * nothing is packed. */
#include "base/product_finish.h"
#include "base/product_kinds.h"

#include <cblas.h>

/* What the product has left undone. */
UNWATCHED
static void rest_out(const struct ed_left *left, size_t m, size_t n, const struct ed_finish *f)
{
    const struct way way = {ED_F32, f->activation, TO_FLOAT};
    for (size_t j = 0; j < n; j += LANES) {
        const struct columns c = columns_at(ED_F32, &(struct ed_right){.n = n}, f, j);
        for (size_t i = 0; i < m; i++) {
            float *ret = (float *)f->ret + i * f->stride + j;
            lanes y = lanes_from(ret, c.set);
            lanes_out(way, &c, left->scale ? &left->scale[i] : NULL, NULL, &y, ret);
        }
    }
}

void ed_product_f32_openblas(const struct ed_left *left, size_t m, const struct ed_right *right,
                             const struct ed_finish *finish)
{
    if (!m || !right->n)
        return;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, right->across ? CblasNoTrans : CblasTrans, (int)m,
                (int)right->n, (int)right->k, 1.0f, left->at, (int)(left->stride / sizeof(float)),
                right->at, (int)right->stride, finish->add ? 1.0f : 0.0f, finish->ret,
                (int)finish->stride);
    if (left->scale || finish->bias || finish->activation)
        rest_out(left, m, right->n, finish);
}
