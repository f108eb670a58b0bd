/* What `kith evaluate` says. */
#include <stdio.h>

#include "cli/evaluate/evaluate.h"
#include "cli/verbs.h"

static json_t *number_or_null(double value)
{
  return value < 0 ? json_null() : json_real(value);
}

static json_t *scores_json(double precision, double recall)
{
  return json_pack("{s:o,s:o,s:o}", "precision", number_or_null(precision), "recall",
                   number_or_null(recall), "f1",
                   number_or_null(kith_evaluation_f1(precision, recall)));
}

static double tally_precision(const struct kith_tally *tally)
{
  return kith_evaluation_share((double)tally->n[KITH_TALLY_CORRECT],
                               (double)tally->n[KITH_TALLY_LINKED]);
}

static double tally_recall(const struct kith_tally *tally)
{
  return kith_evaluation_share((double)tally->n[KITH_TALLY_CORRECT],
                               (double)tally->n[KITH_TALLY_TRUE]);
}

/* 2 correct / (true + linked): the same as the harmonic mean, and 0 where nothing is right. */
static double tally_f1(const struct kith_tally *tally)
{
  return kith_evaluation_share(2 * (double)tally->n[KITH_TALLY_CORRECT],
                               (double)(tally->n[KITH_TALLY_TRUE] + tally->n[KITH_TALLY_LINKED]));
}

static json_t *tally_json(const struct kith_tally *tally)
{
  return json_pack("{s:o,s:o,s:o,s:I,s:I,s:I}", "precision", number_or_null(tally_precision(tally)),
                   "recall", number_or_null(tally_recall(tally)), "f1",
                   number_or_null(tally_f1(tally)), "true", (json_int_t)tally->n[KITH_TALLY_TRUE],
                   "linked", (json_int_t)tally->n[KITH_TALLY_LINKED], "correct",
                   (json_int_t)tally->n[KITH_TALLY_CORRECT]);
}

static json_t *clusters_json(const struct kith_evaluate *run, const struct kith_evaluation *result)
{
  if (!run->has_clusters)
    return json_null();
  double precision = kith_evaluation_share(result->bcubed_precision, (double)result->n_found);
  double recall = kith_evaluation_share(result->bcubed_recall, (double)result->n_records);
  return json_pack("{s:o,s:o,s:o}", "bcubed", scores_json(precision, recall), "exact",
                   tally_json(&result->exact), "exact_of_two_or_more",
                   tally_json(&result->exact_several));
}

static json_t *party_pairs_json(const struct kith_evaluate *run,
                                const struct kith_evaluation *result, bool same)
{
  json_t *list = json_array();
  for (uint32_t p = 0; p < result->n_parties; p++)
    for (uint32_t q = same ? p : p + 1; q < (same ? p + 1 : result->n_parties); q++) {
      json_t *entry = tally_json(&result->party_pairs[(size_t)p * result->n_parties + q]);
      if (json_object_set_new(entry, "party_a", json_string(kith_intern_at(&run->parties, p))) ||
          json_object_set_new(entry, "party_b", json_string(kith_intern_at(&run->parties, q))) ||
          json_array_append(list, entry)) {
        json_decref(entry);
        json_decref(list);
        return NULL;
      }
      json_decref(entry);
    }
  return list;
}

json_t *kith_evaluate_json(const struct kith_evaluate *run, const struct kith_evaluation *result)
{
  json_t *groups = json_object();
  for (uint32_t g = 0; g < result->n_groups; g++)
    if (json_object_set_new(groups, kith_intern_at(&run->groups, g),
                            tally_json(&result->groups[g]))) {
      json_decref(groups);
      return NULL;
    }
  json_t *json = json_pack("{s:o,s:o,s:o,s:o,s:{s:I,s:I}}", "pairs", tally_json(&result->pairs),
                           "clusters", clusters_json(run, result), "groups", groups, "party_pairs",
                           party_pairs_json(run, result, false), "records", "true",
                           (json_int_t)result->n_records, "found", (json_int_t)result->n_found);
  const struct kith_evaluate_names names = {&run->parties, &run->groups, run->group_by};
  if (json && run->has_list &&
      (json_object_set_new(json, "cohort", kith_evaluate_cohort_json(&run->list, &names)) ||
       json_object_set_new(json, "estimate",
                           kith_evaluate_estimate_json(run->foretold, &run->list,
                                                       tally_precision(&result->pairs),
                                                       tally_recall(&result->pairs))))) {
    json_decref(json);
    return NULL;
  }
  if (json && run->within) {
    json_t *within = tally_json(&result->within);
    if (json_object_set_new(within, "parties", party_pairs_json(run, result, true)) ||
        json_object_set_new(json, "within", within)) {
      json_decref(json);
      return NULL;
    }
  }
  return json;
}

static void score_text(char out[16], double value)
{
  if (value < 0)
    (void)snprintf(out, 16, "-");
  else
    (void)snprintf(out, 16, "%.4f", value);
}

static void add_row(struct kith_cli_table *table, const char *what, double precision, double recall,
                    double f1, const struct kith_tally *tally)
{
  char scores[3][16];
  char counts[2][24] = {"", ""};
  score_text(scores[0], precision);
  score_text(scores[1], recall);
  score_text(scores[2], f1);
  if (tally) {
    (void)snprintf(counts[0], 24, "%llu", (unsigned long long)tally->n[KITH_TALLY_TRUE]);
    (void)snprintf(counts[1], 24, "%llu", (unsigned long long)tally->n[KITH_TALLY_LINKED]);
  }
  KITH_CLI_ROW(table, what, scores[0], scores[1], scores[2], counts[0], counts[1]);
}

static void add_tally(struct kith_cli_table *table, const char *what,
                      const struct kith_tally *tally)
{
  add_row(table, what, tally_precision(tally), tally_recall(tally), tally_f1(tally), tally);
}

int kith_evaluate_print(const struct kith_evaluate *run, const struct kith_evaluation *result)
{
  struct kith_cli_table table = {0};
  char what[256];
  KITH_CLI_ROW(&table, "", "PRECISION", "RECALL", "F1", "TRUE", "LINKED");
  add_tally(&table, "pairs", &result->pairs);
  for (uint32_t p = 0; p < result->n_parties; p++)
    for (uint32_t q = p + 1; q < result->n_parties; q++) {
      (void)snprintf(what, sizeof what, "  %.100s, %.100s", kith_intern_at(&run->parties, p),
                     kith_intern_at(&run->parties, q));
      add_tally(&table, what, &result->party_pairs[(size_t)p * result->n_parties + q]);
    }
  for (uint32_t g = 0; g < result->n_groups; g++) {
    (void)snprintf(what, sizeof what, "  %.50s = %.150s", run->group_by,
                   kith_intern_at(&run->groups, g));
    add_tally(&table, what, &result->groups[g]);
  }
  if (run->within) {
    add_tally(&table, "pairs inside parties", &result->within);
    for (uint32_t p = 0; p < result->n_parties; p++) {
      (void)snprintf(what, sizeof what, "  %.200s", kith_intern_at(&run->parties, p));
      add_tally(&table, what, &result->party_pairs[(size_t)p * result->n_parties + p]);
    }
  }
  if (run->has_clusters) {
    double precision = kith_evaluation_share(result->bcubed_precision, (double)result->n_found);
    double recall = kith_evaluation_share(result->bcubed_recall, (double)result->n_records);
    add_row(&table, "clusters, B-cubed", precision, recall, kith_evaluation_f1(precision, recall),
            NULL);
    add_tally(&table, "clusters, exact", &result->exact);
    add_tally(&table, "  of two or more", &result->exact_several);
  }
  enum kith_err err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  const struct kith_evaluate_names names = {&run->parties, &run->groups, run->group_by};
  if (!err && run->has_list)
    err = kith_evaluate_cohort_print(run->foretold, &run->list, &names,
                                     tally_precision(&result->pairs), tally_recall(&result->pairs));
  return err ? kith_cli_error(err, "not enough memory") : kith_cli_finish_stdout();
}
