/* Which kernels this CPU runs, and how the two sides of a product are made ready for them. */
#include "base/product.h"

#include "base/cpus.h"
#include "base/product_kinds.h"
#include "base/rows.h"

#include <string.h>

/* ---- choosing ---- */

static int always(void)
{
    return 1;
}

#ifdef __x86_64__
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

static int has_bf16(void)
{
    return has_avx512() && __builtin_cpu_supports("avx512bf16");
}

static int has_vnni(void)
{
    return has_avx512() && __builtin_cpu_supports("avx512vnni");
}

/* AMX has 8 kB of registers, which a process has to ask the kernel for: Linux, arch_prctl(2). */
static int has_amx(void)
{
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    const unsigned bf16 = 1u << 22, tile = 1u << 24, int8 = 1u << 25, all = bf16 | tile | int8;
    unsigned a, b, c, d;
    return has_avx512() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & all) == all &&
           syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}
#endif

/* The best of each precision first, the plain twins last. */
static const struct ed_kernels kinds[] = {
#ifdef __x86_64__
    {"amx", ED_BF16, 0, has_amx, ed_product_bf16_amx},
    {"amx", ED_INT8, 0, has_amx, ed_product_int8_amx},
    {"avx512_bf16", ED_BF16, 0, has_bf16, ed_product_bf16_avx512},
    {"avx512_vnni", ED_INT8, 0, has_vnni, ed_product_int8_vnni},
    {"avx512", ED_F32, 0, has_avx512, ed_product_f32_avx512},
    {"avx2", ED_F32, 0, has_avx2, ed_product_f32_avx2},
#endif
    {"openblas", ED_F32, 1, always, ed_product_f32_openblas},
    {"plain", ED_F32, 0, always, ed_product_f32_plain},
    {"plain", ED_BF16, 0, always, ed_product_bf16_plain},
    {"plain", ED_INT8, 0, always, ed_product_int8_plain},
};

const struct ed_kernels *ed_kernels_at(size_t i)
{
    return i < sizeof kinds / sizeof *kinds ? &kinds[i] : NULL;
}

const struct ed_kernels *ed_kernels_best(enum ed_precision precision)
{
    size_t i = 0;
    while (kinds[i].precision != precision || !kinds[i].usable())
        i++;
    return &kinds[i];
}

const struct ed_rows *ed_rows_at(size_t i)
{
#ifdef __x86_64__
    const struct ed_rows *all[] = {has_bf16() ? &ed_rows_bf16 : NULL,
                                   has_avx512() ? &ed_rows_avx512 : NULL,
                                   has_avx2() ? &ed_rows_avx2 : NULL, &ed_rows_plain};
#else
    const struct ed_rows *all[] = {&ed_rows_plain};
#endif
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if (all[k] && i-- == 0)
            return all[k];
    return NULL;
}

const struct ed_rows *ed_rows_best(void)
{
    return ed_rows_at(0);
}

int ed_precision_is_fast(enum ed_precision precision)
{
    return strcmp(ed_kernels_best(precision)->name, "plain") != 0;
}

const char *ed_precision_name(enum ed_precision precision)
{
    static const char *const names[] = {[ED_F32] = "f32", [ED_BF16] = "bf16", [ED_INT8] = "int8"};
    return names[precision];
}

size_t ed_precision_size(enum ed_precision precision)
{
    static const size_t sizes[] = {[ED_F32] = 4, [ED_BF16] = 2, [ED_INT8] = 1};
    return sizes[precision];
}

/* ---- the right side ---- */

static size_t depth_of(const struct ed_kernels *kernels, size_t k)
{
    size_t per_step = 64 / ed_precision_size(kernels->precision);
    return (k + per_step - 1) / per_step * 16;
}

static size_t panels_of(size_t n)
{
    return (n + ED_PANEL - 1) / ED_PANEL;
}

static int stays(const struct ed_kernels *kernels)
{
    return kernels->product == ed_product_f32_openblas;
}

size_t ed_right_bytes(const struct ed_kernels *kernels, size_t n, size_t k)
{
    size_t columns = kernels->precision == ED_INT8 ? 2 * ED_PANEL * sizeof(float) : 0;
    size_t bytes = panels_of(n) * (depth_of(kernels, k) * 64 + columns);
    return stays(kernels) ? 0 : (bytes + 63) / 64 * 64;
}

/* One word of the depth, from up to n elements of a row in the kernels' own form. */
static uint32_t word_of(const char *row, size_t size, size_t n)
{
    uint32_t word = 0;
    memcpy(&word, row, n * size < sizeof word ? n * size : sizeof word);
    return word;
}

static struct ed_right borrowed(const void *rows, size_t stride, size_t n, size_t k, int across)
{
    return (struct ed_right){.n = n, .k = k, .at = rows, .stride = stride, .across = across};
}

void ed_right_pack_rows(const struct ed_kernels *kernels, const void *rows, size_t stride, size_t n,
                        size_t k, void *room, struct ed_right *ret)
{
    const size_t size = ed_precision_size(kernels->precision), per_word = 4 / size;
    const size_t depth = depth_of(kernels, k), whole = k / per_word;
    uint32_t *panel = room;
    *ret = borrowed(rows, stride, n, k, 0);
    if (stays(kernels))
        return;
    for (size_t j = 0; j < n; j += ED_PANEL, panel += depth * ED_PANEL) {
        const char *from = (const char *)rows + j * stride * size;
        size_t columns = n - j < ED_PANEL ? n - j : ED_PANEL;
        if (columns < ED_PANEL || whole < depth)
            memset(panel, 0, depth * ED_PANEL * sizeof *panel);
        ed_rows_best()->turn(from, stride * size, columns, whole, panel);
        for (size_t l = 0; l < columns && k % per_word; l++)
            panel[whole * ED_PANEL + l] =
                word_of(from + l * stride * size + whole * 4, size, k % per_word);
    }
    *ret = (struct ed_right){.n = n, .k = k, .depth = depth, .at = room};
}

/* Two rows of bf16 woven into words; the second may be none. */
static inline void words_weave(const uint16_t *one, const uint16_t *two, size_t n, uint32_t *ret)
{
    for (size_t l = 0; l < n; l++)
        ret[l] = one[l] | (two ? (uint32_t)two[l] << 16 : 0);
}

/* One panel of rows that run along it: rows (k, columns) to (depth, 16). */
static inline void panel_across(const char *rows, size_t stride, size_t size, size_t columns,
                                size_t k, uint32_t *ret)
{
    for (size_t i = 0; i < k; i += 4 / size, ret += ED_PANEL) {
        const uint16_t *one = (const uint16_t *)(const void *)(rows + i * stride);
        if (size == 4)
            memcpy(ret, one, columns * size);
        else
            words_weave(one, i + 1 < k ? one + stride / size : NULL, columns, ret);
    }
}

/* The same, where the number of columns is known to be that of a whole panel. */
MANY_CPUS
void ed_panel_across(const char *rows, size_t stride, size_t size, size_t columns, size_t k,
                     uint32_t *ret)
{
    if (columns == ED_PANEL && size == 4)
        panel_across(rows, stride, 4, ED_PANEL, k, ret);
    else if (columns == ED_PANEL)
        panel_across(rows, stride, 2, ED_PANEL, k, ret);
    else
        panel_across(rows, stride, size, columns, k, ret);
}

void ed_right_pack_across(const struct ed_kernels *kernels, const void *rows, size_t stride,
                          size_t n, size_t k, void *room, struct ed_right *ret)
{
    const size_t size = ed_precision_size(kernels->precision), depth = depth_of(kernels, k);
    const size_t filled = (k + 4 / size - 1) / (4 / size);
    uint32_t *panel = room;
    *ret = borrowed(rows, stride, n, k, 1);
    if (stays(kernels))
        return;
    for (size_t j = 0; j < n; j += ED_PANEL, panel += depth * ED_PANEL) {
        size_t columns = n - j < ED_PANEL ? n - j : ED_PANEL;
        if (columns < ED_PANEL)
            memset(panel, 0, filled * ED_PANEL * sizeof *panel);
        ed_panel_across((const char *)rows + j * size, stride * size, size, columns, k, panel);
        memset(panel + filled * ED_PANEL, 0, (depth - filled) * ED_PANEL * sizeof *panel);
    }
    *ret = (struct ed_right){.n = n, .k = k, .depth = depth, .at = room};
}

/* One column of bytes: its step, and what a left side that is 1 everywhere would give. */
static void column_of_bytes(const float *row, size_t k, int8_t *ret, size_t depth, float *scale,
                            float *sum)
{
    float most = 0;
    int32_t total = 0;
    for (size_t i = 0; i < k; i++) {
        float size = row[i] < 0 ? -row[i] : row[i];
        most = size > most ? size : most;
    }
    float per_step = most > 1e-30f ? 127.0f / most : 0.0f;
    for (size_t i = 0; i < depth * 4; i++) {
        float value = i < k ? row[i] * per_step : 0;
        int32_t level = (int32_t)(value + (value < 0 ? -0.5f : 0.5f));
        ret[i / 4 * 64 + i % 4] = (int8_t)level;
        total += level;
    }
    *scale = most / 127.0f;
    *sum = (float)total * *scale;
}

void ed_right_pack(const struct ed_kernels *kernels, const float *rows, size_t n, size_t k,
                   void *room, struct ed_right *ret)
{
    if (kernels->precision == ED_F32) {
        ed_right_pack_rows(kernels, rows, k, n, k, room, ret);
        return;
    }
    const size_t depth = depth_of(kernels, k), panels = panels_of(n);
    float *scale = (float *)(void *)((char *)room + panels * depth * 64);
    float *sum = scale + panels * ED_PANEL;
    const struct ed_rows *rows_kind = ed_rows_best();
    memset(room, 0, ed_right_bytes(kernels, n, k));
    for (size_t j = 0; j < n; j++) {
        char *column = (char *)room + j / ED_PANEL * depth * 64 + j % ED_PANEL * 4;
        const float *row = rows + j * k;
        if (kernels->precision == ED_INT8) {
            column_of_bytes(row, k, (int8_t *)column, depth, &scale[j], &sum[j]);
            continue;
        }
        for (size_t i = 0; i < k; i++) {
            uint16_t half;
            rows_kind->bf16_of(row + i, 1, &half);
            memcpy(column + i / 2 * 64 + i % 2 * 2, &half, sizeof half);
        }
    }
    *ret = (struct ed_right){.n = n, .k = k, .depth = depth, .at = room};
    if (kernels->precision == ED_INT8) {
        ret->scale = scale;
        ret->sum = sum;
    }
}
