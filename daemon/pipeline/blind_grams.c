/* Q-grams by number: names of a city have a few thousand different ones, so that what a key makes
 * of each is computed once for each peer. Open addressing, grown at two thirds. */
#include <string.h>

#include "base/mem.h"
#include "crypto/encode/signature.h"
#include "crypto/secret.h"
#include "daemon/pipeline/blind.h"
#include "daemon/pipeline/block.h"

enum { SLOTS_FIRST = 1 << 12, TEXT_FIRST = 1 << 15 };

struct gram {
  uint32_t text; /* offset */
  uint8_t len;
  uint8_t field;
};

struct kith_blind_grams {
  uint32_t *slots; /* owned; number + 1, 0: free */
  size_t n_slots;
  struct gram *grams; /* owned */
  size_t n;
  size_t cap;
  char *text; /* owned */
  size_t text_len;
  size_t text_cap;
};

void kith_blind_grams_free(struct kith_blind_grams *grams)
{
  if (!grams)
    return;
  kith_free(grams->slots);
  kith_free(grams->grams);
  kith_free_wiped(grams->text, grams->text_cap);
  kith_free(grams);
}

static struct kith_blind_grams *grams_new(void)
{
  struct kith_blind_grams *grams = KITH_NEW(struct kith_blind_grams);

  if (!grams)
    return NULL;
  grams->n_slots = SLOTS_FIRST;
  grams->cap = SLOTS_FIRST / 2;
  grams->text_cap = TEXT_FIRST;
  grams->slots = KITH_NEW_ARRAY(uint32_t, grams->n_slots);
  grams->grams = KITH_NEW_ARRAY(struct gram, grams->cap);
  grams->text = kith_calloc(grams->text_cap, 1);
  if (grams->slots && grams->grams && grams->text)
    return grams;
  grams->text_cap = grams->text ? grams->text_cap : 0;
  kith_blind_grams_free(grams);
  return NULL;
}

/* FNV-1a: its place in a table is all that hangs on it. */
static uint64_t hash_of(unsigned field, const char *bytes, unsigned len)
{
  uint64_t hash = (UINT64_C(0xcbf29ce484222325) ^ field) * UINT64_C(0x100000001b3);

  for (unsigned i = 0; i < len; i++)
    hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
  return hash ^ hash >> 29;
}

static uint32_t *slot_of(const struct kith_blind_grams *grams, unsigned field, const char *bytes,
                         unsigned len)
{
  size_t at = hash_of(field, bytes, len) & (grams->n_slots - 1);

  for (;; at = (at + 1) & (grams->n_slots - 1)) {
    const struct gram *gram;

    if (!grams->slots[at])
      return &grams->slots[at];
    gram = &grams->grams[grams->slots[at] - 1];
    if (gram->field == field && gram->len == len &&
        memcmp(grams->text + gram->text, bytes, len) == 0)
      return &grams->slots[at];
  }
}

static enum kith_err grow(struct kith_blind_grams *grams)
{
  uint32_t *slots = KITH_NEW_ARRAY(uint32_t, grams->n_slots * 2);
  enum kith_err err =
      slots ? kith_wiping_grow(&grams->grams, grams->n, grams->cap * 2, sizeof *grams->grams)
            : KITH_ERR_MEMORY;

  if (err != KITH_OK) {
    kith_free(slots);
    return err;
  }
  kith_free(grams->slots);
  grams->slots = slots;
  grams->n_slots *= 2;
  grams->cap *= 2;
  for (size_t i = 0; i < grams->n; i++) {
    const struct gram *gram = &grams->grams[i];

    *slot_of(grams, gram->field, grams->text + gram->text, gram->len) = (uint32_t)i + 1;
  }
  return KITH_OK;
}

enum kith_err kith_blind_grams_add(uint32_t *out, struct kith_blind_grams **of, unsigned field,
                                   const char *bytes, unsigned len)
{
  struct kith_blind_grams *grams = *of;
  enum kith_err err = KITH_OK;
  uint32_t *slot;

  if (!grams && !(*of = grams = grams_new()))
    return KITH_ERR_MEMORY;
  len = len < KITH_GRAM_BYTES ? len : KITH_GRAM_BYTES;
  if (grams->n == grams->cap && (err = grow(grams)) != KITH_OK)
    return err;
  slot = slot_of(grams, field, bytes, len);
  if (!*slot) {
    if (grams->text_len + len > grams->text_cap) {
      if ((err = kith_wiping_grow(&grams->text, grams->text_len, grams->text_cap * 2, 1)) !=
          KITH_OK)
        return err;
      grams->text_cap *= 2;
    }
    memcpy(grams->text + grams->text_len, bytes, len);
    grams->grams[grams->n++] =
        (struct gram){(uint32_t)grams->text_len, (uint8_t)len, (uint8_t)field};
    grams->text_len += len;
    *slot = (uint32_t)grams->n;
  }
  *out = *slot - 1;
  return KITH_OK;
}

size_t kith_blind_grams_n(const struct kith_blind_grams *grams)
{
  return grams ? grams->n : 0;
}

void kith_blind_grams_seed(uint32_t *seeds, const struct kith_blind_grams *grams,
                           const struct kith_blind_key *key)
{
  for (size_t i = 0; grams && i < grams->n; i++) {
    const struct kith_gram gram = {grams->text + grams->grams[i].text, grams->grams[i].len};

    seeds[i] = kith_gram_seed(key, grams->grams[i].field, &gram);
  }
}
