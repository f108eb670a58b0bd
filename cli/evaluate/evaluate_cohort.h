/* Of `kith evaluate`: the list of people, and what was foretold of it, against the truth. */
#ifndef KITH_CLI_EVALUATE_EVALUATE_COHORT_H
#define KITH_CLI_EVALUATE_EVALUATE_COHORT_H

#include <jansson.h>

#include "cli/evaluate/evaluation_cohort.h"
#include "cli/intern.h"
#include "cli/threshold/threshold.h"

/* What was foretold, of a report.json of kith link. */
struct kith_foretold {
  bool there;
  char rule[KITH_TEXT_BYTES];
  double threshold;
  /* Of pairs, at the threshold; expected below 0: not said. */
  struct kith_threshold_figure precision;
  struct kith_threshold_figure recall;
  struct kith_threshold_view view;
};

/* KITH_OK without a report, too: `there` is false then. */
KITH_MUST_USE enum kith_err kith_foretold_read(struct kith_foretold *out, const char *path,
                                               struct kith_fault *fault);

struct kith_evaluate_names {
  const struct kith_intern *parties;
  const struct kith_intern *groups;
  const char *group_by; /* NULL: no groups */
};

/* table[set of parties], for kith_evaluation_cohort_run; *out is the caller's. KITH_ERR_DATA where
 * the rule speaks of parties that the truth does not have. */
KITH_MUST_USE enum kith_err kith_evaluate_table(uint8_t **out, const char *rule,
                                                const struct kith_intern *parties,
                                                struct kith_fault *fault);
/* {"listed", "wrongly_in", ..., "by_services", "by_party_pair", "groups"}; NULL: out of memory. */
json_t *kith_evaluate_cohort_json(const struct kith_evaluation_cohort *cohort,
                                  const struct kith_evaluate_names *names);
/* {"precision": {"foretold", "true", "error"}, ...}; `precision` and `recall` are the true ones of
 * pairs, negative where there are none. */
json_t *kith_evaluate_estimate_json(const struct kith_foretold *foretold,
                                    const struct kith_evaluation_cohort *cohort, double precision,
                                    double recall);
/* The same in words and a table. */
KITH_MUST_USE enum kith_err kith_evaluate_cohort_print(const struct kith_foretold *foretold,
                                                       const struct kith_evaluation_cohort *cohort,
                                                       const struct kith_evaluate_names *names,
                                                       double precision, double recall);

#endif
