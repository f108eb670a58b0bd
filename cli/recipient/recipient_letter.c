/* A recipient's letter to an agency: begun, signed, sealed and kept. From then on these bytes are
 * sent, and no others. */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/recipient/recipient.h"

enum kith_err kith_asked_begin(struct kith_asked *asked, const struct kith_home *home,
                               const kith_round_id round, const char *agency,
                               enum kith_letter_kind kind)
{
  struct kith_letter *letter = KITH_NEW(struct kith_letter);

  if (!letter)
    return KITH_ERR_MEMORY;
  asked->letter = letter;
  asked->kind = letter->kind = kind;
  asked->state = KITH_ASKED_WRITTEN;
  memcpy(asked->round, round, sizeof asked->round);
  memcpy(letter->round, round, sizeof letter->round);
  memcpy(letter->author, home->config.id, sizeof letter->author);
  memcpy(letter->reader, agency, strlen(agency) + 1);
  letter->time = kith_clock_now();
  return KITH_OK;
}

enum kith_err kith_asked_seal(const struct kith_recipient *recipient, struct kith_asked *asked,
                              const struct kith_home *home, const struct kith_charter *charter,
                              enum kith_audit_event event)
{
  const struct kith_letter *letter = asked->letter;
  const struct kith_member *member = kith_charter_member(charter, letter->reader);
  struct kith_envelope envelope = {.kind = letter->kind};
  struct kith_buf bytes;
  enum kith_err err;

  if (!member)
    return KITH_ERR_NOT_FOUND;
  kith_buf_init(&bytes, KITH_LETTER_BYTES_MAX);
  err = kith_letter_write(&bytes, letter, home->identity);
  if (err != KITH_OK) {
    kith_buf_free(&bytes);
    return err;
  }
  asked->bytes = bytes.bytes;
  asked->len = bytes.len;
  kith_letter_hash(&asked->id, asked->kind, asked->bytes, asked->len);
  memcpy(envelope.round, letter->round, sizeof envelope.round);
  memcpy(envelope.author, letter->author, sizeof envelope.author);
  memcpy(envelope.reader, letter->reader, sizeof envelope.reader);
  err = kith_letter_seal(&asked->sealed, &asked->sealed_len, member->keys.seal, &envelope,
                         asked->bytes, asked->len);
  return err == KITH_OK ? kith_asked_put(recipient, asked, event) : err;
}
