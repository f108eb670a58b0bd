#include "proto/statement.h"

#include <string.h>

#include "base/mem.h"
#include "proto/endorsement.h"
#include "proto/statement_body.h"

static const char label[] = "kith statement v1";

enum { CORE_VERSION = 1 };

static const char *const type_names[KITH_STATEMENT_TYPES] = {
    [KITH_STATEMENT_OPEN] = "open",
    [KITH_STATEMENT_JOIN] = "join",
    [KITH_STATEMENT_DECLINE] = "decline",
    [KITH_STATEMENT_ROSTER] = "roster",
    [KITH_STATEMENT_COMMITMENT] = "commitment",
    [KITH_STATEMENT_OPENING] = "opening",
    [KITH_STATEMENT_CONFIRMATION] = "confirmation",
    [KITH_STATEMENT_COMPLAINT] = "complaint",
    [KITH_STATEMENT_INTENT] = "intent",
    [KITH_STATEMENT_MANIFEST] = "manifest",
    [KITH_STATEMENT_CONSENT] = "consent",
    [KITH_STATEMENT_RELEASE] = "release",
    [KITH_STATEMENT_DESTROYED] = "destroyed",
    [KITH_STATEMENT_RETRY] = "retry",
    [KITH_STATEMENT_CLOSE] = "close",
    [KITH_STATEMENT_ABORT] = "abort",
    [KITH_STATEMENT_DECISION] = "decision",
    [KITH_STATEMENT_WITHDRAW] = "withdraw",
};

static const char *const reason_names[KITH_REASONS] = {
    [KITH_REASON_GOVERNANCE] = "asked by governance",
    [KITH_REASON_NO_QUORUM] = "deadline without quorum",
    [KITH_REASON_DOCUMENTS_DIFFER] = "documents differ",
    [KITH_REASON_STANDARDISERS_DIFFER] = "standardisers differ",
    [KITH_REASON_BAD_OPENING] = "bad opening",
    [KITH_REASON_FALSE_COMPLAINT] = "false complaint",
    [KITH_REASON_BAD_CONFIRMATION] = "bad confirmation",
    [KITH_REASON_CONFLICT] = "two statements in one place",
    [KITH_REASON_TOO_FEW_RECORDS] = "too few records",
    [KITH_REASON_MEMBER_REMOVED] = "member removed",
    [KITH_REASON_POLICY_EXPIRED] = "policy expired",
    [KITH_REASON_RETENTION_ENDED] = "retention ended",
    [KITH_REASON_INTERNAL] = "internal failure",
    [KITH_REASON_OFFICER] = "officer's decision",
    [KITH_REASON_DATA_QUALITY] = "data quality",
    [KITH_REASON_NO_DECISION] = "no decision on the threshold",
    [KITH_REASON_BAD_SUBMISSION] = "bad submission",
};

static const char *const destroyed_names[] = {
    [KITH_DESTROYED_ROUND_KEYS] = "round keys",
    [KITH_DESTROYED_SECRET] = "secret",
    [KITH_DESTROYED_ENCODINGS] = "encodings",
    [KITH_DESTROYED_ALL] = "all",
};

static const char *name_of(const char *const *names, size_t n, unsigned i)
{
  return i < n && names[i] ? names[i] : "unknown";
}

const char *kith_statement_name(enum kith_statement_type type)
{
  return name_of(type_names, KITH_COUNT_OF(type_names), type);
}

const char *kith_reason_name(enum kith_reason reason)
{
  return name_of(reason_names, KITH_COUNT_OF(reason_names), reason);
}

const char *kith_destroyed_name(enum kith_destroyed what)
{
  return name_of(destroyed_names, KITH_COUNT_OF(destroyed_names), what);
}

enum kith_err kith_statement_write(struct kith_buf *out, const struct kith_statement *statement,
                                   const struct kith_identity *identity)
{
  uint8_t signature[KITH_SIGN_BYTES];
  struct kith_buf core;
  enum kith_err err;

  kith_buf_init(&core, KITH_STATEMENT_BYTES_MAX);
  kith_write_array(&core, 7);
  kith_write_u64(&core, CORE_VERSION);
  kith_write_u64(&core, statement->type);
  kith_write_bin(&core, statement->round, sizeof statement->round);
  kith_write_u64(&core, statement->attempt);
  kith_write_string(&core, statement->author);
  kith_write_u64(&core, (uint64_t)statement->time);
  kith_statement_body_write(&core, statement);
  err = kith_buf_err(&core);
  if (err == KITH_OK)
    err = kith_sign(signature, identity, label, core.bytes, core.len);
  if (err == KITH_OK)
    err = kith_statement_join(out, &(struct kith_statement_parts){.core = core.bytes,
                                                                  .core_len = core.len,
                                                                  .signature = signature});
  kith_buf_free(&core);
  return err;
}

enum kith_err kith_statement_join(struct kith_buf *out, const struct kith_statement_parts *parts)
{
  kith_buf_clear(out);
  kith_write_array(out, parts->n_endorsements ? 3 : 2);
  kith_write_bin(out, parts->core, parts->core_len);
  kith_write_bin(out, parts->signature, KITH_SIGN_BYTES);
  if (parts->n_endorsements)
    kith_write_array(out, parts->n_endorsements);
  for (unsigned i = 0; i < parts->n_endorsements; i++) {
    kith_write_array(out, 2);
    kith_write_bin(out, parts->endorsements[i].key, KITH_PUBLIC_BYTES);
    kith_write_bin(out, parts->endorsements[i].signature, KITH_SIGN_BYTES);
  }
  return kith_buf_err(out);
}

enum kith_err kith_statement_split(struct kith_statement_parts *out, const void *bytes, size_t len)
{
  struct kith_statement_parts parts = {0};
  struct kith_reader reader;
  size_t signature_len;
  bool endorsed;

  if (len > KITH_STATEMENT_BYTES_MAX || kith_reader_init(&reader, bytes, len) != KITH_OK)
    return KITH_ERR_DATA;
  endorsed = kith_read_array_between(&reader, 2, 3) == 3;
  parts.core = kith_read_bin(&reader, &parts.core_len, 1, KITH_STATEMENT_BYTES_MAX);
  parts.signature = kith_read_bin(&reader, &signature_len, KITH_SIGN_BYTES, KITH_SIGN_BYTES);
  if (endorsed)
    parts.n_endorsements = kith_read_array_between(&reader, 1, KITH_GOVERNANCE_KEYS_MAX);
  for (unsigned i = 0; i < parts.n_endorsements; i++) {
    struct kith_signature *endorsement = &parts.endorsements[i];

    kith_read_array(&reader, 2);
    kith_read_bin_exact(&reader, endorsement->key, sizeof endorsement->key);
    kith_read_bin_exact(&reader, endorsement->signature, sizeof endorsement->signature);
    if (i && memcmp(endorsement[-1].key, endorsement->key, sizeof endorsement->key) >= 0)
      return KITH_ERR_DATA;
  }
  if (kith_reader_done(&reader) != KITH_OK)
    return KITH_ERR_DATA;
  *out = parts;
  return KITH_OK;
}

enum kith_err kith_statement_read(struct kith_statement *out, const void *bytes, size_t len)
{
  struct kith_statement read = {0};
  struct kith_statement_parts parts;
  struct kith_reader reader;
  enum kith_err err = kith_statement_split(&parts, bytes, len);

  if (err != KITH_OK || (err = kith_reader_init(&reader, parts.core, parts.core_len)) != KITH_OK)
    return err;
  kith_read_array(&reader, 7);
  kith_read_u64(&reader, CORE_VERSION, CORE_VERSION);
  read.type = (enum kith_statement_type)kith_read_u64(&reader, KITH_STATEMENT_OPEN,
                                                      KITH_STATEMENT_TYPES - 1);
  kith_read_bin_exact(&reader, read.round, sizeof read.round);
  read.attempt = (uint32_t)kith_read_u64(&reader, 1, KITH_ATTEMPTS_MAX);
  kith_read_member(&reader, read.author);
  read.time = (int64_t)kith_read_u64(&reader, 1, INT64_MAX);
  if (parts.n_endorsements && !kith_statement_is_joint(read.type, KITH_ROLE_GOVERNANCE))
    err = KITH_ERR_DATA;
  else if (reader.err == KITH_OK)
    err = kith_statement_body_read(&reader, &read);
  if (err == KITH_OK)
    err = kith_reader_done(&reader);
  if (err != KITH_OK) {
    kith_statement_free(&read);
    return err;
  }
  *out = read;
  return KITH_OK;
}

enum kith_err kith_statement_verify(const void *bytes, size_t len,
                                    const uint8_t sign_key[KITH_PUBLIC_BYTES])
{
  struct kith_statement_parts parts;
  enum kith_err err = kith_statement_split(&parts, bytes, len);

  return err == KITH_OK ? kith_verify(parts.signature, sign_key, label, parts.core, parts.core_len)
                        : err;
}

void kith_statement_free(struct kith_statement *statement)
{
  if (statement->type == KITH_STATEMENT_MANIFEST)
    kith_free(statement->body.manifest.batches);
  memset(statement, 0, sizeof *statement);
}

void kith_statement_hash(struct kith_hash *out, const void *bytes, size_t len)
{
  kith_hash_bytes(out, label, bytes, len);
}
