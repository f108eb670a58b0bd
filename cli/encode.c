/* kith encode: a file of records as encodings, for a clkhash schema or under a kith policy. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/encode.h"
#include "cli/verbs.h"
#include "crypto/encode/clkhash.h"
#include "daemon/pipeline/pipeline.h"

enum { SECRET_FILE_BYTES_MAX = 1 << 16 };

/* ---- kith ---- */

static void show_share(void *context, double share)
{
  kith_cli_progress_update(context, share, share);
}

static void row_replace(void *context, const struct kith_coarser *row)
{
  kith_encodings_replace(context, row->row, row->old_filters, row->old_mask, row->filters,
                         row->mask);
}

/* Block by block, so that a file of any length needs the memory of a few blocks. */
static enum kith_err kith_blocks(struct kith_encode *encode, struct kith_pipeline *pipeline,
                                 bool masked, struct kith_scope_counts *scope,
                                 struct kith_coarser_counts *coarser, FILE *stream,
                                 struct kith_fault *fault)
{
  struct kith_encodings_writer writer;
  struct kith_encodings like;
  const struct kith_block *block;
  enum kith_err err;

  kith_encodings_init(&like);
  kith_pipeline_describe(pipeline, &like);
  kith_encodings_begin(&writer, stream, &like, masked);
  while ((err = kith_pipeline_next(pipeline, &block, fault)) == KITH_OK) {
    kith_encodings_add(&writer, block->filters, block->masks, block->n);
    encode->n_bad += block->n_set_aside;
    kith_scope_counts_add(scope, &block->scope);
    if (ferror(stream))
      break;
  }
  if (err != KITH_OK && err != KITH_ERR_NOT_FOUND)
    return err;
  err = kith_pipeline_coarsen(pipeline, row_replace, &writer, coarser);
  if (err != KITH_OK)
    return kith_fail(fault, err, "%s: no memory for the patterns of missing fields", encode->path);
  kith_scope_counts_rare(scope, coarser->n_out);
  encode->n_encoded = scope->n[KITH_SCOPE_IN];
  return kith_encodings_end(&writer) == KITH_OK
             ? KITH_OK
             : kith_fail(fault, KITH_ERR_IO, "%s: can't be written", encode->out_path);
}

static void say_coarser(const struct kith_encode *encode, const struct kith_policy *policy,
                        const struct kith_coarser_counts *coarser)
{
  if (coarser->n_coarsened)
    (void)fprintf(stderr,
                  "%s: %llu rows are encoded without a field that they have: fewer than %u rows "
                  "lack the same fields\n",
                  encode->path, (unsigned long long)coarser->n_coarsened, policy->mask_minimum);
  if (coarser->too_few)
    (void)fprintf(stderr,
                  "%s: fewer than %u rows: which fields each of them lacks is in the encodings\n",
                  encode->path, policy->mask_minimum);
}

static void say_left_out(const struct kith_encode *encode, const struct kith_scope_counts *scope,
                         const struct kith_objections *list)
{
  for (unsigned i = KITH_SCOPE_IN + 1; i < KITH_SCOPE_REASON_COUNT; i++)
    if (scope->n[i])
      (void)fprintf(stderr, "%s: %llu rows are empty encodings: %s\n", encode->path,
                    (unsigned long long)scope->n[i],
                    kith_scope_reason_name((enum kith_scope_reason)i));
  if (list && kith_objections_missed(list))
    (void)fprintf(stderr, "%s: %zu ids of the list of objections are not in it\n", encode->path,
                  kith_objections_missed(list));
}

static enum kith_err encode_policy(struct kith_encode *encode, const struct kith_policy *policy,
                                   struct kith_fault *fault)
{
  struct kith_cli_progress progress;
  struct kith_pipeline_options options = {.n_threads = (unsigned)encode->n_threads,
                                          .progress = show_share,
                                          .progress_context = &progress,
                                          .cancel = kith_cli_cancel_on_signal()};
  struct kith_source_spec source = kith_source_of_file(encode->path);
  struct kith_profile *profile = NULL;
  struct kith_scope_counts scope = {0};
  struct kith_coarser_counts coarser = {0};
  struct kith_pipeline *pipeline = NULL;
  struct kith_file_out *out = NULL;
  enum kith_err err = KITH_OK;

  if (encode->objections_path)
    err = kith_objections_load(&options.objections, encode->objections_path, fault);
  if (err == KITH_OK && encode->profile_name)
    err = kith_profile_load(&profile, encode->profile_name, fault);
  source.profile = profile;
  source.strict = encode->strict;
  if (err == KITH_OK)
    err = kith_pipeline_open(&pipeline, policy, kith_secret_peek(encode->secret),
                             kith_secret_len(encode->secret), &source, &options, fault);
  if (err == KITH_OK)
    err = kith_file_out_new(&out, encode->out_path, KITH_ENCODE_OUT_MODE, fault);
  if (err == KITH_OK) {
    kith_cli_progress_start(&progress, "encoding", "files", encode->quiet);
    err = kith_blocks(encode, pipeline, policy->mask, &scope, &coarser, kith_file_out_stream(out),
                      fault);
    kith_cli_progress_finish(&progress);
  }
  if (err == KITH_OK)
    err = kith_file_out_commit(out, fault);
  if (err == KITH_OK && !encode->quiet) {
    say_coarser(encode, policy, &coarser);
    say_left_out(encode, &scope, options.objections);
  }
  kith_file_out_free(out);
  kith_pipeline_free(pipeline);
  kith_objections_free(options.objections);
  kith_profile_free(profile);
  return err;
}

static enum kith_err encode_kith(struct kith_encode *encode, struct kith_fault *fault)
{
  struct kith_policy *policy = KITH_NEW(struct kith_policy);
  struct kith_signed document = {0};
  enum kith_err err;

  if (!policy)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  err = kith_cli_policy_load(&document, policy, encode->schema_path, fault);
  if (err == KITH_ERR_DATA)
    err = fault->err = KITH_ERR_CONFIG;
  if (err == KITH_OK)
    err = encode_policy(encode, policy, fault);
  kith_signed_free(&document);
  kith_free(policy);
  return err;
}

/* ---- the command ---- */

/* A policy says so in its first key, alone or in its envelope of signatures. */
static bool is_clkhash(const uint8_t *schema, size_t len)
{
  json_t *document = NULL;
  bool clkhash = kith_json_parse(&document, schema, len, "", NULL) == KITH_OK &&
                 json_object_get(document, "clkConfig");

  json_decref(document);
  return clkhash;
}

static enum kith_err run(struct kith_encode *encode, struct kith_fault *fault)
{
  uint8_t *schema = NULL;
  size_t len = 0;
  bool clkhash = false;
  enum kith_err err = kith_cli_crypto(fault);

  if (err == KITH_OK)
    err = kith_file_read(&schema, &len, encode->schema_path, KITH_CLKHASH_SCHEMA_BYTES_MAX, fault);
  if (err == KITH_OK)
    err = kith_secret_read_file(&encode->secret, encode->secret_path, SECRET_FILE_BYTES_MAX, fault);
  if (err == KITH_OK) {
    clkhash = encode->format ? strcmp(encode->format, "clkhash") == 0 : is_clkhash(schema, len);
    if (encode->strict && encode->skip_bad)
      err =
          kith_fail(fault, KITH_ERR_USAGE, "--strict stops at a bad row, --skip-bad leaves it out");
    else if (!clkhash && encode->skip_bad)
      err = kith_fail(fault, KITH_ERR_USAGE,
                      "--skip-bad is for --format clkhash: under a policy a row that is set aside "
                      "keeps its place as an empty encoding");
    else if (clkhash && encode->objections_path)
      err = kith_fail(fault, KITH_ERR_USAGE,
                      "--objections is for --format kith: what clkhash writes has no empty "
                      "encodings; take the rows out of the file");
    else if (clkhash && encode->profile_name)
      err = kith_fail(fault, KITH_ERR_USAGE,
                      "--profile is for --format kith: a clkhash schema says itself which columns "
                      "there are");
  }
  if (err == KITH_OK)
    err = clkhash ? kith_encode_clkhash(encode, schema, len, fault) : encode_kith(encode, fault);
  kith_secret_free(encode->secret);
  kith_free(schema);
  if (err == KITH_OK && !encode->quiet && encode->n_bad)
    (void)fprintf(stderr, "%s: %llu rows encoded, %llu set aside%s\n", encode->path,
                  (unsigned long long)encode->n_encoded, (unsigned long long)encode->n_bad,
                  clkhash ? "" : ": kith source check says why");
  return err;
}

static enum kith_err check_usage(const struct kith_encode *encode, int n_operands,
                                 struct kith_fault *fault)
{
  if (n_operands != 1)
    return kith_fail(fault, KITH_ERR_USAGE, "one FILE.csv is encoded at a time, %d were given",
                     n_operands);
  if (!encode->schema_path || !encode->secret_path || !encode->out_path)
    return kith_fail(fault, KITH_ERR_USAGE, "--schema, --secret-file and --out are needed");
  if (encode->format && strcmp(encode->format, "clkhash") != 0 &&
      strcmp(encode->format, "kith") != 0)
    return kith_fail(fault, KITH_ERR_USAGE, "--format: expected clkhash or kith");
  return KITH_OK;
}

int kith_cmd_encode(int argc, char **argv)
{
  struct kith_encode encode = {0};
  const struct kith_cli_option options[] = {
      {"schema", KITH_CLI_STRING, &encode.schema_path, "FILE",
       "a clkhash linkage schema, or a kith policy", 0, 0, NULL},
      {"secret-file", KITH_CLI_STRING, &encode.secret_path, "FILE",
       "its bytes are the secret, a newline at the end included", 0, 0, NULL},
      {"profile", KITH_CLI_STRING, &encode.profile_name, "NAME|FILE",
       "under a policy: how the file's columns are laid out (standard)", 0, 0, NULL},
      {"out", KITH_CLI_STRING, &encode.out_path, "FILE", "where the encodings go", 0, 0, NULL},
      {"format", KITH_CLI_STRING, &encode.format, "NAME", "clkhash or kith (as the schema is)", 0,
       0, NULL},
      {"skip-bad", KITH_CLI_FLAG, &encode.skip_bad, NULL,
       "leave bad rows out; OUT.rows.csv says which are there", 0, 0, NULL},
      {"threads", KITH_CLI_U64, &encode.n_threads, "N", "threads (all processors)", 1,
       KITH_ORDERED_THREADS_MAX, NULL},
      {"strict", KITH_CLI_FLAG, &encode.strict, NULL,
       "stop at the first bad row, as clkhash does (else an empty encoding)", 0, 0, NULL},
      {"objections", KITH_CLI_STRING, &encode.objections_path, "FILE",
       "ids of people who objected: their rows are empty encodings (kith)", 0, 0, NULL},
      {"quiet", KITH_CLI_FLAG, &encode.quiet, NULL, "no progress", 0, 0, NULL},
  };
  const struct kith_cli_spec spec = {
      .usage = "kith encode --schema FILE --secret-file FILE --out OUT FILE.csv",
      .about =
          "Encodes each row of the file: as the clkhash command does, bit for bit, for a linkage\n"
          "schema (the result is {\"clks\": [...]}, in row order), or with kith's own encoding\n"
          "under a policy. A bad row stops the first, and is an empty encoding in the second.\n"
          "Encodings of two files compare only where schema and secret are the same to the byte.",
      .examples = "  $ kith encode --schema schema.json --secret-file secret --out a.json a.csv\n"
                  "  $ kith encode --schema policy.json --secret-file secret --out a.kith a.csv\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options),
  };
  struct kith_fault fault = {0};
  int first = 0;
  int status = 0;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (check_usage(&encode, argc - first, &fault) != KITH_OK)
    return kith_cli_fail(&fault);
  encode.path = argv[first];
  return run(&encode, &fault) == KITH_OK ? 0 : kith_cli_fail(&fault);
}
