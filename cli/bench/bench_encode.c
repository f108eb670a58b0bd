/* kith bench encode: how fast this machine reads, standardises and encodes made-up people. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/bench/bench.h"
#include "cli/cli.h"
#include "cli/generate/generate.h"
#include "cli/verbs.h"
#include "daemon/pipeline/pipeline.h"

enum { PATH_BYTES = 64, RUNS_MAX = 6, BIG_AGENCY = 5 };

struct run {
  const char *stage;
  unsigned n_threads;
  double seconds; /* the least of the repeats */
  double rate;    /* rows a second */
};

struct bench {
  uint64_t n_people;
  uint64_t n_threads; /* 0: one and all */
  uint64_t repeat;
  uint64_t seed;
  bool json;
  const char *format;
  bool clkhash;
  FILE *out; /* in memory; clkhash */
  uint64_t n_rows;
  char path[PATH_BYTES]; /* of a file in memory */
  struct kith_policy policy;
  struct run runs[RUNS_MAX];
  unsigned n_runs;
};

/* ---- the rows */

static enum kith_err write_rows(struct bench *bench, int fd, struct kith_fault *fault)
{
  struct kith_gen_city city = {0};
  FILE *rows = fdopen(fd, "wb");
  FILE *truth = fopen("/dev/null", "wb");
  size_t n = 0;
  enum kith_err err = rows && truth ? KITH_OK : KITH_ERR_IO;

  if (err == KITH_OK)
    err = kith_gen_city_make(&city, bench->n_people, bench->seed);
  if (err == KITH_OK)
    err = kith_gen_agency_write(&city, bench->clkhash ? BIG_AGENCY : 0, rows, truth, &n);
  if (err == KITH_OK && (fflush(rows) != 0 || ferror(rows)))
    err = KITH_ERR_IO;
  if (err == KITH_OK && n == 0)
    err = kith_fail(fault, KITH_ERR_USAGE, "--people: too few for an agency to have a record");
  else if (err != KITH_OK)
    (void)kith_fail(fault, err, "the rows can't be made: %s", kith_err_name(err));
  bench->n_rows = n;
  kith_gen_city_free(&city);
  if (truth)
    (void)fclose(truth);
  if (rows)
    (void)fclose(rows);
  else
    (void)close(fd);
  return err;
}

/* In memory, so that no disk is measured. *fd is the caller's. */
static enum kith_err rows_make(struct bench *bench, int *fd, struct kith_fault *fault)
{
  int copy;

  *fd = memfd_create("kith-bench", MFD_CLOEXEC);
  copy = *fd < 0 ? -1 : dup(*fd);
  if (copy < 0)
    return kith_fail(fault, KITH_ERR_IO, "no file in memory");
  (void)snprintf(bench->path, sizeof bench->path, "/proc/self/fd/%d", *fd);
  return write_rows(bench, copy, fault);
}

static FILE *out_open(void)
{
  int fd = memfd_create("kith-bench-out", MFD_CLOEXEC);
  FILE *out = fd < 0 ? NULL : fdopen(fd, "wb");

  if (fd >= 0 && !out)
    (void)close(fd);
  return out;
}

/* ---- measuring */

static enum kith_err read_all(const struct bench *bench, bool standardise, struct kith_fault *fault)
{
  const struct kith_source_spec spec = kith_source_of_file(bench->path);
  struct kith_source *source = NULL;
  struct kith_source_row row;
  enum kith_err err = kith_source_open(&source, &spec, fault);

  while (err == KITH_OK && (err = kith_source_next(source, &row, fault)) == KITH_OK) {
    enum kith_outcome outcomes[KITH_FIELD_COUNT];
    struct kith_record record;

    if (standardise && row.rule == KITH_ROW_FINE)
      kith_standardise(&record, outcomes, row.fields, NULL);
  }
  kith_source_free(source);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

static enum kith_err encode_all(const struct bench *bench, unsigned n_threads,
                                struct kith_fault *fault)
{
  static const uint8_t secret[] = "a benchmark needs no secret";
  const struct kith_source_spec spec = kith_source_of_file(bench->path);
  const struct kith_pipeline_options options = {.n_threads = n_threads,
                                                .cancel = kith_cli_cancel_on_signal()};
  struct kith_pipeline *pipeline = NULL;
  const struct kith_block *block;
  enum kith_err err =
      kith_pipeline_open(&pipeline, &bench->policy, secret, sizeof secret, &spec, &options, fault);

  while (err == KITH_OK)
    err = kith_pipeline_next(pipeline, &block, fault);
  kith_pipeline_free(pipeline);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

enum stage { READ, STANDARDISE, ALL, CLKHASH };

/* `stage` from CLKHASH on is one of clkhash's. */
static enum kith_err stage_do(const struct bench *bench, int stage, unsigned n_threads,
                              struct kith_fault *fault)
{
  if (stage == ALL)
    return encode_all(bench, n_threads, fault);
  if (stage < CLKHASH)
    return read_all(bench, stage == STANDARDISE, fault);
  if (bench->out)
    rewind(bench->out);
  return kith_bench_clkhash(bench->path, (enum kith_bench_clkhash_stage)(stage - CLKHASH),
                            bench->out, n_threads, fault);
}

/* The least time of several is the one that others disturbed least. */
static enum kith_err least_seconds(double *out, const struct bench *bench, int stage,
                                   unsigned n_threads, struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  for (uint64_t i = 0; i < bench->repeat && err == KITH_OK; i++) {
    int64_t start_ms = kith_clock_monotonic_ms();
    double seconds;

    err = stage_do(bench, stage, n_threads, fault);
    seconds = (double)(kith_clock_monotonic_ms() - start_ms) / 1000;
    if (i == 0 || seconds < *out)
      *out = seconds;
  }
  return err;
}

static void run_add(struct bench *bench, const char *stage, unsigned n_threads, double seconds)
{
  double least = seconds > 0.001 ? seconds : 0.001; /* the clock's step */

  bench->runs[bench->n_runs++] =
      (struct run){stage, n_threads, seconds > 0 ? seconds : 0, (double)bench->n_rows / least};
}

/* Each stage does those before it too: a stage's own time is what it takes longer. */
static enum kith_err measure(struct bench *bench, struct kith_fault *fault)
{
  static const char *const names[2][4] = {{"read", "standardise", "encode"},
                                          {"read", "encode", "text", "write"}};
  int first = bench->clkhash ? CLKHASH : READ;
  int n = bench->clkhash ? 4 : 3;
  unsigned all = kith_pipeline_threads((unsigned)bench->n_threads);
  double before = 0;
  double seconds = 0;
  enum kith_err err = KITH_OK;

  for (int i = 0; i < n && err == KITH_OK; i++) {
    err = least_seconds(&seconds, bench, first + i, 1, fault);
    if (err == KITH_OK)
      run_add(bench, names[bench->clkhash][i], 1, seconds - before);
    before = seconds;
  }
  if (err == KITH_OK)
    run_add(bench, "all", 1, seconds);
  if (err == KITH_OK && all > 1)
    err = least_seconds(&seconds, bench, first + n - 1, all, fault);
  if (err == KITH_OK && all > 1)
    run_add(bench, "all", all, seconds);
  return err;
}

/* ---- results */

static int show_json(const struct bench *bench)
{
  json_t *runs = json_array();

  for (unsigned i = 0; i < bench->n_runs; i++)
    (void)json_array_append_new(
        runs, json_pack("{s:s, s:i, s:f, s:f}", "stage", bench->runs[i].stage, "threads",
                        (int)bench->runs[i].n_threads, "seconds", bench->runs[i].seconds,
                        "rows_per_second", bench->runs[i].rate));
  return kith_cli_json(json_pack("{s:I, s:I, s:o}", "rows", (json_int_t)bench->n_rows, "bits",
                                 (json_int_t)bench->policy.bits, "runs", runs));
}

static int show_table(const struct bench *bench)
{
  struct kith_cli_table table = {0};
  enum kith_err err;

  KITH_CLI_ROW(&table, "STAGE", "THREADS", "SECONDS", "ROWS A SECOND");
  for (unsigned i = 0; i < bench->n_runs; i++) {
    char threads[16];
    char seconds[24];
    char rate[24];

    (void)snprintf(threads, sizeof threads, "%u", bench->runs[i].n_threads);
    (void)snprintf(seconds, sizeof seconds, "%.3f", bench->runs[i].seconds);
    (void)snprintf(rate, sizeof rate, "%.0f", bench->runs[i].rate);
    KITH_CLI_ROW(&table, bench->runs[i].stage, threads, seconds, rate);
  }
  printf("%llu rows, %u bits\n\n", (unsigned long long)bench->n_rows, bench->policy.bits);
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  return err == KITH_OK ? kith_cli_finish_stdout()
                        : kith_cli_error(KITH_ERR_MEMORY, "not enough memory");
}

int kith_bench_encode(int argc, char **argv)
{
  static const char agencies[1][KITH_MEMBER_ID_BYTES] = {"bench"};
  struct bench bench = {.n_people = 500000, .repeat = 3, .seed = 1};
  const struct kith_cli_option options[] = {
      {"people", KITH_CLI_U64, &bench.n_people, "N", "of a made-up city (500000)", 1, 100000000,
       NULL},
      {"threads", KITH_CLI_U64, &bench.n_threads, "N", "beside one (all processors)", 1,
       KITH_PIPELINE_THREADS_MAX, NULL},
      {"repeat", KITH_CLI_U64, &bench.repeat, "N", "the least time of N (3)", 1, 100, NULL},
      {"seed", KITH_CLI_U64, &bench.seed, "S", "of the city (1)", 0, UINT64_MAX, NULL},
      {"format", KITH_CLI_STRING, &bench.format, "NAME", "kith or clkhash (kith)", 0, 0, NULL},
      {"json", KITH_CLI_FLAG, &bench.json, NULL, "one JSON document", 0, 0, NULL},
  };
  const struct kith_cli_spec spec = {
      .usage = "kith bench encode [OPTIONS]",
      .about = "Measures how fast made-up records are read, standardised and encoded under the\n"
               "default policy, or read, encoded and written for a clkhash schema of five fields:\n"
               "each stage on one thread, then all of them on one and on many.",
      .examples = "  $ kith bench encode --people 1000000\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options),
  };
  struct kith_fault fault = {0};
  int first = 0;
  int status = 0;
  int fd = -1;
  enum kith_err err;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first < argc)
    return kith_cli_error(KITH_ERR_USAGE, "bench encode takes no operands");
  bench.clkhash = bench.format && strcmp(bench.format, "clkhash") == 0;
  if (bench.format && !bench.clkhash && strcmp(bench.format, "kith") != 0)
    return kith_cli_error(KITH_ERR_USAGE, "--format: expected kith or clkhash");
  kith_policy_default(&bench.policy, agencies, 1);
  err = kith_cli_crypto(&fault);
  if (err == KITH_OK)
    err = rows_make(&bench, &fd, &fault);
  if (err == KITH_OK && bench.clkhash && !(bench.out = out_open()))
    err = kith_fail(&fault, KITH_ERR_IO, "no file in memory");
  if (err == KITH_OK)
    err = measure(&bench, &fault);
  if (bench.out)
    (void)fclose(bench.out);
  if (fd >= 0)
    (void)close(fd);
  if (err != KITH_OK)
    return kith_cli_fail(&fault);
  return bench.json ? show_json(&bench) : show_table(&bench);
}
