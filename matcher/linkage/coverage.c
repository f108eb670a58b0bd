#include "matcher/linkage/coverage.h"

#include <string.h>

#include "base/mem.h"
#include "matcher/linkage/bins.h"

/* Of all comparisons: fewer of records that share nearly all tell nothing of the others. */
static const double complete_share_min = 0.1;

/* How many rows of a party have each mask; no mask: an empty row. */
struct masks {
  uint32_t n;
  uint16_t *items; /* owned */
  uint64_t *rows;  /* owned */
  uint64_t all;    /* with those that were too sparse */
};

struct cells {
  uint64_t eligible[KITH_LINKAGE_PARTIES_MAX][KITH_LINKAGE_PARTIES_MAX]; /* matches, ppm */
  uint64_t complete[KITH_LINKAGE_PARTIES_MAX][KITH_LINKAGE_PARTIES_MAX];
};

/* Without masks a row that is there has all fields. */
static uint16_t mask_of(const struct kith_classes *classes, unsigned p, size_t row)
{
  const struct kith_encodings *party = classes->input->parties[p];
  const uint8_t *bytes = kith_encodings_row(party, row);

  if (classes->masked)
    return party->masks[row];
  return bytes[0] == 0 && memcmp(bytes, bytes + 1, party->stride - 1) == 0 ? 0 : UINT16_MAX;
}

static enum kith_err count_masks(struct masks *out, const struct kith_classes *classes, unsigned p)
{
  const struct kith_linkage_input *input = classes->input;
  KITH_AUTO_FREE uint64_t *rows = KITH_NEW_ARRAY(uint64_t, KITH_MASKS);

  out->items = KITH_NEW_ARRAY(uint16_t, KITH_MASKS);
  out->rows = KITH_NEW_ARRAY(uint64_t, KITH_MASKS);
  if (!rows || !out->items || !out->rows)
    return KITH_ERR_MEMORY;
  for (size_t row = 0; row < input->parties[p]->n; row++)
    rows[mask_of(classes, p, row)]++;
  out->all = input->sparse ? input->sparse[p] : 0;
  for (uint32_t mask = 1; mask < KITH_MASKS; mask++)
    if (rows[mask]) {
      out->items[out->n] = (uint16_t)mask;
      out->rows[out->n++] = rows[mask];
      out->all += rows[mask];
    }
  return KITH_OK;
}

/* ---- comparisons of two parties */

struct compared {
  double all;
  double eligible;
  double complete;
};

static struct compared compare_parties(const struct kith_classes *classes, const struct masks *a,
                                       const struct masks *b)
{
  struct compared out = {.all = (double)a->all * (double)b->all};

  if (a == b)
    out.all = (double)a->all * ((double)a->all - 1) / 2;
  for (uint32_t i = 0; i < a->n; i++)
    for (uint32_t k = a == b ? i : 0; k < b->n; k++) {
      uint16_t both = a->items[i] & b->items[k];
      unsigned share = classes->masked ? classes->shares[both] : 1;
      double n = (double)a->rows[i] * (double)b->rows[k];

      if (a == b && i == k)
        n = (double)a->rows[i] * ((double)a->rows[i] - 1) / 2;
      out.eligible += share ? n : 0;
      out.complete += share == 1 ? n : 0;
    }
  return out;
}

/* ---- matches */

static void count_matches(struct cells *cells, const struct kith_classes *classes,
                          const struct kith_linkage_pair *pairs, size_t n_pairs, uint32_t plausible)
{
  bool lone = classes->input->n_parties == 1;

  for (size_t i = 0; i < n_pairs; i++) {
    const struct kith_linkage_pair *pair = &pairs[i];

    if ((pair->party_a == pair->party_b) != lone || pair->probability < plausible)
      continue;
    cells->eligible[pair->party_a][pair->party_b] += pair->probability;
    if (pair->class < KITH_LEVELS)
      cells->complete[pair->party_a][pair->party_b] += pair->probability;
  }
}

static void add_up(struct kith_coverage *out, const struct kith_classes *classes,
                   const struct cells *cells, const struct masks *masks)
{
  double eligible[KITH_LINKAGE_PARTIES_MAX * KITH_LINKAGE_PARTIES_MAX] = {0};
  double complete[KITH_COUNT_OF(eligible)] = {0};
  uint64_t seen = 0;
  unsigned n = 0;
  bool lone = classes->input->n_parties == 1;

  for (unsigned p = 0; p < classes->input->n_parties; p++)
    for (unsigned q = lone ? p : p + 1; q < classes->input->n_parties; q++) {
      struct compared of = compare_parties(classes, &masks[p], &masks[q]);
      uint64_t matches = cells->eligible[p][q] + (lone ? 0 : cells->eligible[q][p]);
      uint64_t whole = cells->complete[p][q] + (lone ? 0 : cells->complete[q][p]);

      if (of.eligible <= 0)
        continue;
      seen += matches;
      eligible[n] = (double)matches * of.all / of.eligible;
      complete[n] = of.complete < complete_share_min * of.all
                        ? eligible[n]
                        : (double)whole * of.all / of.complete;
      n++;
    }
  out->eligible = seen ? kith_bins_sum(eligible, n) / (double)seen : 0;
  out->complete = kith_bins_sum(complete, n) / KITH_PPM;
}

enum kith_err kith_coverage_of(struct kith_coverage *out, const struct kith_classes *classes,
                               const struct kith_linkage_pair *pairs, size_t n_pairs,
                               uint32_t plausible)
{
  struct masks masks[KITH_LINKAGE_PARTIES_MAX] = {0};
  KITH_AUTO_FREE struct cells *cells = KITH_NEW(struct cells);
  enum kith_err err = cells ? KITH_OK : KITH_ERR_MEMORY;

  for (unsigned p = 0; err == KITH_OK && p < classes->input->n_parties; p++)
    err = count_masks(&masks[p], classes, p);
  if (err == KITH_OK) {
    count_matches(cells, classes, pairs, n_pairs, plausible);
    add_up(out, classes, cells, masks);
  }
  for (unsigned p = 0; p < classes->input->n_parties; p++) {
    kith_free(masks[p].items);
    kith_free(masks[p].rows);
  }
  return err;
}
