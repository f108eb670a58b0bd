/* Files that appear whole or not at all, bounded reads, private directories, and small key
 * files that can be destroyed.
 *
 * An output is written to "PATH.tmp-PID" beside its target, synced, renamed, and its folder
 * synced. Failpoints: file.write, file.sync, file.rename.before, file.rename.after,
 * file.destroy.before, file.destroy.after. */
#ifndef KITH_BASE_FILE_H
#define KITH_BASE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/err.h"

/* The whole file, at most `max` bytes, as a fresh buffer with a terminator after it (free with
 * kith_free). A directory, an unreadable or an overlong file is refused with *fault. */
KITH_MUST_USE enum kith_err kith_file_read(uint8_t **out, size_t *len, const char *path, size_t max,
                                           struct kith_fault *fault);

/* Writes the whole file or nothing. */
KITH_MUST_USE enum kith_err kith_file_write(const char *path, mode_t mode, const void *bytes,
                                            size_t len, struct kith_fault *fault);

/* The same for a stream: open, write to `stream`, then commit; kith_file_out_free before a
 * commit leaves nothing behind. A failed write is found at commit (KITH_ERR_IO). */
struct kith_file_out;
KITH_MUST_USE enum kith_err kith_file_out_new(struct kith_file_out **out, const char *path,
                                              mode_t mode, struct kith_fault *fault);
FILE *kith_file_out_stream(struct kith_file_out *file);
KITH_MUST_USE enum kith_err kith_file_out_commit(struct kith_file_out *file,
                                                 struct kith_fault *fault);
/* For what can be made again from what is kept: the commit doesn't wait for the disk. After a kill
 * the file is whole or not there, as ever; after a power cut within a minute it may be cut short.
 */
void kith_file_out_hurry(struct kith_file_out *file);
void kith_file_out_free(struct kith_file_out *file);

/* Makes the directory (and its parents with mode 0755) unless it is there. */
KITH_MUST_USE enum kith_err kith_dir_make(const char *path, mode_t mode, struct kith_fault *fault);
KITH_MUST_USE enum kith_err kith_dir_sync(const char *path);

/* Overwrites, syncs, unlinks and syncs the folder. No such file is KITH_OK. A solid-state disk,
 * a snapshot or a backup may keep a copy: docs/threat-model.md. */
KITH_MUST_USE enum kith_err kith_file_destroy(const char *path, struct kith_fault *fault);

bool kith_file_exists(const char *path);

/* "DIR/NAME" as a fresh string, NULL if no memory. */
char *kith_path_join(const char *dir, const char *name);

#endif
