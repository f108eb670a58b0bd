/* Nouns with verbs ("kith charter sign"), results as tables or JSON, key files and passphrases:
 * what commands on documents share, on top of cli/cli.h. */
#ifndef KITH_CLI_VERBS_H
#define KITH_CLI_VERBS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/identity.h"
#include "crypto/secret.h"

struct kith_cli_verb {
  const char *name;
  int (*run)(int argc, char **argv); /* argv[0] is the verb */
  const char *about;                 /* one line */
};

/* Runs the verb that argv[1] names, prints the list for --help; the exit status. */
int kith_cli_verbs(const char *noun, const char *about, const struct kith_cli_verb *verbs, size_t n,
                   int argc, char **argv);

/* "kith: usage: TEXT" for operands that do not fit; exit status 2. */
int kith_cli_usage(const char *usage, const char *format, ...) KITH_PRINTF(2, 3);

/* ---- results */

/* Rows of cells, aligned when printed. Cells are copied; NULL is an empty one. Life: zero bytes,
 * row, print, free. No memory is told by print (KITH_ERR_MEMORY). */
enum { KITH_CLI_COLUMNS_MAX = 12 };
struct kith_cli_table {
  unsigned n_columns;
  size_t n_cells;
  size_t room;
  char **cells; /* owned */
  bool failed;
};
void kith_cli_table_row(struct kith_cli_table *table, unsigned n_columns, const char *const *cells);
/* The first row is a heading, in capitals by custom. */
KITH_MUST_USE enum kith_err kith_cli_table_print(const struct kith_cli_table *table);
void kith_cli_table_free(struct kith_cli_table *table);

#define KITH_CLI_ROW(table, ...)                                                                   \
  kith_cli_table_row((table), (unsigned)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)),  \
                     (const char *[]){__VA_ARGS__})

/* Prints one document with a newline on standard output and drops the reference; the exit status.
 * NULL is out of memory. */
int kith_cli_json(json_t *json);

/* ---- keys */

/* The passphrase: from `path` where it is given, else asked for on the terminal without echo, twice
 * where `is_new`. KITH_ERR_USAGE where there is no terminal either. */
KITH_MUST_USE enum kith_err kith_cli_passphrase(struct kith_secret **out, const char *path,
                                                const char *what, bool is_new,
                                                struct kith_fault *fault);
/* A key file under its passphrase. */
KITH_MUST_USE enum kith_err kith_cli_identity(struct kith_identity **out, const char *key_file,
                                              const char *passphrase_file,
                                              struct kith_fault *fault);
/* kith_crypto_init, with a word on standard error where memory can't be locked. */
KITH_MUST_USE enum kith_err kith_cli_crypto(struct kith_fault *fault);

#endif
