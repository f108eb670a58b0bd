#include "matcher/linkage/judge.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "matcher/linkage/cluster.h"
#include "matcher/linkage/count.h"
#include "matcher/linkage/further.h"
#include "matcher/linkage/yardstick.h"

enum {
  ROUNDS = 2,         /* of learning weights, then probabilities */
  LINK = 500000,      /* ppm: a link while learning */
  LIKELY = 900000,    /* ppm: what weights are learnt from */
  PLAUSIBLE = 100000, /* ppm: less likely pairs are not counted: a small error in so many is worth
                         more than they */
  LIKELY_MIN = 20,    /* fewer such pairs teach nothing: similarities stay */
  LIKELY_ALIKE = 850000,   /* ppm of similarity: at first, where nothing is a known non-match */
  CROWD_ROWS_MIN = 100000, /* namesakes grow with the square of it, households do not */
  LEVELS_MIN = 2000,       /* fewer likely pairs are too few to be told apart by levels */
  SLACK = 6 /* so many times less than likely matches are above even, a cluster may be below */
};

enum kith_err kith_judge_init(struct kith_judge *judge, const struct kith_linkage_input *input)
{
  judge->input = input;
  judge->high = KITH_PPM - 1;
  judge->loose = input->n_parties == 1;
  judge->classes.flat = true;
  return kith_classes_init(&judge->classes, input);
}

void kith_judge_free(struct kith_judge *judge)
{
  kith_classes_free(&judge->classes);
  kith_weights_free(&judge->weights);
  kith_crowd_free(&judge->crowd);
}

/* ---- pairs */

static const uint8_t *row_of(const struct kith_judge *judge, unsigned party, uint32_t row)
{
  return kith_encodings_row(judge->input->parties[party], row);
}

static int32_t weight_of(const struct kith_judge *judge, const struct kith_linkage_pair *pair)
{
  if (!judge->weights.bytes)
    return (int32_t)pair->similarity;
  return kith_weights_of(&judge->weights, row_of(judge, pair->party_a, pair->row_a),
                         row_of(judge, pair->party_b, pair->row_b)) -
         kith_crowd_of(&judge->crowd, pair);
}

static struct kith_count count_of(const struct kith_judge *judge,
                                  const struct kith_linkage_result *result)
{
  return (struct kith_count){&judge->classes, result, judge->low, judge->high};
}

static uint32_t probability_of(const struct kith_judge *judge, const struct kith_score *score,
                               const struct kith_linkage_pair *pair)
{
  struct kith_count count = count_of(judge, NULL);
  unsigned bin = kith_count_bin(&count, pair->weight);
  double probability = pair->party_a == pair->party_b
                           ? score->within[pair->party_a][pair->class][bin]
                           : score->across[pair->class][bin];

  return (uint32_t)(probability * KITH_PPM + 0.5);
}

void kith_judge_pair(const struct kith_judge *judge, struct kith_linkage_pair *pair)
{
  pair->class = (uint8_t)kith_class_of(&judge->classes, pair);
  pair->weight = weight_of(judge, pair);
  pair->probability = probability_of(judge, &judge->score, pair);
}

int32_t kith_judge_margin(const struct kith_judge *judge, const struct kith_linkage_pair *pair,
                          bool further)
{
  return pair->weight - judge->even[pair->class] + judge->slack - (further ? judge->further : 0);
}

static bool of_interest(const struct kith_judge *judge, const struct kith_linkage_pair *pair)
{
  return pair->party_a != pair->party_b || judge->input->n_parties == 1;
}

double kith_judge_true_pairs(const struct kith_judge *judge,
                             const struct kith_linkage_result *result)
{
  struct kith_count count = count_of(judge, result);
  uint64_t pairs[KITH_BINS] = {0};
  uint64_t matches[KITH_BINS] = {0}; /* ppm, so that the sum has no order */

  for (size_t i = 0; i < result->n_pairs; i++) {
    const struct kith_linkage_pair *pair = &result->pairs[i];
    unsigned bin = kith_count_bin(&count, pair->weight);

    if (!of_interest(judge, pair))
      continue;
    pairs[bin]++;
    matches[bin] += pair->probability >= PLAUSIBLE ? pair->probability : 0;
  }
  return kith_bins_matches(pairs, matches) / KITH_PPM;
}

/* ---- what the bits are worth */

static bool is_alike(const void *context, const struct kith_linkage_pair *pair)
{
  const struct kith_judge *judge = context;

  return pair->similarity >= LIKELY_ALIKE && pair->class < KITH_LEVELS && of_interest(judge, pair);
}

static bool is_likely(const void *context, const struct kith_linkage_pair *pair)
{
  return pair->probability >= LIKELY && of_interest(context, pair);
}

/* Whether there are enough to learn from. */
static bool many(const struct kith_judge *judge, const struct kith_linkage_result *result,
                 kith_weights_likely likely, unsigned min)
{
  unsigned n = 0;

  for (size_t i = 0; i < result->n_pairs && n < min; i++)
    n += likely(judge, &result->pairs[i]);
  return n >= min;
}

static void weigh_pairs(struct kith_judge *judge, struct kith_linkage_result *result)
{
  judge->low = INT32_MAX;
  judge->high = INT32_MIN;
  for (size_t i = 0; i < result->n_pairs; i++) {
    int32_t weight = weight_of(judge, &result->pairs[i]);

    result->pairs[i].weight = weight;
    judge->low = weight < judge->low ? weight : judge->low;
    judge->high = weight > judge->high ? weight : judge->high;
  }
}

/* ---- probabilities */

static void set_probabilities(const struct kith_judge *judge, struct kith_linkage_result *result)
{
  for (size_t i = 0; i < result->n_pairs; i++)
    result->pairs[i].probability = probability_of(judge, &judge->score, &result->pairs[i]);
}

/* Room for one kind of count after the other. */
struct room {
  struct kith_bins all;
  struct kith_bins some;
};

static enum kith_err learn_first(struct kith_judge *judge, struct kith_linkage_result *result,
                                 const struct room *room)
{
  kith_yardstick_duplicates(judge->duplicates, &room->all);
  judge->loose = kith_yardstick_all_full(&room->all, judge->duplicates, kith_yardstick_full);
  kith_score_learn(&judge->score, &room->all, judge->duplicates);
  kith_score_learn_within(&judge->score, &room->all);
  set_probabilities(judge, result);
  return kith_cluster_build(result, judge, LINK, false);
}

/* Pairs that could still be links. */
static enum kith_err learn_open(struct kith_judge *judge, struct kith_linkage_result *result,
                                struct room *room)
{
  struct kith_count count = count_of(judge, result);
  enum kith_err err = kith_cluster_build(result, judge, LINK, false);

  if (err != KITH_OK || (err = kith_count_into(&room->some, &count, KITH_COUNT_OPEN)) != KITH_OK)
    return err;
  kith_score_learn(&judge->open, &room->some, judge->duplicates);
  for (size_t i = 0; i < result->n_pairs; i++) {
    struct kith_linkage_pair *pair = &result->pairs[i];

    if (pair->party_a != pair->party_b && kith_count_is_open(result, pair)) {
      uint32_t open = probability_of(judge, &judge->open, pair);

      pair->probability = open > pair->probability ? open : pair->probability;
    }
  }
  return KITH_OK;
}

static enum kith_err learn_several(struct kith_judge *judge, struct kith_linkage_result *result,
                                   struct room *room)
{
  struct kith_count count = count_of(judge, result);
  enum kith_err err = judge->weights.bytes ? KITH_OK : learn_first(judge, result, room);

  if (err != KITH_OK ||
      (err = kith_count_into(&room->some, &count, KITH_COUNT_CLUSTERED)) != KITH_OK)
    return err;
  kith_score_learn(&judge->score, &room->some, judge->duplicates);
  kith_score_learn_within(&judge->score, &room->all);
  set_probabilities(judge, result);
  return judge->loose ? kith_cluster_build(result, judge, LINK, false)
                      : learn_open(judge, result, room);
}

static enum kith_err learn_probabilities(struct kith_judge *judge,
                                         struct kith_linkage_result *result)
{
  KITH_AUTO_FREE struct room *room = KITH_NEW(struct room);
  struct kith_count count = count_of(judge, result);
  enum kith_err err = room ? kith_count_into(&room->all, &count, KITH_COUNT_ALL) : KITH_ERR_MEMORY;

  if (err != KITH_OK || judge->input->n_parties > 1)
    return err == KITH_OK ? learn_several(judge, result, room) : err;
  kith_score_learn_within(&judge->score, &room->all);
  set_probabilities(judge, result);
  return KITH_OK;
}

/* Where an even chance is, and how far above it likely matches are. */
static void find_even(struct kith_judge *judge, const struct kith_linkage_result *result)
{
  int64_t range = (int64_t)judge->high - judge->low + 1;
  int64_t sum = 0;
  int64_t n = 0;

  for (unsigned class = 0; class < KITH_CLASSES; class ++) {
    const double *probabilities =
        judge->input->n_parties == 1 ? judge->score.within[0][class] : judge->score.across[class];
    unsigned bin = 0;

    while (bin < KITH_BINS && probabilities[bin] < 0.5)
      bin++;
    judge->even[class] = (int32_t)(judge->low + bin * range / KITH_BINS);
  }
  for (size_t i = 0; i < result->n_pairs; i++)
    if (result->pairs[i].probability >= LIKELY) {
      sum += result->pairs[i].weight - judge->even[result->pairs[i].class];
      n++;
    }
  judge->slack = n ? (int32_t)(sum / n / SLACK) : 0;
}

static void classify_pairs(const struct kith_judge *judge, struct kith_linkage_result *result)
{
  for (size_t i = 0; i < result->n_pairs; i++) {
    struct kith_linkage_pair *pair = &result->pairs[i];

    pair->class = (uint8_t)kith_class_of(&judge->classes, pair);
    pair->weight = weight_of(judge, pair);
  }
}

/* Whether rows' neighbours are namesakes. Where people are known just once to parties, and are few,
 * the few who are near are of one household, and clustering sees to them: a row is not held against
 * its family. */
static bool crowded(const struct kith_judge *judge)
{
  size_t rows = 0;

  for (unsigned p = 0; p < judge->input->n_parties; p++)
    rows += judge->input->parties[p]->n;
  return judge->loose || rows >= CROWD_ROWS_MIN;
}

/* Weights as they are by themselves, then as they are among neighbours. */
static enum kith_err learn_weights(struct kith_judge *judge, struct kith_linkage_result *result,
                                   kith_weights_likely likely)
{
  enum kith_err err = kith_weights_learn(&judge->weights, judge->input, result->pairs,
                                         result->n_pairs, likely, judge);

  kith_crowd_free(&judge->crowd);
  if (err != KITH_OK)
    return err;
  weigh_pairs(judge, result);
  if ((err = learn_probabilities(judge, result)) != KITH_OK)
    return err;
  find_even(judge, result);
  if (judge->slack <= 0 || !crowded(judge))
    return KITH_OK;
  err = kith_crowd_learn(&judge->crowd, judge->input, result->pairs, result->n_pairs, judge->even,
                         judge->slack, judge->loose);
  if (err != KITH_OK)
    return err;
  weigh_pairs(judge, result);
  err = learn_probabilities(judge, result);
  find_even(judge, result);
  return err;
}

/* A natural logarithm of odds is worth what it is to crowds. */
static enum kith_err learn_further(struct kith_judge *judge,
                                   const struct kith_linkage_result *result)
{
  double odds;
  enum kith_err err = kith_further_log(&odds, judge->input, result->pairs, result->n_pairs, LIKELY);

  judge->further = err == KITH_OK ? (int32_t)lrint(-odds * kith_crowd_log_worth * judge->slack) : 0;
  return err;
}

enum kith_err kith_judge_learn(struct kith_judge *judge, struct kith_linkage_result *result)
{
  kith_weights_likely likely = judge->input->n_parties > 1 ? is_likely : is_alike;
  enum kith_err err;

  classify_pairs(judge, result);
  if ((err = learn_probabilities(judge, result)) != KITH_OK)
    return err;
  /* Where nobody is known just once, or few are likely, levels would cut what is known too thin. */
  judge->classes.flat = judge->loose || !many(judge, result, is_likely, LEVELS_MIN);
  classify_pairs(judge, result);
  for (unsigned round = 0;
       err == KITH_OK && round < ROUNDS && many(judge, result, likely, LIKELY_MIN); round++) {
    err = learn_weights(judge, result, likely);
    likely = is_likely;
  }
  if (err == KITH_OK && judge->loose)
    err = learn_further(judge, result);
  return err == KITH_OK ? kith_coverage_of(&judge->coverage, &judge->classes, result->pairs,
                                           result->n_pairs, PLAUSIBLE)
                        : err;
}
