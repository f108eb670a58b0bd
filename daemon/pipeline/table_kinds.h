/* Of the table only: what each kind of table does. */
#ifndef KITH_DAEMON_PIPELINE_TABLE_KINDS_H
#define KITH_DAEMON_PIPELINE_TABLE_KINDS_H

#include "daemon/pipeline/table.h"

struct kith_table_kind_ops {
  enum kith_err (*open)(void **state, const struct kith_table_place *place,
                        struct kith_fault *fault);
  const char *const *(*header)(const void *state, size_t *n_columns);
  enum kith_err (*next)(void *state, struct kith_table_row *row, struct kith_fault *fault);
  const char *(*charset)(const void *state);
  char (*delimiter)(const void *state);
  double (*share)(const void *state);
  void (*free)(void *state);
};

extern const struct kith_table_kind_ops kith_table_file;
extern const struct kith_table_kind_ops kith_table_odbc;

#endif
