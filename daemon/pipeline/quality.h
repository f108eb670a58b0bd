/* What an agency's table is like: counted row by row, told at the end. It feeds `kith source check`
 * and the gate before a round.
 *
 * Pure: no clock, no chance (the caller gives today and a random key), no reading. It keeps counts,
 * row numbers and keyed hashes, never a value; the key and the hashes are wiped when it is freed.
 * docs/data-quality.md says what each figure means.
 *
 * Life: kith_quality_new, kith_quality_add, _set_aside or _objected for each row in the table's
 * order, kith_quality_finish once, read the report (it is the object's), kith_quality_free.
 *
 * Memory, whatever the table's length: 70 KB for each field, 8 KB for each kind of fault of a
 * field, and for people 96 bytes a row up to a million rows: beyond that, people are counted in a
 * sample of one in 2, 4, 8 ... of them, and the report says so. */
#ifndef KITH_DAEMON_PIPELINE_QUALITY_H
#define KITH_DAEMON_PIPELINE_QUALITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "daemon/pipeline/record.h"
#include "daemon/pipeline/scope.h"
#include "daemon/pipeline/standardise.h"
#include "proto/policy.h"

enum { KITH_QUALITY_KEY_BYTES = 16, KITH_QUALITY_ROWS_MAX = 1000 };

struct kith_quality_options {
  const struct kith_policy *policy;    /* borrowed for the object's life */
  struct kith_date today;              /* ages are counted on the policy's day, else on this one */
  bool columns[KITH_FIELD_COUNT];      /* which fields the table has */
  uint8_t key[KITH_QUALITY_KEY_BYTES]; /* random */
};

/* Numbers of rows, the first of their kind. */
struct kith_quality_rows {
  uint64_t *rows; /* n, ascending; NULL where there are none */
  size_t n;
};

/* Of a field, over the rows that were neither set aside nor objected to. */
struct kith_quality_field {
  bool column;
  uint64_t n[KITH_OUTCOME_COUNT];
  struct kith_quality_rows rows[KITH_OUTCOME_COUNT]; /* none for KITH_VALUE_FINE */
  uint64_t n_valued;                                 /* rows that have a value to encode */
  uint64_t n_distinct;                               /* about */
  uint64_t n_commonest;                              /* rows with the commonest value; about */
};

/* Rows that seem to be of one person. */
struct kith_quality_people {
  uint64_t rows;                  /* beyond the first of each person; for conflicts: all of them */
  uint64_t people;                /* that have several */
  bool estimated;                 /* from a sample */
  struct kith_quality_rows first; /* some of them, where there are more than fit */
};

enum kith_age_band {
  KITH_AGE_UNBORN, /* after the day */
  KITH_AGE_UNDER_10,
  KITH_AGE_UNDER_18,
  KITH_AGE_UNDER_26,
  KITH_AGE_UNDER_40,
  KITH_AGE_UNDER_65,
  KITH_AGE_UNDER_100,
  KITH_AGE_100,
  KITH_AGE_UNKNOWN,
  KITH_AGE_BANDS
};
/* "10 to 17", static. */
const char *kith_age_band_name(enum kith_age_band band);

/* What a round looks at before it begins. */
struct kith_quality_summary {
  uint64_t rows; /* of the table, without its header */
  uint64_t set_aside;
  uint64_t objected;
  uint64_t linkable; /* with the policy's minimum evidence, in scope or not */
};
enum { KITH_QUALITY_TEXT_BYTES = 240 };
/* KITH_OK, or KITH_ERR_NO where the policy's minima are not met: `text` says which, with counts,
 * and what to do (with no value in it). */
KITH_MUST_USE enum kith_err kith_quality_gate(const struct kith_quality_summary *summary,
                                              const struct kith_source_minima *minima,
                                              char text[KITH_QUALITY_TEXT_BYTES]);

enum kith_severity { KITH_SEVERITY_NOTE, KITH_SEVERITY_REMARK, KITH_SEVERITY_STOP };
/* "note", "remark", "stop", static. */
const char *kith_severity_name(enum kith_severity severity);

enum { KITH_FINDINGS_MAX = 112 };
struct kith_finding {
  enum kith_severity severity;
  char about[KITH_FIELD_NAME_BYTES]; /* a field, or "rows", "people", "scope", "evidence" */
  char text[KITH_QUALITY_TEXT_BYTES];
  char remedy[KITH_QUALITY_TEXT_BYTES]; /* may be empty */
};

enum kith_verdict { KITH_VERDICT_READY, KITH_VERDICT_REMARKS, KITH_VERDICT_NOT_READY };
/* "ready", "ready with remarks", "not ready", static. */
const char *kith_verdict_name(enum kith_verdict verdict);

struct kith_quality_report {
  struct kith_quality_summary summary;
  struct kith_quality_field fields[KITH_FIELD_COUNT];
  struct kith_scope_counts scope;          /* of the rows that were not set aside */
  struct kith_quality_rows sparse;         /* without the minimum evidence */
  struct kith_quality_people same;         /* the same names and date of birth */
  struct kith_quality_people alike;        /* spelt or ordered otherwise, the same date of birth */
  struct kith_quality_people number_dates; /* one NHS number, UPN, PNC id or CRN, several dates */
  struct kith_quality_people name_dates;   /* one name and postcode, several dates of birth */
  uint64_t ages[KITH_AGE_BANDS];
  /* What would leave the building. */
  uint64_t n_leaving;
  uint64_t n_coarsened; /* of these: without a field that they have (patterns.h) */
  unsigned n_fields;    /* that the policy encodes and the table has */
  unsigned bits;        /* of a record's filters */
  size_t row_bytes;     /* of a record as it is sent */
  uint64_t bytes;       /* n_leaving x row_bytes */
  struct kith_finding findings[KITH_FINDINGS_MAX]; /* the gravest first */
  unsigned n_findings;
  enum kith_verdict verdict;
};

struct kith_quality;
/* KITH_ERR_CONFIG with *fault: the policy's evidence has a field that this program does not know.
 */
KITH_MUST_USE enum kith_err kith_quality_new(struct kith_quality **out,
                                             const struct kith_quality_options *options,
                                             struct kith_fault *fault);
void kith_quality_free(struct kith_quality *quality); /* takes NULL; wipes */

/* A row that was set aside, and one of a person who objected: no more is looked at. */
void kith_quality_set_aside(struct kith_quality *quality);
void kith_quality_objected(struct kith_quality *quality);
/* Any other. `reason`: what the scope says of it (scope.h). */
KITH_MUST_USE enum kith_err kith_quality_add(struct kith_quality *quality, uint64_t row,
                                             const struct kith_record *record,
                                             const enum kith_outcome outcomes[KITH_FIELD_COUNT],
                                             enum kith_scope_reason reason);
const struct kith_quality_report *kith_quality_finish(struct kith_quality *quality);

/* Of quality.c and quality_findings.c only. */
void kith_quality_find(struct kith_quality_report *report,
                       const struct kith_quality_options *options);

#endif
