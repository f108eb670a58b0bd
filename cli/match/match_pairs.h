/* Of `kith match` only: the pairs that are found, as they are kept, written and merged. */
#ifndef KITH_CLI_MATCH_MATCH_PAIRS_H
#define KITH_CLI_MATCH_MATCH_PAIRS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

/* What a line of pairs.csv has. file_a < file_b, or equal and row_a < row_b. */
struct kith_match_pair {
  uint32_t row_a;
  uint32_t row_b;
  uint32_t millionths; /* the similarity, rounded */
  uint8_t file_a;
  uint8_t file_b;
};

/* Life: zero-initialise, add, sort, kith_match_pairs_free. */
struct kith_match_pairs {
  struct kith_match_pair *items; /* owned */
  size_t n;
  size_t cap;
  size_t max; /* more are KITH_ERR_LIMIT; 0: no ceiling */
};
KITH_MUST_USE enum kith_err kith_match_pairs_add(struct kith_match_pairs *pairs,
                                                 const struct kith_match_pair *items, size_t n);
/* By file_a, file_b, row_a, row_b: the order of pairs.csv. */
void kith_match_pairs_sort(struct kith_match_pairs *pairs);
void kith_match_pairs_free(struct kith_match_pairs *pairs);
int kith_match_pair_compare(const void *left, const void *right);

/* As bytes of a journal or a shard. */
enum { KITH_MATCH_PAIR_BYTES = 14 };
void kith_match_pair_put(uint8_t out[KITH_MATCH_PAIR_BYTES], const struct kith_match_pair *pair);
void kith_match_pair_get(struct kith_match_pair *out, const uint8_t bytes[KITH_MATCH_PAIR_BYTES]);

/* pairs.csv; a failed write is the stream's to tell. */
void kith_match_print_header(FILE *stream);
void kith_match_print_pair(FILE *stream, char *const *names, const struct kith_match_pair *pair);

#endif
