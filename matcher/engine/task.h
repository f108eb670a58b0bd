/* One task: a chunk of rows of one party against a range of blocks of another (or the same). */
#ifndef KITH_MATCHER_ENGINE_TASK_H
#define KITH_MATCHER_ENGINE_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "matcher/engine/engine.h"
#include "matcher/engine/kernel.h"
#include "matcher/engine/pack.h"

enum {
  KITH_TASK_BYTES = 256 * 1024, /* of a chunk's quads, and of a tile: both stay in the L2 cache */
  KITH_TASK_QUADS_MAX = 256,
  KITH_TASK_TILE_BLOCKS_MAX = 256,
  KITH_TASK_TILES = 8,   /* of a range */
  KITH_TASK_SLOTS = 8,   /* thresholds of the latest classes of queries */
  KITH_TASK_PAIRS = 4096 /* gathered before they are handed on */
};

struct kith_task_worker;

/* What all tasks of a run share. */
struct kith_task_setting {
  struct kith_similarity similarity;
  struct kith_ratio bound;
  const struct kith_kernel *kernel;
  size_t n_words;
  size_t chunk_quads; /* of four rows */
  size_t tile_blocks; /* of eight rows; a multiple of eight of them */
  bool sieve;         /* the packs have sketches: drop what these can, then look at the rest */
  /* Hands pairs on; may be called from several threads. */
  enum kith_err (*flush)(void *context, size_t step, const struct kith_pair *pairs, size_t n);
  /* True where the work should stop. */
  bool (*stopped)(void *context);
  /* Whether a step of a unit was done by an earlier run, and that it is done now: `worker` has the
   * pairs that are not yet flushed. */
  bool (*is_done)(void *context, size_t step);
  enum kith_err (*done)(void *context, struct kith_task_worker *worker, size_t step);
  void *context;
};

void kith_task_setting_sizes(struct kith_task_setting *setting, size_t n_words);

struct kith_pigeon_cut;

struct kith_task {
  const struct kith_pack *a;
  const struct kith_pack *b; /* a == b: within, only positions of b after those of a */
  uint8_t party_a;
  uint8_t party_b;
  size_t first_row; /* positions in a, end_row excluded */
  size_t end_row;
  size_t first_block; /* of b, end_block excluded */
  size_t end_block;
  /* Pairs of strata that the pigeonhole join sees to, those with parts: stratum of a x
   * n_strata_b + stratum of b; NULL: none. */
  const struct kith_pigeon_cut *joined;
  size_t n_strata_b;
};

/* The pairs of positions of [first_a, end_a) and [first_b, end_b); within a party those of which
 * the second comes after the first. */
uint64_t kith_task_pairs(size_t first_a, size_t end_a, size_t first_b, size_t end_b, bool within);
/* The pairs of rows that a task has, those that are joined included. */
uint64_t kith_task_comparisons(const struct kith_task *task);

/* The rows of one mask in one block of a tile. */
struct kith_task_segment {
  uint32_t block;     /* of the tile */
  uint32_t run;       /* which of the tile's masks, in order */
  uint32_t first_row; /* of the tile; the next segment's is its end */
  uint32_t count_min;
  uint32_t count_max;
  uint16_t mask;
};

/* One thread's memory. Life: kith_task_worker_new, kith_task_run for each task, then
 * kith_task_worker_flush once, kith_task_worker_free. */
struct kith_task_worker {
  uint64_t *quads;
  size_t quads_bytes;
  uint64_t *thresholds; /* KITH_TASK_SLOTS + 1 arrays of tile_blocks; the last never reached */
  struct kith_task_segment *segments; /* of the tile; at most one a row */
  struct kith_similarity_line *lines; /* by run, for the latest mask of queries */
  struct kith_kernel_hit *hits;
  uint8_t *starts;  /* sieve: KITH_TASK_SLOTS + 1 arrays, a byte for each row of the tile */
  uint32_t *counts; /* sieve: the chunk's sketches, as kith_kernel_sieve has them */
  struct kith_kernel_candidate *candidates; /* sieve */
  struct kith_pair *pairs;
  size_t n_pairs;
  size_t step; /* of the run, that the pairs are of */
};
KITH_MUST_USE enum kith_err kith_task_worker_new(struct kith_task_worker *out,
                                                 const struct kith_task_setting *setting);
void kith_task_worker_free(struct kith_task_worker *worker);
size_t kith_task_worker_bytes(const struct kith_task_setting *setting);

KITH_MUST_USE enum kith_err kith_task_run(struct kith_task_worker *worker,
                                          const struct kith_task_setting *setting,
                                          const struct kith_task *task);
/* Two rows, and the bits that they have in common. */
struct kith_task_meeting {
  const struct kith_pack *a;
  const struct kith_pack *b;
  uint8_t party_a;
  uint8_t party_b;
  size_t at_a;
  size_t at_b;
  uint32_t common;
};
/* The bits in which two packed rows differ, where these are at most `most`; else any number above
 * that. One half of the bits nearly always tells. */
static inline uint32_t kith_task_apart(const struct kith_task_setting *setting, const uint64_t *a,
                                       const uint64_t *b, uint32_t most)
{
  const size_t half = setting->n_words / 2;
  uint32_t apart = setting->kernel->apart(a, b, half);
  return apart > most ? apart
                      : apart + setting->kernel->apart(a + half, b + half, setting->n_words - half);
}

/* Judges the pair with the fraction itself, and keeps it for the sink if it is in. */
KITH_MUST_USE enum kith_err kith_task_judge(struct kith_task_worker *worker,
                                            const struct kith_task_setting *setting,
                                            const struct kith_task_meeting *meeting);
KITH_MUST_USE enum kith_err kith_task_worker_flush(struct kith_task_worker *worker,
                                                   const struct kith_task_setting *setting);

#endif
