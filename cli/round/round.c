/* `kith round`: open, join, watch and end rounds. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/home.h"
#include "cli/round/round.h"
#include "cli/verbs.h"

enum { HEX_BYTES = 2 * KITH_ROUND_ID_BYTES + 1, DAY_S = 86400 };

/* What most verbs take: a home, a passphrase, a round. */
struct common {
  const char *home;
  const char *passphrase_file;
  bool json;
  bool quiet;
};
enum { N_COMMON = 4 };

static void common_options(struct kith_cli_option options[N_COMMON], struct common *common)
{
  options[0] = (struct kith_cli_option){.name = "home",
                                        .kind = KITH_CLI_STRING,
                                        .out = &common->home,
                                        .value = "DIR",
                                        .help = "this member's home; $KITH_HOME, ~/.config/kith"};
  options[1] = (struct kith_cli_option){.name = "passphrase-file",
                                        .kind = KITH_CLI_STRING,
                                        .out = &common->passphrase_file,
                                        .value = "FILE",
                                        .help = "its first line unwraps the key file"};
  options[2] = (struct kith_cli_option){
      .name = "json", .kind = KITH_CLI_FLAG, .out = &common->json, .help = "print JSON"};
  options[3] = (struct kith_cli_option){
      .name = "quiet", .kind = KITH_CLI_FLAG, .out = &common->quiet, .help = "no progress"};
}

/* Parses the common options and one operand, the round; opens the home. False: leave with *status.
 */
static bool begin(struct kith_home *home, struct common *common, kith_round_id id,
                  const struct kith_cli_spec *spec, int argc, char **argv, int *status)
{
  struct kith_fault fault = {0};
  int first;

  if (!kith_cli_parse(spec, argc, argv, &first, status))
    return false;
  if (first + 1 != argc) {
    *status = kith_cli_usage(spec->usage, "expected one round");
    return false;
  }
  fault.err = kith_cli_round_id(id, argv[first], &fault);
  if (fault.err == KITH_OK)
    fault.err = kith_home_open(home, common->home, &fault);
  if (fault.err != KITH_OK) {
    *status = kith_cli_fail(&fault);
    return false;
  }
  return true;
}

static int finish(struct kith_home *home, struct kith_fault *fault, enum kith_err err)
{
  kith_home_close(home);
  if (err == KITH_OK)
    return 0;
  fault->err = err;
  return kith_cli_fail(fault);
}

/* ---- open
 * ---------------------------------------------------------------------------------------------- */

struct opening {
  const char *policy_path;
  struct kith_cli_list agencies;
  struct kith_cli_list recipients;
  uint64_t days;
};

static int compare_ids(const void *a, const void *b)
{
  return strcmp(a, b);
}

static enum kith_err fill_members(kith_member_id *out, unsigned *n, unsigned max,
                                  const struct kith_cli_list *given, struct kith_fault *fault)
{
  if (given->n > max)
    return kith_fail(fault, KITH_ERR_USAGE, "at most %u of them", max);
  for (size_t i = 0; i < given->n; i++) {
    if (!kith_member_id_valid(given->items[i]))
      return kith_fail(fault, KITH_ERR_USAGE, "a member's id was expected: a-z, 0-9 and _");
    memset(out[i], 0, sizeof out[i]);
    memcpy(out[i], given->items[i], strlen(given->items[i]));
  }
  *n = (unsigned)given->n;
  return KITH_OK;
}

/* All agencies and recipients of the policy, unless some were named. */
static enum kith_err invite(struct kith_open *open, const struct kith_policy *policy,
                            const struct opening *opening, struct kith_fault *fault)
{
  enum kith_err err;

  if ((err = fill_members(open->agencies, &open->n_agencies, KITH_AGENCIES_MAX, &opening->agencies,
                          fault)) != KITH_OK ||
      (err = fill_members(open->recipients, &open->n_recipients, KITH_RECIPIENTS_MAX,
                          &opening->recipients, fault)) != KITH_OK)
    return err;
  if (!open->n_agencies)
    for (; open->n_agencies < policy->n_agencies; open->n_agencies++)
      memcpy(open->agencies[open->n_agencies], policy->agencies[open->n_agencies].id,
             sizeof open->agencies[0]);
  if (!open->n_recipients)
    for (; open->n_recipients < policy->n_recipients; open->n_recipients++)
      memcpy(open->recipients[open->n_recipients], policy->recipients[open->n_recipients],
             sizeof open->recipients[0]);
  qsort(open->agencies, open->n_agencies, sizeof *open->agencies, compare_ids);
  qsort(open->recipients, open->n_recipients, sizeof *open->recipients, compare_ids);
  if (open->n_agencies < 2 || !open->n_recipients)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "a round needs two agencies and a recipient: the policy names %u and %u",
                     open->n_agencies, open->n_recipients);
  return KITH_OK;
}

static void set_terms(struct kith_open *open, const struct kith_policy *policy, uint64_t days)
{
  int64_t now = kith_clock_now();

  open->quorum = policy->quorum < 2 ? 2 : policy->quorum;
  open->quorum = open->quorum > open->n_agencies ? open->n_agencies : open->quorum;
  open->gather_s = policy->gather_s;
  open->keying_s = policy->keying_s;
  open->submit_s = policy->submit_s;
  open->expires = now + (int64_t)days * DAY_S;
  if (open->expires > policy->expires)
    open->expires = policy->expires;
}

static enum kith_err open_round(struct kith_home *home, const struct opening *opening,
                                struct kith_statement *statement, struct kith_said *said,
                                struct kith_fault *fault)
{
  struct kith_policy *policy = KITH_NEW(struct kith_policy);
  struct kith_signed document = {0};
  struct kith_open *open = &statement->body.open;
  enum kith_err err = KITH_ERR_MEMORY;

  if (!policy)
    return kith_fail(fault, err, "out of memory");
  err = kith_cli_policy_load(&document, policy, opening->policy_path, fault);
  if (err == KITH_OK)
    err = kith_signed_verify(&document, &home->charter.governance, fault);
  if (err == KITH_OK)
    err = invite(open, policy, opening, fault);
  if (err == KITH_OK)
    err = kith_home_publish(home, &home->charter_document, fault);
  if (err == KITH_OK)
    err = kith_home_publish(home, &document, fault);
  if (err == KITH_OK) {
    statement->type = KITH_STATEMENT_OPEN;
    statement->attempt = 1;
    kith_random_bytes(statement->round, sizeof statement->round);
    open->charter = home->charter_hash;
    kith_signed_hash(&open->policy, &document);
    set_terms(open, policy, opening->days);
    err = kith_home_say(home, statement, said, fault);
  }
  kith_signed_free(&document);
  kith_free(policy);
  return err;
}

static int print_opened(const kith_round_id round, const struct kith_said *said, bool json)
{
  char id[HEX_BYTES];

  kith_hex_encode(id, round, KITH_ROUND_ID_BYTES);
  kith_said_print(said);
  if (json)
    return kith_cli_json(json_pack("{s:s, s:b}", "round", id, "said", said->said));
  puts(id);
  return kith_cli_finish_stdout();
}

static int round_open(int argc, char **argv)
{
  struct common common = {0};
  struct opening opening = {.days = 30};
  struct kith_cli_option options[N_COMMON + 4] = {
      [N_COMMON] = {.name = "policy",
                    .kind = KITH_CLI_STRING,
                    .out = &opening.policy_path,
                    .value = "FILE",
                    .help = "the signed policy (required)"},
      [N_COMMON + 1] = {.name = "agency",
                        .kind = KITH_CLI_LIST,
                        .out = &opening.agencies,
                        .value = "ID",
                        .help = "invite only these; all of the policy otherwise"},
      [N_COMMON + 2] = {.name = "recipient",
                        .kind = KITH_CLI_LIST,
                        .out = &opening.recipients,
                        .value = "ID",
                        .help = "who receives the list; those of the policy otherwise"},
      [N_COMMON + 3] = {.name = "days",
                        .kind = KITH_CLI_U64,
                        .out = &opening.days,
                        .value = "N",
                        .help = "the round ends by itself after so many days (30)",
                        .min = 1,
                        .max = 366}};
  const struct kith_cli_spec spec = {
      .usage = "kith round open --policy FILE [--agency ID ...] [--recipient ID ...] [--days N]",
      .about = "Opens a round under a signed policy: publishes charter and policy to the matcher, "
               "and invites the agencies. Prints the round's id.",
      .examples = "  $ kith round open --home lead --policy policy.json\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_statement statement = {0};
  struct kith_fault fault = {0};
  struct kith_said said = {0};
  struct kith_home home = {0};
  int first;
  int status;

  common_options(options, &common);
  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (!opening.policy_path || first != argc)
    return kith_cli_usage(spec.usage, "expected --policy");
  fault.err = kith_home_open(&home, common.home, &fault);
  if (fault.err == KITH_OK)
    fault.err = kith_home_connect(&home, common.passphrase_file, &fault);
  if (fault.err == KITH_OK)
    fault.err = open_round(&home, &opening, &statement, &said, &fault);
  if (fault.err != KITH_OK)
    return finish(&home, &fault, fault.err);
  kith_home_close(&home);
  return print_opened(statement.round, &said, common.json);
}

/* ---- abort, close, proceed
 * ---------------------------------------------------------------------------------- */

static enum kith_err say_ending(struct kith_home *home, const kith_round_id id,
                                enum kith_statement_type type, struct kith_said *said,
                                struct kith_fault *fault)
{
  struct kith_statement statement = {.type = type};
  struct kith_remote_round round = {0};
  enum kith_err err = kith_remote_round_fetch(&round, home, id, fault);

  if (err != KITH_OK)
    return err;
  memcpy(statement.round, id, sizeof statement.round);
  statement.attempt = kith_round_log_view(round.log)->attempt;
  statement.body.ending.reason = KITH_REASON_GOVERNANCE;
  kith_remote_round_free(&round);
  return kith_home_say(home, &statement, said, fault);
}

static enum kith_err say_abort(struct kith_home *home, const kith_round_id id,
                               struct kith_said *said, struct kith_fault *fault)
{
  return say_ending(home, id, KITH_STATEMENT_ABORT, said, fault);
}

static enum kith_err say_close(struct kith_home *home, const kith_round_id id,
                               struct kith_said *said, struct kith_fault *fault)
{
  return say_ending(home, id, KITH_STATEMENT_CLOSE, said, fault);
}

static enum kith_err say_consent(struct kith_home *home, const kith_round_id id,
                                 struct kith_said *said, struct kith_fault *fault)
{
  struct kith_statement statement = {.type = KITH_STATEMENT_CONSENT};
  struct kith_consent *consent = &statement.body.consent;
  struct kith_remote_round round = {0};
  const struct kith_round_view *view;
  enum kith_err err = kith_remote_round_fetch(&round, home, id, fault);

  if (err != KITH_OK)
    return err;
  view = kith_round_log_view(round.log);
  memcpy(statement.round, id, sizeof statement.round);
  statement.attempt = view->attempt;
  consent->roster = view->roster_hash;
  for (unsigned i = 0; i < view->n_seats; i++)
    if (view->seats[i].manifested)
      memcpy(consent->agencies[consent->n++], view->seats[i].member, sizeof(kith_member_id));
  if (!view->has_roster || consent->n < view->open.quorum)
    err = kith_fail(fault, KITH_ERR_NO, "%u agencies have submitted, and the quorum is %u",
                    consent->n, view->open.quorum);
  else
    err = kith_home_say(home, &statement, said, fault);
  kith_remote_round_free(&round);
  return err;
}

static int governance_verb(int argc, char **argv, const char *usage, const char *about,
                           const char *example,
                           enum kith_err (*say)(struct kith_home *, const kith_round_id,
                                                struct kith_said *, struct kith_fault *))
{
  struct common common = {0};
  struct kith_cli_option options[N_COMMON];
  const struct kith_cli_spec spec = {.usage = usage,
                                     .about = about,
                                     .examples = example,
                                     .options = options,
                                     .n_options = N_COMMON};
  struct kith_fault fault = {0};
  struct kith_said said = {0};
  struct kith_home home = {0};
  kith_round_id id;
  int status;

  common_options(options, &common);
  if (!begin(&home, &common, id, &spec, argc, argv, &status))
    return status;
  fault.err = kith_home_connect(&home, common.passphrase_file, &fault);
  if (fault.err == KITH_OK)
    fault.err = say(&home, id, &said, &fault);
  if (fault.err == KITH_OK)
    kith_said_print(&said);
  return finish(&home, &fault, fault.err);
}

static int round_abort(int argc, char **argv)
{
  return governance_verb(argc, argv, "kith round abort ROUND",
                         "Ends a round before its release: everything of it is destroyed "
                         "everywhere, and each member says so.",
                         "  $ kith round abort --home lead 6f1c...\n", say_abort);
}

static int round_close(int argc, char **argv)
{
  return governance_verb(argc, argv, "kith round close ROUND",
                         "Closes a released round: lists at the matcher and handle tables at the "
                         "agencies are destroyed. What the recipient pulled is the recipient's.",
                         "  $ kith round close --home lead 6f1c...\n", say_close);
}

static int round_proceed(int argc, char **argv)
{
  return governance_verb(argc, argv, "kith round proceed ROUND",
                         "Consents to matching with the agencies that have submitted, where others "
                         "of the roster have not by the deadline.",
                         "  $ kith round proceed --home lead 6f1c...\n", say_consent);
}

int kith_cmd_round(int argc, char **argv)
{
  static const struct kith_cli_verb verbs[] = {
      {"open", round_open, "open a round under a signed policy"},
      {"list", kith_round_list, "the rounds that this member knows"},
      {"show", kith_round_show, "one round, in words"},
      {"watch", kith_round_watch, "follow a round until it is released or over"},
      {"proposals", kith_round_proposals, "what waits for more governance signatures"},
      {"sign", kith_round_sign, "sign what another governance member proposed"},
      {"join", kith_round_join, "let this agency take part"},
      {"decline", kith_round_decline, "take no part"},
      {"withdraw", kith_round_withdraw, "take a record of this agency out of the round"},
      {"proceed", round_proceed, "consent to a roster that shrank"},
      {"abort", round_abort, "end a round before its release"},
      {"close", round_close, "close a released round"},
      {"trial-map", kith_round_trial_map, "who is behind the handles of a trial round"}};

  return kith_cli_verbs("round",
                        "A round is one matching run under one policy: 'kith help rounds'.", verbs,
                        KITH_COUNT_OF(verbs), argc, argv);
}
