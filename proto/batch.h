/* Rows of a submission and how they fall into batches (docs/protocol.md, section 6); hashes and
 * handles are in proto/submission.h.
 *
 * A row is handle (16 bytes) || mask (2 bytes, little-endian) || the filters, each
 * of whole bytes, one after the other (kith_policy_row_bytes). */
#ifndef KITH_PROTO_BATCH_H
#define KITH_PROTO_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include <stdbool.h>

#include "crypto/blind_layout.h"
#include "proto/limits.h"
#include "proto/policy.h"
#include "proto/submission.h"

enum { KITH_ROW_HEADER_BYTES = KITH_HANDLE_BYTES + 2 };

size_t kith_batch_row_bytes(size_t filters_bytes);
uint16_t kith_batch_row_mask(const uint8_t *row);
const uint8_t *kith_batch_row_filters(const uint8_t *row);
void kith_batch_row_write(uint8_t *row, const uint8_t handle[KITH_HANDLE_BYTES], uint16_t mask,
                          const uint8_t *filters, size_t filters_bytes);

/* Rows of a full batch, and the number of batches of n records. */
uint32_t kith_batch_rows_max(size_t row_bytes);
uint32_t kith_batch_count(uint64_t n_records, size_t row_bytes);

/* ---- what the batches of a whole submission are (docs/protocol.md, 6)
 *
 * Under clk: the rows. Under blind: the handles, then for each other agency of the roster, in order
 * of its id, the rows for it, then one batch of histograms. */

enum kith_batch_kind {
  KITH_BATCH_ROWS,    /* clk */
  KITH_BATCH_HANDLES, /* blind: KITH_HANDLE_BYTES each, rising */
  KITH_BATCH_PEER,    /* blind: rows for one peer */
  KITH_BATCH_NEAR     /* blind: histograms (proto/blind.h) */
};

struct kith_batch_plan {
  size_t row_bytes; /* as the intent says; of blind, a row's for a peer */
  uint64_t n_records;
  uint64_t n_batches;
  bool blind;
  struct kith_blind_layout layout; /* of these all under blind only */
  unsigned n_peers;
  uint32_t n_handle_batches;
  uint32_t n_peer_batches; /* for each peer */
  uint64_t n_peer_rows;
};
struct kith_batch_place {
  enum kith_batch_kind kind;
  unsigned peer;  /* which of the peers */
  uint64_t first; /* its first row of its kind (and peer) */
  uint32_t n;     /* rows; of histograms 0 */
  size_t row_bytes;
};

/* n_roster: agencies of the roster, with this one. n_batches may be above KITH_BATCHES_MAX, which
 * no round takes. */
void kith_batch_plan_make(struct kith_batch_plan *out, const struct kith_policy *policy,
                          uint64_t n_records, unsigned n_roster);
/* number < n_batches. */
void kith_batch_plan_at(struct kith_batch_place *out, const struct kith_batch_plan *plan,
                        uint32_t number);
/* Whether a batch of so many bytes can stand there. */
bool kith_batch_plan_fits(const struct kith_batch_plan *plan, uint32_t number, size_t len);

#endif
