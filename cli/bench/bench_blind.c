/* `kith bench blind`: what a submission of blind comparison costs, step by step, on one core. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "cli/bench/bench.h"
#include "cli/cli.h"
#include "cli/verbs.h"
#include "crypto/encode/mask.h"
#include "crypto/encode/permutation.h"
#include "crypto/encode/signature.h"
#include "crypto/encode/token.h"
#include "proto/policy_blind.h"

enum {
  KEY_BYTES = 32,
  GRAMS = 8,  /* of a field, as a name of seven letters has */
  LABELS = 64 /* rows whose labels are different */
};

enum step { STEP_SIGNATURES, STEP_TOKENS, STEP_ROWS, STEP_PERMUTATION, STEP_PLAIN, STEP_COUNT };

static const char *const step_names[STEP_COUNT] = {"signatures of a record", "token", "masked row",
                                                   "  of it: permutation",
                                                   "  permutation, bit by bit"};

struct bench {
  struct kith_blind_layout layout;
  struct kith_blind_key key;
  struct kith_masker *masker;
  uint64_t n;
  uint8_t *labels; /* owned */
  double seconds[STEP_COUNT];
  uint64_t sum; /* of what was made, so that it is made */
};

/* Of this thread's processor time: others on the machine do not count. */
static double now_s(void)
{
  struct timespec time;

  (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void sign_one(struct bench *bench, uint64_t i)
{
  uint8_t signatures[KITH_BLIND_ROW_BYTES_MAX] = {0};
  uint32_t seeds[GRAMS];
  uint8_t *at = signatures;

  for (unsigned f = 0; f < bench->layout.n_fields; f++) {
    for (unsigned g = 0; g < GRAMS; g++)
      seeds[g] = (uint32_t)(i * GRAMS + g) * 2654435761u + f;
    kith_signature(at, bench->layout.bits[f], seeds, GRAMS);
    at += bench->layout.bits[f] / 8;
  }
  bench->sum += signatures[0];
}

static void token_one(struct bench *bench, uint64_t i)
{
  struct kith_match_digest digest = {{0}};
  uint8_t token[KITH_TOKEN_BYTES];

  kith_put_le(digest.bytes, sizeof i, i);
  kith_token(token, &bench->key, (unsigned)(i % bench->layout.n_keys), &digest, 0, 0);
  bench->sum += token[0];
}

static enum kith_err row_one(struct bench *bench, uint64_t i)
{
  static const uint8_t signatures[KITH_BLIND_ROW_BYTES_MAX];
  const struct kith_mask_record record = {signatures, 0, 0, i};
  uint8_t row[KITH_BLIND_ROW_BYTES_MAX] = {0};
  enum kith_err err;

  kith_put_le(row, sizeof i, i);
  err = kith_mask_row(bench->masker, row, &record, false);
  bench->sum += row[KITH_TOKEN_BYTES];
  return err;
}

static void permute_one(struct bench *bench, uint64_t i, bool plain)
{
  uint8_t string[KITH_BLIND_ROW_BYTES_MAX] = {0x5a, 0x0f};
  size_t block = bench->layout.block_bytes;
  const uint8_t *labels = bench->labels + i % LABELS * block * KITH_RIFFLES;

  for (unsigned f = 0; f < bench->layout.n_fields; f++) {
    if (plain)
      kith_permute_plain(string, bench->layout.bits[f], labels);
    else
      kith_permute(string, bench->layout.bits[f], labels);
    labels += bench->layout.bits[f] / 8 * KITH_RIFFLES;
  }
  bench->sum += string[0];
}

static enum kith_err run_step(struct bench *bench, enum step step)
{
  double start_s = now_s();
  enum kith_err err = KITH_OK;

  for (uint64_t i = 0; i < bench->n && err == KITH_OK; i++) {
    if (step == STEP_SIGNATURES)
      sign_one(bench, i);
    else if (step == STEP_TOKENS)
      token_one(bench, i);
    else if (step == STEP_ROWS)
      err = row_one(bench, i);
    else
      permute_one(bench, i, step == STEP_PLAIN);
  }
  bench->seconds[step] = now_s() - start_s;
  return err;
}

static enum kith_err bench_init(struct bench *bench, const struct kith_policy *policy)
{
  struct kith_secret *pair = NULL;
  size_t label_bytes;
  enum kith_err err = kith_secret_random(&pair, KEY_BYTES);

  kith_policy_blind_layout(&bench->layout, policy);
  label_bytes = LABELS * bench->layout.block_bytes * KITH_RIFFLES;
  if (err == KITH_OK)
    err = kith_blind_key_init(&bench->key, pair);
  if (err == KITH_OK)
    err = kith_masker_new(&bench->masker, &bench->key, &bench->layout);
  bench->labels = kith_calloc(label_bytes, 1);
  if (bench->labels)
    kith_random_bytes(bench->labels, label_bytes);
  else
    err = KITH_ERR_MEMORY;
  kith_secret_free(pair);
  return err;
}

static int show(const struct bench *bench, bool json)
{
  json_t *steps = json_object();
  struct kith_cli_table table = {0};
  enum kith_err err;

  KITH_CLI_ROW(&table, "STEP", "PER SECOND AND CORE", "NANOSECONDS");
  for (unsigned step = 0; step < STEP_COUNT; step++) {
    const char *name = step_names[step] + strspn(step_names[step], " ");
    double each = bench->seconds[step] / (double)bench->n;
    char rate[32];
    char ns[32];

    (void)snprintf(rate, sizeof rate, "%.0f", each > 0 ? 1 / each : 0);
    (void)snprintf(ns, sizeof ns, "%.0f", each * 1e9);
    KITH_CLI_ROW(&table, step_names[step], rate, ns);
    (void)json_object_set_new(steps, name, json_real(each * 1e9));
  }
  if (json) {
    kith_cli_table_free(&table);
    return kith_cli_json(json_pack("{s:I, s:i, s:o}", "rows", (json_int_t)bench->n, "row_bytes",
                                   (int)bench->layout.row_bytes, "nanoseconds", steps));
  }
  json_decref(steps);
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  return err == KITH_OK ? kith_cli_finish_stdout() : kith_cli_error(err, "out of memory");
}

int kith_bench_blind(int argc, char **argv)
{
  struct bench bench = {.n = 200000};
  bool json = false;
  const struct kith_cli_option options[] = {
      {.name = "rows",
       .kind = KITH_CLI_U64,
       .out = &bench.n,
       .value = "N",
       .help = "times that each step is done (200000)",
       .min = 1,
       .max = UINT64_C(1) << 31},
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &json, .help = "print JSON"}};
  const struct kith_cli_spec spec = {
      .usage = "kith bench blind [--rows N] [--json]",
      .about = "Measures what a row of blind comparison costs under the default policy, in "
               "processor time of one core. A record has as many rows as there are match keys, for "
               "each peer, and its signatures once for each peer.",
      .examples = "  $ kith bench blind\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_policy *policy;
  struct kith_fault fault = {0};
  enum kith_err err;
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first != argc)
    return kith_cli_usage(spec.usage, "expected no operands");
  if (kith_cli_crypto(&fault) != KITH_OK)
    return kith_cli_fail(&fault);
  policy = KITH_NEW(struct kith_policy);
  if (!policy)
    return kith_cli_error(KITH_ERR_MEMORY, "out of memory");
  kith_policy_default_blind(policy);
  err = bench_init(&bench, policy);
  for (unsigned step = 0; step < STEP_COUNT && err == KITH_OK; step++)
    err = run_step(&bench, (enum step)step);
  status = err == KITH_OK ? show(&bench, json) : kith_cli_error(err, "can't be measured");
  kith_masker_free(bench.masker);
  kith_blind_key_free(&bench.key);
  kith_free(bench.labels);
  kith_free(policy);
  return status;
}
