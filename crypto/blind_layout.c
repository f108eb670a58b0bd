#include "crypto/blind_layout.h"

static bool bits_valid(unsigned bits)
{
  return bits == 8 || bits == 16 || bits == 32 || bits == 64 || bits == 128;
}

bool kith_blind_layout_make(struct kith_blind_layout *layout)
{
  if (layout->n_fields < 1 || layout->n_fields > KITH_BLIND_FIELDS_MAX || layout->n_keys < 1 ||
      layout->n_keys > KITH_BLIND_KEYS_MAX || layout->occurrences < 1 ||
      layout->occurrences > KITH_BLIND_OCCURRENCES_MAX)
    return false;
  layout->blocks = KITH_BLIND_TOKEN_BYTES;
  layout->block_bytes = 0;
  for (unsigned f = 0; f < layout->n_fields; f++) {
    if (!bits_valid(layout->bits[f]))
      return false;
    layout->block_bytes += layout->bits[f] / 8;
  }
  layout->digits = layout->blocks + layout->block_bytes;
  layout->digit_bytes =
      (layout->n_fields + KITH_BLIND_DIGITS_A_BYTE - 1) / KITH_BLIND_DIGITS_A_BYTE;
  layout->openings = layout->digits + layout->digit_bytes;
  layout->row_bytes = layout->openings + 2 * (size_t)KITH_BLIND_OPENING_BYTES;
  return true;
}
