#include "cli/intern.h"

#include <string.h>

#include "base/mem.h"

enum { FIRST_SLOTS = 1024 };

/* FNV-1a, 64 bits. */
static uint64_t hash_of(const char *string)
{
  uint64_t hash = UINT64_C(0xcbf29ce484222325);

  for (; *string; string++)
    hash = (hash ^ (unsigned char)*string) * UINT64_C(0x100000001b3);
  return hash ^ hash >> 32;
}

/* The slot that holds the string, or the free one where it would go. */
static size_t slot_of(const struct kith_intern *intern, const char *string)
{
  size_t slot = hash_of(string) & (intern->n_slots - 1);

  while (intern->slots[slot] &&
         strcmp(kith_intern_at(intern, intern->slots[slot] - 1), string) != 0)
    slot = (slot + 1) & (intern->n_slots - 1);
  return slot;
}

/* At most half of the slots are in use. */
static enum kith_err grow_slots(struct kith_intern *intern)
{
  size_t n_slots = intern->n_slots ? 2 * intern->n_slots : FIRST_SLOTS;
  uint32_t *slots = KITH_NEW_ARRAY(uint32_t, n_slots);

  if (!slots)
    return KITH_ERR_MEMORY;
  kith_free(intern->slots);
  intern->slots = slots;
  intern->n_slots = n_slots;
  for (uint32_t i = 0; i < intern->n; i++)
    slots[slot_of(intern, kith_intern_at(intern, i))] = i + 1;
  return KITH_OK;
}

static enum kith_err make_room(struct kith_intern *intern, size_t len)
{
  if (intern->n == intern->room) {
    uint32_t room = intern->room ? 2 * intern->room : FIRST_SLOTS;
    size_t *offsets = NULL;

    if (intern->n > UINT32_MAX / 4)
      return KITH_ERR_LIMIT;
    offsets = kith_realloc(intern->offsets, room, sizeof *offsets);
    if (!offsets)
      return KITH_ERR_MEMORY;
    intern->offsets = offsets;
    intern->room = room;
  }
  if (intern->text_room - intern->text_len <= len) {
    size_t room = 2 * intern->text_room + len + 1;
    char *text = kith_realloc(intern->text, room, 1);

    if (!text)
      return KITH_ERR_MEMORY;
    intern->text = text;
    intern->text_room = room;
  }
  return intern->n_slots / 2 <= intern->n ? grow_slots(intern) : KITH_OK;
}

enum kith_err kith_intern_add(struct kith_intern *intern, uint32_t *number, const char *string)
{
  size_t len = strlen(string);
  enum kith_err err = make_room(intern, len);
  size_t slot;

  if (err)
    return err;
  slot = slot_of(intern, string);
  if (!intern->slots[slot]) {
    memcpy(intern->text + intern->text_len, string, len + 1);
    intern->offsets[intern->n++] = intern->text_len;
    intern->text_len += len + 1;
    intern->slots[slot] = intern->n;
  }
  *number = intern->slots[slot] - 1;
  return KITH_OK;
}

uint32_t kith_intern_find(const struct kith_intern *intern, const char *string)
{
  uint32_t held = intern->n ? intern->slots[slot_of(intern, string)] : 0;

  return held ? held - 1 : KITH_INTERN_NONE;
}

const char *kith_intern_at(const struct kith_intern *intern, uint32_t number)
{
  return intern->text + intern->offsets[number];
}

void kith_intern_free(struct kith_intern *intern)
{
  kith_free(intern->text);
  kith_free(intern->offsets);
  kith_free(intern->slots);
  *intern = (struct kith_intern){0};
}
