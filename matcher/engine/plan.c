#include "matcher/engine/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* In cycles of each thread: a scan that costs less is not worth a plan. */
#define WORTH_PLANNING 6e8
/* In cycles: of a row that goes into a bucket or looks one up, and of two rows that are near, where
 * the rows are in the cache and where they are not. */
#define ROW_COST 26.0
#define MEETING_COST 40.0
#define FAR_MEETING_COST 150.0
#define CACHE_BYTES (24 << 20)
#define HUGE_COST 1e300
/* What a join of some strata only must save. */
#define PARTLY_JOINED 0.8

enum {
  SAMPLE = 320, /* rows, each half against the other */
  JOIN_SAMPLE = 3000,
  PARTS_MEASURED = 24
};

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

/* Learns one size after the other; keeps the best. */
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
    if (!only && own >= *cost) {
      if (plan->sieve)
        break; /* more groups cost more, and what passes falls ever more slowly */
      continue;
    }
    plan->sieve = true;
    plan->sketch = sketch;
    *cost = own;
  }
  return KITH_OK;
}

/* ---- the join */

/* What a sampled row has in a part, and in the part's group. */
struct bits {
  uint64_t part;
  uint64_t group;
};

static int by_part(const void *left, const void *right)
{
  const struct bits *a = left;
  const struct bits *b = right;
  return (a->part > b->part) - (a->part < b->part);
}

/* Of all pairs of rows: how many share a bucket, and how many of these are near in the group, both
 * summed over all parts. */
struct rates {
  double share;
  double near;
};

static struct kith_pigeon_span at_most_a_word(struct kith_pigeon_span span)
{
  return (struct kith_pigeon_span){span.first,
                                   span.end - span.first > 64 ? span.first + 64 : span.end};
}

static void add_part(struct rates *rates, const struct sample *sample,
                     const struct kith_pigeon_cut *cut, uint32_t group, uint32_t part)
{
  struct bits bits[JOIN_SAMPLE] = {{0, 0}};
  const struct kith_pigeon_span of_group = at_most_a_word(kith_pigeon_group(cut, group));
  const struct kith_pigeon_span of_part = at_most_a_word(kith_pigeon_part(cut, group, part));
  for (size_t s = 0; s < sample->n; s++)
    bits[s] = (struct bits){kith_pigeon_bits(sample->rows[s], of_part),
                            kith_pigeon_bits(sample->rows[s], of_group)};
  qsort(bits, sample->n, sizeof bits[0], by_part);
  for (size_t first = 0, end; first < sample->n; first = end) {
    for (end = first + 1; end < sample->n && bits[end].part == bits[first].part; end++)
      for (size_t s = first; s < end; s++)
        rates->near +=
            (unsigned)__builtin_popcountll(bits[s].group ^ bits[end].group) < cut->n_parts;
    rates->share += (double)(end - first) * (double)(end - first - 1) / 2;
  }
}

/* Every so many groups, for there may be hundreds of parts, and all are much alike. */
static struct rates measure(const struct sample *sample, const struct kith_pigeon_cut *cut)
{
  struct rates rates = {0, 0};
  const uint32_t step = 1 + cut->n_groups * cut->n_parts / PARTS_MEASURED;
  uint32_t n_measured = 0;
  const uint32_t first = step / 2 < cut->n_groups ? step / 2 : 0;
  for (uint32_t group = first; group < cut->n_groups; group += step, n_measured++)
    for (uint32_t part = 0; part < cut->n_parts; part++)
      add_part(&rates, sample, cut, group, part);
  const double n_pairs = (double)sample->n * ((double)sample->n - 1) / 2;
  const double times = (double)cut->n_groups / n_measured;
  rates.share = (rates.share * times + 1) / n_pairs;
  rates.near = (rates.near * times + 1) / n_pairs;
  return rates;
}

struct join_search {
  const struct kith_plan_input *input;
  const struct sample *sample;
  double scan_cost;                             /* of two rows, where they are not joined */
  struct rates rates[KITH_SKETCH_BITS_MAX + 1]; /* by reach; share = 0: not known */
};

/* Rates rise smoothly with the reach: a few are measured, and the next of those is used. */
static struct rates rates_of(struct join_search *search, uint32_t reach)
{
  size_t n_bits = search->input->setting->n_words * 64;
  uint32_t step = reach < 32 ? 4 : reach < 128 ? 8 : 32;
  uint32_t rounded = (reach + step - 1) / step * step;
  if (rounded >= n_bits)
    rounded = (uint32_t)n_bits - 1;
  if (search->rates[rounded].share == 0) {
    struct kith_pigeon_cut cut = kith_pigeon_cut(n_bits, rounded);
    search->rates[rounded] = measure(search->sample, &cut);
  }
  return search->rates[rounded];
}

/* Rows are looked up all over both parties. */
static double meeting_cost(const struct kith_plan_input *input, double n_rows)
{
  const double bytes = n_rows * (double)input->setting->n_words * sizeof(uint64_t);
  const double far = bytes > CACHE_BYTES ? 1 - CACHE_BYTES / bytes : 0;
  return MEETING_COST + far * (FAR_MEETING_COST - MEETING_COST);
}

static double pairs_of(const struct kith_stratum *a, const struct kith_stratum *b, bool same)
{
  double n_a = a->end - a->first;
  double n_b = b->end - b->first;
  return same ? n_a * (n_a - 1) / 2 : n_a * n_b;
}

/* The cost of a pair of strata, joined or scanned; cut->n_parts: 0 for scanned. */
static double strata_cost(struct join_search *search, struct kith_pigeon_cut *cut,
                          const struct kith_stratum *a, const struct kith_stratum *b, bool same)
{
  const bool forced = search->input->options->method == KITH_ENGINE_PIGEONHOLE;
  const size_t n_bits = search->input->setting->n_words * 64;
  const double scan = search->scan_cost * pairs_of(a, b, same);
  const double n_a = (double)(a->end - a->first);
  const double n_b = (double)(b->end - b->first);
  const uint32_t reach = kith_pigeon_reach(search->input->setting, a, b);
  *cut = (struct kith_pigeon_cut){0};
  if (reach == UINT32_MAX || reach + 1 > n_bits / KITH_PIGEON_PART_BITS_MIN)
    return scan;
  const struct kith_pigeon_cut own = kith_pigeon_cut(n_bits, reach);
  const struct rates rates = rates_of(search, reach);
  double join = (n_a + n_b) * own.n_groups * own.n_parts * ROW_COST +
                n_a * n_b *
                    (rates.share * search->input->setting->kernel->near_cost +
                     rates.near * meeting_cost(search->input, n_a + n_b));
  if (join >= scan && !forced)
    return scan;
  *cut = own;
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
      struct kith_pigeon_cut *cells = NULL;
      if (!kith_engine_wants(input->options, input->n_parties, a, b) || !strata[a].n ||
          !strata[b].n)
        continue;
      if (plan &&
          !(cells = KITH_NEW_ARRAY(struct kith_pigeon_cut, (size_t)strata[a].n * strata[b].n)))
        return KITH_ERR_MEMORY;
      for (unsigned s = 0; s < strata[a].n; s++)
        for (unsigned t = a == b ? s : 0; t < strata[b].n; t++) {
          struct kith_pigeon_cut cut;
          bool same = a == b && s == t;
          *cost += strata_cost(search, &cut, &strata[a].items[s], &strata[b].items[t], same);
          pairs += pairs_of(&strata[a].items[s], &strata[b].items[t], same);
          *all_joined &= cut.n_parts > 0;
          if (cells)
            cells[s * strata[b].n + t] = cut;
          if (plan && cut.n_parts)
            plan->join = true;
        }
      if (plan)
        plan->joins[a * KITH_ENGINE_PARTIES_MAX + b].cuts = cells;
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

/* The number of count classes. */
static enum kith_err plan_join(struct kith_plan *plan, double *cost, bool *all_joined,
                               struct join_search *search)
{
  static const unsigned n_counts[] = {1, 2, 3, 4, 6, 8, 12, 16};
  unsigned best = 1;
  enum kith_err err = KITH_OK;
  *cost = HUGE_COST;
  for (size_t i = 0; i < KITH_COUNT_OF(n_counts) && !err; i++) {
    double own;
    bool all;
    cut_all(plan->strata, search->input, n_counts[i]);
    err = joins_cost(&own, &all, search, plan->strata, NULL);
    if (!err && own < *cost) {
      *cost = own;
      *all_joined = all;
      best = n_counts[i];
    }
  }
  if (!err)
    cut_all(plan->strata, search->input, best);
  return err;
}

/* ---- the whole */

/* What each way would cost, in cycles a pair of rows; 0: not reckoned. */
struct costs {
  double brute;
  double scan;
  double join;
};

static void say_why(struct kith_plan *plan, const struct costs *costs)
{
  char scan[64] = "brute force";
  char others[96] = "";
  size_t len = 0;
  if (plan->sieve)
    (void)snprintf(scan, sizeof scan, "sketches of %u groups", plan->sketch.n_groups);
  if (plan->join && plan->sieve)
    len += (size_t)snprintf(others, sizeof others, "; %s alone %.3f", scan, costs->scan);
  if (!plan->join && costs->join > 0)
    len += (size_t)snprintf(others, sizeof others, "; no pigeonhole join costs less");
  if (plan->join || plan->sieve)
    (void)snprintf(others + len, sizeof others - len, "; brute force %.3f", costs->brute);
  if (plan->join)
    (void)snprintf(plan->why, sizeof plan->why,
                   "pigeonhole join, what it leaves by %s: about %.3f cycles a pair%s", scan,
                   costs->join, others);
  else
    (void)snprintf(plan->why, sizeof plan->why, "%s: about %.3f cycles a pair%s", scan,
                   plan->sieve ? costs->scan : costs->brute, others);
}

/* Learning sketches for a scan takes its time, so the join is reckoned first: against the least
 * that a scan could cost, and, where that is not enough, against the best that it does. */
static enum kith_err make(struct kith_plan *plan, struct join_search *search,
                          struct kith_covariance *covariance)
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
    err = plan_join(plan, &join, &all_joined, search);
  if (!err && method != KITH_ENGINE_PIGEONHOLE && !(all_joined && join < scan * n)) {
    err = kith_covariance_new(covariance, input->parties, input->n_parties, input->order,
                              input->setting->kernel);
    if (!err)
      err = plan_scan(plan, &scan, input, search->sample, covariance);
    search->scan_cost = scan;
    if (!err && method != KITH_ENGINE_SKETCH)
      err = plan_join(plan, &join, &all_joined, search);
  }
  /* A scan of what some joins leave also passes over pairs that they have, where tiles overlap. */
  if (!err &&
      (method == KITH_ENGINE_PIGEONHOLE || join < (all_joined ? 1 : PARTLY_JOINED) * scan * n))
    err = joins_cost(&join, &all_joined, search, plan->strata, plan);
  if (!err)
    say_why(plan, &(struct costs){brute, scan, join < HUGE_COST ? join / n : 0});
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
    kith_free(plan->joins[i].cuts);
  memset(plan, 0, sizeof *plan);
}
