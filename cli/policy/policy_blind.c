/* `kith policy show` of a policy whose protection is blind. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/policy/policy.h"
#include "cli/verbs.h"
#include "proto/policy_blind.h"

void kith_policy_show_blind(const struct kith_policy *policy)
{
  const struct kith_policy_blind *blind = &policy->blind;
  struct kith_blind_layout layout;

  kith_policy_blind_layout(&layout, policy);
  for (unsigned i = 0; i < blind->n_keys; i++) {
    printf("%s", i ? "            " : "match keys  ");
    for (unsigned k = 0; k < blind->keys[i].n; k++)
      printf("%s%s", k ? " + " : "", kith_blind_part_name(blind->keys[i].parts[k]));
    printf("\n");
  }
  printf("linkage     blind, %u match keys, %u of a value take part, %zu bytes a record and peer",
         blind->n_keys, blind->occurrences, (size_t)kith_blind_rows(&layout, 1) * layout.row_bytes);
}

void kith_policy_blind_table(struct kith_cli_table *fields, const struct kith_policy *policy)
{
  KITH_CLI_ROW(fields, "FIELD", "TOKENS", "SIGNATURE BITS", "WEIGHT");
  for (unsigned i = 0; i < policy->blind.n_fields; i++) {
    const struct kith_blind_field *field = &policy->blind.fields[i];
    char tokens[32];
    char bits[16];
    char weight[16];

    if (field->q)
      (void)snprintf(tokens, sizeof tokens, "runs of %u letters", field->q);
    else
      (void)snprintf(tokens, sizeof tokens, "whole");
    (void)snprintf(bits, sizeof bits, "%u", field->bits);
    (void)snprintf(weight, sizeof weight, "%u", field->weight);
    KITH_CLI_ROW(fields, field->field, tokens, bits, weight);
  }
}
