/* For tests of statements and messages: a statement of any type with random contents, within the
 * limits that its reader keeps. Randomness is rand()'s: seed it. */
#ifndef KITH_TESTS_UNIT_STATEMENTS_H
#define KITH_TESTS_UNIT_STATEMENTS_H

#include "base/mem.h"
#include "proto/statement.h"
#include "tests/unit/unit.h"

static inline unsigned statements_seed(void)
{
  const char *given = getenv("KITH_TEST_SEED");
  unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : 1;

  print_message("KITH_TEST_SEED=%u\n", seed);
  return seed;
}

/* With KITH_TEST_CORPUS=tests/fuzz/corpus the tests write what they make for the fuzz targets. */
static inline void corpus_write(const char *target, int type, const void *bytes, size_t len)
{
  const char *folder = getenv("KITH_TEST_CORPUS");
  char path[256];
  FILE *file;

  if (!folder)
    return;
  snprintf(path, sizeof path, "%s/%s/%02d", folder, target, type);
  file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
}

static inline void random_fill(void *out, size_t len)
{
  uint8_t *bytes = out;

  for (size_t i = 0; i < len; i++)
    bytes[i] = (uint8_t)(rand() >> 4);
}

/* min .. max, both within 31 bits of each other. */
static inline uint64_t random_between(uint64_t min, uint64_t max)
{
  return min + (uint64_t)rand() % (max - min + 1);
}

/* Ascending and different: the first letter and a number give the order. */
static inline unsigned random_members(kith_member_id *out, unsigned min, unsigned max)
{
  unsigned n = (unsigned)random_between(min, max);

  for (unsigned i = 0; i < n; i++) {
    memset(out[i], 0, sizeof out[i]);
    snprintf(out[i], sizeof out[i], "m%02u_%.*s", i, rand() % 20, "abcdefghijklmnopqrstuvwxyz");
  }
  return n;
}

static inline void random_open(struct kith_open *open)
{
  random_fill(&open->charter, sizeof open->charter);
  random_fill(&open->policy, sizeof open->policy);
  open->n_agencies = random_members(open->agencies, 2, KITH_AGENCIES_MAX);
  open->n_recipients = random_members(open->recipients, 1, KITH_RECIPIENTS_MAX);
  open->quorum = (unsigned)random_between(2, open->n_agencies);
  open->gather_s = (uint32_t)random_between(1, 1u << 30);
  open->keying_s = (uint32_t)random_between(1, 200);
  open->submit_s = UINT32_MAX;
  open->expires = INT64_MAX - rand();
}

/* With and without what blind comparison adds. */
static inline void random_confirmation(struct kith_confirmation *confirmation)
{
  kith_member_id members[KITH_AGENCIES_MAX];

  random_fill(confirmation, offsetof(struct kith_confirmation, n_pairs));
  confirmation->n_pairs =
      rand() & 64 ? 0 : (unsigned)random_members(members, 1, KITH_AGENCIES_MAX - 1);
  for (unsigned i = 0; i < confirmation->n_pairs; i++) {
    memcpy(confirmation->pairs[i].member, members[i], sizeof members[i]);
    random_fill(confirmation->pairs[i].mac, sizeof confirmation->pairs[i].mac);
  }
}

static inline void random_opening(struct kith_opening *opening)
{
  kith_member_id members[KITH_AGENCIES_MAX];

  random_fill(&opening->roster, sizeof opening->roster);
  random_fill(&opening->commitment, sizeof opening->commitment);
  opening->n = random_members(members, 2, KITH_AGENCIES_MAX);
  for (unsigned i = 0; i < opening->n; i++) {
    memcpy(opening->copies[i].member, members[i], sizeof members[i]);
    random_fill(opening->copies[i].sealed, sizeof opening->copies[i].sealed);
  }
}

static inline void random_manifest(struct kith_manifest *manifest)
{
  random_fill(&manifest->roster, sizeof manifest->roster);
  manifest->n_records = (uint32_t)rand();
  manifest->n_batches = (uint32_t)random_between(0, 40);
  manifest->batches = KITH_NEW_ARRAY(struct kith_hash, manifest->n_batches);
  assert_non_null(manifest->batches);
  random_fill(manifest->batches, manifest->n_batches * sizeof *manifest->batches);
  random_fill(&manifest->root, sizeof manifest->root);
}

static inline void random_release(struct kith_release *release)
{
  kith_member_id members[KITH_AGENCIES_MAX];

  memset(release, 0, sizeof *release);
  random_fill(&release->roster, sizeof release->roster);
  random_fill(&release->charter, sizeof release->charter);
  random_fill(&release->policy, sizeof release->policy);
  snprintf(release->threshold, sizeof release->threshold, "0.%u", (unsigned)rand());
  release->n_manifests = random_members(members, 2, KITH_AGENCIES_MAX);
  for (unsigned i = 0; i < release->n_manifests; i++) {
    memcpy(release->manifests[i].agency, members[i], sizeof members[i]);
    random_fill(&release->manifests[i].manifest, sizeof release->manifests[i].manifest);
  }
  release->n_lists = random_members(members, 1, KITH_RECIPIENTS_MAX);
  for (unsigned i = 0; i < release->n_lists; i++) {
    memcpy(release->lists[i].recipient, members[i], sizeof members[i]);
    random_fill(&release->lists[i].list, sizeof release->lists[i].list);
  }
  random_fill(&release->leaf_root, sizeof release->leaf_root);
}

static inline void random_small_body(struct kith_statement *out)
{
  enum kith_reason reason = (enum kith_reason)random_between(1, KITH_REASONS - 1);
  kith_member_id members[KITH_AGENCIES_MAX];

  switch (out->type) {
  case KITH_STATEMENT_COMPLAINT:
    random_fill(&out->body.complaint, sizeof out->body.complaint);
    random_members(members, 1, 1);
    memcpy(out->body.complaint.accused, members[0], sizeof members[0]);
    break;
  case KITH_STATEMENT_INTENT:
    random_fill(&out->body.intent.roster, sizeof out->body.intent.roster);
    out->body.intent.n_records = UINT32_MAX - (uint32_t)rand();
    out->body.intent.n_batches = (uint32_t)random_between(0, KITH_BATCHES_MAX);
    out->body.intent.row_bytes = (uint32_t)random_between(1, KITH_BATCH_BYTES_MAX);
    break;
  case KITH_STATEMENT_CONSENT:
    random_fill(&out->body.consent.roster, sizeof out->body.consent.roster);
    out->body.consent.n = random_members(out->body.consent.agencies, 2, KITH_AGENCIES_MAX);
    break;
  case KITH_STATEMENT_DECISION:
    random_fill(&out->body.decision, sizeof out->body.decision);
    out->body.decision.threshold = (uint32_t)random_between(1, 999999);
    break;
  case KITH_STATEMENT_WITHDRAW:
    random_fill(&out->body.withdraw, sizeof out->body.withdraw);
    out->body.withdraw.number = (uint32_t)random_between(1, KITH_WITHDRAWALS_MAX);
    out->body.withdraw.reason =
        (enum kith_withdraw_reason)random_between(1, KITH_WITHDRAW_REASONS - 1);
    break;
  case KITH_STATEMENT_DESTROYED:
    random_fill(&out->body.destroyed.audit_head, sizeof out->body.destroyed.audit_head);
    out->body.destroyed.what = (enum kith_destroyed)random_between(1, KITH_DESTROYED_ALL);
    out->body.destroyed.audit_seq = UINT64_MAX - (uint64_t)rand();
    break;
  case KITH_STATEMENT_RETRY:
    out->body.retry.attempt = (uint32_t)random_between(2, KITH_ATTEMPTS_MAX);
    out->body.retry.n_excluded = random_members(out->body.retry.excluded, 0, KITH_AGENCIES_MAX);
    out->body.retry.reason = reason;
    break;
  default: /* decline, close, abort */
    if (out->type == KITH_STATEMENT_DECLINE)
      random_fill(&out->body.ending.open, sizeof out->body.ending.open);
    out->body.ending.reason = reason;
    if (out->type == KITH_STATEMENT_ABORT && random_members(members, 0, 1))
      memcpy(out->body.ending.culprit, members[0], sizeof members[0]);
    break;
  }
}

/* Free with kith_statement_free. */
static inline void random_statement(struct kith_statement *out, enum kith_statement_type type)
{
  kith_member_id author[1];

  memset(out, 0, sizeof *out);
  out->type = type;
  random_fill(out->round, sizeof out->round);
  out->attempt = (uint32_t)random_between(1, KITH_ATTEMPTS_MAX);
  random_members(author, 1, 1);
  memcpy(out->author, author[0], sizeof author[0]);
  out->time = (int64_t)random_between(1, 1u << 30);
  switch (type) {
  case KITH_STATEMENT_OPEN:
    random_open(&out->body.open);
    break;
  case KITH_STATEMENT_JOIN: /* nothing but hashes and keys */
    random_fill(&out->body.join, sizeof out->body.join);
    break;
  case KITH_STATEMENT_ROSTER:
    out->body.roster.n = (unsigned)random_between(2, KITH_AGENCIES_MAX);
    random_fill(out->body.roster.joins, out->body.roster.n * sizeof out->body.roster.joins[0]);
    break;
  case KITH_STATEMENT_COMMITMENT:
    random_fill(&out->body.commitment, sizeof out->body.commitment);
    break;
  case KITH_STATEMENT_OPENING:
    random_opening(&out->body.opening);
    break;
  case KITH_STATEMENT_CONFIRMATION:
    random_confirmation(&out->body.confirmation);
    break;
  case KITH_STATEMENT_MANIFEST:
    random_manifest(&out->body.manifest);
    break;
  case KITH_STATEMENT_RELEASE:
    random_release(&out->body.release);
    break;
  default:
    random_small_body(out);
    break;
  }
}

#endif
