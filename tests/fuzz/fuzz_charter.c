/* A charter or a member's card that is read prints to a text that reads back to the same. */
#include <stdlib.h>
#include <string.h>

#include "proto/charter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
  if (!holds)
    abort();
}

static void try_charter(const uint8_t *data, size_t size)
{
  static struct kith_charter charter;
  static struct kith_charter back;
  struct kith_fault fault;
  struct kith_buf text;
  struct kith_buf again;

  if (kith_charter_parse_draft(&charter, data, size, "fuzz", &fault) != KITH_OK)
    return;
  kith_buf_init(&text, 0);
  kith_buf_init(&again, 0);
  require(kith_charter_print(&text, &charter) == KITH_OK);
  require(kith_charter_parse_draft(&back, text.bytes, text.len, "again", &fault) == KITH_OK);
  require(kith_charter_print(&again, &back) == KITH_OK);
  require(text.len == again.len && memcmp(text.bytes, again.bytes, text.len) == 0);
  kith_buf_free(&text);
  kith_buf_free(&again);
}

static void try_member(const uint8_t *data, size_t size)
{
  struct kith_member member;
  struct kith_member back;
  struct kith_fault fault;
  struct kith_buf text;

  if (kith_member_parse(&member, data, size, "fuzz", &fault) != KITH_OK)
    return;
  kith_buf_init(&text, 0);
  require(kith_member_print(&text, &member) == KITH_OK);
  require(kith_member_parse(&back, text.bytes, text.len, "again", &fault) == KITH_OK);
  require(strcmp(member.id, back.id) == 0 && member.role == back.role);
  kith_buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  try_charter(data, size);
  try_member(data, size);
  return 0;
}
