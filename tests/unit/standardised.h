/* Known answers of the standardiser: one field of a record, read and written out. */
#ifndef KITH_TESTS_STANDARDISED_H
#define KITH_TESTS_STANDARDISED_H

#include "tests/unit/unit.h"

#include "base/mem.h"
#include "daemon/pipeline/standardise.h"

/* One field of a record on its own: "a|b (outcome)". */
static inline const char *standardised_with(enum kith_field field, const char *text,
                                            const struct kith_standardise_options *options)
{
  static char out[KITH_VALUES_MAX * KITH_VALUE_BYTES + 32];
  static struct kith_record record;
  enum kith_outcome outcomes[KITH_FIELD_COUNT];
  const char *fields[KITH_FIELD_COUNT] = {NULL};
  size_t len = 0;

  fields[field] = text;
  kith_standardise(&record, outcomes, fields, options);
  for (unsigned i = 0; i < record.values[field].n; i++)
    len += (size_t)snprintf(out + len, sizeof out - len, "%s%s", i ? "|" : "",
                            record.values[field].text[i]);
  snprintf(out + len, sizeof out - len, "%s(%s)", len ? " " : "",
           kith_outcome_name(outcomes[field]));
  return out;
}

struct answer {
  const char *text;
  const char *expected;
};

static inline void check_answers_with(enum kith_field field, const struct answer *answers, size_t n,
                                      const struct kith_standardise_options *options)
{
  for (size_t i = 0; i < n; i++)
    assert_string_equal(standardised_with(field, answers[i].text, options), answers[i].expected);
}

static inline void check_answers(enum kith_field field, const struct answer *answers, size_t n)
{
  check_answers_with(field, answers, n, NULL);
}

#endif
