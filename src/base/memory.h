/* Memory: the one seam that tests can make fail, and arenas.
 *
 * All of eddy allocates through ed_alloc and its kin. A test may install a gate that is asked
 * before each allocation (ed_alloc_gate); nothing else may use it. */
#ifndef ED_BASE_MEMORY_H
#define ED_BASE_MEMORY_H

#include <eddy/doc.h>

/* As malloc, calloc, realloc and free; n of 0 gives a pointer that may be freed. */
void *ed_alloc(size_t n);
void *ed_alloc_zero(size_t count, size_t size); /* NULL when count * size overflows */
void *ed_realloc(void *p, size_t n);
void ed_free(void *p);
/* The list of n things of that size, with room for one more: itself, or where it went, and *room is
 * more then; NULL: no memory, and all is as it was. */
void *ed_list_room(void *list, size_t n, size_t *room, size_t size);
/* The same of a list in an arena, which keeps what it was in before. */
void *ed_arena_list_room(eddy_arena *arena, void *list, size_t n, size_t *room, size_t size);
/* 64-byte aligned, for vectors; given back by ed_free. */
void *ed_alloc_aligned(size_t n);
/* A large array that grows: n_old bytes stay as they are, and those up to n are 0. 64-byte aligned.
 * Returns where it is now; NULL: no memory, and it is where it was. Costs what is new and no more,
 * where the system can move pages instead of bytes. Given back by ed_grown_free alone. */
void *ed_grow(void *old, size_t n_old, size_t n);
void ed_grown_free(void *p);
/* n bytes of s and a 0 behind them; NULL: no memory. */
char *ed_strndup(const char *s, size_t n);
char *ed_strdup(const char *s);

/* The gate: returns 0 to refuse the allocation. NULL takes it away. For tests only. */
extern int (*ed_alloc_gate)(size_t n);

/* A reset keeps the largest block, and others of so many bytes: for arenas that are filled and
 * emptied all the time, since fresh memory costs a page fault for each 4 kB. */
void ed_arena_keep(eddy_arena *arena, size_t bytes);
/* Bytes that the arena holds, handed out or not. */
size_t ed_arena_held(const eddy_arena *arena);
/* From an arena: 16-byte aligned; NULL when memory or the arena's ceiling is exhausted. */
void *ed_arena_alloc(eddy_arena *arena, size_t n);
void *ed_arena_alloc_zero(eddy_arena *arena, size_t count, size_t size);
/* 64-byte aligned, for vectors. */
void *ed_arena_alloc_aligned(eddy_arena *arena, size_t n);
/* A copy with a 0 behind it; at is NULL when there was no memory. */
eddy_str ed_arena_str(eddy_arena *arena, const char *s, size_t n);
__attribute__((format(printf, 2, 3))) eddy_str ed_arena_printf(eddy_arena *arena,
                                                               const char *format, ...);

#endif
