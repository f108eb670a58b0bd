/* The engine: every pair of rows whose similarity reaches a bound, exactly.
 *
 * Pure computation over arrays of bits, shared by the matcher's service, `kith match`,
 * `kith link` and the benchmarks: no sockets, no store, no clock, no logging, no state between
 * calls. The set of pairs depends on the encodings, the similarity and the bound only: not on
 * threads, kernel, method or the order of the work. The order in which pairs arrive does depend
 * on them: sort with kith_pairs_sort.
 *
 * Method: docs/engine.md. */
#ifndef KITH_MATCHER_ENGINE_ENGINE_H
#define KITH_MATCHER_ENGINE_ENGINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "matcher/engine/similarity.h"
#include "proto/encodings.h"

enum { KITH_ENGINE_PARTIES_MAX = 96, KITH_ENGINE_THREADS_MAX = 256 };

/* A pair at or above the bound. party_a < party_b, or, inside a party, row_a < row_b. The exact
 * similarity is `similarity`; a', b' of masked Dice are
 * count x W(ma & mb) / W(own mask), see similarity.h. */
struct kith_pair {
  uint32_t row_a;
  uint32_t row_b;
  uint8_t party_a; /* index into the array of parties */
  uint8_t party_b;
  uint32_t common;  /* bits set in both */
  uint32_t count_a; /* bits set */
  uint32_t count_b;
  struct kith_fraction similarity;
};

/* Takes `n` pairs, which are valid during the call. Calls are made one at a time, from any of
 * the engine's threads. An error stops the run and is returned from it. */
typedef enum kith_err kith_engine_sink(void *context, const struct kith_pair *pairs, size_t n);

/* `done` of `total` comparisons; never falls. One call at a time, about once a task (4 ms to
 * 0.5 s of work). */
typedef void kith_engine_progress(void *context, uint64_t done, uint64_t total);

/* A run's memory of itself, so that one that was killed can go on. The work is cut into units, the
 * same ones wherever inputs, options, kernel and plan are the same, which `layout` tells. A unit
 * is small: what all threads have under way is lost in a kill. Calls are made one at a time, from
 * any of the engine's threads; an error stops the run. */
struct kith_engine_journal {
  void *context;
  /* Before the work, of `comparisons` in all. Sets finished[u] for each unit of an earlier run of
   * this layout that was done; their pairs are the journal's owner's to deliver, the sink does not
   * get them. */
  enum kith_err (*open)(void *context, uint64_t layout, size_t n_units, uint64_t comparisons,
                        bool *finished);
  /* Pairs of a unit, besides going to the sink. */
  enum kith_err (*add)(void *context, size_t unit, const struct kith_pair *pairs, size_t n);
  /* All pairs of the unit, which is so many comparisons, have been added. */
  enum kith_err (*done)(void *context, size_t unit, uint64_t comparisons);
};

enum kith_engine_method {
  KITH_ENGINE_AUTO,  /* the planner's choice, by a sample */
  KITH_ENGINE_BRUTE, /* every pair, bit by bit */
  /* Every pair's learned count sketches, then the pairs that these leave. */
  KITH_ENGINE_SKETCH,
  /* Rows that agree in one of enough parts, then sketches, then the pairs that these leave; brute
   * force for rows whose masks are rare, or which the bound leaves too far apart. */
  KITH_ENGINE_PIGEONHOLE
}; /* the last two: brute force where rows are longer than KITH_SKETCH_BITS_MAX */

struct kith_engine_options {
  enum kith_similarity_kind similarity;
  struct kith_ratio bound; /* above 0, at most 1; a pair at the bound is in */
  bool across;             /* pairs of rows of different parties */
  bool within;             /* pairs of rows of the same party */
  /* Which pairs of parties instead: wanted[a * n_parties + b], a <= b. NULL: as the two say. */
  const bool *wanted;
  unsigned n_threads; /* 1 .. KITH_ENGINE_THREADS_MAX, the calling one included */
  enum kith_engine_method method;
  unsigned sketch_groups;         /* for KITH_ENGINE_SKETCH: 4 .. 128, 0: the planner's choice */
  const char *kernel;             /* as kith_engine_kernel_name; NULL: KITH_KERNEL, else the best */
  size_t memory_bytes_max;        /* what the engine may allocate; 0: no ceiling */
  uint64_t results_max;           /* 0: no ceiling */
  kith_engine_progress *progress; /* may be NULL */
  void *progress_context;
  /* Told once what the planner chose and why, in a line; may be NULL. */
  void (*explain)(void *context, const char *plan);
  void *explain_context;
  const struct kith_engine_journal *journal; /* may be NULL */
  const atomic_bool *cancel;                 /* may be NULL; set: KITH_ERR_CANCELLED within 0.2 s */
};

/* dice, no bound, across, one thread, no ceilings. */
void kith_engine_options_init(struct kith_engine_options *options);

/* "auto", "brute", "sketch", "pigeonhole". KITH_ERR_USAGE: none of them. */
KITH_MUST_USE enum kith_err kith_engine_method_parse(enum kith_engine_method *out, const char *name,
                                                     struct kith_fault *fault);

/* The parties' rows must be of one length (parties without rows excepted) and, for masked Dice,
 * have masks and equal field weights: KITH_ERR_DATA. KITH_ERR_USAGE: options out of range, a
 * kernel that this processor lacks. KITH_ERR_LIMIT: a ceiling, KITH_ERR_CANCELLED, KITH_ERR_MEMORY,
 * or the sink's error. After a failure some pairs may have gone to the sink. */
KITH_MUST_USE enum kith_err kith_engine_run(const struct kith_encodings *const *parties,
                                            unsigned n_parties,
                                            const struct kith_engine_options *options,
                                            kith_engine_sink *sink, void *sink_context,
                                            struct kith_fault *fault);

/* Whether rows of the parties a <= b are compared. */
bool kith_engine_wants(const struct kith_engine_options *options, unsigned n_parties, unsigned a,
                       unsigned b);

/* The comparisons that a run would make. */
uint64_t kith_engine_comparisons(const struct kith_encodings *const *parties, unsigned n_parties,
                                 const struct kith_engine_options *options);

/* The least memory_bytes_max that such a run can do with. KITH_ERR_MEMORY. */
KITH_MUST_USE enum kith_err kith_engine_bytes_least(size_t *out,
                                                    const struct kith_encodings *const *parties,
                                                    unsigned n_parties,
                                                    const struct kith_engine_options *options);

/* Name of the i-th kernel of this build, NULL after the last; *usable: this processor has it. */
const char *kith_engine_kernel_name(size_t i, bool *usable);

/* ---- pairs, collected */

/* Life: zero-initialise, pass kith_pairs_sink with it as context, sort, kith_pairs_free. */
struct kith_pairs {
  struct kith_pair *items; /* owned */
  size_t n;
  size_t cap;
};
enum kith_err kith_pairs_sink(void *context, const struct kith_pair *pairs, size_t n);
/* By party_a, party_b, row_a, row_b. */
void kith_pairs_sort(struct kith_pairs *pairs);
void kith_pairs_free(struct kith_pairs *pairs);

#endif
