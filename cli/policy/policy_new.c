/* `kith policy new`: the default policy over some agencies, with changes. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/policy/policy.h"
#include "proto/policy_blind.h"

enum { SECONDS_MAX = 366 * 86400 };

static const char new_usage[] =
    "kith policy new --charter FILE|--agencies A,B,... [--rule TEXT] [--recipient ID] "
    "[--gateway ID=TEXT ...] ... --out FILE";

struct terms {
  const char *charter;
  const char *agencies;
  const char *name;
  const char *purpose;
  const char *rule;
  const char *expires;
  const char *on;
  const char *from;
  const char *to;
  struct kith_cli_list places;
  struct kith_cli_list unknown_in;
  const char *threshold;
  const char *protection;
  const char *out;
  struct kith_cli_list recipients;
  struct kith_cli_list gateways;
  const char *disclose;
  struct kith_cli_list reasons;
  struct kith_cli_list asks;
  struct kith_cli_list context;
  struct kith_ratio candidate_bound;
  uint64_t version;
  uint64_t age_min;
  uint64_t age_max;
  uint64_t minimum_batch;
  uint64_t minimum_count;
  uint64_t rounds_max;
  uint64_t rounds_days;
  uint64_t mask_minimum;
  uint64_t quorum;
  uint64_t officers;
  uint64_t gather_s;
  uint64_t keying_s;
  uint64_t submit_s;
  uint64_t review_days;
  uint64_t retention_days;
  bool has_bound;
  bool has_review;
  bool review;
  bool trial;
  bool no_mask;
  bool address_filter;
};

/* ---- who takes part */

struct party {
  char agencies[KITH_MEMBERS_MAX][KITH_MEMBER_ID_BYTES];
  unsigned n_agencies;
  char recipients[KITH_MEMBERS_MAX][KITH_MEMBER_ID_BYTES];
  unsigned n_recipients;
};

static enum kith_err party_of_list(struct party *party, const char *list, struct kith_fault *fault)
{
  while (*list) {
    size_t len = strcspn(list, ",");
    char *id = party->agencies[party->n_agencies];

    if (len == 0 || len >= KITH_MEMBER_ID_BYTES || party->n_agencies == KITH_AGENCIES_MAX)
      return kith_fail(
          fault, KITH_ERR_USAGE,
          "--agencies: expected 1 to %d ids with commas between, such as police,health",
          KITH_AGENCIES_MAX);
    memcpy(id, list, len);
    id[len] = '\0';
    party->n_agencies++;
    list += len + (list[len] == ',');
  }
  return KITH_OK;
}

static enum kith_err party_of_charter(struct party *party, const char *path,
                                      struct kith_fault *fault)
{
  struct kith_charter *charter = KITH_NEW(struct kith_charter);
  struct kith_signed document = {0};
  enum kith_err err;

  if (!charter)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  err = kith_cli_charter_load(&document, charter, path, false, fault);
  for (unsigned i = 0; err == KITH_OK && i < charter->n_members; i++) {
    const struct kith_member *member = &charter->members[i];

    if (member->role == KITH_ROLE_AGENCY)
      memcpy(party->agencies[party->n_agencies++], member->id, sizeof member->id);
    if (member->role == KITH_ROLE_RECIPIENT)
      memcpy(party->recipients[party->n_recipients++], member->id, sizeof member->id);
  }
  if (err == KITH_OK && (party->n_agencies == 0 || party->n_agencies > KITH_AGENCIES_MAX))
    err = kith_fail(fault, KITH_ERR_USAGE,
                    "%s: has %u agencies, and a policy 1 to %d; name them with --agencies", path,
                    party->n_agencies, KITH_AGENCIES_MAX);
  kith_signed_free(&document);
  kith_free(charter);
  return err;
}

static enum kith_err recipients_set(struct kith_policy *policy, const struct terms *terms,
                                    struct party *party, struct kith_fault *fault)
{
  if (terms->recipients.n > 0)
    party->n_recipients = 0;
  for (size_t i = 0; i < terms->recipients.n; i++) {
    if (strlen(terms->recipients.items[i]) >= KITH_MEMBER_ID_BYTES || i == KITH_RECIPIENTS_MAX)
      return kith_fail(fault, KITH_ERR_USAGE, "--recipient: expected up to %d members' ids",
                       KITH_RECIPIENTS_MAX);
    (void)snprintf(party->recipients[party->n_recipients++], KITH_MEMBER_ID_BYTES, "%s",
                   terms->recipients.items[i]);
  }
  if (party->n_recipients > KITH_RECIPIENTS_MAX)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "the charter has %u recipients, and a policy at most %d; name them with "
                     "--recipient",
                     party->n_recipients, KITH_RECIPIENTS_MAX);
  policy->n_recipients = party->n_recipients;
  memcpy(policy->recipients, party->recipients, sizeof policy->recipients);
  return KITH_OK;
}

static enum kith_err gateways_set(struct kith_policy *policy, const struct terms *terms,
                                  struct kith_fault *fault)
{
  for (size_t i = 0; i < terms->gateways.n; i++) {
    const char *item = terms->gateways.items[i];
    const char *equals = strchr(item, '=');
    unsigned at = 0;

    while (equals && at < policy->n_agencies &&
           (strlen(policy->agencies[at].id) != (size_t)(equals - item) ||
            strncmp(policy->agencies[at].id, item, (size_t)(equals - item)) != 0))
      at++;
    if (!equals || at == policy->n_agencies)
      return kith_fail(fault, KITH_ERR_USAGE,
                       "--gateway: expected AGENCY=TEXT with one of the policy's agencies");
    if (strlen(equals + 1) >= KITH_TEXT_BYTES)
      return kith_fail(fault, KITH_ERR_USAGE, "--gateway: at most %d bytes", KITH_TEXT_BYTES - 1);
    (void)snprintf(policy->agencies[at].gateway, KITH_TEXT_BYTES, "%s", equals + 1);
  }
  return KITH_OK;
}

/* ---- terms */

static enum kith_err text_set(char out[KITH_TEXT_BYTES], const char *text, const char *option,
                              struct kith_fault *fault)
{
  if (!text)
    return KITH_OK;
  if (strlen(text) >= KITH_TEXT_BYTES)
    return kith_fail(fault, KITH_ERR_USAGE, "--%s: at most %d bytes", option, KITH_TEXT_BYTES - 1);
  (void)snprintf(out, KITH_TEXT_BYTES, "%s", text);
  return KITH_OK;
}

static enum kith_err date_set(struct kith_date *out, const char *text, const char *option,
                              struct kith_fault *fault)
{
  if (text && kith_policy_date_parse(out, text) != KITH_OK)
    return kith_fail(fault, KITH_ERR_USAGE, "--%s: expected a date such as 2026-11-23", option);
  return KITH_OK;
}

static enum kith_err places_set(struct kith_scope *scope, const struct kith_cli_list *places,
                                struct kith_fault *fault)
{
  for (size_t i = 0; i < places->n; i++) {
    char place[KITH_PLACE_BYTES] = "";
    size_t len = strlen(places->items[i]);

    for (size_t j = 0; len < sizeof place && j < len; j++)
      place[j] = (char)tolower((unsigned char)places->items[i][j]);
    if (!kith_policy_place_valid(place) || scope->n_places == KITH_PLACES_MAX)
      return kith_fail(fault, KITH_ERR_USAGE,
                       "--place: expected up to %d postcode areas or districts, such as cv or cv1",
                       KITH_PLACES_MAX);
    memcpy(scope->places[scope->n_places++], place, sizeof place);
  }
  return KITH_OK;
}

static enum kith_err unknowns_set(struct kith_scope *scope, const struct kith_cli_list *which,
                                  struct kith_fault *fault)
{
  for (size_t i = 0; i < which->n; i++) {
    if (strcmp(which->items[i], "birth") == 0 && scope->on.year)
      scope->unknown_birth_in = true;
    else if (strcmp(which->items[i], "place") == 0 && scope->n_places > 0)
      scope->unknown_place_in = true;
    else if (strcmp(which->items[i], "period") == 0 && scope->from.year)
      scope->unknown_period_in = true;
    else
      return kith_fail(fault, KITH_ERR_USAGE,
                       "--unknown-in: expected birth, place or period, with --scope-on, --place or "
                       "--period-from beside it");
  }
  return KITH_OK;
}

/* The parser says what is wrong among the dates. A plausible year is one up to the scope's day. */
static enum kith_err scope_set(struct kith_policy *policy, const struct terms *terms,
                               struct kith_fault *fault)
{
  struct kith_scope *scope = &policy->scope;
  enum kith_err err;

  if ((err = date_set(&scope->on, terms->on, "scope-on", fault)) != KITH_OK ||
      (err = date_set(&scope->from, terms->from, "period-from", fault)) != KITH_OK ||
      (err = date_set(&scope->to, terms->to, "period-to", fault)) != KITH_OK ||
      (err = places_set(scope, &terms->places, fault)) != KITH_OK ||
      (err = unknowns_set(scope, &terms->unknown_in, fault)) != KITH_OK)
    return err;
  if (!terms->from != !terms->to)
    return kith_fail(fault, KITH_ERR_USAGE, "expected --period-from and --period-to, or neither");
  scope->present = terms->on || terms->from || scope->n_places > 0;
  if (terms->on) {
    scope->age_min = (unsigned)terms->age_min;
    scope->age_max = (unsigned)terms->age_max;
  }
  if (scope->on.year > (int)policy->dates.year_max)
    policy->dates.year_max = (unsigned)scope->on.year;
  return KITH_OK;
}

static enum kith_err threshold_set(struct kith_policy *policy, const struct terms *terms,
                                   struct kith_fault *fault)
{
  if (terms->has_bound) {
    policy->candidate_bound = policy->candidate_floor = terms->candidate_bound;
    policy->candidates_max = 0;
  }
  if (!terms->threshold || strcmp(terms->threshold, "auto") == 0)
    return KITH_OK;
  policy->threshold.auto_default = false;
  if (kith_ratio_parse(&policy->threshold.default_probability, terms->threshold, NULL) != KITH_OK)
    return kith_fail(fault, KITH_ERR_USAGE, "--threshold: expected auto or a probability");
  return KITH_OK;
}

static void numbers_set(struct kith_policy *policy, const struct terms *terms)
{
  policy->version = terms->version ? terms->version : policy->version;
  policy->quorum = terms->quorum ? (unsigned)terms->quorum : policy->quorum;
  policy->officers = terms->officers ? (unsigned)terms->officers : policy->officers;
  if (terms->minimum_batch)
    policy->minimum_batch = (uint32_t)terms->minimum_batch;
  policy->threshold.review = terms->review;
  if (terms->rounds_max)
    policy->rounds_max = (unsigned)terms->rounds_max;
  if (terms->rounds_days)
    policy->rounds_days = (unsigned)terms->rounds_days;
  if (terms->minimum_count)
    policy->minimum_count = (unsigned)terms->minimum_count;
  if (terms->gather_s)
    policy->gather_s = (uint32_t)terms->gather_s;
  if (terms->keying_s)
    policy->keying_s = (uint32_t)terms->keying_s;
  if (terms->submit_s)
    policy->submit_s = (uint32_t)terms->submit_s;
  if (terms->has_review)
    policy->review_days = (unsigned)terms->review_days;
  if (terms->retention_days)
    policy->retention_days = (unsigned)terms->retention_days;
  policy->trial = terms->trial;
  if (terms->no_mask)
    policy->mask = policy->masked_dice = false;
  if (terms->mask_minimum)
    policy->mask_minimum = (unsigned)terms->mask_minimum;
  else if (policy->mask_minimum > policy->minimum_batch)
    policy->mask_minimum = policy->minimum_batch;
  if (terms->no_mask)
    policy->mask_minimum = 1;
  if (terms->address_filter)
    kith_policy_add_address_filter(policy);
}

/* ---- disclosure: every agency of the policy may answer, under the gateway that it takes part
 * under; the parser says what is wrong with names */

enum { ANSWER_DAYS = 14, REQUESTS_PER_ROUND = 200, REQUESTS_PER_DAY = 20 };

static enum kith_err ask_set(struct kith_policy_disclosure *out, const char *item,
                             struct kith_fault *fault)
{
  const char *equals = strchr(item, '=');
  struct kith_policy_agency *recipient = &out->recipients[out->n_recipients];

  if (!equals || equals - item >= KITH_MEMBER_ID_BYTES || strlen(equals + 1) >= KITH_TEXT_BYTES ||
      out->n_recipients == KITH_RECIPIENTS_MAX)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "--ask-gateway: expected RECIPIENT=TEXT, for up to %d recipients",
                     KITH_RECIPIENTS_MAX);
  memcpy(recipient->id, item, (size_t)(equals - item));
  (void)snprintf(recipient->gateway, sizeof recipient->gateway, "%s", equals + 1);
  out->n_recipients++;
  return KITH_OK;
}

static enum kith_err disclosure_set(struct kith_policy *policy, const struct terms *terms,
                                    struct kith_fault *fault)
{
  struct kith_policy_disclosure *out = &policy->disclosure;
  enum kith_err err = KITH_OK;

  if (!terms->disclose && !terms->reasons.n && !terms->asks.n)
    return KITH_OK;
  if (!terms->disclose || !terms->reasons.n || !terms->asks.n ||
      terms->reasons.n > KITH_REASON_CODES_MAX)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "disclosure needs --disclose, --disclose-reason and --ask-gateway");
  *out = (struct kith_policy_disclosure){.present = true,
                                         .n_agencies = policy->n_agencies,
                                         .officers = 1,
                                         .answer_days = ANSWER_DAYS,
                                         .requests_per_round = REQUESTS_PER_ROUND,
                                         .requests_per_day = REQUESTS_PER_DAY};
  memcpy(out->agencies, policy->agencies, sizeof out->agencies);
  for (size_t i = 0; i < terms->reasons.n; i++)
    (void)snprintf(out->reasons[out->n_reasons++], KITH_MEMBER_ID_BYTES, "%s",
                   terms->reasons.items[i]);
  for (const char *at = terms->disclose; *at && out->n_fields < KITH_FIELDS_MAX;) {
    size_t len = strcspn(at, ",");

    (void)snprintf(out->fields[out->n_fields++], KITH_FIELD_NAME_BYTES, "%.*s", (int)len, at);
    at += len + (at[len] == ',');
  }
  for (size_t i = 0; err == KITH_OK && i < terms->asks.n; i++)
    err = ask_set(out, terms->asks.items[i], fault);
  return err;
}

/* Blind, unless something is asked of filters, which blind comparison has not. */
static enum kith_err protection_set(struct kith_policy *policy, const struct terms *terms,
                                    struct kith_fault *fault)
{
  bool filters =
      terms->has_bound || terms->no_mask || terms->mask_minimum > 0 || terms->address_filter;
  enum kith_protection protection = filters ? KITH_PROTECTION_CLK : KITH_PROTECTION_BLIND;

  if (terms->protection && !kith_protection_parse(&protection, terms->protection))
    return kith_fail(fault, KITH_ERR_USAGE, "--protection: expected blind or clk");
  if (protection == KITH_PROTECTION_BLIND && filters)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "--protection: blind has no filters: leave out --candidate-bound, --no-mask, "
                     "--mask-minimum and --address-filter");
  if (protection == KITH_PROTECTION_BLIND)
    kith_policy_default_blind(policy);
  return KITH_OK;
}

static enum kith_err policy_make(struct kith_policy *policy, const struct terms *terms,
                                 struct kith_fault *fault)
{
  struct party party = {0};
  enum kith_err err = KITH_OK;

  if (terms->charter)
    err = party_of_charter(&party, terms->charter, fault);
  if (err == KITH_OK && terms->agencies) {
    party.n_agencies = 0;
    err = party_of_list(&party, terms->agencies, fault);
  }
  if (err != KITH_OK)
    return err;
  kith_policy_default(policy, (const char(*)[KITH_MEMBER_ID_BYTES])party.agencies,
                      party.n_agencies);
  numbers_set(policy, terms);
  if ((err = protection_set(policy, terms, fault)) != KITH_OK)
    return err;
  if ((err = recipients_set(policy, terms, &party, fault)) != KITH_OK ||
      (err = gateways_set(policy, terms, fault)) != KITH_OK ||
      (err = text_set(policy->name, terms->name, "name", fault)) != KITH_OK ||
      (err = text_set(policy->purpose, terms->purpose, "purpose", fault)) != KITH_OK ||
      (err = text_set(policy->rule, terms->rule, "rule", fault)) != KITH_OK ||
      (err = threshold_set(policy, terms, fault)) != KITH_OK ||
      (err = scope_set(policy, terms, fault)) != KITH_OK)
    return err;
  if ((err = disclosure_set(policy, terms, fault)) != KITH_OK ||
      (err = kith_policy_context_set(policy, &terms->context, fault)) != KITH_OK)
    return err;
  return terms->expires ? kith_cli_time(&policy->expires, terms->expires, "expires", fault)
                        : KITH_OK;
}

enum kith_err kith_policy_save(const struct kith_policy *policy, const char *path,
                               struct kith_fault *fault)
{
  struct kith_policy *check = KITH_NEW(struct kith_policy);
  struct kith_signed document = {0};
  struct kith_buf buf;
  enum kith_err err = KITH_ERR_MEMORY;

  kith_buf_init(&buf, KITH_DOCUMENT_BYTES_MAX);
  if (check)
    err = kith_policy_print(&buf, policy);
  if (err != KITH_OK)
    err = kith_fail(fault, err, "%s: out of memory", path);
  else
    err = kith_policy_parse(check, buf.bytes, buf.len, path, fault);
  if (err == KITH_OK && (err = kith_signed_from_bytes(&document, KITH_DOCUMENT_POLICY, buf.bytes,
                                                      buf.len)) == KITH_OK)
    err = kith_signed_save(&document, path, fault);
  kith_signed_free(&document);
  kith_buf_free(&buf);
  kith_free(check);
  return err;
}

static int make_new(const struct terms *terms)
{
  struct kith_policy *policy = KITH_NEW(struct kith_policy);
  struct kith_fault fault = {0};

  if (terms->no_mask && terms->mask_minimum) {
    kith_free(policy);
    return kith_cli_usage(new_usage, "--mask-minimum is of a mask, and --no-mask takes it away");
  }
  if (!policy)
    return kith_cli_error(KITH_ERR_MEMORY, "out of memory");
  if (kith_file_exists(terms->out))
    fault.err =
        kith_fail(&fault, KITH_ERR_CREATE,
                  "%s: is there already; choose another name, and a higher --version", terms->out);
  if (fault.err == KITH_OK)
    fault.err = policy_make(policy, terms, &fault);
  if (fault.err == KITH_OK)
    fault.err = kith_policy_save(policy, terms->out, &fault);
  if (fault.err == KITH_OK && policy->protection == KITH_PROTECTION_CLK)
    (void)fprintf(stderr,
                  "%s: protection clk shows the matcher how alike any two records are; "
                  "blind, the default, shows it less (docs/blind.md)\n",
                  terms->out);
  kith_free(policy);
  if (fault.err != KITH_OK)
    return kith_cli_fail(&fault);
  (void)fprintf(stderr, "%s: next: kith policy check %s\n", terms->out, terms->out);
  return 0;
}

#define STRING(name_, member, value_, help_)                                                       \
  {                                                                                                \
    .name = (name_), .kind = KITH_CLI_STRING, .out = &terms.member, .value = (value_),             \
    .help = (help_)                                                                                \
  }
#define LIST(name_, member, value_, help_)                                                         \
  {                                                                                                \
    .name = (name_), .kind = KITH_CLI_LIST, .out = &terms.member, .value = (value_),               \
    .help = (help_)                                                                                \
  }
#define FLAG(name_, member, help_)                                                                 \
  {                                                                                                \
    .name = (name_), .kind = KITH_CLI_FLAG, .out = &terms.member, .help = (help_)                  \
  }
#define NUMBER(name_, member, min_, max_, help_)                                                   \
  {                                                                                                \
    .name = (name_), .kind = KITH_CLI_U64, .out = &terms.member, .value = "N", .help = (help_),    \
    .min = (min_), .max = (max_)                                                                   \
  }
#define RATIO(name_, member, given_, help_)                                                        \
  {                                                                                                \
    .name = (name_), .kind = KITH_CLI_RATIO, .out = &terms.member, .value = "S", .help = (help_),  \
    .given = &terms.given_                                                                         \
  }
/* Where 0 differs from nothing. */
#define DAYS(name_, member, given_, max_, help_)                                                   \
  {                                                                                                \
    .name = (name_), .kind = KITH_CLI_U64, .out = &terms.member, .value = "N", .help = (help_),    \
    .max = (max_), .given = &terms.given_                                                          \
  }

int kith_policy_new(int argc, char **argv)
{
  struct terms terms = {.age_max = 120};
  const struct kith_cli_option options[] = {
      STRING("charter", charter, "FILE", "take its agencies and recipients"),
      STRING("agencies", agencies, "A,B,...", "the agencies' ids"),
      STRING("out", out, "FILE", "the policy to write (required)"),
      STRING("name", name, "NAME", "what the policy is called"),
      STRING("purpose", purpose, "TEXT", "what it is for, in words"),
      NUMBER("version", version, 1, 1000000000, "of this name; 1 by default"),
      STRING("expires", expires, "TIME", "2027-01-01 or 2027-01-01T00:00:00Z"),
      STRING("rule", rule, "TEXT", "who is selected; 'kith help rules'"),
      LIST("recipient", recipients, "ID", "who receives the list; several times"),
      LIST("gateway", gateways, "ID=TEXT", "the lawful gateway of an agency; several times"),
      STRING("disclose", disclose, "A,B,...", "fields that recipients may ask agencies for"),
      LIST("disclose-reason", reasons, "CODE", "why they may ask; several times"),
      LIST("ask-gateway", asks, "ID=TEXT", "the lawful gateway of a recipient; several times"),
      LIST("context", context, "ID=A,B,...", "what an agency tells unasked; several times"),
      FLAG("trial", trial, "a round over invented people, to measure the linkage"),
      STRING("scope-on", on, "DATE", "count ages on this day"),
      NUMBER("age-min", age_min, 0, 150, "youngest age in scope; 0"),
      NUMBER("age-max", age_max, 0, 150, "oldest age in scope; 120"),
      LIST("place", places, "CODE", "postcode area or district in scope, cv or cv1; several times"),
      STRING("period-from", from, "DATE", "records dated from this day are in scope"),
      STRING("period-to", to, "DATE", "to this day"),
      LIST("unknown-in", unknown_in, "WHAT", "birth, place, period: in scope where not known"),
      STRING("threshold", threshold, "P", "match probability to link at, or auto"),
      RATIO("candidate-bound", candidate_bound, has_bound, "least similarity of a candidate pair"),
      STRING("protection", protection, "WHAT", "blind (the default), or clk: filters"),
      FLAG("no-mask", no_mask, "no presence mask, and Dice over whole filters"),
      NUMBER("mask-minimum", mask_minimum, 1, 100, "fewest that lack the same fields; 5"),
      FLAG("address-filter", address_filter, "a second filter, and that it shows households"),
      FLAG("review", review, "a round waits for kith threshold set"),
      NUMBER("minimum-count", minimum_count, 1, 1000, "smaller counts are suppressed; 5"),
      NUMBER("minimum-batch", minimum_batch, 1, 1000000000, "fewest records of an agency; 20"),
      NUMBER("rounds-max", rounds_max, 1, 1000, "most rounds in a period; 12"),
      NUMBER("rounds-days", rounds_days, 1, 366, "days of that period; 30"),
      NUMBER("quorum", quorum, 1, KITH_AGENCIES_MAX, "fewest agencies of a round; 2"),
      NUMBER("officers", officers, 1, KITH_POLICY_OFFICERS_MAX, "of an agency who must decide; 1"),
      NUMBER("gather-s", gather_s, 1, SECONDS_MAX, "seconds for officers to join"),
      NUMBER("keying-s", keying_s, 1, SECONDS_MAX, "seconds for making the secret"),
      NUMBER("submit-s", submit_s, 1, SECONDS_MAX, "seconds for sending encodings"),
      DAYS("review-days", review_days, has_review, 365, "days until encodings are destroyed; 7"),
      NUMBER("retention-days", retention_days, 1, 3650, "days the list is kept; 30")};
  const struct kith_cli_spec spec = {
      .usage = new_usage,
      .about = "Writes kith's default policy over these agencies, with changes. Every other key "
               "can be edited in the file before it is signed: kith-policy(5).",
      .examples = "  $ kith policy new --charter charter.json --rule 'at least 3 services' \\\n"
                  "      --scope-on 2026-11-23 --age-max 25 --out policy.json\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if ((!terms.charter && !terms.agencies) || !terms.out || first != argc)
    return kith_cli_usage(new_usage, "expected --charter or --agencies, and --out");
  return make_new(&terms);
}
