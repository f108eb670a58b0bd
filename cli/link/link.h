/* `kith link`: what its two files share. */
#ifndef KITH_CLI_LINK_LINK_H
#define KITH_CLI_LINK_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/cli.h"
#include "daemon/pipeline/pipeline.h"
#include "matcher/linkage/cohort.h"
#include "matcher/linkage/linkage.h"
#include "proto/policy.h"

struct kith_link_blind;

struct kith_link {
  const char *policy_path;
  const char *secret_path;
  const char *fields;
  const char *out;
  const char *threshold;
  const char *protection_name; /* NULL: clk */
  struct kith_cli_list objection_paths;
  uint64_t n_threads;
  uint64_t pairs_max;
  enum kith_protection protection; /* of the default policy */
  bool within;
  bool address_filter; /* the default policy with one */
  bool strict;         /* the first bad row stops it */
  bool encodings;
  bool quiet;
  bool json;

  unsigned n_parties;
  char *const *paths;
  char **names; /* owned */
  struct kith_policy policy;
  struct kith_encoded parties[KITH_LINKAGE_PARTIES_MAX];   /* owned */
  struct kith_cli_list profile_names;                      /* [PARTY=]NAME */
  struct kith_profile *profiles[KITH_LINKAGE_PARTIES_MAX]; /* owned; NULL: the standard columns */
  struct kith_objections *objections[KITH_LINKAGE_PARTIES_MAX]; /* owned; NULL: none */
  struct kith_linkage_result result;                            /* owned */
  struct kith_cohort_selection cohort;                          /* owned */
  struct kith_link_blind *blind; /* owned; NULL unless the policy is blind: cli/link/link_blind.h */
  int64_t encode_ms;
  int64_t link_ms;
};

/* Whether --fields has the columns that a field of policies is made from. */
bool kith_link_has_field(const struct kith_link *link, const char *field);
/* Writes pairs.csv, clusters.csv, cohort.csv, report.json and report.html into the folder, each
 * whole or not at all, and makes the folder if it is not there. */
KITH_MUST_USE enum kith_err kith_link_write(const struct kith_link *link, struct kith_fault *fault);
/* report.html: the same for people, and for publication. In cli/link/link_report.c. */
KITH_MUST_USE enum kith_err kith_link_report(const struct kith_link *link, const char *path,
                                             struct kith_fault *fault);
/* A few lines, or the report with --json, on standard output; the exit status. */
int kith_link_say(const struct kith_link *link);

#endif
