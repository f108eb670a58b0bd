#include "crypto/tree.h"

#include "base/text.h"
#include "proto/note.h"
#include "tests/unit/unit.h"

enum { LEAVES = 70 };
static struct kith_hash leaves[LEAVES];

static void assert_hash(const struct kith_hash *hash, const char *hex)
{
  char found[2 * KITH_HASH_BYTES + 1];

  kith_hex_encode(found, hash->bytes, KITH_HASH_BYTES);
  assert_string_equal(found, hex);
}

/* Known answers of SHA-256 itself: of nothing, and of one zero byte. */
static void known_roots(void **state)
{
  struct kith_hash hash;

  (void)state;
  kith_tree_root_of(&hash, NULL, 0);
  assert_hash(&hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  kith_tree_leaf(&hash, "", 0);
  assert_hash(&hash, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
}

static void every_past_is_proved_and_no_other(void **state)
{
  (void)state;
  for (uint64_t n = 1; n <= LEAVES; n++) {
    struct kith_hash root;

    kith_tree_root_of(&root, leaves, n);
    for (uint64_t old = 1; old <= n; old++) {
      struct kith_tree_proof proof;
      struct kith_hash old_root;

      kith_tree_root_of(&old_root, leaves, old);
      kith_tree_consistency(&proof, leaves, n, old);
      assert_int_equal(kith_tree_consistent(&proof, old, &old_root, n, &root), KITH_OK);
      old_root.bytes[3] ^= 1;
      assert_int_equal(kith_tree_consistent(&proof, old, &old_root, n, &root), KITH_ERR_NO);
      old_root.bytes[3] ^= 1;
      for (unsigned i = 0; i < proof.n; i++) {
        proof.hashes[i].bytes[0] ^= 1;
        assert_int_equal(kith_tree_consistent(&proof, old, &old_root, n, &root), KITH_ERR_NO);
        proof.hashes[i].bytes[0] ^= 1;
      }
      if (proof.n) {
        proof.n--;
        assert_int_equal(kith_tree_consistent(&proof, old, &old_root, n, &root), KITH_ERR_NO);
      }
      /* a checkpoint of the future */
      assert_int_equal(kith_tree_consistent(&proof, n + 1, &old_root, n, &root), KITH_ERR_NO);
    }
  }
}

static void every_leaf_is_included_in_its_place(void **state)
{
  (void)state;
  for (uint64_t n = 1; n <= LEAVES; n++) {
    struct kith_hash root;

    kith_tree_root_of(&root, leaves, n);
    for (uint64_t i = 0; i < n; i++) {
      struct kith_tree_proof proof;

      kith_tree_inclusion(&proof, leaves, n, i);
      assert_int_equal(kith_tree_included(&proof, i, &leaves[i], n, &root), KITH_OK);
      assert_int_equal(kith_tree_included(&proof, i, &leaves[(i + 1) % LEAVES], n, &root),
                       KITH_ERR_NO);
      assert_int_equal(kith_tree_included(&proof, n, &leaves[i], n, &root), KITH_ERR_NO);
    }
  }
}

static void notes_are_signed_for_one_log(void **state)
{
  struct kith_checkpoint checkpoint = {.seq = 7, .root = leaves[0]};
  struct kith_cosignature cosignature = {.member = "oak", .time = 1700000000};
  struct kith_identity *identity;
  struct kith_buf note;

  (void)state;
  assert_int_equal(kith_identity_new(&identity), KITH_OK);
  assert_int_equal(kith_checkpoint_sign(&checkpoint, "ash", identity), KITH_OK);
  assert_int_equal(kith_checkpoint_verify(&checkpoint, "ash", identity->public_keys.sign), KITH_OK);
  assert_int_equal(kith_checkpoint_verify(&checkpoint, "as", identity->public_keys.sign),
                   KITH_ERR_NO);
  assert_int_equal(kith_checkpoint_verify(&checkpoint, "ash", identity->public_keys.seal),
                   KITH_ERR_NO);
  assert_int_equal(kith_cosign(&cosignature, &checkpoint, "ash", identity), KITH_OK);
  assert_int_equal(
      kith_cosignature_verify(&cosignature, &checkpoint, "ash", identity->public_keys.sign),
      KITH_OK);
  cosignature.time++;
  assert_int_equal(
      kith_cosignature_verify(&cosignature, &checkpoint, "ash", identity->public_keys.sign),
      KITH_ERR_NO);
  kith_buf_init(&note, 0);
  kith_note_write(&note, &checkpoint, "ash", identity->public_keys.sign, &cosignature,
                  (const uint8_t(*)[KITH_PUBLIC_BYTES]) & identity->public_keys.sign, 1);
  kith_buf_append(&note, "", 1);
  assert_int_equal(kith_buf_err(&note), KITH_OK);
  assert_memory_equal(note.bytes, "kith-audit/ash\n7\n", 17);
  assert_non_null(strstr((char *)note.bytes, "\n\n\u2014 kith-audit/ash "));
  assert_non_null(strstr((char *)note.bytes, "\n\u2014 kith-audit/oak "));
  checkpoint.seq++;
  assert_int_equal(kith_checkpoint_verify(&checkpoint, "ash", identity->public_keys.sign),
                   KITH_ERR_NO);
  kith_buf_free(&note);
  kith_identity_free(identity);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_roots),
      cmocka_unit_test(every_past_is_proved_and_no_other),
      cmocka_unit_test(every_leaf_is_included_in_its_place),
      cmocka_unit_test(notes_are_signed_for_one_log),
  };
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return 1;
  for (unsigned i = 0; i < LEAVES; i++)
    kith_tree_leaf(&leaves[i], &i, sizeof i);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
