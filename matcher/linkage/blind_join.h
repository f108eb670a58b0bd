/* Where two submissions have a token in common: candidate pairs (docs/blind.md, 4 and 5). Pure. */
#ifndef KITH_MATCHER_LINKAGE_BLIND_JOIN_H
#define KITH_MATCHER_LINKAGE_BLIND_JOIN_H

#include "proto/blind.h"

/* Two records that share a token, and all that is known of them. */
struct kith_blind_pair {
  uint64_t low;                             /* handles; of lo */
  uint64_t high;                            /* of hi */
  uint16_t keys;                            /* bit k: match key k agrees */
  uint8_t distances[KITH_BLIND_FIELDS_MAX]; /* Hamming, of signatures */
  uint8_t missing[KITH_BLIND_FIELDS_MAX];   /* 0 to 2: how many lack the field */
};

struct kith_blind_pairs {
  struct kith_blind_pair *items; /* owned; by handles; each pair once */
  size_t n;
};

/* Both are of one layout and terms (kith_blind_expect). KITH_ERR_DATA: they contradict each other
 * or themselves, with a fault that names the two sides; KITH_ERR_MEMORY. */
KITH_MUST_USE enum kith_err kith_blind_join(struct kith_blind_pairs *out,
                                            const struct kith_blind_submission *low,
                                            const struct kith_blind_submission *high,
                                            const char *low_name, const char *high_name,
                                            struct kith_fault *fault);
void kith_blind_pairs_free(struct kith_blind_pairs *pairs);

#endif
