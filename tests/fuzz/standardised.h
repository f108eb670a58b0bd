/* What the targets of the standardiser share: one field of a record, and what holds of any. */
#ifndef KITH_TESTS_FUZZ_STANDARDISED_H
#define KITH_TESTS_FUZZ_STANDARDISED_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "daemon/pipeline/fold.h"
#include "daemon/pipeline/standardise.h"

enum { FUZZ_TEXT_MAX = 2048 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void require(int holds)
{
  if (!holds)
    abort();
}

/* The input as a field of a row: UTF-8 without zeros, as a source gives it; false where it is not
 * one. */
static inline int fuzz_text(char out[FUZZ_TEXT_MAX], const uint8_t *data, size_t size)
{
  if (size >= FUZZ_TEXT_MAX || memchr(data, 0, size) || !kith_utf8_valid((const char *)data, size))
    return 0;
  memcpy(out, data, size);
  out[size] = '\0';
  return 1;
}

static inline void fuzz_check_values(const struct kith_values *values)
{
  require(values->n <= KITH_VALUES_MAX);
  for (unsigned i = 0; i < values->n; i++) {
    size_t len = strnlen(values->text[i], KITH_VALUE_BYTES);

    require(len > 0 && len < KITH_VALUE_BYTES);
    require(kith_utf8_valid(values->text[i], len));
    for (unsigned j = 0; j < i; j++)
      require(strcmp(values->text[i], values->text[j]) != 0);
  }
}

static inline int fuzz_same_values(const struct kith_values *a, const struct kith_values *b)
{
  if (a->n != b->n)
    return 0;
  for (unsigned i = 0; i < a->n; i++)
    if (strcmp(a->text[i], b->text[i]) != 0)
      return 0;
  return 1;
}

/* One field of a row of its own. */
static inline enum kith_outcome fuzz_standardise(struct kith_record *record, enum kith_field field,
                                                 const char *text,
                                                 const struct kith_standardise_options *options)
{
  enum kith_outcome outcomes[KITH_FIELD_COUNT];
  const char *fields[KITH_FIELD_COUNT] = {NULL};

  fields[field] = text;
  kith_standardise(record, outcomes, fields, options);
  require(outcomes[field] < KITH_OUTCOME_COUNT);
  fuzz_check_values(&record->values[field]);
  fuzz_check_values(&record->name_forms);
  return outcomes[field];
}

/* Letters of the other case, and blanks around: nothing that matters. */
static inline void fuzz_retype(char out[FUZZ_TEXT_MAX + 4], const char *text)
{
  *out++ = ' ';
  for (; *text != '\0'; text++)
    *out++ = (char)(*text >= 'a' && *text <= 'z'   ? *text - 'a' + 'A'
                    : *text >= 'A' && *text <= 'Z' ? *text - 'A' + 'a'
                                                   : *text);
  *out++ = ' ';
  *out = '\0';
}

#endif
