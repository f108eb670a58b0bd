#include "matcher/linkage/linkage.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "matcher/engine/engine.h"
#include "matcher/linkage/cluster.h"
#include "matcher/linkage/curve.h"
#include "matcher/linkage/judge.h"

enum {
  WEAK_PROBABILITY = 100000,
  COMPARISONS_PER_CANDIDATE = 5000, /* at the default floor it was never seen to take more */
  RUNG = 5 /* hundredths of similarity from one candidate bound that is tried to the next */
};

struct run {
  const struct kith_linkage_input *input;
  struct kith_linkage_result *result;
  struct kith_similarity similarity;
  size_t cap;
  struct kith_judge *judge; /* owned */
  unsigned n_runs;          /* of the engine */
  uint64_t n_found;         /* by the latest, those of its journal included */
  uint64_t most;            /* that it may find; 0: no ceiling */
};

/* ---- candidates */

static enum kith_err take_pairs(void *context, const struct kith_pair *pairs, size_t n)
{
  struct run *run = context;
  struct kith_linkage_result *result = run->result;

  run->n_found += n;
  if (run->most && run->n_found > run->most)
    return KITH_ERR_LIMIT;
  if (result->n_pairs + n > run->cap) {
    size_t cap = (result->n_pairs + n) * 2;
    struct kith_linkage_pair *grown = kith_realloc(result->pairs, cap, sizeof *grown);

    if (!grown)
      return KITH_ERR_MEMORY;
    result->pairs = grown;
    run->cap = cap;
  }
  for (size_t i = 0; i < n; i++) {
    struct kith_linkage_pair pair = {.row_a = pairs[i].row_a,
                                     .row_b = pairs[i].row_b,
                                     .party_a = pairs[i].party_a,
                                     .party_b = pairs[i].party_b,
                                     .similarity = kith_fraction_millionths(pairs[i].similarity)};
    const struct kith_classes *classes = &run->judge->classes;

    if (kith_classes_enough(classes, kith_classes_both(classes, &pair)))
      result->pairs[result->n_pairs++] = pair;
  }
  return KITH_OK;
}

static void engine_progress(void *context, uint64_t done, uint64_t total)
{
  const struct run *run = context;

  run->input->progress(run->input->progress_context,
                       total ? 0.95 * (double)done / (double)total : 0.95);
}

static enum kith_err find_above(struct run *run, struct kith_ratio bound, uint64_t pairs_max,
                                struct kith_fault *fault)
{
  const struct kith_linkage_input *input = run->input;
  const struct kith_linkage_journal *journal = input->journal;
  struct kith_engine_journal of_engine;
  struct kith_engine_options options;
  enum kith_err err = KITH_OK;

  kith_engine_options_init(&options);
  options.similarity = run->similarity.kind;
  options.bound = bound;
  options.across = input->n_parties > 1;
  options.within = true;
  options.n_threads = input->n_threads;
  options.memory_bytes_max = input->memory_bytes_max;
  options.progress = input->progress ? engine_progress : NULL;
  options.progress_context = run;
  options.cancel = input->cancel;
  run->result->n_pairs = 0;
  run->result->candidate_bound = bound;
  run->n_found = 0;
  run->most = pairs_max;
  if (journal) {
    err = journal->begin(journal->context, run->n_runs, bound, take_pairs, run, &of_engine);
    options.journal = &of_engine;
  }
  run->n_runs++;
  if (err == KITH_OK)
    err = kith_engine_run(input->parties, input->n_parties, &options, take_pairs, run, fault);
  const bool over = err == KITH_ERR_LIMIT && run->most && run->n_found > run->most;
  if (journal)
    journal->end(journal->context, over);
  if (over)
    err = kith_fail(fault, err, "more than %llu pairs reach the candidate bound: raise it",
                    (unsigned long long)run->most);
  return err;
}

static uint64_t comparisons(const struct kith_linkage_input *input)
{
  uint64_t records = 0;

  for (unsigned p = 0; p < input->n_parties; p++)
    records += input->parties[p]->n;
  return records ? records * (records - 1) / 2 : 0;
}

/* From the policy's floor upward, until there are few enough; its bound has no such limit. Of very
 * many comparisons that is not tried: there would be too many at any rung. */
static enum kith_err find_candidates(struct run *run, struct kith_fault *fault)
{
  const struct kith_policy *policy = run->input->policy;
  double bound = kith_ratio_double(policy->candidate_bound);
  double floor = kith_ratio_double(policy->candidate_floor);
  uint64_t most = policy->candidates_max;

  if (run->input->pairs_max && run->input->pairs_max < most)
    most = run->input->pairs_max;
  if (comparisons(run->input) / COMPARISONS_PER_CANDIDATE > most)
    most = 0;
  for (unsigned rung = 0; most > 0; rung++) {
    struct kith_ratio at = {(uint32_t)lrint(floor * 100) + rung * RUNG, 100};
    struct kith_fault ignored = {0};
    enum kith_err err;

    if (kith_ratio_double(at) >= bound)
      break;
    err = find_above(run, at, most, &ignored);
    if (err != KITH_ERR_LIMIT)
      return err == KITH_OK ? KITH_OK : kith_fail(fault, err, "%s", ignored.text);
  }
  return find_above(run, policy->candidate_bound, run->input->pairs_max, fault);
}

int kith_linkage_pair_compare(const void *left, const void *right)
{
  const struct kith_linkage_pair *a = left;
  const struct kith_linkage_pair *b = right;

  if (a->party_a != b->party_a)
    return a->party_a < b->party_a ? -1 : 1;
  if (a->party_b != b->party_b)
    return a->party_b < b->party_b ? -1 : 1;
  if (a->row_a != b->row_a)
    return a->row_a < b->row_a ? -1 : 1;
  return (a->row_b > b->row_b) - (a->row_b < b->row_b);
}

/* ---- the threshold */

static double duplicate_share(const struct kith_linkage_result *result)
{
  uint64_t inside = 0;
  uint64_t across = 0;

  for (size_t i = 0; i < result->n_pairs; i++) {
    const struct kith_linkage_pair *pair = &result->pairs[i];

    if (pair->party_a == pair->party_b)
      inside += pair->probability;
    else
      across += pair->probability;
  }
  return across ? (double)inside / (double)across : 0;
}

static uint32_t ratio_ppm(struct kith_ratio ratio)
{
  return (uint32_t)lrint(kith_ratio_double(ratio) * KITH_PPM);
}

static uint32_t choose_threshold(const struct kith_linkage_result *result,
                                 const struct kith_threshold *policy)
{
  uint32_t min = ratio_ppm(policy->min);
  uint32_t max = ratio_ppm(policy->max);
  uint32_t best = min;
  double best_f1 = -1;

  for (unsigned step = 0; step < KITH_CURVE_STEPS; step++) {
    const struct kith_curve_point *point = &result->curve[step];

    if (point->threshold >= min && point->threshold <= max && point->f1 > best_f1) {
      best = point->threshold;
      best_f1 = point->f1;
    }
  }
  return best;
}

/* The curve is made at the least threshold that it shows; the clusters at the one that decides. */
static enum kith_err build_clusters(struct run *run)
{
  struct kith_linkage_result *result = run->result;
  const struct kith_threshold *policy = &run->input->policy->threshold;
  uint32_t least = KITH_CURVE_FIRST * (KITH_PPM / 100);
  enum kith_err err = kith_cluster_build(result, run->judge, least, true);

  if (err != KITH_OK)
    return err;
  result->threshold = policy->auto_default ? choose_threshold(result, policy)
                                           : ratio_ppm(policy->default_probability);
  if (result->threshold == least)
    return KITH_OK;
  struct kith_curve_point curve[KITH_CURVE_STEPS];
  double true_pairs = result->true_pairs;

  memcpy(curve, result->curve, sizeof curve);
  err = kith_cluster_build(result, run->judge, result->threshold, true);
  memcpy(result->curve, curve, sizeof curve);
  result->true_pairs = true_pairs;
  return err;
}

static enum kith_err cluster_at(void *context, struct kith_linkage_result *result,
                                uint32_t threshold)
{
  const struct run *run = context;

  return kith_cluster_build(result, run->judge, threshold, true);
}

static enum kith_err make_people_curve(struct run *run, struct kith_fault *fault)
{
  struct kith_linkage_result *result = run->result;

  return run->input->names
             ? kith_people_curve_make(&result->people, run->input, result->pairs, result->n_pairs,
                                      run->judge->loose ? 0 : result->true_pairs, cluster_at, run,
                                      fault)
             : KITH_OK;
}

/* ---- pairs of a cluster that were no candidates */

struct member {
  uint32_t cluster;
  uint32_t row;
  uint8_t party;
};

static int compare_members(const void *left, const void *right)
{
  const struct member *a = left;
  const struct member *b = right;

  if (a->cluster != b->cluster)
    return a->cluster < b->cluster ? -1 : 1;
  if (a->party != b->party)
    return a->party < b->party ? -1 : 1;
  return (a->row > b->row) - (a->row < b->row);
}

static uint32_t similarity_of(const struct run *run, const struct member *a, const struct member *b)
{
  const struct kith_encodings *enc_a = run->input->parties[a->party];
  const struct kith_encodings *enc_b = run->input->parties[b->party];
  const uint8_t *row_a = kith_encodings_row(enc_a, a->row);
  const uint8_t *row_b = kith_encodings_row(enc_b, b->row);
  struct kith_similarity_pattern pattern =
      kith_similarity_pattern(&run->similarity, enc_a->masks ? enc_a->masks[a->row] : 0,
                              enc_b->masks ? enc_b->masks[b->row] : 0);
  uint32_t common = 0;
  uint32_t count_a = 0;
  uint32_t count_b = 0;

  for (size_t i = 0; i < enc_a->row_bytes; i++) {
    common += (uint32_t)__builtin_popcount(row_a[i] & row_b[i]);
    count_a += (uint32_t)__builtin_popcount(row_a[i]);
    count_b += (uint32_t)__builtin_popcount(row_b[i]);
  }
  return kith_fraction_millionths(kith_similarity_fraction(&pattern, common, count_a, count_b));
}

static enum kith_err append_pair(struct run *run, const struct kith_linkage_pair *pair)
{
  struct kith_linkage_result *result = run->result;

  if (result->n_pairs == run->cap) {
    size_t cap = run->cap * 2 + 64;
    struct kith_linkage_pair *grown = kith_realloc(result->pairs, cap, sizeof *grown);

    if (!grown)
      return KITH_ERR_MEMORY;
    result->pairs = grown;
    run->cap = cap;
  }
  result->pairs[result->n_pairs++] = *pair;
  return KITH_OK;
}

static enum kith_err complete_cluster(struct run *run, const struct member *members, size_t n,
                                      size_t n_candidates)
{
  enum kith_err err = KITH_OK;

  for (size_t i = 0; err == KITH_OK && i < n; i++)
    for (size_t k = i + 1; err == KITH_OK && k < n; k++) {
      struct kith_linkage_pair pair = {.row_a = members[i].row,
                                       .row_b = members[k].row,
                                       .party_a = members[i].party,
                                       .party_b = members[k].party,
                                       .linked = true};

      struct kith_linkage_pair *held =
          bsearch(&pair, run->result->pairs, n_candidates, sizeof pair, kith_linkage_pair_compare);
      if (held) {
        held->linked = true;
        continue;
      }
      pair.similarity = similarity_of(run, &members[i], &members[k]);
      kith_judge_pair(run->judge, &pair);
      err = append_pair(run, &pair);
      if (pair.probability < WEAK_PROBABILITY)
        run->result->clusters[members[i].cluster].flags |= KITH_CLUSTER_WEAK;
    }
  return err;
}

static enum kith_err complete_pairs(struct run *run)
{
  struct kith_linkage_result *result = run->result;
  size_t n_candidates = result->n_pairs;
  size_t n = 0;
  struct member *members;
  enum kith_err err = KITH_OK;

  for (unsigned p = 0; p < result->n_parties; p++)
    n += run->input->parties[p]->n;
  members = KITH_NEW_ARRAY(struct member, n);
  if (!members)
    return KITH_ERR_MEMORY;
  n = 0;
  for (unsigned p = 0; p < result->n_parties; p++)
    for (uint32_t row = 0; row < run->input->parties[p]->n; row++)
      if (result->clusters[result->cluster_of[p][row]].n_records > 1)
        members[n++] = (struct member){result->cluster_of[p][row], row, (uint8_t)p};
  qsort(members, n, sizeof *members, compare_members);
  for (size_t first = 0, end; err == KITH_OK && first < n; first = end) {
    for (end = first + 1; end < n && members[end].cluster == members[first].cluster; end++)
      ;
    err = complete_cluster(run, members + first, end - first, n_candidates);
  }
  kith_free(members);
  if (result->n_pairs)
    qsort(result->pairs, result->n_pairs, sizeof *result->pairs, kith_linkage_pair_compare);
  return err;
}

/* ---- all of it */

static enum kith_err run_init(struct run *run, const struct kith_linkage_input *input,
                              struct kith_linkage_result *result)
{
  const struct kith_policy *policy = input->policy;

  *run = (struct run){.input = input, .result = result};
  run->similarity.kind =
      policy->masked_dice && policy->mask ? KITH_SIMILARITY_MASKED : KITH_SIMILARITY_DICE;
  run->similarity.bits = policy->bits;
  for (unsigned i = 0; i < policy->n_fields; i++)
    run->similarity.field_weights[i] = policy->fields[i].filter ? 0 : policy->fields[i].weight;
  run->judge = KITH_NEW(struct kith_judge);
  return run->judge ? kith_judge_init(run->judge, input) : KITH_ERR_MEMORY;
}

static enum kith_err run_stages(struct run *run, struct kith_fault *fault)
{
  struct kith_linkage_result *result = run->result;
  enum kith_err err = find_candidates(run, fault);

  if (err != KITH_OK)
    return err;
  if (result->n_pairs > UINT32_MAX / 2)
    return kith_fail(fault, KITH_ERR_LIMIT,
                     "too many candidate pairs; raise the policy's candidate_bound");
  if (result->n_pairs)
    qsort(result->pairs, result->n_pairs, sizeof *result->pairs, kith_linkage_pair_compare);
  if ((err = kith_judge_learn(run->judge, result)) == KITH_OK) {
    result->duplicate_share = duplicate_share(result);
    err = build_clusters(run);
  }
  if (err == KITH_OK)
    err = make_people_curve(run, fault);
  if (err == KITH_OK)
    err = complete_pairs(run);
  return err == KITH_OK ? KITH_OK : kith_fail(fault, err, "linking failed: %s", kith_err_name(err));
}

enum kith_err kith_linkage_run(struct kith_linkage_result *out,
                               const struct kith_linkage_input *input, struct kith_fault *fault)
{
  struct kith_linkage_result result = {.n_parties = input->n_parties};
  struct run run;
  enum kith_err err;

  if (input->n_parties < 1 || input->n_parties > KITH_LINKAGE_PARTIES_MAX)
    return kith_fail(fault, KITH_ERR_USAGE, "1 to %d parties were expected",
                     KITH_LINKAGE_PARTIES_MAX);
  err = run_init(&run, input, &result);
  err = err == KITH_OK ? run_stages(&run, fault) : kith_fail(fault, err, "out of memory");
  if (run.judge)
    kith_judge_free(run.judge);
  kith_free(run.judge);
  if (err != KITH_OK) {
    kith_linkage_result_free(&result);
    return err;
  }
  if (input->progress)
    input->progress(input->progress_context, 1);
  *out = result;
  return KITH_OK;
}

void kith_linkage_result_free(struct kith_linkage_result *result)
{
  kith_cluster_clear(result);
  kith_free(result->pairs);
  kith_free(result->people);
  memset(result, 0, sizeof *result);
}
