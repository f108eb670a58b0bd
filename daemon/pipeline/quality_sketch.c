#include "daemon/pipeline/quality_sketch.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/secret.h"

enum { DISTINCT_BITS = 12, PILE_FIRST = 1024 };

/* ---- how many are different */

void kith_distinct_add(struct kith_distinct *distinct, uint64_t hash)
{
  size_t at = (size_t)(hash >> (64 - DISTINCT_BITS));
  uint64_t rest = hash << DISTINCT_BITS | (uint64_t)1 << (DISTINCT_BITS - 1);
  uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);

  if (rank > distinct->ranks[at])
    distinct->ranks[at] = rank;
}

uint64_t kith_distinct_estimate(const struct kith_distinct *distinct)
{
  const double m = KITH_DISTINCT_BYTES;
  double sum = 0;
  size_t n_empty = 0;
  double estimate;

  for (size_t i = 0; i < KITH_DISTINCT_BYTES; i++) {
    sum += ldexp(1, -(int)distinct->ranks[i]);
    n_empty += distinct->ranks[i] == 0;
  }
  estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum;
  /* Few of many places taken: how many are free says more (linear counting). */
  if (estimate <= 2.5 * m && n_empty > 0)
    estimate = m * log(m / (double)n_empty);
  return (uint64_t)(estimate + 0.5);
}

/* ---- how often the commonest comes */

void kith_commonest_add(struct kith_commonest *commonest, uint64_t hash)
{
  uint32_t *places[KITH_COMMONEST_ROWS];
  uint32_t least = UINT32_MAX;

  for (unsigned i = 0; i < KITH_COMMONEST_ROWS; i++) {
    places[i] = &commonest->counts[i][hash >> (i * 12) & (KITH_COMMONEST_COLUMNS - 1)];
    least = *places[i] < least ? *places[i] : least;
  }
  if (least == UINT32_MAX)
    return;
  least++;
  for (unsigned i = 0; i < KITH_COMMONEST_ROWS; i++) {
    if (*places[i] < least)
      *places[i] = least;
  }
  if (least > commonest->most)
    commonest->most = least;
}

/* ---- which come again */

static bool level_has(const struct kith_pile *pile, uint64_t key)
{
  return pile->level == 0 || key >> (64 - pile->level) == 0;
}

/* Takes a part of half the size. */
static void pile_thin(struct kith_pile *pile)
{
  size_t kept = 0;

  pile->level++;
  for (size_t i = 0; i < pile->n; i++) {
    if (level_has(pile, pile->entries[i].key))
      pile->entries[kept++] = pile->entries[i];
  }
  pile->n = kept;
}

static enum kith_err pile_grow(struct kith_pile *pile)
{
  size_t cap = pile->cap ? 2 * pile->cap : PILE_FIRST;
  struct kith_pile_entry *grown = KITH_NEW_ARRAY(struct kith_pile_entry, cap);

  if (!grown)
    return KITH_ERR_MEMORY;
  if (pile->entries) {
    memcpy(grown, pile->entries, pile->n * sizeof *grown);
    kith_wipe(pile->entries, pile->n * sizeof *grown);
    kith_free(pile->entries);
  }
  pile->entries = grown;
  pile->cap = cap;
  return KITH_OK;
}

enum kith_err kith_pile_add(struct kith_pile *pile, uint64_t key, uint64_t other, uint64_t row)
{
  if (!level_has(pile, key))
    return KITH_OK;
  /* Thinning takes nothing out where all rows are one person: then those that come later are
   * left out, and that person is counted too low. */
  for (unsigned i = 0; pile->n >= pile->max && i < 2; i++)
    pile_thin(pile);
  if (pile->n >= pile->max || !level_has(pile, key))
    return KITH_OK;
  if (pile->n == pile->cap && pile_grow(pile) != KITH_OK)
    return KITH_ERR_MEMORY;
  pile->entries[pile->n++] = (struct kith_pile_entry){key, other, row};
  return KITH_OK;
}

static int compare_entries(const void *a, const void *b)
{
  const struct kith_pile_entry *left = a;
  const struct kith_pile_entry *right = b;

  if (left->key != right->key)
    return left->key < right->key ? -1 : 1;
  return (left->row > right->row) - (left->row < right->row);
}

void kith_pile_sort(struct kith_pile *pile)
{
  if (pile->n > 0)
    qsort(pile->entries, pile->n, sizeof *pile->entries, compare_entries);
}

size_t kith_pile_group_end(const struct kith_pile *pile, size_t at)
{
  size_t end = at;

  while (end < pile->n && pile->entries[end].key == pile->entries[at].key)
    end++;
  return end;
}

void kith_pile_free(struct kith_pile *pile)
{
  if (pile->entries)
    kith_wipe(pile->entries, pile->cap * sizeof *pile->entries);
  kith_free(pile->entries);
  *pile = (struct kith_pile){0};
}
