/* page: the first so many of many pictures, by a key and then by id. */
#ifndef ED_SERVE_PAGE_H
#define ED_SERVE_PAGE_H

#include "serve/inside.h"

#define ED_LIMIT_MAX 1000

struct ed_item {
    double key;
    const struct ed_picture *picture;
};

struct ed_page {
    struct ed_item *at; /* (n) the first one first */
    size_t n, limit;
    int ascending;
};

/* For as many as the argument `limit` asks for. 0: it is none, or there is no memory, and the
 * answer says so. */
int ed_page_begin(struct ed_exchange *x, struct ed_page *page, uint64_t standard);
/* 1: the one goes before the other. */
int ed_page_before(const struct ed_page *page, double key, uint64_t id, double other_key,
                   uint64_t other_id);
/* Takes the picture: it has its place if it is among the first so far, and whom it drives out is
 * given back. */
void ed_page_put(struct ed_page *page, double key, const struct ed_picture *picture);
void ed_page_clear(struct ed_page *page);

#endif
