/* Linkage: encodings of several parties in, clusters of records out, each the records of one
 * person.
 *
 * Pure: no sockets, no store, no clock. Shared by `kith link` and the matcher's service, which
 * therefore find the same clusters in the same encodings, up to the names of handles. The result
 * does not depend on the order of rows or parties, nor on threads or kernels: ties are broken by
 * similarity, then by the content of the encodings. Method and figures: docs/linkage.md. */
#ifndef KITH_MATCHER_LINKAGE_LINKAGE_H
#define KITH_MATCHER_LINKAGE_LINKAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "matcher/engine/engine.h"
#include "proto/encodings.h"
#include "proto/policy.h"

enum {
  KITH_PPM = 1000000,    /* similarities and probabilities are whole millionths */
  KITH_CURVE_STEPS = 50, /* thresholds 0.50, 0.51, ..., 0.99 */
  KITH_CURVE_FIRST = 50, /* hundredths */
  KITH_LINKAGE_PARTIES_MAX = 16
};

/* The memory of the engine's runs that a linkage makes, so that one that was killed goes on. Runs
 * are the same ones wherever rows and policy are. */
struct kith_linkage_journal {
  void *context;
  /* Before run number `run`, from 0, at that bound: *out is what the engine is told. Its `open`
   * gives the pairs of finished units to `restored`, with similarities whose millionths are right;
   * KITH_ERR_LIMIT: an earlier try found more pairs than this run may. */
  enum kith_err (*begin)(void *context, unsigned run, struct kith_ratio bound,
                         kith_engine_sink *restored, void *restored_context,
                         struct kith_engine_journal *out);
  /* After it, however it ended; `over`: with more pairs than it may find. */
  void (*end)(void *context, bool over);
};

struct kith_linkage_input {
  unsigned n_parties; /* 1 .. KITH_LINKAGE_PARTIES_MAX */
  const struct kith_encodings *const *parties;
  const struct kith_policy *policy; /* similarity, bound, threshold, fields, rule */
  const char *const *names; /* the parties' ids, which the rule speaks of; NULL: no people curve */
  const uint64_t *sparse;   /* by party: records that were too sparse for a row; NULL: none known */
  bool within; /* also clusters of one party alone; else its duplicates count only as partners of
                  another party's record */
  unsigned n_threads;
  size_t memory_bytes_max;                       /* of the engine; 0: no ceiling */
  uint64_t pairs_max;                            /* candidates; 0: no ceiling. KITH_ERR_LIMIT */
  void (*progress)(void *context, double share); /* [0, 1]; may be NULL */
  void *progress_context;
  const atomic_bool *cancel;                  /* may be NULL */
  const struct kith_linkage_journal *journal; /* may be NULL */
};

/* A candidate, or two records of one cluster that were none. */
struct kith_linkage_pair {
  uint32_t row_a;
  uint32_t row_b;
  uint8_t party_a; /* party_a < party_b, or equal and row_a < row_b */
  uint8_t party_b;
  bool linked;          /* both in one cluster */
  uint8_t class;        /* of evidence: evidence.h */
  int32_t weight;       /* of its bits: weights.h */
  uint32_t similarity;  /* of the first filter, ppm */
  uint32_t probability; /* that they are one person, ppm */
};
/* For qsort and bsearch: by party_a, party_b, row_a, row_b. */
int kith_linkage_pair_compare(const void *left, const void *right);

enum kith_cluster_flag {
  KITH_CLUSTER_AMBIGUOUS = 1, /* a second plausible partner in a party it has: twin, namesake */
  KITH_CLUSTER_WEAK = 2,      /* two of its records are hardly alike */
  KITH_CLUSTER_DUPLICATE = 4  /* two records of one party */
};

struct kith_cluster {
  uint32_t n_records;
  uint32_t parties;    /* bit i: party i has a record in it */
  uint32_t confidence; /* ppm: the least, over its records, of the best probability to another */
  uint32_t weakest;    /* ppm: the least probability that a merge stood on; singletons KITH_PPM */
  uint32_t flags;
};

/* What a threshold would do, estimated without labels, over pairs across parties (with one party,
 * inside it), before clustering. */
struct kith_curve_point {
  uint32_t threshold; /* ppm */
  uint64_t links;
  double false_links;
  double precision;
  double precision_low; /* 90% of cases lie between low and high */
  double precision_high;
  double recall; /* of all true pairs, those of records without a row among them */
  double recall_low;
  double recall_high;
  double f1;
};

struct kith_people_curve;

struct kith_linkage_result {
  size_t n_pairs;
  struct kith_linkage_pair *pairs;   /* by party_a, party_b, row_a, row_b */
  struct kith_ratio candidate_bound; /* between the policy's floor and bound */
  unsigned n_parties;
  uint32_t *cluster_of[KITH_LINKAGE_PARTIES_MAX]; /* per party, per row: index of its cluster */
  size_t n_clusters;
  struct kith_cluster *clusters; /* in order of their first record */
  uint32_t threshold;            /* ppm: what decided */
  double true_pairs;             /* estimated, across parties (with one party, inside it) */
  double duplicate_share;        /* duplicates inside parties for one match across; of candidates */
  struct kith_curve_point curve[KITH_CURVE_STEPS];
  struct kith_people_curve *people; /* owned; NULL without names (matcher/linkage/curve.h) */
};

KITH_MUST_USE enum kith_err kith_linkage_run(struct kith_linkage_result *out,
                                             const struct kith_linkage_input *input,
                                             struct kith_fault *fault);
/* Takes a zeroed object. */
void kith_linkage_result_free(struct kith_linkage_result *result);

#endif
