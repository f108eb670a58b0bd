/* Of crypto/encode/ only: what keyed hashing gave for a text, remembered. A table of fixed size
 * with seven places for each hash; a later text takes one that was not used last. Eight bits of
 * each text's hash are apart from the places and mostly in the near caches, so that of the places
 * only the right one is looked at.
 *
 * It holds texts of people and bits under a key: its pages are kept out of core dumps where the
 * kernel can do that, and wiped when freed. Used by one thread. */
#ifndef KITH_CRYPTO_ENCODE_BLOOM_CACHE_H
#define KITH_CRYPTO_ENCODE_BLOOM_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

enum {
  KITH_BLOOM_CACHE_TEXT_BYTES = 28,   /* a longer text is not remembered */
  KITH_BLOOM_CACHE_TAGGED_BYTES = 16, /* of a text with a tag */
  KITH_BLOOM_CACHE_FIELDS_MAX = 4096  /* a field is a number below */
};

struct kith_bloom_cache;
struct kith_bloom_place;

/* As many places as fit into bytes_max, seven at least, for payload_bytes each; payloads are
 * aligned to 32 bytes. */
KITH_MUST_USE enum kith_err kith_bloom_cache_new(struct kith_bloom_cache **out,
                                                 size_t payload_bytes, size_t bytes_max);
void kith_bloom_cache_free(struct kith_bloom_cache *cache);

/* A field's text as it is looked up. */
struct kith_bloom_cache_key {
  uint64_t words[4]; /* 0: too long for the cache */
  uint64_t hash;
  struct kith_bloom_place *place; /* where it is, perhaps, as it was expected; NULL: not known */
  unsigned way;                   /* of its group's places: which that is */
};
void kith_bloom_cache_key(struct kith_bloom_cache_key *out, unsigned field, const void *text,
                          size_t len);
/* The same where a text has several payloads, each under a tag; not in a cache without tags. */
void kith_bloom_cache_key_tagged(struct kith_bloom_cache_key *out, unsigned field, uint64_t tag,
                                 const void *text, size_t len);

/* For a text that is not there: a place that is the key's from now on, its payload undefined, to be
 * filled by the caller; NULL if the text is too long for the cache. */
void *kith_bloom_cache_take(struct kith_bloom_cache *cache, const struct kith_bloom_cache_key *key);
/* Takes back a place whose payload could not be filled. */
void kith_bloom_cache_forget(void *payload);

/* ---- looking up: in the header, because a row is little more than that */

enum {
  KITH_BLOOM_WAYS = 7,
  KITH_BLOOM_NEXT_SHIFT = 56,
  KITH_BLOOM_LINE_BYTES = 64,
  KITH_BLOOM_NUMBER_BYTES = 3,
  KITH_BLOOM_NUMBER_MAX = 0xffffff,
  KITH_BLOOM_NUMBERS_BYTES = 24 /* a group is half a line */
};

/* The payload follows. The first word has the field from 1, the text's length, and four of its
 * bytes; 0: nobody's. */
struct kith_bloom_place {
  uint64_t words[4];
};

/* The places of a hash. Each gets its number when it is first taken, so that those in use are side
 * by side, and what is common, which is met first, in a few pages: a processor knows the addresses
 * of so many, and waits for others twice. */
struct kith_bloom_group {
  /* A byte of each place, from the lowest, 0 where it is empty; in the highest byte, which of them
   * is given away next. */
  uint64_t tags;
  uint8_t numbers[KITH_BLOOM_NUMBERS_BYTES]; /* three bytes each */
};

struct kith_bloom_cache {
  struct kith_bloom_group *groups;
  uint8_t *places;
  size_t place_bytes;
  size_t n_groups;
  size_t n_used; /* places that have a number */
  size_t bytes;  /* of all, one block, whole pages */
};

/* One of n_groups, without a division; by other bits of the hash than the tag. */
static inline size_t kith_bloom_group(const struct kith_bloom_cache *cache,
                                      const struct kith_bloom_cache_key *key)
{
  return (size_t)((unsigned __int128)key->hash * cache->n_groups >> 64);
}

static inline uint8_t kith_bloom_tag(const struct kith_bloom_cache_key *key)
{
  const uint8_t tag = (uint8_t)key->hash;

  return tag ? tag : 1;
}

static inline struct kith_bloom_place *kith_bloom_place(const struct kith_bloom_cache *cache,
                                                        size_t group, unsigned way)
{
  uint32_t number;

  memcpy(&number, cache->groups[group].numbers + way * (size_t)KITH_BLOOM_NUMBER_BYTES,
         sizeof number); /* and a byte of what follows */
  return (struct kith_bloom_place *)(cache->places +
                                     (number & KITH_BLOOM_NUMBER_MAX) * cache->place_bytes);
}

static inline bool kith_bloom_is_of(const struct kith_bloom_place *place,
                                    const struct kith_bloom_cache_key *key)
{
  return ((place->words[0] ^ key->words[0]) | (place->words[1] ^ key->words[1]) |
          (place->words[2] ^ key->words[2]) | (place->words[3] ^ key->words[3])) == 0;
}

/* The highest bit of the bytes that are the tag; above the first of them, of others too. */
static inline uint64_t kith_bloom_alike(uint64_t tags, uint8_t tag)
{
  const uint64_t ones = UINT64_C(0x0001010101010101);
  uint64_t differ = tags ^ tag * ones;

  return (differ - ones) & ~differ & ones << 7;
}

/* Neither tags nor places are in the near caches, often. Says that a key will be asked for: tags
 * are fetched. Then, when they are there: the place is. */
static inline void kith_bloom_cache_expect(const struct kith_bloom_cache *cache,
                                           const struct kith_bloom_cache_key *key)
{
  __builtin_prefetch(&cache->groups[kith_bloom_group(cache, key)]);
}

static inline void kith_bloom_cache_approach(const struct kith_bloom_cache *cache,
                                             struct kith_bloom_cache_key *key)
{
  size_t group = kith_bloom_group(cache, key);
  uint64_t alike = kith_bloom_alike(cache->groups[group].tags, kith_bloom_tag(key));

  if (!alike)
    return;
  key->way = (unsigned)__builtin_ctzll(alike) / 8;
  key->place = kith_bloom_place(cache, group, key->way);
  for (size_t at = 0; at < cache->place_bytes; at += KITH_BLOOM_LINE_BYTES)
    __builtin_prefetch((const uint8_t *)key->place + at);
}

/* Of kith_bloom_cache_find alone: for a key that is not where it was expected. */
bool kith_bloom_cache_search(const struct kith_bloom_cache *cache,
                             struct kith_bloom_cache_key *key);

/* The place that was used last is not given away next. */
static inline void kith_bloom_used(uint64_t *tags, unsigned way)
{
  if (*tags >> KITH_BLOOM_NEXT_SHIFT == way)
    *tags += (way + 1 < KITH_BLOOM_WAYS ? UINT64_C(1) : -(uint64_t)way) << KITH_BLOOM_NEXT_SHIFT;
}

/* The payload of the key's text, NULL if it is not there. */
static inline void *kith_bloom_cache_find(struct kith_bloom_cache *cache,
                                          struct kith_bloom_cache_key *key)
{
  if (!(key->place && kith_bloom_is_of(key->place, key)) && !kith_bloom_cache_search(cache, key))
    return NULL;
  kith_bloom_used(&cache->groups[kith_bloom_group(cache, key)].tags, key->way);
  return key->place + 1;
}

#endif
