#include "proto/node.h"

#include <string.h>

#include "base/mem.h"

/* Key of a document: its kind and its hash; the kind alone holds the hash of the newest. */
struct document_key {
  uint8_t bytes[1 + KITH_HASH_BYTES];
};

static struct kith_bytes document_key(struct document_key *key, enum kith_document_kind kind,
                                      const struct kith_hash *hash)
{
  key->bytes[0] = (uint8_t)kind;
  if (!hash)
    return (struct kith_bytes){key->bytes, 1};
  memcpy(key->bytes + 1, hash->bytes, sizeof hash->bytes);
  return (struct kith_bytes){key->bytes, sizeof key->bytes};
}

static enum kith_err document_read(struct kith_signed *out, enum kith_document_kind kind,
                                   const uint8_t *bytes, size_t len)
{
  struct kith_reader reader;
  enum kith_err err = kith_reader_init(&reader, bytes, len);

  if (err != KITH_OK)
    return err;
  kith_read_array(&reader, 2);
  err = kith_signed_read(out, kind, &reader);
  if (err == KITH_OK && (err = kith_reader_done(&reader)) != KITH_OK)
    kith_signed_free(out);
  return err;
}

enum kith_err kith_node_document(struct kith_node *node, struct kith_signed *out,
                                 enum kith_document_kind kind, const struct kith_hash *hash)
{
  KITH_AUTO_FREE uint8_t *value = NULL;
  KITH_AUTO_FREE uint8_t *newest = NULL;
  struct kith_hash found;
  struct document_key key;
  struct kith_txn *txn = NULL;
  size_t len = 0;
  enum kith_err err = kith_txn_begin(&txn, node->store, false);

  if (err != KITH_OK)
    return err;
  if (!hash) {
    err = kith_store_get(txn, KITH_TABLE_DOCUMENTS, document_key(&key, kind, NULL), &newest, &len);
    if (err == KITH_OK && len != sizeof found.bytes)
      err = KITH_ERR_INTERNAL;
    if (err != KITH_OK)
      goto end;
    memcpy(found.bytes, newest, sizeof found.bytes);
    hash = &found;
  }
  err = kith_store_get(txn, KITH_TABLE_DOCUMENTS, document_key(&key, kind, hash), &value, &len);
  if (err == KITH_OK)
    err = document_read(out, kind, value, len);
end:
  kith_txn_abort(txn);
  return err;
}

static enum kith_err document_store(struct kith_node *node, const struct kith_signed *document,
                                    const struct kith_hash *hash, bool newest)
{
  struct kith_txn *txn = NULL;
  struct kith_buf buf;
  struct document_key key;
  enum kith_err err;

  kith_buf_init(&buf, KITH_DOCUMENT_BYTES_MAX + 4096);
  kith_write_array(&buf, 2);
  kith_signed_write(&buf, document);
  if ((err = kith_buf_err(&buf)) != KITH_OK || (err = kith_node_begin(&txn, node)) != KITH_OK)
    goto end;
  err = kith_store_add(txn, KITH_TABLE_DOCUMENTS, document_key(&key, document->kind, hash),
                       (struct kith_bytes){buf.bytes, buf.len});
  if (err == KITH_OK && newest)
    err = kith_store_put(txn, KITH_TABLE_DOCUMENTS, document_key(&key, document->kind, NULL),
                         (struct kith_bytes){hash->bytes, sizeof hash->bytes});
  if (err == KITH_OK)
    err = kith_node_audit(node, txn, KITH_AUDIT_DOCUMENT, NULL, NULL, hash, document->kind);
  if (err == KITH_OK) {
    err = kith_txn_commit(txn);
    txn = NULL;
  }
end:
  kith_txn_abort(txn);
  kith_buf_free(&buf);
  return err;
}

static bool document_held(struct kith_node *node, enum kith_document_kind kind,
                          const struct kith_hash *hash)
{
  struct kith_signed held = {0};

  if (kith_node_document(node, &held, kind, hash) != KITH_OK)
    return false;
  kith_signed_free(&held);
  return true;
}

static enum kith_err take_charter(struct kith_node *node, const struct kith_signed *document,
                                  const struct kith_hash *hash, struct kith_fault *fault)
{
  struct kith_charter *charter = KITH_NEW(struct kith_charter);
  enum kith_err err;

  if (!charter)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  err = kith_charter_accept(charter, document, &node->pinned,
                            node->charter.version ? &node->charter : NULL, kith_node_now(node),
                            fault);
  if (err == KITH_OK)
    err = document_store(node, document, hash, true);
  if (err == KITH_OK) {
    node->charter = *charter;
    node->charter_hash = *hash;
  }
  kith_free(charter);
  return err;
}

struct version_check {
  const struct kith_policy *policy; /* the one that is to come in */
  struct kith_policy *held;         /* scratch */
  uint64_t highest;                 /* of the policies of its name; 0: there is none */
};

static enum kith_err version_visit(void *context, struct kith_bytes key, struct kith_bytes value)
{
  struct version_check *check = context;
  struct kith_signed document = {0};
  enum kith_err err;

  if (key.len == 1) /* where the newest is */
    return KITH_OK;
  err = document_read(&document, KITH_DOCUMENT_POLICY, value.bytes, value.len);
  if (err == KITH_OK)
    err = kith_policy_parse(check->held, document.bytes, document.len, "stored policy", NULL);
  if (err == KITH_OK && strcmp(check->held->name, check->policy->name) == 0 &&
      check->held->version > check->highest)
    check->highest = check->held->version;
  kith_signed_free(&document);
  return err;
}

/* A policy is one of several: each by its hash. Under one name a version may not fall, and the same
 * version may not have two texts, whatever came in between. */
static enum kith_err check_policy_version(struct kith_node *node, const struct kith_policy *policy,
                                          struct kith_fault *fault)
{
  struct version_check check = {policy, KITH_NEW(struct kith_policy), 0};
  uint8_t kind = KITH_DOCUMENT_POLICY;
  struct kith_txn *txn = NULL;
  enum kith_err err = check.held ? kith_txn_begin(&txn, node->store, false) : KITH_ERR_MEMORY;

  if (err == KITH_OK)
    err = kith_store_each(txn, KITH_TABLE_DOCUMENTS, (struct kith_bytes){&kind, sizeof kind},
                          version_visit, &check);
  kith_txn_abort(txn);
  kith_free(check.held);
  if (err == KITH_OK && policy->version <= check.highest)
    err = kith_fail(fault, KITH_ERR_DENIED,
                    "policy: version %llu is held already, and this is version %llu with other "
                    "bytes; raise the version",
                    (unsigned long long)check.highest, (unsigned long long)policy->version);
  return err;
}

static enum kith_err take_policy(struct kith_node *node, const struct kith_signed *document,
                                 const struct kith_hash *hash, struct kith_fault *fault)
{
  struct kith_policy *policy = KITH_NEW(struct kith_policy);
  enum kith_err err;

  if (!policy)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  err = kith_policy_accept(policy, document, &node->charter.governance, kith_node_now(node), fault);
  if (err == KITH_OK)
    err = check_policy_version(node, policy, fault);
  if (err == KITH_OK)
    err = document_store(node, document, hash, true);
  kith_free(policy);
  return err;
}

enum kith_err kith_node_take_document(struct kith_node *node, const struct kith_signed *document,
                                      struct kith_fault *fault)
{
  struct kith_hash hash;

  kith_signed_hash(&hash, document);
  if (document_held(node, document->kind, &hash))
    return KITH_ERR_EXISTS;
  return document->kind == KITH_DOCUMENT_CHARTER ? take_charter(node, document, &hash, fault)
                                                 : take_policy(node, document, &hash, fault);
}

enum kith_err kith_node_policy(struct kith_node *node, struct kith_policy *out,
                               const struct kith_hash *hash, struct kith_fault *fault)
{
  struct kith_signed document = {0};
  enum kith_err err = kith_node_document(node, &document, KITH_DOCUMENT_POLICY, hash);

  if (err != KITH_OK)
    return kith_fail(fault, err, "the policy of the round is not held here yet");
  err = kith_policy_accept(out, &document, &node->charter.governance, kith_node_now(node), fault);
  kith_signed_free(&document);
  return err;
}
