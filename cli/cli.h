/* What the commands of `kith` share: options, faults, progress, names of parties.
 *
 * A command is `int kith_cmd_NOUN(int argc, char **argv)`: argv[0] is its own name, the result is
 * the exit status. Results go to standard output, everything else to standard error. */
#ifndef KITH_CLI_CLI_H
#define KITH_CLI_CLI_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

/* ---- the command table (cli/kith.c) */

int kith_cmd_match(int argc, char **argv);
int kith_cmd_encode(int argc, char **argv);
int kith_cmd_link(int argc, char **argv);
int kith_cmd_evaluate(int argc, char **argv);
int kith_cmd_generate(int argc, char **argv);
int kith_cmd_source(int argc, char **argv);
int kith_cmd_bench(int argc, char **argv);
int kith_cmd_key(int argc, char **argv);
int kith_cmd_charter(int argc, char **argv);
int kith_cmd_policy(int argc, char **argv);
int kith_cmd_setup(int argc, char **argv);
int kith_cmd_officer(int argc, char **argv);
int kith_cmd_round(int argc, char **argv);
int kith_cmd_cohort(int argc, char **argv);
int kith_cmd_disclosure(int argc, char **argv);
int kith_cmd_threshold(int argc, char **argv);
int kith_cmd_audit(int argc, char **argv);
int kith_cmd_status(int argc, char **argv);

/* ---- options */

enum kith_cli_kind {
  KITH_CLI_FLAG,   /* bool, set to true */
  KITH_CLI_STRING, /* const char *, borrowed from argv */
  KITH_CLI_U64,    /* uint64_t within [min, max] */
  KITH_CLI_RATIO,  /* struct kith_ratio: an exact decimal or N/D */
  KITH_CLI_LIST    /* struct kith_cli_list: may be given several times */
};

enum { KITH_CLI_LIST_MAX = 64 };
struct kith_cli_list {
  const char *items[KITH_CLI_LIST_MAX];
  size_t n;
};

struct kith_cli_option {
  const char *name; /* without the dashes */
  enum kith_cli_kind kind;
  void *out;         /* as `kind` says; untouched where the option is absent */
  const char *value; /* the value's name in the help text, "FILE"; NULL for a flag */
  const char *help;  /* one line */
  uint64_t min;
  uint64_t max;
  bool *given; /* set to true where the option is present; may be NULL */
};

struct kith_cli_spec {
  const char *usage;    /* "kith match --threshold T --out FILE A B [C ...]" */
  const char *about;    /* one paragraph */
  const char *examples; /* whole lines, each "  $ kith ...\n" */
  const struct kith_cli_option *options;
  size_t n_options;
};

/* Options may stand anywhere before "--". True: go on, the operands are argv[*first] to
 * argv[argc - 1]. False: --help was printed or a usage fault was; leave with *status. */
bool kith_cli_parse(const struct kith_cli_spec *spec, int argc, char **argv, int *first,
                    int *status);

/* ---- faults */

/* Prints "kith: TEXT" on standard error; the exit status for fault->err. */
int kith_cli_fail(const struct kith_fault *fault);
/* The same with a text of one's own. */
int kith_cli_error(enum kith_err err, const char *format, ...) KITH_PRINTF(2, 3);

/* Flushes standard output: 0, or the exit status of a failed write with its message printed. */
int kith_cli_finish_stdout(void);

/* ---- progress of long work: a bar with rate and ETA on a terminal, a line every ten seconds
 * otherwise, nothing when quiet. Not thread-safe: call it from one thread at a time. */

struct kith_cli_progress {
  const char *label; /* borrowed */
  const char *unit;  /* borrowed; "pairs" */
  bool quiet;
  bool terminal;
  bool shown;
  double share_before; /* done by an earlier run: set it after the start; 0 otherwise */
  int64_t start_ms;
  int64_t last_ms;
};

void kith_cli_progress_start(struct kith_cli_progress *progress, const char *label,
                             const char *unit, bool quiet);
/* `share` in [0, 1] of the whole; `n_units` done so far. Cheap: prints only when it is time. */
void kith_cli_progress_update(struct kith_cli_progress *progress, double share, double n_units);
/* Takes the bar away. */
void kith_cli_progress_finish(struct kith_cli_progress *progress);

/* ---- odds and ends */

/* From now on SIGINT and SIGTERM set the flag that is returned, once; a second one kills. */
const atomic_bool *kith_cli_cancel_on_signal(void);

/* The file's base name without ".gz" and then without its last extension: "a/police.csv.gz" is
 * "police". A fresh string; KITH_ERR_USAGE where nothing is left. */
KITH_MUST_USE enum kith_err kith_cli_party_name(char **out, const char *path,
                                                struct kith_fault *fault);

/* Names of all `n` paths (each freed with kith_free by kith_cli_party_names_free); two equal
 * names are KITH_ERR_USAGE. */
KITH_MUST_USE enum kith_err kith_cli_party_names(char ***out, char *const *paths, size_t n,
                                                 struct kith_fault *fault);
void kith_cli_party_names_free(char **names, size_t n);

/* The number of processors this process may use, at least 1. */
unsigned kith_cli_processors(void);

#endif
