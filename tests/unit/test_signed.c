#include "proto/signed.h"

#include "crypto/secret.h"
#include "tests/unit/unit.h"

enum { PEOPLE = 4 };
static struct kith_identity *people[PEOPLE];
static const char text[] = "{\"a\": 1}\n";

static int set_up(void **state)
{
  bool locked;

  if (kith_crypto_init(&locked) != KITH_OK)
    return -1;
  for (int i = 0; i < PEOPLE; i++) {
    if (kith_identity_new(&people[i]) != KITH_OK)
      return -1;
  }
  return unit_folder_make(state);
}

static int tear_down(void **state)
{
  for (int i = 0; i < PEOPLE; i++)
    kith_identity_free(people[i]);
  return unit_folder_remove(state);
}

static struct kith_signed document_of(enum kith_document_kind kind)
{
  struct kith_signed document;

  assert_int_equal(kith_signed_from_bytes(&document, kind, text, sizeof text - 1), KITH_OK);
  return document;
}

static struct kith_signers signers_of(unsigned threshold, unsigned n)
{
  struct kith_signers signers = {.threshold = threshold, .n_keys = n};

  for (unsigned i = 0; i < n; i++)
    memcpy(signers.keys[i], people[i]->public_keys.sign, KITH_PUBLIC_BYTES);
  return signers;
}

static void sign(struct kith_signed *document, int person)
{
  assert_int_equal(kith_signed_sign(document, people[person]), KITH_OK);
}

static void thresholds(void **state)
{
  struct kith_signed document = document_of(KITH_DOCUMENT_CHARTER);
  struct kith_signers two_of_three = signers_of(2, 3);
  struct kith_signers none = signers_of(0, 3);
  struct kith_fault fault = {0};

  (void)state;
  assert_int_equal(kith_signed_verify(&document, &two_of_three, &fault), KITH_ERR_NO);
  assert_non_null(strstr(fault.text, "signed by 0 governance keys, 2 are needed"));
  sign(&document, 0);
  assert_int_equal(kith_signed_verify(&document, &two_of_three, &fault), KITH_ERR_NO);
  sign(&document, 0); /* replaces */
  assert_int_equal(document.n_signatures, 1);
  assert_int_equal(kith_signed_verify(&document, &two_of_three, &fault), KITH_ERR_NO);
  sign(&document, 3); /* no signer */
  assert_int_equal(kith_signed_verify(&document, &two_of_three, &fault), KITH_ERR_NO);
  assert_non_null(strstr(fault.text, "signed by 1 "));
  sign(&document, 2);
  assert_int_equal(kith_signed_verify(&document, &two_of_three, &fault), KITH_OK);
  assert_int_equal(kith_signed_verify(&document, &none, &fault), KITH_ERR_NO);
  kith_signed_free(&document);
}

/* One key, however often it is named, counts once. */
static void same_key_twice(void **state)
{
  struct kith_signed document = document_of(KITH_DOCUMENT_CHARTER);
  struct kith_signers signers = signers_of(2, 2);

  (void)state;
  memcpy(signers.keys[1], signers.keys[0], KITH_PUBLIC_BYTES);
  sign(&document, 0);
  document.signatures[1] = document.signatures[0];
  document.n_signatures = 2;
  assert_int_equal(kith_signed_verify(&document, &signers, NULL), KITH_ERR_NO);
  signers = signers_of(2, 3);
  assert_int_equal(kith_signed_verify(&document, &signers, NULL), KITH_ERR_NO);
  kith_signed_free(&document);
}

static void every_changed_byte(void **state)
{
  struct kith_signed document = document_of(KITH_DOCUMENT_POLICY);
  struct kith_signers signers = signers_of(1, 1);
  struct kith_hash before;
  struct kith_hash after;

  (void)state;
  sign(&document, 0);
  kith_signed_hash(&before, &document);
  for (size_t i = 0; i < document.len; i++) {
    document.bytes[i] ^= 1;
    assert_int_equal(kith_signed_verify(&document, &signers, NULL), KITH_ERR_NO);
    kith_signed_hash(&after, &document);
    assert_false(kith_hash_equal(&before, &after));
    document.bytes[i] ^= 1;
  }
  for (size_t i = 0; i < KITH_SIGN_BYTES; i++) {
    document.signatures[0].signature[i] ^= 0x10;
    assert_int_equal(kith_signed_verify(&document, &signers, NULL), KITH_ERR_NO);
    document.signatures[0].signature[i] ^= 0x10;
  }
  assert_int_equal(kith_signed_verify(&document, &signers, NULL), KITH_OK);
  kith_signed_free(&document);
}

/* A signature of the same bytes as another kind of document is none. */
static void other_kinds_signature(void **state)
{
  struct kith_signed charter = document_of(KITH_DOCUMENT_CHARTER);
  struct kith_signers signers = signers_of(1, 2);
  struct kith_fault fault = {0};
  struct kith_hash as_charter;
  struct kith_hash as_policy;

  (void)state;
  sign(&charter, 0);
  kith_signed_hash(&as_charter, &charter);
  charter.kind = KITH_DOCUMENT_POLICY;
  kith_signed_hash(&as_policy, &charter);
  assert_false(kith_hash_equal(&as_charter, &as_policy));
  assert_int_equal(kith_signed_verify(&charter, &signers, &fault), KITH_ERR_NO);
  assert_non_null(strstr(fault.text, "is false"));
  /* A false one is refused even where enough others are true. */
  sign(&charter, 1);
  assert_int_equal(kith_signed_verify(&charter, &signers, &fault), KITH_ERR_NO);
  kith_signed_free(&charter);
}

static void on_disk(void **state)
{
  struct kith_signed document = document_of(KITH_DOCUMENT_CHARTER);
  struct kith_signed back;
  struct kith_signers signers = signers_of(2, 2);
  const char *path = unit_path(state, "charter.json");

  sign(&document, 0);
  sign(&document, 1);
  assert_int_equal(kith_signed_save(&document, path, NULL), KITH_OK);
  assert_int_equal(kith_signed_load(&back, KITH_DOCUMENT_CHARTER, path, NULL), KITH_OK);
  assert_int_equal(kith_signed_verify(&back, &signers, NULL), KITH_OK);
  assert_memory_equal(back.bytes, text, sizeof text);
  kith_signed_free(&back);

  /* Unsigned again: no signatures of the former document stay. */
  document.n_signatures = 0;
  assert_int_equal(kith_signed_save(&document, path, NULL), KITH_OK);
  assert_int_equal(kith_signed_load(&back, KITH_DOCUMENT_CHARTER, path, NULL), KITH_OK);
  assert_int_equal(back.n_signatures, 0);
  kith_signed_free(&back);
  kith_signed_free(&document);
  assert_int_equal(
      kith_signed_load(&back, KITH_DOCUMENT_CHARTER, unit_path(state, "none.json"), NULL),
      KITH_ERR_NO_INPUT);
}

static void bad_signature_files(void **state)
{
  struct kith_signed document = document_of(KITH_DOCUMENT_CHARTER);
  struct kith_signed back = {0};
  char path[128];
  const char *sig_path;
  char good[256];
  char bad[4096];
  FILE *file;
  size_t len;

  snprintf(path, sizeof path, "%s/bad.json", (const char *)*state);
  sign(&document, 0);
  assert_int_equal(kith_signed_save(&document, path, NULL), KITH_OK);
  sig_path = unit_path(state, "bad.json.sig");
  file = fopen(sig_path, "rb");
  assert_non_null(file);
  len = fread(good, 1, sizeof good, file);
  fclose(file);
  assert_int_equal(len, 44 + 1 + 88 + 1);
  good[len] = '\0';
  for (int i = 0; i < 8; i++) {
    struct kith_fault fault = {0};

    memcpy(bad, good, len + 1);
    if (i == 0)
      bad[len - 1] = '\0'; /* no line end */
    else if (i == 1)
      snprintf(bad, sizeof bad, "%s%s", good, good); /* one key twice */
    else if (i == 2)
      bad[44] = '\t';
    else if (i == 3)
      bad[3] = '*';
    else if (i == 4)
      bad[43] = 'A'; /* a key of 33 bytes */
    else if (i == 5)
      snprintf(bad, sizeof bad, "%s\n", good); /* an empty line */
    else if (i == 6)
      bad[len - 2] = 'A';
    else
      memmove(bad, bad + 1, len);
    unit_file(state, "bad.json.sig", bad, strlen(bad));
    assert_int_equal(kith_signed_load(&back, KITH_DOCUMENT_CHARTER, path, &fault), KITH_ERR_DATA);
    assert_non_null(strstr(fault.text, "bad.json.sig: line "));
    assert_null(back.bytes);
  }
  unit_file(state, "bad.json.sig", good, len);
  unit_file(state, "bad.json", "", 0);
  assert_int_equal(kith_signed_load(&back, KITH_DOCUMENT_CHARTER, path, NULL), KITH_ERR_DATA);
  kith_signed_free(&document);
}

static enum kith_err read_wire(struct kith_signed *out, const struct kith_signed *in,
                               uint32_t n_fields)
{
  struct kith_reader reader;
  struct kith_buf buf;
  enum kith_err err;

  kith_buf_init(&buf, 0);
  kith_write_array(&buf, n_fields);
  kith_signed_write(&buf, in);
  err = kith_reader_init(&reader, buf.bytes, buf.len);
  if (err == KITH_OK) {
    kith_read_array(&reader, n_fields);
    err = kith_signed_read(out, in->kind, &reader);
    if (err == KITH_OK)
      err = kith_reader_done(&reader);
  }
  kith_buf_free(&buf);
  return err;
}

static void on_the_wire(void **state)
{
  struct kith_signed document = document_of(KITH_DOCUMENT_POLICY);
  struct kith_signers signers = signers_of(2, 2);
  struct kith_signed back = {0};

  (void)state;
  assert_int_equal(read_wire(&back, &document, 2), KITH_OK);
  assert_int_equal(back.n_signatures, 0);
  kith_signed_free(&back);
  sign(&document, 0);
  sign(&document, 1);
  assert_int_equal(read_wire(&back, &document, 2), KITH_OK);
  assert_int_equal(kith_signed_verify(&back, &signers, NULL), KITH_OK);
  kith_signed_free(&back);
  document.signatures[1] = document.signatures[0];
  assert_int_equal(read_wire(&back, &document, 2), KITH_ERR_DATA);
  assert_null(back.bytes);
  document.len = 0;
  assert_int_equal(read_wire(&back, &document, 2), KITH_ERR_DATA);
  assert_null(back.bytes);
  kith_signed_free(&document);
}

static void bounds(void **state)
{
  struct kith_signed document = {0};
  char *big = calloc(1, KITH_DOCUMENT_BYTES_MAX + 1);

  (void)state;
  assert_non_null(big);
  assert_int_equal(kith_signed_from_bytes(&document, KITH_DOCUMENT_POLICY, big, 0), KITH_ERR_LIMIT);
  assert_int_equal(
      kith_signed_from_bytes(&document, KITH_DOCUMENT_POLICY, big, KITH_DOCUMENT_BYTES_MAX + 1),
      KITH_ERR_LIMIT);
  assert_int_equal(kith_signed_from_bytes(&document, (enum kith_document_kind)4, big, 9),
                   KITH_ERR_DATA);
  assert_null(document.bytes);
  free(big);

  document = document_of(KITH_DOCUMENT_POLICY);
  for (unsigned i = 0; i < KITH_GOVERNANCE_KEYS_MAX; i++)
    document.signatures[i].key[0] = (uint8_t)i;
  document.n_signatures = KITH_GOVERNANCE_KEYS_MAX;
  assert_int_equal(kith_signed_sign(&document, people[0]), KITH_ERR_LIMIT);
  kith_signed_free(&document);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(thresholds),
                                     cmocka_unit_test(same_key_twice),
                                     cmocka_unit_test(every_changed_byte),
                                     cmocka_unit_test(other_kinds_signature),
                                     cmocka_unit_test(on_disk),
                                     cmocka_unit_test(bad_signature_files),
                                     cmocka_unit_test(on_the_wire),
                                     cmocka_unit_test(bounds)};

  return cmocka_run_group_tests(tests, set_up, tear_down);
}
