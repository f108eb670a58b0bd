#include "daemon/service/subjects.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/kdf.h"
#include "crypto/seal.h"
#include "daemon/service/subject_parts.h"

/* In the store: round, number BE -> a box; number 0 has the counts, the others up to CHUNK hashes,
 * all in order. A chunk fills eight pages but for what the store itself needs. From high numbers on
 * there are single boxes (subject_told.c). */
enum {
  CHUNK = 1000,
  DISCLOSED_MAX = 4096,
  KEY_BYTES = KITH_ROUND_ID_BYTES + 4,
  CHECK_BYTES = 16,
  VALUES = 6
};

/* ---- keys */

/* Key files are named after rounds; these are of no round that there is. */
static void key_place(kith_round_id out, const char *label, const void *bytes, size_t len)
{
  struct kith_hash hash;

  kith_hash_bytes(&hash, label, bytes, len);
  memcpy(out, hash.bytes, KITH_ROUND_ID_BYTES);
}

void kith_subject_box_key_place(kith_round_id out, const kith_round_id round)
{
  key_place(out, "kith subject log v1", round, KITH_ROUND_ID_BYTES);
}

enum kith_err kith_subject_log_key(struct kith_agency *agency, struct kith_secret **out)
{
  kith_round_id place;

  key_place(place, "kith subject key v1", "", 0);
  return kith_roundkey_ensure(agency->node->keys, out, place, "subjects", NULL);
}

/* Tells whether a log was made under this key. */
static enum kith_err key_check(uint8_t out[CHECK_BYTES], const struct kith_secret *key)
{
  static const char text[] = "kith subject key check v1";
  uint8_t hash[KITH_HASH_BYTES];
  enum kith_err err = kith_hmac(hash, key, text, sizeof text);

  memcpy(out, hash, CHECK_BYTES);
  return err;
}

/* A byte before the id keeps it apart from the check's text. */
enum kith_err kith_subject_id_hash(uint8_t out[KITH_HASH_BYTES], const struct kith_secret *key,
                                   const char *id)
{
  uint8_t text[1 + KITH_ID_BYTES_MAX] = {0};
  size_t len = strlen(id);
  enum kith_err err;

  if (len > KITH_ID_BYTES_MAX)
    return KITH_ERR_LIMIT;
  memcpy(text + 1, id, len);
  err = kith_hmac(out, key, text, 1 + len);
  kith_wipe(text, sizeof text);
  return err;
}

static struct kith_bytes store_key(uint8_t key[KEY_BYTES], const kith_round_id round,
                                   uint32_t number)
{
  memcpy(key, round, KITH_ROUND_ID_BYTES);
  for (unsigned i = 0; i < 4; i++)
    key[KITH_ROUND_ID_BYTES + i] = (uint8_t)(number >> (24 - 8 * i));
  return (struct kith_bytes){key, KEY_BYTES};
}

static int compare_hashes(const void *a, const void *b)
{
  return memcmp(a, b, KITH_HASH_BYTES);
}

void kith_subject_log_free(struct kith_subject_log *log)
{
  kith_free(log->hashes);
  *log = (struct kith_subject_log){0};
}

/* ---- making */

static enum kith_err hashes_make(uint8_t **out, uint32_t *n, const struct kith_secret *key,
                                 const struct kith_encoded *encoded)
{
  uint8_t *hashes = kith_calloc(encoded->n_in_scope + 1, KITH_HASH_BYTES);
  enum kith_err err = hashes ? KITH_OK : KITH_ERR_MEMORY;

  *n = 0;
  for (size_t i = 0; err == KITH_OK && i < encoded->encodings.n; i++) {
    if (encoded->in_scope[i])
      err = kith_subject_id_hash(hashes + (size_t)KITH_HASH_BYTES * (*n)++, key,
                                 kith_ids_at(&encoded->ids, i));
  }
  if (err != KITH_OK) {
    kith_free(hashes);
    return err;
  }
  qsort(hashes, *n, KITH_HASH_BYTES, compare_hashes);
  *out = hashes;
  return KITH_OK;
}

enum kith_err kith_subject_box_put(struct kith_txn *txn, const struct kith_secret *box_key,
                                   const kith_round_id round, uint32_t number, const void *bytes,
                                   size_t len)
{
  uint8_t key[KEY_BYTES];
  struct kith_bytes at = store_key(key, round, number);
  KITH_AUTO_FREE uint8_t *sealed = kith_calloc(len + KITH_BOX_OVERHEAD, 1);
  enum kith_err err;

  if (!sealed)
    return KITH_ERR_MEMORY;
  err = kith_box(sealed, box_key, at.bytes, at.len, bytes, len);
  if (err == KITH_OK)
    err = kith_store_put(txn, KITH_TABLE_SUBJECTS, at,
                         (struct kith_bytes){sealed, len + KITH_BOX_OVERHEAD});
  return err;
}

static enum kith_err counts_put(struct kith_txn *txn, const struct kith_secret *box_key,
                                const kith_round_id round, const struct kith_subject_log *log,
                                const uint8_t check[CHECK_BYTES])
{
  struct kith_buf buf;
  enum kith_err err;

  kith_buf_init(&buf, 1024);
  kith_write_array(&buf, VALUES + KITH_SCOPE_REASON_COUNT);
  kith_write_u64(&buf, 1);
  kith_write_u64(&buf, (uint64_t)log->encoded_at);
  kith_write_u64(&buf, log->n);
  kith_write_u64(&buf, log->n_set_aside);
  kith_write_u64(&buf, log->n_missed);
  kith_write_bin(&buf, check, CHECK_BYTES);
  for (unsigned i = 0; i < KITH_SCOPE_REASON_COUNT; i++)
    kith_write_u64(&buf, log->scope.n[i]);
  err = kith_buf_err(&buf);
  if (err == KITH_OK)
    err = kith_subject_box_put(txn, box_key, round, 0, buf.bytes, buf.len);
  kith_buf_free(&buf);
  return err;
}

static enum kith_err log_put(struct kith_agency *agency, const struct kith_secret *box_key,
                             const kith_round_id round, const struct kith_subject_log *log,
                             const uint8_t check[CHECK_BYTES])
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, agency->node);
  uint32_t number = 0;

  if (err != KITH_OK)
    return err;
  err = kith_store_delete_prefix(txn, KITH_TABLE_SUBJECTS,
                                 (struct kith_bytes){round, KITH_ROUND_ID_BYTES});
  for (uint32_t first = 0; err == KITH_OK && first < log->n; first += CHUNK) {
    uint32_t n = log->n - first < CHUNK ? log->n - first : CHUNK;

    err = kith_subject_box_put(txn, box_key, round, ++number,
                               log->hashes + (size_t)first * KITH_HASH_BYTES,
                               (size_t)n * KITH_HASH_BYTES);
  }
  if (err == KITH_OK)
    err = counts_put(txn, box_key, round, log, check);
  if (err == KITH_OK)
    err = kith_txn_commit(txn);
  else
    kith_txn_abort(txn);
  kith_store_relax(agency->node->store);
  return err;
}

enum kith_err kith_subjects_keep(struct kith_agency *agency, const struct kith_agency_round *round,
                                 const struct kith_encoded *encoded, uint64_t n_missed)
{
  struct kith_subject_log log = {.encoded_at = kith_node_now(agency->node),
                                 .n_set_aside = encoded->n_set_aside,
                                 .n_missed = n_missed,
                                 .scope = encoded->scope};
  struct kith_secret *key = NULL;
  struct kith_secret *box_key = NULL;
  uint8_t check[CHECK_BYTES];
  kith_round_id place;
  enum kith_err err;

  if (agency->config.subject_log_days == 0)
    return KITH_OK;
  kith_subject_box_key_place(place, round->node->id);
  if ((err = kith_subject_log_key(agency, &key)) == KITH_OK &&
      (err = key_check(check, key)) == KITH_OK &&
      (err = kith_roundkey_ensure(agency->node->keys, &box_key, place, "subjects", NULL)) ==
          KITH_OK &&
      (err = hashes_make(&log.hashes, &log.n, key, encoded)) == KITH_OK)
    err = log_put(agency, box_key, round->node->id, &log, check);
  kith_subject_log_free(&log);
  kith_secret_free(key);
  kith_secret_free(box_key);
  return err;
}

/* ---- reading */

/* *out: a fresh copy (kith_free). */
enum kith_err kith_subject_box_get(struct kith_txn *txn, const struct kith_secret *box_key,
                                   const kith_round_id round, uint32_t number, uint8_t **out,
                                   size_t *len)
{
  uint8_t key[KEY_BYTES];
  struct kith_bytes at = store_key(key, round, number);
  KITH_AUTO_FREE uint8_t *sealed = NULL;
  uint8_t *opened;
  size_t sealed_len = 0;
  enum kith_err err = kith_store_get(txn, KITH_TABLE_SUBJECTS, at, &sealed, &sealed_len);

  if (err != KITH_OK)
    return err;
  if (sealed_len < KITH_BOX_OVERHEAD)
    return KITH_ERR_INTERNAL;
  opened = kith_calloc(sealed_len - KITH_BOX_OVERHEAD + 1, 1);
  err = opened ? kith_box_open(opened, box_key, at.bytes, at.len, sealed, sealed_len)
               : KITH_ERR_MEMORY;
  if (err != KITH_OK) {
    kith_free(opened);
    return err;
  }
  *out = opened;
  *len = sealed_len - KITH_BOX_OVERHEAD;
  return KITH_OK;
}

static enum kith_err counts_get(struct kith_subject_log *log, struct kith_txn *txn,
                                const struct kith_secret *box_key, const kith_round_id round,
                                const uint8_t own_check[CHECK_BYTES])
{
  KITH_AUTO_FREE uint8_t *bytes = NULL;
  uint8_t check[CHECK_BYTES] = {0};
  struct kith_reader reader;
  size_t len = 0;
  enum kith_err err = kith_subject_box_get(txn, box_key, round, 0, &bytes, &len);

  if (err != KITH_OK)
    return err;
  if ((err = kith_reader_init(&reader, bytes, len)) != KITH_OK)
    return err;
  kith_read_array(&reader, VALUES + KITH_SCOPE_REASON_COUNT);
  (void)kith_read_u64(&reader, 1, 1);
  log->encoded_at = (int64_t)kith_read_u64(&reader, 0, INT64_MAX);
  log->n = (uint32_t)kith_read_u64(&reader, 0, UINT32_MAX);
  log->n_set_aside = kith_read_u64(&reader, 0, UINT64_MAX);
  log->n_missed = kith_read_u64(&reader, 0, UINT64_MAX);
  kith_read_bin_exact(&reader, check, CHECK_BYTES);
  for (unsigned i = 0; i < KITH_SCOPE_REASON_COUNT; i++)
    log->scope.n[i] = kith_read_u64(&reader, 0, UINT64_MAX);
  log->other_key = memcmp(check, own_check, CHECK_BYTES) != 0;
  return kith_reader_done(&reader);
}

static enum kith_err hashes_get(struct kith_subject_log *log, struct kith_txn *txn,
                                const struct kith_secret *box_key, const kith_round_id round)
{
  enum kith_err err = KITH_OK;
  uint32_t number = 0;

  log->hashes = kith_calloc((size_t)log->n + 1, KITH_HASH_BYTES);
  if (!log->hashes)
    return KITH_ERR_MEMORY;
  for (uint32_t first = 0; err == KITH_OK && first < log->n; first += CHUNK) {
    size_t want = (size_t)(log->n - first < CHUNK ? log->n - first : CHUNK) * KITH_HASH_BYTES;
    KITH_AUTO_FREE uint8_t *bytes = NULL;
    size_t len = 0;

    err = kith_subject_box_get(txn, box_key, round, ++number, &bytes, &len);
    if (err == KITH_OK && len != want)
      err = KITH_ERR_INTERNAL;
    if (err == KITH_OK)
      memcpy(log->hashes + (size_t)first * KITH_HASH_BYTES, bytes, want);
  }
  return err == KITH_ERR_NOT_FOUND ? KITH_ERR_INTERNAL : err;
}

enum kith_err kith_subjects_load(struct kith_agency *agency, struct kith_subject_log *out,
                                 const kith_round_id round, bool with_hashes)
{
  struct kith_subject_log log = {0};
  struct kith_secret *key = NULL;
  struct kith_secret *box_key = NULL;
  struct kith_txn *txn = NULL;
  uint8_t check[CHECK_BYTES];
  kith_round_id place;
  enum kith_err err;

  kith_subject_box_key_place(place, round);
  err = kith_roundkey_load(agency->node->keys, &box_key, place, "subjects", NULL);
  if (err == KITH_OK)
    err = kith_subject_log_key(agency, &key);
  if (err == KITH_OK)
    err = key_check(check, key);
  if (err == KITH_OK)
    err = kith_txn_begin(&txn, agency->node->store, false);
  if (err == KITH_OK)
    err = counts_get(&log, txn, box_key, round, check);
  if (err == KITH_OK && with_hashes)
    err = hashes_get(&log, txn, box_key, round);
  kith_txn_abort(txn);
  kith_store_relax(agency->node->store);
  kith_secret_free(key);
  kith_secret_free(box_key);
  if (err == KITH_OK)
    *out = log;
  else
    kith_subject_log_free(&log);
  return err;
}

static bool log_has(const struct kith_subject_log *log, const uint8_t hash[KITH_HASH_BYTES])
{
  return log->n > 0 && bsearch(hash, log->hashes, log->n, KITH_HASH_BYTES, compare_hashes);
}

enum kith_err kith_subjects_find(struct kith_agency *agency, const struct kith_subject_log *log,
                                 const char *id, bool *found)
{
  uint8_t hash[KITH_HASH_BYTES];
  struct kith_secret *key = NULL;
  enum kith_err err = kith_subject_log_key(agency, &key);

  if (err == KITH_OK)
    err = kith_subject_id_hash(hash, key, id);
  if (err == KITH_OK)
    *found = log_has(log, hash);
  kith_secret_free(key);
  return err;
}

enum kith_err kith_subjects_each(struct kith_agency *agency, const kith_round_id round,
                                 const struct kith_objections *list, kith_subject_visit *visit,
                                 void *context)
{
  struct kith_subject_log log = {0};
  struct kith_secret *key = NULL;
  enum kith_err err = kith_subjects_load(agency, &log, round, true);

  if (err == KITH_OK && log.other_key)
    err = KITH_ERR_NOT_FOUND; /* of no id can be told whether it is in there */
  if (err == KITH_OK)
    err = kith_subject_log_key(agency, &key);
  for (size_t i = 0; err == KITH_OK && i < kith_objections_n(list); i++) {
    const char *id = kith_objections_id(list, i);
    uint8_t hash[KITH_HASH_BYTES];

    err = kith_subject_id_hash(hash, key, id);
    if (err == KITH_OK && log_has(&log, hash))
      err = visit(context, id);
  }
  kith_secret_free(key);
  kith_subject_log_free(&log);
  return err == KITH_ERR_CANCELLED ? KITH_OK : err;
}

static enum kith_err any_visit(void *context, const char *id)
{
  (void)id;
  *(bool *)context = true;
  return KITH_ERR_CANCELLED;
}

enum kith_err kith_subjects_any(struct kith_agency *agency, bool *found, const kith_round_id round,
                                const struct kith_objections *list)
{
  enum kith_err err;

  *found = false;
  err = kith_subjects_each(agency, round, list, any_visit, found);
  /* Where the configuration keeps no log, nobody is to be told of. */
  return err == KITH_ERR_NOT_FOUND && !agency->config.subject_log_days ? KITH_OK : err;
}

/* ---- ending */

static enum kith_err log_destroy(struct kith_agency *agency, const kith_round_id round)
{
  struct kith_txn *txn = NULL;
  kith_round_id place;
  enum kith_err err;

  kith_subject_box_key_place(place, round);
  err = kith_roundkey_destroy(agency->node->keys, place, "subjects", NULL);
  if (err == KITH_OK)
    err = kith_node_begin(&txn, agency->node);
  if (err != KITH_OK)
    return err;
  err = kith_store_delete_prefix(txn, KITH_TABLE_SUBJECTS,
                                 (struct kith_bytes){round, KITH_ROUND_ID_BYTES});
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

enum kith_err kith_subjects_expire(struct kith_agency *agency)
{
  int64_t now = kith_node_now(agency->node);
  int64_t kept_s = (int64_t)agency->config.subject_log_days * 86400;
  enum kith_err err = KITH_OK;

  if (now < agency->subjects_next)
    return KITH_OK;
  for (unsigned i = 0; err == KITH_OK && i < agency->n_rounds; i++) {
    const uint8_t *round = agency->rounds[i]->node->id;
    struct kith_subject_log log = {0};

    err = kith_subjects_load(agency, &log, round, false);
    if (err == KITH_OK && now >= log.encoded_at + kept_s)
      err = log_destroy(agency, round);
    if (err == KITH_ERR_NOT_FOUND)
      err = KITH_OK;
    kith_subject_log_free(&log);
  }
  if (err == KITH_OK)
    agency->subjects_next = now + 3600;
  return err;
}
