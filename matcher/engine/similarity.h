/* How alike two encodings are: the one place that knows the formulas. The engine's fast path,
 * its exact check of each result, the oracle of the tests and the scoring all call this file.
 *
 * A similarity is an exact fraction of integers, computed from the number of common bits c, the
 * two set-bit counts a and b, and, for masked Dice, the two presence masks. docs/engine.md
 * derives the formulas.
 *
 *   dice     2c / (a + b)
 *   jaccard  c / (a + b - c)
 *   hamming  (bits - (a + b - 2c)) / bits
 *   masked   min(1, 2c / (a' + b')), a' = a W(m) / W(ma), b' = b W(m) / W(mb), m = ma & mb,
 *            W(x) = the sum of the weights of the fields in x; 0 where W(m) = 0
 *
 * Where a + b = 0 each of them is 0: two empty rows are not alike, they say nothing.
 *
 * The engine relies on two properties, and whoever changes a formula must keep them: for given
 * masks the fraction never falls as c grows and never rises as a or b grows; and
 * kith_similarity_line stays at or below the least c that reaches the bound. */
#ifndef KITH_MATCHER_ENGINE_SIMILARITY_H
#define KITH_MATCHER_ENGINE_SIMILARITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "proto/encodings.h"

enum kith_similarity_kind {
  KITH_SIMILARITY_DICE,
  KITH_SIMILARITY_JACCARD,
  KITH_SIMILARITY_HAMMING,
  KITH_SIMILARITY_MASKED
};

/* "dice", "jaccard", "hamming", "masked". */
const char *kith_similarity_name(enum kith_similarity_kind kind);
KITH_MUST_USE enum kith_err kith_similarity_parse(enum kith_similarity_kind *out, const char *name,
                                                  struct kith_fault *fault);

/* What a formula needs besides the two rows. A plain value. */
struct kith_similarity {
  enum kith_similarity_kind kind;
  unsigned bits;
  uint32_t field_weights[KITH_ENCODINGS_FIELDS_MAX]; /* masked: from the encodings */
};

/* A formula for two given masks (ignored but for masked Dice). A plain value. */
struct kith_similarity_pattern {
  enum kith_similarity_kind kind;
  unsigned bits;
  uint64_t scale_common; /* similarity = 2 c scale_common / (a scale_a + b scale_b) */
  uint64_t scale_a;
  uint64_t scale_b;
};

struct kith_fraction {
  uint64_t numerator;   /* at most the denominator */
  uint64_t denominator; /* above 0 */
};

struct kith_similarity_pattern kith_similarity_pattern(const struct kith_similarity *similarity,
                                                       uint16_t mask_a, uint16_t mask_b);

/* c <= min(a, b). */
struct kith_fraction kith_similarity_fraction(const struct kith_similarity_pattern *pattern,
                                              uint32_t common, uint32_t count_a, uint32_t count_b);

/* fraction >= bound, in integers. */
bool kith_fraction_reaches(struct kith_fraction fraction, struct kith_ratio bound);
double kith_fraction_double(struct kith_fraction fraction);

/* In millionths, round half even, from the integers: 0 .. 1,000,000. */
uint32_t kith_fraction_millionths(struct kith_fraction fraction);

/* A lower bound, linear in the counts, of the least c that reaches a similarity bound: what the
 * engine's scan compares with. In units of 2^-32 bits. */
struct kith_similarity_line {
  uint64_t per_a; /* at most 2^31 */
  uint64_t per_b;
  uint64_t less; /* taken off */
  bool never;    /* no c reaches the bound */
};

struct kith_similarity_line kith_similarity_line(const struct kith_similarity_pattern *pattern,
                                                 struct kith_ratio bound);

/* At most the least c that reaches the bound, and at most 1 below it. */
static inline uint32_t kith_similarity_line_at(const struct kith_similarity_line *line,
                                               uint32_t count_a, uint32_t count_b)
{
  uint64_t sum = line->per_a * count_a + line->per_b * count_b;
  return sum > line->less ? (uint32_t)((sum - line->less + UINT32_MAX) >> 32) : 0;
}

#endif
