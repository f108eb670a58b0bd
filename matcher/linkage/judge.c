#include "matcher/linkage/judge.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "matcher/linkage/cluster.h"

enum { MASKS = 1 << KITH_ENCODINGS_FIELDS_MAX };

/* ---- evidence */

/* Shares of the fields' weight that both sides have, in hundredths: from here on nearly all of a
 * record, and most of it. */
enum { EVIDENCE_FULL = 80, EVIDENCE_MOST = 45 };

enum { GIVEN_NAME = 1, SURNAME = 2, NAMES = 4, BIRTH = 8, POSTCODE = 16 };

/* The fields that say something on their own. */
static unsigned kind_of(const char *field)
{
  static const char *const kinds[] = {"given_name", "surname", "names", "date_of_birth",
                                      "postcode"};
  for (unsigned i = 0; i < KITH_COUNT_OF(kinds); i++)
    if (strcmp(field, kinds[i]) == 0)
      return 1u << i;
  return strcmp(field, "name_forms") == 0 ? NAMES : 0;
}

static bool lacks(unsigned there, unsigned encoded, unsigned kinds)
{
  return (encoded & kinds) && !(there & kinds);
}

static uint8_t evidence_of(const struct kith_policy *policy, unsigned mask)
{
  uint64_t all = 0;
  uint64_t shared = 0;
  uint64_t names = 0;
  unsigned encoded = 0;
  unsigned there = 0;

  for (unsigned i = 0; i < policy->n_fields; i++) {
    unsigned kind = kind_of(policy->fields[i].field);

    if (policy->fields[i].filter)
      continue; /* scores come from the first filter */
    all += policy->fields[i].weight;
    encoded |= kind;
    if (mask >> i & 1) {
      shared += policy->fields[i].weight;
      there |= kind;
      names += kind == NAMES ? policy->fields[i].weight : 0;
    }
  }
  if (lacks(there, encoded, GIVEN_NAME | SURNAME | NAMES) ||
      lacks(there, encoded, BIRTH | POSTCODE) || shared == 0)
    return 0;
  /* A field of all names is hardly there where one of the names is not. */
  if (lacks(there, encoded, GIVEN_NAME) || lacks(there, encoded, SURNAME))
    shared -= names;
  return shared * 100 >= all * EVIDENCE_FULL ? 1 : shared * 100 >= all * EVIDENCE_MOST ? 2 : 3;
}

enum kith_err kith_judge_init(struct kith_judge *judge, const struct kith_linkage_input *input)
{
  judge->input = input;
  judge->masked = true;
  for (unsigned p = 0; p < input->n_parties; p++)
    judge->masked &= input->parties[p]->n == 0 || input->parties[p]->masks;
  judge->evidence = KITH_NEW_ARRAY(uint8_t, MASKS);
  if (!judge->evidence)
    return KITH_ERR_MEMORY;
  for (unsigned mask = 0; mask < MASKS && mask >> input->policy->n_fields == 0; mask++)
    judge->evidence[mask] = evidence_of(input->policy, mask);
  return KITH_OK;
}

void kith_judge_free(struct kith_judge *judge)
{
  kith_free(judge->evidence);
  judge->evidence = NULL;
}

/* Class + 1, or 0. */
static unsigned evidence_between(const struct kith_judge *judge, unsigned party_a, uint32_t row_a,
                                 unsigned party_b, uint32_t row_b)
{
  const struct kith_linkage_input *input = judge->input;

  if (!judge->masked)
    return 1;
  return judge
      ->evidence[input->parties[party_a]->masks[row_a] & input->parties[party_b]->masks[row_b]];
}

bool kith_judge_has_evidence(const struct kith_judge *judge, unsigned party_a, uint32_t row_a,
                             unsigned party_b, uint32_t row_b)
{
  return evidence_between(judge, party_a, row_a, party_b, row_b) > 0;
}

static unsigned class_of(const struct kith_judge *judge, const struct kith_linkage_pair *pair)
{
  unsigned evidence =
      evidence_between(judge, pair->party_a, pair->row_a, pair->party_b, pair->row_b);

  return evidence ? evidence - 1 : KITH_SCORE_CLASSES - 1;
}

/* ---- comparisons */

/* How many rows have each key: a mask, or the parties of a cluster. */
struct tally {
  uint32_t key;
  uint64_t n;
};
struct tallies {
  struct tally *items; /* owned */
  size_t n;
};

static int compare_keys(const void *left, const void *right)
{
  const uint32_t *a = left;
  const uint32_t *b = right;

  return (*a > *b) - (*a < *b);
}

/* Sorts `keys`. */
static enum kith_err tally_keys(struct tallies *out, uint32_t *keys, size_t n)
{
  out->n = 0;
  out->items = KITH_NEW_ARRAY(struct tally, n);
  if (!out->items)
    return KITH_ERR_MEMORY;
  if (n > 1)
    qsort(keys, n, sizeof *keys, compare_keys);
  for (size_t i = 0; i < n; i++) {
    if (i == 0 || keys[i] != keys[i - 1])
      out->items[out->n++].key = keys[i];
    out->items[out->n - 1].n++;
  }
  return KITH_OK;
}

/* A row's mask, and above it the parties of its cluster (0 while there are none). */
static uint32_t key_of(const struct kith_judge *judge, const struct kith_linkage_result *clusters,
                       unsigned party, size_t row)
{
  uint32_t mask = judge->masked ? judge->input->parties[party]->masks[row] : 0;
  uint32_t parties = clusters ? clusters->clusters[clusters->cluster_of[party][row]].parties : 0;

  return parties << KITH_ENCODINGS_FIELDS_MAX | mask;
}

static void compare_tallies(const struct kith_judge *judge, double out[KITH_SCORE_CLASSES],
                            const struct tallies *a, const struct tallies *b)
{
  for (size_t i = 0; i < a->n; i++)
    for (size_t k = a == b ? i : 0; k < b->n; k++) {
      uint32_t both = a->items[i].key & b->items[k].key;
      unsigned evidence = judge->masked ? judge->evidence[both % MASKS] : 1;
      double n = (double)a->items[i].n * (double)b->items[k].n;

      if (a == b && i == k)
        n = (double)a->items[i].n * ((double)a->items[i].n - 1) / 2;
      if (evidence && (a == b || both < MASKS))
        out[evidence - 1] += n;
    }
}

/* All comparisons within parties, and those across that are open: where there are no clusters yet,
 * all of them. */
static enum kith_err count_comparisons(const struct kith_judge *judge,
                                       struct kith_score_counts *counts,
                                       const struct kith_linkage_result *clusters)
{
  const struct kith_linkage_input *input = judge->input;
  struct tallies tallies[KITH_LINKAGE_PARTIES_MAX] = {0};
  enum kith_err err = KITH_OK;

  memset(counts->comparisons, 0, sizeof counts->comparisons);
  for (unsigned p = 0; p < input->n_parties && err == KITH_OK; p++) {
    size_t n = input->parties[p]->n;
    KITH_AUTO_FREE uint32_t *keys = KITH_NEW_ARRAY(uint32_t, n);

    for (size_t row = 0; keys && row < n; row++)
      keys[row] = key_of(judge, clusters, p, row);
    err = keys ? tally_keys(&tallies[p], keys, n) : KITH_ERR_MEMORY;
  }
  for (unsigned p = 0; p < input->n_parties && err == KITH_OK; p++)
    for (unsigned q = p; q < input->n_parties; q++)
      compare_tallies(judge, counts->comparisons[p][q], &tallies[p], &tallies[q]);
  for (unsigned p = 0; p < input->n_parties; p++)
    kith_free(tallies[p].items);
  return err;
}

static double all_across(const struct kith_score_counts *counts)
{
  double sum = 0; /* of whole numbers */

  for (unsigned p = 0; p < counts->n_parties; p++)
    for (unsigned q = p + 1; q < counts->n_parties; q++)
      for (unsigned evidence = 0; evidence < KITH_SCORE_CLASSES; evidence++)
        sum += counts->comparisons[p][q][evidence];
  return sum;
}

/* ---- pairs by class and similarity */

static uint32_t cluster_a(const struct kith_linkage_result *result,
                          const struct kith_linkage_pair *pair)
{
  return result->cluster_of[pair->party_a][pair->row_a];
}

static uint32_t cluster_b(const struct kith_linkage_result *result,
                          const struct kith_linkage_pair *pair)
{
  return result->cluster_of[pair->party_b][pair->row_b];
}

static bool is_open(const struct kith_linkage_result *result, const struct kith_linkage_pair *pair)
{
  return (result->clusters[cluster_a(result, pair)].parties &
          result->clusters[cluster_b(result, pair)].parties) == 0;
}

enum counting { ALL, CLUSTERED, OPEN };

static void count_pairs(const struct kith_judge *judge, struct kith_score_counts *counts,
                        const struct kith_linkage_result *result, enum counting counting)
{
  memset(counts->across, 0, sizeof counts->across);
  memset(counts->unlinked, 0, sizeof counts->unlinked);
  memset(counts->within, 0, sizeof counts->within);
  for (size_t i = 0; i < result->n_pairs; i++) {
    const struct kith_linkage_pair *pair = &result->pairs[i];
    unsigned evidence = class_of(judge, pair);
    unsigned bin = kith_score_bin(pair->similarity);
    bool together = counting != ALL && cluster_a(result, pair) == cluster_b(result, pair);

    if (pair->party_a == pair->party_b) {
      counts->within[pair->party_a][evidence][bin] += !together;
    } else if (counting != OPEN || is_open(result, pair)) {
      counts->across[evidence][bin]++;
      counts->unlinked[evidence][bin] += !together;
    }
  }
}

/* ---- the passes */

uint32_t kith_judge_probability(const struct kith_judge *judge,
                                const struct kith_linkage_pair *pair)
{
  unsigned evidence = class_of(judge, pair);

  return pair->party_a == pair->party_b
             ? kith_score_within(&judge->score, pair->party_a, evidence, pair->similarity)
             : kith_score_across(&judge->score, evidence, pair->similarity);
}

static void set_probabilities(const struct kith_judge *judge, struct kith_linkage_result *result)
{
  for (size_t i = 0; i < result->n_pairs; i++)
    result->pairs[i].probability = kith_judge_probability(judge, &result->pairs[i]);
}

static void raise_open(const struct kith_judge *judge, struct kith_linkage_result *result)
{
  for (size_t i = 0; i < result->n_pairs; i++) {
    struct kith_linkage_pair *pair = &result->pairs[i];
    uint32_t open;

    if (pair->party_a == pair->party_b || !is_open(result, pair))
      continue;
    open = kith_score_across(&judge->open, class_of(judge, pair), pair->similarity);
    if (open > pair->probability)
      pair->probability = open;
  }
}

static enum kith_err learn_again(struct kith_judge *judge, struct kith_linkage_result *result,
                                 struct kith_score_counts *counts,
                                 const struct kith_score_counts *first)
{
  double ratio = judge->score.duplicate_ratio;
  double all = all_across(first);
  enum kith_err err = kith_cluster_build(result, judge->input, KITH_LEARNING_THRESHOLD, false);

  if (err != KITH_OK)
    return err;
  memcpy(counts, first, sizeof *counts);
  count_pairs(judge, counts, result, CLUSTERED);
  kith_score_learn(&judge->score, counts, ratio);
  kith_score_learn_within(&judge->score, first);
  set_probabilities(judge, result);
  if ((err = kith_cluster_build(result, judge->input, KITH_LEARNING_THRESHOLD, false)) != KITH_OK ||
      (err = count_comparisons(judge, counts, result)) != KITH_OK)
    return err;
  count_pairs(judge, counts, result, OPEN);
  kith_score_learn(&judge->open, counts, all > 0 ? ratio * all_across(counts) / all : 0);
  raise_open(judge, result);
  return KITH_OK;
}

enum kith_err kith_judge_learn(struct kith_judge *judge, struct kith_linkage_result *result)
{
  KITH_AUTO_FREE struct kith_score_counts *first = KITH_NEW(struct kith_score_counts);
  KITH_AUTO_FREE struct kith_score_counts *counts = KITH_NEW(struct kith_score_counts);
  enum kith_err err;

  if (!first || !counts)
    return KITH_ERR_MEMORY;
  first->n_parties = judge->input->n_parties;
  if ((err = count_comparisons(judge, first, NULL)) != KITH_OK)
    return err;
  count_pairs(judge, first, result, ALL);
  if (first->n_parties > 1)
    kith_score_learn(&judge->score, first, -1);
  kith_score_learn_within(&judge->score, first);
  set_probabilities(judge, result);
  result->duplicate_share = judge->score.duplicate_ratio;
  return first->n_parties > 1 ? learn_again(judge, result, counts, first) : KITH_OK;
}
