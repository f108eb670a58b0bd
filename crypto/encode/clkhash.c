#include "crypto/encode/clkhash.h"

#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/mem.h"
#include "crypto/encode/clkhash_parts.h"

enum {
  WIDE_ALIGNMENT = 32, /* of the filter before folding, whose bytes are a multiple of it */
  MASK_BYTES_MAX = 1024,
  TOKENS_SHARE = 8,    /* of what is remembered, one part is of tokens */
  POSITIONS_MAX = 256, /* that are remembered of a token, in a longer filter */
  DAYS_MAX = 4,        /* features of dates whose years and days have masks */
  ROWS_NEAR = KITH_CLKHASH_AHEAD / 2,
  LOOKS_A_JUDGEMENT = 65536, /* of a feature, once it had time to see its values */
  LOOKS_A_HIT = 8,           /* at most, or they are not looked up */
  VALUES_UNTIL_LOOK = 524288 /* and then again */
};

/* ---- life ---- */

static EVP_MAC_CTX *mac_new(const char *digest, const uint8_t *key, size_t len)
{
  char name[8];
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                         OSSL_PARAM_construct_end()};
  EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
  EVP_MAC_CTX *context = hmac ? EVP_MAC_CTX_new(hmac) : NULL;

  (void)snprintf(name, sizeof name, "%s", digest);
  params[0].data_size = strlen(name);
  EVP_MAC_free(hmac);
  if (context && EVP_MAC_init(context, key, len, params))
    return context;
  EVP_MAC_CTX_free(context);
  return NULL;
}

static enum kith_err macs_new(struct kith_clkhash_encoder *encoder)
{
  const struct kith_clkhash_schema *schema = encoder->schema;

  for (unsigned i = 0; i < schema->n_features; i++) {
    const uint8_t *key = kith_secret_peek(encoder->keys) + 2 * schema->key_size * i;

    if (schema->features[i].ignored || schema->features[i].blake)
      continue;
    encoder->macs[2 * i] = mac_new("SHA1", key, schema->key_size);
    encoder->macs[2 * i + 1] = mac_new("MD5", key + schema->key_size, schema->key_size);
    if (!encoder->macs[2 * i] || !encoder->macs[2 * i + 1])
      return KITH_ERR_MEMORY;
  }
  return KITH_OK;
}

static enum kith_err days_new(struct kith_clkhash_encoder *encoder)
{
  const struct kith_clkhash_schema *schema = encoder->schema;
  enum kith_err err = KITH_OK;
  unsigned n = 0;

  for (unsigned i = 0; err == KITH_OK && i < schema->n_features && n < DAYS_MAX; i++) {
    err = kith_clkhash_days_new(&encoder->days[i], &schema->features[i], encoder->wide_bytes);
    n += encoder->days[i] != NULL;
  }
  return err;
}

/* What is remembered: masks as long as the filter, or the positions in one that is too long. */
static enum kith_err caches_new(struct kith_clkhash_encoder *encoder, size_t bytes_max)
{
  enum kith_err err;

  encoder->masks = encoder->wide_bytes <= MASK_BYTES_MAX;
  encoder->n_remembered =
      encoder->n_positions < POSITIONS_MAX ? encoder->n_positions : POSITIONS_MAX;
  err = kith_bloom_cache_new(&encoder->tokens,
                             encoder->masks ? encoder->wide_bytes
                                            : encoder->n_remembered * sizeof *encoder->positions,
                             bytes_max / TOKENS_SHARE);
  if (err == KITH_OK && encoder->masks)
    err = kith_bloom_cache_new(&encoder->values, encoder->wide_bytes,
                               bytes_max - bytes_max / TOKENS_SHARE);
  return err == KITH_OK && encoder->masks ? days_new(encoder) : err;
}

static enum kith_err arrays_new(struct kith_clkhash_encoder *encoder)
{
  const struct kith_clkhash_schema *schema = encoder->schema;
  size_t n = schema->n_features;

  for (size_t i = 0; i < n; i++)
    if (!schema->features[i].ignored && schema->features[i].amount > encoder->n_positions)
      encoder->n_positions = schema->features[i].amount;
  encoder->wide_bytes = ((size_t)schema->wide_bits + 7) / 8;
  encoder->wide_bytes =
      (encoder->wide_bytes + WIDE_ALIGNMENT - 1) / WIDE_ALIGNMENT * WIDE_ALIGNMENT;
  encoder->wide = kith_calloc_aligned(WIDE_ALIGNMENT, encoder->wide_bytes, 1);
  encoder->positions = KITH_NEW_ARRAY(uint32_t, encoder->n_positions);
  encoder->macs = KITH_NEW_ARRAY(EVP_MAC_CTX *, 2 * n);
  encoder->ahead = KITH_NEW_ARRAY(struct kith_clkhash_ahead, KITH_CLKHASH_AHEAD * n);
  encoder->masks_found = KITH_NEW_ARRAY(const uint8_t *, n + DAYS_MAX * KITH_CLKHASH_DATE_MASKS);
  encoder->days = KITH_NEW_ARRAY(struct kith_clkhash_days *, n);
  encoder->looks = KITH_NEW_ARRAY(struct kith_clkhash_looks, n);
  return encoder->wide && encoder->positions && encoder->macs && encoder->ahead &&
                 encoder->masks_found && encoder->days && encoder->looks
             ? KITH_OK
             : KITH_ERR_MEMORY;
}

enum kith_err kith_clkhash_encoder_new(struct kith_clkhash_encoder **out,
                                       struct kith_clkhash_schema *schema,
                                       const struct kith_secret *secret, size_t cache_bytes)
{
  struct kith_clkhash_encoder *encoder = KITH_NEW(struct kith_clkhash_encoder);
  enum kith_err err;

  if (!encoder)
    return KITH_ERR_MEMORY;
  encoder->schema = schema;
  err = arrays_new(encoder);
  if (err == KITH_OK)
    err = kith_clkhash_match_new(&encoder->match);
  if (err == KITH_OK)
    err = kith_clkhash_keys(&encoder->keys, schema, secret);
  if (err == KITH_OK)
    err = macs_new(encoder);
  if (err == KITH_OK)
    err = caches_new(encoder, cache_bytes ? cache_bytes : KITH_CLKHASH_CACHE_BYTES);
  if (err != KITH_OK) {
    kith_clkhash_encoder_free(encoder);
    return err;
  }
  *out = encoder;
  return KITH_OK;
}

static void wipe_free(void *block, size_t bytes)
{
  if (block)
    kith_wipe(block, bytes);
  kith_free(block);
}

static void buf_wipe_free(struct kith_buf *buf)
{
  if (buf->bytes)
    kith_wipe(buf->bytes, buf->cap);
  kith_buf_free(buf);
}

void kith_clkhash_encoder_free(struct kith_clkhash_encoder *encoder)
{
  size_t n;

  if (!encoder)
    return;
  n = encoder->schema->n_features;
  for (size_t i = 0; encoder->macs && i < 2 * n; i++)
    EVP_MAC_CTX_free(encoder->macs[i]);
  kith_free(encoder->macs);
  pcre2_match_data_free(encoder->match);
  kith_secret_free(encoder->keys);
  kith_bloom_cache_free(encoder->values);
  kith_bloom_cache_free(encoder->tokens);
  buf_wipe_free(&encoder->value);
  buf_wipe_free(&encoder->padded);
  buf_wipe_free(&encoder->token);
  wipe_free(encoder->ahead, KITH_CLKHASH_AHEAD * n * sizeof *encoder->ahead);
  for (size_t i = 0; encoder->days && i < n; i++)
    kith_clkhash_days_free(encoder->days[i]);
  kith_free(encoder->days);
  wipe_free(encoder->positions, encoder->n_positions * sizeof *encoder->positions);
  wipe_free(encoder->wide, encoder->wide_bytes);
  kith_free(encoder->starts);
  kith_free(encoder->masks_found);
  kith_free(encoder->looks);
  kith_free_wiped(encoder, sizeof *encoder);
}

/* ---- folding ---- */

static bool bit_at(const uint8_t *bytes, size_t bit)
{
  return (bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

static void fold(uint8_t *bytes, size_t bits)
{
  size_t half = bits / 2;

  if (half % 64 == 0) {
    for (size_t i = 0; i < half / 8; i += 8) {
      uint64_t to;
      uint64_t from;

      memcpy(&to, bytes + i, 8);
      memcpy(&from, bytes + half / 8 + i, 8);
      to ^= from;
      memcpy(bytes + i, &to, 8);
    }
    return;
  }
  for (size_t i = 0; i < half; i++)
    if (bit_at(bytes, half + i))
      bytes[i / 8] = (uint8_t)(bytes[i / 8] ^ 0x80u >> i % 8);
}

/* ---- a row ---- */

/* Sets the bits of a value in `to`, which has the filter's length before folding. */
static enum kith_err value_add(struct kith_clkhash_encoder *encoder, uint8_t *to, unsigned index,
                               const char *value, struct kith_fault *fault)
{
  const struct kith_clkhash_feature *feature = &encoder->schema->features[index];
  enum kith_err err;

  kith_buf_clear(&encoder->value);
  err = kith_clkhash_value_format(feature, encoder->match, &encoder->value, value, fault);
  if (err != KITH_OK)
    return err;
  return encoder->value.len > 1
             ? kith_clkhash_tokens_add(encoder, to, index, (const char *)encoder->value.bytes,
                                       encoder->value.len - 1, fault)
             : KITH_OK;
}

/* Values of a feature that hardly ever come again are not worth a place. */
static bool is_looked_up(struct kith_clkhash_looks *looks)
{
  if (looks->n < LOOKS_A_JUDGEMENT)
    return true;
  if (looks->n == LOOKS_A_JUDGEMENT && looks->n_hits >= LOOKS_A_JUDGEMENT / LOOKS_A_HIT) {
    *looks = (struct kith_clkhash_looks){0};
    return true;
  }
  if (++looks->n == VALUES_UNTIL_LOOK)
    *looks = (struct kith_clkhash_looks){0};
  return false;
}

/* A value that is not remembered: its bits into the row's, and into a place of their own. */
static enum kith_err value_encode(struct kith_clkhash_encoder *encoder, unsigned index,
                                  const char *value, struct kith_bloom_cache_key *key,
                                  struct kith_fault *fault)
{
  uint8_t *mask = key ? kith_bloom_cache_take(encoder->values, key) : NULL;
  const uint8_t *of_row = mask;
  enum kith_err err;

  if (!mask)
    return value_add(encoder, encoder->wide, index, value, fault);
  memset(mask, 0, encoder->wide_bytes);
  err = value_add(encoder, mask, index, value, fault);
  if (err == KITH_OK)
    kith_clkhash_or(encoder->wide, &of_row, 1, encoder->wide_bytes, false);
  else
    kith_bloom_cache_forget(mask);
  return err;
}

/* All features' bits in encoder->wide. Masks that are found are ORed at once, but before a place is
 * given to another value: it might be one of theirs. */
static enum kith_err row_encode(struct kith_clkhash_encoder *encoder, unsigned *index,
                                const char *const *values, struct kith_clkhash_ahead *ahead,
                                struct kith_fault *fault)
{
  const struct kith_clkhash_schema *schema = encoder->schema;
  const uint8_t **found = encoder->masks_found;
  size_t n_found = 0;
  bool fresh = true;
  enum kith_err err = KITH_OK;

  for (*index = 0; *index < schema->n_features; ++*index) {
    const unsigned i = *index;
    struct kith_bloom_cache_key *key = NULL;

    if (schema->features[i].ignored)
      continue;
    if (ahead && ahead[i].date) {
      err = kith_clkhash_days_masks(encoder, i, ahead[i].date, found + n_found, fault);
      if (err == KITH_OK) {
        n_found += KITH_CLKHASH_DATE_MASKS;
        continue;
      }
      if (err != KITH_ERR_NOT_FOUND)
        return err;
    } else if (ahead && is_looked_up(&encoder->looks[i])) {
      key = &ahead[i].key;
      found[n_found] = kith_bloom_cache_find(encoder->values, key);
      encoder->looks[i].n++;
      if (found[n_found]) {
        encoder->looks[i].n_hits++;
        n_found++;
        continue;
      }
    }
    kith_clkhash_or(encoder->wide, found, n_found, encoder->wide_bytes, fresh);
    fresh = false;
    n_found = 0;
    err = value_encode(encoder, i, values[i], key, fault);
    if (err != KITH_OK)
      return err;
  }
  kith_clkhash_or(encoder->wide, found, n_found, encoder->wide_bytes, fresh);
  return KITH_OK;
}

static void value_expect(const struct kith_clkhash_encoder *encoder, struct kith_clkhash_ahead *out,
                         unsigned index, const char *value, size_t len)
{
  const struct kith_clkhash_days *days = encoder->days[index];

  out->date = days ? kith_clkhash_days_read(days, value, len) : 0;
  if (out->date)
    return;
  kith_bloom_cache_key(&out->key, index, value, len);
  kith_bloom_cache_expect(encoder->values, &out->key);
}

void kith_clkhash_expect(struct kith_clkhash_encoder *encoder, const char *const *values,
                         const size_t *lens, size_t n_values)
{
  const struct kith_clkhash_schema *schema = encoder->schema;
  unsigned at = (encoder->first_expected + encoder->n_expected) % KITH_CLKHASH_AHEAD;
  struct kith_clkhash_ahead *ahead = encoder->ahead + (size_t)at * schema->n_features;

  if (!encoder->values || n_values != schema->n_features ||
      encoder->n_expected == KITH_CLKHASH_AHEAD)
    return;
  for (unsigned i = 0; i < schema->n_features; i++)
    if (!schema->features[i].ignored)
      value_expect(encoder, &ahead[i], i, values[i], lens ? lens[i] : strlen(values[i]));
  encoder->expected[at] = values;
  encoder->n_expected++;
}

/* Of rows that come soon, the bits are fetched, where they are known. */
static void rows_approach(struct kith_clkhash_encoder *encoder)
{
  const struct kith_clkhash_schema *schema = encoder->schema;

  while (encoder->n_near < ROWS_NEAR && encoder->n_near < encoder->n_expected) {
    unsigned at = (encoder->first_expected + encoder->n_near) % KITH_CLKHASH_AHEAD;
    struct kith_clkhash_ahead *ahead = encoder->ahead + (size_t)at * schema->n_features;

    for (unsigned i = 0; i < schema->n_features; i++)
      if (!schema->features[i].ignored && !ahead[i].date)
        kith_bloom_cache_approach(encoder->values, &ahead[i].key);
    encoder->n_near++;
  }
}

/* What is known of a row's values, from those expected, of which it is the first or none. */
static struct kith_clkhash_ahead *ahead_take(struct kith_clkhash_encoder *encoder,
                                             const char *const *values, const size_t *lens)
{
  unsigned at;

  if (!encoder->n_expected || encoder->expected[encoder->first_expected] != (const void *)values) {
    encoder->n_expected = 0;
    encoder->n_near = 0;
    kith_clkhash_expect(encoder, values, lens, encoder->schema->n_features);
  }
  rows_approach(encoder);
  at = encoder->first_expected;
  encoder->first_expected = (at + 1) % KITH_CLKHASH_AHEAD;
  encoder->n_expected--;
  encoder->n_near--;
  return encoder->ahead + (size_t)at * encoder->schema->n_features;
}

/* The filter from encoder->wide. */
static void filter_make(struct kith_clkhash_encoder *encoder, uint8_t *filter, size_t bytes)
{
  const struct kith_clkhash_schema *schema = encoder->schema;

  for (unsigned i = 0; i < schema->folds; i++)
    fold(encoder->wide, (size_t)schema->wide_bits >> i);
  memcpy(filter, encoder->wide, bytes);
  if (schema->bits % 8)
    filter[bytes - 1] = (uint8_t)(filter[bytes - 1] & 0xff00u >> schema->bits % 8);
}

enum kith_err kith_clkhash_encode(struct kith_clkhash_encoder *encoder, uint8_t *filter,
                                  const char *const *values, const size_t *lens, size_t n_values,
                                  struct kith_fault *fault)
{
  const struct kith_clkhash_schema *schema = encoder->schema;
  size_t bytes = ((size_t)schema->bits + 7) / 8;
  unsigned index = 0;
  enum kith_err err;

  if (n_values != schema->n_features) {
    memset(filter, 0, bytes);
    return kith_fail(fault, KITH_ERR_DATA, "%zu fields, expected %u", n_values, schema->n_features);
  }
  err = row_encode(encoder, &index, values,
                   encoder->values ? ahead_take(encoder, values, lens) : NULL, fault);
  if (err == KITH_OK) {
    filter_make(encoder, filter, bytes);
    return KITH_OK;
  }
  memset(filter, 0, bytes);
  if (err == KITH_ERR_DATA)
    return kith_fail_at(fault, err, "column %u (\"%.80s\")", index + 1,
                        schema->features[index].identifier);
  return kith_fail(fault, err, "%s", kith_err_name(err));
}
