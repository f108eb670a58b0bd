/* The rows that `kith bench engine` makes. */
#include <string.h>

#include "cli/bench/bench.h"

enum { N_FIELDS = 5, NAME_LETTERS_MAX = 12 };

static uint64_t mix(uint64_t z)
{
  z += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* In [0, 1). */
static double unit(uint64_t hash)
{
  return (double)(hash >> 11) / 9007199254740992.0;
}

static void add_token(uint8_t *row, unsigned bits, unsigned field, uint64_t token, unsigned n)
{
  for (unsigned i = 0; i < n; i++) {
    uint64_t bit = mix(mix(token * N_FIELDS + field) + i) % bits;
    row[bit / 8] = (uint8_t)(row[bit / 8] | 0x80u >> bit % 8);
  }
}

/* The name of a rank, as bigrams of letters that are as skewed as those of English. `typo` is 0
 * or a hash that changes one letter. */
static void add_name(uint8_t *row, unsigned bits, unsigned field, uint64_t rank, uint64_t typo,
                     unsigned n)
{
  static const char letters[] = "eeeeeeaaaaaiiiiooorrrrnnnnlllssstttdhhmmcyubgkpwjvfz";
  char name[NAME_LETTERS_MAX + 2] = " ";
  uint64_t hash = mix(rank * 2 + field);
  size_t len = 4 + hash % (NAME_LETTERS_MAX - 5);
  for (size_t i = 1; i <= len; i++)
    name[i] = letters[mix(hash + i) % (sizeof letters - 1)];
  name[len + 1] = ' ';
  if (typo)
    name[1 + typo % len] = letters[mix(typo) % (sizeof letters - 1)];
  for (size_t i = 0; i <= len; i++)
    add_token(row, bits, field, (uint64_t)name[i] << 8 | (uint64_t)name[i + 1], n);
}

/* Each doubling of the rank is as likely as the one before: ranks fall off as 1 / rank. */
static uint64_t zipf(double u, unsigned n_doublings)
{
  double place = u * n_doublings;
  unsigned doubling = (unsigned)place;
  double within = place - doubling;
  return (UINT64_C(1) << doubling) + (uint64_t)(within * (double)(UINT64_C(1) << doubling));
}

static void make_row(struct kith_encodings *enc, size_t row, uint64_t person, uint64_t record)
{
  static const double missing[N_FIELDS] = {0.01, 0.01, 0.04, 0.01, 0.12};
  uint8_t *bits = kith_encodings_row(enc, row);
  unsigned mask = 0;
  for (unsigned f = 0; f < N_FIELDS; f++)
    if (unit(mix(record * 31 + f)) >= missing[f])
      mask |= 1u << f;
  uint64_t typo = unit(mix(record * 37)) < 0.1 ? mix(record * 41) : 0;
  if (mask & 1)
    add_name(bits, enc->bits, 0, zipf(unit(mix(person * 3)), 11), typo, 10);
  if (mask & 2)
    add_name(bits, enc->bits, 1, zipf(unit(mix(person * 3 + 1)), 15), 0, 10);
  uint64_t date = mix(person * 3 + 2);
  if (mask & 4) {
    add_token(bits, enc->bits, 2, date % 31, 20);
    add_token(bits, enc->bits, 2, 100 + date / 31 % 12, 20);
    add_token(bits, enc->bits, 2, 200 + date / 512 % 80, 20);
  }
  if (mask & 8)
    add_token(bits, enc->bits, 3, date >> 40 & 1, 20);
  if (mask & 16)
    add_token(bits, enc->bits, 4, date / 65536 % 2000, 10);
  if (enc->masks)
    enc->masks[row] = (uint16_t)mask;
}

static void make_independent_row(struct kith_encodings *enc, size_t row, uint64_t record)
{
  uint8_t *bits = kith_encodings_row(enc, row);
  for (unsigned bit = 0; bit < enc->bits; bit++)
    if (unit(mix(record * enc->bits + bit)) < 0.4)
      bits[bit / 8] = (uint8_t)(bits[bit / 8] | 0x80u >> bit % 8);
  if (enc->masks)
    enc->masks[row] = (1u << N_FIELDS) - 1;
}

enum kith_err kith_bench_party(struct kith_encodings *enc, bool independent, size_t n,
                               unsigned bits, unsigned party)
{
  static const uint32_t weights[N_FIELDS] = {80, 90, 60, 20, 10};
  enum kith_err err = kith_encodings_alloc(enc, n, bits, true);
  if (err)
    return err;
  enc->n_fields = N_FIELDS;
  memcpy(enc->field_weights, weights, sizeof weights);
  for (size_t i = 0; i < n; i++)
    if (independent)
      make_independent_row(enc, i, party * (uint64_t)n + i);
    else
      make_row(enc, i, party * (uint64_t)n / 2 + i, party * (uint64_t)n + i);
  return KITH_OK;
}
