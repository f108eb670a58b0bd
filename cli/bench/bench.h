/* Of `kith bench` only: its verbs that have a file of their own, and what the engine's is made of.
 *
 * The engine's benchmark is a grid: rows x similarities x thresholds x kernels x threads. In each
 * cell brute force is measured beside the methods asked for, in turns, on the same rows. */
#ifndef KITH_CLI_BENCH_BENCH_H
#define KITH_CLI_BENCH_BENCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "matcher/engine/engine.h"
#include "proto/encodings.h"

int kith_bench_blind(int argc, char **argv);
int kith_bench_encode(int argc, char **argv);
int kith_bench_engine(int argc, char **argv);

/* ---- clkhash: a table of kith generate's under a schema of five fields at 1,024 bits */

enum kith_bench_clkhash_stage {
  KITH_BENCH_CLKHASH_READ,
  KITH_BENCH_CLKHASH_ENCODE,
  KITH_BENCH_CLKHASH_TEXT,
  KITH_BENCH_CLKHASH_WRITE
};
/* Does the stage and those before it; only the last two use more than one thread, and the last
 * alone `out`. */
KITH_MUST_USE enum kith_err kith_bench_clkhash(const char *path,
                                               enum kith_bench_clkhash_stage stage, FILE *out,
                                               unsigned n_threads, struct kith_fault *fault);

/* ---- rows
 *
 * Of people: names from lists whose ranks fall off as 1 / rank, cut into bigrams, 10 bits each;
 * day, month and year of birth, 20 bits each; sex, 20; one of 2,000 postcodes, 10. Fields are
 * missing in 1%, 1%, 4%, 1% and 12% of rows; one row in ten has a wrong letter in a name; half the
 * people of a party are in the next. About 27% of 1,024 bits are set.
 *
 * Or independent: each bit is set with probability 0.4. */
KITH_MUST_USE enum kith_err kith_bench_party(struct kith_encodings *enc, bool independent, size_t n,
                                             unsigned bits, unsigned party);

/* ---- the grid */

enum { KITH_BENCH_ITEMS_MAX = 16, KITH_BENCH_REPEAT_MAX = 25, KITH_BENCH_TEXT_BYTES = 16 };

/* A list as given, "0.8,0.9"; items are copies. */
struct kith_bench_items {
  char text[KITH_BENCH_ITEMS_MAX][KITH_BENCH_TEXT_BYTES];
  size_t n;
};
KITH_MUST_USE enum kith_err kith_bench_items(struct kith_bench_items *out, const char *list,
                                             const char *option, struct kith_fault *fault);

/* As text; NULL is the default. */
struct kith_bench_settings {
  const char *rows;
  const char *similarities;
  const char *thresholds;
  const char *methods; /* names of kith_engine_method_parse, or "sketch:GROUPS" */
  const char *kernels; /* or "all" */
  const char *threads; /* or "all" */
  const char *data;    /* "people", "independent" */
  uint64_t n_parties;
  uint64_t bits;
  uint64_t repeat;
  uint64_t brute_rows; /* brute force is measured on so many rows a party at most */
};

struct kith_bench_run {
  uint64_t rows; /* of the first party */
  enum kith_similarity_kind similarity;
  char threshold[KITH_BENCH_TEXT_BYTES];
  char method[KITH_BENCH_TEXT_BYTES];
  char kernel[KITH_BENCH_TEXT_BYTES];
  unsigned n_threads;
  bool part; /* brute force on the first rows only */
  uint64_t comparisons;
  uint64_t pairs;
  uint64_t hash; /* of all pairs, whatever their order */
  double seconds[KITH_BENCH_REPEAT_MAX];
  double median;
  double times_brute;   /* the rate over brute force's */
  double times_earlier; /* the rate over an earlier result's; 0: it has none */
  char plan[256];
};

struct kith_bench_results {
  struct kith_bench_run *items; /* owned */
  size_t n;
  size_t n_max;
};

/* Measures one pair of (rows, everything else) after the other and appends to `results`.
 * KITH_ERR_INTERNAL: two ways gave different pairs. */
KITH_MUST_USE enum kith_err kith_bench_grid(struct kith_bench_results *results,
                                            const struct kith_bench_settings *settings,
                                            const struct kith_encodings *files, unsigned n_files,
                                            struct kith_fault *fault);
void kith_bench_results_free(struct kith_bench_results *results);

/* ---- an earlier result, from --json */

/* *out: json_decref. */
KITH_MUST_USE enum kith_err kith_bench_earlier_read(json_t **out, const char *path,
                                                    struct kith_fault *fault);
/* Fills what is NULL or 0 in `settings` with the earlier result's; the strings are its own. */
void kith_bench_earlier_settings(struct kith_bench_settings *settings, const json_t *earlier);
void kith_bench_earlier_compare(struct kith_bench_results *results, const json_t *earlier,
                                const struct kith_bench_settings *settings);

/* ---- showing; the exit status */
int kith_bench_show_table(const struct kith_bench_results *results,
                          const struct kith_bench_settings *settings, bool against);
int kith_bench_show_json(const struct kith_bench_results *results,
                         const struct kith_bench_settings *settings, bool against);

#endif
