#include "crypto/escrow.h"

#include <assert.h>
#include <string.h>

#include "crypto/keyfile.h"
#include "crypto/seal.h"

enum {
  MAGIC_BYTES = 8,
  VERSION = 1,
  AT_VERSION = 8,
  AT_THRESHOLD = 12,
  AT_N = 13,
  AT_NUMBER = 14,
  AT_ZERO = 15,
  AT_ID = 16,
  AT_PUBLIC = 32,
  AT_COMMITMENTS = AT_PUBLIC + 3 * KITH_PUBLIC_BYTES,
  AT_IDENTITY = AT_COMMITMENTS + KITH_SHARES_MAX * KITH_HASH_BYTES,
  IDENTITY_BYTES = KITH_KEYFILE_BODY_BYTES + KITH_BOX_OVERHEAD,
  AT_SIGNATURE = AT_IDENTITY + IDENTITY_BYTES,
  AT_SHARE = AT_SIGNATURE + KITH_SIGN_BYTES,
  SECRET_BYTES = 32,
  OPENED_BYTES = 2 * SECRET_BYTES, /* the share and its blinding */
  SEALED_BYTES = OPENED_BYTES + KITH_SEAL_OVERHEAD
};
static_assert(AT_SHARE + SEALED_BYTES == KITH_SHARE_BYTES, "the layout");

static const char magic[MAGIC_BYTES] = "KITHSHR";
static const char sign_label[] = "kith escrow v1";
static const char share_label[] = "kith escrow share v1";
static const char identity_label[] = "kith escrow identity v1";
enum {
  SHARE_CONTEXT_BYTES = sizeof share_label + KITH_ESCROW_ID_BYTES + 1,
  IDENTITY_CONTEXT_BYTES = sizeof identity_label + KITH_ESCROW_ID_BYTES
};

static void share_context(uint8_t out[SHARE_CONTEXT_BYTES], const uint8_t *file)
{
  memcpy(out, share_label, sizeof share_label);
  memcpy(out + sizeof share_label, file + AT_ID, KITH_ESCROW_ID_BYTES);
  out[SHARE_CONTEXT_BYTES - 1] = file[AT_NUMBER];
}

static void identity_context(uint8_t out[IDENTITY_CONTEXT_BYTES], const uint8_t *file)
{
  memcpy(out, identity_label, sizeof identity_label);
  memcpy(out + sizeof identity_label, file + AT_ID, KITH_ESCROW_ID_BYTES);
}

static void commitment(struct kith_hash *out, const uint8_t *file, unsigned number,
                       const uint8_t opened[OPENED_BYTES])
{
  struct kith_hasher hasher;

  kith_hasher_init(&hasher, "kith share v1");
  kith_hasher_part(&hasher, file + AT_ID, KITH_ESCROW_ID_BYTES);
  kith_hasher_u64(&hasher, number);
  kith_hasher_part(&hasher, opened, SECRET_BYTES);
  kith_hasher_part(&hasher, opened + SECRET_BYTES, SECRET_BYTES);
  kith_hasher_final(&hasher, out);
}

/* ---- making */

/* What all share files of an escrow have, but for the signature: their shares come back opened. */
static enum kith_err head_make(uint8_t head[AT_SIGNATURE], struct kith_secret *opened[],
                               struct kith_secret *const shares[], unsigned n)
{
  for (unsigned i = 0; i < n; i++) {
    struct kith_hash hash;
    uint8_t *at;
    enum kith_err err = kith_secret_random(&opened[i], OPENED_BYTES);

    if (err != KITH_OK)
      return err;
    at = kith_secret_bytes(opened[i]);
    memcpy(at, kith_secret_peek(shares[i]), SECRET_BYTES);
    commitment(&hash, head, i + 1, at);
    memcpy(head + AT_COMMITMENTS + (size_t)i * KITH_HASH_BYTES, hash.bytes, KITH_HASH_BYTES);
  }
  return KITH_OK;
}

static enum kith_err identity_box(uint8_t head[AT_SIGNATURE], const struct kith_identity *owner,
                                  const struct kith_secret *secret)
{
  uint8_t context[IDENTITY_CONTEXT_BYTES];
  struct kith_secret *body;
  enum kith_err err = kith_keyfile_body(&body, owner);

  if (err != KITH_OK)
    return err;
  identity_context(context, head);
  err = kith_box(head + AT_IDENTITY, secret, context, sizeof context, kith_secret_peek(body),
                 KITH_KEYFILE_BODY_BYTES);
  kith_secret_free(body);
  return err;
}

static enum kith_err files_make(uint8_t (*out)[KITH_SHARE_BYTES], const uint8_t head[AT_SHARE],
                                struct kith_secret *const opened[],
                                const uint8_t (*holders)[KITH_PUBLIC_BYTES], unsigned n)
{
  enum kith_err err = KITH_OK;

  for (unsigned i = 0; i < n && err == KITH_OK; i++) {
    uint8_t context[SHARE_CONTEXT_BYTES];

    memcpy(out[i], head, AT_SHARE);
    out[i][AT_NUMBER] = (uint8_t)(i + 1);
    share_context(context, out[i]);
    err = kith_seal(out[i] + AT_SHARE, holders[i], context, sizeof context,
                    kith_secret_peek(opened[i]), OPENED_BYTES);
  }
  return err;
}

enum kith_err kith_escrow_make(uint8_t (*out)[KITH_SHARE_BYTES], const struct kith_identity *owner,
                               unsigned m, const uint8_t (*holders)[KITH_PUBLIC_BYTES], unsigned n)
{
  uint8_t head[AT_SHARE] = {0};
  struct kith_secret *shares[KITH_SHARES_MAX] = {0};
  struct kith_secret *opened[KITH_SHARES_MAX] = {0};
  struct kith_secret *secret;
  enum kith_err err = kith_secret_random(&secret, SECRET_BYTES);

  if (err != KITH_OK)
    return err;
  err = kith_shamir_split(shares, n, m, secret);
  if (err != KITH_OK)
    goto end;
  memcpy(head, magic, MAGIC_BYTES);
  head[AT_VERSION] = VERSION;
  head[AT_THRESHOLD] = (uint8_t)m;
  head[AT_N] = (uint8_t)n;
  kith_random_bytes(head + AT_ID, KITH_ESCROW_ID_BYTES);
  memcpy(head + AT_PUBLIC, owner->public_keys.sign, KITH_PUBLIC_BYTES);
  memcpy(head + AT_PUBLIC + KITH_PUBLIC_BYTES, owner->public_keys.seal, KITH_PUBLIC_BYTES);
  memcpy(head + AT_PUBLIC + 2 * KITH_PUBLIC_BYTES, owner->public_keys.curve, KITH_PUBLIC_BYTES);
  if ((err = head_make(head, opened, shares, n)) == KITH_OK &&
      (err = identity_box(head, owner, secret)) == KITH_OK &&
      (err = kith_sign(head + AT_SIGNATURE, owner, sign_label, head, AT_SIGNATURE)) == KITH_OK)
    err = files_make(out, head, opened, holders, n);
  for (unsigned i = 0; i < n; i++) {
    kith_secret_free(shares[i]);
    kith_secret_free(opened[i]);
  }
end:
  kith_secret_free(secret);
  return err;
}

/* ---- reading */

enum kith_err kith_escrow_parse(struct kith_escrow *out, const uint8_t *bytes, size_t len,
                                struct kith_fault *fault)
{
  static const uint8_t version[4] = {VERSION};
  struct kith_escrow escrow;
  uint8_t said[AT_SIGNATURE];
  enum kith_err err;

  if (len < MAGIC_BYTES || memcmp(bytes, magic, MAGIC_BYTES) != 0)
    return kith_fail(fault, KITH_ERR_DATA, "is no share of a key");
  if (len != KITH_SHARE_BYTES)
    return kith_fail(fault, KITH_ERR_DATA, "has %zu bytes, expected %d: is it cut?", len,
                     KITH_SHARE_BYTES);
  escrow = (struct kith_escrow){
      .threshold = bytes[AT_THRESHOLD], .n = bytes[AT_N], .number = bytes[AT_NUMBER]};
  if (memcmp(bytes + AT_VERSION, version, sizeof version) != 0 || bytes[AT_ZERO] != 0 ||
      escrow.threshold < 1 || escrow.threshold > escrow.n || escrow.n > KITH_SHARES_MAX ||
      escrow.number < 1 || escrow.number > escrow.n)
    return kith_fail(fault, KITH_ERR_DATA, "is a share of a form that this kith can't read");
  memcpy(escrow.id, bytes + AT_ID, KITH_ESCROW_ID_BYTES);
  memcpy(escrow.owner.sign, bytes + AT_PUBLIC, KITH_PUBLIC_BYTES);
  memcpy(escrow.owner.seal, bytes + AT_PUBLIC + KITH_PUBLIC_BYTES, KITH_PUBLIC_BYTES);
  memcpy(escrow.owner.curve, bytes + AT_PUBLIC + 2 * KITH_PUBLIC_BYTES, KITH_PUBLIC_BYTES);
  memcpy(said, bytes, sizeof said);
  said[AT_NUMBER] = 0;
  err = kith_verify(bytes + AT_SIGNATURE, escrow.owner.sign, sign_label, said, sizeof said);
  if (err == KITH_ERR_NO)
    return kith_fail(fault, err, "was altered: the owner's signature is false");
  if (err != KITH_OK)
    return kith_fail(fault, err, "can't be checked: %s", kith_err_name(err));
  *out = escrow;
  return KITH_OK;
}

/* The share and its blinding, held against the commitment. */
static enum kith_err share_open(struct kith_secret **out, const uint8_t *file,
                                const struct kith_identity *reader, struct kith_fault *fault)
{
  uint8_t context[SHARE_CONTEXT_BYTES];
  unsigned number = file[AT_NUMBER];
  struct kith_secret *opened;
  struct kith_hash hash;
  enum kith_err err = kith_secret_new(&opened, OPENED_BYTES);

  if (err != KITH_OK)
    return kith_fail(fault, err, "no memory for a share");
  share_context(context, file);
  err = kith_seal_open(kith_secret_bytes(opened), reader->seal, context, sizeof context,
                       file + AT_SHARE, SEALED_BYTES);
  if (err == KITH_ERR_NO)
    err = kith_fail(fault, KITH_ERR_DENIED, "share %u is not sealed to this key, or was altered",
                    number);
  if (err == KITH_OK) {
    commitment(&hash, file, number, kith_secret_peek(opened));
    if (!kith_equal(hash.bytes, file + AT_COMMITMENTS + (number - 1U) * KITH_HASH_BYTES,
                    KITH_HASH_BYTES))
      err =
          kith_fail(fault, KITH_ERR_NO, "share %u is not the one that the owner gave out", number);
  }
  if (err == KITH_OK)
    *out = opened;
  else
    kith_secret_free(opened);
  return err;
}

enum kith_err kith_escrow_reseal(uint8_t out[KITH_SHARE_BYTES],
                                 const uint8_t bytes[KITH_SHARE_BYTES],
                                 const struct kith_identity *holder,
                                 const uint8_t seal_to[KITH_PUBLIC_BYTES], struct kith_fault *fault)
{
  uint8_t context[SHARE_CONTEXT_BYTES];
  struct kith_secret *opened;
  enum kith_err err = share_open(&opened, bytes, holder, fault);

  if (err != KITH_OK)
    return err;
  memcpy(out, bytes, AT_SHARE);
  share_context(context, out);
  err = kith_seal(out + AT_SHARE, seal_to, context, sizeof context, kith_secret_peek(opened),
                  OPENED_BYTES);
  kith_secret_free(opened);
  return err == KITH_OK ? KITH_OK : kith_fail(fault, err, "the share can't be sealed to that key");
}

/* The identity in a file, under the secret that shares have given. */
static enum kith_err identity_open(struct kith_identity **out, const uint8_t *file,
                                   const struct kith_secret *secret, struct kith_fault *fault)
{
  uint8_t context[IDENTITY_CONTEXT_BYTES];
  struct kith_secret *body;
  struct kith_identity *identity = NULL;
  enum kith_err err = kith_secret_new(&body, KITH_KEYFILE_BODY_BYTES);

  if (err != KITH_OK)
    return kith_fail(fault, err, "no memory for keys");
  identity_context(context, file);
  err = kith_box_open(kith_secret_bytes(body), secret, context, sizeof context, file + AT_IDENTITY,
                      IDENTITY_BYTES);
  if (err == KITH_OK)
    err = kith_keyfile_identity(&identity, body);
  kith_secret_free(body);
  if (err != KITH_OK)
    return kith_fail(fault, err, "the shares don't open the keys");
  if (memcmp(identity->public_keys.sign, file + AT_PUBLIC, KITH_PUBLIC_BYTES) != 0 ||
      memcmp(identity->public_keys.seal, file + AT_PUBLIC + KITH_PUBLIC_BYTES, KITH_PUBLIC_BYTES) !=
          0 ||
      memcmp(identity->public_keys.curve, file + AT_PUBLIC + 2 * KITH_PUBLIC_BYTES,
             KITH_PUBLIC_BYTES) != 0) {
    kith_identity_free(identity);
    return kith_fail(fault, KITH_ERR_NO, "the keys are not those of the shares' fingerprint");
  }
  *out = identity;
  return KITH_OK;
}

/* Each file by itself, and that they are of one escrow, none twice, and enough. */
static enum kith_err files_check(uint8_t at[KITH_SHARES_MAX],
                                 const uint8_t (*files)[KITH_SHARE_BYTES], const char *const *names,
                                 unsigned n, struct kith_fault *fault)
{
  struct kith_escrow escrow = {.threshold = 1};

  if (n > KITH_SHARES_MAX)
    return kith_fail(fault, KITH_ERR_DATA, "expected at most %d shares", KITH_SHARES_MAX);
  for (unsigned i = 0; i < n; i++) {
    enum kith_err err = kith_escrow_parse(&escrow, files[i], KITH_SHARE_BYTES, fault);

    if (err != KITH_OK)
      return kith_fail_at(fault, err, "%s", names[i]);
    if (memcmp(files[i] + AT_ID, files[0] + AT_ID, KITH_ESCROW_ID_BYTES) != 0 ||
        memcmp(files[i] + AT_SIGNATURE, files[0] + AT_SIGNATURE, KITH_SIGN_BYTES) != 0)
      return kith_fail(fault, KITH_ERR_DATA, "%s: is of another escrow than %s", names[i],
                       names[0]);
    if (memchr(at, (int)escrow.number, i))
      return kith_fail(fault, KITH_ERR_DATA, "%s: share %u is there twice", names[i],
                       escrow.number);
    at[i] = (uint8_t)escrow.number;
  }
  return n >= escrow.threshold && n > 0
             ? KITH_OK
             : kith_fail(fault, KITH_ERR_DATA,
                         "%u of %u shares are needed, %u given; ask another "
                         "holder",
                         escrow.threshold, escrow.n, n);
}

enum kith_err kith_escrow_recover(struct kith_identity **out,
                                  const uint8_t (*files)[KITH_SHARE_BYTES],
                                  const char *const *names, unsigned n,
                                  const struct kith_identity *reader, struct kith_fault *fault)
{
  uint8_t at[KITH_SHARES_MAX] = {0};
  struct kith_secret *shares[KITH_SHARES_MAX] = {0};
  struct kith_secret *secret = NULL;
  enum kith_err err = files_check(at, files, names, n, fault);

  if (err != KITH_OK)
    return err;
  for (unsigned i = 0; i < n && err == KITH_OK; i++) {
    struct kith_secret *opened = NULL;

    err = share_open(&opened, files[i], reader, fault);
    if (err != KITH_OK)
      err = kith_fail_at(fault, err, "%s", names[i]);
    else if ((err = kith_secret_copy(&shares[i], kith_secret_peek(opened), SECRET_BYTES)) !=
             KITH_OK)
      err = kith_fail(fault, err, "no memory for a share");
    kith_secret_free(opened);
  }
  if (err == KITH_OK && (err = kith_shamir_join(&secret, (const struct kith_secret *const *)shares,
                                                at, files[0][AT_THRESHOLD])) != KITH_OK)
    err = kith_fail(fault, err, "the shares can't be joined");
  if (err == KITH_OK)
    err = identity_open(out, files[0], secret, fault);
  for (unsigned i = 0; i < n; i++)
    kith_secret_free(shares[i]);
  kith_secret_free(secret);
  return err;
}
