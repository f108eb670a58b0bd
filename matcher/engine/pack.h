/* A party's rows as the kernels want them: sorted by (mask, set-bit count, row), their bits in the
 * run's order (order.h). Rows of equal mask and count form a class: all of them share the least
 * number of common bits that a given query needs. */
#ifndef KITH_MATCHER_ENGINE_PACK_H
#define KITH_MATCHER_ENGINE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "matcher/engine/kernel.h"
#include "matcher/engine/order.h"
#include "matcher/engine/sketch.h"
#include "proto/encodings.h"

enum { KITH_PACK_NO_STRATUM = 0xffff };

struct kith_pack_class {
  uint32_t first; /* position of its first row; the next class's first is its end */
  uint32_t count; /* set bits */
  uint16_t mask;
  uint16_t stratum; /* of the pigeonhole join (pigeon.h), or KITH_PACK_NO_STRATUM */
};

/* Positions are places in the sorted order. Life: zero-initialise, kith_pack_sort_all,
 * kith_pack_fill, add what the method needs, kith_pack_free (also after a failure). */
struct kith_pack {
  size_t n_rows;
  size_t n_words; /* 64-bit words a row */
  size_t n_blocks;
  uint64_t *words;                 /* row after row; NULL once they stand in blocks */
  uint32_t *rows;                  /* position -> the caller's row */
  uint32_t *class_of;              /* position -> class */
  struct kith_pack_class *classes; /* n_classes, and one more whose `first` is n_rows */
  size_t n_classes;
  /* For brute force, else NULL: */
  uint64_t *blocks; /* the rows in blocks of eight (kernel.h); lanes beyond n_rows are zero */
  /* For the sieve, else NULL: */
  uint8_t *sketches; /* in units of 64 rows (kernel.h); lanes beyond n_rows are zero */
  uint8_t *halves;   /* by position: half of (the sketch's sum - set bits), down, modulo 256 */
  unsigned n_groups;
};

struct kith_pack_options {
  bool use_masks; /* else all rows have mask 0 */
  unsigned n_threads;
  const struct kith_bit_order *order; /* of these rows' length */
  const struct kith_kernel *kernel;
};

/* Everything but the rows themselves. Parties are sorted beside one another. */
KITH_MUST_USE enum kith_err kith_pack_sort_all(struct kith_pack *packs,
                                               const struct kith_encodings *const *parties,
                                               unsigned n_parties,
                                               const struct kith_pack_options *options);
KITH_MUST_USE enum kith_err kith_pack_fill(struct kith_pack *pack, const struct kith_encodings *enc,
                                           const struct kith_pack_options *options);
void kith_pack_free(struct kith_pack *pack, unsigned n_threads);

/* Puts the rows into blocks; `words` is gone then, unless it is kept. */
KITH_MUST_USE enum kith_err kith_pack_add_blocks(struct kith_pack *pack, bool keep_words,
                                                 unsigned n_threads);
/* Adds what the sieve needs. */
KITH_MUST_USE enum kith_err
kith_pack_add_sketch(struct kith_pack *pack, const struct kith_sketch *sketch, unsigned n_threads);

/* The most bytes that each of them needs at a time. */
size_t kith_pack_bytes(const struct kith_encodings *enc);
size_t kith_pack_blocks_bytes(const struct kith_encodings *enc);
size_t kith_pack_sketch_bytes(const struct kith_encodings *enc, unsigned n_groups);

static inline const uint64_t *kith_pack_words(const struct kith_pack *pack, size_t position)
{
  return pack->words + position * pack->n_words;
}

static inline const struct kith_pack_class *kith_pack_class_at(const struct kith_pack *pack,
                                                               size_t position)
{
  return &pack->classes[pack->class_of[position]];
}

static inline const uint8_t *kith_pack_sketch(const struct kith_pack *pack, size_t position)
{
  return pack->sketches + position / KITH_KERNEL_UNIT * pack->n_groups * KITH_KERNEL_UNIT +
         position % KITH_KERNEL_UNIT; /* group g is KITH_KERNEL_UNIT x g further */
}

/* Writes the four rows from `position` on as a quad, 8 x n_words words (kernel.h); positions
 * at `end` or beyond give zeros. From blocks. */
void kith_pack_quad(const struct kith_pack *pack, uint64_t *quad, size_t position, size_t end);

#endif
