/* The checkpoints that a node holds of others' logs. */
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "proto/audit_chain.h"
#include "proto/audit_more.h"

enum {
  PEER_KEY_MAX = 1 + KITH_MEMBER_ID_BYTES + 8,
  PEER_BYTES = KITH_HASH_BYTES + KITH_SIGN_BYTES
};

/* kind, member, 0x00, seq big-endian */
static struct kith_bytes peer_key(uint8_t key[PEER_KEY_MAX], char kind, const char *member,
                                  uint64_t seq)
{
  size_t id_len = strlen(member) + 1;

  key[0] = (uint8_t)kind;
  memcpy(key + 1, member, id_len);
  kith_put_be(key + 1 + id_len, 8, seq);
  return (struct kith_bytes){key, 1 + id_len + 8};
}

/* Keeps what the peer signed, and an entry that says so. KITH_ERR_EXISTS: something is there. */
static enum kith_err peer_store(struct kith_txn *txn, unsigned table, char kind, int64_t time,
                                enum kith_audit_event event, const char *member,
                                const struct kith_checkpoint *checkpoint)
{
  uint8_t key[PEER_KEY_MAX];
  uint8_t bytes[PEER_BYTES];
  struct kith_audit_value values[4] = {kith_audit_id("member", member),
                                       kith_audit_number("seq", checkpoint->seq),
                                       kith_audit_hash("root", &checkpoint->root),
                                       {"signature", KITH_AUDIT_SIGNATURE, {""}}};
  enum kith_err err;

  memcpy(values[3].as.signature, checkpoint->signature, KITH_SIGN_BYTES);
  memcpy(bytes, checkpoint->root.bytes, KITH_HASH_BYTES);
  memcpy(bytes + KITH_HASH_BYTES, checkpoint->signature, KITH_SIGN_BYTES);
  err = kith_store_add(txn, table, peer_key(key, kind, member, checkpoint->seq),
                       (struct kith_bytes){bytes, sizeof bytes});
  if (err == KITH_OK)
    err = kith_audit_append(txn, table, time, event, values, KITH_COUNT_OF(values), NULL);
  /* A full store must not look like a peer that contradicts itself. */
  return err == KITH_ERR_FULL ? KITH_ERR_IO : err;
}

enum kith_err kith_audit_record_peer(struct kith_txn *txn, unsigned table, int64_t time,
                                     const char *member, const struct kith_checkpoint *checkpoint,
                                     const uint8_t sign_key[KITH_PUBLIC_BYTES])
{
  uint8_t key[PEER_KEY_MAX];
  KITH_AUTO_FREE uint8_t *held = NULL;
  size_t len = 0;
  enum kith_err err;

  if (!kith_member_id_valid(member))
    return KITH_ERR_DATA;
  if (checkpoint->seq == 0)
    return KITH_OK;
  err = kith_checkpoint_verify(checkpoint, member, sign_key);
  if (err != KITH_OK)
    return err;
  err = peer_store(txn, table, 'q', time, KITH_AUDIT_CHECKPOINT, member, checkpoint);
  if (err != KITH_ERR_EXISTS)
    return err;
  err = kith_store_get(txn, table, peer_key(key, 'q', member, checkpoint->seq), &held, &len);
  if (err != KITH_OK)
    return err;
  if (len == PEER_BYTES && memcmp(held, checkpoint->root.bytes, KITH_HASH_BYTES) == 0)
    return KITH_OK;
  /* The first contradiction at a seq is kept; more of them would only fill the log. */
  err = peer_store(txn, table, 'y', time, KITH_AUDIT_CONTRADICTION, member, checkpoint);
  return err == KITH_OK || err == KITH_ERR_EXISTS ? KITH_ERR_FULL : err;
}

static enum kith_err one_is_there(void *context, struct kith_bytes key, struct kith_bytes value)
{
  (void)key;
  (void)value;
  *(bool *)context = true;
  return KITH_ERR_CANCELLED;
}

enum kith_err kith_audit_accuse(struct kith_txn *txn, unsigned table, int64_t time,
                                const char *member, const struct kith_checkpoint *checkpoint)
{
  uint8_t key[PEER_KEY_MAX];
  struct kith_bytes all = peer_key(key, 'y', member, 0);
  bool there = false;
  enum kith_err err;

  all.len -= 8;
  err = kith_store_each(txn, table, all, one_is_there, &there);
  return err == KITH_OK && !there
             ? peer_store(txn, table, 'y', time, KITH_AUDIT_CONTRADICTION, member, checkpoint)
             : err;
}

struct each_peer {
  enum kith_audit_more_kind kind;
  kith_audit_peer_visit *visit;
  void *context;
};

static enum kith_err peer_visit(void *context, struct kith_bytes key, struct kith_bytes value)
{
  const struct each_peer *each = context;
  struct kith_audit_thing thing = {.kind = each->kind};
  const uint8_t *bytes = key.bytes;
  const uint8_t *held = value.bytes;
  size_t id_len = key.len < 1 + 1 + 8 ? 0 : key.len - 1 - 1 - 8;

  if (id_len == 0 || id_len >= sizeof thing.member || value.len != PEER_BYTES)
    return KITH_ERR_DATA;
  memcpy(thing.member, bytes + 1, id_len);
  thing.checkpoint.seq = kith_get_be(bytes + key.len - 8, 8);
  memcpy(thing.checkpoint.root.bytes, held, KITH_HASH_BYTES);
  memcpy(thing.checkpoint.signature, held + KITH_HASH_BYTES, KITH_SIGN_BYTES);
  return each->visit(each->context, &thing);
}

enum kith_err kith_audit_each_peer(struct kith_txn *txn, unsigned table,
                                   kith_audit_peer_visit *visit, void *context)
{
  struct each_peer each = {KITH_AUDIT_MORE_PEER, visit, context};
  enum kith_err err = kith_store_each(txn, table, (struct kith_bytes){"q", 1}, peer_visit, &each);

  each.kind = KITH_AUDIT_MORE_CONTRADICTION;
  return err == KITH_OK
             ? kith_store_each(txn, table, (struct kith_bytes){"y", 1}, peer_visit, &each)
             : err;
}
