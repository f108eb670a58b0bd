#include "matcher/linkage/further.h"

#include <math.h>

#include "base/mem.h"

/* The matches of each record: others[first[i] .. first[i + 1]). */
struct matches {
  uint32_t n;
  uint32_t *first;  /* owned */
  uint32_t *others; /* owned */
};

static void matches_free(struct matches *matches)
{
  kith_free(matches->first);
  kith_free(matches->others);
}

static enum kith_err matches_make(struct matches *out, const struct kith_linkage_input *input,
                                  const struct kith_linkage_pair *pairs, size_t n_pairs,
                                  uint32_t likely)
{
  uint32_t offset[KITH_LINKAGE_PARTIES_MAX + 1] = {0};
  size_t n = 0;

  for (unsigned p = 0; p < input->n_parties; p++)
    offset[p + 1] = offset[p] + (uint32_t)input->parties[p]->n;
  out->n = offset[input->n_parties];
  for (size_t i = 0; i < n_pairs; i++)
    n += pairs[i].probability >= likely;
  out->first = KITH_NEW_ARRAY(uint32_t, (size_t)out->n + 2);
  out->others = KITH_NEW_ARRAY(uint32_t, 2 * n);
  if (!out->first || !out->others)
    return KITH_ERR_MEMORY;
  for (size_t i = 0; i < n_pairs; i++)
    if (pairs[i].probability >= likely) {
      out->first[offset[pairs[i].party_a] + pairs[i].row_a + 2]++;
      out->first[offset[pairs[i].party_b] + pairs[i].row_b + 2]++;
    }
  for (uint32_t i = 0; i < out->n; i++)
    out->first[i + 2] += out->first[i + 1];
  for (size_t i = 0; i < n_pairs; i++)
    if (pairs[i].probability >= likely) {
      uint32_t a = offset[pairs[i].party_a] + pairs[i].row_a;
      uint32_t b = offset[pairs[i].party_b] + pairs[i].row_b;

      out->others[out->first[a + 1]++] = b;
      out->others[out->first[b + 1]++] = a;
    }
  return KITH_OK;
}

/* Pairs of matches of one record that match each other; `near` is of zeros, and left so. */
static uint64_t closed_pairs(const struct matches *matches, uint32_t record, uint8_t *near)
{
  uint32_t first = matches->first[record];
  uint32_t end = matches->first[record + 1];
  uint64_t n = 0;

  for (uint32_t i = first; i < end; i++)
    near[matches->others[i]] = 1;
  for (uint32_t i = first; i < end; i++) {
    uint32_t other = matches->others[i];

    for (uint32_t k = matches->first[other]; k < matches->first[other + 1]; k++)
      n += near[matches->others[k]];
  }
  for (uint32_t i = first; i < end; i++)
    near[matches->others[i]] = 0;
  return n / 2;
}

enum kith_err kith_further_log(double *out, const struct kith_linkage_input *input,
                               const struct kith_linkage_pair *pairs, size_t n_pairs,
                               uint32_t likely)
{
  struct matches matches = {0};
  enum kith_err err = matches_make(&matches, input, pairs, n_pairs, likely);
  KITH_AUTO_FREE uint8_t *near = err == KITH_OK ? KITH_NEW_ARRAY(uint8_t, matches.n) : NULL;
  uint64_t with = 0;
  uint64_t closed = 1; /* one that may not have been seen */

  *out = 0;
  if (err == KITH_OK && !near)
    err = KITH_ERR_MEMORY;
  for (uint32_t i = 0; err == KITH_OK && i < matches.n; i++) {
    with += matches.first[i + 1] > matches.first[i];
    closed += closed_pairs(&matches, i, near);
  }
  if (err == KITH_OK && with > 0) {
    double one = (double)with / matches.n;
    double further = (double)closed / (double)with;

    *out = further < one ? log(further / one) : 0;
  }
  matches_free(&matches);
  return err;
}
