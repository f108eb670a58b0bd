/* kith source: what an agency's export is like, before anything leaves. No values are shown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/verbs.h"
#include "crypto/hash.h"
#include "daemon/pipeline/source.h"
#include "daemon/pipeline/standardise.h"

enum { UNUSABLE_MAX = 1000, SHOWN_MAX = 20, PEOPLE_FIRST = 1024, ROWS_A_LOOK = 1024 };

static const char check_usage[] = "kith source check [--profile NAME] [--json] FILE";

/* A value that could not be read. */
struct unusable {
  uint64_t row;
  enum kith_field field;
};

struct check {
  struct kith_source *source;
  struct kith_standardise_counts counts;
  struct unusable unusable[UNUSABLE_MAX];
  size_t n_unusable; /* remembered */
  uint64_t *people;  /* a hash of name and date of birth of each row that has them all */
  size_t n_people;
  size_t people_cap;
  uint64_t n_twice;  /* rows whose name and date an earlier row has */
  uint64_t n_groups; /* names and dates that several rows have */
};

/* ---- reading */

static enum kith_err person_remember(struct check *check, const struct kith_record *record)
{
  static const enum kith_field parts[] = {KITH_FIELD_GIVEN_NAME, KITH_FIELD_SURNAME,
                                          KITH_FIELD_DATE_OF_BIRTH};
  struct kith_hasher hasher;
  struct kith_hash hash;

  if (!record->birth.year || !record->birth.month || !record->birth.day ||
      !record->values[KITH_FIELD_GIVEN_NAME].n || !record->values[KITH_FIELD_SURNAME].n)
    return KITH_OK;
  if (check->n_people == check->people_cap) {
    size_t cap = check->people_cap ? check->people_cap + check->people_cap / 2 : PEOPLE_FIRST;
    uint64_t *people = kith_realloc(check->people, cap, sizeof *people);
    if (!people)
      return KITH_ERR_MEMORY;
    check->people = people;
    check->people_cap = cap;
  }
  kith_hasher_init(&hasher, "kith source check");
  for (size_t i = 0; i < KITH_COUNT_OF(parts); i++) {
    const struct kith_values *values = &record->values[parts[i]];

    kith_hasher_u64(&hasher, values->n);
    for (unsigned j = 0; j < values->n; j++)
      kith_hasher_part(&hasher, values->text[j], strlen(values->text[j]));
  }
  kith_hasher_final(&hasher, &hash);
  memcpy(&check->people[check->n_people++], hash.bytes, sizeof check->people[0]);
  return KITH_OK;
}

static int by_number(const void *a, const void *b)
{
  const uint64_t *left = a;
  const uint64_t *right = b;

  return (*left > *right) - (*left < *right);
}

static void people_count(struct check *check)
{
  if (check->n_people)
    qsort(check->people, check->n_people, sizeof check->people[0], by_number);
  for (size_t i = 1; i < check->n_people; i++) {
    if (check->people[i] != check->people[i - 1])
      continue;
    check->n_twice++;
    if (i == 1 || check->people[i - 1] != check->people[i - 2])
      check->n_groups++;
  }
}

static enum kith_err check_row(struct check *check, const struct kith_source_row *row)
{
  struct kith_record record;
  enum kith_outcome outcomes[KITH_FIELD_COUNT];

  kith_standardise(&record, outcomes, row->fields, NULL);
  kith_standardise_count(&check->counts, outcomes);
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
    if (outcomes[i] == KITH_VALUE_UNUSABLE && check->n_unusable < UNUSABLE_MAX)
      check->unusable[check->n_unusable++] = (struct unusable){row->row, (enum kith_field)i};
  }
  return person_remember(check, &record);
}

static enum kith_err check_read(struct check *check, const char *path, bool quiet,
                                struct kith_fault *fault)
{
  const atomic_bool *cancel = kith_cli_cancel_on_signal();
  const struct kith_source_spec spec = kith_source_of_file(path);
  struct kith_cli_progress progress;
  struct kith_source_row row;
  uint64_t n = 0;
  enum kith_err err = kith_source_open(&check->source, &spec, fault);

  if (err != KITH_OK)
    return err;
  kith_cli_progress_start(&progress, "checking", "rows", quiet);
  while ((err = kith_source_next(check->source, &row, fault)) == KITH_OK) {
    if (row.rule == KITH_ROW_FINE)
      err = check_row(check, &row);
    if (err == KITH_OK && atomic_load(cancel))
      err = KITH_ERR_CANCELLED;
    if (err != KITH_OK) {
      (void)kith_fail(fault, err, "%s: row %llu: %s", path, (unsigned long long)row.row,
                      kith_err_name(err));
      break;
    }
    if (++n % ROWS_A_LOOK == 0)
      kith_cli_progress_update(&progress, kith_source_share(check->source), (double)n);
  }
  kith_cli_progress_finish(&progress);
  if (err != KITH_ERR_NOT_FOUND)
    return err;
  people_count(check);
  return KITH_OK;
}

/* ---- showing */

/* A number as a cell; good until the eighth call after it. */
static const char *cell(uint64_t number)
{
  static char texts[8][24];
  static unsigned at;
  char *text = texts[at++ % 8];

  (void)snprintf(text, sizeof texts[0], "%llu", (unsigned long long)number);
  return text;
}

static enum kith_err print_fields(const struct check *check)
{
  struct kith_cli_table table = {0};
  enum kith_err err;

  KITH_CLI_ROW(&table, "FIELD", "COLUMN", "MISSING", "PLACEHOLDER", "UNUSABLE", "IMPLAUSIBLE",
               "PARTIAL", "REPAIRED", "FINE");
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
    const uint64_t *n = check->counts.n[i];

    KITH_CLI_ROW(&table, kith_field_name((enum kith_field)i),
                 kith_source_has(check->source, (enum kith_field)i) ? "yes" : "no",
                 cell(n[KITH_VALUE_MISSING]), cell(n[KITH_VALUE_PLACEHOLDER]),
                 cell(n[KITH_VALUE_UNUSABLE]), cell(n[KITH_VALUE_IMPLAUSIBLE]),
                 cell(n[KITH_VALUE_PARTIAL]), cell(n[KITH_VALUE_REPAIRED]),
                 cell(n[KITH_VALUE_FINE]));
  }
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  return err;
}

static enum kith_err print_rows(const struct check *check)
{
  size_t n;
  const struct kith_row_fault *faults = kith_source_faults(check->source, &n);
  struct kith_cli_table table = {0};
  enum kith_err err;

  if (n == 0 && check->n_unusable == 0)
    return KITH_OK;
  KITH_CLI_ROW(&table, "ROW", "COLUMN", "PROBLEM");
  for (size_t i = 0; i < n && i < SHOWN_MAX; i++)
    KITH_CLI_ROW(&table, cell(faults[i].row), faults[i].column ? cell(faults[i].column) : "-",
                 kith_row_rule_name(faults[i].rule));
  for (size_t i = 0; i < check->n_unusable && i < SHOWN_MAX; i++)
    KITH_CLI_ROW(&table, cell(check->unusable[i].row), kith_field_name(check->unusable[i].field),
                 "the value can't be used");
  printf("\n");
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  if (n > SHOWN_MAX || check->n_unusable > SHOWN_MAX)
    printf("The first %d of each; --json has more.\n", SHOWN_MAX);
  return err;
}

static int print_report(const struct check *check, const char *path)
{
  const uint64_t *dates = check->counts.n[KITH_FIELD_DATE_OF_BIRTH];
  uint64_t n_aside = kith_source_set_aside_all(check->source);
  enum kith_err err;

  printf("%s: %s rows, %s set aside, %zu columns ignored\n\n", path,
         cell(check->counts.rows + n_aside), cell(n_aside),
         kith_source_ignored_columns(check->source));
  err = print_fields(check);
  printf("\nDates of birth that can't be used: %s; known in part: %s\n",
         cell(dates[KITH_VALUE_UNUSABLE] + dates[KITH_VALUE_PLACEHOLDER]),
         cell(dates[KITH_VALUE_PARTIAL]));
  printf("Rows with the name and date of birth of an earlier row: %s (%s people)\n",
         cell(check->n_twice), cell(check->n_groups));
  if (err == KITH_OK)
    err = print_rows(check);
  return err == KITH_OK ? kith_cli_finish_stdout() : kith_cli_error(err, "not enough memory");
}

static json_t *number(uint64_t n)
{
  return json_integer((json_int_t)n);
}

static json_t *fields_json(const struct check *check)
{
  json_t *fields = json_object();

  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
    json_t *field =
        json_pack("{s:b}", "column", (int)kith_source_has(check->source, (enum kith_field)i));

    for (unsigned j = 0; j < KITH_OUTCOME_COUNT; j++)
      json_object_set_new(field, kith_outcome_name((enum kith_outcome)j),
                          number(check->counts.n[i][j]));
    json_object_set_new(fields, kith_field_name((enum kith_field)i), field);
  }
  return fields;
}

static json_t *set_aside_json(const struct check *check)
{
  size_t n;
  const struct kith_row_fault *faults = kith_source_faults(check->source, &n);
  json_t *rules = json_object();
  json_t *first = json_array();

  for (unsigned i = KITH_ROW_FINE + 1; i < KITH_ROW_RULE_COUNT; i++)
    json_object_set_new(rules, kith_row_rule_name((enum kith_row_rule)i),
                        number(kith_source_set_aside(check->source, (enum kith_row_rule)i)));
  for (size_t i = 0; i < n; i++)
    json_array_append_new(first,
                          json_pack("{s:o, s:o, s:s}", "row", number(faults[i].row), "column",
                                    faults[i].column ? number(faults[i].column) : json_null(),
                                    "rule", kith_row_rule_name(faults[i].rule)));
  return json_pack("{s:o, s:o, s:o}", "rows", number(kith_source_set_aside_all(check->source)),
                   "by_rule", rules, "first", first);
}

static json_t *report_json(const struct check *check, const char *path)
{
  const uint64_t *dates = check->counts.n[KITH_FIELD_DATE_OF_BIRTH];
  json_t *unusable = json_array();

  for (size_t i = 0; i < check->n_unusable; i++)
    json_array_append_new(unusable, json_pack("{s:o, s:s}", "row", number(check->unusable[i].row),
                                              "field", kith_field_name(check->unusable[i].field)));
  return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:{s:o, s:o, s:o}, s:{s:o, s:o}, s:o, s:o}",
                   "file", path, "profile", "standard", "standardiser", KITH_STANDARDISER, "rows",
                   number(check->counts.rows + kith_source_set_aside_all(check->source)),
                   "ignored_columns", number(kith_source_ignored_columns(check->source)), "fields",
                   fields_json(check), "bad_dates", "unusable", number(dates[KITH_VALUE_UNUSABLE]),
                   "placeholder", number(dates[KITH_VALUE_PLACEHOLDER]), "partial",
                   number(dates[KITH_VALUE_PARTIAL]), "duplicates", "rows", number(check->n_twice),
                   "people", number(check->n_groups), "set_aside", set_aside_json(check),
                   "unusable", unusable);
}

/* ---- the command */

static int cmd_check(int argc, char **argv)
{
  const char *profile = "standard";
  bool json = false;
  bool quiet = false;
  const struct kith_cli_option options[] = {
      {.name = "profile",
       .kind = KITH_CLI_STRING,
       .out = &profile,
       .value = "NAME",
       .help = "the layout of the file: standard"},
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &json, .help = "one JSON document"},
      {.name = "quiet", .kind = KITH_CLI_FLAG, .out = &quiet, .help = "no progress"},
  };
  const struct kith_cli_spec spec = {
      .usage = check_usage,
      .about =
          "Says what standardisation makes of an export: columns recognised, values that are\n"
          "missing, placeholders or unusable, dates, duplicates, and rows set aside, by number\n"
          "and rule. It shows no values. Exit status 65 where a row was set aside or the file\n"
          "can't be read to its end.",
      .examples = "  $ kith source check police.csv\n  $ kith source check --json police.csv.gz\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_fault fault = {0};
  struct check *check;
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (argc - first != 1)
    return kith_cli_usage(check_usage, "expected one file");
  if (strcmp(profile, "standard") != 0)
    return kith_cli_usage(check_usage, "--profile: no such profile; there is: standard");
  check = KITH_NEW(struct check);
  if (!check)
    return kith_cli_error(KITH_ERR_MEMORY, "not enough memory");
  fault.err = check_read(check, argv[first], quiet, &fault);
  if (fault.err != KITH_OK)
    status = kith_cli_fail(&fault);
  else
    status =
        json ? kith_cli_json(report_json(check, argv[first])) : print_report(check, argv[first]);
  if (status == 0 && kith_source_set_aside_all(check->source) > 0)
    status = kith_err_exit_status(KITH_ERR_DATA);
  kith_source_free(check->source);
  kith_free(check->people);
  kith_free(check);
  return status;
}

int kith_cmd_source(int argc, char **argv)
{
  static const struct kith_cli_verb verbs[] = {
      {"check", cmd_check, "what standardisation makes of an export"},
  };

  return kith_cli_verbs("source", "An agency's export of records.", verbs, KITH_COUNT_OF(verbs),
                        argc, argv);
}
