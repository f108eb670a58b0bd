#include <string.h>

#include "proto/audit_cosign.h"
#include "proto/node.h"

/* A full store must not look like a log that contradicts itself. */
static enum kith_err not_full(enum kith_err err)
{
  return err == KITH_ERR_FULL ? KITH_ERR_IO : err;
}

enum kith_err kith_node_cosign_state(struct kith_node *node, struct kith_cosign_state *out,
                                     const char *other, uint64_t old)
{
  struct kith_checkpoint last;
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_txn_begin(&txn, node->store, false);

  if (err != KITH_OK)
    return err;
  err = kith_audit_checkpoint(txn, KITH_TABLE_AUDIT, &out->checkpoint, node->id, node->identity);
  if (err == KITH_OK)
    err = kith_audit_consistency(txn, KITH_TABLE_AUDIT, &out->proof, old);
  if (err == KITH_OK)
    err = kith_audit_cosignature_seq(txn, KITH_TABLE_AUDIT, other, &out->cosigned);
  if (err == KITH_OK)
    err = kith_audit_cosigned_last(txn, KITH_TABLE_AUDIT, other, &last);
  if (err == KITH_OK)
    out->held = last.seq;
  kith_txn_abort(txn);
  return err;
}

enum kith_err kith_node_cosign(struct kith_node *node, struct kith_cosignature *out,
                               const struct kith_member *other,
                               const struct kith_checkpoint *checkpoint,
                               const struct kith_tree_proof *proof)
{
  const struct kith_audit_cosigning cosigning = {.log = other->id,
                                                 .sign_key = other->keys.sign,
                                                 .checkpoint = checkpoint,
                                                 .proof = proof,
                                                 .cosigner = node->id,
                                                 .identity = node->identity,
                                                 .time = kith_node_now(node)};
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, node);
  enum kith_err done;

  if (err != KITH_OK)
    return not_full(err);
  done = kith_audit_cosign(txn, KITH_TABLE_AUDIT, &cosigning, out);
  if (done != KITH_OK && done != KITH_ERR_FULL) {
    kith_txn_abort(txn);
    return done;
  }
  err = kith_txn_commit(txn);
  node->audit_export.stale = true;
  return err == KITH_OK ? done : not_full(err);
}

enum kith_err kith_node_cosignature_keep(struct kith_node *node, const struct kith_member *other,
                                         uint64_t seq, struct kith_cosignature *cosignature)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, node);

  if (err != KITH_OK)
    return not_full(err);
  memcpy(cosignature->member, other->id, sizeof cosignature->member);
  err = kith_audit_cosignature_keep(txn, KITH_TABLE_AUDIT, node->id, seq, cosignature,
                                    other->keys.sign);
  if (err != KITH_OK) {
    kith_txn_abort(txn);
    return err;
  }
  node->audit_export.stale = true;
  return not_full(kith_txn_commit(txn));
}
