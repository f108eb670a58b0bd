#include "crypto/encode/bloom_cache.h"

#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "crypto/secret.h"

enum {
  PAGE_BYTES = 4096,
  HUGE_PAGE_BYTES = 2 << 20,
  PLACE_ALIGNMENT = 32,
  LEN_SHIFT = 16,
  TEXT_SHIFT = 32
};

enum kith_err kith_bloom_cache_new(struct kith_bloom_cache **out, size_t payload_bytes,
                                   size_t bytes_max)
{
  struct kith_bloom_cache *cache = KITH_NEW(struct kith_bloom_cache);
  size_t head_bytes;
  size_t page;

  if (!cache)
    return KITH_ERR_MEMORY;
  cache->place_bytes = (sizeof(struct kith_bloom_place) + payload_bytes + PLACE_ALIGNMENT - 1) /
                       PLACE_ALIGNMENT * PLACE_ALIGNMENT;
  cache->n_groups = bytes_max / (KITH_BLOOM_WAYS * cache->place_bytes + sizeof *cache->groups);
  if (cache->n_groups == 0)
    cache->n_groups = 1;
  if (cache->n_groups > KITH_BLOOM_NUMBER_MAX / KITH_BLOOM_WAYS)
    cache->n_groups = KITH_BLOOM_NUMBER_MAX / KITH_BLOOM_WAYS;
  head_bytes = (cache->n_groups * sizeof *cache->groups + KITH_BLOOM_LINE_BYTES - 1) /
               KITH_BLOOM_LINE_BYTES * KITH_BLOOM_LINE_BYTES;
  cache->bytes = head_bytes + cache->n_groups * KITH_BLOOM_WAYS * cache->place_bytes;
  page = cache->bytes < HUGE_PAGE_BYTES ? PAGE_BYTES : HUGE_PAGE_BYTES;
  cache->bytes = (cache->bytes + page - 1) / page * page;
  cache->groups = kith_alloc_aligned(page, cache->bytes, 1);
  if (!cache->groups) {
    kith_free(cache);
    return KITH_ERR_MEMORY;
  }
  /* A place is nobody's, whatever is in it, until there is a tag. */
  memset(cache->groups, 0, head_bytes);
  cache->places = (uint8_t *)cache->groups + head_bytes;
  /* Where it fails, core dumps are still off for the programs that hold keys. */
  (void)madvise(cache->groups, cache->bytes, MADV_DONTDUMP);
  *out = cache;
  return KITH_OK;
}

void kith_bloom_cache_free(struct kith_bloom_cache *cache)
{
  if (!cache)
    return;
  /* Most places of a small file were never touched: they are left so. */
  kith_wipe(cache->places, cache->n_used * cache->place_bytes);
  kith_wipe(cache->groups, (size_t)(cache->places - (uint8_t *)cache->groups));
  (void)madvise(cache->groups, cache->bytes, MADV_DODUMP); /* others get these pages */
  kith_free(cache->groups);
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
  return fold(words[0] ^ words[2] * UINT64_C(0x94d049bb133111eb) ^ UINT64_C(0x9e3779b97f4a7c15),
              words[1] ^ words[3] * UINT64_C(0xd6e8feb86659fd93) ^ UINT64_C(0xbf58476d1ce4e5b9));
}

static void words_start(struct kith_bloom_cache_key *out, unsigned field, size_t len)
{
  out->words[0] = (uint64_t)len << LEN_SHIFT | (field + 1);
  out->words[1] = 0;
  out->words[2] = 0;
  out->words[3] = 0;
  out->place = NULL;
}

void kith_bloom_cache_key(struct kith_bloom_cache_key *out, unsigned field, const void *text,
                          size_t len)
{
  if (len > KITH_BLOOM_CACHE_TEXT_BYTES) {
    *out = (struct kith_bloom_cache_key){0};
    return;
  }
  words_start(out, field, len);
  text_load(out->words, text, len);
  out->hash = hash_of(out->words);
}

void kith_bloom_cache_key_tagged(struct kith_bloom_cache_key *out, unsigned field, uint64_t tag,
                                 const void *text, size_t len)
{
  if (len > KITH_BLOOM_CACHE_TAGGED_BYTES) {
    *out = (struct kith_bloom_cache_key){0};
    return;
  }
  words_start(out, field, len);
  text_load(out->words, text, len);
  out->words[3] = tag;
  out->hash = hash_of(out->words);
}

bool kith_bloom_cache_search(const struct kith_bloom_cache *cache, struct kith_bloom_cache_key *key)
{
  const size_t group = kith_bloom_group(cache, key);

  if (!key->words[0])
    return false;
  for (uint64_t alike = kith_bloom_alike(cache->groups[group].tags, kith_bloom_tag(key)); alike;
       alike &= alike - 1) {
    key->way = (unsigned)__builtin_ctzll(alike) / 8;
    key->place = kith_bloom_place(cache, group, key->way);
    if (kith_bloom_is_of(key->place, key))
      return true;
  }
  return false;
}

/* There are as many numbers as places. */
static void number_give(struct kith_bloom_cache *cache, size_t group, unsigned way)
{
  uint8_t *number = cache->groups[group].numbers + way * (size_t)KITH_BLOOM_NUMBER_BYTES;

  for (unsigned i = 0; i < KITH_BLOOM_NUMBER_BYTES; i++)
    number[i] = (uint8_t)(cache->n_used >> 8 * i);
  cache->n_used++;
}

void *kith_bloom_cache_take(struct kith_bloom_cache *cache, const struct kith_bloom_cache_key *key)
{
  size_t group;
  unsigned way;
  uint64_t *tags;
  struct kith_bloom_place *place;

  if (!key->words[0])
    return NULL;
  group = kith_bloom_group(cache, key);
  tags = &cache->groups[group].tags;
  way = (unsigned)(*tags >> KITH_BLOOM_NEXT_SHIFT);
  if (!(*tags >> 8 * way & 0xff))
    number_give(cache, group, way);
  place = kith_bloom_place(cache, group, way);
  memcpy(place->words, key->words, sizeof key->words);
  *tags = (*tags & ~(UINT64_C(0xff) << 8 * way)) | (uint64_t)kith_bloom_tag(key) << 8 * way;
  kith_bloom_used(tags, way);
  return place + 1;
}

void kith_bloom_cache_forget(void *payload)
{
  struct kith_bloom_place *place = (struct kith_bloom_place *)payload - 1;

  /* A text of no field, and not that of a key of nothing, which nobody asks for. The tag stays, and
   * with it the place's number. */
  place->words[0] = 0;
  place->words[1] = 1;
}
