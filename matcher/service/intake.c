#include "matcher/service/intake.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "crypto/seal.h"
#include "crypto/secret.h"
#include "matcher/service/journal.h"
#include "matcher/service/tables.h"
#include "proto/batch.h"
#include "proto/submission.h"
#include "proto/withdrawal.h"

static const char key_name[] = "intake";

/* round || agency || 0x00 || number, big-endian so that keys sort as numbers do. */
struct batch_key {
  uint8_t bytes[KITH_ROUND_ID_BYTES + KITH_MEMBER_ID_BYTES + 4];
  size_t len;
  size_t prefix_len; /* without the number */
};

static void batch_key_set(struct batch_key *key, const kith_round_id round, const char *agency,
                          uint32_t number)
{
  size_t id_len = strlen(agency) + 1;

  memcpy(key->bytes, round, KITH_ROUND_ID_BYTES);
  memcpy(key->bytes + KITH_ROUND_ID_BYTES, agency, id_len);
  key->prefix_len = KITH_ROUND_ID_BYTES + id_len;
  for (unsigned i = 0; i < 4; i++)
    key->bytes[key->prefix_len + i] = (uint8_t)(number >> (24 - 8 * i));
  key->len = key->prefix_len + 4;
}

static struct kith_bytes batch_key_bytes(const struct batch_key *key)
{
  return (struct kith_bytes){key->bytes, key->len};
}

/* KITH_ERR_NOT_FOUND, KITH_ERR_EXISTS (the same hash) or KITH_ERR_NO (another). */
static enum kith_err batch_find(struct kith_txn *txn, const struct batch_key *key,
                                const struct kith_hash *hash)
{
  KITH_AUTO_FREE uint8_t *held = NULL;
  size_t len = 0;
  enum kith_err err =
      kith_store_get(txn, KITH_TABLE_BATCH_HASHES, batch_key_bytes(key), &held, &len);

  if (err != KITH_OK)
    return err;
  return len == sizeof hash->bytes && memcmp(held, hash->bytes, len) == 0 ? KITH_ERR_EXISTS
                                                                          : KITH_ERR_NO;
}

static enum kith_err batch_store(struct kith_node *node, struct kith_txn *txn,
                                 const struct batch_key *key, const struct kith_hash *hash,
                                 const uint8_t *sealed, size_t sealed_len)
{
  enum kith_err err = batch_find(txn, key, hash);

  if (err != KITH_ERR_NOT_FOUND)
    return err;
  err = kith_store_put(txn, KITH_TABLE_BATCHES, batch_key_bytes(key),
                       (struct kith_bytes){sealed, sealed_len});
  if (err == KITH_OK)
    err = kith_store_put(txn, KITH_TABLE_BATCH_HASHES, batch_key_bytes(key),
                         (struct kith_bytes){hash->bytes, sizeof hash->bytes});
  if (err == KITH_OK)
    err = kith_node_audit(node, txn, KITH_AUDIT_BATCH, key->bytes,
                          (const char *)key->bytes + KITH_ROUND_ID_BYTES, hash, 0);
  return err;
}

enum kith_err kith_intake_put(struct kith_node *node, const kith_round_id round, const char *agency,
                              uint32_t number, const struct kith_hash *hash, const void *rows,
                              size_t len)
{
  KITH_AUTO_FREE uint8_t *sealed = NULL;
  struct kith_secret *secret = NULL;
  struct kith_txn *txn = NULL;
  struct batch_key key;
  enum kith_err err;

  batch_key_set(&key, round, agency, number);
  if ((err = kith_roundkey_ensure(node->keys, &secret, round, key_name, NULL)) != KITH_OK)
    return err;
  sealed = kith_calloc(len + KITH_BOX_OVERHEAD, 1);
  err = sealed ? kith_box(sealed, secret, key.bytes, key.len, rows, len) : KITH_ERR_MEMORY;
  if (err == KITH_OK)
    err = kith_node_begin(&txn, node);
  if (err == KITH_OK)
    err = batch_store(node, txn, &key, hash, sealed, len + KITH_BOX_OVERHEAD);
  if (err == KITH_OK) {
    err = kith_txn_commit(txn);
    txn = NULL;
  }
  kith_txn_abort(txn);
  kith_secret_free(secret);
  return err;
}

/* ---- what is held */

struct held {
  uint8_t *bitmap;
  size_t n_bits;
  uint32_t n;
};

static enum kith_err held_visit(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct held *held = context;
  uint32_t number = (uint32_t)kith_get_be((const uint8_t *)key.bytes + key.len - 4, 4);

  (void)value;
  if (number < held->n_bits) {
    held->bitmap[number / 8] = (uint8_t)(held->bitmap[number / 8] | 1u << number % 8);
    held->n++;
  }
  return KITH_OK;
}

enum kith_err kith_intake_held(struct kith_node *node, const kith_round_id round,
                               const char *agency, uint8_t *bitmap, size_t bytes, uint32_t *held)
{
  struct held found = {bitmap, bytes * 8, 0};
  struct kith_txn *txn = NULL;
  struct batch_key key;
  enum kith_err err = kith_txn_begin(&txn, node->store, false);

  if (err != KITH_OK)
    return err;
  memset(bitmap, 0, bytes);
  batch_key_set(&key, round, agency, 0);
  err = kith_store_each(txn, KITH_TABLE_BATCH_HASHES,
                        (struct kith_bytes){key.bytes, key.prefix_len}, held_visit, &found);
  kith_txn_abort(txn);
  *held = found.n;
  return err;
}

enum kith_err kith_intake_complete(struct kith_node *node, const kith_round_id round,
                                   const char *agency, const struct kith_manifest *manifest)
{
  struct kith_txn *txn = NULL;
  struct batch_key key;
  struct kith_hash root;
  enum kith_err err;

  kith_manifest_root(&root, round, agency, manifest->n_records, manifest->batches,
                     manifest->n_batches);
  if (!kith_hash_equal(&root, &manifest->root))
    return KITH_ERR_NO;
  if ((err = kith_txn_begin(&txn, node->store, false)) != KITH_OK)
    return err;
  for (uint32_t i = 0; err == KITH_OK && i < manifest->n_batches; i++) {
    batch_key_set(&key, round, agency, i);
    err = batch_find(txn, &key, &manifest->batches[i]);
    err = err == KITH_ERR_EXISTS ? KITH_OK : err == KITH_ERR_NOT_FOUND ? KITH_ERR_NO : err;
  }
  kith_txn_abort(txn);
  return err;
}

/* ---- reading an agency's rows back */

/* *out: fresh, of *len bytes. */
static enum kith_err batch_open(struct kith_txn *txn, const struct kith_secret *key,
                                const struct batch_key *at, uint8_t **out, size_t *len)
{
  KITH_AUTO_FREE uint8_t *sealed = NULL;
  uint8_t *opened = NULL;
  size_t sealed_len = 0;
  enum kith_err err =
      kith_store_get(txn, KITH_TABLE_BATCHES, batch_key_bytes(at), &sealed, &sealed_len);

  if (err != KITH_OK)
    return err;
  if (sealed_len < KITH_BOX_OVERHEAD)
    return KITH_ERR_INTERNAL; /* it was boxed here */
  opened = kith_calloc(sealed_len - KITH_BOX_OVERHEAD, 1);
  err =
      opened ? kith_box_open(opened, key, at->bytes, at->len, sealed, sealed_len) : KITH_ERR_MEMORY;
  if (err != KITH_OK) {
    kith_free(opened);
    return err;
  }
  *out = opened;
  *len = sealed_len - KITH_BOX_OVERHEAD;
  return KITH_OK;
}

enum kith_err kith_intake_batch(struct kith_node *node, const struct kith_secret *key,
                                const kith_round_id round, const char *agency, uint32_t number,
                                uint8_t **rows, size_t *len)
{
  struct kith_txn *txn = NULL;
  struct batch_key at;
  enum kith_err err = kith_txn_begin(&txn, node->store, false);

  batch_key_set(&at, round, agency, number);
  if (err == KITH_OK)
    err = batch_open(txn, key, &at, rows, len);
  kith_txn_abort(txn);
  kith_store_relax(node->store);
  return err;
}

/* A row that is only looked for, by its index. */
struct looking {
  const uint8_t *round;
  const char *agency;
  const struct kith_hash *index;
  bool found;
};

struct loader {
  struct kith_intake_rows *out;
  struct looking *looking; /* NULL: the rows are wanted */
  const struct kith_secret *secret;
  size_t row_bytes;
  size_t next_row;
  uint16_t known_fields;
};

static void look_for(const struct loader *loader, const uint8_t *rows, size_t n)
{
  struct looking *looking = loader->looking;

  for (size_t i = 0; i < n; i++) {
    struct kith_hash index;

    kith_withdrawal_index(&index, looking->round, looking->agency, rows + i * loader->row_bytes);
    looking->found = looking->found || kith_hash_equal(&index, looking->index);
  }
}

static enum kith_err load_rows(struct loader *loader, const uint8_t *rows, size_t n)
{
  struct kith_encodings *enc = &loader->out->encodings;

  if (n > enc->n - loader->next_row)
    return KITH_ERR_DATA;
  for (size_t i = 0; i < n; i++, loader->next_row++) {
    const uint8_t *row = rows + i * loader->row_bytes;
    uint16_t mask = kith_batch_row_mask(row);

    if (mask & ~loader->known_fields)
      return KITH_ERR_DATA;
    memcpy(loader->out->handles + loader->next_row * KITH_HANDLE_BYTES, row, KITH_HANDLE_BYTES);
    if (enc->masks)
      enc->masks[loader->next_row] = mask;
    memcpy(kith_encodings_row(enc, loader->next_row), kith_batch_row_filters(row), enc->stride);
  }
  return KITH_OK;
}

static enum kith_err load_batch(struct loader *loader, struct kith_txn *txn,
                                const struct batch_key *key)
{
  uint8_t *rows = NULL;
  size_t len = 0;
  enum kith_err err = batch_open(txn, loader->secret, key, &rows, &len);

  if (err != KITH_OK)
    return err;
  if (len % loader->row_bytes)
    err = KITH_ERR_DATA;
  else if (loader->looking)
    look_for(loader, rows, len / loader->row_bytes);
  else
    err = load_rows(loader, rows, len / loader->row_bytes);
  kith_free_wiped(rows, len);
  return err;
}

static enum kith_err rows_alloc(struct kith_intake_rows *out, const struct kith_manifest *manifest,
                                const struct kith_policy *policy)
{
  unsigned bits[KITH_FILTERS_MAX] = {policy->bits};
  enum kith_err err;

  for (unsigned i = 0; i < policy->n_filters; i++)
    bits[i] = policy->filters[i].bits;
  kith_encodings_init(&out->encodings);
  err = kith_encodings_alloc_filters(&out->encodings, manifest->n_records, bits,
                                     policy->n_filters ? policy->n_filters : 1, policy->mask);
  if (err != KITH_OK)
    return err;
  out->handles = kith_calloc(manifest->n_records, KITH_HANDLE_BYTES);
  if (!out->handles)
    return KITH_ERR_MEMORY;
  out->encodings.n_fields = policy->n_fields;
  for (unsigned i = 0; i < policy->n_fields; i++) {
    out->encodings.field_weights[i] = policy->fields[i].weight;
    out->encodings.field_filters[i] = (uint8_t)policy->fields[i].filter;
  }
  return KITH_OK;
}

enum kith_err kith_intake_load(struct kith_node *node, struct kith_intake_rows *out,
                               const kith_round_id round, const char *agency,
                               const struct kith_manifest *manifest,
                               const struct kith_policy *policy, struct kith_fault *fault)
{
  struct kith_secret *secret = NULL;
  struct kith_txn *txn = NULL;
  struct loader loader = {0};
  struct batch_key key;
  enum kith_err err;

  memset(out, 0, sizeof *out);
  if ((err = kith_roundkey_load(node->keys, &secret, round, key_name, fault)) != KITH_OK ||
      (err = rows_alloc(out, manifest, policy)) != KITH_OK ||
      (err = kith_txn_begin(&txn, node->store, false)) != KITH_OK)
    goto end;
  loader.out = out;
  loader.secret = secret;
  loader.row_bytes = kith_batch_row_bytes(kith_policy_row_bytes(policy));
  loader.known_fields = (uint16_t)((1u << policy->n_fields) - 1);
  for (uint32_t i = 0; err == KITH_OK && i < manifest->n_batches; i++) {
    batch_key_set(&key, round, agency, i);
    err = load_batch(&loader, txn, &key);
  }
  if (err == KITH_OK && loader.next_row != manifest->n_records)
    err = KITH_ERR_DATA;
  if (err == KITH_OK)
    err = kith_encodings_check(&out->encodings, agency, fault);
  else
    err = kith_fail(fault, err, "%s: the batches are not rows as policy and manifest say", agency);
end:
  kith_txn_abort(txn);
  kith_store_relax(node->store);
  kith_secret_free(secret);
  if (err != KITH_OK)
    kith_intake_rows_free(out);
  return err;
}

size_t kith_intake_drop_withdrawn(struct kith_intake_rows *rows,
                                  const struct kith_withdrawals *withdrawals, const char *agency,
                                  uint8_t (*dropped)[KITH_HANDLE_BYTES])
{
  struct kith_encodings *enc = &rows->encodings;
  size_t kept = 0;
  size_t n = enc->n;

  if (!kith_withdrawals_any(withdrawals, agency))
    return 0;
  for (size_t i = 0; i < enc->n; i++) {
    const uint8_t *handle = rows->handles + i * KITH_HANDLE_BYTES;

    if (kith_withdrawals_of(withdrawals, agency, handle)) {
      if (dropped && i - kept < KITH_WITHDRAWALS_MAX)
        memcpy(dropped[i - kept], handle, KITH_HANDLE_BYTES);
      continue;
    }
    memmove(rows->handles + kept * KITH_HANDLE_BYTES, handle, KITH_HANDLE_BYTES);
    memmove(kith_encodings_row(enc, kept), kith_encodings_row(enc, i), enc->stride);
    if (enc->masks)
      enc->masks[kept] = enc->masks[i];
    kept++;
  }
  /* Of what was behind the last row: another row's copy, or the withdrawn one. */
  kith_wipe(rows->handles + kept * KITH_HANDLE_BYTES, (enc->n - kept) * KITH_HANDLE_BYTES);
  kith_wipe(enc->filters + kept * enc->stride, (enc->n - kept) * enc->stride);
  if (enc->masks)
    kith_wipe(enc->masks + kept, (enc->n - kept) * sizeof *enc->masks);
  enc->n = kept;
  return n - kept;
}

enum kith_err kith_intake_has(struct kith_node *node, const struct kith_round_view *view,
                              const struct kith_seat *seat, const struct kith_policy *policy,
                              const struct kith_hash *index)
{
  struct looking looking = {.round = view->round, .agency = seat->member, .index = index};
  struct kith_batch_plan plan;
  struct loader loader = {.looking = &looking};
  struct kith_secret *secret = NULL;
  struct kith_txn *txn = NULL;
  struct batch_key key;
  enum kith_err err = kith_roundkey_load(node->keys, &secret, view->round, key_name, NULL);

  if (err == KITH_OK)
    err = kith_txn_begin(&txn, node->store, false);
  kith_batch_plan_make(&plan, policy, seat->manifest.n_records, kith_round_roster_size(view));
  loader.secret = secret;
  loader.row_bytes = plan.blind ? KITH_HANDLE_BYTES : plan.row_bytes;
  for (uint32_t i = 0, n = plan.blind ? plan.n_handle_batches : seat->manifest.n_batches;
       err == KITH_OK && !looking.found && i < n; i++) {
    batch_key_set(&key, view->round, seat->member, i);
    err = load_batch(&loader, txn, &key);
  }
  kith_txn_abort(txn);
  kith_store_relax(node->store);
  kith_secret_free(secret);
  return err != KITH_OK ? err : looking.found ? KITH_OK : KITH_ERR_NO;
}

void kith_intake_rows_free(struct kith_intake_rows *rows)
{
  kith_encodings_free(&rows->encodings);
  kith_free(rows->handles);
  memset(rows, 0, sizeof *rows);
}

enum kith_err kith_intake_key(struct kith_node *node, struct kith_secret **out,
                              const kith_round_id round, struct kith_fault *fault)
{
  return kith_roundkey_load(node->keys, out, round, key_name, fault);
}

enum kith_err kith_intake_destroy(struct kith_node *node, const kith_round_id round,
                                  struct kith_fault *fault)
{
  struct kith_bytes prefix = {round, KITH_ROUND_ID_BYTES};
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_roundkey_destroy(node->keys, round, key_name, fault);

  if (err == KITH_OK)
    err = kith_node_begin(&txn, node);
  if (err == KITH_OK)
    err = kith_store_delete_prefix(txn, KITH_TABLE_BATCHES, prefix);
  if (err == KITH_OK)
    err = kith_store_delete_prefix(txn, KITH_TABLE_BATCH_HASHES, prefix);
  if (err == KITH_OK)
    err = kith_matching_journal_delete(txn, round);
  if (err == KITH_OK) {
    err = kith_txn_commit(txn);
    txn = NULL;
  }
  kith_txn_abort(txn);
  return err;
}
