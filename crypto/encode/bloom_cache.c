#include "crypto/encode/bloom_cache.h"

#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "crypto/secret.h"

enum {
  PAGE_BYTES = 4096,
  HUGE_PAGE_BYTES = 2 << 20,
  PLACE_ALIGNMENT = 32,
  LINE_BYTES = 64,
  LINES_EXPECTED = 6,
  LEN_SHIFT = 16,
  OLDER_SHIFT = 24,
  TEXT_SHIFT = 32
};
#define OLDER (UINT64_C(1) << OLDER_SHIFT)

/* The head of a place; the payload follows. The first word has the field from 1, the text's
 * length, and four of its bytes; 0: empty. OLDER in a pair's first place says which of the two is
 * given away next. */
struct place {
  uint64_t words[4];
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
  size_t page;

  if (!cache)
    return KITH_ERR_MEMORY;
  cache->place_bytes = (place_bytes + PLACE_ALIGNMENT - 1) / PLACE_ALIGNMENT * PLACE_ALIGNMENT;
  cache->n_places = 2;
  while (cache->n_places * 2 * cache->place_bytes <= bytes_max)
    cache->n_places *= 2;
  cache->bytes = cache->n_places * cache->place_bytes;
  page = cache->bytes < HUGE_PAGE_BYTES ? PAGE_BYTES : HUGE_PAGE_BYTES;
  cache->bytes = (cache->bytes + page - 1) / page * page;
  cache->places = kith_calloc_aligned(page, cache->bytes, 1);
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

/* Both halves of a product: every bit of the two words has its say. */
static uint64_t fold(uint64_t a, uint64_t b)
{
  unsigned __int128 product = (unsigned __int128)a * b;

  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load64(const uint8_t *bytes)
{
  uint64_t word;

  memcpy(&word, bytes, sizeof word);
  return word;
}

static uint32_t load32(const uint8_t *bytes)
{
  uint32_t word;

  memcpy(&word, bytes, sizeof word);
  return word;
}

/* Loads that overlap, and read nothing but the text. With the length, which is in the first word,
 * they tell texts apart; to copy the text into a block of zeros first takes three times as long. */
static void text_load(uint64_t words[4], const uint8_t *text, size_t len)
{
  if (len > KITH_BLOOM_CACHE_TAGGED_BYTES) {
    words[0] |= (uint64_t)load32(text + len - 12) << TEXT_SHIFT; /* up to the last eight */
    words[1] = load64(text);
    words[2] = load64(text + 8);
    words[3] = load64(text + len - 8);
  } else if (len >= 8) {
    words[1] = load64(text);
    words[2] = load64(text + len - 8);
  } else if (len >= 4) {
    words[1] = load32(text) | (uint64_t)load32(text + len - 4) << 32;
  } else if (len > 0) {
    words[1] = text[0] | (uint64_t)text[len / 2] << 8 | (uint64_t)text[len - 1] << 16;
  }
}

/* Spreads well; nothing hangs on more than that. */
static uint64_t hash_of(const uint64_t words[4])
{
  uint64_t hash =
      fold(words[0] ^ UINT64_C(0x9e3779b97f4a7c15), words[1] ^ UINT64_C(0xbf58476d1ce4e5b9)) ^
      fold(words[2] ^ UINT64_C(0x94d049bb133111eb), words[3] ^ UINT64_C(0xd6e8feb86659fd93));

  return fold(hash, UINT64_C(0x9e3779b97f4a7c15));
}

static void words_start(struct kith_bloom_cache_key *out, unsigned field, size_t len)
{
  out->words[0] = (uint64_t)len << LEN_SHIFT | (field + 1);
  out->words[1] = 0;
  out->words[2] = 0;
  out->words[3] = 0;
}

void kith_bloom_cache_key(struct kith_bloom_cache_key *out, unsigned field, const void *text,
                          size_t len)
{
  out->words[0] = 0;
  if (len > KITH_BLOOM_CACHE_TEXT_BYTES)
    return;
  words_start(out, field, len);
  text_load(out->words, text, len);
  out->hash = hash_of(out->words);
}

void kith_bloom_cache_key_tagged(struct kith_bloom_cache_key *out, unsigned field, uint64_t tag,
                                 const void *text, size_t len)
{
  out->words[0] = 0;
  if (len > KITH_BLOOM_CACHE_TAGGED_BYTES)
    return;
  words_start(out, field, len);
  text_load(out->words, text, len);
  out->words[3] = tag;
  out->hash = hash_of(out->words);
}

/* The first of the two. */
static struct place *pair_of(const struct kith_bloom_cache *cache,
                             const struct kith_bloom_cache_key *key)
{
  size_t at = (size_t)key->hash & (cache->n_places - 2);

  return (struct place *)(cache->places + at * cache->place_bytes);
}

void kith_bloom_cache_expect(const struct kith_bloom_cache *cache,
                             const struct kith_bloom_cache_key *key)
{
  const uint8_t *place;

  if (!key->words[0])
    return;
  place = (const uint8_t *)pair_of(cache, key);
  for (size_t at = 0; at < 2 * cache->place_bytes && at < LINES_EXPECTED * LINE_BYTES;
       at += LINE_BYTES)
    __builtin_prefetch(place + at);
}

static bool is_of(const struct place *place, const struct kith_bloom_cache_key *key)
{
  return (((place->words[0] & ~OLDER) ^ key->words[0]) | (place->words[1] ^ key->words[1]) |
          (place->words[2] ^ key->words[2]) | (place->words[3] ^ key->words[3])) == 0;
}

void *kith_bloom_cache_at(struct kith_bloom_cache *cache, bool *hit,
                          const struct kith_bloom_cache_key *key)
{
  struct place *first;
  struct place *second;
  struct place *found;

  if (!key->words[0])
    return NULL;
  first = pair_of(cache, key);
  second = (struct place *)((uint8_t *)first + cache->place_bytes);
  found = is_of(first, key) ? first : is_of(second, key) ? second : NULL;
  *hit = found != NULL;
  if (!found) {
    uint64_t older = first->words[0] & OLDER;

    found = older ? second : first;
    memcpy(found->words, key->words, sizeof key->words);
    first->words[0] = (first->words[0] & ~OLDER) | older;
  }
  /* The other one is the older now. Written only where it changes: most hits change nothing. */
  if (((first->words[0] & OLDER) != 0) == (found == second))
    first->words[0] ^= OLDER;
  return found + 1;
}

void kith_bloom_cache_forget(void *payload)
{
  struct place *place = (struct place *)payload - 1;

  /* A text of no field, which nobody asks for. */
  place->words[0] &= OLDER;
}
