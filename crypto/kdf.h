/* HKDF-SHA-256 (RFC 5869) and HMAC-SHA-256 (RFC 2104), with OpenSSL. */
#ifndef KITH_CRYPTO_KDF_H
#define KITH_CRYPTO_KDF_H

#include "base/err.h"
#include "crypto/secret.h"

/* A fresh secret of `len` bytes (1 to 255 x 32) from an ikm that is not empty; the salt may be.
 * KITH_ERR_LIMIT: another length, or an info of more than 1024 bytes. */
KITH_MUST_USE enum kith_err kith_hkdf(struct kith_secret **out, size_t len, const uint8_t *salt,
                                      size_t salt_len, const struct kith_secret *ikm,
                                      const char *info);
/* The same with an info of bytes. */
KITH_MUST_USE enum kith_err kith_hkdf_info(struct kith_secret **out, size_t len,
                                           const uint8_t *salt, size_t salt_len,
                                           const struct kith_secret *ikm, const uint8_t *info,
                                           size_t info_len);
KITH_MUST_USE enum kith_err kith_hmac(uint8_t out[32], const struct kith_secret *key,
                                      const void *bytes, size_t len);

#endif
