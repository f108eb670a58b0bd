#include "daemon/service/disclosure.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/seal.h"

/* Keys: round, then 'd' and a letter's id: the disclosure; 'n' and a hash: a nonce that was seen;
 * 'f' and a hash: what a recipient has said about a handle; 'c' and a letter's id: context that is
 * not sent yet; 'r': how far the letters were read.
 * Values are boxed, but for the nonces' (empty). */
enum {
  PREFIX_BYTES = KITH_ROUND_ID_BYTES + 1,
  KEY_BYTES = PREFIX_BYTES + KITH_HASH_BYTES,
  VALUES = 10,
  RECORD_BYTES_MAX = 128 * 1024
};

struct kith_disclosures {
  struct kith_agency *agency; /* borrowed */
  kith_round_id round;
  struct kith_secret *secret;
};

void kith_disclosure_free(struct kith_disclosure *disclosure)
{
  if (disclosure->letter)
    kith_free_wiped(disclosure->letter, sizeof *disclosure->letter);
  if (disclosure->bytes)
    kith_free_wiped(disclosure->bytes, disclosure->len);
  kith_free(disclosure->sealed);
  memset(disclosure, 0, sizeof *disclosure);
}

enum kith_err kith_disclosures_open(struct kith_disclosures **out, struct kith_agency *agency,
                                    const kith_round_id round)
{
  struct kith_disclosures *box = KITH_NEW(struct kith_disclosures);
  enum kith_err err;

  if (!box)
    return KITH_ERR_MEMORY;
  box->agency = agency;
  memcpy(box->round, round, sizeof box->round);
  err = kith_roundkey_ensure(agency->node->keys, &box->secret, round, "letters", NULL);
  if (err != KITH_OK) {
    kith_free(box);
    return err;
  }
  *out = box;
  return KITH_OK;
}

void kith_disclosures_close(struct kith_disclosures *box)
{
  if (!box)
    return;
  kith_secret_free(box->secret);
  kith_free(box);
}

static struct kith_bytes key_of(uint8_t key[KEY_BYTES], const struct kith_disclosures *box,
                                char kind, const struct kith_hash *hash)
{
  memcpy(key, box->round, KITH_ROUND_ID_BYTES);
  key[KITH_ROUND_ID_BYTES] = (uint8_t)kind;
  if (!hash)
    return (struct kith_bytes){key, PREFIX_BYTES};
  memcpy(key + PREFIX_BYTES, hash->bytes, KITH_HASH_BYTES);
  return (struct kith_bytes){key, KEY_BYTES};
}

static enum kith_err box_put(const struct kith_disclosures *box, struct kith_txn *txn,
                             struct kith_bytes key, const struct kith_buf *value)
{
  KITH_AUTO_FREE uint8_t *sealed = NULL;
  enum kith_err err = kith_buf_err(value);

  if (err != KITH_OK)
    return err;
  sealed = kith_calloc(value->len + KITH_BOX_OVERHEAD, 1);
  if (!sealed)
    return KITH_ERR_MEMORY;
  err = kith_box(sealed, box->secret, key.bytes, key.len, value->bytes, value->len);
  if (err == KITH_OK)
    err = kith_store_put(txn, KITH_TABLE_DISCLOSURES, key,
                         (struct kith_bytes){sealed, value->len + KITH_BOX_OVERHEAD});
  return err;
}

/* *out: fresh (kith_free_wiped). */
static enum kith_err box_open(const struct kith_disclosures *box, struct kith_bytes key,
                              struct kith_bytes value, uint8_t **out, size_t *len)
{
  uint8_t *opened;
  enum kith_err err;

  if (value.len < KITH_BOX_OVERHEAD)
    return KITH_ERR_INTERNAL;
  opened = kith_calloc(value.len - KITH_BOX_OVERHEAD + 1, 1);
  if (!opened)
    return KITH_ERR_MEMORY;
  err = kith_box_open(opened, box->secret, key.bytes, key.len, value.bytes, value.len);
  if (err != KITH_OK) {
    kith_free(opened);
    return KITH_ERR_INTERNAL;
  }
  *out = opened;
  *len = value.len - KITH_BOX_OVERHEAD;
  return KITH_OK;
}

/* ---- disclosures */

static void decisions_write(struct kith_buf *out, const struct kith_disclosure *disclosure)
{
  struct kith_buf one;

  kith_buf_init(&one, KITH_OFFICER_DECISION_BYTES_MAX);
  kith_write_array(out, disclosure->n_decisions);
  for (unsigned i = 0; i < disclosure->n_decisions; i++) {
    kith_buf_clear(&one);
    kith_officer_decision_write(&one, &disclosure->decisions[i]);
    if (kith_buf_err(&one) != KITH_OK)
      out->err = kith_buf_err(&one);
    kith_write_bin(out, one.bytes, one.len);
  }
  kith_buf_free(&one);
}

enum kith_err kith_disclosure_put(const struct kith_disclosures *box, struct kith_txn *txn,
                                  const struct kith_disclosure *disclosure)
{
  uint8_t key[KEY_BYTES];
  struct kith_buf buf;
  enum kith_err err;

  kith_buf_init(&buf, RECORD_BYTES_MAX);
  kith_write_array(&buf, VALUES);
  kith_write_u64(&buf, 1);
  kith_write_u64(&buf, disclosure->state);
  kith_write_u64(&buf, (uint64_t)disclosure->came);
  kith_write_u64(&buf, (uint64_t)disclosure->answered);
  kith_write_u64(&buf, disclosure->verdict);
  kith_write_string(&buf, disclosure->refusal);
  kith_write_bin(&buf, disclosure->bytes, disclosure->len);
  kith_write_bin(&buf, disclosure->sealed, disclosure->sealed_len);
  decisions_write(&buf, disclosure);
  kith_write_u64(&buf, 0); /* for what a later version keeps */
  err = box_put(box, txn, key_of(key, box, 'd', &disclosure->id), &buf);
  if (buf.bytes)
    kith_wipe(buf.bytes, buf.len);
  kith_buf_free(&buf);
  return err;
}

static enum kith_err decisions_read(struct kith_reader *reader, struct kith_disclosure *out)
{
  enum kith_err err = KITH_OK;

  out->n_decisions = kith_read_array_between(reader, 0, KITH_OFFICERS_MAX);
  for (unsigned i = 0; err == KITH_OK && i < out->n_decisions; i++) {
    size_t len = 0;
    const uint8_t *bytes = kith_read_bin(reader, &len, 1, KITH_OFFICER_DECISION_BYTES_MAX);

    err = reader->err == KITH_OK ? kith_officer_decision_read(&out->decisions[i], bytes, len)
                                 : reader->err;
  }
  return err;
}

static enum kith_err disclosure_read(struct kith_disclosure *out, const uint8_t *bytes, size_t len)
{
  struct kith_reader reader;
  const uint8_t *letter;
  const uint8_t *sealed;
  enum kith_err err = kith_reader_init(&reader, bytes, len);

  if (err != KITH_OK)
    return err;
  kith_read_array(&reader, VALUES);
  (void)kith_read_u64(&reader, 1, 1);
  out->state = (enum kith_disclosure_state)kith_read_u64(&reader, KITH_DISCLOSURE_WAITING,
                                                         KITH_DISCLOSURE_STATES - 1);
  out->came = (int64_t)kith_read_u64(&reader, 0, INT64_MAX);
  out->answered = (int64_t)kith_read_u64(&reader, 0, INT64_MAX);
  out->verdict =
      (enum kith_disclosure_verdict)kith_read_u64(&reader, 0, KITH_DISCLOSURE_VERDICTS - 1);
  kith_read_string(&reader, out->refusal, sizeof out->refusal);
  letter = kith_read_bin(&reader, &out->len, 1, KITH_LETTER_BYTES_MAX);
  sealed = kith_read_bin(&reader, &out->sealed_len, 0, KITH_SEALED_LETTER_BYTES_MAX);
  err = decisions_read(&reader, out);
  if (err == KITH_OK)
    (void)kith_read_u64(&reader, 0, 0);
  if (err == KITH_OK)
    err = kith_reader_done(&reader);
  if (err != KITH_OK)
    return err;
  out->letter = KITH_NEW(struct kith_letter);
  out->bytes = kith_memdup(letter, out->len);
  out->sealed = out->sealed_len ? kith_memdup(sealed, out->sealed_len) : NULL;
  if (!out->letter || !out->bytes || (out->sealed_len && !out->sealed))
    return KITH_ERR_MEMORY;
  return kith_letter_read(out->letter, KITH_LETTER_REQUEST, out->bytes, out->len);
}

static enum kith_err disclosure_open(const struct kith_disclosures *box,
                                     struct kith_disclosure *out, struct kith_bytes key,
                                     struct kith_bytes value)
{
  struct kith_disclosure disclosure = {0};
  uint8_t *bytes = NULL;
  size_t len = 0;
  enum kith_err err = box_open(box, key, value, &bytes, &len);

  if (err != KITH_OK)
    return err;
  memcpy(disclosure.id.bytes, (const uint8_t *)key.bytes + PREFIX_BYTES, KITH_HASH_BYTES);
  err = disclosure_read(&disclosure, bytes, len);
  kith_free_wiped(bytes, len);
  if (err != KITH_OK) {
    kith_disclosure_free(&disclosure);
    return err == KITH_ERR_DATA ? KITH_ERR_INTERNAL : err;
  }
  *out = disclosure;
  return KITH_OK;
}

enum kith_err kith_disclosure_get(const struct kith_disclosures *box, struct kith_disclosure *out,
                                  const struct kith_hash *id)
{
  KITH_AUTO_FREE uint8_t *value = NULL;
  uint8_t key[KEY_BYTES];
  struct kith_bytes at = key_of(key, box, 'd', id);
  struct kith_txn *txn = NULL;
  size_t len = 0;
  enum kith_err err = kith_txn_begin(&txn, box->agency->node->store, false);

  if (err == KITH_OK)
    err = kith_store_get(txn, KITH_TABLE_DISCLOSURES, at, &value, &len);
  kith_txn_abort(txn);
  return err == KITH_OK ? disclosure_open(box, out, at, (struct kith_bytes){value, len}) : err;
}

struct walk {
  const struct kith_disclosures *box;
  kith_disclosure_visit *visit;
  void *context;
};

static enum kith_err walk_visit(void *context, struct kith_bytes key, struct kith_bytes value)
{
  const struct walk *walk = context;
  struct kith_disclosure disclosure = {0};
  enum kith_err err;

  if (key.len != KEY_BYTES)
    return KITH_ERR_INTERNAL;
  err = disclosure_open(walk->box, &disclosure, key, value);
  if (err == KITH_OK)
    err = walk->visit(walk->context, &disclosure);
  kith_disclosure_free(&disclosure);
  return err;
}

enum kith_err kith_disclosures_each(const struct kith_disclosures *box,
                                    kith_disclosure_visit *visit, void *context)
{
  struct walk walk = {box, visit, context};
  uint8_t key[KEY_BYTES];
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_txn_begin(&txn, box->agency->node->store, false);

  if (err == KITH_OK)
    err = kith_store_each(txn, KITH_TABLE_DISCLOSURES, key_of(key, box, 'd', NULL), walk_visit,
                          &walk);
  kith_txn_abort(txn);
  return err;
}

/* ---- how far letters were read */

enum kith_err kith_letters_read_get(const struct kith_disclosures *box,
                                    struct kith_letters_read *out)
{
  KITH_AUTO_FREE uint8_t *value = NULL;
  KITH_AUTO_FREE uint8_t *opened = NULL;
  uint8_t key[KEY_BYTES];
  struct kith_bytes at = key_of(key, box, 'r', NULL);
  struct kith_txn *txn = NULL;
  struct kith_reader reader;
  size_t len = 0;
  enum kith_err err = kith_txn_begin(&txn, box->agency->node->store, false);

  *out = (struct kith_letters_read){0};
  if (err == KITH_OK)
    err = kith_store_get(txn, KITH_TABLE_DISCLOSURES, at, &value, &len);
  kith_txn_abort(txn);
  if (err == KITH_ERR_NOT_FOUND)
    return KITH_OK;
  if (err == KITH_OK)
    err = box_open(box, at, (struct kith_bytes){value, len}, &opened, &len);
  if (err == KITH_OK)
    err = kith_reader_init(&reader, opened, len);
  if (err != KITH_OK)
    return err;
  kith_read_array(&reader, 4);
  out->number = (uint32_t)kith_read_u64(&reader, 0, UINT32_MAX);
  out->n_dropped = (uint32_t)kith_read_u64(&reader, 0, UINT32_MAX);
  out->n_right = (uint32_t)kith_read_u64(&reader, 0, UINT32_MAX);
  out->n_wrong = (uint32_t)kith_read_u64(&reader, 0, UINT32_MAX);
  return kith_reader_done(&reader);
}

enum kith_err kith_letters_read_put(const struct kith_disclosures *box, struct kith_txn *txn,
                                    const struct kith_letters_read *read)
{
  uint8_t key[KEY_BYTES];
  struct kith_buf buf;
  enum kith_err err;

  kith_buf_init(&buf, 64);
  kith_write_array(&buf, 4);
  kith_write_u64(&buf, read->number);
  kith_write_u64(&buf, read->n_dropped);
  kith_write_u64(&buf, read->n_right);
  kith_write_u64(&buf, read->n_wrong);
  err = box_put(box, txn, key_of(key, box, 'r', NULL), &buf);
  kith_buf_free(&buf);
  return err;
}

/* ---- nonces: by hash, since a nonce is the key of the commitment to words in the audit log */

static struct kith_bytes nonce_key(uint8_t key[KEY_BYTES], const struct kith_disclosures *box,
                                   const uint8_t nonce[KITH_REQUEST_NONCE_BYTES])
{
  struct kith_hash hash;

  kith_hash_bytes(&hash, "kith request nonce v1", nonce, KITH_REQUEST_NONCE_BYTES);
  return key_of(key, box, 'n', &hash);
}

enum kith_err kith_nonce_check(const struct kith_disclosures *box,
                               const uint8_t nonce[KITH_REQUEST_NONCE_BYTES])
{
  KITH_AUTO_FREE uint8_t *value = NULL;
  uint8_t key[KEY_BYTES];
  struct kith_txn *txn = NULL;
  size_t len = 0;
  enum kith_err err = kith_txn_begin(&txn, box->agency->node->store, false);

  if (err == KITH_OK)
    err = kith_store_get(txn, KITH_TABLE_DISCLOSURES, nonce_key(key, box, nonce), &value, &len);
  kith_txn_abort(txn);
  return err == KITH_OK ? KITH_ERR_EXISTS : err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

enum kith_err kith_nonce_put(const struct kith_disclosures *box, struct kith_txn *txn,
                             const uint8_t nonce[KITH_REQUEST_NONCE_BYTES])
{
  uint8_t key[KEY_BYTES];

  return kith_store_put(txn, KITH_TABLE_DISCLOSURES, nonce_key(key, box, nonce),
                        (struct kith_bytes){"", 0});
}

/* ---- feedback */

static struct kith_bytes feedback_key(uint8_t key[KEY_BYTES], const struct kith_disclosures *box,
                                      const char *recipient,
                                      const uint8_t handle[KITH_HANDLE_BYTES])
{
  struct kith_hasher hasher;
  struct kith_hash hash;

  kith_hasher_init(&hasher, "kith feedback index v1");
  kith_hasher_part(&hasher, recipient, strlen(recipient));
  kith_hasher_part(&hasher, handle, KITH_HANDLE_BYTES);
  kith_hasher_final(&hasher, &hash);
  return key_of(key, box, 'f', &hash);
}

enum kith_err kith_feedback_get(const struct kith_disclosures *box, const char *recipient,
                                const uint8_t handle[KITH_HANDLE_BYTES],
                                struct kith_feedback_said *out)
{
  KITH_AUTO_FREE uint8_t *value = NULL;
  KITH_AUTO_FREE uint8_t *opened = NULL;
  uint8_t key[KEY_BYTES];
  struct kith_bytes at = feedback_key(key, box, recipient, handle);
  struct kith_txn *txn = NULL;
  struct kith_reader reader;
  size_t len = 0;
  uint32_t n; /* 2: kept before times were */
  enum kith_err err = kith_txn_begin(&txn, box->agency->node->store, false);

  if (err == KITH_OK)
    err = kith_store_get(txn, KITH_TABLE_DISCLOSURES, at, &value, &len);
  kith_txn_abort(txn);
  if (err == KITH_OK)
    err = box_open(box, at, (struct kith_bytes){value, len}, &opened, &len);
  if (err == KITH_OK)
    err = kith_reader_init(&reader, opened, len);
  if (err != KITH_OK)
    return err;
  n = kith_read_array_between(&reader, 2, 3);
  out->wrong = kith_read_u64(&reader, 0, 1) == 1;
  out->number = (uint32_t)kith_read_u64(&reader, 0, UINT32_MAX);
  out->time = n == 3 ? (int64_t)kith_read_u64(&reader, 0, INT64_MAX) : 0;
  return kith_reader_done(&reader);
}

enum kith_err kith_feedback_put(const struct kith_disclosures *box, struct kith_txn *txn,
                                const char *recipient, const uint8_t handle[KITH_HANDLE_BYTES],
                                const struct kith_feedback_said *said)
{
  uint8_t key[KEY_BYTES];
  struct kith_buf buf;
  enum kith_err err;

  kith_buf_init(&buf, 32);
  kith_write_array(&buf, 3);
  kith_write_u64(&buf, said->wrong);
  kith_write_u64(&buf, said->number);
  kith_write_u64(&buf, (uint64_t)said->time);
  err = box_put(box, txn, feedback_key(key, box, recipient, handle), &buf);
  kith_buf_free(&buf);
  return err;
}

/* ---- context that is not sent yet */

enum { CONTEXT_VALUES = 3 };

enum kith_err kith_context_letter_put(const struct kith_disclosures *box, struct kith_txn *txn,
                                      const struct kith_context_letter *letter)
{
  uint8_t key[KEY_BYTES];
  struct kith_buf buf;
  enum kith_err err;

  kith_buf_init(&buf, RECORD_BYTES_MAX);
  kith_write_array(&buf, CONTEXT_VALUES);
  kith_write_u64(&buf, 1);
  kith_write_string(&buf, letter->reader);
  kith_write_bin(&buf, letter->sealed, letter->len);
  err = box_put(box, txn, key_of(key, box, 'c', &letter->id), &buf);
  kith_buf_free(&buf);
  return err;
}

static enum kith_err context_read(struct kith_context_letter *out, const uint8_t *bytes, size_t len)
{
  struct kith_reader reader;
  const uint8_t *sealed;
  enum kith_err err = kith_reader_init(&reader, bytes, len);

  if (err != KITH_OK)
    return err;
  kith_read_array(&reader, CONTEXT_VALUES);
  (void)kith_read_u64(&reader, 1, 1);
  kith_read_member(&reader, out->reader);
  sealed = kith_read_bin(&reader, &out->len, 1, KITH_SEALED_LETTER_BYTES_MAX);
  if ((err = kith_reader_done(&reader)) != KITH_OK)
    return err == KITH_ERR_DATA ? KITH_ERR_INTERNAL : err;
  out->sealed = kith_memdup(sealed, out->len);
  return out->sealed ? KITH_OK : KITH_ERR_MEMORY;
}

struct first {
  const struct kith_disclosures *box;
  struct kith_context_letter *letter;
  bool found;
};

static enum kith_err first_visit(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct first *first = context;
  uint8_t *opened = NULL;
  size_t len = 0;
  enum kith_err err;

  if (key.len != KEY_BYTES)
    return KITH_ERR_INTERNAL;
  err = box_open(first->box, key, value, &opened, &len);
  if (err == KITH_OK)
    err = context_read(first->letter, opened, len);
  kith_free(opened);
  if (err != KITH_OK)
    return err;
  memcpy(first->letter->id.bytes, (const uint8_t *)key.bytes + PREFIX_BYTES, KITH_HASH_BYTES);
  first->found = true;
  return KITH_ERR_CANCELLED;
}

enum kith_err kith_context_letter_first(const struct kith_disclosures *box,
                                        struct kith_context_letter *out)
{
  struct first first = {.box = box, .letter = out};
  uint8_t key[KEY_BYTES];
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_txn_begin(&txn, box->agency->node->store, false);

  if (err == KITH_OK)
    err = kith_store_each(txn, KITH_TABLE_DISCLOSURES, key_of(key, box, 'c', NULL), first_visit,
                          &first);
  kith_txn_abort(txn);
  return err == KITH_OK && !first.found ? KITH_ERR_NOT_FOUND : err;
}

enum kith_err kith_context_letter_delete(const struct kith_disclosures *box, struct kith_txn *txn,
                                         const struct kith_hash *id)
{
  uint8_t key[KEY_BYTES];

  return kith_store_delete(txn, KITH_TABLE_DISCLOSURES, key_of(key, box, 'c', id));
}
