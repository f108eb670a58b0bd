/* A run: checks, packs, plans, lists the units, and lets threads take them in order. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "matcher/engine/engine.h"
#include "matcher/engine/pigeon.h"
#include "matcher/engine/plan.h"
#include "matcher/engine/task.h"
#include "matcher/engine/units.h"

struct run {
  const struct kith_engine_options *options;
  struct kith_task_setting setting;
  struct kith_pack packs[KITH_ENGINE_PARTIES_MAX];
  unsigned n_packs;
  struct kith_plan plan;
  struct kith_units units;
  bool *finished; /* owned, by step: by an earlier run; NULL without a journal */
  uint64_t comparisons;
  atomic_size_t next_unit;
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
  struct kith_pigeon_worker joiner;
  pthread_t id;
  bool started;
};

void kith_engine_options_init(struct kith_engine_options *options)
{
  *options = (struct kith_engine_options){.across = true, .n_threads = 1};
}

enum kith_err kith_engine_method_parse(enum kith_engine_method *out, const char *name,
                                       struct kith_fault *fault)
{
  static const char *const names[] = {"auto", "brute", "sketch", "pigeonhole"};
  for (size_t i = 0; i < KITH_COUNT_OF(names); i++) {
    if (strcmp(name, names[i]) != 0)
      continue;
    *out = (enum kith_engine_method)i;
    return KITH_OK;
  }
  return kith_fail(fault, KITH_ERR_USAGE, "expected auto, brute, sketch or pigeonhole");
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

/* What the run needs at most, for a plan. */
static size_t bytes_needed(const struct run *run, const struct kith_encodings *const *parties,
                           unsigned n_parties, const struct kith_plan *plan)
{
  size_t bytes = kith_task_worker_bytes(&run->setting);
  if (plan->join)
    bytes += kith_pigeon_worker_bytes(run->units.join_rows_max);
  bytes *= run->options->n_threads;
  for (unsigned p = 0; p < n_parties; p++) {
    bytes += kith_pack_bytes(parties[p]);
    if (plan->scan && plan->sieve)
      bytes += kith_pack_sketch_bytes(parties[p], plan->sketch.n_groups);
    else if (plan->scan)
      bytes += kith_pack_blocks_bytes(parties[p]);
  }
  return bytes;
}

static bool fits(const struct run *run, size_t bytes)
{
  return !run->options->memory_bytes_max || bytes <= run->options->memory_bytes_max;
}

static enum kith_err check_memory(const struct run *run, size_t bytes, struct kith_fault *fault)
{
  if (!fits(run, bytes))
    return kith_fail(fault, KITH_ERR_LIMIT, "matching needs %zu MiB of memory, the ceiling is %zu",
                     (bytes >> 20) + 1, run->options->memory_bytes_max >> 20);
  return KITH_OK;
}

enum kith_err kith_engine_bytes_least(size_t *out, const struct kith_encodings *const *parties,
                                      unsigned n_parties, const struct kith_engine_options *options)
{
  const struct kith_plan plan = {.scan = true};
  struct run *run = KITH_NEW(struct run);
  size_t row_bytes = 0;
  if (!run)
    return KITH_ERR_MEMORY;
  for (unsigned p = 0; p < n_parties; p++)
    row_bytes = parties[p]->n > 0 ? parties[p]->row_bytes : row_bytes;
  run->options = options;
  kith_task_setting_sizes(&run->setting, row_bytes > 0 ? (row_bytes + 7) / 8 : 1);
  *out = bytes_needed(run, parties, n_parties, &plan);
  kith_free(run);
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

static enum kith_err run_flush(void *context, size_t step, const struct kith_pair *pairs, size_t n)
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
  if (!err && run->options->journal)
    err = run->options->journal->add(run->options->journal->context, step, pairs, n);
  if (!err)
    err = run->sink(run->sink_context, pairs, n);
  if (err && !run->err)
    run->err = err;
  (void)pthread_mutex_unlock(&run->lock);
  return err;
}

static bool run_is_done(void *context, size_t step)
{
  const struct run *run = context;
  return run->finished && run->finished[step];
}

static enum kith_err run_done(void *context, struct kith_task_worker *worker, size_t step)
{
  struct run *run = context;
  const struct kith_engine_journal *journal = run->options->journal;
  const uint64_t comparisons = kith_units_step_pairs(&run->units, step);
  enum kith_err err = journal ? kith_task_worker_flush(worker, &run->setting) : KITH_OK;
  (void)pthread_mutex_lock(&run->lock);
  if (!err && journal)
    err = journal->done(journal->context, step, comparisons);
  if (err && !run->err)
    run->err = err;
  run->done += comparisons;
  if (!err && run->options->progress)
    run->options->progress(run->options->progress_context, run->done, run->comparisons);
  (void)pthread_mutex_unlock(&run->lock);
  return err;
}

static enum kith_err run_unit(struct thread *thread, size_t unit)
{
  struct run *run = thread->run;
  if (unit < run->units.n_join_units) {
    const struct kith_pigeon_task task = kith_units_join_at(&run->units, unit);
    return kith_pigeon_run(&thread->joiner, &thread->worker, &run->setting, &task);
  }
  const size_t step = kith_units_step_of_scan(&run->units, unit);
  uint64_t pairs;
  const struct kith_task task = kith_units_scan_at(&run->units, unit, &pairs);
  enum kith_err err = KITH_OK;
  if (run_is_done(run, step))
    return KITH_OK;
  thread->worker.step = step;
  if (pairs)
    err = kith_task_run(&thread->worker, &run->setting, &task);
  return err ? err : run_done(run, &thread->worker, step);
}

/* Does nothing the second time. */
static void thread_free(struct thread *thread)
{
  kith_task_worker_free(&thread->worker);
  kith_pigeon_worker_free(&thread->joiner);
}

static void *thread_main(void *argument)
{
  struct thread *thread = argument;
  struct run *run = thread->run;
  enum kith_err err = KITH_OK;
  while (!err && !run_stopped(run)) {
    size_t unit = atomic_fetch_add(&run->next_unit, 1);
    if (unit >= run->units.n)
      break;
    err = run_unit(thread, unit);
  }
  if (!err && !run_stopped(run))
    err = kith_task_worker_flush(&thread->worker, &run->setting);
  if (err)
    atomic_store(&run->stop, true);
  thread_free(thread); /* wiping takes its time too */
  return NULL;
}

/* ---- the run */

bool kith_engine_wants(const struct kith_engine_options *options, unsigned n_parties, unsigned a,
                       unsigned b)
{
  if (options->wanted)
    return options->wanted[a * n_parties + b];
  return a == b ? options->within : options->across;
}

uint64_t kith_engine_comparisons(const struct kith_encodings *const *parties, unsigned n_parties,
                                 const struct kith_engine_options *options)
{
  uint64_t n = 0;
  for (unsigned a = 0; a < n_parties; a++) {
    uint64_t n_a = parties[a]->n;
    if (n_a > 0 && kith_engine_wants(options, n_parties, a, a))
      n += n_a % 2 ? (n_a - 1) / 2 * n_a : n_a / 2 * (n_a - 1);
    for (unsigned b = a + 1; b < n_parties; b++)
      n += kith_engine_wants(options, n_parties, a, b) ? n_a * parties[b]->n : 0;
  }
  return n;
}

static enum kith_err open_journal(struct run *run)
{
  const struct kith_engine_journal *journal = run->options->journal;
  if (!journal)
    return KITH_OK;
  const size_t n_steps = kith_units_steps(&run->units);
  run->finished = KITH_NEW_ARRAY(bool, n_steps + 1);
  if (!run->finished)
    return KITH_ERR_MEMORY;
  enum kith_err err = journal->open(journal->context, kith_units_layout(&run->units), n_steps,
                                    run->comparisons, run->finished);
  for (size_t step = 0; step < n_steps && !err; step++)
    run->done += run->finished[step] ? kith_units_step_pairs(&run->units, step) : 0;
  if (!err && run->done > 0 && run->options->progress) /* perhaps nothing is left to do */
    run->options->progress(run->options->progress_context, run->done, run->comparisons);
  return err;
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
    if (!err && run->plan.join)
      err = kith_pigeon_worker_new(&threads[i].joiner, run->units.join_rows_max);
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
    thread_free(&threads[i]);
  kith_free(threads);
  return err;
}

/* Gives up what does not fit: slower, but it fits. */
static enum kith_err shrink_plan(struct run *run, const struct kith_encodings *const *parties,
                                 unsigned n_parties, struct kith_fault *fault)
{
  if (!fits(run, bytes_needed(run, parties, n_parties, &run->plan)) && run->plan.join) {
    kith_plan_free(&run->plan);
    run->plan.scan = true;
    kith_units_free(&run->units);
    run->units = (struct kith_units){.packs = run->packs, .plan = &run->plan};
    (void)snprintf(run->plan.why, sizeof run->plan.why, "brute force: memory is short");
  }
  if (!fits(run, bytes_needed(run, parties, n_parties, &run->plan)))
    run->plan.sieve = false;
  return check_memory(run, bytes_needed(run, parties, n_parties, &run->plan), fault);
}

/* Adds to each pack what the plan needs. */
static enum kith_err equip(struct run *run)
{
  const struct kith_plan *plan = &run->plan;
  const unsigned n_threads = run->options->n_threads;
  enum kith_err err = KITH_OK;
  for (unsigned p = 0; p < run->n_packs && !err; p++) {
    if (run_stopped(run))
      return KITH_ERR_CANCELLED;
    if (plan->scan && plan->sieve)
      err = kith_pack_add_sketch(&run->packs[p], &plan->sketch, n_threads);
    else if (plan->scan)
      err = kith_pack_add_blocks(&run->packs[p], plan->join, n_threads);
  }
  return err;
}

static enum kith_err pack_all(struct run *run, const struct kith_encodings *const *parties,
                              unsigned n_parties, struct kith_bit_order *order)
{
  const unsigned n_bits = (unsigned)run->setting.n_words * 64;
  const struct kith_pack_options options = {.use_masks =
                                                run->options->similarity == KITH_SIMILARITY_MASKED,
                                            .n_threads = run->options->n_threads,
                                            .order = order,
                                            .kernel = run->setting.kernel};
  enum kith_err err;
  kith_bit_order_none(order, n_bits);
  if (kith_plan_is_worth_while(&run->setting, run->options, run->comparisons))
    kith_bit_order_learn(order, n_bits, parties, n_parties, run->options->n_threads);
  run->n_packs = n_parties;
  err = kith_pack_sort_all(run->packs, parties, n_parties, &options);
  for (unsigned p = 0; p < n_parties && !err; p++)
    err = run_stopped(run) ? KITH_ERR_CANCELLED
                           : kith_pack_fill(&run->packs[p], parties[p], &options);
  return err;
}

static enum kith_err make_plan(struct run *run, const struct kith_encodings *const *parties,
                               unsigned n_parties, const struct kith_bit_order *order,
                               struct kith_fault *fault)
{
  const struct kith_plan_input input = {.parties = parties,
                                        .n_parties = n_parties,
                                        .packs = run->packs,
                                        .order = order,
                                        .setting = &run->setting,
                                        .options = run->options,
                                        .comparisons = run->comparisons};
  enum kith_err err = kith_plan_make(&run->plan, &input);
  if (!err)
    err = kith_units_list_joins(&run->units, run->packs, run->n_packs, &run->plan,
                                run->options->n_threads);
  if (err)
    return err;
  run->plan.scan = run->units.joined_pairs < run->comparisons;
  err = shrink_plan(run, parties, n_parties, fault);
  run->setting.sieve = run->plan.scan && run->plan.sieve;
  if (!err && run->options->explain)
    run->options->explain(run->options->explain_context, run->plan.why);
  return err ? err : equip(run);
}

static enum kith_err prepare(struct run *run, const struct kith_encodings *const *parties,
                             unsigned n_parties, const struct kith_encodings *first,
                             struct kith_fault *fault)
{
  struct kith_bit_order order;
  run->setting.similarity = (struct kith_similarity){
      .kind = run->options->similarity,
      .bits = first->bits,
  };
  kith_encodings_filter_weights(first, 0, run->setting.similarity.field_weights);
  run->setting.bound = run->options->bound;
  run->setting.flush = run_flush;
  run->setting.stopped = run_stopped;
  run->setting.is_done = run_is_done;
  run->setting.done = run_done;
  run->setting.context = run;
  kith_task_setting_sizes(&run->setting, (first->row_bytes + 7) / 8);
  enum kith_err err = check_memory(run, bytes_needed(run, parties, n_parties, &run->plan), fault);
  if (!err)
    err = pack_all(run, parties, n_parties, &order);
  if (!err)
    err = make_plan(run, parties, n_parties, &order, fault);
  if (!err && run->plan.scan)
    kith_units_list_scans(&run->units, run->n_packs, &run->setting, run->options);
  return err ? err : open_journal(run);
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
    kith_pack_free(&run->packs[p], options->n_threads);
  kith_plan_free(&run->plan);
  kith_units_free(&run->units);
  kith_free(run->finished);
  (void)pthread_mutex_destroy(&run->lock);
  kith_free(run);
  return err;
}
