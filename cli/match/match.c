/* `kith match`: all pairs of encodings at or above a threshold; also in shards on several machines,
 * and what sealing and merging these need. */
#include "cli/match/match.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "crypto/jobkey.h"
#include "matcher/engine/engine.h"

/* What the command line says. */
struct request {
  struct kith_match match;
  const char *shard;
  const char *memory;
  const char *seal_dir;
  bool merge;
  bool destroy_key;
};

void kith_match_free(struct kith_match *match)
{
  kith_match_pairs_free(&match->pairs);
  for (unsigned p = 0; p < KITH_MATCH_FILES_MAX; p++)
    kith_encodings_free(&match->files[p]);
  kith_cli_party_names_free(match->names, match->n_files);
  match->names = NULL;
  kith_secret_free(match->key);
  match->key = NULL;
}

/* ---- usage */

static enum kith_err parse_shard(struct kith_match *match, const char *text,
                                 struct kith_fault *fault)
{
  const char *slash = strchr(text, '/');
  char index[16] = "";
  uint64_t i = 0;
  uint64_t n = 0;
  if (slash && (size_t)(slash - text) < sizeof index)
    memcpy(index, text, (size_t)(slash - text));
  if (!slash || kith_u64_parse(&n, slash + 1, 1, KITH_MATCH_SHARDS_MAX) ||
      kith_u64_parse(&i, index, 1, n))
    return kith_fail(fault, KITH_ERR_USAGE,
                     "--shard: expected I/N, a shard I from 1 to N of at most %d",
                     KITH_MATCH_SHARDS_MAX);
  match->shard = (uint32_t)i;
  match->n_shards = (uint32_t)n;
  return KITH_OK;
}

/* "512M": bytes, or with K, M, G or T. */
static enum kith_err parse_memory(struct kith_match *match, const char *text,
                                  struct kith_fault *fault)
{
  static const char units[] = "KMGT";
  char digits[24] = "";
  size_t len = strlen(text);
  const char *unit = len > 0 ? strchr(units, text[len - 1]) : NULL;
  unsigned shift = unit ? 10 * ((unsigned)(unit - units) + 1) : 0;
  if (unit)
    len--;
  if (len < sizeof digits)
    memcpy(digits, text, len);
  if (kith_u64_parse(&match->memory_bytes, digits, 1, (UINT64_C(1) << 50) >> shift))
    return kith_fail(fault, KITH_ERR_USAGE,
                     "--memory: expected a number of bytes, or one with K, M, G or T after it");
  match->memory_bytes <<= shift;
  kith_mem_return_freed();
  return KITH_OK;
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
  while (b != 0) {
    uint32_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

static enum kith_err check_threshold(struct kith_match *match, struct kith_fault *fault)
{
  struct kith_ratio *threshold = &match->threshold;
  if (threshold->numerator == 0 || threshold->numerator > threshold->denominator)
    return kith_fail(fault, KITH_ERR_USAGE, "--threshold must be above 0 and at most 1");
  const uint32_t divisor = common_divisor(threshold->numerator, threshold->denominator);
  threshold->numerator /= divisor;
  threshold->denominator /= divisor;
  return KITH_OK;
}

static enum kith_err check_match(struct request *request, int n_operands, struct kith_fault *fault)
{
  struct kith_match *match = &request->match;
  enum kith_err err = KITH_OK;
  if (!match->has_threshold)
    return kith_fail(fault, KITH_ERR_USAGE, "--threshold is missing");
  if (n_operands < 1 || (n_operands < 2 && !match->within))
    return kith_fail(fault, KITH_ERR_USAGE,
                     "expected two or more files of encodings, or one and --within");
  if (n_operands > KITH_MATCH_FILES_MAX)
    return kith_fail(fault, KITH_ERR_USAGE, "%d files, at most %d can be matched", n_operands,
                     KITH_MATCH_FILES_MAX);
  if (request->shard)
    err = parse_shard(match, request->shard, fault);
  if (!err && request->memory)
    err = parse_memory(match, request->memory, fault);
  if (!err && match->shard && !match->out)
    err = kith_fail(fault, KITH_ERR_USAGE, "--shard: --out FILE says where the shard goes");
  if (!err && request->destroy_key)
    err = kith_fail(fault, KITH_ERR_USAGE,
                    "--destroy-key goes with --merge, or alone with --key FILE");
  return err;
}

static enum kith_err check_merge(const struct request *request, int n_operands,
                                 struct kith_fault *fault)
{
  if (request->shard || request->seal_dir || request->match.journal || request->memory ||
      request->match.bits)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "--merge reads shards: --shard, --seal-inputs, --journal, --memory and --bits "
                     "do not go with it");
  if (n_operands < 1)
    return kith_fail(fault, KITH_ERR_USAGE, "--merge: expected the files of all shards");
  if (request->destroy_key && !request->match.out)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "--destroy-key: --out FILE says where the pairs go before the key does");
  return KITH_OK;
}

static enum kith_err check_seal(const struct request *request, int n_operands,
                                struct kith_fault *fault)
{
  if (!request->match.key_path)
    return kith_fail(fault, KITH_ERR_USAGE, "--seal-inputs: --key FILE is missing");
  if (request->shard || request->match.out || request->match.journal || request->destroy_key ||
      request->match.has_threshold)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "--seal-inputs makes sealed copies and no pairs: --threshold, --out, "
                     "--journal and --shard do not go with it");
  if (n_operands < 1 || n_operands > KITH_MATCH_FILES_MAX)
    return kith_fail(fault, KITH_ERR_USAGE, "--seal-inputs: expected 1 to %d files of encodings",
                     KITH_MATCH_FILES_MAX);
  return KITH_OK;
}

static enum kith_err check_usage(struct request *request, int n_operands, struct kith_fault *fault)
{
  struct kith_match *match = &request->match;
  enum kith_err err = match->has_threshold ? check_threshold(match, fault) : KITH_OK;
  if (err)
    return err;
  if (request->destroy_key && !match->key_path)
    return kith_fail(fault, KITH_ERR_USAGE, "--destroy-key: --key FILE is missing");
  if (request->merge)
    return check_merge(request, n_operands, fault);
  if (request->seal_dir)
    return check_seal(request, n_operands, fault);
  if (request->destroy_key && n_operands == 0)
    return KITH_OK;
  return check_match(request, n_operands, fault);
}

/* ---- what it does */

static enum kith_err load_key(struct request *request, struct kith_fault *fault)
{
  struct kith_match *match = &request->match;
  bool locked = true;
  if (kith_crypto_init(&locked) != KITH_OK)
    return kith_fail(fault, KITH_ERR_INTERNAL, "the cryptographic library does not start");
  if (!match->key_path)
    return KITH_OK;
  if (request->seal_dir && !kith_file_exists(match->key_path))
    return kith_jobkey_make(&match->key, match->key_path, fault);
  return kith_jobkey_load(&match->key, match->key_path, fault);
}

static enum kith_err find_pairs(struct request *request, struct kith_fault *fault)
{
  struct kith_match *match = &request->match;
  enum kith_err err = kith_match_read(match, fault);
  if (!err)
    err = kith_match_run(match, fault);
  if (!err && !match->quiet)
    (void)fprintf(stderr, "match: %zu pairs%s\n", match->pairs.n,
                  match->journal ? "; the journal is removed" : "");
  return err;
}

static enum kith_err merge(struct request *request, struct kith_fault *fault)
{
  struct kith_match *match = &request->match;
  enum kith_similarity_kind kind = KITH_SIMILARITY_DICE;
  const struct kith_match_expected expected = {.threshold =
                                                   match->has_threshold ? &match->threshold : NULL,
                                               .similarity = match->similarity ? &kind : NULL,
                                               .within = match->within};
  uint64_t n_pairs = 0;
  enum kith_err err =
      match->similarity ? kith_similarity_parse(&kind, match->similarity, fault) : KITH_OK;
  if (err)
    return kith_fail_at(fault, err, "--similarity");
  err = kith_match_merge(match->out, match->paths, match->n_files, &expected, match->key, &n_pairs,
                         fault);
  if (!err && !match->quiet)
    (void)fprintf(stderr, "match: %llu pairs from %u shards\n", (unsigned long long)n_pairs,
                  match->n_files);
  return err;
}

static enum kith_err destroy_key(const struct kith_match *match, struct kith_fault *fault)
{
  enum kith_err err = kith_file_destroy(match->key_path, fault);
  if (!err && !match->quiet)
    (void)fprintf(stderr, "match: %s is destroyed: what was sealed under it opens no more\n",
                  match->key_path);
  return err;
}

static int run(struct request *request)
{
  struct kith_match *match = &request->match;
  struct kith_fault fault = {0};
  const bool only_destroy = match->n_files == 0;
  enum kith_err err = KITH_OK;
  if (!request->merge && !only_destroy)
    err = kith_cli_party_names(&match->names, match->paths, match->n_files, &fault);
  if (!err)
    err = load_key(request, &fault);
  if (!err && request->merge)
    err = merge(request, &fault);
  else if (!err && request->seal_dir)
    err = kith_match_seal(match, request->seal_dir, &fault);
  else if (!err && !only_destroy)
    err = find_pairs(request, &fault);
  if (!err && request->destroy_key)
    err = destroy_key(match, &fault);
  if (request->merge)
    match->n_files = 0; /* there are no names */
  kith_match_free(match);
  return err ? kith_cli_fail(&fault) : kith_cli_finish_stdout();
}

/* ---- the command */

static const char about[] =
    "Finds every pair of encodings across files (with --within also inside them) whose\n"
    "similarity is at or above T, exactly. Files: of `kith encode` in either format, or\n"
    "raw rows with --bits; gzipped or not. A file's base name is its party's name.\n"
    "Writes CSV: party_a,row_a,party_b,row_b,similarity; rows count from 0.\n"
    "\n"
    "On several machines: --shard I/N on each writes a shard, --merge of all N makes the\n"
    "same pairs.csv. --seal-inputs makes copies that may lie on storage which machines\n"
    "share; `kith-slurm-match` does all of it under Slurm.";
static const char examples[] =
    "  $ kith match --threshold 0.85 --out pairs.csv police.kith health.kith\n"
    "  $ kith match --threshold 17/20 --within --out twice.csv police.json\n"
    "  $ kith match --threshold 0.9 --journal pairs.journal --out pairs.csv a.kith b.kith\n"
    "  $ kith match --threshold 0.9 --shard 3/10 --out 3.shard a.kith b.kith\n"
    "  $ kith match --merge --out pairs.csv *.shard\n"
    "  $ kith match --seal-inputs /shared/job --key ~/job.key a.kith b.kith\n";

int kith_cmd_match(int argc, char **argv)
{
  static struct request request;
  struct kith_match *match = &request.match;
  const struct kith_cli_option options[] = {
      {"threshold", KITH_CLI_RATIO, &match->threshold, "T",
       "pairs at or above it: an exact decimal or N/D, above 0, at most 1", 0, 0,
       &match->has_threshold},
      {"similarity", KITH_CLI_STRING, &match->similarity, "NAME",
       "dice, jaccard, hamming or masked (masked where the files have masks, else dice)", 0, 0,
       NULL},
      {"within", KITH_CLI_FLAG, &match->within, NULL, "pairs inside each file, too", 0, 0, NULL},
      {"bits", KITH_CLI_U64, &match->bits, "N", "the files are raw rows of N bits", 1,
       KITH_ENCODINGS_BITS_MAX, NULL},
      {"out", KITH_CLI_STRING, &match->out, "FILE", "write there, whole or not at all", 0, 0, NULL},
      {"threads", KITH_CLI_U64, &match->n_threads, "N", "threads (all processors)", 1,
       KITH_ENGINE_THREADS_MAX, NULL},
      {"memory", KITH_CLI_STRING, &request.memory, "BYTES",
       "a ceiling, as 512M or 8G: in more parts where it is low, or an error (none)", 0, 0, NULL},
      {"max-pairs", KITH_CLI_U64, &match->pairs_max, "N",
       "stop with an error where there are more pairs (100000000)", 1, UINT64_C(1) << 40, NULL},
      {"journal", KITH_CLI_STRING, &match->journal, "FILE",
       "note there what is done, and go on from it after a stop; removed at the end", 0, 0, NULL},
      {"shard", KITH_CLI_STRING, &request.shard, "I/N",
       "only shard I of N, from 1: a file for --merge", 0, 0, NULL},
      {"merge", KITH_CLI_FLAG, &request.merge, NULL, "make pairs.csv of all N shards", 0, 0, NULL},
      {"key", KITH_CLI_STRING, &match->key_path, "FILE",
       "the job's key: files, shards and journals are sealed under it", 0, 0, NULL},
      {"seal-inputs", KITH_CLI_STRING, &request.seal_dir, "DIR",
       "only write sealed copies there; makes the key unless it is there", 0, 0, NULL},
      {"destroy-key", KITH_CLI_FLAG, &request.destroy_key, NULL,
       "overwrite and remove the key at the end", 0, 0, NULL},
      {"method", KITH_CLI_STRING, &match->method, "NAME",
       "auto, brute, sketch or pigeonhole (auto): changes the time, never the pairs", 0, 0, NULL},
      {"kernel", KITH_CLI_STRING, &match->kernel, "NAME",
       "avx512, avx512bw, avx2, popcnt, neon, scalar (the best)", 0, 0, NULL},
      {"explain", KITH_CLI_FLAG, &match->explain, NULL, "say how the pairs are found, and why so",
       0, 0, NULL},
      {"quiet", KITH_CLI_FLAG, &match->quiet, NULL, "no progress", 0, 0, NULL},
  };
  const struct kith_cli_spec spec = {
      .usage = "kith match --threshold T [OPTIONS] --out pairs.csv A B [C ...]",
      .about = about,
      .examples = examples,
      .options = options,
      .n_options = KITH_COUNT_OF(options),
  };
  struct kith_fault fault = {0};
  int first = 0;
  int status = 0;
  request = (struct request){.match = {.n_threads = kith_cli_processors(), .pairs_max = 100000000}};
  if (match->n_threads > KITH_ENGINE_THREADS_MAX)
    match->n_threads = KITH_ENGINE_THREADS_MAX;
  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (check_usage(&request, argc - first, &fault))
    return kith_cli_fail(&fault);
  match->paths = argv + first;
  match->n_files = (unsigned)(argc - first);
  return run(&request);
}
