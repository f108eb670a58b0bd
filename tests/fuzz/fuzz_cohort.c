/* A cohort list: what is read is written to the same bytes, and its records are where it says. */
#include <stdlib.h>
#include <string.h>

#include "proto/release.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
  if (!holds)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct kith_cohort cohort;
  struct kith_fault fault = {0};
  struct kith_buf written = {0};
  struct kith_hash root;
  bool locked;
  enum kith_err err;

  require(kith_crypto_init(&locked) == KITH_OK);
  err = kith_cohort_read(&cohort, data, size, &fault);
  require(err == KITH_OK || (err == KITH_ERR_DATA && fault.text[0]));
  if (err != KITH_OK)
    return 0;
  for (size_t i = 0; i < cohort.n_people; i++)
    require(cohort.people[i].first + cohort.people[i].n_records <= cohort.n_records);
  kith_cohort_root(&root, &cohort);
  require(kith_cohort_write(&written, &cohort) == KITH_OK);
  require(written.len == size && memcmp(written.bytes, data, size) == 0);
  kith_buf_free(&written);
  kith_cohort_free(&cohort);
  return 0;
}
