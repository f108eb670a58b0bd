/* The agency's half of blind comparison (docs/blind.md): a table of people to match keys and
 * q-grams, duplicates out, then a submission for each peer and a histogram of the agency's own near
 * misses.
 *
 * Pure, as the rest of the pipeline. Everything here is personal data or as good as that: it is
 * wiped when freed, and what leaves is a submission or a histogram.
 *
 * Life: zero bytes, read, merge_duplicates, then submissions and histograms, free. */
#ifndef KITH_DAEMON_PIPELINE_BLIND_H
#define KITH_DAEMON_PIPELINE_BLIND_H

#include "base/buf.h"
#include "crypto/encode/blind_key.h"
#include "crypto/encode/match_key.h"
#include "daemon/pipeline/pipeline.h"
#include "proto/blind.h"

struct kith_blind_grams; /* interned q-grams, of all fields */

/* A record that may leave, or (after merge_duplicates) was found to be another's. */
struct kith_blind_record {
  uint32_t row;         /* of the source, from 0 */
  uint32_t person;      /* the record that stands for the person: itself, unless a duplicate */
  uint32_t probability; /* ppm, that it is that person */
  uint16_t missing;     /* bit f: field f is */
  uint64_t handle;      /* of 56 bits, all different */
  uint32_t first[KITH_BLIND_FIELDS_MAX]; /* its grams in the pool, rising */
  uint16_t n[KITH_BLIND_FIELDS_MAX];
};

struct kith_blind_agency {
  const struct kith_policy *policy; /* borrowed */
  struct kith_blind_layout layout;
  size_t n;                          /* records that may leave */
  struct kith_blind_record *records; /* owned */
  struct kith_match_digest *digests; /* owned; n x layout.n_keys; zero bytes: no value */
  uint32_t *pool;                    /* owned; grams of records, by number */
  size_t pool_len;
  struct kith_blind_grams *grams; /* owned */
  size_t n_people;
  uint32_t *people; /* owned; the records that stand for people */
  size_t cap;
  size_t pool_cap;
};

/* Reads, standardises and keeps what may leave. `secret` is this agency's alone: handles come from
 * it and the record's id, so that they don't depend on the order of rows. *out: rows, ids and
 * counts as kith_pipeline_run gives them; the encoding of a row is its handle in 8 bytes. Errors:
 * as kith_pipeline_run. */
KITH_MUST_USE enum kith_err
kith_blind_read(struct kith_blind_agency *agency, struct kith_encoded *out,
                const struct kith_policy *policy, const struct kith_secret *secret,
                const struct kith_source_spec *spec, const struct kith_pipeline_options *options,
                struct kith_fault *fault);
void kith_blind_agency_free(struct kith_blind_agency *agency);

/* Finds the records of one person in the clear (docs/blind.md, 6) and makes `people`. */
KITH_MUST_USE enum kith_err kith_blind_merge_duplicates(struct kith_blind_agency *agency);

/* The weighted Jaccard similarity of two records, ppm, over the fields that both have: what the
 * similarity of a candidate pair estimates. */
uint32_t kith_blind_overlap(const struct kith_blind_agency *agency, uint32_t a, uint32_t b);

/* The submission for a peer. pair_key: of the two; secret: this agency's alone (random where
 * rows must differ each time). *out is the caller's, *len its bytes; wipe nothing, it may be seen.
 */
KITH_MUST_USE enum kith_err kith_blind_submit(uint8_t **out, size_t *len,
                                              const struct kith_blind_agency *agency,
                                              const struct kith_secret *pair_key,
                                              const struct kith_secret *secret, bool high);

/* The agency against itself, as if the share of its people that is next to n_peer (kith_blind_step)
 * were the peer's. */
KITH_MUST_USE enum kith_err kith_blind_within(struct kith_blind_histogram *out,
                                              const struct kith_blind_agency *agency,
                                              const struct kith_secret *secret, size_t n_peer);

/* ---- of these files only */

/* One record more, of no source, into zero bytes with a policy, or what this has made of them. */
struct kith_record;
KITH_MUST_USE enum kith_err kith_blind_records_add(struct kith_blind_agency *agency,
                                                   const struct kith_record *record);
/* The number of a gram, the same for the same bytes of the same field. KITH_ERR_MEMORY. */
KITH_MUST_USE enum kith_err kith_blind_grams_add(uint32_t *out, struct kith_blind_grams **grams,
                                                 unsigned field, const char *bytes, unsigned len);
size_t kith_blind_grams_n(const struct kith_blind_grams *grams);
void kith_blind_grams_free(struct kith_blind_grams *grams);
/* seeds[number] of each under a key (crypto/encode/signature.h). */
void kith_blind_grams_seed(uint32_t *seeds, const struct kith_blind_grams *grams,
                           const struct kith_blind_key *key);
/* Of a record, all fields, into layout.block_bytes; those missing from `noise`, as many bytes. */
void kith_blind_signatures(uint8_t *out, const struct kith_blind_agency *agency, uint32_t record,
                           const uint32_t *seeds, const uint8_t *noise);

/* A value of a match key, and who has it; by value, then by `order`. */
struct kith_blind_holder {
  struct kith_match_digest digest;
  uint64_t order; /* random, of the record */
  uint32_t record;
};
/* All people (all records where there are no people yet) that have a value for the match key. The
 * array is the caller's. `salt` tells orders apart. */
KITH_MUST_USE enum kith_err kith_blind_holders(struct kith_blind_holder **out, size_t *n,
                                               const struct kith_blind_agency *agency,
                                               unsigned match_key, const struct kith_secret *secret,
                                               uint8_t salt);
/* How likely two records are one person's, [0, 1]; what merge_duplicates goes by. */
struct kith_blind_twins;
KITH_MUST_USE enum kith_err kith_blind_twins_new(struct kith_blind_twins **out,
                                                 const struct kith_blind_agency *agency);
double kith_blind_twins_probability(const struct kith_blind_twins *twins, uint32_t a, uint32_t b);
void kith_blind_twins_free(struct kith_blind_twins *twins);

#endif
