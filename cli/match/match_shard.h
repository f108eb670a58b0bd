/* Of `kith match` only: a shard's file, and the merge of all shards into pairs.csv.
 *
 * The file, integers little-endian; sealed (crypto/sealed.h, context "kith match shard") where the
 * job has a key:
 *
 *   offset  bytes
 *        0      8  "KITHSHRD"
 *        8      4  version 1
 *       12      4  shard, from 1
 *       16      4  shards
 *       20      4  files k
 *       24      8  pairs n
 *       32     32  identity of the run
 *       64      4  numerator of the threshold
 *       68      4  its denominator, in lowest terms
 *       72      4  similarity
 *       76      4  1: pairs inside files, too
 *       80         k names: length (2) and bytes
 *                  n pairs (match_pairs.h), in the order of pairs.csv
 *      end     32  BLAKE2b of all before
 */
#ifndef KITH_CLI_MATCH_MATCH_SHARD_H
#define KITH_CLI_MATCH_MATCH_SHARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/match/match_pairs.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "matcher/engine/similarity.h"

/* What a run is asked for. */
struct kith_match_terms {
  struct kith_ratio threshold; /* in lowest terms */
  enum kith_similarity_kind similarity;
  bool within;
};

struct kith_match_shard {
  uint32_t index; /* from 1 */
  uint32_t count;
  struct kith_hash run;
  struct kith_match_terms terms;
  char *const *names; /* borrowed */
  unsigned n_files;
};

/* Writes the file, mode 0600, whole or not at all. `key` may be NULL. The pairs are sorted. */
KITH_MUST_USE enum kith_err kith_match_shard_write(const char *path,
                                                   const struct kith_match_shard *shard,
                                                   const struct kith_match_pairs *pairs,
                                                   const struct kith_secret *key,
                                                   struct kith_fault *fault);

/* What the person who merges says of the run; each must agree with the shards where it is said. */
struct kith_match_expected {
  const struct kith_ratio *threshold; /* in lowest terms; NULL: not said */
  const enum kith_similarity_kind *similarity;
  bool within; /* false: not said */
};

/* Merges all shards of a run into `out` (NULL: standard output). KITH_ERR_DATA, naming the file or
 * the shard: one is missing, there twice, of another run, damaged or cut short. */
KITH_MUST_USE enum kith_err kith_match_merge(const char *out, char *const *paths, unsigned n_paths,
                                             const struct kith_match_expected *expected,
                                             const struct kith_secret *key, uint64_t *n_pairs,
                                             struct kith_fault *fault);

#endif
