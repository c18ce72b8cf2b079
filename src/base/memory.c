/* Memory: one gate for all allocations, and arenas that die with their batch.
 *
 * An arena is a chain of blocks, newest first; each block doubles, up to BLOCK_MAX. Reset keeps the
 * largest block, and as many as ed_arena_keep asked for, so that who fills his arena again and
 * again allocates nothing. */
#define _GNU_SOURCE /* mremap */
#include "base/memory.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int (*ed_alloc_gate)(size_t n);

static int refused(size_t n)
{
    return ed_alloc_gate && !ed_alloc_gate(n);
}

void *ed_alloc(size_t n)
{
    return refused(n) ? NULL : malloc(n ? n : 1);
}

void *ed_alloc_zero(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    return refused(count * size) ? NULL : calloc(count ? count : 1, size ? size : 1);
}

void *ed_realloc(void *p, size_t n)
{
    return refused(n) ? NULL : realloc(p, n ? n : 1);
}

void ed_free(void *p)
{
    free(p);
}

void *ed_list_room(void *list, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return list;
    size_t wide = *room ? *room * 2 : 16;
    void *at = ed_realloc(list, wide * size);
    if (at)
        *room = wide;
    return at;
}

#define LARGE_PAGE ((size_t)2 << 20)

/* What is read here and there, as large arrays of vectors are, costs a walk through the page tables
 * for each vector; so the system is asked for large pages where whole ones are used. */
void *ed_alloc_aligned(size_t n)
{
    void *ret = NULL;
    size_t align = n < LARGE_PAGE ? 64 : LARGE_PAGE;
    if (refused(n) || posix_memalign(&ret, align, n ? n : 1))
        return NULL;
#ifdef MADV_HUGEPAGE
    if (n >= LARGE_PAGE)
        madvise(ret, n & ~(LARGE_PAGE - 1), MADV_HUGEPAGE); /* no matter if it cannot */
#endif
    return ret;
}

/* ---- arrays that grow ----
 *
 * A header stands before the bytes. Large arrays are mappings of their own: growing, they move by
 * their page tables, in whole large pages, and what was never written costs nothing. Sanitizers
 * know nothing of mappings, so under them all arrays are small. */

#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MAPPINGS
#define MAPPED_MIN LARGE_PAGE
#endif

struct grown {
    size_t mapped; /* bytes of the mapping, this included; 0: none */
    _Alignas(64) char bytes[];
};

static struct grown *grown_of(void *p)
{
    return p ? (struct grown *)((char *)p - offsetof(struct grown, bytes)) : NULL;
}

#ifdef MAPPINGS
/* A mapping of n bytes, a multiple of LARGE_PAGE, that begins at one; 0: none. */
static char *map_new(size_t n)
{
    char *at = mmap(NULL, n + LARGE_PAGE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    size_t before = (LARGE_PAGE - ((uintptr_t)at & (LARGE_PAGE - 1))) & (LARGE_PAGE - 1);
    if (before)
        munmap(at, before);
    munmap(at + before + n, LARGE_PAGE - before);
    madvise(at + before, n, MADV_HUGEPAGE); /* no matter if it cannot */
    return at + before;
}

static struct grown *map_grow(struct grown *old, size_t n_old, size_t n)
{
    struct grown *wide = NULL;
    size_t room = (n + sizeof *wide + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
    if (old && room <= old->mapped)
        return old;
    char *at = map_new(room);
    if (!at)
        return NULL;
    wide = (struct grown *)(void *)at;
    if (old && old->mapped) {
        if (mremap(old, old->mapped, room, MREMAP_MAYMOVE | MREMAP_FIXED, at) == MAP_FAILED) {
            munmap(at, room);
            return NULL;
        }
    } else {
        if (n_old)
            memcpy(wide->bytes, old->bytes, n_old);
        free(old);
    }
    wide->mapped = room;
    return wide;
}
#endif

void *ed_grow(void *p, size_t n_old, size_t n)
{
    struct grown *wide = NULL;
    if (n > SIZE_MAX / 2 || refused(n))
        return NULL;
#ifdef MAPPINGS
    if (n >= MAPPED_MIN) {
        wide = map_grow(grown_of(p), n_old, n);
        return wide ? wide->bytes : NULL;
    }
#endif
    if (posix_memalign((void **)&wide, 64, sizeof *wide + n))
        return NULL;
    wide->mapped = 0;
    if (n_old)
        memcpy(wide->bytes, p, n_old);
    memset(wide->bytes + n_old, 0, n - n_old);
    ed_grown_free(p);
    return wide->bytes;
}

void ed_grown_free(void *p)
{
    struct grown *grown = grown_of(p);
    if (grown && grown->mapped)
        munmap(grown, grown->mapped); /* 0 where there are no mappings */
    else
        free(grown);
}

char *ed_strndup(const char *s, size_t n)
{
    char *copy = n < SIZE_MAX ? ed_alloc(n + 1) : NULL;
    if (!copy)
        return NULL;
    if (n)
        memcpy(copy, s, n);
    copy[n] = 0;
    return copy;
}

char *ed_strdup(const char *s)
{
    return ed_strndup(s, strlen(s));
}

/* ---- arenas ---- */

#define BLOCK_MIN 4096
/* The last block is filled in part only, and all that was ever filled is first zeroed by the
 * system, for which a virtual machine may take milliseconds a large page: so blocks stay at a few
 * of them. */
#define BLOCK_MAX (2 * LARGE_PAGE)

struct block {
    struct block *next;
    size_t size, used; /* of bytes[] */
    _Alignas(64) char bytes[];
};

struct eddy_arena {
    struct block *blocks;
    struct block *spare; /* of use before the last reset */
    size_t max, used, block_next;
    size_t keep; /* bytes of spare blocks, at most */
};

eddy_arena *eddy_arena_new(size_t max_bytes)
{
    eddy_arena *arena = ed_alloc_zero(1, sizeof *arena);
    if (!arena)
        return NULL;
    arena->max = max_bytes ? max_bytes : SIZE_MAX;
    arena->block_next = BLOCK_MIN;
    return arena;
}

static void blocks_free(struct block *block)
{
    while (block) {
        struct block *next = block->next;
        ed_free(block);
        block = next;
    }
}

static size_t blocks_size(const struct block *block)
{
    size_t size = 0;
    for (; block; block = block->next)
        size += block->size;
    return size;
}

static void spare(eddy_arena *arena, struct block *block)
{
    if (!block)
        return;
    block->next = NULL;
    if (blocks_size(arena->spare) + block->size > arena->keep) {
        ed_free(block);
        return;
    }
    block->next = arena->spare;
    arena->spare = block;
}

void ed_arena_keep(eddy_arena *arena, size_t bytes)
{
    arena->keep = bytes;
}

void eddy_arena_reset(eddy_arena *arena)
{
    struct block *largest = NULL;
    struct block *next;
    for (struct block *b = arena->blocks; b; b = next) {
        next = b->next;
        b->next = NULL;
        if (!largest || b->size > largest->size) {
            spare(arena, largest);
            largest = b;
        } else {
            spare(arena, b);
        }
    }
    if (largest)
        largest->used = 0;
    arena->blocks = largest;
    arena->used = 0;
}

void eddy_arena_free(eddy_arena *arena)
{
    if (!arena)
        return;
    blocks_free(arena->blocks);
    blocks_free(arena->spare);
    ed_free(arena);
}

size_t eddy_arena_used(const eddy_arena *arena)
{
    return arena->used;
}

size_t ed_arena_held(const eddy_arena *arena)
{
    const struct block *const chains[] = {arena->blocks, arena->spare};
    size_t held = sizeof *arena;
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++)
        for (const struct block *b = chains[i]; b; b = b->next)
            held += sizeof *b + b->size;
    return held;
}

/* A spare block with room for n bytes, taken out; NULL: none. */
static struct block *spare_take(eddy_arena *arena, size_t n)
{
    for (struct block **at = &arena->spare; *at; at = &(*at)->next)
        if ((*at)->size >= n) {
            struct block *b = *at;
            *at = b->next;
            return b;
        }
    return NULL;
}

/* A block with room for n bytes, spare or new; NULL: no memory. */
static struct block *block_take(eddy_arena *arena, size_t n)
{
    struct block *b = spare_take(arena, n);
    size_t size = arena->block_next;
    if (b)
        return b;
    while (size < n)
        size = size > SIZE_MAX / 2 ? n : size * 2;
    if (size > SIZE_MAX - sizeof *b - 64)
        return NULL;
    b = ed_alloc_aligned(sizeof *b + size);
    if (!b)
        return NULL;
    b->size = size;
    arena->block_next = size < BLOCK_MAX ? size * 2 : BLOCK_MAX;
    return b;
}

static void *arena_take(eddy_arena *arena, size_t n, size_t align)
{
    if (n > arena->max - arena->used)
        return NULL;
    struct block *b = arena->blocks;
    size_t start = b ? (b->used + align - 1) & ~(align - 1) : 0;
    if (!b || start > b->size || n > b->size - start) {
        b = block_take(arena, n);
        if (!b)
            return NULL;
        b->next = arena->blocks;
        b->used = 0;
        arena->blocks = b;
        start = 0;
    }
    arena->used += n;
    b->used = start + n;
    return b->bytes + start;
}

void *ed_arena_alloc(eddy_arena *arena, size_t n)
{
    return arena_take(arena, n, 16);
}

void *ed_arena_alloc_aligned(eddy_arena *arena, size_t n)
{
    return arena_take(arena, n, 64);
}

void *ed_arena_alloc_zero(eddy_arena *arena, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    void *p = ed_arena_alloc(arena, count * size);
    if (p)
        memset(p, 0, count * size);
    return p;
}

eddy_str ed_arena_str(eddy_arena *arena, const char *s, size_t n)
{
    char *copy = n < SIZE_MAX ? arena_take(arena, n + 1, 1) : NULL;
    if (!copy)
        return (eddy_str){NULL, 0};
    if (n)
        memcpy(copy, s, n);
    copy[n] = 0;
    return (eddy_str){copy, n};
}

eddy_str ed_arena_printf(eddy_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = n < 0 ? NULL : arena_take(arena, (size_t)n + 1, 1);
    if (text)
        vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text ? (eddy_str){text, (size_t)n} : (eddy_str){NULL, 0};
}

void *ed_arena_list_room(eddy_arena *arena, void *list, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return list;
    size_t wide = *room ? *room * 2 : 16;
    void *at = ed_arena_alloc(arena, wide * size);
    if (!at)
        return NULL;
    if (n)
        memcpy(at, list, n * size);
    *room = wide;
    return at;
}
