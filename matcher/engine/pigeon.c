#include "matcher/engine/pigeon.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

enum {
  STRATUM_SHARE = 64,     /* a mask of fewer than 1 in 64 rows is left to the scan */
  MEETINGS_MAX = 1 << 12, /* gathered before rows are compared */
  FETCH_AHEAD = 16,       /* meetings */
  LOOKUPS = 32,           /* of buckets at a time */
  ROWS_A_LOOK = 1 << 12,  /* between looks at the flag that stops */
  BUCKET_BITS_MIN = 6
};

/* ---- strata */

static void add_strata(struct kith_strata *out, struct kith_pack *pack, size_t first_class,
                       size_t end_class, unsigned n_counts)
{
  uint32_t first = pack->classes[first_class].first;
  uint32_t n = pack->classes[end_class].first - first;
  size_t at = first_class;
  for (unsigned k = 1; k <= n_counts && at < end_class; k++) {
    struct kith_stratum stratum = {.first = pack->classes[at].first,
                                   .mask = pack->classes[at].mask};
    uint32_t goal = first + (uint32_t)((uint64_t)n * k / n_counts);
    for (; at < end_class && (pack->classes[at].first < goal || k == n_counts); at++) {
      stratum.count_max = pack->classes[at].count;
      pack->classes[at].stratum = (uint16_t)out->n;
    }
    stratum.end = pack->classes[at].first;
    if (stratum.end > stratum.first)
      out->items[out->n++] = stratum;
  }
}

void kith_strata_cut(struct kith_strata *out, struct kith_pack *pack, unsigned n_counts)
{
  out->n = 0;
  for (size_t c = 0; c < pack->n_classes; c++)
    pack->classes[c].stratum = KITH_PACK_NO_STRATUM;
  for (size_t first = 0, end; first < pack->n_classes; first = end) {
    for (end = first; end < pack->n_classes; end++)
      if (pack->classes[end].mask != pack->classes[first].mask)
        break;
    size_t n = pack->classes[end].first - pack->classes[first].first;
    if (n * STRATUM_SHARE >= pack->n_rows && out->n + n_counts <= KITH_PIGEON_STRATA_MAX)
      add_strata(out, pack, first, end, n_counts);
  }
}

/* The most bits in which rows of at most so many set bits can differ. At the least c, a + b - 2c
 * grows with a and with b, since a line rises by at most 1 for each two of them; rounded up to
 * whole bits, it may be 1 more just below. */
static uint32_t reach(const struct kith_similarity_line *line, uint32_t count_a, uint32_t count_b)
{
  uint32_t least = kith_similarity_line_at(line, count_a, count_b);
  return count_a + count_b > 2 * least ? count_a + count_b - 2 * least + 1 : 1;
}

static struct kith_similarity_line line_of(const struct kith_task_setting *setting,
                                           const struct kith_stratum *a,
                                           const struct kith_stratum *b)
{
  struct kith_similarity_pattern pattern =
      kith_similarity_pattern(&setting->similarity, a->mask, b->mask);
  return kith_similarity_line(&pattern, setting->bound);
}

uint32_t kith_pigeon_reach(const struct kith_task_setting *setting, const struct kith_stratum *a,
                           const struct kith_stratum *b)
{
  struct kith_similarity_line line = line_of(setting, a, b);
  return line.never ? UINT32_MAX : reach(&line, a->count_max, b->count_max);
}

/* ---- parts */

struct kith_pigeon_cut kith_pigeon_cut(size_t n_bits, uint32_t reach)
{
  struct kith_pigeon_cut cut = {.n_bits = (uint32_t)n_bits};
  const uint32_t n_words = (uint32_t)(n_bits / 64);
  cut.n_parts = (reach + 1) / n_words >= 2 ? (reach + 1) / n_words : 2;
  cut.n_groups = (reach + cut.n_parts) / cut.n_parts;
  return cut;
}

struct kith_pigeon_span kith_pigeon_group(const struct kith_pigeon_cut *cut, uint32_t group)
{
  return (struct kith_pigeon_span){cut->n_bits * group / cut->n_groups,
                                   cut->n_bits * (group + 1) / cut->n_groups};
}

struct kith_pigeon_span kith_pigeon_part(const struct kith_pigeon_cut *cut, uint32_t group,
                                         uint32_t part)
{
  const struct kith_pigeon_span whole = kith_pigeon_group(cut, group);
  const uint32_t n = whole.end - whole.first;
  return (struct kith_pigeon_span){whole.first + n * part / cut->n_parts,
                                   whole.first + n * (part + 1) / cut->n_parts};
}

static uint32_t bits_apart(const uint64_t *a, const uint64_t *b, struct kith_pigeon_span span)
{
  uint32_t n = 0;
  for (uint32_t first = span.first; first < span.end; first += 64) {
    struct kith_pigeon_span piece = {first, span.end - first > 64 ? first + 64 : span.end};
    n += (uint32_t)__builtin_popcountll(kith_pigeon_bits(a, piece) ^ kith_pigeon_bits(b, piece));
  }
  return n;
}

/* Whether this is the group and the part that report the pair: the first group with fewer
 * differing bits than parts, and in it the first part without any. */
static bool reports(const uint64_t *a, const uint64_t *b, const struct kith_pigeon_task *task,
                    uint32_t own_part)
{
  const struct kith_pigeon_cut *cut = &task->cut;
  for (uint32_t group = 0; group <= task->group; group++)
    if ((bits_apart(a, b, kith_pigeon_group(cut, group)) < cut->n_parts) != (group == task->group))
      return false;
  for (uint32_t part = 0; part <= own_part; part++)
    if ((bits_apart(a, b, kith_pigeon_part(cut, task->group, part)) == 0) != (part == own_part))
      return false;
  return true;
}

/* ---- a worker's memory */

static size_t buckets_of(size_t n_rows)
{
  size_t n = (size_t)1 << BUCKET_BITS_MIN;
  while (n < n_rows && n < KITH_PIGEON_BUCKETS_MAX)
    n *= 2;
  return n;
}

size_t kith_pigeon_worker_bytes(size_t n_rows)
{
  return (buckets_of(n_rows) + 2) * sizeof(uint32_t) +
         n_rows * (2 * sizeof(uint32_t) + 3 * sizeof(uint64_t)) + MEETINGS_MAX * sizeof(uint64_t);
}

static void side_free(struct kith_pigeon_side *side, size_t n_rows)
{
  kith_free(side->starts);
  kith_free(side->positions);
  kith_free_wiped(side->words, n_rows * sizeof side->words[0]);
  kith_free_wiped(side->group, n_rows * sizeof side->group[0]);
}

static enum kith_err side_new(struct kith_pigeon_side *out, size_t n_rows)
{
  out->starts = KITH_NEW_ARRAY(uint32_t, buckets_of(n_rows) + 2);
  out->positions = KITH_NEW_ARRAY(uint32_t, n_rows);
  out->words = KITH_NEW_ARRAY(uint64_t, n_rows);
  out->group = KITH_NEW_ARRAY(uint64_t, n_rows);
  return out->starts && out->positions && out->words && out->group ? KITH_OK : KITH_ERR_MEMORY;
}

enum kith_err kith_pigeon_worker_new(struct kith_pigeon_worker *out, size_t n_rows)
{
  struct kith_pigeon_worker worker = {.n_rows = n_rows};
  worker.found = KITH_NEW_ARRAY(uint32_t, n_rows + 1);
  worker.group_a = KITH_NEW_ARRAY(uint64_t, n_rows);
  worker.meetings = KITH_NEW_ARRAY(uint64_t, MEETINGS_MAX);
  if (!worker.found || !worker.group_a || !worker.meetings || side_new(&worker.b, n_rows)) {
    kith_pigeon_worker_free(&worker);
    return KITH_ERR_MEMORY;
  }
  *out = worker;
  return KITH_OK;
}

void kith_pigeon_worker_free(struct kith_pigeon_worker *worker)
{
  side_free(&worker->b, worker->n_rows);
  kith_free_wiped(worker->group_a, worker->n_rows * sizeof worker->group_a[0]);
  kith_free(worker->found);
  kith_free(worker->meetings);
  memset(worker, 0, sizeof *worker);
}

/* ---- the join */

struct join {
  struct kith_pigeon_worker *worker;
  struct kith_task_worker *results;
  const struct kith_task_setting *setting;
  const struct kith_pigeon_task *task;
  struct kith_similarity_line line;
  uint32_t part;    /* of the group */
  uint64_t mask;    /* of the part's bits in the group's word: the key */
  size_t n_buckets; /* a power of two */
  unsigned shift;   /* of a hash: what is left tells the bucket */
};

static struct kith_pigeon_span at_most_a_word(struct kith_pigeon_span span)
{
  return (struct kith_pigeon_span){span.first,
                                   span.end - span.first > 64 ? span.first + 64 : span.end};
}

/* The bits of a part in the word that has its group's first 64. */
static uint64_t part_mask(const struct kith_pigeon_cut *cut, uint32_t group, uint32_t part)
{
  const uint32_t first = kith_pigeon_group(cut, group).first;
  const struct kith_pigeon_span span = kith_pigeon_part(cut, group, part);
  const uint64_t below_end =
      span.end - first < 64 ? (UINT64_C(1) << (span.end - first)) - 1 : UINT64_MAX;
  return span.first - first < 64 ? below_end & ~((UINT64_C(1) << (span.first - first)) - 1) : 0;
}

/* Fibonacci hashing: the high bits. */
static inline uint32_t bucket_of(const struct join *join, uint64_t word)
{
  uint64_t key = word & join->mask;
  return (uint32_t)(((key ^ key >> 29) * UINT64_C(0x9e3779b97f4a7c15)) >> (join->shift & 63));
}

static void fill_group(uint64_t *words, const struct kith_pack *pack,
                       const struct kith_stratum *stratum, struct kith_pigeon_span group)
{
  const size_t n = stratum->end - stratum->first;
  const uint64_t *rows = kith_pack_words(pack, stratum->first);
  for (size_t i = 0; i < n; i++)
    words[i] = kith_pigeon_bits(rows + i * pack->n_words, group);
}

/* A counting sort by bucket: rows starts[k] .. starts[k + 1] are those of bucket k. */
static void fill_buckets(const struct join *join, struct kith_pigeon_side *side,
                         const struct kith_stratum *stratum)
{
  const size_t n = stratum->end - stratum->first;
  uint32_t *starts = side->starts;
  memset(starts, 0, (join->n_buckets + 2) * sizeof starts[0]);
  for (size_t i = 0; i < n; i++)
    starts[bucket_of(join, side->group[i]) + 2]++;
  for (size_t k = 2; k < join->n_buckets + 2; k++)
    starts[k] += starts[k - 1];
  for (size_t i = 0; i < n; i++) {
    uint32_t at = starts[bucket_of(join, side->group[i]) + 1]++;
    side->positions[at] = stratum->first + (uint32_t)i;
    side->words[at] = side->group[i];
  }
}

static void fetch(const struct kith_pack *pack, uint32_t position)
{
  const uint64_t *row = kith_pack_words(pack, position);
  __builtin_prefetch(&pack->class_of[position]);
  __builtin_prefetch(row);
  if (pack->n_words > 16) /* half a row is more than a cache line */
    __builtin_prefetch(row + 8);
}

/* Compares the rows of the meetings. */
static enum kith_err judge_meetings(struct join *join)
{
  const struct kith_pigeon_task *task = join->task;
  const uint64_t *meetings = join->worker->meetings;
  const size_t n = join->worker->n_meetings;
  join->worker->n_meetings = 0;
  for (size_t m = 0; m < n; m++) {
    if (m + FETCH_AHEAD < n) {
      uint64_t ahead = meetings[m + FETCH_AHEAD];
      fetch(task->a, (uint32_t)(ahead >> 32));
      fetch(task->b, (uint32_t)ahead);
    }
    const size_t at_a = meetings[m] >> 32;
    const size_t at_b = (uint32_t)meetings[m];
    const uint64_t *a = kith_pack_words(task->a, at_a);
    const uint64_t *b = kith_pack_words(task->b, at_b);
    const uint32_t count_a = kith_pack_class_at(task->a, at_a)->count;
    const uint32_t count_b = kith_pack_class_at(task->b, at_b)->count;
    const uint32_t least = kith_similarity_line_at(&join->line, count_a, count_b);
    const uint32_t most = count_a + count_b - 2 * least;
    if (least > count_a || least > count_b)
      continue;
    const uint32_t apart = kith_task_apart(join->setting, a, b, most);
    if (apart > most || !reports(a, b, task, join->part))
      continue;
    const struct kith_task_meeting meeting = {.a = task->a,
                                              .b = task->b,
                                              .party_a = task->party_a,
                                              .party_b = task->party_b,
                                              .at_a = at_a,
                                              .at_b = at_b,
                                              .common = (count_a + count_b - apart) / 2};
    enum kith_err err = kith_task_judge(join->results, join->setting, &meeting);
    if (err)
      return err;
  }
  return KITH_OK;
}

/* The rows of b in [first, end) that are near row i of the stratum of a in the group. */
static enum kith_err meet(struct join *join, uint32_t i, uint32_t first, uint32_t end)
{
  struct kith_pigeon_worker *worker = join->worker;
  const struct kith_pigeon_task *task = join->task;
  const uint32_t at_a = task->from.first + i;
  size_t n = join->setting->kernel->near(worker->group_a[i], worker->b.words + first, end - first,
                                         task->cut.n_parts - 1, worker->found);
  for (size_t f = 0; f < n; f++) {
    uint32_t at_b = worker->b.positions[first + worker->found[f]];
    if (task->a == task->b && at_b <= at_a)
      continue;
    worker->meetings[worker->n_meetings++] = (uint64_t)at_a << 32 | at_b;
    enum kith_err err = worker->n_meetings == MEETINGS_MAX ? judge_meetings(join) : KITH_OK;
    if (err)
      return err;
  }
  return KITH_OK;
}

/* Rows of a look their buckets up, some at a time, so that memory is asked for before it is
 * needed. */
static enum kith_err join_some(struct join *join, uint32_t first, uint32_t n)
{
  const struct kith_pigeon_side *b = &join->worker->b;
  uint32_t buckets[LOOKUPS];
  uint32_t starts[LOOKUPS];
  uint32_t ends[LOOKUPS];
  enum kith_err err = KITH_OK;
  for (uint32_t i = 0; i < n; i++) {
    buckets[i] = bucket_of(join, join->worker->group_a[first + i]);
    __builtin_prefetch(b->starts + buckets[i]);
  }
  for (uint32_t i = 0; i < n; i++) {
    starts[i] = b->starts[buckets[i]];
    ends[i] = b->starts[buckets[i] + 1];
    if (ends[i] > starts[i])
      __builtin_prefetch(b->words + starts[i]);
  }
  for (uint32_t i = 0; i < n && !err; i++)
    if (ends[i] > starts[i])
      err = meet(join, first + i, starts[i], ends[i]);
  return err;
}

/* Rows [first, end) of the stratum of a. */
static enum kith_err join_rows(struct join *join, uint32_t first, uint32_t end)
{
  enum kith_err err = KITH_OK;
  for (uint32_t i = first; i < end && !err; i += LOOKUPS) {
    err = join_some(join, i, end - i < LOOKUPS ? end - i : LOOKUPS);
    if ((i - first) % ROWS_A_LOOK == 0 && join->setting->stopped(join->setting->context))
      err = KITH_ERR_CANCELLED;
  }
  return err ? err : judge_meetings(join);
}

/* Whether nothing of these steps of the group is left to do. */
static bool is_done(const struct join *join, size_t first, size_t end)
{
  while (first < end &&
         join->setting->is_done(join->setting->context, join->task->group_step + first))
    first++;
  return first == end;
}

/* The steps of the part among those of the task. */
static enum kith_err join_part(struct join *join)
{
  const struct kith_task_setting *setting = join->setting;
  const struct kith_pigeon_task *task = join->task;
  const size_t part_step = (size_t)join->part * KITH_PIGEON_STEPS;
  const size_t part_end = part_step + KITH_PIGEON_STEPS;
  const uint64_t n = task->from.end - task->from.first;
  size_t step = task->first > part_step ? task->first : part_step;
  const size_t end = task->end < part_end ? task->end : part_end;
  enum kith_err err = KITH_OK;
  if (step >= end || is_done(join, step, end))
    return KITH_OK;
  join->mask = part_mask(&task->cut, task->group, join->part);
  fill_buckets(join, &join->worker->b, &task->to);
  for (; step < end && !err; step++) {
    const size_t of_run = task->group_step + step;
    const size_t slice = step - part_step;
    if (setting->is_done(setting->context, of_run))
      continue;
    join->results->step = of_run;
    err = join_rows(join, (uint32_t)(n * slice / KITH_PIGEON_STEPS),
                    (uint32_t)(n * (slice + 1) / KITH_PIGEON_STEPS));
    if (!err)
      err = setting->done(setting->context, join->results, of_run);
  }
  return err;
}

enum kith_err kith_pigeon_run(struct kith_pigeon_worker *worker, struct kith_task_worker *results,
                              const struct kith_task_setting *setting,
                              const struct kith_pigeon_task *task)
{
  const struct kith_pigeon_span group = at_most_a_word(kith_pigeon_group(&task->cut, task->group));
  struct join join = {.worker = worker,
                      .results = results,
                      .setting = setting,
                      .task = task,
                      .line = line_of(setting, &task->from, &task->to),
                      .n_buckets = buckets_of(task->to.end - task->to.first),
                      .shift = 64};
  for (size_t n = join.n_buckets; n > 1; n /= 2)
    join.shift--;
  assert(join.shift < 64); /* there are at least two buckets */
  worker->n_meetings = 0;
  if (is_done(&join, task->first, task->end))
    return KITH_OK;
  fill_group(worker->b.group, task->b, &task->to, group);
  fill_group(worker->group_a, task->a, &task->from, group);
  enum kith_err err = KITH_OK;
  for (join.part = 0; join.part < task->cut.n_parts && !err; join.part++)
    err = join_part(&join);
  return err;
}
