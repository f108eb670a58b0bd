/* A postcode, and the numbers that have forms of their own: letters and digits or nothing, the same
 * in any case, and the same again from what came out. */
#include "tests/fuzz/standardised.h"

static void check_code(enum kith_field field, const char *text)
{
  static struct kith_record record;
  static struct kith_record again;
  char other[FUZZ_TEXT_MAX + 4];
  const struct kith_values *values = &record.values[field];
  enum kith_outcome outcome = fuzz_standardise(&record, field, text, NULL);

  require(values->n <= 1);
  require((values->n == 1) == (outcome >= KITH_VALUE_PARTIAL));
  fuzz_retype(other, text);
  if (strlen(other) <= KITH_FIELD_BYTES_MAX) {
    require(fuzz_standardise(&again, field, other, NULL) == outcome);
    require(fuzz_same_values(values, &again.values[field]));
  }
  if (values->n == 0)
    return;
  require(values->text[0][strspn(values->text[0], "abcdefghijklmnopqrstuvwxyz0123456789")] == '\0');
  (void)fuzz_standardise(&again, field, values->text[0], NULL);
  require(fuzz_same_values(values, &again.values[field]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char text[FUZZ_TEXT_MAX];

  if (!fuzz_text(text, data, size))
    return 0;
  check_code(KITH_FIELD_POSTCODE, text);
  check_code(KITH_FIELD_NHS_NUMBER, text);
  check_code(KITH_FIELD_UPN, text);
  check_code(KITH_FIELD_PNC_ID, text);
  check_code(KITH_FIELD_CRN, text);
  return 0;
}
