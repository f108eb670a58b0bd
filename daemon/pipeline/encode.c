#include "daemon/pipeline/encode.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/encode/bloom.h"
#include "daemon/pipeline/standardise.h"

struct kith_row_encoder {
  struct kith_encoder *encoder;
  struct kith_encode_schema schema;
  enum kith_field fields[KITH_ENCODE_FIELDS_MAX];
};

static enum kith_err schema_make(struct kith_row_encoder *encoder, const struct kith_policy *policy,
                                 struct kith_fault *fault)
{
  struct kith_encode_schema *schema = &encoder->schema;

  if (strcmp(policy->standardiser, KITH_STANDARDISER) != 0)
    return kith_fail(fault, KITH_ERR_CONFIG,
                     "the policy asks for the standardiser \"%s\"; this program has \"%s\"",
                     policy->standardiser, KITH_STANDARDISER);
  if (policy->protection == KITH_PROTECTION_BLIND)
    return kith_fail(fault, KITH_ERR_CONFIG,
                     "under a blind policy a record has no encoding by itself: kith link compares "
                     "the files, and kith policy new --protection clk makes a policy with filters");
  if (policy->n_fields > KITH_ENCODE_FIELDS_MAX)
    return kith_fail(fault, KITH_ERR_CONFIG, "the policy has more than %d fields",
                     KITH_ENCODE_FIELDS_MAX);
  schema->bits = policy->bits;
  schema->n_filters = policy->n_filters;
  for (unsigned i = 0; i < policy->n_filters; i++) {
    schema->filters[i].bits = policy->filters[i].bits;
    (void)snprintf(schema->filters[i].name, sizeof schema->filters[i].name, "%s",
                   policy->filters[i].name);
  }
  schema->n_fields = policy->n_fields;
  for (unsigned i = 0; i < policy->n_fields; i++) {
    const struct kith_policy_field *from = &policy->fields[i];
    struct kith_encode_field *to = &schema->fields[i];

    encoder->fields[i] = kith_field_of_policy(from->field);
    if (encoder->fields[i] == KITH_FIELD_UNKNOWN)
      return kith_fail(fault, KITH_ERR_CONFIG,
                       "the policy has a field \"%s\", which is no standard field", from->field);
    (void)snprintf(to->name, sizeof to->name, "%s", from->field);
    to->q = from->q;
    to->bits_per_token = from->bits_per_token;
    to->weight = from->weight;
    to->filter = from->filter;
  }
  return KITH_OK;
}

enum kith_err kith_row_encoder_new(struct kith_row_encoder **out, const struct kith_policy *policy,
                                   const uint8_t *secret, size_t secret_len,
                                   struct kith_fault *fault)
{
  struct kith_row_encoder *encoder = KITH_NEW(struct kith_row_encoder);
  enum kith_err err;

  if (!encoder)
    return kith_fail(fault, KITH_ERR_MEMORY, "no memory for an encoder");
  err = schema_make(encoder, policy, fault);
  if (err == KITH_OK) {
    err = kith_encoder_new(&encoder->encoder, &encoder->schema, secret, secret_len);
    if (err == KITH_ERR_CONFIG)
      (void)kith_fail(fault, err, "the policy's filter or fields are out of range");
    else if (err != KITH_OK)
      (void)kith_fail(fault, err, "the encoder can't be made");
  }
  if (err != KITH_OK) {
    kith_row_encoder_free(encoder);
    return err;
  }
  *out = encoder;
  return KITH_OK;
}

void kith_row_encoder_free(struct kith_row_encoder *encoder)
{
  if (!encoder)
    return;
  kith_encoder_free(encoder->encoder);
  kith_free(encoder);
}

static void texts_add(const char **texts, unsigned *n, const struct kith_values *values)
{
  for (unsigned i = 0; i < values->n; i++)
    texts[(*n)++] = values->text[i];
}

enum kith_err kith_row_encoder_encode(struct kith_row_encoder *encoder, uint8_t *filters,
                                      uint16_t *mask, const struct kith_record *record)
{
  return kith_row_encoder_encode_fields(encoder, filters, mask, record, UINT16_MAX);
}

enum kith_err kith_row_encoder_encode_fields(struct kith_row_encoder *encoder, uint8_t *filters,
                                             uint16_t *mask, const struct kith_record *record,
                                             uint16_t fields)
{
  const char *texts[KITH_ENCODE_FIELDS_MAX][2 * KITH_VALUES_MAX];
  struct kith_encode_values values[KITH_ENCODE_FIELDS_MAX];

  for (unsigned i = 0; i < encoder->schema.n_fields; i++) {
    unsigned n = 0;

    if (!(fields >> i & 1)) {
      n = 0;
    } else if (encoder->fields[i] == KITH_FIELD_NAMES) {
      texts_add(texts[i], &n, &record->values[KITH_FIELD_GIVEN_NAME]);
      texts_add(texts[i], &n, &record->values[KITH_FIELD_SURNAME]);
    } else if (encoder->fields[i] == KITH_FIELD_NAME_FORMS) {
      texts_add(texts[i], &n, &record->name_forms);
    } else {
      texts_add(texts[i], &n, &record->values[encoder->fields[i]]);
    }
    values[i] = (struct kith_encode_values){texts[i], n};
  }
  return kith_encoder_encode(encoder->encoder, filters, mask, values);
}

size_t kith_row_encoder_bytes(const struct kith_row_encoder *encoder)
{
  struct kith_encode_layout layout;

  kith_encode_layout(&layout, &encoder->schema);
  return layout.bytes;
}

void kith_row_encoder_describe(const struct kith_row_encoder *encoder, struct kith_encodings *enc)
{
  struct kith_encode_layout layout;
  struct kith_hash hash;

  kith_encode_layout(&layout, &encoder->schema);
  kith_encodings_set_filters(enc, layout.bits, layout.n_filters);
  enc->has_schema = true;
  kith_encode_schema_hash(&hash, &encoder->schema);
  memcpy(enc->schema_hash, hash.bytes, sizeof enc->schema_hash);
  kith_encoder_key_check(encoder->encoder, enc->key_check);
  enc->n_fields = encoder->schema.n_fields;
  for (unsigned i = 0; i < encoder->schema.n_fields; i++) {
    enc->field_weights[i] = encoder->schema.fields[i].weight;
    enc->field_filters[i] = (uint8_t)encoder->schema.fields[i].filter;
  }
}
