/* The recipient's answers: fetched, checked, kept, shown. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/disclosure.h"
#include "cli/recipient/cohort.h"
#include "cli/recipient/recipient.h"
#include "cli/recipient/recipient_context.h"
#include "cli/verbs.h"
#include "proto/withdrawal.h"

enum { HEX_ID_BYTES = 2 * KITH_HASH_BYTES + 1, ID_SHOWN = 8 };

struct pulling {
  struct kith_recipient *recipient;
  struct kith_remote_round round;
  /* Of the round, once a letter needs them: */
  struct kith_policy *policy; /* owned */
  struct kith_cohort cohort;
  bool opened;
  unsigned n_answers;
  unsigned n_context; /* letters of it */
  unsigned n_dropped;
  unsigned n_ended;
};

static enum kith_err drop(struct pulling *pulling, const kith_round_id id,
                          const struct kith_letter_entry *entry)
{
  (void)fprintf(stderr,
                "kith: a letter under the name of %s was not what it said, and was dropped\n",
                entry->author);
  pulling->n_dropped++;
  return kith_recipient_dropped(pulling->recipient, id, entry->author, &entry->id);
}

/* An answer to a request of ours, to that agency, that has none yet. */
static enum kith_err take_answer(struct pulling *pulling, const kith_round_id id,
                                 const struct kith_letter_entry *entry)
{
  const struct kith_home *home = pulling->recipient->home;
  const struct kith_member *agency = kith_charter_member(&pulling->round.charter, entry->author);
  struct kith_envelope envelope = {.kind = KITH_LETTER_ANSWER};
  struct kith_letter *letter = KITH_NEW(struct kith_letter);
  struct kith_asked asked = {0};
  enum kith_err err =
      letter ? kith_asked_get(pulling->recipient, &asked, id, &entry->id) : KITH_ERR_MEMORY;

  if (err == KITH_OK && asked.answer) { /* given before */
    kith_asked_free(&asked);
    kith_free(letter);
    return KITH_OK;
  }
  if (err == KITH_ERR_NOT_FOUND ||
      (err == KITH_OK &&
       (!agency || entry->kind != KITH_LETTER_ANSWER || asked.kind != KITH_LETTER_REQUEST ||
        strcmp(asked.letter->reader, entry->author) != 0)))
    err = KITH_ERR_NO;
  memcpy(envelope.round, id, sizeof envelope.round);
  memcpy(envelope.author, entry->author, sizeof envelope.author);
  memcpy(envelope.reader, home->config.id, sizeof envelope.reader);
  if (err == KITH_OK)
    err = kith_letter_open(letter, &asked.answer_bytes, &asked.answer_len, home->identity->seal,
                           agency->keys.sign, &envelope, &entry->id, entry->sealed.bytes,
                           entry->sealed.len);
  if (err == KITH_OK) {
    asked.answer = letter;
    asked.state = KITH_ASKED_ANSWERED;
    letter = NULL;
    err = kith_asked_put(pulling->recipient, &asked, KITH_AUDIT_DISCLOSURE_ANSWERED);
    pulling->n_answers += err == KITH_OK;
  } else if (err == KITH_ERR_NO) {
    err = drop(pulling, id, entry);
  }
  kith_asked_free(&asked);
  if (letter)
    kith_free_wiped(letter, sizeof *letter);
  return err;
}

/* ---- what agencies tell unasked */

static enum kith_err list_open(struct pulling *pulling, const kith_round_id id,
                               struct kith_fault *fault)
{
  struct kith_home *home = pulling->recipient->home;
  struct kith_kept kept = {0};
  char hex[KITH_ROUND_HEX_BYTES];
  enum kith_err err;

  if (pulling->opened)
    return KITH_OK;
  kith_hex_encode(hex, id, KITH_ROUND_ID_BYTES);
  if (!pulling->policy)
    pulling->policy = KITH_NEW(struct kith_policy);
  if (!pulling->policy)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  err = kith_recipient_policy(home, pulling->policy, &pulling->round, fault);
  if (err == KITH_OK)
    err = kith_kept_init(&kept, home, hex, fault);
  if (err == KITH_OK)
    err = kith_cohort_open_kept(&pulling->cohort, NULL, home, &kept, fault);
  kith_kept_free(&kept);
  pulling->opened = err == KITH_OK;
  if (err == KITH_OK) /* since the list was pulled */
    err = kith_withdrawals_mark(&pulling->cohort, kith_round_log_view(pulling->round.log), fault);
  return err;
}

static void list_close(struct pulling *pulling)
{
  if (pulling->opened)
    kith_cohort_free(&pulling->cohort);
  pulling->cohort = (struct kith_cohort){0};
  pulling->opened = false;
}

static enum kith_err take_letter(struct pulling *pulling, const kith_round_id id,
                                 const struct kith_letter_entry *entry, struct kith_fault *fault)
{
  enum kith_err err;

  if (entry->kind != KITH_LETTER_CONTEXT)
    return take_answer(pulling, id, entry);
  err = list_open(pulling, id, fault);
  if (err != KITH_OK)
    return err;
  err = kith_recipient_context_take(pulling->recipient, &pulling->round, pulling->policy,
                                    &pulling->cohort, entry);
  pulling->n_context += err == KITH_OK;
  return err == KITH_ERR_NO ? drop(pulling, id, entry) : err;
}

static enum kith_err fetch_answers(struct pulling *pulling, const kith_round_id id,
                                   struct kith_fault *fault)
{
  struct kith_request request = {.type = KITH_REQUEST_LETTER_GET};
  struct kith_reply reply;
  uint32_t after = 0;
  uint32_t n;
  enum kith_err err = kith_recipient_read(pulling->recipient, id, &after);

  if (err != KITH_OK)
    return kith_fail(fault, err, "what was read can't be told: %s", kith_err_name(err));
  memcpy(request.body.letter_get.round, id, KITH_ROUND_ID_BYTES);
  do {
    request.body.letter_get.after = after;
    if ((err = kith_home_call(pulling->recipient->home, &reply, &request, fault)) != KITH_OK)
      return err;
    n = reply.body.letter_get.n;
    for (uint32_t i = 0; err == KITH_OK && i < n; i++) {
      const struct kith_letter_entry *entry = &reply.body.letter_get.letters[i];

      if (entry->number <= after) {
        n = 0;
        break;
      }
      after = entry->number;
      err = take_letter(pulling, id, entry, fault);
      if (err == KITH_OK)
        err = kith_recipient_read_up_to(pulling->recipient, id, after);
    }
    kith_reply_free(&reply);
  } while (err == KITH_OK && n > 0);
  list_close(pulling);
  return err == KITH_OK || fault->text[0]
             ? err
             : kith_fail(fault, err, "answers can't be kept: %s", kith_err_name(err));
}

/* ---- requests that the matcher has not taken yet */

enum { UNSENT_MAX = 64 };
struct unsent {
  unsigned n;
  struct kith_hash ids[UNSENT_MAX];
};

static enum kith_err unsent_visit(void *context, struct kith_asked *asked)
{
  struct unsent *unsent = context;

  if (asked->state != KITH_ASKED_WRITTEN)
    return KITH_OK;
  unsent->ids[unsent->n++] = asked->id;
  return unsent->n == UNSENT_MAX ? KITH_ERR_CANCELLED : KITH_OK;
}

static enum kith_err send_again(struct pulling *pulling, const kith_round_id id,
                                struct kith_fault *fault)
{
  struct unsent unsent = {0};
  enum kith_err err = kith_asked_each(pulling->recipient, id, unsent_visit, &unsent);

  for (unsigned i = 0; err == KITH_OK && i < unsent.n; i++) {
    struct kith_asked asked = {0};

    err = kith_asked_get(pulling->recipient, &asked, id, &unsent.ids[i]);
    if (err == KITH_OK)
      err = kith_asked_send(pulling->recipient, &asked, fault);
    if (err == KITH_ERR_NO) {
      (void)fprintf(stderr, "kith: the matcher refused a request: %s\n", fault->text);
      err = KITH_OK;
    } else if (err == KITH_ERR_INTERNAL) {
      /* One that it fails at must not keep the answers from coming. */
      (void)fprintf(stderr, "kith: a request was not sent: %s\n", fault->text);
      err = KITH_OK;
    }
    kith_asked_free(&asked);
  }
  return err;
}

static enum kith_err pull_round(struct pulling *pulling, const kith_round_id id,
                                struct kith_fault *fault)
{
  const struct kith_round_view *view;
  enum kith_err err = kith_remote_round_fetch(&pulling->round, pulling->recipient->home, id, fault);

  if (err != KITH_OK)
    return err;
  view = kith_round_log_view(pulling->round.log);
  if (view->closed || view->aborted) {
    err = kith_recipient_forget(pulling->recipient, id, fault);
    pulling->n_ended += err == KITH_OK;
  } else {
    err = send_again(pulling, id, fault);
    if (err == KITH_OK)
      err = fetch_answers(pulling, id, fault);
    if (err == KITH_ERR_NO_INPUT) {
      /* Its list is not there: what other rounds have, and who was withdrawn, must come all the
       * same. */
      (void)fprintf(stderr, "kith: context is left at the matcher: %s\n", fault->text);
      *fault = (struct kith_fault){0};
      err = KITH_OK;
    }
    if (err == KITH_OK)
      err = kith_recipient_withdraw(pulling->recipient, view, fault);
  }
  kith_remote_round_free(&pulling->round);
  return err;
}

static enum kith_err pull_all(struct pulling *pulling, struct kith_fault *fault)
{
  kith_round_id *rounds = NULL;
  size_t n = 0;
  enum kith_err err = kith_recipient_rounds(pulling->recipient, &rounds, &n);

  for (size_t i = 0; err == KITH_OK && i < n; i++)
    err = pull_round(pulling, rounds[i], fault);
  kith_free(rounds);
  return err;
}

static int show_pulled(const struct pulling *pulling, bool json)
{
  int status;

  if (json)
    status = kith_cli_json(json_pack("{s:i, s:i, s:i, s:i}", "answers", (int)pulling->n_answers,
                                     "context", (int)pulling->n_context, "dropped",
                                     (int)pulling->n_dropped, "ended", (int)pulling->n_ended));
  else {
    printf("%u new answers\n", pulling->n_answers);
    if (pulling->n_context)
      printf("%u letters of context\n", pulling->n_context);
    status = kith_cli_finish_stdout();
  }
  /* A letter that somebody made up is worth a status of its own. */
  return status == 0 && pulling->n_dropped ? kith_err_exit_status(KITH_ERR_NO) : status;
}

int kith_disclosure_pull_verb(int argc, char **argv)
{
  const char *home_dir = NULL;
  const char *passphrase_file = NULL;
  bool json = false;
  const struct kith_cli_option options[] = {
      {.name = "home",
       .kind = KITH_CLI_STRING,
       .out = &home_dir,
       .value = "DIR",
       .help = "the recipient's home; $KITH_HOME"},
      {.name = "passphrase-file",
       .kind = KITH_CLI_STRING,
       .out = &passphrase_file,
       .value = "FILE",
       .help = "its first line unwraps the key file"},
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &json, .help = "print JSON"}};
  const struct kith_cli_spec spec = {
      .usage = "kith disclosure pull [--json]",
      .about = "Fetches the answers to what was asked, and what agencies tell of the people of a "
               "list under the policy's \"context\"; checks each, and keeps it; sends again what "
               "the matcher has not taken; destroys what belongs to rounds that have ended. "
               "'kith cohort show' then has the answers.",
      .examples = "  $ kith disclosure pull --home horizon\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_fault fault = {0};
  struct kith_home home = {0};
  struct kith_recipient recipient = {0};
  struct pulling pulling = {.recipient = &recipient};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first != argc)
    return kith_cli_usage(spec.usage, "no operands were expected");
  fault.err = kith_home_open(&home, home_dir, &fault);
  if (fault.err == KITH_OK && home.agency)
    fault.err = kith_fail(&fault, KITH_ERR_CONFIG, "an agency's home: only a recipient pulls");
  if (fault.err == KITH_OK)
    fault.err = kith_home_connect(&home, passphrase_file, &fault);
  if (fault.err == KITH_OK)
    fault.err = kith_recipient_open(&recipient, &home, &fault);
  if (fault.err == KITH_OK)
    fault.err = pull_all(&pulling, &fault);
  kith_recipient_close(&recipient);
  kith_home_close(&home);
  kith_free(pulling.policy);
  if (fault.err != KITH_OK)
    return kith_cli_fail(&fault);
  return show_pulled(&pulling, json);
}

/* ---- list */

static enum kith_err list_visit(void *context, struct kith_asked *asked)
{
  const struct kith_disclosure_request *request = &asked->letter->body.request;
  char round[KITH_ROUND_HEX_BYTES];
  char id[HEX_ID_BYTES];
  json_t *item;

  if (asked->kind != KITH_LETTER_REQUEST)
    return KITH_OK;
  kith_hex_encode(round, asked->round, KITH_ROUND_ID_BYTES);
  kith_hex_encode(id, asked->id.bytes, KITH_HASH_BYTES);
  item =
      json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:I, s:I}", "round", round, "id", id, "cohort",
                (json_int_t)request->proof.number, "agency", asked->letter->reader, "state",
                kith_asked_state_name(asked), "refusal",
                asked->answer ? asked->answer->body.answer.reason : "", "reason", request->reason,
                "asked", (json_int_t)asked->letter->time, "expires", (json_int_t)request->expires);
  return item && json_array_append_new(context, item) == 0 ? KITH_OK : KITH_ERR_MEMORY;
}

static int list_table(const json_t *list)
{
  struct kith_cli_table table = {0};
  const json_t *item;
  enum kith_err err;
  size_t i;

  KITH_CLI_ROW(&table, "REQUEST", "COHORT", "AGENCY", "ASKED", "EXPIRES", "REASON", "STATE");
  json_array_foreach(list, i, item)
  {
    char asked[KITH_TIME_BYTES];
    char expires[KITH_TIME_BYTES];
    char cohort[16];
    char id[ID_SHOWN + 1] = "";

    kith_time_format(asked, (int64_t)json_integer_value(json_object_get(item, "asked")));
    kith_time_format(expires, (int64_t)json_integer_value(json_object_get(item, "expires")));
    (void)snprintf(cohort, sizeof cohort, "%lld",
                   (long long)json_integer_value(json_object_get(item, "cohort")));
    memcpy(id, json_string_value(json_object_get(item, "id")), ID_SHOWN);
    KITH_CLI_ROW(&table, id, cohort, json_string_value(json_object_get(item, "agency")), asked,
                 expires, json_string_value(json_object_get(item, "reason")),
                 json_string_value(json_object_get(item, "state")));
  }
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  return err == KITH_OK ? kith_cli_finish_stdout() : kith_cli_error(err, "out of memory");
}

int kith_disclosure_list_asked(struct kith_home *home, const char *passphrase_file, bool all,
                               bool json)
{
  struct kith_recipient recipient = {0};
  struct kith_fault fault = {0};
  json_t *list = json_array();
  int status;

  (void)all;
  fault.err = kith_home_unlock(home, passphrase_file, &fault);
  if (fault.err == KITH_OK)
    fault.err = kith_recipient_open(&recipient, home, &fault);
  if (fault.err == KITH_OK) {
    fault.err = kith_asked_each(&recipient, NULL, list_visit, list);
    if (fault.err != KITH_OK)
      fault.err = kith_fail(&fault, fault.err, "what was asked can't be read");
  }
  kith_recipient_close(&recipient);
  if (fault.err != KITH_OK)
    status = kith_cli_fail(&fault);
  else if (json)
    status = kith_cli_json(json_incref(list));
  else
    status = list_table(list);
  json_decref(list);
  return status;
}
