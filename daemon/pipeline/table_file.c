/* A table that is a CSV file. */
#include <string.h>
#include <sys/stat.h>

#include "base/csv.h"
#include "base/mem.h"
#include "daemon/pipeline/table_kinds.h"

struct table_file {
  struct kith_csv *csv;
  uint64_t bytes_read;
  uint64_t bytes_all; /* 0: unknown */
};

static void file_free(void *state)
{
  struct table_file *file = state;

  kith_csv_free(file->csv);
  kith_free(file);
}

/* For progress only: where the size can't be had, or says nothing, it stays unknown. */
static void size_find(struct table_file *file, const char *path)
{
  struct stat status;
  size_t len = strlen(path);

  if (len > 3 && strcmp(path + len - 3, ".gz") == 0)
    return;
  if (stat(path, &status) == 0 && S_ISREG(status.st_mode))
    file->bytes_all = (uint64_t)status.st_size;
}

static enum kith_err file_open(void **state, const struct kith_table_place *place,
                               struct kith_fault *fault)
{
  const struct kith_csv_limits limits = {.detect = true};
  struct table_file *file = KITH_NEW(struct table_file);
  enum kith_err err;

  if (!file)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", place->path);
  err = kith_csv_open(&file->csv, place->path, &limits, fault);
  if (err != KITH_OK) {
    file_free(file);
    return err;
  }
  size_find(file, place->path);
  *state = file;
  return KITH_OK;
}

static const char *const *file_header(const void *state, size_t *n_columns)
{
  return kith_csv_header(((const struct table_file *)state)->csv, n_columns);
}

static enum kith_err file_next(void *state, struct kith_table_row *row, struct kith_fault *fault)
{
  struct table_file *file = state;
  struct kith_csv_row raw;
  enum kith_err err = kith_csv_next(file->csv, &raw, fault);

  if (err != KITH_OK)
    return err;
  *row = (struct kith_table_row){.cells = raw.fields,
                                 .lens = raw.lens,
                                 .n_cells = raw.n_fields,
                                 .row = raw.row,
                                 .ragged = raw.ragged,
                                 .bad_text = raw.bad_text,
                                 .bad_column = raw.bad_column};
  for (size_t i = 0; i < raw.n_fields; i++)
    file->bytes_read += raw.lens[i] + 1;
  return KITH_OK;
}

static const char *file_charset(const void *state)
{
  return kith_csv_charset(((const struct table_file *)state)->csv);
}

static char file_delimiter(const void *state)
{
  return kith_csv_delimiter(((const struct table_file *)state)->csv);
}

static double file_share(const void *state)
{
  const struct table_file *file = state;

  if (file->bytes_read >= file->bytes_all)
    return file->bytes_all ? 1 : 0;
  return (double)file->bytes_read / (double)file->bytes_all;
}

const struct kith_table_kind_ops kith_table_file = {
    file_open, file_header, file_next, file_charset, file_delimiter, file_share, file_free};
