/* What the counts mean: sentences for the people who can do something about it. No sentence has a
 * value in it. docs/data-quality.md has the bounds, and why they are where they are. */
#include "daemon/pipeline/quality.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

typedef unsigned long long ull;

const char *kith_severity_name(enum kith_severity severity)
{
  static const char *const names[] = {"note", "remark", "stop"};
  return names[severity];
}

const char *kith_verdict_name(enum kith_verdict verdict)
{
  static const char *const names[] = {"ready", "ready with remarks", "not ready"};
  return names[verdict];
}

/* ---- the gate */

/* Products of up to 2^32 rows and 10^9 fit. */
static bool at_least(uint64_t n, uint64_t of, struct kith_ratio ratio)
{
  return n * ratio.denominator >= of * ratio.numerator;
}

static bool at_most(uint64_t n, uint64_t of, struct kith_ratio ratio)
{
  return n * ratio.denominator <= of * ratio.numerator;
}

static double percent(uint64_t n, uint64_t of)
{
  return of ? 100 * (double)n / (double)of : 0;
}

enum kith_err kith_quality_gate(const struct kith_quality_summary *summary,
                                const struct kith_source_minima *minima,
                                char text[KITH_QUALITY_TEXT_BYTES])
{
  uint64_t read = summary->rows - summary->set_aside - summary->objected;

  text[0] = '\0';
  if (summary->rows == 0) {
    (void)snprintf(text, KITH_QUALITY_TEXT_BYTES,
                   "the source has no rows; nothing was sent; look at the export");
    return KITH_ERR_NO;
  }
  if (!at_most(summary->set_aside, summary->rows, minima->maximum_set_aside)) {
    (void)snprintf(text, KITH_QUALITY_TEXT_BYTES,
                   "%llu of %llu rows (%.1f%%) of the source can't be read, the policy allows "
                   "%.4g%%; nothing was sent; run kith source check and mend the export",
                   (ull)summary->set_aside, (ull)summary->rows,
                   percent(summary->set_aside, summary->rows),
                   100 * kith_ratio_double(minima->maximum_set_aside));
    return KITH_ERR_NO;
  }
  if (!at_least(summary->linkable, read, minima->minimum_linkable)) {
    (void)snprintf(text, KITH_QUALITY_TEXT_BYTES,
                   "only %llu of %llu rows (%.1f%%) of the source have enough to be linked by, the "
                   "policy asks for %.4g%%; nothing was sent; run kith source check and mend the "
                   "export",
                   (ull)summary->linkable, (ull)read, percent(summary->linkable, read),
                   100 * kith_ratio_double(minima->minimum_linkable));
    return KITH_ERR_NO;
  }
  return KITH_OK;
}

/* ---- findings */

static const char *people_of(uint64_t n)
{
  return n == 1 ? "person" : "people";
}

struct finder {
  struct kith_quality_report *report;
  const struct kith_quality_options *options;
  uint64_t read; /* rows that were neither set aside nor objected to */
};

/* text and remedy are one format, parted by a tab. */
static void find(struct finder *finder, enum kith_severity severity, const char *about,
                 const char *format, ...) KITH_PRINTF(4, 5);
static void find(struct finder *finder, enum kith_severity severity, const char *about,
                 const char *format, ...)
{
  struct kith_quality_report *report = finder->report;
  char both[2 * KITH_QUALITY_TEXT_BYTES];
  struct kith_finding *finding;
  va_list args;
  char *tab;

  if (report->n_findings == KITH_FINDINGS_MAX)
    return;
  va_start(args, format);
  (void)vsnprintf(both, sizeof both, format, args);
  va_end(args);
  finding = &report->findings[report->n_findings++];
  finding->severity = severity;
  (void)snprintf(finding->about, sizeof finding->about, "%s", about);
  tab = strchr(both, '\t');
  if (tab)
    *tab = '\0';
  (void)snprintf(finding->text, sizeof finding->text, "%.239s", both);
  (void)snprintf(finding->remedy, sizeof finding->remedy, "%.239s", tab ? tab + 1 : "");
}

/* What a field is called in a sentence. */
static const char *name_of(unsigned field)
{
  static const char *const names[KITH_FIELD_COUNT] = {
      "given name", "middle name", "surname", "known-as name", "date of birth",
      "sex",        "street",      "town",    "postcode",      "NHS number",
      "UPN",        "PNC id",      "CRN",     "record date"};
  return names[field];
}

static void find_rows(struct finder *finder)
{
  const struct kith_quality_summary *summary = &finder->report->summary;
  char text[KITH_QUALITY_TEXT_BYTES];

  if (kith_quality_gate(summary, &finder->options->policy->source, text) != KITH_OK) {
    char *half = strstr(text, "; nothing was sent; ");
    const char *remedy = summary->rows == 0 ? "Look at the export: it has a header and no records."
                         : strstr(text, "enough to be linked by")
                             ? "See below which fields are missing or unusable; a round will not "
                               "start with this file."
                             : "See below why rows can't be read; a round will not start with "
                               "this file.";

    if (half)
      *half = '\0';
    text[0] = (char)(text[0] >= 'a' && text[0] <= 'z' ? text[0] - 'a' + 'A' : text[0]);
    find(finder, KITH_SEVERITY_STOP, "rows", "%s.\t%s", text, remedy);
  } else if (summary->set_aside > 0) {
    find(finder, KITH_SEVERITY_REMARK, "rows",
         "%llu of %llu rows (%.1f%%) can't be read, and so can't take part.\tThe rows are listed "
         "below "
         "with what is wrong; mend the export.",
         (ull)summary->set_aside, (ull)summary->rows, percent(summary->set_aside, summary->rows));
  }
}

/* Shares from which a fault of a field is worth a remark, in percent. */
static const struct {
  enum kith_outcome outcome;
  double names; /* of names and dates of birth */
  double others;
  const char *text;
  const char *remedy;
} faults[] = {
    {KITH_VALUE_MISSING, 5, 30, "is missing", "See whether the export leaves the column out."},
    {KITH_VALUE_PLACEHOLDER, 1, 10, "is a placeholder",
     "Such values count as missing; they are better left empty."},
    {KITH_VALUE_UNUSABLE, 0.1, 1, "can't be used",
     "The rows are listed; mend them in the system of record."},
    {KITH_VALUE_IMPLAUSIBLE, 0.1, 0.1, "is outside the plausible years",
     "Look for mistyped centuries and defaults."},
    {KITH_VALUE_PARTIAL, 5, 10, "is known in part only",
     "Such values link less well; look for 1 January and half postcodes."},
};

/* Whether it matters to the policy that the field is missing. */
static bool needed(const struct finder *finder, unsigned field)
{
  const struct kith_policy *policy = finder->options->policy;

  if (field == KITH_FIELD_MIDDLE_NAMES || field == KITH_FIELD_KNOWN_AS)
    return false;
  if (field == KITH_FIELD_RECORD_DATE)
    return policy->scope.present && policy->scope.from.year != 0;
  for (unsigned i = 0; i < policy->n_fields; i++) {
    enum kith_field of = kith_field_of_policy(policy->fields[i].field);

    if (of == (enum kith_field)field ||
        (of >= KITH_FIELD_COUNT && (field == KITH_FIELD_GIVEN_NAME || field == KITH_FIELD_SURNAME)))
      return true;
  }
  return field == KITH_FIELD_DATE_OF_BIRTH;
}

static void find_faults(struct finder *finder, unsigned field)
{
  const struct kith_quality_field *counts = &finder->report->fields[field];
  bool important = field == KITH_FIELD_GIVEN_NAME || field == KITH_FIELD_SURNAME ||
                   field == KITH_FIELD_DATE_OF_BIRTH;

  for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
    uint64_t n = counts->n[faults[i].outcome];
    double share = percent(n, finder->read);
    bool optional = faults[i].outcome == KITH_VALUE_MISSING && !needed(finder, field);

    if (n == 0)
      continue;
    if (faults[i].outcome == KITH_VALUE_MISSING && n == finder->read) {
      find(finder, optional ? KITH_SEVERITY_NOTE : KITH_SEVERITY_REMARK,
           kith_field_name((enum kith_field)field), "The column of the %s is empty.",
           name_of(field));
      return;
    }
    find(finder,
         share >= (important ? faults[i].names : faults[i].others) && !optional
             ? KITH_SEVERITY_REMARK
             : KITH_SEVERITY_NOTE,
         kith_field_name((enum kith_field)field), "The %s %s on %llu of %llu rows (%.1f%%).\t%s",
         name_of(field), faults[i].text, (ull)n, (ull)finder->read, share,
         optional ? "" : faults[i].remedy);
  }
}

/* From which share on the commonest value of a field looks like something typed for want of a
 * better one; 100: never. */
static double default_share(unsigned field)
{
  switch (field) {
  case KITH_FIELD_DATE_OF_BIRTH:
    return 1;
  case KITH_FIELD_GIVEN_NAME:
  case KITH_FIELD_SURNAME:
    return 10;
  case KITH_FIELD_POSTCODE:
    return 5;
  case KITH_FIELD_NHS_NUMBER:
  case KITH_FIELD_UPN:
  case KITH_FIELD_PNC_ID:
  case KITH_FIELD_CRN:
    return 0.1;
  default:
    return 100;
  }
}

enum { DEFAULT_ROWS = 10 }; /* fewer are chance in a small table */

static void find_default(struct finder *finder, unsigned field)
{
  const struct kith_quality_field *counts = &finder->report->fields[field];
  double share = percent(counts->n_commonest, finder->read);

  if (counts->n_commonest >= DEFAULT_ROWS && share >= default_share(field))
    find(finder, KITH_SEVERITY_REMARK, kith_field_name((enum kith_field)field),
         "The commonest %s is on %.1f%% of rows (%llu): it may be a default that was typed for "
         "many.\tFind it in your system of record; a default is better left empty.",
         name_of(field), share, (ull)counts->n_commonest);
}

/* Fields of the policy for which the table has no column. */
static void find_columns(struct finder *finder)
{
  const struct kith_policy *policy = finder->options->policy;
  const bool *columns = finder->options->columns;

  for (unsigned i = 0; i < policy->n_fields; i++) {
    enum kith_field field = kith_field_of_policy(policy->fields[i].field);

    if (field < KITH_FIELD_COUNT && !columns[field] && field != KITH_FIELD_MIDDLE_NAMES &&
        field != KITH_FIELD_KNOWN_AS)
      find(finder, KITH_SEVERITY_REMARK, kith_field_name(field),
           "There is no column for the %s, which the policy links by.\tAdd it to the export, or "
           "name the column in a profile.",
           name_of(field));
  }
}

static void find_people(struct finder *finder)
{
  const struct kith_quality_report *report = finder->report;
  const char *about = report->same.estimated ? "About " : "";

  if (report->same.rows > 0)
    find(finder, KITH_SEVERITY_REMARK, "people",
         "%s%llu %s the name and date of birth of an earlier row (%llu %s).\tMerge them in the "
         "system of record, or export one row a person.",
         about, (ull)report->same.rows, report->same.rows == 1 ? "row has" : "rows have",
         (ull)report->same.people, people_of(report->same.people));
  if (report->alike.rows > 0)
    find(finder,
         percent(report->alike.rows, finder->read) >= 0.5 ? KITH_SEVERITY_REMARK
                                                          : KITH_SEVERITY_NOTE,
         "people",
         "%s%llu more %s likely of a person of another row: the same date of birth, and names "
         "spelt or ordered otherwise.\tLook at the rows listed.",
         about, (ull)report->alike.rows, report->alike.rows == 1 ? "row is" : "rows are");
  if (report->number_dates.people > 0)
    find(finder, KITH_SEVERITY_REMARK, "people",
         "%s%llu %s one number (NHS, UPN, PNC or CRN) and several dates of birth, on %llu "
         "rows.\tOne of the dates, or the number, is wrong; look at the rows listed.",
         about, (ull)report->number_dates.people,
         report->number_dates.people == 1 ? "person has" : "people have",
         (ull)report->number_dates.rows);
  if (report->name_dates.people > 0)
    find(finder, KITH_SEVERITY_NOTE, "people",
         "%s%llu %s at one postcode with several dates of birth, on %llu rows.\tA parent and "
         "child of one name, or a mistyped date; look at the rows listed.",
         about, (ull)report->name_dates.people,
         report->name_dates.people == 1 ? "name occurs" : "names occur",
         (ull)report->name_dates.rows);
}

static void find_scope(struct finder *finder)
{
  const struct kith_quality_report *report = finder->report;
  const uint64_t *n = report->scope.n;
  uint64_t unknown = n[KITH_SCOPE_BIRTH_UNKNOWN] + n[KITH_SCOPE_PLACE_UNKNOWN] +
                     n[KITH_SCOPE_PERIOD_UNKNOWN] + n[KITH_SCOPE_BIRTH_CONFLICT];
  uint64_t sparse = finder->read - report->summary.linkable;

  if (sparse > 0)
    find(finder, percent(sparse, finder->read) >= 5 ? KITH_SEVERITY_REMARK : KITH_SEVERITY_NOTE,
         "evidence",
         "%llu of %llu rows (%.1f%%): too little to be linked by, so left out.\tFill in "
         "names, dates of birth and postcodes where they are known.",
         (ull)sparse, (ull)finder->read, percent(sparse, finder->read));
  if (unknown > 0)
    find(finder, percent(unknown, finder->read) >= 5 ? KITH_SEVERITY_REMARK : KITH_SEVERITY_NOTE,
         "scope",
         "%llu of %llu rows (%.1f%%): left out, since it can't be told whether the policy's "
         "scope has them.\tFill in what is missing: date of birth, postcode or record date.",
         (ull)unknown, (ull)finder->read, percent(unknown, finder->read));
  if (report->n_leaving == 0 && finder->read > 0 && report->summary.linkable > 0)
    find(finder, KITH_SEVERITY_STOP, "scope",
         "No row is in the policy's scope: a round would take nothing from this file.\tCompare "
         "the scope's ages, places and period with the file.");
  else if (report->n_leaving > 0 && report->n_leaving < finder->options->policy->minimum_batch)
    find(finder, KITH_SEVERITY_REMARK, "scope",
         "Only %llu %s would take part; a round under this policy asks each agency for at "
         "least %u.\tUse the whole export, not a part of it.",
         (ull)report->n_leaving, report->n_leaving == 1 ? "record" : "records",
         (unsigned)finder->options->policy->minimum_batch);
  if (report->ages[KITH_AGE_UNBORN] > 0)
    find(finder, KITH_SEVERITY_REMARK, "date_of_birth",
         "%llu %s a date of birth after the day on which ages are counted.\tLook for "
         "mistyped years.",
         (ull)report->ages[KITH_AGE_UNBORN],
         report->ages[KITH_AGE_UNBORN] == 1 ? "row has" : "rows have");
}

/* By severity; those of one severity stay in the order in which they were found. */
static void sort_findings(struct kith_quality_report *report)
{
  for (unsigned i = 1; i < report->n_findings; i++) {
    struct kith_finding moving = report->findings[i];
    unsigned at = i;

    for (; at > 0 && report->findings[at - 1].severity < moving.severity; at--)
      report->findings[at] = report->findings[at - 1];
    report->findings[at] = moving;
  }
}

void kith_quality_find(struct kith_quality_report *report,
                       const struct kith_quality_options *options)
{
  struct finder finder = {
      report, options, report->summary.rows - report->summary.set_aside - report->summary.objected};

  find_rows(&finder);
  if (report->summary.rows > 0)
    find_columns(&finder);
  find_scope(&finder);
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
    if (options->columns[i]) {
      find_faults(&finder, i);
      find_default(&finder, i);
    }
  }
  find_people(&finder);
  sort_findings(report);
  report->verdict = KITH_VERDICT_READY;
  if (report->n_findings > 0 && report->findings[0].severity == KITH_SEVERITY_REMARK)
    report->verdict = KITH_VERDICT_REMARKS;
  if (report->n_findings > 0 && report->findings[0].severity == KITH_SEVERITY_STOP)
    report->verdict = KITH_VERDICT_NOT_READY;
}
