/* `kith bench engine`: how many comparisons a second the engine makes here, on rows of its own or
 * on files of encodings. */
#include <string.h>

#include "base/mem.h"
#include "cli/bench/bench.h"
#include "cli/cli.h"

enum { PARTIES_MAX = KITH_ENGINE_PARTIES_MAX };

struct bench {
  struct kith_bench_settings settings;
  const char *against;
  bool json;
  struct kith_encodings files[PARTIES_MAX];
  unsigned n_files;
};

static const char *best_kernel(void)
{
  bool usable = false;
  const char *name = NULL;
  for (size_t k = 0; !usable; k++) /* the last is always usable */
    name = kith_engine_kernel_name(k, &usable);
  return name;
}

/* Where neither an option nor an earlier result says otherwise. */
static void take_defaults(struct kith_bench_settings *settings)
{
  static const struct kith_bench_settings defaults = {
      .rows = "10000,50000",
      .similarities = "dice",
      .thresholds = "0.8,0.9,0.95",
      .methods = "sketch,pigeonhole,auto",
      .threads = "1",
      .data = "people",
      .n_parties = 2,
      .bits = 1024,
      .repeat = 1,
      .brute_rows = 100000,
  };
#define TAKE(member)                                                                               \
  if (!settings->member)                                                                           \
  settings->member = defaults.member
  TAKE(rows);
  TAKE(similarities);
  TAKE(thresholds);
  TAKE(methods);
  TAKE(threads);
  TAKE(data);
  TAKE(n_parties);
  TAKE(bits);
  TAKE(repeat);
  TAKE(brute_rows);
#undef TAKE
  if (!settings->kernels)
    settings->kernels = best_kernel();
}

static enum kith_err read_files(struct bench *bench, char *const *paths, int n,
                                struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;
  if (n == 1 || n > PARTIES_MAX)
    return kith_fail(fault, KITH_ERR_USAGE, "%d files, 2 to %d can be matched", n, PARTIES_MAX);
  for (int p = 0; p < n && !err; p++) {
    err = kith_encodings_read(&bench->files[p], paths[p], KITH_ENCODINGS_DETECT, 0, fault);
    if (!err && p > 0)
      err =
          kith_encodings_comparable(&bench->files[0], paths[0], &bench->files[p], paths[p], fault);
    bench->n_files = (unsigned)p + 1;
  }
  if (!err && n) {
    bench->settings.data = "files";
    bench->settings.n_parties = bench->n_files;
    bench->settings.bits = bench->files[0].bits;
  }
  return err;
}

static enum kith_err check_data(const struct bench *bench, struct kith_fault *fault)
{
  const char *data = bench->settings.data;
  if (bench->n_files || strcmp(data, "people") == 0 || strcmp(data, "independent") == 0)
    return KITH_OK;
  return kith_fail(fault, KITH_ERR_USAGE, "--data: expected people or independent");
}

static int run(struct bench *bench, char *const *paths, int n_paths)
{
  struct kith_bench_results results = {0};
  struct kith_fault fault = {0};
  json_t *earlier = NULL;
  int status;
  enum kith_err err =
      bench->against ? kith_bench_earlier_read(&earlier, bench->against, &fault) : KITH_OK;
  if (!err && earlier)
    kith_bench_earlier_settings(&bench->settings, earlier);
  if (!err)
    err = read_files(bench, paths, n_paths, &fault);
  if (!err) {
    take_defaults(&bench->settings);
    err = check_data(bench, &fault);
  }
  if (!err)
    err = kith_bench_grid(&results, &bench->settings, bench->files, bench->n_files, &fault);
  if (!err && earlier)
    kith_bench_earlier_compare(&results, earlier, &bench->settings);
  if (err)
    status = kith_cli_fail(&fault);
  else if (bench->json)
    status = kith_bench_show_json(&results, &bench->settings, earlier != NULL);
  else
    status = kith_bench_show_table(&results, &bench->settings, earlier != NULL);
  for (unsigned p = 0; p < bench->n_files; p++)
    kith_encodings_free(&bench->files[p]);
  kith_bench_results_free(&results);
  json_decref(earlier);
  return status;
}

int kith_bench_engine(int argc, char **argv)
{
  static struct bench bench;
  struct kith_bench_settings *settings = &bench.settings;
  const struct kith_cli_option options[] = {
      {"rows", KITH_CLI_STRING, &settings->rows, "N,...", "rows a party (10000,50000)", 0, 0, NULL},
      {"parties", KITH_CLI_U64, &settings->n_parties, "N", "parties (2)", 2, PARTIES_MAX, NULL},
      {"bits", KITH_CLI_U64, &settings->bits, "N", "bits a row (1024)", 64, 8192, NULL},
      {"data", KITH_CLI_STRING, &settings->data, "NAME", "people or independent bits (people)", 0,
       0, NULL},
      {"threshold", KITH_CLI_STRING, &settings->thresholds, "T,...", "bounds (0.8,0.9,0.95)", 0, 0,
       NULL},
      {"similarity", KITH_CLI_STRING, &settings->similarities, "NAME,...",
       "dice, jaccard, hamming or masked (dice)", 0, 0, NULL},
      {"method", KITH_CLI_STRING, &settings->methods, "NAME,...",
       "beside brute: sketch, sketch:GROUPS, pigeonhole, auto (all but sketch:GROUPS)", 0, 0, NULL},
      {"kernel", KITH_CLI_STRING, &settings->kernels, "NAME,...", "or all (the best)", 0, 0, NULL},
      {"threads", KITH_CLI_STRING, &settings->threads, "N,...", "or all (1)", 0, 0, NULL},
      {"repeat", KITH_CLI_U64, &settings->repeat, "N", "medians of N, in turns (1)", 1,
       KITH_BENCH_REPEAT_MAX, NULL},
      {"brute-rows", KITH_CLI_U64, &settings->brute_rows, "N",
       "brute force on so many rows a party at most (100000)", 1, 100000000, NULL},
      {"against", KITH_CLI_STRING, &bench.against, "FILE",
       "measure again what an earlier --json has, and compare", 0, 0, NULL},
      {"json", KITH_CLI_FLAG, &bench.json, NULL, "one JSON document", 0, 0, NULL},
  };
  const struct kith_cli_spec spec = {
      .usage = "kith bench engine [OPTIONS] [FILE FILE ...]",
      .about =
          "Measures the similarity engine, with brute force as the yardstick in the same run,\n"
          "and checks that all ways find the same pairs. Rows are made up, or from files of\n"
          "encodings.",
      .examples = "  $ kith bench engine --rows 100000 --threshold 0.85 --repeat 5\n"
                  "  $ kith bench engine --json > before.json\n"
                  "  $ kith bench --against before.json\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options),
  };
  int first = 0;
  int status = 0;
  memset(&bench, 0, sizeof bench);
  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  return run(&bench, argv + first, argc - first);
}
