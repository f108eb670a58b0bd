/* A document with signatures: exact bytes, and detached Ed25519 signatures over them under the
 * document kind's label ("kith charter v1", "kith policy v1"; "kith officers v1", which a member
 * signs and keeps: proto/officer.h). Verified before it is parsed.
 *
 * On disk: PATH holds the document, PATH.sig one line a signature: base64 key, blank, base64
 * signature. On the wire: [document bin, [[key bin32, signature bin64], ...]]. */
#ifndef KITH_PROTO_SIGNED_H
#define KITH_PROTO_SIGNED_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/hash.h"
#include "crypto/identity.h"
#include "proto/limits.h"
#include "proto/wire.h"

enum kith_document_kind { KITH_DOCUMENT_CHARTER = 1, KITH_DOCUMENT_POLICY, KITH_DOCUMENT_OFFICERS };

struct kith_signature {
  uint8_t key[KITH_PUBLIC_BYTES];
  uint8_t signature[KITH_SIGN_BYTES];
};

struct kith_signed {
  enum kith_document_kind kind;
  uint8_t *bytes; /* owned, with a terminator after it */
  size_t len;
  struct kith_signature signatures[KITH_GOVERNANCE_KEYS_MAX];
  unsigned n_signatures;
};

/* The keys that must have signed: at least `threshold` different ones of them. */
struct kith_signers {
  unsigned threshold;
  unsigned n_keys;
  uint8_t keys[KITH_GOVERNANCE_KEYS_MAX][KITH_PUBLIC_BYTES];
};

bool kith_signers_have(const struct kith_signers *signers, const uint8_t key[KITH_PUBLIC_BYTES]);

void kith_signed_free(struct kith_signed *document);
KITH_MUST_USE enum kith_err kith_signed_from_bytes(struct kith_signed *out,
                                                   enum kith_document_kind kind, const void *bytes,
                                                   size_t len);
/* Reads PATH and, where it is there, PATH.sig. */
KITH_MUST_USE enum kith_err kith_signed_load(struct kith_signed *out, enum kith_document_kind kind,
                                             const char *path, struct kith_fault *fault);
/* Writes PATH and PATH.sig, each whole or not at all. */
KITH_MUST_USE enum kith_err kith_signed_save(const struct kith_signed *document, const char *path,
                                             struct kith_fault *fault);
/* Adds (or replaces) the identity's signature. */
KITH_MUST_USE enum kith_err kith_signed_sign(struct kith_signed *document,
                                             const struct kith_identity *identity);
/* KITH_ERR_NO with *fault where fewer than the threshold of the signers have signed validly, or
 * where a signature of a signer is false. Signatures of others are ignored. */
KITH_MUST_USE enum kith_err kith_signed_verify(const struct kith_signed *document,
                                               const struct kith_signers *signers,
                                               struct kith_fault *fault);
/* H(label of the kind, exact bytes). */
void kith_signed_hash(struct kith_hash *out, const struct kith_signed *document);

void kith_signed_write(struct kith_buf *buf, const struct kith_signed *document);
/* The reader is at the two values [document, signatures]; sticky errors as in wire.h. */
KITH_MUST_USE enum kith_err kith_signed_read(struct kith_signed *out, enum kith_document_kind kind,
                                             struct kith_reader *reader);

#endif
