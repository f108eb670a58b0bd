/* The stages of kith bench encode --format clkhash: reading alone, encodings without text, the text
 * of a file, and that written. Each has those before it. */
#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "base/mem.h"
#include "cli/bench/bench.h"
#include "cli/cli.h"
#include "daemon/pipeline/clkhash.h"

/* Five fields of kith generate's tables at 1,024 bits, each with an insertion strategy and a
 * comparison as they are usual. */
static const char schema_text[] =
    "{\"version\": 3, \"clkConfig\": {\"l\": 1024, \"kdf\": {\"type\": \"HKDF\"}}, \"features\": ["
    "{\"identifier\": \"id\", \"ignored\": true},"
    "{\"identifier\": \"given_name\", \"format\": {\"type\": \"string\"}, \"hashing\": "
    "{\"comparison\": {\"type\": \"ngram\", \"n\": 2}, \"strategy\": {\"bitsPerFeature\": 200}}},"
    "{\"identifier\": \"middle_names\", \"ignored\": true},"
    "{\"identifier\": \"surname\", \"format\": {\"type\": \"string\"}, \"hashing\": "
    "{\"comparison\": {\"type\": \"ngram\", \"n\": 2}, \"strategy\": {\"bitsPerFeature\": 200}}},"
    "{\"identifier\": \"known_as\", \"ignored\": true},"
    "{\"identifier\": \"date_of_birth\", \"format\": {\"type\": \"string\"}, \"hashing\": "
    "{\"comparison\": {\"type\": \"ngram\", \"n\": 1, \"positional\": true}, \"strategy\": "
    "{\"bitsPerFeature\": 160}}},"
    "{\"identifier\": \"sex\", \"format\": {\"type\": \"string\"}, \"hashing\": "
    "{\"comparison\": {\"type\": \"exact\"}, \"strategy\": {\"bitsPerFeature\": 20}}},"
    "{\"identifier\": \"street\", \"ignored\": true},"
    "{\"identifier\": \"town\", \"ignored\": true},"
    "{\"identifier\": \"postcode\", \"format\": {\"type\": \"string\"}, \"hashing\": "
    "{\"comparison\": {\"type\": \"ngram\", \"n\": 2, \"positional\": true}, \"strategy\": "
    "{\"bitsPerFeature\": 100}}}]}";

static enum kith_err read_all(const char *path, struct kith_clkhash_encoder *encoder,
                              uint8_t *filter, struct kith_fault *fault)
{
  struct kith_csv *csv = NULL;
  struct kith_csv_block *block = NULL;
  enum kith_err err = kith_csv_open(&csv, path, NULL, fault);

  if (err == KITH_OK)
    err = kith_csv_block_new(&block, csv);
  while (err == KITH_OK && (err = kith_csv_read(csv, block, fault)) == KITH_OK) {
    size_t n = 0;
    const struct kith_csv_row *rows = kith_csv_block_rows(block, &n);
    size_t expected = 0;

    for (size_t i = 0; encoder && i < n && err == KITH_OK; i++) {
      for (; expected < n && expected < i + KITH_CLKHASH_AHEAD; expected++)
        kith_clkhash_expect(encoder, rows[expected].fields, rows[expected].lens,
                            rows[expected].n_fields);
      err = kith_clkhash_encode(encoder, filter, rows[i].fields, rows[i].lens, rows[i].n_fields,
                                fault);
    }
  }
  kith_csv_block_free(block);
  kith_csv_free(csv);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

static enum kith_err encode_all(const char *path, struct kith_clkhash_schema *schema,
                                const struct kith_secret *secret, struct kith_fault *fault)
{
  struct kith_clkhash_encoder *encoder = NULL;
  uint8_t *filter = kith_calloc((kith_clkhash_schema_bits(schema) + 7) / 8, 1);
  enum kith_err err =
      filter ? kith_clkhash_encoder_new(&encoder, schema, secret, 0) : KITH_ERR_MEMORY;

  if (err == KITH_OK)
    err = read_all(path, encoder, filter, fault);
  kith_clkhash_encoder_free(encoder);
  kith_free(filter);
  return err;
}

/* To a file that is in memory too, as a disk is not what is measured. */
static enum kith_err write_all(const char *path, struct kith_clkhash_schema *schema,
                               const struct kith_secret *secret, FILE *out, unsigned n_threads,
                               struct kith_fault *fault)
{
  const struct kith_clkhash_options options = {.n_threads = n_threads,
                                               .cancel = kith_cli_cancel_on_signal()};
  struct kith_clkhash_pipeline *pipeline = NULL;
  struct kith_clkhash_block block;
  enum kith_err err = kith_clkhash_open(&pipeline, schema, secret, path, &options, fault);

  while (err == KITH_OK && (err = kith_clkhash_next(pipeline, &block, fault)) == KITH_OK)
    if (out && fwrite(block.text, 1, block.len, out) != block.len)
      err = kith_fail(fault, KITH_ERR_IO, "no room in memory for the encodings");
  kith_clkhash_free(pipeline);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

enum kith_err kith_bench_clkhash(const char *path, enum kith_bench_clkhash_stage stage, FILE *out,
                                 unsigned n_threads, struct kith_fault *fault)
{
  struct kith_clkhash_schema *schema = NULL;
  struct kith_secret *secret = NULL;
  enum kith_err err = kith_clkhash_schema_parse(&schema, schema_text, sizeof schema_text - 1,
                                                "the benchmark's schema", fault);

  if (err == KITH_OK)
    err = kith_secret_copy(&secret, "none", 4);
  if (err == KITH_OK) {
    if (stage == KITH_BENCH_CLKHASH_READ)
      err = read_all(path, NULL, NULL, fault);
    else if (stage == KITH_BENCH_CLKHASH_ENCODE)
      err = encode_all(path, schema, secret, fault);
    else
      err = write_all(path, schema, secret, stage == KITH_BENCH_CLKHASH_WRITE ? out : NULL,
                      n_threads, fault);
  }
  kith_secret_free(secret);
  kith_clkhash_schema_free(schema);
  return err;
}
