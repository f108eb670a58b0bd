#include "proto/submission.h"

#include "tests/unit/unit.h"
#include "tests/unit/vectors/crypto_vectors.h"

static struct kith_handles *handles_of(const uint8_t *round, const uint8_t *table_key)
{
  struct kith_handles *handles;
  struct kith_secret *secret;

  assert_int_equal(kith_secret_copy(&secret, table_key, KITH_TABLE_KEY_BYTES), KITH_OK);
  assert_int_equal(kith_handles_new(&handles, round, secret), KITH_OK);
  kith_secret_free(secret);
  return handles;
}

static void known_answers(void **state)
{
  struct kith_handles *handles = handles_of(vector_round, vector_table_key);
  struct kith_hash batches[3];
  struct kith_hash hash;
  struct kith_buf id = {0};

  (void)state;
  for (uint64_t i = 0; i < 3; i++)
    kith_batch_hash(&batches[i], vector_round, "ash", i, vector_rows, sizeof vector_rows);
  assert_memory_equal(batches[2].bytes, vector_batch_2, 32);
  kith_manifest_root(&hash, vector_round, "ash", 1234, batches, 3);
  assert_memory_equal(hash.bytes, vector_manifest_root, 32);
  kith_handle_index(&hash, vector_round, vector_handle);
  assert_memory_equal(hash.bytes, vector_handle_index, 32);
  assert_int_equal(kith_handle_open(handles, &id, vector_handle, vector_handle_entry,
                                    sizeof vector_handle_entry),
                   KITH_OK);
  assert_int_equal(id.len, 9);
  assert_memory_equal(id.bytes, "record 17", 9);
  kith_buf_free(&id);
  kith_handles_free(handles);
}

static void batches_and_manifests_bind(void **state)
{
  struct kith_hash known;
  struct kith_hash other;
  struct kith_hash batches[2];

  (void)state;
  kith_batch_hash(&known, vector_round, "ash", 0, vector_rows, 100);
  kith_batch_hash(&other, vector_round, "ash", 1, vector_rows, 100);
  assert_false(kith_hash_equal(&known, &other));
  kith_batch_hash(&other, vector_round, "oak", 0, vector_rows, 100);
  assert_false(kith_hash_equal(&known, &other));
  kith_batch_hash(&other, vector_handle, "ash", 0, vector_rows, 100);
  assert_false(kith_hash_equal(&known, &other));
  kith_batch_hash(&other, vector_round, "ash", 0, vector_rows, 99);
  assert_false(kith_hash_equal(&known, &other));

  batches[0] = known;
  batches[1] = other;
  kith_manifest_root(&known, vector_round, "ash", 10, batches, 2);
  kith_manifest_root(&other, vector_round, "ash", 11, batches, 2);
  assert_false(kith_hash_equal(&known, &other));
  kith_manifest_root(&other, vector_round, "ash", 10, batches, 1);
  assert_false(kith_hash_equal(&known, &other));
  batches[0] = batches[1];
  kith_manifest_root(&other, vector_round, "ash", 10, batches, 2);
  assert_false(kith_hash_equal(&known, &other));
}

static void an_entry_opens_with_its_handle_alone(void **state)
{
  struct kith_handles *handles = handles_of(vector_round, vector_table_key);
  struct kith_handles *other_round = handles_of(vector_handle_entry, vector_table_key);
  struct kith_handles *other_key = handles_of(vector_round, vector_seal_secret);
  struct kith_buf entry = {0};
  struct kith_buf id = {0};
  uint8_t handle[KITH_HANDLE_BYTES];

  (void)state;
  memcpy(handle, vector_handle, sizeof handle);
  assert_int_equal(kith_handle_seal(handles, &entry, handle, "17", 2), KITH_OK);
  assert_int_equal(kith_handle_open(other_round, &id, handle, entry.bytes, entry.len), KITH_ERR_NO);
  assert_int_equal(kith_handle_open(other_key, &id, handle, entry.bytes, entry.len), KITH_ERR_NO);
  for (size_t bit = 0; bit < 8 * sizeof handle; bit++) {
    handle[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(kith_handle_open(handles, &id, handle, entry.bytes, entry.len), KITH_ERR_NO);
    handle[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t bit = 0; bit < 8 * entry.len; bit++) {
    entry.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(kith_handle_open(handles, &id, handle, entry.bytes, entry.len), KITH_ERR_NO);
    entry.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t len = 0; len < entry.len; len++)
    assert_int_equal(kith_handle_open(handles, &id, handle, entry.bytes, len), KITH_ERR_NO);
  assert_int_equal(id.len, 0);
  assert_int_equal(kith_handle_open(handles, &id, handle, entry.bytes, entry.len), KITH_OK);
  assert_int_equal(id.len, 2);
  kith_buf_free(&entry);
  kith_buf_free(&id);
  kith_handles_free(handles);
  kith_handles_free(other_round);
  kith_handles_free(other_key);
}

static void entries_of_like_ids_have_one_length(void **state)
{
  struct kith_handles *handles = handles_of(vector_round, vector_table_key);
  struct kith_buf entry = {0};
  struct kith_buf id = {0};
  char text[KITH_RECORD_ID_BYTES_MAX + 1];

  (void)state;
  memset(text, 'x', sizeof text);
  for (size_t len = 0; len <= KITH_RECORD_ID_BYTES_MAX; len++) {
    assert_int_equal(kith_handle_seal(handles, &entry, vector_handle, text, len), KITH_OK);
    assert_int_equal((entry.len - 40) % KITH_RECORD_ID_PADDING, 0);
    if (len <= 30)
      assert_int_equal(entry.len, 72);
    assert_int_equal(kith_handle_open(handles, &id, vector_handle, entry.bytes, entry.len),
                     KITH_OK);
    assert_int_equal(id.len, len);
    assert_memory_equal(id.bytes, text, len);
  }
  assert_int_equal(kith_handle_seal(handles, &entry, vector_handle, text, sizeof text),
                   KITH_ERR_LIMIT);
  kith_buf_free(&entry);
  kith_buf_free(&id);
  kith_handles_free(handles);
}

static void survives_failing_allocations(void **state)
{
  struct kith_secret *wrong;

  (void)state;
  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_handles *handles = NULL;
    struct kith_secret *secret = NULL;
    struct kith_buf entry = {0};
    struct kith_buf id = {0};
    enum kith_err err = kith_secret_copy(&secret, vector_table_key, KITH_TABLE_KEY_BYTES);

    if (err == KITH_OK)
      err = kith_handles_new(&handles, vector_round, secret);
    if (err == KITH_OK)
      err = kith_handle_seal(handles, &entry, vector_handle, "17", 2);
    if (err == KITH_OK)
      err = kith_handle_open(handles, &id, vector_handle, entry.bytes, entry.len);
    if (err == KITH_OK)
      unit_allocations_done();
    else
      assert_int_equal(err, KITH_ERR_MEMORY);
    kith_secret_free(secret);
    kith_handles_free(handles);
    kith_buf_free(&entry);
    kith_buf_free(&id);
  }
  assert_int_equal(kith_secret_new(&wrong, KITH_TABLE_KEY_BYTES + 1), KITH_OK);
  assert_int_equal(kith_handles_new(&(struct kith_handles *){NULL}, vector_round, wrong),
                   KITH_ERR_DATA);
  kith_secret_free(wrong);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_answers),
      cmocka_unit_test(batches_and_manifests_bind),
      cmocka_unit_test(an_entry_opens_with_its_handle_alone),
      cmocka_unit_test(entries_of_like_ids_have_one_length),
      cmocka_unit_test(survives_failing_allocations),
  };
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return EXIT_FAILURE;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
