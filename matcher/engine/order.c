#include "matcher/engine/order.h"

#include <stdlib.h>
#include <string.h>

#include "matcher/engine/threads.h"

enum { SAMPLE_ROWS = 2048, SLICE_BYTES = 4 /* of a row, that a thread counts at a time */ };

void kith_bit_order_none(struct kith_bit_order *out, unsigned n_bits)
{
  out->n_bits = n_bits;
  for (unsigned bit = 0; bit < n_bits && bit < KITH_SKETCH_BITS_MAX; bit++)
    out->to[bit] = (uint16_t)bit;
}

size_t kith_bit_order_sample(const uint8_t **rows, size_t most,
                             const struct kith_encodings *const *parties, unsigned n_parties)
{
  uint64_t total = 0;
  for (unsigned p = 0; p < n_parties; p++)
    total += parties[p]->n;
  const size_t n = total < most ? (size_t)total : most;
  for (size_t s = 0; s < n; s++) {
    uint64_t at = s * total / n;
    unsigned p = 0;
    while (at >= parties[p]->n)
      at -= parties[p++]->n;
    rows[s] = kith_encodings_row(parties[p], (size_t)at);
  }
  return n;
}

struct counting {
  uint32_t counts[KITH_SKETCH_BITS_MAX]; /* how often each bit is set in the sample */
  const uint8_t *rows[SAMPLE_ROWS];
  size_t n_rows;
};

static void count_bits(void *context, size_t first, size_t end)
{
  struct counting *counting = context;
  for (size_t s = 0; s < counting->n_rows; s++) {
    const uint8_t *row = counting->rows[s];
    for (size_t bit = first * 8; bit < end * 8; bit++)
      counting->counts[bit] += row[bit / 8] >> bit % 8 & 1;
  }
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
                          const struct kith_encodings *const *parties, unsigned n_parties,
                          unsigned n_threads)
{
  struct counting counting = {.counts = {0}};
  struct rank ranks[KITH_SKETCH_BITS_MAX];
  kith_bit_order_none(out, n_bits);
  counting.n_rows = kith_bit_order_sample(counting.rows, SAMPLE_ROWS, parties, n_parties);
  if (n_bits > KITH_SKETCH_BITS_MAX || counting.n_rows == 0)
    return;
  size_t row_bytes = 0;
  for (unsigned p = 0; p < n_parties; p++)
    row_bytes = parties[p]->n ? parties[p]->row_bytes : row_bytes;
  kith_engine_parallel(n_threads, row_bytes, SLICE_BYTES, count_bits, &counting);
  const uint32_t n = (uint32_t)counting.n_rows;
  for (unsigned bit = 0; bit < n_bits; bit++) {
    const uint32_t twice = 2 * counting.counts[bit];
    ranks[bit] = (struct rank){twice > n ? twice - n : n - twice, bit};
  }
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

/* ---- rows, 64 at a time: as columns, bits move by whole words */

enum { BATCH = 64 };

/* Bit j of word i becomes bit i of word j: halves are swapped, then their halves (Warren, Hacker's
 * Delight, 7-3). */
static void transpose(uint64_t square[BATCH])
{
  uint64_t mask = UINT32_MAX;
  for (unsigned half = BATCH / 2; half > 0; half /= 2, mask ^= mask << half)
    for (unsigned first = 0; first < BATCH; first += 2 * half)
      for (unsigned i = first; i < first + half; i++) {
        uint64_t swap = (square[i] >> half ^ square[i + half]) & mask;
        square[i] ^= swap << half;
        square[i + half] ^= swap;
      }
}

static uint64_t word_of(const struct kith_encodings *enc, size_t row, size_t w)
{
  const size_t at = w * sizeof(uint64_t);
  const size_t rest = enc->row_bytes - at;
  uint64_t word = 0;
  memcpy(&word, kith_encodings_row(enc, row) + at, rest < sizeof word ? rest : sizeof word);
  return word;
}

/* Up to 64 rows. */
static void order_batch(const struct kith_bit_order *order, uint64_t *out,
                        const struct kith_encodings *enc, const uint32_t *rows, size_t n)
{
  const size_t n_words = order->n_bits / 64;
  uint64_t columns[KITH_SKETCH_BITS_MAX];
  uint64_t square[BATCH];
  for (size_t w = 0; w < n_words; w++) {
    for (size_t r = 0; r < BATCH; r++)
      square[r] = r < n ? word_of(enc, rows[r], w) : 0;
    transpose(square);
    for (size_t bit = 0; bit < 64; bit++)
      columns[order->to[w * 64 + bit]] = square[bit];
  }
  for (size_t w = 0; w < n_words; w++) {
    memcpy(square, columns + w * 64, sizeof square);
    transpose(square);
    for (size_t r = 0; r < n; r++)
      out[r * n_words + w] = square[r];
  }
}

void kith_bit_order_rows(const struct kith_bit_order *order, uint64_t *out,
                         const struct kith_encodings *enc, const uint32_t *rows, size_t n)
{
  const size_t n_words = order->n_bits / 64;
  if (order->n_bits > KITH_SKETCH_BITS_MAX) {
    for (size_t r = 0; r < n; r++)
      for (size_t w = 0; w < n_words; w++)
        out[r * n_words + w] = word_of(enc, rows[r], w);
    return;
  }
  for (size_t r = 0; r < n; r += BATCH)
    order_batch(order, out + r * n_words, enc, rows + r, n - r < BATCH ? n - r : BATCH);
}
