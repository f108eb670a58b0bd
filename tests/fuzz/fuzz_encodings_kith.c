/* The reader of kith encodings files. What it takes must hold the promises of the header, and
 * come out of the writer as it went in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/encodings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct kith_encodings enc;
  struct kith_fault fault;
  if (kith_encodings_parse_kith(&enc, data, size, "input", &fault) != KITH_OK) {
    if (enc.filters || enc.masks)
      abort();
    return 0;
  }
  if (kith_encodings_check(&enc, "input", &fault) != KITH_OK)
    abort();
  char *bytes = NULL;
  size_t len = 0;
  FILE *stream = open_memstream(&bytes, &len);
  if (!stream || kith_encodings_print(stream, &enc, KITH_ENCODINGS_KITH) != KITH_OK ||
      fclose(stream) != 0 || len != size || memcmp(bytes, data, len) != 0)
    abort();
  free(bytes);
  kith_encodings_free(&enc);
  return 0;
}
