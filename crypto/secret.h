/* Secrets: bytes in guarded, locked memory (sodium_malloc), wiped when freed, compared in
 * constant time. The only type in which a key is ever held.
 *
 * Where the memory-lock limit is too low the pages stay unlocked: kith_crypto_init says so, and
 * the program tells its operator once. */
#ifndef KITH_CRYPTO_SECRET_H
#define KITH_CRYPTO_SECRET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Once per process, before anything else of crypto/. *locked: whether as much memory can be locked
 * as the secrets of a node in a round need (256 KiB). Where not, everything works unlocked. */
KITH_MUST_USE enum kith_err kith_crypto_init(bool *locked);

struct kith_secret; /* opaque: length and locked bytes */

/* Zeroed, random, or copied from `bytes` (which the caller then wipes). */
KITH_MUST_USE enum kith_err kith_secret_new(struct kith_secret **out, size_t len);
KITH_MUST_USE enum kith_err kith_secret_random(struct kith_secret **out, size_t len);
KITH_MUST_USE enum kith_err kith_secret_copy(struct kith_secret **out, const void *bytes,
                                             size_t len);
/* From a file, its exact bytes (1 .. max). */
KITH_MUST_USE enum kith_err kith_secret_read_file(struct kith_secret **out, const char *path,
                                                  size_t max, struct kith_fault *fault);
uint8_t *kith_secret_bytes(struct kith_secret *secret);
const uint8_t *kith_secret_peek(const struct kith_secret *secret);
size_t kith_secret_len(const struct kith_secret *secret);
bool kith_secret_equal(const struct kith_secret *a, const struct kith_secret *b);
/* Wipes. Takes NULL. */
void kith_secret_free(struct kith_secret *secret);
#ifdef KITH_TESTING
/* Called when a secret has been wiped, just before its pages go. */
typedef void kith_secret_hook(const uint8_t *bytes, size_t len);
extern kith_secret_hook *kith_secret_on_free;
#endif

/* For buffers that are not secrets' own: constant-time comparison and wiping. */
bool kith_equal(const void *a, const void *b, size_t len);
void kith_wipe(void *bytes, size_t len);
void kith_random_bytes(void *out, size_t len);

#endif
