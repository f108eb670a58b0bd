/* What the files of proto/audit*.c share. */
#ifndef KITH_PROTO_AUDIT_CHAIN_H
#define KITH_PROTO_AUDIT_CHAIN_H

#include "proto/audit.h"

void kith_audit_entry_hash(struct kith_hash *out, const void *bytes, size_t len);
/* The entries' bytes as they are stored, in order of seq. */
KITH_MUST_USE enum kith_err kith_audit_each_raw(struct kith_txn *txn, unsigned table,
                                                kith_store_visit *visit, void *context);

/* Keeps a checkpoint that the member's earlier one does not allow, with an entry; one of each
 * member, or who contradicts itself again and again would fill the log. */
KITH_MUST_USE enum kith_err kith_audit_accuse(struct kith_txn *txn, unsigned table, int64_t time,
                                              const char *member,
                                              const struct kith_checkpoint *checkpoint);

#endif
