/* Lists of officers, cards and decisions: what is read prints, or writes, to what reads back to the
 * same; and no decision is one by this key. */
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "proto/officer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
  if (!holds)
    abort();
}

static void try_list(const uint8_t *data, size_t size)
{
  static struct kith_officers list;
  static struct kith_officers back;
  struct kith_fault fault;
  struct kith_buf text;
  struct kith_buf again;

  if (kith_officers_parse(&list, data, size, "fuzz", &fault) != KITH_OK)
    return;
  kith_buf_init(&text, 0);
  kith_buf_init(&again, 0);
  require(kith_officers_print(&text, &list) == KITH_OK);
  require(kith_officers_parse(&back, text.bytes, text.len, "again", &fault) == KITH_OK);
  require(kith_officers_print(&again, &back) == KITH_OK);
  require(text.len == again.len && memcmp(text.bytes, again.bytes, text.len) == 0);
  kith_buf_free(&text);
  kith_buf_free(&again);
}

static void try_card(const uint8_t *data, size_t size)
{
  struct kith_officer card;
  struct kith_officer back;
  struct kith_fault fault;
  struct kith_buf text;

  if (kith_officer_card_parse(&card, data, size, "fuzz", &fault) != KITH_OK)
    return;
  kith_buf_init(&text, 0);
  require(kith_officer_card_print(&text, &card) == KITH_OK);
  require(kith_officer_card_parse(&back, text.bytes, text.len, "again", &fault) == KITH_OK);
  require(memcmp(card.key, back.key, sizeof card.key) == 0 && strcmp(card.id, back.id) == 0);
  kith_buf_free(&text);
}

static void try_decision(const uint8_t *data, size_t size)
{
  static struct kith_identity *identity;
  struct kith_officer_decision decision;
  struct kith_officer_question question;
  struct kith_officers list = {.version = 1, .n = 1};
  struct kith_buf again = {0};
  bool locked;

  if (!identity)
    require(kith_crypto_init(&locked) == KITH_OK && kith_identity_new(&identity) == KITH_OK);
  if (kith_officer_decision_read(&decision, data, size) != KITH_OK)
    return;
  kith_officer_decision_write(&again, &decision);
  require(again.len == size && memcmp(again.bytes, data, size) == 0);
  kith_buf_free(&again);
  question = (struct kith_officer_question){
      .member = decision.member, .kind = decision.kind, .subject = decision.subject};
  memcpy(question.round, decision.round, sizeof question.round);
  memcpy(list.member, decision.member, sizeof list.member);
  list.officers[0].expires = INT64_MAX;
  memcpy(list.officers[0].key, identity->public_keys.sign, KITH_PUBLIC_BYTES);
  memcpy(decision.key, identity->public_keys.sign, KITH_PUBLIC_BYTES);
  require(!kith_officer_decisions_satisfy(&list, &question, &decision, 1, 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  try_list(data, size);
  try_card(data, size);
  try_decision(data, size);
  return 0;
}
