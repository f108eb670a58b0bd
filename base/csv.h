/* CSV as RFC 4180 says and as people send it, in bounded memory; plain or gzipped.
 *
 * Reader: open, then next (row by row) or read (block by block, for threads) until
 * KITH_ERR_NOT_FOUND (the end), free. Rows end with LF, CR LF or CR. Row numbers are 1-based, count
 * the header as row 1 and are what a spreadsheet shows; lines are those of a text editor, of which
 * a quoted field may have several. A blank line counts as a row and is skipped (in a file of one
 * column it is an empty field); spaces belong to fields; a byte order mark at the start is skipped.
 * With `detect`, other character sets and delimiters than UTF-8 and a comma are found out.
 *
 * No row is dropped in silence: one that can't be trusted is given with its problem, so that the
 * caller sets it aside or stops. A field that doesn't begin with a quote is taken as it stands,
 * quotes and all (O"Brien); one that does must end with one, and has "" for a quote. Where it
 * doesn't, the row ends with the line in which the quote opened, and reading goes on behind it, so
 * that a quote that is never closed costs one row. How it is told: something else than a delimiter
 * or the line's end follows the quote that should close the field; or the file or max_row_bytes are
 * at their end; or the field runs over eight lines each of which looks like a row. Rows with quotes
 * in them right after such a row are the rest of it, perhaps: they have its problem.
 *
 * Refused with a fault that names row and column: a header with a problem, without a name, or with
 * one name twice (but with `same_names`; columns without a name may be several); a directory or a
 * missing file (KITH_ERR_NO_INPUT); a file that is changed while it is read, a damaged gzip file
 * (KITH_ERR_DATA). */
#ifndef KITH_BASE_CSV_H
#define KITH_BASE_CSV_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

struct kith_csv_limits {
  size_t max_field_bytes; /* 0: 64 KiB */
  size_t max_row_bytes;   /* 0: 1 MiB */
  size_t max_columns;     /* 0: 1024 */
  /* Find out the character set (textfile.h) and what parts fields: a comma, a semicolon, a tab or a
   * bar. Else UTF-8 and a comma. */
  bool detect;
  /* Columns may share a name (kith_csv_column gives the first). */
  bool same_names;
};

enum kith_csv_problem {
  KITH_CSV_FINE,
  KITH_CSV_RAGGED,      /* more or fewer fields than the header */
  KITH_CSV_BAD_TEXT,    /* not UTF-8 */
  KITH_CSV_MARK,        /* a byte order mark inside the file, at the start of a row */
  KITH_CSV_NUL,         /* a NUL byte */
  KITH_CSV_QUOTE,       /* a quote out of place */
  KITH_CSV_QUOTE_OPEN,  /* a quote that is not closed */
  KITH_CSV_LONG_FIELD,  /* over max_field_bytes */
  KITH_CSV_LONG_ROW,    /* over max_row_bytes */
  KITH_CSV_MANY_COLUMNS /* over max_columns */
};
/* What is wrong and what was expected, static. */
const char *kith_csv_problem_text(enum kith_csv_problem problem);

struct kith_csv_row {
  const char *const *fields; /* NUL-terminated UTF-8 */
  const size_t *lens;
  size_t n_fields; /* 0 where there is a problem other than KITH_CSV_RAGGED or _BAD_TEXT */
  uint64_t row;    /* 1-based, the header is row 1 */
  uint64_t line;   /* 1-based, of its first byte; where a quote is the problem, of that quote */
  enum kith_csv_problem problem;
  uint32_t bad_column; /* 0-based, where the problem is; KITH_CSV_RAGGED has none */
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
/* KITH_OK, KITH_ERR_NOT_FOUND at the end, or an error with *fault. *row is valid until the next
 * call. */
KITH_MUST_USE enum kith_err kith_csv_next(struct kith_csv *csv, struct kith_csv_row *row,
                                          struct kith_fault *fault);
/* About how much has been given, in [0, 1]; 0 where that can't be told (a pipe). */
double kith_csv_share(const struct kith_csv *csv);
void kith_csv_free(struct kith_csv *csv);

/* Says in *fault what is wrong with a row that has a problem, in which row, line and column.
 * Returns KITH_ERR_DATA. */
enum kith_err kith_csv_refuse(const struct kith_csv *csv, const struct kith_csv_row *row,
                              struct kith_fault *fault);

/* Blocks, for who hands rows on to threads: some 16 KiB of text and its rows, which are the
 * block's, not the reader's: good until the block is read into again or freed, by whatever thread.
 * Not to be mixed with kith_csv_next. A block is for one reader (its limits); it may outlive it. */
struct kith_csv_block;
KITH_MUST_USE enum kith_err kith_csv_block_new(struct kith_csv_block **out,
                                               const struct kith_csv *csv);
void kith_csv_block_free(struct kith_csv_block *block); /* takes NULL */
/* One row or more; else as kith_csv_next. */
KITH_MUST_USE enum kith_err kith_csv_read(struct kith_csv *csv, struct kith_csv_block *block,
                                          struct kith_fault *fault);
const struct kith_csv_row *kith_csv_block_rows(const struct kith_csv_block *block, size_t *n);

/* Writes one field, quoted where RFC 4180 asks for it; the caller writes commas and "\n". */
void kith_csv_write_field(FILE *stream, const char *field);

#endif
