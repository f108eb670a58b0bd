#include "crypto/seal.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "crypto/kdf.h"

enum {
  TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
  NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
};
static_assert(KITH_SEAL_KEY_BYTES + TAG_BYTES == KITH_SEAL_OVERHEAD, "docs/protocol.md, section 8");
static_assert(NONCE_BYTES + TAG_BYTES == KITH_BOX_OVERHEAD, "crypto/seal.h");
static_assert(crypto_box_SECRETKEYBYTES == KITH_SEAL_KEY_BYTES, "X25519");

/* A sealing key encrypts one message. */
static const uint8_t zero_nonce[NONCE_BYTES];

enum kith_err kith_seal_keypair(uint8_t public_key[KITH_SEAL_KEY_BYTES],
                                struct kith_secret **secret_key)
{
  struct kith_secret *fresh;
  enum kith_err err = kith_secret_new(&fresh, KITH_SEAL_KEY_BYTES);

  if (err != KITH_OK)
    return err;
  crypto_box_keypair(public_key, kith_secret_bytes(fresh));
  *secret_key = fresh;
  return KITH_OK;
}

enum kith_err kith_seal_public(uint8_t public_key[KITH_SEAL_KEY_BYTES],
                               const struct kith_secret *secret_key)
{
  assert(kith_secret_len(secret_key) == KITH_SEAL_KEY_BYTES);
  return crypto_scalarmult_base(public_key, kith_secret_peek(secret_key)) == 0 ? KITH_OK
                                                                               : KITH_ERR_INTERNAL;
}

enum kith_err kith_seal_agree(struct kith_secret **out, const struct kith_secret *secret_key,
                              const uint8_t public_key[KITH_SEAL_KEY_BYTES])
{
  struct kith_secret *shared;
  enum kith_err err = kith_secret_new(&shared, KITH_SEAL_KEY_BYTES);

  if (err != KITH_OK)
    return err;
  if (crypto_scalarmult(kith_secret_bytes(shared), kith_secret_peek(secret_key), public_key) != 0) {
    kith_secret_free(shared);
    return KITH_ERR_NO;
  }
  *out = shared;
  return KITH_OK;
}

/* The message key from X25519(secret_key, peer); KITH_ERR_NO where that is all zero. */
static enum kith_err message_key(struct kith_secret **out, const struct kith_secret *secret_key,
                                 const uint8_t peer[KITH_SEAL_KEY_BYTES],
                                 const uint8_t ephemeral[KITH_SEAL_KEY_BYTES],
                                 const uint8_t recipient[KITH_SEAL_KEY_BYTES], const void *context,
                                 size_t context_len)
{
  uint8_t salt[2 * KITH_SEAL_KEY_BYTES];
  struct kith_secret *shared;
  enum kith_err err = kith_seal_agree(&shared, secret_key, peer);

  if (err != KITH_OK)
    return err;
  memcpy(salt, ephemeral, KITH_SEAL_KEY_BYTES);
  memcpy(salt + KITH_SEAL_KEY_BYTES, recipient, KITH_SEAL_KEY_BYTES);
  err = kith_hkdf_info(out, crypto_aead_xchacha20poly1305_ietf_KEYBYTES, salt, sizeof salt, shared,
                       context, context_len);
  kith_secret_free(shared);
  return err;
}

enum kith_err kith_seal(uint8_t *out, const uint8_t public_key[KITH_SEAL_KEY_BYTES],
                        const void *context, size_t context_len, const void *bytes, size_t len)
{
  uint8_t ephemeral_public[KITH_SEAL_KEY_BYTES];
  struct kith_secret *ephemeral;
  struct kith_secret *key = NULL;
  enum kith_err err = kith_seal_keypair(ephemeral_public, &ephemeral);

  if (err != KITH_OK)
    return err;
  err =
      message_key(&key, ephemeral, public_key, ephemeral_public, public_key, context, context_len);
  if (err == KITH_OK) {
    memcpy(out, ephemeral_public, sizeof ephemeral_public);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + KITH_SEAL_KEY_BYTES, NULL, bytes, len, context,
                                               context_len, NULL, zero_nonce,
                                               kith_secret_peek(key));
  }
  kith_secret_free(key);
  kith_secret_free(ephemeral);
  return err;
}

enum kith_err kith_seal_open(uint8_t *out, const struct kith_secret *secret_key,
                             const void *context, size_t context_len, const void *bytes, size_t len)
{
  const uint8_t *ephemeral = bytes;
  uint8_t public_key[KITH_SEAL_KEY_BYTES];
  struct kith_secret *key = NULL;
  enum kith_err err;

  if (len < KITH_SEAL_OVERHEAD)
    return KITH_ERR_NO;
  err = kith_seal_public(public_key, secret_key);
  if (err == KITH_OK)
    err = message_key(&key, secret_key, ephemeral, ephemeral, public_key, context, context_len);
  if (err == KITH_OK &&
      crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, ephemeral + KITH_SEAL_KEY_BYTES,
                                                 len - KITH_SEAL_KEY_BYTES, context, context_len,
                                                 zero_nonce, kith_secret_peek(key)) != 0)
    err = KITH_ERR_NO;
  kith_secret_free(key);
  return err;
}

enum kith_err kith_box(uint8_t *out, const struct kith_secret *key, const void *place,
                       size_t place_len, const void *bytes, size_t len)
{
  assert(kith_secret_len(key) == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
  kith_random_bytes(out, NONCE_BYTES);
  crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE_BYTES, NULL, bytes, len, place, place_len,
                                             NULL, out, kith_secret_peek(key));
  return KITH_OK;
}

enum kith_err kith_box_open(uint8_t *out, const struct kith_secret *key, const void *place,
                            size_t place_len, const void *bytes, size_t len)
{
  const uint8_t *nonce = bytes;

  assert(kith_secret_len(key) == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
  if (len < KITH_BOX_OVERHEAD)
    return KITH_ERR_NO;
  return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, nonce + NONCE_BYTES,
                                                    len - NONCE_BYTES, place, place_len, nonce,
                                                    kith_secret_peek(key)) == 0
             ? KITH_OK
             : KITH_ERR_NO;
}
