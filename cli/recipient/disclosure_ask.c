/* The recipient's side: request, pull, list. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/disclosure.h"
#include "cli/recipient/cohort.h"
#include "cli/recipient/recipient.h"
#include "cli/verbs.h"
#include "proto/gateway.h"

enum { DAY_S = 86400, ID_SHOWN = 8, HEX_ID_BYTES = 2 * KITH_HASH_BYTES + 1 };

/* ---- asking */

struct asking {
  const char *home_dir;
  const char *passphrase_file;
  const char *agency; /* NULL: every agency that knows the person */
  const char *fields;
  const char *reason;
  const char *words_file;
  uint64_t days; /* 0: as many as the policy gives */
  bool json;
  struct kith_home home;
  struct kith_recipient recipient;
  struct kith_cohort_person_at at;
  struct kith_policy policy;
  struct kith_disclosure_request request; /* what is the same in all of them */
  json_t *sent;
  unsigned n_skipped;
};

static enum kith_err fields_read(struct asking *asking, struct kith_fault *fault)
{
  struct kith_disclosure_request *request = &asking->request;

  for (const char *at = asking->fields; *at;) {
    size_t len = strcspn(at, ",");
    char field[KITH_FIELD_NAME_BYTES] = "";

    if (len > 0 && len < sizeof field)
      memcpy(field, at, len);
    if (!kith_policy_disclosable(&asking->policy, field))
      return kith_fail(fault, KITH_ERR_DENIED,
                       "--fields: the policy does not let \"%.31s\" be disclosed; nothing was sent",
                       field);
    for (unsigned i = 0; i < request->n_fields; i++)
      if (strcmp(request->fields[i], field) == 0)
        return kith_fail(fault, KITH_ERR_USAGE, "--fields: \"%s\" is there twice", field);
    memcpy(request->fields[request->n_fields++], field, sizeof field);
    at += len + (at[len] == ',');
  }
  return request->n_fields ? KITH_OK : kith_fail(fault, KITH_ERR_USAGE, "--fields: none is named");
}

/* What the policy gives no gateway for does not leave the building. */
static enum kith_err terms_check(struct asking *asking, struct kith_fault *fault)
{
  const char *gateway = kith_policy_asks(&asking->policy, asking->home.config.id);
  enum kith_err err;

  if (!gateway)
    return kith_fail(fault, KITH_ERR_DENIED,
                     "the policy of this round gives %s no lawful gateway to ask under; nothing "
                     "was sent",
                     asking->home.config.id);
  if (asking->agency &&
      !kith_gateway_to_disclose(&asking->policy, &asking->at.round.charter, asking->agency))
    return kith_fail(fault, KITH_ERR_DENIED,
                     "the policy of this round gives %.32s no lawful gateway to disclose under; "
                     "nothing was sent",
                     asking->agency);
  if (!kith_policy_reason_allowed(&asking->policy, asking->reason))
    return kith_fail(fault, KITH_ERR_DENIED,
                     "--reason: \"%.32s\" is not one of the policy's reasons; nothing was sent",
                     asking->reason);
  if (asking->days > asking->policy.disclosure.answer_days)
    return kith_fail(fault, KITH_ERR_USAGE, "--days: the policy gives at most %u",
                     asking->policy.disclosure.answer_days);
  (void)snprintf(asking->request.gateway, sizeof asking->request.gateway, "%s", gateway);
  (void)snprintf(asking->request.reason, sizeof asking->request.reason, "%s", asking->reason);
  err = fields_read(asking, fault);
  return err == KITH_OK ? kith_cli_words(asking->request.words, sizeof asking->request.words,
                                         asking->words_file, fault)
                        : err;
}

static enum kith_err request_make(struct asking *asking, const struct kith_cohort_record *record,
                                  struct kith_asked *asked)
{
  uint64_t days = asking->days ? asking->days : asking->policy.disclosure.answer_days;
  struct kith_letter *letter;
  enum kith_err err =
      kith_asked_begin(asked, &asking->home, asking->at.id,
                       asking->at.cohort.agencies[record->agency].agency, KITH_LETTER_REQUEST);

  if (err != KITH_OK)
    return err;
  letter = asked->letter;
  letter->body.request = asking->request;
  letter->body.request.expires = letter->time + (int64_t)days * DAY_S;
  kith_random_bytes(letter->body.request.nonce, KITH_REQUEST_NONCE_BYTES);
  err = kith_leaf_prove(&letter->body.request.proof, &asking->at.cohort, asking->at.person, record);
  return err == KITH_OK
             ? kith_asked_seal(&asking->recipient, asked, &asking->home, &asking->at.round.charter,
                               KITH_AUDIT_DISCLOSURE_REQUESTED)
             : err;
}

static enum kith_err ask_one(struct asking *asking, const struct kith_cohort_record *record,
                             struct kith_fault *fault)
{
  struct kith_asked asked = {0};
  char id[HEX_ID_BYTES];
  enum kith_err err = request_make(asking, record, &asked);

  if (err != KITH_OK)
    (void)kith_fail(fault, err, "the request can't be made: %s", kith_err_name(err));
  else
    err = kith_asked_send(&asking->recipient, &asked, fault);
  kith_hex_encode(id, asked.id.bytes, KITH_HASH_BYTES);
  if (err == KITH_OK)
    (void)json_array_append_new(asking->sent,
                                json_pack("{s:s, s:s}", "id", id, "agency", asked.letter->reader));
  kith_asked_free(&asked);
  return err;
}

static enum kith_err ask_all(struct asking *asking, struct kith_fault *fault)
{
  const struct kith_cohort *cohort = &asking->at.cohort;
  enum kith_err err = KITH_OK;

  asking->sent = json_array();
  for (uint32_t i = 0; err == KITH_OK && i < asking->at.person->n_records; i++) {
    const struct kith_cohort_record *record = &cohort->records[asking->at.person->first + i];
    const char *agency = cohort->agencies[record->agency].agency;

    if (asking->agency && strcmp(asking->agency, agency) != 0)
      continue;
    if (record->withdrawn) {
      (void)fprintf(stderr, "kith: %s is not asked: it has withdrawn the record\n", agency);
      asking->n_skipped++;
      continue;
    }
    if (!kith_gateway_to_disclose(&asking->policy, &asking->at.round.charter, agency)) {
      (void)fprintf(stderr, "kith: %s is not asked: the policy gives it no lawful gateway\n",
                    agency);
      asking->n_skipped++;
      continue;
    }
    err = ask_one(asking, record, fault);
  }
  if (err == KITH_OK && json_array_size(asking->sent) == 0)
    err = kith_fail(fault, KITH_ERR_NO, "nobody was asked: no agency of this person can be");
  return err;
}

static enum kith_err ask(struct asking *asking, int n_operands, char **operands,
                         struct kith_fault *fault)
{
  enum kith_err err = kith_home_open(&asking->home, asking->home_dir, fault);

  if (err == KITH_OK && asking->home.agency)
    err = kith_fail(fault, KITH_ERR_CONFIG, "an agency's home: only a recipient asks");
  if (err != KITH_OK ||
      (err = kith_home_connect(&asking->home, asking->passphrase_file, fault)) != KITH_OK ||
      (err = kith_recipient_open(&asking->recipient, &asking->home, fault)) != KITH_OK ||
      (err = kith_cohort_person_open(&asking->at, &asking->home, n_operands, operands, fault)) !=
          KITH_OK ||
      (err = kith_recipient_policy(&asking->home, &asking->policy, &asking->at.round, fault)) !=
          KITH_OK ||
      (err = terms_check(asking, fault)) != KITH_OK)
    return err;
  err = kith_recipient_until(&asking->recipient, kith_round_log_view(asking->at.round.log),
                             &asking->policy);
  return err == KITH_OK ? ask_all(asking, fault) : err;
}

static int asked_print(struct asking *asking)
{
  const json_t *item;
  size_t i;

  if (asking->json)
    return kith_cli_json(json_incref(asking->sent));
  json_array_foreach(asking->sent, i, item)
  {
    printf("asked %s, request %.*s\n", json_string_value(json_object_get(item, "agency")), ID_SHOWN,
           json_string_value(json_object_get(item, "id")));
  }
  return kith_cli_finish_stdout();
}

#define STRING(name_, member, value_, help_)                                                       \
  {                                                                                                \
    .name = (name_), .kind = KITH_CLI_STRING, .out = &asking->member, .value = (value_),           \
    .help = (help_)                                                                                \
  }

int kith_disclosure_request_verb(int argc, char **argv)
{
  KITH_AUTO_FREE struct asking *asking = KITH_NEW(struct asking);
  struct kith_fault fault = {0};
  int first;
  int status;

  if (!asking)
    return kith_cli_error(KITH_ERR_MEMORY, "out of memory");
  const struct kith_cli_option options[] = {
      STRING("agency", agency, "ID", "this agency only; else all that know the person"),
      STRING("fields", fields, "A,B,...", "what is asked for (required)"),
      STRING("reason", reason, "CODE", "one of the policy's reasons (required)"),
      STRING("words-file", words_file, "FILE", "why, in words (required)"),
      {.name = "days",
       .kind = KITH_CLI_U64,
       .out = &asking->days,
       .value = "N",
       .help = "until the request expires; as the policy says",
       .min = 1,
       .max = 365},
      STRING("home", home_dir, "DIR", "the recipient's home; $KITH_HOME"),
      STRING("passphrase-file", passphrase_file, "FILE", "its first line unwraps the key file"),
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &asking->json, .help = "print JSON"}};
  const struct kith_cli_spec spec = {
      .usage = "kith disclosure request [--agency ID] --fields A,B,... --reason CODE "
               "--words-file FILE [ROUND] NUMBER",
      .about = "Asks agencies who a person of a pulled list is: NUMBER is the person's in the "
               "list. Each request is about one handle, sealed to its agency; an officer there "
               "decides. What the policy gives no lawful gateway for is refused before it leaves.",
      .examples = "  $ kith disclosure request --fields given_name,surname --reason early_help \\\n"
                  "      --words-file why.txt 6f1c... 1\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (!asking->fields || !asking->reason || !asking->words_file || first == argc)
    return kith_cli_usage(spec.usage, "expected a number of the list, and what is required");
  fault.err = ask(asking, argc - first, argv + first, &fault);
  status = fault.err == KITH_OK ? asked_print(asking) : kith_cli_fail(&fault);
  json_decref(asking->sent);
  kith_cohort_person_free(&asking->at);
  kith_recipient_close(&asking->recipient);
  kith_home_close(&asking->home);
  kith_wipe(asking, sizeof *asking);
  return status;
}
