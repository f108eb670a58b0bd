/* The whole of a source in memory: one copy of its filters, and their ids. */
#include <string.h>

#include "base/mem.h"
#include "crypto/secret.h"
#include "daemon/pipeline/block.h"
#include "daemon/pipeline/pipeline.h"

enum { ROWS_FIRST = 1024 };

/* What grows while blocks come. */
struct growing {
  size_t n;
  size_t cap;
  size_t row_bytes;
  bool masked;
  uint8_t *filters;
  uint16_t *masks;
  uint64_t *source_rows;
  bool *in_scope;
};

static enum kith_err rows_grow(struct growing *rows, size_t cap)
{
  enum kith_err err = kith_wiping_grow(&rows->filters, rows->n, cap, rows->row_bytes);

  if (err == KITH_OK)
    err = kith_wiping_grow(&rows->source_rows, rows->n, cap, sizeof *rows->source_rows);
  if (err == KITH_OK)
    err = kith_wiping_grow(&rows->in_scope, rows->n, cap, sizeof *rows->in_scope);
  if (err == KITH_OK && rows->masked)
    err = kith_wiping_grow(&rows->masks, rows->n, cap, sizeof *rows->masks);
  if (err == KITH_OK)
    rows->cap = cap;
  return err;
}

static void rows_free(struct growing *rows)
{
  if (rows->filters)
    kith_wipe(rows->filters, rows->n * rows->row_bytes);
  kith_free(rows->filters);
  kith_free(rows->masks);
  kith_free(rows->source_rows);
  kith_free(rows->in_scope);
  *rows = (struct growing){0};
}

/* Memory that is not touched costs nothing: a guess that is somewhat too large saves the copies
 * of growing step by step. */
static size_t cap_for(const struct growing *rows, size_t n, double expected)
{
  size_t cap = n + n / 2 + ROWS_FIRST;
  double guess = expected * 1.125;

  return guess > (double)cap && rows->cap == 0 && guess < KITH_ENCODINGS_ROWS_MAX ? (size_t)guess
                                                                                  : cap;
}

static enum kith_err block_add(struct growing *rows, struct kith_encoded *out,
                               const struct kith_block *block, double expected)
{
  enum kith_err err = KITH_OK;

  if (rows->cap == 0 || rows->n + block->n > rows->cap)
    err = rows_grow(rows, cap_for(rows, rows->n + block->n, expected));
  if (err != KITH_OK)
    return err;
  memcpy(rows->filters + rows->n * rows->row_bytes, block->filters, block->n * rows->row_bytes);
  memcpy(rows->source_rows + rows->n, block->source_rows, block->n * sizeof *rows->source_rows);
  memcpy(rows->in_scope + rows->n, block->in_scope, block->n * sizeof *rows->in_scope);
  if (rows->masked)
    memcpy(rows->masks + rows->n, block->masks, block->n * sizeof *rows->masks);
  rows->n += block->n;
  out->n_set_aside += block->n_set_aside;
  kith_scope_counts_add(&out->scope, &block->scope);
  return KITH_OK;
}

static enum kith_err blocks_collect(struct growing *rows, struct kith_encoded *out,
                                    struct kith_pipeline *pipeline, struct kith_fault *fault)
{
  const struct kith_block *block = NULL;
  enum kith_err err;

  while ((err = kith_pipeline_next(pipeline, &block, fault)) == KITH_OK) {
    err = block_add(rows, out, block, kith_pipeline_rows_expected(pipeline));
    if (err != KITH_OK)
      break;
  }
  if (err == KITH_ERR_NOT_FOUND && rows->cap == 0)
    err = rows_grow(rows, 1); /* arrays of none */
  if (err == KITH_ERR_MEMORY)
    return kith_fail(fault, err, "no memory for the rows of the source");
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

static void row_replace(void *context, const struct kith_coarser *row)
{
  struct growing *rows = context;

  memcpy(rows->filters + row->row * rows->row_bytes, row->filters, rows->row_bytes);
  rows->masks[row->row] = row->mask;
  rows->in_scope[row->row] = row->mask != 0;
}

static enum kith_err rows_coarsen(struct growing *rows, struct kith_encoded *out,
                                  struct kith_pipeline *pipeline, struct kith_fault *fault)
{
  struct kith_coarser_counts counts;
  enum kith_err err = kith_pipeline_coarsen(pipeline, row_replace, rows, &counts);

  if (err != KITH_OK)
    return kith_fail(fault, err, "no memory for the patterns of missing fields");
  kith_scope_counts_rare(&out->scope, counts.n_out);
  out->n_coarsened = counts.n_coarsened;
  return KITH_OK;
}

/* Gives back what the guess was too much; what moves, if anything does, was never written to
 * beyond n rows and is small. */
static void shrink(void *block_pointer, size_t n, size_t size)
{
  void **block = block_pointer;
  void *shrunk = *block ? kith_realloc(*block, n, size) : NULL;

  if (shrunk)
    *block = shrunk;
}

/* Moves what was read into *out. */
static void rows_give(struct kith_encoded *out, struct growing *rows,
                      struct kith_pipeline *pipeline)
{
  shrink(&rows->filters, rows->n, rows->row_bytes);
  shrink(&rows->masks, rows->n, sizeof *rows->masks);
  shrink(&rows->source_rows, rows->n, sizeof *rows->source_rows);
  shrink(&rows->in_scope, rows->n, sizeof *rows->in_scope);
  kith_pipeline_take_ids(pipeline, &out->ids);
  kith_pipeline_describe(pipeline, &out->encodings);
  out->encodings.n = rows->n;
  out->encodings.filters = rows->filters;
  out->encodings.masks = rows->masks;
  out->source_rows = rows->source_rows;
  out->in_scope = rows->in_scope;
  *rows = (struct growing){0};
}

enum kith_err kith_pipeline_run(struct kith_encoded *out, const struct kith_policy *policy,
                                const uint8_t *secret, size_t secret_len,
                                const struct kith_source_spec *spec,
                                const struct kith_pipeline_options *options,
                                struct kith_fault *fault)
{
  struct growing rows = {.masked = policy->mask};
  struct kith_pipeline *pipeline = NULL;
  struct kith_encoded encoded = {0};
  enum kith_err err =
      kith_pipeline_open(&pipeline, policy, secret, secret_len, spec, options, fault);

  if (err != KITH_OK)
    return err;
  kith_encodings_init(&encoded.encodings);
  rows.row_bytes = kith_pipeline_row_bytes(pipeline);
  err = blocks_collect(&rows, &encoded, pipeline, fault);
  if (err == KITH_OK)
    err = rows_coarsen(&rows, &encoded, pipeline, fault);
  if (err == KITH_OK) {
    rows_give(&encoded, &rows, pipeline);
    encoded.n_in_scope = encoded.scope.n[KITH_SCOPE_IN];
    encoded.n_out_of_scope = kith_scope_counts_out(&encoded.scope);
    *out = encoded;
  }
  rows_free(&rows);
  kith_pipeline_free(pipeline);
  return err;
}

void kith_encoded_free(struct kith_encoded *encoded)
{
  kith_ids_free(&encoded->ids);
  kith_free(encoded->source_rows);
  kith_free(encoded->in_scope);
  kith_encodings_free(&encoded->encodings);
  *encoded = (struct kith_encoded){0};
}
