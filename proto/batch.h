/* Rows of a submission and how they fall into batches (docs/protocol.md, section 6); hashes and
 * handles are in proto/submission.h.
 *
 * A row is handle (16 bytes) || mask (2 bytes, little-endian) || the filters, each
 * of whole bytes, one after the other (kith_policy_row_bytes). */
#ifndef KITH_PROTO_BATCH_H
#define KITH_PROTO_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "proto/limits.h"
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

#endif
