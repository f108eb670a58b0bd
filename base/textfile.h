/* A text file as UTF-8, plain or gzipped, in bounded memory.
 *
 * Life: open, read until nothing is left, free. A byte order mark is left out. With `detect` the
 * character set is found out, and the text is converted (by iconv):
 *
 *   UTF-16      by its byte order mark, or by the zero bytes of every other place
 *   UTF-8       by its byte order mark, or because the first bytes above 127 are UTF-8
 *   Windows-1252 because none of the first bytes above 127 are UTF-8
 *
 * "The first" are those of the first 64 KiB that have any; up to there the file is ASCII, which
 * all but UTF-16 share. A file that mixes both is UTF-8 with faults: what can't be converted comes
 * as bytes that are no UTF-8, so that whoever reads it sees where. What is no text by its first
 * bytes, such as a spreadsheet's own file, is refused (KITH_ERR_DATA). Without `detect`, and where
 * all is UTF-8, bytes are given as they are. infile.h says what is unpacked, and that the file must
 * not change meanwhile. */
#ifndef KITH_BASE_TEXTFILE_H
#define KITH_BASE_TEXTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { KITH_TEXTFILE_READ_MIN = 64 }; /* room that a read needs */

struct kith_textfile;

/* KITH_ERR_NO_INPUT: no such file, or a directory. `path` must outlive the file. */
KITH_MUST_USE enum kith_err kith_textfile_open(struct kith_textfile **out, const char *path,
                                               bool detect, struct kith_fault *fault);
void kith_textfile_free(struct kith_textfile *file); /* takes NULL */

/* Up to `cap` bytes; *len = 0 at the end. Errors: those of kith_infile_read. */
KITH_MUST_USE enum kith_err kith_textfile_read(struct kith_textfile *file, uint8_t *out, size_t cap,
                                               size_t *len, struct kith_fault *fault);

/* "ASCII", "UTF-8", "Windows-1252", "UTF-16LE" or "UTF-16BE": as far as it has been read. */
const char *kith_textfile_charset(const struct kith_textfile *file);

/* How much of the file has been read, in [0, 1]; 0 of a pipe. */
double kith_textfile_share(const struct kith_textfile *file);

#endif
