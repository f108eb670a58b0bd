#include "proto/keying.h"

#include <assert.h>
#include <string.h>

#include "crypto/kdf.h"
#include "crypto/seal.h"

enum {
  ROUND_SECRET_BYTES = 32,
  /* what one member adds to the ikm at most: len8(id) || id || len8(c) || c */
  SHARE_BYTES_MAX = 8 + KITH_MEMBER_ID_BYTES - 1 + 8 + KITH_CONTRIBUTION_BYTES
};

static const char opening_label[] = "kith opening v1";
static const char confirmation_label[] = "kith confirmation v1";
enum {
  OPENING_CONTEXT_MAX = sizeof opening_label + KITH_HASH_BYTES + 2 * KITH_MEMBER_ID_BYTES,
  CONFIRMATION_MESSAGE_MAX = sizeof confirmation_label + KITH_HASH_BYTES + KITH_MEMBER_ID_BYTES
};

/* Appends to a buffer that has the room. */
static uint8_t *put(uint8_t *at, const void *bytes, size_t len)
{
  memcpy(at, bytes, len);
  return at + len;
}

static uint8_t *put_framed(uint8_t *at, const void *bytes, size_t len)
{
  for (unsigned i = 0; i < 8; i++)
    *at++ = (uint8_t)((uint64_t)len >> (8 * i));
  return put(at, bytes, len);
}

/* Ids strictly ascend, so that one set of members has one order and nobody is in it twice. */
static bool follows(const char *previous, const char *member)
{
  return kith_member_id_valid(member) && (!previous || strcmp(previous, member) < 0);
}

enum kith_err kith_roster_hash(struct kith_hash *out, const kith_round_id round, uint32_t attempt,
                               const struct kith_hash *charter, const struct kith_hash *policy,
                               const struct kith_hash *open, const struct kith_roster_join *joins,
                               unsigned n)
{
  struct kith_hasher hasher;

  if (n < 1 || n > KITH_AGENCIES_MAX)
    return KITH_ERR_DATA;
  for (unsigned i = 0; i < n; i++)
    if (!follows(i ? joins[i - 1].member : NULL, joins[i].member))
      return KITH_ERR_DATA;
  kith_hasher_init(&hasher, "kith roster v1");
  kith_hasher_part(&hasher, round, KITH_ROUND_ID_BYTES);
  kith_hasher_u64(&hasher, attempt);
  kith_hasher_part(&hasher, charter->bytes, sizeof charter->bytes);
  kith_hasher_part(&hasher, policy->bytes, sizeof policy->bytes);
  kith_hasher_part(&hasher, open->bytes, sizeof open->bytes);
  for (unsigned i = 0; i < n; i++)
    kith_hasher_part(&hasher, joins[i].bytes, joins[i].len);
  kith_hasher_final(&hasher, out);
  return KITH_OK;
}

void kith_commitment(struct kith_hash *out, const struct kith_hash *roster, const char *member,
                     const struct kith_secret *contribution)
{
  struct kith_hasher hasher;

  assert(kith_secret_len(contribution) == KITH_CONTRIBUTION_BYTES);
  kith_hasher_init(&hasher, "kith commitment v1");
  kith_hasher_part(&hasher, roster->bytes, sizeof roster->bytes);
  kith_hasher_part(&hasher, member, strlen(member));
  kith_hasher_part(&hasher, kith_secret_peek(contribution), KITH_CONTRIBUTION_BYTES);
  kith_hasher_final(&hasher, out);
}

/* The context's length; 0 where an id is none. */
static size_t opening_context(uint8_t context[OPENING_CONTEXT_MAX], const struct kith_hash *roster,
                              const char *author, const char *member)
{
  uint8_t *at = context;

  if (!kith_member_id_valid(author) || !kith_member_id_valid(member))
    return 0;
  at = put(at, opening_label, sizeof opening_label); /* with its 0x00 */
  at = put(at, roster->bytes, sizeof roster->bytes);
  at = put(at, author, strlen(author) + 1); /* so that "a", "bc" is not "ab", "c" */
  at = put(at, member, strlen(member));
  return (size_t)(at - context);
}

enum kith_err kith_contribution_seal(uint8_t out[KITH_SEALED_CONTRIBUTION_BYTES],
                                     const uint8_t round_key[KITH_SEAL_KEY_BYTES],
                                     const struct kith_hash *roster, const char *author,
                                     const char *member, const struct kith_secret *contribution)
{
  uint8_t context[OPENING_CONTEXT_MAX];
  size_t len = opening_context(context, roster, author, member);

  assert(kith_secret_len(contribution) == KITH_CONTRIBUTION_BYTES);
  if (len == 0)
    return KITH_ERR_DATA;
  return kith_seal(out, round_key, context, len, kith_secret_peek(contribution),
                   KITH_CONTRIBUTION_BYTES);
}

enum kith_err kith_contribution_open(struct kith_secret **out,
                                     const struct kith_secret *round_secret_key,
                                     const struct kith_hash *roster, const char *author,
                                     const char *member,
                                     const uint8_t sealed[KITH_SEALED_CONTRIBUTION_BYTES],
                                     const struct kith_hash *commitment)
{
  uint8_t context[OPENING_CONTEXT_MAX];
  size_t len = opening_context(context, roster, author, member);
  struct kith_secret *contribution;
  struct kith_hash stated;
  enum kith_err err;

  if (len == 0)
    return KITH_ERR_NO;
  err = kith_secret_new(&contribution, KITH_CONTRIBUTION_BYTES);
  if (err != KITH_OK)
    return err;
  err = kith_seal_open(kith_secret_bytes(contribution), round_secret_key, context, len, sealed,
                       KITH_SEALED_CONTRIBUTION_BYTES);
  if (err != KITH_OK)
    goto fail;
  kith_commitment(&stated, roster, author, contribution);
  if (!kith_hash_equal(&stated, commitment)) {
    err = KITH_ERR_NO;
    goto fail;
  }
  *out = contribution;
  return KITH_OK;
fail:
  kith_secret_free(contribution);
  return err;
}

enum kith_err kith_round_secret(struct kith_secret **out, const struct kith_hash *roster,
                                const struct kith_contribution *contributions, unsigned n)
{
  struct kith_secret *room = NULL;
  struct kith_secret *ikm = NULL;
  uint8_t *at;
  enum kith_err err;

  if (n < 1 || n > KITH_AGENCIES_MAX)
    return KITH_ERR_DATA;
  err = kith_secret_new(&room, n * SHARE_BYTES_MAX);
  if (err != KITH_OK)
    return err;
  at = kith_secret_bytes(room);
  for (unsigned i = 0; i < n; i++) {
    const struct kith_contribution *one = &contributions[i];
    if (!follows(i ? contributions[i - 1].member : NULL, one->member) ||
        kith_secret_len(one->bytes) != KITH_CONTRIBUTION_BYTES) {
      err = KITH_ERR_DATA;
      goto out;
    }
    at = put_framed(at, one->member, strlen(one->member));
    at = put_framed(at, kith_secret_peek(one->bytes), KITH_CONTRIBUTION_BYTES);
  }
  err = kith_secret_copy(&ikm, kith_secret_peek(room), (size_t)(at - kith_secret_peek(room)));
  if (err == KITH_OK)
    err = kith_hkdf(out, ROUND_SECRET_BYTES, roster->bytes, sizeof roster->bytes, ikm,
                    "kith round secret v1");
out:
  kith_secret_free(ikm);
  kith_secret_free(room);
  return err;
}

enum kith_err kith_linkage_secret(struct kith_secret **out, const struct kith_hash *roster,
                                  const struct kith_secret *round_secret)
{
  return kith_hkdf(out, ROUND_SECRET_BYTES, roster->bytes, sizeof roster->bytes, round_secret,
                   "kith linkage v1");
}

enum kith_err kith_confirmation_key(struct kith_secret **out, const struct kith_hash *roster,
                                    const struct kith_secret *round_secret)
{
  return kith_hkdf(out, ROUND_SECRET_BYTES, roster->bytes, sizeof roster->bytes, round_secret,
                   confirmation_label);
}

enum kith_err kith_confirmation_mac(uint8_t out[KITH_CONFIRMATION_BYTES],
                                    const struct kith_secret *confirmation_key,
                                    const struct kith_hash *roster, const char *member)
{
  uint8_t message[CONFIRMATION_MESSAGE_MAX];
  uint8_t *at = message;

  if (!kith_member_id_valid(member))
    return KITH_ERR_DATA;
  at = put(at, confirmation_label, sizeof confirmation_label); /* with its 0x00 */
  at = put(at, roster->bytes, sizeof roster->bytes);
  at = put(at, member, strlen(member));
  return kith_hmac(out, confirmation_key, message, (size_t)(at - message));
}

enum kith_err kith_confirmation_check(const uint8_t mac[KITH_CONFIRMATION_BYTES],
                                      const struct kith_secret *confirmation_key,
                                      const struct kith_hash *roster, const char *member)
{
  uint8_t right[KITH_CONFIRMATION_BYTES];
  enum kith_err err = kith_confirmation_mac(right, confirmation_key, roster, member);

  if (err == KITH_ERR_DATA || (err == KITH_OK && !kith_equal(mac, right, sizeof right)))
    err = KITH_ERR_NO;
  kith_wipe(right, sizeof right);
  return err;
}
