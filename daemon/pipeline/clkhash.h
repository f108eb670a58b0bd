/* A table of people in, encodings for a linkage schema of clkhash out, in blocks: one thread reads
 * rows, all threads encode them, and blocks are given in the order of the file. The bytes, and the
 * error, are the same for every number of threads; memory does not grow with the file.
 *
 * Life: open, next until KITH_ERR_NOT_FOUND or an error (then no more), free (wipes). Schema,
 * options and path are borrowed until then, the secret until open returns. */
#ifndef KITH_DAEMON_PIPELINE_CLKHASH_H
#define KITH_DAEMON_PIPELINE_CLKHASH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/encode/clkhash.h"

/* All encoders together remember this many bytes of bits, but each some. */
enum { KITH_CLKHASH_CACHES_BYTES = 96 << 20, KITH_CLKHASH_CACHE_BYTES_MIN = 1 << 20 };

struct kith_clkhash_options {
  unsigned n_threads;        /* with the caller's; 0: one for each processor */
  bool skip_bad;             /* count rows that break a rule, instead of stopping */
  const atomic_bool *cancel; /* may be NULL; KITH_ERR_CANCELLED */
};

/* Consecutive rows of the file. */
struct kith_clkhash_block {
  const char *text; /* for each row: a comma, a blank, and its encoding as a JSON string */
  size_t len;
  size_t n;                    /* rows that are there, 0 or more */
  const uint64_t *source_rows; /* n; as a spreadsheet counts, the header is row 1 */
  uint64_t n_bad;              /* rows left out */
};
/* What stands between an array's bracket and the first block's text. */
enum { KITH_CLKHASH_TEXT_JOINT = 2 };

struct kith_clkhash_pipeline;

/* KITH_ERR_NO_INPUT; KITH_ERR_DATA: the header is not the schema's. */
KITH_MUST_USE enum kith_err kith_clkhash_open(struct kith_clkhash_pipeline **out,
                                              struct kith_clkhash_schema *schema,
                                              const struct kith_secret *secret, const char *path,
                                              const struct kith_clkhash_options *options,
                                              struct kith_fault *fault);
void kith_clkhash_free(struct kith_clkhash_pipeline *pipeline); /* takes NULL */

/* *out is valid until the next call. KITH_ERR_DATA: a row breaks a rule, which *fault names. */
KITH_MUST_USE enum kith_err kith_clkhash_next(struct kith_clkhash_pipeline *pipeline,
                                              struct kith_clkhash_block *out,
                                              struct kith_fault *fault);
/* About how much of the file was read, in [0, 1]. */
double kith_clkhash_share(const struct kith_clkhash_pipeline *pipeline);

#endif
