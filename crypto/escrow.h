/* Escrow of an identity: its keys are wrapped under a fresh secret, which is shared so that m of n
 * holders together make the key file anew (crypto/shamir.h). Each share is sealed to its holder's
 * public sealing key, so that the file can lie anywhere. A share file, 1016 bytes:
 *
 *     0    8  magic "KITHSHR\0"
 *     8    4  version 1, little-endian
 *    12    4  m, n, this share's number (1 .. n), zero: a byte each
 *    16   16  the escrow's id, random
 *    32   96  the owner's public keys: sign, seal, curve
 *   128  512  commitments of shares 1 .. 16, zero after n
 *   640  200  the owner's 160 bytes of keys (crypto/keyfile.h), boxed under the shared secret; the
 *             label "kith escrow identity v1" and the id are bound
 *   840   64  the owner's signature, label "kith escrow v1", over bytes 0 .. 839, the number as
 * zero 904  112  the share and 32 bytes of blinding, sealed; the label "kith escrow share v1", the
 * id and the number are bound
 *
 * A commitment is H("kith share v1", id, number, share, blinding): a share that is not the one that
 * was given out is named. The signature says that the owner made this escrow, so nobody can put
 * shares of another secret among them. A holder seals a share anew for who recovers. */
#ifndef KITH_CRYPTO_ESCROW_H
#define KITH_CRYPTO_ESCROW_H

#include "base/err.h"
#include "crypto/hash.h"
#include "crypto/identity.h"
#include "crypto/shamir.h"

enum { KITH_ESCROW_ID_BYTES = 16, KITH_SHARE_BYTES = 1016 };

/* What a share file says in clear. */
struct kith_escrow {
  unsigned threshold; /* m */
  unsigned n;
  unsigned number;
  uint8_t id[KITH_ESCROW_ID_BYTES];
  struct kith_public owner;
};

/* n share files, file i for the holder whose public sealing key is holders[i]. KITH_ERR_LIMIT: not
 * 1 <= m <= n <= KITH_SHARES_MAX. KITH_ERR_NO: a holder's key of small order. */
KITH_MUST_USE enum kith_err kith_escrow_make(uint8_t (*out)[KITH_SHARE_BYTES],
                                             const struct kith_identity *owner, unsigned m,
                                             const uint8_t (*holders)[KITH_PUBLIC_BYTES],
                                             unsigned n);
/* KITH_ERR_DATA: no share file. KITH_ERR_NO: the owner's signature is false. */
KITH_MUST_USE enum kith_err kith_escrow_parse(struct kith_escrow *out, const uint8_t *bytes,
                                              size_t len, struct kith_fault *fault);
/* The file again, sealed to another key, by its holder. KITH_ERR_DENIED: sealed to somebody else.
 * KITH_ERR_NO: not the share that the owner gave out. `bytes` has been parsed. */
KITH_MUST_USE enum kith_err kith_escrow_reseal(uint8_t out[KITH_SHARE_BYTES],
                                               const uint8_t bytes[KITH_SHARE_BYTES],
                                               const struct kith_identity *holder,
                                               const uint8_t seal_to[KITH_PUBLIC_BYTES],
                                               struct kith_fault *fault);
/* The owner's identity, of share files that are sealed to `reader`; more than m are welcome, all
 * are checked. Errors as above; KITH_ERR_DATA: of different escrows, one twice, or fewer than m.
 * The fault names a share by its place: files[i] is called names[i]. */
KITH_MUST_USE enum kith_err kith_escrow_recover(struct kith_identity **out,
                                                const uint8_t (*files)[KITH_SHARE_BYTES],
                                                const char *const *names, unsigned n,
                                                const struct kith_identity *reader,
                                                struct kith_fault *fault);

#endif
