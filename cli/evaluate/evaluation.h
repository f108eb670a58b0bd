/* How right a linkage is, given the truth: pure counting for `kith evaluate`.
 *
 * Pairs: pairs of records of different parties; with one party, pairs inside it. Clusters: B-cubed
 * (Bagga and Baldwin 1998) and the share of whole people found exactly. */
#ifndef KITH_CLI_EVALUATE_EVALUATION_H
#define KITH_CLI_EVALUATE_EVALUATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define KITH_EVALUATION_NONE UINT32_MAX
enum { KITH_EVALUATION_PARTIES_MAX = 256 };

/* A record of the truth. */
struct kith_evaluation_record {
  uint32_t party;
  uint32_t entity;
  uint32_t group;   /* KITH_EVALUATION_NONE: no groups are asked for */
  uint32_t cluster; /* KITH_EVALUATION_NONE: the linkage has no such record */
};

struct kith_evaluation_pair {
  uint32_t a; /* indices of records */
  uint32_t b;
};

struct kith_evaluation_input {
  const struct kith_evaluation_record *records;
  size_t n_records;
  uint32_t n_parties;
  uint32_t n_entities;
  uint32_t n_groups;
  struct kith_evaluation_pair *linked; /* sorted, and repeated ones dropped, by the evaluation */
  size_t n_linked;
};

enum kith_tally_what {
  KITH_TALLY_TRUE,    /* in the truth */
  KITH_TALLY_LINKED,  /* in the linkage */
  KITH_TALLY_CORRECT, /* in both */
  KITH_TALLY_COUNT
};
struct kith_tally {
  uint64_t n[KITH_TALLY_COUNT];
};

struct kith_evaluation {
  uint32_t n_parties;
  uint32_t n_groups;
  struct kith_tally pairs;
  struct kith_tally within;        /* pairs inside a party, of all parties */
  struct kith_tally *party_pairs;  /* owned, n_parties squared; [p * n_parties + q], p <= q */
  struct kith_tally *groups;       /* owned, n_groups; of `pairs` */
  struct kith_tally exact;         /* whole people */
  struct kith_tally exact_several; /* the same, of two or more records */
  double bcubed_precision;         /* sum over the records that the linkage has */
  double bcubed_recall;            /* sum over all; a record that it has not counts 0 */
  uint64_t n_found;                /* records that the linkage has */
  uint64_t n_records;
};

/* KITH_ERR_MEMORY. */
KITH_MUST_USE enum kith_err kith_evaluation_run(struct kith_evaluation *out,
                                                const struct kith_evaluation_input *input);
void kith_evaluation_free(struct kith_evaluation *evaluation);

/* a / b; a negative number where b is 0. */
double kith_evaluation_share(double a, double b);
/* The harmonic mean; negative where either is, or both are 0. */
double kith_evaluation_f1(double precision, double recall);

#endif
