#include "proto/letter.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/kdf.h"
#include "crypto/seal.h"
#include "proto/document.h"
#include "proto/wire.h"

enum { VERSION = 1, PADDING_MAX = 2 * KITH_LETTER_STEP_BYTES };

static const char *const labels[KITH_LETTER_KINDS] = {
    [KITH_LETTER_REQUEST] = "kith disclosure request v1",
    [KITH_LETTER_ANSWER] = "kith disclosure answer v1",
    [KITH_LETTER_FEEDBACK] = "kith feedback v1",
    [KITH_LETTER_CONTEXT] = "kith context v1",
};
enum { LABEL_BYTES_MAX = 32 };

const char *kith_disclosure_verdict_name(enum kith_disclosure_verdict verdict)
{
  static const char *const names[KITH_DISCLOSURE_VERDICTS] = {"none", "granted", "reduced",
                                                              "refused", "expired"};

  return verdict < KITH_DISCLOSURE_VERDICTS ? names[verdict] : names[0];
}

const char *kith_refusal_words(const char *code, bool *by_officer)
{
  static const struct {
    const char *code;
    const char *words;
    bool by_officer;
  } refusals[] = {
      {"not_needed", "what is asked for is not needed for the reason given", true},
      {"safety", "it could put somebody in danger", true},
      {"wrong_record", "the record is not of the person who is meant", true},
      {"no_gateway", "the law named does not let this be disclosed", true},
      {"objection", "the person has objected", true},
      {"other", "for another reason, which the agency has recorded", true},
      {"not_allowed", "the policy does not allow it", false},
      {"not_released", "the handle is not in the release", false},
      {"not_ours", "the handle is not one of this agency's", false},
      {"replayed", "the request's nonce was in another request", false},
      {"expired", "the request had expired when it came", false},
      {"over_limit", "more requests than the policy allows", false},
      {"withdrawn", "the agency has withdrawn the record from the round", false},
      {"not_there", "the record is no longer in the agency's source", false},
  };

  for (size_t i = 0; i < KITH_COUNT_OF(refusals); i++) {
    if (strcmp(refusals[i].code, code) != 0)
      continue;
    if (by_officer)
      *by_officer = refusals[i].by_officer;
    return refusals[i].words;
  }
  return NULL;
}

bool kith_feedback_reason(const char *code)
{
  static const char *const codes[] = {"confirmed", "other_person", "mixed_record", "other"};

  for (size_t i = 0; i < KITH_COUNT_OF(codes); i++)
    if (strcmp(codes[i], code) == 0)
      return true;
  return false;
}

/* ---- bodies: each writer with its reader */

static void proof_write(struct kith_buf *out, const struct kith_leaf_proof *proof)
{
  kith_write_array(out, 5);
  kith_write_bin(out, proof->handle, sizeof proof->handle);
  kith_write_u64(out, proof->number);
  kith_write_bin(out, proof->nonce, sizeof proof->nonce);
  kith_write_u64(out, proof->path.sides);
  kith_write_bin(out, proof->path.hashes, proof->path.n * sizeof *proof->path.hashes);
}

static void proof_read(struct kith_reader *reader, struct kith_leaf_proof *out)
{
  const uint8_t *path;
  size_t len = 0;

  kith_read_array(reader, 5);
  kith_read_bin_exact(reader, out->handle, sizeof out->handle);
  out->number = (uint32_t)kith_read_u64(reader, 0, UINT32_MAX);
  kith_read_bin_exact(reader, out->nonce, sizeof out->nonce);
  out->path.sides = (uint32_t)kith_read_u64(reader, 0, UINT32_MAX);
  path = kith_read_bin(reader, &len, 0, sizeof out->path.hashes);
  out->path.n = (unsigned)(len / KITH_HASH_BYTES);
  if (len % KITH_HASH_BYTES ||
      (out->path.n < KITH_MERKLE_PATH_MAX && out->path.sides >> out->path.n))
    reader->err = KITH_ERR_DATA;
  else if (len)
    memcpy(out->path.hashes, path, len);
}

/* Words for people: what is shown must be what was signed. */
static void read_text(struct kith_reader *reader, char *out, size_t cap, bool may_be_empty)
{
  kith_read_string(reader, out, cap);
  if (!kith_text_plain(out) || (!may_be_empty && !out[0]))
    reader->err = KITH_ERR_DATA;
}

static void read_field(struct kith_reader *reader, char out[KITH_FIELD_NAME_BYTES])
{
  kith_read_string(reader, out, KITH_FIELD_NAME_BYTES);
  if (!out[0] || out[strspn(out, "abcdefghijklmnopqrstuvwxyz0123456789_-")])
    reader->err = KITH_ERR_DATA;
}

static void request_write(struct kith_buf *out, const struct kith_disclosure_request *request)
{
  kith_write_array(out, 7);
  proof_write(out, &request->proof);
  kith_write_bin(out, request->nonce, sizeof request->nonce);
  kith_write_u64(out, (uint64_t)request->expires);
  kith_write_array(out, request->n_fields);
  for (unsigned i = 0; i < request->n_fields; i++)
    kith_write_string(out, request->fields[i]);
  kith_write_string(out, request->reason);
  kith_write_string(out, request->words);
  kith_write_string(out, request->gateway);
}

static void request_read(struct kith_reader *reader, struct kith_disclosure_request *out)
{
  kith_read_array(reader, 7);
  proof_read(reader, &out->proof);
  kith_read_bin_exact(reader, out->nonce, sizeof out->nonce);
  out->expires = (int64_t)kith_read_u64(reader, 1, INT64_MAX);
  out->n_fields = kith_read_array_between(reader, 1, KITH_FIELDS_MAX);
  for (unsigned i = 0; i < out->n_fields; i++) {
    read_field(reader, out->fields[i]);
    for (unsigned j = 0; j < i; j++)
      if (strcmp(out->fields[i], out->fields[j]) == 0)
        reader->err = KITH_ERR_DATA;
  }
  kith_read_member(reader, out->reason);
  read_text(reader, out->words, sizeof out->words, false);
  read_text(reader, out->gateway, sizeof out->gateway, false);
}

static void answer_write(struct kith_buf *out, const struct kith_disclosure_answer *answer)
{
  kith_write_array(out, 7);
  kith_write_bin(out, answer->request.bytes, sizeof answer->request.bytes);
  kith_write_u64(out, answer->verdict);
  kith_write_string(out, answer->reason);
  kith_write_string(out, answer->reference);
  kith_write_array(out, answer->n_fields);
  for (unsigned i = 0; i < answer->n_fields; i++) {
    kith_write_array(out, 2);
    kith_write_string(out, answer->fields[i].field);
    kith_write_string(out, answer->fields[i].value);
  }
  kith_write_string(out, answer->marker);
  kith_write_array(out, answer->n_tokens);
  for (unsigned i = 0; i < answer->n_tokens; i++)
    kith_write_bin(out, answer->tokens[i], KITH_TOKEN_BYTES);
}

static void answer_read(struct kith_reader *reader, struct kith_disclosure_answer *out)
{
  bool given;
  bool refused;

  kith_read_array(reader, 7);
  kith_read_bin_exact(reader, out->request.bytes, sizeof out->request.bytes);
  out->verdict = (enum kith_disclosure_verdict)kith_read_u64(reader, KITH_DISCLOSURE_GRANTED,
                                                             KITH_DISCLOSURE_VERDICTS - 1);
  kith_read_string(reader, out->reason, sizeof out->reason);
  read_text(reader, out->reference, sizeof out->reference, true);
  out->n_fields = kith_read_array_between(reader, 0, KITH_FIELDS_MAX);
  for (unsigned i = 0; i < out->n_fields; i++) {
    kith_read_array(reader, 2);
    read_field(reader, out->fields[i].field);
    read_text(reader, out->fields[i].value, sizeof out->fields[i].value, true);
    for (unsigned j = 0; j < i; j++)
      if (strcmp(out->fields[i].field, out->fields[j].field) == 0)
        reader->err = KITH_ERR_DATA;
  }
  read_text(reader, out->marker, sizeof out->marker, true);
  out->n_tokens = kith_read_array_between(reader, 0, KITH_TOKENS_MAX);
  for (unsigned i = 0; i < out->n_tokens; i++)
    kith_read_bin_exact(reader, out->tokens[i], KITH_TOKEN_BYTES);
  given = out->verdict == KITH_DISCLOSURE_GRANTED || out->verdict == KITH_DISCLOSURE_REDUCED;
  refused = out->verdict == KITH_DISCLOSURE_REFUSED;
  if ((!given && (out->reference[0] || out->n_fields || out->marker[0] || out->n_tokens)) ||
      (given && !out->reference[0]) || refused != (kith_refusal_words(out->reason, NULL) != NULL) ||
      (!refused && out->reason[0]))
    reader->err = KITH_ERR_DATA;
}

static void feedback_write(struct kith_buf *out, const struct kith_feedback *feedback)
{
  kith_write_array(out, 5);
  proof_write(out, &feedback->proof);
  kith_write_bin(out, feedback->nonce, sizeof feedback->nonce);
  kith_write_u64(out, feedback->wrong);
  kith_write_string(out, feedback->reason);
  kith_write_bin(out, feedback->token, sizeof feedback->token);
}

static void feedback_read(struct kith_reader *reader, struct kith_feedback *out)
{
  kith_read_array(reader, 5);
  proof_read(reader, &out->proof);
  kith_read_bin_exact(reader, out->nonce, sizeof out->nonce);
  out->wrong = kith_read_u64(reader, 0, 1) == 1;
  kith_read_member(reader, out->reason);
  if (!kith_feedback_reason(out->reason))
    reader->err = KITH_ERR_DATA;
  kith_read_bin_exact(reader, out->token, sizeof out->token);
}

static void context_write(struct kith_buf *out, const struct kith_context *context)
{
  kith_write_array(out, 2);
  kith_write_array(out, context->n_attributes);
  for (unsigned i = 0; i < context->n_attributes; i++)
    kith_write_string(out, context->attributes[i]);
  kith_write_bin(out, context->entries, context->len);
}

static void context_read(struct kith_reader *reader, struct kith_context *out)
{
  const uint8_t *entries;
  size_t bytes;

  kith_read_array(reader, 2);
  out->n_attributes = kith_read_array_between(reader, 1, KITH_CONTEXT_ATTRIBUTES_MAX);
  for (unsigned i = 0; i < out->n_attributes; i++) {
    read_field(reader, out->attributes[i]);
    for (unsigned j = 0; j < i; j++)
      if (strcmp(out->attributes[i], out->attributes[j]) == 0)
        reader->err = KITH_ERR_DATA;
  }
  bytes = kith_context_entry_bytes(out->n_attributes);
  entries = kith_read_bin(reader, &out->len, bytes, sizeof out->entries);
  if (reader->err != KITH_OK)
    return;
  memcpy(out->entries, entries, out->len);
  if (out->len % bytes)
    reader->err = KITH_ERR_DATA;
  for (size_t at = bytes; at < out->len; at += bytes)
    if (memcmp(entries + at - bytes, entries + at, KITH_CONTEXT_TAG_BYTES) >= 0)
      reader->err = KITH_ERR_DATA;
}

/* ---- letters */

void kith_letter_core_write(struct kith_buf *out, const struct kith_letter *letter)
{
  kith_write_array(out, 6);
  kith_write_u64(out, VERSION);
  kith_write_bin(out, letter->round, sizeof letter->round);
  kith_write_string(out, letter->author);
  kith_write_string(out, letter->reader);
  kith_write_u64(out, (uint64_t)letter->time);
  switch (letter->kind) {
  case KITH_LETTER_REQUEST:
    request_write(out, &letter->body.request);
    break;
  case KITH_LETTER_ANSWER:
    answer_write(out, &letter->body.answer);
    break;
  case KITH_LETTER_FEEDBACK:
    feedback_write(out, &letter->body.feedback);
    break;
  case KITH_LETTER_CONTEXT:
    context_write(out, &letter->body.context);
    break;
  case KITH_LETTER_KINDS:
    break;
  }
}

static void letter_put(struct kith_buf *out, const struct kith_buf *core,
                       const uint8_t signature[KITH_SIGN_BYTES], size_t n_zeros)
{
  static const uint8_t zeros[PADDING_MAX];

  kith_buf_clear(out);
  kith_write_array(out, 3);
  kith_write_bin(out, core->bytes, core->len);
  kith_write_bin(out, signature, KITH_SIGN_BYTES);
  kith_write_bin(out, zeros, n_zeros);
}

enum kith_err kith_letter_write(struct kith_buf *out, const struct kith_letter *letter,
                                const struct kith_identity *identity)
{
  struct kith_letter *check;
  uint8_t signature[KITH_SIGN_BYTES];
  struct kith_buf core;
  size_t n_zeros = 0;
  enum kith_err err = KITH_ERR_MEMORY;

  if (letter->kind < KITH_LETTER_REQUEST || letter->kind >= KITH_LETTER_KINDS)
    return KITH_ERR_INTERNAL;
  check = KITH_NEW(struct kith_letter);
  kith_buf_init(&core, KITH_LETTER_BYTES_MAX);
  if (check) {
    kith_letter_core_write(&core, letter);
    err = kith_buf_err(&core);
  }
  if (err == KITH_OK)
    err = kith_sign(signature, identity, labels[letter->kind], core.bytes, core.len);
  if (err == KITH_OK) {
    /* The length of a length makes some totals unreachable: then the next step is taken. */
    letter_put(out, &core, signature, 0);
    while (out->len % KITH_LETTER_STEP_BYTES && n_zeros < PADDING_MAX && out->err == KITH_OK) {
      size_t missing = KITH_LETTER_STEP_BYTES - out->len % KITH_LETTER_STEP_BYTES;

      n_zeros += missing > 8 ? missing - 8 : 1;
      letter_put(out, &core, signature, n_zeros);
    }
    err = kith_buf_err(out);
  }
  if (err == KITH_OK && kith_letter_read(check, letter->kind, out->bytes, out->len) != KITH_OK)
    err = KITH_ERR_INTERNAL;
  if (core.bytes)
    kith_wipe(core.bytes, core.len);
  kith_buf_free(&core);
  if (check)
    kith_wipe(check, sizeof *check);
  kith_free(check);
  return err;
}

/* Core and signature, borrowed. */
static enum kith_err split(const uint8_t **core, size_t *core_len, const uint8_t **signature,
                           const void *bytes, size_t len)
{
  struct kith_reader reader;
  const uint8_t *zeros;
  size_t n_zeros = 0;
  size_t signature_len;

  if (len > KITH_LETTER_BYTES_MAX || len % KITH_LETTER_STEP_BYTES ||
      kith_reader_init(&reader, bytes, len) != KITH_OK)
    return KITH_ERR_DATA;
  kith_read_array(&reader, 3);
  *core = kith_read_bin(&reader, core_len, 1, KITH_LETTER_BYTES_MAX);
  *signature = kith_read_bin(&reader, &signature_len, KITH_SIGN_BYTES, KITH_SIGN_BYTES);
  zeros = kith_read_bin(&reader, &n_zeros, 0, PADDING_MAX);
  for (size_t i = 0; i < n_zeros; i++)
    if (zeros[i])
      return KITH_ERR_DATA;
  return kith_reader_done(&reader);
}

enum kith_err kith_letter_read(struct kith_letter *out, enum kith_letter_kind kind,
                               const void *bytes, size_t len)
{
  struct kith_reader reader;
  const uint8_t *core;
  const uint8_t *signature;
  size_t core_len;
  enum kith_err err = split(&core, &core_len, &signature, bytes, len);

  if (err != KITH_OK || (err = kith_reader_init(&reader, core, core_len)) != KITH_OK)
    return err;
  memset(out, 0, sizeof *out);
  out->kind = kind;
  kith_read_array(&reader, 6);
  (void)kith_read_u64(&reader, VERSION, VERSION);
  kith_read_bin_exact(&reader, out->round, sizeof out->round);
  kith_read_member(&reader, out->author);
  kith_read_member(&reader, out->reader);
  out->time = (int64_t)kith_read_u64(&reader, 1, INT64_MAX);
  if (kind == KITH_LETTER_REQUEST)
    request_read(&reader, &out->body.request);
  else if (kind == KITH_LETTER_ANSWER)
    answer_read(&reader, &out->body.answer);
  else if (kind == KITH_LETTER_FEEDBACK)
    feedback_read(&reader, &out->body.feedback);
  else
    context_read(&reader, &out->body.context);
  err = kith_reader_done(&reader);
  if (err != KITH_OK)
    kith_wipe(out, sizeof *out);
  return err;
}

enum kith_err kith_letter_verify(const void *bytes, size_t len, enum kith_letter_kind kind,
                                 const uint8_t sign_key[KITH_PUBLIC_BYTES])
{
  const uint8_t *core;
  const uint8_t *signature;
  size_t core_len;
  enum kith_err err = split(&core, &core_len, &signature, bytes, len);

  return err == KITH_OK ? kith_verify(signature, sign_key, labels[kind], core, core_len) : err;
}

void kith_letter_hash(struct kith_hash *out, enum kith_letter_kind kind, const void *bytes,
                      size_t len)
{
  kith_hash_bytes(out, labels[kind], bytes, len);
}

/* ---- sealing */

enum { CONTEXT_BYTES_MAX = LABEL_BYTES_MAX + KITH_ROUND_ID_BYTES + 2 * KITH_MEMBER_ID_BYTES };

static size_t seal_context(uint8_t context[CONTEXT_BYTES_MAX], const struct kith_envelope *envelope)
{
  size_t label_len = strlen(labels[envelope->kind]) + 1; /* each with its 0x00 */
  size_t author_len = strlen(envelope->author) + 1;
  size_t reader_len = strlen(envelope->reader);

  memcpy(context, labels[envelope->kind], label_len);
  memcpy(context + label_len, envelope->round, KITH_ROUND_ID_BYTES);
  memcpy(context + label_len + KITH_ROUND_ID_BYTES, envelope->author, author_len);
  memcpy(context + label_len + KITH_ROUND_ID_BYTES + author_len, envelope->reader, reader_len);
  return label_len + KITH_ROUND_ID_BYTES + author_len + reader_len;
}

enum kith_err kith_letter_seal(uint8_t **out, size_t *out_len,
                               const uint8_t reader_key[KITH_SEAL_KEY_BYTES],
                               const struct kith_envelope *envelope, const void *bytes, size_t len)
{
  uint8_t context[CONTEXT_BYTES_MAX];
  size_t context_len = seal_context(context, envelope);
  uint8_t *sealed = kith_calloc(len + KITH_SEAL_OVERHEAD, 1);
  enum kith_err err;

  if (!sealed)
    return KITH_ERR_MEMORY;
  err = kith_seal(sealed, reader_key, context, context_len, bytes, len);
  if (err != KITH_OK) {
    kith_free(sealed);
    return err;
  }
  *out = sealed;
  *out_len = len + KITH_SEAL_OVERHEAD;
  return KITH_OK;
}

enum kith_err kith_letter_unseal(uint8_t **out, size_t *out_len, const struct kith_secret *seal_key,
                                 const struct kith_envelope *envelope, const void *sealed,
                                 size_t len)
{
  uint8_t context[CONTEXT_BYTES_MAX];
  size_t context_len = seal_context(context, envelope);
  uint8_t *opened;
  enum kith_err err;

  if (len < KITH_SEAL_OVERHEAD || len > KITH_SEALED_LETTER_BYTES_MAX)
    return KITH_ERR_NO;
  opened = kith_calloc(len - KITH_SEAL_OVERHEAD + 1, 1);
  if (!opened)
    return KITH_ERR_MEMORY;
  err = kith_seal_open(opened, seal_key, context, context_len, sealed, len);
  if (err != KITH_OK) {
    kith_free(opened);
    return err;
  }
  *out = opened;
  *out_len = len - KITH_SEAL_OVERHEAD;
  return KITH_OK;
}

enum kith_err kith_letter_open(struct kith_letter *out, uint8_t **bytes, size_t *bytes_len,
                               const struct kith_secret *seal_key,
                               const uint8_t author_key[KITH_PUBLIC_BYTES],
                               const struct kith_envelope *envelope, const struct kith_hash *id,
                               const void *sealed, size_t len)
{
  uint8_t *opened = NULL;
  size_t opened_len = 0;
  struct kith_hash hash;
  enum kith_err err = kith_letter_unseal(&opened, &opened_len, seal_key, envelope, sealed, len);

  if (err == KITH_OK)
    err = kith_letter_verify(opened, opened_len, envelope->kind, author_key);
  if (err == KITH_OK)
    err = kith_letter_read(out, envelope->kind, opened, opened_len);
  if (err == KITH_OK) {
    if (envelope->kind == KITH_LETTER_ANSWER)
      hash = out->body.answer.request;
    else
      kith_letter_hash(&hash, envelope->kind, opened, opened_len);
    if (!kith_hash_equal(&hash, id) ||
        memcmp(out->round, envelope->round, sizeof out->round) != 0 ||
        strcmp(out->author, envelope->author) != 0 || strcmp(out->reader, envelope->reader) != 0)
      err = KITH_ERR_NO;
  }
  if (err == KITH_OK && bytes) {
    *bytes = opened;
    *bytes_len = opened_len;
    return KITH_OK;
  }
  if (opened)
    kith_wipe(opened, opened_len);
  kith_free(opened);
  return err == KITH_ERR_DATA ? KITH_ERR_NO : err;
}

enum kith_err kith_words_commit(struct kith_hash *out,
                                const struct kith_disclosure_request *request)
{
  static const char label[] = "kith disclosure words v1";
  struct kith_secret *key = NULL;
  struct kith_buf text;
  enum kith_err err;

  kith_buf_init(&text, 0);
  kith_buf_append(&text, label, sizeof label);
  kith_buf_append(&text, request->reason, strlen(request->reason) + 1);
  kith_buf_append(&text, request->words, strlen(request->words));
  err = kith_buf_err(&text);
  if (err == KITH_OK)
    err = kith_secret_copy(&key, request->nonce, sizeof request->nonce);
  if (err == KITH_OK)
    err = kith_hmac(out->bytes, key, text.bytes, text.len);
  kith_secret_free(key);
  if (text.bytes)
    kith_wipe(text.bytes, text.len);
  kith_buf_free(&text);
  return err;
}
