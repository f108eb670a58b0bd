#include "matcher/engine/pack.h"

#include <string.h>

#include "base/mem.h"
#include "matcher/engine/threads.h"

enum {
  LANES = KITH_KERNEL_LANES,
  SLICE = 1024,        /* rows that a thread takes at a time */
  WIPE_SLICE = 1 << 20 /* bytes */
};

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

/* What sorting all parties needs; by party. */
struct sorting {
  struct kith_pack *packs;
  const struct kith_encodings *const *parties;
  const struct kith_pack_options *options;
  struct sort_key **keys; /* owned, in the rows' order and then sorted */
  enum kith_err *errs;
};

static enum kith_err sort_party(struct kith_pack *pack, struct sort_key *keys,
                                const struct kith_encodings *enc, bool use_masks)
{
  struct sort_key *other = kith_alloc_aligned(KITH_KERNEL_ALIGNMENT, enc->n, sizeof *other);
  enum kith_err err = other ? KITH_OK : KITH_ERR_MEMORY;
  size_t n_classes = 0;
  if (!err)
    err = sort_pass(other, keys, enc->n, false, enc->row_bytes * 8 + 1);
  if (!err)
    err = sort_pass(keys, other, enc->n, true, use_masks ? UINT16_MAX + 1 : 1);
  kith_free(other);
  if (err)
    return err;
  for (size_t i = 0; i < enc->n; i++)
    n_classes += new_class(keys, i);
  pack->n_rows = enc->n;
  pack->n_words = words_of(enc);
  pack->n_blocks = blocks_of(enc->n);
  pack->rows = KITH_NEW_ARRAY(uint32_t, enc->n);
  pack->class_of = KITH_NEW_ARRAY(uint32_t, enc->n);
  pack->classes = KITH_NEW_ARRAY(struct kith_pack_class, n_classes + 1);
  if (!pack->rows || !pack->class_of || !pack->classes)
    return KITH_ERR_MEMORY;
  fill_classes(pack, keys);
  return KITH_OK;
}

static void sort_parties(void *context, size_t first, size_t end)
{
  struct sorting *of = context;
  for (size_t p = first; p < end; p++)
    of->errs[p] = sort_party(&of->packs[p], of->keys[p], of->parties[p], of->options->use_masks);
}

static enum kith_err sort_all(struct sorting *of, unsigned n_parties)
{
  const unsigned n_threads = of->options->n_threads;
  enum kith_err err = KITH_OK;
  for (unsigned p = 0; p < n_parties; p++) {
    const struct kith_encodings *enc = of->parties[p];
    of->keys[p] = kith_alloc_aligned(KITH_KERNEL_ALIGNMENT, enc->n, sizeof *of->keys[p]);
    if (!of->keys[p])
      return KITH_ERR_MEMORY;
    struct count count = {of->keys[p], enc, of->options, kith_encodings_filter_fields(enc, 0)};
    kith_engine_parallel(n_threads, enc->n, SLICE, count_rows, &count);
  }
  kith_engine_parallel(n_threads, n_parties, 1, sort_parties, of);
  for (unsigned p = 0; p < n_parties && !err; p++)
    err = of->errs[p];
  return err;
}

enum kith_err kith_pack_sort_all(struct kith_pack *packs,
                                 const struct kith_encodings *const *parties, unsigned n_parties,
                                 const struct kith_pack_options *options)
{
  struct sorting of = {.packs = packs, .parties = parties, .options = options};
  of.keys = KITH_NEW_ARRAY(struct sort_key *, n_parties);
  of.errs = KITH_NEW_ARRAY(enum kith_err, n_parties);
  enum kith_err err = of.keys && of.errs ? sort_all(&of, n_parties) : KITH_ERR_MEMORY;
  for (unsigned p = 0; of.keys && p < n_parties; p++)
    kith_free(of.keys[p]);
  kith_free(of.keys);
  kith_free(of.errs);
  return err;
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

enum kith_err kith_pack_fill(struct kith_pack *pack, const struct kith_encodings *enc,
                             const struct kith_pack_options *options)
{
  struct fill fill = {.pack = pack, .enc = enc, .order = options->order};
  pack->words =
      kith_alloc_aligned(KITH_KERNEL_ALIGNMENT, enc->n * pack->n_words, sizeof pack->words[0]);
  if (!pack->words)
    return KITH_ERR_MEMORY;
  kith_engine_parallel(options->n_threads, enc->n, SLICE, fill_words, &fill);
  return KITH_OK;
}

static void wipe(void *context, size_t first, size_t end)
{
  explicit_bzero((uint8_t *)context + first, end - first);
}

/* Takes NULL. */
static void free_wiped(void *block, size_t bytes, unsigned n_threads)
{
  if (block)
    kith_engine_parallel(n_threads, bytes, WIPE_SLICE, wipe, block);
  kith_free(block);
}

static void wipe_words(struct kith_pack *pack, unsigned n_threads)
{
  free_wiped(pack->words, pack->n_rows * pack->n_words * sizeof pack->words[0], n_threads);
  pack->words = NULL;
}

void kith_pack_free(struct kith_pack *pack, unsigned n_threads)
{
  const size_t sketch_bytes = units_of(pack->n_rows) * pack->n_groups * KITH_KERNEL_UNIT;
  wipe_words(pack, n_threads);
  kith_free(pack->rows);
  kith_free(pack->class_of);
  kith_free(pack->classes);
  free_wiped(pack->blocks, pack->n_blocks * pack->n_words * LANES * sizeof pack->blocks[0],
             n_threads);
  free_wiped(pack->sketches, sketch_bytes, n_threads);
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
    wipe_words(pack, n_threads);
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
