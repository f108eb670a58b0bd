/* The report of `kith source check` as text: the verdict, what matters, then the figures. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/source/source.h"
#include "cli/verbs.h"

enum { SHOWN_MAX = 20, CELLS = 8, CELL_BYTES = 32, LIST_BYTES = 1024 };

typedef unsigned long long ull;

/* ---- cells */

static char *cell(void)
{
  static char cells[2 * CELLS][CELL_BYTES];
  static unsigned at;

  return cells[at++ % (2 * CELLS)];
}

const char *kith_source_count(uint64_t n)
{
  char digits[24];
  char *text = cell();
  int len = snprintf(digits, sizeof digits, "%llu", (ull)n);
  size_t to = 0;

  for (int i = 0; i < len; i++) {
    if (i > 0 && (len - i) % 3 == 0)
      text[to++] = ',';
    text[to++] = digits[i];
  }
  text[to] = '\0';
  return text;
}

const char *kith_source_percent(uint64_t n, uint64_t of)
{
  char *text = cell();
  double share = of ? 100 * (double)n / (double)of : 0;

  if (of == 0)
    return "-";
  if (n > 0 && share < 0.1)
    return "under 0.1%";
  /* Not all of them is never 100%. */
  (void)snprintf(text, CELL_BYTES, "%.1f%%", n < of && share > 99.9 ? 99.9 : share);
  return text;
}

const char *kith_source_bytes(uint64_t n)
{
  static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
  char *text = cell();
  double size = (double)n;
  unsigned unit = 0;

  for (; size >= 1000 && unit + 1 < sizeof units / sizeof units[0]; unit++)
    size /= 1000;
  (void)snprintf(text, CELL_BYTES, unit == 0 || size >= 10 ? "%.0f %s" : "%.1f %s", size,
                 units[unit]);
  return text;
}

const char *kith_source_format(const struct kith_source_check *check)
{
  static char text[64];
  const char *charset = kith_source_charset(check->source);
  char delimiter = kith_source_delimiter(check->source);

  if (!charset || !*charset)
    return "";
  (void)snprintf(text, sizeof text, "%s, columns parted by %s", charset,
                 delimiter == ','    ? "commas"
                 : delimiter == ';'  ? "semicolons"
                 : delimiter == '\t' ? "tabs"
                                     : "bars");
  return text;
}

/* ---- parts of the report */

static void print_findings(const struct kith_quality_report *report)
{
  bool any = false;

  for (unsigned i = 0; i < report->n_findings; i++) {
    const struct kith_finding *finding = &report->findings[i];

    if (finding->severity == KITH_SEVERITY_NOTE)
      break;
    printf("%s%s %s\n", any ? "" : "\nWhat to look at:\n",
           finding->severity == KITH_SEVERITY_STOP ? " !!" : "  -", finding->text);
    if (finding->remedy[0])
      printf("      %s\n", finding->remedy);
    any = true;
  }
}

static enum kith_err print_fields(const struct kith_source_check *check)
{
  struct kith_cli_table table = {0};
  enum kith_err err;

  KITH_CLI_ROW(&table, "FIELD", "COLUMN", "MISSING", "PLACEHOLDER", "UNUSABLE", "IMPLAUSIBLE",
               "PARTIAL", "REPAIRED", "FINE", "DIFFERENT", "COMMONEST");
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
    const struct kith_quality_field *field = &check->report->fields[i];
    const uint64_t *n = field->n;

    if (!field->column) {
      KITH_CLI_ROW(&table, kith_field_name((enum kith_field)i), "no", "", "", "", "", "", "", "",
                   "", "");
      continue;
    }
    KITH_CLI_ROW(
        &table, kith_field_name((enum kith_field)i), "yes",
        kith_source_count(n[KITH_VALUE_MISSING]), kith_source_count(n[KITH_VALUE_PLACEHOLDER]),
        kith_source_count(n[KITH_VALUE_UNUSABLE]), kith_source_count(n[KITH_VALUE_IMPLAUSIBLE]),
        kith_source_count(n[KITH_VALUE_PARTIAL]), kith_source_count(n[KITH_VALUE_REPAIRED]),
        kith_source_count(n[KITH_VALUE_FINE]),
        field->n_valued ? kith_source_count(field->n_distinct) : "-",
        field->n_valued ? kith_source_percent(field->n_commonest, field->n_valued) : "-");
  }
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  return err;
}

static void list_add(char list[LIST_BYTES], uint64_t row, uint64_t line)
{
  size_t len = strlen(list);
  char place[CELL_BYTES * 2];

  kith_row_place(place, sizeof place, row, line);
  (void)snprintf(list + len, LIST_BYTES - len, "%s%s", len ? ", " : "", place);
}

static void rows_line(struct kith_cli_table *table, const char *what, const char *problem,
                      const struct kith_quality_rows *rows)
{
  char list[LIST_BYTES] = "";

  if (rows->n == 0)
    return;
  for (size_t i = 0; i < rows->n && i < SHOWN_MAX; i++)
    list_add(list, rows->rows[i], 0);
  KITH_CLI_ROW(table, what, problem, list, rows->n > SHOWN_MAX ? "..." : "");
}

static void set_aside_lines(struct kith_cli_table *table, const struct kith_source *source)
{
  size_t n;
  const struct kith_row_fault *faults = kith_source_faults(source, &n);

  for (unsigned rule = KITH_ROW_FINE + 1; rule < KITH_ROW_RULE_COUNT; rule++) {
    char list[LIST_BYTES] = "";
    size_t shown = 0;
    bool more = false;

    for (size_t i = 0; i < n; i++) {
      if (faults[i].rule != rule)
        continue;
      more = shown == SHOWN_MAX;
      if (shown < SHOWN_MAX)
        list_add(list, faults[i].row, faults[i].line), shown++;
    }
    if (shown > 0)
      KITH_CLI_ROW(table, "row set aside", kith_row_rule_name((enum kith_row_rule)rule), list,
                   more ? "..." : "");
  }
}

/* Where to look: numbers of rows as a spreadsheet shows them. */
static enum kith_err print_rows(const struct kith_source_check *check)
{
  static const enum kith_outcome kinds[] = {KITH_VALUE_UNUSABLE, KITH_VALUE_IMPLAUSIBLE,
                                            KITH_VALUE_PLACEHOLDER};
  static const char *const problems[] = {"can't be used", "implausible", "placeholder"};
  const struct kith_quality_report *report = check->report;
  struct kith_cli_table table = {0};
  enum kith_err err = KITH_OK;

  KITH_CLI_ROW(&table, "WHAT", "PROBLEM", "ROWS", "");
  set_aside_lines(&table, check->source);
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
    for (unsigned j = 0; j < sizeof kinds / sizeof kinds[0]; j++)
      rows_line(&table, kith_field_name((enum kith_field)i), problems[j],
                &report->fields[i].rows[kinds[j]]);
  }
  rows_line(&table, "evidence", "too little to be linked by", &report->sparse);
  rows_line(&table, "people", "the same as an earlier row", &report->same.first);
  rows_line(&table, "people", "likely the same as another row", &report->alike.first);
  rows_line(&table, "people", "one number, several dates", &report->number_dates.first);
  rows_line(&table, "people", "one name and postcode, several dates", &report->name_dates.first);
  if (table.n_cells > 4) {
    printf("\nRows to look at, as a spreadsheet counts them (the header is row 1), up to %d of "
           "each; --json has more:\n\n",
           SHOWN_MAX);
    err = kith_cli_table_print(&table);
  }
  kith_cli_table_free(&table);
  return err;
}

enum kith_err kith_source_print_scope(const struct kith_source_check *check)
{
  const struct kith_quality_report *report = check->report;
  uint64_t read = report->summary.rows - report->summary.set_aside - report->summary.objected;
  struct kith_cli_table table = {0};
  enum kith_err err;

  printf("\nWhat a round would take, under %s:\n\n",
         check->has_policy ? "this policy" : "kith's default policy (--policy names another)");
  KITH_CLI_ROW(&table, "ROWS", "SHARE", "");
  for (unsigned i = 0; i < KITH_SCOPE_REASON_COUNT; i++) {
    if (i == KITH_SCOPE_IN || report->scope.n[i] > 0)
      KITH_CLI_ROW(&table, kith_source_count(report->scope.n[i]),
                   kith_source_percent(report->scope.n[i], read),
                   kith_scope_reason_name((enum kith_scope_reason)i));
  }
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  if (report->n_coarsened > 0)
    printf("\n%s of them without a field that they have: fewer than %u records lack the same "
           "fields, and\nthat could mark them.\n",
           kith_source_count(report->n_coarsened), check->policy.mask_minimum);
  printf("\n%s records would leave the building as keyed encodings of %u fields, %u bits each, "
         "%s in all.\nNo name, date, address or number leaves: an encoding can't be read without "
         "the round's key, which the matcher does not have.\n",
         kith_source_count(report->n_leaving), report->n_fields, report->bits,
         kith_source_bytes(report->bytes));
  return err;
}

static void print_people(const struct kith_quality_report *report)
{
  const uint64_t *dates = report->fields[KITH_FIELD_DATE_OF_BIRTH].n;

  printf("\nDates of birth that can't be used: %s; known in part: %s; implausible: %s\n",
         kith_source_count(dates[KITH_VALUE_UNUSABLE] + dates[KITH_VALUE_PLACEHOLDER]),
         kith_source_count(dates[KITH_VALUE_PARTIAL]),
         kith_source_count(dates[KITH_VALUE_IMPLAUSIBLE]));
  printf("Rows with the name and date of birth of an earlier row: %s%s (people: %s)\n",
         report->same.estimated ? "about " : "", kith_source_count(report->same.rows),
         kith_source_count(report->same.people));
}

static void print_columns(const struct kith_source_check *check)
{
  bool any = false;

  for (size_t i = 0; i < check->n_columns; i++) {
    if (check->columns[i].role[0])
      continue;
    printf("%s\"%s\"", any ? ", " : "Columns that are ignored, and never read further: ",
           check->columns[i].name);
    any = true;
  }
  if (any)
    printf("\n");
}

int kith_source_print(const struct kith_source_check *check)
{
  const struct kith_quality_report *report = check->report;
  enum kith_err err;

  printf("%s: %s\n", check->name, kith_verdict_name(report->verdict));
  printf("%s rows, %s set aside, columns ignored: %zu\n", kith_source_count(report->summary.rows),
         kith_source_count(report->summary.set_aside), kith_source_ignored_columns(check->source));
  if (kith_source_format(check)[0])
    printf("Read as %s, with the profile %s\n", kith_source_format(check),
           kith_source_profile(check));
  print_columns(check);
  print_findings(report);
  printf("\n");
  err = print_fields(check);
  print_people(report);
  if (err == KITH_OK)
    err = kith_source_print_scope(check);
  if (err == KITH_OK)
    err = print_rows(check);
  if (err == KITH_OK && check->proposal) {
    printf("\n");
    return kith_source_proposal_print(check);
  }
  return err == KITH_OK ? kith_cli_finish_stdout() : kith_cli_error(err, "not enough memory");
}
