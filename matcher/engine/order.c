#include "matcher/engine/order.h"

#include <stdlib.h>
#include <string.h>

enum { SAMPLE_ROWS = 2048 };

void kith_bit_order_none(struct kith_bit_order *out, unsigned n_bits)
{
  out->n_bits = n_bits;
  for (unsigned bit = 0; bit < n_bits && bit < KITH_SKETCH_BITS_MAX; bit++)
    out->to[bit] = (uint16_t)bit;
}

/* How often each bit is set in rows spread evenly over all parties; returns the rows looked at. */
static uint32_t count_bits(uint32_t *counts, const struct kith_encodings *const *parties,
                           unsigned n_parties)
{
  uint64_t total = 0;
  for (unsigned p = 0; p < n_parties; p++)
    total += parties[p]->n;
  uint32_t n = total < SAMPLE_ROWS ? (uint32_t)total : SAMPLE_ROWS;
  for (uint32_t s = 0; s < n; s++) {
    uint64_t at = s * total / n;
    unsigned p = 0;
    while (at >= parties[p]->n)
      at -= parties[p++]->n;
    const uint8_t *row = kith_encodings_row(parties[p], (size_t)at);
    for (size_t bit = 0; bit < parties[p]->row_bytes * 8; bit++)
      counts[bit] += row[bit / 8] >> bit % 8 & 1;
  }
  return n;
}

struct rank {
  uint32_t lopsided; /* |2 count - n|: 0 for a bit that is set in half of the rows */
  uint32_t bit;
};

static int by_entropy(const void *left, const void *right)
{
  const struct rank *a = left;
  const struct rank *b = right;
  if (a->lopsided != b->lopsided)
    return a->lopsided < b->lopsided ? -1 : 1;
  return (a->bit > b->bit) - (a->bit < b->bit);
}

static unsigned reversed(unsigned value, unsigned n_digits)
{
  unsigned out = 0;
  for (unsigned i = 0; i < n_digits; i++)
    out |= (value >> i & 1) << (n_digits - 1 - i);
  return out;
}

void kith_bit_order_learn(struct kith_bit_order *out, unsigned n_bits,
                          const struct kith_encodings *const *parties, unsigned n_parties)
{
  uint32_t counts[KITH_SKETCH_BITS_MAX] = {0};
  struct rank ranks[KITH_SKETCH_BITS_MAX];
  kith_bit_order_none(out, n_bits);
  if (n_bits > KITH_SKETCH_BITS_MAX)
    return;
  uint32_t n = count_bits(counts, parties, n_parties);
  for (unsigned bit = 0; bit < n_bits; bit++)
    ranks[bit] =
        (struct rank){2 * counts[bit] > n ? 2 * counts[bit] - n : n - 2 * counts[bit], bit};
  qsort(ranks, n_bits, sizeof ranks[0], by_entropy);
  unsigned n_digits = 0;
  while (1u << n_digits < n_bits)
    n_digits++;
  for (unsigned step = 0, rank = 0; rank < n_bits; step++) {
    unsigned place = reversed(step, n_digits);
    if (place < n_bits)
      out->to[ranks[rank++].bit] = (uint16_t)place;
  }
}

void kith_bit_order_row(const struct kith_bit_order *order, uint64_t *row,
                        const struct kith_encodings *enc, size_t index)
{
  const uint8_t *bytes = kith_encodings_row(enc, index);
  const size_t n_words = order->n_bits / 64;
  memset(row, 0, n_words * sizeof row[0]);
  if (order->n_bits > KITH_SKETCH_BITS_MAX) {
    memcpy(row, bytes, enc->row_bytes);
    return;
  }
  for (size_t w = 0; w < n_words; w++) {
    uint64_t word = 0;
    size_t rest = enc->row_bytes - w * sizeof word;
    memcpy(&word, bytes + w * sizeof word, rest < sizeof word ? rest : sizeof word);
    for (; word; word &= word - 1) {
      unsigned to = order->to[w * 64 + (unsigned)__builtin_ctzll(word)];
      row[to / 64] |= UINT64_C(1) << to % 64;
    }
  }
}
