/* The cohort list (docs/protocol.md, section 7): its writer and its reader, the leaves that the
 * release statement is bound to, and sealing to a recipient. Pure.
 *
 * All recipients of a round get the same list, each a copy sealed to itself, so that each can
 * compute the leaf root of the release statement. */
#ifndef KITH_PROTO_RELEASE_H
#define KITH_PROTO_RELEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "proto/statement.h"
#include "proto/submission.h"

enum { KITH_NONCE_BYTES = 16, KITH_CONFIDENCE_ONE = 1000000, KITH_THRESHOLD_BYTES = 32 };

/* A record of a person in the cohort. */
struct kith_cohort_record {
  uint32_t agency; /* index in the list's agencies */
  uint8_t handle[KITH_HANDLE_BYTES];
  uint8_t nonce[KITH_NONCE_BYTES]; /* random: a leaf tells nothing of its handle */
  bool withdrawn; /* since the release: by statements of the round, not by the list */
};

/* One person: records[first .. first + n). */
struct kith_cohort_person {
  uint32_t number;     /* ascending in the list */
  uint32_t confidence; /* 0 .. KITH_CONFIDENCE_ONE */
  uint32_t weakest;    /* the weakest link's, likewise */
  uint32_t flags;      /* the matcher's, for a person to look at */
  size_t first;
  uint32_t n_records; /* from 1 */
};

struct kith_cohort {
  kith_round_id round;
  struct kith_hash policy;
  struct kith_hash charter;
  struct kith_hash roster;
  char threshold[KITH_THRESHOLD_BYTES]; /* a decimal, as in the release statement */
  unsigned n_agencies;                  /* in ascending order of id */
  struct {
    kith_member_id agency;
    struct kith_hash manifest; /* of the manifest statement */
  } agencies[KITH_AGENCIES_MAX];
  size_t n_people;
  struct kith_cohort_person *people; /* owned when read */
  size_t n_records;
  struct kith_cohort_record *records; /* owned when read; in the order of the people */
};

/* Writes the list to `out` (cleared first). KITH_ERR_INTERNAL where it breaks what the reader asks
 * for. */
KITH_MUST_USE enum kith_err kith_cohort_write(struct kith_buf *out,
                                              const struct kith_cohort *cohort);
/* Strict: besides the form, people and agencies in ascending order, every agency index in range, no
 * record twice. KITH_ERR_DATA with *fault. Free with kith_cohort_free. */
KITH_MUST_USE enum kith_err kith_cohort_read(struct kith_cohort *out, const void *bytes, size_t len,
                                             struct kith_fault *fault);
/* Takes a zeroed object. Wipes. */
void kith_cohort_free(struct kith_cohort *cohort);

/* One record's leaf, and the root over all of the list in its order. */
void kith_cohort_leaf(struct kith_hash *out, const struct kith_cohort *cohort,
                      const struct kith_cohort_person *person,
                      const struct kith_cohort_record *record);
void kith_cohort_root(struct kith_hash *out, const struct kith_cohort *cohort);

/* A record of the list with the proof that it is in the release: what an agency is asked about. */
struct kith_leaf_proof {
  uint8_t handle[KITH_HANDLE_BYTES];
  uint32_t number; /* the person's in the list */
  uint8_t nonce[KITH_NONCE_BYTES];
  struct kith_merkle_path path;
};
/* `person` and `record` are of the list. KITH_ERR_MEMORY. */
KITH_MUST_USE enum kith_err kith_leaf_prove(struct kith_leaf_proof *out,
                                            const struct kith_cohort *cohort,
                                            const struct kith_cohort_person *person,
                                            const struct kith_cohort_record *record);
/* Whether the leaf, as one of this agency, leads to the root. KITH_ERR_NO. */
KITH_MUST_USE enum kith_err kith_leaf_check(const struct kith_leaf_proof *proof,
                                            const kith_round_id round, const char *agency,
                                            const struct kith_hash *leaf_root);

/* Whether the list is the one that the release statement (verified by the caller) speaks of: round,
 * documents, roster, threshold, manifests and leaf root. KITH_ERR_NO with *fault, which names what
 * differs. */
KITH_MUST_USE enum kith_err kith_cohort_check(const struct kith_cohort *cohort,
                                              const kith_round_id round,
                                              const struct kith_release *release,
                                              struct kith_fault *fault);

/* Seals a written list to a recipient. *out: a fresh buffer (kith_free) of *out_len bytes. */
KITH_MUST_USE enum kith_err kith_cohort_seal(uint8_t **out, size_t *out_len,
                                             const uint8_t recipient_key[KITH_SEAL_KEY_BYTES],
                                             const kith_round_id round, const char *recipient,
                                             const void *list, size_t len);
/* *out: a fresh buffer of *out_len bytes, which the caller wipes and frees. KITH_ERR_NO: not sealed
 * to this key, round and recipient, or altered. */
KITH_MUST_USE enum kith_err kith_cohort_unseal(uint8_t **out, size_t *out_len,
                                               const struct kith_secret *seal_key,
                                               const kith_round_id round, const char *recipient,
                                               const void *sealed, size_t len);
/* The list_hash of the release statement. */
void kith_sealed_list_hash(struct kith_hash *out, const void *sealed, size_t len);

#endif
