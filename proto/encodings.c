#include "proto/encodings.h"

#include <string.h>

#include "base/mem.h"

void kith_encodings_init(struct kith_encodings *enc)
{
  memset(enc, 0, sizeof *enc);
}

void kith_encodings_free(struct kith_encodings *enc)
{
  if (!enc)
    return;
  kith_free(enc->filters);
  kith_free(enc->masks);
  kith_encodings_init(enc);
}

enum kith_err kith_encodings_alloc(struct kith_encodings *enc, size_t n, unsigned bits,
                                   bool with_masks)
{
  if (bits > KITH_ENCODINGS_BITS_MAX || n > KITH_ENCODINGS_ROWS_MAX || (n > 0 && bits == 0))
    return KITH_ERR_LIMIT;
  size_t row_bytes = (bits + 7) / 8;
  uint8_t *filters = kith_calloc(n, row_bytes ? row_bytes : 1);
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
  enc->bits = bits;
  enc->row_bytes = row_bytes;
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

enum kith_err kith_encodings_check(const struct kith_encodings *enc, const char *name,
                                   struct kith_fault *fault)
{
  enum kith_err err = check_fields(enc, name, fault);
  if (err)
    return err;
  if (enc->bits > KITH_ENCODINGS_BITS_MAX || (enc->bits == 0 && enc->n > 0) ||
      enc->n > KITH_ENCODINGS_ROWS_MAX || enc->row_bytes != (enc->bits + 7) / 8)
    return kith_fail(fault, KITH_ERR_DATA, "%s: %u bits a row, 1 to %d are possible", name,
                     enc->bits, KITH_ENCODINGS_BITS_MAX);
  if (enc->bits % 8 != 0) {
    unsigned pad = 0xffu >> enc->bits % 8;
    for (size_t i = 0; i < enc->n; i++)
      if (kith_encodings_row(enc, i)[enc->row_bytes - 1] & pad)
        return kith_fail(fault, KITH_ERR_DATA, "%s: row %zu: bits are set beyond bit %u", name, i,
                         enc->bits - 1);
  }
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
