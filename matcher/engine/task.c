#include "matcher/engine/task.h"

#include <string.h>

#include "base/mem.h"

enum { LANES = KITH_KERNEL_LANES, QUERIES = KITH_KERNEL_QUERIES };

static size_t clamp(size_t value, size_t min, size_t max)
{
  return value < min ? min : value > max ? max : value;
}

void kith_task_setting_sizes(struct kith_task_setting *setting, size_t n_words)
{
  size_t quad_bytes = n_words * KITH_KERNEL_QUAD_WORDS * sizeof(uint64_t);
  size_t block_bytes = n_words * LANES * sizeof(uint64_t);
  setting->n_words = n_words;
  setting->chunk_quads = clamp(KITH_TASK_BYTES / (quad_bytes + 1), 1, KITH_TASK_QUADS_MAX);
  setting->tile_blocks = clamp(KITH_TASK_BYTES / (block_bytes + 1), 2, KITH_TASK_TILE_BLOCKS_MAX);
}

uint64_t kith_task_comparisons(const struct kith_task *task)
{
  size_t first = task->first_block * LANES;
  size_t end =
      task->end_block * LANES < task->b->n_rows ? task->end_block * LANES : task->b->n_rows;
  uint64_t n = 0;
  if (task->a != task->b || first >= task->end_row)
    return (uint64_t)(task->end_row - task->first_row) * (end - first);
  for (size_t i = task->first_row; i < task->end_row; i++) {
    size_t from = i + 1 > first ? i + 1 : first;
    n += from < end ? end - from : 0;
  }
  return n;
}

/* ---- a worker's memory */

size_t kith_task_worker_bytes(const struct kith_task_setting *setting)
{
  return setting->chunk_quads * setting->n_words * KITH_KERNEL_QUAD_WORDS * sizeof(uint64_t) +
         (KITH_TASK_SLOTS + 1) * setting->tile_blocks * sizeof(uint64_t) +
         setting->tile_blocks * LANES * QUERIES * sizeof(struct kith_kernel_hit) +
         KITH_TASK_PAIRS * sizeof(struct kith_pair);
}

enum kith_err kith_task_worker_new(struct kith_task_worker *out,
                                   const struct kith_task_setting *setting)
{
  struct kith_task_worker worker = {0};
  worker.quads = kith_calloc_aligned(
      KITH_KERNEL_ALIGNMENT, setting->chunk_quads * setting->n_words * KITH_KERNEL_QUAD_WORDS,
      sizeof(uint64_t));
  worker.thresholds = kith_calloc((KITH_TASK_SLOTS + 1) * setting->tile_blocks, sizeof(uint64_t));
  worker.hits = KITH_NEW_ARRAY(struct kith_kernel_hit, setting->tile_blocks * LANES * QUERIES);
  worker.pairs = KITH_NEW_ARRAY(struct kith_pair, KITH_TASK_PAIRS);
  if (!worker.quads || !worker.thresholds || !worker.hits || !worker.pairs) {
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
  kith_free(worker->quads);
  kith_free(worker->thresholds);
  kith_free(worker->hits);
  kith_free(worker->pairs);
  memset(worker, 0, sizeof *worker);
}

enum kith_err kith_task_worker_flush(struct kith_task_worker *worker,
                                     const struct kith_task_setting *setting)
{
  size_t n = worker->n_pairs;
  worker->n_pairs = 0;
  return n > 0 ? setting->flush(setting->context, worker->pairs, n) : KITH_OK;
}

/* ---- thresholds */

/* A tile: blocks of b, and the classes of rows in it. */
struct tile {
  size_t first_block;
  size_t end_block;
  size_t first_class;
  size_t end_class;
};

/* What one class of queries needs of a tile. */
struct need {
  uint32_t class_a;
  bool valid;
  const uint64_t *thresholds; /* per block of the tile: the least that any of its rows needs */
  size_t first_block;         /* of the tile: blocks that can have hits at all */
  size_t end_block;
};

/* All of a class's rows need the same, so the cost is one search a class, not one a row. Within
 * a mask, counts and needs rise together: each search starts from the one before. */
static void find_need(struct need *need, uint64_t *thresholds,
                      const struct kith_task_setting *setting, const struct kith_task *task,
                      const struct tile *tile, uint32_t class_a)
{
  const struct kith_pack_class *query = &task->a->classes[class_a];
  size_t n_blocks = tile->end_block - tile->first_block;
  struct kith_similarity_pattern pattern = {0};
  uint32_t hint = 0;
  *need = (struct need){class_a, true, thresholds, n_blocks, 0};
  for (size_t k = 0; k < n_blocks; k++)
    thresholds[k] = KITH_KERNEL_NEVER;
  for (size_t c = tile->first_class; c < tile->end_class; c++) {
    const struct kith_pack_class *rows = &task->b->classes[c];
    if (c == tile->first_class || rows->mask != rows[-1].mask) {
      pattern = kith_similarity_pattern(&setting->similarity, query->mask, rows->mask);
      hint = 0;
    }
    uint32_t least =
        kith_similarity_min_common(&pattern, setting->bound, query->count, rows->count, hint);
    if (least == KITH_SIMILARITY_NEVER)
      continue;
    hint = least;
    size_t first = rows->first / LANES;
    size_t last = (rows[1].first - 1) / LANES;
    first = first > tile->first_block ? first - tile->first_block : 0;
    last = last < tile->end_block ? last - tile->first_block : n_blocks - 1;
    for (size_t k = first; k <= last; k++)
      if (least < thresholds[k])
        thresholds[k] = least;
    if (first < need->first_block)
      need->first_block = first;
    if (last + 1 > need->end_block)
      need->end_block = last + 1;
  }
}

/* ---- hits */

static enum kith_err add_pair(struct kith_task_worker *worker,
                              const struct kith_task_setting *setting, const struct kith_pair *pair)
{
  worker->pairs[worker->n_pairs++] = *pair;
  return worker->n_pairs == KITH_TASK_PAIRS ? kith_task_worker_flush(worker, setting) : KITH_OK;
}

/* A hit reached the threshold of its block; here the row itself is judged. */
static enum kith_err judge(struct kith_task_worker *worker, const struct kith_task_setting *setting,
                           const struct kith_task *task, size_t at_a, size_t at_b, uint32_t common)
{
  if (at_b >= task->b->n_rows || (task->a == task->b && at_b <= at_a))
    return KITH_OK;
  const struct kith_pack_class *a = &task->a->classes[task->a->class_of[at_a]];
  const struct kith_pack_class *b = &task->b->classes[task->b->class_of[at_b]];
  struct kith_similarity_pattern pattern =
      kith_similarity_pattern(&setting->similarity, a->mask, b->mask);
  struct kith_pair pair = {
      .row_a = task->a->rows[at_a],
      .row_b = task->b->rows[at_b],
      .party_a = task->party_a,
      .party_b = task->party_b,
      .common = common,
      .count_a = a->count,
      .count_b = b->count,
      .similarity = kith_similarity_fraction(&pattern, common, a->count, b->count),
  };
  if (!kith_fraction_reaches(pair.similarity, setting->bound))
    return KITH_OK;
  if (task->a == task->b && pair.row_b < pair.row_a) {
    struct kith_pair swapped = pair;
    swapped.row_a = pair.row_b;
    swapped.row_b = pair.row_a;
    swapped.count_a = pair.count_b;
    swapped.count_b = pair.count_a;
    pair = swapped;
  }
  return add_pair(worker, setting, &pair);
}

/* ---- the scan */

struct scan_state {
  struct need needs[KITH_TASK_SLOTS]; /* by slot */
  unsigned latest;                    /* slot of the query before */
};

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
  find_need(&state->needs[state->latest], worker->thresholds + state->latest * setting->tile_blocks,
            setting, task, tile, class_a);
  return &state->needs[state->latest];
}

static enum kith_err scan_quad(struct scan_state *state, struct kith_task_worker *worker,
                               const struct kith_task_setting *setting,
                               const struct kith_task *task, const struct tile *tile, size_t quad)
{
  const size_t at_a = task->first_row + quad * QUERIES;
  const size_t quad_words = setting->n_words * KITH_KERNEL_QUAD_WORDS;
  struct kith_kernel_scan scan = {
      .queries = worker->quads + quad * quad_words,
      .blocks = task->b->blocks + tile->first_block * setting->n_words * LANES,
      .n_words = setting->n_words,
      .first_block = SIZE_MAX,
      .end_block = 0,
  };
  for (size_t i = 0; i < QUERIES; i++) {
    scan.thresholds[i] = worker->thresholds + KITH_TASK_SLOTS * setting->tile_blocks;
    if (at_a + i >= task->end_row)
      continue;
    const struct need *need = need_of(state, worker, setting, task, tile, at_a + i);
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
  size_t n_hits = setting->kernel->scan(&scan, worker->hits);
  for (size_t h = 0; h < n_hits; h++) {
    const struct kith_kernel_hit *hit = &worker->hits[h];
    enum kith_err err = judge(worker, setting, task, at_a + hit->query,
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
  size_t last_row =
      tile->end_block * LANES < task->b->n_rows ? tile->end_block * LANES - 1 : task->b->n_rows - 1;
  tile->first_class = task->b->class_of[tile->first_block * LANES];
  tile->end_class = (size_t)task->b->class_of[last_row] + 1;
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

enum kith_err kith_task_run(struct kith_task_worker *worker,
                            const struct kith_task_setting *setting, const struct kith_task *task)
{
  const size_t quad_words = setting->n_words * KITH_KERNEL_QUAD_WORDS;
  if (kith_task_comparisons(task) == 0)
    return KITH_OK;
  for (size_t at = task->first_row, quad = 0; at < task->end_row; at += QUERIES, quad++)
    kith_pack_quad(task->a, worker->quads + quad * quad_words, at, task->end_row);
  for (size_t k = task->first_block; k < task->end_block; k += setting->tile_blocks) {
    struct tile tile = {.first_block = k, .end_block = k + setting->tile_blocks};
    if (tile.end_block > task->end_block)
      tile.end_block = task->end_block;
    if (task->a == task->b && tile.end_block * LANES <= task->first_row + 1)
      continue;
    enum kith_err err = scan_tile(worker, setting, task, &tile);
    if (err)
      return err;
  }
  return KITH_OK;
}
