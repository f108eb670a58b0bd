/* `kith policy tune`: from files without labels to field weights and filter sizes, with the
 * evidence for each. docs/linkage.md section 7 has the method.
 *
 * Life: zero bytes and the first part filled in, kith_tune_run, show, kith_tune_free. */
#ifndef KITH_CLI_POLICY_TUNE_H
#define KITH_CLI_POLICY_TUNE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/cli.h"
#include "daemon/pipeline/pipeline.h"
#include "matcher/linkage/linkage.h"
#include "proto/policy.h"

/* Pairs that a field is looked at in. */
enum kith_tune_kind {
  KITH_TUNE_LIKELY, /* match probability 0.9 and above */
  KITH_TUNE_RIVAL,  /* candidates of 0.1 and below: alike, and hardly one person */
  KITH_TUNE_CHANCE, /* any two records */
  KITH_TUNE_KINDS
};

struct kith_tune_field {
  uint64_t n_with;   /* records that have it */
  uint64_t distinct; /* values */
  double tokens;     /* of a record that has it, on average */
  double bits_set;   /* the same: as proposed */
  /* Over the pairs of a kind in which both have it: */
  uint64_t n_both[KITH_TUNE_KINDS];
  double equal[KITH_TUNE_KINDS]; /* share */
  double mean[KITH_TUNE_KINDS];  /* Dice */
  /* Proposed. */
  double share; /* of the weight of its filter */
  unsigned bits_per_token;
  uint32_t weight;
  /* What linking without it would foretell, less what linking with it does. */
  double precision_change;
  double recall_change;
  double f1_change;
};

struct kith_tune {
  /* What was asked for; borrowed. */
  char *const *paths;
  unsigned n_parties;
  struct kith_cli_list profile_names;
  const char *policy_path;
  bool address_filter;
  bool fast; /* does not link anew without each field */
  bool quiet;
  bool json;
  const char *out;
  uint64_t n_threads;

  /* What was found. */
  char **names; /* owned; of the parties */
  struct kith_profile *profiles[KITH_LINKAGE_PARTIES_MAX];
  struct kith_policy policy;                             /* what it began with */
  struct kith_encoded parties[KITH_LINKAGE_PARTIES_MAX]; /* owned; under it */
  struct kith_policy proposed;
  uint64_t n_records; /* in scope */
  uint64_t n_pairs[KITH_TUNE_KINDS];
  double precision; /* foretold, with all fields, at the threshold that kith picks */
  double recall;
  double f1;
  double fill[KITH_FILTERS_MAX]; /* expected share of bits set, as proposed */
  double fill_now[KITH_FILTERS_MAX];
  struct kith_tune_field fields[KITH_FIELDS_MAX];

  /* Of the measurement. */
  struct kith_linkage_pair *pairs[KITH_TUNE_KINDS]; /* owned; n_pairs: places only */
  float *likeness[KITH_TUNE_KINDS]; /* owned; n_pairs x n_fields; below 0: not on both sides */
};

/* tune_measure.c: encodes, links, and looks at each field. */
KITH_MUST_USE enum kith_err kith_tune_measure(struct kith_tune *tune, struct kith_fault *fault);
/* Encodes all files under a policy into out, n_parties of them. */
KITH_MUST_USE enum kith_err kith_tune_encode(struct kith_tune *tune, struct kith_encoded *out,
                                             const struct kith_policy *policy,
                                             struct kith_fault *fault);
void kith_tune_encoded_free(struct kith_encoded *parties, unsigned n_parties);
/* One field alone, in a filter of so many bits, without any evidence asked for. */
void kith_tune_alone(struct kith_policy *out, const struct kith_policy *policy, unsigned field,
                     unsigned bits, unsigned bits_per_token);
/* Average bits set by records that have anything set. */
double kith_tune_bits_set(const struct kith_encoded *parties, unsigned n_parties);

/* tune_propose.c: shares, filter sizes, bits per token and weights. */
KITH_MUST_USE enum kith_err kith_tune_propose(struct kith_tune *tune, struct kith_fault *fault);

/* tune_show.c: the exit status. */
int kith_tune_show(const struct kith_tune *tune);

#endif
