#include "crypto/identity.h"

#include <sys/stat.h>
#include <zmq.h>

#include "crypto/keyfile.h"
#include "tests/unit/unit.h"
#include "tests/unit/vectors/crypto_vectors.h"

static const struct kith_keyfile_cost cheap = {KITH_KEYFILE_MEMORY_KIB_MIN, 1};

static struct kith_secret *phrase(const char *text)
{
  struct kith_secret *secret;

  assert_int_equal(kith_secret_copy(&secret, text, strlen(text)), KITH_OK);
  return secret;
}

static struct kith_identity *known_identity(void)
{
  struct kith_secret *passphrase = phrase("a passphrase");
  struct kith_identity *identity;

  assert_int_equal(
      kith_keyfile_unwrap(&identity, vector_keyfile, sizeof vector_keyfile, passphrase, NULL),
      KITH_OK);
  kith_secret_free(passphrase);
  return identity;
}

static void known_key_file(void **state)
{
  struct kith_identity *identity = known_identity();
  uint8_t signature[KITH_SIGN_BYTES];
  char fingerprint[KITH_FINGERPRINT_BYTES];

  (void)state;
  assert_memory_equal(kith_secret_peek(identity->sign), vector_sign_seed, 32);
  assert_memory_equal(identity->public_keys.sign, vector_sign_public, 32);
  assert_memory_equal(kith_secret_peek(identity->seal), vector_seal_secret, 32);
  assert_memory_equal(identity->public_keys.seal, vector_seal_public, 32);
  assert_int_equal(kith_sign(signature, identity, "kith test v1", "message", 7), KITH_OK);
  assert_memory_equal(signature, vector_signature, sizeof vector_signature);
  kith_fingerprint(fingerprint, &identity->public_keys);
  assert_string_equal(fingerprint, vector_fingerprint);
  kith_identity_free(identity);
}

/* Every byte of a key file matters, and what it asks for is bounded before Argon2id runs. */
static void altered_key_files_are_refused(void **state)
{
  struct kith_secret *passphrase = phrase("a passphrase");
  struct kith_identity *identity = NULL;
  uint8_t bytes[sizeof vector_keyfile];
  struct kith_fault fault;

  (void)state;
  memcpy(bytes, vector_keyfile, sizeof bytes);
  for (size_t i = 0; i < sizeof bytes; i++) {
    enum kith_err err;
    bytes[i] ^= 0x10;
    err = kith_keyfile_unwrap(&identity, bytes, sizeof bytes, passphrase, &fault);
    /* Up to the salt a byte is read, after it one is only authenticated. */
    if (i < 12 || (i >= 20 && i < 24))
      assert_int_equal(err, KITH_ERR_DATA);
    else if (i >= 24)
      assert_int_equal(err, KITH_ERR_DENIED);
    else
      assert_true(err == KITH_ERR_DATA || err == KITH_ERR_DENIED);
    assert_null(identity);
    bytes[i] ^= 0x10;
  }
  for (size_t len = 0; len < sizeof bytes; len++)
    assert_int_equal(kith_keyfile_unwrap(&identity, bytes, len, passphrase, &fault), KITH_ERR_DATA);
  kith_secret_free(passphrase);
  passphrase = phrase("a passphrasf");
  assert_int_equal(kith_keyfile_unwrap(&identity, bytes, sizeof bytes, passphrase, &fault),
                   KITH_ERR_DENIED);
  assert_null(strstr(fault.text, "passphrasf"));
  assert_null(identity);
  kith_secret_free(passphrase);
}

static void costs_are_bounded(void **state)
{
  static const struct {
    uint32_t memory_kib;
    uint32_t passes;
    enum kith_err err;
  } costs[] = {
      {8, 1, KITH_OK},       {262144, 16, KITH_OK},      {7, 1, KITH_ERR_DATA},
      {0, 1, KITH_ERR_DATA}, {262145, 1, KITH_ERR_DATA}, {UINT32_MAX, 1, KITH_ERR_DATA},
      {8, 0, KITH_ERR_DATA}, {8, 17, KITH_ERR_DATA},     {8, UINT32_MAX, KITH_ERR_DATA},
  };
  uint8_t bytes[sizeof vector_keyfile];

  (void)state;
  memcpy(bytes, vector_keyfile, sizeof bytes);
  for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
    struct kith_keyfile_cost cost = {0, 0};
    memcpy(bytes + 12, &costs[i].memory_kib, 4); /* this machine is little-endian, or fails here */
    memcpy(bytes + 16, &costs[i].passes, 4);
    assert_int_equal(kith_keyfile_parse(&cost, bytes, sizeof bytes, NULL), costs[i].err);
    assert_int_equal(cost.memory_kib, costs[i].err == KITH_OK ? costs[i].memory_kib : 0);
  }
}

static void wraps_with_a_fresh_salt(void **state)
{
  struct kith_secret *passphrase = phrase("x");
  struct kith_identity *identity = known_identity();
  struct kith_identity *again;
  uint8_t a[KITH_KEYFILE_BYTES];
  uint8_t b[KITH_KEYFILE_BYTES];

  (void)state;
  assert_int_equal(kith_keyfile_wrap(a, identity, passphrase, cheap), KITH_OK);
  assert_int_equal(kith_keyfile_wrap(b, identity, passphrase, cheap), KITH_OK);
  assert_memory_equal(a, b, 24);
  assert_memory_not_equal(a + 24, b + 24, 16);
  assert_memory_not_equal(a + 40, b + 40, sizeof a - 40);
  assert_int_equal(kith_keyfile_unwrap(&again, a, sizeof a, passphrase, NULL), KITH_OK);
  assert_true(kith_secret_equal(identity->sign, again->sign));
  assert_true(kith_secret_equal(identity->seal, again->seal));
  assert_true(kith_secret_equal(identity->curve, again->curve));
  assert_true(kith_secret_equal(identity->storage, again->storage));
  assert_memory_equal(&identity->public_keys, &again->public_keys, sizeof again->public_keys);
  kith_identity_free(identity);
  kith_identity_free(again);
  kith_secret_free(passphrase);
}

/* The cost that counts: what kith_identity_save writes. */
static void saves_and_loads_at_the_full_cost(void **state)
{
  struct kith_secret *passphrase = phrase("correct horse");
  struct kith_secret *wrong = phrase("correct horsf");
  struct kith_identity *identity;
  struct kith_identity *loaded = NULL;
  struct kith_fault fault;
  struct stat status;
  const char *path = unit_path(state, "node.key");
  FILE *file;
  uint8_t header[24];

  assert_int_equal(kith_identity_new(&identity), KITH_OK);
  assert_int_equal(kith_identity_save(identity, path, passphrase, &fault), KITH_OK);
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(status.st_mode & 07777, 0600);
  assert_int_equal(status.st_size, KITH_KEYFILE_BYTES);
  file = fopen(path, "rb");
  assert_non_null(file);
  assert_int_equal(fread(header, 1, sizeof header, file), sizeof header);
  fclose(file);
  assert_memory_equal(header + 12, "\0\0\1\0\3\0\0\0", 8); /* 64 MiB, 3 passes */

  assert_int_equal(kith_identity_save(identity, path, passphrase, &fault), KITH_ERR_EXISTS);
  assert_int_equal(kith_identity_load(&loaded, path, wrong, &fault), KITH_ERR_DENIED);
  assert_non_null(strstr(fault.text, "node.key"));
  assert_null(loaded);
  assert_int_equal(kith_identity_load(&loaded, path, passphrase, &fault), KITH_OK);
  assert_memory_equal(&identity->public_keys, &loaded->public_keys, sizeof loaded->public_keys);
  kith_identity_free(loaded);
  loaded = NULL;

  assert_int_equal(kith_identity_load(&loaded, unit_path(state, "absent"), passphrase, &fault),
                   KITH_ERR_NO_INPUT);
  path = unit_file(state, "text.key", "not a key file", 14);
  assert_int_equal(kith_identity_load(&loaded, path, passphrase, &fault), KITH_ERR_DATA);
  assert_int_equal(kith_identity_load(&loaded, "/dev/zero", passphrase, &fault), KITH_ERR_DATA);
  assert_int_equal(kith_identity_load(&loaded, *state, passphrase, &fault), KITH_ERR_NO_INPUT);
  assert_null(loaded);
  kith_identity_free(identity);
  kith_secret_free(passphrase);
  kith_secret_free(wrong);
}

/* A dangling link is there already, too: writing through it would put the key elsewhere. */
static void saves_over_nothing(void **state)
{
  struct kith_secret *passphrase = phrase("x");
  struct kith_identity *identity = known_identity();
  const char *link_path = unit_path(state, "link.key");

  assert_int_equal(symlink("nowhere", link_path), 0);
  assert_int_equal(kith_identity_save(identity, link_path, passphrase, NULL), KITH_ERR_EXISTS);
  assert_int_equal(
      kith_identity_save(identity, unit_path(state, "no/such/folder.key"), passphrase, NULL),
      KITH_ERR_CREATE);
  kith_identity_free(identity);
  kith_secret_free(passphrase);
}

static void check_passphrase(void **state, const char *content, size_t len, const char *expected)
{
  struct kith_secret *secret = NULL;
  const char *path = unit_file(state, "passphrase", content, len);
  enum kith_err err = kith_passphrase_read(&secret, path, NULL);

  if (!expected) {
    assert_int_equal(err, KITH_ERR_DATA);
    assert_null(secret);
    return;
  }
  assert_int_equal(err, KITH_OK);
  assert_int_equal(kith_secret_len(secret), strlen(expected));
  assert_memory_equal(kith_secret_peek(secret), expected, strlen(expected));
  kith_secret_free(secret);
}

static void reads_the_first_line_of_a_passphrase_file(void **state)
{
  check_passphrase(state, "two words", 9, "two words");
  check_passphrase(state, "two words\n", 10, "two words");
  check_passphrase(state, "two words\r\n", 11, "two words");
  check_passphrase(state, " two words \nmore\n", 17, " two words ");
  check_passphrase(state, "carriage\r", 9, "carriage\r");
  check_passphrase(state, "\n", 1, NULL);
  check_passphrase(state, "\r\nmore", 6, NULL);
  check_passphrase(state, "", 0, NULL);
}

static void signatures_are_of_one_label_key_and_message(void **state)
{
  struct kith_identity *identity = known_identity();
  struct kith_identity *other;
  uint8_t signature[KITH_SIGN_BYTES];
  const uint8_t *key = identity->public_keys.sign;

  (void)state;
  assert_int_equal(kith_identity_new(&other), KITH_OK);
  assert_int_equal(kith_sign(signature, identity, "kith test v1", "message", 7), KITH_OK);
  assert_int_equal(kith_verify(signature, key, "kith test v1", "message", 7), KITH_OK);
  assert_int_equal(kith_verify(signature, key, "kith test v2", "message", 7), KITH_ERR_NO);
  assert_int_equal(kith_verify(signature, key, "kith test v1", "messagf", 7), KITH_ERR_NO);
  assert_int_equal(kith_verify(signature, key, "kith test v1", "message", 6), KITH_ERR_NO);
  assert_int_equal(kith_verify(signature, key, "kith test v", "1\0message", 9), KITH_ERR_NO);
  assert_int_equal(kith_verify(signature, other->public_keys.sign, "kith test v1", "message", 7),
                   KITH_ERR_NO);
  for (size_t bit = 0; bit < 8 * sizeof signature; bit++) {
    signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(kith_verify(signature, key, "kith test v1", "message", 7), KITH_ERR_NO);
    signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  assert_int_equal(kith_sign(signature, identity, "kith test v1", NULL, 0), KITH_OK);
  assert_int_equal(kith_verify(signature, key, "kith test v1", NULL, 0), KITH_OK);
  kith_identity_free(identity);
  kith_identity_free(other);
}

static void fingerprints_cover_every_key(void **state)
{
  struct kith_identity *identity = known_identity();
  struct kith_public keys = identity->public_keys;
  uint8_t *const bytes[] = {keys.sign, keys.seal, keys.curve};
  char fingerprint[KITH_FINGERPRINT_BYTES];

  (void)state;
  for (size_t k = 0; k < 3; k++) {
    for (size_t i = 0; i < KITH_PUBLIC_BYTES; i++) {
      bytes[k][i] ^= 1;
      kith_fingerprint(fingerprint, &keys);
      assert_string_not_equal(fingerprint, vector_fingerprint);
      bytes[k][i] ^= 1;
    }
  }
  kith_fingerprint(fingerprint, &keys);
  assert_string_equal(fingerprint, vector_fingerprint);
  assert_int_equal(strlen(fingerprint), KITH_FINGERPRINT_BYTES - 1);
  kith_identity_free(identity);
}

/* The CURVE pair in raw bytes is what libzmq makes of its own text form of the secret key. */
static void curve_keys_are_libzmqs(void **state)
{
  struct kith_identity *identity;
  char secret_text[41];
  char public_text[41];
  uint8_t public_key[KITH_PUBLIC_BYTES];

  (void)state;
  assert_int_equal(kith_identity_new(&identity), KITH_OK);
  assert_non_null(zmq_z85_encode(secret_text, kith_secret_peek(identity->curve), 32));
  assert_int_equal(zmq_curve_public(public_text, secret_text), 0);
  assert_non_null(zmq_z85_decode(public_key, public_text));
  assert_memory_equal(public_key, identity->public_keys.curve, sizeof public_key);
  kith_identity_free(identity);
}

static void survives_failing_allocations(void **state)
{
  struct kith_secret *passphrase = phrase("x");
  const char *phrase_path = unit_file(state, "faults.phrase", "x\n", 2);

  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_identity *identity = NULL;
    struct kith_identity *again = NULL;
    struct kith_secret *read = NULL;
    uint8_t bytes[KITH_KEYFILE_BYTES];
    uint8_t signature[KITH_SIGN_BYTES];
    enum kith_err err = kith_identity_new(&identity);

    if (err == KITH_OK)
      err = kith_keyfile_wrap(bytes, identity, passphrase, cheap);
    if (err == KITH_OK)
      err = kith_keyfile_unwrap(&again, bytes, sizeof bytes, passphrase, NULL);
    if (err == KITH_OK)
      err = kith_sign(signature, again, "kith test v1", "m", 1);
    if (err == KITH_OK)
      err = kith_verify(signature, identity->public_keys.sign, "kith test v1", "m", 1);
    if (err == KITH_OK)
      err = kith_passphrase_read(&read, phrase_path, NULL);
    if (err == KITH_OK)
      unit_allocations_done();
    else
      assert_int_equal(err, KITH_ERR_MEMORY);
    kith_identity_free(identity);
    kith_identity_free(again);
    kith_secret_free(read);
  }
  kith_secret_free(passphrase);
}

static void a_failed_save_leaves_nothing(void **state)
{
  static const char *const places[] = {"file.write", "file.sync", "file.rename.before"};
  struct kith_secret *passphrase = phrase("x");
  struct kith_identity *identity = known_identity();

  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    const char *path = unit_path(state, "failed.key");
    kith_failpoint_arm(places[i], 1);
    assert_int_equal(kith_identity_save(identity, path, passphrase, NULL), KITH_ERR_IO);
    kith_failpoint_arm(NULL, 0);
    assert_int_not_equal(access(path, F_OK), 0);
  }
  kith_identity_free(identity);
  kith_secret_free(passphrase);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_key_file),
      cmocka_unit_test(altered_key_files_are_refused),
      cmocka_unit_test(costs_are_bounded),
      cmocka_unit_test(wraps_with_a_fresh_salt),
      cmocka_unit_test(saves_and_loads_at_the_full_cost),
      cmocka_unit_test(saves_over_nothing),
      cmocka_unit_test(reads_the_first_line_of_a_passphrase_file),
      cmocka_unit_test(signatures_are_of_one_label_key_and_message),
      cmocka_unit_test(fingerprints_cover_every_key),
      cmocka_unit_test(curve_keys_are_libzmqs),
      cmocka_unit_test(survives_failing_allocations),
      cmocka_unit_test(a_failed_save_leaves_nothing),
  };
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return EXIT_FAILURE;
  return cmocka_run_group_tests(tests, unit_folder_make, unit_folder_remove);
}
