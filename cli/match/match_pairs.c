#include "cli/match/match_pairs.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/csv.h"
#include "base/mem.h"

enum { CAP_FIRST = 4096 };

enum kith_err kith_match_pairs_add(struct kith_match_pairs *pairs,
                                   const struct kith_match_pair *items, size_t n)
{
  if (pairs->max && n > pairs->max - pairs->n)
    return KITH_ERR_LIMIT;
  if (n > pairs->cap - pairs->n) {
    size_t cap = pairs->cap ? pairs->cap : CAP_FIRST;
    while (cap - pairs->n < n)
      cap += cap / 2;
    struct kith_match_pair *grown = kith_realloc(pairs->items, cap, sizeof *grown);
    if (!grown)
      return KITH_ERR_MEMORY;
    pairs->items = grown;
    pairs->cap = cap;
  }
  if (n > 0)
    memcpy(pairs->items + pairs->n, items, n * sizeof *items);
  pairs->n += n;
  return KITH_OK;
}

int kith_match_pair_compare(const void *left, const void *right)
{
  const struct kith_match_pair *a = left;
  const struct kith_match_pair *b = right;
  if (a->file_a != b->file_a)
    return a->file_a < b->file_a ? -1 : 1;
  if (a->file_b != b->file_b)
    return a->file_b < b->file_b ? -1 : 1;
  if (a->row_a != b->row_a)
    return a->row_a < b->row_a ? -1 : 1;
  return (a->row_b > b->row_b) - (a->row_b < b->row_b);
}

void kith_match_pairs_sort(struct kith_match_pairs *pairs)
{
  if (pairs->n > 1)
    qsort(pairs->items, pairs->n, sizeof pairs->items[0], kith_match_pair_compare);
}

void kith_match_pairs_free(struct kith_match_pairs *pairs)
{
  kith_free(pairs->items);
  *pairs = (struct kith_match_pairs){0};
}

void kith_match_pair_put(uint8_t out[KITH_MATCH_PAIR_BYTES], const struct kith_match_pair *pair)
{
  out[0] = pair->file_a;
  out[1] = pair->file_b;
  kith_put_le(out + 2, 4, pair->row_a);
  kith_put_le(out + 6, 4, pair->row_b);
  kith_put_le(out + 10, 4, pair->millionths);
}

void kith_match_pair_get(struct kith_match_pair *out, const uint8_t bytes[KITH_MATCH_PAIR_BYTES])
{
  *out = (struct kith_match_pair){.file_a = bytes[0],
                                  .file_b = bytes[1],
                                  .row_a = (uint32_t)kith_get_le(bytes + 2, 4),
                                  .row_b = (uint32_t)kith_get_le(bytes + 6, 4),
                                  .millionths = (uint32_t)kith_get_le(bytes + 10, 4)};
}

void kith_match_print_header(FILE *stream)
{
  (void)fputs("party_a,row_a,party_b,row_b,similarity\n", stream);
}

void kith_match_print_pair(FILE *stream, char *const *names, const struct kith_match_pair *pair)
{
  kith_csv_write_field(stream, names[pair->file_a]);
  (void)fprintf(stream, ",%u,", pair->row_a);
  kith_csv_write_field(stream, names[pair->file_b]);
  (void)fprintf(stream, ",%u,%u.%06u\n", pair->row_b, pair->millionths / 1000000,
                pair->millionths % 1000000);
}
