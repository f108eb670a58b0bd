#include "daemon/pipeline/coarsen.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/secret.h"

enum { KEPT_FIRST = 64 };

struct kept {
  uint64_t row;
  uint16_t mask;
  uint8_t *filters; /* owned; a row for each field, of that field alone */
};

struct kith_coarsener {
  const struct kith_policy *policy;
  struct kith_patterns *patterns;
  size_t row_bytes;
  uint64_t n_seen; /* rows, in scope or not */
  uint64_t n_in;
  size_t n_kept;
  size_t cap;
  struct kept *kept; /* owned; by row */
};

static void let_go(const struct kith_coarsener *coarsener, struct kept *kept)
{
  if (kept->filters)
    kith_wipe(kept->filters, coarsener->policy->n_fields * coarsener->row_bytes);
  kith_free(kept->filters);
  kept->filters = NULL;
}

static enum kith_err room(struct kith_coarsener *coarsener)
{
  size_t cap = coarsener->cap ? 2 * coarsener->cap : KEPT_FIRST;
  struct kept *grown;

  if (coarsener->n_kept < coarsener->cap)
    return KITH_OK;
  grown = kith_realloc(coarsener->kept, cap, sizeof *grown);
  if (!grown)
    return KITH_ERR_MEMORY;
  coarsener->kept = grown;
  coarsener->cap = cap;
  return KITH_OK;
}

static enum kith_err keep(struct kith_coarsener *coarsener, const struct kith_work_block *block,
                          size_t i, struct kith_row_encoder *encoder,
                          const struct kith_work_terms *terms)
{
  unsigned n_fields = coarsener->policy->n_fields;
  struct kept kept = {.row = coarsener->n_seen, .mask = block->out.masks[i]};
  struct kith_record record;
  enum kith_err err = room(coarsener);

  if (err != KITH_OK)
    return err;
  kept.filters = kith_calloc(n_fields, coarsener->row_bytes);
  if (!kept.filters)
    return KITH_ERR_MEMORY;
  kith_work_block_record(block, i, terms, &record);
  for (unsigned f = 0; err == KITH_OK && f < n_fields; f++) {
    uint16_t mask;

    err = kith_row_encoder_encode_fields(encoder, kept.filters + f * coarsener->row_bytes, &mask,
                                         &record, (uint16_t)(1u << f));
  }
  kith_wipe(&record, sizeof record);
  if (err == KITH_OK)
    coarsener->kept[coarsener->n_kept++] = kept;
  else
    let_go(coarsener, &kept);
  return err;
}

enum kith_err kith_coarsener_see(struct kith_coarsener *coarsener,
                                 const struct kith_work_block *block,
                                 struct kith_row_encoder *encoder,
                                 const struct kith_work_terms *terms)
{
  enum kith_err err = KITH_OK;

  for (size_t i = 0; err == KITH_OK && i < block->out.n; i++, coarsener->n_seen++) {
    if (!block->out.in_scope[i])
      continue;
    coarsener->n_in++;
    if (kith_patterns_add(coarsener->patterns, block->out.masks[i]))
      err = keep(coarsener, block, i, encoder, terms);
  }
  return err;
}

/* ---- the end */

static void or_fields(const struct kith_coarsener *coarsener, uint8_t *out, const struct kept *kept,
                      uint16_t mask)
{
  memset(out, 0, coarsener->row_bytes);
  for (unsigned f = 0; f < coarsener->policy->n_fields; f++) {
    const uint8_t *from = kept->filters + f * coarsener->row_bytes;

    for (size_t i = 0; mask >> f & 1 && i < coarsener->row_bytes; i++)
      out[i] |= from[i];
  }
}

enum kith_err kith_coarsener_end(struct kith_coarsener *coarsener,
                                 void (*tell)(void *context, const struct kith_coarser *row),
                                 void *context, struct kith_coarser_counts *out)
{
  uint8_t *rows = kith_calloc(2, coarsener->row_bytes);

  if (!rows)
    return KITH_ERR_MEMORY;
  kith_patterns_plan(coarsener->patterns);
  for (size_t i = 0; i < coarsener->n_kept; i++) {
    const struct kept *kept = &coarsener->kept[i];
    struct kith_coarser row = {kept->row, kept->mask,
                               kith_patterns_take(coarsener->patterns, kept->mask), rows,
                               rows + coarsener->row_bytes};

    if (row.mask == row.old_mask)
      continue;
    or_fields(coarsener, rows, kept, row.old_mask);
    or_fields(coarsener, rows + coarsener->row_bytes, kept, row.mask);
    tell(context, &row);
  }
  out->n_coarsened = kith_patterns_coarsened(coarsener->patterns);
  out->n_out = kith_patterns_lost(coarsener->patterns);
  out->too_few = coarsener->n_in > 0 && coarsener->n_in < coarsener->policy->mask_minimum;
  kith_wipe(rows, 2 * coarsener->row_bytes);
  kith_free(rows);
  return KITH_OK;
}

/* ---- life */

enum kith_err kith_coarsener_new(struct kith_coarsener **out, const struct kith_policy *policy,
                                 size_t row_bytes)
{
  struct kith_coarsener *coarsener = KITH_NEW(struct kith_coarsener);
  enum kith_err err;

  if (!coarsener)
    return KITH_ERR_MEMORY;
  coarsener->policy = policy;
  coarsener->row_bytes = row_bytes;
  err = kith_patterns_new(&coarsener->patterns, policy);
  if (err != KITH_OK) {
    kith_coarsener_free(coarsener);
    return err;
  }
  *out = coarsener;
  return KITH_OK;
}

void kith_coarsener_free(struct kith_coarsener *coarsener)
{
  if (!coarsener)
    return;
  for (size_t i = 0; i < coarsener->n_kept; i++)
    let_go(coarsener, &coarsener->kept[i]);
  kith_free(coarsener->kept);
  kith_patterns_free(coarsener->patterns);
  kith_free(coarsener);
}
