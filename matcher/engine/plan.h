/* The plan of a run: whether to sieve with count sketches first, and with how many groups. */
#ifndef KITH_MATCHER_ENGINE_PLAN_H
#define KITH_MATCHER_ENGINE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "matcher/engine/engine.h"
#include "matcher/engine/pack.h"
#include "matcher/engine/sketch.h"
#include "matcher/engine/task.h"

/* *use: sieve with *sketch. Few groups are quick and let many pairs pass, many the other way
 * round; what is best depends on the bound and the data, so sketches of several sizes are learned,
 * tried on pairs of sampled rows, and compared by the kernel's costs with a plain scan. */
KITH_MUST_USE enum kith_err kith_plan_sketch(struct kith_sketch *sketch, bool *use,
                                             const struct kith_encodings *const *parties,
                                             unsigned n_parties, const struct kith_pack *packs,
                                             const struct kith_task_setting *setting,
                                             const struct kith_engine_options *options,
                                             uint64_t comparisons);

#endif
