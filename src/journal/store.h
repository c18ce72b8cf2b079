/* store: the records of one shard in one local file.
 *
 * For a run between files it is the truth; for one on Kafka it is a cache of the state topic, so
 * that a restart need not read all of it. Either way it is a log of epochs: each is one LZ4 frame
 * with a checksum, holding the records that changed and the head. A frame that was torn by a crash
 * is no frame. When most of the file is outdated it is written anew beside itself and renamed.
 *
 *   file    = "eddystor" u32 format version, then frames
 *   frame   = u32 bytes of the LZ4 frame, the LZ4 frame (content size and checksum on)
 *   content = head (u32 length, bytes), then per record: u64 key, u8 there, u32 length, bytes
 *
 * A file that was written anew begins with frames whose head is empty: they belong to the next
 * frame that has one, and do not count without it. Key 0 is no record.
 *
 * One owner thread. The file is locked: a second process is refused. */
#ifndef ED_JOURNAL_STORE_H
#define ED_JOURNAL_STORE_H

#include <eddy/engine.h>

struct ed_store;

/* Open the file at path, or make it with the first append; its folder must be there.
 *
 *   sync  1: an append returns when the disk has it (fdatasync): it outlives the machine, not only
 *         the process
 *
 * EDDY_IO  it cannot be opened; or another process has it (the text says which, by what that one
 *          wrote into PATH.lock) */
eddy_status ed_store_open(const char *path, int sync, struct ed_store **ret, eddy_error *err);

/* The head of the last whole epoch, before any record is handed over: for those who must know first
 * whose they are. Otherwise as ed_store_load, which need not read the file through again then. */
eddy_status ed_store_head(struct ed_store *store, eddy_str *ret_head, eddy_error *err);

/* Hand over every record that counts, once each, none of them "gone", in the order of the file;
 * then the head of the last whole epoch. Once, before the first append.
 *
 *   load      borrowed for the call; a status other than EDDY_OK ends the load and is returned
 *   ret_head  the head, owned by the store, valid until the next call; at NULL: the file is new
 *
 * A torn last frame is cut off (and counted: ed_store_torn). EDDY_FORMAT: the file is no store, of
 * a newer format (the text says so), or damaged before its last frame: the text names file and
 * byte; then only ed_store_forget or ed_store_close may follow. EDDY_IO, EDDY_NOMEM. */
eddy_status ed_store_load(struct ed_store *store,
                          eddy_status (*load)(void *user, const eddy_record *record,
                                              eddy_error *err),
                          void *user, eddy_str *ret_head, eddy_error *err);

/* Add an epoch: all of it or nothing. head is not empty. EDDY_INVALID: there was no load before, a
 * key is 0, or the epoch is beyond 1 GiB; EDDY_NOMEM: nothing changed. EDDY_IO: the file is as
 * before (cut back); retriable when the disk is full. Now and then (when more than half of a file
 * of some size is outdated) rewrites the file; a rewrite that fails is left for later. */
eddy_status ed_store_append(struct ed_store *store, eddy_str head, const eddy_record *records,
                            size_t n_records, eddy_error *err);

/* Throw all of it away, and begin with an empty file. */
eddy_status ed_store_forget(struct ed_store *store, eddy_error *err);

/* A file is written anew only when it is as large as this (1 MiB); for tests. */
void ed_store_rewrite_from(struct ed_store *store, uint64_t bytes);
uint64_t ed_store_torn(const struct ed_store *store);  /* bytes cut off by load */
uint64_t ed_store_bytes(const struct ed_store *store); /* size of the file */
void ed_store_close(struct ed_store *store);           /* NULL is fine */

#endif
