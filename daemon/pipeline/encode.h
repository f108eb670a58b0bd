/* Of the pipeline only: one record to one filter under a policy.
 *
 * Life: kith_row_encoder_new, kith_row_encoder_encode by one thread, kith_row_encoder_free. */
#ifndef KITH_DAEMON_PIPELINE_ENCODE_H
#define KITH_DAEMON_PIPELINE_ENCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "daemon/pipeline/record.h"
#include "proto/encodings.h"
#include "proto/policy.h"

struct kith_row_encoder;

/* KITH_ERR_CONFIG with *fault: the policy names a field or a standardiser that this program does
 * not know, or its filter is out of range. The secret is not kept. */
KITH_MUST_USE enum kith_err kith_row_encoder_new(struct kith_row_encoder **out,
                                                 const struct kith_policy *policy,
                                                 const uint8_t *secret, size_t secret_len,
                                                 struct kith_fault *fault);
void kith_row_encoder_free(struct kith_row_encoder *encoder);

/* Of all filters of a row. */
size_t kith_row_encoder_bytes(const struct kith_row_encoder *encoder);

/* filters: so many bytes, overwritten. */
KITH_MUST_USE enum kith_err kith_row_encoder_encode(struct kith_row_encoder *encoder,
                                                    uint8_t *filters, uint16_t *mask,
                                                    const struct kith_record *record);

/* Those of the policy's fields alone that are in `fields`, one bit each. */
KITH_MUST_USE enum kith_err kith_row_encoder_encode_fields(struct kith_row_encoder *encoder,
                                                           uint8_t *filters, uint16_t *mask,
                                                           const struct kith_record *record,
                                                           uint16_t fields);

/* Puts lengths, schema hash, key check, fields and weights into a set of encodings. */
void kith_row_encoder_describe(const struct kith_row_encoder *encoder, struct kith_encodings *enc);

#endif
