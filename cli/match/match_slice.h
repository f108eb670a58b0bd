/* Of `kith match` only: the part of all pairs of rows that one shard of many compares.
 *
 * Which pairs a shard has follows from the numbers of rows and from I/N alone. Each pair is in one
 * shard, and shards have the same number of pairs but for rounding.
 *
 * Across files, N = f x g: shard (x, y) compares the rows of the earlier file whose number is x
 * modulo f with those of the later one whose number is y modulo g. So it prepares 1/f + 1/g of the
 * rows; f is the divisor of N for which that is least. Row numbers modulo, not runs of rows: in a
 * file that is sorted by name, or has households together, runs would find very unequal numbers
 * of pairs.
 *
 * Inside a file, shard c has the rows of class c modulo N among themselves and with those of the
 * classes c + 1 to c + (N - 1) / 2, round the clock; for an even N two classes face each other, and
 * each of their shards has half of these pairs. */
#ifndef KITH_CLI_MATCH_MATCH_SLICE_H
#define KITH_CLI_MATCH_MATCH_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/match/match_pairs.h"
#include "matcher/engine/engine.h"
#include "proto/encodings.h"

enum { KITH_MATCH_FILES_MAX = 16, KITH_MATCH_SHARDS_MAX = 10000 };

/* Some rows of a file, as a party of the engine's. */
struct kith_match_set {
  uint8_t file;
  size_t first;               /* the file's rows first, first + step, ... unless there is `rows` */
  size_t step;                /* at least 1 */
  uint32_t *rows;             /* owned; the file's row of each; NULL: as first and step say */
  struct kith_encodings view; /* filters are the file's own; with `rows` a copy */
  bool owns_filters;
};

/* Life: kith_match_slice_cut, kith_match_slice_free. The files must stay. */
struct kith_match_slice {
  struct kith_match_set sets[KITH_ENGINE_PARTIES_MAX];
  unsigned n_sets;
  bool wanted[KITH_ENGINE_PARTIES_MAX * KITH_ENGINE_PARTIES_MAX]; /* n_sets x n_sets */
};

/* Shard `index` (from 1) of `count`. */
KITH_MUST_USE enum kith_err kith_match_slice_cut(struct kith_match_slice *out,
                                                 const struct kith_encodings *files,
                                                 unsigned n_files, bool within, uint32_t index,
                                                 uint32_t count);
void kith_match_slice_free(struct kith_match_slice *slice);

/* What the copies of rows and masks take. */
size_t kith_match_slice_bytes(const struct kith_match_slice *slice);

/* The pair in terms of files and their rows. */
struct kith_match_pair kith_match_slice_pair(const struct kith_match_slice *slice,
                                             const struct kith_pair *pair);

#endif
