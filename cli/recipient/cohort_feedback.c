/* `kith cohort feedback`: whether the records of a person are of one person, said by who has been
 * at the door. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/disclosure.h"
#include "cli/recipient/cohort.h"
#include "cli/recipient/recipient.h"
#include "cli/verbs.h"

struct saying {
  const char *home_dir;
  const char *passphrase_file;
  const char *reason;
  bool wrong;
  bool right;
  uint8_t token[KITH_TOKEN_BYTES]; /* the same for all agencies of the person */
  struct kith_home home;
  struct kith_recipient recipient;
  struct kith_cohort_person_at at;
  struct kith_policy policy;
  unsigned n_said;
};

static enum kith_err letter_make(struct saying *saying, const struct kith_cohort_record *record,
                                 struct kith_asked *asked)
{
  struct kith_feedback *feedback;
  enum kith_err err =
      kith_asked_begin(asked, &saying->home, saying->at.id,
                       saying->at.cohort.agencies[record->agency].agency, KITH_LETTER_FEEDBACK);

  if (err != KITH_OK)
    return err;
  feedback = &asked->letter->body.feedback;
  feedback->wrong = saying->wrong;
  (void)snprintf(feedback->reason, sizeof feedback->reason, "%s", saying->reason);
  kith_random_bytes(feedback->nonce, sizeof feedback->nonce);
  memcpy(feedback->token, saying->token, sizeof feedback->token);
  err = kith_leaf_prove(&feedback->proof, &saying->at.cohort, saying->at.person, record);
  return err == KITH_OK ? kith_asked_seal(&saying->recipient, asked, &saying->home,
                                          &saying->at.round.charter, KITH_AUDIT_FEEDBACK)
                        : err;
}

static enum kith_err say_all(struct saying *saying, struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  kith_random_bytes(saying->token, sizeof saying->token);
  for (uint32_t i = 0; err == KITH_OK && i < saying->at.person->n_records; i++) {
    struct kith_asked asked = {0};

    err = letter_make(saying, &saying->at.cohort.records[saying->at.person->first + i], &asked);
    if (err != KITH_OK)
      (void)kith_fail(fault, err, "the feedback can't be made: %s", kith_err_name(err));
    else
      err = kith_asked_send(&saying->recipient, &asked, fault);
    saying->n_said += err == KITH_OK;
    kith_asked_free(&asked);
  }
  return err;
}

static enum kith_err say(struct saying *saying, int n_operands, char **operands,
                         struct kith_fault *fault)
{
  enum kith_err err = kith_home_open(&saying->home, saying->home_dir, fault);

  if (err == KITH_OK && saying->home.agency)
    err = kith_fail(fault, KITH_ERR_CONFIG, "an agency's home: only a recipient has a list");
  if (err != KITH_OK ||
      (err = kith_home_connect(&saying->home, saying->passphrase_file, fault)) != KITH_OK ||
      (err = kith_recipient_open(&saying->recipient, &saying->home, fault)) != KITH_OK ||
      (err = kith_cohort_person_open(&saying->at, &saying->home, n_operands, operands, fault)) !=
          KITH_OK ||
      (err = kith_recipient_policy(&saying->home, &saying->policy, &saying->at.round, fault)) !=
          KITH_OK)
    return err;
  if (!saying->policy.disclosure.present)
    return kith_fail(fault, KITH_ERR_DENIED,
                     "the policy of this round discloses nobody, so nobody has been at a door");
  err = kith_recipient_until(&saying->recipient, kith_round_log_view(saying->at.round.log),
                             &saying->policy);
  return err == KITH_OK ? say_all(saying, fault) : err;
}

int kith_cohort_feedback(int argc, char **argv)
{
  KITH_AUTO_FREE struct saying *saying = KITH_NEW(struct saying);
  struct kith_fault fault = {0};
  int first;
  int status;

  if (!saying)
    return kith_cli_error(KITH_ERR_MEMORY, "out of memory");
  const struct kith_cli_option options[] = {
      {.name = "wrong",
       .kind = KITH_CLI_FLAG,
       .out = &saying->wrong,
       .help = "the records are not of one person"},
      {.name = "right", .kind = KITH_CLI_FLAG, .out = &saying->right, .help = "they are"},
      {.name = "reason",
       .kind = KITH_CLI_STRING,
       .out = &saying->reason,
       .value = "CODE",
       .help = "confirmed, other_person, mixed_record or other (required)"},
      {.name = "home",
       .kind = KITH_CLI_STRING,
       .out = &saying->home_dir,
       .value = "DIR",
       .help = "the recipient's home; $KITH_HOME"},
      {.name = "passphrase-file",
       .kind = KITH_CLI_STRING,
       .out = &saying->passphrase_file,
       .value = "FILE",
       .help = "its first line unwraps the key file"}};
  const struct kith_cli_spec spec = {
      .usage = "kith cohort feedback --wrong|--right --reason CODE [ROUND] NUMBER",
      .about = "Tells each agency that knows the person whether the list was right, after somebody "
               "has been at the door. The agencies count it, and keep a wrong link with their own "
               "record: where it is disclosed again, 'kith cohort show' warns.",
      .examples = "  $ kith cohort feedback --wrong --reason other_person 6f1c... 17\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (saying->wrong == saying->right || !saying->reason || first == argc ||
      !kith_feedback_reason(saying->reason))
    return kith_cli_usage(spec.usage, "expected --wrong or --right, a reason, and a number");
  fault.err = say(saying, argc - first, argv + first, &fault);
  if (fault.err == KITH_OK) {
    printf("%u agencies are told\n", saying->n_said);
    status = kith_cli_finish_stdout();
  } else {
    status = kith_cli_fail(&fault);
  }
  kith_cohort_person_free(&saying->at);
  kith_recipient_close(&saying->recipient);
  kith_home_close(&saying->home);
  kith_wipe(saying, sizeof *saying);
  return status;
}
