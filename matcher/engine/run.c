/* A run: checks, packs, plans, lists the tasks, and lets threads take them in order. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "matcher/engine/engine.h"
#include "matcher/engine/pigeon.h"
#include "matcher/engine/plan.h"
#include "matcher/engine/task.h"

/* Scans of one pair of parties: n_chunks x n_ranges tasks. */
struct job {
  uint8_t party_a;
  uint8_t party_b;
  size_t n_chunks;
  size_t n_ranges;
  size_t first_task;
};

/* A join of one pair of strata: a task for each group of parts. */
struct joining {
  uint8_t party_a;
  uint8_t party_b;
  uint16_t stratum_a;
  uint16_t stratum_b;
  struct kith_pigeon_cut cut;
  size_t first_task;
};

enum { JOBS_MAX = KITH_ENGINE_PARTIES_MAX * (KITH_ENGINE_PARTIES_MAX + 1) / 2 };

struct run {
  const struct kith_engine_options *options;
  struct kith_task_setting setting;
  struct kith_pack packs[KITH_ENGINE_PARTIES_MAX];
  unsigned n_packs;
  struct kith_plan plan;
  struct job jobs[JOBS_MAX];
  size_t n_jobs;
  struct joining *joinings; /* owned */
  size_t n_joinings;
  size_t n_join_tasks; /* which come first */
  size_t join_rows_max;
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
  struct kith_pigeon_worker joiner;
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

/* What the run needs at most, for a plan. */
static size_t bytes_needed(const struct run *run, const struct kith_encodings *const *parties,
                           unsigned n_parties, const struct kith_plan *plan)
{
  size_t bytes = kith_task_worker_bytes(&run->setting);
  if (plan->join)
    bytes += kith_pigeon_worker_bytes(run->join_rows_max);
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

static void task_done(struct run *run, uint64_t comparisons)
{
  (void)pthread_mutex_lock(&run->lock);
  run->done += comparisons;
  if (run->options->progress)
    run->options->progress(run->options->progress_context, run->done, run->comparisons);
  (void)pthread_mutex_unlock(&run->lock);
}

static size_t least(size_t a, size_t b)
{
  return a < b ? a : b;
}

static size_t most(size_t a, size_t b)
{
  return a > b ? a : b;
}

static const struct kith_strata *strata_of(const struct run *run, unsigned party)
{
  return &run->plan.strata[party];
}

static const struct kith_pigeon_cut *joins_of(const struct run *run, unsigned party_a,
                                              unsigned party_b)
{
  return run->plan.joins[party_a * KITH_ENGINE_PARTIES_MAX + party_b].cuts;
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
      .joined = joins_of(run, job->party_a, job->party_b),
      .n_strata_b = strata_of(run, job->party_b)->n,
  };
}

/* The pairs of a scan that joins see to. */
static uint64_t joined_pairs(const struct run *run, const struct kith_task *task)
{
  const struct kith_strata *a = strata_of(run, task->party_a);
  const struct kith_strata *b = strata_of(run, task->party_b);
  const size_t first_b = task->first_block * KITH_KERNEL_LANES;
  const size_t end_b = task->end_block * KITH_KERNEL_LANES;
  uint64_t n = 0;
  if (!task->joined)
    return 0;
  for (unsigned s = 0; s < a->n; s++)
    for (unsigned t = 0; t < b->n; t++)
      if (task->joined[s * b->n + t].n_parts)
        n += kith_task_pairs(
            most(task->first_row, a->items[s].first), least(task->end_row, a->items[s].end),
            most(first_b, b->items[t].first), least(end_b, b->items[t].end), task->a == task->b);
  return n;
}

static enum kith_err run_scan(struct thread *thread, size_t index)
{
  struct run *run = thread->run;
  struct kith_task task = task_at(run, index);
  uint64_t comparisons = kith_task_comparisons(&task) - joined_pairs(run, &task);
  enum kith_err err = comparisons ? kith_task_run(&thread->worker, &run->setting, &task) : KITH_OK;
  if (!err)
    task_done(run, comparisons);
  return err;
}

static enum kith_err run_join(struct thread *thread, size_t index)
{
  struct run *run = thread->run;
  size_t low = 0;
  for (size_t high = run->n_joinings; high - low > 1;) {
    size_t middle = low + (high - low) / 2;
    if (run->joinings[middle].first_task <= index)
      low = middle;
    else
      high = middle;
  }
  const struct joining *joining = &run->joinings[low];
  const struct kith_pigeon_task task = {
      .a = &run->packs[joining->party_a],
      .b = &run->packs[joining->party_b],
      .party_a = joining->party_a,
      .party_b = joining->party_b,
      .from = strata_of(run, joining->party_a)->items[joining->stratum_a],
      .to = strata_of(run, joining->party_b)->items[joining->stratum_b],
      .cut = joining->cut,
      .group = (uint32_t)(index - joining->first_task),
  };
  const uint64_t n_groups = joining->cut.n_groups;
  uint64_t pairs =
      kith_task_pairs(task.from.first, task.from.end, task.to.first, task.to.end, task.a == task.b);
  enum kith_err err = kith_pigeon_run(&thread->joiner, &thread->worker, &run->setting, &task);
  if (!err)
    task_done(run, pairs * (task.group + 1) / n_groups - pairs * task.group / n_groups);
  return err;
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
    err = index < run->n_join_tasks ? run_join(thread, index) : run_scan(thread, index);
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

static void add_joinings(struct run *run, unsigned a, unsigned b)
{
  const struct kith_strata *of_a = strata_of(run, a);
  const struct kith_strata *of_b = strata_of(run, b);
  const struct kith_pigeon_cut *cuts = joins_of(run, a, b);
  for (unsigned s = 0; cuts && s < of_a->n; s++)
    for (unsigned t = 0; t < of_b->n; t++) {
      const struct kith_pigeon_cut *cut = &cuts[s * of_b->n + t];
      if (!cut->n_parts)
        continue;
      run->joinings[run->n_joinings++] = (struct joining){.party_a = (uint8_t)a,
                                                          .party_b = (uint8_t)b,
                                                          .stratum_a = (uint16_t)s,
                                                          .stratum_b = (uint16_t)t,
                                                          .cut = *cut,
                                                          .first_task = run->n_join_tasks};
      run->n_join_tasks += cut->n_groups;
      run->join_rows_max =
          most(run->join_rows_max, most(of_a->items[s].end - of_a->items[s].first,
                                        of_b->items[t].end - of_b->items[t].first));
    }
}

/* The tasks of the plan's joins, which come before the scans. */
static enum kith_err list_joinings(struct run *run)
{
  size_t n = 0;
  for (unsigned a = 0; a < run->n_packs; a++)
    for (unsigned b = a; b < run->n_packs; b++)
      n += joins_of(run, a, b) ? (size_t)strata_of(run, a)->n * strata_of(run, b)->n : 0;
  run->joinings = KITH_NEW_ARRAY(struct joining, n + 1);
  if (!run->joinings)
    return KITH_ERR_MEMORY;
  for (unsigned a = 0; a < run->n_packs; a++)
    for (unsigned b = a; b < run->n_packs; b++)
      add_joinings(run, a, b);
  run->n_tasks = run->n_join_tasks;
  return KITH_OK;
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
    if (!err && run->plan.join)
      err = kith_pigeon_worker_new(&threads[i].joiner, run->join_rows_max);
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
  for (unsigned i = 0; threads && i < n; i++) {
    kith_task_worker_free(&threads[i].worker);
    kith_pigeon_worker_free(&threads[i].joiner);
  }
  kith_free(threads);
  return err;
}

/* Whether joins leave anything to scan. */
static bool anything_to_scan(const struct run *run)
{
  uint64_t n = 0;
  for (size_t j = 0; j < run->n_joinings; j++) {
    const struct joining *joining = &run->joinings[j];
    const struct kith_stratum *a = &strata_of(run, joining->party_a)->items[joining->stratum_a];
    const struct kith_stratum *b = &strata_of(run, joining->party_b)->items[joining->stratum_b];
    n += kith_task_pairs(a->first, a->end, b->first, b->end, joining->party_a == joining->party_b);
  }
  return n < run->comparisons;
}

/* Gives up what does not fit: slower, but it fits. */
static enum kith_err shrink_plan(struct run *run, const struct kith_encodings *const *parties,
                                 unsigned n_parties, struct kith_fault *fault)
{
  if (!fits(run, bytes_needed(run, parties, n_parties, &run->plan)) && run->plan.join) {
    kith_plan_free(&run->plan);
    run->plan.scan = true;
    run->n_joinings = 0;
    run->n_join_tasks = 0;
    run->n_tasks = 0;
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
                                            .order = order};
  enum kith_err err = KITH_OK;
  kith_bit_order_none(order, n_bits);
  if (kith_plan_is_worth_while(&run->setting, run->options, run->comparisons))
    kith_bit_order_learn(order, n_bits, parties, n_parties);
  for (unsigned p = 0; p < n_parties && !err; p++) {
    err =
        run_stopped(run) ? KITH_ERR_CANCELLED : kith_pack_new(&run->packs[p], parties[p], &options);
    run->n_packs = p + !err;
  }
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
    err = list_joinings(run);
  if (err)
    return err;
  run->plan.scan = anything_to_scan(run);
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
  run->setting.context = run;
  kith_task_setting_sizes(&run->setting, (first->row_bytes + 7) / 8);
  enum kith_err err = check_memory(run, bytes_needed(run, parties, n_parties, &run->plan), fault);
  if (!err)
    err = pack_all(run, parties, n_parties, &order);
  if (!err)
    err = make_plan(run, parties, n_parties, &order, fault);
  if (!err && run->plan.scan)
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
  kith_plan_free(&run->plan);
  kith_free(run->joinings);
  (void)pthread_mutex_destroy(&run->lock);
  kith_free(run);
  return err;
}
