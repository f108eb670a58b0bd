/* Sealed files: streams under a symmetric key, in chunks of which none can be altered, moved,
 * repeated or left out, nor the end cut off (libsodium's secretstream: XChaCha20-Poly1305 with a
 * counter, and a tag that marks the last chunk).
 *
 *   offset  bytes
 *        0      8  "KITHSEAL"
 *        8      4  version 1, little-endian
 *       12      4  zero
 *       16     24  the stream's header, random
 *       40         chunks of 65536 bytes and 17 more, the last one shorter or equal
 *
 * The key of a stream comes from the file's key by HKDF. Each chunk is bound to the first 40 bytes
 * and to the context, which says what the file is and whose: a file in another's place does not
 * open. */
#ifndef KITH_CRYPTO_SEALED_H
#define KITH_CRYPTO_SEALED_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "crypto/secret.h"

enum { KITH_SEALED_KEY_BYTES = 32, KITH_SEALED_CHUNK_BYTES = 65536, KITH_SEALED_HEADER_BYTES = 40 };

/* ---- writing. Life: new, write to the stream, finish, free. `under` is borrowed. */
struct kith_sealed_out;
KITH_MUST_USE enum kith_err kith_sealed_out_new(struct kith_sealed_out **out, FILE *under,
                                                const struct kith_secret *key, const char *context);
FILE *kith_sealed_out_stream(struct kith_sealed_out *sealed);
/* Writes the last chunk and closes the stream. A failed write is also found at `under`. */
KITH_MUST_USE enum kith_err kith_sealed_out_finish(struct kith_sealed_out *sealed);
void kith_sealed_out_free(struct kith_sealed_out *sealed); /* takes NULL */

/* ---- reading. What the stream gives is authentic as far as it goes; that it is whole is known
 * once finish says so. */
struct kith_sealed_in;
/* Whether the file of these first bytes is sealed. */
bool kith_sealed_is(const void *bytes, size_t len);
/* KITH_ERR_DATA: not sealed, or of another version. */
KITH_MUST_USE enum kith_err kith_sealed_in_new(struct kith_sealed_in **out, FILE *under,
                                               const struct kith_secret *key, const char *context);
FILE *kith_sealed_in_stream(struct kith_sealed_in *sealed);
/* KITH_OK: all of it was read, and nothing follows. KITH_ERR_NO: another key or context, altered,
 * cut short, or not read to its end. KITH_ERR_IO. */
KITH_MUST_USE enum kith_err kith_sealed_in_finish(struct kith_sealed_in *sealed);
void kith_sealed_in_free(struct kith_sealed_in *sealed); /* takes NULL */

#endif
