/* kith source preview: what a round under a policy would take from a table, and, on a terminal,
 * what becomes of single rows. It is the one command of `kith source` that shows values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/source/source.h"
#include "cli/verbs.h"
#include "crypto/secret.h"

enum { ROWS_DEFAULT = 3, ROWS_MAX = 1000, SHOWN_BYTES = 512 };

static const char preview_usage[] =
    "kith source preview --policy POLICY.json [--rows N] [--row N ...] [--show-values] "
    "[--objections FILE] FILE | --config KITHD.CONF | --odbc DSN --query-file FILE";

struct preview {
  struct kith_source_check check;
  struct kith_cli_list wanted; /* numbers of rows; none: the first n_rows */
  uint64_t rows[KITH_CLI_LIST_MAX];
  uint64_t n_rows;
  uint64_t n_shown;
  bool show_values;
  char *text; /* of the rows, printed after the summary; owned, wiped */
  size_t text_len;
  FILE *stream;
};

/* ---- single rows */

static bool wanted(const struct preview *preview, uint64_t row)
{
  for (size_t i = 0; i < preview->wanted.n; i++) {
    if (preview->rows[i] == row)
      return true;
  }
  return preview->wanted.n == 0 && preview->n_shown < preview->n_rows;
}

static void show_field(struct preview *preview, enum kith_field field, const char *typed,
                       const struct kith_record *record, enum kith_outcome outcome)
{
  const struct kith_values *values = &record->values[field];
  char shown[SHOWN_BYTES];

  kith_source_show(shown, sizeof shown, typed);
  (void)fprintf(preview->stream, "  %-14s \"%s\" -> ", kith_field_name(field), shown);
  for (unsigned i = 0; i < values->n; i++) {
    kith_source_show(shown, sizeof shown, values->text[i]);
    (void)fprintf(preview->stream, "%s%s", i ? " | " : "", shown);
  }
  if (values->n == 0)
    (void)fprintf(preview->stream, "nothing");
  (void)fprintf(preview->stream, "   (%s)\n", kith_outcome_name(outcome));
  kith_wipe(shown, sizeof shown);
}

static void see_row(void *context, const struct kith_source_row *row,
                    const struct kith_record *record,
                    const enum kith_outcome outcomes[KITH_FIELD_COUNT],
                    enum kith_scope_reason reason)
{
  struct preview *preview = context;

  if (!preview->stream || !wanted(preview, row->row))
    return;
  preview->n_shown++;
  (void)fprintf(preview->stream, "\nRow %llu: %s\n", (unsigned long long)row->row,
                row->rule != KITH_ROW_FINE ? kith_row_rule_name(row->rule)
                : reason == KITH_SCOPE_IN  ? "encoded"
                                           : kith_scope_reason_name(reason));
  for (unsigned i = 0; record && i < KITH_FIELD_COUNT; i++) {
    if (row->fields[i])
      show_field(preview, (enum kith_field)i, row->fields[i], record, outcomes[i]);
  }
}

/* ---- the summary */

static enum kith_err print_fields(const struct preview *preview)
{
  const struct kith_policy *policy = &preview->check.policy;
  struct kith_cli_table table = {0};
  enum kith_err err;

  printf("%s under the policy \"%s\", version %llu\n\nFields that are encoded:\n\n",
         preview->check.name, policy->name, (unsigned long long)policy->version);
  KITH_CLI_ROW(&table, "FIELD", "IN THE TABLE", "AS", "WEIGHT", "FILTER");
  for (unsigned i = 0; i < policy->n_fields; i++) {
    const struct kith_policy_field *field = &policy->fields[i];
    enum kith_field of = kith_field_of_policy(field->field);
    const struct kith_source *source = preview->check.source;
    bool there = of < KITH_FIELD_COUNT ? kith_source_has(source, of)
                                       : kith_source_has(source, KITH_FIELD_GIVEN_NAME) ||
                                             kith_source_has(source, KITH_FIELD_SURNAME);
    char as[48];

    (void)snprintf(as, sizeof as, field->q ? "pieces of %u letters" : "whole values", field->q);
    KITH_CLI_ROW(&table, field->field, there ? "yes" : "no", as, kith_source_count(field->weight),
                 policy->n_filters ? policy->filters[field->filter].name : "the one");
  }
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  return err;
}

static int print_preview(struct preview *preview)
{
  enum kith_err err = print_fields(preview);

  if (err == KITH_OK)
    err = kith_source_print_scope(&preview->check);
  if (err != KITH_OK)
    return kith_cli_error(err, "not enough memory");
  if (preview->text) {
    printf("\nWhat standardisation makes of rows. These are people's data: they are for you, and "
           "leave in no round.\n");
    (void)fwrite(preview->text, 1, preview->text_len, stdout);
    if (preview->n_shown == 0)
      printf("\nNone of these rows is in the table.\n");
  } else {
    printf("\nNo rows are shown, since this is not a terminal; --show-values shows them anyway.\n");
  }
  return kith_cli_finish_stdout();
}

/* ---- the command */

static enum kith_err preview_read(struct preview *preview, struct kith_fault *fault)
{
  enum kith_err err;

  if (preview->show_values || isatty(STDOUT_FILENO)) {
    preview->stream = open_memstream(&preview->text, &preview->text_len);
    if (!preview->stream)
      return kith_fail(fault, KITH_ERR_MEMORY, "not enough memory");
  }
  preview->check.see = see_row;
  preview->check.see_context = preview;
  err = kith_source_check_open(&preview->check, fault);
  if (err == KITH_OK)
    err = kith_source_check_read(&preview->check, fault);
  if (preview->stream && fclose(preview->stream) != 0 && err == KITH_OK)
    err = kith_fail(fault, KITH_ERR_MEMORY, "not enough memory");
  return err;
}

static int preview_run(struct preview *preview)
{
  struct kith_fault fault = {0};
  int status;

  fault.err = preview_read(preview, &fault);
  status = fault.err == KITH_OK ? print_preview(preview) : kith_cli_fail(&fault);
  if (status == 0 && preview->check.report->summary.set_aside > 0)
    status = kith_err_exit_status(KITH_ERR_DATA);
  if (preview->text)
    kith_wipe(preview->text, preview->text_len);
  free(preview->text); /* of open_memstream */
  kith_source_check_free(&preview->check);
  return status;
}

static bool rows_parse(struct preview *preview)
{
  for (size_t i = 0; i < preview->wanted.n; i++) {
    if (kith_u64_parse(&preview->rows[i], preview->wanted.items[i], 2, UINT32_MAX) != KITH_OK)
      return false;
  }
  return true;
}

enum { N_OWN_OPTIONS = 8, N_OPTIONS = N_OWN_OPTIONS + KITH_SOURCE_DATABASE_OPTIONS };

static void preview_options(struct kith_cli_option out[N_OPTIONS], struct preview *preview)
{
  struct kith_source_check *check = &preview->check;
  const struct kith_cli_option options[N_OWN_OPTIONS] = {
      {.name = "policy",
       .kind = KITH_CLI_STRING,
       .out = &check->policy_path,
       .value = "POLICY.json",
       .help = "the policy of the round"},
      {.name = "profile",
       .kind = KITH_CLI_STRING,
       .out = &check->profile_name,
       .value = "NAME|FILE",
       .help = "the layout of the file: a built-in profile or one of your own"},
      {.name = "rows",
       .kind = KITH_CLI_U64,
       .out = &preview->n_rows,
       .value = "N",
       .min = 0,
       .max = ROWS_MAX,
       .help = "how many rows to show, from the first (default 3)"},
      {.name = "row",
       .kind = KITH_CLI_LIST,
       .out = &preview->wanted,
       .value = "N",
       .help = "this row, as a spreadsheet counts; may be given several times"},
      {.name = "show-values",
       .kind = KITH_CLI_FLAG,
       .out = &preview->show_values,
       .help = "show rows even where standard output is no terminal"},
      {.name = "objections",
       .kind = KITH_CLI_STRING,
       .out = &check->objections_path,
       .value = "FILE",
       .help = "CSV with a column id: people who objected, and are left out"},
      {.name = "config",
       .kind = KITH_CLI_STRING,
       .out = &check->config_path,
       .value = "KITHD.CONF",
       .help = "the source of this kithd.conf instead of a file"},
      {.name = "quiet", .kind = KITH_CLI_FLAG, .out = &check->quiet, .help = "no progress"},
  };

  memcpy(out, options, sizeof options);
  kith_source_database_options(out + N_OWN_OPTIONS, check);
}

int kith_source_preview(int argc, char **argv)
{
  struct preview preview = {.n_rows = ROWS_DEFAULT};
  struct kith_cli_option options[N_OPTIONS];
  const struct kith_cli_spec spec = {
      .usage = preview_usage,
      .about =
          "What a round under the policy would take from a table: the fields that are encoded,\n"
          "the records in scope and out of it, by reason, and what would leave the building.\n"
          "Then what standardisation makes of some rows. That shows people's data, so it is\n"
          "done on a terminal only, or with --show-values. Nothing is sent.",
      .examples = "  $ kith source preview --policy policy.json police.csv\n"
                  "  $ kith source preview --policy policy.json --row 17 --row 230 police.csv\n",
      .options = options,
      .n_options = N_OPTIONS};
  int first;
  const char *misfit;
  int status;

  preview_options(options, &preview);
  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (!preview.check.policy_path)
    return kith_cli_usage(preview_usage, "--policy is needed: it says what a round would take");
  if ((misfit = kith_source_misfit(&preview.check, argc - first)))
    return kith_cli_usage(preview_usage, "%s", misfit);
  if (!rows_parse(&preview))
    return kith_cli_usage(preview_usage,
                          "--row: expected a number from 2, as a spreadsheet counts");
  preview.check.path = argv[first];
  return preview_run(&preview);
}
