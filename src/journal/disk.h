/* disk: what store and outputs ask of a disk alike. */
#ifndef ED_JOURNAL_DISK_H
#define ED_JOURNAL_DISK_H

#include <eddy/error.h>

/* "PATH: what: the system's words" for errno, EDDY_IO; retriable where the disk is full. */
eddy_status ed_disk_fail(const char *path, const char *what, eddy_error *err);
/* All n bytes at a place of a file. EDDY_IO: some of them may be there. */
eddy_status ed_disk_write(int fd, const char *path, const void *p, size_t n, uint64_t at,
                          eddy_error *err);
/* Make what happened to the name of path (made, renamed) outlive the machine: fsync of its folder.
 */
eddy_status ed_disk_settle(const char *path, eddy_error *err);

#endif
