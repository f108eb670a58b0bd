#include "crypto/keyfile.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/seal.h"

enum {
  MAGIC_BYTES = 8,
  VERSION = 1,
  AT_VERSION = 8,
  AT_MEMORY = 12,
  AT_PASSES = 16,
  AT_ZERO = 20,
  AT_SALT = 24,
  HEADER_BYTES = AT_SALT + KITH_KEYFILE_SALT_BYTES,
  SIGN_BYTES = crypto_sign_SECRETKEYBYTES,
  KEY_BYTES = 32,
  BODY_BYTES = SIGN_BYTES + 3 * KEY_BYTES
};
static_assert(HEADER_BYTES + KITH_BOX_OVERHEAD + BODY_BYTES == KITH_KEYFILE_BYTES, "the layout");
static_assert((int)KITH_KEYFILE_BODY_BYTES == (int)BODY_BYTES, "the layout");
static_assert(KITH_KEYFILE_SALT_BYTES == crypto_pwhash_SALTBYTES, "Argon2id");

static const char magic[MAGIC_BYTES] = "KITHKEY";

static void u32_put(uint8_t *out, uint32_t number)
{
  for (unsigned i = 0; i < 4; i++)
    out[i] = (uint8_t)(number >> (8 * i));
}

static uint32_t u32_get(const uint8_t *bytes)
{
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
         (uint32_t)bytes[3] << 24;
}

enum kith_err kith_keyfile_parse(struct kith_keyfile_cost *out, const uint8_t *bytes, size_t len,
                                 struct kith_fault *fault)
{
  struct kith_keyfile_cost cost;

  if (len < MAGIC_BYTES || memcmp(bytes, magic, MAGIC_BYTES) != 0)
    return kith_fail(fault, KITH_ERR_DATA, "is no key file of kith");
  if (len != KITH_KEYFILE_BYTES)
    return kith_fail(fault, KITH_ERR_DATA, "has %zu bytes, expected %d: is it cut?", len,
                     KITH_KEYFILE_BYTES);
  if (u32_get(bytes + AT_VERSION) != VERSION || u32_get(bytes + AT_ZERO) != 0)
    return kith_fail(fault, KITH_ERR_DATA, "is a key file of a version that this kith can't read");
  cost.memory_kib = u32_get(bytes + AT_MEMORY);
  cost.passes = u32_get(bytes + AT_PASSES);
  if (cost.memory_kib < KITH_KEYFILE_MEMORY_KIB_MIN ||
      cost.memory_kib > KITH_KEYFILE_MEMORY_KIB_MAX || cost.passes < 1 ||
      cost.passes > KITH_KEYFILE_PASSES_MAX)
    return kith_fail(fault, KITH_ERR_DATA,
                     "asks for %u KiB and %u passes of Argon2id, expected %d to %d KiB and 1 to %d",
                     cost.memory_kib, cost.passes, KITH_KEYFILE_MEMORY_KIB_MIN,
                     KITH_KEYFILE_MEMORY_KIB_MAX, KITH_KEYFILE_PASSES_MAX);
  *out = cost;
  return KITH_OK;
}

static enum kith_err wrapping_key(struct kith_secret **out, const struct kith_secret *passphrase,
                                  const uint8_t salt[KITH_KEYFILE_SALT_BYTES],
                                  struct kith_keyfile_cost cost)
{
  struct kith_secret *key;
  enum kith_err err = kith_secret_new(&key, KEY_BYTES);

  if (err != KITH_OK)
    return err;
  /* Of valid costs it fails only where it gets no memory. */
  if (crypto_pwhash(kith_secret_bytes(key), KEY_BYTES, (const char *)kith_secret_peek(passphrase),
                    kith_secret_len(passphrase), salt, cost.passes, (size_t)cost.memory_kib * 1024,
                    crypto_pwhash_ALG_ARGON2ID13) != 0) {
    kith_secret_free(key);
    return KITH_ERR_MEMORY;
  }
  *out = key;
  return KITH_OK;
}

enum kith_err kith_keyfile_body(struct kith_secret **out, const struct kith_identity *identity)
{
  struct kith_secret *body;
  uint8_t *at;
  enum kith_err err = kith_secret_new(&body, BODY_BYTES);

  if (err != KITH_OK)
    return err;
  at = kith_secret_bytes(body);
  memcpy(at, kith_secret_peek(identity->sign), SIGN_BYTES);
  memcpy(at + SIGN_BYTES, kith_secret_peek(identity->seal), KEY_BYTES);
  memcpy(at + SIGN_BYTES + KEY_BYTES, kith_secret_peek(identity->curve), KEY_BYTES);
  memcpy(at + SIGN_BYTES + 2 * KEY_BYTES, kith_secret_peek(identity->storage), KEY_BYTES);
  *out = body;
  return KITH_OK;
}

enum kith_err kith_keyfile_wrap(uint8_t out[KITH_KEYFILE_BYTES],
                                const struct kith_identity *identity,
                                const struct kith_secret *passphrase, struct kith_keyfile_cost cost)
{
  struct kith_secret *body;
  struct kith_secret *key = NULL;
  enum kith_err err = kith_keyfile_body(&body, identity);

  if (err != KITH_OK)
    return err;
  memset(out, 0, HEADER_BYTES);
  memcpy(out, magic, MAGIC_BYTES);
  u32_put(out + AT_VERSION, VERSION);
  u32_put(out + AT_MEMORY, cost.memory_kib);
  u32_put(out + AT_PASSES, cost.passes);
  kith_random_bytes(out + AT_SALT, KITH_KEYFILE_SALT_BYTES);
  err = wrapping_key(&key, passphrase, out + AT_SALT, cost);
  if (err == KITH_OK)
    err = kith_box(out + HEADER_BYTES, key, out, HEADER_BYTES, kith_secret_peek(body), BODY_BYTES);
  kith_secret_free(key);
  kith_secret_free(body);
  return err;
}

/* An identity of the 160 bytes of a body. */
static enum kith_err identity_of(struct kith_identity **out, const uint8_t *body)
{
  uint8_t public_key[KITH_PUBLIC_BYTES];
  struct kith_identity *identity = KITH_NEW(struct kith_identity);
  enum kith_err err = KITH_ERR_MEMORY;

  if (!identity || kith_secret_copy(&identity->sign, body, SIGN_BYTES) != KITH_OK ||
      kith_secret_copy(&identity->seal, body + SIGN_BYTES, KEY_BYTES) != KITH_OK ||
      kith_secret_copy(&identity->curve, body + SIGN_BYTES + KEY_BYTES, KEY_BYTES) != KITH_OK ||
      kith_secret_copy(&identity->storage, body + SIGN_BYTES + 2 * KEY_BYTES, KEY_BYTES) != KITH_OK)
    goto fail;
  crypto_sign_ed25519_sk_to_pk(public_key, kith_secret_peek(identity->sign));
  memcpy(identity->public_keys.sign, public_key, sizeof public_key);
  err = kith_seal_public(identity->public_keys.seal, identity->seal);
  if (err == KITH_OK)
    err = kith_seal_public(identity->public_keys.curve, identity->curve);
  if (err != KITH_OK)
    goto fail;
  *out = identity;
  return KITH_OK;
fail:
  kith_identity_free(identity);
  return err;
}

enum kith_err kith_keyfile_identity(struct kith_identity **out, const struct kith_secret *body)
{
  return kith_secret_len(body) == BODY_BYTES ? identity_of(out, kith_secret_peek(body))
                                             : KITH_ERR_DATA;
}

enum kith_err kith_keyfile_unwrap(struct kith_identity **out, const uint8_t *bytes, size_t len,
                                  const struct kith_secret *passphrase, struct kith_fault *fault)
{
  struct kith_keyfile_cost cost;
  struct kith_secret *key = NULL;
  struct kith_secret *body = NULL;
  enum kith_err err = kith_keyfile_parse(&cost, bytes, len, fault);

  if (err != KITH_OK)
    return err;
  err = kith_secret_new(&body, BODY_BYTES);
  if (err == KITH_OK)
    err = wrapping_key(&key, passphrase, bytes + AT_SALT, cost);
  if (err == KITH_OK)
    err = kith_box_open(kith_secret_bytes(body), key, bytes, HEADER_BYTES, bytes + HEADER_BYTES,
                        len - HEADER_BYTES);
  if (err == KITH_ERR_NO) {
    err = kith_fail(fault, KITH_ERR_DENIED, "wrong passphrase, or the file was altered");
    goto out;
  }
  if (err == KITH_OK)
    err = identity_of(out, kith_secret_peek(body));
  if (err != KITH_OK)
    (void)kith_fail(fault, err, "can't be unwrapped: %s", kith_err_name(err));
out:
  kith_secret_free(key);
  kith_secret_free(body);
  return err;
}
