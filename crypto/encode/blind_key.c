#include "crypto/encode/blind_key.h"

#include <string.h>

#include "crypto/kdf.h"

enum { PAIR_BYTES = 32, TOKEN_BYTES = 32, SIGNATURE_BYTES = 16, MASK_BYTES = 32, ID_BYTES = 33 };

enum kith_err kith_blind_pair_key(struct kith_secret **out, const struct kith_secret *ikm,
                                  const uint8_t *salt, size_t salt_len, const char *id_a,
                                  const char *id_b)
{
  static const char label[] = "kith blind pair v1";
  uint8_t info[sizeof label + 2 * ID_BYTES];
  int order = strcmp(id_a, id_b);
  const char *low = order < 0 ? id_a : id_b;
  const char *high = order < 0 ? id_b : id_a;
  size_t low_len = strlen(low);
  size_t high_len = strlen(high);

  if (order == 0)
    return KITH_ERR_USAGE;
  if (low_len >= ID_BYTES || high_len >= ID_BYTES)
    return KITH_ERR_LIMIT;
  memcpy(info, label, sizeof label);
  memcpy(info + sizeof label, low, low_len + 1);
  memcpy(info + sizeof label + low_len + 1, high, high_len);
  return kith_hkdf_info(out, PAIR_BYTES, salt, salt_len, ikm, info,
                        sizeof label + low_len + 1 + high_len);
}

enum kith_err kith_blind_confirmation_key(struct kith_secret **out,
                                          const struct kith_secret *pair_key)
{
  return kith_hkdf(out, PAIR_BYTES, NULL, 0, pair_key, "kith blind confirmation v1");
}

enum kith_err kith_blind_key_init(struct kith_blind_key *out, const struct kith_secret *pair_key)
{
  struct kith_blind_key key = {0};
  enum kith_err err = kith_hkdf(&key.token, TOKEN_BYTES, NULL, 0, pair_key, "kith blind token v1");

  if (err == KITH_OK)
    err = kith_hkdf(&key.signature, SIGNATURE_BYTES, NULL, 0, pair_key, "kith blind signature v1");
  if (err == KITH_OK)
    err = kith_hkdf(&key.mask, MASK_BYTES, NULL, 0, pair_key, "kith blind mask v1");
  if (err == KITH_OK)
    *out = key;
  else
    kith_blind_key_free(&key);
  return err;
}

void kith_blind_key_free(struct kith_blind_key *key)
{
  kith_secret_free(key->token);
  kith_secret_free(key->signature);
  kith_secret_free(key->mask);
  *key = (struct kith_blind_key){0};
}
