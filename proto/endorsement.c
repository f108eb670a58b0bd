#include "proto/endorsement.h"

#include <string.h>

#include "proto/wire.h"

static const char label[] = "kith endorsement v1";
static const char proposal_label[] = "kith proposal v1";

bool kith_statement_is_joint(enum kith_statement_type type, enum kith_role role)
{
  switch (type) {
  case KITH_STATEMENT_OPEN:
  case KITH_STATEMENT_CONSENT:
  case KITH_STATEMENT_DECISION:
  case KITH_STATEMENT_CLOSE:
    return true;
  case KITH_STATEMENT_ABORT:
    return role == KITH_ROLE_GOVERNANCE;
  default:
    return false;
  }
}

enum kith_err kith_proposal_hash(struct kith_hash *out, const void *bytes, size_t len)
{
  struct kith_statement_parts parts;
  enum kith_err err = kith_statement_split(&parts, bytes, len);

  if (err == KITH_OK)
    kith_hash_bytes(out, proposal_label, parts.core, parts.core_len);
  return err;
}

/* Keeps the keys in order; of two by one key the first stays. */
static void insert(struct kith_statement_parts *parts, const struct kith_signature *endorsement)
{
  unsigned at = 0;

  while (at < parts->n_endorsements &&
         memcmp(parts->endorsements[at].key, endorsement->key, KITH_PUBLIC_BYTES) < 0)
    at++;
  if (parts->n_endorsements == KITH_GOVERNANCE_KEYS_MAX ||
      (at < parts->n_endorsements &&
       memcmp(parts->endorsements[at].key, endorsement->key, KITH_PUBLIC_BYTES) == 0))
    return;
  memmove(&parts->endorsements[at + 1], &parts->endorsements[at],
          (parts->n_endorsements - at) * sizeof *endorsement);
  parts->endorsements[at] = *endorsement;
  parts->n_endorsements++;
}

enum kith_err kith_endorsement_add(struct kith_buf *out, const void *bytes, size_t len,
                                   const struct kith_identity *identity)
{
  struct kith_statement_parts parts;
  struct kith_signature made;
  enum kith_err err = kith_statement_split(&parts, bytes, len);

  if (err == KITH_OK)
    err = kith_sign(made.signature, identity, label, parts.core, parts.core_len);
  if (err != KITH_OK)
    return err;
  memcpy(made.key, identity->public_keys.sign, sizeof made.key);
  insert(&parts, &made);
  return kith_statement_join(out, &parts);
}

enum kith_err kith_endorsement_merge(struct kith_buf *out, const void *a, size_t a_len,
                                     const void *b, size_t b_len)
{
  struct kith_statement_parts parts;
  struct kith_statement_parts more;
  enum kith_err err;

  if ((err = kith_statement_split(&parts, a, a_len)) != KITH_OK ||
      (err = kith_statement_split(&more, b, b_len)) != KITH_OK)
    return err;
  if (parts.core_len != more.core_len || memcmp(parts.core, more.core, parts.core_len) != 0 ||
      memcmp(parts.signature, more.signature, KITH_SIGN_BYTES) != 0)
    return KITH_ERR_DATA;
  for (unsigned i = 0; i < more.n_endorsements; i++)
    insert(&parts, &more.endorsements[i]);
  return kith_statement_join(out, &parts);
}

enum kith_err kith_endorsement_count(unsigned *out, const void *bytes, size_t len,
                                     const uint8_t author_key[KITH_PUBLIC_BYTES],
                                     const struct kith_signers *signers)
{
  struct kith_statement_parts parts;
  unsigned n = kith_signers_have(signers, author_key);
  enum kith_err err = kith_statement_split(&parts, bytes, len);

  if (err != KITH_OK)
    return err;
  for (unsigned i = 0; i < parts.n_endorsements; i++) {
    const struct kith_signature *endorsement = &parts.endorsements[i];

    if (!kith_signers_have(signers, endorsement->key) ||
        memcmp(endorsement->key, author_key, KITH_PUBLIC_BYTES) == 0)
      continue;
    err = kith_verify(endorsement->signature, endorsement->key, label, parts.core, parts.core_len);
    if (err != KITH_OK)
      return err;
    n++;
  }
  *out = n;
  return KITH_OK;
}

enum kith_err kith_endorsement_check(const void *bytes, size_t len,
                                     const uint8_t author_key[KITH_PUBLIC_BYTES],
                                     const struct kith_signers *signers, struct kith_fault *fault)
{
  unsigned n = 0;
  enum kith_err err = kith_endorsement_count(&n, bytes, len, author_key, signers);

  if (err == KITH_ERR_NO)
    return kith_fail(fault, err, "a governance key's endorsement is false");
  if (err != KITH_OK)
    return kith_fail(fault, err, "a statement is malformed");
  if (signers->threshold == 0 || n < signers->threshold)
    return kith_fail(fault, KITH_ERR_NO,
                     "signed by %u governance keys, %u are needed; others sign it with "
                     "'kith round sign'",
                     n, signers->threshold);
  return KITH_OK;
}
