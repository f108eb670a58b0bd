#include "proto/signed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

enum {
  KEY_TEXT = KITH_BASE64_BYTES(KITH_PUBLIC_BYTES) - 1,
  SIGNATURE_TEXT = KITH_BASE64_BYTES(KITH_SIGN_BYTES) - 1,
  LINE_BYTES = KEY_TEXT + 1 + SIGNATURE_TEXT + 1,
  SIGNATURES_BYTES_MAX = KITH_GOVERNANCE_KEYS_MAX * LINE_BYTES
};

static const char *kind_label(enum kith_document_kind kind)
{
  return kind == KITH_DOCUMENT_CHARTER    ? "kith charter v1"
         : kind == KITH_DOCUMENT_OFFICERS ? "kith officers v1"
                                          : "kith policy v1";
}

static const char *kind_name(enum kith_document_kind kind)
{
  return kind == KITH_DOCUMENT_CHARTER    ? "charter"
         : kind == KITH_DOCUMENT_OFFICERS ? "list of officers"
                                          : "policy";
}

bool kith_signers_have(const struct kith_signers *signers, const uint8_t key[KITH_PUBLIC_BYTES])
{
  for (unsigned i = 0; i < signers->n_keys; i++)
    if (memcmp(signers->keys[i], key, KITH_PUBLIC_BYTES) == 0)
      return true;
  return false;
}

void kith_signed_free(struct kith_signed *document)
{
  if (!document)
    return;
  kith_free(document->bytes);
  *document = (struct kith_signed){0};
}

enum kith_err kith_signed_from_bytes(struct kith_signed *out, enum kith_document_kind kind,
                                     const void *bytes, size_t len)
{
  char *copy;

  if (kind < KITH_DOCUMENT_CHARTER || kind > KITH_DOCUMENT_OFFICERS)
    return KITH_ERR_DATA;
  if (len == 0 || len > KITH_DOCUMENT_BYTES_MAX)
    return KITH_ERR_LIMIT;
  copy = kith_calloc(len + 1, 1);
  if (!copy)
    return KITH_ERR_MEMORY;
  memcpy(copy, bytes, len);
  *out = (struct kith_signed){.kind = kind, .bytes = (uint8_t *)copy, .len = len};
  return KITH_OK;
}

static const struct kith_signature *signature_of(const struct kith_signed *document,
                                                 const uint8_t key[KITH_PUBLIC_BYTES])
{
  for (unsigned i = 0; i < document->n_signatures; i++) {
    if (memcmp(document->signatures[i].key, key, KITH_PUBLIC_BYTES) == 0)
      return &document->signatures[i];
  }
  return NULL;
}

/* ---- PATH.sig */

static enum kith_err line_read(struct kith_signature *out, const char *line, size_t len)
{
  size_t key_len;
  size_t signature_len;
  enum kith_err err = KITH_ERR_DATA;

  if (len != LINE_BYTES - 1 || line[KEY_TEXT] != ' ')
    return KITH_ERR_DATA;
  err = kith_base64_decode_any(out->key, &key_len, sizeof out->key, line, KEY_TEXT);
  if (err == KITH_OK)
    err = kith_base64_decode_any(out->signature, &signature_len, sizeof out->signature,
                                 line + KEY_TEXT + 1, SIGNATURE_TEXT);
  if (err == KITH_OK && (key_len != sizeof out->key || signature_len != sizeof out->signature))
    err = KITH_ERR_DATA;
  return err;
}

static enum kith_err signatures_read(struct kith_signed *document, const char *path,
                                     const char *text, size_t len, struct kith_fault *fault)
{
  unsigned line = 0;

  while (len > 0) {
    const char *end = memchr(text, '\n', len);
    struct kith_signature signature = {0};

    line++;
    if (!end || line_read(&signature, text, (size_t)(end - text)) != KITH_OK)
      return kith_fail(fault, KITH_ERR_DATA,
                       "%s: line %u: expected a key and a signature in base64, one blank between; "
                       "sign the document again",
                       path, line);
    if (signature_of(document, signature.key))
      return kith_fail(fault, KITH_ERR_DATA, "%s: line %u: a second signature by the same key",
                       path, line);
    if (document->n_signatures == KITH_GOVERNANCE_KEYS_MAX)
      return kith_fail(fault, KITH_ERR_DATA, "%s: more than %d signatures", path,
                       KITH_GOVERNANCE_KEYS_MAX);
    document->signatures[document->n_signatures++] = signature;
    len -= (size_t)(end - text) + 1;
    text = end + 1;
  }
  return KITH_OK;
}

static char *signature_path(const char *path)
{
  size_t len = strlen(path);
  char *out = kith_calloc(len + sizeof ".sig", 1);

  if (out) {
    memcpy(out, path, len);
    memcpy(out + len, ".sig", sizeof ".sig");
  }
  return out;
}

enum kith_err kith_signed_load(struct kith_signed *out, enum kith_document_kind kind,
                               const char *path, struct kith_fault *fault)
{
  struct kith_signed document = {.kind = kind};
  KITH_AUTO_FREE char *sig_path = signature_path(path);
  KITH_AUTO_FREE uint8_t *text = NULL;
  size_t len = 0;
  enum kith_err err;

  if (!sig_path)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: out of memory", path);
  err = kith_file_read(&document.bytes, &document.len, path, KITH_DOCUMENT_BYTES_MAX, fault);
  if (err != KITH_OK)
    return err;
  if (document.len == 0)
    err = kith_fail(fault, KITH_ERR_DATA, "%s: empty; expected a %s", path, kind_name(kind));
  if (err == KITH_OK && kith_file_exists(sig_path))
    err = kith_file_read(&text, &len, sig_path, SIGNATURES_BYTES_MAX, fault);
  if (err == KITH_OK)
    err = signatures_read(&document, sig_path, (const char *)text, len, fault);
  if (err != KITH_OK) {
    kith_signed_free(&document);
    return err;
  }
  *out = document;
  return KITH_OK;
}

static enum kith_err signatures_save(const struct kith_signed *document, const char *path,
                                     struct kith_fault *fault)
{
  char text[SIGNATURES_BYTES_MAX + 1];
  size_t at = 0;

  if (document->n_signatures == 0) {
    if (unlink(path) != 0 && errno != ENOENT)
      return kith_fail(fault, KITH_ERR_CREATE,
                       "%s: belongs to the former document and can't be removed (%s); remove it",
                       path, strerror(errno));
    return KITH_OK;
  }
  for (unsigned i = 0; i < document->n_signatures; i++) {
    kith_base64_encode(text + at, document->signatures[i].key, KITH_PUBLIC_BYTES);
    at += KEY_TEXT;
    text[at++] = ' ';
    kith_base64_encode(text + at, document->signatures[i].signature, KITH_SIGN_BYTES);
    at += SIGNATURE_TEXT;
    text[at++] = '\n';
  }
  return kith_file_write(path, 0644, text, at, fault);
}

enum kith_err kith_signed_save(const struct kith_signed *document, const char *path,
                               struct kith_fault *fault)
{
  KITH_AUTO_FREE char *sig_path = signature_path(path);
  enum kith_err err;

  if (!sig_path)
    return kith_fail(fault, KITH_ERR_MEMORY, "%s: out of memory", path);
  /* A crash between the two leaves old signatures beside new bytes: they are false, and seen. */
  err = kith_file_write(path, 0644, document->bytes, document->len, fault);
  return err == KITH_OK ? signatures_save(document, sig_path, fault) : err;
}

/* ---- signing and verifying */

enum kith_err kith_signed_sign(struct kith_signed *document, const struct kith_identity *identity)
{
  struct kith_signature made;
  struct kith_signature *place = NULL;
  enum kith_err err;

  for (unsigned i = 0; i < document->n_signatures; i++) {
    if (memcmp(document->signatures[i].key, identity->public_keys.sign, KITH_PUBLIC_BYTES) == 0)
      place = &document->signatures[i];
  }
  if (!place && document->n_signatures == KITH_GOVERNANCE_KEYS_MAX)
    return KITH_ERR_LIMIT;
  memcpy(made.key, identity->public_keys.sign, sizeof made.key);
  err = kith_sign(made.signature, identity, kind_label(document->kind), document->bytes,
                  document->len);
  if (err != KITH_OK)
    return err;
  if (!place)
    place = &document->signatures[document->n_signatures++];
  *place = made;
  return KITH_OK;
}

/* Whether the n-th of the signers stands among the earlier ones: a key counts once. */
static bool signer_repeated(const struct kith_signers *signers, unsigned n)
{
  for (unsigned i = 0; i < n; i++) {
    if (memcmp(signers->keys[i], signers->keys[n], KITH_PUBLIC_BYTES) == 0)
      return true;
  }
  return false;
}

/* Who has to sign it, in words. */
static const char *signer_words(enum kith_document_kind kind)
{
  return kind == KITH_DOCUMENT_OFFICERS ? "the member" : "a governance key";
}

static enum kith_err too_few(const struct kith_signed *document, unsigned valid, unsigned needed,
                             struct kith_fault *fault)
{
  const char *name = kind_name(document->kind);

  if (document->kind == KITH_DOCUMENT_OFFICERS)
    return kith_fail(fault, KITH_ERR_NO, "%s: not signed by the member's own key", name);
  return kith_fail(fault, KITH_ERR_NO,
                   "%s: signed by %u governance keys, %u are needed; have it signed by more "
                   "('kith %s sign')",
                   name, valid, needed, name);
}

enum kith_err kith_signed_verify(const struct kith_signed *document,
                                 const struct kith_signers *signers, struct kith_fault *fault)
{
  unsigned valid = 0;

  if (signers->threshold == 0 || signers->n_keys > KITH_GOVERNANCE_KEYS_MAX)
    return kith_fail(fault, KITH_ERR_NO, "%s: no governance keys to verify it with",
                     kind_name(document->kind));
  for (unsigned i = 0; i < signers->n_keys; i++) {
    const struct kith_signature *signature = signature_of(document, signers->keys[i]);
    enum kith_err err;

    if (!signature || signer_repeated(signers, i))
      continue;
    err = kith_verify(signature->signature, signature->key, kind_label(document->kind),
                      document->bytes, document->len);
    if (err == KITH_ERR_NO)
      return kith_fail(fault, KITH_ERR_NO,
                       "%s: %s's signature is false: the document was changed after it was "
                       "signed, or it is another's; have it signed again",
                       kind_name(document->kind), signer_words(document->kind));
    if (err != KITH_OK)
      return kith_fail(fault, err, "%s: out of memory", kind_name(document->kind));
    valid++;
  }
  return valid < signers->threshold ? too_few(document, valid, signers->threshold, fault) : KITH_OK;
}

void kith_signed_hash(struct kith_hash *out, const struct kith_signed *document)
{
  kith_hash_bytes(out, kind_label(document->kind), document->bytes, document->len);
}

/* ---- the wire */

void kith_signed_write(struct kith_buf *buf, const struct kith_signed *document)
{
  kith_write_bin(buf, document->bytes, document->len);
  kith_write_array(buf, document->n_signatures);
  for (unsigned i = 0; i < document->n_signatures; i++) {
    kith_write_array(buf, 2);
    kith_write_bin(buf, document->signatures[i].key, KITH_PUBLIC_BYTES);
    kith_write_bin(buf, document->signatures[i].signature, KITH_SIGN_BYTES);
  }
}

enum kith_err kith_signed_read(struct kith_signed *out, enum kith_document_kind kind,
                               struct kith_reader *reader)
{
  struct kith_signed document = {.kind = kind};
  size_t len;
  const uint8_t *bytes = kith_read_bin(reader, &len, 1, KITH_DOCUMENT_BYTES_MAX);
  uint32_t n = kith_read_array_between(reader, 0, KITH_GOVERNANCE_KEYS_MAX);
  enum kith_err err;

  for (uint32_t i = 0; i < n; i++) {
    struct kith_signature signature = {0};

    kith_read_array(reader, 2);
    kith_read_bin_exact(reader, signature.key, KITH_PUBLIC_BYTES);
    kith_read_bin_exact(reader, signature.signature, KITH_SIGN_BYTES);
    if (reader->err == KITH_OK && signature_of(&document, signature.key))
      reader->err = KITH_ERR_DATA;
    if (reader->err != KITH_OK)
      return reader->err;
    document.signatures[document.n_signatures++] = signature;
  }
  if (reader->err != KITH_OK)
    return reader->err;
  err = kith_signed_from_bytes(out, kind, bytes, len);
  if (err != KITH_OK)
    return err;
  memcpy(out->signatures, document.signatures, sizeof out->signatures);
  out->n_signatures = document.n_signatures;
  return KITH_OK;
}
