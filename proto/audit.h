/* A node's audit log (docs/protocol.md, section 9): entries that are only appended, each holding
 * the hash of the one before, in one table of the node's store; checkpoints, which sign the head;
 * and exported files, which anybody can verify off-line.
 *
 * Entries hold ids, hashes and numbers, never a record's content, an encoding or free text. All
 * functions take the table's id and the caller's transaction: what happened and its entry become
 * durable together.
 *
 * Keys of the table: 'e' seq BE -> entry; 'h' -> seq, time, head of the newest; 't' -> size and
 * full subtrees of the Merkle tree over the entries; 'q' member 0x00 seq BE -> root and signature
 * of that peer's checkpoint; 'y' the same, of one that contradicts it; 'w' and 'c': cosigning
 * (proto/audit_cosign.h). */
#ifndef KITH_PROTO_AUDIT_H
#define KITH_PROTO_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/store.h"
#include "crypto/hash.h"
#include "crypto/identity.h"
#include "crypto/tree.h"
#include "proto/message.h"
#include "proto/statement.h"

/* Numbers are on disk: new ones go to the end. */
enum kith_audit_event {
  KITH_AUDIT_STARTED = 1,
  KITH_AUDIT_STOPPED,
  KITH_AUDIT_DOCUMENT, /* a charter or policy came into force */
  KITH_AUDIT_DOCUMENT_REFUSED,
  KITH_AUDIT_STATEMENT, /* stored */
  KITH_AUDIT_STATEMENT_REFUSED,
  KITH_AUDIT_CONFLICT,      /* other bytes at a place that is taken */
  KITH_AUDIT_PEER_DENIED,   /* a message of somebody whom the charter does not list */
  KITH_AUDIT_CHECKPOINT,    /* of a peer, recorded */
  KITH_AUDIT_CONTRADICTION, /* a peer's checkpoint that its earlier one does not allow */
  KITH_AUDIT_ROUND_STATE,   /* number: enum kith_round_state */
  KITH_AUDIT_ROUND_KEY,     /* made for a round */
  KITH_AUDIT_ROUND_SECRET,  /* agreed and confirmed */
  KITH_AUDIT_ENCODED,       /* the outbox was made */
  KITH_AUDIT_BATCH,         /* sent or taken */
  KITH_AUDIT_MATCHED,
  KITH_AUDIT_THRESHOLD, /* decided */
  KITH_AUDIT_RELEASED,
  KITH_AUDIT_LIST_SERVED,    /* to a recipient */
  KITH_AUDIT_LIST_OPENED,    /* by a recipient */
  KITH_AUDIT_DESTROYED,      /* number: enum kith_destroyed */
  KITH_AUDIT_OFFICER_JOINED, /* enough officers have let the agency join */
  KITH_AUDIT_OFFICER_DECLINED,
  KITH_AUDIT_DISCLOSURE_REQUESTED,
  KITH_AUDIT_DISCLOSURE_REFUSED,
  KITH_AUDIT_DISCLOSURE_APPROVED,
  KITH_AUDIT_DISCLOSURE_ANSWERED,
  KITH_AUDIT_TRIAL_MAP, /* handles and records were written out, in a trial round */
  KITH_AUDIT_EXPORTED,  /* this log */
  KITH_AUDIT_CONFIGURED,
  KITH_AUDIT_SOURCE_REFUSED, /* it does not meet the policy's minima; number: linkable rows */
  KITH_AUDIT_SUBJECT_REPORT, /* an officer asked what is known of a person */
  KITH_AUDIT_PROPOSAL,       /* of governance, not signed by enough yet; number: its type */
  KITH_AUDIT_OFFICERS,       /* a list of officers came into force: hash, version, how many */
  KITH_AUDIT_OFFICER_ADDED,  /* by it: id, hash of the key, version */
  KITH_AUDIT_OFFICER_REMOVED,
  KITH_AUDIT_OFFICER_DECISION, /* id, hash of the key, enum kith_officer_kind, subject, reason */
  KITH_AUDIT_DISCLOSURE_EXPIRED,
  KITH_AUDIT_LETTER_DROPPED, /* it was not for us, or not from whom it said */
  KITH_AUDIT_FEEDBACK,
  KITH_AUDIT_RECORD_WITHDRAWN, /* decided by an officer; at the matcher: taken, the receipt */
  KITH_AUDIT_CONTEXT,          /* a letter of it was sent, relayed or taken */
  KITH_AUDIT_EVENTS
};

enum { KITH_AUDIT_VALUES_MAX = 8, KITH_AUDIT_ENTRY_BYTES_MAX = 2048 };

enum kith_audit_kind {
  KITH_AUDIT_ID = 1, /* [a-z0-9_]{1,32} */
  KITH_AUDIT_NUMBER,
  KITH_AUDIT_ROUND,    /* 16 bytes */
  KITH_AUDIT_HASH,     /* 32 bytes */
  KITH_AUDIT_SIGNATURE /* 64 bytes */
};

struct kith_audit_value {
  char name[KITH_MEMBER_ID_BYTES]; /* [a-z0-9_]{1,32} */
  enum kith_audit_kind kind;
  union {
    char id[KITH_MEMBER_ID_BYTES];
    uint64_t number;
    kith_round_id round;
    struct kith_hash hash;
    uint8_t signature[KITH_SIGN_BYTES];
  } as;
};
struct kith_audit_value kith_audit_id(const char *name, const char *id);
struct kith_audit_value kith_audit_number(const char *name, uint64_t number);
struct kith_audit_value kith_audit_round(const char *name, const kith_round_id round);
struct kith_audit_value kith_audit_hash(const char *name, const struct kith_hash *hash);

struct kith_audit_entry {
  uint64_t seq; /* from 1 */
  int64_t time;
  unsigned event; /* enum kith_audit_event, or one of a later version */
  unsigned n_values;
  struct kith_audit_value values[KITH_AUDIT_VALUES_MAX];
  struct kith_hash previous; /* zero for the first */
};

struct kith_audit_head {
  uint64_t seq; /* 0: empty */
  int64_t time;
  struct kith_hash head;
};

/* "statement", "round_state", ...; "unknown" for one of a later version. */
const char *kith_audit_event_name(unsigned event);

/* Strict. KITH_ERR_DATA. */
KITH_MUST_USE enum kith_err kith_audit_entry_read(struct kith_audit_entry *out, const void *bytes,
                                                  size_t len);

/* A time before the newest entry's becomes the newest entry's. KITH_ERR_DATA: an id or a name that
 * is none, or too many values. *out may be NULL. */
KITH_MUST_USE enum kith_err kith_audit_append(struct kith_txn *txn, unsigned table, int64_t time,
                                              enum kith_audit_event event,
                                              const struct kith_audit_value *values, unsigned n,
                                              struct kith_audit_head *out);
KITH_MUST_USE enum kith_err kith_audit_head(struct kith_txn *txn, unsigned table,
                                            struct kith_audit_head *out);

/* Entries from `seq` on, in order, until `visit` returns KITH_ERR_CANCELLED. */
typedef enum kith_err kith_audit_visit(void *context, const struct kith_audit_entry *entry);
KITH_MUST_USE enum kith_err kith_audit_each(struct kith_txn *txn, unsigned table, uint64_t seq,
                                            kith_audit_visit *visit, void *context);

/* Signs the tree's root (proto/note.h); seq 0 where the log is empty. */
KITH_MUST_USE enum kith_err kith_audit_checkpoint(struct kith_txn *txn, unsigned table,
                                                  struct kith_checkpoint *out, const char *member,
                                                  const struct kith_identity *identity);
/* That the log's first `old` entries are still its first (crypto/tree.h). KITH_ERR_NOT_FOUND: it
 * has not so many. */
KITH_MUST_USE enum kith_err kith_audit_consistency(struct kith_txn *txn, unsigned table,
                                                   struct kith_tree_proof *out, uint64_t old);

/* Verifies a peer's checkpoint and keeps it, with an entry. Seq 0 and a repetition are KITH_OK and
 * write nothing; they may come in any order, as requests are repeated. KITH_ERR_NO: a false
 * signature, nothing is written. KITH_ERR_FULL: another root was held at this seq, so the peer has
 * rewritten its past; an entry keeps the evidence, and the caller commits it. A full store is
 * KITH_ERR_IO. */
KITH_MUST_USE enum kith_err kith_audit_record_peer(struct kith_txn *txn, unsigned table,
                                                   int64_t time, const char *member,
                                                   const struct kith_checkpoint *checkpoint,
                                                   const uint8_t sign_key[KITH_PUBLIC_BYTES]);

struct kith_audit_report {
  uint64_t n_entries;
  uint64_t broken_at; /* the first entry that does not hold; 0: none */
  struct kith_hash head;
  struct kith_hash root; /* of an exported file: of its tree */
  int64_t first_time;
  int64_t last_time;
  /* of an exported file */
  char member[KITH_MEMBER_ID_BYTES];
  uint8_t sign_key[KITH_PUBLIC_BYTES];
};

/* Walks the whole chain of the store. KITH_ERR_NO with *fault and broken_at where it does not hold.
 */
KITH_MUST_USE enum kith_err kith_audit_verify(struct kith_txn *txn, unsigned table,
                                              struct kith_audit_report *out,
                                              struct kith_fault *fault);

/* Writes the log to a file that appears whole (layout: proto/audit_file.c). `more` (NULL: nothing)
 * is called after the log, to add frames. */
struct kith_audit_export;
KITH_MUST_USE enum kith_err kith_audit_export_more(struct kith_audit_export *export,
                                                   const void *bytes, size_t len);
typedef enum kith_err kith_audit_more(void *context, struct kith_audit_export *export);
KITH_MUST_USE enum kith_err kith_audit_export(struct kith_txn *txn, unsigned table,
                                              const char *path, const char *member,
                                              const struct kith_identity *identity,
                                              kith_audit_more *more, void *context,
                                              struct kith_fault *fault);

typedef enum kith_err kith_audit_frame(void *context, const void *bytes, size_t len);

/* What an exported log is held against. */
struct kith_audit_evidence {
  const uint8_t *sign_key;            /* the member's, of the charter; NULL: the file's own */
  const struct kith_checkpoint *held; /* that others have had from this member; verified here */
  size_t n_held;
  kith_audit_frame *more;  /* each frame that follows the log; NULL: not looked at */
  kith_audit_frame *entry; /* then each entry, once it is checked; NULL */
  void *context;
};
/* KITH_ERR_DATA: no such file's bytes. KITH_ERR_NO: it breaks; *fault says where. `evidence` may be
 * NULL. */
KITH_MUST_USE enum kith_err kith_audit_export_check(struct kith_audit_report *out,
                                                    const void *bytes, size_t len,
                                                    const struct kith_audit_evidence *evidence,
                                                    struct kith_fault *fault);
/* The same for a file. */
KITH_MUST_USE enum kith_err kith_audit_export_check_file(struct kith_audit_report *out,
                                                         const char *path,
                                                         const struct kith_audit_evidence *evidence,
                                                         struct kith_fault *fault);

#endif
