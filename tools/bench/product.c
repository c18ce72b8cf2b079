/* bench_product: products by every kind of kernels, as a share of what their instruction can do.
 *
 *   bench_product [ROUNDS]
 *
 * Prints "precision kind m n k gflops peak share", for the products of MiniLM's layers, finished as
 * they are there; thread CPU
 * time, at least 2 ms, the best of all rounds, which go through kinds and peaks in turn. The peak
 * is the same instruction on registers alone. tools/bench/encoder --kernels makes a table of it. */
#include "base/product.h"
#include "base/memory.h"
#include "base/vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KINDS_MAX = 16 };

static const size_t shapes[][3] = {{64, 384, 384},   {64, 1152, 384},  {64, 1536, 384},
                                   {64, 384, 1536},  {128, 1152, 384}, {128, 1536, 384},
                                   {128, 384, 1536}, {256, 1536, 384}, {256, 384, 1536}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- what the instruction can do ---- */

#ifdef __x86_64__
/* One instruction on 24 registers, so many times over. */
#define TIMES8(x)                x x x x x x x x
#define ON(op, n)                op " %%zmm30, %%zmm31, %%zmm" #n "\n\t"
#define ON_YMM(op, n)            op " %%ymm14, %%ymm15, %%ymm" #n "\n\t"
#define FOUR(on, op, a, b, c, d) on(op, a) on(op, b) on(op, c) on(op, d)
#define TWELVE(on, op)                                                                             \
    FOUR(on, op, 0, 1, 2, 3)                                                                       \
    FOUR(on, op, 4, 5, 6, 7)                                                                       \
    FOUR(on, op, 8, 9, 10, 11)
#define MORE(on, op)                                                                               \
    FOUR(on, op, 12, 13, 14, 15)                                                                   \
    FOUR(on, op, 16, 17, 18, 19)                                                                   \
    FOUR(on, op, 20, 21, 22, 23)
#define ON12(op)            TWELVE(ON_YMM, op)
#define ON24(op)            TWELVE(ON, op) MORE(ON, op)
#define TILE(op, b, a, sum) op " %%tmm" #b ", %%tmm" #a ", %%tmm" #sum "\n\t"
#define ON_TILES(op)        TILE(op, 6, 4, 0) TILE(op, 7, 4, 1) TILE(op, 6, 5, 2) TILE(op, 7, 5, 3)
#define LOOP(n, body)                                                                              \
    for (int i = 0; i < (n); i++)                                                                  \
    __asm__ volatile(body::: "memory")

/* Operations of the loop; each multiplication and each addition is one. */
static double instructions(const struct ed_kernels *kernels)
{
    static const struct {
        unsigned char palette, start_row, reserved[14];
        unsigned short row_bytes[16];
        unsigned char rows[16];
    } tiles __attribute__((aligned(64))) = {.palette = 1,
                                            .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
                                            .rows = {16, 16, 16, 16, 16, 16, 16, 16}};
    enum { N = 20000, N_TILES = 4000 };
    const char *kind = kernels->name;
    if (strstr(kind, "avx")) /* what stands there may be slow to multiply */
        __asm__ volatile("vzeroall");
    if (strstr(kind, "avx512"))
        __asm__ volatile("vpxord %zmm30, %zmm30, %zmm30\n\tvpxord %zmm31, %zmm31, %zmm31");
    if (!strcmp(kind, "avx2")) {
        LOOP(N, ON12("vfmadd231ps"));
        return N * 12.0 * 8 * 2;
    }
    if (!strcmp(kind, "avx512")) {
        LOOP(N, ON24("vfmadd231ps"));
        return N * 24.0 * 16 * 2;
    }
    if (!strcmp(kind, "avx512_bf16")) {
        LOOP(N, ON24("vdpbf16ps"));
        return N * 24.0 * 32 * 2;
    }
    if (!strcmp(kind, "avx512_vnni")) {
        LOOP(N, ON24("vpdpbusd"));
        return N * 24.0 * 64 * 2;
    }
    if (strcmp(kind, "amx") != 0)
        return 0;
    __asm__ volatile("ldtilecfg %0" ::"m"(tiles));
    if (kernels->precision == ED_BF16)
        LOOP(N_TILES, TIMES8(ON_TILES("tdpbf16ps")));
    else
        LOOP(N_TILES, TIMES8(ON_TILES("tdpbusd")));
    __asm__ volatile("tilerelease");
    return N_TILES * 32.0 * 16 * 16 * (kernels->precision == ED_BF16 ? 32 : 64) * 2;
}
#else
static double instructions(const struct ed_kernels *kernels)
{
    (void)kernels;
    return 0;
}
#endif

/* ---- products ---- */

/* Zeros that lie as in the encoder: many things in one piece of large pages. */
static void *zeroed(size_t bytes)
{
    static char *piece;
    static size_t left;
    bytes = (bytes + 64 + 63) / 64 * 64;
    if (bytes > left) {
        left = bytes + ((size_t)32 << 20);
        piece = ed_alloc_aligned(left);
        if (!piece) {
            fprintf(stderr, "bench_product: out of memory\n");
            exit(1);
        }
        memset(piece, 0, left);
    }
    left -= bytes;
    piece += bytes;
    return piece - bytes;
}

struct product {
    size_t m, n, k;
    struct ed_left left;
    struct ed_right right;
    struct ed_finish finish;
};

static struct product product_make(const struct ed_kernels *kernels, const size_t shape[3])
{
    struct product p = {.m = shape[0], .n = shape[1], .k = shape[2]};
    size_t size = ed_precision_size(kernels->precision);
    static float rows[1536 * 384]; /* as large as any */
    float *scale = zeroed(p.m * sizeof *scale);
    for (size_t i = 0; i < p.n * p.k; i++)
        rows[i] = (float)((i * 2654435761u >> 8) % 2000) / 1000 - 1;
    ed_right_pack(kernels, rows, p.n, p.k, zeroed(ed_right_bytes(kernels, p.n, p.k)), &p.right);
    /* Wide rows lie a line of the cache further apart. */
    const size_t apart = p.k == 1536 && kernels->precision != ED_INT8 ? 64 : 0;
    p.left = (struct ed_left){.stride = p.k * size + apart};
    p.left.at = zeroed((p.m + ED_LEFT_SLACK) * p.left.stride);
    if (kernels->precision == ED_INT8)
        p.left.scale = p.left.low = scale;
    /* As in a layer: the widest are activated, the narrow ones added to the rows, and all but those
     * leave as bf16. */
    p.finish = (struct ed_finish){.bias = zeroed(p.n * sizeof(float)),
                                  .activation = p.n == 1536 ? ED_GELU : ED_LINEAR,
                                  .add = p.n == 384,
                                  .to_bf16 = p.n > 384 && kernels->precision != ED_F32,
                                  .stride = p.n};
    if (p.n == 1536)
        p.finish.stride += p.finish.to_bf16 ? 32 : 16;
    p.finish.ret = zeroed(p.m * p.finish.stride * sizeof(float));
    return p;
}

static double best_rate(double best, double operations, double start)
{
    double rate = operations / (seconds() - start) / 1e9;
    return rate > best ? rate : best;
}

int main(int argc, char **argv)
{
    static struct product products[KINDS_MAX][SHAPES];
    static double rate[KINDS_MAX][SHAPES], peak[KINDS_MAX];
    int rounds = argc > 1 ? atoi(argv[1]) : 7;
    const struct ed_kernels *kernels;
    size_t n_kinds = 0;
    ed_blas_single_thread();
    for (; n_kinds < KINDS_MAX && (kernels = ed_kernels_at(n_kinds)); n_kinds++)
        for (size_t s = 0; s < SHAPES && kernels->usable(); s++)
            products[n_kinds][s] = product_make(kernels, shapes[s]);
    for (int round = 0; round < rounds; round++)
        for (size_t kind = 0; kind < n_kinds; kind++) {
            kernels = ed_kernels_at(kind);
            if (!kernels->usable())
                continue;
            double start = seconds();
            peak[kind] = best_rate(peak[kind], instructions(kernels), start);
            for (size_t s = 0; s < SHAPES; s++) {
                struct product *p = &products[kind][s];
                double operations = 0;
                kernels->product(&p->left, p->m, &p->right, &p->finish); /* into the caches */
                start = seconds();
                do {
                    kernels->product(&p->left, p->m, &p->right, &p->finish);
                    operations += 2.0 * (double)(p->m * p->n * p->k);
                } while (seconds() - start < 2e-3);
                rate[kind][s] = best_rate(rate[kind][s], operations, start);
            }
        }
    for (size_t kind = 0; kind < n_kinds; kind++) {
        kernels = ed_kernels_at(kind);
        for (size_t s = 0; s < SHAPES && kernels->usable(); s++)
            printf("%s %s %zu %zu %zu %.1f %.1f %.3f\n", ed_precision_name(kernels->precision),
                   kernels->name, shapes[s][0], shapes[s][1], shapes[s][2], rate[kind][s],
                   peak[kind], peak[kind] > 0 ? rate[kind][s] / peak[kind] : 0);
    }
    return 0;
}
