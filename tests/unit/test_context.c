#include "proto/context.h"

#include "base/mem.h"
#include "crypto/secret.h"
#include "tests/unit/unit.h"

static const struct kith_envelope place = {.kind = KITH_LETTER_CONTEXT,
                                           .round = "a round of 16 b",
                                           .author = "police",
                                           .reader = "horizon"};
static const uint8_t handle[KITH_HANDLE_BYTES] = "one of 16 bytes";
static const uint8_t other[KITH_HANDLE_BYTES] = "two of 16 bytes";

static int set_up(void **state)
{
  bool locked;

  (void)state;
  return kith_crypto_init(&locked) == KITH_OK ? 0 : -1;
}

static struct kith_context *of_one(const struct kith_context_values *values, unsigned n)
{
  struct kith_context *context = KITH_NEW(struct kith_context);

  assert_non_null(context);
  context->n_attributes = n;
  context->len = kith_context_entry_bytes(n);
  assert_int_equal(kith_context_seal(context->entries, &place, handle, values, n), KITH_OK);
  return context;
}

static void found_by_its_handle_alone(void **state)
{
  const struct kith_context_values values = {{"11-15", "", "E05001234.ABCDEF"}};
  struct kith_context *context = of_one(&values, 3);
  struct kith_context_values found;
  struct kith_envelope elsewhere;

  (void)state;
  assert_int_equal(kith_context_find(&found, context, &place, handle), KITH_OK);
  for (unsigned i = 0; i < 3; i++)
    assert_string_equal(found.text[i], values.text[i]);
  assert_int_equal(kith_context_find(&found, context, &place, other), KITH_ERR_NOT_FOUND);
  elsewhere = place;
  elsewhere.round[0] ^= 1;
  assert_int_equal(kith_context_find(&found, context, &elsewhere, handle), KITH_ERR_NOT_FOUND);
  elsewhere = place;
  strcpy(elsewhere.author, "health");
  assert_int_equal(kith_context_find(&found, context, &elsewhere, handle), KITH_ERR_NOT_FOUND);
  elsewhere = place;
  strcpy(elsewhere.reader, "second");
  assert_int_equal(kith_context_find(&found, context, &elsewhere, handle), KITH_ERR_NOT_FOUND);
  /* The tag of the other, in front of a box that is not its own: its agency alone could write it.
   */
  kith_context_tag(context->entries, &place, other);
  assert_int_equal(kith_context_find(&found, context, &place, other), KITH_ERR_NO);
  kith_free(context);
}

static void altered_entries_are_refused(void **state)
{
  const struct kith_context_values values = {{"W1", "S2"}};
  struct kith_context *context = of_one(&values, 2);
  struct kith_context_values found;

  (void)state;
  for (size_t bit = 0; bit < 8 * context->len; bit++) {
    context->entries[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(kith_context_find(&found, context, &place, handle),
                     bit / 8 < KITH_CONTEXT_TAG_BYTES ? KITH_ERR_NOT_FOUND : KITH_ERR_NO);
    context->entries[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  assert_int_equal(kith_context_find(&found, context, &place, handle), KITH_OK);
  kith_free(context);
}

/* What an agency that does as it likes may seal. */
static void values_that_are_no_codes_are_refused(void **state)
{
  static const char *const bad[] = {"W 1", "W1\n", "Wärd", "W/1", "W+1", "\x1b[2J", "W1,W2", "=1"};
  struct kith_context_values found;

  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct kith_context_values values = {{"ok"}};
    struct kith_context *context;

    strcpy(values.text[1], bad[i]);
    context = of_one(&values, 2);
    assert_false(kith_context_value_valid(bad[i]));
    assert_int_equal(kith_context_find(&found, context, &place, handle), KITH_ERR_NO);
    kith_free(context);
  }
  assert_false(kith_context_value_valid(""));
  assert_false(kith_context_value_valid("12345678901234567"));
  assert_true(kith_context_value_valid("1234567890123456"));
  assert_true(kith_context_value_valid("E05-a_b.c"));
}

static int compare_16(const void *a, const void *b)
{
  return memcmp(a, b, KITH_CONTEXT_TAG_BYTES);
}

static void among_many(void **state)
{
  enum { N = 100 };
  struct kith_context *context = KITH_NEW(struct kith_context);
  const struct kith_context_values values = {{"W1"}};
  size_t step = kith_context_entry_bytes(1);
  uint8_t handles[N][KITH_HANDLE_BYTES];
  struct kith_context_values found;

  (void)state;
  context->n_attributes = 1;
  context->len = N * step;
  for (unsigned i = 0; i < N; i++) {
    memset(handles[i], (int)i + 1, KITH_HANDLE_BYTES);
    assert_int_equal(kith_context_seal(context->entries + i * step, &place, handles[i], &values, 1),
                     KITH_OK);
  }
  qsort(context->entries, N, step, compare_16);
  for (unsigned i = 0; i < N; i++)
    assert_int_equal(kith_context_find(&found, context, &place, handles[i]), KITH_OK);
  assert_int_equal(kith_context_find(&found, context, &place, handle), KITH_ERR_NOT_FOUND);
  kith_free(context);
}

static void age_bands(void **state)
{
  const struct kith_date on = {2026, 11, 23};
  const struct {
    struct kith_date birth;
    const char *band;
  } cases[] = {{{2026, 11, 23}, "0-4"},   {{2021, 11, 24}, "0-4"},
               {{2021, 11, 23}, "5-10"},  {{2015, 11, 23}, "11-15"},
               {{2010, 11, 24}, "11-15"}, {{2010, 11, 23}, "16-17"},
               {{2008, 11, 23}, "18-25"}, {{2000, 11, 24}, "18-25"},
               {{2000, 11, 23}, "26-64"}, {{1961, 11, 23}, "65-and-over"},
               {{2018, 0, 0}, "5-10"},    {{2013, 5, 0}, "11-15"},
               {{2021, 11, 0}, NULL},     {{2021, 0, 0}, NULL},
               {{2026, 11, 24}, NULL},    {{0, 0, 0}, NULL},
               {{0, 5, 5}, NULL},         {{2013, 0, 5}, NULL}};

  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *band = kith_context_age_band(cases[i].birth, on);

    if (cases[i].band)
      assert_string_equal(band, cases[i].band);
    else
      assert_null(band);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(found_by_its_handle_alone),
                                     cmocka_unit_test(altered_entries_are_refused),
                                     cmocka_unit_test(values_that_are_no_codes_are_refused),
                                     cmocka_unit_test(among_many), cmocka_unit_test(age_bands)};

  return cmocka_run_group_tests(tests, set_up, NULL);
}
