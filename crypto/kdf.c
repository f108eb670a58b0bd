#include "crypto/kdf.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <string.h>

enum {
  SHA256_BYTES = 32,
  HKDF_LEN_MAX = 255 * SHA256_BYTES,
  HKDF_INFO_MAX = 1024 /* of OpenSSL 3.0 */
};

/* OpenSSL's parameters are not const, but are only read. */
static OSSL_PARAM octets(const char *name, const void *bytes, size_t len)
{
  return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)bytes, len);
}

enum kith_err kith_hkdf_info(struct kith_secret **out, size_t len, const uint8_t *salt,
                             size_t salt_len, const struct kith_secret *ikm, const uint8_t *info,
                             size_t info_len)
{
  char digest[] = "SHA256";
  OSSL_PARAM params[5];
  struct kith_secret *derived = NULL;
  EVP_KDF *kdf = NULL;
  EVP_KDF_CTX *context = NULL;
  unsigned n = 0;
  enum kith_err err;

  if (len == 0 || len > HKDF_LEN_MAX || info_len > HKDF_INFO_MAX || kith_secret_len(ikm) == 0)
    return KITH_ERR_LIMIT;
  err = kith_secret_new(&derived, len);
  if (err != KITH_OK)
    return err;
  params[n++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
  params[n++] = octets(OSSL_KDF_PARAM_KEY, kith_secret_peek(ikm), kith_secret_len(ikm));
  if (salt_len)
    params[n++] = octets(OSSL_KDF_PARAM_SALT, salt, salt_len);
  if (info_len)
    params[n++] = octets(OSSL_KDF_PARAM_INFO, info, info_len);
  params[n] = OSSL_PARAM_construct_end();

  kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
  context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
  if (!context || EVP_KDF_derive(context, kith_secret_bytes(derived), len, params) != 1) {
    err = KITH_ERR_INTERNAL;
    goto out;
  }
  *out = derived;
  derived = NULL;
out:
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  kith_secret_free(derived);
  return err;
}

enum kith_err kith_hkdf(struct kith_secret **out, size_t len, const uint8_t *salt, size_t salt_len,
                        const struct kith_secret *ikm, const char *info)
{
  return kith_hkdf_info(out, len, salt, salt_len, ikm, (const uint8_t *)info, strlen(info));
}

enum kith_err kith_hmac(uint8_t out[32], const struct kith_secret *key, const void *bytes,
                        size_t len)
{
  static const uint8_t nothing;
  uint8_t mac[SHA256_BYTES];
  unsigned mac_len = sizeof mac;

  if (kith_secret_len(key) > INT_MAX)
    return KITH_ERR_LIMIT;
  if (!HMAC(EVP_sha256(), kith_secret_peek(key), (int)kith_secret_len(key), len ? bytes : &nothing,
            len, mac, &mac_len) ||
      mac_len != sizeof mac)
    return KITH_ERR_INTERNAL;
  memcpy(out, mac, sizeof mac);
  kith_wipe(mac, sizeof mac);
  return KITH_OK;
}
