#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "matcher/engine/engine.h"

enum kith_err kith_pairs_sink(void *context, const struct kith_pair *pairs, size_t n)
{
  struct kith_pairs *all = context;
  if (n > all->cap - all->n) {
    size_t cap = all->cap ? all->cap : 4096;
    while (cap - all->n < n)
      cap *= 2;
    struct kith_pair *items = kith_realloc(all->items, cap, sizeof *items);
    if (!items)
      return KITH_ERR_MEMORY;
    all->items = items;
    all->cap = cap;
  }
  memcpy(all->items + all->n, pairs, n * sizeof *pairs);
  all->n += n;
  return KITH_OK;
}

static int by_place(const void *left, const void *right)
{
  const struct kith_pair *a = left;
  const struct kith_pair *b = right;
  if (a->party_a != b->party_a)
    return a->party_a < b->party_a ? -1 : 1;
  if (a->party_b != b->party_b)
    return a->party_b < b->party_b ? -1 : 1;
  if (a->row_a != b->row_a)
    return a->row_a < b->row_a ? -1 : 1;
  return (a->row_b > b->row_b) - (a->row_b < b->row_b);
}

void kith_pairs_sort(struct kith_pairs *pairs)
{
  if (pairs->n > 1)
    qsort(pairs->items, pairs->n, sizeof pairs->items[0], by_place);
}

void kith_pairs_free(struct kith_pairs *pairs)
{
  kith_free(pairs->items);
  memset(pairs, 0, sizeof *pairs);
}
