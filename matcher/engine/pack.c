#include "matcher/engine/pack.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { LANES = KITH_KERNEL_LANES };

struct sort_key {
  uint64_t mask_and_count;
  uint32_t row;
};

static int by_key(const void *left, const void *right)
{
  const struct sort_key *a = left;
  const struct sort_key *b = right;
  if (a->mask_and_count != b->mask_and_count)
    return a->mask_and_count < b->mask_and_count ? -1 : 1;
  return (a->row > b->row) - (a->row < b->row);
}

/* Word w of a row, zero-padded. Which bit of the word is which does not matter: only that it is
 * the same in all rows. */
static uint64_t row_word(const struct kith_encodings *enc, size_t row, size_t w)
{
  uint64_t word = 0;
  size_t rest = enc->row_bytes - w * sizeof word;
  memcpy(&word, kith_encodings_row(enc, row) + w * sizeof word,
         rest < sizeof word ? rest : sizeof word);
  return word;
}

static uint32_t count_row(const struct kith_encodings *enc, size_t row, size_t n_words)
{
  uint32_t count = 0;
  for (size_t w = 0; w < n_words; w++)
    count += (uint32_t)__builtin_popcountll(row_word(enc, row, w));
  return count;
}

static size_t blocks_of(size_t n_rows)
{
  return (n_rows + LANES - 1) / LANES;
}

size_t kith_pack_bytes(const struct kith_encodings *enc)
{
  size_t n_words = (enc->row_bytes + 7) / 8;
  return blocks_of(enc->n) * n_words * LANES * sizeof(uint64_t) +
         enc->n * (2 * sizeof(uint32_t) + sizeof(struct sort_key) + sizeof(struct kith_pack_class));
}

static void fill_rows(struct kith_pack *pack, const struct kith_encodings *enc,
                      const struct sort_key *keys)
{
  for (size_t position = 0; position < enc->n; position++) {
    uint64_t *lane = pack->blocks + position / LANES * pack->n_words * LANES + position % LANES;
    pack->rows[position] = keys[position].row;
    for (size_t w = 0; w < pack->n_words; w++)
      lane[w * LANES] = row_word(enc, keys[position].row, w);
  }
}

static void fill_classes(struct kith_pack *pack, const struct sort_key *keys)
{
  size_t n = 0;
  for (size_t position = 0; position < pack->n_rows; position++) {
    uint64_t key = keys[position].mask_and_count;
    if (position == 0 || key != keys[position - 1].mask_and_count)
      pack->classes[n++] =
          (struct kith_pack_class){(uint32_t)position, (uint32_t)key, (uint16_t)(key >> 32)};
    pack->class_of[position] = (uint32_t)(n - 1);
  }
  pack->n_classes = n;
  pack->classes[n] = (struct kith_pack_class){(uint32_t)pack->n_rows, 0, 0};
}

static size_t count_classes(const struct sort_key *keys, size_t n)
{
  size_t n_classes = 0;
  for (size_t i = 0; i < n; i++)
    n_classes += i == 0 || keys[i].mask_and_count != keys[i - 1].mask_and_count;
  return n_classes;
}

enum kith_err kith_pack_new(struct kith_pack *out, const struct kith_encodings *enc, bool use_masks)
{
  struct kith_pack pack = {.n_rows = enc->n, .n_words = (enc->row_bytes + 7) / 8};
  enum kith_err err = KITH_ERR_MEMORY;
  struct sort_key *keys = KITH_NEW_ARRAY(struct sort_key, enc->n);
  if (!keys)
    return err;
  for (size_t i = 0; i < enc->n; i++) {
    uint64_t mask = use_masks && enc->masks ? enc->masks[i] : 0;
    keys[i].mask_and_count = mask << 32 | count_row(enc, i, pack.n_words);
    keys[i].row = (uint32_t)i;
  }
  qsort(keys, enc->n, sizeof keys[0], by_key);
  pack.n_blocks = blocks_of(enc->n);
  pack.blocks = kith_calloc_aligned(KITH_KERNEL_ALIGNMENT, pack.n_blocks * pack.n_words * LANES,
                                    sizeof pack.blocks[0]);
  pack.rows = KITH_NEW_ARRAY(uint32_t, enc->n);
  pack.class_of = KITH_NEW_ARRAY(uint32_t, enc->n);
  pack.classes = KITH_NEW_ARRAY(struct kith_pack_class, count_classes(keys, enc->n) + 1);
  if (pack.blocks && pack.rows && pack.class_of && pack.classes) {
    fill_rows(&pack, enc, keys);
    fill_classes(&pack, keys);
    *out = pack;
    err = KITH_OK;
  } else {
    kith_pack_free(&pack);
  }
  kith_free(keys);
  return err;
}

void kith_pack_free(struct kith_pack *pack)
{
  kith_free(pack->blocks);
  kith_free(pack->rows);
  kith_free(pack->class_of);
  kith_free(pack->classes);
  kith_free(pack->words);
  kith_free(pack->sketches);
  kith_free(pack->halves);
  memset(pack, 0, sizeof *pack);
}

void kith_pack_quad(const struct kith_pack *pack, uint64_t *quad, size_t position, size_t end)
{
  memset(quad, 0, pack->n_words * KITH_KERNEL_QUAD_WORDS * sizeof quad[0]);
  for (size_t i = 0; i < KITH_KERNEL_QUERIES && position + i < end; i++) {
    size_t at = position + i;
    const uint64_t *lane = pack->blocks + at / LANES * pack->n_words * LANES + at % LANES;
    for (size_t w = 0; w < pack->n_words; w++) {
      quad[w * KITH_KERNEL_QUAD_WORDS + i] = lane[w * LANES];
      quad[w * KITH_KERNEL_QUAD_WORDS + KITH_KERNEL_QUERIES + i] = lane[w * LANES] >> 4;
    }
  }
}

static size_t units_of(size_t n_rows)
{
  return (n_rows + KITH_KERNEL_UNIT - 1) / KITH_KERNEL_UNIT;
}

size_t kith_pack_sketch_bytes(const struct kith_encodings *enc, unsigned n_groups)
{
  size_t n_words = (enc->row_bytes + 7) / 8;
  return enc->n * (n_words * sizeof(uint64_t) + 1) + units_of(enc->n) * n_groups * KITH_KERNEL_UNIT;
}

static void fill_sketches(struct kith_pack *pack, const struct kith_sketch *sketch)
{
  for (size_t position = 0; position < pack->n_rows; position++) {
    uint8_t counts[KITH_SKETCH_GROUPS_MAX];
    uint64_t *row = pack->words + position * pack->n_words;
    const uint64_t *lane =
        pack->blocks + position / LANES * pack->n_words * LANES + position % LANES;
    for (size_t w = 0; w < pack->n_words; w++)
      row[w] = lane[w * LANES];
    int32_t more = kith_sketch_row(sketch, counts, row);
    pack->halves[position] = (uint8_t)((more - (more & 1)) / 2);
    uint8_t *out = pack->sketches +
                   position / KITH_KERNEL_UNIT * sketch->n_groups * KITH_KERNEL_UNIT +
                   position % KITH_KERNEL_UNIT;
    for (unsigned g = 0; g < sketch->n_groups; g++)
      out[(size_t)g * KITH_KERNEL_UNIT] = counts[g];
  }
}

enum kith_err kith_pack_add_sketch(struct kith_pack *pack, const struct kith_sketch *sketch)
{
  pack->n_groups = sketch->n_groups;
  pack->words =
      kith_calloc_aligned(KITH_KERNEL_ALIGNMENT, pack->n_rows * pack->n_words, sizeof(uint64_t));
  pack->sketches = kith_calloc_aligned(KITH_KERNEL_ALIGNMENT,
                                       units_of(pack->n_rows) * sketch->n_groups, KITH_KERNEL_UNIT);
  pack->halves = kith_calloc(pack->n_rows, 1);
  if (!pack->words || !pack->sketches || !pack->halves)
    return KITH_ERR_MEMORY; /* kith_pack_free takes what there is */
  fill_sketches(pack, sketch);
  return KITH_OK;
}
