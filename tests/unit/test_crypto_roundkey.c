#include "crypto/roundkey.h"

#include <dirent.h>
#include <sys/stat.h>

#include "base/text.h"
#include "tests/unit/unit.h"

static const uint8_t round_a[KITH_ROUND_ID_BYTES] = {0xaa, 1};
static const uint8_t round_b[KITH_ROUND_ID_BYTES] = {0xbb, 2};

static struct kith_secret *storage_key(uint8_t fill)
{
  uint8_t bytes[32];
  struct kith_secret *secret;

  memset(bytes, fill, sizeof bytes);
  assert_int_equal(kith_secret_copy(&secret, bytes, sizeof bytes), KITH_OK);
  return secret;
}

static struct kith_roundkeys *open_keys(void **state, const char *dir, uint8_t fill)
{
  struct kith_secret *storage = storage_key(fill);
  struct kith_roundkeys *keys;

  assert_int_equal(kith_roundkeys_open(&keys, unit_path(state, dir), storage, NULL), KITH_OK);
  kith_secret_free(storage);
  return keys;
}

static unsigned n_files(void **state, const char *dir)
{
  DIR *stream = opendir(unit_path(state, dir));
  unsigned n = 0;

  assert_non_null(stream);
  while (readdir(stream))
    n++;
  closedir(stream);
  return n - 2;
}

/* "DIR/HEX.NAME" */
static const char *key_file(void **state, const char *dir, const uint8_t *round, const char *name)
{
  char relative[128];
  char hex[2 * KITH_ROUND_ID_BYTES + 1];

  kith_hex_encode(hex, round, KITH_ROUND_ID_BYTES);
  snprintf(relative, sizeof relative, "%s/%s.%s", dir, hex, name);
  return unit_path(state, relative);
}

static size_t slurp(const char *path, uint8_t *out, size_t cap)
{
  FILE *file = fopen(path, "rb");
  size_t len;

  assert_non_null(file);
  len = fread(out, 1, cap, file);
  fclose(file);
  return len;
}

static void keeps_a_key_until_it_is_destroyed(void **state)
{
  struct kith_roundkeys *keys = open_keys(state, "keeps", 1);
  struct kith_secret *made;
  struct kith_secret *loaded = NULL;
  struct stat status;
  uint8_t content[256];

  assert_int_equal(kith_roundkey_load(keys, &loaded, round_a, "intake", NULL), KITH_ERR_NOT_FOUND);
  assert_int_equal(kith_roundkey_ensure(keys, &made, round_a, "intake", NULL), KITH_OK);
  assert_int_equal(kith_secret_len(made), 32);
  assert_int_equal(kith_roundkey_save(keys, round_a, "intake", made, NULL), KITH_ERR_EXISTS);
  kith_roundkeys_free(keys);

  keys = open_keys(state, "keeps", 1);
  assert_int_equal(kith_roundkey_ensure(keys, &loaded, round_a, "intake", NULL), KITH_OK);
  assert_true(kith_secret_equal(made, loaded));
  assert_int_equal(stat(key_file(state, "keeps", round_a, "intake"), &status), 0);
  assert_int_equal(status.st_mode & 07777, 0600);
  assert_int_equal(stat(unit_path(state, "keeps"), &status), 0);
  assert_int_equal(status.st_mode & 07777, 0700);
  /* What is in the file is not the key. */
  assert_int_equal(slurp(key_file(state, "keeps", round_a, "intake"), content, sizeof content), 72);
  assert_null(memmem(content, 72, kith_secret_peek(made), 8));
  kith_secret_free(loaded);
  loaded = NULL;

  assert_int_equal(kith_roundkey_destroy(keys, round_a, "intake", NULL), KITH_OK);
  assert_int_equal(kith_roundkey_destroy(keys, round_a, "intake", NULL), KITH_OK);
  assert_int_equal(kith_roundkey_load(keys, &loaded, round_a, "intake", NULL), KITH_ERR_NOT_FOUND);
  assert_null(loaded);
  assert_int_equal(n_files(state, "keeps"), 0);
  kith_secret_free(made);
  kith_roundkeys_free(keys);
}

static void destroys_one_round_and_no_other(void **state)
{
  static const char *const names[] = {"intake", "intake2", "table", "secret_1"};
  struct kith_roundkeys *keys = open_keys(state, "one", 1);
  struct kith_secret *secret;
  const char *torn;

  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(kith_roundkey_ensure(keys, &secret, round_a, names[i], NULL), KITH_OK);
    kith_secret_free(secret);
    assert_int_equal(kith_roundkey_ensure(keys, &secret, round_b, names[i], NULL), KITH_OK);
    kith_secret_free(secret);
  }
  /* What a killed write leaves goes with its key. */
  torn = key_file(state, "one", round_a, "intake.tmp-77");
  assert_int_equal(fclose(fopen(torn, "wb")), 0);
  assert_int_equal(kith_roundkey_destroy(keys, round_a, "intake", NULL), KITH_OK);
  assert_int_equal(n_files(state, "one"), 7);
  assert_int_equal(kith_roundkey_load(keys, &secret, round_a, "intake2", NULL), KITH_OK);
  kith_secret_free(secret);
  torn = key_file(state, "one", round_a, "table.tmp-78");
  assert_int_equal(fclose(fopen(torn, "wb")), 0);
  assert_int_equal(kith_roundkey_destroy_all(keys, round_a, NULL), KITH_OK);
  assert_int_equal(n_files(state, "one"), 4);
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(kith_roundkey_load(keys, &secret, round_b, names[i], NULL), KITH_OK);
    kith_secret_free(secret);
  }
  assert_int_equal(kith_roundkey_destroy_all(keys, round_a, NULL), KITH_OK);
  kith_roundkeys_free(keys);
}

/* The bytes are overwritten before the name goes: seen through a second name. */
static void overwrites_what_it_destroys(void **state)
{
  static const uint8_t zeros[72];
  struct kith_roundkeys *keys = open_keys(state, "over", 1);
  struct kith_secret *secret;
  const char *other = unit_path(state, "second-name");
  uint8_t content[256];

  assert_int_equal(kith_roundkey_ensure(keys, &secret, round_a, "intake", NULL), KITH_OK);
  assert_int_equal(link(key_file(state, "over", round_a, "intake"), other), 0);
  assert_int_equal(kith_roundkey_destroy(keys, round_a, "intake", NULL), KITH_OK);
  assert_int_equal(slurp(other, content, sizeof content), sizeof zeros);
  assert_memory_equal(content, zeros, sizeof zeros);
  kith_secret_free(secret);
  kith_roundkeys_free(keys);
}

static void a_key_opens_only_in_its_place(void **state)
{
  struct kith_roundkeys *keys = open_keys(state, "place", 1);
  struct kith_roundkeys *strangers;
  struct kith_secret *secret;
  struct kith_secret *loaded = NULL;
  struct kith_fault fault;
  const char *path;
  uint8_t content[256];
  size_t len;

  assert_int_equal(kith_roundkey_ensure(keys, &secret, round_a, "intake", NULL), KITH_OK);
  kith_secret_free(secret);
  len = slurp(key_file(state, "place", round_a, "intake"), content, sizeof content);

  path = key_file(state, "place", round_b, "intake");
  assert_int_equal(link(key_file(state, "place", round_a, "intake"), path), 0);
  assert_int_equal(kith_roundkey_load(keys, &loaded, round_b, "intake", &fault), KITH_ERR_DATA);
  path = key_file(state, "place", round_a, "outbox");
  assert_int_equal(link(key_file(state, "place", round_a, "intake"), path), 0);
  assert_int_equal(kith_roundkey_load(keys, &loaded, round_a, "outbox", &fault), KITH_ERR_DATA);
  /* An altered key is not silently made anew. */
  assert_int_equal(kith_roundkey_ensure(keys, &loaded, round_a, "outbox", &fault), KITH_ERR_DATA);
  strangers = open_keys(state, "place", 2);
  assert_int_equal(kith_roundkey_load(strangers, &loaded, round_a, "intake", &fault),
                   KITH_ERR_DATA);
  kith_roundkeys_free(strangers);
  assert_int_equal(unlink(path), 0);

  for (size_t i = 0; i <= len; i++) {
    char relative[128];
    if (i < len)
      content[i] ^= 4;
    snprintf(relative, sizeof relative, "place/%s",
             strrchr(key_file(state, "place", round_a, "outbox"), '/') + 1);
    unit_file(state, relative, content, i < len ? len : len - 33);
    assert_int_equal(kith_roundkey_load(keys, &loaded, round_a, "outbox", &fault), KITH_ERR_DATA);
    if (i < len)
      content[i] ^= 4;
  }
  assert_null(loaded);
  kith_roundkeys_free(keys);
}

static void refuses_names_and_lengths(void **state)
{
  static const char *const names[] = {
      "",          "Intake",  "in.take", "in/take",
      "../intake", "in-take", "in take", "a23456789012345678901234567890123"};
  struct kith_roundkeys *keys = open_keys(state, "names", 1);
  struct kith_secret *secret = storage_key(3);
  struct kith_secret *empty;
  struct kith_secret *loaded = NULL;

  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    assert_int_equal(kith_roundkey_save(keys, round_a, names[i], secret, NULL), KITH_ERR_INTERNAL);
    assert_int_equal(kith_roundkey_load(keys, &loaded, round_a, names[i], NULL), KITH_ERR_INTERNAL);
    assert_int_equal(kith_roundkey_destroy(keys, round_a, names[i], NULL), KITH_ERR_INTERNAL);
  }
  assert_int_equal(kith_secret_new(&empty, 0), KITH_OK);
  assert_int_equal(kith_roundkey_save(keys, round_a, "x", empty, NULL), KITH_ERR_INTERNAL);
  assert_int_equal(
      kith_roundkey_save(keys, round_a, "a2345678901234567890123456789012", secret, NULL), KITH_OK);
  assert_int_equal(n_files(state, "names"), 1);
  kith_secret_free(secret);
  kith_secret_free(empty);
  kith_roundkeys_free(keys);
}

static void survives_failing_allocations(void **state)
{
  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_secret *storage = NULL;
    struct kith_roundkeys *keys = NULL;
    struct kith_secret *made = NULL;
    struct kith_secret *loaded = NULL;
    enum kith_err err = kith_secret_new(&storage, 32);

    if (err == KITH_OK)
      err = kith_roundkeys_open(&keys, unit_path(state, "faults"), storage, NULL);
    if (err == KITH_OK)
      err = kith_roundkey_ensure(keys, &made, round_a, "intake", NULL);
    if (err == KITH_OK)
      err = kith_roundkey_load(keys, &loaded, round_a, "intake", NULL);
    if (err == KITH_OK)
      err = kith_roundkey_destroy(keys, round_a, "intake", NULL);
    if (err == KITH_OK)
      err = kith_roundkey_destroy_all(keys, round_a, NULL);
    if (err == KITH_OK)
      unit_allocations_done();
    else
      assert_true(err == KITH_ERR_MEMORY || err == KITH_ERR_IO);
    kith_secret_free(made);
    kith_secret_free(loaded);
    kith_secret_free(storage);
    kith_roundkeys_free(keys);
  }
  assert_int_equal(n_files(state, "faults"), 0);
}

/* Killed or failing at any place: a key is there and loads, or it is not and can be made. */
static void resumes_after_each_failpoint(void **state)
{
  static const char *const places[] = {"roundkey.save.before",
                                       "roundkey.save.after",
                                       "file.write",
                                       "file.sync",
                                       "file.rename.before",
                                       "file.rename.after",
                                       "roundkey.destroy.before",
                                       "roundkey.destroy.after",
                                       "file.destroy.before",
                                       "file.destroy.after"};
  struct kith_roundkeys *keys = open_keys(state, "resume", 1);

  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    struct kith_secret *secret = NULL;
    enum kith_err err;

    kith_failpoint_arm(places[i], 1);
    err = kith_roundkey_ensure(keys, &secret, round_a, "intake", NULL);
    if (i < 6) {
      assert_int_equal(err, KITH_ERR_IO);
      assert_null(secret);
    } else {
      assert_int_equal(err, KITH_OK);
      assert_int_equal(kith_roundkey_destroy_all(keys, round_a, NULL), KITH_ERR_IO);
    }
    kith_secret_free(secret);
    kith_failpoint_arm(NULL, 0);
    assert_int_equal(kith_roundkey_ensure(keys, &secret, round_a, "intake", NULL), KITH_OK);
    kith_secret_free(secret);
    assert_int_equal(kith_roundkey_destroy_all(keys, round_a, NULL), KITH_OK);
    assert_int_equal(n_files(state, "resume"), 0);
  }
  kith_roundkeys_free(keys);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keeps_a_key_until_it_is_destroyed),
      cmocka_unit_test(destroys_one_round_and_no_other),
      cmocka_unit_test(overwrites_what_it_destroys),
      cmocka_unit_test(a_key_opens_only_in_its_place),
      cmocka_unit_test(refuses_names_and_lengths),
      cmocka_unit_test(survives_failing_allocations),
      cmocka_unit_test(resumes_after_each_failpoint),
  };
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return EXIT_FAILURE;
  return cmocka_run_group_tests(tests, unit_folder_make, unit_folder_remove);
}
