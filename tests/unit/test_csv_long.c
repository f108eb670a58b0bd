/* A table of a million rows (KITH_SLOW=1: ten million) through a pipe: each field is what it should
 * be, each broken row is set aside, nothing is lost, and memory stays what it was. */
#include "tests/unit/unit.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/csv.h"

enum { COLUMNS = 5, ROWS = 1000000, ROWS_SLOW = 10000000, GROWTH_MAX_KIB = 6 * 1024 };

/* Row i of the table, as fields. What is wrong with it, if anything, depends on i. */
static void row_fields(uint64_t i, char fields[COLUMNS][64])
{
  static const char *const names[] = {"Ann", "Zo\xc3\xab", "O\"Brien", "D'Arcy",
                                      "Mary \"Jo\", Lee"};
  uint64_t x = i * UINT64_C(0x9e3779b97f4a7c15);

  snprintf(fields[0], 64, "%" PRIu64, i);
  snprintf(fields[1], 64, "%s", names[(i + 1) % 5]);
  snprintf(fields[2], 64, "Surname%" PRIu64, x >> 50);
  snprintf(fields[3], 64, "%d-%02d-%02d", 1930 + (int)(x >> 32 & 63), 1 + (int)(x >> 20 & 7),
           1 + (int)(x >> 10 & 15));
  snprintf(fields[4], 64, i % 1000 == 7 ? "Flat 1\n%d High \"St\"" : "CV%d 1AA",
           (int)(x >> 40 & 15));
}

static enum kith_csv_problem row_problem(uint64_t i)
{
  switch (i % 100000) {
  case 11:
    return KITH_CSV_QUOTE_OPEN;
  case 5011:
    return KITH_CSV_RAGGED;
  case 7011:
    return KITH_CSV_BAD_TEXT;
  case 9011:
    return KITH_CSV_NUL;
  default:
    return KITH_CSV_FINE;
  }
}

static void field_write(FILE *stream, const char *field)
{
  if (field[0] == 'O') /* a quote in it, none around it */
    fputs(field, stream);
  else
    kith_csv_write_field(stream, field);
}

static int table_write(const char *path, uint64_t n)
{
  FILE *stream = fopen(path, "wb");
  char fields[COLUMNS][64];

  if (!stream)
    return 1;
  fputs("id,given_name,surname,born,address\n", stream);
  for (uint64_t i = 0; i < n; i++) {
    enum kith_csv_problem problem = row_problem(i);

    row_fields(i, fields);
    if (problem == KITH_CSV_QUOTE_OPEN)
      fprintf(stream, "%" PRIu64 ",\"Ann,Lee,,\n", i);
    else if (problem == KITH_CSV_RAGGED)
      fprintf(stream, "%" PRIu64 ",Ann\n", i);
    else if (problem == KITH_CSV_BAD_TEXT)
      fprintf(stream, "%" PRIu64 ",Ann,L\xe9,,\n", i);
    else if (problem == KITH_CSV_NUL)
      fprintf(stream, "%" PRIu64 ",Ann,Lee%c,,\n", i, 0);
    for (size_t f = 0; f < COLUMNS && problem == KITH_CSV_FINE; f++) {
      field_write(stream, fields[f]);
      putc(f + 1 < COLUMNS ? ',' : '\n', stream);
    }
  }
  return fclose(stream);
}

/* The most memory that this process has held, in KiB. */
static long peak_kib(void)
{
  FILE *file = fopen("/proc/self/status", "r");
  char line[256];
  long kib = 0;

  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "VmHWM: %ld", &kib) == 1)
      break;
  if (file)
    fclose(file);
  return kib;
}

static void check_row(const struct kith_csv_row *row, uint64_t i)
{
  char fields[COLUMNS][64];

  assert_int_equal(row->row, i + 2);
  if (row->problem != row_problem(i))
    fail_msg("row %" PRIu64 ": problem %d, not %d", row->row, row->problem, row_problem(i));
  if (row->problem != KITH_CSV_FINE)
    return;
  row_fields(i, fields);
  for (size_t f = 0; f < COLUMNS; f++)
    if (strcmp(row->fields[f], fields[f]) != 0)
      fail_msg("row %" PRIu64 ": <%s>, not <%s>", row->row, row->fields[f], fields[f]);
}

static void read_table(const char *path, uint64_t n, bool blocks)
{
  const struct kith_csv_limits limits = {.detect = true};
  struct kith_csv_block *block = NULL;
  struct kith_fault fault = {0};
  struct kith_csv *csv = NULL;
  struct kith_csv_row row;
  enum kith_err err;
  uint64_t i = 0;

  assert_int_equal(kith_csv_open(&csv, path, &limits, &fault), KITH_OK);
  assert_int_equal(kith_csv_block_new(&block, csv), KITH_OK);
  while (blocks && (err = kith_csv_read(csv, block, &fault)) == KITH_OK) {
    size_t n_rows;
    const struct kith_csv_row *rows = kith_csv_block_rows(block, &n_rows);

    for (size_t r = 0; r < n_rows; r++)
      check_row(&rows[r], i++);
  }
  while (!blocks && (err = kith_csv_next(csv, &row, &fault)) == KITH_OK)
    check_row(&row, i++);
  assert_int_equal(err, KITH_ERR_NOT_FOUND);
  assert_int_equal(i, n);
  assert_string_equal(kith_csv_charset(csv), "UTF-8");
  kith_csv_block_free(block);
  kith_csv_free(csv);
}

static void through_a_pipe(void **state, uint64_t n, bool blocks)
{
  const char *path = unit_path(state, blocks ? "blocks" : "rows");
  long before = peak_kib();
  int status = 1;
  pid_t child;

  assert_int_equal(mkfifo(path, 0600), 0);
  child = fork();
  if (child == 0)
    _exit(table_write(path, n));
  read_table(path, n, blocks);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  print_message("%" PRIu64 " rows, %ld KiB more than before\n", n, peak_kib() - before);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  assert_true(peak_kib() - before < GROWTH_MAX_KIB);
#endif
}

static void rows(void **state)
{
  const char *slow = getenv("KITH_SLOW");

  through_a_pipe(state, slow && *slow == '1' ? ROWS_SLOW : ROWS, false);
}

static void in_blocks(void **state)
{
  through_a_pipe(state, ROWS / 10, true);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows),
      cmocka_unit_test(in_blocks),
  };
  return cmocka_run_group_tests(tests, unit_folder_make, unit_folder_remove);
}
