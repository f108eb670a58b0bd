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
  bool objections; /* all that are on the agency's list, in place of an id */
  bool json;
  kith_round_id round;
  char id[KITH_ID_BYTES_MAX + 1];
  struct kith_home home;
};

/* A request; the caller's. NULL: no memory. */
static json_t *request_make(const struct withdrawing *withdrawing, const char *verb,
                            const char *round)
{
  json_t *request =
      json_pack("{s:s, s:s, s:s}", "do", verb, "round", round, "reason", withdrawing->reason);

  if (withdrawing->objections)
    json_object_set_new(request, "objections", json_true());
  else
    json_object_set_new(request, "id", json_string(withdrawing->id));
  return request;
}

static enum kith_err decide(struct withdrawing *withdrawing, json_t **reply,
                            struct kith_fault *fault)
{
  struct kith_officer_question question = {.member = withdrawing->home.config.id,
                                           .kind = KITH_OFFICER_WITHDRAW};
  KITH_AUTO_FREE char *base64 = NULL;
  char round[2 * KITH_ROUND_ID_BYTES + 1];
  json_t *shown = NULL;
  json_t *request;
  enum kith_err err;

  kith_hex_encode(round, withdrawing->round, sizeof withdrawing->round);
  err = kith_home_ask(&withdrawing->home, &shown, request_make(withdrawing, "withdraw-show", round),
                      fault);
  if (err != KITH_OK)
    return err;
  memcpy(question.round, withdrawing->round, sizeof question.round);
  err = kith_cli_decide(&base64, &withdrawing->decider, shown, &question, 0, fault);
  json_decref(shown);
  if (err != KITH_OK)
    return err;
  request = request_make(withdrawing, "withdraw", round);
  json_object_set_new(request, "decision", json_string(base64));
  return kith_home_ask(&withdrawing->home, reply, request, fault);
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
  if (fault.err == KITH_OK && !withdrawing->objections)
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

/* NULL: nothing. */
static const char *what_is_missing(struct withdrawing *withdrawing)
{
  if (!withdrawing->decider.officer_key)
    return "--officer-key is needed: an officer decides, with a key of their own";
  if (withdrawing->objections && (withdrawing->id_path || withdrawing->reason))
    return "--objections stands alone: the list has the ids, and the reason is objection";
  if (withdrawing->objections)
    withdrawing->reason = "objection";
  else if (!withdrawing->id_path)
    return "--id-file or --objections is needed: an id is never an argument";
  return withdrawing->reason ? NULL : "--reason: expected objection, erasure, error or other";
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
             "its one line is the record's id; - is standard input"),
      {.name = "objections",
       .kind = KITH_CLI_FLAG,
       .out = &withdrawing.objections,
       .help = "in place of --id-file: all who are on this agency's list of objections"},
      STRING("reason", &withdrawing.reason, "CODE",
             "objection, erasure, error or other; needed with --id-file"),
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
      .usage =
          "kith round withdraw --officer-key FILE (--id-file FILE --reason CODE | --objections) "
          "ROUND",
      .about =
          "An officer takes a record of this agency out of a round. Before the release it is left "
          "out of the list; after it, recipients are told that it is withdrawn, and it is not "
          "disclosed any more. Under blind comparison the person is taken out, by any of this "
          "agency's records of them. One officer is enough; it can't be undone. The id is "
          "personal: "
          "it is never given on the command line.",
      .examples = "  $ kith round withdraw --officer-key ~/officer.key --id-file id.txt \\\n"
                  "      --reason objection 6f1c...\n"
                  "  $ kith round withdraw --officer-key ~/officer.key --objections 6f1c...\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  const char *missing;
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first + 1 != argc)
    return kith_cli_usage(spec.usage, "expected one round");
  if ((missing = what_is_missing(&withdrawing)))
    return kith_cli_usage(spec.usage, "%s", missing);
  return run(&withdrawing, argv[first]);
}
