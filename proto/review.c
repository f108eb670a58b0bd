#include "proto/review.h"

#include <string.h>

#include "proto/policy.h"

enum { VERSION = 1, NUMBER_MAX = 1 << 30, PPM = 1000000 };

unsigned kith_review_n_groups(unsigned n_agencies)
{
  return 1 + n_agencies + n_agencies * (n_agencies - 1) / 2;
}

void kith_review_hash(struct kith_hash *out, const void *bytes, size_t len)
{
  kith_hash_bytes(out, "kith review v1", bytes, len);
}

/* ---- what is hidden */

static bool is_near(uint32_t a, uint32_t b, unsigned minimum)
{
  return a > b ? a - b < minimum : b - a < minimum;
}

/* One series along the steps, its first number the one that counts: below the minimum nothing is
 * said; a step that differs by less than the minimum repeats the one before. */
static void protect_series(struct kith_review *review, unsigned group, unsigned first, unsigned n)
{
  uint32_t exact = 0;
  const uint32_t *last = NULL;

  for (unsigned i = 0; i < review->n_points; i++) {
    uint32_t *now = &review->numbers[i][group][first];
    bool repeat = last && is_near(now[0], exact, review->minimum);

    if (!repeat)
      exact = now[0];
    for (unsigned k = 0; k < n; k++) {
      if (repeat)
        now[k] = last[k];
      else if (exact < review->minimum)
        now[k] = KITH_REVIEW_HIDDEN;
      else
        now[k] = k > 0 && now[k] < review->minimum ? 0 : (uint32_t)kith_count_rounded(now[k]);
    }
    last = now;
  }
}

/* One hidden number among those that add up to all could be told from the rest: the least of the
 * others is hidden with it. */
static void hide_complement(struct kith_review *review, unsigned point, unsigned first, unsigned n)
{
  unsigned hidden = 0;
  unsigned least = 0;
  uint32_t least_number = KITH_REVIEW_HIDDEN;

  for (unsigned g = 1; g <= review->n_agencies; g++) {
    uint32_t number = review->numbers[point][g][first];

    hidden += number == KITH_REVIEW_HIDDEN;
    if (number < least_number) {
      least_number = number;
      least = g;
    }
  }
  for (unsigned k = 0; hidden == 1 && least && k < n; k++)
    review->numbers[point][least][first + k] = KITH_REVIEW_HIDDEN;
}

void kith_review_protect(struct kith_review *review)
{
  static const struct {
    unsigned first;
    unsigned n;
  } series[] = {{KITH_REVIEW_LISTED, 1}, {KITH_REVIEW_WRONG, 3}, {KITH_REVIEW_MISSED, 3}};

  for (unsigned s = 0; s < sizeof series / sizeof series[0]; s++) {
    for (unsigned g = 0; g < kith_review_n_groups(review->n_agencies); g++)
      protect_series(review, g, series[s].first, series[s].n);
    for (unsigned i = 0; i < review->n_points; i++)
      hide_complement(review, i, series[s].first, series[s].n);
  }
}

/* ---- bytes: [version, round, minimum, recommended, [agency], [[threshold, [number + 1]]]] */

enum kith_err kith_review_write(struct kith_buf *out, const struct kith_review *review)
{
  unsigned n_groups = kith_review_n_groups(review->n_agencies);

  kith_write_array(out, 6);
  kith_write_u64(out, VERSION);
  kith_write_bin(out, review->round, sizeof review->round);
  kith_write_u64(out, review->minimum);
  kith_write_u64(out, review->recommended);
  kith_write_array(out, review->n_agencies);
  for (unsigned p = 0; p < review->n_agencies; p++)
    kith_write_string(out, review->agencies[p]);
  kith_write_array(out, review->n_points);
  for (unsigned i = 0; i < review->n_points; i++) {
    kith_write_array(out, 2);
    kith_write_u64(out, review->thresholds[i]);
    kith_write_array(out, n_groups * KITH_REVIEW_NUMBERS);
    for (unsigned g = 0; g < n_groups; g++)
      for (unsigned k = 0; k < KITH_REVIEW_NUMBERS; k++) {
        uint32_t number = review->numbers[i][g][k];

        kith_write_u64(out, number == KITH_REVIEW_HIDDEN ? 0 : (uint64_t)number + 1);
      }
  }
  return kith_buf_err(out);
}

static void read_points(struct kith_review *out, struct kith_reader *reader)
{
  unsigned n_groups = kith_review_n_groups(out->n_agencies);

  for (unsigned i = 0; i < out->n_points; i++) {
    uint64_t least = i ? (uint64_t)out->thresholds[i - 1] + 1 : 0;

    kith_read_array(reader, 2);
    out->thresholds[i] = (uint32_t)kith_read_u64(reader, least, PPM);
    kith_read_array(reader, n_groups * KITH_REVIEW_NUMBERS);
    for (unsigned g = 0; g < n_groups; g++)
      for (unsigned k = 0; k < KITH_REVIEW_NUMBERS; k++) {
        uint64_t number = kith_read_u64(reader, 0, NUMBER_MAX);

        out->numbers[i][g][k] = number ? (uint32_t)(number - 1) : KITH_REVIEW_HIDDEN;
      }
  }
}

enum kith_err kith_review_read(struct kith_review *out, const void *bytes, size_t len)
{
  struct kith_reader reader;
  enum kith_err err = kith_reader_init(&reader, bytes, len);

  if (err != KITH_OK)
    return err;
  memset(out, 0, sizeof *out);
  kith_read_array(&reader, 6);
  (void)kith_read_u64(&reader, VERSION, VERSION);
  kith_read_bin_exact(&reader, out->round, sizeof out->round);
  out->minimum = (unsigned)kith_read_u64(&reader, 0, 1 << 20);
  out->recommended = (uint32_t)kith_read_u64(&reader, 0, PPM);
  out->n_agencies = kith_read_array_between(&reader, 1, KITH_AGENCIES_MAX);
  for (unsigned p = 0; p < out->n_agencies; p++)
    kith_read_member(&reader, out->agencies[p]);
  out->n_points = kith_read_array_between(&reader, 1, KITH_REVIEW_POINTS_MAX);
  read_points(out, &reader);
  err = kith_reader_done(&reader);
  if (err != KITH_OK)
    memset(out, 0, sizeof *out);
  return err;
}
