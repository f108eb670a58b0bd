/* The bytes of a file from its start to its end, plain or gzipped (by its first bytes, whatever it
 * is called), in bounded memory.
 *
 * Life: open, read until nothing is left, free. A gzip file may have several members, as where some
 * were joined, and zeros behind them; what else follows them is an error, not left out. A regular
 * file must stay as it is from open to end: one that was written to meanwhile, or cut, is an export
 * that somebody is still making. Pipes are read as they come. */
#ifndef KITH_BASE_INFILE_H
#define KITH_BASE_INFILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct kith_infile;

/* KITH_ERR_NO_INPUT: no such file, or a directory. `path` must outlive the file. */
KITH_MUST_USE enum kith_err kith_infile_open(struct kith_infile **out, const char *path,
                                             struct kith_fault *fault);
void kith_infile_free(struct kith_infile *file); /* takes NULL */

/* `cap` bytes, fewer only at the end: *len = 0 says that there are none left. KITH_ERR_IO;
 * KITH_ERR_DATA: a damaged gzip file, or one that was changed; KITH_ERR_CANCELLED: a signal came
 * while a pipe was waited for. */
KITH_MUST_USE enum kith_err kith_infile_read(struct kith_infile *file, uint8_t *out, size_t cap,
                                             size_t *len, struct kith_fault *fault);

/* How much of it has been read, in [0, 1]; 0 of a pipe. */
double kith_infile_share(const struct kith_infile *file);

#endif
