/* kith encode: a file of records as encodings, for a clkhash schema or under a kith policy. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/verbs.h"
#include "crypto/encode/clkhash.h"
#include "daemon/pipeline/pipeline.h"

enum { SECRET_FILE_BYTES_MAX = 1 << 16, ROWS_A_LOOK = 256, OUT_MODE = 0600 };

struct encode {
  const char *schema_path;
  const char *secret_path;
  const char *format; /* "clkhash" or "kith"; NULL: as the schema is */
  const char *out_path;
  const char *objections_path;
  const char *profile_name;
  const char *path;
  bool skip_bad;
  bool quiet;
  struct kith_secret *secret;
  uint64_t n_encoded;
  uint64_t n_bad;
};

/* ---- clkhash ---- */

struct clkhash {
  struct kith_clkhash_schema *schema;
  struct kith_clkhash_encoder *encoder;
  struct kith_csv *csv;
  struct kith_file_out *out;
  struct kith_file_out *rows; /* with --skip-bad: which rows are there */
  uint8_t *filter;
  size_t filter_bytes;
  char *base64;
  double bytes_all;
  double bytes_read;
};

static void clkhash_free(struct clkhash *work)
{
  kith_file_out_free(work->rows);
  kith_file_out_free(work->out);
  kith_csv_free(work->csv);
  kith_clkhash_encoder_free(work->encoder);
  kith_clkhash_schema_free(work->schema);
  kith_free(work->filter);
  kith_free(work->base64);
}

static enum kith_err clkhash_open_out(struct clkhash *work, const struct encode *encode,
                                      struct kith_fault *fault)
{
  enum kith_err err = kith_file_out_new(&work->out, encode->out_path, OUT_MODE, fault);
  size_t len = strlen(encode->out_path) + sizeof ".rows.csv";
  char *path;

  if (err != KITH_OK || !encode->skip_bad)
    return err;
  path = kith_calloc(len, 1);
  if (!path)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  (void)snprintf(path, len, "%s.rows.csv", encode->out_path);
  err = kith_file_out_new(&work->rows, path, OUT_MODE, fault);
  kith_free(path);
  if (err == KITH_OK)
    (void)fputs("row,source_row\n", kith_file_out_stream(work->rows));
  return err;
}

static enum kith_err clkhash_open(struct clkhash *work, const struct encode *encode,
                                  const uint8_t *schema, size_t len, struct kith_fault *fault)
{
  const char *const *header;
  size_t n_columns = 0;
  struct stat status;
  enum kith_err err =
      kith_clkhash_schema_parse(&work->schema, schema, len, encode->schema_path, fault);

  if (err != KITH_OK)
    return err;
  if ((err = kith_csv_open(&work->csv, encode->path, NULL, fault)) != KITH_OK)
    return err;
  header = kith_csv_header(work->csv, &n_columns);
  err = kith_clkhash_schema_header(work->schema, header, n_columns, fault);
  if (err != KITH_OK)
    return kith_fail_at(fault, err, "%s", encode->path);
  work->filter_bytes = ((size_t)kith_clkhash_schema_bits(work->schema) + 7) / 8;
  work->filter = kith_calloc(work->filter_bytes, 1);
  work->base64 = kith_calloc(KITH_BASE64_BYTES(work->filter_bytes), 1);
  err = work->filter && work->base64
            ? kith_clkhash_encoder_new(&work->encoder, work->schema, encode->secret)
            : KITH_ERR_MEMORY;
  if (err != KITH_OK)
    return kith_fail(fault, err, "%s: no keys: %s", encode->schema_path, kith_err_name(err));
  if (stat(encode->path, &status) == 0)
    work->bytes_all = (double)status.st_size;
  return clkhash_open_out(work, encode, fault);
}

static enum kith_err clkhash_row(struct clkhash *work, const struct kith_csv_row *row,
                                 struct kith_fault *fault)
{
  if (row->problem != KITH_CSV_FINE && row->problem != KITH_CSV_RAGGED)
    return kith_fail(fault, KITH_ERR_DATA, "column %u: %s", row->bad_column + 1,
                     kith_csv_problem_text(row->problem));
  return kith_clkhash_encode(work->encoder, work->filter, row->fields, row->n_fields, fault);
}

static void clkhash_write(struct clkhash *work, const struct encode *encode, uint64_t row)
{
  FILE *out = kith_file_out_stream(work->out);

  kith_base64_encode(work->base64, work->filter, work->filter_bytes);
  (void)fprintf(out, "%s\"%s\"", encode->n_encoded ? ", " : "", work->base64);
  if (work->rows)
    (void)fprintf(kith_file_out_stream(work->rows), "%llu,%llu\n",
                  (unsigned long long)encode->n_encoded, (unsigned long long)row);
}

static enum kith_err clkhash_rows(struct clkhash *work, struct encode *encode,
                                  struct kith_cli_progress *progress, struct kith_fault *fault)
{
  const atomic_bool *cancel = kith_cli_cancel_on_signal();
  struct kith_csv_row row;
  enum kith_err err;

  (void)fputs("{\"clks\": [", kith_file_out_stream(work->out));
  while ((err = kith_csv_next(work->csv, &row, fault)) == KITH_OK) {
    for (size_t i = 0; i < row.n_fields; i++)
      work->bytes_read += (double)row.lens[i] + 1;
    err = clkhash_row(work, &row, fault);
    if (err == KITH_OK) {
      clkhash_write(work, encode, row.row);
      encode->n_encoded++;
    } else if (err == KITH_ERR_DATA && encode->skip_bad) {
      encode->n_bad++;
    } else {
      return kith_fail_at(fault, err, "%s: row %llu", encode->path, (unsigned long long)row.row);
    }
    if (atomic_load(cancel))
      return kith_fail(fault, KITH_ERR_CANCELLED, "stopped, nothing was written");
    if (row.row % ROWS_A_LOOK == 0)
      kith_cli_progress_update(progress,
                               work->bytes_all > 0 ? work->bytes_read / work->bytes_all : 0,
                               (double)(encode->n_encoded + encode->n_bad));
  }
  (void)fputs("]}\n", kith_file_out_stream(work->out));
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

static enum kith_err encode_clkhash(struct encode *encode, const uint8_t *schema, size_t len,
                                    struct kith_fault *fault)
{
  struct kith_cli_progress progress;
  struct clkhash work = {0};
  enum kith_err err = clkhash_open(&work, encode, schema, len, fault);

  if (err == KITH_OK) {
    kith_cli_progress_start(&progress, "encoding", "rows", encode->quiet);
    err = clkhash_rows(&work, encode, &progress, fault);
    kith_cli_progress_finish(&progress);
  }
  if (err == KITH_OK && work.rows)
    err = kith_file_out_commit(work.rows, fault);
  if (err == KITH_OK)
    err = kith_file_out_commit(work.out, fault);
  clkhash_free(&work);
  return err;
}

/* ---- kith ---- */

static void show_share(void *context, double share)
{
  kith_cli_progress_update(context, share, share);
}

/* Block by block, so that a file of any length needs the memory of a few blocks. */
static enum kith_err kith_blocks(struct encode *encode, struct kith_pipeline *pipeline, bool masked,
                                 struct kith_scope_counts *scope, FILE *stream,
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
  encode->n_encoded = scope->n[KITH_SCOPE_IN];
  if (err != KITH_OK && err != KITH_ERR_NOT_FOUND)
    return err;
  return kith_encodings_end(&writer) == KITH_OK
             ? KITH_OK
             : kith_fail(fault, KITH_ERR_IO, "%s: can't be written", encode->out_path);
}

static void say_left_out(const struct encode *encode, const struct kith_scope_counts *scope,
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

static enum kith_err encode_policy(struct encode *encode, const struct kith_policy *policy,
                                   struct kith_fault *fault)
{
  struct kith_cli_progress progress;
  struct kith_pipeline_options options = {
      .progress = show_share, .progress_context = &progress, .cancel = kith_cli_cancel_on_signal()};
  struct kith_source_spec source = kith_source_of_file(encode->path);
  struct kith_profile *profile = NULL;
  struct kith_scope_counts scope = {0};
  struct kith_pipeline *pipeline = NULL;
  struct kith_file_out *out = NULL;
  enum kith_err err = KITH_OK;

  if (encode->objections_path)
    err = kith_objections_load(&options.objections, encode->objections_path, fault);
  if (err == KITH_OK && encode->profile_name)
    err = kith_profile_load(&profile, encode->profile_name, fault);
  source.profile = profile;
  if (err == KITH_OK)
    err = kith_pipeline_open(&pipeline, policy, kith_secret_peek(encode->secret),
                             kith_secret_len(encode->secret), &source, &options, fault);
  if (err == KITH_OK)
    err = kith_file_out_new(&out, encode->out_path, OUT_MODE, fault);
  if (err == KITH_OK) {
    kith_cli_progress_start(&progress, "encoding", "files", encode->quiet);
    err = kith_blocks(encode, pipeline, policy->mask, &scope, kith_file_out_stream(out), fault);
    kith_cli_progress_finish(&progress);
  }
  if (err == KITH_OK)
    err = kith_file_out_commit(out, fault);
  if (err == KITH_OK && !encode->quiet)
    say_left_out(encode, &scope, options.objections);
  kith_file_out_free(out);
  kith_pipeline_free(pipeline);
  kith_objections_free(options.objections);
  kith_profile_free(profile);
  return err;
}

static enum kith_err encode_kith(struct encode *encode, struct kith_fault *fault)
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

static enum kith_err run(struct encode *encode, struct kith_fault *fault)
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
    if (!clkhash && encode->skip_bad)
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
    err = clkhash ? encode_clkhash(encode, schema, len, fault) : encode_kith(encode, fault);
  kith_secret_free(encode->secret);
  kith_free(schema);
  if (err == KITH_OK && !encode->quiet && encode->n_bad)
    (void)fprintf(stderr, "%s: %llu rows encoded, %llu set aside\n", encode->path,
                  (unsigned long long)encode->n_encoded, (unsigned long long)encode->n_bad);
  return err;
}

static enum kith_err check_usage(const struct encode *encode, int n_operands,
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
  struct encode encode = {0};
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
