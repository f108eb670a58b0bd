/* A source of records: an agency's table (daemon/pipeline/table.h) with the standard columns.
 *
 * Life: kith_source_open, kith_source_next until KITH_ERR_NOT_FOUND, kith_source_free. The spec's
 * profile says which columns are what; `id` is required, absent ones are missing, others are
 * ignored.
 *
 * A row that can't be used is set aside: it is given with its rule and no fields, so that it keeps
 * its place, is counted, and is remembered by row number, column and rule, never by value. With
 * `strict` the first such row stops the reading (KITH_ERR_DATA). base/csv.h says what is a row, and
 * where the next one begins after one that is broken.
 *
 * Memory: about 12 bytes a row beside the bytes of its id; 336,000 rows need 8 MB. */
#ifndef KITH_DAEMON_PIPELINE_SOURCE_H
#define KITH_DAEMON_PIPELINE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "daemon/pipeline/profile.h"
#include "daemon/pipeline/record.h"
#include "daemon/pipeline/table.h"

enum kith_row_rule {
  KITH_ROW_FINE,
  KITH_ROW_RAGGED,      /* more or fewer fields than the header */
  KITH_ROW_BAD_TEXT,    /* not UTF-8, NUL bytes, a byte order mark inside the file */
  KITH_ROW_QUOTES,      /* a quote out of place or not closed */
  KITH_ROW_LONG,        /* a field, a row or the number of columns is over a limit */
  KITH_ROW_NO_ID,       /* the id is empty */
  KITH_ROW_BAD_ID,      /* longer than KITH_ID_BYTES_MAX, or with control characters */
  KITH_ROW_REPEATED_ID, /* the id of an earlier row that was not set aside */
  KITH_ROW_RULE_COUNT
};
/* "repeated id", static. */
const char *kith_row_rule_name(enum kith_row_rule rule);

enum { KITH_ID_BYTES_MAX = 128, KITH_ROW_FAULTS_MAX = 1000 };

struct kith_row_fault {
  uint64_t row;    /* 1-based, the header is row 1 */
  uint64_t line;   /* 1-based, as a text editor counts; 0: there are none */
  uint32_t column; /* 1-based, 0: no one column */
  enum kith_row_rule rule;
};
/* "7", or "7 (line 9)" where the lines of the file are others than its rows. */
void kith_row_place(char *out, size_t cap, uint64_t row, uint64_t line);

/* The ids of rows 0 .. n - 1 as one block of text. Owned by whoever holds the struct. */
struct kith_ids {
  size_t n;
  char *text;        /* the ids, each with its terminator */
  uint64_t *offsets; /* n */
  size_t text_len;
  size_t text_cap;
  size_t cap;
};
/* "" where the row has no usable id. */
const char *kith_ids_at(const struct kith_ids *ids, size_t row);
void kith_ids_free(struct kith_ids *ids);
KITH_MUST_USE enum kith_err kith_ids_add(struct kith_ids *ids, const char *id);

/* What an agency's records are read from, and how. Strings are borrowed until kith_source_open
 * returns. */
struct kith_source_spec {
  struct kith_table_place place;
  const struct kith_profile *profile; /* outlives the source; NULL: the standard columns */
  bool strict;
};
/* The spec of a CSV file with the standard columns. */
struct kith_source_spec kith_source_of_file(const char *path);

struct kith_source_row {
  uint64_t row;                         /* as in the file: 1-based, the header is row 1 */
  const char *id;                       /* "" where there is none; valid until the next call */
  const char *fields[KITH_FIELD_COUNT]; /* the same; NULL: no such column, or set aside */
  const char *other_birth;              /* a second date of birth; the same */
  enum kith_row_rule rule;
};

struct kith_source;
KITH_MUST_USE enum kith_err kith_source_open(struct kith_source **out,
                                             const struct kith_source_spec *spec,
                                             struct kith_fault *fault);
/* KITH_OK, KITH_ERR_NOT_FOUND after the last row, or an error with *fault. */
KITH_MUST_USE enum kith_err kith_source_next(struct kith_source *source,
                                             struct kith_source_row *row, struct kith_fault *fault);
/* The cells of the row that was given last, as they stand under the header of kith_source_table;
 * NULL where the row was set aside. Good until the next call. */
const char *const *kith_source_cells(const struct kith_source *source, size_t *n);
/* What it reads; not to be read from by others. */
const struct kith_table *kith_source_table(const struct kith_source *source);
bool kith_source_has(const struct kith_source *source, enum kith_field field);
/* Whether the file's column, 0-based, is the id's or a standard field's. */
bool kith_source_uses(const struct kith_source *source, size_t column);
/* Columns of the file that are neither the id nor a standard field. */
size_t kith_source_ignored_columns(const struct kith_source *source);
/* Of a file, as far as it has been read: "UTF-8", "Windows-1252", ..., and what parts its fields;
 * else NULL and 0. */
const char *kith_source_charset(const struct kith_source *source);
char kith_source_delimiter(const struct kith_source *source);
/* About how much has been read, in [0, 1]; 0 where that can't be told. */
double kith_source_share(const struct kith_source *source);

/* Rows set aside so far: by rule, and the first KITH_ROW_FAULTS_MAX of them. */
uint64_t kith_source_set_aside(const struct kith_source *source, enum kith_row_rule rule);
uint64_t kith_source_set_aside_all(const struct kith_source *source);
const struct kith_row_fault *kith_source_faults(const struct kith_source *source, size_t *n);

/* The ids so far; the caller owns them from now on, and the source is read no further. */
void kith_source_take_ids(struct kith_source *source, struct kith_ids *out);
void kith_source_free(struct kith_source *source);

#endif
