/* Patterns of missing fields: which of an agency's records have which of a policy's fields, and how
 * rare patterns are made common by dropping fields (docs/encoding.md).
 *
 * A presence mask shows the matcher each record's pattern, and a pattern that few records have
 * marks them. Under a policy with a minimum, a pattern of fewer records either loses fields until
 * it meets another, or others of a common pattern, which have more, lose the same fields and keep
 * it company; whichever costs less, in fields' weights. A dropped field is as if it had been
 * missing. Where neither can be, or would cost more than all that the records have, they are not
 * encoded. Fewer records than the minimum in all stay as they are: no round takes so few (the
 * policy's minimum_batch).
 *
 * What becomes of each pattern depends on the counts alone; those that keep company are the first
 * of their pattern in the source.
 *
 * Life: kith_patterns_new, add for each record, plan once, then take for each record that was to be
 * kept, in the same order, free. Pure. */
#ifndef KITH_DAEMON_PIPELINE_PATTERNS_H
#define KITH_DAEMON_PIPELINE_PATTERNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "daemon/pipeline/record.h"
#include "proto/policy.h"

struct kith_patterns;

/* Of the policy nothing is kept but its fields' weights and evidence. KITH_ERR_MEMORY. */
KITH_MUST_USE enum kith_err kith_patterns_new(struct kith_patterns **out,
                                              const struct kith_policy *policy);
void kith_patterns_free(struct kith_patterns *patterns); /* takes NULL */

/* The fields that a record has, as its mask will say: bit f where field f of the policy has a value
 * to encode. */
uint16_t kith_pattern_of(const struct kith_policy *policy, const struct kith_record *record);

/* Counts a record. True: it may lose fields, so its fields are to be kept apart until the plan:
 * records of each pattern as long as they are fewer than the minimum, and 4,096 more in all. */
bool kith_patterns_add(struct kith_patterns *patterns, uint16_t mask);

/* After the last record. */
void kith_patterns_plan(struct kith_patterns *patterns);
/* After the plan, once for each record that was to be kept, in the order of adding: the fields that
 * it goes with, a subset of its pattern; 0 where it is not encoded. The others go as they are. */
uint16_t kith_patterns_take(struct kith_patterns *patterns, uint16_t mask);
/* Records that lose a field, and records that are not encoded. */
uint64_t kith_patterns_coarsened(const struct kith_patterns *patterns);
uint64_t kith_patterns_lost(const struct kith_patterns *patterns);

#endif
