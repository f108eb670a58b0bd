#include "crypto/encode/bloom.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/mem.h"
#include "crypto/encode/bloom_cache.h"
#include "crypto/kdf.h"
#include "crypto/secret.h"

enum {
  Q_MAX = 4,
  TOKEN_BYTES_MAX = 256, /* a longer whole value is hashed by its first bytes */
  MAC_BYTES = 32,
  PIECES = MAC_BYTES / 2,
  WORD_BYTES = sizeof(uint64_t),

  /* Tokens and values of a file are few and repeat; the sizes are in docs/encoding.md. */
  VALUES_BYTES_MAX = 4 << 20,
  GRAMS_BYTES_MAX = 1 << 20
};

struct kith_encoder {
  struct kith_encode_schema schema;
  struct kith_encode_layout layout;
  EVP_MAC_CTX *macs[KITH_ENCODE_FIELDS_MAX];
  uint8_t key_check[KITH_ENCODE_KEY_CHECK_BYTES];
  struct kith_bloom_cache *values; /* a value's bits, as many as the longest filter has */
  struct kith_bloom_cache *grams;  /* a gram's positions */
};

/* ---- keys
 * -------------------------------------------------------------------------------------------- */

/* Appends a text with its terminator, which is the 0x00 between the parts. */
static size_t info_add(uint8_t *info, size_t at, const char *text)
{
  size_t len = strlen(text) + 1;

  memcpy(info + at, text, len);
  return at + len;
}

static enum kith_err field_key(struct kith_secret **out, const struct kith_secret *secret,
                               const struct kith_encode_schema *schema, unsigned field)
{
  static const char of_field[] = "kith field v1";
  static const char of_filter[] = "kith filter field v1";
  uint8_t info[sizeof of_filter + 2 * KITH_ENCODE_NAME_BYTES];
  const struct kith_encode_field *of = &schema->fields[field];
  size_t len;

  if (schema->n_filters > 1) {
    len = info_add(info, 0, of_filter);
    len = info_add(info, len, schema->filters[of->filter].name);
  } else {
    len = info_add(info, 0, of_field);
  }
  len = info_add(info, len, of->name) - 1;
  return kith_hkdf_info(out, MAC_BYTES, NULL, 0, secret, info, len);
}

static enum kith_err mac_new(EVP_MAC_CTX **out, const struct kith_secret *key)
{
  char digest[] = "SHA256";
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                         OSSL_PARAM_construct_end()};
  EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
  EVP_MAC_CTX *context = hmac ? EVP_MAC_CTX_new(hmac) : NULL;

  EVP_MAC_free(hmac);
  if (!context || !EVP_MAC_init(context, kith_secret_peek(key), kith_secret_len(key), params)) {
    EVP_MAC_CTX_free(context);
    return KITH_ERR_MEMORY;
  }
  *out = context;
  return KITH_OK;
}

static enum kith_err key_check(struct kith_encoder *encoder, const struct kith_secret *secret)
{
  static const char label[] = "kith key check v1";
  struct kith_secret *check = NULL;
  enum kith_err err = kith_hkdf(&check, KITH_ENCODE_KEY_CHECK_BYTES, NULL, 0, secret, label);

  if (err == KITH_OK)
    memcpy(encoder->key_check, kith_secret_peek(check), sizeof encoder->key_check);
  kith_secret_free(check);
  return err;
}

static bool name_valid(const char name[KITH_ENCODE_NAME_BYTES])
{
  return memchr(name, 0, KITH_ENCODE_NAME_BYTES) && name[0];
}

static bool bits_valid(unsigned bits)
{
  return bits >= KITH_ENCODE_BITS_MIN && bits <= KITH_ENCODE_BITS_MAX && (bits & (bits - 1)) == 0;
}

static bool filters_valid(const struct kith_encode_schema *schema)
{
  if (schema->n_filters <= 1)
    return bits_valid(schema->bits);
  if (schema->n_filters > KITH_ENCODE_FILTERS_MAX)
    return false;
  for (unsigned i = 0; i < schema->n_filters; i++) {
    if (!bits_valid(schema->filters[i].bits) || !name_valid(schema->filters[i].name))
      return false;
    for (unsigned k = 0; k < i; k++)
      if (strcmp(schema->filters[k].name, schema->filters[i].name) == 0)
        return false;
  }
  return true;
}

static bool schema_valid(const struct kith_encode_schema *schema)
{
  if (!filters_valid(schema) || schema->n_fields < 1 || schema->n_fields > KITH_ENCODE_FIELDS_MAX)
    return false;
  for (unsigned i = 0; i < schema->n_fields; i++) {
    const struct kith_encode_field *field = &schema->fields[i];

    if (!name_valid(field->name) || field->q > Q_MAX || field->bits_per_token < 1 ||
        field->bits_per_token > KITH_ENCODE_TOKEN_BITS_MAX ||
        field->filter >= (schema->n_filters > 1 ? schema->n_filters : 1))
      return false;
    for (unsigned k = 0; k < i; k++)
      if (strcmp(schema->fields[k].name, field->name) == 0)
        return false;
  }
  return true;
}

void kith_encode_layout(struct kith_encode_layout *out, const struct kith_encode_schema *schema)
{
  *out = (struct kith_encode_layout){.n_filters = schema->n_filters > 1 ? schema->n_filters : 1};
  for (unsigned i = 0; i < out->n_filters; i++) {
    out->bits[i] = schema->n_filters > 1 ? schema->filters[i].bits : schema->bits;
    out->offsets[i] = out->bytes;
    out->bytes += out->bits[i] / 8;
  }
}

static enum kith_err caches_new(struct kith_encoder *encoder)
{
  size_t positions = 0;
  size_t bits = 0;
  enum kith_err err;

  for (unsigned i = 0; i < encoder->schema.n_fields; i++)
    if (encoder->schema.fields[i].q && encoder->schema.fields[i].bits_per_token > positions)
      positions = encoder->schema.fields[i].bits_per_token;
  for (unsigned i = 0; i < encoder->layout.n_filters; i++)
    if (encoder->layout.bits[i] > bits)
      bits = encoder->layout.bits[i];
  err = kith_bloom_cache_new(&encoder->values, bits / 8, VALUES_BYTES_MAX);
  if (err == KITH_OK)
    err = kith_bloom_cache_new(&encoder->grams, positions * sizeof(uint16_t), GRAMS_BYTES_MAX);
  return err;
}

enum kith_err kith_encoder_new(struct kith_encoder **out, const struct kith_encode_schema *schema,
                               const uint8_t *secret_bytes, size_t secret_len)
{
  struct kith_encoder *encoder = NULL;
  struct kith_secret *secret = NULL;
  enum kith_err err;

  if (!schema_valid(schema))
    return KITH_ERR_CONFIG;
  encoder = KITH_NEW(struct kith_encoder);
  if (!encoder)
    return KITH_ERR_MEMORY;
  encoder->schema = *schema;
  kith_encode_layout(&encoder->layout, schema);
  err = caches_new(encoder);
  if (err == KITH_OK)
    err = kith_secret_copy(&secret, secret_bytes, secret_len);
  if (err == KITH_OK)
    err = key_check(encoder, secret);
  for (unsigned i = 0; err == KITH_OK && i < schema->n_fields; i++) {
    struct kith_secret *key = NULL;

    err = field_key(&key, secret, schema, i);
    if (err == KITH_OK)
      err = mac_new(&encoder->macs[i], key);
    kith_secret_free(key);
  }
  kith_secret_free(secret);
  if (err != KITH_OK) {
    kith_encoder_free(encoder);
    return err;
  }
  *out = encoder;
  return KITH_OK;
}

void kith_encoder_free(struct kith_encoder *encoder)
{
  if (!encoder)
    return;
  for (unsigned i = 0; i < encoder->schema.n_fields; i++)
    EVP_MAC_CTX_free(encoder->macs[i]);
  kith_bloom_cache_free(encoder->values);
  kith_bloom_cache_free(encoder->grams);
  kith_wipe(encoder, sizeof *encoder);
  kith_free(encoder);
}

/* ---- positions
 * ------------------------------------------------------------------------------------------ */

static enum kith_err token_positions(const struct kith_encoder *encoder, uint16_t *positions,
                                     unsigned field, const uint8_t *token, size_t len)
{
  unsigned n = encoder->schema.fields[field].bits_per_token;
  unsigned bits = encoder->layout.bits[encoder->schema.fields[field].filter];
  EVP_MAC_CTX *mac = encoder->macs[field];

  for (unsigned i = 0; i < n; i += PIECES) {
    uint8_t counter = (uint8_t)(i / PIECES);
    uint8_t out[MAC_BYTES];
    size_t out_len = 0;

    /* No key given: the same key from the start. */
    if (!EVP_MAC_init(mac, NULL, 0, NULL) || !EVP_MAC_update(mac, token, len) ||
        !EVP_MAC_update(mac, &counter, 1) || !EVP_MAC_final(mac, out, &out_len, sizeof out))
      return KITH_ERR_INTERNAL;
    for (unsigned k = 0; k < PIECES && i + k < n; k++)
      positions[i + k] = (uint16_t)(((unsigned)out[2 * k] << 8 | out[2 * k + 1]) & (bits - 1));
  }
  return KITH_OK;
}

static void set_bits(uint8_t *filter, const uint16_t *positions, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    filter[positions[i] / 8] = (uint8_t)(filter[positions[i] / 8] | 0x80u >> positions[i] % 8);
}

/* Both of `bytes` bytes, a multiple of a word's. */
static void or_bits(uint8_t *filter, const uint8_t *bits, size_t bytes)
{
  for (size_t i = 0; i < bytes; i += WORD_BYTES) {
    uint64_t to;
    uint64_t from;

    memcpy(&to, filter + i, WORD_BYTES);
    memcpy(&from, bits + i, WORD_BYTES);
    to |= from;
    memcpy(filter + i, &to, WORD_BYTES);
  }
}

static enum kith_err add_token(const struct kith_encoder *encoder, uint8_t *filter, unsigned field,
                               const uint8_t *token, size_t len)
{
  unsigned n = encoder->schema.fields[field].bits_per_token;
  uint16_t positions[KITH_ENCODE_TOKEN_BITS_MAX];
  enum kith_err err = token_positions(encoder, positions, field, token, len);

  if (err == KITH_OK)
    set_bits(filter, positions, n);
  kith_wipe(positions, sizeof positions);
  return err;
}

static enum kith_err add_gram(struct kith_encoder *encoder, uint8_t *filter, unsigned field,
                              const uint8_t *gram, size_t len)
{
  struct kith_bloom_cache_key key;
  uint16_t *positions;
  enum kith_err err = KITH_OK;

  kith_bloom_cache_key(&key, field, gram, len);
  positions = kith_bloom_cache_find(encoder->grams, &key);
  if (!positions) {
    positions = kith_bloom_cache_take(encoder->grams, &key);
    if (!positions)
      return add_token(encoder, filter, field, gram, len);
    err = token_positions(encoder, positions, field, gram, len);
  }
  if (err == KITH_OK)
    set_bits(filter, positions, encoder->schema.fields[field].bits_per_token);
  else
    kith_bloom_cache_forget(positions);
  return err;
}

/* ---- tokens */

static size_t code_point_len(const char *text)
{
  size_t len = 1;

  while (((unsigned char)text[len] & 0xc0) == 0x80)
    len++;
  return len;
}

/* Slides over blanks, value, blanks; starts[] are where the last q code points begin. */
static enum kith_err add_grams(struct kith_encoder *encoder, uint8_t *filter, unsigned field,
                               const char *value, size_t len)
{
  unsigned q = encoder->schema.fields[field].q;
  uint8_t padded[TOKEN_BYTES_MAX + 2 * Q_MAX + 1];
  size_t starts[Q_MAX] = {0};
  size_t total = len + 2 * (q - 1);
  unsigned n = 0;
  enum kith_err err = KITH_OK;

  memset(padded, ' ', sizeof padded);
  memcpy(padded + q - 1, value, len);
  padded[total] = '\0';
  for (size_t at = 0; err == KITH_OK && at < total; n++) {
    size_t next = at + code_point_len((const char *)padded + at);

    starts[n % q] = at;
    if (n + 1 >= q) {
      size_t first = starts[(n + 1) % q];

      err = add_gram(encoder, filter, field, padded + first, next - first);
    }
    at = next;
  }
  kith_wipe(padded, sizeof padded);
  return err;
}

static enum kith_err value_bits(struct kith_encoder *encoder, uint8_t *filter, unsigned field,
                                const char *value, size_t len)
{
  return encoder->schema.fields[field].q
             ? add_grams(encoder, filter, field, value, len)
             : add_token(encoder, filter, field, (const uint8_t *)value, len);
}

static enum kith_err add_value(struct kith_encoder *encoder, uint8_t *filter, unsigned field,
                               const char *value)
{
  size_t bytes = encoder->layout.bits[encoder->schema.fields[field].filter] / 8;
  size_t len = strnlen(value, TOKEN_BYTES_MAX);
  struct kith_bloom_cache_key key;
  uint8_t *bits;
  enum kith_err err = KITH_OK;

  kith_bloom_cache_key(&key, field, value, len);
  bits = kith_bloom_cache_find(encoder->values, &key);
  if (!bits) {
    bits = kith_bloom_cache_take(encoder->values, &key);
    if (!bits)
      return value_bits(encoder, filter, field, value, len);
    memset(bits, 0, bytes);
    err = value_bits(encoder, bits, field, value, len);
  }
  if (err == KITH_OK)
    or_bits(filter, bits, bytes);
  else
    kith_bloom_cache_forget(bits);
  return err;
}

enum kith_err kith_encoder_encode(struct kith_encoder *encoder, uint8_t *filters, uint16_t *mask,
                                  const struct kith_encode_values *fields)
{
  enum kith_err err = KITH_OK;

  for (unsigned field = 0; field < encoder->schema.n_fields; field++)
    for (unsigned i = 0; i < fields[field].n; i++) {
      struct kith_bloom_cache_key key;

      kith_bloom_cache_key(&key, field, fields[field].values[i],
                           strnlen(fields[field].values[i], TOKEN_BYTES_MAX));
      kith_bloom_cache_approach(encoder->values, &key);
    }
  memset(filters, 0, encoder->layout.bytes);
  *mask = 0;
  for (unsigned field = 0; field < encoder->schema.n_fields; field++) {
    uint8_t *filter = filters + encoder->layout.offsets[encoder->schema.fields[field].filter];

    for (unsigned i = 0; err == KITH_OK && i < fields[field].n; i++) {
      if (!fields[field].values[i][0])
        continue;
      err = add_value(encoder, filter, field, fields[field].values[i]);
      *mask = (uint16_t)(*mask | 1u << field);
    }
  }
  if (err != KITH_OK) {
    memset(filters, 0, encoder->layout.bytes);
    *mask = 0;
  }
  return err;
}

void kith_encoder_key_check(const struct kith_encoder *encoder,
                            uint8_t out[KITH_ENCODE_KEY_CHECK_BYTES])
{
  memcpy(out, encoder->key_check, sizeof encoder->key_check);
}

void kith_encode_schema_hash(struct kith_hash *out, const struct kith_encode_schema *schema)
{
  struct kith_hasher hasher;

  kith_hasher_init(&hasher,
                   schema->n_filters > 1 ? "kith encode schema v2" : "kith encode schema v1");
  if (schema->n_filters > 1) {
    kith_hasher_u64(&hasher, schema->n_filters);
    for (unsigned i = 0; i < schema->n_filters; i++) {
      kith_hasher_part(&hasher, schema->filters[i].name, strlen(schema->filters[i].name));
      kith_hasher_u64(&hasher, schema->filters[i].bits);
    }
  } else {
    kith_hasher_u64(&hasher, schema->bits);
  }
  for (unsigned i = 0; i < schema->n_fields; i++) {
    kith_hasher_part(&hasher, schema->fields[i].name, strlen(schema->fields[i].name));
    kith_hasher_u64(&hasher, schema->fields[i].q);
    kith_hasher_u64(&hasher, schema->fields[i].bits_per_token);
    kith_hasher_u64(&hasher, schema->fields[i].weight);
    if (schema->n_filters > 1)
      kith_hasher_u64(&hasher, schema->fields[i].filter);
  }
  kith_hasher_final(&hasher, out);
}
