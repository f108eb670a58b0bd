#include "matcher/linkage/foretell.h"

#include <math.h>

#include "matcher/linkage/curve.h"

/* The method's own error, as a share of the number that it foretells: of false links, which were a
 * quarter to four times as many on data with truth, and of missed ones. */
static const double false_error = 1;
static const double missed_error = 0.6;

void kith_foretell_add(struct kith_foretell *foretell, uint64_t n, uint32_t probability,
                       uint32_t alone)
{
  uint32_t hundredths = probability / (KITH_PPM / 100);
  uint32_t step = hundredths < KITH_CURVE_FIRST ? KITH_CURVE_STEPS : hundredths - KITH_CURVE_FIRST;

  if (hundredths >= KITH_CURVE_FIRST + KITH_CURVE_STEPS)
    step = KITH_CURVE_STEPS - 1;
  foretell->joined[step] += n;
  foretell->wrong_ppm[step] += n * (KITH_PPM - probability);
  foretell->alone_ppm[step] += n * (KITH_PPM - (alone < probability ? alone : probability));
}

/* ---- true pairs */

struct truth {
  double mean;
  double spread; /* standard deviation of what two ways of counting leave open */
};

static struct truth true_pairs(const struct kith_linkage_result *result,
                               const struct kith_judge *judge, double found, double missed)
{
  double seen = kith_judge_true_pairs(judge, result);
  double factor = judge->coverage.eligible > 1 ? judge->coverage.eligible : 1;
  double complete = judge->coverage.complete;
  double mean = fmax(found, seen * factor);

  /* Pairs that lack fields are judged by what those that don't lack them taught; where nothing is
   * known to be a non-match, that is little, and the latter alone are the better guide. */
  if (judge->loose)
    mean = fmax(found + missed, complete);
  return (struct truth){mean, complete > 0 ? fabs(complete - mean) : 0};
}

/* ---- one threshold */

struct sums {
  uint64_t joined;
  uint64_t wrong_ppm;
  uint64_t alone_ppm;
};

static double variance_of(double errors, double share, double spread)
{
  return errors + share * errors * (share * errors) + spread * spread;
}

/* Where nobody is known just once a merge joins groups: if its best pair is right, all of it is;
 * but the best of many is the one that chance favours. The truth is between that and what each pair
 * says by itself. */
static void make_point(struct kith_curve_point *point, const struct sums *sums,
                       const struct truth *truth, bool loose)
{
  double links = (double)sums->joined;
  double least = (double)sums->wrong_ppm / KITH_PPM;
  double most = loose ? (double)sums->alone_ppm / KITH_PPM : least;
  double wrong = (least + most) / 2;
  double found = links - wrong;
  double missed = fmax(truth->mean - found, 0);
  double wrong_variance = variance_of(wrong, false_error, (most - least) / 2);
  struct kith_estimate wrongs = kith_estimate_of(wrong, wrong_variance);
  /* A link more that is wrong is a match more that is missed. */
  struct kith_estimate misses =
      kith_estimate_of(missed, variance_of(missed, missed_error, truth->spread) + wrong_variance);

  point->links = sums->joined;
  point->false_links = wrong;
  point->precision = links > 0 ? found / links : 1;
  point->precision_low = links > 0 ? fmax(1 - wrongs.high / links, 0) : 1;
  point->precision_high = links > 0 ? 1 - wrongs.low / links : 1;
  point->recall = found + missed > 0 ? found / (found + missed) : 1;
  point->recall_low = found + misses.high > 0 ? found / (found + misses.high) : 1;
  point->recall_high = found + misses.low > 0 ? found / (found + misses.low) : 1;
  point->f1 = links + found + missed > 0 ? 2 * found / (links + found + missed) : 1;
}

void kith_foretell_curve(struct kith_linkage_result *result, const struct kith_foretell *foretell,
                         const struct kith_judge *judge, uint64_t missed_ppm)
{
  struct sums sums = {0};
  double found = 0;

  for (unsigned step = 0; step <= KITH_CURVE_STEPS; step++) {
    double wrong = (double)foretell->wrong_ppm[step];

    if (judge->loose)
      wrong = (wrong + (double)foretell->alone_ppm[step]) / 2;
    found += ((double)foretell->joined[step] * KITH_PPM - wrong) / KITH_PPM;
  }
  const struct truth truth = true_pairs(result, judge, found, (double)missed_ppm / KITH_PPM);
  result->true_pairs = truth.mean;
  for (unsigned step = KITH_CURVE_STEPS; step-- > 0;) {
    sums.joined += foretell->joined[step];
    sums.wrong_ppm += foretell->wrong_ppm[step];
    sums.alone_ppm += foretell->alone_ppm[step];
    result->curve[step].threshold = (KITH_CURVE_FIRST + step) * (KITH_PPM / 100);
    make_point(&result->curve[step], &sums, &truth, judge->loose);
  }
}
