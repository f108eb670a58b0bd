/* What a threshold does to people: for each of some thirty thresholds the size of the cohort, how
 * many on it do not belong, and how many who belong are missed. Estimated without labels, with
 * intervals of 90%. Pure. docs/thresholds.md has the method and what the intervals cover.
 *
 * A person belongs where the policy's rule holds for all of their records. An entry of the cohort
 * stands for the person most of its records are of (among equals, for one who belongs). Then
 *
 *     listed = right + wrong,   people who belong = right + missed
 *
 * where right counts people who belong and have an entry: a second entry of one person is wrong. */
#ifndef KITH_MATCHER_LINKAGE_CURVE_H
#define KITH_MATCHER_LINKAGE_CURVE_H

#include "matcher/linkage/linkage.h"

/* 0.50, 0.52, ..., 0.98, 0.99. */
enum { KITH_PEOPLE_STEPS = 26 };

struct kith_estimate {
  double expected;
  double low; /* 90% of cases lie between low and high */
  double high;
};

struct kith_people_count {
  uint64_t listed;
  struct kith_estimate wrong;
  struct kith_estimate missed;
};

struct kith_people_point {
  uint32_t threshold; /* ppm */
  struct kith_people_count all;
  /* By number of services: an entry's own, a missed person's true ones. */
  struct kith_people_count services[KITH_LINKAGE_PARTIES_MAX + 1];
  /* [p][q], p < q: those known to both. */
  struct kith_people_count pairs[KITH_LINKAGE_PARTIES_MAX][KITH_LINKAGE_PARTIES_MAX];
};

struct kith_people_curve {
  unsigned n_parties;
  unsigned n_points; /* KITH_PEOPLE_STEPS */
  struct kith_people_point points[KITH_PEOPLE_STEPS];
};

/* Makes the clusters of *result, which has pairs only, at a threshold. */
typedef enum kith_err (*kith_cluster_fn)(void *context, struct kith_linkage_result *result,
                                         uint32_t threshold);

/* The thresholds of the steps, in ppm. */
uint32_t kith_people_threshold(unsigned step);
/* `pairs`: all candidates, with probabilities; `true_pairs`: all that are expected, seen or not.
 * `input->names` must be there. *out is the caller's (kith_free). KITH_ERR_MEMORY, or what
 * `cluster` or the policy's rule gives. */
KITH_MUST_USE enum kith_err
kith_people_curve_make(struct kith_people_curve **out, const struct kith_linkage_input *input,
                       const struct kith_linkage_pair *pairs, size_t n_pairs, double true_pairs,
                       kith_cluster_fn cluster, void *context, struct kith_fault *fault);
/* The interval of a count of which mean and variance are known, as of a gamma distribution: never
 * below 0, and longer upward. */
struct kith_estimate kith_estimate_of(double mean, double variance);

#endif
