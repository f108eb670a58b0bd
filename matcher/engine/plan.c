#include "matcher/engine/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* In cycles of each thread: a scan that costs less is not worth a plan. */
#define WORTH_PLANNING 3e9
/* In cycles: of a row that goes into a bucket or looks one up, of the rows that meet there. */
#define ROW_COST 25.0
#define MEETING_COST 150.0
/* Rows of a bucket are more alike than others, so more of them pass the sketch. */
#define BUCKET_LIKENESS 8.0
#define HUGE_COST 1e300

enum { SAMPLE = 320 /* rows, each half against the other */, JOIN_SAMPLE = 3000 };

/* ---- samples */

struct sample {
  const uint64_t *rows[JOIN_SAMPLE];
  struct kith_pack_class classes[JOIN_SAMPLE];
  size_t n;
};

/* Positions spread evenly over all parties. */
static void take_sample(struct sample *sample, const struct kith_plan_input *input, size_t n)
{
  uint64_t total = 0;
  for (unsigned p = 0; p < input->n_parties; p++)
    total += input->packs[p].n_rows;
  sample->n = total < n ? (size_t)total : n;
  for (size_t s = 0; s < sample->n; s++) {
    uint64_t at = s * total / sample->n;
    unsigned p = 0;
    while (at >= input->packs[p].n_rows)
      at -= input->packs[p++].n_rows;
    sample->rows[s] = kith_pack_words(&input->packs[p], (size_t)at);
    sample->classes[s] = *kith_pack_class_at(&input->packs[p], (size_t)at);
  }
}

static struct kith_similarity_line line_between(const struct kith_task_setting *setting,
                                                const struct kith_pack_class *a,
                                                const struct kith_pack_class *b)
{
  struct kith_similarity_pattern pattern =
      kith_similarity_pattern(&setting->similarity, a->mask, b->mask);
  return kith_similarity_line(&pattern, setting->bound);
}

/* The share of pairs of sampled rows that a sketch lets pass: the sieve's sum of minima, which is
 * half of what the L1 distance leaves of the two sums. */
static enum kith_err pass_rate(double *rate, const struct sample *sample,
                               const struct kith_sketch *sketch,
                               const struct kith_task_setting *setting)
{
  uint8_t counts[SAMPLE][KITH_SKETCH_GROUPS_MAX];
  int32_t sums[SAMPLE];
  size_t n_rows = sample->n < SAMPLE ? sample->n : SAMPLE;
  size_t step = sample->n / (n_rows ? n_rows : 1);
  size_t n_pass = 0;
  size_t n = 0;
  struct kith_sketch_table table;
  enum kith_err err = kith_sketch_table_new(&table, sketch);
  if (err)
    return err;
  for (size_t s = 0; s < n_rows; s++)
    sums[s] = kith_sketch_table_row(&table, counts[s], sample->rows[s * step]);
  kith_sketch_table_free(&table);
  for (size_t a = 0; a < n_rows; a += 2)
    for (size_t b = 1; b < n_rows; b += 2, n++) {
      const struct kith_pack_class *of_a = &sample->classes[a * step];
      const struct kith_pack_class *of_b = &sample->classes[b * step];
      struct kith_similarity_line line = line_between(setting, of_a, of_b);
      int32_t least = (int32_t)kith_similarity_line_at(&line, of_a->count, of_b->count);
      int32_t need =
          2 * least + (sums[a] - (int32_t)of_a->count) + (sums[b] - (int32_t)of_b->count);
      int32_t sum = 0;
      for (unsigned g = 0; g < sketch->n_groups; g++)
        sum += counts[a][g] < counts[b][g] ? counts[a][g] : counts[b][g];
      n_pass += 2 * sum + 1 >= need && !line.never;
    }
  *rate = n > 0 ? (double)n_pass / (double)n : 1;
  return KITH_OK;
}

/* ---- the scan: brute force or a sieve */

static const unsigned sizes[] = {8, 12, 20, 32, 48, 72, 104};

static double brute_cost(const struct kith_task_setting *setting)
{
  return setting->kernel->word_cost * (double)setting->n_words + 0.15;
}

static double sieve_cost(const struct kith_task_setting *setting, unsigned n_groups)
{
  return setting->kernel->group_cost * n_groups + 0.1;
}

static double least_scan_cost(const struct kith_task_setting *setting)
{
  double brute = brute_cost(setting);
  double sieve = sieve_cost(setting, sizes[0]);
  return brute < sieve ? brute : sieve;
}

bool kith_plan_is_worth_while(const struct kith_task_setting *setting,
                              const struct kith_engine_options *options, uint64_t comparisons)
{
  if (options->method == KITH_ENGINE_BRUTE || setting->n_words * 64 > KITH_SKETCH_BITS_MAX)
    return false;
  return options->method != KITH_ENGINE_AUTO ||
         (double)comparisons * brute_cost(setting) / options->n_threads >= WORTH_PLANNING;
}

/* Learns each size; keeps the best. */
static enum kith_err plan_scan(struct kith_plan *plan, double *cost,
                               const struct kith_plan_input *input, const struct sample *sample,
                               const struct kith_covariance *covariance)
{
  const bool forced = input->options->method == KITH_ENGINE_SKETCH;
  const unsigned fewest = covariance->n_bits / KITH_SKETCH_GROUP_BITS_MAX + 1;
  unsigned only = forced ? input->options->sketch_groups : 0;
  if (only && only < fewest)
    only = fewest;
  *cost = forced ? 1e9 : brute_cost(input->setting);
  for (size_t i = 0; i < (only ? 1 : KITH_COUNT_OF(sizes)); i++) {
    struct kith_sketch sketch;
    unsigned n_groups = only ? only : sizes[i];
    double rate;
    if (!only && (n_groups < fewest || sieve_cost(input->setting, n_groups) >= *cost))
      continue;
    if (input->setting->stopped(input->setting->context))
      return KITH_ERR_CANCELLED;
    enum kith_err err = kith_sketch_learn(&sketch, covariance, n_groups);
    if (!err)
      err = pass_rate(&rate, sample, &sketch, input->setting);
    if (err)
      return err;
    double own = sieve_cost(input->setting, n_groups) + input->setting->kernel->verify_cost * rate;
    if (only || own < *cost) {
      plan->sieve = true;
      plan->sketch = sketch;
      *cost = own;
    }
  }
  return KITH_OK;
}

/* ---- the join */

static int by_value(const void *left, const void *right)
{
  uint64_t a = *(const uint64_t *)left;
  uint64_t b = *(const uint64_t *)right;
  return (a > b) - (a < b);
}

/* How many pairs of rows share a bucket, summed over all parts, for each pair of rows. */
static double meeting_rate(const struct sample *sample, uint32_t n_parts, size_t n_bits)
{
  uint64_t keys[JOIN_SAMPLE];
  double n_equal = 0;
  for (uint32_t part = 0; part < n_parts; part++) {
    struct kith_pigeon_part bits = kith_pigeon_part(n_bits, n_parts, part);
    if (bits.end - bits.first > 64)
      bits.end = bits.first + 64;
    for (size_t s = 0; s < sample->n; s++)
      keys[s] = kith_pigeon_key(sample->rows[s], bits);
    qsort(keys, sample->n, sizeof keys[0], by_value);
    for (size_t s = 1, run = 0; s < sample->n; s++) {
      run = keys[s] == keys[s - 1] ? run + 1 : 0;
      n_equal += (double)run;
    }
  }
  double n_pairs = (double)sample->n * ((double)sample->n - 1) / 2;
  return (n_equal + 1) / n_pairs;
}

struct join_search {
  const struct kith_plan_input *input;
  const struct sample *sample;
  double near_cost;                       /* of two rows in a bucket */
  double scan_cost;                       /* of two rows, where they are not joined */
  double rates[KITH_SKETCH_BITS_MAX + 1]; /* meeting_rate by parts, 0: not known */
};

/* Rates fall smoothly with the number of parts: a few are measured, and the next of those is used.
 */
static double rate_of(struct join_search *search, uint32_t n_parts)
{
  size_t n_bits = search->input->setting->n_words * 64;
  uint32_t step = n_parts < 32 ? 4 : n_parts < 128 ? 8 : 32;
  uint32_t rounded = (n_parts + step - 1) / step * step;
  if (rounded > n_bits)
    rounded = (uint32_t)n_bits;
  if (search->rates[rounded] == 0)
    search->rates[rounded] = meeting_rate(search->sample, rounded, n_bits);
  return search->rates[rounded];
}

static double pairs_of(const struct kith_stratum *a, const struct kith_stratum *b, bool same)
{
  double n_a = a->end - a->first;
  double n_b = b->end - b->first;
  return same ? n_a * (n_a - 1) / 2 : n_a * n_b;
}

/* The cost of a pair of strata, joined or scanned; *n_parts: 0 for scanned. */
static double strata_cost(struct join_search *search, uint32_t *n_parts,
                          const struct kith_stratum *a, const struct kith_stratum *b, bool same)
{
  const bool forced = search->input->options->method == KITH_ENGINE_PIGEONHOLE;
  const size_t n_bits = search->input->setting->n_words * 64;
  double scan = search->scan_cost * pairs_of(a, b, same);
  uint32_t reach = kith_pigeon_reach(search->input->setting, a, b);
  *n_parts = 0;
  if (reach == UINT32_MAX) { /* nothing can match: one part, whose sketches let nothing pass */
    *n_parts = 0;
    return scan;
  }
  if (reach + 1 > n_bits / KITH_PIGEON_PART_BITS_MIN)
    return scan;
  double n_rows = (double)(a->end - a->first) + (double)(b->end - b->first);
  double join =
      n_rows * (reach + 1) * ROW_COST + (double)(a->end - a->first) * (double)(b->end - b->first) *
                                            rate_of(search, reach + 1) * search->near_cost;
  if (join >= scan && !forced)
    return scan;
  *n_parts = reach + 1;
  return join;
}

/* All strata of all jobs; fills the plan's joins where `plan` is given. */
static enum kith_err joins_cost(double *cost, bool *all_joined, struct join_search *search,
                                const struct kith_strata *strata, struct kith_plan *plan)
{
  const struct kith_plan_input *input = search->input;
  double pairs = 0;
  *cost = 0;
  *all_joined = true;
  for (unsigned a = 0; a < input->n_parties; a++)
    for (unsigned b = a; b < input->n_parties; b++) {
      uint32_t *cells = NULL;
      if (!(a == b ? input->options->within : input->options->across) || !strata[a].n ||
          !strata[b].n)
        continue;
      if (plan && !(cells = KITH_NEW_ARRAY(uint32_t, (size_t)strata[a].n * strata[b].n)))
        return KITH_ERR_MEMORY;
      for (unsigned s = 0; s < strata[a].n; s++)
        for (unsigned t = a == b ? s : 0; t < strata[b].n; t++) {
          uint32_t n_parts;
          bool same = a == b && s == t;
          *cost += strata_cost(search, &n_parts, &strata[a].items[s], &strata[b].items[t], same);
          pairs += pairs_of(&strata[a].items[s], &strata[b].items[t], same);
          *all_joined &= n_parts > 0;
          if (cells)
            cells[s * strata[b].n + t] = n_parts;
          if (plan && n_parts)
            plan->join = true;
        }
      if (plan)
        plan->joins[a * KITH_ENGINE_PARTIES_MAX + b].n_parts = cells;
    }
  *all_joined &= pairs > 0.999 * (double)input->comparisons;
  *cost += search->scan_cost * ((double)input->comparisons - pairs);
  return KITH_OK;
}

static void cut_all(struct kith_strata *strata, const struct kith_plan_input *input,
                    unsigned n_counts)
{
  for (unsigned p = 0; p < input->n_parties; p++)
    kith_strata_cut(&strata[p], &input->packs[p], n_counts);
}

/* The number of count classes, and the sketch that rows in a bucket are compared by. */
static enum kith_err plan_join(struct kith_plan *plan, double *cost, bool *all_joined,
                               struct join_search *search, const struct kith_covariance *covariance)
{
  static const unsigned widths[] = {8, 16, 32};
  static const double near_costs[] = {0.7, 1.1, 2.2};
  static const unsigned all_counts[] = {1, 2, 3, 4, 6, 8, 12, 16};
  const struct kith_plan_input *input = search->input;
  unsigned best_counts = 1;
  double best = HUGE_COST;
  double near = HUGE_COST;
  enum kith_err err = KITH_OK;
  for (size_t i = 0; i < KITH_COUNT_OF(widths) && !err && search->near_cost == 0; i++) {
    struct kith_sketch sketch;
    double rate = 1;
    if (widths[i] * KITH_SKETCH_GROUP_BITS_MAX < covariance->n_bits || near_costs[i] > near)
      continue;
    err = kith_sketch_learn(&sketch, covariance, widths[i]);
    if (!err)
      err = pass_rate(&rate, search->sample, &sketch, input->setting);
    rate = rate * BUCKET_LIKENESS < 1 ? rate * BUCKET_LIKENESS : 1;
    if (!err && near_costs[i] + rate * MEETING_COST < near) {
      near = near_costs[i] + rate * MEETING_COST;
      plan->near = sketch;
    }
  }
  if (search->near_cost == 0)
    search->near_cost = near;
  for (size_t i = 0; i < KITH_COUNT_OF(all_counts) && !err; i++) {
    double own;
    bool all;
    cut_all(plan->strata, input, all_counts[i]);
    err = joins_cost(&own, &all, search, plan->strata, NULL);
    if (!err && own < best) {
      best = own;
      best_counts = all_counts[i];
      *all_joined = all;
    }
  }
  *cost = best;
  if (!err)
    cut_all(plan->strata, input, best_counts);
  return err;
}

/* ---- the whole */

static void say_why(struct kith_plan *plan, const struct kith_plan_input *input, double scan,
                    double join, double brute)
{
  char scan_text[64] = "brute force";
  if (plan->sieve)
    (void)snprintf(scan_text, sizeof scan_text, "sketches of %u groups", plan->sketch.n_groups);
  if (plan->join)
    (void)snprintf(plan->why, sizeof plan->why,
                   "pigeonhole join by sketches of %u groups, the rest %s: about %.3f cycles a "
                   "pair; a scan by %s alone %.3f, brute force %.3f",
                   plan->near.n_groups, scan_text, join / (double)input->comparisons, scan_text,
                   scan, brute);
  else
    (void)snprintf(plan->why, sizeof plan->why,
                   "%s: about %.3f cycles a pair; brute force %.3f, pigeonhole join %.3f",
                   scan_text, scan, brute, join / (double)input->comparisons);
}

/* Learning sketches for a scan takes its time, so the join is reckoned first: against the least
 * that a scan could cost, and, where that is not enough, against the best that it does. */
static enum kith_err make(struct kith_plan *plan, struct join_search *search,
                          const struct kith_covariance *covariance)
{
  const struct kith_plan_input *input = search->input;
  const enum kith_engine_method method = input->options->method;
  const double brute = brute_cost(input->setting);
  const double n = (double)input->comparisons;
  double scan = method == KITH_ENGINE_PIGEONHOLE ? brute : least_scan_cost(input->setting);
  double join = HUGE_COST;
  bool all_joined = false;
  enum kith_err err = KITH_OK;
  search->scan_cost = scan;
  if (method != KITH_ENGINE_SKETCH)
    err = plan_join(plan, &join, &all_joined, search, covariance);
  if (!err && method != KITH_ENGINE_PIGEONHOLE && !(all_joined && join < scan * n)) {
    err = plan_scan(plan, &scan, input, search->sample, covariance);
    search->scan_cost = scan;
    if (!err && method != KITH_ENGINE_SKETCH)
      err = plan_join(plan, &join, &all_joined, search, covariance);
  }
  if (!err && (method == KITH_ENGINE_PIGEONHOLE || join < scan * n))
    err = joins_cost(&join, &all_joined, search, plan->strata, plan);
  if (!err)
    say_why(plan, input, scan, join, brute);
  return err;
}

enum kith_err kith_plan_make(struct kith_plan *out, const struct kith_plan_input *input)
{
  struct kith_covariance covariance = {0};
  memset(out, 0, sizeof *out);
  out->scan = true;
  if (!kith_plan_is_worth_while(input->setting, input->options, input->comparisons)) {
    (void)snprintf(out->why, sizeof out->why, "brute force: too little work to plan");
    return KITH_OK;
  }
  struct sample *sample = KITH_NEW(struct sample);
  struct join_search *search = KITH_NEW(struct join_search);
  enum kith_err err = sample && search ? KITH_OK : KITH_ERR_MEMORY;
  if (!err)
    err = kith_covariance_new(&covariance, input->parties, input->n_parties, input->order);
  if (!err) {
    take_sample(sample, input, JOIN_SAMPLE);
    *search = (struct join_search){.input = input, .sample = sample};
    err = make(out, search, &covariance);
  }
  kith_covariance_free(&covariance);
  kith_free(search);
  kith_free(sample);
  if (err)
    kith_plan_free(out);
  return err;
}

void kith_plan_free(struct kith_plan *plan)
{
  for (size_t i = 0; i < KITH_COUNT_OF(plan->joins); i++)
    kith_free(plan->joins[i].n_parts);
  memset(plan, 0, sizeof *plan);
}
