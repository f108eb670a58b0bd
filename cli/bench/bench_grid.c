/* The grid of `kith bench engine`: what is measured, in which order, and whether all ways agree. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/bench/bench.h"
#include "cli/cli.h"

enum { PARTIES_MAX = KITH_ENGINE_PARTIES_MAX };

struct grid {
  const struct kith_bench_settings *settings;
  struct kith_bench_results *results;
  struct kith_bench_items rows;
  struct kith_bench_items similarities;
  struct kith_bench_items thresholds;
  struct kith_bench_items methods;
  struct kith_bench_items kernels;
  struct kith_bench_items threads;
  struct kith_encodings parties[PARTIES_MAX]; /* of the present rows */
  unsigned n_parties;
  struct kith_fault *fault;
};

/* ---- lists */

enum kith_err kith_bench_items(struct kith_bench_items *out, const char *list, const char *option,
                               struct kith_fault *fault)
{
  out->n = 0;
  for (const char *at = list;; at++) {
    const size_t len = strcspn(at, ",");
    if (len == 0 || len >= KITH_BENCH_TEXT_BYTES || out->n == KITH_BENCH_ITEMS_MAX)
      return kith_fail(fault, KITH_ERR_USAGE, "--%s: expected 1 to %d words with commas between",
                       option, KITH_BENCH_ITEMS_MAX);
    memcpy(out->text[out->n], at, len);
    out->text[out->n++][len] = '\0';
    at += len;
    if (!*at)
      return KITH_OK;
  }
}

static enum kith_err add_item(struct kith_bench_items *out, const char *text)
{
  if (out->n == KITH_BENCH_ITEMS_MAX || strlen(text) >= KITH_BENCH_TEXT_BYTES)
    return KITH_ERR_LIMIT;
  (void)snprintf(out->text[out->n++], KITH_BENCH_TEXT_BYTES, "%s", text);
  return KITH_OK;
}

/* "all" is every kernel that this processor has; no list is the one that a run would take. */
static enum kith_err kernel_items(struct kith_bench_items *out, const char *list,
                                  struct kith_fault *fault)
{
  const char *name;
  bool usable;
  if (list && strcmp(list, "all") != 0)
    return kith_bench_items(out, list, "kernel", fault);
  out->n = 0;
  for (size_t k = 0; (name = kith_engine_kernel_name(k, &usable)); k++)
    if (usable && (list || out->n == 0) && add_item(out, name))
      return KITH_ERR_LIMIT;
  return KITH_OK;
}

static enum kith_err thread_items(struct kith_bench_items *out, const char *list,
                                  struct kith_fault *fault)
{
  if (list && strcmp(list, "all") == 0) {
    out->n = 1;
    (void)snprintf(out->text[0], sizeof out->text[0], "%u", kith_cli_processors());
    return KITH_OK;
  }
  return kith_bench_items(out, list ? list : "1", "threads", fault);
}

static enum kith_err number(uint64_t *out, const char *text, const char *option, uint64_t max,
                            struct kith_fault *fault)
{
  if (kith_u64_parse(out, text, 1, max) != KITH_OK)
    return kith_fail(fault, KITH_ERR_USAGE, "--%s: expected 1 to %llu", option,
                     (unsigned long long)max);
  return KITH_OK;
}

/* "sketch:20" is a sketch of 20 groups. */
static enum kith_err method_of(struct kith_engine_options *options, const char *text,
                               struct kith_fault *fault)
{
  uint64_t groups = 0;
  const char *name = strncmp(text, "sketch:", 7) == 0 ? "sketch" : text;
  enum kith_err err = kith_engine_method_parse(&options->method, name, fault);
  if (!err && name != text)
    err = number(&groups, text + 7, "method sketch", 128, fault);
  options->sketch_groups = (unsigned)groups;
  return err ? kith_fail_at(fault, err, "--method") : KITH_OK;
}

/* ---- one run */

static uint64_t mix(uint64_t z)
{
  z += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* A sum, so that the order does not matter. */
static enum kith_err count_pairs(void *context, const struct kith_pair *pairs, size_t n)
{
  struct kith_bench_run *run = context;
  for (size_t i = 0; i < n; i++) {
    const uint64_t parties = (uint64_t)pairs[i].party_a << 32 | (uint64_t)pairs[i].party_b << 24;
    run->hash +=
        mix(mix((uint64_t)pairs[i].row_a << 32 | pairs[i].row_b) ^ (parties | pairs[i].common));
  }
  run->pairs += n;
  return KITH_OK;
}

static void note_plan(void *context, const char *plan)
{
  struct kith_bench_run *run = context;
  (void)snprintf(run->plan, sizeof run->plan, "%s", plan);
}

static enum kith_err measure(const struct grid *grid, struct kith_bench_run *run,
                             const struct kith_engine_options *common, unsigned turn)
{
  struct kith_encodings views[PARTIES_MAX]; /* that own nothing */
  const struct kith_encodings *list[PARTIES_MAX];
  struct kith_engine_options options = *common;
  for (unsigned p = 0; p < grid->n_parties; p++) {
    views[p] = grid->parties[p];
    if (run->part && views[p].n > grid->settings->brute_rows)
      views[p].n = (size_t)grid->settings->brute_rows;
    list[p] = &views[p];
  }
  enum kith_err err = method_of(&options, run->method, grid->fault);
  if (err)
    return err;
  options.kernel = run->kernel;
  options.n_threads = run->n_threads;
  options.explain = note_plan;
  options.explain_context = run;
  run->pairs = run->hash = 0;
  const int64_t start_ns = kith_clock_monotonic_ns();
  err = kith_engine_run(list, grid->n_parties, &options, count_pairs, run, grid->fault);
  run->seconds[turn] = (double)(kith_clock_monotonic_ns() - start_ns) * 1e-9;
  run->comparisons = kith_engine_comparisons(list, grid->n_parties, &options);
  return err;
}

static int by_value(const void *left, const void *right)
{
  const double a = *(const double *)left;
  const double b = *(const double *)right;
  return (a > b) - (a < b);
}

static double median(const double *values, size_t n)
{
  double sorted[KITH_BENCH_REPEAT_MAX];
  memcpy(sorted, values, n * sizeof sorted[0]);
  qsort(sorted, n, sizeof sorted[0], by_value);
  return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

static double rate(const struct kith_bench_run *run)
{
  return run->median > 0 ? (double)run->comparisons / run->median : 0;
}

/* ---- a cell: brute force and the methods, in turns, so that what else the machine does falls on
 * all of them alike */

static enum kith_err measure_cell(struct grid *grid, const struct kith_engine_options *options,
                                  struct kith_bench_run *runs, size_t n)
{
  const unsigned repeat = (unsigned)grid->settings->repeat;
  enum kith_err err = KITH_OK;
  for (unsigned turn = 0; turn < repeat && !err; turn++)
    for (size_t r = 0; r < n && !err; r++)
      err = measure(grid, &runs[r], options, turn);
  for (size_t r = 0; r < n && !err; r++) {
    runs[r].median = median(runs[r].seconds, repeat);
    runs[r].times_brute = rate(&runs[0]) > 0 ? rate(&runs[r]) / rate(&runs[0]) : 0;
  }
  return err;
}

static bool is_part(const struct grid *grid)
{
  for (unsigned p = 0; p < grid->n_parties; p++)
    if (grid->parties[p].n > grid->settings->brute_rows)
      return true;
  return false;
}

static enum kith_err add_cell(struct grid *grid, const struct kith_engine_options *options,
                              const char *threshold, const char *kernel, unsigned n_threads)
{
  struct kith_bench_run *runs = grid->results->items + grid->results->n;
  const struct kith_bench_run common = {
      .rows = grid->parties[0].n, .similarity = options->similarity, .n_threads = n_threads};
  size_t n = 0;
  for (size_t m = 0; m <= grid->methods.n; m++) {
    const char *method = m ? grid->methods.text[m - 1] : "brute";
    if (m && strcmp(method, "brute") == 0)
      continue;
    runs[n] = common;
    runs[n].part = m == 0 && is_part(grid);
    (void)snprintf(runs[n].method, sizeof runs[n].method, "%s", method);
    (void)snprintf(runs[n].kernel, sizeof runs[n].kernel, "%s", kernel);
    (void)snprintf(runs[n].threshold, sizeof runs[n].threshold, "%s", threshold);
    n++;
  }
  grid->results->n += n;
  return measure_cell(grid, options, runs, n);
}

/* All ways of finding the pairs of the same rows, similarity and threshold. */
static enum kith_err check_same(const struct grid *grid, size_t first)
{
  const struct kith_bench_run *runs = grid->results->items;
  const struct kith_bench_run *one = NULL;
  for (size_t r = first; r < grid->results->n; r++) {
    if (runs[r].part)
      continue;
    if (one && (runs[r].pairs != one->pairs || runs[r].hash != one->hash))
      return kith_fail(grid->fault, KITH_ERR_INTERNAL,
                       "%s (%s, %u threads) and %s (%s, %u threads) found different pairs",
                       one->method, one->kernel, one->n_threads, runs[r].method, runs[r].kernel,
                       runs[r].n_threads);
    one = &runs[r];
  }
  return KITH_OK;
}

/* ---- the whole */

static enum kith_err run_threshold(struct grid *grid, enum kith_similarity_kind similarity,
                                   const char *threshold)
{
  struct kith_engine_options options;
  const size_t first = grid->results->n;
  kith_engine_options_init(&options);
  options.similarity = similarity;
  options.cancel = kith_cli_cancel_on_signal();
  enum kith_err err = kith_ratio_parse(&options.bound, threshold, grid->fault);
  if (err)
    return kith_fail_at(grid->fault, err, "--threshold");
  for (size_t k = 0; k < grid->kernels.n && !err; k++)
    for (size_t t = 0; t < grid->threads.n && !err; t++) {
      uint64_t n_threads;
      err = number(&n_threads, grid->threads.text[t], "threads", KITH_ENGINE_THREADS_MAX,
                   grid->fault);
      if (!err)
        err = add_cell(grid, &options, threshold, grid->kernels.text[k], (unsigned)n_threads);
    }
  return err ? err : check_same(grid, first);
}

static enum kith_err run_rows(struct grid *grid)
{
  enum kith_err err = KITH_OK;
  for (size_t s = 0; s < grid->similarities.n && !err; s++) {
    enum kith_similarity_kind similarity;
    err = kith_similarity_parse(&similarity, grid->similarities.text[s], grid->fault);
    if (err)
      return kith_fail_at(grid->fault, err, "--similarity");
    for (size_t t = 0; t < grid->thresholds.n && !err; t++)
      err = run_threshold(grid, similarity, grid->thresholds.text[t]);
  }
  return err;
}

static enum kith_err make_rows(struct grid *grid, const char *text)
{
  uint64_t n_rows;
  const bool independent = strcmp(grid->settings->data, "independent") == 0;
  enum kith_err err = number(&n_rows, text, "rows", 100000000, grid->fault);
  if (err)
    return err;
  for (unsigned p = 0; p < grid->n_parties && !err; p++)
    err =
        kith_bench_party(&grid->parties[p], independent, n_rows, (unsigned)grid->settings->bits, p);
  return err ? kith_fail(grid->fault, err, "not enough memory for the rows") : KITH_OK;
}

static void drop_rows(struct grid *grid)
{
  for (unsigned p = 0; p < grid->n_parties; p++)
    kith_encodings_free(&grid->parties[p]);
}

static enum kith_err parse_all(struct grid *grid)
{
  const struct kith_bench_settings *settings = grid->settings;
  enum kith_err err = kith_bench_items(&grid->rows, settings->rows, "rows", grid->fault);
  if (!err)
    err = kith_bench_items(&grid->similarities, settings->similarities, "similarity", grid->fault);
  if (!err)
    err = kith_bench_items(&grid->thresholds, settings->thresholds, "threshold", grid->fault);
  if (!err)
    err = kith_bench_items(&grid->methods, settings->methods, "method", grid->fault);
  if (!err)
    err = kernel_items(&grid->kernels, settings->kernels, grid->fault);
  if (!err)
    err = thread_items(&grid->threads, settings->threads, grid->fault);
  for (size_t m = 0; m < grid->methods.n && !err; m++) {
    struct kith_engine_options options;
    err = method_of(&options, grid->methods.text[m], grid->fault);
  }
  return err;
}

static enum kith_err new_results(struct grid *grid, size_t n_rows)
{
  struct kith_bench_results *results = grid->results;
  results->n = 0;
  results->n_max = n_rows * grid->similarities.n * grid->thresholds.n * grid->kernels.n *
                   grid->threads.n * (grid->methods.n + 1);
  results->items = KITH_NEW_ARRAY(struct kith_bench_run, results->n_max);
  return results->items ? KITH_OK : kith_fail(grid->fault, KITH_ERR_MEMORY, "not enough memory");
}

enum kith_err kith_bench_grid(struct kith_bench_results *results,
                              const struct kith_bench_settings *settings,
                              const struct kith_encodings *files, unsigned n_files,
                              struct kith_fault *fault)
{
  struct grid *grid = KITH_NEW(struct grid);
  if (!grid)
    return kith_fail(fault, KITH_ERR_MEMORY, "not enough memory");
  grid->settings = settings;
  grid->results = results;
  grid->fault = fault;
  grid->n_parties = n_files ? n_files : (unsigned)settings->n_parties;
  enum kith_err err = parse_all(grid);
  if (!err)
    err = new_results(grid, n_files ? 1 : grid->rows.n);
  if (!err && n_files) {
    memcpy(grid->parties, files, n_files * sizeof files[0]);
    err = run_rows(grid);
  }
  for (size_t r = 0; r < grid->rows.n && !err && !n_files; r++) {
    err = make_rows(grid, grid->rows.text[r]);
    if (!err)
      err = run_rows(grid);
    drop_rows(grid);
  }
  kith_free(grid);
  return err;
}

void kith_bench_results_free(struct kith_bench_results *results)
{
  kith_free(results->items);
  memset(results, 0, sizeof *results);
}
