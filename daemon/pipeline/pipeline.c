#include "daemon/pipeline/pipeline.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/secret.h"
#include "daemon/pipeline/encode.h"
#include "daemon/pipeline/source.h"
#include "daemon/pipeline/standardise.h"

enum { ROWS_FIRST = 1024, ROWS_A_LOOK = 256 };

/* What grows while rows are read. */
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

/* A block grown to `cap` elements in place of *block; *block stays valid where it fails. */
static bool block_grow(void *block_pointer, size_t cap, size_t size)
{
  void **block = block_pointer;
  void *grown = kith_realloc(*block, cap, size);

  if (grown)
    *block = grown;
  return grown != NULL;
}

static enum kith_err rows_resize(struct growing *rows, size_t cap)
{
  if (!block_grow(&rows->filters, cap, rows->row_bytes) ||
      !block_grow(&rows->source_rows, cap, sizeof *rows->source_rows) ||
      !block_grow(&rows->in_scope, cap, sizeof *rows->in_scope) ||
      (rows->masked && !block_grow(&rows->masks, cap, sizeof *rows->masks)))
    return KITH_ERR_MEMORY;
  rows->cap = cap;
  return KITH_OK;
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

/* Appends one row: encoded where it is fine and in scope, else empty. */
static enum kith_err row_add(struct growing *rows, struct kith_encoded *out,
                             struct kith_row_encoder *encoder, const struct kith_policy *policy,
                             const struct kith_source_row *row)
{
  struct kith_record record;
  enum kith_outcome outcomes[KITH_FIELD_COUNT];
  uint16_t mask = 0;
  uint8_t *filter;
  enum kith_err err = KITH_OK;

  if (rows->n == rows->cap)
    err = rows_resize(rows, rows->cap ? rows->cap + rows->cap / 2 : ROWS_FIRST);
  if (err != KITH_OK)
    return err;
  filter = rows->filters + rows->n * rows->row_bytes;
  memset(filter, 0, rows->row_bytes);
  rows->source_rows[rows->n] = row->row;
  rows->in_scope[rows->n] = false;
  if (row->rule != KITH_ROW_FINE) {
    out->n_set_aside++;
  } else {
    kith_standardise(&record, outcomes, row->fields, NULL);
    if (kith_scope_has(&policy->scope, record.birth)) {
      rows->in_scope[rows->n] = true;
      out->n_in_scope++;
      err = kith_row_encoder_encode(encoder, filter, &mask, &record);
    } else {
      out->n_out_of_scope++;
    }
    kith_wipe(&record, sizeof record);
  }
  if (rows->masked)
    rows->masks[rows->n] = mask;
  rows->n++;
  return err;
}

static enum kith_err rows_read(struct growing *rows, struct kith_encoded *out,
                               struct kith_row_encoder *encoder, const struct kith_policy *policy,
                               struct kith_source *source,
                               const struct kith_pipeline_options *options,
                               struct kith_fault *fault)
{
  struct kith_source_row row;
  enum kith_err err;

  while ((err = kith_source_next(source, &row, fault)) == KITH_OK) {
    err = row_add(rows, out, encoder, policy, &row);
    if (err != KITH_OK)
      return kith_fail(fault, err, "row %llu: can't be encoded: %s", (unsigned long long)row.row,
                       kith_err_name(err));
    if (rows->n % ROWS_A_LOOK != 0 || !options)
      continue;
    if (options->cancel && atomic_load(options->cancel))
      return kith_fail(fault, KITH_ERR_CANCELLED, "stopped after row %llu",
                       (unsigned long long)row.row);
    if (options->progress)
      options->progress(options->progress_context, kith_source_share(source));
  }
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

/* Moves what was read into *out. */
static enum kith_err rows_give(struct kith_encoded *out, struct growing *rows,
                               const struct kith_row_encoder *encoder, struct kith_source *source)
{
  enum kith_err err = rows_resize(rows, rows->n); /* no more than is needed */

  if (err != KITH_OK)
    return err;
  kith_source_take_ids(source, &out->ids);
  kith_row_encoder_describe(encoder, &out->encodings);
  out->encodings.n = rows->n;
  out->encodings.filters = rows->filters;
  out->encodings.masks = rows->masks;
  out->source_rows = rows->source_rows;
  out->in_scope = rows->in_scope;
  *rows = (struct growing){0};
  return KITH_OK;
}

enum kith_err kith_pipeline_run(struct kith_encoded *out, const struct kith_policy *policy,
                                const uint8_t *secret, size_t secret_len,
                                const struct kith_source_spec *spec,
                                const struct kith_pipeline_options *options,
                                struct kith_fault *fault)
{
  struct growing rows = {.row_bytes = policy->bits / 8, .masked = policy->mask};
  struct kith_row_encoder *encoder = NULL;
  struct kith_source *source = NULL;
  struct kith_encoded encoded = {0};
  enum kith_err err;

  kith_encodings_init(&encoded.encodings);
  err = kith_row_encoder_new(&encoder, policy, secret, secret_len, fault);
  if (err == KITH_OK)
    err = kith_source_open(&source, spec, fault);
  if (err == KITH_OK)
    err = rows_read(&rows, &encoded, encoder, policy, source, options, fault);
  if (err == KITH_OK) {
    err = rows_give(&encoded, &rows, encoder, source);
    if (err != KITH_OK)
      (void)kith_fail(fault, err, "no memory for the rows of the source");
  }
  if (err == KITH_OK) {
    if (options && options->progress)
      options->progress(options->progress_context, 1);
    *out = encoded;
  } else {
    kith_encoded_free(&encoded);
  }
  rows_free(&rows);
  kith_source_free(source);
  kith_row_encoder_free(encoder);
  return err;
}

void kith_encoded_free(struct kith_encoded *encoded)
{
  if (encoded->encodings.filters)
    kith_wipe(encoded->encodings.filters, encoded->encodings.n * encoded->encodings.row_bytes);
  kith_ids_free(&encoded->ids);
  kith_free(encoded->source_rows);
  kith_free(encoded->in_scope);
  kith_encodings_free(&encoded->encodings);
  *encoded = (struct kith_encoded){0};
}
