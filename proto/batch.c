#include "proto/batch.h"

#include <string.h>

#include "proto/policy_blind.h"

size_t kith_batch_row_bytes(size_t filters_bytes)
{
  return KITH_ROW_HEADER_BYTES + filters_bytes;
}

uint16_t kith_batch_row_mask(const uint8_t *row)
{
  return (uint16_t)(row[KITH_HANDLE_BYTES] | row[KITH_HANDLE_BYTES + 1] << 8);
}

const uint8_t *kith_batch_row_filters(const uint8_t *row)
{
  return row + KITH_ROW_HEADER_BYTES;
}

void kith_batch_row_write(uint8_t *row, const uint8_t handle[KITH_HANDLE_BYTES], uint16_t mask,
                          const uint8_t *filters, size_t filters_bytes)
{
  memcpy(row, handle, KITH_HANDLE_BYTES);
  row[KITH_HANDLE_BYTES] = (uint8_t)mask;
  row[KITH_HANDLE_BYTES + 1] = (uint8_t)(mask >> 8);
  memcpy(row + KITH_ROW_HEADER_BYTES, filters, filters_bytes);
}

uint32_t kith_batch_rows_max(size_t row_bytes)
{
  return (uint32_t)(KITH_BATCH_BYTES_MAX / row_bytes);
}

uint32_t kith_batch_count(uint64_t n_records, size_t row_bytes)
{
  uint32_t rows = kith_batch_rows_max(row_bytes);

  return (uint32_t)((n_records + rows - 1) / rows);
}

/* ---- the batches of a submission */

void kith_batch_plan_make(struct kith_batch_plan *out, const struct kith_policy *policy,
                          uint64_t n_records, unsigned n_roster)
{
  *out = (struct kith_batch_plan){.n_records = n_records};
  out->blind = policy->protection == KITH_PROTECTION_BLIND;
  if (!out->blind) {
    out->row_bytes = kith_batch_row_bytes(kith_policy_row_bytes(policy));
    out->n_batches = kith_batch_count(n_records, out->row_bytes);
    return;
  }
  kith_policy_blind_layout(&out->layout, policy);
  out->row_bytes = out->layout.row_bytes;
  out->n_peers = n_roster - 1;
  out->n_peer_rows = kith_blind_rows(&out->layout, n_records);
  out->n_handle_batches = kith_batch_count(n_records, KITH_HANDLE_BYTES);
  out->n_peer_batches = kith_batch_count(out->n_peer_rows, out->row_bytes);
  out->n_batches = out->n_handle_batches + (uint64_t)out->n_peers * out->n_peer_batches + 1;
}

static void place_rows(struct kith_batch_place *out, uint64_t n_rows, uint32_t number)
{
  uint32_t full = kith_batch_rows_max(out->row_bytes);
  uint64_t left;

  out->first = (uint64_t)number * full;
  left = n_rows - out->first;
  out->n = left < full ? (uint32_t)left : full;
}

void kith_batch_plan_at(struct kith_batch_place *out, const struct kith_batch_plan *plan,
                        uint32_t number)
{
  *out = (struct kith_batch_place){.kind = KITH_BATCH_ROWS, .row_bytes = plan->row_bytes};
  if (!plan->blind) {
    place_rows(out, plan->n_records, number);
  } else if (number < plan->n_handle_batches) {
    out->kind = KITH_BATCH_HANDLES;
    out->row_bytes = KITH_HANDLE_BYTES;
    place_rows(out, plan->n_records, number);
  } else if (number + 1 < plan->n_batches) {
    number -= plan->n_handle_batches;
    out->kind = KITH_BATCH_PEER;
    out->peer = number / plan->n_peer_batches;
    place_rows(out, plan->n_peer_rows, number % plan->n_peer_batches);
  } else {
    out->kind = KITH_BATCH_NEAR;
    out->row_bytes = 1;
  }
}

bool kith_batch_plan_fits(const struct kith_batch_plan *plan, uint32_t number, size_t len)
{
  struct kith_batch_place place;

  kith_batch_plan_at(&place, plan, number);
  if (place.kind == KITH_BATCH_NEAR)
    return len > 0 && len <= KITH_BATCH_BYTES_MAX;
  return len == place.n * place.row_bytes;
}
