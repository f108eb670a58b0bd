/* A party's rows as the kernels want them: sorted by (mask, set-bit count, row), in blocks of
 * eight, 64-byte aligned. Rows of equal mask and count form a class: all of them share the
 * least number of common bits that a given query needs. */
#ifndef KITH_MATCHER_ENGINE_PACK_H
#define KITH_MATCHER_ENGINE_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "matcher/engine/kernel.h"
#include "matcher/engine/sketch.h"
#include "proto/encodings.h"

struct kith_pack_class {
  uint32_t first; /* position of its first row; the next class's first is its end */
  uint32_t count; /* set bits */
  uint16_t mask;
};

/* Positions are places in the sorted order. Life: kith_pack_new, kith_pack_free. */
struct kith_pack {
  size_t n_rows;
  size_t n_words; /* 64-bit words a row */
  size_t n_blocks;
  uint64_t *blocks;                /* lanes beyond n_rows are zero */
  uint32_t *rows;                  /* position -> the caller's row */
  uint32_t *class_of;              /* position -> class */
  struct kith_pack_class *classes; /* n_classes, and one more whose `first` is n_rows */
  size_t n_classes;
  /* With a sketch, else NULL: */
  uint64_t *words;   /* the rows again, one after the other, for candidates */
  uint8_t *sketches; /* in units of 64 rows (kernel.h); lanes beyond n_rows are zero */
  uint8_t *halves;   /* by position: half of (the sketch's sum - set bits), down, modulo 256 */
  unsigned n_groups;
};

/* use_masks: else all rows have mask 0. */
KITH_MUST_USE enum kith_err kith_pack_new(struct kith_pack *out, const struct kith_encodings *enc,
                                          bool use_masks);
void kith_pack_free(struct kith_pack *pack);
/* The most bytes that kith_pack_new needs at a time. */
size_t kith_pack_bytes(const struct kith_encodings *enc);

/* Adds what the sieve needs. */
KITH_MUST_USE enum kith_err kith_pack_add_sketch(struct kith_pack *pack,
                                                 const struct kith_sketch *sketch);
size_t kith_pack_sketch_bytes(const struct kith_encodings *enc, unsigned n_groups);

static inline const uint8_t *kith_pack_sketch(const struct kith_pack *pack, size_t position)
{
  return pack->sketches + position / KITH_KERNEL_UNIT * pack->n_groups * KITH_KERNEL_UNIT +
         position % KITH_KERNEL_UNIT; /* group g is KITH_KERNEL_UNIT x g further */
}

/* Writes the four rows from `position` on as a quad, 8 x n_words words (kernel.h); positions
 * at `end` or beyond give zeros. */
void kith_pack_quad(const struct kith_pack *pack, uint64_t *quad, size_t position, size_t end);

#endif
