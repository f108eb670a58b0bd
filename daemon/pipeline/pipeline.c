/* Rows are read by the caller's thread into a ring of blocks, encoded by all threads, and given in
 * the order of the source. Blocks are taken in order, so that the states of the ring are three
 * counters: head <= taken <= tail. */
#include "daemon/pipeline/pipeline.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/pipeline/block.h"

enum { ROWS_A_LOOK = 256 };

struct worker {
  struct kith_pipeline *pipeline;
  struct kith_row_encoder *encoder;
  unsigned number; /* 0: the caller's thread */
  pthread_t thread;
};

struct slot {
  struct kith_work_block block;
  bool done;
};

struct kith_pipeline {
  const struct kith_policy *policy;
  struct kith_pipeline_options options;
  struct kith_work_terms terms;
  struct kith_source *source;
  struct slot *slots;
  size_t n_slots;
  struct worker *workers; /* n_threads of them, the first n_started of them at work */
  unsigned n_threads;
  unsigned n_started;

  pthread_mutex_t mutex; /* over what follows, and each slot's done */
  pthread_cond_t work;   /* taken < tail, or stop */
  pthread_cond_t done;   /* a slot is done */
  uint64_t head;         /* blocks given */
  uint64_t taken;        /* blocks that a thread encodes or has encoded */
  uint64_t tail;         /* blocks read */
  bool stop;

  /* Of the caller's thread alone. */
  uint64_t n_read;   /* rows */
  bool given;        /* the block at head is the caller's until its next call */
  bool ended;        /* there is nothing more to read, because of: */
  enum kith_err end; /* KITH_ERR_NOT_FOUND: the source's end */
  struct kith_fault fault;
};

unsigned kith_pipeline_threads(unsigned n_threads)
{
  cpu_set_t set;
  int n;

  if (n_threads == 0) {
    n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    n_threads = n > 0 ? (unsigned)n : 1;
  }
  return n_threads < KITH_PIPELINE_THREADS_MAX ? n_threads : KITH_PIPELINE_THREADS_MAX;
}

/* ---- encoding */

/* Encodes the next block that is read; called and left with the mutex held. */
static void block_encode(struct kith_pipeline *pipeline, const struct worker *worker)
{
  struct slot *slot = &pipeline->slots[pipeline->taken++ % pipeline->n_slots];

  pthread_mutex_unlock(&pipeline->mutex);
  kith_work_block_encode(&slot->block, worker->encoder, &pipeline->terms, worker->number);
  pthread_mutex_lock(&pipeline->mutex);
  slot->done = true;
  pthread_cond_signal(&pipeline->done);
}

static void *worker_main(void *context)
{
  const struct worker *worker = context;
  struct kith_pipeline *pipeline = worker->pipeline;

  pthread_mutex_lock(&pipeline->mutex);
  while (!pipeline->stop) {
    if (pipeline->taken < pipeline->tail)
      block_encode(pipeline, worker);
    else
      pthread_cond_wait(&pipeline->work, &pipeline->mutex);
  }
  pthread_mutex_unlock(&pipeline->mutex);
  return NULL;
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

/* Fills a block as far as there are rows. */
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

/* ---- giving */

static enum kith_err block_give(struct kith_pipeline *pipeline, const struct kith_block **out,
                                struct kith_work_block *block, struct kith_fault *fault)
{
  if (block->err != KITH_OK)
    return kith_fail(fault, block->err, "row %llu: can't be encoded: %s",
                     (unsigned long long)block->err_row, kith_err_name(block->err));
  pipeline->given = true;
  *out = &block->out;
  return KITH_OK;
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

/* One step towards the block at head: reads, encodes or waits. The mutex is held. */
static void step(struct kith_pipeline *pipeline)
{
  if (!pipeline->ended && pipeline->tail - pipeline->head < pipeline->n_slots) {
    struct slot *slot = &pipeline->slots[pipeline->tail % pipeline->n_slots];

    pthread_mutex_unlock(&pipeline->mutex);
    block_read(pipeline, &slot->block);
    pthread_mutex_lock(&pipeline->mutex);
    slot->done = false;
    if (slot->block.out.n > 0) {
      pipeline->tail++;
      pthread_cond_signal(&pipeline->work);
    }
  } else if (pipeline->taken < pipeline->tail) {
    block_encode(pipeline, &pipeline->workers[0]);
  } else {
    pthread_cond_wait(&pipeline->done, &pipeline->mutex);
  }
}

enum kith_err kith_pipeline_next(struct kith_pipeline *pipeline, const struct kith_block **out,
                                 struct kith_fault *fault)
{
  struct kith_work_block *block = NULL;

  pthread_mutex_lock(&pipeline->mutex);
  pipeline->head += pipeline->given;
  pipeline->given = false;
  while (!block && !(pipeline->ended && pipeline->head == pipeline->tail)) {
    struct slot *slot = &pipeline->slots[pipeline->head % pipeline->n_slots];

    if (pipeline->head < pipeline->tail && slot->done)
      block = &slot->block;
    else
      step(pipeline);
  }
  pthread_mutex_unlock(&pipeline->mutex);
  /* What went wrong in rows before the end comes before what ended the reading; but a person who
   * cancels does not wait for them. */
  if (block && !(pipeline->ended && pipeline->end == KITH_ERR_CANCELLED))
    return block_give(pipeline, out, block, fault);
  return end_give(pipeline, fault);
}

/* ---- life */

static enum kith_err workers_new(struct kith_pipeline *pipeline, const uint8_t *secret,
                                 size_t secret_len, struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  pipeline->workers = KITH_NEW_ARRAY(struct worker, pipeline->n_threads);
  if (!pipeline->workers)
    return kith_fail(fault, KITH_ERR_MEMORY, "no memory for an encoder");
  for (unsigned i = 0; err == KITH_OK && i < pipeline->n_threads; i++) {
    pipeline->workers[i].pipeline = pipeline;
    pipeline->workers[i].number = i;
    err = kith_row_encoder_new(&pipeline->workers[i].encoder, pipeline->policy, secret, secret_len,
                               fault);
  }
  return err;
}

static enum kith_err slots_new(struct kith_pipeline *pipeline, struct kith_fault *fault)
{
  size_t row_bytes = kith_pipeline_row_bytes(pipeline);
  enum kith_err err;

  /* Two blocks a thread: one at work, one to go on with. */
  pipeline->n_slots = pipeline->n_threads > 1 ? 2 * (size_t)pipeline->n_threads + 1 : 1;
  pipeline->slots = KITH_NEW_ARRAY(struct slot, pipeline->n_slots);
  err = pipeline->slots ? KITH_OK : KITH_ERR_MEMORY;
  for (size_t i = 0; err == KITH_OK && i < pipeline->n_slots; i++)
    err = kith_work_block_init(&pipeline->slots[i].block, row_bytes);
  return err == KITH_OK ? err : kith_fail(fault, err, "no memory for the rows of the source");
}

/* Where the machine has no more threads, those that there are do the work. */
static void workers_start(struct kith_pipeline *pipeline)
{
  pipeline->n_started = 1;
  while (pipeline->n_started < pipeline->n_threads) {
    struct worker *worker = &pipeline->workers[pipeline->n_started];

    if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
      break;
    pipeline->n_started++;
  }
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
  (void)pthread_mutex_init(&pipeline->mutex, NULL); /* can't fail with default attributes */
  (void)pthread_cond_init(&pipeline->work, NULL);
  (void)pthread_cond_init(&pipeline->done, NULL);
  err = kith_work_terms_make(&pipeline->terms, policy, &pipeline->options, fault);
  if (err == KITH_OK && spec->profile)
    pipeline->terms.standardise.date_order = kith_profile_date_order(spec->profile);
  if (err == KITH_OK)
    err = workers_new(pipeline, secret, secret_len, fault);
  if (err == KITH_OK)
    err = slots_new(pipeline, fault);
  if (err == KITH_OK)
    err = kith_source_open(&pipeline->source, spec, fault);
  if (err != KITH_OK) {
    kith_pipeline_free(pipeline);
    return err;
  }
  workers_start(pipeline);
  *out = pipeline;
  return KITH_OK;
}

void kith_pipeline_free(struct kith_pipeline *pipeline)
{
  if (!pipeline)
    return;
  pthread_mutex_lock(&pipeline->mutex);
  pipeline->stop = true;
  pthread_cond_broadcast(&pipeline->work);
  pthread_mutex_unlock(&pipeline->mutex);
  for (unsigned i = 1; i < pipeline->n_started; i++)
    pthread_join(pipeline->workers[i].thread, NULL);
  for (size_t i = 0; pipeline->slots && i < pipeline->n_slots; i++)
    kith_work_block_free(&pipeline->slots[i].block);
  for (unsigned i = 0; pipeline->workers && i < pipeline->n_threads; i++)
    kith_row_encoder_free(pipeline->workers[i].encoder);
  kith_free(pipeline->slots);
  kith_free(pipeline->workers);
  kith_source_free(pipeline->source);
  pthread_cond_destroy(&pipeline->done);
  pthread_cond_destroy(&pipeline->work);
  pthread_mutex_destroy(&pipeline->mutex);
  kith_free(pipeline);
}

void kith_pipeline_describe(const struct kith_pipeline *pipeline, struct kith_encodings *enc)
{
  kith_row_encoder_describe(pipeline->workers[0].encoder, enc);
}

size_t kith_pipeline_row_bytes(const struct kith_pipeline *pipeline)
{
  return kith_row_encoder_bytes(pipeline->workers[0].encoder);
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
