/* Of the CSV reader only: from bytes to rows, without a file. csv.h has the rules.
 *
 * Fields are not copied: they are made strings where they stand (a terminator on what ends them,
 * "" made one quote), once their row is known to be whole. */
#ifndef KITH_BASE_CSV_PARSE_H
#define KITH_BASE_CSV_PARSE_H

#include "base/csv.h"
#include "base/csv_scan.h"

enum {
  KITH_CSV_TEXT_BYTES = 16 * 1024, /* of a block, at first: with its rows it fits near caches */
  KITH_CSV_ROWS_MAX = 2048,        /* in a block */
  KITH_CSV_FIELDS_MAX = 12 * 1024, /* likewise; and those of one row more */
  KITH_CSV_LINES_LIKE_ROWS = 8     /* in a quoted field: it was never closed */
};

struct kith_csv_block {
  uint8_t *text; /* `cap` bytes and room for a window more */
  size_t cap;
  size_t len;
  size_t at;      /* what is before it are whole rows */
  size_t scanned; /* up to here there are windows */
  struct kith_csv_window *windows;
  struct kith_csv_row *rows; /* KITH_CSV_ROWS_MAX */
  size_t n_rows;
  const char **fields; /* fields_cap, of all rows */
  size_t *lens;
  size_t fields_cap;
  size_t n_fields;
};
KITH_MUST_USE enum kith_err kith_csv_block_make(struct kith_csv_block **out, size_t max_columns);
/* At least `cap` bytes of text; what is there stays. */
KITH_MUST_USE enum kith_err kith_csv_block_grow(struct kith_csv_block *block, size_t cap);
/* No rows and no text. */
void kith_csv_block_clear(struct kith_csv_block *block);

struct kith_csv_parser {
  char delimiter;
  size_t max_field_bytes;
  size_t max_row_bytes;
  size_t max_columns;
  size_t n_header;  /* columns of the header; 0: the next row is the header */
  uint64_t row;     /* rows so far */
  uint64_t line;    /* 1-based, of what comes next */
  bool lf_pending;  /* a CR was the last byte: an LF would be the rest of that line end */
  bool skipping;    /* the rest of a line belongs to a row that was given */
  bool after_quote; /* rows with quotes are the rest of a row with a broken one, perhaps */
};

/* Adds to the block the rows of its text from `at`, up to `rows_max` in all, and moves `at` past
 * them. A row whose end is not there stays, unless nothing `comes`. Up to 64 KiB of room beyond
 * max_row_bytes, a row's end can always be told. */
void kith_csv_parse(struct kith_csv_parser *parser, struct kith_csv_block *block, size_t rows_max,
                    bool comes);

#endif
