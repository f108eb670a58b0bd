/* A CSV file in any character set: bounds hold, no row is lost, fields are what the row says, and
 * what is read can be written and read again. The first byte says whether to detect. */
#include <string.h>

#include "base/csv.h"
#include "base/text.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELD_MAX = 64, COLUMNS_MAX = 16 };

static void require(int holds)
{
  if (!holds)
    abort();
}

static void check_row(const struct kith_csv *csv, const struct kith_csv_row *row,
                      const struct kith_csv_row *before)
{
  struct kith_fault fault = {0};
  size_t n_columns;

  (void)kith_csv_header(csv, &n_columns);
  require(row->row > before->row && row->line > before->line && row->line >= row->row);
  require(row->n_fields <= COLUMNS_MAX);
  require((row->n_fields == 0) == (row->problem > KITH_CSV_BAD_TEXT));
  require(row->problem != KITH_CSV_FINE || row->n_fields == n_columns);
  require(row->problem != KITH_CSV_RAGGED || row->n_fields != n_columns);
  for (size_t i = 0; i < row->n_fields; i++) {
    require(row->lens[i] <= FIELD_MAX && strlen(row->fields[i]) == row->lens[i]);
    require(row->problem != KITH_CSV_FINE || kith_utf8_valid(row->fields[i], row->lens[i]));
  }
  if (row->problem == KITH_CSV_BAD_TEXT)
    require(!kith_utf8_valid(row->fields[row->bad_column], row->lens[row->bad_column]));
  if (row->problem != KITH_CSV_FINE)
    require(kith_csv_refuse(csv, row, &fault) == KITH_ERR_DATA && strlen(fault.text) > 20);
}

static void write_row(FILE *stream, const struct kith_csv_row *row)
{
  for (size_t i = 0; i < row->n_fields; i++) {
    if (i)
      putc(',', stream);
    kith_csv_write_field(stream, row->fields[i]);
  }
  /* A row of one empty field would be a blank line. */
  fputs(row->n_fields == 1 && row->lens && row->lens[0] == 0 ? "\"\"\n" : "\n", stream);
}

/* Reads all rows and gives those that are in order as written anew, NULL where the file is refused.
 * *n_rows: how many. */
static char *rewrite(const uint8_t *data, size_t size, const struct kith_csv_limits *limits,
                     size_t *len, size_t *n_rows)
{
  struct kith_csv *csv = NULL;
  struct kith_csv_row row = {.row = 1, .line = 1};
  struct kith_csv_row before = row;
  struct kith_fault fault;
  char path[64];
  char *text = NULL;
  int fd = fuzz_file_open(path, data, size);
  enum kith_err err = kith_csv_open(&csv, path, limits, &fault);

  *n_rows = 0;
  if (err == KITH_OK) {
    size_t n_columns;
    const char *const *header = kith_csv_header(csv, &n_columns);
    struct kith_csv_row names = {.fields = header, .n_fields = n_columns};
    FILE *stream = open_memstream(&text, len);

    require(stream != NULL && n_columns >= 1);
    write_row(stream, &names);
    while ((err = kith_csv_next(csv, &row, &fault)) == KITH_OK) {
      check_row(csv, &row, &before);
      before = row;
      if (row.problem != KITH_CSV_FINE)
        continue;
      write_row(stream, &row);
      ++*n_rows;
    }
    fclose(stream);
  }
  kith_csv_free(csv);
  close(fd);
  if (err == KITH_ERR_NOT_FOUND)
    return text;
  free(text);
  return NULL;
}

/* What the reader does not take as it is written: a row that begins with a byte order mark, which
 * was in quotes; many lines in one field, because they may look like rows. */
static bool reads_otherwise(const char *text, size_t n_rows)
{
  size_t n_lines = 0;

  for (const char *at = text; (at = strpbrk(at, "\r\n")) != NULL; at++)
    n_lines++;
  return strstr(text, "\xef\xbb\xbf") || n_lines > n_rows + 8;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct kith_csv_limits limits = {.max_field_bytes = FIELD_MAX, .max_columns = COLUMNS_MAX};
  size_t len;
  size_t len_again;
  size_t n;
  size_t n_again;
  char *once;
  char *again;

  if (size == 0)
    return 0;
  limits.detect = data[0] & 1;
  once = rewrite(data + 1, size - 1, &limits, &len, &n);
  if (once && !reads_otherwise(once, n)) {
    limits = (struct kith_csv_limits){0};
    again = rewrite((const uint8_t *)once, len, &limits, &len_again, &n_again);
    require(again && n == n_again && len == len_again && memcmp(once, again, len) == 0);
    free(again);
  }
  free(once);
  return 0;
}
