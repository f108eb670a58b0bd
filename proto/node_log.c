#include "proto/node.h"

#include <string.h>

#include "base/mem.h"

/* ---- statements of a round ----------------------------------------------------------------------
 */

enum { INDEX_BYTES = 4, STATEMENT_KEY_BYTES = KITH_ROUND_ID_BYTES + INDEX_BYTES };

static struct kith_bytes statement_key(uint8_t key[STATEMENT_KEY_BYTES], const kith_round_id round,
                                       uint32_t index)
{
  memcpy(key, round, KITH_ROUND_ID_BYTES);
  for (unsigned i = 0; i < INDEX_BYTES; i++)
    key[KITH_ROUND_ID_BYTES + i] = (uint8_t)(index >> (24 - 8 * i));
  return (struct kith_bytes){key, STATEMENT_KEY_BYTES};
}

enum kith_err kith_node_statement(struct kith_node *node, const kith_round_id round, uint32_t index,
                                  uint8_t **out, size_t *len)
{
  uint8_t key[STATEMENT_KEY_BYTES];
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_txn_begin(&txn, node->store, false);

  if (err != KITH_OK)
    return err;
  err = kith_store_get(txn, KITH_TABLE_STATEMENTS, statement_key(key, round, index), out, len);
  kith_txn_abort(txn);
  return err;
}

enum kith_err kith_node_log_store(struct kith_node *node, struct kith_txn *txn,
                                  const kith_round_id round, uint32_t index, const void *bytes,
                                  size_t len)
{
  uint8_t key[STATEMENT_KEY_BYTES];
  struct kith_hash hash;
  enum kith_err err = kith_store_add(txn, KITH_TABLE_STATEMENTS, statement_key(key, round, index),
                                     (struct kith_bytes){bytes, len});

  if (err != KITH_OK)
    return err;
  kith_statement_hash(&hash, bytes, len);
  return kith_node_audit(node, txn, KITH_AUDIT_STATEMENT, round, NULL, &hash, index);
}

/* The charter that an open statement names: held by its hash, so accepted once. */
static enum kith_err charter_of(struct kith_node *node, struct kith_charter *out, const void *bytes,
                                size_t len, struct kith_fault *fault)
{
  struct kith_statement open;
  struct kith_signed document = {0};
  enum kith_err err = kith_statement_read(&open, bytes, len);

  if (err != KITH_OK || open.type != KITH_STATEMENT_OPEN) {
    if (err == KITH_OK)
      kith_statement_free(&open);
    return kith_fail(fault, KITH_ERR_DATA, "a round must begin with its open statement");
  }
  err = kith_node_document(node, &document, KITH_DOCUMENT_CHARTER, &open.body.open.charter);
  if (err == KITH_OK)
    err = kith_charter_parse(out, document.bytes, document.len, "charter of the round", fault);
  else
    kith_fail(fault, err, "the charter that the round names is not held here");
  kith_signed_free(&document);
  return err;
}

enum kith_err kith_node_round_new(struct kith_node *node, struct kith_node_round **out,
                                  const void *open, size_t len, int64_t now,
                                  struct kith_fault *fault)
{
  struct kith_node_round *round = KITH_NEW(struct kith_node_round);
  enum kith_err err;

  if (!round)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  if ((err = charter_of(node, &round->charter, open, len, fault)) != KITH_OK ||
      (err = kith_round_log_new(&round->log)) != KITH_OK ||
      (err = kith_round_log_add(round->log, &round->charter, open, len, now, NULL, fault)) !=
          KITH_OK) {
    kith_node_round_free(round);
    return err;
  }
  memcpy(round->id, kith_round_log_view(round->log)->round, sizeof round->id);
  *out = round;
  return KITH_OK;
}

enum kith_err kith_node_round_load(struct kith_node *node, struct kith_node_round **out,
                                   const kith_round_id id, struct kith_fault *fault)
{
  struct kith_node_round *round = NULL;
  enum kith_err err = KITH_OK;

  for (uint32_t index = 0; err == KITH_OK; index++) {
    uint8_t *bytes = NULL;
    size_t len = 0;

    err = kith_node_statement(node, id, index, &bytes, &len);
    if (err == KITH_OK)
      err = index == 0
                ? kith_node_round_new(node, &round, bytes, len, 0, fault)
                : kith_round_log_add(round->log, &round->charter, bytes, len, 0, NULL, fault);
    else if (err == KITH_ERR_NOT_FOUND && index) {
      *out = round;
      return KITH_OK;
    }
    kith_free(bytes);
  }
  kith_node_round_free(round);
  return err;
}

void kith_node_round_free(struct kith_node_round *round)
{
  if (!round)
    return;
  kith_round_log_free(round->log);
  kith_free(round);
}

const struct kith_round_view *kith_node_round_view(const struct kith_node_round *round)
{
  return kith_round_log_view(round->log);
}

/* ---- own statements
 * ------------------------------------------------------------------------------ */

enum { PENDING_KEY_BYTES = KITH_ROUND_ID_BYTES + 3 };

static struct kith_bytes pending_key(uint8_t key[PENDING_KEY_BYTES],
                                     const struct kith_statement *statement)
{
  memcpy(key, statement->round, KITH_ROUND_ID_BYTES);
  key[KITH_ROUND_ID_BYTES] = (uint8_t)statement->attempt;
  key[KITH_ROUND_ID_BYTES + 1] = (uint8_t)statement->type;
  key[KITH_ROUND_ID_BYTES + 2] =
      statement->type == KITH_STATEMENT_DESTROYED  ? (uint8_t)statement->body.destroyed.what
      : statement->type == KITH_STATEMENT_WITHDRAW ? (uint8_t)statement->body.withdraw.number
                                                   : 0;
  return (struct kith_bytes){key, PENDING_KEY_BYTES};
}

enum kith_err kith_node_sign(struct kith_node *node, struct kith_buf *out,
                             struct kith_statement *statement)
{
  memcpy(statement->author, node->id, sizeof statement->author);
  statement->time = kith_node_now(node);
  return kith_statement_write(out, statement, node->identity);
}

enum kith_err kith_node_pending(struct kith_node *node, struct kith_buf *out,
                                struct kith_statement *statement)
{
  uint8_t key_bytes[PENDING_KEY_BYTES];
  struct kith_bytes key = pending_key(key_bytes, statement);
  uint8_t *kept = NULL;
  struct kith_txn *txn = NULL;
  size_t len = 0;
  enum kith_err err = kith_node_begin(&txn, node);

  if (err != KITH_OK)
    return err;
  err = kith_store_get(txn, KITH_TABLE_PENDING, key, &kept, &len);
  if (err == KITH_OK) {
    kith_buf_clear(out);
    kith_buf_append(out, kept, len);
    err = kith_buf_err(out);
    kith_txn_abort(txn);
    kith_free(kept);
    return err;
  }
  if (err == KITH_ERR_NOT_FOUND)
    err = kith_node_sign(node, out, statement);
  if (err == KITH_OK)
    err = kith_store_put(txn, KITH_TABLE_PENDING, key, (struct kith_bytes){out->bytes, out->len});
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

enum kith_err kith_node_pending_clear(struct kith_txn *txn, const kith_round_id round)
{
  return kith_store_delete_prefix(txn, KITH_TABLE_PENDING,
                                  (struct kith_bytes){round, KITH_ROUND_ID_BYTES});
}

/* ---- the audit log
 * --------------------------------------------------------------------------------- */

enum kith_err kith_node_audit(struct kith_node *node, struct kith_txn *txn,
                              enum kith_audit_event event, const kith_round_id round,
                              const char *member, const struct kith_hash *hash, uint64_t number)
{
  struct kith_audit_value values[4];
  unsigned n = 0;

  if (round)
    values[n++] = kith_audit_round("round", round);
  if (member)
    values[n++] = kith_audit_id("member", member);
  if (hash)
    values[n++] = kith_audit_hash("hash", hash);
  values[n++] = kith_audit_number("number", number);
  return kith_audit_append(txn, KITH_TABLE_AUDIT, kith_node_now(node), event, values, n, NULL);
}

enum kith_err kith_node_checkpoint(struct kith_node *node, struct kith_checkpoint *out)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_txn_begin(&txn, node->store, false);

  if (err != KITH_OK)
    return err;
  err = kith_audit_checkpoint(txn, KITH_TABLE_AUDIT, out, node->id, node->identity);
  kith_txn_abort(txn);
  return err;
}
