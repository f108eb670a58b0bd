/* Whether a record may be encoded: what the policy's scope and its minimum evidence say of it.
 *
 * A bound of the scope is held surely, missed surely, or the record doesn't tell; the policy says
 * for each bound what is to become of those that don't tell. The bounds are asked in the order age,
 * place, period, and the evidence after them; the first that says no is the reason. A record that
 * may not be encoded leaves nothing but a count. Pure; docs/encoding.md has the reasons. */
#ifndef KITH_DAEMON_PIPELINE_SCOPE_H
#define KITH_DAEMON_PIPELINE_SCOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "daemon/pipeline/record.h"
#include "daemon/pipeline/standardise.h"
#include "proto/policy.h"

enum kith_scope_reason {
  KITH_SCOPE_IN,
  KITH_SCOPE_OBJECTED,       /* the person's id is on the agency's list (objections.h) */
  KITH_SCOPE_BIRTH_CONFLICT, /* the source has two dates of birth, and they differ */
  KITH_SCOPE_BIRTH_UNKNOWN,  /* missing, or known in part and the rest decides */
  KITH_SCOPE_AGE,            /* younger or older, or born after the policy's day */
  KITH_SCOPE_PLACE_UNKNOWN,  /* no postcode, or none that can be told to be in or out */
  KITH_SCOPE_PLACE,
  KITH_SCOPE_PERIOD_UNKNOWN, /* no record date, or known in part and the rest decides */
  KITH_SCOPE_PERIOD,
  KITH_SCOPE_SPARSE, /* without the policy's minimum evidence */
  KITH_SCOPE_RARE,   /* its pattern of missing fields can't be made common (patterns.h) */
  KITH_SCOPE_REASON_COUNT
};
/* For people, "outside the ages", and for JSON, "age"; static. */
const char *kith_scope_reason_name(enum kith_scope_reason reason);
const char *kith_scope_reason_key(enum kith_scope_reason reason);

/* Rows that were not set aside, by what became of them. */
struct kith_scope_counts {
  uint64_t n[KITH_SCOPE_REASON_COUNT];
};
/* By the bounds of the scope, unknown or outside. */
uint64_t kith_scope_counts_out(const struct kith_scope_counts *counts);
void kith_scope_counts_add(struct kith_scope_counts *to, const struct kith_scope_counts *more);
/* Of the rows that were in, so many are KITH_SCOPE_RARE. */
void kith_scope_counts_rare(struct kith_scope_counts *counts, uint64_t n);

/* A policy made ready to judge by; plain data without pointers. */
struct kith_scope_rules {
  struct kith_scope scope;
  unsigned n_groups;
  uint32_t groups[KITH_EVIDENCE_GROUPS_MAX]; /* a bit for each enum kith_field */
};
/* KITH_ERR_CONFIG with *fault: the evidence names a field that this program does not know. */
KITH_MUST_USE enum kith_err kith_scope_rules_make(struct kith_scope_rules *out,
                                                  const struct kith_policy *policy,
                                                  struct kith_fault *fault);
/* `birth_conflicts`: the source has two different dates of birth for the record. */
enum kith_scope_reason kith_scope_judge(const struct kith_scope_rules *rules,
                                        const struct kith_record *record, bool birth_conflicts);

/* Whether a second date of birth, as typed, says another day, month or year than the first; NULL,
 * or what can't be read, does not. */
bool kith_scope_births_differ(struct kith_date birth, const char *other,
                              const struct kith_standardise_options *options);

/* Each bound alone: KITH_SCOPE_IN, or its own reasons. For the ages, what "unknown_birth" says is
 * not applied here; likewise for the others. */
enum kith_scope_reason kith_scope_age(const struct kith_scope *scope, struct kith_date birth);
enum kith_scope_reason kith_scope_place(const struct kith_scope *scope,
                                        const struct kith_values *postcodes);
enum kith_scope_reason kith_scope_period(const struct kith_scope *scope,
                                         struct kith_date record_date);

/* Puts the policy's plausible years into *options. */
void kith_scope_dates(struct kith_standardise_options *options, const struct kith_policy *policy);
/* Takes a date of birth out of the record that is outside of them, where the policy drops those. */
void kith_scope_drop_date(struct kith_record *record, const struct kith_policy *policy);

#endif
