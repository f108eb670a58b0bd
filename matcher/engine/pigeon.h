/* The pigeonhole join, for high bounds and many rows.
 *
 * Two rows that reach the bound differ in at most r bits (their reach), where r follows from the
 * bound and the set-bit counts. Cut the bits into r + 1 parts: in one of them at least the two
 * agree in full. So for each part the rows of b go into buckets by what they have there, and a row
 * of a meets those of its own bucket only. Inside a bucket sketches of few bytes are compared
 * first (their L1 distance is at most the number of differing bits), then whole rows. A pair is
 * reported from the first part in which it agrees, so once.
 *
 * Rows differ in count and mask, and so in reach. They are cut into strata of one mask and
 * neighbouring counts; each pair of strata is joined with as many parts as it needs, or left to the
 * scan where it needs too many. */
#ifndef KITH_MATCHER_ENGINE_PIGEON_H
#define KITH_MATCHER_ENGINE_PIGEON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "matcher/engine/pack.h"
#include "matcher/engine/task.h"

enum {
  KITH_PIGEON_STRATA_MAX = 64,   /* of a party */
  KITH_PIGEON_PART_BITS_MIN = 6, /* narrower parts tell too little */
  KITH_PIGEON_BUCKETS_MAX = 1 << 22
};

struct kith_stratum {
  uint32_t first; /* positions, end excluded */
  uint32_t end;
  uint32_t count_max; /* of set bits */
  uint16_t mask;
};

/* A party's strata: n_counts of each mask that has rows enough; marks the pack's classes. */
struct kith_strata {
  unsigned n;
  struct kith_stratum items[KITH_PIGEON_STRATA_MAX];
};
void kith_strata_cut(struct kith_strata *out, struct kith_pack *pack, unsigned n_counts);

/* The most bits in which rows of the two strata can differ and reach the bound; UINT32_MAX: none
 * does. */
uint32_t kith_pigeon_reach(const struct kith_task_setting *setting, const struct kith_stratum *a,
                           const struct kith_stratum *b);

/* One part of one pair of strata. */
struct kith_pigeon_task {
  const struct kith_pack *a;
  const struct kith_pack *b; /* a == b: within */
  uint8_t party_a;
  uint8_t party_b;
  struct kith_stratum from; /* of a */
  struct kith_stratum to;   /* of b */
  uint32_t part;
  uint32_t n_parts;
};

/* A part's bits: [first, end) of the row's. */
struct kith_pigeon_part {
  uint32_t first;
  uint32_t end;
};
struct kith_pigeon_part kith_pigeon_part(size_t n_bits, uint32_t n_parts, uint32_t part);
/* The first 64 bits of a part, or all that it has. */
static inline uint64_t kith_pigeon_key(const uint64_t *row, struct kith_pigeon_part part)
{
  const uint32_t n = part.end - part.first;
  const uint32_t word = part.first / 64;
  const uint32_t shift = part.first % 64;
  uint64_t key = row[word] >> shift;
  if (shift + n > 64 && shift > 0 && (part.end - 1) / 64 > word)
    key |= row[word + 1] << (64 - shift);
  return n < 64 ? key & ((UINT64_C(1) << n) - 1) : key;
}

/* One thread's memory. Life: kith_pigeon_worker_new, kith_pigeon_run, kith_pigeon_worker_free. */
struct kith_pigeon_worker {
  uint32_t *starts;    /* of each bucket, in ids and near */
  uint32_t *keys;      /* bucket of each row of b */
  uint32_t *positions; /* bucket after bucket: rows of b */
  uint8_t *near;       /* and their sketches */
  uint32_t *found;     /* of one bucket */
  uint64_t *meetings;  /* pairs of positions whose sketches are near */
  size_t n_meetings;
};
KITH_MUST_USE enum kith_err kith_pigeon_worker_new(struct kith_pigeon_worker *out, size_t n_rows,
                                                   unsigned near_width);
void kith_pigeon_worker_free(struct kith_pigeon_worker *worker);
size_t kith_pigeon_worker_bytes(size_t n_rows, unsigned near_width);

/* `results` gathers the pairs. */
KITH_MUST_USE enum kith_err kith_pigeon_run(struct kith_pigeon_worker *worker,
                                            struct kith_task_worker *results,
                                            const struct kith_task_setting *setting,
                                            const struct kith_pigeon_task *task);

#endif
