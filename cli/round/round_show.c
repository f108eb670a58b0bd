/* `kith round list`, `show` and `watch`: an agency's daemon is asked, others ask the matcher and
 * verify what it relays. Both give the same JSON, and from that the same words. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/round/round.h"
#include "cli/verbs.h"
#include "proto/officer.h"
#include "proto/withdrawal.h"

enum { HEX_BYTES = 2 * KITH_ROUND_ID_BYTES + 1, N_OPTIONS = 4, WATCH_MS = 500 };

struct show {
  const char *home_dir;
  const char *passphrase_file;
  bool json;
  bool quiet;
  bool recount; /* the records in scope */
  struct kith_home home;
};

static void show_options(struct kith_cli_option options[N_OPTIONS], struct show *show)
{
  options[0] = (struct kith_cli_option){.name = "home",
                                        .kind = KITH_CLI_STRING,
                                        .out = &show->home_dir,
                                        .value = "DIR",
                                        .help = "this member's home; $KITH_HOME, ~/.config/kith"};
  options[1] = (struct kith_cli_option){.name = "passphrase-file",
                                        .kind = KITH_CLI_STRING,
                                        .out = &show->passphrase_file,
                                        .value = "FILE",
                                        .help = "its first line unwraps the key file"};
  options[2] = (struct kith_cli_option){
      .name = "json", .kind = KITH_CLI_FLAG, .out = &show->json, .help = "print JSON"};
  options[3] = (struct kith_cli_option){
      .name = "quiet", .kind = KITH_CLI_FLAG, .out = &show->quiet, .help = "no progress"};
}

static enum kith_err show_connect(struct show *show, struct kith_fault *fault)
{
  enum kith_err err = kith_home_open(&show->home, show->home_dir, fault);

  if (err == KITH_OK && !show->home.agency)
    err = kith_home_connect(&show->home, show->passphrase_file, fault);
  return err;
}

static json_t *time_json(int64_t seconds)
{
  char text[KITH_TIME_BYTES];

  if (!seconds)
    return json_null();
  kith_time_format(text, seconds);
  return json_string(text);
}

/* ---- the matcher's rounds as JSON
 * ------------------------------------------------------------------ */

static json_t *seats_json(const struct kith_round_view *view)
{
  json_t *seats = json_array();

  for (unsigned i = 0; i < view->n_seats; i++) {
    const struct kith_seat *seat = &view->seats[i];
    const char *did = seat->manifested  ? "submitted"
                      : seat->intended  ? "submitting"
                      : seat->confirmed ? "confirmed"
                      : seat->opened    ? "contributed"
                      : seat->committed ? "committed"
                      : seat->joined    ? "joined"
                      : seat->declined  ? "declined"
                      : !seat->invited  ? "left out"
                                        : "invited";

    json_array_append_new(seats, json_pack("{s:s, s:s, s:I}", "agency", seat->member, "step", did,
                                           "withdrawn",
                                           (json_int_t)kith_withdrawals_by(view, seat->member)));
  }
  return seats;
}

static json_t *remote_json(const struct kith_remote_round *round)
{
  const struct kith_round_view *view = kith_round_log_view(round->log);
  char id[HEX_BYTES];
  json_t *object;

  kith_hex_encode(id, view->round, KITH_ROUND_ID_BYTES);
  object = json_pack("{s:s, s:s, s:i, s:o, s:o, s:i, s:o}", "round", id, "state",
                     kith_round_state_name(round->state), "attempt", (int)view->attempt, "opened",
                     time_json(view->opened_at), "deadline", time_json(round->deadline), "progress",
                     (int)round->progress, "agencies", seats_json(view));
  if (object && view->aborted) {
    json_object_set_new(object, "reason", json_string(kith_reason_name(view->abort.reason)));
    json_object_set_new(object, "by", json_string(view->aborted_by));
    json_object_set_new(object, "culprit", json_string(view->abort.culprit));
  }
  if (object && view->n_withdrawals)
    json_object_set_new(object, "withdrawn", json_integer((json_int_t)view->n_withdrawals));
  if (object && view->released)
    json_object_set_new(object, "threshold", json_string(view->release.threshold));
  return object;
}

static enum kith_err fetch_remote(struct show *show, json_t **out, const kith_round_id id,
                                  struct kith_fault *fault)
{
  struct kith_remote_round round = {0};
  enum kith_err err = kith_remote_round_fetch(&round, &show->home, id, fault);

  if (err != KITH_OK)
    return err;
  *out = remote_json(&round);
  kith_remote_round_free(&round);
  return *out ? KITH_OK : kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
}

/* kithd gives times as numbers. */
static void times_to_text(json_t *object)
{
  static const char *const keys[] = {"opened", "deadline", "expires"};
  json_t *decision;
  size_t i;

  for (i = 0; i < KITH_COUNT_OF(keys); i++) {
    json_t *value = json_object_get(object, keys[i]);

    if (json_is_integer(value))
      json_object_set_new(object, keys[i], time_json(json_integer_value(value)));
  }
  json_array_foreach(json_object_get(object, "decisions"), i, decision) json_object_set_new(
      decision, "time", time_json(json_integer_value(json_object_get(decision, "time"))));
  json_object_del(object, "ok");
  json_object_del(object, "now");
}

static enum kith_err fetch_round(struct show *show, json_t **out, const kith_round_id id,
                                 struct kith_fault *fault)
{
  char text[HEX_BYTES];
  enum kith_err err;

  if (!show->home.agency)
    return fetch_remote(show, out, id, fault);
  kith_hex_encode(text, id, KITH_ROUND_ID_BYTES);
  err = kith_home_ask(
      &show->home, out,
      json_pack("{s:s, s:s}", "do", show->recount ? "recount" : "show", "round", text), fault);
  if (err == KITH_OK)
    times_to_text(*out);
  return err;
}

/* ---- list
 * --------------------------------------------------------------------------------------------- */

static enum kith_err list_remote(struct show *show, json_t **out, struct kith_fault *fault)
{
  struct kith_request request = {.type = KITH_REQUEST_ROUND_LIST};
  struct kith_reply reply;
  json_t *rounds = json_array();
  enum kith_err err = kith_home_call(&show->home, &reply, &request, fault);

  if (err != KITH_OK) {
    json_decref(rounds);
    return err;
  }
  for (uint32_t i = 0; i < reply.body.round_list.n; i++) {
    const struct kith_round_entry *entry = &reply.body.round_list.rounds[i];
    char id[HEX_BYTES];

    kith_hex_encode(id, entry->round, KITH_ROUND_ID_BYTES);
    json_array_append_new(rounds, json_pack("{s:s, s:s, s:i, s:o, s:o}", "round", id, "state",
                                            kith_round_state_name(entry->state), "attempt",
                                            (int)entry->attempt, "opened", time_json(entry->opened),
                                            "deadline", time_json(entry->deadline)));
  }
  kith_reply_free(&reply);
  *out = rounds;
  return KITH_OK;
}

static enum kith_err list_rounds(struct show *show, json_t **out, struct kith_fault *fault)
{
  json_t *reply = NULL;
  json_t *round;
  size_t i;
  enum kith_err err;

  if (!show->home.agency)
    return list_remote(show, out, fault);
  err = kith_home_ask(&show->home, &reply, json_pack("{s:s}", "do", "rounds"), fault);
  if (err != KITH_OK)
    return err;
  *out = json_incref(json_object_get(reply, "rounds"));
  json_decref(reply);
  json_array_foreach(*out, i, round) times_to_text(round);
  return *out ? KITH_OK : kith_fail(fault, KITH_ERR_INTERNAL, "kithd's answer has no rounds");
}

static const char *text_of(const json_t *object, const char *key)
{
  const char *text = json_string_value(json_object_get(object, key));

  return text ? text : "";
}

static int print_list(const json_t *rounds)
{
  struct kith_cli_table table = {0};
  const json_t *round;
  size_t i;
  enum kith_err err;

  KITH_CLI_ROW(&table, "ROUND", "STATE", "OPENED", "UNTIL", "PROBLEM");
  json_array_foreach(rounds, i, round)
  {
    const char *problem = text_of(round, "problem");

    KITH_CLI_ROW(&table, text_of(round, "round"), text_of(round, "state"), text_of(round, "opened"),
                 text_of(round, "deadline"), *problem ? problem : text_of(round, "waiting"));
  }
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  return err == KITH_OK ? kith_cli_finish_stdout() : kith_cli_error(err, "out of memory");
}

int kith_round_list(int argc, char **argv)
{
  struct show show = {0};
  struct kith_cli_option options[N_OPTIONS];
  const struct kith_cli_spec spec = {.usage = "kith round list [--home DIR] [--json]",
                                     .about = "The rounds that this member knows.",
                                     .examples = "  $ kith round list\n",
                                     .options = options,
                                     .n_options = N_OPTIONS};
  struct kith_fault fault = {0};
  json_t *rounds = NULL;
  int first;
  int status;

  show_options(options, &show);
  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first != argc)
    return kith_cli_usage(spec.usage, "no operands were expected");
  fault.err = show_connect(&show, &fault);
  if (fault.err == KITH_OK)
    fault.err = list_rounds(&show, &rounds, &fault);
  kith_home_close(&show.home);
  if (fault.err != KITH_OK)
    return kith_cli_fail(&fault);
  if (show.json)
    return kith_cli_json(rounds);
  status = print_list(rounds);
  json_decref(rounds);
  return status;
}

/* ---- show */

static void print_value(const char *key, const json_t *value)
{
  const json_t *item;
  size_t i;

  if (json_is_string(value) && json_string_length(value)) {
    printf("%-15s %s\n", key, json_string_value(value));
  } else if (json_is_integer(value)) {
    printf("%-15s %" JSON_INTEGER_FORMAT "\n", key, json_integer_value(value));
  } else if (json_is_boolean(value)) {
    printf("%-15s %s\n", key, json_is_true(value) ? "yes" : "no");
  } else if (json_is_array(value)) {
    printf("%-15s", key);
    json_array_foreach(value, i, item)
    {
      if (json_is_string(item))
        printf(" %s", json_string_value(item));
      else
        printf("%s%s: %s", i ? ", " : " ", text_of(item, "agency"), text_of(item, "step"));
    }
    putchar('\n');
  }
}

static void print_feedback(const json_t *feedback)
{
  static const char *const keys[] = {"right", "wrong"};

  for (size_t i = 0; i < KITH_COUNT_OF(keys); i++) {
    long long n = (long long)json_integer_value(json_object_get(feedback, keys[i]));

    if (n < 0)
      printf("%-15s too few to be shown\n", keys[i]);
    else
      printf("%-15s about %lld of this agency's records, as recipients say\n", keys[i], n);
  }
}

static void print_withdrawals(const json_t *list)
{
  const json_t *item;
  size_t i;

  json_array_foreach(list, i, item)
  {
    printf("%-15s record %.8s, %s: %s\n", "withdrawn", text_of(item, "index"),
           text_of(item, "reason"),
           !json_is_true(json_object_get(item, "taken")) ? "the matcher has not taken it yet"
           : json_is_true(json_object_get(item, "after_release"))
               ? "recipients are told at their next pull"
               : "left out of the release");
  }
}

/* Who has objected since this agency's records were sent: an officer decides. */
static void print_objected(const json_t *n)
{
  if (json_is_null(n))
    printf("%-15s the list can't be read: nobody knows who has objected since\n", "objections");
  else if (json_integer_value(n) > 0)
    printf("%-15s %lld on this agency's list are in this round: "
           "'kith round withdraw --objections'\n",
           "objections", (long long)json_integer_value(n));
}

/* Under blind comparison an agency takes its own duplicates out before it sends. */
static void print_duplicates(json_int_t n)
{
  if (n < 0)
    printf("%-15s too few to be shown\n", "duplicates");
  else
    printf("%-15s about %lld records were of people whom another record stands for; not sent\n",
           "duplicates", (long long)n);
}

/* An agency's view: what officers sign, word for word, and then how far it is. */
static void print_agency(const json_t *round)
{
  static const char *const keys[] = {"state",    "attempt", "deadline", "decision", "waiting",
                                     "finished", "problem", "reason",   "culprit"};
  const json_t *decision;
  size_t i;

  printf("%s\n", text_of(round, "text"));
  for (i = 0; i < KITH_COUNT_OF(keys); i++)
    print_value(keys[i], json_object_get(round, keys[i]));
  json_array_foreach(json_object_get(round, "decisions"), i, decision)
  {
    const char *reason =
        kith_officer_reason_name((unsigned)json_integer_value(json_object_get(decision, "reason")));

    printf("%-15s %s at %s: %s%s%s%s (key %s)\n", "decided by", text_of(decision, "officer"),
           text_of(decision, "time"), text_of(decision, "decision"),
           strcmp(reason, "none") == 0 ? "" : ", ", strcmp(reason, "none") == 0 ? "" : reason,
           json_is_true(json_object_get(decision, "on_list")) ? "" : ", no longer on the list",
           text_of(decision, "fingerprint"));
  }
  print_withdrawals(json_object_get(round, "withdrawals"));
  if (json_object_get(round, "objected"))
    print_objected(json_object_get(round, "objected"));
  if (json_is_integer(json_object_get(round, "duplicates")))
    print_duplicates(json_integer_value(json_object_get(round, "duplicates")));
  if (json_is_object(json_object_get(round, "feedback")))
    print_feedback(json_object_get(round, "feedback"));
  print_value("shown", json_object_get(round, "text_hash"));
}

static int print_round(json_t *round)
{
  const char *key;
  json_t *value;

  if (json_object_get(round, "text"))
    print_agency(round);
  else
    json_object_foreach(round, key, value) print_value(key, value);
  return kith_cli_finish_stdout();
}

/* Parses, connects and reads the operand; false: leave with *status. */
static bool begin(struct show *show, kith_round_id id, const struct kith_cli_spec *spec, int argc,
                  char **argv, int *status)
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
    fault.err = show_connect(show, &fault);
  if (fault.err == KITH_OK)
    return true;
  kith_home_close(&show->home);
  *status = kith_cli_fail(&fault);
  return false;
}

int kith_round_show(int argc, char **argv)
{
  struct show show = {0};
  struct kith_cli_option options[N_OPTIONS + 1] = {
      [N_OPTIONS] = {.name = "recount",
                     .kind = KITH_CLI_FLAG,
                     .out = &show.recount,
                     .help = "count the records in scope anew; what was decided before it, by a "
                             "first of two, is to be decided again"}};
  const struct kith_cli_spec spec = {
      .usage = "kith round show [--recount] ROUND",
      .about =
          "One round in words. At an agency: what would leave, of how many people, to whom, "
          "for what and until when, how that differs from the last round, and who has decided. "
          "Elsewhere: how far every agency is, verified statement by statement.",
      .examples = "  $ kith round show 6f1c...\n",
      .options = options,
      .n_options = N_OPTIONS + 1};
  struct kith_fault fault = {0};
  kith_round_id id;
  json_t *round = NULL;
  int status;

  show_options(options, &show);
  if (!begin(&show, id, &spec, argc, argv, &status))
    return status;
  fault.err = fetch_round(&show, &round, id, &fault);
  kith_home_close(&show.home);
  if (fault.err != KITH_OK)
    return kith_cli_fail(&fault);
  if (show.json)
    return kith_cli_json(round);
  status = print_round(round);
  json_decref(round);
  return status;
}

/* ---- watch */

static bool is_over(const char *state)
{
  return strcmp(state, "released") == 0 || strcmp(state, "closed") == 0 ||
         strcmp(state, "aborted") == 0;
}

/* Whether the agency at `index` is the first that is at its step. */
static bool first_at_step(const json_t *agencies, size_t index)
{
  const char *step = text_of(json_array_get(agencies, index), "step");

  for (size_t i = 0; i < index; i++)
    if (strcmp(text_of(json_array_get(agencies, i), "step"), step) == 0)
      return false;
  return true;
}

/* "committed: education health; joined: police", or "all submitted". */
static size_t describe_agencies(char *line, size_t cap, const json_t *agencies)
{
  size_t n = json_array_size(agencies);
  size_t used = 0;
  unsigned n_steps = 0;

  for (size_t i = 0; i < n; i++)
    n_steps += first_at_step(agencies, i);
  if (n_steps == 1)
    return (size_t)snprintf(line, cap, "all %s", text_of(json_array_get(agencies, 0), "step"));
  for (size_t i = 0; i < n && used < cap; i++) {
    const char *step = text_of(json_array_get(agencies, i), "step");

    if (!first_at_step(agencies, i))
      continue;
    used += (size_t)snprintf(line + used, cap - used, "%s%s:", used ? "; " : "", step);
    for (size_t k = i; k < n && used < cap; k++)
      if (strcmp(text_of(json_array_get(agencies, k), "step"), step) == 0)
        used += (size_t)snprintf(line + used, cap - used, " %s",
                                 text_of(json_array_get(agencies, k), "agency"));
  }
  return used;
}

/* The state, every agency's step and what stands in the way. */
static void describe(char *line, size_t cap, const json_t *round)
{
  const json_t *agencies = json_object_get(round, "agencies");
  size_t used = (size_t)snprintf(line, cap, "%-11s ", text_of(round, "state"));

  /* An agency's own view has the members' names only. */
  if (used < cap && json_is_object(json_array_get(agencies, 0)))
    used += describe_agencies(line + used, cap - used, agencies);
  if (text_of(round, "waiting")[0] && used < cap)
    used += (size_t)snprintf(line + used, cap - used, "  %s", text_of(round, "waiting"));
  if (text_of(round, "problem")[0] && used < cap)
    (void)snprintf(line + used, cap - used, "  problem: %s", text_of(round, "problem"));
}

enum { LINE_BYTES = 1024 };

struct watch {
  char last[LINE_BYTES];
  char label[32]; /* outlives the reply that it came with */
  struct kith_cli_progress progress;
  bool working; /* the progress is shown */
};

/* A line when something changes; in between a bar, or a line every ten seconds. */
static void print_change(struct watch *watch, const json_t *round)
{
  double share = (double)json_integer_value(json_object_get(round, "progress")) / 1000;
  char line[LINE_BYTES];

  describe(line, sizeof line, round);
  if (strcmp(line, watch->last) != 0) {
    if (watch->working)
      kith_cli_progress_finish(&watch->progress);
    watch->working = false;
    memcpy(watch->last, line, sizeof line);
    (void)fprintf(stderr, "%s\n", line);
  }
  if (share <= 0 || share >= 1)
    return;
  if (!watch->working) {
    (void)snprintf(watch->label, sizeof watch->label, "%s", text_of(round, "state"));
    kith_cli_progress_start(&watch->progress, watch->label, "%", false);
  }
  watch->working = true;
  kith_cli_progress_update(&watch->progress, share, share * 100);
}

int kith_round_watch(int argc, char **argv)
{
  struct show show = {0};
  struct kith_cli_option options[N_OPTIONS];
  const struct kith_cli_spec spec = {
      .usage = "kith round watch ROUND",
      .about = "Follows a round until it is released or over, and prints it then. Exit status 0 "
               "where it was released, 1 where it was aborted.",
      .examples = "  $ kith round watch --home lead 6f1c...\n",
      .options = options,
      .n_options = N_OPTIONS};
  const atomic_bool *cancelled = kith_cli_cancel_on_signal();
  struct kith_fault fault = {0};
  struct watch watch = {0};
  kith_round_id id;
  json_t *round = NULL;
  int status;

  show_options(options, &show);
  if (!begin(&show, id, &spec, argc, argv, &status))
    return status;
  for (;;) {
    json_decref(round);
    round = NULL;
    fault.err = fetch_round(&show, &round, id, &fault);
    if (fault.err != KITH_OK || atomic_load(cancelled))
      break;
    if (!show.quiet)
      print_change(&watch, round);
    if (is_over(text_of(round, "state")))
      break;
    usleep(WATCH_MS * 1000);
  }
  if (watch.working)
    kith_cli_progress_finish(&watch.progress);
  kith_home_close(&show.home);
  if (fault.err != KITH_OK)
    return kith_cli_fail(&fault);
  status = strcmp(text_of(round, "state"), "aborted") == 0 || atomic_load(cancelled);
  if (show.json)
    return kith_cli_json(round) ? kith_err_exit_status(KITH_ERR_IO) : status;
  if (print_round(round) != 0)
    status = kith_err_exit_status(KITH_ERR_IO);
  json_decref(round);
  return status;
}
