/* CSV as RFC 4180 says, through libcsv, in bounded memory; plain or gzipped.
 *
 * Reader: new, next until KITH_ERR_NOT_FOUND (the end), free. A row is valid until the next
 * call. Row numbers are 1-based and count the header as row 1, as a spreadsheet shows them.
 * A blank line counts as a row and is skipped (in a file of one column it is an empty field);
 * spaces belong to fields; a leading byte order mark is skipped. With `detect`, other character
 * sets and delimiters than UTF-8 and a comma are found out.
 * Refused with a fault that names row and column: NUL bytes, a field over max_field_bytes, a
 * quote out of place (KITH_ERR_DATA, KITH_ERR_LIMIT); a file without a header, two equal column
 * names, a header that is not UTF-8; a directory or a missing file (KITH_ERR_NO_INPUT).
 * A row whose number of fields differs from the header's is given with `ragged` set, one that
 * is not UTF-8 with `bad_text`, so that the caller sets it aside or stops. */
#ifndef KITH_BASE_CSV_H
#define KITH_BASE_CSV_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

struct kith_csv_limits {
  size_t max_field_bytes; /* 0: 64 KiB */
  size_t max_columns;     /* 0: 1024 */
  /* Find out the character set (textfile.h) and what parts fields: a comma, a semicolon, a tab or a
   * bar. Else UTF-8 and a comma. */
  bool detect;
};

struct kith_csv_row {
  const char *const *fields; /* NUL-terminated UTF-8 */
  const size_t *lens;
  size_t n_fields;
  uint64_t row;  /* 1-based, the header is row 1 */
  bool ragged;   /* n_fields differs from the header's */
  bool bad_text; /* a field is not UTF-8: `bad_column` is its 0-based index */
  size_t bad_column;
};

struct kith_csv;
KITH_MUST_USE enum kith_err kith_csv_open(struct kith_csv **out, const char *path,
                                          const struct kith_csv_limits *limits,
                                          struct kith_fault *fault);
const char *const *kith_csv_header(const struct kith_csv *csv, size_t *n_columns);
/* "UTF-8", "Windows-1252", ..., and ',', ';', '\t' or '|'. */
const char *kith_csv_charset(const struct kith_csv *csv);
char kith_csv_delimiter(const struct kith_csv *csv);
/* 0-based index of the column, or SIZE_MAX. */
size_t kith_csv_column(const struct kith_csv *csv, const char *name);
/* KITH_OK, KITH_ERR_NOT_FOUND at the end, or an error with *fault. */
KITH_MUST_USE enum kith_err kith_csv_next(struct kith_csv *csv, struct kith_csv_row *row,
                                          struct kith_fault *fault);
void kith_csv_free(struct kith_csv *csv);

/* Writes one field, quoted where RFC 4180 asks for it; the caller writes commas and "\n". */
void kith_csv_write_field(FILE *stream, const char *field);

#endif
