/* The pipeline of an agency, and the pure half of kithd: a table of people in, encodings out.
 * Shared by kithd, `kith link` and `kith encode`. No sockets, no store, no clock, no logging.
 *
 * kith_pipeline_run takes the whole source into memory: one copy of its filters. kith_pipeline_open
 * gives it in blocks, in bounded memory but for what the source keeps of ids (source.h), however
 * long the file is. Either uses several threads (rows are read by one, standardised and encoded by
 * all), and gives the same bytes, and the same error, for every number of them.
 *
 * With blocks, rows whose pattern of missing fields turns out to be rare are told of at the end
 * (kith_pipeline_coarsen); for that, the first rows of each pattern are kept (coarsen.h).
 *
 * Every row of the source keeps its place: one that was set aside (not of the header's shape, not
 * text, without an id, with an id seen before), that the person objected to, that is out of scope
 * or too sparse (scope.h) is an empty encoding there, with in_scope false. */
#ifndef KITH_DAEMON_PIPELINE_PIPELINE_H
#define KITH_DAEMON_PIPELINE_PIPELINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ordered.h"
#include "crypto/hash.h"
#include "daemon/pipeline/objections.h"
#include "daemon/pipeline/scope.h"
#include "daemon/pipeline/source.h"
#include "daemon/pipeline/standardise.h"
#include "proto/encodings.h"
#include "proto/policy.h"

struct kith_encoded {
  struct kith_encodings encodings; /* n rows, in the source's order */
  struct kith_ids ids;             /* n; the column `id`, "" where there is no usable one */
  uint64_t *source_rows;           /* n; owned; as a spreadsheet counts, the header is row 1 */
  bool *in_scope;                  /* n; owned: encoded, and may leave */
  uint64_t n_in_scope;
  uint64_t n_set_aside;
  uint64_t n_coarsened;           /* of those in scope: encoded without a field that they have */
  uint64_t n_out_of_scope;        /* by the bounds of the policy's scope */
  struct kith_scope_counts scope; /* all rows but those set aside, each reason apart */
};
void kith_encoded_free(struct kith_encoded *encoded); /* takes a zeroed object; wipes filters */

enum { KITH_PIPELINE_THREADS_MAX = KITH_ORDERED_THREADS_MAX };

struct kith_pipeline_options {
  unsigned n_threads;                            /* with the caller's; 0: one for each processor */
  void (*progress)(void *context, double share); /* of the source read, [0, 1]; may be NULL */
  void *progress_context;
  const atomic_bool *cancel; /* may be NULL; KITH_ERR_CANCELLED */
  /* Rows of these ids are not even standardised; asked by the caller's thread; may be NULL. */
  struct kith_objections *objections;
  /* Sees each row that was neither set aside nor objected to, in no order; may be NULL. Called by
   * thread `thread`, 0 to kith_pipeline_threads(n_threads) - 1, at the same time as by others: sums
   * of each thread apart, added up in the end, are the same for every number of threads. */
  void (*look)(void *context, unsigned thread, const struct kith_record *record,
               const enum kith_outcome outcomes[KITH_FIELD_COUNT], bool in_scope);
  void *look_context;
};

/* How many threads a number in the options stands for. */
unsigned kith_pipeline_threads(unsigned n_threads);

/* Reads, standardises and encodes the whole source under the policy with the linkage secret.
 * KITH_ERR_NO_INPUT, KITH_ERR_DATA, KITH_ERR_IO with *fault naming file, row and column. */
KITH_MUST_USE enum kith_err
kith_pipeline_run(struct kith_encoded *out, const struct kith_policy *policy, const uint8_t *secret,
                  size_t secret_len, const struct kith_source_spec *spec,
                  const struct kith_pipeline_options *options, struct kith_fault *fault);

/* Consecutive rows of the source, encoded; the arrays are the pipeline's. */
struct kith_block {
  size_t n;              /* 1 or more */
  size_t row_bytes;      /* of all filters of a row */
  uint8_t *filters;      /* n x row_bytes; zeros where in_scope is false */
  uint16_t *masks;       /* n */
  uint64_t *source_rows; /* n; as in kith_encoded */
  bool *in_scope;        /* n */
  uint64_t n_set_aside;
  struct kith_scope_counts scope;
};

/* Blocks, one by one: open, next until KITH_ERR_NOT_FOUND or an error (then no more), free. Policy
 * and options are borrowed until it is freed, the secret and the spec until open returns.
 * next: *out is valid until the next call; an error comes after the rows before it. */
struct kith_pipeline;
KITH_MUST_USE enum kith_err
kith_pipeline_open(struct kith_pipeline **out, const struct kith_policy *policy,
                   const uint8_t *secret, size_t secret_len, const struct kith_source_spec *spec,
                   const struct kith_pipeline_options *options, struct kith_fault *fault);
KITH_MUST_USE enum kith_err kith_pipeline_next(struct kith_pipeline *pipeline,
                                               const struct kith_block **out,
                                               struct kith_fault *fault);
/* A row whose pattern of missing fields too few others have: what was given of it is to be
 * replaced. The arrays are of the row's bytes, the pipeline's, and valid during the call. */
struct kith_coarser {
  uint64_t row; /* from 0, of all that were given */
  uint16_t old_mask;
  uint16_t mask; /* 0: it is out (KITH_SCOPE_RARE), and its filters are zeros */
  const uint8_t *old_filters;
  const uint8_t *filters;
};
struct kith_coarser_counts {
  uint64_t n_coarsened;
  uint64_t n_out;
  bool too_few; /* records in all for the policy's mask_minimum: patterns are as they are */
};
/* Once, after the last block: tells of each such row, in the order of the source. */
KITH_MUST_USE enum kith_err kith_pipeline_coarsen(struct kith_pipeline *pipeline,
                                                  void (*tell)(void *context,
                                                               const struct kith_coarser *row),
                                                  void *context, struct kith_coarser_counts *out);
/* Puts into *enc what its rows will be: all but n, filters and masks. */
void kith_pipeline_describe(const struct kith_pipeline *pipeline, struct kith_encodings *enc);
size_t kith_pipeline_row_bytes(const struct kith_pipeline *pipeline);
/* About how many rows the source has, by what has been read of it; 0 where that can't be told. */
double kith_pipeline_rows_expected(const struct kith_pipeline *pipeline);
/* After the last block: the ids of all rows, from now on the caller's. */
void kith_pipeline_take_ids(struct kith_pipeline *pipeline, struct kith_ids *out);
void kith_pipeline_free(struct kith_pipeline *pipeline); /* takes NULL */

/* What a compiled-in corpus of made-up rows encodes to under a fixed public key and this policy's
 * fields: two agencies whose libraries or tables differ have two fingerprints. */
KITH_MUST_USE enum kith_err kith_pipeline_fingerprint(struct kith_hash *out,
                                                      const struct kith_policy *policy);

#endif
