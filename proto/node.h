/* What every node of kith has, daemon or matcher: an identity, a store, the charter in force, the
 * documents and the statements it has seen, its audit log and the keys of its rounds.
 *
 * Life: kith_node_open, use from one thread, kith_node_close. The store's first tables are the
 * node's own (enum below); a program adds its own after them. Whatever a node does is one
 * transaction together with its audit entry. */
#ifndef KITH_PROTO_NODE_H
#define KITH_PROTO_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ini.h"
#include "base/store.h"
#include "crypto/hash.h"
#include "crypto/identity.h"
#include "crypto/roundkey.h"
#include "proto/audit.h"
#include "proto/charter.h"
#include "proto/policy.h"
#include "proto/round.h"
#include "proto/statement.h"

enum kith_node_table {
  KITH_TABLE_META,       /* name -> value: clock high-water mark */
  KITH_TABLE_DOCUMENTS,  /* kind, hash -> signed document; kind -> hash of the newest */
  KITH_TABLE_ROUNDS,     /* round -> the program's record of it */
  KITH_TABLE_STATEMENTS, /* round, index BE -> statement bytes */
  KITH_TABLE_PENDING,    /* round, attempt, type, what -> own statement, before it is sent */
  KITH_TABLE_AUDIT,
  KITH_NODE_TABLES
};

/* The [node] section, the same in kithd.conf, kith-matcher.conf and kith.conf:
 *   id, state_dir, key_file, passphrase_file (absent under systemd: the credential "passphrase"),
 *   charter_file, governance_keys (base64, blanks between), governance_threshold. */
struct kith_node_config {
  char id[KITH_MEMBER_ID_BYTES];
  const char *state_dir; /* borrowed from the kith_ini */
  const char *key_file;
  const char *passphrase_file; /* NULL: $CREDENTIALS_DIRECTORY/passphrase */
  const char *charter_file;
  struct kith_signers pinned;
};
KITH_MUST_USE enum kith_err kith_node_config_read(struct kith_node_config *out,
                                                  struct kith_ini *ini, struct kith_fault *fault);
/* The key file under its passphrase, from the file or the credential. */
KITH_MUST_USE enum kith_err kith_node_config_identity(struct kith_identity **out,
                                                      const struct kith_node_config *config,
                                                      struct kith_fault *fault);

struct kith_node {
  char id[KITH_MEMBER_ID_BYTES];
  struct kith_identity *identity;
  struct kith_store *store;
  struct kith_roundkeys *keys;
  struct kith_charter charter;
  struct kith_hash charter_hash;
  struct kith_signers pinned;
  bool borrows_identity;
  int64_t high_water; /* the latest time this node has acted at */
  struct {            /* the log as it was last exported, for who asks for it in pieces */
    char *path;
    uint64_t seq;
    size_t len; /* 0: not yet */
    bool stale; /* there are other cosignatures now */
    struct kith_hash hash;
  } audit_export;
};

struct kith_node_options {
  enum kith_role role;       /* that the charter must give this node */
  const char *const *tables; /* of the program, after the node's own */
  unsigned n_tables;
  size_t map_bytes;
  struct kith_identity *identity; /* borrowed; NULL: that of the configuration's key file */
};

/* Opens everything; takes the charter of the file where it is newer than the stored one.
 * KITH_ERR_CONFIG where the charter does not know this id with these keys in this role. */
KITH_MUST_USE enum kith_err kith_node_open(struct kith_node **out,
                                           const struct kith_node_config *config,
                                           const struct kith_node_options *options,
                                           struct kith_fault *fault);
void kith_node_close(struct kith_node *node);

/* The time, never before a time at which this node has acted. */
int64_t kith_node_now(struct kith_node *node);
/* Begins a write transaction that also moves the clock's high-water mark. */
KITH_MUST_USE enum kith_err kith_node_begin(struct kith_txn **txn, struct kith_node *node);

/* Verifies and stores a charter or a policy that came from outside; a charter at once comes into
 * force. KITH_ERR_EXISTS: held already. KITH_ERR_DENIED: refused, *fault says why. */
KITH_MUST_USE enum kith_err kith_node_take_document(struct kith_node *node,
                                                    const struct kith_signed *document,
                                                    struct kith_fault *fault);
/* A fresh copy (kith_signed_free); hash NULL: the newest of the kind. KITH_ERR_NOT_FOUND. */
KITH_MUST_USE enum kith_err kith_node_document(struct kith_node *node, struct kith_signed *out,
                                               enum kith_document_kind kind,
                                               const struct kith_hash *hash);
/* The stored policy of that hash, verified and parsed. */
KITH_MUST_USE enum kith_err kith_node_policy(struct kith_node *node, struct kith_policy *out,
                                             const struct kith_hash *hash,
                                             struct kith_fault *fault);

/* A round as this node holds it. The charter is the one that its open statement names: a member
 * that a later charter drops has still said what it said. */
struct kith_node_round {
  kith_round_id id;
  struct kith_charter charter;
  struct kith_round_log *log;
};
/* From the bytes of an open statement, verified, with the charter that it names; nothing is stored.
 */
KITH_MUST_USE enum kith_err kith_node_round_new(struct kith_node *node,
                                                struct kith_node_round **out, const void *open,
                                                size_t len, int64_t now, struct kith_fault *fault);
/* From the stored statements. KITH_ERR_NOT_FOUND where there are none. */
KITH_MUST_USE enum kith_err kith_node_round_load(struct kith_node *node,
                                                 struct kith_node_round **out,
                                                 const kith_round_id round,
                                                 struct kith_fault *fault);
void kith_node_round_free(struct kith_node_round *round);
const struct kith_round_view *kith_node_round_view(const struct kith_node_round *round);

/* A copy of the statement at `index` (kith_free). */
KITH_MUST_USE enum kith_err kith_node_statement(struct kith_node *node, const kith_round_id round,
                                                uint32_t index, uint8_t **out, size_t *len);
/* Stores the statement at `index`, with the audit entry "statement". */
KITH_MUST_USE enum kith_err kith_node_log_store(struct kith_node *node, struct kith_txn *txn,
                                                const kith_round_id round, uint32_t index,
                                                const void *bytes, size_t len);

/* Own statements are kept before they are sent, so that a repetition sends the same bytes. If one
 * is kept in this place it is given back in *out, otherwise `statement` (round, attempt, type, body
 * set) is completed, signed, kept and given. *out: kith_buf_free. */
KITH_MUST_USE enum kith_err kith_node_pending(struct kith_node *node, struct kith_buf *out,
                                              struct kith_statement *statement);
/* Forgets the statements kept for a round. */
KITH_MUST_USE enum kith_err kith_node_pending_clear(struct kith_txn *txn,
                                                    const kith_round_id round);
/* Signs without keeping: for a statement that is stored in the same transaction. */
KITH_MUST_USE enum kith_err kith_node_sign(struct kith_node *node, struct kith_buf *out,
                                           struct kith_statement *statement);

/* One audit entry of the event with up to a round id and a few values. */
KITH_MUST_USE enum kith_err kith_node_audit(struct kith_node *node, struct kith_txn *txn,
                                            enum kith_audit_event event, const kith_round_id round,
                                            const char *member, const struct kith_hash *hash,
                                            uint64_t number);
KITH_MUST_USE enum kith_err kith_node_checkpoint(struct kith_node *node,
                                                 struct kith_checkpoint *out);

/* ---- proto/node_audit.c: the log, and what others need to check it (proto/audit_more.h) */

KITH_MUST_USE enum kith_err kith_node_audit_export(struct kith_node *node, const char *path,
                                                   struct kith_fault *fault);
/* A piece of the exported log, at most `max` bytes from `offset` (kith_free). Offset 0 exports it
 * anew if it has grown; pieces that name one hash are of one export. KITH_ERR_NOT_FOUND: an offset
 * past the end, or nothing is exported yet. */
KITH_MUST_USE enum kith_err kith_node_audit_piece(struct kith_node *node, uint64_t offset,
                                                  size_t max, uint8_t **out, size_t *len);

/* ---- proto/node_cosign.c: this node and one other cosign each other's logs */

struct kith_cosign_state {
  struct kith_checkpoint checkpoint; /* of this node's log */
  struct kith_tree_proof proof;      /* that it continues its first `old` entries */
  uint64_t cosigned;                 /* entries that the other has cosigned, as held here */
  uint64_t held;                     /* entries of the other's log that this node has cosigned */
};
/* KITH_ERR_NOT_FOUND: this log has no `old` entries. */
KITH_MUST_USE enum kith_err kith_node_cosign_state(struct kith_node *node,
                                                   struct kith_cosign_state *out, const char *other,
                                                   uint64_t old);
/* Cosigns the other's checkpoint: kith_audit_cosign, in a transaction of its own. */
KITH_MUST_USE enum kith_err kith_node_cosign(struct kith_node *node, struct kith_cosignature *out,
                                             const struct kith_member *other,
                                             const struct kith_checkpoint *checkpoint,
                                             const struct kith_tree_proof *proof);
/* kith_audit_cosignature_keep, in a transaction of its own; `member` is set here. */
KITH_MUST_USE enum kith_err kith_node_cosignature_keep(struct kith_node *node,
                                                       const struct kith_member *other,
                                                       uint64_t seq,
                                                       struct kith_cosignature *cosignature);

#endif
