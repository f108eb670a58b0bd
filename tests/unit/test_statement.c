#include "proto/statement.h"

#include "proto/statement_body.h"
#include "tests/unit/statements.h"

static struct kith_identity *author;
static struct kith_identity *other;
static unsigned seed;

static int set_up(void **state)
{
  bool locked;

  (void)state;
  seed = statements_seed();
  if (kith_crypto_init(&locked) != KITH_OK || kith_identity_new(&author) != KITH_OK ||
      kith_identity_new(&other) != KITH_OK)
    return -1;
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  kith_identity_free(author);
  kith_identity_free(other);
  return 0;
}

static void say(struct kith_buf *out, const struct kith_statement *statement)
{
  kith_buf_init(out, KITH_STATEMENT_BYTES_MAX);
  assert_int_equal(kith_statement_write(out, statement, author), KITH_OK);
}

/* Everything outside the manifest's array is plain bytes, zeroed where it is not used. */
static void assert_same(const struct kith_statement *a, const struct kith_statement *b)
{
  struct kith_statement x = *a;
  struct kith_statement y = *b;

  if (a->type == KITH_STATEMENT_MANIFEST) {
    assert_int_equal(a->body.manifest.n_batches, b->body.manifest.n_batches);
    assert_memory_equal(a->body.manifest.batches, b->body.manifest.batches,
                        a->body.manifest.n_batches * sizeof(struct kith_hash));
    x.body.manifest.batches = y.body.manifest.batches = NULL;
  }
  assert_memory_equal(&x, &y, sizeof x);
}

static const uint8_t *sign_key(const struct kith_identity *identity)
{
  return identity->public_keys.sign;
}

/* Refused, with nothing left to free; from memory of exactly its size. */
static enum kith_err read_exact(const void *bytes, size_t len)
{
  struct kith_statement read;
  uint8_t *exact = malloc(len ? len : 1);
  enum kith_err err;

  assert_non_null(exact);
  memcpy(exact, bytes, len);
  memset(&read, 0x5a, sizeof read);
  err = kith_statement_read(&read, exact, len);
  if (err == KITH_OK)
    kith_statement_free(&read);
  else
    for (size_t i = 0; i < sizeof read; i++)
      assert_int_equal(((uint8_t *)&read)[i], 0x5a);
  free(exact);
  return err;
}

static void round_trips(void **state)
{
  (void)state;
  srand(seed);
  for (int type = 1; type < KITH_STATEMENT_TYPES; type++)
    for (int i = 0; i < 20; i++) {
      struct kith_statement statement;
      struct kith_statement read;
      struct kith_buf bytes;
      struct kith_buf again;

      random_statement(&statement, (enum kith_statement_type)type);
      say(&bytes, &statement);
      if (kith_statement_read(&read, bytes.bytes, bytes.len) != KITH_OK)
        fail_msg("%s %d is refused", kith_statement_name(statement.type), i);
      assert_same(&statement, &read);
      assert_int_equal(kith_statement_verify(bytes.bytes, bytes.len, sign_key(author)), KITH_OK);
      assert_int_equal(kith_statement_verify(bytes.bytes, bytes.len, sign_key(other)), KITH_ERR_NO);
      say(&again, &read); /* Ed25519 is deterministic */
      assert_int_equal(again.len, bytes.len);
      assert_memory_equal(again.bytes, bytes.bytes, bytes.len);
      kith_buf_free(&bytes);
      kith_buf_free(&again);
      kith_statement_free(&statement);
      kith_statement_free(&read);
    }
}

static void cut_and_longer(void **state)
{
  (void)state;
  srand(seed);
  for (int type = 1; type < KITH_STATEMENT_TYPES; type++) {
    struct kith_statement statement;
    struct kith_buf bytes;

    random_statement(&statement, (enum kith_statement_type)type);
    say(&bytes, &statement);
    for (size_t len = 0; len < bytes.len; len++) {
      assert_int_equal(read_exact(bytes.bytes, len), KITH_ERR_DATA);
      assert_int_equal(kith_statement_verify(bytes.bytes, len, sign_key(author)), KITH_ERR_DATA);
    }
    for (int tail = 0; tail < 256; tail++) {
      uint8_t byte = (uint8_t)tail;

      kith_buf_append(&bytes, &byte, 1);
      assert_int_equal(read_exact(bytes.bytes, bytes.len), KITH_ERR_DATA);
      assert_int_equal(kith_statement_verify(bytes.bytes, bytes.len, sign_key(author)),
                       KITH_ERR_DATA);
      bytes.len--;
    }
    kith_buf_free(&bytes);
    kith_statement_free(&statement);
  }
}

/* The core alone, re-framed with a signature of its own: what is refused now, is refused by the
 * reader of the core and not by the frame. */
static enum kith_err read_core(const uint8_t *core, size_t len)
{
  uint8_t signature[KITH_SIGN_BYTES] = {0};
  struct kith_buf framed = {0};
  enum kith_err err;

  kith_write_array(&framed, 2);
  kith_write_bin(&framed, core, len);
  kith_write_bin(&framed, signature, sizeof signature);
  err = read_exact(framed.bytes, framed.len);
  kith_buf_free(&framed);
  return err;
}

static void core_of(struct kith_buf *out, const struct kith_buf *bytes)
{
  struct kith_reader reader;
  const uint8_t *core;
  size_t len;

  assert_int_equal(kith_reader_init(&reader, bytes->bytes, bytes->len), KITH_OK);
  kith_read_array(&reader, 2);
  core = kith_read_bin(&reader, &len, 1, KITH_STATEMENT_BYTES_MAX);
  kith_buf_init(out, 0);
  kith_buf_append(out, core, len);
}

static void cut_cores(void **state)
{
  (void)state;
  srand(seed + 1);
  for (int type = 1; type < KITH_STATEMENT_TYPES; type++) {
    struct kith_statement statement;
    struct kith_buf bytes;
    struct kith_buf core;

    random_statement(&statement, (enum kith_statement_type)type);
    say(&bytes, &statement);
    core_of(&core, &bytes);
    corpus_write("statement", type, bytes.bytes, bytes.len);
    corpus_write("wire", type, core.bytes, core.len);
    assert_int_equal(read_core(core.bytes, core.len), KITH_OK);
    for (size_t len = 0; len < core.len; len++)
      assert_int_equal(read_core(core.bytes, len), KITH_ERR_DATA);
    kith_buf_append(&core, "", 1);
    assert_int_equal(read_core(core.bytes, core.len), KITH_ERR_DATA);
    kith_buf_free(&core);
    kith_buf_free(&bytes);
    kith_statement_free(&statement);
  }
}

/* Each byte with one bit changed: malformed, or the signature is false. */
static void mutations(void **state)
{
  (void)state;
  srand(seed + 2);
  for (int type = 1; type < KITH_STATEMENT_TYPES; type++) {
    struct kith_statement statement;
    struct kith_buf bytes;

    random_statement(&statement, (enum kith_statement_type)type);
    say(&bytes, &statement);
    for (size_t i = 0; i < bytes.len; i++) {
      uint8_t before = bytes.bytes[i];

      bytes.bytes[i] ^= (uint8_t)(1u << (rand() % 8));
      (void)read_exact(bytes.bytes, bytes.len);
      if (kith_statement_verify(bytes.bytes, bytes.len, sign_key(author)) == KITH_OK)
        fail_msg("%s verifies with byte %zu changed", kith_statement_name(statement.type), i);
      bytes.bytes[i] = before;
    }
    assert_int_equal(kith_statement_verify(bytes.bytes, bytes.len, sign_key(author)), KITH_OK);
    kith_buf_free(&bytes);
    kith_statement_free(&statement);
  }
}

static void other_labels(void **state)
{
  static const char *const labels[] = {"kith statement v2", "kith charter v1", "kith policy v1",
                                       "kith checkpoint v1", ""};
  struct kith_statement statement;
  struct kith_buf bytes;
  struct kith_buf core;

  (void)state;
  srand(seed + 3);
  random_statement(&statement, KITH_STATEMENT_CLOSE);
  say(&bytes, &statement);
  core_of(&core, &bytes);
  for (size_t i = 0; i <= sizeof labels / sizeof labels[0]; i++) {
    const char *label = i ? labels[i - 1] : "kith statement v1";
    uint8_t signature[KITH_SIGN_BYTES];

    assert_int_equal(kith_sign(signature, author, label, core.bytes, core.len), KITH_OK);
    kith_buf_clear(&bytes);
    kith_write_array(&bytes, 2);
    kith_write_bin(&bytes, core.bytes, core.len);
    kith_write_bin(&bytes, signature, sizeof signature);
    assert_int_equal(kith_statement_verify(bytes.bytes, bytes.len, sign_key(author)),
                     i ? KITH_ERR_NO : KITH_OK);
  }
  kith_buf_free(&core);
  kith_buf_free(&bytes);
  kith_statement_free(&statement);
}

/* ---- contents out of range: each of these is signed rightly */

static void refused(struct kith_statement *statement)
{
  struct kith_buf bytes;

  say(&bytes, statement);
  if (read_exact(bytes.bytes, bytes.len) != KITH_ERR_DATA)
    fail_msg("a %s is taken that must not be", kith_statement_name(statement->type));
  kith_buf_free(&bytes);
}

#define REFUSED(TYPE, ...)                                                                         \
  do {                                                                                             \
    struct kith_statement s;                                                                       \
                                                                                                   \
    random_statement(&s, (TYPE));                                                                  \
    __VA_ARGS__;                                                                                   \
    refused(&s);                                                                                   \
    kith_statement_free(&s);                                                                       \
  } while (0)

static void swap(void *a, void *b, size_t len)
{
  uint8_t kept[512];

  assert_true(len <= sizeof kept);
  memcpy(kept, a, len);
  memcpy(a, b, len);
  memcpy(b, kept, len);
}

#define SWAP(a, b) swap(&(a), &(b), sizeof(a))
#define COPY(to, from) memcpy(&(to), &(from), sizeof(to))

static void refuses_heads(void **state)
{
  (void)state;
  for (int type = 1; type < KITH_STATEMENT_TYPES; type++) {
    enum kith_statement_type t = (enum kith_statement_type)type;

    REFUSED(t, s.attempt = 0);
    REFUSED(t, s.attempt = KITH_ATTEMPTS_MAX + 1);
    REFUSED(t, s.time = 0);
    REFUSED(t, s.time = -1);
    REFUSED(t, s.author[0] = '\0');
    REFUSED(t, s.author[0] = 'A');
  }
  for (int type = KITH_STATEMENT_TYPES; type < 300; type += 17) {
    struct kith_statement s;
    struct kith_buf core = {0};

    random_statement(&s, KITH_STATEMENT_CLOSE);
    for (uint64_t version = 0; version < 3; version++) {
      kith_buf_clear(&core);
      kith_write_array(&core, 7);
      kith_write_u64(&core, version);
      kith_write_u64(&core, version == 1 ? (uint64_t)type : KITH_STATEMENT_CLOSE);
      kith_write_bin(&core, s.round, sizeof s.round);
      kith_write_u64(&core, s.attempt);
      kith_write_string(&core, s.author);
      kith_write_u64(&core, (uint64_t)s.time);
      kith_statement_body_write(&core, &s);
      assert_int_equal(read_core(core.bytes, core.len), KITH_ERR_DATA);
    }
    kith_buf_free(&core);
  }
}

static void refuses_orders(void **state)
{
  (void)state;
  srand(seed + 4);
  REFUSED(KITH_STATEMENT_OPEN, SWAP(s.body.open.agencies[0], s.body.open.agencies[1]));
  REFUSED(KITH_STATEMENT_OPEN, COPY(s.body.open.agencies[0], s.body.open.agencies[1]));
  REFUSED(KITH_STATEMENT_OPEN, s.body.open.n_recipients = 2;
          COPY(s.body.open.recipients[1], s.body.open.recipients[0]));
  REFUSED(KITH_STATEMENT_OPENING, SWAP(s.body.opening.copies[0], s.body.opening.copies[1]));
  REFUSED(KITH_STATEMENT_OPENING, COPY(s.body.opening.copies[0], s.body.opening.copies[1]));
  REFUSED(KITH_STATEMENT_CONSENT, SWAP(s.body.consent.agencies[0], s.body.consent.agencies[1]));
  REFUSED(KITH_STATEMENT_CONSENT, COPY(s.body.consent.agencies[0], s.body.consent.agencies[1]));
  REFUSED(KITH_STATEMENT_RELEASE, SWAP(s.body.release.manifests[0], s.body.release.manifests[1]));
  REFUSED(KITH_STATEMENT_RELEASE, COPY(s.body.release.manifests[0], s.body.release.manifests[1]));
  REFUSED(KITH_STATEMENT_RELEASE, s.body.release.n_lists = 2;
          COPY(s.body.release.lists[1], s.body.release.lists[0]));
  REFUSED(KITH_STATEMENT_RETRY, s.body.retry.n_excluded = 2; strcpy(s.body.retry.excluded[0], "b");
          strcpy(s.body.retry.excluded[1], "a"));
  REFUSED(KITH_STATEMENT_RETRY, s.body.retry.n_excluded = 2; strcpy(s.body.retry.excluded[0], "a");
          strcpy(s.body.retry.excluded[1], "a"));
}

static void refuses_ranges(void **state)
{
  (void)state;
  srand(seed + 5);
  REFUSED(KITH_STATEMENT_OPEN, s.body.open.quorum = 1);
  REFUSED(KITH_STATEMENT_OPEN, s.body.open.quorum = s.body.open.n_agencies + 1);
  REFUSED(KITH_STATEMENT_OPEN, s.body.open.n_agencies = 1);
  REFUSED(KITH_STATEMENT_OPEN, s.body.open.n_recipients = 0);
  REFUSED(KITH_STATEMENT_OPEN, s.body.open.gather_s = 0);
  REFUSED(KITH_STATEMENT_OPEN, s.body.open.keying_s = 0);
  REFUSED(KITH_STATEMENT_OPEN, s.body.open.submit_s = 0);
  REFUSED(KITH_STATEMENT_OPEN, s.body.open.expires = 0);
  REFUSED(KITH_STATEMENT_OPEN, s.body.open.agencies[1][0] = '/');
  REFUSED(KITH_STATEMENT_ROSTER, s.body.roster.n = 1);
  REFUSED(KITH_STATEMENT_OPENING, s.body.opening.n = 1);
  REFUSED(KITH_STATEMENT_COMPLAINT, s.body.complaint.accused[0] = '\0');
  REFUSED(KITH_STATEMENT_INTENT, s.body.intent.n_batches = KITH_BATCHES_MAX + 1);
  REFUSED(KITH_STATEMENT_INTENT, s.body.intent.row_bytes = 0);
  REFUSED(KITH_STATEMENT_INTENT, s.body.intent.row_bytes = KITH_BATCH_BYTES_MAX + 1);
  REFUSED(KITH_STATEMENT_CONSENT, s.body.consent.n = 1);
  REFUSED(KITH_STATEMENT_RELEASE, s.body.release.n_manifests = 1);
  REFUSED(KITH_STATEMENT_RELEASE, s.body.release.n_lists = 0);
  REFUSED(KITH_STATEMENT_RELEASE, s.body.release.threshold[0] = '\xff');
  REFUSED(KITH_STATEMENT_DESTROYED, s.body.destroyed.what = 0);
  REFUSED(KITH_STATEMENT_DESTROYED, s.body.destroyed.what = KITH_DESTROYED_ALL + 1);
  REFUSED(KITH_STATEMENT_RETRY, s.body.retry.attempt = 1);
  REFUSED(KITH_STATEMENT_RETRY, s.body.retry.attempt = KITH_ATTEMPTS_MAX + 1);
  REFUSED(KITH_STATEMENT_RETRY, s.body.retry.reason = 0);
  REFUSED(KITH_STATEMENT_RETRY, s.body.retry.reason = KITH_REASONS);
  REFUSED(KITH_STATEMENT_DECLINE, s.body.ending.reason = 0);
  REFUSED(KITH_STATEMENT_CLOSE, s.body.ending.reason = KITH_REASONS);
  REFUSED(KITH_STATEMENT_ABORT, s.body.ending.reason = 0);
  REFUSED(KITH_STATEMENT_ABORT, strcpy(s.body.ending.culprit, "Police"));
}

/* One batch too many, and as many as there may be. */
static void manifests_at_the_limit(void **state)
{
  struct kith_statement s = {.type = KITH_STATEMENT_MANIFEST, .attempt = 1, .author = "a"};
  struct kith_buf bytes;

  (void)state;
  s.time = 1;
  s.body.manifest.batches = KITH_NEW_ARRAY(struct kith_hash, KITH_BATCHES_MAX + 1);
  s.body.manifest.n_batches = KITH_BATCHES_MAX;
  say(&bytes, &s);
  assert_int_equal(read_exact(bytes.bytes, bytes.len), KITH_OK);
  s.body.manifest.n_batches++;
  assert_int_equal(kith_statement_write(&bytes, &s, author), KITH_OK);
  assert_int_equal(read_exact(bytes.bytes, bytes.len), KITH_ERR_DATA);
  kith_buf_free(&bytes);
  kith_statement_free(&s);
}

/* A core that is too long is refused before it is looked at. */
static void too_long(void **state)
{
  uint8_t *core = calloc(1, KITH_STATEMENT_BYTES_MAX);

  (void)state;
  assert_int_equal(read_core(core, KITH_STATEMENT_BYTES_MAX), KITH_ERR_DATA);
  free(core);
}

static void allocation_faults(void **state)
{
  (void)state;
  srand(seed + 6);
  for (int type = 1; type < KITH_STATEMENT_TYPES; type++) {
    struct kith_statement statement;
    struct kith_buf bytes;

    random_statement(&statement, (enum kith_statement_type)type);
    UNIT_EACH_ALLOCATION(n)
    {
      struct kith_buf out;
      enum kith_err err;

      kith_buf_init(&out, 0);
      err = kith_statement_write(&out, &statement, author);
      kith_buf_free(&out);
      if (err == KITH_OK)
        unit_allocations_done();
      else
        assert_int_equal(err, KITH_ERR_MEMORY);
    }
    say(&bytes, &statement);
    UNIT_EACH_ALLOCATION(n)
    {
      struct kith_statement read;
      enum kith_err err = kith_statement_read(&read, bytes.bytes, bytes.len);

      if (err == KITH_OK) {
        kith_statement_free(&read);
        unit_allocations_done();
      } else {
        assert_int_equal(err, KITH_ERR_MEMORY);
      }
    }
    kith_buf_free(&bytes);
    kith_statement_free(&statement);
  }
}

static void names(void **state)
{
  (void)state;
  for (int a = 1; a < KITH_STATEMENT_TYPES; a++)
    for (int b = 0; b < a; b++)
      assert_string_not_equal(kith_statement_name((enum kith_statement_type)a),
                              kith_statement_name((enum kith_statement_type)b));
  for (int a = 1; a < KITH_REASONS; a++)
    for (int b = 0; b < a; b++)
      assert_string_not_equal(kith_reason_name((enum kith_reason)a),
                              kith_reason_name((enum kith_reason)b));
  assert_string_equal(kith_statement_name(KITH_STATEMENT_TYPES), "unknown");
  assert_string_equal(kith_reason_name((enum kith_reason)0), "unknown");
  assert_string_equal(kith_destroyed_name(KITH_DESTROYED_SECRET), "secret");
  assert_string_equal(kith_destroyed_name((enum kith_destroyed)5), "unknown");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(round_trips),
      cmocka_unit_test(cut_and_longer),
      cmocka_unit_test(cut_cores),
      cmocka_unit_test(mutations),
      cmocka_unit_test(other_labels),
      cmocka_unit_test(refuses_heads),
      cmocka_unit_test(refuses_orders),
      cmocka_unit_test(refuses_ranges),
      cmocka_unit_test(manifests_at_the_limit),
      cmocka_unit_test(too_long),
      cmocka_unit_test(allocation_faults),
      cmocka_unit_test(names),
  };

  return cmocka_run_group_tests(tests, set_up, tear_down);
}
