#include "daemon/pipeline/table.h"

#include <string.h>

#include "base/mem.h"
#include "daemon/pipeline/dsn.h"
#include "daemon/pipeline/table_kinds.h"

struct kith_table {
  const struct kith_table_kind_ops *ops;
  void *state;
  char *name;
};

enum kith_err kith_table_open(struct kith_table **out, const struct kith_table_place *place,
                              struct kith_fault *fault)
{
  const char *name = place->kind == KITH_TABLE_FILE ? place->path : kith_dsn_shown(place->dsn);
  struct kith_table *table = KITH_NEW(struct kith_table);
  enum kith_err err;

  if (!table)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", name);
  table->ops = place->kind == KITH_TABLE_FILE ? &kith_table_file : &kith_table_odbc;
  table->name = kith_strdup(name);
  err = table->name ? table->ops->open(&table->state, place, fault)
                    : kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", name);
  if (err != KITH_OK) {
    /* A fault of a file has its path, one of a database has not its name. */
    if (place->kind != KITH_TABLE_FILE)
      (void)kith_fail_at(fault, err, "%s", name);
    kith_table_free(table);
    return err;
  }
  *out = table;
  return KITH_OK;
}

void kith_table_free(struct kith_table *table)
{
  if (!table)
    return;
  if (table->state)
    table->ops->free(table->state);
  kith_free(table->name);
  kith_free(table);
}

const char *kith_table_name(const struct kith_table *table)
{
  return table->name;
}

const char *const *kith_table_header(const struct kith_table *table, size_t *n_columns)
{
  return table->ops->header(table->state, n_columns);
}

enum kith_err kith_table_next(struct kith_table *table, struct kith_table_row *row,
                              struct kith_fault *fault)
{
  enum kith_err err = table->ops->next(table->state, row, fault);

  if (err != KITH_OK && err != KITH_ERR_NOT_FOUND && table->ops == &kith_table_odbc)
    (void)kith_fail_at(fault, err, "%s", table->name);
  return err;
}

const char *kith_table_charset(const struct kith_table *table)
{
  return table->ops->charset(table->state);
}

char kith_table_delimiter(const struct kith_table *table)
{
  return table->ops->delimiter(table->state);
}

double kith_table_share(const struct kith_table *table)
{
  return table->ops->share(table->state);
}
