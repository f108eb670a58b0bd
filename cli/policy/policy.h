/* The verbs of `kith policy` that have a file of their own, and the linter. */
#ifndef KITH_CLI_POLICY_POLICY_H
#define KITH_CLI_POLICY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/cli.h"
#include "proto/charter.h"
#include "proto/policy.h"

int kith_policy_new(int argc, char **argv);
int kith_policy_check(int argc, char **argv);
int kith_policy_diff(int argc, char **argv);
int kith_policy_tune(int argc, char **argv);

/* Writes a policy that reads back as it is, unsigned. In cli/policy/policy_new.c. */
KITH_MUST_USE enum kith_err kith_policy_save(const struct kith_policy *policy, const char *path,
                                             struct kith_fault *fault);

/* What the linter found, in words. */
enum { KITH_LINT_FINDINGS_MAX = 192, KITH_LINT_TEXT_BYTES = 400 };
struct kith_lint {
  unsigned n;
  unsigned n_errors;
  struct {
    bool error; /* else a warning */
    char text[KITH_LINT_TEXT_BYTES];
  } findings[KITH_LINT_FINDINGS_MAX];
};

/* `charter` may be NULL: then nothing about members is checked. */
void kith_policy_lint(struct kith_lint *out, const struct kith_policy *policy,
                      const struct kith_charter *charter, int64_t now);

void kith_lint_add(struct kith_lint *lint, bool error, const char *format, ...) KITH_PRINTF(3, 4);

/* ---- policy_check_scope.c */

void kith_policy_lint_scope(struct kith_lint *lint, const struct kith_policy *policy);

/* ---- policy_context.c: what agencies tell unasked */

void kith_policy_show_context(const struct kith_policy *policy);
void kith_policy_lint_context(struct kith_lint *lint, const struct kith_policy *policy);
/* From items AGENCY=A,B. KITH_ERR_USAGE with *fault. */
KITH_MUST_USE enum kith_err kith_policy_context_set(struct kith_policy *policy,
                                                    const struct kith_cli_list *items,
                                                    struct kith_fault *fault);

/* ---- policy_blind.c: how a blind policy is shown */

struct kith_cli_table;
/* A line for each match key, then "linkage     blind ...", without its end of line. */
void kith_policy_show_blind(const struct kith_policy *policy);
void kith_policy_blind_table(struct kith_cli_table *fields, const struct kith_policy *policy);

#endif
