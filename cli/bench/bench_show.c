/* The results of `kith bench engine`, as a table and as JSON. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "cli/bench/bench.h"
#include "cli/cli.h"
#include "cli/verbs.h"
#include "proto/daemon_main.h"

static double rate(const struct kith_bench_run *run)
{
  return run->median > 0 ? (double)run->comparisons / run->median : 0;
}

/* "AMD EPYC": what the kernel calls the processor. */
static void processor_name(char *out, size_t len)
{
  char line[256];
  FILE *file = fopen("/proc/cpuinfo", "r");
  (void)snprintf(out, len, "unknown");
  while (file && fgets(line, sizeof line, file)) {
    const char *value = strncmp(line, "model name", 10) == 0 ? strchr(line, ':') : NULL;
    if (!value)
      continue;
    value += 1 + strspn(value + 1, " ");
    (void)snprintf(out, len, "%.*s", (int)strcspn(value, "\n"), value);
    break;
  }
  if (file)
    (void)fclose(file);
}

static const char *compiler(void)
{
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "gcc " __VERSION__;
#endif
}

/* In bytes, the most that this process ever had in memory, the benchmark's own rows included. */
static uint64_t peak_bytes(void)
{
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
}

/* ---- the table */

static void add_row(struct kith_cli_table *table, const struct kith_bench_run *run, bool against)
{
  char rows[24], threads[16], pairs[24] = "", seconds[24], speed[24], brute[24], earlier[24] = "";
  (void)snprintf(rows, sizeof rows, "%llu", (unsigned long long)run->rows);
  (void)snprintf(threads, sizeof threads, "%u", run->n_threads);
  if (!run->part)
    (void)snprintf(pairs, sizeof pairs, "%llu", (unsigned long long)run->pairs);
  (void)snprintf(seconds, sizeof seconds, run->part ? "(%.3f)" : "%.3f", run->median);
  (void)snprintf(speed, sizeof speed, "%.3f", rate(run) / 1e9);
  (void)snprintf(brute, sizeof brute, "%.2f", run->times_brute);
  if (run->times_earlier > 0)
    (void)snprintf(earlier, sizeof earlier, "%.2f", run->times_earlier);
  if (against)
    KITH_CLI_ROW(table, rows, kith_similarity_name(run->similarity), run->threshold, run->method,
                 run->kernel, threads, pairs, seconds, speed, brute, earlier);
  else
    KITH_CLI_ROW(table, rows, kith_similarity_name(run->similarity), run->threshold, run->method,
                 run->kernel, threads, pairs, seconds, speed, brute);
}

int kith_bench_show_table(const struct kith_bench_results *results,
                          const struct kith_bench_settings *settings, bool against)
{
  struct kith_cli_table table = {0};
  char processor[128];
  bool some_part = false;
  if (against)
    KITH_CLI_ROW(&table, "ROWS", "SIMILARITY", "BOUND", "METHOD", "KERNEL", "THREADS", "PAIRS",
                 "SECONDS", "10^9/S", "X BRUTE", "X EARLIER");
  else
    KITH_CLI_ROW(&table, "ROWS", "SIMILARITY", "BOUND", "METHOD", "KERNEL", "THREADS", "PAIRS",
                 "SECONDS", "10^9/S", "X BRUTE");
  for (size_t r = 0; r < results->n; r++) {
    add_row(&table, &results->items[r], against);
    some_part |= results->items[r].part;
  }
  processor_name(processor, sizeof processor);
  printf("%s, %u of its processors; %s\n", processor, kith_cli_processors(), compiler());
  printf(
      "%llu parties of %s, %llu bits; medians of %llu; planning, packing and output included\n\n",
      (unsigned long long)settings->n_parties, settings->data, (unsigned long long)settings->bits,
      (unsigned long long)settings->repeat);
  enum kith_err err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  if (err)
    return kith_cli_error(KITH_ERR_MEMORY, "not enough memory");
  printf("\nAll ways found the same pairs. At most %.0f MiB in memory.\n",
         (double)peak_bytes() / 1048576);
  if (some_part)
    printf("Brute force in brackets: on the first %llu rows of each party.\n",
           (unsigned long long)settings->brute_rows);
  return kith_cli_finish_stdout();
}

/* ---- JSON */

static json_t *run_json(const struct kith_bench_run *run, unsigned repeat, bool against)
{
  char hash[17];
  json_t *seconds = json_array();
  for (unsigned turn = 0; turn < repeat; turn++)
    (void)json_array_append_new(seconds, json_real(run->seconds[turn]));
  (void)snprintf(hash, sizeof hash, "%016llx", (unsigned long long)run->hash);
  json_t *out = json_pack(
      "{s:I, s:s, s:s, s:s, s:s, s:i, s:b, s:I, s:I, s:s, s:f, s:o, s:f, s:f, s:s}", "rows",
      (json_int_t)run->rows, "similarity", kith_similarity_name(run->similarity), "threshold",
      run->threshold, "method", run->method, "kernel", run->kernel, "threads", (int)run->n_threads,
      "part", run->part, "comparisons", (json_int_t)run->comparisons, "pairs",
      (json_int_t)run->pairs, "hash", hash, "median", run->median, "seconds", seconds, "per_second",
      rate(run), "times_brute", run->times_brute, "plan", run->plan);
  if (out && against && run->times_earlier > 0)
    (void)json_object_set_new(out, "times_earlier", json_real(run->times_earlier));
  return out;
}

static json_t *settings_json(const struct kith_bench_settings *settings)
{
  return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "rows",
                   settings->rows, "similarity", settings->similarities, "threshold",
                   settings->thresholds, "method", settings->methods, "kernels", settings->kernels,
                   "threads", settings->threads, "data", settings->data, "parties",
                   (json_int_t)settings->n_parties, "bits", (json_int_t)settings->bits, "repeat",
                   (json_int_t)settings->repeat, "brute_rows", (json_int_t)settings->brute_rows);
}

int kith_bench_show_json(const struct kith_bench_results *results,
                         const struct kith_bench_settings *settings, bool against)
{
  char processor[128];
  json_t *runs = json_array();
  processor_name(processor, sizeof processor);
  for (size_t r = 0; r < results->n; r++)
    (void)json_array_append_new(runs,
                                run_json(&results->items[r], (unsigned)settings->repeat, against));
  return kith_cli_json(json_pack("{s:s, s:s, s:s, s:i, s:o, s:I, s:o}", "kith", KITH_VERSION,
                                 "compiler", compiler(), "processor", processor, "processors",
                                 (int)kith_cli_processors(), "settings", settings_json(settings),
                                 "peak_bytes", (json_int_t)peak_bytes(), "runs", runs));
}
