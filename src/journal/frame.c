/* Frames: LZ4 with a content checksum, behind a length.
 *
 * What a crash leaves at the end of a file is half a frame, or one with holes in it. What a bad
 * disk leaves is anywhere. The two must not be mistaken for each other: half a frame is cut off,
 * but to cut at a damaged one would throw away all that came after it. A length cannot tell them
 * apart, as it may be what is damaged; so we look for a whole frame behind the bad place. An LZ4
 * frame knows by itself where it ends, and its checksum says that it is one. */
#include "journal/frame.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/pack.h"
#include "journal/disk.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LENGTH     4 /* bytes in front of a frame */
#define KEEP_BYTES ((size_t)8 << 20)
#define PIECE      ((size_t)64 << 10)

static const unsigned char magic[4] = {0x04, 0x22, 0x4D, 0x18}; /* how every LZ4 frame begins */

void ed_frames_init(struct ed_frames *f)
{
    f->lz4 = NULL;
    ed_bytes_init(&f->packed, 0);
    ed_bytes_init(&f->content, 0);
}

void ed_frames_clear(struct ed_frames *f)
{
    LZ4F_freeDecompressionContext(f->lz4);
    ed_bytes_clear(&f->packed);
    ed_bytes_clear(&f->content);
    ed_frames_init(f);
}

void ed_frames_trim(struct ed_frames *f)
{
    if (f->packed.room > KEEP_BYTES)
        ed_bytes_clear(&f->packed);
    if (f->content.room > KEEP_BYTES)
        ed_bytes_clear(&f->content);
}

/* Make b an uninitialised place of n bytes; NULL: no memory. */
static char *place_of(struct ed_bytes *b, size_t n)
{
    if (b->room < n + 1) {
        size_t room = n + n / 4 + 1;
        ed_bytes_clear(b);
        b->at = ed_alloc(room);
        b->room = b->at ? room : 0;
    }
    b->n = b->at ? n : 0;
    return b->at;
}

static eddy_status context_ready(struct ed_frames *f, const char *path, eddy_error *err)
{
    if (!f->lz4 && LZ4F_isError(LZ4F_createDecompressionContext(&f->lz4, LZ4F_VERSION)))
        return eddy_fail_nomem(err, path, PIECE);
    LZ4F_resetDecompressionContext(f->lz4);
    return EDDY_OK;
}

/* ---- writing ---- */

eddy_status ed_frame_pack(struct ed_frames *f, eddy_str content, eddy_error *err)
{
    LZ4F_preferences_t fast = LZ4F_INIT_PREFERENCES;
    fast.frameInfo.blockSizeID = LZ4F_max1MB;
    fast.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
    fast.frameInfo.contentSize = content.n;
    size_t room = LZ4F_compressFrameBound(content.n, &fast);
    if (!place_of(&f->packed, LENGTH + room))
        return eddy_fail_nomem(err, "frame", LENGTH + room);
    size_t n = LZ4F_compressFrame(f->packed.at + LENGTH, room, content.at, content.n, &fast);
    if (LZ4F_isError(n)) /* there is room, so it can only be memory */
        return eddy_fail_nomem(err, LZ4F_getErrorName(n), room);
    for (int i = 0; i < LENGTH; i++) /* below 2^32 by ED_FRAME_MAX */
        f->packed.at[i] = (char)(n >> (8 * i));
    f->packed.n = LENGTH + n;
    return EDDY_OK;
}

/* ---- reading ---- */

/* As many of n bytes as there are. */
static eddy_status bytes_read(int fd, const char *path, void *p, size_t n, uint64_t at,
                              size_t *ret_n, eddy_error *err)
{
    size_t done = 0;
    while (done < n) {
        ssize_t one = pread(fd, (char *)p + done, n - done, (off_t)(at + done));
        if (one > 0)
            done += (size_t)one;
        else if (one == 0)
            break;
        else if (errno != EINTR)
            return ed_disk_fail(path, "cannot read", err);
    }
    *ret_n = done;
    return EDDY_OK;
}

/* The header of an LZ4 frame: ours always tells its size and has a checksum. */
static int header_read(struct ed_frames *f, const char *at, size_t *n, LZ4F_frameInfo_t *info)
{
    return !LZ4F_isError(LZ4F_getFrameInfo(f->lz4, info, at, n)) && info->frameType == LZ4F_frame &&
           info->contentChecksumFlag && info->contentSize && info->contentSize <= ED_FRAME_MAX &&
           !info->dictID;
}

/* f->packed into f->content. *whole: it is one frame, and nothing else. */
static eddy_status unpack(struct ed_frames *f, const char *path, int *whole, eddy_error *err)
{
    *whole = 0;
    eddy_status st = context_ready(f, path, err);
    if (st != EDDY_OK)
        return st;
    LZ4F_frameInfo_t info;
    size_t done = f->packed.n;
    if (!header_read(f, f->packed.at, &done, &info) ||
        info.contentSize / 256 > f->packed.n) /* LZ4 cannot make that much of it */
        return EDDY_OK;
    size_t n = (size_t)info.contentSize, filled = 0;
    if (!place_of(&f->content, n))
        return eddy_fail_nomem(err, path, n);
    const LZ4F_decompressOptions_t stay = {.stableDst = 1};
    for (;;) {
        size_t n_from = f->packed.n - done, n_to = n - filled;
        size_t more = LZ4F_decompress(f->lz4, f->content.at + filled, &n_to, f->packed.at + done,
                                      &n_from, &stay);
        if (LZ4F_isError(more))
            return EDDY_OK;
        done += n_from;
        filled += n_to;
        if (!more)
            break;
        if (!n_from && !n_to)
            return EDDY_OK; /* half a frame */
    }
    *whole = done == f->packed.n && filled == n;
    return EDDY_OK;
}

eddy_status ed_frame_read(struct ed_frames *f, int fd, const char *path, uint64_t at, uint64_t end,
                          enum ed_frame_found *ret_found, uint64_t *ret_next, eddy_error *err)
{
    char length[LENGTH];
    size_t n = 0;
    if (at == end) {
        *ret_found = ED_FRAME_NONE;
        return EDDY_OK;
    }
    *ret_found = ED_FRAME_BAD;
    eddy_status st = bytes_read(fd, path, length, LENGTH, at, &n, err);
    if (st != EDDY_OK || n < LENGTH)
        return st;
    struct ed_unpack u = ed_unpack_of((eddy_str){length, LENGTH});
    size_t n_frame = ed_unpack_u32(&u);
    if (n_frame < LZ4F_HEADER_SIZE_MIN || n_frame > end - at - LENGTH)
        return EDDY_OK;
    if (!place_of(&f->packed, n_frame))
        return eddy_fail_nomem(err, path, n_frame);
    st = bytes_read(fd, path, f->packed.at, n_frame, at + LENGTH, &n, err);
    int whole = 0;
    if (st == EDDY_OK && n == n_frame)
        st = unpack(f, path, &whole, err);
    if (st == EDDY_OK && whole) {
        *ret_found = ED_FRAME_WHOLE;
        *ret_next = at + LENGTH + n_frame;
    }
    return st;
}

/* ---- torn or damaged ---- */

/* One LZ4 frame from a place on, read piece by piece for its checksum alone. */
static eddy_status whole_at(struct ed_frames *f, int fd, const char *path, uint64_t at, int *ret,
                            eddy_error *err)
{
    char *from = place_of(&f->packed, PIECE), *to = place_of(&f->content, PIECE);
    if (!from || !to)
        return eddy_fail_nomem(err, path, PIECE);
    eddy_status st = context_ready(f, path, err);
    int headed = 0;
    while (st == EDDY_OK) {
        size_t n = 0, done = 0;
        st = bytes_read(fd, path, from, PIECE, at, &n, err);
        if (st != EDDY_OK || !n)
            return st;
        if (!headed) {
            LZ4F_frameInfo_t info;
            done = n;
            headed = header_read(f, from, &done, &info);
            if (!headed)
                return EDDY_OK;
        }
        while (done < n) {
            size_t n_from = n - done, n_to = PIECE;
            size_t more = LZ4F_decompress(f->lz4, to, &n_to, from + done, &n_from, NULL);
            if (LZ4F_isError(more))
                return EDDY_OK;
            if (!more) {
                *ret = 1;
                return EDDY_OK;
            }
            if (!n_from && !n_to)
                break;
            done += n_from;
        }
        if (!done)
            return EDDY_OK;
        at += done;
    }
    return st;
}

eddy_status ed_frame_follows(struct ed_frames *f, int fd, const char *path, uint64_t at,
                             uint64_t end, int *ret, eddy_error *err)
{
    char piece[4096];
    *ret = 0;
    while (end - at >= sizeof magic) {
        size_t n = 0;
        eddy_status st = bytes_read(fd, path, piece, sizeof piece, at, &n, err);
        if (st != EDDY_OK || n < sizeof magic)
            return st;
        for (size_t i = 0; i + sizeof magic <= n; i++) {
            if (memcmp(piece + i, magic, sizeof magic) != 0)
                continue;
            st = whole_at(f, fd, path, at + i, ret, err);
            if (st != EDDY_OK || *ret)
                return st;
        }
        at += n - (sizeof magic - 1); /* a magic may lie across two pieces */
    }
    return EDDY_OK;
}
