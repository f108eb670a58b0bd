/* What proto/audit.c and proto/audit_file.c share. */
#ifndef KITH_PROTO_AUDIT_CHAIN_H
#define KITH_PROTO_AUDIT_CHAIN_H

#include "proto/audit.h"

void kith_audit_entry_hash(struct kith_hash *out, const void *bytes, size_t len);
/* The entries' bytes as they are stored, in order of seq. */
KITH_MUST_USE enum kith_err kith_audit_each_raw(struct kith_txn *txn, unsigned table,
                                                kith_store_visit *visit, void *context);

#endif
