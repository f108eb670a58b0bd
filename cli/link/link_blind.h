/* `kith link` under a policy whose protection is blind: what each agency and the matcher would do,
 * in one process. A key for each pair of files comes from the secret. */
#ifndef KITH_CLI_LINK_LINK_BLIND_H
#define KITH_CLI_LINK_LINK_BLIND_H

#include <jansson.h>

#include "cli/link/link.h"
#include "crypto/secret.h"
#include "daemon/pipeline/blind.h"
#include "matcher/linkage/blind.h"

struct kith_link_blind {
  struct kith_blind_agency agencies[KITH_LINKAGE_PARTIES_MAX];
  struct kith_secret *secrets[KITH_LINKAGE_PARTIES_MAX]; /* each agency's own */
  struct kith_blind_pairs pairs[KITH_LINKAGE_PARTIES_MAX][KITH_LINKAGE_PARTIES_MAX];
  struct kith_blind_histogram within[KITH_LINKAGE_PARTIES_MAX][KITH_LINKAGE_PARTIES_MAX];
  uint64_t n_people[KITH_LINKAGE_PARTIES_MAX];
  uint64_t n_rows; /* of all submissions */
  uint64_t n_bytes;
  int64_t submit_ms;
  int64_t join_ms;
  int64_t within_ms;
};

/* Whether the options fit (KITH_ERR_USAGE). */
KITH_MUST_USE enum kith_err kith_link_blind_check(const struct kith_link *link,
                                                  struct kith_fault *fault);
/* Leaves out of the policy's blind section what is not of the columns of --fields. */
void kith_link_blind_narrow(struct kith_link *link);
/* Reads the files: parties[] of *link, and link->blind. */
KITH_MUST_USE enum kith_err kith_link_blind_read(struct kith_link *link,
                                                 const struct kith_secret *secret,
                                                 struct kith_fault *fault);
/* Submissions, candidate pairs, clusters: link->result, over all rows. */
KITH_MUST_USE enum kith_err kith_link_blind_run(struct kith_link *link,
                                                const struct kith_secret *secret,
                                                const struct kith_linkage_input *input,
                                                struct kith_fault *fault);
/* A line on standard error for each file that has duplicates of its own. */
void kith_link_blind_say(const struct kith_link *link);
/* For report.json. */
json_t *kith_link_blind_json(const struct kith_link *link);
void kith_link_blind_free(struct kith_link_blind *blind); /* takes NULL */

/* ---- link_blind_rows.c: back from people to rows */

/* Puts each agency's duplicates beside the record that stands for the person, and lists every pair
 * of a cluster. */
KITH_MUST_USE enum kith_err kith_link_blind_expand(struct kith_link *link);

#endif
