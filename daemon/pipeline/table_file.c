/* A table that is a CSV file. */
#include "base/csv.h"
#include "daemon/pipeline/table_kinds.h"

static void file_free(void *state)
{
  kith_csv_free(state);
}

static enum kith_err file_open(void **state, const struct kith_table_place *place,
                               struct kith_fault *fault)
{
  const struct kith_csv_limits limits = {.detect = true, .same_names = true};
  struct kith_csv *csv;
  enum kith_err err = kith_csv_open(&csv, place->path, &limits, fault);

  if (err == KITH_OK)
    *state = csv;
  return err;
}

static const char *const *file_header(const void *state, size_t *n_columns)
{
  return kith_csv_header(state, n_columns);
}

static enum kith_err file_next(void *state, struct kith_table_row *row, struct kith_fault *fault)
{
  struct kith_csv_row raw;
  enum kith_err err = kith_csv_next(state, &raw, fault);

  if (err != KITH_OK)
    return err;
  *row = (struct kith_table_row){.cells = raw.fields,
                                 .lens = raw.lens,
                                 .n_cells = raw.n_fields,
                                 .row = raw.row,
                                 .line = raw.line,
                                 .problem = raw.problem,
                                 .bad_column = raw.bad_column};
  return KITH_OK;
}

static const char *file_charset(const void *state)
{
  return kith_csv_charset(state);
}

static char file_delimiter(const void *state)
{
  return kith_csv_delimiter(state);
}

static double file_share(const void *state)
{
  return kith_csv_share(state);
}

const struct kith_table_kind_ops kith_table_file = {
    file_open, file_header, file_next, file_charset, file_delimiter, file_share, file_free};
