/* The reader of replies: what it takes, written again by its writer, is the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct kith_reply reply;
  struct kith_buf again = {0};

  if (kith_reply_read(&reply, data, size) == KITH_OK) {
    if (kith_reply_write(&again, &reply) != KITH_OK || again.len != size ||
        memcmp(again.bytes, data, size) != 0)
      abort();
    kith_buf_free(&again);
  }
  kith_reply_free(&reply);
  return 0;
}
