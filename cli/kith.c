/* `kith`: finds the command and runs it. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/process.h"
#include "cli/cli.h"
#include "cli/help.h"

/* A command that is not linked in is not listed. */
#pragma weak kith_cmd_encode
#pragma weak kith_cmd_link
#pragma weak kith_cmd_evaluate
#pragma weak kith_cmd_generate
#pragma weak kith_cmd_source
#pragma weak kith_cmd_setup
#pragma weak kith_cmd_officer
#pragma weak kith_cmd_round
#pragma weak kith_cmd_cohort
#pragma weak kith_cmd_disclosure
#pragma weak kith_cmd_threshold
#pragma weak kith_cmd_audit
#pragma weak kith_cmd_status

static const struct kith_cli_command commands[] = {
    {"link", kith_cmd_link, "link files of records on this machine, whole"},
    {"encode", kith_cmd_encode, "encode a file of records"},
    {"match", kith_cmd_match, "compare files of encodings"},
    {"evaluate", kith_cmd_evaluate, "precision and recall against a truth file"},
    {"generate", kith_cmd_generate, "make a synthetic city"},
    {"source", kith_cmd_source, "check an agency's export"},
    {"bench", kith_cmd_bench, "measure this machine"},
    {"setup", kith_cmd_setup, "set up an agency, the matcher, a recipient or governance"},
    {"key", kith_cmd_key, "identities and cards"},
    {"charter", kith_cmd_charter, "who takes part"},
    {"policy", kith_cmd_policy, "what a round may do"},
    {"officer", kith_cmd_officer, "who decides for an agency, with keys of their own"},
    {"round", kith_cmd_round, "open, join, watch and end rounds"},
    {"threshold", kith_cmd_threshold, "what a threshold does to people"},
    {"cohort", kith_cmd_cohort, "the list that a recipient gets"},
    {"disclosure", kith_cmd_disclosure, "ask for and answer disclosures"},
    {"audit", kith_cmd_audit, "show, export and verify audit logs"},
    {"status", kith_cmd_status, "how this node is"},
};

int main(int argc, char **argv)
{
  struct kith_fault fault = {0};

  if ((fault.err = kith_process_setup(false, &fault)) != KITH_OK)
    return kith_cli_fail(&fault);
  if (argc < 2)
    return kith_cli_help(commands, KITH_COUNT_OF(commands), NULL);
  if (strcmp(argv[1], "--version") == 0)
    return kith_cli_version();
  if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)
    return kith_cli_help(commands, KITH_COUNT_OF(commands), argc > 2 ? argv[2] : "");
  for (size_t i = 0; i < KITH_COUNT_OF(commands); i++) {
    if (commands[i].run && strcmp(commands[i].name, argv[1]) == 0)
      return commands[i].run(argc - 1, argv + 1);
  }
  return kith_cli_error(KITH_ERR_USAGE, "\"%.40s\" is no command; 'kith help' lists them", argv[1]);
}
