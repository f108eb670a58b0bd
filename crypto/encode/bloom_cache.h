/* Of crypto/encode/bloom.c only: what keyed hashing gave for a text, remembered. A table of fixed
 * size with two places for each hash; a later text takes the place that was used less lately.
 *
 * It holds texts of people and bits under a key: its pages are kept out of core dumps where the
 * kernel can do that, and wiped when freed. Used by one thread. */
#ifndef KITH_CRYPTO_ENCODE_BLOOM_CACHE_H
#define KITH_CRYPTO_ENCODE_BLOOM_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { KITH_BLOOM_CACHE_TEXT_BYTES = 29 }; /* a longer text is not remembered */

struct kith_bloom_cache;

/* As many places as fit into bytes_max, rounded down to a power of two, for payload_bytes each. */
KITH_MUST_USE enum kith_err kith_bloom_cache_new(struct kith_bloom_cache **out,
                                                 size_t payload_bytes, size_t bytes_max);
void kith_bloom_cache_free(struct kith_bloom_cache *cache);

/* The payload that belongs to a field's text, NULL if it is too long for the cache. Where *hit is
 * false the place is the text's from now on, its payload undefined, and the caller fills it. */
void *kith_bloom_cache_at(struct kith_bloom_cache *cache, bool *hit, unsigned field,
                          const void *text, size_t len);
/* Says that a text will be asked for soon: a place is rarely in the processor's near caches. */
void kith_bloom_cache_expect(const struct kith_bloom_cache *cache, unsigned field, const void *text,
                             size_t len);
/* Takes back a place whose payload could not be filled. */
void kith_bloom_cache_forget(void *payload);

#endif
