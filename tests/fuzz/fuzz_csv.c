/* A CSV file: bounds hold, fields are what the row says, and what is read can be written and
 * read again. */
#include <string.h>

#include "base/buf.h"
#include "base/csv.h"
#include "base/text.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
  if (!holds)
    abort();
}

static void check_row(const struct kith_csv_row *row, size_t n_columns)
{
  int bad = 0;

  require(row->row >= 2 && row->n_fields >= 1 && row->n_fields <= 16);
  require(row->ragged == (row->n_fields != n_columns));
  for (size_t i = 0; i < row->n_fields; i++) {
    require(row->lens[i] <= 64 && strlen(row->fields[i]) == row->lens[i]);
    bad |= !kith_utf8_valid(row->fields[i], row->lens[i]);
  }
  require(bad == row->bad_text);
}

/* The row as text; `text` grows by it. */
static void write_row(FILE *stream, const struct kith_csv_row *row)
{
  for (size_t i = 0; i < row->n_fields; i++) {
    if (i)
      putc(',', stream);
    kith_csv_write_field(stream, row->fields[i]);
  }
  putc('\n', stream);
}

/* Reads all rows and gives them as written anew, NULL where the file is refused. */
static char *rewrite(const uint8_t *data, size_t size, size_t *len)
{
  const struct kith_csv_limits limits = {.max_field_bytes = 64, .max_columns = 16};
  struct kith_csv *csv;
  struct kith_csv_row row;
  struct kith_fault fault;
  char path[64];
  char *text = NULL;
  int fd = fuzz_file_open(path, data, size);
  enum kith_err err = kith_csv_open(&csv, path, &limits, &fault);

  if (err == KITH_OK) {
    size_t n_columns;
    const char *const *header = kith_csv_header(csv, &n_columns);
    struct kith_csv_row names = {.fields = header, .n_fields = n_columns};
    FILE *stream = open_memstream(&text, len);

    require(stream != NULL && n_columns >= 1);
    write_row(stream, &names);
    while ((err = kith_csv_next(csv, &row, &fault)) == KITH_OK) {
      check_row(&row, n_columns);
      write_row(stream, &row);
    }
    fclose(stream);
    kith_csv_free(csv);
  }
  close(fd);
  if (err == KITH_ERR_NOT_FOUND)
    return text;
  free(text);
  return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  size_t len;
  size_t len_again;
  char *once = rewrite(data, size, &len);
  char *again;

  /* A row of one empty field is written as a blank line, a mark in quotes as a mark. */
  if (!once || strstr(once, "\n\n") || once[0] == '\n' || once[0] == '\xef') {
    free(once);
    return 0;
  }
  again = rewrite((const uint8_t *)once, len, &len_again);
  require(again && len == len_again && memcmp(once, again, len) == 0);
  free(once);
  free(again);
  return 0;
}
