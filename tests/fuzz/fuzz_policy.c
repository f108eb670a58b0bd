/* A policy that is read prints to a text that reads back to the same. */
#include <stdlib.h>
#include <string.h>

#include "proto/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
  if (!holds)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static struct kith_policy policy;
  static struct kith_policy back;
  struct kith_fault fault;
  struct kith_buf text;
  struct kith_buf again;

  if (kith_policy_parse(&policy, data, size, "fuzz", &fault) != KITH_OK)
    return 0;
  kith_buf_init(&text, 0);
  kith_buf_init(&again, 0);
  require(kith_policy_print(&text, &policy) == KITH_OK);
  require(kith_policy_parse(&back, text.bytes, text.len, "again", &fault) == KITH_OK);
  require(kith_policy_print(&again, &back) == KITH_OK);
  require(text.len == again.len && memcmp(text.bytes, again.bytes, text.len) == 0);
  kith_buf_free(&text);
  kith_buf_free(&again);
  return 0;
}
