/* A run: checks, packs, lists the tasks, and lets threads take them in order. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "matcher/engine/engine.h"
#include "matcher/engine/plan.h"
#include "matcher/engine/task.h"

/* Tasks of one pair of parties: n_chunks x n_ranges of them. */
struct job {
  uint8_t party_a;
  uint8_t party_b;
  size_t n_chunks;
  size_t n_ranges;
  size_t first_task;
};

enum { JOBS_MAX = KITH_ENGINE_PARTIES_MAX * (KITH_ENGINE_PARTIES_MAX + 1) / 2 };

struct run {
  const struct kith_engine_options *options;
  struct kith_task_setting setting;
  struct kith_pack packs[KITH_ENGINE_PARTIES_MAX];
  unsigned n_packs;
  struct job jobs[JOBS_MAX];
  size_t n_jobs;
  size_t n_tasks;
  size_t range_blocks;
  uint64_t comparisons;
  atomic_size_t next_task;
  atomic_bool stop;
  pthread_mutex_t lock; /* of all below */
  kith_engine_sink *sink;
  void *sink_context;
  uint64_t done;
  uint64_t n_results;
  enum kith_err err; /* the first */
  struct kith_fault *fault;
};

struct thread {
  struct run *run;
  struct kith_task_worker worker;
  pthread_t id;
  bool started;
};

void kith_engine_options_init(struct kith_engine_options *options)
{
  *options = (struct kith_engine_options){.across = true, .n_threads = 1};
}

/* ---- checks */

static enum kith_err check_options(const struct kith_engine_options *options, unsigned n_parties,
                                   struct kith_fault *fault)
{
  if (n_parties < 1 || n_parties > KITH_ENGINE_PARTIES_MAX)
    return kith_fail(fault, KITH_ERR_USAGE, "%u parties, 1 to %d can be matched", n_parties,
                     KITH_ENGINE_PARTIES_MAX);
  if (options->bound.numerator == 0 || options->bound.denominator < options->bound.numerator)
    return kith_fail(fault, KITH_ERR_USAGE, "the threshold must be above 0 and at most 1");
  if (options->n_threads < 1 || options->n_threads > KITH_ENGINE_THREADS_MAX)
    return kith_fail(fault, KITH_ERR_USAGE, "%u threads, 1 to %d are possible", options->n_threads,
                     KITH_ENGINE_THREADS_MAX);
  return KITH_OK;
}

static enum kith_err check_masks(const struct kith_encodings *enc,
                                 const struct kith_encodings *first, unsigned party,
                                 struct kith_fault *fault)
{
  if (!enc->masks)
    return kith_fail(fault, KITH_ERR_DATA,
                     "party %u has no presence masks, which masked Dice needs", party + 1);
  if (memcmp(enc->field_weights, first->field_weights, sizeof enc->field_weights) != 0)
    return kith_fail(fault, KITH_ERR_DATA, "party %u has other field weights than the first",
                     party + 1);
  return KITH_OK;
}

/* *first: the first party that has rows, or NULL. */
static enum kith_err check_parties(const struct kith_encodings **first,
                                   const struct kith_encodings *const *parties, unsigned n_parties,
                                   bool masked, struct kith_fault *fault)
{
  *first = NULL;
  for (unsigned p = 0; p < n_parties; p++) {
    if (parties[p]->n == 0)
      continue;
    if (!*first)
      *first = parties[p];
    if (parties[p]->bits != (*first)->bits)
      return kith_fail(fault, KITH_ERR_DATA, "party %u has rows of %u bits, others of %u", p + 1,
                       parties[p]->bits, (*first)->bits);
    enum kith_err err = masked ? check_masks(parties[p], *first, p, fault) : KITH_OK;
    if (err)
      return err;
  }
  return KITH_OK;
}

static enum kith_err check_memory(const struct run *run,
                                  const struct kith_encodings *const *parties, unsigned n_parties,
                                  unsigned n_groups, struct kith_fault *fault)
{
  size_t bytes = kith_task_worker_bytes(&run->setting) * run->options->n_threads;
  for (unsigned p = 0; p < n_parties; p++)
    bytes +=
        kith_pack_bytes(parties[p]) + (n_groups ? kith_pack_sketch_bytes(parties[p], n_groups) : 0);
  if (run->options->memory_bytes_max && bytes > run->options->memory_bytes_max)
    return kith_fail(fault, KITH_ERR_LIMIT, "matching needs %zu MiB of memory, the ceiling is %zu",
                     (bytes >> 20) + 1, run->options->memory_bytes_max >> 20);
  return KITH_OK;
}

/* ---- what threads call */

static bool run_stopped(void *context)
{
  struct run *run = context;
  const atomic_bool *cancel = run->options->cancel;
  return atomic_load_explicit(&run->stop, memory_order_relaxed) ||
         (cancel && atomic_load_explicit(cancel, memory_order_relaxed));
}

static enum kith_err run_flush(void *context, const struct kith_pair *pairs, size_t n)
{
  struct run *run = context;
  uint64_t max = run->options->results_max;
  (void)pthread_mutex_lock(&run->lock);
  run->n_results += n;
  enum kith_err err = run->err;
  if (!err && max && run->n_results > max)
    err = kith_fail(run->fault, KITH_ERR_LIMIT,
                    "more than %llu pairs reach the threshold: raise it, or the ceiling",
                    (unsigned long long)max);
  if (!err)
    err = run->sink(run->sink_context, pairs, n);
  if (err && !run->err)
    run->err = err;
  (void)pthread_mutex_unlock(&run->lock);
  return err;
}

static void task_done(struct run *run, const struct kith_task *task)
{
  (void)pthread_mutex_lock(&run->lock);
  run->done += kith_task_comparisons(task);
  if (run->options->progress)
    run->options->progress(run->options->progress_context, run->done, run->comparisons);
  (void)pthread_mutex_unlock(&run->lock);
}

static size_t least(size_t a, size_t b)
{
  return a < b ? a : b;
}

/* Tasks of a job go range by range, so that neighbours in time share the range in the cache. */
static struct kith_task task_at(const struct run *run, size_t index)
{
  size_t j = run->n_jobs - 1;
  while (run->jobs[j].first_task > index)
    j--;
  const struct job *job = &run->jobs[j];
  const struct kith_pack *a = &run->packs[job->party_a];
  const struct kith_pack *b = &run->packs[job->party_b];
  size_t chunk = (index - job->first_task) % job->n_chunks;
  size_t range = (index - job->first_task) / job->n_chunks;
  size_t chunk_rows = run->setting.chunk_quads * KITH_KERNEL_QUERIES;
  return (struct kith_task){
      .a = a,
      .b = b,
      .party_a = job->party_a,
      .party_b = job->party_b,
      .first_row = chunk * chunk_rows,
      .end_row = least((chunk + 1) * chunk_rows, a->n_rows),
      .first_block = range * run->range_blocks,
      .end_block = least((range + 1) * run->range_blocks, b->n_blocks),
  };
}

static void *thread_main(void *argument)
{
  struct thread *thread = argument;
  struct run *run = thread->run;
  enum kith_err err = KITH_OK;
  while (!err && !run_stopped(run)) {
    size_t index = atomic_fetch_add(&run->next_task, 1);
    if (index >= run->n_tasks)
      break;
    struct kith_task task = task_at(run, index);
    err = kith_task_run(&thread->worker, &run->setting, &task);
    if (!err)
      task_done(run, &task);
  }
  if (!err && !run_stopped(run))
    err = kith_task_worker_flush(&thread->worker, &run->setting);
  if (err)
    atomic_store(&run->stop, true);
  return NULL;
}

/* ---- the run */

static void add_job(struct run *run, unsigned a, unsigned b)
{
  size_t chunk_rows = run->setting.chunk_quads * KITH_KERNEL_QUERIES;
  struct job *job = &run->jobs[run->n_jobs];
  job->party_a = (uint8_t)a;
  job->party_b = (uint8_t)b;
  job->n_chunks = (run->packs[a].n_rows + chunk_rows - 1) / chunk_rows;
  job->n_ranges = (run->packs[b].n_blocks + run->range_blocks - 1) / run->range_blocks;
  job->first_task = run->n_tasks;
  if (job->n_chunks * job->n_ranges == 0)
    return;
  run->n_tasks += job->n_chunks * job->n_ranges;
  run->n_jobs++;
}

static void list_jobs(struct run *run)
{
  run->range_blocks = run->setting.tile_blocks * KITH_TASK_TILES;
  for (unsigned a = 0; a < run->n_packs; a++)
    for (unsigned b = a; b < run->n_packs; b++)
      if (a == b ? run->options->within : run->options->across)
        add_job(run, a, b);
}

uint64_t kith_engine_comparisons(const struct kith_encodings *const *parties, unsigned n_parties,
                                 const struct kith_engine_options *options)
{
  uint64_t n = 0;
  for (unsigned a = 0; a < n_parties; a++) {
    uint64_t n_a = parties[a]->n;
    if (options->within && n_a > 0)
      n += n_a % 2 ? (n_a - 1) / 2 * n_a : n_a / 2 * (n_a - 1);
    for (unsigned b = a + 1; options->across && b < n_parties; b++)
      n += n_a * parties[b]->n;
  }
  return n;
}

/* The calling thread works too. A thread that can't be started is done without. */
static enum kith_err run_threads(struct run *run)
{
  unsigned n = run->options->n_threads;
  struct thread *threads = KITH_NEW_ARRAY(struct thread, n);
  enum kith_err err = threads ? KITH_OK : KITH_ERR_MEMORY;
  for (unsigned i = 0; i < n && !err; i++) {
    threads[i].run = run;
    err = kith_task_worker_new(&threads[i].worker, &run->setting);
  }
  if (err)
    goto out;
  for (unsigned i = 1; i < n; i++)
    threads[i].started = pthread_create(&threads[i].id, NULL, thread_main, &threads[i]) == 0;
  (void)thread_main(&threads[0]);
  for (unsigned i = 1; i < n; i++)
    if (threads[i].started)
      (void)pthread_join(threads[i].id, NULL);
  err = run->err;
  if (!err && run_stopped(run))
    err = KITH_ERR_CANCELLED;
out:
  for (unsigned i = 0; threads && i < n; i++)
    kith_task_worker_free(&threads[i].worker);
  kith_free(threads);
  return err;
}

static enum kith_err add_sketches(struct run *run, const struct kith_encodings *const *parties,
                                  unsigned n_parties, struct kith_fault *fault)
{
  struct kith_sketch sketch;
  enum kith_err err = kith_plan_sketch(&sketch, &run->setting.sieve, parties, n_parties, run->packs,
                                       &run->setting, run->options, run->comparisons);
  if (err || !run->setting.sieve)
    return err;
  err = check_memory(run, parties, n_parties, sketch.n_groups, fault);
  if (err == KITH_ERR_LIMIT) { /* slower, but it fits */
    run->setting.sieve = false;
    return KITH_OK;
  }
  for (unsigned p = 0; p < n_parties && !err; p++)
    err = run_stopped(run) ? KITH_ERR_CANCELLED : kith_pack_add_sketch(&run->packs[p], &sketch);
  return err;
}

static enum kith_err prepare(struct run *run, const struct kith_encodings *const *parties,
                             unsigned n_parties, const struct kith_encodings *first,
                             struct kith_fault *fault)
{
  bool masked = run->options->similarity == KITH_SIMILARITY_MASKED;
  run->setting.similarity = (struct kith_similarity){
      .kind = run->options->similarity,
      .bits = first->bits,
  };
  memcpy(run->setting.similarity.field_weights, first->field_weights, sizeof first->field_weights);
  run->setting.bound = run->options->bound;
  run->setting.flush = run_flush;
  run->setting.stopped = run_stopped;
  run->setting.context = run;
  kith_task_setting_sizes(&run->setting, (first->row_bytes + 7) / 8);
  enum kith_err err = check_memory(run, parties, n_parties, 0, fault);
  for (unsigned p = 0; p < n_parties && !err; p++) {
    err = run_stopped(run) ? KITH_ERR_CANCELLED : kith_pack_new(&run->packs[p], parties[p], masked);
    run->n_packs = p + !err;
  }
  if (!err)
    err = add_sketches(run, parties, n_parties, fault);
  if (!err)
    list_jobs(run);
  return err;
}

enum kith_err kith_engine_run(const struct kith_encodings *const *parties, unsigned n_parties,
                              const struct kith_engine_options *options, kith_engine_sink *sink,
                              void *sink_context, struct kith_fault *fault)
{
  const struct kith_encodings *first = NULL;
  const struct kith_kernel *kernel = NULL;
  enum kith_err err = check_options(options, n_parties, fault);
  if (!err)
    err = check_parties(&first, parties, n_parties, options->similarity == KITH_SIMILARITY_MASKED,
                        fault);
  if (!err)
    err = kith_kernel_choose(&kernel, options->kernel, fault);
  if (err || !first)
    return err;
  struct run *run = KITH_NEW(struct run);
  if (!run)
    return kith_fail(fault, KITH_ERR_MEMORY, "not enough memory for matching");
  run->options = options;
  run->setting.kernel = kernel;
  run->sink = sink;
  run->sink_context = sink_context;
  run->fault = fault;
  run->comparisons = kith_engine_comparisons(parties, n_parties, options);
  (void)pthread_mutex_init(&run->lock, NULL);
  err = prepare(run, parties, n_parties, first, fault);
  if (!err)
    err = run_threads(run);
  if (err == KITH_ERR_MEMORY)
    err = kith_fail(fault, err, "not enough memory for matching");
  if (err == KITH_ERR_CANCELLED)
    err = kith_fail(fault, err, "stopped before the end");
  for (unsigned p = 0; p < run->n_packs; p++)
    kith_pack_free(&run->packs[p]);
  (void)pthread_mutex_destroy(&run->lock);
  kith_free(run);
  return err;
}
