/* A blind submission: one agency's rows for one peer, as bytes (docs/blind.md, 4). Reader and the
 * writer of its header; rows are the pipeline's to make. And the histogram of non-matches (5). */
#ifndef KITH_PROTO_BLIND_H
#define KITH_PROTO_BLIND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/blind_layout.h"
#include "crypto/hash.h"

enum { KITH_BLIND_HEADER_BYTES_MAX = 9 + 1 + KITH_BLIND_FIELDS_MAX + 3 + 8 + KITH_HASH_BYTES };

struct kith_blind_header {
  struct kith_blind_layout layout;
  bool high; /* the side of the greater id */
  uint64_t n_records;
  struct kith_hash terms; /* kith_policy_blind_hash */
};

/* A submission in memory; the bytes are whoever's they were. */
struct kith_blind_submission {
  struct kith_blind_header header;
  const uint8_t *rows; /* n_rows of layout.row_bytes, tokens rising */
  uint64_t n_rows;
};

/* The header's bytes; how many. */
size_t kith_blind_header_put(uint8_t out[KITH_BLIND_HEADER_BYTES_MAX],
                             const struct kith_blind_header *header);

/* Holds every promise of docs/blind.md, 4, or KITH_ERR_DATA with a fault that names `name`. */
KITH_MUST_USE enum kith_err kith_blind_parse(struct kith_blind_submission *out,
                                             const uint8_t *bytes, size_t len, const char *name,
                                             struct kith_fault *fault);
/* Whether a submission is one under these terms, for that side. KITH_ERR_DATA likewise. */
KITH_MUST_USE enum kith_err kith_blind_expect(const struct kith_blind_submission *submission,
                                              const struct kith_blind_layout *layout,
                                              const struct kith_hash *terms, bool high,
                                              const char *name, struct kith_fault *fault);

/* The digit of field f, 0 to 2. */
static inline unsigned kith_blind_digit(const uint8_t *digits, unsigned f)
{
  static const uint8_t powers[KITH_BLIND_DIGITS_A_BYTE] = {1, 3, 9, 27, 81};

  return digits[f / KITH_BLIND_DIGITS_A_BYTE] / powers[f % KITH_BLIND_DIGITS_A_BYTE] % 3;
}

/* ---- levels: how much of a distance the histograms tell */

enum {
  KITH_BLIND_LEVELS = 8, /* of a field: 0 no bit differs .. 5 nothing in common; then one, both lack
                            it */
  KITH_BLIND_LEVEL_ONE_LACKS = 6,
  KITH_BLIND_LEVEL_BOTH_LACK = 7,
  KITH_BLIND_KEY_LEVELS = 4, /* one, two, three, more match keys agreed */
  KITH_BLIND_LEVEL_BITS = 3
};

/* `missing`: how many of the two lack the field. */
unsigned kith_blind_level(unsigned distance, unsigned bits, unsigned missing);
/* Levels of all fields and of the number of match keys, as one number. */
uint32_t kith_blind_cell(const struct kith_blind_layout *layout, const uint8_t *distances,
                         const uint8_t *missing, unsigned n_keys);
static inline unsigned kith_blind_cell_level(uint32_t cell, unsigned f)
{
  return cell >> f * KITH_BLIND_LEVEL_BITS & (KITH_BLIND_LEVELS - 1);
}
static inline unsigned kith_blind_cell_keys(uint32_t cell)
{
  return cell >> KITH_BLIND_FIELDS_MAX * KITH_BLIND_LEVEL_BITS;
}

/* Pairs of people of one agency by cell, counts rounded at random. */
struct kith_blind_histogram {
  double comparisons; /* that the pairs come from */
  size_t n;
  struct kith_blind_count {
    uint32_t cell;
    uint32_t count; /* a multiple of the policy's minimum_count */
  } * counts;       /* owned; by cell */
};
void kith_blind_histogram_free(struct kith_blind_histogram *histogram);

/* An agency compares itself with a share of itself as large as the peer: with 1 / 2^step of its
 * people. */
enum { KITH_BLIND_STEPS = 5 };
/* The step whose share is next to the peer's size. */
unsigned kith_blind_step(uint64_t n_people, uint64_t n_peer);
/* How many people that is: at least one, where there is one. */
uint64_t kith_blind_step_people(uint64_t n_people, unsigned step);

/* The histograms of all steps as bytes (docs/blind.md, 4), and back: KITH_ERR_DATA where bytes are
 * none, KITH_ERR_LIMIT where they are more than `limit`. *out of write is the caller's. */
KITH_MUST_USE enum kith_err
kith_blind_histograms_write(uint8_t **out, size_t *len,
                            const struct kith_blind_histogram histograms[KITH_BLIND_STEPS],
                            size_t limit);
KITH_MUST_USE enum kith_err
kith_blind_histograms_read(struct kith_blind_histogram out[KITH_BLIND_STEPS], const uint8_t *bytes,
                           size_t len, const struct kith_blind_layout *layout, uint64_t n_people);

#endif
