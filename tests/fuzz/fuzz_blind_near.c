/* The reader of the histograms of a blind submission: what it takes is written back as it was. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proto/blind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const struct kith_blind_layout layout = {.n_fields = 6};
  struct kith_blind_histogram histograms[KITH_BLIND_STEPS];
  uint8_t *bytes = NULL;
  size_t len = 0;

  if (kith_blind_histograms_read(histograms, data, size, &layout, 1000) != KITH_OK)
    return 0;
  if (kith_blind_histograms_write(&bytes, &len, histograms, size) != KITH_OK || len != size ||
      memcmp(bytes, data, len) != 0)
    abort();
  kith_free(bytes);
  for (unsigned step = 0; step < KITH_BLIND_STEPS; step++)
    kith_blind_histogram_free(&histograms[step]);
  return 0;
}
