/* Checkpoints of audit logs as signed notes, in the formats of transparency logs (C2SP:
 * signed-note, tlog-checkpoint, tlog-cosignature), so that other people's tools can check them:
 *
 *     kith-audit/MEMBER
 *     SIZE
 *     ROOT in base64
 *
 *     — kith-audit/MEMBER base64(key id || Ed25519 over the lines above the blank one)
 *     — kith-audit/COSIGNER base64(key id || time BE || Ed25519 over "cosignature/v1\ntime T\n" and
 *       the same lines)
 *
 * No other thing that kith signs begins with "kith-audit/" or "cosignature/". */
#ifndef KITH_PROTO_NOTE_H
#define KITH_PROTO_NOTE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/hash.h"
#include "crypto/identity.h"
#include "proto/limits.h"

struct kith_checkpoint { /* of a member's audit log; seq 0: none */
  uint64_t seq;          /* entries: the tree's size */
  struct kith_hash root; /* RFC 6962, over the entries */
  uint8_t signature[KITH_SIGN_BYTES];
};

struct kith_cosignature {
  char member[KITH_MEMBER_ID_BYTES]; /* who has seen it grow */
  int64_t time;
  uint8_t signature[KITH_SIGN_BYTES];
};

/* `log` is the member whose log it is. Sets the signature. */
KITH_MUST_USE enum kith_err kith_checkpoint_sign(struct kith_checkpoint *checkpoint,
                                                 const char *log,
                                                 const struct kith_identity *identity);
/* KITH_ERR_NO: not signed by that key, or for another log. */
KITH_MUST_USE enum kith_err kith_checkpoint_verify(const struct kith_checkpoint *checkpoint,
                                                   const char *log,
                                                   const uint8_t sign_key[KITH_PUBLIC_BYTES]);

/* `out->member` and `out->time` are set; signs. */
KITH_MUST_USE enum kith_err kith_cosign(struct kith_cosignature *out,
                                        const struct kith_checkpoint *checkpoint, const char *log,
                                        const struct kith_identity *identity);
KITH_MUST_USE enum kith_err kith_cosignature_verify(const struct kith_cosignature *cosignature,
                                                    const struct kith_checkpoint *checkpoint,
                                                    const char *log,
                                                    const uint8_t sign_key[KITH_PUBLIC_BYTES]);

/* The note as text; `sign_keys[i]` is the key of `cosignatures[i]`. */
void kith_note_write(struct kith_buf *out, const struct kith_checkpoint *checkpoint,
                     const char *log, const uint8_t sign_key[KITH_PUBLIC_BYTES],
                     const struct kith_cosignature *cosignatures,
                     const uint8_t (*sign_keys)[KITH_PUBLIC_BYTES], unsigned n);
/* A name's line for verifiers: NAME+KEYID+base64(type || key); type 1, or 4 for cosigning. */
void kith_note_key(struct kith_buf *out, const char *member,
                   const uint8_t sign_key[KITH_PUBLIC_BYTES], unsigned type);

#endif
