/* What agencies tell unasked, in the commands on policies. */
#include <stdio.h>
#include <string.h>

#include "cli/policy/policy.h"
#include "daemon/pipeline/record.h"

/* So many together mark people who are alone with theirs. */
enum { MANY_ATTRIBUTES = 3 };

void kith_policy_show_context(const struct kith_policy *policy)
{
  if (!policy->n_context)
    printf("context     none: of people of the list nothing is told unasked\n");
  for (unsigned i = 0; i < policy->n_context; i++) {
    const struct kith_policy_context *context = &policy->context[i];

    printf("%-11s %s tells, of each person of the list and unasked:", i ? "" : "context",
           context->id);
    for (unsigned k = 0; k < context->n_attributes; k++)
      printf(" %s", context->attributes[k]);
    printf("\n");
  }
}

/* Names by which people are known one by one, though no standard fields. */
static bool is_number_of_a_person(const char *name)
{
  static const char *const names[] = {"id",           "nhs",       "nhs_number", "upn",
                                      "uln",          "nino",      "ni_number",  "crn",
                                      "pnc_id",       "reference", "case",       "case_number",
                                      "house_number", "uprn",      "email",      "phone"};

  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i], name) == 0)
      return true;
  return false;
}

void kith_policy_lint_context(struct kith_lint *lint, const struct kith_policy *policy)
{
  for (unsigned i = 0; i < policy->n_context; i++) {
    const struct kith_policy_context *context = &policy->context[i];

    for (unsigned k = 0; k < context->n_attributes; k++) {
      const char *name = context->attributes[k];

      if (kith_field_of_policy(name) != KITH_FIELD_UNKNOWN)
        kith_lint_add(lint, true,
                      "context.agencies: \"%s\" of %s is one of kith's standard fields, and is "
                      "never told in this way. Recipients ask for it: \"disclosure\".",
                      name, context->id);
      else if (is_number_of_a_person(name))
        kith_lint_add(lint, true,
                      "context.agencies: \"%s\" of %s is of one person or one home. Context is of "
                      "groups: a ward, a school, an age band. Recipients ask for the rest: "
                      "\"disclosure\".",
                      name, context->id);
      else if (strcmp(name, KITH_CONTEXT_AGE_BAND) != 0)
        kith_lint_add(lint, false,
                      "context.agencies: the recipients are told \"%s\" of everybody of the list "
                      "whom %s knows, and no officer is asked. A place of few people marks them.",
                      name, context->id);
    }
    if (context->n_attributes >= MANY_ATTRIBUTES)
      kith_lint_add(lint, false,
                    "context.agencies: %u attributes of %s together are nearly a name: few people "
                    "share a ward, a school and an age band.",
                    context->n_attributes, context->id);
  }
}

/* AGENCY=A,B; what is wrong with the names the parser says. */
static enum kith_err context_set(struct kith_policy_context *out, const char *item,
                                 struct kith_fault *fault)
{
  const char *equals = strchr(item, '=');

  if (!equals || equals - item >= KITH_MEMBER_ID_BYTES)
    return kith_fail(fault, KITH_ERR_USAGE, "--context: expected AGENCY=A,B,...");
  memcpy(out->id, item, (size_t)(equals - item));
  for (const char *at = equals + 1; *at;) {
    size_t len = strcspn(at, ",");

    if (out->n_attributes == KITH_CONTEXT_ATTRIBUTES_MAX || len >= KITH_FIELD_NAME_BYTES)
      return kith_fail(fault, KITH_ERR_USAGE,
                       "--context: expected up to %d names of at most %d letters",
                       KITH_CONTEXT_ATTRIBUTES_MAX, KITH_FIELD_NAME_BYTES - 1);
    memcpy(out->attributes[out->n_attributes++], at, len);
    at += len + (at[len] == ',');
  }
  return KITH_OK;
}

enum kith_err kith_policy_context_set(struct kith_policy *policy, const struct kith_cli_list *items,
                                      struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  if (items->n > KITH_AGENCIES_MAX)
    return kith_fail(fault, KITH_ERR_USAGE, "--context: expected up to %d agencies",
                     KITH_AGENCIES_MAX);
  for (size_t i = 0; err == KITH_OK && i < items->n; i++)
    err = context_set(&policy->context[policy->n_context++], items->items[i], fault);
  return err;
}
