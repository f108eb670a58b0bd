#include "matcher/engine/similarity.h"

#include <string.h>

#include "base/mem.h"

typedef unsigned __int128 u128;

static const char *const names[] = {
    [KITH_SIMILARITY_DICE] = "dice",
    [KITH_SIMILARITY_JACCARD] = "jaccard",
    [KITH_SIMILARITY_HAMMING] = "hamming",
    [KITH_SIMILARITY_MASKED] = "masked",
};

const char *kith_similarity_name(enum kith_similarity_kind kind)
{
  return (size_t)kind < KITH_COUNT_OF(names) ? names[kind] : "unknown";
}

enum kith_err kith_similarity_parse(enum kith_similarity_kind *out, const char *name,
                                    struct kith_fault *fault)
{
  for (size_t i = 0; i < KITH_COUNT_OF(names); i++)
    if (strcmp(name, names[i]) == 0) {
      *out = (enum kith_similarity_kind)i;
      return KITH_OK;
    }
  return kith_fail(fault, KITH_ERR_USAGE,
                   "unknown similarity: expected dice, jaccard, hamming or masked");
}

static uint64_t weight_of(const struct kith_similarity *similarity, unsigned mask)
{
  uint64_t sum = 0;
  for (unsigned f = 0; f < KITH_ENCODINGS_FIELDS_MAX; f++)
    if (mask >> f & 1)
      sum += similarity->field_weights[f];
  return sum;
}

struct kith_similarity_pattern kith_similarity_pattern(const struct kith_similarity *similarity,
                                                       uint16_t mask_a, uint16_t mask_b)
{
  struct kith_similarity_pattern pattern = {similarity->kind, similarity->bits, 1, 1, 1};
  if (similarity->kind == KITH_SIMILARITY_MASKED) {
    uint64_t weight_a = weight_of(similarity, mask_a);
    uint64_t weight_b = weight_of(similarity, mask_b);
    uint64_t weight_both = weight_of(similarity, (unsigned)mask_a & mask_b);
    /* 2c / (a Wm / Wa + b Wm / Wb), times Wa Wb above and below. At most 2^20 each. */
    pattern.scale_common = weight_both ? weight_a * weight_b : 0;
    pattern.scale_a = weight_both * weight_b;
    pattern.scale_b = weight_both * weight_a;
  }
  return pattern;
}

struct kith_fraction kith_similarity_fraction(const struct kith_similarity_pattern *pattern,
                                              uint32_t common, uint32_t count_a, uint32_t count_b)
{
  const uint64_t c = common;
  const uint64_t sum = (uint64_t)count_a + count_b;
  struct kith_fraction fraction = {0, 1};
  if (sum == 0)
    return fraction;
  switch (pattern->kind) {
  case KITH_SIMILARITY_DICE:
  case KITH_SIMILARITY_MASKED:
    fraction.numerator = 2 * c * pattern->scale_common;
    fraction.denominator = count_a * pattern->scale_a + count_b * pattern->scale_b;
    break;
  case KITH_SIMILARITY_JACCARD:
    fraction.numerator = c;
    fraction.denominator = sum - c;
    break;
  case KITH_SIMILARITY_HAMMING:
    /* a search may ask for a c too small for two rows of so many bits */
    fraction.numerator = pattern->bits + 2 * c > sum ? pattern->bits + 2 * c - sum : 0;
    fraction.denominator = pattern->bits;
    break;
  }
  if (fraction.denominator == 0) /* no field on both sides */
    return (struct kith_fraction){0, 1};
  if (fraction.numerator > fraction.denominator)
    fraction.numerator = fraction.denominator;
  return fraction;
}

bool kith_fraction_reaches(struct kith_fraction fraction, struct kith_ratio bound)
{
  return (u128)fraction.numerator * bound.denominator >=
         (u128)fraction.denominator * bound.numerator;
}

double kith_fraction_double(struct kith_fraction fraction)
{
  return (double)fraction.numerator / (double)fraction.denominator;
}

uint32_t kith_fraction_millionths(struct kith_fraction fraction)
{
  u128 scaled = (u128)fraction.numerator * 1000000;
  uint32_t whole = (uint32_t)(scaled / fraction.denominator);
  u128 twice_rest = scaled % fraction.denominator * 2;
  bool up =
      twice_rest > fraction.denominator || (twice_rest == fraction.denominator && whole % 2 == 1);
  return whole + up;
}

/* floor(numerator x 2^32 / denominator), for numerators below 2^96. */
static uint64_t scaled(u128 numerator, u128 denominator)
{
  return (uint64_t)((numerator << 32) / denominator);
}

struct kith_similarity_line kith_similarity_line(const struct kith_similarity_pattern *pattern,
                                                 struct kith_ratio bound)
{
  const u128 n = bound.numerator;
  const u128 d = bound.denominator;
  struct kith_similarity_line line = {0};
  switch (pattern->kind) {
  case KITH_SIMILARITY_DICE:
  case KITH_SIMILARITY_MASKED: /* c >= N (a scale_a + b scale_b) / 2 D scale_common */
    line.never = pattern->scale_common == 0;
    if (!line.never) {
      line.per_a = scaled(n * pattern->scale_a, 2 * d * pattern->scale_common);
      line.per_b = scaled(n * pattern->scale_b, 2 * d * pattern->scale_common);
    }
    break;
  case KITH_SIMILARITY_JACCARD: /* c >= N (a + b) / (D + N) */
    line.per_a = line.per_b = scaled(n, d + n);
    break;
  case KITH_SIMILARITY_HAMMING: /* c >= (a + b) / 2 - bits (D - N) / 2D */
    line.per_a = line.per_b = UINT64_C(1) << 31;
    line.less = scaled(pattern->bits * (d - n), 2 * d) + 1;
    break;
  }
  return line;
}
