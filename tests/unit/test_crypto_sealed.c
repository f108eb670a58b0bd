/* Sealed files: what was written comes back, and nothing else opens. */
#include "tests/unit/unit.h"

#include <sys/stat.h>

#include "base/mem.h"
#include "crypto/jobkey.h"
#include "crypto/sealed.h"

enum { CHUNK = KITH_SEALED_CHUNK_BYTES, HEADER = KITH_SEALED_HEADER_BYTES, TAG = 17 };

static struct kith_secret *key_of(uint8_t first)
{
  uint8_t bytes[KITH_SEALED_KEY_BYTES] = {first, 1, 2, 3};
  struct kith_secret *key = NULL;
  assert_int_equal(kith_secret_copy(&key, bytes, sizeof bytes), KITH_OK);
  return key;
}

static uint8_t byte_at(size_t i)
{
  return (uint8_t)(i * 131 + i / 251);
}

/* The sealed form of `len` bytes. */
static enum kith_err seal(char **out, size_t *out_len, const struct kith_secret *key,
                          const char *context, size_t len)
{
  struct kith_sealed_out *sealed = NULL;
  FILE *under = open_memstream(out, out_len);
  assert_non_null(under);
  enum kith_err err = kith_sealed_out_new(&sealed, under, key, context);
  for (size_t i = 0; i < len && !err; i++)
    assert_int_not_equal(fputc(byte_at(i), kith_sealed_out_stream(sealed)), EOF);
  if (!err)
    err = kith_sealed_out_finish(sealed);
  kith_sealed_out_free(sealed);
  assert_int_equal(fclose(under), 0);
  return err;
}

/* Opens it and expects a prefix of the bytes; *n is its length. */
static enum kith_err open_sealed(size_t *n, char *bytes, size_t len, const struct kith_secret *key,
                                 const char *context)
{
  struct kith_sealed_in *sealed = NULL;
  FILE *under = fmemopen(bytes, len ? len : 1, "r");
  int c;
  assert_non_null(under);
  if (len == 0)
    (void)fgetc(under);
  *n = 0;
  enum kith_err err = kith_sealed_in_new(&sealed, under, key, context);
  while (!err && (c = fgetc(kith_sealed_in_stream(sealed))) != EOF)
    assert_int_equal(c, byte_at((*n)++));
  if (!err)
    err = kith_sealed_in_finish(sealed);
  kith_sealed_in_free(sealed);
  (void)fclose(under);
  return err;
}

static void comes_back(void **state)
{
  static const size_t lengths[] = {0,         1,         CHUNK - 1,     CHUNK,
                                   CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 5, 3 * CHUNK};
  struct kith_secret *key = key_of(1);
  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(lengths); i++) {
    char *bytes = NULL;
    size_t len = 0;
    size_t n = 0;
    const size_t chunks = lengths[i] ? (lengths[i] + CHUNK - 1) / CHUNK : 1;
    assert_int_equal(seal(&bytes, &len, key, "context", lengths[i]), KITH_OK);
    assert_int_equal(len, HEADER + lengths[i] + chunks * TAG);
    assert_true(kith_sealed_is(bytes, len));
    assert_int_equal(open_sealed(&n, bytes, len, key, "context"), KITH_OK);
    assert_int_equal(n, lengths[i]);
    free(bytes);
  }
  kith_secret_free(key);
}

static void is_refused(void **state)
{
  struct kith_secret *key = key_of(1);
  struct kith_secret *other = key_of(2);
  char *bytes = NULL;
  size_t len = 0;
  size_t n;
  (void)state;
  assert_int_equal(seal(&bytes, &len, key, "context", 300), KITH_OK);
  assert_int_equal(open_sealed(&n, bytes, len, other, "context"), KITH_ERR_NO);
  assert_int_equal(open_sealed(&n, bytes, len, key, "contexts"), KITH_ERR_NO);
  assert_int_equal(open_sealed(&n, bytes, len, key, ""), KITH_ERR_NO);
  for (size_t bit = 0; bit < len * 8; bit++) {
    bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    assert_int_not_equal(open_sealed(&n, bytes, len, key, "context"), KITH_OK);
    assert_int_equal(n, 0);
    bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
  }
  for (size_t cut = 0; cut < len; cut++)
    assert_int_not_equal(open_sealed(&n, bytes, cut, key, "context"), KITH_OK);
  bytes = realloc(bytes, len + 1);
  assert_non_null(bytes);
  bytes[len] = 0;
  assert_int_equal(open_sealed(&n, bytes, len + 1, key, "context"), KITH_ERR_NO);
  free(bytes);
  kith_secret_free(other);
  kith_secret_free(key);
}

/* Whole chunks that are left out, repeated, swapped or of another file. */
static void chunks_have_their_places(void **state)
{
  enum { BOX = CHUNK + TAG, ALL = HEADER + 3 * BOX };
  struct kith_secret *key = key_of(1);
  char *bytes = NULL;
  char *twin = NULL;
  size_t len = 0;
  size_t twin_len = 0;
  size_t n;
  (void)state;
  assert_int_equal(seal(&bytes, &len, key, "context", 3 * CHUNK), KITH_OK);
  assert_int_equal(seal(&twin, &twin_len, key, "context", 3 * CHUNK), KITH_OK);
  assert_int_equal(len, ALL);
  assert_memory_not_equal(bytes, twin, ALL); /* the same plaintext: another stream */
  char *changed = malloc(ALL + BOX);
  assert_non_null(changed);
  for (size_t chunks = 0; chunks < 3; chunks++) /* the end is cut at a chunk */
    assert_int_equal(open_sealed(&n, bytes, HEADER + chunks * BOX, key, "context"), KITH_ERR_NO);
  memcpy(changed, bytes, ALL); /* swapped */
  memcpy(changed + HEADER, bytes + HEADER + BOX, BOX);
  memcpy(changed + HEADER + BOX, bytes + HEADER, BOX);
  assert_int_equal(open_sealed(&n, changed, ALL, key, "context"), KITH_ERR_NO);
  memcpy(changed, bytes, HEADER + BOX); /* the second left out */
  memcpy(changed + HEADER + BOX, bytes + HEADER + 2 * BOX, BOX);
  assert_int_equal(open_sealed(&n, changed, HEADER + 2 * BOX, key, "context"), KITH_ERR_NO);
  memcpy(changed, bytes, HEADER + BOX); /* the first twice */
  memcpy(changed + HEADER + BOX, bytes + HEADER, 3 * BOX);
  assert_int_equal(open_sealed(&n, changed, ALL + BOX, key, "context"), KITH_ERR_NO);
  memcpy(changed, bytes, ALL); /* one of the twin */
  memcpy(changed + HEADER + BOX, twin + HEADER + BOX, BOX);
  assert_int_equal(open_sealed(&n, changed, ALL, key, "context"), KITH_ERR_NO);
  free(changed);
  free(twin);
  free(bytes);
  kith_secret_free(key);
}

static void no_memory(void **state)
{
  struct kith_secret *key = key_of(1);
  (void)state;
  UNIT_EACH_ALLOCATION(n)
  {
    char *bytes = NULL;
    size_t len = 0;
    size_t got = 0;
    enum kith_err err = seal(&bytes, &len, key, "context", 10);
    if (!err)
      err = open_sealed(&got, bytes, len, key, "context");
    assert_true(err == KITH_OK || err == KITH_ERR_MEMORY);
    if (!err)
      unit_allocations_done();
    free(bytes);
  }
  kith_secret_free(key);
}

/* ---- the key of a job */

static void key_files(void **state)
{
  const char *path = unit_path(state, "job.key");
  struct kith_secret *made = NULL;
  struct kith_secret *loaded = NULL;
  struct kith_secret *one = NULL;
  struct kith_secret *two = NULL;
  struct kith_fault fault = {0};
  struct stat status;
  assert_int_equal(kith_jobkey_load(&loaded, path, &fault), KITH_ERR_NO_INPUT);
  assert_int_equal(kith_jobkey_make(&made, path, &fault), KITH_OK);
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(status.st_mode & 0777, 0600);
  assert_int_equal(status.st_size, KITH_JOBKEY_FILE_BYTES);
  assert_int_equal(kith_jobkey_load(&loaded, path, &fault), KITH_OK);
  assert_true(kith_secret_equal(made, loaded));
  assert_int_equal(kith_jobkey_make(&one, path, &fault), KITH_ERR_CREATE);
  assert_null(one);
  assert_int_equal(kith_jobkey_for(&one, made, "one"), KITH_OK);
  assert_int_equal(kith_jobkey_for(&two, made, "two"), KITH_OK);
  assert_false(kith_secret_equal(one, two) || kith_secret_equal(one, made));
  kith_secret_free(one);
  kith_secret_free(two);
  kith_secret_free(loaded);
  loaded = NULL;
  for (mode_t mode = 0604; mode <= 0640; mode += 034) { /* 0604, 0640 */
    assert_int_equal(chmod(path, mode), 0);
    assert_int_equal(kith_jobkey_load(&loaded, path, &fault), KITH_ERR_DENIED);
  }
  assert_int_equal(chmod(path, 0600), 0);
  assert_int_equal(truncate(path, KITH_JOBKEY_FILE_BYTES - 1), 0);
  assert_int_equal(kith_jobkey_load(&loaded, path, &fault), KITH_ERR_DATA);
  assert_int_equal(truncate(path, KITH_JOBKEY_FILE_BYTES + 1), 0);
  assert_int_equal(kith_jobkey_load(&loaded, path, &fault), KITH_ERR_DATA);
  assert_int_equal(truncate(path, 0), 0);
  assert_int_equal(truncate(path, KITH_JOBKEY_FILE_BYTES), 0);
  assert_int_equal(kith_jobkey_load(&loaded, path, &fault), KITH_ERR_DATA);
  assert_null(loaded);
  kith_secret_free(made);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(comes_back),
      cmocka_unit_test(is_refused),
      cmocka_unit_test(chunks_have_their_places),
      cmocka_unit_test(no_memory),
      cmocka_unit_test_setup_teardown(key_files, unit_folder_make, unit_folder_remove),
  };
  bool locked;
  if (kith_crypto_init(&locked) != KITH_OK)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
