#include "crypto/identity.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "crypto/keyfile.h"
#include "crypto/seal.h"

enum { PASSPHRASE_FILE_BYTES_MAX = 4096, STORAGE_KEY_BYTES = 32 };
static_assert(crypto_sign_BYTES == KITH_SIGN_BYTES, "Ed25519");
static_assert(crypto_sign_PUBLICKEYBYTES == KITH_PUBLIC_BYTES, "Ed25519");

enum kith_err kith_identity_new(struct kith_identity **out)
{
  struct kith_identity *identity = KITH_NEW(struct kith_identity);
  struct kith_public *public_keys;
  enum kith_err err;

  if (!identity)
    return KITH_ERR_MEMORY;
  public_keys = &identity->public_keys;
  err = kith_secret_new(&identity->sign, crypto_sign_SECRETKEYBYTES);
  if (err == KITH_OK)
    crypto_sign_keypair(public_keys->sign, kith_secret_bytes(identity->sign));
  if (err == KITH_OK)
    err = kith_seal_keypair(public_keys->seal, &identity->seal);
  /* libzmq's CURVE keys are X25519 pairs too, in their 32 raw bytes. */
  if (err == KITH_OK)
    err = kith_seal_keypair(public_keys->curve, &identity->curve);
  if (err == KITH_OK)
    err = kith_secret_random(&identity->storage, STORAGE_KEY_BYTES);
  if (err != KITH_OK) {
    kith_identity_free(identity);
    return err;
  }
  *out = identity;
  return KITH_OK;
}

void kith_identity_free(struct kith_identity *identity)
{
  if (!identity)
    return;
  kith_secret_free(identity->sign);
  kith_secret_free(identity->seal);
  kith_secret_free(identity->curve);
  kith_secret_free(identity->storage);
  kith_free(identity);
}

enum kith_err kith_identity_save(const struct kith_identity *identity, const char *path,
                                 const struct kith_secret *passphrase, struct kith_fault *fault)
{
  static const struct kith_keyfile_cost cost = {KITH_KEYFILE_MEMORY_KIB, KITH_KEYFILE_PASSES};
  uint8_t bytes[KITH_KEYFILE_BYTES];
  struct stat status;
  enum kith_err err;

  if (lstat(path, &status) == 0)
    return kith_fail(fault, KITH_ERR_EXISTS,
                     "%s: is there already; a key is not overwritten, move it away first", path);
  err = kith_keyfile_wrap(bytes, identity, passphrase, cost);
  if (err != KITH_OK)
    return kith_fail(fault, err, "%s: the keys can't be wrapped: %s", path, kith_err_name(err));
  return kith_file_write(path, 0600, bytes, sizeof bytes, fault);
}

enum kith_err kith_identity_load(struct kith_identity **out, const char *path,
                                 const struct kith_secret *passphrase, struct kith_fault *fault)
{
  KITH_AUTO_FREE uint8_t *bytes = NULL;
  size_t len = 0;
  enum kith_err err = kith_file_read(&bytes, &len, path, 2 * KITH_KEYFILE_BYTES, fault);

  if (err == KITH_ERR_LIMIT)
    return kith_fail(fault, KITH_ERR_DATA, "%s: is no key file of kith", path);
  if (err != KITH_OK)
    return err;
  err = kith_keyfile_unwrap(out, bytes, len, passphrase, fault);
  return err == KITH_OK ? KITH_OK : kith_fail_at(fault, err, "%s", path);
}

enum kith_err kith_passphrase_read(struct kith_secret **out, const char *path,
                                   struct kith_fault *fault)
{
  struct kith_secret *file;
  const uint8_t *bytes;
  const uint8_t *end;
  size_t len;
  enum kith_err err = kith_secret_read_file(&file, path, PASSPHRASE_FILE_BYTES_MAX, fault);

  if (err != KITH_OK)
    return err;
  bytes = kith_secret_peek(file);
  end = memchr(bytes, '\n', kith_secret_len(file));
  len = end ? (size_t)(end - bytes) : kith_secret_len(file);
  if (end && len && bytes[len - 1] == '\r')
    len--;
  if (len == 0)
    err = kith_fail(fault, KITH_ERR_DATA,
                    "%s: its first line is empty, expected the passphrase there", path);
  else if (kith_secret_copy(out, bytes, len) != KITH_OK)
    err = kith_fail(fault, KITH_ERR_MEMORY, "%s: no memory", path);
  kith_secret_free(file);
  return err;
}

/* label || 0x00 || bytes, fresh. */
static enum kith_err labelled(uint8_t **out, size_t *out_len, const char *label, const void *bytes,
                              size_t len)
{
  size_t label_len = strlen(label) + 1;
  uint8_t *message;

  if (__builtin_add_overflow(label_len, len, out_len))
    return KITH_ERR_LIMIT;
  message = kith_calloc(*out_len, 1);
  if (!message)
    return KITH_ERR_MEMORY;
  memcpy(message, label, label_len);
  if (len)
    memcpy(message + label_len, bytes, len);
  *out = message;
  return KITH_OK;
}

enum kith_err kith_sign(uint8_t out[KITH_SIGN_BYTES], const struct kith_identity *identity,
                        const char *label, const void *bytes, size_t len)
{
  KITH_AUTO_FREE uint8_t *message = NULL;
  size_t message_len;
  enum kith_err err = labelled(&message, &message_len, label, bytes, len);

  if (err != KITH_OK)
    return err;
  if (crypto_sign_detached(out, NULL, message, message_len, kith_secret_peek(identity->sign)) != 0)
    return KITH_ERR_INTERNAL;
  return KITH_OK;
}

enum kith_err kith_verify(const uint8_t signature[KITH_SIGN_BYTES],
                          const uint8_t public_key[KITH_PUBLIC_BYTES], const char *label,
                          const void *bytes, size_t len)
{
  KITH_AUTO_FREE uint8_t *message = NULL;
  size_t message_len;
  enum kith_err err = labelled(&message, &message_len, label, bytes, len);

  if (err != KITH_OK)
    return err;
  return crypto_sign_verify_detached(signature, message, message_len, public_key) == 0
             ? KITH_OK
             : KITH_ERR_NO;
}

enum kith_err kith_sign_text(uint8_t out[KITH_SIGN_BYTES], const struct kith_identity *identity,
                             const char *text, size_t len)
{
  if (crypto_sign_detached(out, NULL, (const uint8_t *)text, len,
                           kith_secret_peek(identity->sign)) != 0)
    return KITH_ERR_INTERNAL;
  return KITH_OK;
}

enum kith_err kith_verify_text(const uint8_t signature[KITH_SIGN_BYTES],
                               const uint8_t public_key[KITH_PUBLIC_BYTES], const char *text,
                               size_t len)
{
  return crypto_sign_verify_detached(signature, (const uint8_t *)text, len, public_key) == 0
             ? KITH_OK
             : KITH_ERR_NO;
}

void kith_fingerprint_text(char out[KITH_FINGERPRINT_BYTES], const uint8_t *bytes)
{
  /* Crockford's base 32: no letter that sounds or looks like a digit. */
  static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  enum { GROUPS = 8, GROUP = 4 };
  uint32_t bits = 0;
  unsigned n_bits = 0;
  size_t taken = 0;
  size_t at = 0;

  for (unsigned i = 0; i < GROUPS * GROUP; i++) {
    if (n_bits < 5) {
      bits = bits << 8 | bytes[taken++];
      n_bits += 8;
    }
    if (i && i % GROUP == 0)
      out[at++] = ' ';
    n_bits -= 5;
    out[at++] = digits[bits >> n_bits & 31];
  }
  out[at] = '\0';
}

void kith_fingerprint(char out[KITH_FINGERPRINT_BYTES], const struct kith_public *keys)
{
  struct kith_hasher hasher;
  struct kith_hash hash;

  kith_hasher_init(&hasher, "kith fingerprint v1");
  kith_hasher_part(&hasher, keys->sign, sizeof keys->sign);
  kith_hasher_part(&hasher, keys->seal, sizeof keys->seal);
  kith_hasher_part(&hasher, keys->curve, sizeof keys->curve);
  kith_hasher_final(&hasher, &hash);
  kith_fingerprint_text(out, hash.bytes);
}
