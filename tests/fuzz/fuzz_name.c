/* A name, in a field by its length: values within their bounds, the same whatever the case,
 * and folding that is done when it is done. */
#include "tests/fuzz/standardised.h"

static void check_folding(const char *text)
{
  char once[KITH_FOLDED_BYTES];
  char twice[KITH_FOLDED_BYTES];
  bool mended;
  size_t len = kith_fold(once, &mended, text);

  require(len == strlen(once) && kith_utf8_valid(once, len));
  if (len > KITH_FIELD_BYTES_MAX) /* of which the second time only a part would be looked at */
    return;
  (void)kith_fold(twice, &mended, once);
  require(strcmp(once, twice) == 0 && !mended);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const enum kith_field fields[] = {KITH_FIELD_GIVEN_NAME, KITH_FIELD_MIDDLE_NAMES,
                                           KITH_FIELD_SURNAME, KITH_FIELD_KNOWN_AS};
  static struct kith_record record;
  static struct kith_record again;
  char text[FUZZ_TEXT_MAX];
  char other[FUZZ_TEXT_MAX + 4];
  enum kith_field field = fields[size % 4];
  enum kith_outcome outcome;

  if (!fuzz_text(text, data, size))
    return 0;
  check_folding(text);
  outcome = fuzz_standardise(&record, field, text, NULL);
  /* "SMITH, John" alone gives a given name and may leave no surname. */
  require((record.values[field].n > 0) ==
              (outcome == KITH_VALUE_FINE || outcome == KITH_VALUE_REPAIRED) ||
          record.values[KITH_FIELD_GIVEN_NAME].n > 0);
  if (size + 2 > KITH_FIELD_BYTES_MAX)
    return 0;
  fuzz_retype(other, text);
  (void)fuzz_standardise(&again, field, other, NULL);
  require(fuzz_same_values(&record.values[field], &again.values[field]));
  require(fuzz_same_values(&record.name_forms, &again.name_forms));
  return 0;
}
