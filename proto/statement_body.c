#include "proto/statement_body.h"

#include <string.h>

#include "base/mem.h"

/* ---- small pieces */

static void write_hash(struct kith_buf *buf, const struct kith_hash *hash)
{
  kith_write_bin(buf, hash->bytes, sizeof hash->bytes);
}

static void read_hash(struct kith_reader *reader, struct kith_hash *out)
{
  kith_read_bin_exact(reader, out->bytes, sizeof out->bytes);
}

static void write_members(struct kith_buf *buf, const kith_member_id *members, unsigned n)
{
  kith_write_array(buf, n);
  for (unsigned i = 0; i < n; i++)
    kith_write_string(buf, members[i]);
}

/* Ids in ascending order, so that a set has one form only. */
static unsigned read_members(struct kith_reader *reader, kith_member_id *out, unsigned min,
                             unsigned max)
{
  unsigned n = kith_read_array_between(reader, min, max);

  for (unsigned i = 0; i < n; i++) {
    kith_read_member(reader, out[i]);
    if (i && strcmp(out[i - 1], out[i]) >= 0)
      reader->err = KITH_ERR_DATA;
  }
  return n;
}

/* ---- one pair for each type */

static void write_open(struct kith_buf *buf, const struct kith_open *open)
{
  kith_write_array(buf, 9);
  write_hash(buf, &open->charter);
  write_hash(buf, &open->policy);
  write_members(buf, open->agencies, open->n_agencies);
  write_members(buf, open->recipients, open->n_recipients);
  kith_write_u64(buf, open->quorum);
  kith_write_u64(buf, open->gather_s);
  kith_write_u64(buf, open->keying_s);
  kith_write_u64(buf, open->submit_s);
  kith_write_u64(buf, (uint64_t)open->expires);
}

static void read_open(struct kith_reader *reader, struct kith_open *out)
{
  kith_read_array(reader, 9);
  read_hash(reader, &out->charter);
  read_hash(reader, &out->policy);
  out->n_agencies = read_members(reader, out->agencies, 2, KITH_AGENCIES_MAX);
  out->n_recipients = read_members(reader, out->recipients, 1, KITH_RECIPIENTS_MAX);
  out->quorum = (unsigned)kith_read_u64(reader, 2, out->n_agencies);
  out->gather_s = (uint32_t)kith_read_u64(reader, 1, UINT32_MAX);
  out->keying_s = (uint32_t)kith_read_u64(reader, 1, UINT32_MAX);
  out->submit_s = (uint32_t)kith_read_u64(reader, 1, UINT32_MAX);
  out->expires = (int64_t)kith_read_u64(reader, 1, INT64_MAX);
}

static void write_join(struct kith_buf *buf, const struct kith_join *join)
{
  kith_write_array(buf, 5);
  write_hash(buf, &join->open);
  write_hash(buf, &join->charter);
  write_hash(buf, &join->policy);
  write_hash(buf, &join->standardiser);
  kith_write_bin(buf, join->round_key, sizeof join->round_key);
}

static void read_join(struct kith_reader *reader, struct kith_join *out)
{
  kith_read_array(reader, 5);
  read_hash(reader, &out->open);
  read_hash(reader, &out->charter);
  read_hash(reader, &out->policy);
  read_hash(reader, &out->standardiser);
  kith_read_bin_exact(reader, out->round_key, sizeof out->round_key);
}

static void write_roster(struct kith_buf *buf, const struct kith_roster *roster)
{
  kith_write_array(buf, 1);
  kith_write_array(buf, roster->n);
  for (unsigned i = 0; i < roster->n; i++)
    write_hash(buf, &roster->joins[i]);
}

static void read_roster(struct kith_reader *reader, struct kith_roster *out)
{
  kith_read_array(reader, 1);
  out->n = kith_read_array_between(reader, 2, KITH_AGENCIES_MAX);
  for (unsigned i = 0; i < out->n; i++)
    read_hash(reader, &out->joins[i]);
}

static void write_commitment(struct kith_buf *buf, const struct kith_commitment *commitment)
{
  kith_write_array(buf, 2);
  write_hash(buf, &commitment->roster);
  write_hash(buf, &commitment->commitment);
}

static void read_commitment(struct kith_reader *reader, struct kith_commitment *out)
{
  kith_read_array(reader, 2);
  read_hash(reader, &out->roster);
  read_hash(reader, &out->commitment);
}

static void write_opening(struct kith_buf *buf, const struct kith_opening *opening)
{
  kith_write_array(buf, 3);
  write_hash(buf, &opening->roster);
  write_hash(buf, &opening->commitment);
  kith_write_array(buf, opening->n);
  for (unsigned i = 0; i < opening->n; i++) {
    kith_write_array(buf, 2);
    kith_write_string(buf, opening->copies[i].member);
    kith_write_bin(buf, opening->copies[i].sealed, sizeof opening->copies[i].sealed);
  }
}

static void read_opening(struct kith_reader *reader, struct kith_opening *out)
{
  kith_read_array(reader, 3);
  read_hash(reader, &out->roster);
  read_hash(reader, &out->commitment);
  out->n = kith_read_array_between(reader, 2, KITH_AGENCIES_MAX);
  for (unsigned i = 0; i < out->n; i++) {
    kith_read_array(reader, 2);
    kith_read_member(reader, out->copies[i].member);
    kith_read_bin_exact(reader, out->copies[i].sealed, sizeof out->copies[i].sealed);
    if (i && strcmp(out->copies[i - 1].member, out->copies[i].member) >= 0)
      reader->err = KITH_ERR_DATA;
  }
}

static void write_confirmation(struct kith_buf *buf, const struct kith_confirmation *confirmation)
{
  kith_write_array(buf, confirmation->n_pairs ? 6 : 5);
  write_hash(buf, &confirmation->roster);
  kith_write_bin(buf, confirmation->mac, sizeof confirmation->mac);
  write_hash(buf, &confirmation->charter);
  write_hash(buf, &confirmation->policy);
  write_hash(buf, &confirmation->standardiser);
  if (confirmation->n_pairs)
    kith_write_array(buf, confirmation->n_pairs);
  for (unsigned i = 0; i < confirmation->n_pairs; i++) {
    kith_write_array(buf, 2);
    kith_write_string(buf, confirmation->pairs[i].member);
    kith_write_bin(buf, confirmation->pairs[i].mac, sizeof confirmation->pairs[i].mac);
  }
}

static void read_confirmation(struct kith_reader *reader, struct kith_confirmation *out)
{
  uint32_t n = kith_read_array_between(reader, 5, 6);

  read_hash(reader, &out->roster);
  kith_read_bin_exact(reader, out->mac, sizeof out->mac);
  read_hash(reader, &out->charter);
  read_hash(reader, &out->policy);
  read_hash(reader, &out->standardiser);
  if (n == 6)
    out->n_pairs = kith_read_array_between(reader, 1, KITH_AGENCIES_MAX - 1);
  for (unsigned i = 0; i < out->n_pairs; i++) {
    kith_read_array(reader, 2);
    kith_read_member(reader, out->pairs[i].member);
    kith_read_bin_exact(reader, out->pairs[i].mac, sizeof out->pairs[i].mac);
    if (i && strcmp(out->pairs[i - 1].member, out->pairs[i].member) >= 0)
      reader->err = KITH_ERR_DATA;
  }
}

static void write_complaint(struct kith_buf *buf, const struct kith_complaint *complaint)
{
  kith_write_array(buf, 3);
  write_hash(buf, &complaint->roster);
  kith_write_string(buf, complaint->accused);
  kith_write_bin(buf, complaint->round_secret_key, sizeof complaint->round_secret_key);
}

static void read_complaint(struct kith_reader *reader, struct kith_complaint *out)
{
  kith_read_array(reader, 3);
  read_hash(reader, &out->roster);
  kith_read_member(reader, out->accused);
  kith_read_bin_exact(reader, out->round_secret_key, sizeof out->round_secret_key);
}

static void write_intent(struct kith_buf *buf, const struct kith_intent *intent)
{
  kith_write_array(buf, 4);
  write_hash(buf, &intent->roster);
  kith_write_u64(buf, intent->n_records);
  kith_write_u64(buf, intent->n_batches);
  kith_write_u64(buf, intent->row_bytes);
}

static void read_intent(struct kith_reader *reader, struct kith_intent *out)
{
  kith_read_array(reader, 4);
  read_hash(reader, &out->roster);
  out->n_records = (uint32_t)kith_read_u64(reader, 0, UINT32_MAX);
  out->n_batches = (uint32_t)kith_read_u64(reader, 0, KITH_BATCHES_MAX);
  out->row_bytes = (uint32_t)kith_read_u64(reader, 1, KITH_BATCH_BYTES_MAX);
}

static void write_manifest(struct kith_buf *buf, const struct kith_manifest *manifest)
{
  kith_write_array(buf, 4);
  write_hash(buf, &manifest->roster);
  kith_write_u64(buf, manifest->n_records);
  kith_write_array(buf, manifest->n_batches);
  for (uint32_t i = 0; i < manifest->n_batches; i++)
    write_hash(buf, &manifest->batches[i]);
  write_hash(buf, &manifest->root);
}

static enum kith_err read_manifest(struct kith_reader *reader, struct kith_manifest *out)
{
  kith_read_array(reader, 4);
  read_hash(reader, &out->roster);
  out->n_records = (uint32_t)kith_read_u64(reader, 0, UINT32_MAX);
  out->n_batches = kith_read_array_between(reader, 0, KITH_BATCHES_MAX);
  out->batches = KITH_NEW_ARRAY(struct kith_hash, out->n_batches);
  if (!out->batches)
    return KITH_ERR_MEMORY;
  for (uint32_t i = 0; i < out->n_batches; i++)
    read_hash(reader, &out->batches[i]);
  read_hash(reader, &out->root);
  return KITH_OK;
}

static void write_consent(struct kith_buf *buf, const struct kith_consent *consent)
{
  kith_write_array(buf, 2);
  write_hash(buf, &consent->roster);
  write_members(buf, consent->agencies, consent->n);
}

static void read_consent(struct kith_reader *reader, struct kith_consent *out)
{
  kith_read_array(reader, 2);
  read_hash(reader, &out->roster);
  out->n = read_members(reader, out->agencies, 2, KITH_AGENCIES_MAX);
}

static void write_decision(struct kith_buf *buf, const struct kith_threshold_decision *decision)
{
  kith_write_array(buf, 3);
  write_hash(buf, &decision->roster);
  write_hash(buf, &decision->review);
  kith_write_u64(buf, decision->threshold);
}

static void read_decision(struct kith_reader *reader, struct kith_threshold_decision *out)
{
  kith_read_array(reader, 3);
  read_hash(reader, &out->roster);
  read_hash(reader, &out->review);
  out->threshold = (uint32_t)kith_read_u64(reader, 1, 999999);
}

static void write_release(struct kith_buf *buf, const struct kith_release *release)
{
  kith_write_array(buf, 7);
  write_hash(buf, &release->roster);
  write_hash(buf, &release->charter);
  write_hash(buf, &release->policy);
  kith_write_string(buf, release->threshold);
  kith_write_array(buf, release->n_manifests);
  for (unsigned i = 0; i < release->n_manifests; i++) {
    kith_write_array(buf, 2);
    kith_write_string(buf, release->manifests[i].agency);
    write_hash(buf, &release->manifests[i].manifest);
  }
  kith_write_array(buf, release->n_lists);
  for (unsigned i = 0; i < release->n_lists; i++) {
    kith_write_array(buf, 2);
    kith_write_string(buf, release->lists[i].recipient);
    write_hash(buf, &release->lists[i].list);
  }
  write_hash(buf, &release->leaf_root);
}

static void read_release(struct kith_reader *reader, struct kith_release *out)
{
  kith_read_array(reader, 7);
  read_hash(reader, &out->roster);
  read_hash(reader, &out->charter);
  read_hash(reader, &out->policy);
  kith_read_string(reader, out->threshold, sizeof out->threshold);
  out->n_manifests = kith_read_array_between(reader, 2, KITH_AGENCIES_MAX);
  for (unsigned i = 0; i < out->n_manifests; i++) {
    kith_read_array(reader, 2);
    kith_read_member(reader, out->manifests[i].agency);
    read_hash(reader, &out->manifests[i].manifest);
    if (i && strcmp(out->manifests[i - 1].agency, out->manifests[i].agency) >= 0)
      reader->err = KITH_ERR_DATA;
  }
  out->n_lists = kith_read_array_between(reader, 1, KITH_RECIPIENTS_MAX);
  for (unsigned i = 0; i < out->n_lists; i++) {
    kith_read_array(reader, 2);
    kith_read_member(reader, out->lists[i].recipient);
    read_hash(reader, &out->lists[i].list);
    if (i && strcmp(out->lists[i - 1].recipient, out->lists[i].recipient) >= 0)
      reader->err = KITH_ERR_DATA;
  }
  read_hash(reader, &out->leaf_root);
}

static void write_destroyed(struct kith_buf *buf, const struct kith_destruction *destroyed)
{
  kith_write_array(buf, 3);
  kith_write_u64(buf, destroyed->what);
  kith_write_u64(buf, destroyed->audit_seq);
  write_hash(buf, &destroyed->audit_head);
}

static void read_destroyed(struct kith_reader *reader, struct kith_destruction *out)
{
  kith_read_array(reader, 3);
  out->what =
      (enum kith_destroyed)kith_read_u64(reader, KITH_DESTROYED_ROUND_KEYS, KITH_DESTROYED_ALL);
  out->audit_seq = kith_read_u64(reader, 0, UINT64_MAX);
  read_hash(reader, &out->audit_head);
}

static void write_retry(struct kith_buf *buf, const struct kith_retry *retry)
{
  kith_write_array(buf, 3);
  kith_write_u64(buf, retry->attempt);
  write_members(buf, retry->excluded, retry->n_excluded);
  kith_write_u64(buf, retry->reason);
}

static enum kith_reason read_reason(struct kith_reader *reader)
{
  return (enum kith_reason)kith_read_u64(reader, KITH_REASON_GOVERNANCE, KITH_REASONS - 1);
}

static void write_withdraw(struct kith_buf *buf, const struct kith_withdraw *withdraw)
{
  kith_write_array(buf, 4);
  write_hash(buf, &withdraw->roster);
  kith_write_u64(buf, withdraw->number);
  kith_write_u64(buf, withdraw->reason);
  write_hash(buf, &withdraw->index);
}

static void read_withdraw(struct kith_reader *reader, struct kith_withdraw *out)
{
  kith_read_array(reader, 4);
  read_hash(reader, &out->roster);
  out->number = (uint32_t)kith_read_u64(reader, 1, KITH_WITHDRAWALS_MAX);
  out->reason = (enum kith_withdraw_reason)kith_read_u64(reader, KITH_WITHDRAW_OBJECTION,
                                                         KITH_WITHDRAW_REASONS - 1);
  read_hash(reader, &out->index);
}

static void read_retry(struct kith_reader *reader, struct kith_retry *out)
{
  kith_read_array(reader, 3);
  out->attempt = (uint32_t)kith_read_u64(reader, 2, KITH_ATTEMPTS_MAX);
  out->n_excluded = read_members(reader, out->excluded, 0, KITH_AGENCIES_MAX);
  out->reason = read_reason(reader);
}

static void write_ending(struct kith_buf *buf, enum kith_statement_type type,
                         const struct kith_ending *ending)
{
  kith_write_array(buf, type == KITH_STATEMENT_CLOSE ? 1 : 2);
  if (type == KITH_STATEMENT_DECLINE)
    write_hash(buf, &ending->open);
  kith_write_u64(buf, ending->reason);
  if (type == KITH_STATEMENT_ABORT)
    kith_write_string(buf, ending->culprit);
}

static void read_ending(struct kith_reader *reader, enum kith_statement_type type,
                        struct kith_ending *out)
{
  kith_read_array(reader, type == KITH_STATEMENT_CLOSE ? 1 : 2);
  if (type == KITH_STATEMENT_DECLINE)
    read_hash(reader, &out->open);
  out->reason = read_reason(reader);
  if (type == KITH_STATEMENT_ABORT) {
    kith_read_string(reader, out->culprit, sizeof out->culprit);
    if (out->culprit[0] && !kith_member_id_valid(out->culprit))
      reader->err = KITH_ERR_DATA;
  }
}

/* ---- by type ----------------------------------------------------------------------------------
 */

void kith_statement_body_write(struct kith_buf *buf, const struct kith_statement *statement)
{
  switch (statement->type) {
  case KITH_STATEMENT_OPEN:
    write_open(buf, &statement->body.open);
    break;
  case KITH_STATEMENT_JOIN:
    write_join(buf, &statement->body.join);
    break;
  case KITH_STATEMENT_ROSTER:
    write_roster(buf, &statement->body.roster);
    break;
  case KITH_STATEMENT_COMMITMENT:
    write_commitment(buf, &statement->body.commitment);
    break;
  case KITH_STATEMENT_OPENING:
    write_opening(buf, &statement->body.opening);
    break;
  case KITH_STATEMENT_CONFIRMATION:
    write_confirmation(buf, &statement->body.confirmation);
    break;
  case KITH_STATEMENT_COMPLAINT:
    write_complaint(buf, &statement->body.complaint);
    break;
  case KITH_STATEMENT_INTENT:
    write_intent(buf, &statement->body.intent);
    break;
  case KITH_STATEMENT_MANIFEST:
    write_manifest(buf, &statement->body.manifest);
    break;
  case KITH_STATEMENT_CONSENT:
    write_consent(buf, &statement->body.consent);
    break;
  case KITH_STATEMENT_DECISION:
    write_decision(buf, &statement->body.decision);
    break;
  case KITH_STATEMENT_WITHDRAW:
    write_withdraw(buf, &statement->body.withdraw);
    break;
  case KITH_STATEMENT_RELEASE:
    write_release(buf, &statement->body.release);
    break;
  case KITH_STATEMENT_DESTROYED:
    write_destroyed(buf, &statement->body.destroyed);
    break;
  case KITH_STATEMENT_RETRY:
    write_retry(buf, &statement->body.retry);
    break;
  case KITH_STATEMENT_DECLINE:
  case KITH_STATEMENT_CLOSE:
  case KITH_STATEMENT_ABORT:
    write_ending(buf, statement->type, &statement->body.ending);
    break;
  case KITH_STATEMENT_TYPES:
    break;
  }
}

enum kith_err kith_statement_body_read(struct kith_reader *reader, struct kith_statement *out)
{
  switch (out->type) {
  case KITH_STATEMENT_OPEN:
    read_open(reader, &out->body.open);
    break;
  case KITH_STATEMENT_JOIN:
    read_join(reader, &out->body.join);
    break;
  case KITH_STATEMENT_ROSTER:
    read_roster(reader, &out->body.roster);
    break;
  case KITH_STATEMENT_COMMITMENT:
    read_commitment(reader, &out->body.commitment);
    break;
  case KITH_STATEMENT_OPENING:
    read_opening(reader, &out->body.opening);
    break;
  case KITH_STATEMENT_CONFIRMATION:
    read_confirmation(reader, &out->body.confirmation);
    break;
  case KITH_STATEMENT_COMPLAINT:
    read_complaint(reader, &out->body.complaint);
    break;
  case KITH_STATEMENT_INTENT:
    read_intent(reader, &out->body.intent);
    break;
  case KITH_STATEMENT_MANIFEST:
    return read_manifest(reader, &out->body.manifest);
  case KITH_STATEMENT_CONSENT:
    read_consent(reader, &out->body.consent);
    break;
  case KITH_STATEMENT_DECISION:
    read_decision(reader, &out->body.decision);
    break;
  case KITH_STATEMENT_WITHDRAW:
    read_withdraw(reader, &out->body.withdraw);
    break;
  case KITH_STATEMENT_RELEASE:
    read_release(reader, &out->body.release);
    break;
  case KITH_STATEMENT_DESTROYED:
    read_destroyed(reader, &out->body.destroyed);
    break;
  case KITH_STATEMENT_RETRY:
    read_retry(reader, &out->body.retry);
    break;
  case KITH_STATEMENT_DECLINE:
  case KITH_STATEMENT_CLOSE:
  case KITH_STATEMENT_ABORT:
    read_ending(reader, out->type, &out->body.ending);
    break;
  case KITH_STATEMENT_TYPES:
    reader->err = KITH_ERR_DATA;
    break;
  }
  return KITH_OK;
}
