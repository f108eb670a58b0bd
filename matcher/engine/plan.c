#include "matcher/engine/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "matcher/engine/threads.h"

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
  PARTS_MEASURED = 24,
  CHAINS = 4096,
  CHAIN_SHIFT = 64 - 12
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

/* Sketches that threads learn beside one another. */
struct learning {
  const struct kith_task_setting *setting;
  const struct sample *sample;
  const struct kith_covariance *covariance;
  size_t n;
  unsigned n_groups[KITH_COUNT_OF(sizes)];
  struct kith_sketch sketches[KITH_COUNT_OF(sizes)];
  double rates[KITH_COUNT_OF(sizes)]; /* of pairs that pass */
  enum kith_err errs[KITH_COUNT_OF(sizes)];
};

static void learn_some(void *context, size_t first, size_t end)
{
  struct learning *of = context;
  for (size_t i = first; i < end; i++) {
    if (of->setting->stopped(of->setting->context)) {
      of->errs[i] = KITH_ERR_CANCELLED;
      continue;
    }
    of->errs[i] = kith_sketch_learn(&of->sketches[i], of->covariance, of->n_groups[i]);
    if (!of->errs[i])
      of->errs[i] = pass_rate(&of->rates[i], of->sample, &of->sketches[i], of->setting);
  }
}

/* Takes what is best so far; *more: more groups may be better still. The decision is the same
 * however many sketches were learned at a time. */
static enum kith_err weigh(struct kith_plan *plan, double *cost, bool *more,
                           const struct learning *of, bool only)
{
  for (size_t i = 0; i < of->n && *more; i++) {
    if (of->errs[i])
      return of->errs[i];
    double own = sieve_cost(of->setting, of->n_groups[i]);
    if (!only && own >= *cost)
      continue;
    own += of->setting->kernel->verify_cost * of->rates[i];
    if (!only && own >= *cost) {
      *more = !plan->sieve; /* more groups cost more, and what passes falls ever more slowly */
      continue;
    }
    plan->sieve = true;
    plan->sketch = of->sketches[i];
    *cost = own;
  }
  return KITH_OK;
}

/* Learns as many sizes at a time as there are threads; keeps the best. */
static enum kith_err plan_scan(struct kith_plan *plan, double *cost,
                               const struct kith_plan_input *input, const struct sample *sample,
                               const struct kith_covariance *covariance)
{
  const unsigned n_threads = input->options->n_threads;
  const bool forced = input->options->method == KITH_ENGINE_SKETCH;
  const unsigned fewest = covariance->n_bits / KITH_SKETCH_GROUP_BITS_MAX + 1;
  unsigned only = forced ? input->options->sketch_groups : 0;
  if (only && only < fewest)
    only = fewest;
  struct learning *of = KITH_NEW(struct learning);
  if (!of)
    return KITH_ERR_MEMORY;
  *of = (struct learning){.setting = input->setting, .sample = sample, .covariance = covariance};
  *cost = forced ? 1e9 : brute_cost(input->setting);
  enum kith_err err = KITH_OK;
  bool more = true;
  for (size_t i = 0; more && !err && i < (only ? 1 : KITH_COUNT_OF(sizes));) {
    for (of->n = 0; of->n < n_threads && i < (only ? 1 : KITH_COUNT_OF(sizes)); i++)
      if (only || (sizes[i] >= fewest && sieve_cost(input->setting, sizes[i]) < *cost))
        of->n_groups[of->n++] = only ? only : sizes[i];
    kith_engine_parallel(n_threads, of->n, 1, learn_some, of);
    err = weigh(plan, cost, &more, of, only > 0);
  }
  kith_free(of);
  return err;
}

/* ---- the join */

/* Of all pairs of rows: how many share a bucket, and how many of these are near in the group, both
 * summed over all parts. */
struct rates {
  double share;
  double near;
};

/* The same as numbers of pairs of sampled rows, of one group. */
struct tally {
  uint64_t share;
  uint64_t near;
};

static struct kith_pigeon_span at_most_a_word(struct kith_pigeon_span span)
{
  return (struct kith_pigeon_span){span.first,
                                   span.end - span.first > 64 ? span.first + 64 : span.end};
}

/* Rows that have the same in a part stand in one chain of a hash table. */
static void add_part(struct tally *tally, const struct sample *sample,
                     const struct kith_pigeon_cut *cut, uint32_t group, uint32_t part)
{
  uint64_t of_part[JOIN_SAMPLE];
  uint64_t of_group[JOIN_SAMPLE];
  uint16_t next[JOIN_SAMPLE] = {0};
  uint16_t heads[CHAINS] = {0}; /* a row's number and 1 */
  const struct kith_pigeon_span group_span = at_most_a_word(kith_pigeon_group(cut, group));
  const struct kith_pigeon_span part_span = at_most_a_word(kith_pigeon_part(cut, group, part));
  for (size_t s = 0; s < sample->n; s++) {
    of_part[s] = kith_pigeon_bits(sample->rows[s], part_span);
    of_group[s] = kith_pigeon_bits(sample->rows[s], group_span);
    uint16_t *head = &heads[of_part[s] * UINT64_C(0x9e3779b97f4a7c15) >> CHAIN_SHIFT];
    for (size_t other = *head; other; other = next[other - 1]) {
      if (of_part[other - 1] != of_part[s])
        continue;
      tally->share++;
      tally->near +=
          (unsigned)__builtin_popcountll(of_group[other - 1] ^ of_group[s]) < cut->n_parts;
    }
    next[s] = *head;
    *head = (uint16_t)(s + 1);
  }
}

struct join_search {
  const struct kith_plan_input *input;
  const struct sample *sample;
  double scan_cost;                             /* of two rows, where they are not joined */
  bool wanted[KITH_SKETCH_BITS_MAX + 1];        /* by reach: some strata have it */
  struct rates rates[KITH_SKETCH_BITS_MAX + 1]; /* by reach; share = 0: not measured */
};

/* Rates rise smoothly with the reach: a few are measured, and the next of those is used. */
static uint32_t measured_reach(const struct join_search *search, uint32_t reach)
{
  const size_t n_bits = search->input->setting->n_words * 64;
  const uint32_t step = reach < 32 ? 4 : reach < 128 ? 8 : 32;
  const uint32_t rounded = (reach + step - 1) / step * step;
  return rounded < n_bits ? rounded : (uint32_t)n_bits - 1;
}

static bool may_join(const struct join_search *search, uint32_t reach)
{
  return reach != UINT32_MAX &&
         reach + 1 <= search->input->setting->n_words * 64 / KITH_PIGEON_PART_BITS_MIN;
}

/* Every so many groups, for there may be hundreds of parts, and all are much alike. */
static uint32_t group_step(const struct kith_pigeon_cut *cut)
{
  return 1 + cut->n_groups * cut->n_parts / PARTS_MEASURED;
}

static uint32_t first_group(const struct kith_pigeon_cut *cut)
{
  return group_step(cut) / 2 < cut->n_groups ? group_step(cut) / 2 : 0;
}

/* Groups to measure, of all reaches. */
struct measuring {
  const struct sample *sample;
  size_t n;
  struct measuring_item {
    uint32_t reach;
    uint32_t group;
    struct kith_pigeon_cut cut;
    struct tally tally;
  } * items; /* owned */
};

static void measure_some(void *context, size_t first, size_t end)
{
  const struct measuring *of = context;
  for (size_t i = first; i < end; i++) {
    struct measuring_item *item = &of->items[i];
    for (uint32_t part = 0; part < item->cut.n_parts; part++)
      add_part(&item->tally, of->sample, &item->cut, item->group, part);
  }
}

static void sum_rates(struct join_search *search, const struct measuring *of)
{
  const double n_pairs = (double)of->sample->n * ((double)of->sample->n - 1) / 2;
  for (size_t first = 0, end; first < of->n; first = end) {
    struct tally sum = {0, 0};
    const struct measuring_item *item = &of->items[first];
    for (end = first; end < of->n && of->items[end].reach == item->reach; end++) {
      sum.share += of->items[end].tally.share;
      sum.near += of->items[end].tally.near;
    }
    const double times = (double)item->cut.n_groups / (double)(end - first);
    search->rates[item->reach] = (struct rates){((double)sum.share * times + 1) / n_pairs,
                                                ((double)sum.near * times + 1) / n_pairs};
  }
}

/* The rates of all reaches that are wanted. */
static enum kith_err measure(struct join_search *search)
{
  const size_t n_bits = search->input->setting->n_words * 64;
  struct measuring of = {.sample = search->sample};
  of.items = KITH_NEW_ARRAY(struct measuring_item, KITH_COUNT_OF(search->wanted) * PARTS_MEASURED);
  if (!of.items)
    return KITH_ERR_MEMORY;
  for (uint32_t reach = 0; reach < KITH_COUNT_OF(search->wanted); reach++) {
    if (!search->wanted[reach] || search->rates[reach].share > 0)
      continue;
    const struct kith_pigeon_cut cut = kith_pigeon_cut(n_bits, reach);
    for (uint32_t group = first_group(&cut); group < cut.n_groups; group += group_step(&cut))
      of.items[of.n++] = (struct measuring_item){.reach = reach, .group = group, .cut = cut};
  }
  kith_engine_parallel(search->input->options->n_threads, of.n, 1, measure_some, &of);
  sum_rates(search, &of);
  kith_free(of.items);
  return KITH_OK;
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
static double strata_cost(const struct join_search *search, struct kith_pigeon_cut *cut,
                          const struct kith_stratum *a, const struct kith_stratum *b, bool same)
{
  const bool forced = search->input->options->method == KITH_ENGINE_PIGEONHOLE;
  const size_t n_bits = search->input->setting->n_words * 64;
  const double scan = search->scan_cost * pairs_of(a, b, same);
  const double n_a = (double)(a->end - a->first);
  const double n_b = (double)(b->end - b->first);
  const uint32_t reach = kith_pigeon_reach(search->input->setting, a, b);
  *cut = (struct kith_pigeon_cut){0};
  if (!may_join(search, reach))
    return scan;
  const struct kith_pigeon_cut own = kith_pigeon_cut(n_bits, reach);
  const struct rates rates = search->rates[measured_reach(search, reach)];
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

static const unsigned n_counts[] = {1, 2, 3, 4, 6, 8, 12, 16};

/* The reaches of two parties' strata. */
static void want_reaches(struct join_search *search, const struct kith_strata *a,
                         const struct kith_strata *b)
{
  for (unsigned s = 0; s < a->n; s++)
    for (unsigned t = 0; t < b->n; t++) {
      const uint32_t reach = kith_pigeon_reach(search->input->setting, &a->items[s], &b->items[t]);
      if (may_join(search, reach))
        search->wanted[measured_reach(search, reach)] = true;
    }
}

static enum kith_err measure_all(struct join_search *search, struct kith_strata *strata)
{
  const struct kith_plan_input *input = search->input;
  for (size_t i = 0; i < KITH_COUNT_OF(n_counts); i++) {
    cut_all(strata, input, n_counts[i]);
    for (unsigned a = 0; a < input->n_parties; a++)
      for (unsigned b = a; b < input->n_parties; b++)
        if (kith_engine_wants(input->options, input->n_parties, a, b))
          want_reaches(search, &strata[a], &strata[b]);
  }
  return measure(search);
}

/* The number of count classes. */
static enum kith_err plan_join(struct kith_plan *plan, double *cost, bool *all_joined,
                               struct join_search *search)
{
  unsigned best = 1;
  enum kith_err err = measure_all(search, plan->strata);
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
                              input->setting->kernel, input->options->n_threads);
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
