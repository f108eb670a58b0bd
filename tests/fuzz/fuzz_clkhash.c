/* The first line is a row's value for every feature, the rest a linkage schema. A schema that is
 * read encodes a row or refuses it, twice alike. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/encode/clkhash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VALUES_MAX = 16, BITS_MAX = 4096, VALUE_BYTES_MAX = 64, CACHE_BYTES = 4096 };

static void require(int holds)
{
  if (!holds)
    abort();
}

static void encode(struct kith_clkhash_schema *schema, const struct kith_secret *secret,
                   const char *value)
{
  const char *values[VALUES_MAX];
  uint8_t filters[2][BITS_MAX / 8] = {{0}};
  struct kith_clkhash_encoder *encoder = NULL;
  struct kith_fault fault;
  enum kith_err first = KITH_ERR_DATA;
  size_t n = 1;

  for (size_t i = 0; i < VALUES_MAX; i++)
    values[i] = value;
  if (kith_clkhash_encoder_new(&encoder, schema, secret, CACHE_BYTES) != KITH_OK)
    return;
  while (n <= VALUES_MAX && first == KITH_ERR_DATA) {
    require(kith_clkhash_schema_bits(schema) <= BITS_MAX);
    first = kith_clkhash_encode(encoder, filters[0], values, NULL, n, &fault);
    require(kith_clkhash_encode(encoder, filters[1], values, NULL, n, &fault) == first);
    require(memcmp(filters[0], filters[1], sizeof filters[0]) == 0);
    n++;
  }
  require(first == KITH_OK || first == KITH_ERR_DATA);
  kith_clkhash_encoder_free(encoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
  size_t value_len = line ? (size_t)(line - data) : 0;
  size_t start = line ? value_len + 1 : 0;
  struct kith_clkhash_schema *schema = NULL;
  struct kith_secret *secret = NULL;
  struct kith_fault fault;
  bool locked;
  char *value;

  require(kith_crypto_init(&locked) == KITH_OK);
  if (!line || value_len > VALUE_BYTES_MAX || !kith_utf8_valid((const char *)data, value_len))
    return 0;
  value = kith_strndup((const char *)data, value_len);
  require(value && kith_secret_copy(&secret, "secret", 6) == KITH_OK);
  if (kith_clkhash_schema_parse(&schema, data + start, size - start, "fuzz", &fault) == KITH_OK &&
      kith_clkhash_schema_bits(schema) <= BITS_MAX)
    encode(schema, secret, value);
  else
    require(schema || fault.err != KITH_OK);
  kith_clkhash_schema_free(schema);
  kith_secret_free(secret);
  kith_free(value);
  return 0;
}
