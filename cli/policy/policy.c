/* `kith policy`: showing and signing. */
#include "cli/policy/policy.h"
#include "cli/privacy/privacy.h"
#include "proto/gateway.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/documents.h"

/* ---- show */

static const char *unknown_words(bool in)
{
  return in ? "in" : "out";
}

static void show_scope(const struct kith_policy *policy)
{
  const struct kith_scope *scope = &policy->scope;

  if (!scope->present)
    printf("scope       every record\n");
  if (scope->on.year)
    printf("scope       ages %u to %u on %04d-%02d-%02d; of unknown age: %s\n", scope->age_min,
           scope->age_max, scope->on.year, scope->on.month, scope->on.day,
           unknown_words(scope->unknown_birth_in));
  if (scope->n_places > 0) {
    printf("places      postcodes");
    for (unsigned i = 0; i < scope->n_places; i++)
      printf(" %s", scope->places[i]);
    printf("; without one: %s\n", unknown_words(scope->unknown_place_in));
  }
  if (scope->from.year)
    printf("period      records dated %04d-%02d-%02d to %04d-%02d-%02d; without a date: %s\n",
           scope->from.year, scope->from.month, scope->from.day, scope->to.year, scope->to.month,
           scope->to.day, unknown_words(scope->unknown_period_in));
  printf("evidence   ");
  for (unsigned i = 0; i < policy->evidence.n_groups; i++) {
    const struct kith_evidence_group *group = &policy->evidence.groups[i];

    printf("%s", i ? ", and" : "");
    for (unsigned j = 0; j < group->n; j++)
      printf("%s %s", j ? " or" : "", group->fields[j]);
  }
  printf("%s\n", policy->evidence.n_groups ? "" : " none is asked for");
  printf("births      plausible from %u to %u; others are %s\n", policy->dates.year_min,
         policy->dates.year_max, policy->dates.drop_outside ? "dropped" : "kept as evidence");
}

static void show_source(const struct kith_policy *policy)
{
  char linkable[KITH_RATIO_TEXT_BYTES];
  char aside[KITH_RATIO_TEXT_BYTES];

  kith_policy_ratio_text(linkable, policy->source.minimum_linkable);
  kith_policy_ratio_text(aside, policy->source.maximum_set_aside);
  printf("sources     %s of the records usable at least, %s of the rows set aside at most\n",
         linkable, aside);
}

/* What the matcher is shown beside the first filter. */
static void show_leaks(const struct kith_policy *policy)
{
  printf(
      "worth       the matcher sees how alike any two records are: as worth protecting as names\n");
  for (unsigned i = 1; i < policy->n_filters; i++)
    printf("filter      \"%s\" beside \"%s\", of %u bits\n", policy->filters[i].name,
           policy->filters[0].name, policy->filters[i].bits);
  if (policy->mask && policy->mask_minimum > 1)
    printf("mask        fields are dropped where fewer than %u records lack the same\n",
           policy->mask_minimum);
  else if (policy->mask)
    printf("mask        of every record as it is\n");
  if (kith_policy_leaks(policy))
    printf("leak        %s: %s\n",
           kith_policy_leaks(policy) & ~policy->accepted_leaks ? "NOT ACCEPTED" : "accepted",
           kith_leak_words(KITH_LEAK_HOUSEHOLDS));
}

static void show_disclosure(const struct kith_policy_disclosure *disclosure)
{
  if (!disclosure->present) {
    printf("disclosure  none: nobody may ask who a handle stands for\n");
    return;
  }
  printf("disclosure  of");
  for (unsigned i = 0; i < disclosure->n_fields; i++)
    printf(" %s", disclosure->fields[i]);
  printf("; for");
  for (unsigned i = 0; i < disclosure->n_reasons; i++)
    printf(" %s", disclosure->reasons[i]);
  printf(
      "\n            by %u officer%s within %u days; %u requests of a recipient in a round, %u a "
      "day\n",
      disclosure->officers, disclosure->officers == 1 ? "" : "s", disclosure->answer_days,
      disclosure->requests_per_round, disclosure->requests_per_day);
  for (unsigned i = 0; i < disclosure->n_recipients; i++)
    printf("            %s may ask: %s\n", disclosure->recipients[i].id,
           disclosure->recipients[i].gateway);
  for (unsigned i = 0; i < disclosure->n_agencies; i++)
    printf("            %s may answer: %s\n", disclosure->agencies[i].id,
           disclosure->agencies[i].gateway);
}

static void show_terms(const struct kith_signed *document, const struct kith_policy *policy)
{
  char expires[KITH_TIME_BYTES];
  char hash[2 * KITH_HASH_BYTES + 1];
  char bound[KITH_RATIO_TEXT_BYTES];
  char least[KITH_RATIO_TEXT_BYTES];
  char most[KITH_RATIO_TEXT_BYTES];
  char chosen[KITH_RATIO_TEXT_BYTES] = "auto";

  kith_time_format(expires, policy->expires);
  kith_cli_hash_text(hash, document);
  kith_policy_ratio_text(bound, policy->candidate_bound);
  kith_policy_ratio_text(least, policy->threshold.min);
  kith_policy_ratio_text(most, policy->threshold.max);
  if (!policy->threshold.auto_default)
    kith_policy_ratio_text(chosen, policy->threshold.default_probability);
  if (policy->trial)
    printf("TRIAL: for invented people only\n");
  printf("policy      %s\nversion     %llu\nexpires     %s\npurpose     %s\n", policy->name,
         (unsigned long long)policy->version, expires, policy->purpose);
  printf("selects     %s\n", policy->rule);
  show_scope(policy);
  show_source(policy);
  printf("recipients ");
  for (unsigned i = 0; i < policy->n_recipients; i++)
    printf(" %s", policy->recipients[i]);
  printf("%s\n", policy->n_recipients ? "" : " none: no round can be opened");
  printf("retention   encodings %u days after the release, the list %u days\n", policy->review_days,
         policy->retention_days);
  printf("round       %u agencies and %u records of each at least, counts below %u suppressed\n",
         policy->quorum, policy->minimum_batch, policy->minimum_count);
  if (policy->rounds_max)
    printf("rounds      %u in %u days at most\n", policy->rounds_max, policy->rounds_days);
  printf("officers    %u of each agency must decide to join\n", policy->officers);
  show_disclosure(&policy->disclosure);
  kith_policy_show_context(policy);
  if (policy->protection == KITH_PROTECTION_BLIND)
    kith_policy_show_blind(policy);
  else
    printf("linkage     clk of %u bits, %s, %s; candidates from %s", policy->bits,
           policy->mask ? "with a presence mask" : "no presence mask",
           policy->masked_dice ? "masked Dice" : "Dice", bound);
  printf("; threshold %s of %s to %s\n", chosen, least, most);
  if (policy->protection == KITH_PROTECTION_CLK)
    show_leaks(policy);
  if (policy->privacy_bound.denominator) {
    kith_policy_ratio_text(bound, policy->privacy_bound);
    printf("privacy     an audit may recognise %s of people at most\n", bound);
  }
  printf("signatures  %u, not verified here\nhash        %s\n\n", document->n_signatures, hash);
}

static enum kith_err show_tables(const struct kith_policy *policy)
{
  struct kith_cli_table agencies = {0};
  struct kith_cli_table fields = {0};
  const char *heading[] = {"FIELD", "TOKENS", "BITS EACH", "EXPECTED BITS", "FILTER"};
  unsigned n_columns = policy->n_filters ? 5 : 4;
  enum kith_err err;

  KITH_CLI_ROW(&agencies, "AGENCY", "LAWFUL GATEWAY");
  for (unsigned i = 0; i < policy->n_agencies; i++)
    KITH_CLI_ROW(&agencies, policy->agencies[i].id,
                 kith_gateway_is_stated(&policy->agencies[i]) ? policy->agencies[i].gateway
                                                              : "(not stated)");
  if (policy->protection == KITH_PROTECTION_BLIND) {
    kith_policy_blind_table(&fields, policy);
    goto print;
  }
  kith_cli_table_row(&fields, n_columns, heading);
  for (unsigned i = 0; i < policy->n_fields; i++) {
    const struct kith_policy_field *field = &policy->fields[i];
    char tokens[32];
    char bits[16];
    char weight[16];

    if (field->q)
      (void)snprintf(tokens, sizeof tokens, "runs of %u letters", field->q);
    else
      (void)snprintf(tokens, sizeof tokens, "whole");
    (void)snprintf(bits, sizeof bits, "%u", field->bits_per_token);
    (void)snprintf(weight, sizeof weight, "%u", field->weight);
    kith_cli_table_row(
        &fields, n_columns,
        (const char *[]){field->field, tokens, bits, weight, policy->filters[field->filter].name});
  }
print:
  err = kith_cli_table_print(&agencies);
  printf("\n");
  if (err == KITH_OK)
    err = kith_cli_table_print(&fields);
  kith_cli_table_free(&agencies);
  kith_cli_table_free(&fields);
  return err;
}

static json_t *show_json(const struct kith_signed *document)
{
  char hash[2 * KITH_HASH_BYTES + 1];

  kith_cli_hash_text(hash, document);
  return json_pack(
      "{s:o, s:s, s:o}", "policy",
      json_loadb((const char *)document->bytes, document->len, JSON_REJECT_DUPLICATES, NULL),
      "hash", hash, "signatures", kith_cli_signatures_json(document));
}

static int policy_show(int argc, char **argv)
{
  bool json = false;
  const struct kith_cli_option options[] = {
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &json, .help = "print JSON"}};
  const struct kith_cli_spec spec = {
      .usage = "kith policy show [--json] FILE",
      .about = "Shows what a policy allows. 'kith policy check' says what to think about.",
      .examples = "  $ kith policy show policy.json\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_policy *policy;
  struct kith_signed document = {0};
  struct kith_fault fault = {0};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first + 1 != argc)
    return kith_cli_usage(spec.usage, "expected one policy");
  policy = KITH_NEW(struct kith_policy);
  if (!policy)
    return kith_cli_error(KITH_ERR_MEMORY, "out of memory");
  fault.err = kith_cli_policy_load(&document, policy, argv[first], &fault);
  if (fault.err == KITH_OK && !json) {
    show_terms(&document, policy);
    fault.err = show_tables(policy);
  }
  if (fault.err != KITH_OK)
    status = kith_cli_fail(&fault);
  else
    status = json ? kith_cli_json(show_json(&document)) : kith_cli_finish_stdout();
  kith_signed_free(&document);
  kith_free(policy);
  return status;
}

/* ---- sign */

/* Governance does not sign what the linter calls an error. */
static enum kith_err refuse_errors(const struct kith_policy *policy, const char *path,
                                   struct kith_fault *fault)
{
  struct kith_lint *lint = KITH_NEW(struct kith_lint);
  enum kith_err err = KITH_OK;

  if (!lint)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  kith_policy_lint(lint, policy, NULL, kith_clock_now());
  for (unsigned i = 0; i < lint->n && err == KITH_OK; i++) {
    if (lint->findings[i].error)
      err = kith_fail(fault, KITH_ERR_NO, "%s: not signed: %s", path, lint->findings[i].text);
  }
  kith_free(lint);
  return err;
}

/* Who signs should know what the protection is worth; it is no error not to. */
static void warn_of_audit(const struct kith_signed *document, const struct kith_policy *policy,
                          const char *path, const char *audit)
{
  char reason[KITH_PRIVACY_REASON_BYTES];
  char beside[4096];
  char hash[2 * KITH_HASH_BYTES + 1];

  if (!audit && !kith_privacy_beside(beside, sizeof beside, path))
    return;
  kith_cli_hash_text(hash, document);
  kith_privacy_stale(reason, policy, hash, audit ? audit : beside, kith_clock_now());
  if (reason[0])
    (void)fprintf(stderr,
                  "warning: %s: no fresh privacy audit: %s %s; run 'kith audit privacy --policy "
                  "%s'\n",
                  path, audit ? audit : beside, reason, path);
}

static enum kith_err sign_policy(const char *path, const char *key, const char *passphrase_file,
                                 const char *audit, struct kith_fault *fault)
{
  struct kith_policy *policy = KITH_NEW(struct kith_policy);
  struct kith_signed document = {0};
  enum kith_err err;

  if (!policy)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  err = kith_cli_policy_load(&document, policy, path, fault);
  if (err == KITH_OK)
    err = refuse_errors(policy, path, fault);
  if (err == KITH_OK)
    warn_of_audit(&document, policy, path, audit);
  if (err == KITH_OK)
    err = kith_cli_sign(&document, path, key, passphrase_file, fault);
  if (err == KITH_OK)
    (void)fprintf(stderr, "%s: version %llu, %u signature%s\n", path,
                  (unsigned long long)policy->version, document.n_signatures,
                  document.n_signatures == 1 ? "" : "s");
  kith_signed_free(&document);
  kith_free(policy);
  return err;
}

static int policy_sign(int argc, char **argv)
{
  const char *path = NULL;
  const char *key = NULL;
  const char *passphrase_file = NULL;
  const char *audit = NULL;
  const struct kith_cli_option options[] = {
      {.name = "policy",
       .kind = KITH_CLI_STRING,
       .out = &path,
       .value = "FILE",
       .help = "the policy to sign"},
      {.name = "key",
       .kind = KITH_CLI_STRING,
       .out = &key,
       .value = "KEYFILE",
       .help = "a governance key"},
      {.name = "passphrase-file",
       .kind = KITH_CLI_STRING,
       .out = &passphrase_file,
       .value = "FILE",
       .help = "its first line is the passphrase; asked for otherwise"},
      {.name = "audit",
       .kind = KITH_CLI_STRING,
       .out = &audit,
       .value = "FILE",
       .help = "the result of 'kith audit privacy' (FILE.audit beside the policy)"}};
  const struct kith_cli_spec spec = {
      .usage = "kith policy sign --policy FILE --key KEYFILE [--passphrase-file FILE]",
      .about = "Signs the exact bytes of the policy; the signature goes to FILE.sig, beside those "
               "of others. Refuses a policy in which 'kith policy check' finds errors, and warns "
               "where no fresh privacy audit of it is there, or it exceeds the policy's bound.",
      .examples = "  $ kith policy sign --policy policy.json --key lead.key\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_fault fault = {0};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (!path || !key || first != argc)
    return kith_cli_usage(spec.usage, "expected --policy and --key");
  fault.err = sign_policy(path, key, passphrase_file, audit, &fault);
  return fault.err == KITH_OK ? 0 : kith_cli_fail(&fault);
}

int kith_cmd_policy(int argc, char **argv)
{
  static const struct kith_cli_verb verbs[] = {
      {"new", kith_policy_new, "the default policy over some agencies, with changes"},
      {"show", policy_show, "what it allows"},
      {"check", kith_policy_check, "what to think about before signing"},
      {"tune", kith_policy_tune, "field weights and filter sizes from files, without labels"},
      {"diff", kith_policy_diff, "which terms of two policies differ"},
      {"sign", policy_sign, "sign it with a governance key"}};

  return kith_cli_verbs("policy", "The policy says what a round may do.", verbs,
                        KITH_COUNT_OF(verbs), argc, argv);
}
