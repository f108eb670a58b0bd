/* The policy: what a round may do. JSON, signed by governance, the same bytes at every member.
 *
 *   { "kith": "policy", "format": 1, "name": "...", "version": 1, "expires": "...Z",
 *     "purpose": "...", "trial": false,
 *     "agencies": [ { "id": "police", "gateway": "..." }, ... ],
 *     "scope": { "on": "2026-11-23", "age_min": 0, "age_max": 120 },          (optional)
 *     "standardiser": "kith-1",
 *     "linkage": {
 *       "protection": "clk", "bits": 1024, "mask": true, "similarity": "masked_dice",
 *       "fields": [ { "field": "given_name", "q": 2, "bits_per_token": 10, "weight": 153 }, ... ],
 *       "candidate_bound": "0.55",
 *       "threshold": { "default": "auto", "min": "0.5", "max": "0.99" } },
 *     "cohort": { "rule": "at least 3 services", "minimum_count": 5 },
 *     "round": { "quorum": 2, "minimum_batch": 20,
 *                "gather_s": 604800, "keying_s": 3600, "submit_s": 86400 },
 *     "release": { "recipients": ["horizon"], "review_days": 7, "retention_days": 30 } }
 *
 * "weight" is the number of bits that the field is expected to set in a filter: masked Dice scales
 * counts by it (docs/linkage.md). The default policy is made by kith_policy_default. */
#ifndef KITH_PROTO_POLICY_H
#define KITH_PROTO_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "proto/limits.h"
#include "proto/signed.h"

enum { KITH_TEXT_BYTES = 1024, KITH_FIELD_NAME_BYTES = 32 };

enum kith_protection { KITH_PROTECTION_CLK = 1 };

struct kith_policy_field {
  char field[KITH_FIELD_NAME_BYTES]; /* a standard field, daemon/pipeline/record.h */
  unsigned q;                        /* 1 .. 4; 0: whole tokens (dates, sex) */
  unsigned bits_per_token;           /* 1 .. 64 */
  uint32_t weight;                   /* expected bits set, 1 .. 65535 */
};

struct kith_policy_agency {
  char id[KITH_MEMBER_ID_BYTES];
  char gateway[KITH_TEXT_BYTES];
};

struct kith_scope {
  bool present;
  struct kith_date on;
  unsigned age_min;
  unsigned age_max;
};

struct kith_threshold {
  bool auto_default; /* the maximum of the estimated F1, kept inside [min, max] */
  struct kith_ratio default_probability;
  struct kith_ratio min;
  struct kith_ratio max;
};

struct kith_policy {
  char name[KITH_TEXT_BYTES];
  uint64_t version;
  int64_t expires;
  char purpose[KITH_TEXT_BYTES];
  bool trial;
  unsigned n_agencies;
  struct kith_policy_agency agencies[KITH_AGENCIES_MAX];
  struct kith_scope scope;
  char standardiser[KITH_FIELD_NAME_BYTES];
  enum kith_protection protection;
  unsigned bits;
  bool mask;
  bool masked_dice; /* "similarity": "masked_dice" or "dice" */
  unsigned n_fields;
  struct kith_policy_field fields[KITH_FIELDS_MAX];
  struct kith_ratio candidate_bound; /* on the similarity */
  struct kith_threshold threshold;   /* on the match probability */
  char rule[KITH_TEXT_BYTES];
  unsigned minimum_count;
  unsigned quorum;
  uint32_t minimum_batch;
  uint32_t gather_s;
  uint32_t keying_s;
  uint32_t submit_s;
  unsigned n_recipients;
  char recipients[KITH_RECIPIENTS_MAX][KITH_MEMBER_ID_BYTES];
  unsigned review_days;
  unsigned retention_days;
};

/* Strict JSON, every value in range, the rule parses over the agencies. A policy of one agency
 * (with quorum 1) or without recipients is for work on one machine: no round opens under it. */
KITH_MUST_USE enum kith_err kith_policy_parse(struct kith_policy *out, const void *bytes,
                                              size_t len, const char *name,
                                              struct kith_fault *fault);
/* Canonical JSON text. */
KITH_MUST_USE enum kith_err kith_policy_print(struct kith_buf *out,
                                              const struct kith_policy *policy);
/* The default policy over these agencies, in the order given: the same but for their names. */
void kith_policy_default(struct kith_policy *out, const char (*agencies)[KITH_MEMBER_ID_BYTES],
                         unsigned n_agencies);
/* Whether governance has named the agency's gateway: neither empty nor the default's text. */
bool kith_policy_gateway_stated(const struct kith_policy_agency *agency);
enum { KITH_RATIO_TEXT_BYTES = 32 };
/* "0.55", or "N/D" where it is no decimal; reads back as the same ratio. */
void kith_policy_ratio_text(char out[KITH_RATIO_TEXT_BYTES], struct kith_ratio ratio);
/* "2026-11-23", a day that there is; KITH_ERR_DATA otherwise. */
KITH_MUST_USE enum kith_err kith_policy_date_parse(struct kith_date *out, const char *text);
/* Signatures, then parse, then expiry at `now` (KITH_ERR_DENIED). */
KITH_MUST_USE enum kith_err kith_policy_accept(struct kith_policy *out,
                                               const struct kith_signed *document,
                                               const struct kith_signers *governance, int64_t now,
                                               struct kith_fault *fault);

#endif
