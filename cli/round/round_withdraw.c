/* `kith round withdraw`: an officer takes a record of the agency out of a round. The record's id
 * comes from a file or standard input, never from the command line. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/decision.h"
#include "cli/home.h"
#include "cli/round/round.h"
#include "cli/source/source.h"
#include "cli/verbs.h"
#include "crypto/secret.h"

struct withdrawing {
  const char *home_dir;
  const char *id_path;
  const char *reason;
  struct kith_cli_decider decider;
  bool json;
  kith_round_id round;
  char id[KITH_ID_BYTES_MAX + 1];
  struct kith_home home;
};

static enum kith_err decide(struct withdrawing *withdrawing, json_t **reply,
                            struct kith_fault *fault)
{
  struct kith_officer_question question = {.member = withdrawing->home.config.id,
                                           .kind = KITH_OFFICER_WITHDRAW};
  KITH_AUTO_FREE char *base64 = NULL;
  char round[2 * KITH_ROUND_ID_BYTES + 1];
  json_t *shown = NULL;
  enum kith_err err;

  kith_hex_encode(round, withdrawing->round, sizeof withdrawing->round);
  err = kith_home_ask(&withdrawing->home, &shown,
                      json_pack("{s:s, s:s, s:s, s:s}", "do", "withdraw-show", "round", round, "id",
                                withdrawing->id, "reason", withdrawing->reason),
                      fault);
  if (err != KITH_OK)
    return err;
  memcpy(question.round, withdrawing->round, sizeof question.round);
  err = kith_cli_decide(&base64, &withdrawing->decider, shown, &question, 0, fault);
  json_decref(shown);
  if (err != KITH_OK)
    return err;
  return kith_home_ask(&withdrawing->home, reply,
                       json_pack("{s:s, s:s, s:s, s:s, s:s}", "do", "withdraw", "round", round,
                                 "id", withdrawing->id, "reason", withdrawing->reason, "decision",
                                 base64),
                       fault);
}

static int run(struct withdrawing *withdrawing, const char *round)
{
  struct kith_fault fault = {0};
  json_t *reply = NULL;
  int status;

  fault.err = kith_cli_round_id(withdrawing->round, round, &fault);
  if (fault.err == KITH_OK)
    fault.err = kith_home_open(&withdrawing->home, withdrawing->home_dir, &fault);
  if (fault.err == KITH_OK && !withdrawing->home.agency)
    fault.err = kith_fail(&fault, KITH_ERR_CONFIG,
                          "only an agency withdraws its records: this home has no kithd.conf");
  if (fault.err == KITH_OK)
    fault.err = kith_source_id_read(withdrawing->id, withdrawing->id_path, &fault);
  if (fault.err == KITH_OK)
    fault.err = decide(withdrawing, &reply, &fault);
  kith_wipe(withdrawing->id, sizeof withdrawing->id);
  kith_home_close(&withdrawing->home);
  if (fault.err != KITH_OK) {
    status = kith_cli_fail(&fault);
  } else if (withdrawing->json) {
    (void)json_object_del(reply, "ok");
    status = kith_cli_json(json_incref(reply));
  } else {
    printf("withdrawn; 'kith round show' says when the matcher has taken it\n");
    status = kith_cli_finish_stdout();
  }
  json_decref(reply);
  return status;
}

#define STRING(name_, out_, value_, help_)                                                         \
  {                                                                                                \
    .name = (name_), .kind = KITH_CLI_STRING, .out = (out_), .value = (value_), .help = (help_)    \
  }

int kith_round_withdraw(int argc, char **argv)
{
  struct withdrawing withdrawing = {0};
  const struct kith_cli_option options[] = {
      STRING("officer-key", &withdrawing.decider.officer_key, "FILE",
             "the officer's key file, of 'kith officer new' (required)"),
      STRING("passphrase-file", &withdrawing.decider.passphrase_file, "FILE",
             "its first line unwraps the officer's key; asked for otherwise"),
      STRING("id-file", &withdrawing.id_path, "FILE",
             "its one line is the record's id; - is standard input (required)"),
      STRING("reason", &withdrawing.reason, "CODE",
             "objection, erasure, error or other (required)"),
      STRING("shown", &withdrawing.decider.shown, "HASH",
             "decide on the text that has this hash, and no other"),
      STRING("home", &withdrawing.home_dir, "DIR",
             "this agency's home; $KITH_HOME, ~/.config/kith"),
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &withdrawing.json, .help = "print JSON"},
      {.name = "quiet",
       .kind = KITH_CLI_FLAG,
       .out = &withdrawing.decider.quiet,
       .help = "don't print what is decided on, where no terminal is asked"}};
  const struct kith_cli_spec spec = {
      .usage = "kith round withdraw --officer-key FILE --id-file FILE --reason CODE ROUND",
      .about =
          "An officer takes a record of this agency out of a round. Before the release it is left "
          "out of the list; after it, recipients are told that it is withdrawn, and it is not "
          "disclosed any more. Under blind comparison the person is taken out, by any of this "
          "agency's records of them. One officer is enough; it can't be undone. The id is "
          "personal: "
          "it is never given on the command line.",
      .examples = "  $ kith round withdraw --officer-key ~/officer.key --id-file id.txt \\\n"
                  "      --reason objection 6f1c...\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first + 1 != argc)
    return kith_cli_usage(spec.usage, "expected one round");
  if (!withdrawing.id_path)
    return kith_cli_usage(spec.usage, "--id-file is needed: an id is never an argument");
  if (!withdrawing.decider.officer_key)
    return kith_cli_usage(spec.usage, "--officer-key is needed: an officer decides, with a key of "
                                      "their own");
  if (!withdrawing.reason)
    return kith_cli_usage(spec.usage, "--reason: expected objection, erasure, error or other");
  return run(&withdrawing, argv[first]);
}
