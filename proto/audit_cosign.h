/* Cosigning (docs/protocol.md, section 9.1): a node that is shown that another's audit log has only
 * grown since it last looked signs the log's checkpoint as well (C2SP tlog-cosignature,
 * proto/note.h). A cosigner follows one history of a log; so two that were shown different ones
 * can't both have cosigned what the log's owner exports.
 *
 * Nothing here appends to a log, or two nodes that cosign each other would never come to rest. The
 * exception is a contradiction, once.
 *
 * Keys of the audit table: 'w' member -> seq, root, signature of the last checkpoint of that
 * member's log that this node has cosigned, time and signature of the cosignature; 'c' member ->
 * seq, root, time, signature of that member's last cosignature of this node's log. */
#ifndef KITH_PROTO_AUDIT_COSIGN_H
#define KITH_PROTO_AUDIT_COSIGN_H

#include "proto/audit_more.h"

/* The last checkpoint of that member's log that this node has cosigned; seq 0: none. */
KITH_MUST_USE enum kith_err kith_audit_cosigned_last(struct kith_txn *txn, unsigned table,
                                                     const char *member,
                                                     struct kith_checkpoint *out);

/* Whose log it is, what it shows, and who cosigns. */
struct kith_audit_cosigning {
  const char *log;
  const uint8_t *sign_key; /* of the log's owner */
  const struct kith_checkpoint *checkpoint;
  const struct kith_tree_proof *proof; /* from the one last cosigned */
  const char *cosigner;
  const struct kith_identity *identity;
  int64_t time;
};
/* Cosigns, and remembers it. The checkpoint that was cosigned last gets the same cosignature again.
 * KITH_ERR_NO: not signed by its owner. KITH_ERR_NOT_FOUND: it is of fewer entries than were
 * cosigned. KITH_ERR_FULL: it is not shown to continue what was cosigned; the evidence is kept, and
 * the caller commits it. A full store is KITH_ERR_IO. */
KITH_MUST_USE enum kith_err kith_audit_cosign(struct kith_txn *txn, unsigned table,
                                              const struct kith_audit_cosigning *cosigning,
                                              struct kith_cosignature *out);

/* Keeps another's cosignature of this node's first `seq` entries, unless a later one of that member
 * is held. `log` is this node. KITH_ERR_NO: not that member's signature over them.
 * KITH_ERR_NOT_FOUND: the log has not so many. */
KITH_MUST_USE enum kith_err kith_audit_cosignature_keep(struct kith_txn *txn, unsigned table,
                                                        const char *log, uint64_t seq,
                                                        const struct kith_cosignature *cosignature,
                                                        const uint8_t sign_key[KITH_PUBLIC_BYTES]);
/* How many entries that member's cosignature is over; 0: none is held. */
KITH_MUST_USE enum kith_err kith_audit_cosignature_seq(struct kith_txn *txn, unsigned table,
                                                       const char *member, uint64_t *out);

/* What an export brings: others' cosignatures of this log, and what this node cosigned last. */
KITH_MUST_USE enum kith_err kith_audit_each_cosigned(struct kith_txn *txn, unsigned table,
                                                     kith_audit_peer_visit *visit, void *context);

#endif
