/* `kith audit privacy`: attacks on what a policy shows the matcher (docs/privacy-audit.md). */
#ifndef KITH_CLI_PRIVACY_PRIVACY_H
#define KITH_CLI_PRIVACY_PRIVACY_H

#include <jansson.h>

#include "cli/generate/generate.h"
#include "cli/intern.h"
#include "crypto/hash.h"
#include "daemon/pipeline/pipeline.h"
#include "matcher/linkage/linkage.h"
#include "proto/policy.h"

enum kith_privacy_who {
  KITH_PRIVACY_MATCHER, /* the matcher alone, with a list: what a bound is about */
  KITH_PRIVACY_INSIDER, /* the matcher with a key */
  KITH_PRIVACY_EVERY,   /* the matcher with the exact list of every agency: he has all the data */
  KITH_PRIVACY_CONTROL  /* the protection taken away: shows that the attack works */
};

struct kith_privacy_attack {
  const char *name; /* "frequency", "graph", "dictionary", "unmasked" */
  enum kith_privacy_who who;
  uint32_t known; /* pairs that the attacker knew; not counted in n */
  uint64_t hits;
  uint64_t n;
  double guesses_per_s; /* of a dictionary; 0 of others */
};

enum {
  KITH_PRIVACY_ATTACKS_MAX = 64,
  KITH_PRIVACY_KNOWN_MAX = 16,
  KITH_PRIVACY_RECORDS_MAX = 4000
};

struct kith_privacy {
  const char *policy_path;
  const char *list_path; /* NULL: the exact list, the first file */
  const char *truth_path;
  const char *out;
  const char *html;
  bool json;
  uint64_t records; /* that a dense attack takes, at most */
  uint64_t seed;
  uint32_t known[KITH_PRIVACY_KNOWN_MAX];
  unsigned n_known;

  struct kith_policy policy;
  char policy_hash[2 * KITH_HASH_BYTES + 1];
  char *const *paths;
  unsigned n_parties;
  char **names;                        /* owned */
  char *list_name;                     /* owned */
  struct kith_intern records_of_truth; /* "PARTY ID" */
  struct kith_intern entities;
  uint32_t *entity_of; /* owned; of each record of the truth */
  struct kith_gen_rng rng;
  struct kith_privacy_attack attacks[KITH_PRIVACY_ATTACKS_MAX];
  unsigned n_attacks;
};

/* Who a record is of; KITH_INTERN_NONE where nothing says so. Without a truth file only the first
 * file's records have somebody: an id is a person. */
uint32_t kith_privacy_entity(struct kith_privacy *run, const char *party, const char *id);
KITH_MUST_USE enum kith_err kith_privacy_truth(struct kith_privacy *run, struct kith_fault *fault);
void kith_privacy_add(struct kith_privacy *run, struct kith_privacy_attack attack);
/* A permutation of 0 .. n - 1 in `items`. */
void kith_privacy_shuffle(struct kith_privacy *run, uint32_t *items, size_t n);
const char *kith_privacy_list(const struct kith_privacy *run);

/* ---- privacy_dense.c: two matrices, all numbers of known pairs */

struct kith_privacy_dense {
  uint32_t n;
  float *target;   /* owned; n x n */
  float *list;     /* owned; n x n */
  uint32_t *truth; /* owned; n: the list's record for each of the target */
};
void kith_privacy_dense_free(struct kith_privacy_dense *dense);
/* Zeroed matrices, a random truth. */
KITH_MUST_USE enum kith_err kith_privacy_dense_new(struct kith_privacy *run,
                                                   struct kith_privacy_dense *dense, uint32_t n);
KITH_MUST_USE enum kith_err kith_privacy_dense_run(struct kith_privacy *run,
                                                   const struct kith_privacy_dense *dense,
                                                   const char *name, enum kith_privacy_who who);
/* People that two tables both have, one row each, at random, at most run->records of them. */
struct kith_privacy_both {
  uint32_t target;
  uint32_t list;
};
KITH_MUST_USE enum kith_err kith_privacy_both(struct kith_privacy *run,
                                              struct kith_privacy_both **out, uint32_t *n,
                                              const struct kith_encoded *target,
                                              const struct kith_encoded *list);

/* ---- privacy_clk.c, privacy_blind.c: all attacks on one protection */
KITH_MUST_USE enum kith_err kith_privacy_clk(struct kith_privacy *run, struct kith_fault *fault);
KITH_MUST_USE enum kith_err kith_privacy_blind(struct kith_privacy *run, struct kith_fault *fault);

/* ---- privacy_write.c */
json_t *kith_privacy_json(const struct kith_privacy *run);
/* The greatest share of the matcher's attacks. */
double kith_privacy_largest(const struct kith_privacy *run);
KITH_MUST_USE enum kith_err kith_privacy_html(const struct kith_privacy *run,
                                              struct kith_fault *fault);
int kith_privacy_print(const struct kith_privacy *run);
/* For `kith policy sign`: why the audit in PATH.audit, or at `audit`, does not speak for the policy
 * at PATH; "" where it does. */
enum { KITH_PRIVACY_REASON_BYTES = 400 };
void kith_privacy_stale(char reason[KITH_PRIVACY_REASON_BYTES], const struct kith_policy *policy,
                        const char *hash, const char *path, int64_t now);
/* "FILE.audit"; false: too long. */
bool kith_privacy_beside(char *out, size_t size, const char *policy_path);

#endif
