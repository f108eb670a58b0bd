/* What an exported log brings along after its entries, so that it can be checked with the charter
 * alone: charters, the statements of the rounds, checkpoints of others and cosignatures. One frame
 * each, a MessagePack array:
 *
 *     [1, document bin, [[key bin32, signature bin64], ...]]     a charter, signed
 *     [2, round bin16, index, statement bin]                     in the order of (round, index)
 *     [3, member, size, root bin32, signature bin64]             a checkpoint of another's log
 *     [4, member, size, root bin32, signature bin64]             one that contradicts it
 *     [5, member, size, root bin32, signature bin64]             the last that the owner cosigned
 *     [6, member, size, root bin32, signature bin64, time]       that member's cosignature of this
 *                                                                log's first entries */
#ifndef KITH_PROTO_AUDIT_MORE_H
#define KITH_PROTO_AUDIT_MORE_H

#include "proto/audit.h"
#include "proto/signed.h"

enum kith_audit_more_kind {
  KITH_AUDIT_MORE_CHARTER = 1,
  KITH_AUDIT_MORE_STATEMENT,
  KITH_AUDIT_MORE_PEER,
  KITH_AUDIT_MORE_CONTRADICTION,
  KITH_AUDIT_MORE_COSIGNED,
  KITH_AUDIT_MORE_COSIGNATURE
};

struct kith_audit_thing {
  enum kith_audit_more_kind kind;
  struct kith_signed charter; /* owned: kith_signed_free */
  kith_round_id round;
  uint32_t index;
  struct kith_span statement; /* borrowed */
  char member[KITH_MEMBER_ID_BYTES];
  struct kith_checkpoint checkpoint; /* of a cosignature: with that signature */
  int64_t time;                      /* of a cosignature */
};
KITH_MUST_USE enum kith_err kith_audit_thing_read(struct kith_audit_thing *out, const void *bytes,
                                                  size_t len);
KITH_MUST_USE enum kith_err kith_audit_thing_write(struct kith_buf *out,
                                                   const struct kith_audit_thing *thing);

/* The checkpoints that the log's owner holds of others. */
typedef enum kith_err kith_audit_peer_visit(void *context, const struct kith_audit_thing *thing);
KITH_MUST_USE enum kith_err kith_audit_each_peer(struct kith_txn *txn, unsigned table,
                                                 kith_audit_peer_visit *visit, void *context);

#endif
