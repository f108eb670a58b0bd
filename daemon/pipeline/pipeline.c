/* Rows are read by the caller's thread into blocks, encoded by all threads, and given in the order
 * of the source (base/ordered.h). */
#include "daemon/pipeline/pipeline.h"

#include <string.h>

#include "base/mem.h"
#include "base/ordered.h"
#include "daemon/pipeline/block.h"
#include "daemon/pipeline/coarsen.h"

enum { ROWS_A_LOOK = 256 };

struct kith_pipeline {
  const struct kith_policy *policy;
  struct kith_pipeline_options options;
  struct kith_work_terms terms;
  struct kith_source *source;
  struct kith_work_block *blocks; /* one for each slot */
  size_t n_blocks;
  struct kith_row_encoder **encoders; /* one for each thread */
  unsigned n_threads;
  struct kith_ordered *ordered;

  /* Of the caller's thread alone. */
  struct kith_coarsener *coarsener; /* NULL: patterns may be as they are */
  uint64_t n_read;                  /* rows */
  bool ended;                       /* there is nothing more to read, because of: */
  enum kith_err end;                /* KITH_ERR_NOT_FOUND: the source's end */
  struct kith_fault fault;
};

unsigned kith_pipeline_threads(unsigned n_threads)
{
  return kith_ordered_threads(n_threads);
}

static void block_work(void *context, size_t slot, unsigned thread)
{
  struct kith_pipeline *pipeline = context;

  kith_work_block_encode(&pipeline->blocks[slot], pipeline->encoders[thread], &pipeline->terms,
                         thread);
}

/* ---- reading */

static void end_reading(struct kith_pipeline *pipeline, enum kith_err err)
{
  pipeline->ended = true;
  pipeline->end = err;
}

static bool look_up(struct kith_pipeline *pipeline, uint64_t row)
{
  const struct kith_pipeline_options *options = &pipeline->options;

  if (options->cancel && atomic_load(options->cancel)) {
    end_reading(pipeline, kith_fail(&pipeline->fault, KITH_ERR_CANCELLED, "stopped after row %llu",
                                    (unsigned long long)row));
    return false;
  }
  if (options->progress)
    options->progress(options->progress_context, kith_source_share(pipeline->source));
  return true;
}

/* A row without a usable id of its own is set aside, whoever it is. */
static bool objected(const struct kith_pipeline *pipeline, const struct kith_source_row *row)
{
  struct kith_objections *list = pipeline->options.objections;

  return list && row->rule == KITH_ROW_FINE && kith_objections_hit(list, row->id);
}

/* Reads rows into a block as far as there are any. */
static void block_read(struct kith_pipeline *pipeline, struct kith_work_block *block)
{
  struct kith_source_row row;
  enum kith_err err = KITH_OK;

  kith_work_block_clear(block);
  while (err == KITH_OK && !kith_work_block_full(block)) {
    err = kith_source_next(pipeline->source, &row, &pipeline->fault);
    if (err != KITH_OK)
      break;
    err = kith_work_block_add(block, &row, objected(pipeline, &row));
    if (err != KITH_OK)
      (void)kith_fail(&pipeline->fault, err, "no memory for the rows of the source");
    else if (block->out.n % ROWS_A_LOOK == 0 && !look_up(pipeline, row.row))
      return;
  }
  pipeline->n_read += block->out.n;
  if (err != KITH_OK)
    end_reading(pipeline, err);
}

static bool block_fill(void *context, size_t slot, bool *ended)
{
  struct kith_pipeline *pipeline = context;

  block_read(pipeline, &pipeline->blocks[slot]);
  *ended = pipeline->ended;
  return pipeline->blocks[slot].out.n > 0;
}

/* ---- giving */

static enum kith_err block_give(struct kith_pipeline *pipeline, const struct kith_block **out,
                                const struct kith_work_block *block, struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  if (block->err != KITH_OK)
    return kith_fail(fault, block->err, "row %llu: can't be encoded: %s",
                     (unsigned long long)block->err_row, kith_err_name(block->err));
  /* Encoder 0 is of this thread. */
  if (pipeline->coarsener)
    err = kith_coarsener_see(pipeline->coarsener, block, pipeline->encoders[0], &pipeline->terms);
  if (err != KITH_OK)
    return kith_fail(fault, err, "no memory for the patterns of missing fields");
  *out = &block->out;
  return KITH_OK;
}

enum kith_err kith_pipeline_coarsen(struct kith_pipeline *pipeline,
                                    void (*tell)(void *context, const struct kith_coarser *row),
                                    void *context, struct kith_coarser_counts *out)
{
  *out = (struct kith_coarser_counts){0};
  return pipeline->coarsener ? kith_coarsener_end(pipeline->coarsener, tell, context, out)
                             : KITH_OK;
}

static enum kith_err end_give(const struct kith_pipeline *pipeline, struct kith_fault *fault)
{
  if (pipeline->end == KITH_ERR_NOT_FOUND) {
    if (pipeline->options.progress)
      pipeline->options.progress(pipeline->options.progress_context, 1);
  } else if (fault) {
    *fault = pipeline->fault;
  }
  return pipeline->end;
}

enum kith_err kith_pipeline_next(struct kith_pipeline *pipeline, const struct kith_block **out,
                                 struct kith_fault *fault)
{
  size_t slot = 0;
  bool found = kith_ordered_next(pipeline->ordered, &slot);

  /* What went wrong in rows before the end comes before what ended the reading; but a person who
   * cancels does not wait for them. */
  if (found && !(pipeline->ended && pipeline->end == KITH_ERR_CANCELLED))
    return block_give(pipeline, out, &pipeline->blocks[slot], fault);
  return end_give(pipeline, fault);
}

/* ---- life */

static enum kith_err encoders_new(struct kith_pipeline *pipeline, const uint8_t *secret,
                                  size_t secret_len, struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  pipeline->encoders = KITH_NEW_ARRAY(struct kith_row_encoder *, pipeline->n_threads);
  if (!pipeline->encoders)
    return kith_fail(fault, KITH_ERR_MEMORY, "no memory for an encoder");
  for (unsigned i = 0; err == KITH_OK && i < pipeline->n_threads; i++)
    err = kith_row_encoder_new(&pipeline->encoders[i], pipeline->policy, secret, secret_len, fault);
  return err;
}

static enum kith_err blocks_new(struct kith_pipeline *pipeline, struct kith_fault *fault)
{
  size_t row_bytes = kith_pipeline_row_bytes(pipeline);
  enum kith_err err;

  pipeline->n_blocks = kith_ordered_slots(pipeline->n_threads);
  pipeline->blocks = KITH_NEW_ARRAY(struct kith_work_block, pipeline->n_blocks);
  err = pipeline->blocks ? KITH_OK : KITH_ERR_MEMORY;
  for (size_t i = 0; err == KITH_OK && i < pipeline->n_blocks; i++)
    err = kith_work_block_init(&pipeline->blocks[i], row_bytes);
  return err == KITH_OK ? err : kith_fail(fault, err, "no memory for the rows of the source");
}

static enum kith_err ordered_new(struct kith_pipeline *pipeline, struct kith_fault *fault)
{
  const struct kith_ordered_how how = {block_fill, block_work, pipeline};
  enum kith_err err = kith_ordered_new(&pipeline->ordered, &how, pipeline->n_threads);

  return err == KITH_OK ? err : kith_fail(fault, err, "no memory for threads");
}

static bool goes_on(void *context)
{
  return !atomic_load((const atomic_bool *)context);
}

/* Who waits for a database looks at the cancel flag, too. */
static enum kith_err source_open(struct kith_pipeline *pipeline,
                                 const struct kith_source_spec *spec, struct kith_fault *fault)
{
  struct kith_source_spec waiting = *spec;

  if (!waiting.place.wait && pipeline->options.cancel) {
    waiting.place.wait = goes_on;
    waiting.place.wait_context = (void *)(uintptr_t)pipeline->options.cancel;
  }
  return kith_source_open(&pipeline->source, &waiting, fault);
}

enum kith_err kith_pipeline_open(struct kith_pipeline **out, const struct kith_policy *policy,
                                 const uint8_t *secret, size_t secret_len,
                                 const struct kith_source_spec *spec,
                                 const struct kith_pipeline_options *options,
                                 struct kith_fault *fault)
{
  struct kith_pipeline *pipeline = KITH_NEW(struct kith_pipeline);
  enum kith_err err;

  if (!pipeline)
    return kith_fail(fault, KITH_ERR_MEMORY, "no memory for an encoder");
  pipeline->policy = policy;
  if (options)
    pipeline->options = *options;
  pipeline->n_threads = kith_pipeline_threads(pipeline->options.n_threads);
  err = kith_work_terms_make(&pipeline->terms, policy, &pipeline->options, fault);
  if (err == KITH_OK && spec->profile)
    pipeline->terms.standardise.date_order = kith_profile_date_order(spec->profile);
  if (err == KITH_OK)
    err = encoders_new(pipeline, secret, secret_len, fault);
  if (err == KITH_OK)
    err = blocks_new(pipeline, fault);
  if (err == KITH_OK && policy->mask && policy->mask_minimum > 1 &&
      (err = kith_coarsener_new(&pipeline->coarsener, policy, kith_pipeline_row_bytes(pipeline))) !=
          KITH_OK)
    (void)kith_fail(fault, err, "no memory for the patterns of missing fields");
  if (err == KITH_OK)
    err = source_open(pipeline, spec, fault);
  if (err == KITH_OK)
    err = ordered_new(pipeline, fault);
  if (err != KITH_OK) {
    kith_pipeline_free(pipeline);
    return err;
  }
  *out = pipeline;
  return KITH_OK;
}

void kith_pipeline_free(struct kith_pipeline *pipeline)
{
  if (!pipeline)
    return;
  kith_ordered_free(pipeline->ordered);
  for (size_t i = 0; pipeline->blocks && i < pipeline->n_blocks; i++)
    kith_work_block_free(&pipeline->blocks[i]);
  for (unsigned i = 0; pipeline->encoders && i < pipeline->n_threads; i++)
    kith_row_encoder_free(pipeline->encoders[i]);
  kith_free(pipeline->blocks);
  kith_free(pipeline->encoders);
  kith_coarsener_free(pipeline->coarsener);
  kith_source_free(pipeline->source);
  kith_free(pipeline);
}

void kith_pipeline_describe(const struct kith_pipeline *pipeline, struct kith_encodings *enc)
{
  kith_row_encoder_describe(pipeline->encoders[0], enc);
}

size_t kith_pipeline_row_bytes(const struct kith_pipeline *pipeline)
{
  return kith_row_encoder_bytes(pipeline->encoders[0]);
}

double kith_pipeline_rows_expected(const struct kith_pipeline *pipeline)
{
  double share = kith_source_share(pipeline->source);

  return share > 0 ? (double)pipeline->n_read / share : 0;
}

void kith_pipeline_take_ids(struct kith_pipeline *pipeline, struct kith_ids *out)
{
  kith_source_take_ids(pipeline->source, out);
}
