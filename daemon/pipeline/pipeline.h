/* The pipeline of an agency, and the pure half of kithd: a table of people in, encodings out.
 * Shared by kithd, `kith link` and `kith encode`. No sockets, no store, no clock, no logging.
 *
 * Every row of the source keeps its place: one that was set aside (not of the header's shape, not
 * text, without an id, with an id seen before) or that is out of scope is an empty encoding there,
 * with in_scope false. */
#ifndef KITH_DAEMON_PIPELINE_PIPELINE_H
#define KITH_DAEMON_PIPELINE_PIPELINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/hash.h"
#include "daemon/pipeline/source.h"
#include "proto/encodings.h"
#include "proto/policy.h"

struct kith_encoded {
  struct kith_encodings encodings; /* n rows, in the source's order */
  struct kith_ids ids;             /* n; the column `id`, "" where there is no usable one */
  uint64_t *source_rows;           /* n; owned; as a spreadsheet counts, the header is row 1 */
  bool *in_scope;                  /* n; owned: encoded, and may leave */
  uint64_t n_in_scope;
  uint64_t n_set_aside;
  uint64_t n_out_of_scope; /* by the policy's scope, unknown and impossible dates included */
};
void kith_encoded_free(struct kith_encoded *encoded); /* takes a zeroed object; wipes filters */

struct kith_pipeline_options {
  void (*progress)(void *context, double share); /* of the source read, [0, 1]; may be NULL */
  void *progress_context;
  const atomic_bool *cancel; /* may be NULL; KITH_ERR_CANCELLED */
};

/* Reads, standardises and encodes the whole source under the policy with the linkage secret.
 * KITH_ERR_NO_INPUT, KITH_ERR_DATA, KITH_ERR_IO with *fault naming file, row and column. */
KITH_MUST_USE enum kith_err
kith_pipeline_run(struct kith_encoded *out, const struct kith_policy *policy, const uint8_t *secret,
                  size_t secret_len, const struct kith_source_spec *spec,
                  const struct kith_pipeline_options *options, struct kith_fault *fault);

/* What a compiled-in corpus of made-up rows encodes to under a fixed public key and this policy's
 * fields: two agencies whose libraries or tables differ have two fingerprints. */
KITH_MUST_USE enum kith_err kith_pipeline_fingerprint(struct kith_hash *out,
                                                      const struct kith_policy *policy);

#endif
