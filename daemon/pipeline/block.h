/* Of the pipeline only: some rows of a source, copied so that they can be encoded apart from its
 * reading, and what they encode to. A block is used by one thread at a time.
 *
 * Life: init, then fill and encode again and again, free (wipes texts and filters). */
#ifndef KITH_DAEMON_PIPELINE_BLOCK_H
#define KITH_DAEMON_PIPELINE_BLOCK_H

#include "daemon/pipeline/encode.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/pipeline/source.h"

enum { KITH_BLOCK_ROWS = 1024, KITH_BLOCK_TEXT_BYTES = 1 << 20 };

struct kith_work_row {
  uint64_t row;
  enum kith_row_rule rule;
  bool objected;
  uint32_t fields[KITH_FIELD_COUNT]; /* offsets of texts; 0: an empty one */
  uint32_t other_birth;              /* likewise */
};

struct kith_work_block {
  struct kith_work_row *rows; /* KITH_BLOCK_ROWS */
  char *text;
  size_t text_len;
  size_t text_cap;
  struct kith_block out; /* its arrays are the block's, n are filled */
  enum kith_err err;     /* of the encoding, at source row err_row */
  uint64_t err_row;
};

KITH_MUST_USE enum kith_err kith_work_block_init(struct kith_work_block *block, size_t row_bytes);
void kith_work_block_free(struct kith_work_block *block); /* takes a zeroed one */

static inline bool kith_work_block_full(const struct kith_work_block *block)
{
  return block->out.n == KITH_BLOCK_ROWS || block->text_len >= KITH_BLOCK_TEXT_BYTES;
}
void kith_work_block_clear(struct kith_work_block *block);
/* To a block that is not full. Of a row that was objected to no value is kept. */
KITH_MUST_USE enum kith_err kith_work_block_add(struct kith_work_block *block,
                                                const struct kith_source_row *row, bool objected);

/* What all rows are standardised and judged by. */
struct kith_work_terms {
  const struct kith_policy *policy;
  const struct kith_pipeline_options *options;
  struct kith_standardise_options standardise;
  struct kith_scope_rules rules;
};
/* KITH_ERR_CONFIG with *fault. Both are borrowed for the life of *out. */
KITH_MUST_USE enum kith_err kith_work_terms_make(struct kith_work_terms *out,
                                                 const struct kith_policy *policy,
                                                 const struct kith_pipeline_options *options,
                                                 struct kith_fault *fault);

/* Standardises and encodes all rows into block->out; says in block->err what went wrong.
 * `thread` is passed on to the options' look. */
void kith_work_block_encode(struct kith_work_block *block, struct kith_row_encoder *encoder,
                            const struct kith_work_terms *terms, unsigned thread);

/* A row of the block that was not set aside, standardised again; the caller wipes it. */
void kith_work_block_record(const struct kith_work_block *block, size_t i,
                            const struct kith_work_terms *terms, struct kith_record *out);

/* Room for `cap` elements instead of `n`: what was there is copied, wiped and freed. *block stays
 * valid where it fails. */
KITH_MUST_USE enum kith_err kith_wiping_grow(void *block_pointer, size_t n, size_t cap,
                                             size_t size);

#endif
