/* Keys of blind comparison (docs/blind.md, 1): one for each pair of agencies, and what is made of
 * it.
 *
 * Life: init (or of_pair), use by one thread, free (wipes). Zero bytes are an object to free. */
#ifndef KITH_CRYPTO_ENCODE_BLIND_KEY_H
#define KITH_CRYPTO_ENCODE_BLIND_KEY_H

#include "base/err.h"
#include "crypto/secret.h"

struct kith_blind_key {
  struct kith_secret *token;     /* 32 bytes, owned */
  struct kith_secret *signature; /* 16 bytes, owned */
  struct kith_secret *mask;      /* 32 bytes, owned */
};

/* The key that two members have in common; the order of the ids does not matter, and they must
 * differ (KITH_ERR_USAGE). `salt` may be empty. KITH_ERR_LIMIT: an id of more than 32 bytes. */
KITH_MUST_USE enum kith_err kith_blind_pair_key(struct kith_secret **out,
                                                const struct kith_secret *ikm, const uint8_t *salt,
                                                size_t salt_len, const char *id_a,
                                                const char *id_b);
/* The key under which one of the two shows the other that it has theirs (proto/keying.h). */
KITH_MUST_USE enum kith_err kith_blind_confirmation_key(struct kith_secret **out,
                                                        const struct kith_secret *pair_key);
KITH_MUST_USE enum kith_err kith_blind_key_init(struct kith_blind_key *out,
                                                const struct kith_secret *pair_key);
void kith_blind_key_free(struct kith_blind_key *key);

#endif
