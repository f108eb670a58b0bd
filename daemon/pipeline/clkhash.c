#include "daemon/pipeline/clkhash.h"

#include <string.h>

#include "base/csv.h"
#include "base/mem.h"
#include "base/ordered.h"
#include "base/text.h"

enum { TEXT_BYTES = 128 << 10, QUOTES_AND_JOINT = 4, HEADER_COLUMNS_MAX = 4096 };

/* Rows as they were read, for all slots that encode a part of them. */
struct rows {
  struct kith_csv_block *csv;
  unsigned n_users;
};

struct slot {
  struct rows *rows; /* from `first`, n of them */
  size_t first;
  size_t n;
  char *text;
  size_t len;
  uint64_t *source_rows;
  size_t n_encoded;
  uint64_t n_bad;
  enum kith_err err;
  struct kith_fault fault; /* where err */
};

struct worker {
  struct kith_clkhash_encoder *encoder;
  uint8_t *filter;
};

struct kith_clkhash_pipeline {
  struct kith_clkhash_options options;
  const char *path;
  struct kith_csv *csv;
  size_t filter_bytes;
  size_t text_row_bytes;
  size_t slot_rows; /* at most */
  unsigned n_threads;
  struct worker *workers;
  struct slot *slots;
  size_t n_slots;
  struct rows *rows; /* one more than slots */
  struct kith_ordered *ordered;

  /* Of the caller's thread alone. */
  struct rows *current; /* whose rows from `next` are in no slot; NULL: none */
  size_t next;
  enum kith_err end; /* of the reading; KITH_ERR_NOT_FOUND: the file's end */
  struct kith_fault fault;
};

/* ---- encoding, in any thread */

static enum kith_err row_encode(struct kith_clkhash_pipeline *pipeline, struct worker *worker,
                                const struct kith_csv_row *row, struct kith_fault *fault)
{
  enum kith_err err;

  if (row->problem != KITH_CSV_FINE)
    return kith_csv_refuse(pipeline->csv, row, fault);
  err = kith_clkhash_encode(worker->encoder, worker->filter, row->fields, row->lens, row->n_fields,
                            fault);
  return err == KITH_OK ? err
                        : kith_fail_at(fault, err, "%s: row %llu", pipeline->path,
                                       (unsigned long long)row->row);
}

static void row_append(const struct kith_clkhash_pipeline *pipeline, struct slot *slot,
                       const uint8_t *filter, uint64_t source_row)
{
  char *to = slot->text + slot->len;

  memcpy(to, ", \"", 3);
  kith_base64_encode(to + 3, filter, pipeline->filter_bytes);
  to[pipeline->text_row_bytes - 1] = '"';
  slot->len += pipeline->text_row_bytes;
  slot->source_rows[slot->n_encoded++] = source_row;
}

static void slot_work(void *context, size_t index, unsigned thread)
{
  struct kith_clkhash_pipeline *pipeline = context;
  struct worker *worker = &pipeline->workers[thread];
  struct slot *slot = &pipeline->slots[index];
  size_t n = 0;
  size_t expected = 0;
  const struct kith_csv_row *rows = kith_csv_block_rows(slot->rows->csv, &n) + slot->first;

  for (size_t i = 0; i < slot->n; i++) {
    enum kith_err err;

    for (; expected < slot->n && expected < i + KITH_CLKHASH_AHEAD; expected++)
      if (rows[expected].problem == KITH_CSV_FINE)
        kith_clkhash_expect(worker->encoder, rows[expected].fields, rows[expected].lens,
                            rows[expected].n_fields);
    err = row_encode(pipeline, worker, &rows[i], &slot->fault);

    if (err == KITH_OK) {
      row_append(pipeline, slot, worker->filter, rows[i].row);
    } else if (err == KITH_ERR_DATA && pipeline->options.skip_bad) {
      slot->n_bad++;
    } else {
      slot->err = err;
      return;
    }
  }
}

/* ---- reading, in the caller's thread */

/* The next rows that are in no slot, or NULL at the end. */
static struct rows *rows_read(struct kith_clkhash_pipeline *pipeline)
{
  struct rows *rows = pipeline->rows;

  if (pipeline->options.cancel && atomic_load(pipeline->options.cancel)) {
    pipeline->end = kith_fail(&pipeline->fault, KITH_ERR_CANCELLED, "stopped, nothing was written");
    return NULL;
  }
  while (rows->n_users > 0)
    rows++; /* there are more of them than slots */
  pipeline->end = kith_csv_read(pipeline->csv, rows->csv, &pipeline->fault);
  pipeline->next = 0;
  return pipeline->end == KITH_OK ? rows : NULL;
}

static bool slot_fill(void *context, size_t index, bool *ended)
{
  struct kith_clkhash_pipeline *pipeline = context;
  struct slot *slot = &pipeline->slots[index];
  size_t n = 0;

  if (slot->rows)
    slot->rows->n_users--;
  if (!pipeline->current)
    pipeline->current = rows_read(pipeline);
  slot->rows = pipeline->current;
  *ended = !slot->rows;
  if (*ended)
    return false;
  (void)kith_csv_block_rows(slot->rows->csv, &n);
  slot->rows->n_users++;
  slot->first = pipeline->next;
  slot->n = n - pipeline->next < pipeline->slot_rows ? n - pipeline->next : pipeline->slot_rows;
  slot->len = 0;
  slot->n_encoded = 0;
  slot->n_bad = 0;
  slot->err = KITH_OK;
  pipeline->next += slot->n;
  if (pipeline->next == n)
    pipeline->current = NULL;
  return true;
}

enum kith_err kith_clkhash_next(struct kith_clkhash_pipeline *pipeline,
                                struct kith_clkhash_block *out, struct kith_fault *fault)
{
  size_t index = 0;
  bool found = kith_ordered_next(pipeline->ordered, &index);
  const struct slot *slot = &pipeline->slots[index];

  /* What a row did wrong comes before what ended the reading behind it; but a person who cancels
   * does not wait for it. */
  if (!found || pipeline->end == KITH_ERR_CANCELLED) {
    if (fault && pipeline->end != KITH_ERR_NOT_FOUND)
      *fault = pipeline->fault;
    return pipeline->end;
  }
  if (slot->err != KITH_OK) {
    if (fault)
      *fault = slot->fault;
    return slot->err;
  }
  *out = (struct kith_clkhash_block){.text = slot->text,
                                     .len = slot->len,
                                     .n = slot->n_encoded,
                                     .source_rows = slot->source_rows,
                                     .n_bad = slot->n_bad};
  return KITH_OK;
}

double kith_clkhash_share(const struct kith_clkhash_pipeline *pipeline)
{
  return kith_csv_share(pipeline->csv);
}

/* ---- life */

static enum kith_err workers_new(struct kith_clkhash_pipeline *pipeline,
                                 struct kith_clkhash_schema *schema,
                                 const struct kith_secret *secret)
{
  size_t cache_bytes = (size_t)KITH_CLKHASH_CACHES_BYTES / pipeline->n_threads;
  enum kith_err err = KITH_OK;

  if (cache_bytes > KITH_CLKHASH_CACHE_BYTES)
    cache_bytes = KITH_CLKHASH_CACHE_BYTES;
  if (cache_bytes < KITH_CLKHASH_CACHE_BYTES_MIN)
    cache_bytes = KITH_CLKHASH_CACHE_BYTES_MIN;
  pipeline->workers = KITH_NEW_ARRAY(struct worker, pipeline->n_threads);
  if (!pipeline->workers)
    return KITH_ERR_MEMORY;
  for (unsigned i = 0; err == KITH_OK && i < pipeline->n_threads; i++) {
    pipeline->workers[i].filter = kith_calloc(pipeline->filter_bytes, 1);
    err = pipeline->workers[i].filter
              ? kith_clkhash_encoder_new(&pipeline->workers[i].encoder, schema, secret, cache_bytes)
              : KITH_ERR_MEMORY;
  }
  return err;
}

static enum kith_err slots_new(struct kith_clkhash_pipeline *pipeline)
{
  enum kith_err err = KITH_OK;

  pipeline->n_slots = kith_ordered_slots(pipeline->n_threads);
  pipeline->slots = KITH_NEW_ARRAY(struct slot, pipeline->n_slots);
  pipeline->rows = KITH_NEW_ARRAY(struct rows, pipeline->n_slots + 1);
  if (!pipeline->slots || !pipeline->rows)
    return KITH_ERR_MEMORY;
  for (size_t i = 0; i < pipeline->n_slots; i++) {
    struct slot *slot = &pipeline->slots[i];

    /* The terminator of the last text is one byte more. */
    slot->text = kith_calloc(pipeline->slot_rows * pipeline->text_row_bytes + 1, 1);
    slot->source_rows = KITH_NEW_ARRAY(uint64_t, pipeline->slot_rows);
    if (!slot->text || !slot->source_rows)
      return KITH_ERR_MEMORY;
  }
  for (size_t i = 0; err == KITH_OK && i <= pipeline->n_slots; i++)
    err = kith_csv_block_new(&pipeline->rows[i].csv, pipeline->csv);
  return err;
}

static enum kith_err table_open(struct kith_clkhash_pipeline *pipeline,
                                const struct kith_clkhash_schema *schema, struct kith_fault *fault)
{
  const struct kith_csv_limits limits = {.max_columns = HEADER_COLUMNS_MAX, .same_names = true};
  const char *const *header;
  size_t n_columns = 0;
  enum kith_err err = kith_csv_open(&pipeline->csv, pipeline->path, &limits, fault);

  if (err != KITH_OK)
    return err;
  header = kith_csv_header(pipeline->csv, &n_columns);
  err = kith_clkhash_schema_header(schema, header, n_columns, fault);
  return err == KITH_OK ? err : kith_fail_at(fault, err, "%s", pipeline->path);
}

static enum kith_err encoding_start(struct kith_clkhash_pipeline *pipeline,
                                    struct kith_clkhash_schema *schema,
                                    const struct kith_secret *secret, struct kith_fault *fault)
{
  const struct kith_ordered_how how = {slot_fill, slot_work, pipeline};
  enum kith_err err;

  pipeline->n_threads = kith_ordered_threads(pipeline->options.n_threads);
  pipeline->filter_bytes = ((size_t)kith_clkhash_schema_bits(schema) + 7) / 8;
  pipeline->text_row_bytes = KITH_BASE64_BYTES(pipeline->filter_bytes) - 1 + QUOTES_AND_JOINT;
  pipeline->slot_rows = TEXT_BYTES / pipeline->text_row_bytes;
  if (pipeline->slot_rows == 0)
    pipeline->slot_rows = 1;
  err = workers_new(pipeline, schema, secret);
  if (err == KITH_OK)
    err = slots_new(pipeline);
  if (err == KITH_OK)
    err = kith_ordered_new(&pipeline->ordered, &how, pipeline->n_threads);
  return err == KITH_OK
             ? err
             : kith_fail(fault, err, "the encoding can't be started: %s", kith_err_name(err));
}

enum kith_err kith_clkhash_open(struct kith_clkhash_pipeline **out,
                                struct kith_clkhash_schema *schema,
                                const struct kith_secret *secret, const char *path,
                                const struct kith_clkhash_options *options,
                                struct kith_fault *fault)
{
  struct kith_clkhash_pipeline *pipeline = KITH_NEW(struct kith_clkhash_pipeline);
  enum kith_err err;

  if (!pipeline)
    return kith_fail(fault, KITH_ERR_MEMORY, "no memory to encode");
  pipeline->options = *options;
  pipeline->path = path;
  err = table_open(pipeline, schema, fault);
  if (err == KITH_OK)
    err = encoding_start(pipeline, schema, secret, fault);
  if (err != KITH_OK) {
    kith_clkhash_free(pipeline);
    return err;
  }
  *out = pipeline;
  return KITH_OK;
}

static void wipe_free(void *block, size_t len)
{
  if (block)
    kith_wipe(block, len);
  kith_free(block);
}

void kith_clkhash_free(struct kith_clkhash_pipeline *pipeline)
{
  if (!pipeline)
    return;
  kith_ordered_free(pipeline->ordered);
  for (size_t i = 0; pipeline->slots && i < pipeline->n_slots; i++) {
    wipe_free(pipeline->slots[i].text, pipeline->slot_rows * pipeline->text_row_bytes);
    kith_free(pipeline->slots[i].source_rows);
  }
  for (size_t i = 0; pipeline->rows && i <= pipeline->n_slots; i++)
    kith_csv_block_free(pipeline->rows[i].csv);
  for (unsigned i = 0; pipeline->workers && i < pipeline->n_threads; i++) {
    wipe_free(pipeline->workers[i].filter, pipeline->filter_bytes);
    kith_clkhash_encoder_free(pipeline->workers[i].encoder);
  }
  kith_free(pipeline->rows);
  kith_free(pipeline->slots);
  kith_free(pipeline->workers);
  kith_csv_free(pipeline->csv);
  kith_free(pipeline);
}
