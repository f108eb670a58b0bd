#include "matcher/engine/pigeon.h"

#include <string.h>

#include "base/mem.h"

enum {
  STRATUM_SHARE = 64,     /* a mask of fewer than 1 in 64 rows is left to the scan */
  QUERIES_AT_ONCE = 32,   /* looked up together, so that memory is fetched ahead */
  MEETINGS_MAX = 1 << 12, /* gathered before rows are compared */
  FETCH_AHEAD = 8,        /* meetings */
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

struct kith_pigeon_part kith_pigeon_part(size_t n_bits, uint32_t n_parts, uint32_t part)
{
  return (struct kith_pigeon_part){(uint32_t)(n_bits * part / n_parts),
                                   (uint32_t)(n_bits * (part + 1) / n_parts)};
}

static bool part_agrees(const uint64_t *a, const uint64_t *b, struct kith_pigeon_part part)
{
  for (uint32_t first = part.first; first < part.end; first += 64) {
    uint32_t end = part.end - first > 64 ? first + 64 : part.end;
    struct kith_pigeon_part piece = {first, end};
    if (kith_pigeon_key(a, piece) != kith_pigeon_key(b, piece))
      return false;
  }
  return true;
}

/* Whether this is the part that reports the pair. */
static bool first_agreement(const uint64_t *a, const uint64_t *b, size_t n_bits,
                            const struct kith_pigeon_task *task)
{
  if (!part_agrees(a, b, kith_pigeon_part(n_bits, task->n_parts, task->part)))
    return false; /* two keys in one bucket */
  for (uint32_t part = 0; part < task->part; part++)
    if (part_agrees(a, b, kith_pigeon_part(n_bits, task->n_parts, part)))
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

size_t kith_pigeon_worker_bytes(size_t n_rows, unsigned near_width)
{
  return (buckets_of(n_rows) + 2) * sizeof(uint32_t) +
         n_rows * (3 * sizeof(uint32_t) + near_width) + KITH_KERNEL_ALIGNMENT +
         MEETINGS_MAX * sizeof(uint64_t);
}

enum kith_err kith_pigeon_worker_new(struct kith_pigeon_worker *out, size_t n_rows,
                                     unsigned near_width)
{
  struct kith_pigeon_worker worker = {0};
  worker.starts = KITH_NEW_ARRAY(uint32_t, buckets_of(n_rows) + 2);
  worker.keys = KITH_NEW_ARRAY(uint32_t, n_rows);
  worker.positions = KITH_NEW_ARRAY(uint32_t, n_rows);
  worker.near = kith_calloc(n_rows * near_width + KITH_KERNEL_ALIGNMENT, 1);
  worker.found = KITH_NEW_ARRAY(uint32_t, n_rows + 1);
  worker.meetings = KITH_NEW_ARRAY(uint64_t, MEETINGS_MAX);
  if (!worker.starts || !worker.keys || !worker.positions || !worker.near || !worker.found ||
      !worker.meetings) {
    kith_pigeon_worker_free(&worker);
    return KITH_ERR_MEMORY;
  }
  *out = worker;
  return KITH_OK;
}

void kith_pigeon_worker_free(struct kith_pigeon_worker *worker)
{
  kith_free(worker->starts);
  kith_free(worker->keys);
  kith_free(worker->positions);
  kith_free(worker->near);
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
  struct kith_pigeon_part part; /* at most 64 bits of it: the key */
  unsigned shift;               /* of a hash: what is left tells the bucket */
  unsigned width;               /* of a sketch, bytes */
};

static inline uint32_t bucket_of(const struct join *join, const struct kith_pack *pack,
                                 size_t position)
{
  uint64_t key = kith_pigeon_key(kith_pack_words(pack, position), join->part);
  key = (key ^ key >> 29) * UINT64_C(0x9e3779b97f4a7c15); /* Fibonacci hashing: the high bits */
  return (uint32_t)(key >> join->shift);
}

/* memcpy of a length that the compiler knows. */
static inline void copy_sketch(uint8_t *to, const uint8_t *from, unsigned width)
{
  if (width == 8)
    memcpy(to, from, 8);
  else if (width == 16)
    memcpy(to, from, 16);
  else
    memcpy(to, from, 32);
}

/* A counting sort of b's rows by bucket: starts[k] .. starts[k + 1] are those of bucket k. */
static void fill_buckets(struct join *join)
{
  struct kith_pigeon_worker *worker = join->worker;
  const struct kith_pigeon_task *task = join->task;
  const size_t n = task->to.end - task->to.first;
  const size_t n_buckets = buckets_of(n);
  uint32_t *starts = worker->starts;
  memset(starts, 0, (n_buckets + 2) * sizeof starts[0]);
  for (size_t i = 0; i < n; i++) {
    worker->keys[i] = bucket_of(join, task->b, task->to.first + i);
    starts[worker->keys[i] + 2]++;
  }
  for (size_t k = 2; k < n_buckets + 2; k++)
    starts[k] += starts[k - 1];
  for (size_t i = 0; i < n; i++) {
    size_t position = task->to.first + i;
    uint32_t at = starts[worker->keys[i] + 1]++;
    worker->positions[at] = (uint32_t)position;
    copy_sketch(worker->near + (size_t)at * join->width, task->b->near + position * join->width,
                join->width);
  }
}

/* Compares the rows of the meetings. */
static enum kith_err judge_meetings(struct join *join)
{
  const struct kith_pigeon_task *task = join->task;
  const size_t n_words = join->setting->n_words;
  const uint64_t *meetings = join->worker->meetings;
  const size_t n = join->worker->n_meetings;
  join->worker->n_meetings = 0;
  for (size_t m = 0; m < n; m++) {
    if (m + FETCH_AHEAD < n) {
      uint64_t ahead = meetings[m + FETCH_AHEAD];
      __builtin_prefetch(kith_pack_words(task->a, ahead >> 32));
      __builtin_prefetch(kith_pack_words(task->b, (uint32_t)ahead));
    }
    const size_t at_a = meetings[m] >> 32;
    const size_t at_b = (uint32_t)meetings[m];
    const uint64_t *a = kith_pack_words(task->a, at_a);
    const uint64_t *b = kith_pack_words(task->b, at_b);
    uint32_t common = join->setting->kernel->common(a, b, n_words);
    if (common < kith_similarity_line_at(&join->line, kith_pack_class_at(task->a, at_a)->count,
                                         kith_pack_class_at(task->b, at_b)->count) ||
        !first_agreement(a, b, n_words * 64, task))
      continue;
    const struct kith_task_meeting meeting = {.a = task->a,
                                              .b = task->b,
                                              .party_a = task->party_a,
                                              .party_b = task->party_b,
                                              .at_a = at_a,
                                              .at_b = at_b,
                                              .common = common};
    enum kith_err err = kith_task_judge(join->results, join->setting, &meeting);
    if (err)
      return err;
  }
  return KITH_OK;
}

/* Rows of the bucket whose sketches are near enough to the query's. */
static enum kith_err meet(struct join *join, size_t at_a, uint32_t first, uint32_t end)
{
  struct kith_pigeon_worker *worker = join->worker;
  const struct kith_pigeon_task *task = join->task;
  uint32_t most = reach(&join->line, kith_pack_class_at(task->a, at_a)->count, task->to.count_max);
  size_t n = join->setting->kernel->near(task->a->near + at_a * join->width,
                                         worker->near + (size_t)first * join->width, end - first,
                                         join->width, most, worker->found);
  for (size_t i = 0; i < n; i++) {
    uint32_t at_b = worker->positions[first + worker->found[i]];
    if (task->a == task->b && at_b <= at_a)
      continue;
    worker->meetings[worker->n_meetings++] = (uint64_t)at_a << 32 | at_b;
    enum kith_err err = worker->n_meetings == MEETINGS_MAX ? judge_meetings(join) : KITH_OK;
    if (err)
      return err;
  }
  return KITH_OK;
}

static enum kith_err look_up(struct join *join, size_t first, size_t n)
{
  const struct kith_pigeon_worker *worker = join->worker;
  uint32_t buckets[QUERIES_AT_ONCE];
  enum kith_err err = KITH_OK;
  for (size_t i = 0; i < n; i++) {
    buckets[i] = bucket_of(join, join->task->a, first + i);
    __builtin_prefetch(&worker->starts[buckets[i]]);
  }
  for (size_t i = 0; i < n; i++) {
    uint32_t start = worker->starts[buckets[i]];
    if (worker->starts[buckets[i] + 1] > start)
      __builtin_prefetch(worker->near + (size_t)start * join->width);
  }
  for (size_t i = 0; i < n && !err; i++) {
    uint32_t start = worker->starts[buckets[i]];
    uint32_t end = worker->starts[buckets[i] + 1];
    if (end > start)
      err = meet(join, first + i, start, end);
  }
  return err;
}

enum kith_err kith_pigeon_run(struct kith_pigeon_worker *worker, struct kith_task_worker *results,
                              const struct kith_task_setting *setting,
                              const struct kith_pigeon_task *task)
{
  struct join join = {.worker = worker,
                      .results = results,
                      .setting = setting,
                      .task = task,
                      .line = line_of(setting, &task->from, &task->to),
                      .part = kith_pigeon_part(setting->n_words * 64, task->n_parts, task->part),
                      .shift = 64,
                      .width = task->b->near_width};
  for (size_t n = buckets_of(task->to.end - task->to.first); n > 1; n /= 2)
    join.shift--;
  if (join.part.end - join.part.first > 64)
    join.part.end = join.part.first + 64;
  worker->n_meetings = 0;
  fill_buckets(&join);
  enum kith_err err = KITH_OK;
  for (size_t at = task->from.first; at < task->from.end && !err; at += QUERIES_AT_ONCE) {
    size_t rest = task->from.end - at;
    if (at % ROWS_A_LOOK < QUERIES_AT_ONCE && setting->stopped(setting->context))
      err = KITH_ERR_CANCELLED;
    else
      err = look_up(&join, at, rest < QUERIES_AT_ONCE ? rest : QUERIES_AT_ONCE);
  }
  return err ? err : judge_meetings(&join);
}
