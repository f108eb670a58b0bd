#include "matcher/linkage/blind_join.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"

struct join {
  const struct kith_blind_submission *low;
  const struct kith_blind_submission *high;
  struct kith_blind_pairs pairs; /* one for each token, then one for each two records */
  size_t cap;
};

/* ---- tokens */

/* False: what opens is no match key and no handle, or differs between the sides. */
static bool open_rows(struct kith_blind_pair *out, const struct kith_blind_layout *layout,
                      const uint8_t *low, const uint8_t *high)
{
  uint8_t opened[2][KITH_BLIND_OPENING_BYTES];
  size_t at = layout->blocks;

  *out = (struct kith_blind_pair){0};
  for (unsigned side = 0; side < 2; side++)
    for (unsigned i = 0; i < KITH_BLIND_OPENING_BYTES; i++) {
      size_t place = layout->openings + side * (size_t)KITH_BLIND_OPENING_BYTES + i;

      opened[side][i] = low[place] ^ high[place];
    }
  if (opened[0][0] != opened[1][0] || opened[0][0] >= layout->n_keys)
    return false;
  out->keys = (uint16_t)(1u << opened[0][0]);
  out->low = kith_get_le(opened[0] + 1, KITH_BLIND_OPENING_BYTES - 1);
  out->high = kith_get_le(opened[1] + 1, KITH_BLIND_OPENING_BYTES - 1);
  for (unsigned f = 0; f < layout->n_fields; f++) {
    unsigned distance = 0;

    for (size_t end = at + layout->bits[f] / 8; at < end; at++)
      distance += (unsigned)__builtin_popcount(low[at] ^ high[at]);
    out->distances[f] = (uint8_t)distance;
    out->missing[f] = (uint8_t)((kith_blind_digit(low + layout->digits, f) +
                                 kith_blind_digit(high + layout->digits, f)) %
                                3);
  }
  return true;
}

static enum kith_err add(struct join *join, const struct kith_blind_pair *pair)
{
  if (join->pairs.n == join->cap) {
    size_t cap = join->cap * 2 + 1024;
    struct kith_blind_pair *grown = kith_realloc(join->pairs.items, cap, sizeof *grown);

    if (!grown)
      return KITH_ERR_MEMORY;
    join->pairs.items = grown;
    join->cap = cap;
  }
  join->pairs.items[join->pairs.n++] = *pair;
  return KITH_OK;
}

/* KITH_ERR_DATA: two rows of one token don't open. */
static enum kith_err match_tokens(struct join *join)
{
  const struct kith_blind_layout *layout = &join->low->header.layout;
  const uint8_t *low = join->low->rows;
  const uint8_t *high = join->high->rows;
  const uint8_t *low_end = low + join->low->n_rows * layout->row_bytes;
  const uint8_t *high_end = high + join->high->n_rows * layout->row_bytes;
  enum kith_err err = KITH_OK;

  while (low < low_end && high < high_end && err == KITH_OK) {
    int order = memcmp(low, high, KITH_BLIND_TOKEN_BYTES);

    if (order == 0) {
      struct kith_blind_pair pair;

      err = open_rows(&pair, layout, low, high) ? add(join, &pair) : KITH_ERR_DATA;
    }
    low += order <= 0 ? layout->row_bytes : 0;
    high += order >= 0 ? layout->row_bytes : 0;
  }
  return err;
}

/* ---- records */

static int compare_pairs(const void *left, const void *right)
{
  const struct kith_blind_pair *a = left;
  const struct kith_blind_pair *b = right;

  if (a->low != b->low)
    return a->low < b->low ? -1 : 1;
  return (a->high > b->high) - (a->high < b->high);
}

/* The tokens of two records say one thing: one distance a field, and each match key once. */
static bool agree(const struct kith_blind_pair *a, const struct kith_blind_pair *b)
{
  return (a->keys & b->keys) == 0 && memcmp(a->distances, b->distances, sizeof a->distances) == 0 &&
         memcmp(a->missing, b->missing, sizeof a->missing) == 0;
}

static int compare_handles(const void *left, const void *right)
{
  const uint64_t *a = left;
  const uint64_t *b = right;

  return (*a > *b) - (*a < *b);
}

/* Sorts handles, one for each token: no record has more tokens than it can, and no more records
 * come up than there are. */
static bool handles_hold(uint64_t *handles, size_t n, const struct kith_blind_header *header)
{
  size_t tokens_max = (size_t)header->layout.n_keys * header->layout.occurrences;
  uint64_t records = 0;

  if (n > 1)
    qsort(handles, n, sizeof *handles, compare_handles);
  for (size_t first = 0, end; first < n; first = end, records++) {
    for (end = first + 1; end < n && handles[end] == handles[first];)
      end++;
    if (end - first > tokens_max)
      return false;
  }
  return records <= header->n_records;
}

static enum kith_err check_handles(const struct join *join)
{
  KITH_AUTO_FREE uint64_t *handles = KITH_NEW_ARRAY(uint64_t, join->pairs.n);

  if (!handles)
    return KITH_ERR_MEMORY;
  for (size_t i = 0; i < join->pairs.n; i++)
    handles[i] = join->pairs.items[i].low;
  if (!handles_hold(handles, join->pairs.n, &join->low->header))
    return KITH_ERR_DATA;
  for (size_t i = 0; i < join->pairs.n; i++)
    handles[i] = join->pairs.items[i].high;
  return handles_hold(handles, join->pairs.n, &join->high->header) ? KITH_OK : KITH_ERR_DATA;
}

static enum kith_err merge_tokens(struct kith_blind_pairs *pairs)
{
  size_t n = 0;

  if (pairs->n > 1)
    qsort(pairs->items, pairs->n, sizeof *pairs->items, compare_pairs);
  for (size_t i = 0; i < pairs->n; i++) {
    const struct kith_blind_pair *pair = &pairs->items[i];
    struct kith_blind_pair *last = n ? &pairs->items[n - 1] : NULL;

    if (!last || compare_pairs(last, pair) != 0) {
      pairs->items[n++] = *pair;
      continue;
    }
    if (!agree(last, pair))
      return KITH_ERR_DATA;
    last->keys |= pair->keys;
  }
  pairs->n = n;
  return KITH_OK;
}

enum kith_err kith_blind_join(struct kith_blind_pairs *out, const struct kith_blind_submission *low,
                              const struct kith_blind_submission *high, const char *low_name,
                              const char *high_name, struct kith_fault *fault)
{
  struct join join = {.low = low, .high = high};
  enum kith_err err = match_tokens(&join);

  if (err == KITH_OK)
    err = check_handles(&join);
  if (err == KITH_OK)
    err = merge_tokens(&join.pairs);
  if (err == KITH_OK) {
    *out = join.pairs;
    return KITH_OK;
  }
  kith_blind_pairs_free(&join.pairs);
  return err == KITH_ERR_DATA
             ? kith_fail(fault, err,
                         "the submissions of %s and %s contradict each other: one of them does not "
                         "follow the protocol, and which can't be told",
                         low_name, high_name)
             : kith_fail(fault, err, "out of memory");
}

void kith_blind_pairs_free(struct kith_blind_pairs *pairs)
{
  kith_free(pairs->items);
  *pairs = (struct kith_blind_pairs){0};
}
