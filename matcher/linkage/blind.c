#include "matcher/linkage/blind.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "matcher/linkage/blind_score.h"
#include "matcher/linkage/cluster.h"
#include "matcher/linkage/curve.h"
#include "proto/policy_blind.h"

enum {
  LINK = 500000, /* ppm: a link while learning */
  PASSES = 2     /* of judging again what is still open */
};

/* A candidate, and the cell it is in. */
struct candidate {
  struct kith_linkage_pair pair;
  uint32_t cell;
};

struct holder {
  uint64_t handle;
  uint32_t row;
};

struct linking {
  const struct kith_blind_input *blind;
  const struct kith_linkage_input *input;
  struct kith_blind_layout layout;
  struct kith_linkage_result *result;
  struct kith_judge *judge; /* owned; only tells clustering what it works on */
  struct kith_blind_cells cells;
  uint32_t *cell_at; /* owned; by pair: its cell's place */
  struct kith_blind_foretold foretold[KITH_LINKAGE_PARTIES_MAX * KITH_LINKAGE_PARTIES_MAX / 2];
  size_t n_foretold;
};

uint32_t kith_blind_similarity(const struct kith_policy *policy, const uint8_t *distances,
                               const uint8_t *missing)
{
  uint64_t sum = 0; /* ppm x weight */
  uint64_t weights = 0;

  for (unsigned f = 0; f < policy->blind.n_fields; f++) {
    const struct kith_blind_field *field = &policy->blind.fields[f];

    if (missing[f])
      continue;
    weights += field->weight;
    if (2 * distances[f] < field->bits)
      sum += (uint64_t)field->weight * (field->bits - 2u * distances[f]) * KITH_PPM / field->bits;
  }
  return weights ? (uint32_t)(sum / weights) : 0;
}

/* ---- candidates */

static int compare_holders(const void *left, const void *right)
{
  const struct holder *a = left;
  const struct holder *b = right;

  return (a->handle > b->handle) - (a->handle < b->handle);
}

static enum kith_err list_holders(struct holder **out, const struct kith_encodings *party)
{
  struct holder *holders = KITH_NEW_ARRAY(struct holder, party->n);

  if (!holders)
    return KITH_ERR_MEMORY;
  for (size_t row = 0; row < party->n; row++)
    holders[row] = (struct holder){
        kith_get_le(kith_encodings_row(party, row), KITH_BLIND_HANDLE_BITS / 8), (uint32_t)row};
  if (party->n > 1)
    qsort(holders, party->n, sizeof *holders, compare_holders);
  *out = holders;
  return KITH_OK;
}

static const struct holder *find(const struct holder *holders, size_t n, uint64_t handle)
{
  const struct holder key = {handle, 0};

  return n ? bsearch(&key, holders, n, sizeof key, compare_holders) : NULL;
}

static int compare_candidates(const void *left, const void *right)
{
  const struct candidate *a = left;
  const struct candidate *b = right;

  return kith_linkage_pair_compare(&a->pair, &b->pair);
}

/* Those of two parties, to *at on. */
static enum kith_err take_pairs(const struct linking *linking, struct candidate **at,
                                struct holder *const *holders, unsigned p, unsigned q)
{
  const struct kith_blind_pairs *pairs = &linking->blind->pairs[p][q];
  const struct kith_encodings *const *parties = linking->input->parties;
  bool p_is_low = strcmp(linking->input->names[p], linking->input->names[q]) < 0;

  for (size_t i = 0; i < pairs->n; i++) {
    const struct kith_blind_pair *pair = &pairs->items[i];
    const struct holder *a = find(holders[p], parties[p]->n, p_is_low ? pair->low : pair->high);
    const struct holder *b = find(holders[q], parties[q]->n, p_is_low ? pair->high : pair->low);

    if (!a || !b)
      return KITH_ERR_DATA;
    *(*at)++ = (struct candidate){{.row_a = a->row,
                                   .row_b = b->row,
                                   .party_a = (uint8_t)p,
                                   .party_b = (uint8_t)q,
                                   .similarity = kith_blind_similarity(
                                       linking->input->policy, pair->distances, pair->missing)},
                                  kith_blind_cell(&linking->layout, pair->distances, pair->missing,
                                                  (unsigned)__builtin_popcount(pair->keys))};
  }
  return KITH_OK;
}

static enum kith_err collect(struct linking *linking, struct candidate *candidates)
{
  struct holder *holders[KITH_LINKAGE_PARTIES_MAX] = {0};
  unsigned n_parties = linking->input->n_parties;
  struct candidate *at = candidates;
  enum kith_err err = KITH_OK;

  for (unsigned p = 0; p < n_parties && err == KITH_OK; p++)
    err = list_holders(&holders[p], linking->input->parties[p]);
  for (unsigned p = 0; p < n_parties; p++)
    for (unsigned q = p + 1; q < n_parties && err == KITH_OK; q++)
      err = take_pairs(linking, &at, holders, p, q);
  for (unsigned p = 0; p < n_parties; p++)
    kith_free(holders[p]);
  return err;
}

static void list_foretold(struct linking *linking)
{
  const struct kith_blind_input *blind = linking->blind;

  for (unsigned p = 0; p < linking->input->n_parties; p++)
    for (unsigned q = p + 1; q < linking->input->n_parties; q++) {
      const struct kith_blind_histogram *a = &blind->within[p][q];
      const struct kith_blind_histogram *b = &blind->within[q][p];
      double comparisons = a->comparisons + b->comparisons;

      linking->foretold[linking->n_foretold++] = (struct kith_blind_foretold){
          {a, b},
          comparisons > 0 ? (double)blind->n_people[p] * (double)blind->n_people[q] / comparisons
                          : 0};
    }
}

static enum kith_err take_candidates(struct linking *linking)
{
  const struct kith_blind_input *blind = linking->blind;
  struct kith_linkage_result *result = linking->result;
  KITH_AUTO_FREE struct candidate *candidates = NULL;
  KITH_AUTO_FREE uint32_t *cells = NULL;
  size_t n = 0;
  enum kith_err err;

  for (unsigned p = 0; p < linking->input->n_parties; p++)
    for (unsigned q = p + 1; q < linking->input->n_parties; q++)
      n += blind->pairs[p][q].n;
  candidates = KITH_NEW_ARRAY(struct candidate, n);
  cells = KITH_NEW_ARRAY(uint32_t, n);
  linking->cell_at = KITH_NEW_ARRAY(uint32_t, n);
  result->pairs = KITH_NEW_ARRAY(struct kith_linkage_pair, n);
  if (!candidates || !cells || !linking->cell_at || !result->pairs)
    return KITH_ERR_MEMORY;
  if ((err = collect(linking, candidates)) != KITH_OK)
    return err;
  if (n > 1)
    qsort(candidates, n, sizeof *candidates, compare_candidates);
  for (size_t i = 0; i < n; i++) {
    result->pairs[i] = candidates[i].pair;
    cells[i] = candidates[i].cell;
  }
  result->n_pairs = n;
  list_foretold(linking);
  err = kith_blind_cells_init(&linking->cells, cells, n, linking->foretold, linking->n_foretold);
  for (size_t i = 0; i < n && err == KITH_OK; i++)
    linking->cell_at[i] = (uint32_t)kith_blind_cells_at(&linking->cells, cells[i]);
  return err;
}

/* ---- pairs that could still be links */

static uint32_t parties_of(const struct kith_linkage_result *result, unsigned party, uint32_t row)
{
  return result->clusters[result->cluster_of[party][row]].parties;
}

struct tally {
  uint32_t parties; /* of a cluster */
  double n;         /* people of a party in such clusters */
};
struct tallies {
  struct tally *items; /* owned */
  size_t n;
};

static int compare_tallies(const void *left, const void *right)
{
  const struct tally *a = left;
  const struct tally *b = right;

  return (a->parties > b->parties) - (a->parties < b->parties);
}

/* People of a party by the parties of their cluster. */
static enum kith_err tally_party(struct tallies *out, const struct linking *linking, unsigned p)
{
  size_t n_rows = linking->input->parties[p]->n;
  double alone = (double)linking->blind->n_people[p];
  size_t n = 0;

  out->items = KITH_NEW_ARRAY(struct tally, n_rows + 1);
  if (!out->items)
    return KITH_ERR_MEMORY;
  for (uint32_t row = 0; row < n_rows; row++) {
    uint32_t parties = parties_of(linking->result, p, row);

    if (parties & (parties - 1)) {
      out->items[n++] = (struct tally){parties, 1};
      alone -= 1;
    }
  }
  out->items[n++] = (struct tally){1u << p, alone};
  qsort(out->items, n, sizeof *out->items, compare_tallies);
  for (size_t i = 0; i < n; i++) {
    if (out->n && out->items[out->n - 1].parties == out->items[i].parties)
      out->items[out->n - 1].n += out->items[i].n;
    else
      out->items[out->n++] = out->items[i];
  }
  return KITH_OK;
}

/* The share of all comparisons of two parties that could be links. */
static double open_share(const struct tallies *a, const struct tallies *b)
{
  double open = 0;
  double n_a = 0;
  double n_b = 0;

  for (size_t i = 0; i < a->n; i++) {
    n_a += a->items[i].n;
    for (size_t k = 0; k < b->n; k++)
      if (!(a->items[i].parties & b->items[k].parties))
        open += a->items[i].n * b->items[k].n;
  }
  for (size_t k = 0; k < b->n; k++)
    n_b += b->items[k].n;
  return n_a > 0 && n_b > 0 ? open / n_a / n_b : 0;
}

static bool is_open(const struct kith_linkage_result *result, const struct kith_linkage_pair *pair)
{
  return !(parties_of(result, pair->party_a, pair->row_a) &
           parties_of(result, pair->party_b, pair->row_b));
}

static enum kith_err expect_open(double *expected, const struct linking *linking)
{
  struct tallies tallies[KITH_LINKAGE_PARTIES_MAX] = {0};
  const struct kith_blind_foretold *foretold = linking->foretold;
  enum kith_err err = KITH_OK;

  for (unsigned p = 0; p < linking->input->n_parties && err == KITH_OK; p++)
    err = tally_party(&tallies[p], linking, p);
  for (unsigned p = 0; p < linking->input->n_parties; p++)
    for (unsigned q = p + 1; q < linking->input->n_parties && err == KITH_OK; q++, foretold++) {
      double scale = foretold->scale * open_share(&tallies[p], &tallies[q]);

      for (unsigned side = 0; side < 2; side++)
        for (size_t i = 0; i < foretold->histograms[side]->n; i++) {
          const struct kith_blind_count *count = &foretold->histograms[side]->counts[i];

          expected[kith_blind_cells_at(&linking->cells, count->cell)] += scale * count->count;
        }
    }
  for (unsigned p = 0; p < linking->input->n_parties; p++)
    kith_free(tallies[p].items);
  return err;
}

static uint32_t ppm_of(double probability)
{
  return (uint32_t)lrint(probability * KITH_PPM);
}

/* A person who was found in a party has no second record there to be found. */
static enum kith_err judge_open(struct linking *linking)
{
  struct kith_linkage_result *result = linking->result;
  size_t n = linking->cells.n;
  KITH_AUTO_FREE double *across = KITH_NEW_ARRAY(double, n);
  KITH_AUTO_FREE double *expected = KITH_NEW_ARRAY(double, n);
  KITH_AUTO_FREE double *open = KITH_NEW_ARRAY(double, n);
  enum kith_err err = across && expected && open ? expect_open(expected, linking) : KITH_ERR_MEMORY;

  if (err != KITH_OK)
    return err;
  for (size_t i = 0; i < result->n_pairs; i++)
    across[linking->cell_at[i]] += is_open(result, &result->pairs[i]);
  kith_blind_score_apply(open, &linking->cells, across, expected);
  for (size_t i = 0; i < result->n_pairs; i++) {
    struct kith_linkage_pair *pair = &result->pairs[i];
    uint32_t ppm = ppm_of(open[linking->cell_at[i]]);

    pair->probability = ppm_of(linking->cells.probability[linking->cell_at[i]]);
    if (is_open(result, pair) && ppm > pair->probability)
      pair->probability = ppm;
  }
  return KITH_OK;
}

static enum kith_err judge(struct linking *linking)
{
  struct kith_linkage_result *result = linking->result;
  enum kith_err err = KITH_OK;

  kith_blind_score_learn(&linking->cells, linking->layout.n_fields);
  for (size_t i = 0; i < result->n_pairs; i++) {
    result->pairs[i].weight = linking->cells.weight[linking->cell_at[i]];
    result->pairs[i].probability = ppm_of(linking->cells.probability[linking->cell_at[i]]);
  }
  for (unsigned pass = 0; pass < PASSES && err == KITH_OK; pass++)
    if ((err = kith_cluster_build(result, linking->judge, LINK, false)) == KITH_OK)
      err = judge_open(linking);
  return err;
}

/* ---- clusters */

static uint32_t choose_threshold(const struct kith_linkage_result *result,
                                 const struct kith_threshold *policy)
{
  uint32_t best = ppm_of(kith_ratio_double(policy->min));
  double best_f1 = -1;

  if (!policy->auto_default)
    return ppm_of(kith_ratio_double(policy->default_probability));
  for (unsigned step = 0; step < KITH_CURVE_STEPS; step++) {
    const struct kith_curve_point *point = &result->curve[step];

    if (point->threshold >= ppm_of(kith_ratio_double(policy->min)) &&
        point->threshold <= ppm_of(kith_ratio_double(policy->max)) && point->f1 > best_f1) {
      best = point->threshold;
      best_f1 = point->f1;
    }
  }
  return best;
}

/* The curve is made at the least threshold that it shows; the clusters at the one that decides. */
static enum kith_err build(struct linking *linking)
{
  struct kith_linkage_result *result = linking->result;
  struct kith_curve_point curve[KITH_CURVE_STEPS];
  double true_pairs;
  enum kith_err err =
      kith_cluster_build(result, linking->judge, KITH_CURVE_FIRST * (KITH_PPM / 100), true);

  if (err != KITH_OK)
    return err;
  memcpy(curve, result->curve, sizeof curve);
  true_pairs = result->true_pairs;
  result->threshold = choose_threshold(result, &linking->input->policy->threshold);
  err = kith_cluster_build(result, linking->judge, result->threshold, true);
  memcpy(result->curve, curve, sizeof curve);
  result->true_pairs = true_pairs;
  return err;
}

static enum kith_err cluster_at(void *context, struct kith_linkage_result *result,
                                uint32_t threshold)
{
  const struct linking *linking = context;

  return kith_cluster_build(result, linking->judge, threshold, true);
}

/* ---- all of it */

static enum kith_err run(struct linking *linking, struct kith_fault *fault)
{
  struct kith_linkage_result *result = linking->result;
  enum kith_err err;

  linking->judge = KITH_NEW(struct kith_judge);
  if (!linking->judge)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  linking->judge->input = linking->input;
  linking->judge->sparse = true;
  err = take_candidates(linking);
  if (err == KITH_ERR_DATA)
    return kith_fail(fault, err, "a submission has a handle that no record has");
  if (err == KITH_OK)
    err = judge(linking);
  if (err == KITH_OK)
    err = build(linking);
  if (err != KITH_OK)
    return kith_fail(fault, err, "linking failed: %s", kith_err_name(err));
  if (linking->input->names)
    err = kith_people_curve_make(&result->people, linking->input, result->pairs, result->n_pairs, 0,
                                 cluster_at, linking, fault);
  for (size_t i = 0; i < result->n_pairs && err == KITH_OK; i++) {
    struct kith_linkage_pair *pair = &result->pairs[i];

    pair->linked = result->cluster_of[pair->party_a][pair->row_a] ==
                   result->cluster_of[pair->party_b][pair->row_b];
  }
  return err;
}

enum kith_err kith_blind_link(struct kith_linkage_result *out, const struct kith_blind_input *blind,
                              struct kith_fault *fault)
{
  struct kith_linkage_result result = {.n_parties = blind->input->n_parties,
                                       .candidate_bound = {0, 1}};
  struct linking *linking;
  enum kith_err err;

  if (blind->input->n_parties < 2 || blind->input->n_parties > KITH_LINKAGE_PARTIES_MAX)
    return kith_fail(fault, KITH_ERR_USAGE, "2 to %d parties were expected",
                     KITH_LINKAGE_PARTIES_MAX);
  linking = KITH_NEW(struct linking);
  if (!linking)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  linking->blind = blind;
  linking->input = blind->input;
  linking->result = &result;
  kith_policy_blind_layout(&linking->layout, blind->input->policy);
  err = run(linking, fault);
  kith_blind_cells_free(&linking->cells);
  kith_free(linking->cell_at);
  kith_free(linking->judge);
  kith_free(linking);
  if (err == KITH_OK)
    *out = result;
  else
    kith_linkage_result_free(&result);
  return err;
}
