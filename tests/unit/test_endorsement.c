#include "proto/endorsement.h"

#include "tests/unit/statements.h"

enum { N_KEYS = 4, STRANGER = 3 };

static struct kith_identity *keys[N_KEYS]; /* three governance keys, and one that is none */
static struct kith_signers signers;        /* two of the three */
static struct kith_buf statement;

static int set_up(void **state)
{
  bool locked;

  (void)state;
  srand(statements_seed());
  if (kith_crypto_init(&locked) != KITH_OK)
    return -1;
  for (int i = 0; i < N_KEYS; i++)
    if (kith_identity_new(&keys[i]) != KITH_OK)
      return -1;
  signers.threshold = 2;
  for (int i = 0; i < STRANGER; i++)
    memcpy(signers.keys[signers.n_keys++], keys[i]->public_keys.sign, KITH_PUBLIC_BYTES);
  kith_buf_init(&statement, KITH_STATEMENT_BYTES_MAX);
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  for (int i = 0; i < N_KEYS; i++)
    kith_identity_free(keys[i]);
  kith_buf_free(&statement);
  return 0;
}

static const uint8_t *key_of(int i)
{
  return keys[i]->public_keys.sign;
}

/* An abort by key 0. */
static void say(enum kith_statement_type type)
{
  struct kith_statement s = {0};

  s.type = type;
  s.attempt = 1;
  strcpy(s.author, "lead");
  s.time = 1000;
  s.body.ending.reason = KITH_REASON_GOVERNANCE;
  assert_int_equal(kith_statement_write(&statement, &s, keys[0]), KITH_OK);
}

static void endorse(int by)
{
  struct kith_buf out;

  kith_buf_init(&out, KITH_STATEMENT_BYTES_MAX);
  assert_int_equal(kith_endorsement_add(&out, statement.bytes, statement.len, keys[by]), KITH_OK);
  kith_buf_free(&statement);
  statement = out;
}

static unsigned count(void)
{
  unsigned n = 99;

  assert_int_equal(kith_endorsement_count(&n, statement.bytes, statement.len, key_of(0), &signers),
                   KITH_OK);
  return n;
}

static enum kith_err check(struct kith_fault *fault)
{
  return kith_endorsement_check(statement.bytes, statement.len, key_of(0), &signers, fault);
}

static void two_of_three(void **state)
{
  struct kith_fault fault = {0};
  struct kith_statement read;
  struct kith_hash before;
  struct kith_hash after;

  (void)state;
  say(KITH_STATEMENT_ABORT);
  assert_int_equal(kith_proposal_hash(&before, statement.bytes, statement.len), KITH_OK);
  assert_int_equal(count(), 1);
  assert_int_equal(check(&fault), KITH_ERR_NO);
  assert_non_null(strstr(fault.text, "signed by 1 governance keys, 2 are needed"));
  endorse(1);
  assert_int_equal(count(), 2);
  assert_int_equal(check(NULL), KITH_OK);
  endorse(2);
  assert_int_equal(count(), 3);
  /* What it says is the same, and its author's signature still holds. */
  assert_int_equal(kith_proposal_hash(&after, statement.bytes, statement.len), KITH_OK);
  assert_memory_equal(&before, &after, sizeof before);
  assert_int_equal(kith_statement_verify(statement.bytes, statement.len, key_of(0)), KITH_OK);
  assert_int_equal(kith_statement_read(&read, statement.bytes, statement.len), KITH_OK);
  assert_int_equal(read.type, KITH_STATEMENT_ABORT);
  kith_statement_free(&read);
}

static void a_key_counts_once(void **state)
{
  size_t len;

  (void)state;
  say(KITH_STATEMENT_ABORT);
  endorse(0); /* the author's own */
  assert_int_equal(count(), 1);
  assert_int_equal(check(NULL), KITH_ERR_NO);
  endorse(1);
  len = statement.len;
  endorse(1);
  assert_int_equal(statement.len, len);
  assert_int_equal(count(), 2);
}

static void others_do_not_count(void **state)
{
  unsigned n = 0;

  (void)state;
  say(KITH_STATEMENT_ABORT);
  endorse(STRANGER);
  assert_int_equal(count(), 1);
  assert_int_equal(check(NULL), KITH_ERR_NO);
  /* An author whose key is no governance key is not one of them either. */
  assert_int_equal(
      kith_endorsement_count(&n, statement.bytes, statement.len, key_of(STRANGER), &signers),
      KITH_OK);
  assert_int_equal(n, 0);
}

static void an_endorsement_is_of_one_core(void **state)
{
  struct kith_statement_parts parts;
  struct kith_signature stolen;
  struct kith_buf out;

  (void)state;
  say(KITH_STATEMENT_ABORT);
  endorse(1);
  assert_int_equal(kith_statement_split(&parts, statement.bytes, statement.len), KITH_OK);
  stolen = parts.endorsements[0];
  say(KITH_STATEMENT_CLOSE);
  assert_int_equal(kith_statement_split(&parts, statement.bytes, statement.len), KITH_OK);
  parts.endorsements[0] = stolen;
  parts.n_endorsements = 1;
  kith_buf_init(&out, KITH_STATEMENT_BYTES_MAX);
  assert_int_equal(kith_statement_join(&out, &parts), KITH_OK);
  assert_int_equal(kith_endorsement_check(out.bytes, out.len, key_of(0), &signers, NULL),
                   KITH_ERR_NO);
  /* A statement's signature is no endorsement, though it is over the same core. */
  memcpy(parts.endorsements[0].key, key_of(1), KITH_PUBLIC_BYTES);
  memcpy(parts.endorsements[0].signature, parts.signature, KITH_SIGN_BYTES);
  assert_int_equal(kith_statement_join(&out, &parts), KITH_OK);
  assert_int_equal(kith_endorsement_check(out.bytes, out.len, key_of(0), &signers, NULL),
                   KITH_ERR_NO);
  kith_buf_free(&out);
}

static void merged(void **state)
{
  struct kith_buf one;
  struct kith_buf out;

  (void)state;
  kith_buf_init(&out, KITH_STATEMENT_BYTES_MAX);
  say(KITH_STATEMENT_ABORT);
  kith_buf_init(&one, KITH_STATEMENT_BYTES_MAX);
  assert_int_equal(kith_endorsement_add(&one, statement.bytes, statement.len, keys[1]), KITH_OK);
  endorse(2);
  assert_int_equal(kith_endorsement_merge(&out, statement.bytes, statement.len, one.bytes, one.len),
                   KITH_OK);
  kith_buf_clear(&statement);
  kith_buf_append(&statement, out.bytes, out.len);
  assert_int_equal(count(), 3);
  /* Not with another statement, nor with what is none. */
  say(KITH_STATEMENT_CLOSE);
  assert_int_equal(kith_endorsement_merge(&out, statement.bytes, statement.len, one.bytes, one.len),
                   KITH_ERR_DATA);
  assert_int_equal(kith_endorsement_merge(&out, "x", 1, one.bytes, one.len), KITH_ERR_DATA);
  kith_buf_free(&one);
  kith_buf_free(&out);
}

/* The outer array with endorsements as given, in the order given. */
static enum kith_err read_with(enum kith_statement_type type, unsigned n, int first, int second)
{
  struct kith_statement_parts parts;
  struct kith_statement read;
  struct kith_buf out;
  enum kith_err err;

  say(type);
  assert_int_equal(kith_statement_split(&parts, statement.bytes, statement.len), KITH_OK);
  kith_buf_init(&out, KITH_STATEMENT_BYTES_MAX);
  kith_write_array(&out, 3);
  kith_write_bin(&out, parts.core, parts.core_len);
  kith_write_bin(&out, parts.signature, KITH_SIGN_BYTES);
  kith_write_array(&out, n);
  for (unsigned i = 0; i < n; i++) {
    kith_write_array(&out, 2);
    kith_write_bin(&out, key_of(i ? second : first), KITH_PUBLIC_BYTES);
    kith_write_bin(&out, parts.signature, KITH_SIGN_BYTES);
  }
  err = kith_statement_read(&read, out.bytes, out.len);
  if (err == KITH_OK)
    kith_statement_free(&read);
  kith_buf_free(&out);
  return err;
}

static void one_encoding(void **state)
{
  int low = memcmp(key_of(1), key_of(2), KITH_PUBLIC_BYTES) < 0 ? 1 : 2;

  (void)state;
  assert_int_equal(read_with(KITH_STATEMENT_ABORT, 2, low, 3 - low), KITH_OK);
  assert_int_equal(read_with(KITH_STATEMENT_ABORT, 2, 3 - low, low), KITH_ERR_DATA);
  assert_int_equal(read_with(KITH_STATEMENT_ABORT, 2, 1, 1), KITH_ERR_DATA);
  assert_int_equal(read_with(KITH_STATEMENT_ABORT, 0, 1, 1), KITH_ERR_DATA);
  assert_int_equal(read_with(KITH_STATEMENT_ABORT, 17, 1, 2), KITH_ERR_DATA);
  /* Only what governance says is said jointly. */
  assert_int_equal(read_with(KITH_STATEMENT_CLOSE, 1, 1, 1), KITH_OK);
  assert_int_equal(read_with(KITH_STATEMENT_DECLINE, 1, 1, 1), KITH_ERR_DATA);
}

static void joint_types(void **state)
{
  (void)state;
  for (int type = 1; type < KITH_STATEMENT_TYPES; type++) {
    bool joint = type == KITH_STATEMENT_OPEN || type == KITH_STATEMENT_CONSENT ||
                 type == KITH_STATEMENT_DECISION || type == KITH_STATEMENT_CLOSE;

    assert_int_equal(kith_statement_is_joint((enum kith_statement_type)type, KITH_ROLE_GOVERNANCE),
                     joint || type == KITH_STATEMENT_ABORT);
    assert_int_equal(kith_statement_is_joint((enum kith_statement_type)type, KITH_ROLE_AGENCY),
                     joint);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_of_three),
      cmocka_unit_test(a_key_counts_once),
      cmocka_unit_test(others_do_not_count),
      cmocka_unit_test(an_endorsement_is_of_one_core),
      cmocka_unit_test(merged),
      cmocka_unit_test(one_encoding),
      cmocka_unit_test(joint_types),
  };

  return cmocka_run_group_tests(tests, set_up, tear_down);
}
