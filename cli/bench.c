/* `kith bench engine`: how many comparisons a second each kernel makes here, on synthetic rows
 * that behave like those of people: names drawn from skewed lists and cut into bigrams, dates,
 * sex, postcodes, each field sometimes missing; half the people of a party are in the next. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/bench.h"
#include "cli/cli.h"
#include "cli/verbs.h"
#include "matcher/engine/engine.h"

enum { N_FIELDS = 5, PARTIES_MAX = KITH_ENGINE_PARTIES_MAX, NAME_LETTERS_MAX = 12 };

static uint64_t mix(uint64_t z)
{
  z += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* In [0, 1). */
static double unit(uint64_t hash)
{
  return (double)(hash >> 11) / 9007199254740992.0;
}

static void add_token(uint8_t *row, unsigned bits, unsigned field, uint64_t token, unsigned n)
{
  for (unsigned i = 0; i < n; i++) {
    uint64_t bit = mix(mix(token * N_FIELDS + field) + i) % bits;
    row[bit / 8] = (uint8_t)(row[bit / 8] | 0x80u >> bit % 8);
  }
}

/* The name of a rank, as bigrams of letters that are as skewed as those of English. `typo` is 0
 * or a hash that changes one letter. */
static void add_name(uint8_t *row, unsigned bits, unsigned field, uint64_t rank, uint64_t typo,
                     unsigned n)
{
  static const char letters[] = "eeeeeeaaaaaiiiiooorrrrnnnnlllssstttdhhmmcyubgkpwjvfz";
  char name[NAME_LETTERS_MAX + 2] = " ";
  uint64_t hash = mix(rank * 2 + field);
  size_t len = 4 + hash % (NAME_LETTERS_MAX - 5);
  for (size_t i = 1; i <= len; i++)
    name[i] = letters[mix(hash + i) % (sizeof letters - 1)];
  name[len + 1] = ' ';
  if (typo)
    name[1 + typo % len] = letters[mix(typo) % (sizeof letters - 1)];
  for (size_t i = 0; i <= len; i++)
    add_token(row, bits, field, (uint64_t)name[i] << 8 | (uint64_t)name[i + 1], n);
}

/* Each doubling of the rank is as likely as the one before: ranks fall off as 1 / rank. */
static uint64_t zipf(double u, unsigned n_doublings)
{
  double place = u * n_doublings;
  unsigned doubling = (unsigned)place;
  double within = place - doubling;
  return (UINT64_C(1) << doubling) + (uint64_t)(within * (double)(UINT64_C(1) << doubling));
}

static void make_row(struct kith_encodings *enc, size_t row, uint64_t person, uint64_t record)
{
  static const double missing[N_FIELDS] = {0.01, 0.01, 0.04, 0.01, 0.12};
  uint8_t *bits = kith_encodings_row(enc, row);
  unsigned mask = 0;
  for (unsigned f = 0; f < N_FIELDS; f++)
    if (unit(mix(record * 31 + f)) >= missing[f])
      mask |= 1u << f;
  uint64_t typo = unit(mix(record * 37)) < 0.1 ? mix(record * 41) : 0;
  if (mask & 1)
    add_name(bits, enc->bits, 0, zipf(unit(mix(person * 3)), 11), typo, 10);
  if (mask & 2)
    add_name(bits, enc->bits, 1, zipf(unit(mix(person * 3 + 1)), 15), 0, 10);
  uint64_t date = mix(person * 3 + 2);
  if (mask & 4) {
    add_token(bits, enc->bits, 2, date % 31, 20);
    add_token(bits, enc->bits, 2, 100 + date / 31 % 12, 20);
    add_token(bits, enc->bits, 2, 200 + date / 512 % 80, 20);
  }
  if (mask & 8)
    add_token(bits, enc->bits, 3, date >> 40 & 1, 20);
  if (mask & 16)
    add_token(bits, enc->bits, 4, date / 65536 % 2000, 10);
  if (enc->masks)
    enc->masks[row] = (uint16_t)mask;
}

static enum kith_err make_party(struct kith_encodings *enc, size_t n, unsigned bits, unsigned party)
{
  static const uint32_t weights[N_FIELDS] = {80, 90, 60, 20, 10};
  enum kith_err err = kith_encodings_alloc(enc, n, bits, true);
  if (err)
    return err;
  enc->n_fields = N_FIELDS;
  memcpy(enc->field_weights, weights, sizeof weights);
  for (size_t i = 0; i < n; i++)
    make_row(enc, i, party * (uint64_t)n / 2 + i, party * (uint64_t)n + i);
  return KITH_OK;
}

/* ---- one measurement */

struct bench {
  uint64_t n_rows;
  uint64_t n_parties;
  uint64_t bits;
  uint64_t n_threads; /* 0: one and all */
  struct kith_ratio bound;
  const char *kernel;
  const char *similarity;
  const char *method;
  bool json;
  bool quiet;
  struct kith_encodings parties[PARTIES_MAX];
};

static enum kith_err count_pairs(void *context, const struct kith_pair *pairs, size_t n)
{
  (void)pairs;
  *(uint64_t *)context += n;
  return KITH_OK;
}

static enum kith_err measure(const struct bench *bench, const struct kith_engine_options *options,
                             bool first, struct kith_fault *fault)
{
  const struct kith_encodings *list[PARTIES_MAX];
  for (size_t p = 0; p < bench->n_parties; p++)
    list[p] = &bench->parties[p];
  unsigned n = (unsigned)bench->n_parties;
  uint64_t n_pairs = 0;
  int64_t start_ms = kith_clock_monotonic_ms();
  enum kith_err err = kith_engine_run(list, n, options, count_pairs, &n_pairs, fault);
  if (err)
    return err;
  double seconds = (double)(kith_clock_monotonic_ms() - start_ms) / 1000;
  uint64_t comparisons = kith_engine_comparisons(list, n, options);
  double rate = seconds > 0 ? (double)comparisons / seconds : 0;
  const char *similarity = kith_similarity_name(options->similarity);
  if (bench->json)
    printf(
        "%s  {\"kernel\": \"%s\", \"similarity\": \"%s\", \"threads\": %u, \"comparisons\": %llu, "
        "\"pairs\": %llu, \"seconds\": %.3f, \"per_second\": %.0f}",
        first ? "" : ",\n", options->kernel, similarity, options->n_threads,
        (unsigned long long)comparisons, (unsigned long long)n_pairs, seconds, rate);
  else
    printf("%-8s  %-10s  %7u  %14llu  %10llu  %8.3f  %9.3f\n", options->kernel, similarity,
           options->n_threads, (unsigned long long)comparisons, (unsigned long long)n_pairs,
           seconds, rate / 1e9);
  (void)fflush(stdout);
  return KITH_OK;
}

static enum kith_err measure_all(const struct bench *bench, struct kith_fault *fault)
{
  struct kith_engine_options options;
  kith_engine_options_init(&options);
  options.bound = bench->bound;
  options.cancel = kith_cli_cancel_on_signal();
  if (bench->method && kith_engine_method_parse(&options.method, bench->method, fault))
    return kith_fail_at(fault, KITH_ERR_USAGE, "--method");
  unsigned all = kith_cli_processors();
  bool usable = false;
  bool first = true;
  bool known = false;
  enum kith_err err = KITH_OK;
  for (size_t k = 0; !err && (options.kernel = kith_engine_kernel_name(k, &usable)); k++) {
    if (!usable || (bench->kernel && strcmp(bench->kernel, options.kernel) != 0))
      continue;
    known = true;
    for (unsigned kind = 0; kind < 4 && !err; kind++) {
      options.similarity = (enum kith_similarity_kind)kind;
      if (bench->similarity
              ? strcmp(bench->similarity, kith_similarity_name(options.similarity)) != 0
              : kind != KITH_SIMILARITY_DICE && kind != KITH_SIMILARITY_MASKED)
        continue;
      for (unsigned round = 0; round < 2 && !err; round++) {
        options.n_threads = bench->n_threads ? (unsigned)bench->n_threads : round ? all : 1;
        if (round == 1 && (bench->n_threads || all == 1))
          continue;
        err = measure(bench, &options, first, fault);
        first = false;
      }
    }
  }
  if (!err && !known)
    err = kith_fail(fault, KITH_ERR_USAGE, "--kernel: this machine has no such kernel");
  return err;
}

static int bench_engine(int argc, char **argv)
{
  static struct bench bench;
  struct kith_fault fault = {0};
  bench = (struct bench){.n_rows = 20000, .n_parties = 2, .bits = 1024, .bound = {4, 5}};
  const struct kith_cli_option options[] = {
      {"rows", KITH_CLI_U64, &bench.n_rows, "N", "rows a party (20000)", 1, 100000000, NULL},
      {"parties", KITH_CLI_U64, &bench.n_parties, "N", "parties (2)", 2, PARTIES_MAX, NULL},
      {"bits", KITH_CLI_U64, &bench.bits, "N", "bits a row (1024)", 64, 8192, NULL},
      {"threshold", KITH_CLI_RATIO, &bench.bound, "T", "pairs at or above it are found (0.8)", 0, 0,
       NULL},
      {"similarity", KITH_CLI_STRING, &bench.similarity, "NAME",
       "dice, jaccard, hamming or masked (dice and masked)", 0, 0, NULL},
      {"kernel", KITH_CLI_STRING, &bench.kernel, "NAME", "avx512, avx2 or scalar (all)", 0, 0,
       NULL},
      {"method", KITH_CLI_STRING, &bench.method, "NAME", "auto, brute, sketch or pigeonhole (auto)",
       0, 0, NULL},
      {"threads", KITH_CLI_U64, &bench.n_threads, "N", "threads (one, then all processors)", 1,
       KITH_ENGINE_THREADS_MAX, NULL},
      {"json", KITH_CLI_FLAG, &bench.json, NULL, "one JSON document", 0, 0, NULL},
  };
  const struct kith_cli_spec spec = {
      .usage = "kith bench engine [OPTIONS]",
      .about = "Measures the similarity engine on synthetic encodings: comparisons a second.",
      .examples = "  $ kith bench engine --rows 50000 --kernel avx2\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options),
  };
  int first = 0;
  int status = 0;
  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  enum kith_similarity_kind kind;
  enum kith_err err = KITH_OK;
  if (first < argc)
    err = kith_fail(&fault, KITH_ERR_USAGE, "bench engine takes no operands");
  if (!err && bench.similarity)
    err = kith_similarity_parse(&kind, bench.similarity, &fault);
  for (unsigned p = 0; p < bench.n_parties && !err; p++) {
    err = make_party(&bench.parties[p], bench.n_rows, (unsigned)bench.bits, p);
    if (err)
      err = kith_fail(&fault, err, "not enough memory for the rows");
  }
  if (!err) {
    if (bench.json)
      printf("{\"rows\": %llu, \"parties\": %llu, \"bits\": %llu, \"runs\": [\n",
             (unsigned long long)bench.n_rows, (unsigned long long)bench.n_parties,
             (unsigned long long)bench.bits);
    else
      printf("kernel    similarity  threads     comparisons       pairs   seconds  10^9 / s\n");
    err = measure_all(&bench, &fault);
    if (bench.json)
      printf("\n]}\n");
  }
  for (unsigned p = 0; p < PARTIES_MAX; p++)
    kith_encodings_free(&bench.parties[p]);
  return err ? kith_cli_fail(&fault) : kith_cli_finish_stdout();
}

int kith_cmd_bench(int argc, char **argv)
{
  static const struct kith_cli_verb verbs[] = {
      {"engine", bench_engine, "comparisons a second of the similarity engine"},
      {"encode", kith_bench_encode, "rows a second that are read, standardised and encoded"},
  };

  return kith_cli_verbs("bench", "The project's own benchmarks.", verbs, KITH_COUNT_OF(verbs), argc,
                        argv);
}
