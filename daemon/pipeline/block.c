#include "daemon/pipeline/block.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/secret.h"
#include "daemon/pipeline/standardise.h"

enum { TEXT_BYTES_FIRST = 1 << 17 };

enum kith_err kith_wiping_grow(void *block_pointer, size_t n, size_t cap, size_t size)
{
  void **block = block_pointer;
  void *grown = kith_calloc(cap, size);

  if (!grown)
    return KITH_ERR_MEMORY;
  if (*block) {
    memcpy(grown, *block, n * size);
    kith_wipe(*block, n * size);
    kith_free(*block);
  }
  *block = grown;
  return KITH_OK;
}

enum kith_err kith_work_block_init(struct kith_work_block *block, size_t row_bytes)
{
  *block = (struct kith_work_block){.out = {.row_bytes = row_bytes}, .text_cap = TEXT_BYTES_FIRST};
  block->rows = KITH_NEW_ARRAY(struct kith_work_row, KITH_BLOCK_ROWS);
  block->text = kith_calloc(block->text_cap, 1);
  block->out.filters = kith_calloc(KITH_BLOCK_ROWS, row_bytes);
  block->out.masks = KITH_NEW_ARRAY(uint16_t, KITH_BLOCK_ROWS);
  block->out.source_rows = KITH_NEW_ARRAY(uint64_t, KITH_BLOCK_ROWS);
  block->out.in_scope = KITH_NEW_ARRAY(bool, KITH_BLOCK_ROWS);
  if (block->rows && block->text && block->out.filters && block->out.masks &&
      block->out.source_rows && block->out.in_scope)
    return KITH_OK;
  kith_work_block_free(block);
  return KITH_ERR_MEMORY;
}

void kith_work_block_free(struct kith_work_block *block)
{
  if (block->text)
    kith_wipe(block->text, block->text_cap);
  if (block->out.filters)
    kith_wipe(block->out.filters, KITH_BLOCK_ROWS * block->out.row_bytes);
  kith_free(block->rows);
  kith_free(block->text);
  kith_free(block->out.filters);
  kith_free(block->out.masks);
  kith_free(block->out.source_rows);
  kith_free(block->out.in_scope);
  *block = (struct kith_work_block){0};
}

void kith_work_block_clear(struct kith_work_block *block)
{
  struct kith_block *out = &block->out;

  out->n = 0;
  out->n_set_aside = 0;
  out->scope = (struct kith_scope_counts){0};
  block->text[0] = '\0'; /* the empty text at offset 0 */
  block->text_len = 1;
  block->err = KITH_OK;
}

static enum kith_err text_add(struct kith_work_block *block, uint32_t *offset, const char *text)
{
  size_t len = text ? strlen(text) : 0;

  *offset = 0;
  if (len == 0)
    return KITH_OK;
  if (len >= block->text_cap - block->text_len) {
    size_t cap = 2 * block->text_cap + len;
    enum kith_err err = kith_wiping_grow(&block->text, block->text_len, cap, 1);

    if (err != KITH_OK)
      return err;
    block->text_cap = cap;
  }
  *offset = (uint32_t)block->text_len;
  memcpy(block->text + block->text_len, text, len + 1);
  block->text_len += len + 1;
  return KITH_OK;
}

enum kith_err kith_work_block_add(struct kith_work_block *block, const struct kith_source_row *row,
                                  bool objected)
{
  struct kith_work_row *to = &block->rows[block->out.n];
  enum kith_err err = KITH_OK;

  to->row = row->row;
  to->rule = row->rule;
  to->objected = objected;
  for (unsigned i = 0; err == KITH_OK && i < KITH_FIELD_COUNT; i++)
    err = text_add(block, &to->fields[i],
                   row->rule == KITH_ROW_FINE && !objected ? row->fields[i] : NULL);
  if (err == KITH_OK)
    err = text_add(block, &to->other_birth, objected ? NULL : row->other_birth);
  if (err == KITH_OK)
    block->out.n++;
  return err;
}

enum kith_err kith_work_terms_make(struct kith_work_terms *out, const struct kith_policy *policy,
                                   const struct kith_pipeline_options *options,
                                   struct kith_fault *fault)
{
  *out = (struct kith_work_terms){.policy = policy, .options = options};
  kith_scope_dates(&out->standardise, policy);
  return kith_scope_rules_make(&out->rules, policy, fault);
}

static void record_make(struct kith_record *out, enum kith_outcome outcomes[KITH_FIELD_COUNT],
                        const struct kith_work_block *block, size_t i,
                        const struct kith_work_terms *terms)
{
  const char *fields[KITH_FIELD_COUNT];

  for (unsigned f = 0; f < KITH_FIELD_COUNT; f++)
    fields[f] = block->text + block->rows[i].fields[f];
  kith_standardise(out, outcomes, fields, &terms->standardise);
}

void kith_work_block_record(const struct kith_work_block *block, size_t i,
                            const struct kith_work_terms *terms, struct kith_record *out)
{
  enum kith_outcome outcomes[KITH_FIELD_COUNT];

  record_make(out, outcomes, block, i, terms);
  kith_scope_drop_date(out, terms->policy);
}

/* One row that was not set aside; an empty encoding unless it is in scope. */
static enum kith_err row_encode(struct kith_work_block *block, size_t i,
                                struct kith_row_encoder *encoder,
                                const struct kith_work_terms *terms, unsigned thread)
{
  const struct kith_pipeline_options *options = terms->options;
  struct kith_block *out = &block->out;
  enum kith_outcome outcomes[KITH_FIELD_COUNT];
  enum kith_scope_reason reason;
  struct kith_record record;
  bool conflict;
  enum kith_err err = KITH_OK;

  record_make(&record, outcomes, block, i, terms);
  conflict = kith_scope_births_differ(record.birth, block->text + block->rows[i].other_birth,
                                      &terms->standardise);
  kith_scope_drop_date(&record, terms->policy);
  reason = kith_scope_judge(&terms->rules, &record, conflict);
  out->scope.n[reason]++;
  out->in_scope[i] = reason == KITH_SCOPE_IN;
  if (out->in_scope[i])
    err = kith_row_encoder_encode(encoder, out->filters + i * out->row_bytes, &out->masks[i],
                                  &record);
  if (options->look)
    options->look(options->look_context, thread, &record, outcomes, out->in_scope[i]);
  kith_wipe(&record, sizeof record);
  return err;
}

void kith_work_block_encode(struct kith_work_block *block, struct kith_row_encoder *encoder,
                            const struct kith_work_terms *terms, unsigned thread)
{
  struct kith_block *out = &block->out;

  memset(out->filters, 0, out->n * out->row_bytes);
  memset(out->masks, 0, out->n * sizeof *out->masks);
  for (size_t i = 0; i < out->n && block->err == KITH_OK; i++) {
    out->source_rows[i] = block->rows[i].row;
    out->in_scope[i] = false;
    if (block->rows[i].rule != KITH_ROW_FINE) {
      out->n_set_aside++;
    } else if (block->rows[i].objected) {
      out->scope.n[KITH_SCOPE_OBJECTED]++;
    } else {
      block->err = row_encode(block, i, encoder, terms, thread);
      block->err_row = block->rows[i].row;
    }
  }
}
