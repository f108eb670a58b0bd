/* Context (docs/protocol.md, section 13): a few short codes about each record of an agency, such as
 * its ward, which only who holds the record's handle can read. The agency does not know which of
 * its records were released: it tells of all of them, and the recipient can open those of its list.
 * Pure.
 *
 *   entry   tag 16 bytes || box under the handle's key, of each value padded to 16 bytes
 *
 * Entries of a letter are all of one length and ascend by tag, so that their order says nothing of
 * the records'. Without the handle, 128 bits, neither tag nor box says anything. */
#ifndef KITH_PROTO_CONTEXT_H
#define KITH_PROTO_CONTEXT_H

#include "base/clock.h"
#include "proto/letter.h"

/* The values of a record, in the order of the policy's attributes; "": missing. Wiped by whoever
 * has it. */
struct kith_context_values {
  char text[KITH_CONTEXT_ATTRIBUTES_MAX][KITH_CONTEXT_VALUE_BYTES];
};

/* A short code: 1 to KITH_CONTEXT_VALUE_BYTES - 1 of A-Z, a-z, 0-9, '.', '_' and '-'. */
bool kith_context_value_valid(const char *text);
/* "11-15": static; NULL where the date does not tell which, or is after `on`. */
const char *kith_context_age_band(struct kith_date birth, struct kith_date on);

/* Where an entry is looked for. `envelope` has round, agency and recipient: an entry for one
 * recipient says nothing to another. */
void kith_context_tag(uint8_t out[KITH_CONTEXT_TAG_BYTES], const struct kith_envelope *envelope,
                      const uint8_t handle[KITH_HANDLE_BYTES]);
/* out: kith_context_entry_bytes(n_attributes). */
KITH_MUST_USE enum kith_err kith_context_seal(uint8_t *out, const struct kith_envelope *envelope,
                                              const uint8_t handle[KITH_HANDLE_BYTES],
                                              const struct kith_context_values *values,
                                              unsigned n_attributes);
/* Of a letter that was read. KITH_ERR_NOT_FOUND: it has nothing under this handle. KITH_ERR_NO: it
 * has, and what it has is none. */
KITH_MUST_USE enum kith_err kith_context_find(struct kith_context_values *out,
                                              const struct kith_context *context,
                                              const struct kith_envelope *envelope,
                                              const uint8_t handle[KITH_HANDLE_BYTES]);

#endif
