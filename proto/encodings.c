#include "proto/encodings.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/secret.h"

void kith_encodings_init(struct kith_encodings *enc)
{
  memset(enc, 0, sizeof *enc);
}

void kith_encodings_free(struct kith_encodings *enc)
{
  if (!enc)
    return;
  if (enc->filters)
    kith_wipe(enc->filters, enc->n * enc->stride);
  if (enc->masks)
    kith_wipe(enc->masks, enc->n * sizeof *enc->masks);
  kith_free(enc->filters);
  kith_free(enc->masks);
  kith_encodings_init(enc);
}

void kith_encodings_set_filters(struct kith_encodings *enc, const unsigned *bits,
                                unsigned n_filters)
{
  enc->bits = bits[0];
  enc->row_bytes = ((size_t)bits[0] + 7) / 8;
  enc->stride = 0;
  enc->n_filters = n_filters;
  for (unsigned f = 0; f < KITH_ENCODINGS_FILTERS_MAX; f++) {
    enc->filter_bits[f] = f < n_filters ? bits[f] : 0;
    enc->stride += ((size_t)enc->filter_bits[f] + 7) / 8;
  }
}

const uint8_t *kith_encodings_filter(const struct kith_encodings *enc, size_t row, unsigned f)
{
  size_t offset = 0;

  for (unsigned i = 0; i < f; i++)
    offset += ((size_t)enc->filter_bits[i] + 7) / 8;
  return kith_encodings_row(enc, row) + offset;
}

void kith_encodings_filter_weights(const struct kith_encodings *enc, unsigned f,
                                   uint32_t out[KITH_ENCODINGS_FIELDS_MAX])
{
  for (unsigned i = 0; i < KITH_ENCODINGS_FIELDS_MAX; i++)
    out[i] = enc->field_filters[i] == f ? enc->field_weights[i] : 0;
}

uint16_t kith_encodings_filter_fields(const struct kith_encodings *enc, unsigned f)
{
  unsigned fields = 0;

  for (unsigned i = 0; i < KITH_ENCODINGS_FIELDS_MAX; i++)
    fields |= enc->field_filters[i] == f ? 1u << i : 0;
  return (uint16_t)fields;
}

enum kith_err kith_encodings_alloc(struct kith_encodings *enc, size_t n, unsigned bits,
                                   bool with_masks)
{
  return kith_encodings_alloc_filters(enc, n, &bits, 1, with_masks);
}

enum kith_err kith_encodings_alloc_filters(struct kith_encodings *enc, size_t n,
                                           const unsigned *bits, unsigned n_filters,
                                           bool with_masks)
{
  struct kith_encodings lengths = {0};
  for (unsigned f = 0; f < n_filters; f++)
    if (bits[f] > KITH_ENCODINGS_BITS_MAX || ((n > 0 || f > 0) && bits[f] == 0))
      return KITH_ERR_LIMIT;
  if (n > KITH_ENCODINGS_ROWS_MAX)
    return KITH_ERR_LIMIT;
  kith_encodings_set_filters(&lengths, bits, n_filters);
  uint8_t *filters = kith_calloc(n, lengths.stride ? lengths.stride : 1);
  if (!filters)
    return KITH_ERR_MEMORY;
  uint16_t *masks = NULL;
  if (with_masks) {
    masks = KITH_NEW_ARRAY(uint16_t, n);
    if (!masks) {
      kith_free(filters);
      return KITH_ERR_MEMORY;
    }
  }
  kith_encodings_init(enc);
  enc->n = n;
  kith_encodings_set_filters(enc, bits, n_filters);
  enc->filters = filters;
  enc->masks = masks;
  return KITH_OK;
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
  for (size_t i = 0; i < len; i++)
    if (bytes[i])
      return false;
  return true;
}

static enum kith_err check_fields(const struct kith_encodings *enc, const char *name,
                                  struct kith_fault *fault)
{
  uint64_t sum = 0;
  if (enc->n_fields > KITH_ENCODINGS_FIELDS_MAX)
    return kith_fail(fault, KITH_ERR_DATA, "%s: %u fields, at most %d are possible", name,
                     enc->n_fields, KITH_ENCODINGS_FIELDS_MAX);
  for (unsigned f = 0; f < KITH_ENCODINGS_FIELDS_MAX; f++) {
    sum += enc->field_weights[f];
    if (f >= enc->n_fields && enc->field_weights[f])
      return kith_fail(fault, KITH_ERR_DATA, "%s: a weight for field %u, which does not exist",
                       name, f);
  }
  if (sum > KITH_ENCODINGS_WEIGHT_SUM_MAX)
    return kith_fail(fault, KITH_ERR_DATA, "%s: field weights add up to more than %d", name,
                     KITH_ENCODINGS_WEIGHT_SUM_MAX);
  if (enc->masks && sum == 0)
    return kith_fail(fault, KITH_ERR_DATA, "%s: presence masks without field weights", name);
  if (!enc->has_schema && (!all_zero(enc->schema_hash, sizeof enc->schema_hash) ||
                           !all_zero(enc->key_check, sizeof enc->key_check)))
    return kith_fail(fault, KITH_ERR_DATA, "%s: a schema hash or key check that is not declared",
                     name);
  return KITH_OK;
}

static enum kith_err check_pad_bits(const struct kith_encodings *enc, unsigned f, const char *name,
                                    struct kith_fault *fault)
{
  size_t row_bytes = ((size_t)enc->filter_bits[f] + 7) / 8;
  unsigned pad = 0xffu >> enc->filter_bits[f] % 8;
  if (enc->filter_bits[f] % 8 != 0)
    for (size_t i = 0; i < enc->n; i++)
      if (kith_encodings_filter(enc, i, f)[row_bytes - 1] & pad)
        return kith_fail(fault, KITH_ERR_DATA, "%s: row %zu: bits are set beyond bit %u", name, i,
                         enc->filter_bits[f] - 1);
  return KITH_OK;
}

static enum kith_err check_filters(const struct kith_encodings *enc, const char *name,
                                   struct kith_fault *fault)
{
  size_t stride = 0;
  if (enc->n_filters < 1 || enc->n_filters > KITH_ENCODINGS_FILTERS_MAX)
    return kith_fail(fault, KITH_ERR_DATA, "%s: %u filters a row, 1 to %d are possible", name,
                     enc->n_filters, KITH_ENCODINGS_FILTERS_MAX);
  for (unsigned f = 0; f < enc->n_filters; f++) {
    if (enc->filter_bits[f] > KITH_ENCODINGS_BITS_MAX ||
        (enc->filter_bits[f] == 0 && (enc->n > 0 || f > 0)))
      return kith_fail(fault, KITH_ERR_DATA, "%s: %u bits a row, 1 to %d are possible", name,
                       enc->filter_bits[f], KITH_ENCODINGS_BITS_MAX);
    stride += ((size_t)enc->filter_bits[f] + 7) / 8;
  }
  if (enc->n > KITH_ENCODINGS_ROWS_MAX || enc->bits != enc->filter_bits[0] ||
      enc->row_bytes != ((size_t)enc->bits + 7) / 8 || enc->stride != stride)
    return kith_fail(fault, KITH_ERR_DATA, "%s: rows of %zu bytes, their filters have %zu", name,
                     enc->stride, stride);
  for (unsigned i = 0; i < KITH_ENCODINGS_FIELDS_MAX; i++)
    if (enc->field_filters[i] >= (i < enc->n_fields ? enc->n_filters : 1))
      return kith_fail(fault, KITH_ERR_DATA, "%s: field %u is in a filter that does not exist",
                       name, i);
  for (unsigned f = 0; f < enc->n_filters; f++) {
    enum kith_err err = check_pad_bits(enc, f, name, fault);
    if (err)
      return err;
  }
  return KITH_OK;
}

enum kith_err kith_encodings_check(const struct kith_encodings *enc, const char *name,
                                   struct kith_fault *fault)
{
  enum kith_err err = check_fields(enc, name, fault);
  if (err)
    return err;
  err = check_filters(enc, name, fault);
  if (err)
    return err;
  if (enc->masks && enc->n_fields < KITH_ENCODINGS_FIELDS_MAX)
    for (size_t i = 0; i < enc->n; i++)
      if (enc->masks[i] >> enc->n_fields)
        return kith_fail(fault, KITH_ERR_DATA,
                         "%s: row %zu: the presence mask names a field beyond the %u there are",
                         name, i, enc->n_fields);
  return KITH_OK;
}

enum kith_err kith_encodings_comparable(const struct kith_encodings *a, const char *name_a,
                                        const struct kith_encodings *b, const char *name_b,
                                        struct kith_fault *fault)
{
  if (a->bits == 0 || b->bits == 0)
    return KITH_OK;
  if (a->bits != b->bits)
    return kith_fail(fault, KITH_ERR_DATA, "%s has rows of %u bits, %s of %u", name_a, a->bits,
                     name_b, b->bits);
  if (a->n_filters != b->n_filters ||
      memcmp(a->filter_bits, b->filter_bits, sizeof a->filter_bits) != 0 ||
      memcmp(a->field_filters, b->field_filters, sizeof a->field_filters) != 0)
    return kith_fail(fault, KITH_ERR_DATA, "%s and %s differ in the filters of a row", name_a,
                     name_b);
  if (a->has_schema != b->has_schema ||
      memcmp(a->schema_hash, b->schema_hash, sizeof a->schema_hash) != 0)
    return kith_fail(fault, KITH_ERR_DATA,
                     "%s and %s were not encoded under the same schema or policy", name_a, name_b);
  if (memcmp(a->key_check, b->key_check, sizeof a->key_check) != 0)
    return kith_fail(fault, KITH_ERR_DATA,
                     "%s and %s were encoded under different secrets: the secret files must be "
                     "equal to the byte, a newline at the end included",
                     name_a, name_b);
  if (a->n_fields != b->n_fields ||
      memcmp(a->field_weights, b->field_weights, sizeof a->field_weights) != 0)
    return kith_fail(fault, KITH_ERR_DATA, "%s and %s differ in fields or field weights", name_a,
                     name_b);
  return KITH_OK;
}
