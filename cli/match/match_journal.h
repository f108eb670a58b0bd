/* Of `kith match` only: the journal of a run, so that one that was killed goes on.
 *
 * The file, integers little-endian:
 *
 *   offset  bytes
 *        0      8  "KITHJRNL"
 *        8      4  version 1
 *       12      4  flags: 1 = sealed
 *       16      4  shard, from 1
 *       20      4  shards
 *       24     32  identity of the run: what is compared, how, and the bound
 *       56      8  checksum: BLAKE2b of the above, cut
 *       64         records: length n (4), type (4), n bytes, checksum (8) of header, record number,
 *                  type and bytes; or, sealed, n bytes that are encrypted under the job's key and
 *                  bound to the same
 *
 * Types: 1, a part of the run begins: part, parts, layout, units (4, 4, 8, 8). 2: units that are
 * done, each with its pairs: unit, number (4, 4), pairs (match_pairs.h). 3: the part is done.
 *
 * Units are gathered until they are a hundredth of the work, ten seconds old or 4 MiB long, and
 * then appended and synced; what a kill tears is cut off when the journal is opened again. Units
 * that another plan has cut (other processors, another version) can't be gone on with: that part
 * begins anew. The file has row numbers and similarities, and mode 0600.
 *
 * Failpoints: journal.append.before, journal.append.torn (half of the record),
 * journal.append.after, journal.unit. */
#ifndef KITH_CLI_MATCH_MATCH_JOURNAL_H
#define KITH_CLI_MATCH_MATCH_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/match/match_pairs.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "matcher/engine/engine.h"

struct kith_match_journal_identity {
  struct kith_hash run;
  uint32_t shard; /* from 1 */
  uint32_t n_shards;
};

/* Turns the engine's pair into one of the files'. */
typedef struct kith_match_pair kith_match_journal_map(void *context, const struct kith_pair *pair);

struct kith_match_journal;

/* Opens the journal at `path`, or begins one. `key`: NULL, or what the file is sealed under.
 * KITH_ERR_DATA: of another run, or no journal; KITH_ERR_DENIED: another process has it open. */
KITH_MUST_USE enum kith_err
kith_match_journal_open(struct kith_match_journal **out, const char *path,
                        const struct kith_match_journal_identity *identity,
                        const struct kith_secret *key, struct kith_fault *fault);
/* Takes NULL. The file stays. */
void kith_match_journal_free(struct kith_match_journal *journal);

/* A part of the run, from 0: its pairs that the journal has go to `pairs`, at once where the part
 * is done (*done), else when the engine opens the journal that `out` describes. */
KITH_MUST_USE enum kith_err kith_match_journal_part(struct kith_match_journal *journal,
                                                    uint32_t part, uint32_t n_parts,
                                                    struct kith_match_pairs *pairs,
                                                    kith_match_journal_map *map, void *map_context,
                                                    struct kith_engine_journal *out, bool *done);
/* What the engine did is in the file; after the part's end, the part is done. Called after an
 * engine's run, whether it failed or not. */
KITH_MUST_USE enum kith_err kith_match_journal_flush(struct kith_match_journal *journal,
                                                     bool part_done);
/* The last failure to write, in words. */
const struct kith_fault *kith_match_journal_fault(const struct kith_match_journal *journal);

/* What the journal had of the part at hand. */
struct kith_match_journal_state {
  size_t n_units;
  size_t n_finished;
  uint64_t torn_bytes; /* that were cut off */
  bool other_plan;     /* it had units of another plan, which were dropped */
};
struct kith_match_journal_state kith_match_journal_state(const struct kith_match_journal *journal);

/* Overwrites and removes the file. */
KITH_MUST_USE enum kith_err kith_match_journal_destroy(struct kith_match_journal *journal,
                                                       struct kith_fault *fault);

#endif
