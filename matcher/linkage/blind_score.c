#include "matcher/linkage/blind_score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
  ROUNDS = 4, /* of learning m from probabilities */
  PARTS = KITH_BLIND_FIELDS_MAX + 1,
  KEYS = KITH_BLIND_FIELDS_MAX, /* the part that says how many match keys agreed */
  UNIT = 1024,                  /* of a natural logarithm */
  ANCHOR_PAIRS = 1000,          /* pairs of least weight that say how far histograms are off */
  ANCHOR_PAIRS_MIN = 25
};
static const double prior_pairs = 5; /* spread over a field's levels */
static const double anchor_min = 0.2;
static const double anchor_max = 5;
/* A cell speaks for itself as far as it has pairs: so many weigh as much as its bin. */
static const double cell_pairs = 20;

/* ---- cells */

static int compare_cells(const void *left, const void *right)
{
  const uint32_t *a = left;
  const uint32_t *b = right;

  return (*a > *b) - (*a < *b);
}

size_t kith_blind_cells_at(const struct kith_blind_cells *cells, uint32_t cell)
{
  size_t low = 0;
  size_t high = cells->n;

  while (high - low > 1) {
    size_t middle = (low + high) / 2;

    if (cells->cells[middle] <= cell)
      low = middle;
    else
      high = middle;
  }
  return low;
}

static enum kith_err room_for(struct kith_blind_cells *cells, size_t n)
{
  cells->cells = KITH_NEW_ARRAY(uint32_t, n);
  cells->across = KITH_NEW_ARRAY(double, n);
  cells->expected = KITH_NEW_ARRAY(double, n);
  cells->probability = KITH_NEW_ARRAY(double, n);
  cells->weight = KITH_NEW_ARRAY(int32_t, n);
  return cells->cells && cells->across && cells->expected && cells->probability && cells->weight
             ? KITH_OK
             : KITH_ERR_MEMORY;
}

enum kith_err kith_blind_cells_init(struct kith_blind_cells *cells, const uint32_t *pairs,
                                    size_t n_pairs, const struct kith_blind_foretold *foretold,
                                    size_t n_foretold)
{
  size_t n = n_pairs;
  enum kith_err err;

  for (size_t i = 0; i < n_foretold; i++)
    n += foretold[i].histograms[0]->n + foretold[i].histograms[1]->n;
  if ((err = room_for(cells, n)) != KITH_OK)
    return err;
  n = 0;
  for (size_t i = 0; i < n_pairs; i++)
    cells->cells[n++] = pairs[i];
  for (size_t i = 0; i < n_foretold; i++)
    for (unsigned side = 0; side < 2; side++)
      for (size_t k = 0; k < foretold[i].histograms[side]->n; k++)
        cells->cells[n++] = foretold[i].histograms[side]->counts[k].cell;
  if (n > 1)
    qsort(cells->cells, n, sizeof *cells->cells, compare_cells);
  for (size_t i = 0; i < n; i++)
    if (cells->n == 0 || cells->cells[cells->n - 1] != cells->cells[i])
      cells->cells[cells->n++] = cells->cells[i];
  for (size_t i = 0; i < n_pairs; i++)
    cells->across[kith_blind_cells_at(cells, pairs[i])]++;
  for (size_t i = 0; i < n_foretold; i++)
    for (unsigned side = 0; side < 2; side++)
      for (size_t k = 0; k < foretold[i].histograms[side]->n; k++) {
        const struct kith_blind_count *count = &foretold[i].histograms[side]->counts[k];

        cells->expected[kith_blind_cells_at(cells, count->cell)] +=
            foretold[i].scale * count->count;
      }
  return KITH_OK;
}

void kith_blind_cells_free(struct kith_blind_cells *cells)
{
  kith_free(cells->cells);
  kith_free(cells->across);
  kith_free(cells->expected);
  kith_free(cells->probability);
  kith_free(cells->weight);
  *cells = (struct kith_blind_cells){0};
}

/* ---- weights */

struct tables {
  double log_ratio[PARTS][KITH_BLIND_LEVELS];
};

static unsigned level_of(uint32_t cell, unsigned part)
{
  return part == KEYS ? kith_blind_cell_keys(cell) : kith_blind_cell_level(cell, part);
}

static void learn_part(double out[KITH_BLIND_LEVELS], const struct kith_blind_cells *cells,
                       unsigned part)
{
  unsigned n_levels = part == KEYS ? KITH_BLIND_KEY_LEVELS : KITH_BLIND_LEVELS;
  double matches[KITH_BLIND_LEVELS] = {0};
  double others[KITH_BLIND_LEVELS] = {0};
  double all_matches = prior_pairs;
  double all_others = prior_pairs;

  for (size_t i = 0; i < cells->n; i++) {
    unsigned level = level_of(cells->cells[i], part);

    matches[level] += cells->across[i] * cells->probability[i];
    others[level] += cells->expected[i];
    all_matches += cells->across[i] * cells->probability[i];
    all_others += cells->expected[i];
  }
  for (unsigned level = 0; level < n_levels; level++)
    out[level] = log((matches[level] + prior_pairs / n_levels) / all_matches) -
                 log((others[level] + prior_pairs / n_levels) / all_others);
}

static void weigh_cells(struct kith_blind_cells *cells, unsigned n_fields)
{
  struct tables tables = {0};

  for (unsigned part = 0; part < PARTS; part++)
    learn_part(tables.log_ratio[part], cells, part);
  for (size_t i = 0; i < cells->n; i++) {
    double sum = tables.log_ratio[KEYS][level_of(cells->cells[i], KEYS)];

    for (unsigned f = 0; f < n_fields; f++)
      sum += tables.log_ratio[f][level_of(cells->cells[i], f)];
    cells->weight[i] = (int32_t)lrint(sum * UNIT);
  }
}

/* ---- probabilities */

struct range {
  int32_t low;
  int32_t high;
};

static struct range range_of(const struct kith_blind_cells *cells)
{
  struct range range = {INT32_MAX, INT32_MIN};

  for (size_t i = 0; i < cells->n; i++) {
    range.low = cells->weight[i] < range.low ? cells->weight[i] : range.low;
    range.high = cells->weight[i] > range.high ? cells->weight[i] : range.high;
  }
  return range;
}

static unsigned bin_of(struct range range, int32_t weight)
{
  return (unsigned)(((int64_t)weight - range.low) * KITH_BINS /
                    ((int64_t)range.high - range.low + 1));
}

/* Parties are no random parts of one population: at the least weights there are hardly any matches,
 * and pairs across say how far the histograms are off. */
static double anchor_of(const double across[KITH_BINS], const double expected[KITH_BINS])
{
  double sum_across = 0;
  double sum_expected = 0;

  for (unsigned bin = 0; bin < KITH_BINS / 2 && sum_expected < ANCHOR_PAIRS; bin++) {
    sum_across += across[bin];
    sum_expected += expected[bin];
  }
  if (sum_expected < ANCHOR_PAIRS_MIN || sum_across < ANCHOR_PAIRS_MIN)
    return 1;
  return kith_clamp(sum_across / sum_expected, anchor_min, anchor_max);
}

void kith_blind_score_apply(double *out, const struct kith_blind_cells *cells, const double *across,
                            const double *expected)
{
  struct range range = range_of(cells);
  double all[KITH_BINS] = {0};
  double wrong[KITH_BINS] = {0};
  double right[KITH_BINS];
  double probability[KITH_BINS];
  double anchor;

  if (cells->n == 0)
    return;
  for (size_t i = 0; i < cells->n; i++) {
    unsigned bin = bin_of(range, cells->weight[i]);

    all[bin] += across[i];
    wrong[bin] += expected[i];
  }
  anchor = anchor_of(all, wrong);
  for (unsigned bin = 0; bin < KITH_BINS; bin++)
    right[bin] = all[bin] - anchor * wrong[bin];
  kith_bins_make_monotone(probability, right, all);
  for (size_t i = 0; i < cells->n; i++) {
    double of_bin = probability[bin_of(range, cells->weight[i])];
    double own = across[i] - anchor * expected[i];

    out[i] = kith_clamp((own + cell_pairs * of_bin) / (across[i] + cell_pairs), 0, 1);
  }
}

/* At first what the whole says: h - F against F, field by field. */
static void begin(struct kith_blind_cells *cells)
{
  double across = 0;
  double expected = 0;

  for (size_t i = 0; i < cells->n; i++) {
    across += cells->across[i];
    expected += cells->expected[i];
  }
  for (size_t i = 0; i < cells->n; i++) {
    double own = cells->across[i] - cells->expected[i];
    double share = across > expected ? (across - expected) / across : 0.5;

    cells->probability[i] =
        kith_clamp((own + cell_pairs * share) / (cells->across[i] + cell_pairs), 0, 1);
  }
}

void kith_blind_score_learn(struct kith_blind_cells *cells, unsigned n_fields)
{
  begin(cells);
  for (unsigned round = 0; round < ROUNDS; round++) {
    weigh_cells(cells, n_fields);
    kith_blind_score_apply(cells->probability, cells, cells->across, cells->expected);
  }
}
