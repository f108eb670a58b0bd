#include "matcher/engine/task.h"

#include <string.h>

#include "base/mem.h"
#include "matcher/engine/pigeon.h"

enum {
  LANES = KITH_KERNEL_LANES,
  QUERIES = KITH_KERNEL_QUERIES,
  UNIT = KITH_KERNEL_UNIT,
  UNIT_BLOCKS = UNIT / LANES
};

static size_t clamp(size_t value, size_t min, size_t max)
{
  return value < min ? min : value > max ? max : value;
}

void kith_task_setting_sizes(struct kith_task_setting *setting, size_t n_words)
{
  size_t quad_bytes = n_words * KITH_KERNEL_QUAD_WORDS * sizeof(uint64_t);
  size_t block_bytes = n_words * LANES * sizeof(uint64_t);
  setting->n_words = n_words;
  setting->chunk_quads = clamp(KITH_TASK_BYTES / quad_bytes, 1, KITH_TASK_QUADS_MAX);
  setting->tile_blocks = clamp(KITH_TASK_BYTES / block_bytes / UNIT_BLOCKS, 1,
                               KITH_TASK_TILE_BLOCKS_MAX / UNIT_BLOCKS) *
                         UNIT_BLOCKS;
}

uint64_t kith_task_pairs(size_t first_a, size_t end_a, size_t first_b, size_t end_b, bool within)
{
  uint64_t n = 0;
  if (first_a >= end_a || first_b >= end_b)
    return 0;
  if (!within || first_b >= end_a)
    return (uint64_t)(end_a - first_a) * (end_b - first_b);
  for (size_t i = first_a; i < end_a; i++) {
    size_t from = i + 1 > first_b ? i + 1 : first_b;
    n += from < end_b ? end_b - from : 0;
  }
  return n;
}

uint64_t kith_task_comparisons(const struct kith_task *task)
{
  size_t end =
      task->end_block * LANES < task->b->n_rows ? task->end_block * LANES : task->b->n_rows;
  return kith_task_pairs(task->first_row, task->end_row, task->first_block * LANES, end,
                         task->a == task->b);
}

/* ---- a worker's memory */

static size_t sieve_bytes(const struct kith_task_setting *setting)
{
  size_t rows = setting->tile_blocks * LANES;
  if (!setting->sieve)
    return 0;
  return (KITH_TASK_SLOTS + 1) * rows +
         setting->chunk_quads * KITH_SKETCH_GROUPS_MAX * QUERIES * sizeof(uint32_t) +
         rows * QUERIES * sizeof(struct kith_kernel_candidate);
}

size_t kith_task_worker_bytes(const struct kith_task_setting *setting)
{
  return sieve_bytes(setting) +
         setting->chunk_quads * setting->n_words * KITH_KERNEL_QUAD_WORDS * sizeof(uint64_t) +
         (KITH_TASK_SLOTS + 1) * setting->tile_blocks * sizeof(uint64_t) +
         setting->tile_blocks * LANES *
             (sizeof(struct kith_task_segment) + sizeof(struct kith_similarity_line) +
              QUERIES * sizeof(struct kith_kernel_hit)) +
         KITH_TASK_PAIRS * sizeof(struct kith_pair);
}

static enum kith_err add_sieve(struct kith_task_worker *worker,
                               const struct kith_task_setting *setting)
{
  size_t rows = setting->tile_blocks * LANES;
  if (!setting->sieve)
    return KITH_OK;
  worker->starts = kith_calloc_aligned(KITH_KERNEL_ALIGNMENT, (KITH_TASK_SLOTS + 1) * rows, 1);
  worker->counts =
      KITH_NEW_ARRAY(uint32_t, setting->chunk_quads * KITH_SKETCH_GROUPS_MAX * QUERIES);
  worker->candidates = KITH_NEW_ARRAY(struct kith_kernel_candidate, rows * QUERIES);
  return worker->starts && worker->counts && worker->candidates ? KITH_OK : KITH_ERR_MEMORY;
}

enum kith_err kith_task_worker_new(struct kith_task_worker *out,
                                   const struct kith_task_setting *setting)
{
  struct kith_task_worker worker = {0};
  worker.quads_bytes =
      setting->chunk_quads * setting->n_words * KITH_KERNEL_QUAD_WORDS * sizeof(uint64_t);
  worker.quads = kith_calloc_aligned(KITH_KERNEL_ALIGNMENT, worker.quads_bytes, 1);
  worker.thresholds = kith_calloc((KITH_TASK_SLOTS + 1) * setting->tile_blocks, sizeof(uint64_t));
  worker.segments = KITH_NEW_ARRAY(struct kith_task_segment, setting->tile_blocks * LANES + 1);
  worker.lines = KITH_NEW_ARRAY(struct kith_similarity_line, setting->tile_blocks * LANES);
  worker.hits = KITH_NEW_ARRAY(struct kith_kernel_hit, setting->tile_blocks * LANES * QUERIES);
  worker.pairs = KITH_NEW_ARRAY(struct kith_pair, KITH_TASK_PAIRS);
  if (!worker.quads || !worker.thresholds || !worker.segments || !worker.lines || !worker.hits ||
      !worker.pairs || add_sieve(&worker, setting)) {
    kith_task_worker_free(&worker);
    return KITH_ERR_MEMORY;
  }
  uint64_t *never = worker.thresholds + KITH_TASK_SLOTS * setting->tile_blocks;
  for (size_t k = 0; k < setting->tile_blocks; k++)
    never[k] = KITH_KERNEL_NEVER;
  *out = worker;
  return KITH_OK;
}

void kith_task_worker_free(struct kith_task_worker *worker)
{
  kith_free_wiped(worker->quads, worker->quads_bytes);
  kith_free(worker->thresholds);
  kith_free(worker->segments);
  kith_free(worker->lines);
  kith_free(worker->hits);
  kith_free(worker->pairs);
  kith_free(worker->starts);
  kith_free(worker->counts);
  kith_free(worker->candidates);
  memset(worker, 0, sizeof *worker);
}

enum kith_err kith_task_worker_flush(struct kith_task_worker *worker,
                                     const struct kith_task_setting *setting)
{
  size_t n = worker->n_pairs;
  worker->n_pairs = 0;
  return n > 0 ? setting->flush(setting->context, worker->step, worker->pairs, n) : KITH_OK;
}

/* ---- thresholds */

/* A tile: blocks of b, cut into segments. */
struct tile {
  size_t first_block;
  size_t end_block;
  size_t n_rows;
  size_t n_segments;
};

/* What one class of queries needs of a tile. */
struct need {
  uint32_t class_a;
  bool valid;
  const uint64_t *thresholds; /* per block of the tile: the least that any of its rows needs */
  size_t first_block;         /* of the tile: blocks that can have hits at all */
  size_t end_block;
  uint8_t *start; /* sieve: minus what a row needs, modulo 256 */
  uint8_t window; /* sieve: the most by which a row's sum can pass its need */
};

struct scan_state {
  struct need needs[KITH_TASK_SLOTS]; /* by slot */
  unsigned latest;                    /* slot of the query before */
  uint16_t mask;                      /* of the queries that the worker's lines are for */
  bool has_lines;
};

static void cut_tile(struct tile *tile, struct kith_task_segment *segments,
                     const struct kith_pack *b)
{
  size_t end_row = tile->end_block * LANES < b->n_rows ? tile->end_block * LANES : b->n_rows;
  uint32_t run = 0;
  size_t n = 0;
  for (size_t row = tile->first_block * LANES; row < end_row; row++) {
    const struct kith_pack_class *class = &b->classes[b->class_of[row]];
    bool new_run = n > 0 && class->mask != segments[n - 1].mask;
    run += new_run;
    if (new_run || row % LANES == 0)
      segments[n++] = (struct kith_task_segment){
          .block = (uint32_t)(row / LANES - tile->first_block),
          .run = run,
          .first_row = (uint32_t)(row - tile->first_block * LANES),
          .count_min = class->count,
          .mask = class->mask,
      };
    segments[n - 1].count_max = class->count; /* counts rise within a mask */
  }
  tile->n_rows = end_row - tile->first_block * LANES;
  tile->n_segments = n;
  segments[n].first_row = (uint32_t)tile->n_rows;
}

/* One line for each pair of masks: there all the weights come down to two slopes. */
static void find_lines(struct scan_state *state, struct kith_task_worker *worker,
                       const struct kith_task_setting *setting, const struct tile *tile,
                       uint16_t mask_a)
{
  if (state->has_lines && state->mask == mask_a)
    return;
  state->has_lines = true;
  state->mask = mask_a;
  for (size_t s = 0; s < tile->n_segments; s++) {
    const struct kith_task_segment *segment = &worker->segments[s];
    if (s > 0 && segment->run == segment[-1].run)
      continue;
    struct kith_similarity_pattern pattern =
        kith_similarity_pattern(&setting->similarity, mask_a, segment->mask);
    worker->lines[segment->run] = kith_similarity_line(&pattern, setting->bound);
  }
}

/* Needs rise with counts, so the first row of a segment needs least: one evaluation a segment,
 * not one a row. */
static void find_need(struct need *need, uint64_t *thresholds,
                      const struct kith_task_worker *worker, const struct tile *tile,
                      uint32_t class_a, uint32_t count_a)
{
  size_t n_blocks = tile->end_block - tile->first_block;
  *need = (struct need){.class_a = class_a, .valid = true, .thresholds = thresholds};
  need->first_block = n_blocks;
  for (size_t k = 0; k < n_blocks; k++)
    thresholds[k] = KITH_KERNEL_NEVER;
  for (size_t s = 0; s < tile->n_segments; s++) {
    const struct kith_task_segment *segment = &worker->segments[s];
    const struct kith_similarity_line *line = &worker->lines[segment->run];
    uint32_t least = kith_similarity_line_at(line, count_a, segment->count_min);
    if (line->never || least > count_a || least > segment->count_max)
      continue;
    if (least < thresholds[segment->block])
      thresholds[segment->block] = least;
    if (segment->block < need->first_block)
      need->first_block = segment->block;
    need->end_block = segment->block + 1;
  }
}

/* The same for the sieve. With d = the sum of a row's sketch less its set bits, a pair that
 * has `least` bits in common has at least least + d_a / 2 + d_b / 2 in common once inverted, and at
 * most (count_a + count_b + d_a + d_b) / 2: the window is the difference. Rows of a segment
 * that can't match pass or not, and are dropped later. */
static void find_starts(struct need *need, uint8_t *start, const struct kith_task_worker *worker,
                        const struct tile *tile, const uint8_t *halves, uint32_t count_a)
{
  uint32_t window = 0;
  for (size_t s = 0; s < tile->n_segments; s++) {
    const struct kith_task_segment *segment = &worker->segments[s];
    uint32_t least =
        kith_similarity_line_at(&worker->lines[segment->run], count_a, segment->count_min);
    uint32_t half = (count_a + segment->count_max) / 2 + 2;
    if (half > least + window)
      window = half - least;
    for (size_t row = segment->first_row; row < segment[1].first_row; row++)
      start[row] = (uint8_t)(0u - least - halves[row]);
  }
  need->start = start;
  need->window = (uint8_t)(window < 255 ? window : 255);
}

/* ---- hits */

static enum kith_err add_pair(struct kith_task_worker *worker,
                              const struct kith_task_setting *setting, const struct kith_pair *pair)
{
  worker->pairs[worker->n_pairs++] = *pair;
  return worker->n_pairs == KITH_TASK_PAIRS ? kith_task_worker_flush(worker, setting) : KITH_OK;
}

enum kith_err kith_task_judge(struct kith_task_worker *worker,
                              const struct kith_task_setting *setting,
                              const struct kith_task_meeting *meeting)
{
  const struct kith_pack_class *a = kith_pack_class_at(meeting->a, meeting->at_a);
  const struct kith_pack_class *b = kith_pack_class_at(meeting->b, meeting->at_b);
  struct kith_similarity_pattern pattern =
      kith_similarity_pattern(&setting->similarity, a->mask, b->mask);
  struct kith_pair pair = {
      .row_a = meeting->a->rows[meeting->at_a],
      .row_b = meeting->b->rows[meeting->at_b],
      .party_a = meeting->party_a,
      .party_b = meeting->party_b,
      .common = meeting->common,
      .count_a = a->count,
      .count_b = b->count,
      .similarity = kith_similarity_fraction(&pattern, meeting->common, a->count, b->count),
  };
  if (!kith_fraction_reaches(pair.similarity, setting->bound))
    return KITH_OK;
  if (meeting->a == meeting->b && pair.row_b < pair.row_a) {
    struct kith_pair swapped = pair;
    swapped.row_a = pair.row_b;
    swapped.row_b = pair.row_a;
    swapped.count_a = pair.count_b;
    swapped.count_b = pair.count_a;
    pair = swapped;
  }
  return add_pair(worker, setting, &pair);
}

/* Whether the pigeonhole join sees to pairs of the two classes. */
static bool classes_joined(const struct kith_task *task, size_t class_a, size_t class_b)
{
  if (!task->joined)
    return false;
  const uint16_t a = task->a->classes[class_a].stratum;
  const uint16_t b = task->b->classes[class_b].stratum;
  return a != KITH_PACK_NO_STRATUM && b != KITH_PACK_NO_STRATUM &&
         task->joined[a * task->n_strata_b + b].n_parts != 0;
}

/* A hit reached the threshold of its block; here the row itself is judged. */
static enum kith_err judge_hit(struct kith_task_worker *worker,
                               const struct kith_task_setting *setting,
                               const struct kith_task *task, size_t at_a, size_t at_b,
                               uint32_t common)
{
  if (at_b >= task->b->n_rows || (task->a == task->b && at_b <= at_a) ||
      classes_joined(task, task->a->class_of[at_a], task->b->class_of[at_b]))
    return KITH_OK;
  const struct kith_task_meeting meeting = {.a = task->a,
                                            .b = task->b,
                                            .party_a = task->party_a,
                                            .party_b = task->party_b,
                                            .at_a = at_a,
                                            .at_b = at_b,
                                            .common = common};
  return kith_task_judge(worker, setting, &meeting);
}

/* ---- the scan */

/* The need of the query's class; rows are sorted by class, so it is mostly the one before. A quad
 * has at most four classes, one of them possibly the latest: eight slots never clash. */
static const struct need *need_of(struct scan_state *state, struct kith_task_worker *worker,
                                  const struct kith_task_setting *setting,
                                  const struct kith_task *task, const struct tile *tile,
                                  size_t at_a)
{
  uint32_t class_a = task->a->class_of[at_a];
  const struct need *latest = &state->needs[state->latest];
  if (latest->valid && latest->class_a == class_a)
    return latest;
  state->latest = (state->latest + 1) % KITH_TASK_SLOTS;
  const struct kith_pack_class *query = &task->a->classes[class_a];
  find_lines(state, worker, setting, tile, query->mask);
  find_need(&state->needs[state->latest], worker->thresholds + state->latest * setting->tile_blocks,
            worker, tile, class_a, query->count);
  if (setting->sieve)
    find_starts(&state->needs[state->latest],
                worker->starts + state->latest * setting->tile_blocks * LANES, worker, tile,
                task->b->halves + tile->first_block * LANES, query->count);
  return &state->needs[state->latest];
}

/* Looks at the candidates that the sieve leaves. Rows and queries beyond the last are among them.
 */
static size_t verify(struct kith_task_worker *worker, const struct kith_task_setting *setting,
                     const struct kith_task *task, const struct tile *tile,
                     const struct kith_kernel_scan *scan, size_t at_a, size_t n_candidates)
{
  size_t n = 0;
  for (size_t c = 0; c < n_candidates; c++) {
    const struct kith_kernel_candidate *candidate = &worker->candidates[c];
    if (candidate->row >= tile->n_rows || at_a + candidate->query >= task->end_row)
      continue;
    const size_t own = at_a + candidate->query;
    const size_t other = tile->first_block * LANES + candidate->row;
    const uint32_t sum =
        kith_pack_class_at(task->a, own)->count + kith_pack_class_at(task->b, other)->count;
    const uint64_t least = scan->thresholds[candidate->query][candidate->row / LANES];
    if (2 * least > sum)
      continue;
    const uint32_t most = sum - 2 * (uint32_t)least;
    const uint32_t apart = kith_task_apart(setting, kith_pack_words(task->a, own),
                                           kith_pack_words(task->b, other), most);
    if (apart <= most)
      worker->hits[n++] =
          (struct kith_kernel_hit){candidate->row, candidate->query, (sum - apart) / 2};
  }
  return n;
}

static size_t sieve_quad(struct kith_task_worker *worker, const struct kith_task_setting *setting,
                         const struct kith_task *task, const struct tile *tile,
                         const struct kith_kernel_scan *scan, const struct need *const *needs,
                         size_t quad)
{
  const size_t at_a = task->first_row + quad * QUERIES;
  struct kith_kernel_sieve sieve = {
      .queries = worker->counts + quad * task->b->n_groups * QUERIES,
      .sketches = task->b->sketches +
                  tile->first_block / UNIT_BLOCKS * task->b->n_groups * KITH_KERNEL_UNIT,
      .n_groups = task->b->n_groups,
      .first_unit = scan->first_block / UNIT_BLOCKS,
      .end_unit = (scan->end_block + UNIT_BLOCKS - 1) / UNIT_BLOCKS,
  };
  for (size_t i = 0; i < QUERIES; i++) {
    const struct need *need = needs[i];
    sieve.start[i] =
        need ? need->start : worker->starts + KITH_TASK_SLOTS * setting->tile_blocks * LANES;
    sieve.window[i] = need ? need->window : 0;
    sieve.shift[i] = need ? task->a->halves[at_a + i] : 0;
  }
  size_t n_candidates = setting->kernel->sieve(&sieve, worker->candidates);
  return verify(worker, setting, task, tile, scan, at_a, n_candidates);
}

/* The chunk's sketches, each count four times over in a word. */
static void fill_counts(struct kith_task_worker *worker, const struct kith_task *task)
{
  const struct kith_pack *a = task->a;
  size_t n_quads = (task->end_row - task->first_row + QUERIES - 1) / QUERIES;
  memset(worker->counts, 0, n_quads * a->n_groups * QUERIES * sizeof worker->counts[0]);
  for (size_t at = task->first_row; at < task->end_row; at++) {
    size_t i = at - task->first_row;
    const uint8_t *sketch = kith_pack_sketch(a, at);
    uint32_t *counts = worker->counts + i / QUERIES * a->n_groups * QUERIES + i % QUERIES;
    for (size_t g = 0; g < a->n_groups; g++)
      counts[g * QUERIES] = UINT32_C(0x01010101) * sketch[g * UNIT];
  }
}

static enum kith_err scan_quad(struct scan_state *state, struct kith_task_worker *worker,
                               const struct kith_task_setting *setting,
                               const struct kith_task *task, const struct tile *tile, size_t quad)
{
  const size_t at_a = task->first_row + quad * QUERIES;
  const size_t quad_words = setting->n_words * KITH_KERNEL_QUAD_WORDS;
  struct kith_kernel_scan scan = {
      .queries = worker->quads + quad * quad_words,
      .blocks =
          setting->sieve ? NULL : task->b->blocks + tile->first_block * setting->n_words * LANES,
      .n_words = setting->n_words,
      .first_block = SIZE_MAX,
      .end_block = 0,
  };
  const struct need *needs[QUERIES] = {NULL};
  for (size_t i = 0; i < QUERIES; i++) {
    scan.thresholds[i] = worker->thresholds + KITH_TASK_SLOTS * setting->tile_blocks;
    if (at_a + i >= task->end_row)
      continue;
    const struct need *need = need_of(state, worker, setting, task, tile, at_a + i);
    needs[i] = need;
    scan.thresholds[i] = need->thresholds;
    if (need->first_block < scan.first_block)
      scan.first_block = need->first_block;
    if (need->end_block > scan.end_block)
      scan.end_block = need->end_block;
  }
  if (task->a == task->b && (at_a + 1) / LANES > tile->first_block + scan.first_block)
    scan.first_block = (at_a + 1) / LANES - tile->first_block;
  if (scan.first_block >= scan.end_block)
    return KITH_OK;
  size_t n_hits = setting->sieve ? sieve_quad(worker, setting, task, tile, &scan, needs, quad)
                                 : setting->kernel->scan(&scan, worker->hits);
  for (size_t h = 0; h < n_hits; h++) {
    const struct kith_kernel_hit *hit = &worker->hits[h];
    enum kith_err err = judge_hit(worker, setting, task, at_a + hit->query,
                                  tile->first_block * LANES + hit->row, hit->common);
    if (err)
      return err;
  }
  return KITH_OK;
}

static enum kith_err scan_tile(struct kith_task_worker *worker,
                               const struct kith_task_setting *setting,
                               const struct kith_task *task, struct tile *tile)
{
  cut_tile(tile, worker->segments, task->b);
  struct scan_state state = {0};
  size_t n_quads = (task->end_row - task->first_row + QUERIES - 1) / QUERIES;
  for (size_t quad = 0; quad < n_quads; quad++) {
    if (setting->stopped(setting->context))
      return KITH_ERR_CANCELLED;
    enum kith_err err = scan_quad(&state, worker, setting, task, tile, quad);
    if (err)
      return err;
  }
  return KITH_OK;
}

/* Whether joins see to all pairs of the chunk and the tile. */
static bool tile_is_joined(const struct kith_task *task, const struct tile *tile)
{
  const size_t end = tile->end_block * LANES;
  const size_t last_b = (end < task->b->n_rows ? end : task->b->n_rows) - 1;
  if (!task->joined)
    return false;
  for (size_t a = task->a->class_of[task->first_row]; a <= task->a->class_of[task->end_row - 1];
       a++)
    for (size_t b = task->b->class_of[tile->first_block * LANES]; b <= task->b->class_of[last_b];
         b++)
      if (!classes_joined(task, a, b))
        return false;
  return true;
}

enum kith_err kith_task_run(struct kith_task_worker *worker,
                            const struct kith_task_setting *setting, const struct kith_task *task)
{
  const size_t quad_words = setting->n_words * KITH_KERNEL_QUAD_WORDS;
  if (kith_task_comparisons(task) == 0)
    return KITH_OK;
  for (size_t at = task->first_row, quad = 0; !setting->sieve && at < task->end_row;
       at += QUERIES, quad++)
    kith_pack_quad(task->a, worker->quads + quad * quad_words, at, task->end_row);
  if (setting->sieve)
    fill_counts(worker, task);
  for (size_t k = task->first_block; k < task->end_block; k += setting->tile_blocks) {
    struct tile tile = {.first_block = k, .end_block = k + setting->tile_blocks};
    if (tile.end_block > task->end_block)
      tile.end_block = task->end_block;
    if (task->a == task->b && tile.end_block * LANES <= task->first_row + 1)
      continue;
    if (tile_is_joined(task, &tile))
      continue;
    enum kith_err err = scan_tile(worker, setting, task, &tile);
    if (err)
      return err;
  }
  return KITH_OK;
}
