#include "cli/documents.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "crypto/public.h"

enum kith_err kith_cli_time(int64_t *out, const char *text, const char *option,
                            struct kith_fault *fault)
{
  char whole[KITH_TIME_BYTES];

  if (strlen(text) == strlen("2026-01-01")) {
    (void)snprintf(whole, sizeof whole, "%.10sT00:00:00Z", text);
    text = whole;
  }
  if (kith_time_parse(out, text) != KITH_OK)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "--%s: expected a time in UTC such as 2027-01-01 or 2027-01-01T00:00:00Z",
                     option);
  return KITH_OK;
}

enum kith_err kith_cli_card(struct kith_member *out, const char *path, struct kith_fault *fault)
{
  KITH_AUTO_FREE uint8_t *bytes = NULL;
  size_t len;
  enum kith_err err = kith_file_read(&bytes, &len, path, KITH_DOCUMENT_BYTES_MAX, fault);

  return err == KITH_OK ? kith_member_parse(out, bytes, len, path, fault) : err;
}

enum kith_err kith_cli_sign_key(uint8_t out[KITH_PUBLIC_BYTES], const char *text,
                                struct kith_fault *fault)
{
  struct kith_member member;
  enum kith_err err;

  if (kith_base64_decode(out, KITH_PUBLIC_BYTES, text) == KITH_OK) {
    if (kith_sign_key_valid(out))
      return KITH_OK;
    return kith_fail(fault, KITH_ERR_USAGE, "%s: is no signing key", text);
  }
  if (!kith_file_exists(text))
    return kith_fail(fault, KITH_ERR_USAGE,
                     "%.100s: expected a signing key in base64 ('kith key show') or a card's file",
                     text);
  err = kith_cli_card(&member, text, fault);
  if (err == KITH_OK)
    memcpy(out, member.keys.sign, KITH_PUBLIC_BYTES);
  return err;
}

enum kith_err kith_cli_charter_load(struct kith_signed *document, struct kith_charter *charter,
                                    const char *path, bool draft, struct kith_fault *fault)
{
  enum kith_err err = kith_signed_load(document, KITH_DOCUMENT_CHARTER, path, fault);

  if (err != KITH_OK)
    return err;
  err = draft ? kith_charter_parse_draft(charter, document->bytes, document->len, path, fault)
              : kith_charter_parse(charter, document->bytes, document->len, path, fault);
  if (err != KITH_OK)
    kith_signed_free(document);
  return err;
}

enum kith_err kith_cli_policy_load(struct kith_signed *document, struct kith_policy *policy,
                                   const char *path, struct kith_fault *fault)
{
  enum kith_err err = kith_signed_load(document, KITH_DOCUMENT_POLICY, path, fault);

  if (err != KITH_OK)
    return err;
  err = kith_policy_parse(policy, document->bytes, document->len, path, fault);
  if (err != KITH_OK)
    kith_signed_free(document);
  return err;
}

enum kith_err kith_cli_sign(struct kith_signed *document, const char *path, const char *key_file,
                            const char *passphrase_file, struct kith_fault *fault)
{
  struct kith_identity *identity = NULL;
  enum kith_err err = kith_cli_identity(&identity, key_file, passphrase_file, fault);

  if (err != KITH_OK)
    return err;
  err = kith_signed_sign(document, identity);
  if (err == KITH_ERR_LIMIT)
    err = kith_fail(fault, err, "%s: has %d signatures already", path, KITH_GOVERNANCE_KEYS_MAX);
  else if (err != KITH_OK)
    err = kith_fail(fault, err, "%s: can't be signed", path);
  else
    err = kith_signed_save(document, path, fault);
  kith_identity_free(identity);
  return err;
}

unsigned kith_cli_count_signed(const struct kith_signed *document,
                               const struct kith_signers *signers)
{
  unsigned n = 0;

  for (unsigned i = 0; i < signers->n_keys; i++) {
    struct kith_signers one = {.threshold = 1, .n_keys = 1};

    memcpy(one.keys[0], signers->keys[i], KITH_PUBLIC_BYTES);
    n += kith_signed_verify(document, &one, NULL) == KITH_OK;
  }
  return n;
}

bool kith_cli_is_signer(const struct kith_signers *signers, const uint8_t key[KITH_PUBLIC_BYTES])
{
  for (unsigned i = 0; i < signers->n_keys; i++) {
    if (memcmp(signers->keys[i], key, KITH_PUBLIC_BYTES) == 0)
      return true;
  }
  return false;
}

void kith_cli_hash_text(char out[2 * KITH_HASH_BYTES + 1], const struct kith_signed *document)
{
  struct kith_hash hash;

  kith_signed_hash(&hash, document);
  kith_hex_encode(out, hash.bytes, sizeof hash.bytes);
}

json_t *kith_cli_signatures_json(const struct kith_signed *document)
{
  json_t *array = json_array();

  for (unsigned i = 0; i < document->n_signatures; i++) {
    char key[KITH_BASE64_BYTES(KITH_PUBLIC_BYTES)];

    kith_base64_encode(key, document->signatures[i].key, KITH_PUBLIC_BYTES);
    if (json_array_append_new(array, json_pack("{s:s}", "key", key)) != 0) {
      json_decref(array);
      return NULL;
    }
  }
  return array;
}
