#include "proto/audit_cosign.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "proto/audit_chain.h"

enum {
  KEY_MAX = 1 + KITH_MEMBER_ID_BYTES,
  OURS_BYTES = 8 + KITH_HASH_BYTES + KITH_SIGN_BYTES + 8 + KITH_SIGN_BYTES,
  THEIRS_BYTES = 8 + KITH_HASH_BYTES + 8 + KITH_SIGN_BYTES
};

static struct kith_bytes key_of(char key[KEY_MAX], char kind, const char *member)
{
  size_t len = strlen(member);

  key[0] = kind;
  memcpy(key + 1, member, len);
  return (struct kith_bytes){key, 1 + len};
}

static void u64_put(uint8_t **at, uint64_t number)
{
  kith_put_be(*at, 8, number);
  *at += 8;
}

static uint64_t u64_get(const uint8_t **at)
{
  *at += 8;
  return kith_get_be(*at - 8, 8);
}

static void bytes_put(uint8_t **at, const void *bytes, size_t len)
{
  memcpy(*at, bytes, len);
  *at += len;
}

static void bytes_get(const uint8_t **at, void *out, size_t len)
{
  memcpy(out, *at, len);
  *at += len;
}

/* A checkpoint and a cosignature of it; of others' cosignatures the former is ours, unsigned. */
struct record {
  struct kith_checkpoint checkpoint;
  struct kith_cosignature cosignature;
};

static enum kith_err record_read(struct record *out, char kind, const uint8_t *bytes, size_t len)
{
  if (len != (kind == 'w' ? OURS_BYTES : THEIRS_BYTES))
    return KITH_ERR_DATA;
  out->checkpoint.seq = u64_get(&bytes);
  bytes_get(&bytes, out->checkpoint.root.bytes, KITH_HASH_BYTES);
  if (kind == 'w')
    bytes_get(&bytes, out->checkpoint.signature, KITH_SIGN_BYTES);
  out->cosignature.time = (int64_t)u64_get(&bytes);
  bytes_get(&bytes, out->cosignature.signature, KITH_SIGN_BYTES);
  return KITH_OK;
}

/* All zero where there is none. */
static enum kith_err record_load(struct kith_txn *txn, unsigned table, char kind,
                                 const char *member, struct record *out)
{
  char key[KEY_MAX];
  KITH_AUTO_FREE uint8_t *bytes = NULL;
  size_t len = 0;
  enum kith_err err;

  memset(out, 0, sizeof *out);
  if (!kith_member_id_valid(member))
    return KITH_ERR_DATA;
  err = kith_store_get(txn, table, key_of(key, kind, member), &bytes, &len);
  if (err == KITH_ERR_NOT_FOUND)
    return KITH_OK;
  return err == KITH_OK ? record_read(out, kind, bytes, len) : err;
}

/* A full store must not look like a log that contradicts itself. */
static enum kith_err record_store(struct kith_txn *txn, unsigned table, char kind,
                                  const char *member, const struct record *record)
{
  char key[KEY_MAX];
  uint8_t bytes[OURS_BYTES];
  uint8_t *at = bytes;
  enum kith_err err;

  u64_put(&at, record->checkpoint.seq);
  bytes_put(&at, record->checkpoint.root.bytes, KITH_HASH_BYTES);
  if (kind == 'w')
    bytes_put(&at, record->checkpoint.signature, KITH_SIGN_BYTES);
  u64_put(&at, (uint64_t)record->cosignature.time);
  bytes_put(&at, record->cosignature.signature, KITH_SIGN_BYTES);
  err = kith_store_put(txn, table, key_of(key, kind, member),
                       (struct kith_bytes){bytes, (size_t)(at - bytes)});
  return err == KITH_ERR_FULL ? KITH_ERR_IO : err;
}

/* ---- others' logs */

enum kith_err kith_audit_cosigned_last(struct kith_txn *txn, unsigned table, const char *member,
                                       struct kith_checkpoint *out)
{
  struct record last;
  enum kith_err err = record_load(txn, table, 'w', member, &last);

  if (err == KITH_OK)
    *out = last.checkpoint;
  return err;
}

enum kith_err kith_audit_cosign(struct kith_txn *txn, unsigned table,
                                const struct kith_audit_cosigning *cosigning,
                                struct kith_cosignature *out)
{
  const struct kith_checkpoint *checkpoint = cosigning->checkpoint;
  struct record last;
  struct record next = {.checkpoint = *checkpoint, .cosignature.time = cosigning->time};
  enum kith_err err = record_load(txn, table, 'w', cosigning->log, &last);

  if (err == KITH_OK)
    err = kith_checkpoint_verify(checkpoint, cosigning->log, cosigning->sign_key);
  if (err != KITH_OK)
    return err;
  /* A member with another key has begun another log: what the old one was says nothing of it. */
  if (last.checkpoint.seq &&
      kith_checkpoint_verify(&last.checkpoint, cosigning->log, cosigning->sign_key) != KITH_OK)
    last = (struct record){0};
  if (checkpoint->seq == 0 || checkpoint->seq < last.checkpoint.seq)
    return KITH_ERR_NOT_FOUND;
  memcpy(next.cosignature.member, cosigning->cosigner, strlen(cosigning->cosigner));
  if (checkpoint->seq == last.checkpoint.seq &&
      kith_hash_equal(&checkpoint->root, &last.checkpoint.root)) {
    next.cosignature.time = last.cosignature.time;
    memcpy(next.cosignature.signature, last.cosignature.signature, KITH_SIGN_BYTES);
    *out = next.cosignature;
    return KITH_OK;
  }
  if (last.checkpoint.seq &&
      kith_tree_consistent(cosigning->proof, last.checkpoint.seq, &last.checkpoint.root,
                           checkpoint->seq, &checkpoint->root) != KITH_OK) {
    err = kith_audit_accuse(txn, table, cosigning->time, cosigning->log, checkpoint);
    return err == KITH_OK ? KITH_ERR_FULL : err;
  }
  err = kith_cosign(&next.cosignature, checkpoint, cosigning->log, cosigning->identity);
  if (err == KITH_OK)
    err = record_store(txn, table, 'w', cosigning->log, &next);
  if (err == KITH_OK)
    *out = next.cosignature;
  return err;
}

/* ---- this node's log */

struct beginning {
  struct kith_tree tree;
  uint64_t seq;
};

static enum kith_err beginning_add(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct beginning *beginning = context;
  struct kith_hash leaf;

  (void)key;
  if (beginning->tree.n == beginning->seq)
    return KITH_ERR_CANCELLED;
  kith_tree_leaf(&leaf, value.bytes, value.len);
  kith_tree_add(&beginning->tree, &leaf);
  return KITH_OK;
}

enum kith_err kith_audit_cosignature_keep(struct kith_txn *txn, unsigned table, const char *log,
                                          uint64_t seq, const struct kith_cosignature *cosignature,
                                          const uint8_t sign_key[KITH_PUBLIC_BYTES])
{
  struct beginning beginning = {.seq = seq};
  struct record held;
  struct record next = {.checkpoint.seq = seq, .cosignature = *cosignature};
  enum kith_err err = record_load(txn, table, 'c', cosignature->member, &held);

  if (err == KITH_OK)
    err = kith_audit_each_raw(txn, table, beginning_add, &beginning);
  if (err != KITH_OK)
    return err;
  if (seq == 0 || beginning.tree.n < seq)
    return KITH_ERR_NOT_FOUND;
  kith_tree_root(&beginning.tree, &next.checkpoint.root);
  err = kith_cosignature_verify(cosignature, &next.checkpoint, log, sign_key);
  if (err != KITH_OK || seq <= held.checkpoint.seq)
    return err;
  return record_store(txn, table, 'c', cosignature->member, &next);
}

enum kith_err kith_audit_cosignature_seq(struct kith_txn *txn, unsigned table, const char *member,
                                         uint64_t *out)
{
  struct record held;
  enum kith_err err = record_load(txn, table, 'c', member, &held);

  if (err == KITH_OK)
    *out = held.checkpoint.seq;
  return err;
}

/* ---- both, for an export */

struct each_record {
  char kind;
  kith_audit_peer_visit *visit;
  void *context;
};

static enum kith_err record_visit(void *context, struct kith_bytes key, struct kith_bytes value)
{
  const struct each_record *each = context;
  struct kith_audit_thing thing = {.kind = each->kind == 'w' ? KITH_AUDIT_MORE_COSIGNED
                                                             : KITH_AUDIT_MORE_COSIGNATURE};
  struct record record = {0};
  enum kith_err err = record_read(&record, each->kind, value.bytes, value.len);

  if (err != KITH_OK)
    return err;
  if (key.len < 2 || key.len > sizeof thing.member)
    return KITH_ERR_DATA;
  memcpy(thing.member, (const uint8_t *)key.bytes + 1, key.len - 1);
  thing.checkpoint = record.checkpoint;
  if (each->kind == 'c') {
    thing.time = record.cosignature.time;
    memcpy(thing.checkpoint.signature, record.cosignature.signature, KITH_SIGN_BYTES);
  }
  return each->visit(each->context, &thing);
}

enum kith_err kith_audit_each_cosigned(struct kith_txn *txn, unsigned table,
                                       kith_audit_peer_visit *visit, void *context)
{
  struct each_record each = {'w', visit, context};
  enum kith_err err = kith_store_each(txn, table, (struct kith_bytes){"w", 1}, record_visit, &each);

  each.kind = 'c';
  return err == KITH_OK
             ? kith_store_each(txn, table, (struct kith_bytes){"c", 1}, record_visit, &each)
             : err;
}
