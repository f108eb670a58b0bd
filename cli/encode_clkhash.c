#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/encode.h"
#include "daemon/pipeline/clkhash.h"

struct work {
  struct kith_clkhash_schema *schema;
  struct kith_clkhash_pipeline *pipeline;
  struct kith_file_out *out;
  struct kith_file_out *rows; /* with --skip-bad: which rows are there */
};

static void work_free(struct work *work)
{
  kith_file_out_free(work->rows);
  kith_file_out_free(work->out);
  kith_clkhash_free(work->pipeline);
  kith_clkhash_schema_free(work->schema);
}

static enum kith_err out_open(struct work *work, const struct kith_encode *encode,
                              struct kith_fault *fault)
{
  enum kith_err err = kith_file_out_new(&work->out, encode->out_path, KITH_ENCODE_OUT_MODE, fault);
  size_t len = strlen(encode->out_path) + sizeof ".rows.csv";
  char *path;

  if (err != KITH_OK)
    return err;
  kith_file_out_hurry(work->out);
  if (!encode->skip_bad)
    return KITH_OK;
  path = kith_calloc(len, 1);
  if (!path)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  (void)snprintf(path, len, "%s.rows.csv", encode->out_path);
  err = kith_file_out_new(&work->rows, path, KITH_ENCODE_OUT_MODE, fault);
  kith_free(path);
  if (err == KITH_OK)
    (void)fputs("row,source_row\n", kith_file_out_stream(work->rows));
  return err;
}

static enum kith_err work_open(struct work *work, const struct kith_encode *encode,
                               const uint8_t *schema, size_t len, struct kith_fault *fault)
{
  const struct kith_clkhash_options options = {.n_threads = (unsigned)encode->n_threads,
                                               .skip_bad = encode->skip_bad,
                                               .cancel = kith_cli_cancel_on_signal()};
  enum kith_err err =
      kith_clkhash_schema_parse(&work->schema, schema, len, encode->schema_path, fault);

  if (err == KITH_OK)
    err = kith_clkhash_open(&work->pipeline, work->schema, encode->secret, encode->path, &options,
                            fault);
  return err == KITH_OK ? out_open(work, encode, fault) : err;
}

static void rows_write(FILE *out, uint64_t first, const struct kith_clkhash_block *block)
{
  for (size_t i = 0; i < block->n; i++) {
    uint64_t row = first + i;

    (void)fprintf(out, "%llu,%llu\n", (unsigned long long)row,
                  (unsigned long long)block->source_rows[i]);
  }
}

static enum kith_err blocks_write(struct work *work, struct kith_encode *encode,
                                  struct kith_cli_progress *progress, struct kith_fault *fault)
{
  FILE *out = kith_file_out_stream(work->out);
  struct kith_clkhash_block block;
  enum kith_err err;

  (void)fputs("{\"clks\": [", out);
  while ((err = kith_clkhash_next(work->pipeline, &block, fault)) == KITH_OK) {
    size_t joint = encode->n_encoded == 0 && block.n > 0 ? KITH_CLKHASH_TEXT_JOINT : 0;

    (void)fwrite(block.text + joint, 1, block.len - joint, out);
    if (work->rows)
      rows_write(kith_file_out_stream(work->rows), encode->n_encoded, &block);
    encode->n_encoded += block.n;
    encode->n_bad += block.n_bad;
    kith_cli_progress_update(progress, kith_clkhash_share(work->pipeline),
                             (double)(encode->n_encoded + encode->n_bad));
    if (ferror(out))
      break; /* the commit says so */
  }
  (void)fputs("]}\n", out);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

enum kith_err kith_encode_clkhash(struct kith_encode *encode, const uint8_t *schema, size_t len,
                                  struct kith_fault *fault)
{
  struct kith_cli_progress progress;
  struct work work = {0};
  enum kith_err err = work_open(&work, encode, schema, len, fault);

  if (err == KITH_OK) {
    kith_cli_progress_start(&progress, "encoding", "rows", encode->quiet);
    err = blocks_write(&work, encode, &progress, fault);
    kith_cli_progress_finish(&progress);
  }
  if (err == KITH_OK && work.rows)
    err = kith_file_out_commit(work.rows, fault);
  if (err == KITH_OK)
    err = kith_file_out_commit(work.out, fault);
  work_free(&work);
  return err;
}
