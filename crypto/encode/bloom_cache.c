#include "crypto/encode/bloom_cache.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "crypto/secret.h"

enum { PAGE_BYTES = 4096, PLACE_ALIGNMENT = 32, LINE_BYTES = 64, LINES_EXPECTED = 6 };

/* The head of a place; the payload follows. */
struct place {
  uint8_t field; /* 1-based; 0: empty */
  uint8_t len;
  uint8_t older; /* of a pair's first place: the one to be given away next, 0 or 1 */
  uint8_t text[KITH_BLOOM_CACHE_TEXT_BYTES];
};

struct kith_bloom_cache {
  uint8_t *places;
  size_t place_bytes;
  size_t n_places; /* a power of two, 2 or more; those of a hash are next to each other */
  size_t bytes;    /* whole pages */
};

enum kith_err kith_bloom_cache_new(struct kith_bloom_cache **out, size_t payload_bytes,
                                   size_t bytes_max)
{
  struct kith_bloom_cache *cache = KITH_NEW(struct kith_bloom_cache);
  size_t place_bytes = sizeof(struct place) + payload_bytes;

  if (!cache)
    return KITH_ERR_MEMORY;
  cache->place_bytes = (place_bytes + PLACE_ALIGNMENT - 1) / PLACE_ALIGNMENT * PLACE_ALIGNMENT;
  cache->n_places = 2;
  while (cache->n_places * 2 * cache->place_bytes <= bytes_max)
    cache->n_places *= 2;
  cache->bytes = cache->n_places * cache->place_bytes;
  cache->bytes = (cache->bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
  cache->places = kith_calloc_aligned(PAGE_BYTES, cache->bytes, 1);
  if (!cache->places) {
    kith_free(cache);
    return KITH_ERR_MEMORY;
  }
  /* Where it fails, core dumps are still off for the programs that hold keys. */
  (void)madvise(cache->places, cache->bytes, MADV_DONTDUMP);
  *out = cache;
  return KITH_OK;
}

void kith_bloom_cache_free(struct kith_bloom_cache *cache)
{
  if (!cache)
    return;
  kith_wipe(cache->places, cache->bytes);
  (void)madvise(cache->places, cache->bytes, MADV_DODUMP); /* others get these pages */
  kith_free(cache->places);
  kith_free(cache);
}

static uint64_t word_at(const uint8_t *bytes, size_t len)
{
  uint64_t word = 0;

  memcpy(&word, bytes, len < sizeof word ? len : sizeof word);
  return word;
}

/* Spreads well; nothing hangs on more than that. */
static size_t hash_of(unsigned field, const uint8_t *text, size_t len)
{
  uint64_t hash = (field + 1) * UINT64_C(0x9e3779b97f4a7c15) + len;

  for (size_t at = 0; at < len; at += sizeof hash) {
    hash = (hash ^ word_at(text + at, len - at)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash ^= hash >> 29;
  }
  return (size_t)(hash * UINT64_C(0x94d049bb133111eb) >> 32);
}

/* The first of the two. */
static struct place *pair_of(const struct kith_bloom_cache *cache, unsigned field, const void *text,
                             size_t len)
{
  size_t at = hash_of(field, text, len) & (cache->n_places - 2);

  return (struct place *)(cache->places + at * cache->place_bytes);
}

void kith_bloom_cache_expect(const struct kith_bloom_cache *cache, unsigned field, const void *text,
                             size_t len)
{
  const uint8_t *place;

  if (len > KITH_BLOOM_CACHE_TEXT_BYTES)
    return;
  place = (const uint8_t *)pair_of(cache, field, text, len);
  for (size_t at = 0; at < 2 * cache->place_bytes && at < LINES_EXPECTED * LINE_BYTES;
       at += LINE_BYTES)
    __builtin_prefetch(place + at);
}

static bool is_of(const struct place *place, unsigned field, const void *text, size_t len)
{
  return place->field == field + 1 && place->len == len && memcmp(place->text, text, len) == 0;
}

void *kith_bloom_cache_at(struct kith_bloom_cache *cache, bool *hit, unsigned field,
                          const void *text, size_t len)
{
  struct place *pair[2];
  struct place *place;
  uint8_t which;

  if (len > KITH_BLOOM_CACHE_TEXT_BYTES)
    return NULL;
  pair[0] = pair_of(cache, field, text, len);
  pair[1] = (struct place *)((uint8_t *)pair[0] + cache->place_bytes);
  which = is_of(pair[0], field, text, len) ? 0 : is_of(pair[1], field, text, len) ? 1 : 2;
  *hit = which < 2;
  if (!*hit)
    which = pair[0]->older;
  pair[0]->older = 1 - which;
  place = pair[which];
  if (!*hit) {
    place->field = (uint8_t)(field + 1);
    place->len = (uint8_t)len;
    memcpy(place->text, text, len);
  }
  return place + 1;
}

void kith_bloom_cache_forget(void *payload)
{
  struct place *place = (struct place *)payload - 1;

  place->field = 0;
}
