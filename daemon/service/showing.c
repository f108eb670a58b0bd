#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/pipeline/objections.h"
#include "daemon/pipeline/source.h"
#include "daemon/service/officers.h"
#include "daemon/service/subjects.h"
#include "proto/policy_blind.h"
#include "proto/policy_diff.h"

enum { TEXT_BYTES_MAX = 256 * 1024, ROWS_ALIVE = 4096, COUNT_AGAIN_MS = 10000 };

/* ---- how many records are in scope */

struct count {
  struct kith_agency *agency;
  const struct kith_policy *policy;
  struct kith_objections *objections;
  uint64_t n;
};

static enum kith_err count_rows(struct count *count, struct kith_source *source,
                                const struct kith_scope_rules *rules, struct kith_fault *fault)
{
  const struct kith_profile *profile = count->agency->config.source.profile;
  struct kith_source_row row;
  uint64_t n = 0;
  enum kith_err err;

  while ((err = kith_source_next(source, &row, fault)) == KITH_OK) {
    if (++n % ROWS_ALIVE == 0)
      kith_agency_alive(count->agency);
    if (row.rule == KITH_ROW_FINE &&
        !(count->objections && kith_objections_hit(count->objections, row.id)) &&
        kith_subject_row_judge(rules, count->policy, &row, profile) == KITH_SCOPE_IN)
      count->n++;
  }
  return err == KITH_ERR_NOT_FOUND ? KITH_OK : err;
}

static enum kith_err count_source(struct count *count, struct kith_fault *fault)
{
  struct kith_agency *agency = count->agency;
  struct kith_source_spec spec = agency->config.source;
  struct kith_source *source = NULL;
  struct kith_scope_rules rules;
  enum kith_err err = kith_scope_rules_make(&rules, count->policy, fault);

  spec.place.wait = kith_agency_alive_waiting;
  spec.place.wait_context = agency;
  if (err == KITH_OK && agency->config.objections)
    err = kith_objections_load(&count->objections, agency->config.objections, fault);
  if (err == KITH_OK)
    err = kith_source_open(&source, &spec, fault);
  if (err == KITH_OK)
    err = count_rows(count, source, &rules, fault);
  kith_source_free(source);
  kith_objections_free(count->objections);
  return err;
}

enum kith_err kith_agency_count_scope(struct kith_agency *agency, struct kith_agency_round *round,
                                      bool again, struct kith_fault *fault)
{
  struct count count = {.agency = agency, .policy = &round->policy};
  const uint64_t n_before = round->n_in_scope;
  const int64_t at_before = round->counted_at;
  struct kith_txn *txn = NULL;
  enum kith_err err;

  if (!again && (round->counted_at || kith_clock_monotonic_ms() < round->count_again_ms))
    return KITH_OK;
  err = count_source(&count, fault);
  round->count_again_ms = kith_clock_monotonic_ms() + COUNT_AGAIN_MS;
  if (err != KITH_OK)
    return err;
  round->n_in_scope = count.n;
  round->counted_at = kith_node_now(agency->node);
  err = kith_node_begin(&txn, agency->node);
  if (err == KITH_OK)
    err = kith_agency_round_store(agency, txn, round);
  if (err == KITH_OK) {
    err = kith_txn_commit(txn);
    txn = NULL;
  }
  kith_txn_abort(txn);
  if (err != KITH_OK) {
    round->n_in_scope = n_before;
    round->counted_at = at_before;
    return kith_fail(fault, err, "the count could not be kept: %s", kith_err_name(err));
  }
  return KITH_OK;
}

/* ---- words */

static void say_time(struct kith_buf *out, const char *before, int64_t seconds, const char *after)
{
  char text[KITH_TIME_BYTES];

  kith_time_format(text, seconds);
  kith_buf_printf(out, "%s%s%s", before, text, after);
}

static void say_members(struct kith_buf *out, const kith_member_id *members, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    kith_buf_printf(out, "%s%s", i ? ", " : "", members[i]);
}

/* An agency's own count, too, is hidden below the policy's minimum and rounded. */
static void say_count(struct kith_buf *out, const struct kith_agency_round *round)
{
  uint64_t rounded = kith_count_rounded(round->n_in_scope);
  unsigned minimum = round->policy.minimum_count;

  if (!round->counted_at) {
    kith_buf_append_string(out, "  Records in scope: not counted.\n");
    return;
  }
  if (round->n_in_scope < minimum)
    kith_buf_printf(out, "  Records in scope: fewer than %u", minimum);
  else if (rounded == 0)
    kith_buf_printf(out, "  Records in scope: fewer than %d", KITH_COUNT_STEP);
  else
    kith_buf_printf(out, "  Records in scope: about %llu, rounded to %d",
                    (unsigned long long)rounded, KITH_COUNT_STEP);
  say_time(out, ", as counted at ", round->counted_at, ".\n");
}

static void say_scope(struct kith_buf *out, const struct kith_scope *scope)
{
  if (!scope->present || (!scope->on.year && !scope->n_places && !scope->from.year)) {
    kith_buf_append_string(out, "  Scope: every record with enough evidence.\n");
    return;
  }
  kith_buf_append_string(out, "  Scope:");
  if (scope->on.year)
    kith_buf_printf(out, " ages %u to %u on %04d-%02d-%02d (age not known: %s).", scope->age_min,
                    scope->age_max, scope->on.year, scope->on.month, scope->on.day,
                    scope->unknown_birth_in ? "in" : "out");
  if (scope->n_places) {
    kith_buf_append_string(out, " Postcodes");
    for (unsigned i = 0; i < scope->n_places; i++)
      kith_buf_printf(out, " %s", scope->places[i]);
    kith_buf_printf(out, " (not known: %s).", scope->unknown_place_in ? "in" : "out");
  }
  if (scope->from.year)
    kith_buf_printf(out, " Records of %04d-%02d-%02d to %04d-%02d-%02d (not known: %s).",
                    scope->from.year, scope->from.month, scope->from.day, scope->to.year,
                    scope->to.month, scope->to.day, scope->unknown_period_in ? "in" : "out");
  kith_buf_append_string(out, "\n");
}

/* Under blind comparison: what each of the others' rows are. */
static void say_leaves_blind(struct kith_buf *out, const struct kith_agency_round *round)
{
  const struct kith_policy *policy = &round->policy;
  struct kith_blind_layout layout;

  kith_policy_blind_layout(&layout, policy);
  kith_buf_printf(
      out,
      "\nWhat would leave\n"
      "  For each person in scope and each other agency of the round %llu rows of %zu "
      "bytes, under a\n  random handle, and how many people here are alike, rounded. No "
      "name, date or address can be\n  read in it. Of two people who agree on a match "
      "key, and of nobody else, it can be told how\n  alike they are. Match keys:",
      (unsigned long long)kith_blind_rows(&layout, 1), layout.row_bytes);
  for (unsigned i = 0; i < policy->blind.n_keys; i++)
    for (unsigned k = 0; k < policy->blind.keys[i].n; k++)
      kith_buf_printf(out, "%s%s",
                      k       ? " + "
                      : i % 4 ? ", "
                      : i     ? ",\n  "
                              : "\n  ",
                      kith_blind_part_name(policy->blind.keys[i].parts[k]));
  kith_buf_append_string(out, ".\n  Made from:");
  for (unsigned i = 0; i < policy->n_fields; i++)
    kith_buf_printf(out, "%s %s", i ? "," : "", policy->fields[i].field);
  kith_buf_append_string(out,
                         kith_policy_blind_asks(policy, KITH_PART_HOME)
                             ? "; home is the postcode, or\n  the street where there is none.\n"
                             : ".\n");
  say_scope(out, &policy->scope);
  say_count(out, round);
}

static void say_leaves(struct kith_buf *out, const struct kith_agency_round *round)
{
  const struct kith_policy *policy = &round->policy;

  if (policy->protection == KITH_PROTECTION_BLIND) {
    say_leaves_blind(out, round);
    return;
  }
  kith_buf_printf(out,
                  "\nWhat would leave\n"
                  "  For each record in scope a row of bits, %zu bytes, under a random handle. No "
                  "name, date or\n  address can be read in it, but how alike two records are can "
                  "be told.\n  Made from:",
                  kith_policy_row_bytes(policy));
  for (unsigned i = 0; i < policy->n_fields; i++)
    kith_buf_printf(out, "%s %s", i ? "," : "", policy->fields[i].field);
  kith_buf_printf(out, ".\n  Which of these fields a record has: %s.\n",
                  policy->mask ? "is sent, too" : "is not sent");
  say_scope(out, &policy->scope);
  say_count(out, round);
}

/* What goes to the recipients of each person of the list, though nobody asks. */
static void say_context(struct kith_buf *out, const struct kith_agency *agency,
                        const struct kith_policy *policy)
{
  const struct kith_policy_context *context = kith_policy_context_of(policy, agency->node->id);

  if (!context)
    return;
  kith_buf_append_string(out, "  After the release, for those of them who are on the list, to its "
                              "recipients alone, as short\n  codes, without asking an officer "
                              "again:");
  for (unsigned i = 0; i < context->n_attributes; i++)
    kith_buf_printf(out, "%s %s", i ? "," : "", context->attributes[i]);
  kith_buf_append_string(out, ".\n");
}

static const char *own_gateway(const struct kith_agency *agency, const struct kith_policy *policy)
{
  for (unsigned i = 0; i < policy->n_agencies; i++)
    if (strcmp(policy->agencies[i].id, agency->node->id) == 0)
      return policy->agencies[i].gateway[0] ? policy->agencies[i].gateway : "none is stated";
  return "none: the policy does not name this agency";
}

static void say_terms(struct kith_buf *out, const struct kith_agency *agency,
                      const struct kith_agency_round *round)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  const struct kith_policy *policy = &round->policy;
  const struct kith_member *matcher = kith_charter_matcher(&round->node->charter);

  kith_buf_printf(out, "\nTo whom\n  The rows go to the matcher, %s (%s).\n  The list goes to ",
                  matcher->id, matcher->name);
  say_members(out, view->open.recipients, view->open.n_recipients);
  kith_buf_printf(out,
                  ": handles, of the people who are selected by: %s.\n  Invited: ", policy->rule);
  say_members(out, view->open.agencies, view->open.n_agencies);
  kith_buf_printf(out, "; at least %u must take part.\n", view->open.quorum);
  kith_buf_printf(out, "\nFor what\n  %s\n  Lawful gateway of %s: %s\n", policy->purpose,
                  agency->node->id, own_gateway(agency, policy));
  say_time(out, "\nUntil when\n  To be decided by ", view->opened_at + view->open.gather_s, ".\n");
  kith_buf_printf(out,
                  "  Rows are destroyed at the release, %u days after it at the latest;\n  the "
                  "list, and the way from handles to records, after %u days.\n",
                  policy->review_days, policy->retention_days);
  say_time(out, "  The round ends by itself at ", view->open.expires, ".\n");
}

/* ---- how it differs */

/* The round opened last before this one in which this agency sent its records. */
static const struct kith_agency_round *last_round(const struct kith_agency *agency,
                                                  const struct kith_agency_round *round)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  const struct kith_agency_round *last = NULL;

  for (unsigned i = 0; i < agency->n_rounds; i++) {
    const struct kith_agency_round *other = agency->rounds[i];
    const struct kith_round_view *seen = kith_node_round_view(other->node);
    const struct kith_seat *own = kith_round_seat(seen, agency->node->id);

    if (other == round || !own || !own->manifested || seen->opened_at > view->opened_at)
      continue;
    if (!last || seen->opened_at > kith_node_round_view(last->node)->opened_at)
      last = other;
  }
  return last;
}

static bool among(const kith_member_id *members, unsigned n, const char *id)
{
  for (unsigned i = 0; i < n; i++)
    if (strcmp(members[i], id) == 0)
      return true;
  return false;
}

/* "NAME is WORDS" for each of `members` that is not among the others. */
static unsigned say_missing(struct kith_buf *out, const kith_member_id *members, unsigned n,
                            const kith_member_id *others, unsigned n_others, const char *words)
{
  unsigned n_said = 0;

  for (unsigned i = 0; i < n; i++) {
    if (among(others, n_others, members[i]))
      continue;
    kith_buf_printf(out, "  - %s %s\n", members[i], words);
    n_said++;
  }
  return n_said;
}

static void say_value(struct kith_buf *out, const char *before, const json_t *value)
{
  char *text = json_is_null(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

  if (json_is_string(value))
    kith_buf_printf(out, "%s%s", before, json_string_value(value));
  else
    kith_buf_printf(out, "%s%s", before, text ? text : "nothing");
  free(text);
}

static enum kith_err say_policies(struct kith_buf *out, const struct kith_policy *from,
                                  const struct kith_policy *to, size_t *n)
{
  json_t *list = NULL;
  const json_t *item;
  size_t i;
  enum kith_err err = kith_policy_differences(&list, from, to);

  if (err != KITH_OK)
    return err;
  json_array_foreach(list, i, item)
  {
    kith_buf_printf(out, "  - %s:", json_string_value(json_object_get(item, "what")));
    say_value(out, " was ", json_object_get(item, "from"));
    say_value(out, ", is ", json_object_get(item, "to"));
    kith_buf_append_string(out, "\n");
  }
  *n = json_array_size(list);
  json_decref(list);
  return KITH_OK;
}

static enum kith_err say_difference(struct kith_buf *out, const struct kith_agency *agency,
                                    const struct kith_agency_round *round)
{
  const struct kith_agency_round *last = last_round(agency, round);
  const struct kith_open *now = &kith_node_round_view(round->node)->open;
  const struct kith_open *then;
  char id[2 * KITH_ROUND_ID_BYTES + 1];
  size_t n = 0;
  enum kith_err err;

  kith_buf_append_string(out, "\nWhat differs from the last round\n");
  if (!last) {
    kith_buf_append_string(out, "  This agency has sent records in no round before.\n");
    return KITH_OK;
  }
  then = &kith_node_round_view(last->node)->open;
  kith_hex_encode(id, last->node->id, KITH_ROUND_ID_BYTES);
  kith_buf_printf(out, "  Against round %s", id);
  say_time(out, ", opened at ", kith_node_round_view(last->node)->opened_at, ":\n");
  err = say_policies(out, &last->policy, &round->policy, &n);
  n += say_missing(out, now->recipients, now->n_recipients, then->recipients, then->n_recipients,
                   "receives the list now");
  n += say_missing(out, then->recipients, then->n_recipients, now->recipients, now->n_recipients,
                   "receives it no more");
  n += say_missing(out, now->agencies, now->n_agencies, then->agencies, then->n_agencies,
                   "is invited now");
  n += say_missing(out, then->agencies, then->n_agencies, now->agencies, now->n_agencies,
                   "is not invited any more");
  if (n == 0)
    kith_buf_append_string(out, "  - nothing\n");
  return err;
}

enum kith_err kith_agency_showing(const struct kith_agency *agency,
                                  const struct kith_agency_round *round, struct kith_buf *out)
{
  const struct kith_round_view *view = kith_node_round_view(round->node);
  const struct kith_policy *policy = &round->policy;
  char id[2 * KITH_ROUND_ID_BYTES + 1];
  char hash[2 * KITH_HASH_BYTES + 1];
  enum kith_err err;

  kith_buf_init(out, TEXT_BYTES_MAX);
  kith_hex_encode(id, round->node->id, KITH_ROUND_ID_BYTES);
  kith_hex_encode(hash, view->open.policy.bytes, KITH_HASH_BYTES);
  kith_buf_printf(out, "Round %s of \"%s\"", id, round->node->charter.name);
  say_time(out, ", opened at ", view->opened_at, "\n");
  kith_buf_printf(out, "Policy \"%s\", version %llu, %s\n", policy->name,
                  (unsigned long long)policy->version, hash);
  if (policy->trial)
    kith_buf_append_string(out, "A TRIAL, for made-up people only: this agency can write out who "
                                "is behind each handle.\n");
  kith_buf_printf(out, "%u officer%s of %s must decide to join; one can decline.\n",
                  policy->officers, policy->officers == 1 ? "" : "s", agency->node->id);
  say_leaves(out, round);
  say_context(out, agency, policy);
  say_terms(out, agency, round);
  err = say_difference(out, agency, round);
  if (err == KITH_OK)
    err = kith_buf_err(out);
  if (err != KITH_OK)
    kith_buf_free(out);
  return err;
}
