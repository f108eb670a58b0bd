/* Reading a table for `kith source`: what is needed for it, and each row's fate. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/source/source.h"
#include "crypto/secret.h"

enum { ROWS_A_LOOK = 1024 };

/* ---- opening */

static enum kith_err policy_open(struct kith_source_check *check, struct kith_fault *fault)
{
  static const char nobody[1][KITH_MEMBER_ID_BYTES] = {"agency"};
  struct kith_signed document = {0};
  enum kith_err err = KITH_OK;

  if (check->policy_path) {
    err = kith_cli_policy_load(&document, &check->policy, check->policy_path, fault);
    kith_signed_free(&document);
    check->has_policy = err == KITH_OK;
  } else {
    kith_policy_default(&check->policy, nobody, 1);
  }
  if (err == KITH_OK)
    err = kith_scope_rules_make(&check->rules, &check->policy, fault);
  kith_scope_dates(&check->standardise, &check->policy);
  return err;
}

static enum kith_err spec_open(struct kith_source_check *check, struct kith_fault *fault)
{
  enum kith_err err;

  if (check->config_path) {
    err = kith_agency_config_load(&check->config, check->config_path, fault);
    if (err != KITH_OK)
      return err;
    check->has_config = true;
    check->spec = check->config.source;
    if (!check->objections_path)
      check->objections_path = check->config.objections;
  }
  if ((err = kith_source_place(check, fault)) != KITH_OK)
    return err;
  if (check->profile_name) {
    err = kith_profile_load(&check->profile, check->profile_name, fault);
    if (err != KITH_OK)
      return err;
    check->spec.profile = check->profile;
  }
  if (check->spec.profile)
    check->standardise.date_order = kith_profile_date_order(check->spec.profile);
  return KITH_OK;
}

static enum kith_err quality_open(struct kith_source_check *check, struct kith_fault *fault)
{
  struct kith_quality_options options = {.policy = &check->policy};
  time_t now = (time_t)kith_clock_now();
  struct tm day;
  enum kith_err err;

  (void)gmtime_r(&now, &day);
  options.today = (struct kith_date){day.tm_year + 1900, day.tm_mon + 1, day.tm_mday};
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++)
    options.columns[i] = kith_source_has(check->source, (enum kith_field)i);
  kith_random_bytes(options.key, sizeof options.key);
  err = kith_quality_new(&check->quality, &options, fault);
  kith_wipe(options.key, sizeof options.key);
  return err;
}

enum kith_err kith_source_check_open(struct kith_source_check *check, struct kith_fault *fault)
{
  enum kith_err err = policy_open(check, fault);

  if (err == KITH_OK)
    err = spec_open(check, fault);
  if (err == KITH_OK && check->objections_path)
    err = kith_objections_load(&check->objections, check->objections_path, fault);
  if (err == KITH_OK)
    err = kith_source_open(&check->source, &check->spec, fault);
  if (err == KITH_OK)
    err = kith_source_columns(check, fault);
  return err == KITH_OK ? quality_open(check, fault) : err;
}

const char *kith_source_profile(const struct kith_source_check *check)
{
  return check->spec.profile ? kith_profile_name(check->spec.profile) : "standard";
}

void kith_source_check_free(struct kith_source_check *check)
{
  kith_quality_free(check->quality);
  kith_source_free(check->source);
  kith_objections_free(check->objections);
  kith_profile_free(check->profile);
  kith_proposer_free(check->proposer);
  kith_table_free(check->proposed);
  kith_free(check->columns);
  kith_free(check->query);
  kith_free(check->own_credential);
  if (check->has_config)
    kith_agency_config_free(&check->config);
}

/* ---- reading */

static void see(const struct kith_source_check *check, const struct kith_source_row *row,
                const struct kith_record *record, const enum kith_outcome *outcomes,
                enum kith_scope_reason reason)
{
  if (check->see)
    check->see(check->see_context, row, record, outcomes, reason);
}

static enum kith_err row_read(struct kith_source_check *check, const struct kith_source_row *row)
{
  enum kith_outcome outcomes[KITH_FIELD_COUNT];
  enum kith_scope_reason reason;
  struct kith_record record;
  bool conflict;
  enum kith_err err;

  if (row->rule != KITH_ROW_FINE) {
    kith_quality_set_aside(check->quality);
    see(check, row, NULL, NULL, KITH_SCOPE_IN);
    return KITH_OK;
  }
  if (check->objections && kith_objections_hit(check->objections, row->id)) {
    kith_quality_objected(check->quality);
    see(check, row, NULL, NULL, KITH_SCOPE_OBJECTED);
    return KITH_OK;
  }
  kith_standardise(&record, outcomes, row->fields, &check->standardise);
  conflict = kith_scope_births_differ(record.birth, row->other_birth, &check->standardise);
  kith_scope_drop_date(&record, &check->policy);
  reason = kith_scope_judge(&check->rules, &record, conflict);
  err = kith_quality_add(check->quality, row->row, &record, outcomes, reason);
  see(check, row, &record, outcomes, reason);
  kith_wipe(&record, sizeof record);
  return err;
}

enum kith_err kith_source_check_read(struct kith_source_check *check, struct kith_fault *fault)
{
  const atomic_bool *cancel = kith_cli_cancel_on_signal();
  struct kith_cli_progress progress;
  struct kith_source_row row;
  uint64_t n = 0;
  enum kith_err err;

  kith_cli_progress_start(&progress, "checking", "rows", check->quiet);
  while ((err = kith_source_next(check->source, &row, fault)) == KITH_OK) {
    err = row_read(check, &row);
    if (err == KITH_OK && atomic_load(cancel))
      err = KITH_ERR_CANCELLED;
    if (err != KITH_OK) {
      (void)kith_fail(fault, err, "%s: row %llu: %s", check->name, (unsigned long long)row.row,
                      kith_err_name(err));
      break;
    }
    if (++n % ROWS_A_LOOK == 0)
      kith_cli_progress_update(&progress, kith_source_share(check->source), (double)n);
  }
  kith_cli_progress_finish(&progress);
  if (err != KITH_ERR_NOT_FOUND)
    return err;
  check->report = kith_quality_finish(check->quality);
  return KITH_OK;
}
