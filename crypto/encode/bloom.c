#include "crypto/encode/bloom.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/mem.h"
#include "crypto/kdf.h"
#include "crypto/secret.h"

enum {
  Q_MAX = 4,
  TOKEN_BYTES_MAX = 256, /* a longer whole value is hashed by its first bytes */
  MAC_BYTES = 32,
  PIECES = MAC_BYTES / 2,

  /* Most tokens of a file are few: remembering their positions saves nine hashes in ten. */
  SLOT_TOKEN_BYTES = 21,
  SLOT_POSITIONS = 32, /* a field of few values, as sex, has many bits a token */
  N_SLOTS = 1 << 15
};

struct slot {
  uint8_t field; /* 1-based; 0: empty */
  uint8_t len;
  uint8_t token[SLOT_TOKEN_BYTES];
  uint16_t positions[SLOT_POSITIONS];
};

struct kith_encoder {
  struct kith_encode_schema schema;
  EVP_MAC_CTX *macs[KITH_ENCODE_FIELDS_MAX];
  uint8_t key_check[KITH_ENCODE_KEY_CHECK_BYTES];
  struct slot *slots; /* N_SLOTS */
};

/* ---- keys
 * -------------------------------------------------------------------------------------------- */

static enum kith_err field_key(struct kith_secret **out, const struct kith_secret *secret,
                               const char *name)
{
  static const char label[] = "kith field v1"; /* its terminator is the 0x00 */
  uint8_t info[sizeof label + KITH_ENCODE_NAME_BYTES];
  size_t name_len = strlen(name);

  memcpy(info, label, sizeof label);
  memcpy(info + sizeof label, name, name_len);
  return kith_hkdf_info(out, MAC_BYTES, NULL, 0, secret, info, sizeof label + name_len);
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

static bool schema_valid(const struct kith_encode_schema *schema)
{
  if (schema->bits < KITH_ENCODE_BITS_MIN || schema->bits > KITH_ENCODE_BITS_MAX ||
      (schema->bits & (schema->bits - 1)) != 0 || schema->n_fields < 1 ||
      schema->n_fields > KITH_ENCODE_FIELDS_MAX)
    return false;
  for (unsigned i = 0; i < schema->n_fields; i++) {
    const struct kith_encode_field *field = &schema->fields[i];

    if (!memchr(field->name, 0, sizeof field->name) || !field->name[0] || field->q > Q_MAX ||
        field->bits_per_token < 1 || field->bits_per_token > KITH_ENCODE_TOKEN_BITS_MAX)
      return false;
    for (unsigned k = 0; k < i; k++)
      if (strcmp(schema->fields[k].name, field->name) == 0)
        return false;
  }
  return true;
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
  encoder->slots = KITH_NEW_ARRAY(struct slot, N_SLOTS);
  err = encoder->slots ? kith_secret_copy(&secret, secret_bytes, secret_len) : KITH_ERR_MEMORY;
  if (err == KITH_OK)
    err = key_check(encoder, secret);
  for (unsigned i = 0; err == KITH_OK && i < schema->n_fields; i++) {
    struct kith_secret *key = NULL;

    err = field_key(&key, secret, schema->fields[i].name);
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
  if (encoder->slots)
    kith_wipe(encoder->slots, N_SLOTS * sizeof *encoder->slots);
  kith_free(encoder->slots);
  kith_wipe(encoder, sizeof *encoder);
  kith_free(encoder);
}

/* ---- positions
 * ------------------------------------------------------------------------------------------ */

static enum kith_err token_positions(const struct kith_encoder *encoder, uint16_t *positions,
                                     unsigned field, const uint8_t *token, size_t len)
{
  unsigned n = encoder->schema.fields[field].bits_per_token;
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
      positions[i + k] =
          (uint16_t)(((unsigned)out[2 * k] << 8 | out[2 * k + 1]) & (encoder->schema.bits - 1));
  }
  return KITH_OK;
}

static size_t slot_index(unsigned field, const uint8_t *token, size_t len)
{
  uint64_t hash = 0xcbf29ce484222325u ^ field;

  for (size_t i = 0; i < len; i++)
    hash = (hash ^ token[i]) * 0x100000001b3u;
  /* The last bytes of a short token have not reached the upper bits yet: mixed once more. */
  hash = (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9u;
  return (size_t)(hash >> 40) % N_SLOTS;
}

static void set_bits(uint8_t *filter, const uint16_t *positions, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    filter[positions[i] / 8] = (uint8_t)(filter[positions[i] / 8] | 0x80u >> positions[i] % 8);
}

static enum kith_err add_token(struct kith_encoder *encoder, uint8_t *filter, unsigned field,
                               const uint8_t *token, size_t len)
{
  unsigned n = encoder->schema.fields[field].bits_per_token;
  uint16_t positions[KITH_ENCODE_TOKEN_BITS_MAX];
  struct slot *slot = NULL;
  enum kith_err err;

  if (len <= SLOT_TOKEN_BYTES && n <= SLOT_POSITIONS) {
    slot = &encoder->slots[slot_index(field, token, len)];
    if (slot->field == field + 1 && slot->len == len && memcmp(slot->token, token, len) == 0) {
      set_bits(filter, slot->positions, n);
      return KITH_OK;
    }
  }
  if ((err = token_positions(encoder, positions, field, token, len)) != KITH_OK)
    return err;
  if (slot) {
    slot->field = (uint8_t)(field + 1);
    slot->len = (uint8_t)len;
    memcpy(slot->token, token, len);
    memcpy(slot->positions, positions, n * sizeof *positions);
  }
  set_bits(filter, positions, n);
  return KITH_OK;
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
                               const char *value)
{
  unsigned q = encoder->schema.fields[field].q;
  size_t len = strnlen(value, TOKEN_BYTES_MAX);
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

      err = add_token(encoder, filter, field, padded + first, next - first);
    }
    at = next;
  }
  kith_wipe(padded, sizeof padded);
  return err;
}

enum kith_err kith_encoder_encode(struct kith_encoder *encoder, uint8_t *filter, uint16_t *mask,
                                  const struct kith_encode_values *fields)
{
  enum kith_err err = KITH_OK;

  memset(filter, 0, encoder->schema.bits / 8);
  *mask = 0;
  for (unsigned field = 0; field < encoder->schema.n_fields; field++)
    for (unsigned i = 0; err == KITH_OK && i < fields[field].n; i++) {
      const char *value = fields[field].values[i];

      if (!value[0])
        continue;
      err = encoder->schema.fields[field].q
                ? add_grams(encoder, filter, field, value)
                : add_token(encoder, filter, field, (const uint8_t *)value,
                            strnlen(value, TOKEN_BYTES_MAX));
      *mask = (uint16_t)(*mask | 1u << field);
    }
  if (err != KITH_OK) {
    memset(filter, 0, encoder->schema.bits / 8);
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

  kith_hasher_init(&hasher, "kith encode schema v1");
  kith_hasher_u64(&hasher, schema->bits);
  for (unsigned i = 0; i < schema->n_fields; i++) {
    kith_hasher_part(&hasher, schema->fields[i].name, strlen(schema->fields[i].name));
    kith_hasher_u64(&hasher, schema->fields[i].q);
    kith_hasher_u64(&hasher, schema->fields[i].bits_per_token);
    kith_hasher_u64(&hasher, schema->fields[i].weight);
  }
  kith_hasher_final(&hasher, out);
}
