#include "matcher/engine/pack.h"

#include <string.h>

#include "base/mem.h"
#include "matcher/engine/threads.h"

enum { LANES = KITH_KERNEL_LANES, SLICE = 4096 /* rows that a thread takes at a time */ };

/* ---- the sorted order */

struct sort_key {
  uint32_t row;
  uint32_t count;
  uint16_t mask;
};

static size_t blocks_of(size_t n_rows)
{
  return (n_rows + LANES - 1) / LANES;
}

static size_t units_of(size_t n_rows)
{
  return (n_rows + KITH_KERNEL_UNIT - 1) / KITH_KERNEL_UNIT;
}

static size_t words_of(const struct kith_encodings *enc)
{
  return (enc->row_bytes + 7) / 8;
}

size_t kith_pack_bytes(const struct kith_encodings *enc)
{
  return enc->n * (words_of(enc) * sizeof(uint64_t) + 2 * sizeof(uint32_t) +
                   2 * sizeof(struct sort_key) + sizeof(struct kith_pack_class));
}

/* One pass of a counting sort: stable, by the count or, if by_mask, by the mask. */
static enum kith_err sort_pass(struct sort_key *to, const struct sort_key *from, size_t n,
                               bool by_mask, size_t n_values)
{
  size_t *starts = KITH_NEW_ARRAY(size_t, n_values + 1);
  if (!starts)
    return KITH_ERR_MEMORY;
  for (size_t i = 0; i < n; i++)
    starts[(by_mask ? from[i].mask : from[i].count) + 1]++;
  for (size_t v = 0; v < n_values; v++)
    starts[v + 1] += starts[v];
  for (size_t i = 0; i < n; i++)
    to[starts[by_mask ? from[i].mask : from[i].count]++] = from[i];
  kith_free(starts);
  return KITH_OK;
}

struct count {
  struct sort_key *keys;
  const struct kith_encodings *enc;
  const struct kith_pack_options *options;
  uint16_t fields; /* that say something of this filter */
};

static void count_rows(void *context, size_t first, size_t end)
{
  const struct count *count = context;
  const struct kith_encodings *enc = count->enc;
  for (size_t i = first; i < end; i++)
    count->keys[i] = (struct sort_key){
        (uint32_t)i, count->options->kernel->count(kith_encodings_row(enc, i), enc->row_bytes),
        count->options->use_masks && enc->masks ? enc->masks[i] & count->fields : 0};
}

/* *keys: owned by the caller, sorted by mask, count and row. */
static enum kith_err sorted_keys(struct sort_key **keys, const struct kith_encodings *enc,
                                 const struct kith_pack_options *options)
{
  struct sort_key *a = kith_alloc_aligned(KITH_KERNEL_ALIGNMENT, enc->n, sizeof *a);
  struct sort_key *b = kith_alloc_aligned(KITH_KERNEL_ALIGNMENT, enc->n, sizeof *b);
  enum kith_err err = a && b ? KITH_OK : KITH_ERR_MEMORY;
  if (!err) {
    struct count count = {a, enc, options, kith_encodings_filter_fields(enc, 0)};
    kith_engine_parallel(options->n_threads, enc->n, SLICE, count_rows, &count);
    err = sort_pass(b, a, enc->n, false, enc->row_bytes * 8 + 1);
  }
  if (!err)
    err = sort_pass(a, b, enc->n, true, options->use_masks ? UINT16_MAX + 1 : 1);
  kith_free(b);
  if (err)
    kith_free(a);
  else
    *keys = a;
  return err;
}

static bool new_class(const struct sort_key *keys, size_t i)
{
  return i == 0 || keys[i].mask != keys[i - 1].mask || keys[i].count != keys[i - 1].count;
}

static void fill_classes(struct kith_pack *pack, const struct sort_key *keys)
{
  size_t n = 0;
  for (size_t position = 0; position < pack->n_rows; position++) {
    if (new_class(keys, position))
      pack->classes[n++] = (struct kith_pack_class){(uint32_t)position, keys[position].count,
                                                    keys[position].mask, KITH_PACK_NO_STRATUM};
    pack->class_of[position] = (uint32_t)(n - 1);
    pack->rows[position] = keys[position].row;
  }
  pack->n_classes = n;
  pack->classes[n] = (struct kith_pack_class){(uint32_t)pack->n_rows, 0, 0, KITH_PACK_NO_STRATUM};
}

/* ---- rows */

struct fill {
  struct kith_pack *pack;
  const struct kith_encodings *enc;
  const struct kith_bit_order *order;
  const struct kith_sketch_table *table;
};

static void fill_words(void *context, size_t first, size_t end)
{
  const struct fill *fill = context;
  struct kith_pack *pack = fill->pack;
  kith_bit_order_rows(fill->order, pack->words + first * pack->n_words, fill->enc,
                      pack->rows + first, end - first);
}

enum kith_err kith_pack_new(struct kith_pack *out, const struct kith_encodings *enc,
                            const struct kith_pack_options *options)
{
  struct kith_pack pack = {
      .n_rows = enc->n, .n_words = words_of(enc), .n_blocks = blocks_of(enc->n)};
  struct sort_key *keys = NULL;
  enum kith_err err = sorted_keys(&keys, enc, options);
  if (err)
    return err;
  size_t n_classes = 0;
  for (size_t i = 0; i < enc->n; i++)
    n_classes += new_class(keys, i);
  pack.words =
      kith_alloc_aligned(KITH_KERNEL_ALIGNMENT, enc->n * pack.n_words, sizeof pack.words[0]);
  pack.rows = KITH_NEW_ARRAY(uint32_t, enc->n);
  pack.class_of = KITH_NEW_ARRAY(uint32_t, enc->n);
  pack.classes = KITH_NEW_ARRAY(struct kith_pack_class, n_classes + 1);
  if (pack.words && pack.rows && pack.class_of && pack.classes) {
    fill_classes(&pack, keys);
    struct fill fill = {.pack = &pack, .enc = enc, .order = options->order};
    kith_engine_parallel(options->n_threads, enc->n, SLICE, fill_words, &fill);
    *out = pack;
  } else {
    kith_pack_free(&pack);
    err = KITH_ERR_MEMORY;
  }
  kith_free(keys);
  return err;
}

static void wipe_words(struct kith_pack *pack)
{
  kith_free_wiped(pack->words, pack->n_rows * pack->n_words * sizeof pack->words[0]);
  pack->words = NULL;
}

void kith_pack_free(struct kith_pack *pack)
{
  wipe_words(pack);
  kith_free(pack->rows);
  kith_free(pack->class_of);
  kith_free(pack->classes);
  kith_free_wiped(pack->blocks, pack->n_blocks * pack->n_words * LANES * sizeof pack->blocks[0]);
  kith_free_wiped(pack->sketches, units_of(pack->n_rows) * pack->n_groups * KITH_KERNEL_UNIT);
  kith_free(pack->halves);
  memset(pack, 0, sizeof *pack);
}

/* ---- blocks */

size_t kith_pack_blocks_bytes(const struct kith_encodings *enc)
{
  return blocks_of(enc->n) * LANES * words_of(enc) * sizeof(uint64_t);
}

static void fill_blocks(void *context, size_t first, size_t end)
{
  const struct kith_pack *pack = ((const struct fill *)context)->pack;
  for (size_t position = first; position < end; position++) {
    const uint64_t *row = kith_pack_words(pack, position);
    uint64_t *lane = pack->blocks + position / LANES * pack->n_words * LANES + position % LANES;
    for (size_t w = 0; w < pack->n_words; w++)
      lane[w * LANES] = row[w];
  }
}

enum kith_err kith_pack_add_blocks(struct kith_pack *pack, bool keep_words, unsigned n_threads)
{
  struct fill fill = {.pack = pack};
  const size_t block_words = pack->n_words * LANES;
  pack->blocks = kith_alloc_aligned(KITH_KERNEL_ALIGNMENT, pack->n_blocks * block_words,
                                    sizeof pack->blocks[0]);
  if (!pack->blocks)
    return KITH_ERR_MEMORY;
  if (pack->n_blocks)
    memset(pack->blocks + (pack->n_blocks - 1) * block_words, 0,
           block_words * sizeof pack->blocks[0]);
  kith_engine_parallel(n_threads, pack->n_rows, SLICE, fill_blocks, &fill);
  if (!keep_words)
    wipe_words(pack);
  return KITH_OK;
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

/* ---- sketches */

size_t kith_pack_sketch_bytes(const struct kith_encodings *enc, unsigned n_groups)
{
  return enc->n + units_of(enc->n) * n_groups * KITH_KERNEL_UNIT;
}

static void fill_sketches(void *context, size_t first, size_t end)
{
  const struct fill *fill = context;
  struct kith_pack *pack = fill->pack;
  for (size_t position = first; position < end; position++) {
    uint8_t counts[KITH_SKETCH_GROUPS_MAX];
    int32_t more = kith_sketch_table_row(fill->table, counts, kith_pack_words(pack, position)) -
                   (int32_t)kith_pack_class_at(pack, position)->count;
    pack->halves[position] = (uint8_t)((more - (more & 1)) / 2);
    uint8_t *out = pack->sketches +
                   position / KITH_KERNEL_UNIT * pack->n_groups * KITH_KERNEL_UNIT +
                   position % KITH_KERNEL_UNIT;
    for (unsigned g = 0; g < pack->n_groups; g++)
      out[(size_t)g * KITH_KERNEL_UNIT] = counts[g];
  }
}

enum kith_err kith_pack_add_sketch(struct kith_pack *pack, const struct kith_sketch *sketch,
                                   unsigned n_threads)
{
  struct kith_sketch_table table;
  struct fill fill = {.pack = pack, .table = &table};
  pack->n_groups = sketch->n_groups;
  const size_t n_units = units_of(pack->n_rows);
  const size_t unit_bytes = (size_t)sketch->n_groups * KITH_KERNEL_UNIT;
  pack->sketches = kith_alloc_aligned(KITH_KERNEL_ALIGNMENT, n_units, unit_bytes);
  pack->halves = kith_calloc(pack->n_rows, 1);
  if (!pack->sketches || !pack->halves || kith_sketch_table_new(&table, sketch) != KITH_OK)
    return KITH_ERR_MEMORY; /* kith_pack_free takes what there is */
  if (n_units)
    memset(pack->sketches + (n_units - 1) * unit_bytes, 0, unit_bytes);
  kith_engine_parallel(n_threads, pack->n_rows, SLICE, fill_sketches, &fill);
  kith_sketch_table_free(&table);
  return KITH_OK;
}
