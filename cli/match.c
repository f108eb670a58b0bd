/* `kith match`: all pairs of encodings at or above a threshold. */
#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "matcher/engine/engine.h"
#include "proto/encodings.h"

struct match {
  struct kith_ratio threshold;
  const char *similarity;
  const char *method;
  const char *kernel;
  bool explain;
  const char *shard;
  const char *out;
  uint64_t bits;
  uint64_t n_threads;
  uint64_t pairs_max;
  char *const *paths;
  char **names;
  struct kith_encodings files[KITH_ENGINE_PARTIES_MAX];
  unsigned n_files;
  bool has_threshold;
  bool within;
  bool merge;
  bool quiet;
};

static enum kith_err check_usage(const struct match *match, int n_operands,
                                 struct kith_fault *fault)
{
  if (match->shard || match->merge)
    return kith_fail(fault, KITH_ERR_USAGE, "--shard and --merge are not available yet");
  if (!match->has_threshold)
    return kith_fail(fault, KITH_ERR_USAGE, "--threshold is missing");
  if (match->threshold.numerator == 0 || match->threshold.numerator > match->threshold.denominator)
    return kith_fail(fault, KITH_ERR_USAGE, "--threshold must be above 0 and at most 1");
  if (n_operands < 1 || (n_operands < 2 && !match->within))
    return kith_fail(fault, KITH_ERR_USAGE,
                     "expected two or more files of encodings, or one and --within");
  if (n_operands > KITH_ENGINE_PARTIES_MAX)
    return kith_fail(fault, KITH_ERR_USAGE, "%d files, at most %d can be matched", n_operands,
                     KITH_ENGINE_PARTIES_MAX);
  return KITH_OK;
}

static enum kith_err read_files(struct match *match, struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;
  for (unsigned p = 0; p < match->n_files && !err; p++) {
    err = kith_encodings_read(&match->files[p], match->paths[p], KITH_ENCODINGS_DETECT,
                              (unsigned)match->bits, fault);
    for (unsigned q = 0; q < p && !err; q++)
      err = kith_encodings_comparable(&match->files[q], match->paths[q], &match->files[p],
                                      match->paths[p], fault);
  }
  return err;
}

/* Masked where every file with rows has masks, else Dice. */
static enum kith_err choose_similarity(enum kith_similarity_kind *out, const struct match *match,
                                       struct kith_fault *fault)
{
  const char *without = NULL;
  bool some = false;
  for (unsigned p = 0; p < match->n_files; p++) {
    some |= match->files[p].masks != NULL;
    if (match->files[p].n > 0 && !match->files[p].masks)
      without = match->paths[p];
  }
  *out = some && !without ? KITH_SIMILARITY_MASKED : KITH_SIMILARITY_DICE;
  enum kith_err err =
      match->similarity ? kith_similarity_parse(out, match->similarity, fault) : KITH_OK;
  if (err)
    return kith_fail_at(fault, err, "--similarity");
  if (*out == KITH_SIMILARITY_MASKED && without)
    return kith_fail(fault, KITH_ERR_DATA,
                     "%s: no presence masks, which --similarity masked needs: encode with a policy "
                     "that has a mask, or use --similarity dice",
                     without);
  return KITH_OK;
}

static void show_progress(void *context, uint64_t done, uint64_t total)
{
  kith_cli_progress_update(context, total ? (double)done / (double)total : 1, (double)done);
}

static void explain(void *context, const char *plan)
{
  (void)context;
  (void)fprintf(stderr, "match: %s\n", plan);
}

static enum kith_err run_engine(const struct match *match, struct kith_pairs *pairs,
                                struct kith_fault *fault)
{
  const struct kith_encodings *parties[KITH_ENGINE_PARTIES_MAX];
  struct kith_cli_progress progress;
  struct kith_engine_options options;
  kith_engine_options_init(&options);
  enum kith_err err = choose_similarity(&options.similarity, match, fault);
  if (err)
    return err;
  for (unsigned p = 0; p < match->n_files; p++)
    parties[p] = &match->files[p];
  options.bound = match->threshold;
  options.within = match->within;
  options.n_threads = (unsigned)match->n_threads;
  options.results_max = match->pairs_max;
  options.kernel = match->kernel;
  options.explain = match->explain ? explain : NULL;
  if (match->method) {
    err = kith_engine_method_parse(&options.method, match->method, fault);
    if (err)
      return kith_fail_at(fault, err, "--method");
  }
  options.progress = show_progress;
  options.progress_context = &progress;
  options.cancel = kith_cli_cancel_on_signal();
  kith_cli_progress_start(&progress, "match", "pairs", match->quiet);
  err = kith_engine_run(parties, match->n_files, &options, kith_pairs_sink, pairs, fault);
  kith_cli_progress_finish(&progress);
  if (!err)
    kith_pairs_sort(pairs);
  return err;
}

static void print_pairs(FILE *stream, const struct match *match, const struct kith_pairs *pairs)
{
  (void)fputs("party_a,row_a,party_b,row_b,similarity\n", stream);
  for (size_t i = 0; i < pairs->n; i++) {
    const struct kith_pair *pair = &pairs->items[i];
    uint32_t millionths = kith_fraction_millionths(pair->similarity);
    kith_csv_write_field(stream, match->names[pair->party_a]);
    (void)fprintf(stream, ",%u,", pair->row_a);
    kith_csv_write_field(stream, match->names[pair->party_b]);
    (void)fprintf(stream, ",%u,%u.%06u\n", pair->row_b, millionths / 1000000, millionths % 1000000);
  }
}

static enum kith_err write_pairs(const struct match *match, const struct kith_pairs *pairs,
                                 struct kith_fault *fault)
{
  if (!match->out) {
    print_pairs(stdout, match, pairs);
    return KITH_OK; /* a failed write is found by kith_cli_finish_stdout */
  }
  struct kith_file_out *file = NULL;
  enum kith_err err = kith_file_out_new(&file, match->out, 0644, fault);
  if (err)
    return err;
  print_pairs(kith_file_out_stream(file), match, pairs);
  err = kith_file_out_commit(file, fault);
  kith_file_out_free(file);
  return err;
}

static int run_match(struct match *match)
{
  struct kith_fault fault = {0};
  struct kith_pairs pairs = {0};
  enum kith_err err = kith_cli_party_names(&match->names, match->paths, match->n_files, &fault);
  if (!err)
    err = read_files(match, &fault);
  if (!err)
    err = run_engine(match, &pairs, &fault);
  if (!err)
    err = write_pairs(match, &pairs, &fault);
  if (!err && !match->quiet)
    (void)fprintf(stderr, "match: %zu pairs\n", pairs.n);
  kith_pairs_free(&pairs);
  for (unsigned p = 0; p < match->n_files; p++)
    kith_encodings_free(&match->files[p]);
  kith_cli_party_names_free(match->names, match->n_files);
  return err ? kith_cli_fail(&fault) : kith_cli_finish_stdout();
}

int kith_cmd_match(int argc, char **argv)
{
  static struct match match;
  match = (struct match){.n_threads = kith_cli_processors(), .pairs_max = 100000000};
  if (match.n_threads > KITH_ENGINE_THREADS_MAX)
    match.n_threads = KITH_ENGINE_THREADS_MAX;
  const struct kith_cli_option options[] = {
      {"threshold", KITH_CLI_RATIO, &match.threshold, "T",
       "pairs at or above it: an exact decimal or N/D, above 0, at most 1", 0, 0,
       &match.has_threshold},
      {"similarity", KITH_CLI_STRING, &match.similarity, "NAME",
       "dice, jaccard, hamming or masked (masked where the files have masks, else dice)", 0, 0,
       NULL},
      {"within", KITH_CLI_FLAG, &match.within, NULL, "pairs inside each file, too", 0, 0, NULL},
      {"bits", KITH_CLI_U64, &match.bits, "N", "the files are raw rows of N bits", 1,
       KITH_ENCODINGS_BITS_MAX, NULL},
      {"out", KITH_CLI_STRING, &match.out, "FILE", "write there, whole or not at all", 0, 0, NULL},
      {"threads", KITH_CLI_U64, &match.n_threads, "N", "threads (all processors)", 1,
       KITH_ENGINE_THREADS_MAX, NULL},
      {"max-pairs", KITH_CLI_U64, &match.pairs_max, "N",
       "stop with an error where there are more pairs (100000000)", 1, UINT64_C(1) << 40, NULL},
      {"method", KITH_CLI_STRING, &match.method, "NAME",
       "auto, brute, sketch or pigeonhole (auto): changes the time, never the pairs", 0, 0, NULL},
      {"kernel", KITH_CLI_STRING, &match.kernel, "NAME", "avx512, avx2 or scalar (the best here)",
       0, 0, NULL},
      {"explain", KITH_CLI_FLAG, &match.explain, NULL, "say how the pairs are found, and why so", 0,
       0, NULL},
      {"shard", KITH_CLI_STRING, &match.shard, "I/N", "not available yet", 0, 0, NULL},
      {"merge", KITH_CLI_FLAG, &match.merge, NULL, "not available yet", 0, 0, NULL},
      {"quiet", KITH_CLI_FLAG, &match.quiet, NULL, "no progress", 0, 0, NULL},
  };
  const struct kith_cli_spec spec = {
      .usage = "kith match --threshold T [OPTIONS] --out pairs.csv A B [C ...]",
      .about =
          "Finds every pair of encodings across files (with --within also inside them) whose\n"
          "similarity is at or above T, exactly. Files: of `kith encode` in either format, or\n"
          "raw rows with --bits; gzipped or not. A file's base name is its party's name.\n"
          "Writes CSV: party_a,row_a,party_b,row_b,similarity; rows count from 0.",
      .examples = "  $ kith match --threshold 0.85 --out pairs.csv police.kith health.kith\n"
                  "  $ kith match --threshold 17/20 --within --out twice.csv police.json\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options),
  };
  struct kith_fault fault = {0};
  int first = 0;
  int status = 0;
  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (check_usage(&match, argc - first, &fault))
    return kith_cli_fail(&fault);
  match.paths = argv + first;
  match.n_files = (unsigned)(argc - first);
  return run_match(&match);
}
