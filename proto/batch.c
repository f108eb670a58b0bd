#include "proto/batch.h"

#include <string.h>

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
