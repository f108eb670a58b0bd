/* `kith round join` and `decline`: an officer decides for the agency, with a key of their own. What
 * is signed are the bytes that kithd shows at this moment. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/decision.h"
#include "cli/home.h"
#include "cli/round/round.h"
#include "cli/verbs.h"

enum { HEX_BYTES = 2 * KITH_ROUND_ID_BYTES + 1 };

struct decide {
  enum kith_officer_kind kind;
  const char *home_dir;
  struct kith_cli_decider decider;
  const char *reason_name;
  enum kith_officer_reason reason;
  bool json;
  kith_round_id round;
  struct kith_home home;
};

static const char *string_of(const json_t *object, const char *key)
{
  const char *text = json_string_value(json_object_get(object, key));

  return text ? text : "";
}

static enum kith_err decide_round(struct decide *decide, json_t **reply, struct kith_fault *fault)
{
  struct kith_officer_question question = {.member = decide->home.config.id, .kind = decide->kind};
  KITH_AUTO_FREE char *base64 = NULL;
  char id[HEX_BYTES];
  json_t *shown = NULL;
  enum kith_err err;

  kith_hex_encode(id, decide->round, sizeof decide->round);
  err = kith_home_ask(&decide->home, &shown, json_pack("{s:s, s:s}", "do", "show", "round", id),
                      fault);
  if (err != KITH_OK)
    return err;
  memcpy(question.round, decide->round, sizeof question.round);
  err =
      kith_cli_decide(&base64, &decide->decider, shown, &question, (uint32_t)decide->reason, fault);
  json_decref(shown);
  if (err != KITH_OK)
    return err;
  return kith_home_ask(&decide->home, reply,
                       json_pack("{s:s, s:s, s:s}", "do", kith_officer_kind_name(decide->kind),
                                 "round", id, "decision", base64),
                       fault);
}

/* ---- the commands */

enum { N_OPTIONS = KITH_CLI_DECIDER_OPTIONS + 1 };

static int print_reply(const struct decide *decide, json_t *reply)
{
  const char *waiting = string_of(reply, "waiting");

  if (decide->json) {
    (void)json_object_del(reply, "ok");
    return kith_cli_json(json_incref(reply));
  }
  if (*waiting)
    printf("kept: %s\n", waiting);
  else
    printf("%s %s\n", decide->home.config.id,
           decide->kind == KITH_OFFICER_JOIN ? "joins" : "declines");
  return kith_cli_finish_stdout();
}

static int decide_verb(int argc, char **argv, enum kith_officer_kind kind,
                       const struct kith_cli_spec *words)
{
  struct decide decide = {.kind = kind};
  struct kith_cli_option options[N_OPTIONS];
  struct kith_cli_spec spec = *words;
  struct kith_fault fault = {0};
  json_t *reply = NULL;
  int first;
  int status;

  kith_cli_decider_options(options, &decide.decider, &decide.home_dir, &decide.json);
  options[N_OPTIONS - 1] =
      (struct kith_cli_option){.name = "reason",
                               .kind = KITH_CLI_STRING,
                               .out = &decide.reason_name,
                               .value = "CODE",
                               .help = "to decline: purpose, gateway, scope, data or other"};
  spec.options = options;
  spec.n_options = kind == KITH_OFFICER_DECLINE ? N_OPTIONS : N_OPTIONS - 1;
  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first + 1 != argc)
    return kith_cli_usage(spec.usage, "expected one round");
  if (!decide.decider.officer_key)
    return kith_cli_usage(spec.usage, "--officer-key is needed: an officer decides, with a key of "
                                      "their own");
  if (decide.reason_name &&
      kith_officer_reason_parse(&decide.reason, decide.reason_name) != KITH_OK)
    return kith_cli_usage(spec.usage, "--reason: expected purpose, gateway, scope, data or other");
  fault.err = kith_cli_round_id(decide.round, argv[first], &fault);
  if (fault.err == KITH_OK)
    fault.err = kith_home_open(&decide.home, decide.home_dir, &fault);
  if (fault.err == KITH_OK && !decide.home.agency)
    fault.err = kith_fail(&fault, KITH_ERR_CONFIG,
                          "only an agency's officers join or decline: this home has no kithd.conf");
  if (fault.err == KITH_OK)
    fault.err = decide_round(&decide, &reply, &fault);
  status = fault.err == KITH_OK ? print_reply(&decide, reply) : kith_cli_fail(&fault);
  json_decref(reply);
  kith_home_close(&decide.home);
  return status;
}

int kith_round_join(int argc, char **argv)
{
  static const struct kith_cli_spec words = {
      .usage = "kith round join --officer-key FILE [--shown HASH] ROUND",
      .about =
          "An officer lets this agency take part: signs what would leave, as kithd shows it "
          "now, with their own key. Prints it first, and asks where there is a terminal. Where "
          "the policy wants two officers, the agency joins with the second.",
      .examples = "  $ kith round show 6f1c...\n"
                  "  $ kith round join --officer-key ~/officer.key 6f1c...\n"};

  return decide_verb(argc, argv, KITH_OFFICER_JOIN, &words);
}

int kith_round_decline(int argc, char **argv)
{
  static const struct kith_cli_spec words = {
      .usage = "kith round decline --officer-key FILE [--reason CODE] [--shown HASH] ROUND",
      .about = "This agency takes no part in the round. One officer is enough, whatever the policy "
               "wants for joining.",
      .examples = "  $ kith round decline --officer-key ~/officer.key --reason scope 6f1c...\n"};

  return decide_verb(argc, argv, KITH_OFFICER_DECLINE, &words);
}
