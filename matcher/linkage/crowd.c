#include "matcher/linkage/crowd.h"

#include <math.h>

#include "base/mem.h"

enum {
  ONE = 1 << 12,        /* of a neighbour's share, and of moments */
  NEIGHBOURS_MAX = 4096 /* that count for the moments: their squares must add up */
};
/* How far down neighbours are looked for, in units. */
static const double surroundings[] = {3, 1};
const double kith_crowd_log_worth = 0.75;
/* Of the gamma distribution: beyond, one would be as good as nothing, or as certainty. */
static const double shape_min = 0.1;
static const double shape_max = 100;

struct counter {
  size_t n_rows;
  uint32_t offset[KITH_LINKAGE_PARTIES_MAX + 1]; /* number = offset[party] + row */
  uint64_t *near;                                /* owned; by number: neighbours, in ONEs */
  double *times;                                 /* owned; by number: of the mean */
};

/* ---- neighbours */

/* Adds each pair below an even chance to both of its rows: less, the further down it is, and the
 * likelier a match. Gives the sum of their squares. */
static uint64_t count_neighbours(struct counter *counter, const struct kith_linkage_pair *pairs,
                                 size_t n_pairs, const int32_t even[KITH_CLASSES], double scale)
{
  uint64_t squares = 0;

  for (size_t i = 0; i < counter->n_rows; i++)
    counter->near[i] = 0;
  for (size_t i = 0; i < n_pairs; i++) {
    const struct kith_linkage_pair *pair = &pairs[i];
    double below = (double)even[pair->class] - pair->weight;

    if (below <= 0)
      continue;
    double share = exp(-below / scale) * (1 - (double)pair->probability / KITH_PPM);
    uint64_t whole = (uint64_t)llrint(share * ONE);
    counter->near[counter->offset[pair->party_a] + pair->row_a] += whole;
    counter->near[counter->offset[pair->party_b] + pair->row_b] += whole;
    squares += 2 * whole * whole;
  }
  return squares;
}

/* ---- how many times the mean, less what chance may have done */

static int64_t whole(double value)
{
  return llrint(fmin(value, (double)NEIGHBOURS_MAX * NEIGHBOURS_MAX) * ONE);
}

/* The shape of the gamma distribution that the rows' rates have about what is expected of each:
 * from the moments of `near`, of which `each` makes one whole neighbour. */
static double shape_of(const struct counter *counter, double each, double mean)
{
  int64_t spread = 0;
  int64_t squares = 0;

  for (size_t i = 0; i < counter->n_rows; i++) {
    double expected = fmin(mean * counter->times[i], NEIGHBOURS_MAX);
    double seen = fmin((double)counter->near[i] / each, NEIGHBOURS_MAX);

    spread += whole((seen - expected) * (seen - expected)) - whole(expected);
    squares += whole(expected * expected);
  }
  return spread > 0 ? fmin(fmax((double)squares / (double)spread, shape_min), shape_max)
                    : shape_max;
}

static void sharpen(struct counter *counter, uint64_t squares)
{
  uint64_t sum = 0;
  int64_t all = 0;

  for (size_t i = 0; i < counter->n_rows; i++)
    sum += counter->near[i];
  if (!sum)
    return;
  /* Shares are not whole: so much of them varies as one whole neighbour does. */
  double each = (double)squares / (double)sum;
  double mean = (double)sum / each / (double)counter->n_rows;
  double shape = shape_of(counter, each, mean);
  for (size_t i = 0; i < counter->n_rows; i++) {
    double expected = mean * counter->times[i];

    counter->times[i] *= ((double)counter->near[i] / each + shape) / (expected + shape);
    all += whole(counter->times[i]);
  }
  for (size_t i = 0; i < counter->n_rows; i++)
    counter->times[i] *= (double)counter->n_rows * ONE / (double)all;
}

/* ---- all of it */

static enum kith_err make_room(struct kith_crowd *crowd, struct counter *counter,
                               const struct kith_linkage_input *input)
{
  for (unsigned p = 0; p < input->n_parties; p++) {
    counter->offset[p + 1] = counter->offset[p] + (uint32_t)input->parties[p]->n;
    crowd->less[p] = KITH_NEW_ARRAY(int32_t, input->parties[p]->n);
    if (!crowd->less[p])
      return KITH_ERR_MEMORY;
  }
  counter->n_rows = counter->offset[input->n_parties];
  counter->near = KITH_NEW_ARRAY(uint64_t, counter->n_rows);
  counter->times = KITH_NEW_ARRAY(double, counter->n_rows);
  return counter->near && counter->times ? KITH_OK : KITH_ERR_MEMORY;
}

enum kith_err kith_crowd_learn(struct kith_crowd *crowd, const struct kith_linkage_input *input,
                               const struct kith_linkage_pair *pairs, size_t n_pairs,
                               const int32_t even[KITH_CLASSES], int32_t unit, bool lonely)
{
  struct counter counter = {0};
  double least = lonely ? -HUGE_VAL : 0;
  enum kith_err err;

  kith_crowd_free(crowd);
  err = make_room(crowd, &counter, input);
  for (size_t i = 0; err == KITH_OK && i < counter.n_rows; i++)
    counter.times[i] = 1;
  for (unsigned i = 0; err == KITH_OK && i < sizeof surroundings / sizeof *surroundings; i++)
    sharpen(&counter, count_neighbours(&counter, pairs, n_pairs, even, surroundings[i] * unit));
  for (unsigned p = 0; err == KITH_OK && p < input->n_parties; p++)
    for (size_t row = 0; row < input->parties[p]->n; row++)
      crowd->less[p][row] =
          (int32_t)lrint(fmax(log(counter.times[counter.offset[p] + row]), least) / 2 *
                         kith_crowd_log_worth * unit);
  kith_free(counter.near);
  kith_free(counter.times);
  if (err != KITH_OK)
    kith_crowd_free(crowd);
  return err;
}

void kith_crowd_free(struct kith_crowd *crowd)
{
  for (unsigned p = 0; p < KITH_LINKAGE_PARTIES_MAX; p++) {
    kith_free(crowd->less[p]);
    crowd->less[p] = NULL;
  }
}
