/* eddy/embed.h: what a document looks like to the engine: its words, and one dense vector.
 *
 * Both are pure functions of the text. Everything that depends on the stream so far (idf, the
 * running mean) is the engine's. */
#ifndef EDDY_EMBED_H
#define EDDY_EMBED_H

#include <eddy/doc.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the words view ---- */

/* One distinct word of a document. */
typedef struct eddy_term {
    uint64_t hash;    /* FNV-1a-64 of the folded word, from 1469598103934665603 (not the usual
                       * offset basis, which has one digit more) */
    const char *word; /* the folded word, in the arena; not terminated */
    uint16_t n_word;  /* bytes; longer words are cut at a character border below 64 bytes */
    uint16_t count;   /* times in this document, at most 65,535 */
} eddy_term;

/* The distinct words of a title and a text, in order of first appearance: runs of letters and
 * digits in any script (Unicode by utf8proc), lower-cased, with one inner apostrophe kept (U+2019
 * as '); at least two characters long; stop words out; scripts written without blanks (Han, Kana,
 * Thai ...) give the character pairs of each run. A title that the text begins with is not counted
 * twice. Words beyond 65,536 distinct ones are not taken.
 *
 *   ret    (*n_ret) in the arena
 *
 * EDDY_NOMEM  arena full
 * Cost: linear. Any number of threads, an arena for each. */
EDDY_API eddy_status eddy_terms_read(eddy_str title, eddy_str text, eddy_arena *arena,
                                     const eddy_term **ret, size_t *n_ret, eddy_error *err);

/* What an embedder is given: title and text joined by a blank; only the text where the title is
 * empty or the text begins with it. In the arena, or one of the two itself. at NULL: no memory. */
EDDY_API eddy_str eddy_text_join(eddy_str title, eddy_str text, eddy_arena *arena);

/* ---- the dense view ---- */

typedef struct eddy_embedder eddy_embedder;

/* Who calls, for an embedder that asks others and may have to wait for them. */
typedef struct eddy_embed_caller {
    void *user;
    /* Asked many times a second, from any thread that embeds just then; 1: the call ends soon, with
     * EDDY_STOPPED. NULL: it is waited for. */
    int (*stopped)(void *user);
    /* (n) filled, in scratch: why a text has no vector, or NULL. NULL: nobody wants to know. */
    const char **refused;
} eddy_embed_caller;

/* Whoever makes vectors elsewhere; libeddy itself opens no socket. */
typedef struct eddy_endpoint {
    void *self;
    size_t dim;
    const char *name;     /* for people, with its dimensions; lives as long as self */
    uint64_t fingerprint; /* see eddy_embedder_fingerprint */
    size_t batch;         /* texts in a call that suit it best; 0: any */
    /* As eddy_embedder_embed_for, which calls it; caller may be NULL. */
    eddy_status (*embed)(void *self, const eddy_embed_caller *caller, const eddy_str *texts,
                         size_t n, eddy_arena *scratch, float *ret, eddy_error *err);
    void (*free)(void *self); /* NULL: there is nothing to free */
} eddy_endpoint;

/* What an embedder is told; all strings are borrowed for the call that takes it. */
typedef struct eddy_embedder_options {
    /* "hash": signed hashes of words and character 3- to 5-grams, 512 dimensions, no file.
     * "encoder": a BERT-type sentence encoder from a directory in Hugging Face layout.
     * "static": a table of token vectors (model2vec, wordllama) from a directory.
     * "auto": static or encoder by what is in dir, "hash" when there is no model.
     * "endpoint": whoever `endpoint` says. */
    const char *model;
    const char *dir; /* the model's; may be NULL for "hash" */
    /* In what the encoder multiplies. "f32"; "bf16": 8 bits of each number; "int8": weights in
     * 127ths of their column's largest, tokens in 255ths of their range; "auto": bf16 where the CPU
     * multiplies that by itself, else f32. NULL is "auto". */
    const char *precision;
    /* What the encoder does with a text that is longer than the model reads. 0: its beginning is
     * all that counts. 1: it goes through in overlapping chunks (8 at most), each behind the text's
     * beginning; its vector is their mean, weighted by their tokens. */
    int chunks;
    /* What the encoder puts before each text: "query: " for some models. NULL: what the model's own
     * files say. At most 199 bytes. */
    const char *prefix;
    /* Vectors of texts that were embedded before are kept in so much memory, and given again; 0:
     * none are. */
    size_t cache_bytes;
    const eddy_endpoint *endpoint; /* copied; the embedder frees it, once it is open */
} eddy_embedder_options;

/* model and precision "auto", no directory, no chunks, no cache. */
EDDY_API void eddy_embedder_options_init(eddy_embedder_options *options);

/* Open an embedder.
 *
 * EDDY_INVALID      model or precision is none of these, or the prefix is too long
 * EDDY_UNAVAILABLE  a file of the model is missing or cannot be read
 * EDDY_FORMAT       a file of the model is not what it should be
 * EDDY_NOMEM        no room for it
 * Cost for the encoder: maps the weights (90 MB for MiniLM), reads all of them once, for the
 * fingerprint, and packs what is multiplied with (43 MB in f32, 21 in bf16, 11 in int8). Opening an
 * encoder sets OpenBLAS to one thread, for the whole process: who calls on several threads gets as
 * many products at once. */
EDDY_API eddy_status eddy_embedder_open(const eddy_embedder_options *options, eddy_embedder **ret,
                                        eddy_error *err);
EDDY_API void eddy_embedder_free(eddy_embedder *embedder);

EDDY_API size_t eddy_embedder_dim(const eddy_embedder *embedder);
/* How many texts go best in one call. */
EDDY_API size_t eddy_embedder_batch(const eddy_embedder *embedder);
/* One line for people: "hash, 512 dimensions", "encoder all-MiniLM-L6-v2, 384 dimensions, bf16 by
 * amx". */
EDDY_API const char *eddy_embedder_name(const eddy_embedder *embedder);
/* Changes when any vector could: model, weights, tokenizer, pooling, precision. */
EDDY_API uint64_t eddy_embedder_fingerprint(const eddy_embedder *embedder);

/* Embed n texts.
 *
 *   texts    (n) title and text joined by a blank, cleaned; any length, cut at the model's limit
 *            or, by the option, in chunks
 *   scratch  work memory; reset by this call; one for each thread
 *   ret      (n, dim) row-major float32, each row of length 1, or all 0 where the text has
 *            nothing to embed (hash, static) or is refused (endpoint)
 *
 * EDDY_NOMEM  scratch is full; ret is undefined
 * EDDY_FORMAT  the model's weights gave a row that is zero or not finite; ret is undefined
 * By an endpoint: as long as it takes; what waiting does not mend is EDDY_CONFIG or
 * EDDY_UNAVAILABLE.
 * A text's vector has the same bits whatever else is embedded, by any number of threads. By the
 * encoder they may differ between kinds of CPUs: by rounding, in the precision that it has.
 * Any number of threads share one embedder. */
EDDY_API eddy_status eddy_embedder_embed(const eddy_embedder *embedder, const eddy_str *texts,
                                         size_t n, eddy_arena *scratch, float *ret,
                                         eddy_error *err);
/* The same, for a caller (may be NULL) who may have to be told, or to be let go. */
EDDY_API eddy_status eddy_embedder_embed_for(const eddy_embedder *embedder,
                                             const eddy_embed_caller *caller, const eddy_str *texts,
                                             size_t n, eddy_arena *scratch, float *ret,
                                             eddy_error *err);

/* What the cache has done since the embedder was opened; all 0 where there is none. */
typedef struct eddy_embed_stats {
    uint64_t hits;      /* texts that had not to be embedded: known, or twice in a call */
    uint64_t misses;    /* texts that were */
    uint64_t evictions; /* vectors that made room for others */
    uint64_t held;      /* vectors in it */
    size_t bytes;       /* its memory when it is full: at most cache_bytes */
} eddy_embed_stats;
/* Any thread, any time. */
EDDY_API void eddy_embedder_stats(const eddy_embedder *embedder, eddy_embed_stats *ret);

#ifdef __cplusplus
}
#endif
#endif
