#include "cli/verbs.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"

static void print_verbs(FILE *stream, const char *noun, const struct kith_cli_verb *verbs, size_t n)
{
  for (size_t i = 0; i < n; i++)
    (void)fprintf(stream, "  kith %s %-10s %s\n", noun, verbs[i].name, verbs[i].about);
}

int kith_cli_verbs(const char *noun, const char *about, const struct kith_cli_verb *verbs, size_t n,
                   int argc, char **argv)
{
  if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
    printf("Usage: kith %s VERB ...\n\n%s\n\n", noun, about);
    print_verbs(stdout, noun, verbs, n);
    printf("\nExamples:\n  $ kith %s %s --help\n", noun, verbs[0].name);
    return kith_cli_finish_stdout();
  }
  for (size_t i = 0; argc >= 2 && i < n; i++) {
    if (strcmp(verbs[i].name, argv[1]) == 0)
      return verbs[i].run(argc - 1, argv + 1);
  }
  if (argc < 2)
    (void)kith_cli_error(KITH_ERR_USAGE, "%s: expected one of its verbs", noun);
  else
    (void)kith_cli_error(KITH_ERR_USAGE, "%s: \"%.40s\" is none of its verbs", noun, argv[1]);
  print_verbs(stderr, noun, verbs, n);
  return kith_err_exit_status(KITH_ERR_USAGE);
}

int kith_cli_usage(const char *usage, const char *format, ...)
{
  char text[KITH_FAULT_TEXT_BYTES];
  va_list args;

  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  (void)kith_cli_error(KITH_ERR_USAGE, "%s", text);
  (void)fprintf(stderr, "Usage: %s\n", usage);
  return kith_err_exit_status(KITH_ERR_USAGE);
}

/* ---- tables */

void kith_cli_table_row(struct kith_cli_table *table, unsigned n_columns, const char *const *cells)
{
  if (table->n_columns == 0)
    table->n_columns = n_columns;
  if (n_columns != table->n_columns || n_columns > KITH_CLI_COLUMNS_MAX)
    table->failed = true;
  if (table->failed)
    return;
  if (table->n_cells + n_columns > table->room) {
    size_t room = table->room ? 2 * table->room : 64;
    char **more = kith_realloc(table->cells, room, sizeof *more);

    if (!more) {
      table->failed = true;
      return;
    }
    table->cells = more;
    table->room = room;
  }
  for (unsigned i = 0; i < n_columns; i++) {
    char *copy = kith_strdup(cells[i] ? cells[i] : "");

    if (!copy) {
      table->failed = true;
      return;
    }
    table->cells[table->n_cells++] = copy;
  }
}

/* Code points: near enough for columns of names. */
static int width_of(const char *text)
{
  int width = 0;

  for (; *text; text++)
    width += ((unsigned char)*text & 0xc0) != 0x80;
  return width;
}

enum kith_err kith_cli_table_print(const struct kith_cli_table *table)
{
  int widths[KITH_CLI_COLUMNS_MAX] = {0};

  if (table->failed)
    return KITH_ERR_MEMORY;
  for (size_t i = 0; i < table->n_cells; i++) {
    int width = width_of(table->cells[i]);
    int *widest = &widths[i % table->n_columns];

    *widest = width > *widest ? width : *widest;
  }
  for (size_t i = 0; i < table->n_cells; i++) {
    size_t column = i % table->n_columns;
    bool last = column + 1 == table->n_columns;

    (void)fputs(table->cells[i], stdout);
    if (last)
      (void)putchar('\n');
    else
      printf("%*s", widths[column] - width_of(table->cells[i]) + 2, "");
  }
  return KITH_OK;
}

void kith_cli_table_free(struct kith_cli_table *table)
{
  for (size_t i = 0; i < table->n_cells; i++)
    kith_free(table->cells[i]);
  kith_free(table->cells);
  *table = (struct kith_cli_table){0};
}

int kith_cli_json(json_t *json)
{
  int bad;

  if (!json)
    return kith_cli_error(KITH_ERR_MEMORY, "out of memory");
  bad = json_dumpf(json, stdout, JSON_INDENT(2));
  json_decref(json);
  (void)putchar('\n');
  if (bad)
    return kith_cli_error(KITH_ERR_IO, "standard output can't be written");
  return kith_cli_finish_stdout();
}
