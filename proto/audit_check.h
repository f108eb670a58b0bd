/* Exported logs held against a charter and against each other, off-line, trusting none of their
 * owners (kith-audit(5), docs/protocol.md section 9). Each finding says whose log, which entry and
 * why; the check goes on after one, so that all are seen. Pure: no socket, no clock, no store.
 *
 * Life: kith_audit_check_new, kith_audit_check_add for each export, kith_audit_check_finish,
 * queries, kith_audit_check_free. */
#ifndef KITH_PROTO_AUDIT_CHECK_H
#define KITH_PROTO_AUDIT_CHECK_H

#include <stdbool.h>

#include "base/err.h"
#include "proto/audit_more.h"
#include "proto/charter.h"
#include "proto/round.h"

struct kith_audit_finding {
  char member[KITH_MEMBER_ID_BYTES]; /* whose log is wrong, or who contradicts; empty: unknown */
  char text[KITH_FAULT_TEXT_BYTES];
};

/* What the logs show of a round; the longest list of statements counts. */
struct kith_audit_round {
  kith_round_id id;
  struct kith_charter *charter; /* that it was opened under; owned */
  struct kith_round_log *log;   /* owned; NULL where nothing of it could be verified */
};

struct kith_audit_cosigner {
  char member[KITH_MEMBER_ID_BYTES];
  uint64_t seq; /* the most entries that its cosignature is over */
  int64_t time;
};

struct kith_audit_book {
  const char *name; /* borrowed: the file's */
  struct kith_audit_report report;
  struct kith_hash *roots;  /* n + 1, of each size */
  struct kith_hash *hashes; /* n, of each entry */
  struct kith_audit_entry *entries;
  uint64_t n;
  uint64_t room;
  struct kith_tree tree;
  struct kith_audit_thing *things; /* charters, statements, checkpoints */
  size_t n_things;
  size_t things_room;
  uint8_t *bytes;                                         /* owned: what the things borrow */
  struct kith_audit_cosigner cosigners[KITH_MEMBERS_MAX]; /* whose cosignatures hold */
  unsigned n_cosigners;
  bool whole;
};

struct kith_audit_check {
  const struct kith_charter *charter; /* borrowed, verified by the caller */
  struct kith_hash charter_hash;
  struct kith_audit_book *books;
  size_t n_books;
  struct kith_audit_finding *findings;
  size_t n_findings;
  struct kith_audit_round *rounds;
  size_t n_rounds;
  enum kith_err err; /* KITH_ERR_MEMORY, sticky */
};

KITH_MUST_USE enum kith_err kith_audit_check_new(struct kith_audit_check **out,
                                                 const struct kith_charter *charter,
                                                 const struct kith_hash *charter_hash);
/* Takes the bytes (kith_free). KITH_ERR_DATA with *fault: no exported log at all. A log that breaks
 * is KITH_OK with a finding. */
KITH_MUST_USE enum kith_err kith_audit_check_add(struct kith_audit_check *check, const char *name,
                                                 uint8_t *bytes, size_t len,
                                                 struct kith_fault *fault);
/* KITH_ERR_NO where there is a finding. */
KITH_MUST_USE enum kith_err kith_audit_check_finish(struct kith_audit_check *check);
void kith_audit_check_free(struct kith_audit_check *check);

#endif
