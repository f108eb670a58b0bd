/* The policy: what a round may do. JSON, signed by governance, the same bytes at every member.
 *
 *   { "kith": "policy", "format": 1, "name": "...", "version": 1, "expires": "...Z",
 *     "purpose": "...", "trial": false,
 *     "agencies": [ { "id": "police", "gateway": "..." }, ... ],
 *     "scope": { "on": "2026-11-23", "age_min": 0, "age_max": 25, "unknown_birth": "out",
 *                "places": ["cv", "b1"], "unknown_place": "out",
 *                "period": { "from": "2024-01-01", "to": "2026-11-01" },
 *                "unknown_period": "out" },
 *     "evidence": [ ["given_name", "surname", "names"], ["date_of_birth", "postcode", "street"] ],
 *     "dates": { "year_min": 1900, "year_max": 2026, "outside": "keep" },
 *     "source": { "minimum_linkable": "0.5", "maximum_set_aside": "0.2" },
 *     "standardiser": "kith-1",
 *     "linkage": {
 *       "protection": "clk", "bits": 1024, "mask": true, "similarity": "masked_dice",
 *       "fields": [ { "field": "given_name", "q": 2, "bits_per_token": 10, "weight": 153 }, ... ],
 *       "candidate_bound": "0.65", "candidate_floor": "0.5", "candidates_max": 4000000,
 *       "threshold": { "default": "auto", "min": "0.5", "max": "0.99" } },
 *     "cohort": { "rule": "at least 3 services", "minimum_count": 5 },
 *     "round": { "quorum": 2, "officers": 1, "minimum_batch": 20, "rounds_max": 12,
 *                "rounds_days": 30,
 *                "gather_s": 604800, "keying_s": 3600, "submit_s": 86400 },
 *     "release": { "recipients": ["horizon"], "review_days": 7, "retention_days": 30 },
 *     "disclosure": {
 *       "fields": ["given_name", "surname", "date_of_birth", "postcode"],
 *       "reasons": ["early_help", "safeguarding"],
 *       "recipients": [ { "id": "horizon", "gateway": "..." } ],
 *       "agencies": [ { "id": "police", "gateway": "..." }, ... ],
 *       "officers": 1, "answer_days": 14,
 *       "requests_per_round": 200, "requests_per_day": 20 },
 *     "context": { "agencies": [ { "id": "education", "attributes": ["age_band", "ward"] } ] } }
 *
 * "scope" and each of its members may be left out: then it bounds nothing. "evidence", "dates" and
 * "source" may be left out too: then they are as above, which is the default; they are printed
 * always. "officers" of a round may be left out where it is 1. A policy without "disclosure" or
 * "context" allows none. What each means is in kith-policy(5).
 *
 * Instead of "bits" a policy can have "filters": [ { "name": "stable", "bits": 1024 }, ... ], two
 * to four of them, and each field "filter": NAME (the first, where it has none). Candidates come
 * from the first, scores from all (docs/encoding.md). A filter of an address alone shows who lives
 * together: with one, linkage has "accepted_leaks": ["households"], or no node takes the policy.
 *
 * "mask_minimum" beside "mask": patterns of missing fields that fewer records of an agency have are
 * coarsened (daemon/pipeline/patterns.h). 1, which is where it is left out, lets them be.
 *
 * Under "protection": "blind", "blind" stands in the place of everything from "bits" to
 * "candidates_max" (proto/policy_blind.h).
 *
 * "privacy_bound": "0.01" beside "purpose" is the share of people that 'kith audit privacy' may
 * recognise; it may be left out.
 *
 * "weight" is the number of bits that the field is expected to set in a filter: masked Dice scales
 * counts by it (docs/linkage.md). The default policy is made by kith_policy_default. */
#ifndef KITH_PROTO_POLICY_H
#define KITH_PROTO_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "crypto/blind_layout.h"
#include "proto/limits.h"
#include "proto/signed.h"

enum { KITH_TEXT_BYTES = 1024, KITH_FIELD_NAME_BYTES = 32, KITH_POLICY_OFFICERS_MAX = 4 };

enum kith_protection { KITH_PROTECTION_CLK = 1, KITH_PROTECTION_BLIND = 2 };
/* "clk", "blind"; static. */
const char *kith_protection_name(enum kith_protection protection);
/* False: neither; *out stays. */
bool kith_protection_parse(enum kith_protection *out, const char *name);

struct kith_policy_field {
  char field[KITH_FIELD_NAME_BYTES]; /* a standard field, daemon/pipeline/record.h */
  unsigned q;                        /* 1 .. 4; 0: whole tokens (dates, sex) */
  unsigned bits_per_token;           /* 1 .. 64 */
  uint32_t weight;                   /* expected bits set, 1 .. 65535 */
  unsigned filter;                   /* the one it is in, from 0 */
};

struct kith_policy_filter {
  char name[KITH_FIELD_NAME_BYTES];
  unsigned bits;
};

/* What a policy may show the matcher only if it says that this is accepted. */
enum kith_leak {
  KITH_LEAK_HOUSEHOLDS = 1 /* who lives together, and how many: a filter of an address alone */
};
/* "households", as policies name it; static. */
const char *kith_leak_name(enum kith_leak leak);
/* What it is, in words; static. */
const char *kith_leak_words(enum kith_leak leak);

struct kith_policy_agency {
  char id[KITH_MEMBER_ID_BYTES];
  char gateway[KITH_TEXT_BYTES];
};

enum { KITH_PLACES_MAX = 64, KITH_PLACE_BYTES = 5 };

/* Whose records may be encoded; daemon/pipeline/scope.h says how a record is judged. */
struct kith_scope {
  bool present;
  struct kith_date on; /* year 0: any age */
  unsigned age_min;    /* in whole years on that day, both included */
  unsigned age_max;
  bool unknown_birth_in; /* in scope where the date of birth doesn't tell */
  unsigned n_places;     /* 0: anywhere */
  /* Postcode areas ("cv") and districts ("cv1"), in lower case, all different. */
  char places[KITH_PLACES_MAX][KITH_PLACE_BYTES];
  bool unknown_place_in;
  struct kith_date from; /* year 0: any time; of record_date, both included */
  struct kith_date to;
  bool unknown_period_in;
};

enum { KITH_EVIDENCE_GROUPS_MAX = 8 };

/* What a record needs to be encoded, and two records to be compared: of each group at least one
 * field that the policy encodes. No group: nothing. */
struct kith_evidence {
  unsigned n_groups;
  struct kith_evidence_group {
    unsigned n;                                          /* 1 .. KITH_FIELDS_MAX, all different */
    char fields[KITH_FIELDS_MAX][KITH_FIELD_NAME_BYTES]; /* names of standard fields */
  } groups[KITH_EVIDENCE_GROUPS_MAX];
};

/* Years of dates of birth that are plausible, both included. */
struct kith_plausible_dates {
  unsigned year_min;
  unsigned year_max;
  bool drop_outside; /* else a date outside is kept as evidence, and reported */
};

/* What a source must be like before it takes part in a round. */
struct kith_source_minima {
  struct kith_ratio minimum_linkable;  /* of the rows that were not set aside */
  struct kith_ratio maximum_set_aside; /* of all rows */
};

struct kith_threshold {
  bool auto_default; /* the maximum of the estimated F1, kept inside [min, max] */
  struct kith_ratio default_probability;
  struct kith_ratio min;
  struct kith_ratio max;
  bool review; /* a round waits for governance's decision */
};

enum { KITH_REASON_CODES_MAX = 16 };

/* What a recipient may ask an agency about a person of the list. */
struct kith_policy_disclosure {
  bool present;
  unsigned n_fields; /* columns of a source that may be disclosed, by name */
  char fields[KITH_FIELDS_MAX][KITH_FIELD_NAME_BYTES];
  unsigned n_reasons; /* codes, as members' ids are written */
  char reasons[KITH_REASON_CODES_MAX][KITH_MEMBER_ID_BYTES];
  unsigned n_recipients;
  struct kith_policy_agency recipients[KITH_RECIPIENTS_MAX];
  unsigned n_agencies;
  struct kith_policy_agency agencies[KITH_AGENCIES_MAX];
  unsigned officers; /* different keys of an agency that must agree to an answer, 1 .. */
  unsigned answer_days;
  uint32_t requests_per_round; /* of one recipient, to all agencies together */
  uint32_t requests_per_day;
};

enum { KITH_CONTEXT_ATTRIBUTES_MAX = 4 };
/* The attribute that is made from the date of birth; every other is a column of the source. */
#define KITH_CONTEXT_AGE_BAND "age_band"

/* What an agency tells the recipients of each person of the list, without being asked. */
struct kith_policy_context {
  char id[KITH_MEMBER_ID_BYTES];
  unsigned n_attributes;                                               /* 1 .. */
  char attributes[KITH_CONTEXT_ATTRIBUTES_MAX][KITH_FIELD_NAME_BYTES]; /* all different */
};

/* Of a record, what a match key is made of (docs/blind.md, 2). */
enum kith_blind_part {
  KITH_PART_BIRTH,
  KITH_PART_BIRTH_YEAR,
  KITH_PART_BIRTH_MONTH_DAY,
  KITH_PART_GIVEN_NAME,
  KITH_PART_SURNAME,
  KITH_PART_GIVEN_FORM,
  KITH_PART_SURNAME_FORM,
  KITH_PART_GIVEN_3,
  KITH_PART_SURNAME_3,
  KITH_PART_GIVEN_INITIAL,
  KITH_PART_SURNAME_INITIAL,
  KITH_PART_INITIALS,
  KITH_PART_FORMS,
  KITH_PART_POSTCODE,
  KITH_PART_DISTRICT,
  KITH_PART_SEX,
  KITH_PART_HOME, /* the postcode, or the street where no whole postcode is known */
  KITH_PART_COUNT
};
enum { KITH_BLIND_PARTS_MAX = 6 };

/* How blind comparison is done: proto/policy_blind.h. All zero under another protection. */
struct kith_policy_blind {
  unsigned occurrences; /* of one value, of an agency, that take part */
  unsigned n_keys;
  struct kith_blind_key_terms {
    unsigned n;
    enum kith_blind_part parts[KITH_BLIND_PARTS_MAX];
  } keys[KITH_BLIND_KEYS_MAX];
  unsigned n_fields;
  struct kith_blind_field {
    char field[KITH_FIELD_NAME_BYTES];
    unsigned q;
    unsigned bits;   /* of its signature */
    uint32_t weight; /* in the similarity that pairs.csv shows */
  } fields[KITH_BLIND_FIELDS_MAX];
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
  struct kith_evidence evidence;
  struct kith_plausible_dates dates;
  struct kith_source_minima source;
  char standardiser[KITH_FIELD_NAME_BYTES];
  enum kith_protection protection;
  struct kith_policy_blind blind;
  unsigned bits;      /* of the first filter */
  unsigned n_filters; /* 0: one, without a name; else 2 and more */
  struct kith_policy_filter filters[KITH_FILTERS_MAX];
  bool mask;
  unsigned mask_minimum;   /* fewest records of a pattern, at most minimum_batch; 1: any */
  unsigned accepted_leaks; /* enum kith_leak */
  bool masked_dice;        /* "similarity": "masked_dice" or "dice" */
  unsigned n_fields;
  struct kith_policy_field fields[KITH_FIELDS_MAX];
  struct kith_ratio candidate_bound; /* on the similarity */
  /* Below the bound, but no lower than this, candidates are looked for while there are at most
   * candidates_max in all. The bound itself, and 0, where the policy does not say. */
  struct kith_ratio candidate_floor;
  uint32_t candidates_max;
  struct kith_threshold threshold; /* on the match probability */
  char rule[KITH_TEXT_BYTES];
  unsigned minimum_count;
  unsigned quorum;
  unsigned officers; /* different keys of an agency that must decide to join, 1 .. */
  uint32_t minimum_batch;
  unsigned rounds_max; /* rounds in which records are sent, in any rounds_days days; 0: no bound */
  unsigned rounds_days;
  uint32_t gather_s;
  uint32_t keying_s;
  uint32_t submit_s;
  unsigned n_recipients;
  char recipients[KITH_RECIPIENTS_MAX][KITH_MEMBER_ID_BYTES];
  unsigned review_days;
  unsigned retention_days;
  /* The share of people that 'kith audit privacy' may recognise; denominator 0: no bound. */
  struct kith_ratio privacy_bound;
  struct kith_policy_disclosure disclosure;
  unsigned n_context; /* agencies; 0: none tells anything unasked */
  struct kith_policy_context context[KITH_AGENCIES_MAX];
};

/* Every number of people that is shown is rounded to this, and hidden below minimum_count. */
enum { KITH_COUNT_STEP = 5 };
static inline uint64_t kith_count_rounded(uint64_t people)
{
  return (people + KITH_COUNT_STEP / 2) / KITH_COUNT_STEP * KITH_COUNT_STEP;
}

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
/* To a policy of one filter without an address filter: one of street and town, and the acceptance
 * of what it shows. */
void kith_policy_add_address_filter(struct kith_policy *policy);
/* The leaks that the policy must accept, enum kith_leak. */
unsigned kith_policy_leaks(const struct kith_policy *policy);
/* Sets evidence, dates and source as they are where a policy does not say them. */
void kith_policy_default_records(struct kith_policy *out);
/* The stated gateway of a recipient or an agency in the policy's disclosure section; NULL where
 * there is none, and so nothing may be asked or answered. */
const char *kith_policy_asks(const struct kith_policy *policy, const char *recipient);
const char *kith_policy_answers(const struct kith_policy *policy, const char *agency);
bool kith_policy_disclosable(const struct kith_policy *policy, const char *field);
bool kith_policy_reason_allowed(const struct kith_policy *policy, const char *reason);
/* What the agency tells unasked; NULL: nothing. */
const struct kith_policy_context *kith_policy_context_of(const struct kith_policy *policy,
                                                         const char *agency);
/* Bytes of all filters of a row. */
size_t kith_policy_row_bytes(const struct kith_policy *policy);
enum { KITH_RATIO_TEXT_BYTES = 32 };
/* "0.55", or "N/D" where it is no decimal; reads back as the same ratio. */
void kith_policy_ratio_text(char out[KITH_RATIO_TEXT_BYTES], struct kith_ratio ratio);
/* "2026-11-23", a day that there is; KITH_ERR_DATA otherwise. */
KITH_MUST_USE enum kith_err kith_policy_date_parse(struct kith_date *out, const char *text);
/* "cv" or "cv1": an area of one or two letters, or a district, in lower case. */
bool kith_policy_place_valid(const char *text);
/* Signatures, then parse, then expiry at `now` and leaks that are not accepted (KITH_ERR_DENIED).
 */
KITH_MUST_USE enum kith_err kith_policy_accept(struct kith_policy *out,
                                               const struct kith_signed *document,
                                               const struct kith_signers *governance, int64_t now,
                                               struct kith_fault *fault);

#endif
