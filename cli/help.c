#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "proto/daemon_main.h"

static const struct {
  const char *name;
  const char *text;
} topics[] = {
    {"rounds", "A round is one matching run under one policy.\n"
               "\n"
               "  announced   governance opened it; agencies see what would leave them\n"
               "  gathering   officers join or decline\n"
               "  keying      the agencies make a secret that the matcher never holds\n"
               "  submitting  each agency encodes, shuffles and sends, then a signed manifest\n"
               "  matching    the matcher compares, scores, clusters and selects\n"
               "  review      governance sees rounded numbers and decides on the threshold\n"
               "  released    the list is sealed to its recipients; encodings are destroyed\n"
               "  closed      the rest is destroyed; each node has signed that it did so\n"
               "  aborted     everything is destroyed, with the reason\n"
               "\n"
               "Every state has a deadline. 'kith round --help' has the commands.\n"},
    {"trust",
     "The matcher compares encodings and never holds the key they are made with. Charter and\n"
     "policy are signed by governance; every statement of a round is signed by its author and\n"
     "checked by every agency. An encoding hides values from who has no key, not how alike two\n"
     "records are: treat encodings as you treat the names. An agency that helps the matcher can\n"
     "try names against the others' encodings. docs/threat-model.md says more.\n"},
    {"documents",
     "A charter says who takes part, with which keys; a policy says what a round may do. Both are\n"
     "JSON files with signatures beside them (FILE.sig), by m of n governance keys:\n"
     "\n"
     "  $ kith key new --out lead.key\n"
     "  $ kith key card --id lead --role governance --out lead.card lead.key\n"
     "  $ kith charter new --name City --matcher-address tcp://192.0.2.1:7420 \\\n"
     "      --governance-key lead.card --out charter.json\n"
     "  $ kith charter add --charter charter.json lead.card matcher.card police.card\n"
     "  $ kith charter sign --charter charter.json --key lead.key\n"
     "  $ kith policy new --charter charter.json --out policy.json\n"
     "  $ kith policy check --charter charter.json policy.json\n"
     "  $ kith policy sign --policy policy.json --key lead.key\n"},
    {"officers",
     "Officers decide for an agency, each with a key of their own. Who keeps the agency's own key\n"
     "puts them on its list:\n"
     "\n"
     "  $ kith officer new --id officer_1 --out officer.key         the officer\n"
     "  $ kith officer add --home police officer.key.json           who keeps the agency's key\n"
     "  $ kith round show --home police ROUND                       what would leave, in words\n"
     "  $ kith round join --home police --officer-key officer.key ROUND\n"
     "\n"
     "What is signed are the words that are shown. A policy may want two officers: two keys.\n"},
    {"rules", "The cohort rule of a policy selects people by the services that know them:\n"
              "\n"
              "  at least 3 services\n"
              "  at least 2 of {police, youth_justice, probation}\n"
              "  police and (education or childrens_services) and not probation\n"
              "\n"
              "\"not\" binds closest, then \"and\", then \"or\". Services are members' ids.\n"},
    {"exit",
     "Exit statuses: 0 done; 1 the answer is no; 2 usage; 65 bad input data; 66 no such input;\n"
     "69 the daemon or matcher can't be reached; 70 internal error; 73 can't create an output;\n"
     "74 read or write error; 77 not permitted; 78 bad configuration.\n"},
};

static void print_list(FILE *stream, const struct kith_cli_command *commands, size_t n)
{
  (void)fprintf(stream,
                "Usage: kith COMMAND ...\n\nFinds the people who are known to several services "
                "without any service showing its records\nto another.\n\nCommands:\n");
  for (size_t i = 0; i < n; i++) {
    if (commands[i].run)
      (void)fprintf(stream, "  %-11s %s\n", commands[i].name, commands[i].about);
  }
  (void)fprintf(stream, "\n'kith COMMAND --help' says more, and 'kith help TOPIC' on:");
  for (size_t i = 0; i < KITH_COUNT_OF(topics); i++)
    (void)fprintf(stream, " %s", topics[i].name);
  (void)fprintf(stream, "\n\nExamples:\n  $ kith help documents\n  $ kith match --help\n");
}

int kith_cli_help(const struct kith_cli_command *commands, size_t n, const char *topic)
{
  char help[] = "--help";

  if (!topic) {
    print_list(stderr, commands, n);
    return kith_err_exit_status(KITH_ERR_USAGE);
  }
  if (*topic == '\0') {
    print_list(stdout, commands, n);
    return kith_cli_finish_stdout();
  }
  for (size_t i = 0; i < KITH_COUNT_OF(topics); i++) {
    size_t len = strlen(topics[i].name);

    /* The singular too: "kith help round". */
    if (strcmp(topics[i].name, topic) == 0 ||
        (strlen(topic) + 1 == len && strncmp(topics[i].name, topic, len - 1) == 0)) {
      (void)fputs(topics[i].text, stdout);
      return kith_cli_finish_stdout();
    }
  }
  for (size_t i = 0; i < n; i++) {
    if (commands[i].run && strcmp(commands[i].name, topic) == 0) {
      char name[16];
      char *argv[] = {name, help, NULL};

      (void)snprintf(name, sizeof name, "%s", topic);
      return commands[i].run(2, argv);
    }
  }
  return kith_cli_error(KITH_ERR_USAGE, "no help on \"%.40s\"; 'kith help' lists what there is",
                        topic);
}

int kith_cli_version(void)
{
  printf("kith %s\n", KITH_VERSION);
  return kith_cli_finish_stdout();
}
