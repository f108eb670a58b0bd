/* All that this agency's kith knows about one person. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "daemon/service/subjects.h"
#include "daemon/service/withdraw.h"

enum { JUDGES_MAX = 8, ROWS_ALIVE = 4096 };

/* A policy that the person's row is held against: of a round that is not over, or the newest. */
struct judge {
  struct kith_hash hash;
  struct kith_policy policy;
  bool unjudged; /* this program can't judge by it */
  enum kith_scope_reason reason;
};

struct search {
  struct kith_agency *agency;
  const char *id;
  struct judge *judges; /* JUDGES_MAX */
  unsigned n_judges;
  bool found;
  uint64_t row;
  uint64_t n_repeats; /* later rows of the same id: set aside */
  uint64_t n_unread;  /* rows set aside whose id can't be told */
};

/* ---- policies */

static void judge_add(struct search *search, const struct kith_hash *hash,
                      const struct kith_policy *policy)
{
  struct judge *judge = &search->judges[search->n_judges];

  for (unsigned i = 0; i < search->n_judges; i++)
    if (kith_hash_equal(&search->judges[i].hash, hash))
      return;
  if (search->n_judges == JUDGES_MAX)
    return;
  judge->hash = *hash;
  judge->policy = *policy;
  search->n_judges++;
}

static enum kith_err judges_find(struct search *search)
{
  struct kith_agency *agency = search->agency;
  struct kith_policy *policy = KITH_NEW(struct kith_policy);
  struct kith_signed document = {0};
  struct kith_hash hash;
  enum kith_err err;

  search->judges = KITH_NEW_ARRAY(struct judge, JUDGES_MAX);
  if (!policy || !search->judges) {
    kith_free(policy);
    return KITH_ERR_MEMORY;
  }
  for (unsigned i = 0; i < agency->n_rounds; i++) {
    const struct kith_agency_round *round = agency->rounds[i];

    if (!round->finished)
      judge_add(search, &kith_node_round_view(round->node)->open.policy, &round->policy);
  }
  err = kith_node_document(agency->node, &document, KITH_DOCUMENT_POLICY, NULL);
  if (err == KITH_OK) {
    kith_signed_hash(&hash, &document);
    err = kith_policy_parse(policy, document.bytes, document.len, "policy", NULL);
    if (err == KITH_OK)
      judge_add(search, &hash, policy);
  }
  kith_signed_free(&document);
  kith_free(policy);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

/* ---- the source */

enum kith_scope_reason kith_subject_row_judge(const struct kith_scope_rules *rules,
                                              const struct kith_policy *policy,
                                              const struct kith_source_row *row,
                                              const struct kith_profile *profile)
{
  struct kith_standardise_options options = {0};
  enum kith_outcome outcomes[KITH_FIELD_COUNT];
  enum kith_scope_reason reason;
  struct kith_record record;
  bool conflict;

  if (profile)
    options.date_order = kith_profile_date_order(profile);
  kith_scope_dates(&options, policy);
  kith_standardise(&record, outcomes, row->fields, &options);
  conflict = kith_scope_births_differ(record.birth, row->other_birth, &options);
  kith_scope_drop_date(&record, policy);
  reason = kith_scope_judge(rules, &record, conflict);
  kith_wipe(&record, sizeof record);
  return reason;
}

static void row_judge(struct judge *judge, const struct kith_source_row *row,
                      const struct kith_profile *profile)
{
  struct kith_scope_rules rules;

  if (kith_scope_rules_make(&rules, &judge->policy, NULL) == KITH_OK)
    judge->reason = kith_subject_row_judge(&rules, &judge->policy, row, profile);
  else
    judge->unjudged = true;
}

static enum kith_err source_search(struct search *search, struct kith_fault *fault)
{
  struct kith_source *source = NULL;
  struct kith_source_row row;
  uint64_t n = 0;
  struct kith_source_spec spec = search->agency->config.source;
  enum kith_err err;

  spec.place.wait = kith_agency_alive_waiting;
  spec.place.wait_context = search->agency;
  err = kith_source_open(&source, &spec, fault);
  while (err == KITH_OK) {
    err = kith_source_next(source, &row, fault);
    if (err != KITH_OK)
      break;
    if (++n % ROWS_ALIVE == 0)
      kith_agency_alive(search->agency);
    if (strcmp(row.id, search->id) != 0) {
      search->n_unread += row.rule != KITH_ROW_FINE && row.rule != KITH_ROW_REPEATED_ID;
    } else if (row.rule != KITH_ROW_FINE) {
      search->n_repeats++;
    } else {
      search->found = true;
      search->row = row.row;
      for (unsigned i = 0; i < search->n_judges; i++)
        row_judge(&search->judges[i], &row, search->agency->config.source.profile);
    }
  }
  kith_source_free(source);
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

static json_t *now_json(const struct search *search, bool objected)
{
  json_t *list = json_array();

  for (unsigned i = 0; i < search->n_judges && search->found; i++) {
    const struct judge *judge = &search->judges[i];
    enum kith_scope_reason reason = objected ? KITH_SCOPE_OBJECTED : judge->reason;

    if (judge->unjudged)
      continue;
    json_array_append_new(list, json_pack("{s:s, s:I, s:b, s:s, s:s}", "policy", judge->policy.name,
                                          "version", (json_int_t)judge->policy.version, "encoded",
                                          reason == KITH_SCOPE_IN, "reason",
                                          kith_scope_reason_key(reason), "words",
                                          kith_scope_reason_name(reason)));
  }
  return list;
}

static enum kith_err objected_now(const struct search *search, json_t **out,
                                  struct kith_fault *fault)
{
  struct kith_objections *list = NULL;
  const char *path = search->agency->config.objections;
  enum kith_err err = path ? kith_objections_load(&list, path, fault) : KITH_OK;

  if (err == KITH_OK)
    *out = path ? json_boolean(kith_objections_hit(list, search->id)) : json_false();
  kith_objections_free(list);
  return err;
}

/* ---- rounds */

static const char *state_of(const struct kith_agency_round *round)
{
  if (kith_node_round_view(round->node)->aborted)
    return kith_round_state_name(KITH_ROUND_ABORTED);
  if (round->finished)
    return kith_round_state_name(KITH_ROUND_CLOSED);
  return round->state ? kith_round_state_name(round->state) : "not known";
}

/* Null: the round's table is destroyed, and with it which records were withdrawn. */
static json_t *withdrawn_json(const struct search *search, const struct kith_agency_round *round)
{
  bool withdrawn = false;
  enum kith_err err = kith_withdrawn_id(search->agency, round, search->id, &withdrawn);

  return err == KITH_OK ? json_boolean(withdrawn) : err == KITH_ERR_NOT_FOUND ? json_null() : NULL;
}

static json_t *round_json(const struct search *search, const struct kith_agency_round *round,
                          const struct kith_subject_log *log)
{
  const struct kith_agency *agency = search->agency;
  const struct kith_round_view *view = kith_node_round_view(round->node);
  const struct kith_seat *own = kith_round_seat(view, agency->node->id);
  char id[2 * KITH_ROUND_ID_BYTES + 1];
  json_t *recipients = json_array();
  json_t *object;

  for (unsigned i = 0; i < view->open.n_recipients; i++)
    json_array_append_new(recipients, json_string(view->open.recipients[i]));
  kith_hex_encode(id, round->node->id, KITH_ROUND_ID_BYTES);
  object = json_pack("{s:s, s:s, s:I, s:s, s:b, s:I, s:s, s:b, s:o}", "round", id, "policy",
                     round->policy.name, "version", (json_int_t)round->policy.version, "purpose",
                     round->policy.purpose, "trial", round->policy.trial, "encoded_at",
                     (json_int_t)log->encoded_at, "state", state_of(round), "sent",
                     own && own->manifested, "recipients", recipients);
  if (object)
    json_object_set_new(object, "withdrawn", withdrawn_json(search, round));
  /* Made under a key that is gone: nobody can say any more. */
  if (object)
    json_object_set_new(object, "encoded", log->other_key ? json_null() : json_true());
  return object;
}

static enum kith_err rounds_search(const struct search *search, json_t *list)
{
  struct kith_agency *agency = search->agency;
  enum kith_err err = KITH_OK;

  for (unsigned i = 0; err == KITH_OK && i < agency->n_rounds; i++) {
    struct kith_subject_log log = {0};
    bool found = false;

    err = kith_subjects_load(agency, &log, agency->rounds[i]->node->id, true);
    if (err == KITH_ERR_NOT_FOUND) {
      err = KITH_OK;
      continue;
    }
    if (err == KITH_OK)
      err = kith_subjects_find(agency, &log, search->id, &found);
    if (err == KITH_OK && (found || log.other_key) &&
        json_array_append_new(list, round_json(search, agency->rounds[i], &log)) != 0)
      err = KITH_ERR_MEMORY;
    kith_subject_log_free(&log);
    kith_agency_alive(agency);
  }
  return err;
}

/* ---- disclosures */

struct telling {
  const struct kith_agency_round *round;
  json_t *list;
};

static enum kith_err disclosed_visit(void *context, const struct kith_disclosed *disclosed)
{
  const struct telling *telling = context;
  char id[2 * KITH_ROUND_ID_BYTES + 1];
  json_t *fields = json_array();
  json_t *entry;

  for (unsigned i = 0; i < disclosed->n_fields; i++)
    json_array_append_new(fields, json_string(disclosed->fields[i]));
  kith_hex_encode(id, telling->round->node->id, KITH_ROUND_ID_BYTES);
  entry = json_pack("{s:s, s:I, s:s, s:s, s:b, s:o}", "round", id, "time",
                    (json_int_t)disclosed->time, "recipient", disclosed->recipient, "reason",
                    disclosed->reason, "reduced", disclosed->reduced, "fields", fields);
  return entry && json_array_append_new(telling->list, entry) == 0 ? KITH_OK : KITH_ERR_MEMORY;
}

static enum kith_err disclosures_search(const struct search *search, json_t *list)
{
  enum kith_err err = KITH_OK;

  for (unsigned i = 0; err == KITH_OK && i < search->agency->n_rounds; i++) {
    struct telling telling = {search->agency->rounds[i], list};

    err = kith_subjects_each_disclosed(search->agency, telling.round->node->id, search->id,
                                       disclosed_visit, &telling);
  }
  return err;
}

/* ---- all of it */

static enum kith_err audit(struct kith_agency *agency)
{
  struct kith_txn *txn = NULL;
  enum kith_err err = kith_node_begin(&txn, agency->node);

  if (err != KITH_OK)
    return err;
  err = kith_node_audit(agency->node, txn, KITH_AUDIT_SUBJECT_REPORT, NULL, NULL, NULL, 0);
  if (err == KITH_OK)
    return kith_txn_commit(txn);
  kith_txn_abort(txn);
  return err;
}

enum kith_err kith_subject_report(struct kith_agency *agency, json_t **out, const char *id,
                                  struct kith_fault *fault)
{
  struct search search = {.agency = agency, .id = id};
  json_t *rounds = json_array();
  json_t *disclosures = json_array();
  json_t *objected = NULL;
  json_t *now = NULL;
  enum kith_err err = rounds && disclosures ? audit(agency) : KITH_ERR_MEMORY;

  if (err == KITH_OK && (err = judges_find(&search)) == KITH_OK &&
      (err = source_search(&search, fault)) == KITH_OK &&
      (err = objected_now(&search, &objected, fault)) == KITH_OK &&
      (err = rounds_search(&search, rounds)) == KITH_OK)
    err = disclosures_search(&search, disclosures);
  if (err == KITH_OK)
    now = now_json(&search, json_is_true(objected));
  if (err == KITH_OK) {
    *out = json_pack("{s:b, s:b, s:I, s:I, s:I, s:O, s:o, s:O, s:O, s:b, s:i}", "ok", 1, "found",
                     search.found, "row", (json_int_t)search.row, "repeats",
                     (json_int_t)search.n_repeats, "unread_rows", (json_int_t)search.n_unread,
                     "objected", objected, "now", now, "rounds", rounds, "disclosures", disclosures,
                     "discloses", 1, "log_days", (int)agency->config.subject_log_days);
    err = *out ? KITH_OK : KITH_ERR_MEMORY;
  }
  json_decref(objected);
  json_decref(rounds);
  json_decref(disclosures);
  if (search.judges)
    kith_wipe(search.judges, JUDGES_MAX * sizeof *search.judges);
  kith_free(search.judges);
  return err;
}
