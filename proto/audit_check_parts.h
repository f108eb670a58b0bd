/* What proto/audit_check*.c share. */
#ifndef KITH_PROTO_AUDIT_CHECK_PARTS_H
#define KITH_PROTO_AUDIT_CHECK_PARTS_H

#include "proto/audit_check.h"

void kith_audit_find(struct kith_audit_check *check, const char *member, const char *format, ...)
    KITH_PRINTF(3, 4);

/* audit_check_cosign.c: the cosignatures that a whole log brings; fills in book->cosigners. */
void kith_audit_check_cosignatures(struct kith_audit_check *check, struct kith_audit_book *book);

#endif
