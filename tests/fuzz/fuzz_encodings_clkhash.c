/* The reader of clkhash JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "proto/encodings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct kith_encodings enc;
  struct kith_fault fault;
  if (kith_encodings_parse_clkhash(&enc, data, size, "input", &fault) != KITH_OK) {
    if (enc.filters || enc.masks)
      abort();
    return 0;
  }
  if (enc.has_schema || enc.masks || kith_encodings_check(&enc, "input", &fault) != KITH_OK)
    abort();
  kith_encodings_free(&enc);
  return 0;
}
