/* The agency's side: the queue, and an officer's decision, signed with a key of their own over the
 * bytes that kithd shows at this moment. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/decision.h"
#include "cli/disclosure.h"
#include "cli/verbs.h"

enum { ID_SHOWN = 8 };

static const char *string_of(const json_t *object, const char *key)
{
  const char *text = json_string_value(json_object_get(object, key));

  return text ? text : "";
}

static json_int_t number_of(const json_t *object, const char *key)
{
  return json_integer_value(json_object_get(object, key));
}

/* ---- the queue */

static void print_item(const json_t *item)
{
  char asked[KITH_TIME_BYTES];
  char expires[KITH_TIME_BYTES];
  const json_t *pair;
  size_t i;

  kith_time_format(asked, (int64_t)number_of(item, "asked"));
  kith_time_format(expires, (int64_t)number_of(item, "expires"));
  printf("request        %.*s   %s%s%s\n", ID_SHOWN, string_of(item, "id"),
         string_of(item, "state"), *string_of(item, "refusal") ? ": " : "",
         string_of(item, "refusal"));
  printf("asked by       %s, %s; expires %s\n", string_of(item, "recipient"), asked, expires);
  printf("reason         %s: %s\n", string_of(item, "reason"), string_of(item, "words"));
  printf("their gateway  %s\n", string_of(item, "gateway"));
  printf("policy         %s: %s\n", string_of(item, "policy"), string_of(item, "purpose"));
  printf("asked for     ");
  json_array_foreach(json_object_get(item, "fields"), i, pair)
      printf(" %s", json_string_value(pair));
  printf("\nofficers       %lld of %lld have decided\n", (long long)number_of(item, "decisions"),
         (long long)number_of(item, "officers_needed"));
  if (json_is_null(json_object_get(item, "record")))
    printf("record         is not in the source any more\n");
  json_array_foreach(json_object_get(item, "record"), i, pair)
  {
    printf("  %-20s %s\n", json_string_value(json_array_get(pair, 0)),
           json_string_value(json_array_get(pair, 1)));
  }
  if (*string_of(item, "marker"))
    printf("  SAFETY MARKER        %s\n", string_of(item, "marker"));
  printf("\n");
}

int kith_disclosure_list_queue(struct kith_home *home, bool all, bool json)
{
  struct kith_fault fault = {0};
  json_t *reply = NULL;
  json_t *list;
  const json_t *item;
  size_t i;
  int status;

  fault.err =
      kith_home_ask(home, &reply, json_pack("{s:s, s:b}", "do", "disclosures", "all", all), &fault);
  if (fault.err != KITH_OK)
    return kith_cli_fail(&fault);
  list = json_object_get(reply, "disclosures");
  if (json_is_true(json_object_get(reply, "more")))
    (void)fputs("kith: there are more requests than are shown; answer some of these first\n",
                stderr);
  if (json) {
    status = kith_cli_json(json_incref(list));
  } else {
    json_array_foreach(list, i, item) print_item(item);
    if (json_array_size(list) == 0)
      printf("nothing waits\n");
    status = kith_cli_finish_stdout();
  }
  json_decref(reply);
  return status;
}

/* ---- deciding */

struct decide {
  const char *choice; /* approve, refuse */
  const char *id;
  const char *home_dir;
  struct kith_cli_decider decider;
  const char *fields;
  const char *reason;
  bool json;
  struct kith_home home;
};

static json_t *fields_json(const char *fields)
{
  json_t *array = json_array();

  for (const char *at = fields; *at;) {
    size_t len = strcspn(at, ",");

    json_array_append_new(array, json_stringn(at, len));
    at += len + (at[len] == ',');
  }
  return array;
}

static json_t *request_json(const struct decide *decide, const char *verb, const char *decision)
{
  json_t *request =
      json_pack("{s:s, s:s, s:s}", "do", verb, "id", decide->id, "choice", decide->choice);

  if (request && decide->fields)
    json_object_set_new(request, "fields", fields_json(decide->fields));
  if (request && decide->reason)
    json_object_set_new(request, "reason", json_string(decide->reason));
  if (request && decision)
    json_object_set_new(request, "decision", json_string(decision));
  return request;
}

static enum kith_err decide_request(const struct decide *decide, json_t **reply,
                                    struct kith_fault *fault)
{
  struct kith_officer_question question = {
      .member = decide->home.config.id,
      .kind = strcmp(decide->choice, "approve") == 0 ? KITH_OFFICER_APPROVE : KITH_OFFICER_REFUSE};
  KITH_AUTO_FREE char *base64 = NULL;
  json_t *shown = NULL;
  struct kith_home *home = (struct kith_home *)&decide->home;
  enum kith_err err =
      kith_home_ask(home, &shown, request_json(decide, "disclosure-show", NULL), fault);

  if (err != KITH_OK)
    return err;
  if (kith_hex_decode(question.round, sizeof question.round, string_of(shown, "round")) != KITH_OK)
    err = kith_fail(fault, KITH_ERR_INTERNAL, "kithd names no round");
  else
    err = kith_cli_decide(&base64, &decide->decider, shown, &question, 0, fault);
  json_decref(shown);
  return err == KITH_OK
             ? kith_home_ask(home, reply, request_json(decide, "disclosure-decide", base64), fault)
             : err;
}

static int decide_print(const struct decide *decide, json_t *reply)
{
  const char *state = string_of(reply, "state");

  if (decide->json) {
    (void)json_object_del(reply, "ok");
    return kith_cli_json(json_incref(reply));
  }
  if (strcmp(state, "waiting") == 0)
    printf("kept: %lld of %lld officers have decided so\n", (long long)number_of(reply, "officers"),
           (long long)number_of(reply, "officers_needed"));
  else
    printf("%s\n", state);
  return kith_cli_finish_stdout();
}

enum { N_OPTIONS = KITH_CLI_DECIDER_OPTIONS + 1 };

/* The last one is the verb's own. */
static int decide_verb(int argc, char **argv, struct decide *decide, struct kith_cli_option own,
                       const struct kith_cli_spec *words)
{
  struct kith_cli_option options[N_OPTIONS];
  struct kith_cli_spec spec = *words;
  struct kith_fault fault = {0};
  json_t *reply = NULL;
  int first;
  int status;

  kith_cli_decider_options(options, &decide->decider, &decide->home_dir, &decide->json);
  options[N_OPTIONS - 1] = own;
  spec.options = options;
  spec.n_options = N_OPTIONS;
  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first + 1 != argc || !decide->decider.officer_key ||
      (strcmp(decide->choice, "refuse") == 0 && !decide->reason))
    return kith_cli_usage(spec.usage, "expected one request, --officer-key and what is required");
  decide->id = argv[first];
  fault.err = kith_home_open(&decide->home, decide->home_dir, &fault);
  if (fault.err == KITH_OK && !decide->home.agency)
    fault.err = kith_fail(&fault, KITH_ERR_CONFIG,
                          "only an agency's officers answer: this home has no kithd.conf");
  if (fault.err == KITH_OK)
    fault.err = kith_cli_crypto(&fault);
  if (fault.err == KITH_OK)
    fault.err = decide_request(decide, &reply, &fault);
  status = fault.err == KITH_OK ? decide_print(decide, reply) : kith_cli_fail(&fault);
  json_decref(reply);
  kith_home_close(&decide->home);
  return status;
}

int kith_disclosure_approve_verb(int argc, char **argv)
{
  struct decide decide = {.choice = "approve"};
  const struct kith_cli_option own = {.name = "fields",
                                      .kind = KITH_CLI_STRING,
                                      .out = &decide.fields,
                                      .value = "A,B,...",
                                      .help = "tell these only, of those that were asked for"};
  static const struct kith_cli_spec words = {
      .usage = "kith disclosure approve --officer-key FILE [--fields A,B,...] [--shown HASH] ID",
      .about = "An officer lets the agency tell what was asked for, or fewer fields: signs the "
               "request, the record and what would be told, as kithd shows them now. Where the "
               "policy wants two officers, the second one's decision makes the answer. The "
               "agency's reference and its safety marker go with it.",
      .examples =
          "  $ kith disclosure list\n"
          "  $ kith disclosure approve --officer-key ~/officer.key --fields surname 4f0c11a2\n"};

  return decide_verb(argc, argv, &decide, own, &words);
}

int kith_disclosure_refuse_verb(int argc, char **argv)
{
  struct decide decide = {.choice = "refuse"};
  const struct kith_cli_option own = {
      .name = "reason",
      .kind = KITH_CLI_STRING,
      .out = &decide.reason,
      .value = "CODE",
      .help = "not_needed, safety, wrong_record, no_gateway, objection or other (required)"};
  static const struct kith_cli_spec words = {
      .usage = "kith disclosure refuse --officer-key FILE --reason CODE [--shown HASH] ID",
      .about =
          "An officer refuses a request. One is enough, whatever the policy wants for telling. "
          "The recipient is told the reason's code.",
      .examples =
          "  $ kith disclosure refuse --officer-key ~/officer.key --reason safety 4f0c11a2\n"};

  return decide_verb(argc, argv, &decide, own, &words);
}
