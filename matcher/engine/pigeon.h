/* The pigeonhole join, for high bounds and many rows.
 *
 * Two rows that reach the bound differ in at most r bits (their reach), where r follows from the
 * bound and the set-bit counts. Cut the bits into more than r parts: in one of them at least the
 * two agree in full. So for each part the rows of b go into buckets by what they have there, and a
 * row of a meets those of its own bucket only.
 *
 * A bucket alone still holds far too many. So parts come in groups of k neighbours: if there are
 * g groups and g k > r, some group has fewer than k differing bits, and so both a part that
 * agrees and k - 1 others that nearly do. A bucket's rows are compared by the group's bits first,
 * one word each, then in full. A pair is reported from the first such part of the first such group,
 * so once.
 *
 * Rows differ in count and mask, and so in reach. They are cut into strata of one mask and
 * neighbouring counts; each pair of strata is joined with as many parts as it needs, or left to the
 * scan where that costs less. */
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
  KITH_PIGEON_BUCKETS_MAX = 1 << 22,
  KITH_PIGEON_STEPS = 32 /* that the rows of a are taken in, so that a journal loses little */
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

/* How the bits are cut. A plain value. */
struct kith_pigeon_cut {
  uint32_t n_bits;
  uint32_t n_groups;
  uint32_t n_parts; /* of a group: n_groups x n_parts is above the reach */
};
/* Parts as wide as they can be, in as large groups as fit a word. */
struct kith_pigeon_cut kith_pigeon_cut(size_t n_bits, uint32_t reach);

/* Bits [first, end) of a row. */
struct kith_pigeon_span {
  uint32_t first;
  uint32_t end;
};
/* The steps of a group. */
static inline size_t kith_pigeon_steps(const struct kith_pigeon_cut *cut)
{
  return (size_t)cut->n_parts * KITH_PIGEON_STEPS;
}
struct kith_pigeon_span kith_pigeon_group(const struct kith_pigeon_cut *cut, uint32_t group);
struct kith_pigeon_span kith_pigeon_part(const struct kith_pigeon_cut *cut, uint32_t group,
                                         uint32_t part);

/* The first 64 bits of a span, or all that it has. */
static inline uint64_t kith_pigeon_bits(const uint64_t *row, struct kith_pigeon_span span)
{
  const uint32_t n = span.end - span.first;
  const uint32_t word = span.first / 64;
  const uint32_t shift = span.first % 64;
  uint64_t bits = row[word] >> shift;
  if (shift + n > 64 && shift > 0)
    bits |= row[word + 1] << (64 - shift);
  return n < 64 ? bits & ((UINT64_C(1) << n) - 1) : bits;
}

/* Steps of one group of one pair of strata: part after part, KITH_PIGEON_STEPS of each. */
struct kith_pigeon_task {
  const struct kith_pack *a;
  const struct kith_pack *b; /* a == b: within */
  uint8_t party_a;
  uint8_t party_b;
  struct kith_stratum from; /* of a */
  struct kith_stratum to;   /* of b */
  struct kith_pigeon_cut cut;
  uint32_t group;
  size_t group_step; /* of the run: the group's first */
  size_t first;      /* of the group's steps, end excluded */
  size_t end;
};

/* The rows of a stratum of b, and then bucket after bucket. */
struct kith_pigeon_side {
  uint64_t *group;     /* the rows' bits of the group, in the pack's order */
  uint32_t *starts;    /* of each bucket, in positions and words; one more for the end */
  uint32_t *positions; /* in the pack */
  uint64_t *words;     /* as `group` */
};

/* One thread's memory. Life: kith_pigeon_worker_new, kith_pigeon_run, kith_pigeon_worker_free. */
struct kith_pigeon_worker {
  size_t n_rows;     /* of a stratum at most */
  uint64_t *group_a; /* the bits of the group of a's rows */
  struct kith_pigeon_side b;
  uint32_t *found;    /* of one bucket */
  uint64_t *meetings; /* pairs of positions that are near in the group */
  size_t n_meetings;
};
/* For strata of up to n_rows. */
KITH_MUST_USE enum kith_err kith_pigeon_worker_new(struct kith_pigeon_worker *out, size_t n_rows);
void kith_pigeon_worker_free(struct kith_pigeon_worker *worker);
size_t kith_pigeon_worker_bytes(size_t n_rows);

/* `results` gathers the pairs. */
KITH_MUST_USE enum kith_err kith_pigeon_run(struct kith_pigeon_worker *worker,
                                            struct kith_task_worker *results,
                                            const struct kith_task_setting *setting,
                                            const struct kith_pigeon_task *task);

#endif
