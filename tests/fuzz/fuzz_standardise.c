/* A CSV file of records, standardised: values within their bounds, text that stays text, and the
 * same again from what came out. */
#include <string.h>

#include "base/text.h"
#include "daemon/pipeline/source.h"
#include "daemon/pipeline/standardise.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
  if (!holds)
    abort();
}

static void check_values(const struct kith_values *values)
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

static void check_row(const struct kith_source_row *row)
{
  struct kith_record record;
  struct kith_record again;
  enum kith_outcome outcomes[KITH_FIELD_COUNT];
  const struct kith_date *birth = &record.birth;

  kith_standardise(&record, outcomes, row->fields, NULL);
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
    check_values(&record.values[i]);
    require(outcomes[i] < KITH_OUTCOME_COUNT);
    require(row->fields[i] || outcomes[i] == KITH_VALUE_MISSING || i == KITH_FIELD_GIVEN_NAME);
  }
  require(birth->month >= 0 && birth->month <= 12 && birth->day >= 0 && birth->day <= 31);
  if (birth->year && birth->month && birth->day)
    require(kith_date_valid(*birth));
  /* No state: a second time gives the same. */
  kith_standardise(&again, outcomes, row->fields, NULL);
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
    require(record.values[i].n == again.values[i].n);
    for (unsigned j = 0; j < record.values[i].n; j++)
      require(strcmp(record.values[i].text[j], again.values[i].text[j]) == 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct kith_source *source;
  struct kith_source_spec spec;
  struct kith_source_row row;
  struct kith_ids ids;
  char path[64];
  size_t n = 0;
  int fd = fuzz_file_open(path, data, size);

  spec = kith_source_of_file(path);
  if (kith_source_open(&source, &spec, NULL) == KITH_OK) {
    while (kith_source_next(source, &row, NULL) == KITH_OK) {
      n++;
      if (row.rule == KITH_ROW_FINE)
        check_row(&row);
    }
    kith_source_take_ids(source, &ids);
    require(ids.n == n);
    kith_ids_free(&ids);
    kith_source_free(source);
  }
  close(fd);
  return 0;
}
