#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/mem.h"
#include "crypto/encode/clkhash_parts.h"

/* HKDF of RFC 5869, here and not in crypto/kdf.c since clkhash wants SHA-512 too, and an info
 * of any length, which OpenSSL's own has not. */
enum kith_err kith_clkhash_keys(struct kith_secret **out, const struct kith_clkhash_schema *schema,
                                const struct kith_secret *secret)
{
  static const uint8_t zeros[EVP_MAX_MD_SIZE];
  const EVP_MD *hash = schema->sha512 ? EVP_sha512() : EVP_sha256();
  size_t hash_len = schema->sha512 ? 64 : 32;
  size_t len = 2 * schema->key_size * schema->n_features;
  const uint8_t *salt = schema->salt_len ? schema->salt : zeros;
  size_t salt_len = schema->salt_len ? schema->salt_len : hash_len;
  uint8_t prk[EVP_MAX_MD_SIZE];
  uint8_t block[EVP_MAX_MD_SIZE];
  uint8_t *message = kith_calloc(hash_len + schema->info_len + 1, 1);
  struct kith_secret *keys = NULL;
  enum kith_err err = message ? kith_secret_new(&keys, len) : KITH_ERR_MEMORY;

  if (err == KITH_OK && !HMAC(hash, salt, (int)salt_len, kith_secret_peek(secret),
                              kith_secret_len(secret), prk, NULL))
    err = KITH_ERR_INTERNAL;
  for (size_t at = 0, i = 1; err == KITH_OK && at < len; at += hash_len, i++) {
    size_t before = i == 1 ? 0 : hash_len;
    size_t n = len - at < hash_len ? len - at : hash_len;

    if (before)
      memcpy(message, block, before);
    if (schema->info_len)
      memcpy(message + before, schema->info, schema->info_len);
    message[before + schema->info_len] = (uint8_t)i;
    if (!HMAC(hash, prk, (int)hash_len, message, before + schema->info_len + 1, block, NULL))
      err = KITH_ERR_INTERNAL;
    else
      memcpy(kith_secret_bytes(keys) + at, block, n);
  }
  kith_wipe(prk, sizeof prk);
  kith_wipe(block, sizeof block);
  if (message)
    kith_wipe(message, hash_len + schema->info_len + 1);
  kith_free(message);
  if (err != KITH_OK) {
    kith_secret_free(keys);
    return err;
  }
  *out = keys;
  return KITH_OK;
}
