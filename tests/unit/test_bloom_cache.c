#include "base/mem.h"
#include "crypto/encode/bloom_cache.h"
#include "crypto/secret.h"
#include "tests/unit/unit.h"

enum { PAYLOAD = 48, BYTES = 1 << 20 };

/* A sanitizer sees what is read beside the text: it is in a block of its own length. */
static void key_of(struct kith_bloom_cache_key *out, unsigned field, const char *text, size_t len)
{
  char *exact = len ? kith_memdup(text, len) : NULL;

  kith_bloom_cache_key(out, field, exact, len);
  kith_free(exact);
}

static void *find_or_take(struct kith_bloom_cache *cache, bool *hit,
                          struct kith_bloom_cache_key *key)
{
  void *payload = kith_bloom_cache_find(cache, key);

  *hit = payload != NULL;
  return payload ? payload : kith_bloom_cache_take(cache, key);
}

static uint8_t *ask(struct kith_bloom_cache *cache, bool *hit, unsigned field, const char *text)
{
  struct kith_bloom_cache_key key;

  key_of(&key, field, text, strlen(text));
  kith_bloom_cache_expect(cache, &key);
  kith_bloom_cache_approach(cache, &key);
  return find_or_take(cache, hit, &key);
}

/* Texts of every length, which differ in one byte at any place, are told apart. */
static void texts_apart(void **state)
{
  struct kith_bloom_cache *cache = NULL;
  char text[KITH_BLOOM_CACHE_TEXT_BYTES + 2];
  bool hit = false;

  (void)state;
  assert_int_equal(kith_bloom_cache_new(&cache, PAYLOAD, BYTES), KITH_OK);
  for (size_t len = 0; len <= KITH_BLOOM_CACHE_TEXT_BYTES; len++)
    for (size_t at = 0; at <= len; at++) {
      struct kith_bloom_cache_key keys[2];
      uint8_t *payload;

      memset(text, 'a', sizeof text);
      text[len] = '\0';
      key_of(&keys[0], 5, text, len);
      if (at < len)
        text[at] = 'b';
      key_of(&keys[1], at < len ? 5 : 6, text, len);
      assert_true(memcmp(keys[0].words, keys[1].words, sizeof keys[0].words) != 0);
      payload = find_or_take(cache, &hit, &keys[1]);
      assert_false(hit);
      assert_int_equal((uintptr_t)payload % 32, 0);
      memset(payload, (int)(len + at), PAYLOAD);
      payload = find_or_take(cache, &hit, &keys[1]);
      assert_true(hit);
      assert_int_equal(payload[PAYLOAD - 1], len + at);
    }
  memset(text, 'a', sizeof text);
  text[sizeof text - 1] = '\0';
  assert_null(ask(cache, &hit, 0, text));
  kith_bloom_cache_free(cache);
  kith_bloom_cache_free(NULL);
}

static void tags_apart(void **state)
{
  struct kith_bloom_cache *cache = NULL;
  struct kith_bloom_cache_key key;
  bool hit = false;

  (void)state;
  assert_int_equal(kith_bloom_cache_new(&cache, PAYLOAD, BYTES), KITH_OK);
  for (unsigned round = 0; round < 2; round++)
    for (uint64_t tag = 0; tag < 50; tag++) {
      kith_bloom_cache_key_tagged(&key, 1, tag << 32 | 7, "ab", 2);
      *(uint64_t *)find_or_take(cache, &hit, &key) += tag;
      assert_int_equal(hit, round);
    }
  kith_bloom_cache_key_tagged(&key, 1, 0, "12345678901234567", 17);
  assert_null(find_or_take(cache, &hit, &key));
  kith_bloom_cache_free(cache);
}

/* However many texts there are, what is found is what was put in, and the later one of two stays.
 */
static void given_away(void **state)
{
  struct kith_bloom_cache *cache = NULL;
  bool hit = false;
  unsigned n_hits = 0;

  (void)state;
  assert_int_equal(kith_bloom_cache_new(&cache, PAYLOAD, 4096), KITH_OK);
  for (unsigned i = 0; i < 20000; i++) {
    char text[16];
    uint8_t *payload;
    unsigned value = i * 2654435761u % 100;

    (void)snprintf(text, sizeof text, "text %u", value);
    payload = ask(cache, &hit, 0, text);
    if (hit)
      assert_int_equal(payload[0], value);
    n_hits += hit;
    payload[0] = (uint8_t)value;
    payload = ask(cache, &hit, 0, text);
    assert_true(hit && payload[0] == value);
  }
  assert_true(n_hits > 1000 && n_hits < 19000);
  kith_bloom_cache_free(cache);
}

static void forgotten(void **state)
{
  struct kith_bloom_cache *cache = NULL;
  bool hit = true;

  (void)state;
  assert_int_equal(kith_bloom_cache_new(&cache, PAYLOAD, 4096), KITH_OK);
  for (unsigned i = 0; i < 4; i++) {
    kith_bloom_cache_forget(ask(cache, &hit, 0, "a"));
    assert_false(hit);
  }
  (void)ask(cache, &hit, 0, "a");
  (void)ask(cache, &hit, 0, "a");
  assert_true(hit);
  kith_bloom_cache_free(cache);
}

/* A text that is too long finds nothing, not even where an empty one was and was forgotten. */
static void nothing_found(void **state)
{
  struct kith_bloom_cache *cache = NULL;
  struct kith_bloom_cache_key nothing;
  char text[KITH_BLOOM_CACHE_TEXT_BYTES + 1];

  (void)state;
  memset(text, 'a', sizeof text);
  assert_int_equal(kith_bloom_cache_new(&cache, PAYLOAD, 1), KITH_OK); /* one group */
  for (unsigned field = 0; field < KITH_BLOOM_CACHE_FIELDS_MAX; field++) {
    bool hit = true;

    kith_bloom_cache_forget(ask(cache, &hit, field, ""));
    assert_false(hit);
    key_of(&nothing, field, text, sizeof text);
    kith_bloom_cache_expect(cache, &nothing);
    kith_bloom_cache_approach(cache, &nothing);
    assert_null(find_or_take(cache, &hit, &nothing));
  }
  kith_bloom_cache_free(cache);
}

/* Places that are in use are side by side, in whatever groups they are, until all are in use. */
static void side_by_side(void **state)
{
  struct kith_bloom_cache *cache = NULL;
  uint8_t *first = NULL;
  uint8_t *end = NULL;
  unsigned n_new = 0;

  (void)state;
  assert_int_equal(kith_bloom_cache_new(&cache, PAYLOAD, 64 << 10), KITH_OK);
  for (unsigned i = 0; i < 20000; i++) {
    char text[16];
    bool hit = true;
    uint8_t *payload;

    (void)snprintf(text, sizeof text, "text %u", i);
    payload = ask(cache, &hit, 0, text);
    assert_false(hit);
    if (!first)
      first = end = payload;
    if (payload == end) {
      end += cache->place_bytes;
      n_new++;
    }
    assert_true(payload >= first && payload < end);
  }
  assert_int_equal(n_new, cache->n_groups * KITH_BLOOM_WAYS);
  assert_int_equal(n_new, cache->n_used);
  assert_true((size_t)(end - cache->places) <=
              cache->bytes - (size_t)(cache->places - (uint8_t *)cache->groups) +
                  sizeof(struct kith_bloom_place));
  kith_bloom_cache_free(cache);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(texts_apart),   cmocka_unit_test(tags_apart),
      cmocka_unit_test(given_away),    cmocka_unit_test(forgotten),
      cmocka_unit_test(nothing_found), cmocka_unit_test(side_by_side),
  };

  return cmocka_run_group_tests_name("bloom_cache", tests, NULL, NULL);
}
