/* What was disclosed of a record, and the wrong links that it was in: one box each, beside the log
 * of the round, and under its key. */
#include <string.h>

#include "base/mem.h"
#include "daemon/service/subject_parts.h"

enum { BOXES_MAX = 4096, BOX_BYTES_MAX = 4096 };
static const uint32_t disclosed_first = 0xd0000000;
static const uint32_t wrong_first = 0xe0000000;

struct boxes {
  struct kith_secret *box_key;
  uint8_t hash[KITH_HASH_BYTES]; /* of the record's id */
};

static void boxes_close(struct boxes *boxes)
{
  kith_secret_free(boxes->box_key);
  boxes->box_key = NULL;
}

/* KITH_ERR_NOT_FOUND: no log is kept of the round. Close after an error, too. */
static enum kith_err boxes_open(struct boxes *boxes, struct kith_agency *agency,
                                const kith_round_id round, const char *id)
{
  struct kith_secret *key = NULL;
  kith_round_id place;
  enum kith_err err;

  kith_subject_box_key_place(place, round);
  err = kith_roundkey_load(agency->node->keys, &boxes->box_key, place, "subjects", NULL);
  if (err == KITH_OK)
    err = kith_subject_log_key(agency, &key);
  if (err == KITH_OK)
    err = kith_subject_id_hash(boxes->hash, key, id);
  kith_secret_free(key);
  return err;
}

/* Puts it into the first place that is free. */
static enum kith_err box_add(const struct boxes *boxes, struct kith_txn *txn,
                             const kith_round_id round, uint32_t first, const struct kith_buf *buf,
                             uint32_t *number)
{
  enum kith_err err = kith_buf_err(buf);

  for (uint32_t n = 0; err == KITH_OK; n++) {
    KITH_AUTO_FREE uint8_t *there = NULL;
    size_t len;

    if (n == BOXES_MAX)
      return KITH_ERR_LIMIT;
    err = kith_subject_box_get(txn, boxes->box_key, round, first + n, &there, &len);
    if (err == KITH_ERR_NOT_FOUND) {
      *number = first + n;
      return kith_subject_box_put(txn, boxes->box_key, round, first + n, buf->bytes, buf->len);
    }
  }
  return err;
}

/* ---- disclosures */

static enum kith_err disclosed_write(struct kith_buf *out, const uint8_t hash[KITH_HASH_BYTES],
                                     const struct kith_disclosed *disclosed)
{
  kith_write_array(out, 6);
  kith_write_bin(out, hash, KITH_HASH_BYTES);
  kith_write_u64(out, (uint64_t)disclosed->time);
  kith_write_string(out, disclosed->recipient);
  kith_write_string(out, disclosed->reason);
  kith_write_u64(out, disclosed->reduced);
  kith_write_array(out, disclosed->n_fields);
  for (unsigned i = 0; i < disclosed->n_fields; i++)
    kith_write_string(out, disclosed->fields[i]);
  return kith_buf_err(out);
}

static enum kith_err disclosed_read(struct kith_disclosed *out, uint8_t hash[KITH_HASH_BYTES],
                                    const uint8_t *bytes, size_t len)
{
  struct kith_reader reader;
  enum kith_err err = kith_reader_init(&reader, bytes, len);

  if (err != KITH_OK)
    return err;
  kith_read_array(&reader, 6);
  kith_read_bin_exact(&reader, hash, KITH_HASH_BYTES);
  out->time = (int64_t)kith_read_u64(&reader, 0, INT64_MAX);
  kith_read_member(&reader, out->recipient);
  kith_read_member(&reader, out->reason);
  out->reduced = kith_read_u64(&reader, 0, 1) == 1;
  out->n_fields = kith_read_array_between(&reader, 0, KITH_FIELDS_MAX);
  for (unsigned i = 0; i < out->n_fields; i++)
    kith_read_string(&reader, out->fields[i], sizeof out->fields[i]);
  return kith_reader_done(&reader);
}

enum kith_err kith_subjects_disclosed(struct kith_agency *agency, struct kith_txn *txn,
                                      const kith_round_id round, const char *id,
                                      const struct kith_disclosed *disclosed)
{
  struct boxes boxes = {0};
  struct kith_buf buf;
  uint32_t number;
  enum kith_err err = boxes_open(&boxes, agency, round, id);

  kith_buf_init(&buf, BOX_BYTES_MAX);
  if (err == KITH_OK)
    err = disclosed_write(&buf, boxes.hash, disclosed);
  if (err == KITH_OK)
    err = box_add(&boxes, txn, round, disclosed_first, &buf, &number);
  kith_buf_free(&buf);
  boxes_close(&boxes);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

enum kith_err kith_subjects_each_disclosed(struct kith_agency *agency, const kith_round_id round,
                                           const char *id, kith_disclosed_visit *visit,
                                           void *context)
{
  struct boxes boxes = {0};
  struct kith_txn *txn = NULL;
  enum kith_err err = boxes_open(&boxes, agency, round, id);

  if (err == KITH_OK)
    err = kith_txn_begin(&txn, agency->node->store, false);
  for (uint32_t n = 0; err == KITH_OK; n++) {
    KITH_AUTO_FREE uint8_t *bytes = NULL;
    struct kith_disclosed disclosed = {0};
    uint8_t hash[KITH_HASH_BYTES];
    size_t len = 0;

    err = kith_subject_box_get(txn, boxes.box_key, round, disclosed_first + n, &bytes, &len);
    if (err == KITH_OK)
      err = disclosed_read(&disclosed, hash, bytes, len);
    if (err == KITH_OK && kith_equal(hash, boxes.hash, sizeof hash))
      err = visit(context, &disclosed);
  }
  kith_txn_abort(txn);
  boxes_close(&boxes);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

/* ---- wrong links: the id's hash and the token. One that is taken back leaves a box of zeros, so
 * that the others stay in a row. */

enum { WRONG_BYTES = KITH_HASH_BYTES + KITH_TOKEN_BYTES };

enum kith_err kith_subjects_wrong(struct kith_agency *agency, struct kith_txn *txn,
                                  const kith_round_id round, const char *id,
                                  const uint8_t token[KITH_TOKEN_BYTES], uint32_t *number)
{
  struct boxes boxes = {0};
  struct kith_buf buf;
  enum kith_err err = boxes_open(&boxes, agency, round, id);

  *number = UINT32_MAX;
  kith_buf_init(&buf, WRONG_BYTES);
  kith_buf_append(&buf, boxes.hash, sizeof boxes.hash);
  kith_buf_append(&buf, token, KITH_TOKEN_BYTES);
  if (err == KITH_OK)
    err = box_add(&boxes, txn, round, wrong_first, &buf, number);
  kith_buf_free(&buf);
  boxes_close(&boxes);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

enum kith_err kith_subjects_wrong_back(struct kith_agency *agency, struct kith_txn *txn,
                                       const kith_round_id round, uint32_t number)
{
  static const uint8_t nothing[WRONG_BYTES];
  struct boxes boxes = {0};
  enum kith_err err;

  if (number == UINT32_MAX)
    return KITH_OK;
  err = boxes_open(&boxes, agency, round, "");
  if (err == KITH_OK)
    err = kith_subject_box_put(txn, boxes.box_key, round, number, nothing, sizeof nothing);
  boxes_close(&boxes);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

static enum kith_err tokens_of(struct kith_agency *agency, struct kith_txn *txn,
                               const kith_round_id round, const char *id,
                               uint8_t (*out)[KITH_TOKEN_BYTES], unsigned *n)
{
  struct boxes boxes = {0};
  enum kith_err err = boxes_open(&boxes, agency, round, id);

  for (uint32_t i = 0; err == KITH_OK && *n < KITH_TOKENS_MAX; i++) {
    KITH_AUTO_FREE uint8_t *bytes = NULL;
    size_t len = 0;

    err = kith_subject_box_get(txn, boxes.box_key, round, wrong_first + i, &bytes, &len);
    if (err == KITH_OK && len != WRONG_BYTES)
      err = KITH_ERR_INTERNAL;
    if (err == KITH_OK && kith_equal(bytes, boxes.hash, KITH_HASH_BYTES))
      memcpy(out[(*n)++], bytes + KITH_HASH_BYTES, KITH_TOKEN_BYTES);
  }
  boxes_close(&boxes);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

enum kith_err kith_subjects_tokens(struct kith_agency *agency, const char *id,
                                   uint8_t (*out)[KITH_TOKEN_BYTES], unsigned *n)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_txn_begin(&txn, agency->node->store, false);

  *n = 0;
  for (unsigned i = 0; err == KITH_OK && i < agency->n_rounds; i++)
    err = tokens_of(agency, txn, agency->rounds[i]->node->id, id, out, n);
  kith_txn_abort(txn);
  return err;
}
