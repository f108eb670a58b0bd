/* `kith policy check`: what a governance lead should know before signing, in words. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/policy/policy.h"
#include "daemon/pipeline/record.h"
#include "proto/gateway.h"
#include "proto/policy_blind.h"
#include "proto/rule.h"

enum {
  DAY_S = 86400,
  SOON_DAYS = 30,
  LONG_DAYS = 366,
  MINIMUM_COUNT = 5,
  MASK_MINIMUM = 5,
  MINIMUM_BATCH = 20,
  REVIEW_DAYS = 28,
  RETENTION_DAYS = 92
};
static const double SET_ASIDE_MUCH = 0.5;

static const char *const disclaimer =
    "These are the linter's findings on a document, not legal advice.";

void kith_lint_add(struct kith_lint *lint, bool error, const char *format, ...)
{
  va_list args;

  if (lint->n == KITH_LINT_FINDINGS_MAX)
    return;
  va_start(args, format);
  (void)vsnprintf(lint->findings[lint->n].text, KITH_LINT_TEXT_BYTES, format, args);
  va_end(args);
  lint->findings[lint->n++].error = error;
  lint->n_errors += error;
}

static void lint_times(struct kith_lint *lint, const struct kith_policy *policy, int64_t now)
{
  char text[KITH_TIME_BYTES];

  kith_time_format(text, policy->expires);
  if (policy->expires <= now)
    kith_lint_add(lint, true,
                  "expires: the policy expired at %s; nobody will accept it. Set a later expiry.",
                  text);
  else if (policy->expires - now < (int64_t)SOON_DAYS * DAY_S)
    kith_lint_add(lint, false, "expires: the policy ends soon, at %s.", text);
  else if (policy->expires - now > (int64_t)LONG_DAYS * DAY_S)
    kith_lint_add(
        lint, false,
        "expires: the policy is valid until %s. Governance usually reviews one within a year.",
        text);
  if (policy->review_days > REVIEW_DAYS)
    kith_lint_add(
        lint, false,
        "release.review_days: encodings stay at the matcher for up to %u days after the release. "
        "They are worth protecting like the names.",
        policy->review_days);
  if (policy->retention_days > RETENTION_DAYS)
    kith_lint_add(lint, false, "release.retention_days: the list is kept for %u days.",
                  policy->retention_days);
}

/* As the charter says; where there is none at hand, many agencies are called what they are. */
static enum kith_agency_kind kind_of(const char *id, const struct kith_charter *charter)
{
  const struct kith_member *member = charter ? kith_charter_member(charter, id) : NULL;
  enum kith_agency_kind kind = KITH_KIND_NONE;

  if (member)
    return member->kind;
  return !charter && kith_agency_kind_parse(&kind, id) == KITH_OK ? kind : KITH_KIND_NONE;
}

static void lint_gateways(struct kith_lint *lint, const struct kith_policy *policy,
                          const struct kith_charter *charter)
{
  for (unsigned i = 0; i < policy->n_agencies; i++) {
    const struct kith_policy_agency *agency = &policy->agencies[i];
    enum kith_agency_kind kind = kind_of(agency->id, charter);

    /* In a trial there are no real people, and nothing is disclosed. */
    if (!kith_gateway_is_stated(agency))
      kith_lint_add(lint, !policy->trial,
                    "agencies: the lawful gateway of %s is not stated. kith refuses a release or a "
                    "disclosure "
                    "without one. Name the law that lets this agency take part, and its section.",
                    agency->id);
    if (kith_gateway_needs_more(kind)) {
      bool alone = kith_gateway_is_section_16_alone(agency->gateway);

      kith_lint_add(
          lint, alone && !policy->trial,
          "agencies: %s is a health or social care authority. Section 16 of the Police, Crime, "
          "Sentencing and Courts Act 2022 authorises neither patient information nor personal "
          "information from such an authority: %s.",
          agency->id,
          alone ? "it can't be the only gateway. State the one that this authority rests on"
                : "its gateway must be another");
    }
  }
}

/* Who may be told who a record is of. */
static void lint_disclosure(struct kith_lint *lint, const struct kith_policy *policy,
                            const struct kith_charter *charter)
{
  const struct kith_policy_disclosure *disclosure = &policy->disclosure;

  if (!disclosure->present) {
    kith_lint_add(
        lint, false,
        "disclosure: there is none, so nobody can ask who a handle stands for: the list stays a "
        "list of handles.");
    return;
  }
  for (unsigned i = 0; i < disclosure->n_agencies; i++) {
    const struct kith_policy_agency *agency = &disclosure->agencies[i];

    if (!kith_policy_answers(policy, agency->id))
      kith_lint_add(lint, true,
                    "disclosure.agencies: the lawful gateway of %s is not stated: it can tell "
                    "nobody anything. Name the law, or leave the agency out.",
                    agency->id);
    if (kith_gateway_needs_more(kind_of(agency->id, charter)) &&
        kith_gateway_is_section_16_alone(agency->gateway))
      kith_lint_add(
          lint, !policy->trial,
          "disclosure.agencies: %s is a health or social care authority, and its gateway is "
          "section 16 of the Police, Crime, Sentencing and Courts Act 2022 alone, which authorises "
          "neither patient information nor personal information from such an authority.",
          agency->id);
  }
  for (unsigned i = 0; i < disclosure->n_recipients; i++)
    if (!kith_policy_asks(policy, disclosure->recipients[i].id))
      kith_lint_add(lint, true, "disclosure.recipients: the lawful gateway of %s is not stated.",
                    disclosure->recipients[i].id);
  if (disclosure->officers == 1)
    kith_lint_add(lint, false, "disclosure.officers: one officer alone can disclose a person.");
  if (disclosure->answer_days > policy->retention_days)
    kith_lint_add(
        lint, false,
        "disclosure.answer_days: requests may wait longer than the list is kept, %u days.",
        policy->retention_days);
}

static void lint_members(struct kith_lint *lint, const struct kith_policy *policy,
                         const struct kith_charter *charter)
{
  if (policy->n_agencies < 2)
    kith_lint_add(lint, false,
                  "agencies: there is one only; this policy is for work on one machine.");
  if (policy->n_recipients == 0)
    kith_lint_add(
        lint, false,
        "release.recipients: there is none, so no round can be opened under this policy.");
  for (unsigned i = 0; charter && i < policy->n_agencies; i++) {
    const struct kith_member *member = kith_charter_member(charter, policy->agencies[i].id);

    if (!member || member->role != KITH_ROLE_AGENCY)
      kith_lint_add(lint, true, "agencies: %s is not an agency of the charter.",
                    policy->agencies[i].id);
  }
  for (unsigned i = 0; charter && i < policy->n_recipients; i++) {
    const struct kith_member *member = kith_charter_member(charter, policy->recipients[i]);

    if (!member || member->role != KITH_ROLE_RECIPIENT)
      kith_lint_add(lint, true, "release.recipients: %s is not a recipient of the charter.",
                    policy->recipients[i]);
  }
}

static bool has_field(const struct kith_policy *policy, const char *name)
{
  for (unsigned i = 0; i < policy->n_fields; i++) {
    if (strcmp(policy->fields[i].field, name) == 0)
      return true;
  }
  return false;
}

/* A leak that has to be accepted by name. */
static void lint_households(struct kith_lint *lint, const struct kith_policy *policy)
{
  const char *name = kith_leak_name(KITH_LEAK_HOUSEHOLDS);
  const char *words = kith_leak_words(KITH_LEAK_HOUSEHOLDS);
  bool shows = kith_policy_leaks(policy) & KITH_LEAK_HOUSEHOLDS;

  if (shows && !(policy->accepted_leaks & KITH_LEAK_HOUSEHOLDS))
    kith_lint_add(
        lint, true,
        "linkage.accepted_leaks: %s; no node takes such a policy unless it says so. Write "
        "\"accepted_leaks\": [\"%s\"], or take the filter out.",
        words, name);
  else if (shows)
    kith_lint_add(
        lint, false,
        "linkage.accepted_leaks: \"%s\" is accepted: %s. Addresses can also be guessed by how many "
        "share them, without a name. It links better where people keep their address, and worse "
        "where they move.",
        name, words);
  else if (policy->accepted_leaks & KITH_LEAK_HOUSEHOLDS)
    kith_lint_add(
        lint, false,
        "linkage.accepted_leaks: \"%s\" is accepted, but no filter is of an address alone; take it "
        "out.",
        name);
}

/* What the matcher can learn, as the threat model says it. */
static void lint_leaks(struct kith_lint *lint, const struct kith_policy *policy)
{
  bool address =
      has_field(policy, "postcode") || has_field(policy, "street") || has_field(policy, "town");

  kith_lint_add(
      lint, false,
      "linkage.protection: clk hides values from who has no key, but shows the matcher how alike "
      "any two records are. With a list of names to compare with, people can be recognised by "
      "that; and an agency that helps the matcher can try names. Treat encodings as you treat the "
      "names.");
  if (policy->mask)
    kith_lint_add(
        lint, false,
        "linkage.mask: shows the matcher which fields each record has. Missing postcodes mark "
        "people of no fixed abode, and rare patterns can tell which agency a record is from. It "
        "finds more people; without it set mask to false and similarity to dice, and "
        "leave mask_minimum out.");
  if (policy->mask && policy->mask_minimum < MASK_MINIMUM)
    kith_lint_add(
        lint, false,
        "linkage.mask_minimum: %s Patterns that few records have can mark a person; %d or more is "
        "usual.",
        policy->mask_minimum > 1 ? "is low."
                                 : "is 1: every pattern of missing fields is sent as "
                                   "it is.",
        MASK_MINIMUM);
  lint_households(lint, policy);
  if (address)
    kith_lint_add(
        lint, false,
        "linkage.fields: with an address in the filter, people who live together are more alike: "
        "the matcher may guess households, hostels, refuges and children's homes. It also makes "
        "links of people who moved weaker.");
}

/* What blind comparison tells the matcher, and what its match keys find. */
static void lint_blind(struct kith_lint *lint, const struct kith_policy *policy)
{
  const struct kith_policy_blind *blind = &policy->blind;
  bool birth = false;

  kith_lint_add(
      lint, false,
      "linkage.protection: blind shows the matcher, of records that agree on a match key and of no "
      "others, one distance a field; an agency that helps the matcher can still try names against "
      "another's records.");
  for (unsigned i = 0; i < blind->n_fields; i++)
    if (kith_field_of_policy(blind->fields[i].field) == KITH_FIELD_UNKNOWN)
      kith_lint_add(lint, true,
                    "linkage.blind.fields: \"%s\" is not one of kith's standard fields.",
                    blind->fields[i].field);
  for (unsigned i = 0; i < blind->n_keys; i++)
    for (unsigned k = 0; k < blind->keys[i].n; k++)
      birth |= blind->keys[i].parts[k] <= KITH_PART_BIRTH_MONTH_DAY;
  if (!birth)
    kith_lint_add(
        lint, false,
        "linkage.blind.match_keys: none has a part of the date of birth. Values that many people "
        "share find few of them, and show how many people an agency has.");
  if (blind->occurrences > 1)
    kith_lint_add(
        lint, false,
        "linkage.blind.occurrences: %u makes submissions %u times as long, and shows the matcher "
        "more pairs of namesakes.",
        blind->occurrences, blind->occurrences);
}

static void lint_filter(struct kith_lint *lint, const struct kith_policy *policy)
{
  uint64_t expected[KITH_FILTERS_MAX] = {0};

  for (unsigned i = 0; i < policy->n_fields; i++) {
    if (kith_field_of_policy(policy->fields[i].field) == KITH_FIELD_UNKNOWN)
      kith_lint_add(lint, true, "linkage.fields: \"%s\" is not one of kith's standard fields.",
                    policy->fields[i].field);
    expected[policy->fields[i].filter] += policy->fields[i].weight;
  }
  for (unsigned i = 0; i == 0 || i < policy->n_filters; i++) {
    unsigned bits = i ? policy->filters[i].bits : policy->bits;

    if (expected[i] * 2 > bits)
      kith_lint_add(
          lint, false,
          "linkage.%s%s%s: the fields set about %llu of %u bits. Above a half, unlike people begin "
          "to look alike; take more bits, or fewer bits per token.",
          policy->n_filters ? "filters (" : "bits", policy->filters[i].name,
          policy->n_filters ? ")" : "", (unsigned long long)expected[i], bits);
  }
  if (policy->n_filters)
    kith_lint_add(
        lint, false,
        "linkage.filters: candidates come from \"%s\" alone; the other filters only say how sure a "
        "candidate is. Each shows the matcher the similarity of its own fields, apart from all "
        "others.",
        policy->filters[0].name);
}

/* A bound that no audit of one list can show, or none. */
static void lint_privacy(struct kith_lint *lint, const struct kith_policy *policy)
{
  if (!policy->privacy_bound.denominator)
    kith_lint_add(
        lint, false,
        "privacy_bound: there is none, so no share of people recognised is too many. 'kith audit "
        "privacy' measures it.");
  else if (policy->protection == KITH_PROTECTION_CLK &&
           kith_ratio_double(policy->privacy_bound) < 0.5)
    kith_lint_add(
        lint, false,
        "privacy_bound: under clk nearly everybody is recognised by who holds a list and knows a "
        "few of the people; the bound is not going to be kept. \"blind\" can keep it.");
}

static void lint_threshold(struct kith_lint *lint, const struct kith_policy *policy)
{
  if (kith_ratio_double(policy->threshold.min) < 0.5)
    kith_lint_add(
        lint, false,
        "linkage.threshold.min: below 0.5 more than half of the links at that threshold would be "
        "false.");
}

static void lint_rule(struct kith_lint *lint, const struct kith_policy *policy)
{
  char ids[KITH_AGENCIES_MAX][KITH_MEMBER_ID_BYTES];
  struct kith_rule *rule = NULL;
  bool ever = false;
  bool alone = false;

  for (unsigned i = 0; i < policy->n_agencies; i++)
    memcpy(ids[i], policy->agencies[i].id, sizeof ids[i]);
  if (kith_rule_parse(&rule, policy->rule, (const char(*)[KITH_MEMBER_ID_BYTES])ids,
                      policy->n_agencies, NULL) != KITH_OK)
    return;
  for (uint32_t present = 1; present < (uint32_t)1 << policy->n_agencies; present++) {
    bool holds = kith_rule_holds(rule, present);

    ever |= holds;
    alone |= holds && __builtin_popcount(present) == 1;
  }
  kith_rule_free(rule);
  if (!ever)
    kith_lint_add(lint, true, "cohort.rule: holds for nobody, whatever services know them.");
  if (alone && policy->n_agencies > 1)
    kith_lint_add(
        lint, false,
        "cohort.rule: selects people whom a single service knows: for them nothing is matched, and "
        "the list tells its recipients about that service's records alone.");
}

static void lint_people(struct kith_lint *lint, const struct kith_policy *policy)
{
  if (!policy->scope.present)
    kith_lint_add(
        lint, false,
        "scope: there is none, so every record of every agency is encoded. Data minimisation asks "
        "for the ages that the purpose is about.");
  if (policy->minimum_count < MINIMUM_COUNT)
    kith_lint_add(lint, false, "cohort.minimum_count: counts below %u may point at single people.",
                  MINIMUM_COUNT);
  if (policy->minimum_batch < MINIMUM_BATCH)
    kith_lint_add(
        lint, false,
        "round.minimum_batch: %u records are few; a small batch can ask whether one person is "
        "known to others.",
        policy->minimum_batch);
  if (!policy->rounds_max)
    kith_lint_add(
        lint, false,
        "round.rounds_max: rounds may follow one another without bound. Who opens many, with lists "
        "that differ by one person, can ask about that person.");
  if (policy->officers < 2 && !policy->trial)
    kith_lint_add(
        lint, false,
        "round.officers: one officer's key decides for an agency. 2 asks for another pair of "
        "eyes.");
  if (policy->trial)
    kith_lint_add(
        lint, false,
        "trial: agencies may write the map from handles to records, to measure the linkage. For "
        "invented people only.");
}

/* Evidence and the source's minima: what they miss, or can't do. */

static void lint_evidence(struct kith_lint *lint, const struct kith_policy *policy)
{
  const struct kith_evidence *evidence = &policy->evidence;

  if (evidence->n_groups == 0)
    kith_lint_add(
        lint, false,
        "evidence: none is asked for. Records of a name alone are encoded, and link namesakes.");
  for (unsigned i = 0; i < evidence->n_groups; i++) {
    const struct kith_evidence_group *group = &evidence->groups[i];
    bool encoded = false;

    for (unsigned j = 0; j < group->n; j++) {
      if (kith_field_of_policy(group->fields[j]) == KITH_FIELD_UNKNOWN)
        kith_lint_add(lint, true, "evidence[%u]: \"%s\" is not one of kith's standard fields.", i,
                      group->fields[j]);
      encoded |= has_field(policy, group->fields[j]);
    }
    if (!encoded)
      kith_lint_add(
          lint, false,
          "evidence[%u]: none of its fields is encoded; what a record has in them can't help to "
          "tell whose it is.",
          i);
  }
}

static void lint_source(struct kith_lint *lint, const struct kith_policy *policy)
{
  if (policy->source.minimum_linkable.numerator == 0)
    kith_lint_add(lint, false,
                  "source.minimum_linkable: is 0: a source without one usable record passes.");
  if (kith_ratio_double(policy->source.maximum_set_aside) >= SET_ASIDE_MUCH)
    kith_lint_add(
        lint, false,
        "source.maximum_set_aside: a source passes though half of its rows can't be read.");
}

void kith_policy_lint(struct kith_lint *out, const struct kith_policy *policy,
                      const struct kith_charter *charter, int64_t now)
{
  *out = (struct kith_lint){0};
  lint_times(out, policy, now);
  lint_gateways(out, policy, charter);
  lint_disclosure(out, policy, charter);
  kith_policy_lint_context(out, policy);
  lint_members(out, policy, charter);
  lint_rule(out, policy);
  if (policy->protection == KITH_PROTECTION_BLIND)
    lint_blind(out, policy);
  else
    lint_filter(out, policy);
  lint_threshold(out, policy);
  lint_privacy(out, policy);
  lint_people(out, policy);
  kith_policy_lint_scope(out, policy);
  lint_evidence(out, policy);
  lint_source(out, policy);
  if (policy->protection == KITH_PROTECTION_CLK)
    lint_leaks(out, policy);
}

static json_t *lint_json(const struct kith_lint *lint)
{
  json_t *errors = json_array();
  json_t *warnings = json_array();
  int bad = 0;

  for (unsigned i = 0; i < lint->n; i++)
    bad |= json_array_append_new(lint->findings[i].error ? errors : warnings,
                                 json_string(lint->findings[i].text));
  if (bad) {
    json_decref(errors);
    json_decref(warnings);
    return NULL;
  }
  return json_pack("{s:b, s:o, s:o, s:s}", "ok", lint->n_errors == 0, "errors", errors, "warnings",
                   warnings, "note", disclaimer);
}

static int lint_print(const struct kith_lint *lint, const char *path)
{
  for (unsigned i = 0; i < lint->n; i++)
    printf("%-8s %s\n", lint->findings[i].error ? "error" : "warning", lint->findings[i].text);
  printf("%s: %u error%s, %u warning%s. %s\n", path, lint->n_errors, lint->n_errors == 1 ? "" : "s",
         lint->n - lint->n_errors, lint->n - lint->n_errors == 1 ? "" : "s", disclaimer);
  return kith_cli_finish_stdout();
}

static int check(const char *path, const char *charter_path, bool json)
{
  struct kith_policy *policy = KITH_NEW(struct kith_policy);
  struct kith_charter *charter = KITH_NEW(struct kith_charter);
  struct kith_lint *lint = KITH_NEW(struct kith_lint);
  struct kith_signed policy_document = {0};
  struct kith_signed charter_document = {0};
  struct kith_fault fault = {0};
  int status;

  if (!policy || !charter || !lint)
    fault.err = kith_fail(&fault, KITH_ERR_MEMORY, "out of memory");
  if (fault.err == KITH_OK)
    fault.err = kith_cli_policy_load(&policy_document, policy, path, &fault);
  if (fault.err == KITH_OK && charter_path)
    fault.err = kith_cli_charter_load(&charter_document, charter, charter_path, false, &fault);
  if (fault.err != KITH_OK) {
    status = kith_cli_fail(&fault);
    goto end;
  }
  kith_policy_lint(lint, policy, charter_path ? charter : NULL, kith_clock_now());
  status = json ? kith_cli_json(lint_json(lint)) : lint_print(lint, path);
  if (status == 0 && lint->n_errors > 0)
    status = kith_err_exit_status(KITH_ERR_NO);
end:
  kith_signed_free(&policy_document);
  kith_signed_free(&charter_document);
  kith_free(lint);
  kith_free(charter);
  kith_free(policy);
  return status;
}

int kith_policy_check(int argc, char **argv)
{
  const char *charter = NULL;
  bool json = false;
  const struct kith_cli_option options[] = {
      {.name = "charter",
       .kind = KITH_CLI_STRING,
       .out = &charter,
       .value = "FILE",
       .help = "check agencies and recipients against it too"},
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &json, .help = "print JSON"}};
  const struct kith_cli_spec spec = {
      .usage = "kith policy check [--charter FILE] [--json] POLICY",
      .about = "Reads a policy for what a governance lead should know before signing it: what it "
               "lets the matcher learn, what is missing, what is unusual. Exit status 1 where "
               "there are errors. It is not legal advice.",
      .examples = "  $ kith policy check --charter charter.json policy.json\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first + 1 != argc)
    return kith_cli_usage(spec.usage, "expected one policy");
  return check(argv[first], charter, json);
}
