#include "proto/note.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/bytes.h"
#include "base/text.h"

enum { KEY_ID_BYTES = 4, TYPE_ED25519 = 1, TYPE_COSIGNATURE = 4, TEXT_MAX = 256 };

static const char origin[] = "kith-audit/";

/* The lines that are signed, with "cosignature/v1" before them where `time` is not NULL. */
static size_t message(char out[TEXT_MAX], const struct kith_checkpoint *checkpoint, const char *log,
                      const int64_t *time)
{
  char root[KITH_BASE64_BYTES(KITH_HASH_BYTES)];
  int before = 0;
  int len;

  kith_base64_encode(root, checkpoint->root.bytes, sizeof checkpoint->root.bytes);
  if (time)
    before = snprintf(out, TEXT_MAX, "cosignature/v1\ntime %lld\n", (long long)*time);
  len = snprintf(out + before, TEXT_MAX - (size_t)before, "%s%.*s\n%llu\n%s\n", origin,
                 KITH_MEMBER_ID_BYTES - 1, log, (unsigned long long)checkpoint->seq, root);
  return (size_t)before + (size_t)len;
}

enum kith_err kith_checkpoint_sign(struct kith_checkpoint *checkpoint, const char *log,
                                   const struct kith_identity *identity)
{
  char text[TEXT_MAX];
  size_t len = message(text, checkpoint, log, NULL);

  return kith_sign_text(checkpoint->signature, identity, text, len);
}

enum kith_err kith_checkpoint_verify(const struct kith_checkpoint *checkpoint, const char *log,
                                     const uint8_t sign_key[KITH_PUBLIC_BYTES])
{
  char text[TEXT_MAX];
  size_t len = message(text, checkpoint, log, NULL);

  return kith_verify_text(checkpoint->signature, sign_key, text, len);
}

enum kith_err kith_cosign(struct kith_cosignature *out, const struct kith_checkpoint *checkpoint,
                          const char *log, const struct kith_identity *identity)
{
  char text[TEXT_MAX];
  size_t len = message(text, checkpoint, log, &out->time);

  return kith_sign_text(out->signature, identity, text, len);
}

enum kith_err kith_cosignature_verify(const struct kith_cosignature *cosignature,
                                      const struct kith_checkpoint *checkpoint, const char *log,
                                      const uint8_t sign_key[KITH_PUBLIC_BYTES])
{
  char text[TEXT_MAX];
  size_t len = message(text, checkpoint, log, &cosignature->time);

  return kith_verify_text(cosignature->signature, sign_key, text, len);
}

/* SHA-256 over name, line end, type and key; the first four bytes. */
static void key_id(uint8_t out[KEY_ID_BYTES], const char *member,
                   const uint8_t key[KITH_PUBLIC_BYTES], uint8_t type)
{
  const uint8_t after[2] = {'\n', type};
  uint8_t hash[crypto_hash_sha256_BYTES];
  crypto_hash_sha256_state state;

  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, (const uint8_t *)origin, strlen(origin));
  crypto_hash_sha256_update(&state, (const uint8_t *)member, strlen(member));
  crypto_hash_sha256_update(&state, after, sizeof after);
  crypto_hash_sha256_update(&state, key, KITH_PUBLIC_BYTES);
  crypto_hash_sha256_final(&state, hash);
  memcpy(out, hash, KEY_ID_BYTES);
}

static void signature_line(struct kith_buf *out, const char *member,
                           const uint8_t key[KITH_PUBLIC_BYTES], uint8_t type, int64_t time,
                           const uint8_t signature[KITH_SIGN_BYTES])
{
  uint8_t bytes[KEY_ID_BYTES + 8 + KITH_SIGN_BYTES];
  char base64[KITH_BASE64_BYTES(sizeof bytes)];
  size_t len = KEY_ID_BYTES;

  key_id(bytes, member, key, type);
  if (type == TYPE_COSIGNATURE) {
    kith_put_be(bytes + len, 8, (uint64_t)time);
    len += 8;
  }
  memcpy(bytes + len, signature, KITH_SIGN_BYTES);
  kith_base64_encode(base64, bytes, len + KITH_SIGN_BYTES);
  kith_buf_printf(out, "\u2014 %s%s %s\n", origin, member, base64);
}

void kith_note_write(struct kith_buf *out, const struct kith_checkpoint *checkpoint,
                     const char *log, const uint8_t sign_key[KITH_PUBLIC_BYTES],
                     const struct kith_cosignature *cosignatures,
                     const uint8_t (*sign_keys)[KITH_PUBLIC_BYTES], unsigned n)
{
  char text[TEXT_MAX];

  kith_buf_append(out, text, message(text, checkpoint, log, NULL));
  kith_buf_append_string(out, "\n");
  signature_line(out, log, sign_key, TYPE_ED25519, 0, checkpoint->signature);
  for (unsigned i = 0; i < n; i++)
    signature_line(out, cosignatures[i].member, sign_keys[i], TYPE_COSIGNATURE,
                   cosignatures[i].time, cosignatures[i].signature);
}

void kith_note_key(struct kith_buf *out, const char *member,
                   const uint8_t sign_key[KITH_PUBLIC_BYTES], unsigned type)
{
  uint8_t id[KEY_ID_BYTES];
  uint8_t typed[1 + KITH_PUBLIC_BYTES] = {(uint8_t)type};
  char hex[2 * KEY_ID_BYTES + 1];
  char base64[KITH_BASE64_BYTES(sizeof typed)];

  key_id(id, member, sign_key, (uint8_t)type);
  memcpy(typed + 1, sign_key, KITH_PUBLIC_BYTES);
  kith_hex_encode(hex, id, sizeof id);
  kith_base64_encode(base64, typed, sizeof typed);
  kith_buf_printf(out, "%s%s+%s+%s\n", origin, member, hex, base64);
}
