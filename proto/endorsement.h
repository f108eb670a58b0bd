/* Joint signatures of governance (docs/protocol.md, section 4.1). What governance says in a round
 * (open, consent, decision, close, and its abort) needs as many of the charter's governance keys as
 * its documents do. The author signs the statement as any other; the others endorse the same core:
 *
 *   [core bin, signature bin64, [[key bin32, endorsement bin64], ...]]
 *
 * An endorsement is Ed25519 over "kith endorsement v1" || 0x00 || core, keys ascend and are all
 * different, and there is at least one: without any the array has two elements. The author's own
 * key counts where it is a governance key. */
#ifndef KITH_PROTO_ENDORSEMENT_H
#define KITH_PROTO_ENDORSEMENT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/hash.h"
#include "crypto/identity.h"
#include "proto/charter.h"
#include "proto/signed.h"
#include "proto/statement.h"

/* Whether a statement of this type, by an author in this role, is for governance to say jointly. */
bool kith_statement_is_joint(enum kith_statement_type type, enum kith_role role);

/* H("kith proposal v1", core): what a statement says, whoever has signed it so far. KITH_ERR_DATA.
 */
KITH_MUST_USE enum kith_err kith_proposal_hash(struct kith_hash *out, const void *bytes,
                                               size_t len);

/* Writes the statement with the identity's endorsement added to `out` (cleared first). One that is
 * there already stays as it is, and the author's key adds none. KITH_ERR_DATA: malformed. */
KITH_MUST_USE enum kith_err kith_endorsement_add(struct kith_buf *out, const void *bytes,
                                                 size_t len, const struct kith_identity *identity);

/* Writes the statement with the endorsements of both to `out` (cleared first). KITH_ERR_DATA where
 * one is malformed or they differ in core or signature. */
KITH_MUST_USE enum kith_err kith_endorsement_merge(struct kith_buf *out, const void *a,
                                                   size_t a_len, const void *b, size_t b_len);

/* How many different keys of `signers` stand under the statement, the author's among them. The
 * author's signature is not verified here (kith_statement_verify). Endorsements by other keys are
 * ignored; a false one by a signer is KITH_ERR_NO. */
KITH_MUST_USE enum kith_err kith_endorsement_count(unsigned *out, const void *bytes, size_t len,
                                                   const uint8_t author_key[KITH_PUBLIC_BYTES],
                                                   const struct kith_signers *signers);

/* KITH_ERR_NO, with *fault, where fewer than the threshold of the signers stand under it. */
KITH_MUST_USE enum kith_err kith_endorsement_check(const void *bytes, size_t len,
                                                   const uint8_t author_key[KITH_PUBLIC_BYTES],
                                                   const struct kith_signers *signers,
                                                   struct kith_fault *fault);

#endif
