/* frame: one piece of a store: a length, and an LZ4 frame that knows its own size and checksum. */
#ifndef ED_JOURNAL_FRAME_H
#define ED_JOURNAL_FRAME_H

#include "base/bytes.h"

#include <lz4frame.h>

#define ED_FRAME_MAX ((size_t)1 << 30) /* bytes of content */

/* Buffers that are used again, for one owner thread. */
struct ed_frames {
    LZ4F_dctx *lz4;
    struct ed_bytes packed;  /* as it lies in the file, its length included */
    struct ed_bytes content; /* of the frame that was read last */
};

void ed_frames_init(struct ed_frames *f);
void ed_frames_clear(struct ed_frames *f);
/* Give large buffers back. */
void ed_frames_trim(struct ed_frames *f);

/* Content into f->packed. EDDY_NOMEM. */
eddy_status ed_frame_pack(struct ed_frames *f, eddy_str content, eddy_error *err);

enum ed_frame_found { ED_FRAME_WHOLE, ED_FRAME_NONE, ED_FRAME_BAD };

/* The frame at a place of a file of `end` bytes, into f->content.
 *
 *   ret_found  NONE: the file ends here; BAD: what is here is torn or damaged
 *   ret_next   where the next one begins; only of a whole one
 *
 * EDDY_IO, EDDY_NOMEM */
eddy_status ed_frame_read(struct ed_frames *f, int fd, const char *path, uint64_t at, uint64_t end,
                          enum ed_frame_found *ret_found, uint64_t *ret_next, eddy_error *err);

/* Whether any whole frame lies at or behind a bad place, whatever the lengths say: then the place
 * is damaged, else it is the torn end. EDDY_IO, EDDY_NOMEM. */
eddy_status ed_frame_follows(struct ed_frames *f, int fd, const char *path, uint64_t at,
                             uint64_t end, int *ret, eddy_error *err);

#endif
