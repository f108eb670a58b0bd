/* Of `kith match` only: what its files share. */
#ifndef KITH_CLI_MATCH_MATCH_H
#define KITH_CLI_MATCH_MATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/match/match_pairs.h"
#include "cli/match/match_shard.h"
#include "cli/match/match_slice.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "proto/encodings.h"

/* Zeroed but for the defaults; everything owned is freed by kith_match_free. */
struct kith_match {
  /* As given. */
  struct kith_ratio threshold; /* in lowest terms */
  bool has_threshold;
  const char *similarity;
  bool within;
  uint64_t bits;
  const char *out;
  const char *journal;
  const char *key_path;
  const char *method;
  const char *kernel;
  uint64_t n_threads;
  uint64_t pairs_max;
  uint64_t memory_bytes; /* 0: no ceiling */
  bool explain;
  bool quiet;
  uint32_t shard; /* from 1, 0 without --shard */
  uint32_t n_shards;
  char *const *paths;
  unsigned n_files;
  /* As read. */
  char **names; /* owned, n_files */
  struct kith_encodings files[KITH_MATCH_FILES_MAX];
  struct kith_secret *key; /* owned; NULL: nothing is sealed */
  struct kith_match_terms terms;
  struct kith_hash run; /* identity: files, names and terms */
  struct kith_match_pairs pairs;
};
void kith_match_free(struct kith_match *match);

/* ---- cli/match/match_input.c */

/* Reads and checks the files; chooses the similarity; sets `terms` and `run`. */
KITH_MUST_USE enum kith_err kith_match_read(struct kith_match *match, struct kith_fault *fault);
/* Sealed copies, DIR/NAME.sealed, of the files at `paths`, under the key of the job. */
KITH_MUST_USE enum kith_err kith_match_seal(const struct kith_match *match, const char *dir,
                                            struct kith_fault *fault);

/* ---- cli/match/match_run.c */

/* Finds the pairs, sorted, and writes them: pairs.csv or a shard. Then the journal goes. */
KITH_MUST_USE enum kith_err kith_match_run(struct kith_match *match, struct kith_fault *fault);

#endif
