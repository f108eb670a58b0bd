/* The reader of requests: what it takes, written again by its writer, is the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct kith_request request;
  struct kith_buf again = {0};

  if (kith_request_read(&request, data, size) == KITH_OK) {
    if (kith_request_write(&again, &request) != KITH_OK || again.len != size ||
        memcmp(again.bytes, data, size) != 0)
      abort();
    kith_buf_free(&again);
  }
  kith_request_free(&request);
  return 0;
}
