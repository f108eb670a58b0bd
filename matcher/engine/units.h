/* The units that a run's work is cut into: what a thread takes at a time. First the groups of the
 * joins, the last of them in pieces, so that no thread waits long for another at the end; then the
 * scans (task.h). Which they are follows from the packs, the plan and the number of threads. A
 * join's unit has many steps (pigeon.h), a scan's is one: steps are what a journal records, and
 * the same on any number of threads. */
#ifndef KITH_MATCHER_ENGINE_UNITS_H
#define KITH_MATCHER_ENGINE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "matcher/engine/engine.h"
#include "matcher/engine/pack.h"
#include "matcher/engine/pigeon.h"
#include "matcher/engine/plan.h"
#include "matcher/engine/task.h"

enum { KITH_UNITS_SCANS_MAX = KITH_ENGINE_PARTIES_MAX * (KITH_ENGINE_PARTIES_MAX + 1) / 2 };

/* Scans of one pair of parties: n_chunks x n_ranges units. */
struct kith_units_scan {
  uint8_t party_a;
  uint8_t party_b;
  size_t n_chunks;
  size_t n_ranges;
  size_t first_unit;
};

/* A join of one pair of strata. */
struct kith_units_join {
  uint8_t party_a;
  uint8_t party_b;
  struct kith_stratum from; /* of a */
  struct kith_stratum to;   /* of b */
  struct kith_pigeon_cut cut;
  size_t first_group; /* of all joins' groups of parts */
  size_t first_step;
  uint64_t pairs; /* of rows */
};

/* Steps [first, end) of a group. */
struct kith_units_piece {
  size_t group; /* of all joins' */
  size_t first;
  size_t end;
};

/* Life: kith_units_list_joins, kith_units_list_scans if there is anything to scan,
 * kith_units_free. Packs and plan are borrowed. */
struct kith_units {
  const struct kith_pack *packs;
  const struct kith_plan *plan;
  size_t n;
  struct kith_units_join *joins; /* owned */
  size_t n_joins;
  size_t n_groups;                 /* of all joins */
  size_t n_whole;                  /* groups that are a unit each, which come first */
  struct kith_units_piece *pieces; /* owned: the units after them, of the other groups */
  size_t n_join_units;             /* both */
  size_t n_join_steps;             /* likewise */
  size_t join_rows_max;
  uint64_t joined_pairs; /* of rows */
  struct kith_units_scan scans[KITH_UNITS_SCANS_MAX];
  size_t n_scans;
  size_t chunk_rows;
  size_t range_blocks;
};

KITH_MUST_USE enum kith_err kith_units_list_joins(struct kith_units *out,
                                                  const struct kith_pack *packs, unsigned n_packs,
                                                  const struct kith_plan *plan, unsigned n_threads);
void kith_units_list_scans(struct kith_units *units, unsigned n_packs,
                           const struct kith_task_setting *setting,
                           const struct kith_engine_options *options);
size_t kith_units_steps(const struct kith_units *units);
void kith_units_free(struct kith_units *units);

struct kith_pigeon_task kith_units_join_at(const struct kith_units *units, size_t unit);
/* The unit, and the pairs of rows that it sees to. */
struct kith_task kith_units_scan_at(const struct kith_units *units, size_t unit, uint64_t *pairs);
size_t kith_units_step_of_scan(const struct kith_units *units, size_t unit);
/* The pairs of rows that a step sees to; for a join's, its share of them. */
uint64_t kith_units_step_pairs(const struct kith_units *units, size_t step);

/* Tells apart runs that cut their work differently. */
uint64_t kith_units_layout(const struct kith_units *units);

#endif
