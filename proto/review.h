/* What the matcher shows governance of a round in review: numbers of people only, none below the
 * policy's minimum, rounded, and steps that differ by nothing or by at least the minimum
 * (docs/protocol.md). As bytes it is what the decision names by its hash. */
#ifndef KITH_PROTO_REVIEW_H
#define KITH_PROTO_REVIEW_H

#include "base/buf.h"
#include "base/err.h"
#include "crypto/hash.h"
#include "proto/statement.h"

enum {
  KITH_REVIEW_POINTS_MAX = 32,
  /* All people, by number of services, by pair of agencies. */
  KITH_REVIEW_GROUPS_MAX = 1 + KITH_AGENCIES_MAX + KITH_AGENCIES_MAX * (KITH_AGENCIES_MAX - 1) / 2
};

enum kith_review_number {
  KITH_REVIEW_LISTED,
  KITH_REVIEW_WRONG,
  KITH_REVIEW_WRONG_LOW,
  KITH_REVIEW_WRONG_HIGH,
  KITH_REVIEW_MISSED,
  KITH_REVIEW_MISSED_LOW,
  KITH_REVIEW_MISSED_HIGH,
  KITH_REVIEW_NUMBERS
};

#define KITH_REVIEW_HIDDEN UINT32_MAX /* below the minimum */

struct kith_review {
  kith_round_id round;
  unsigned minimum;
  uint32_t recommended; /* ppm */
  unsigned n_agencies;
  kith_member_id agencies[KITH_AGENCIES_MAX]; /* in order of id */
  unsigned n_points;
  uint32_t thresholds[KITH_REVIEW_POINTS_MAX]; /* ppm, rising */
  uint32_t numbers[KITH_REVIEW_POINTS_MAX][KITH_REVIEW_GROUPS_MAX][KITH_REVIEW_NUMBERS];
};

unsigned kith_review_n_groups(unsigned n_agencies);
/* Hides and rounds all numbers, which are exact before; each expected one with its interval. */
void kith_review_protect(struct kith_review *review);
KITH_MUST_USE enum kith_err kith_review_write(struct kith_buf *out,
                                              const struct kith_review *review);
/* KITH_ERR_DATA. */
KITH_MUST_USE enum kith_err kith_review_read(struct kith_review *out, const void *bytes,
                                             size_t len);
void kith_review_hash(struct kith_hash *out, const void *bytes, size_t len);

#endif
