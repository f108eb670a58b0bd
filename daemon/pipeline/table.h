/* An agency's table of people, wherever it is kept: rows of text under named columns.
 *
 * Life: kith_table_open, kith_table_next until KITH_ERR_NOT_FOUND, kith_table_free. What a row or
 * the header points to is the table's; a row is good until the next call. Rows are counted as a
 * spreadsheet counts them: the header is row 1, and row 2 is the first of a query's result. Faults
 * name the table, row and column, never a value. Columns of a file may share a name: who looks for
 * one refuses it where it is there twice. Bounded memory, whatever the size of the table. */
#ifndef KITH_DAEMON_PIPELINE_TABLE_H
#define KITH_DAEMON_PIPELINE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/csv.h"
#include "base/err.h"

enum kith_table_kind { KITH_TABLE_FILE, KITH_TABLE_ODBC };

/* Where a table is. Strings are borrowed until kith_table_open returns. */
struct kith_table_place {
  enum kith_table_kind kind;
  const char *path;       /* a file: CSV, plain or gzipped */
  const char *dsn;        /* a database: data source name or connection string, no credentials */
  const char *query;      /* as query.h says */
  const char *credential; /* a file (daemon/odbc/credential.h); NULL: none is needed */
  unsigned timeout_s;     /* how long a database may be silent; 0: KITH_TABLE_TIMEOUT_S */
  /* Asked some ten times a second while a database is waited for; false: stop, which is
   * KITH_ERR_CANCELLED. May be NULL; else the context must outlive the table. */
  bool (*wait)(void *context);
  void *wait_context;
};

enum {
  KITH_TABLE_TIMEOUT_S = 300,
  KITH_TABLE_TIMEOUT_S_MAX = 86400,
  KITH_TABLE_LOGIN_S = 30 /* a login has this long at most */
};

struct kith_table_row {
  const char *const *cells; /* NUL-terminated UTF-8; n_cells of them */
  const size_t *lens;
  size_t n_cells;
  uint64_t row;                  /* 1-based, the header is row 1 */
  uint64_t line;                 /* of a file, 1-based; 0: there are none */
  enum kith_csv_problem problem; /* of a database: of its cells the same */
  uint32_t bad_column;           /* 0-based, of the problem; KITH_CSV_RAGGED has none */
};

struct kith_table;

/* KITH_ERR_NO_INPUT, KITH_ERR_DATA, KITH_ERR_IO. Of a database also KITH_ERR_CONFIG: the data
 * source, its driver or the query has to be mended; KITH_ERR_DENIED: the account;
 * KITH_ERR_UNAVAILABLE: it can't be reached now, or went away. */
KITH_MUST_USE enum kith_err kith_table_open(struct kith_table **out,
                                            const struct kith_table_place *place,
                                            struct kith_fault *fault);
void kith_table_free(struct kith_table *table); /* takes NULL */

/* The file's path or the data source's name ("database" of a connection string), for messages. */
const char *kith_table_name(const struct kith_table *table);
const char *const *kith_table_header(const struct kith_table *table, size_t *n_columns);
/* Of a file: "UTF-8", "Windows-1252", ..., and what parts its fields; else NULL and 0. */
const char *kith_table_charset(const struct kith_table *table);
char kith_table_delimiter(const struct kith_table *table);
/* KITH_OK, KITH_ERR_NOT_FOUND after the last row, or an error with *fault. */
KITH_MUST_USE enum kith_err kith_table_next(struct kith_table *table, struct kith_table_row *row,
                                            struct kith_fault *fault);
/* About how much has been read, in [0, 1]; 0 where that can't be told. */
double kith_table_share(const struct kith_table *table);

#endif
