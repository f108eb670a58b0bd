/* `kith source` on a database: its options, and what a table is read from. */
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/setup/setup.h"
#include "cli/source/source.h"
#include "daemon/pipeline/query.h"

void kith_source_database_options(struct kith_cli_option *out, struct kith_source_check *check)
{
  const struct kith_cli_option options[KITH_SOURCE_DATABASE_OPTIONS] = {
      {.name = "odbc",
       .kind = KITH_CLI_STRING,
       .out = &check->dsn,
       .value = "DSN",
       .help = "a database instead of a file: a data source, or KEYWORD=value;..."},
      {.name = "query-file",
       .kind = KITH_CLI_STRING,
       .out = &check->query_path,
       .value = "FILE",
       .help = "with --odbc: one SELECT"},
      {.name = "credential",
       .kind = KITH_CLI_STRING,
       .out = &check->credential,
       .value = "FILE",
       .help = "user and password of the database, as kithd.conf(5) says"},
      {.name = "timeout",
       .kind = KITH_CLI_U64,
       .out = &check->timeout_s,
       .value = "S",
       .help = "seconds that the database may be silent (300)",
       .min = 1,
       .max = KITH_TABLE_TIMEOUT_S_MAX},
  };

  memcpy(out, options, sizeof options);
}

const char *kith_source_misfit(const struct kith_source_check *check, int n_operands)
{
  if (check->config_path && (n_operands || check->dsn))
    return "with --config neither a file nor --odbc was expected";
  if (check->dsn && (n_operands || !check->query_path))
    return "with --odbc no file was expected, and --query-file";
  if (check->query_path && !check->dsn)
    return "--query-file is for --odbc";
  if ((check->credential || check->timeout_s) && !check->dsn && !check->config_path)
    return "--credential and --timeout are for a database";
  return check->config_path || check->dsn || n_operands == 1 ? NULL : "expected one file";
}

static bool goes_on(void *context)
{
  return !atomic_load((const atomic_bool *)context);
}

enum kith_err kith_source_place(struct kith_source_check *check, struct kith_fault *fault)
{
  struct kith_table_place *place = &check->spec.place;
  enum kith_err err;

  if (check->dsn) {
    err = kith_query_load(&check->query, check->query_path, fault);
    if (err != KITH_OK)
      return err;
    *place = (struct kith_table_place){
        .kind = KITH_TABLE_ODBC, .dsn = check->dsn, .query = check->query};
  } else if (!check->config_path) {
    check->spec = kith_source_of_file(check->path);
  }
  if (check->credential) {
    kith_free(check->own_credential);
    check->own_credential = kith_setup_absolute(check->credential);
    if (!check->own_credential)
      return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
    place->credential = check->own_credential;
  }
  if (check->timeout_s)
    place->timeout_s = (unsigned)check->timeout_s;
  place->wait = goes_on;
  place->wait_context = (void *)(uintptr_t)kith_cli_cancel_on_signal();
  return KITH_OK;
}
