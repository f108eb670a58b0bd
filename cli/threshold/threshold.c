/* `kith threshold`: what a threshold does to people, and the decision. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/threshold/threshold.h"
#include "cli/threshold/threshold_round.h"
#include "cli/verbs.h"
#include "crypto/roundkey.h"

enum { REPORT_BYTES_MAX = 64 << 20 };

struct show {
  struct kith_threshold_home where;
  const char *html;
  bool json;
};

/* ---- from a folder of kith link */

static enum kith_err load_folder(struct kith_threshold_view *view, const char *dir,
                                 struct kith_fault *fault)
{
  KITH_AUTO_FREE char *path = kith_path_join(dir, "report.json");
  KITH_AUTO_FREE uint8_t *bytes = NULL;
  json_t *report = NULL;
  size_t len = 0;
  enum kith_err err;

  if (!path)
    return kith_fail(fault, KITH_ERR_MEMORY, "not enough memory");
  if ((err = kith_file_read(&bytes, &len, path, REPORT_BYTES_MAX, fault)) != KITH_OK ||
      (err = kith_json_parse(&report, bytes, len, path, fault)) != KITH_OK)
    return err;
  err = kith_threshold_read(view, json_object_get(report, "people"), path, fault);
  (void)snprintf(view->title, sizeof view->title, "%s", dir);
  json_decref(report);
  return err;
}

/* ---- as a table */

static const char *remark(const struct kith_threshold_view *view, unsigned i)
{
  if (view->thresholds[i] < view->min - 1e-9 || view->thresholds[i] > view->max + 1e-9)
    return "not allowed";
  if (view->chosen >= 0 && i == kith_threshold_nearest(view, view->chosen))
    return "chosen";
  return i == kith_threshold_nearest(view, view->recommended) ? "recommended" : "";
}

static void add_row(struct kith_cli_table *table, const struct kith_threshold_view *view,
                    const char *what, const struct kith_threshold_cell *cell, const char *note)
{
  char figures[2][KITH_THRESHOLD_FIGURE_BYTES];
  char listed[32];

  kith_threshold_figure_text(figures[0], &cell->wrong, view->minimum);
  kith_threshold_figure_text(figures[1], &cell->missed, view->minimum);
  if (cell->listed < 0)
    (void)snprintf(listed, sizeof listed, "fewer than %u", view->minimum);
  else
    (void)snprintf(listed, sizeof listed, "%.0f", cell->listed);
  KITH_CLI_ROW(table, what, listed, figures[0], figures[1], note);
}

static enum kith_err print_curve(const struct kith_threshold_view *view)
{
  struct kith_cli_table table = {0};
  enum kith_err err;

  KITH_CLI_ROW(&table, "THRESHOLD", "ON THE LIST", "DO NOT BELONG", "MISSED", "");
  for (unsigned i = 0; i < view->n_points; i++) {
    char threshold[16];

    (void)snprintf(threshold, sizeof threshold, "%.2f", view->thresholds[i]);
    add_row(&table, view, threshold, &view->cells[i][0], remark(view, i));
  }
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  return err;
}

static enum kith_err print_groups(const struct kith_threshold_view *view, unsigned point)
{
  struct kith_cli_table table = {0};
  enum kith_err err;

  KITH_CLI_ROW(&table, "KNOWN TO", "ON THE LIST", "DO NOT BELONG", "MISSED", "");
  for (unsigned g = 1; g < view->n_groups; g++) {
    char name[2 * KITH_TEXT_BYTES + 16];

    kith_threshold_group_name(name, sizeof name, &view->groups[g]);
    add_row(&table, view, name, &view->cells[point][g], "");
  }
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  return err;
}

static int print_text(const struct kith_threshold_view *view)
{
  unsigned point =
      kith_threshold_nearest(view, view->chosen >= 0 ? view->chosen : view->recommended);
  char words[KITH_THRESHOLD_WORDS_BYTES];
  enum kith_err err;

  kith_threshold_words(words, view, point);
  printf("%s\nAt a threshold of %.2f: %s\n\n", view->rule, view->thresholds[point], words);
  err = print_curve(view);
  if (err == KITH_OK) {
    printf("\nAt %.2f:\n", view->thresholds[point]);
    err = print_groups(view, point);
  }
  if (err != KITH_OK)
    return kith_cli_error(err, "not enough memory");
  puts(
      "\nIn brackets: where the number lies in nine cases of ten. People whose records were never\n"
      "candidates are not among the missed.");
  return kith_cli_finish_stdout();
}

/* ---- show */

/* 32 hex digits, and no folder of that name. */
static bool is_round(const char *operand)
{
  return strlen(operand) == 2 * KITH_ROUND_ID_BYTES && !kith_file_exists(operand) &&
         strspn(operand, "0123456789abcdef") == 2 * KITH_ROUND_ID_BYTES;
}

static int show(int argc, char **argv)
{
  struct show options = {0};
  const struct kith_cli_option list[] = {
      {"html", KITH_CLI_STRING, &options.html, "FILE", "write a web page with a slider", 0, 0,
       NULL},
      {"home", KITH_CLI_STRING, &options.where.home, "DIR",
       "governance's home, for a round; $KITH_HOME, ~/.config/kith", 0, 0, NULL},
      {"passphrase-file", KITH_CLI_STRING, &options.where.passphrase_file, "FILE",
       "its first line unwraps the key file", 0, 0, NULL},
      {"json", KITH_CLI_FLAG, &options.json, NULL, "print one JSON document", 0, 0, NULL},
  };
  const struct kith_cli_spec spec = {
      .usage = "kith threshold show [--json] [--html FILE] DIR|ROUND",
      .about =
          "What each threshold does to people, from a folder that kith link wrote or of a round "
          "in\n"
          "review: how many would be on the list, how many of them would not belong there, how "
          "many who belong would be\n"
          "missed, each with the range it lies in in nine cases of ten; and the same by number of\n"
          "services and by pair of services.",
      .examples = "  $ kith threshold show linked/\n"
                  "  $ kith threshold show --html thresholds.html linked/\n"
                  "  $ kith threshold show --home lead 6f1c...\n",
      .options = list,
      .n_options = KITH_COUNT_OF(list),
  };
  struct kith_threshold_view *view;
  struct kith_fault fault = {0};
  int first = 0;
  int status = 0;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (argc - first != 1)
    return kith_cli_usage(spec.usage, "expected a directory or a round");
  view = KITH_NEW(struct kith_threshold_view);
  if (!view)
    return kith_cli_error(KITH_ERR_MEMORY, "not enough memory");
  fault.err = is_round(argv[first])
                  ? kith_threshold_of_round(view, &options.where, argv[first], &fault)
                  : load_folder(view, argv[first], &fault);
  if (fault.err == KITH_OK && options.html)
    fault.err = kith_threshold_html(view, options.html, &fault);
  if (fault.err != KITH_OK)
    status = kith_cli_fail(&fault);
  else if (options.json)
    status = kith_cli_json(kith_threshold_json(view));
  else if (!options.html)
    status = print_text(view);
  kith_free(view);
  return status;
}

int kith_cmd_threshold(int argc, char **argv)
{
  static const struct kith_cli_verb verbs[] = {
      {"show", show, "what each threshold does to people"},
      {"set", kith_threshold_set, "decide on the threshold of a round in review"},
  };

  return kith_cli_verbs("threshold", "What a threshold does to people.", verbs,
                        KITH_COUNT_OF(verbs), argc, argv);
}
