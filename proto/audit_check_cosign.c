#include <string.h>

#include "base/mem.h"
#include "proto/audit_check_parts.h"

/* The member's key: of the charter that all is checked with, or, where that has dropped it, of one
 * of the log's that this charter's governance has signed. */
static bool key_of(const struct kith_audit_check *check, const struct kith_audit_book *book,
                   const char *id, uint8_t key[KITH_PUBLIC_BYTES])
{
  const struct kith_member *member = kith_charter_member(check->charter, id);
  struct kith_charter *charter = member ? NULL : KITH_NEW(struct kith_charter);

  for (size_t i = 0; charter && !member && i < book->n_things; i++) {
    const struct kith_signed *document = &book->things[i].charter;

    if (book->things[i].kind == KITH_AUDIT_MORE_CHARTER &&
        kith_signed_verify(document, &check->charter->governance, NULL) == KITH_OK &&
        kith_charter_parse(charter, document->bytes, document->len, "charter", NULL) == KITH_OK)
      member = kith_charter_member(charter, id);
  }
  if (member)
    memcpy(key, member->keys.sign, KITH_PUBLIC_BYTES);
  kith_free(charter);
  return member != NULL;
}

/* Each member counts once, with the longest beginning that it has cosigned. */
static void count(struct kith_audit_book *book, const struct kith_audit_thing *thing)
{
  struct kith_audit_cosigner *cosigner = NULL;

  for (unsigned i = 0; i < book->n_cosigners && !cosigner; i++)
    if (strcmp(book->cosigners[i].member, thing->member) == 0)
      cosigner = &book->cosigners[i];
  if (!cosigner && book->n_cosigners < KITH_COUNT_OF(book->cosigners))
    cosigner = &book->cosigners[book->n_cosigners++];
  if (!cosigner || cosigner->seq >= thing->checkpoint.seq)
    return;
  memcpy(cosigner->member, thing->member, sizeof cosigner->member);
  cosigner->seq = thing->checkpoint.seq;
  cosigner->time = thing->time;
}

static void check_one(struct kith_audit_check *check, struct kith_audit_book *book,
                      const struct kith_audit_thing *thing)
{
  const char *owner = book->report.member;
  const struct kith_checkpoint *checkpoint = &thing->checkpoint;
  struct kith_cosignature cosignature = {.time = thing->time};
  unsigned long long size = checkpoint->seq;
  uint8_t key[KITH_PUBLIC_BYTES];

  memcpy(cosignature.signature, checkpoint->signature, KITH_SIGN_BYTES);
  if (strcmp(owner, thing->member) == 0)
    kith_audit_find(check, owner, "%s: '%s' has cosigned its own log, which counts nothing",
                    book->name, owner);
  else if (!key_of(check, book, thing->member, key))
    kith_audit_find(check, owner, "%s: entry %llu is cosigned by '%s', whom no charter here has",
                    book->name, size, thing->member);
  else if (kith_cosignature_verify(&cosignature, checkpoint, owner, key) != KITH_OK)
    kith_audit_find(check, owner, "%s: the cosignature of entry %llu by '%s' is not signed by '%s'",
                    book->name, size, thing->member, thing->member);
  else if (checkpoint->seq > book->n)
    kith_audit_find(check, owner,
                    "%s: '%s' has cosigned %llu entries of it, and it has %llu: it was cut",
                    book->name, thing->member, size, (unsigned long long)book->n);
  else if (!kith_hash_equal(&checkpoint->root, &book->roots[checkpoint->seq]))
    kith_audit_find(check, owner,
                    "%s: its first %llu entries are not those that '%s' has cosigned: its "
                    "past was rewritten at or before entry %llu",
                    book->name, size, thing->member, size);
  else
    count(book, thing);
}

void kith_audit_check_cosignatures(struct kith_audit_check *check, struct kith_audit_book *book)
{
  for (size_t i = 0; i < book->n_things; i++)
    if (book->things[i].kind == KITH_AUDIT_MORE_COSIGNATURE)
      check_one(check, book, &book->things[i]);
}
