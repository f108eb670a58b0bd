/* The plan of a run: what is scanned and how, what is joined and how. A plan changes the time that
 * a run takes, never its result. */
#ifndef KITH_MATCHER_ENGINE_PLAN_H
#define KITH_MATCHER_ENGINE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "matcher/engine/engine.h"
#include "matcher/engine/pack.h"
#include "matcher/engine/pigeon.h"
#include "matcher/engine/sketch.h"
#include "matcher/engine/task.h"

/* Pairs of strata of two parties: how each is joined, n_parts = 0 where it is scanned. */
struct kith_plan_joins {
  struct kith_pigeon_cut *cuts; /* owned, strata of a x strata of b; NULL: nothing is joined */
};

struct kith_plan {
  bool scan;  /* some pairs are scanned */
  bool sieve; /* with `sketch` */
  struct kith_sketch sketch;
  bool join; /* some strata are joined */
  struct kith_strata strata[KITH_ENGINE_PARTIES_MAX];
  /* By party_a x KITH_ENGINE_PARTIES_MAX + party_b. */
  struct kith_plan_joins joins[KITH_ENGINE_PARTIES_MAX * KITH_ENGINE_PARTIES_MAX];
  char why[256]; /* for people */
};

struct kith_plan_input {
  const struct kith_encodings *const *parties;
  unsigned n_parties;
  struct kith_pack *packs; /* with words; their classes' strata are set */
  const struct kith_bit_order *order;
  const struct kith_task_setting *setting;
  const struct kith_engine_options *options;
  uint64_t comparisons;
};

/* What a run of so many comparisons costs by brute force on each thread, in cycles, and whether a
 * better plan is worth looking for. */
bool kith_plan_is_worth_while(const struct kith_task_setting *setting,
                              const struct kith_engine_options *options, uint64_t comparisons);

/* Few groups of a sketch are quick and let many pairs pass, many the other way round, and few parts
 * of a join make few but full buckets; what is best depends on the bound and the data. So each is
 * tried on a sample of rows and reckoned by the kernel's costs. Life: kith_plan_make,
 * kith_plan_free. */
KITH_MUST_USE enum kith_err kith_plan_make(struct kith_plan *out,
                                           const struct kith_plan_input *input);
void kith_plan_free(struct kith_plan *plan); /* takes a zeroed object */

#endif
