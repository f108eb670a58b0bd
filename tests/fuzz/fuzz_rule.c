/* A rule that parses can be evaluated over every set of four services. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proto/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char services[4][KITH_MEMBER_ID_BYTES] = {"police", "health", "a", "b_2"};
  struct kith_rule *rule;
  struct kith_fault fault;
  char *text = kith_calloc(size + 1, 1);
  unsigned holds = 0;

  if (!text)
    abort();
  memcpy(text, data, size);
  if (kith_rule_parse(&rule, text, services, 4, &fault) == KITH_OK) {
    for (uint32_t present = 0; present < 16; present++)
      holds += kith_rule_holds(rule, present);
    if (holds > 16)
      abort();
    kith_rule_free(rule);
  }
  kith_free(text);
  return 0;
}
