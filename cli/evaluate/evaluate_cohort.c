#include "cli/evaluate/evaluate_cohort.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/verbs.h"
#include "proto/rule.h"

enum { REPORT_BYTES_MAX = 64 << 20 };

/* ---- what was foretold */

static double number_at(json_t *object, const char *key)
{
  json_t *value = json_object_get(object, key);

  return json_is_number(value) ? json_number_value(value) : -1;
}

/* Reports of older versions have no interval: all of [0, 1]. */
static struct kith_threshold_figure rate_at(json_t *point, const char *expected, const char *low,
                                            const char *high)
{
  struct kith_threshold_figure figure = {number_at(point, expected), number_at(point, low),
                                         number_at(point, high)};

  figure.low = figure.low < 0 ? 0 : figure.low;
  figure.high = figure.high < 0 ? 1 : figure.high;
  return figure;
}

/* The pairs' curve at the last step that is not above the threshold. */
static void read_pairs_curve(struct kith_foretold *out, json_t *curve)
{
  size_t i;
  json_t *point;

  json_array_foreach(curve, i, point)
  {
    if (number_at(point, "threshold") > out->threshold + 1e-9 && i > 0)
      break;
    out->precision = rate_at(point, "precision", "precision_low", "precision_high");
    out->recall = rate_at(point, "recall", "recall_low", "recall_high");
  }
}

enum kith_err kith_foretold_read(struct kith_foretold *out, const char *path,
                                 struct kith_fault *fault)
{
  KITH_AUTO_FREE uint8_t *bytes = NULL;
  json_t *report = NULL;
  size_t len = 0;
  enum kith_err err;

  out->there = false;
  out->precision = out->recall = (struct kith_threshold_figure){-1, 0, 1};
  if (!kith_file_exists(path))
    return KITH_OK;
  if ((err = kith_file_read(&bytes, &len, path, REPORT_BYTES_MAX, fault)) != KITH_OK ||
      (err = kith_json_parse(&report, bytes, len, path, fault)) != KITH_OK)
    return err;
  err = kith_threshold_read(&out->view, json_object_get(report, "people"), path, fault);
  if (err == KITH_OK) {
    out->there = true;
    out->threshold = out->view.chosen;
    (void)snprintf(out->rule, sizeof out->rule, "%s", out->view.rule);
    read_pairs_curve(out, json_object_get(report, "threshold_curve"));
  }
  json_decref(report);
  return err;
}

/* ---- the rule */

enum kith_err kith_evaluate_table(uint8_t **out, const char *rule,
                                  const struct kith_intern *parties, struct kith_fault *fault)
{
  char services[KITH_AGENCIES_MAX][KITH_MEMBER_ID_BYTES] = {{0}};
  struct kith_rule *parsed = NULL;
  uint8_t *table;
  enum kith_err err;

  static_assert((int)KITH_EVALUATION_SERVICES_MAX <= (int)KITH_AGENCIES_MAX, "room for services");
  if (parties->n > KITH_EVALUATION_SERVICES_MAX)
    return kith_fail(fault, KITH_ERR_DATA, "the truth file has more than %d parties",
                     KITH_EVALUATION_SERVICES_MAX);
  for (uint32_t p = 0; p < parties->n; p++)
    (void)snprintf(services[p], sizeof services[p], "%s", kith_intern_at(parties, p));
  err = kith_rule_parse(&parsed, rule, (const char(*)[KITH_MEMBER_ID_BYTES])services, parties->n,
                        fault);
  if (err != KITH_OK)
    return kith_fail_at(fault, KITH_ERR_DATA, "report.json: rule, over the truth's parties");
  table = KITH_NEW_ARRAY(uint8_t, (size_t)1 << parties->n);
  for (uint32_t set = 0; table && set >> parties->n == 0; set++)
    table[set] = set != 0 && kith_rule_holds(parsed, set);
  kith_rule_free(parsed);
  *out = table;
  return table ? KITH_OK : kith_fail(fault, KITH_ERR_MEMORY, "not enough memory");
}

/* ---- JSON */

static json_t *share_json(uint64_t part, uint64_t whole)
{
  return whole ? json_real((double)part / (double)whole) : json_null();
}

static json_t *tally_json(const struct kith_cohort_tally *tally)
{
  return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "listed", (json_int_t)tally->listed,
                   "wrongly_in", (json_int_t)tally->wrong, "repeated", (json_int_t)tally->repeated,
                   "mixed", (json_int_t)tally->mixed, "missed", (json_int_t)tally->missed, "belong",
                   (json_int_t)tally->belong, "wrong_share",
                   share_json(tally->wrong, tally->listed), "missed_share",
                   share_json(tally->missed, tally->belong));
}

static bool is_empty(const struct kith_cohort_tally *tally)
{
  return tally->listed == 0 && tally->belong == 0;
}

static json_t *services_json(const struct kith_evaluation_cohort *cohort)
{
  json_t *list = json_array();

  for (unsigned n = 1; n <= KITH_EVALUATION_SERVICES_MAX; n++) {
    if (is_empty(&cohort->services[n]))
      continue;
    json_t *tally = tally_json(&cohort->services[n]);

    (void)json_object_set_new(tally, "services", json_integer(n));
    (void)json_array_append_new(list, tally);
  }
  return list;
}

static json_t *pairs_json(const struct kith_evaluation_cohort *cohort,
                          const struct kith_intern *parties)
{
  json_t *list = json_array();

  for (uint32_t p = 0; p < parties->n; p++)
    for (uint32_t q = p + 1; q < parties->n; q++) {
      json_t *tally = tally_json(&cohort->pairs[(size_t)p * parties->n + q]);

      (void)json_object_set_new(tally, "party_a", json_string(kith_intern_at(parties, p)));
      (void)json_object_set_new(tally, "party_b", json_string(kith_intern_at(parties, q)));
      (void)json_array_append_new(list, tally);
    }
  return list;
}

json_t *kith_evaluate_cohort_json(const struct kith_evaluation_cohort *cohort,
                                  const struct kith_evaluate_names *names)
{
  json_t *json = tally_json(&cohort->all);
  json_t *groups = json_object();

  for (uint32_t g = 0; names->group_by && g < names->groups->n; g++)
    (void)json_object_set_new(groups, kith_intern_at(names->groups, g),
                              tally_json(&cohort->groups[g]));
  if (json_object_set_new(json, "by_services", services_json(cohort)) ||
      json_object_set_new(json, "by_party_pair", pairs_json(cohort, names->parties)) ||
      json_object_set_new(json, "groups", groups)) {
    json_decref(json);
    return NULL;
  }
  return json;
}

static bool rate_inside(const struct kith_threshold_figure *figure, double truth)
{
  return truth >= figure->low && truth <= figure->high;
}

static json_t *rate_json(const struct kith_threshold_figure *figure, double truth)
{
  if (figure->expected < 0 || truth < 0)
    return json_null();
  return json_pack("{s:f,s:f,s:f,s:f,s:f,s:b}", "foretold", figure->expected, "low", figure->low,
                   "high", figure->high, "true", truth, "error", figure->expected - truth, "inside",
                   rate_inside(figure, truth));
}

static json_t *count_json(const struct kith_threshold_figure *figure, uint64_t truth)
{
  double n = (double)truth;

  return json_pack("{s:f,s:f,s:f,s:I,s:f,s:b}", "foretold", figure->expected, "low", figure->low,
                   "high", figure->high, "true", (json_int_t)truth, "error", figure->expected - n,
                   "inside", n >= floor(figure->low) && n <= ceil(figure->high));
}

/* The step that decided, or the nearest. */
static const struct kith_threshold_cell *cell_of(const struct kith_foretold *foretold)
{
  return &foretold->view.cells[kith_threshold_nearest(&foretold->view, foretold->threshold)][0];
}

json_t *kith_evaluate_estimate_json(const struct kith_foretold *foretold,
                                    const struct kith_evaluation_cohort *cohort, double precision,
                                    double recall)
{
  const struct kith_threshold_cell *cell = cell_of(foretold);

  return json_pack("{s:f,s:o,s:o,s:o,s:o}", "threshold", foretold->threshold, "precision",
                   rate_json(&foretold->precision, precision), "recall",
                   rate_json(&foretold->recall, recall), "wrongly_in",
                   count_json(&cell->wrong, cohort->all.wrong), "missed",
                   count_json(&cell->missed, cohort->all.missed));
}

/* ---- text */

static void add_row(struct kith_cli_table *table, const char *what,
                    const struct kith_cohort_tally *tally)
{
  const uint64_t values[] = {tally->listed, tally->wrong, tally->mixed, tally->belong,
                             tally->missed};
  char cells[KITH_COUNT_OF(values)][24];
  char shares[2][24] = {"-", "-"};

  for (size_t i = 0; i < KITH_COUNT_OF(values); i++)
    (void)snprintf(cells[i], sizeof cells[i], "%llu", (unsigned long long)values[i]);
  if (tally->listed)
    (void)snprintf(shares[0], sizeof shares[0], "%.1f",
                   100 * (double)tally->wrong / (double)tally->listed);
  if (tally->belong)
    (void)snprintf(shares[1], sizeof shares[1], "%.1f",
                   100 * (double)tally->missed / (double)tally->belong);
  KITH_CLI_ROW(table, what, cells[0], cells[1], shares[0], cells[2], cells[3], cells[4], shares[1]);
}

static enum kith_err print_table(const struct kith_evaluation_cohort *cohort,
                                 const struct kith_evaluate_names *names)
{
  struct kith_cli_table table = {0};
  const struct kith_intern *parties = names->parties;
  char what[256];
  enum kith_err err;

  KITH_CLI_ROW(&table, "THE LIST", "LISTED", "WRONGLY IN", "OF 100", "MIXED", "BELONG", "MISSED",
               "OF 100");
  add_row(&table, "all people", &cohort->all);
  for (unsigned n = 1; n <= KITH_EVALUATION_SERVICES_MAX; n++) {
    (void)snprintf(what, sizeof what, "  %u service%s", n, n == 1 ? "" : "s");
    if (!is_empty(&cohort->services[n]))
      add_row(&table, what, &cohort->services[n]);
  }
  for (uint32_t p = 0; p < parties->n; p++)
    for (uint32_t q = p + 1; q < parties->n; q++) {
      (void)snprintf(what, sizeof what, "  %.100s, %.100s", kith_intern_at(parties, p),
                     kith_intern_at(parties, q));
      add_row(&table, what, &cohort->pairs[(size_t)p * parties->n + q]);
    }
  for (uint32_t g = 0; names->group_by && g < names->groups->n; g++) {
    (void)snprintf(what, sizeof what, "  %.50s = %.150s", names->group_by,
                   kith_intern_at(names->groups, g));
    add_row(&table, what, &cohort->groups[g]);
  }
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  return err;
}

static void add_rate(struct kith_cli_table *table, const char *what,
                     const struct kith_threshold_figure *figure, double truth)
{
  char cells[3][48] = {"-", "-", "-"};

  if (figure->expected >= 0)
    (void)snprintf(cells[0], sizeof cells[0], "%.4f (%.3f to %.3f)", figure->expected, figure->low,
                   figure->high);
  if (truth >= 0)
    (void)snprintf(cells[1], sizeof cells[1], "%.4f", truth);
  if (figure->expected >= 0 && truth >= 0)
    (void)snprintf(cells[2], sizeof cells[2], "%+.4f", figure->expected - truth);
  KITH_CLI_ROW(table, what, cells[0], cells[1], cells[2]);
}

static void add_count(struct kith_cli_table *table, const char *what,
                      const struct kith_threshold_figure *figure, uint64_t truth)
{
  char foretold[KITH_THRESHOLD_FIGURE_BYTES];
  char cells[2][24];

  kith_threshold_figure_text(foretold, figure, 0);
  (void)snprintf(cells[0], sizeof cells[0], "%llu", (unsigned long long)truth);
  (void)snprintf(cells[1], sizeof cells[1], "%+.0f", figure->expected - (double)truth);
  KITH_CLI_ROW(table, what, foretold, cells[0], cells[1]);
}

enum kith_err kith_evaluate_cohort_print(const struct kith_foretold *foretold,
                                         const struct kith_evaluation_cohort *cohort,
                                         const struct kith_evaluate_names *names, double precision,
                                         double recall)
{
  const struct kith_threshold_cell *cell = cell_of(foretold);
  struct kith_cli_table table = {0};
  enum kith_err err;

  printf("\n");
  err = print_table(cohort, names);
  if (err != KITH_OK)
    return err;
  if (cohort->all.listed)
    printf(
        "\nOf 100 people on this list, %.1f should not be. Of 100 who belong, %.1f are missed.\n",
        100 * (double)cohort->all.wrong / (double)cohort->all.listed,
        cohort->all.belong ? 100 * (double)cohort->all.missed / (double)cohort->all.belong : 0);
  printf("\n");
  KITH_CLI_ROW(&table, "KITH'S ESTIMATE", "FORETOLD", "TRUE", "ERROR");
  add_rate(&table, "precision of pairs", &foretold->precision, precision);
  add_rate(&table, "recall of pairs", &foretold->recall, recall);
  add_count(&table, "wrongly in", &cell->wrong, cohort->all.wrong);
  add_count(&table, "missed", &cell->missed, cohort->all.missed);
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  return err;
}
