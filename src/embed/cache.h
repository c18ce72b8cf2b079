/* The cache of an embedder: vectors of texts that were embedded before, in a bounded memory.
 *
 * Who embeds looks first, embeds what is fresh, and lets the cache keep it:
 *
 *   ed_cache_look(cache, texts, n, ret, &look, err)   what is known is in ret
 *   embed look.fresh (look.n_fresh) into rows
 *   ed_cache_keep(cache, &look, rows, ret)            all is in ret
 *   ed_cache_look_clear(&look)
 *
 * A text is known by XXH3-128 of its bytes, seeded with the embedder's fingerprint: texts come
 * cleaned, so the same text is the same bytes. Since a text's vector has the same bits whatever
 * else is embedded, nothing shows whether it came out of the cache. */
#ifndef ED_EMBED_CACHE_H
#define ED_EMBED_CACHE_H

#include <eddy/embed.h>

struct ed_cache;

/* A cache of at most max_bytes for rows (dim). Its memory is only touched as it fills.
 *
 *   ret  NULL on EDDY_OK where max_bytes is too little for any: there is no cache then
 *
 * EDDY_NOMEM */
eddy_status ed_cache_new(size_t max_bytes, size_t dim, uint64_t fingerprint, struct ed_cache **ret,
                         eddy_error *err);
void ed_cache_free(struct ed_cache *cache);

struct ed_cache_key {
    uint64_t low, high;
};

#define ED_CACHE_KNOWN UINT32_MAX

/* One call's texts, each distinct one that is not known once. */
struct ed_cache_look {
    size_t n, n_fresh;
    eddy_str *fresh; /* (n_fresh) to be embedded */
    uint32_t *from;  /* (n) which of them makes this text's row; ED_CACHE_KNOWN: it is in ret */
    struct ed_cache_key *keys; /* (n_fresh) */
    void *memory;              /* of all these */
};

/* Any number of threads; n below 2^31. EDDY_NOMEM: nothing to clear. */
eddy_status ed_cache_look(struct ed_cache *cache, const eddy_str *texts, size_t n, float *ret,
                          struct ed_cache_look *look, eddy_error *err);
/* rows (n_fresh, dim); they may be ret itself where n_fresh is n. A row of zeros is not kept: its
 * text has no vector. */
void ed_cache_keep(struct ed_cache *cache, const struct ed_cache_look *look, const float *rows,
                   float *ret);
void ed_cache_look_clear(struct ed_cache_look *look);

void ed_cache_stats(const struct ed_cache *cache, eddy_embed_stats *ret);

#endif
