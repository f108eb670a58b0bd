/* Of crypto/encode/ only: what keyed hashing gave for a text, remembered. A table of fixed size
 * with two places for each hash; a later text takes the place that was used less lately.
 *
 * It holds texts of people and bits under a key: its pages are kept out of core dumps where the
 * kernel can do that, and wiped when freed. Used by one thread. */
#ifndef KITH_CRYPTO_ENCODE_BLOOM_CACHE_H
#define KITH_CRYPTO_ENCODE_BLOOM_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
  KITH_BLOOM_CACHE_TEXT_BYTES = 28,   /* a longer text is not remembered */
  KITH_BLOOM_CACHE_TAGGED_BYTES = 16, /* of a text with a tag */
  KITH_BLOOM_CACHE_FIELDS_MAX = 4096  /* a field is a number below */
};

struct kith_bloom_cache;

/* As many places as fit into bytes_max, rounded down to a power of two, for payload_bytes each;
 * payloads are aligned to 32 bytes. */
KITH_MUST_USE enum kith_err kith_bloom_cache_new(struct kith_bloom_cache **out,
                                                 size_t payload_bytes, size_t bytes_max);
void kith_bloom_cache_free(struct kith_bloom_cache *cache);

/* A field's text as it is looked up. */
struct kith_bloom_cache_key {
  uint64_t words[4]; /* 0: too long for the cache */
  uint64_t hash;
};
void kith_bloom_cache_key(struct kith_bloom_cache_key *out, unsigned field, const void *text,
                          size_t len);
/* The same where a text has several payloads, each under a tag; not in a cache without tags. */
void kith_bloom_cache_key_tagged(struct kith_bloom_cache_key *out, unsigned field, uint64_t tag,
                                 const void *text, size_t len);

/* Says that a key will be asked for soon: a place is rarely in the processor's near caches. */
void kith_bloom_cache_expect(const struct kith_bloom_cache *cache,
                             const struct kith_bloom_cache_key *key);
/* The payload that belongs to the key, NULL if its text is too long for the cache. Where *hit is
 * false the place is the key's from now on, its payload undefined, and the caller fills it. */
void *kith_bloom_cache_at(struct kith_bloom_cache *cache, bool *hit,
                          const struct kith_bloom_cache_key *key);
/* Takes back a place whose payload could not be filled. */
void kith_bloom_cache_forget(void *payload);

#endif
