#include "cli/decision.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/verbs.h"

void kith_cli_decider_options(struct kith_cli_option out[KITH_CLI_DECIDER_OPTIONS],
                              struct kith_cli_decider *decider, const char **home_dir, bool *json)
{
  const struct kith_cli_option options[KITH_CLI_DECIDER_OPTIONS] = {
      {.name = "officer-key",
       .kind = KITH_CLI_STRING,
       .out = &decider->officer_key,
       .value = "FILE",
       .help = "the officer's key file, of 'kith officer new' (required)"},
      {.name = "passphrase-file",
       .kind = KITH_CLI_STRING,
       .out = &decider->passphrase_file,
       .value = "FILE",
       .help = "its first line unwraps the officer's key; asked for otherwise"},
      {.name = "shown",
       .kind = KITH_CLI_STRING,
       .out = &decider->shown,
       .value = "HASH",
       .help = "decide on the text that was shown with this hash, and no other"},
      {.name = "home",
       .kind = KITH_CLI_STRING,
       .out = home_dir,
       .value = "DIR",
       .help = "this agency's home; $KITH_HOME, ~/.config/kith"},
      {.name = "json", .kind = KITH_CLI_FLAG, .out = json, .help = "print JSON"},
      {.name = "quiet",
       .kind = KITH_CLI_FLAG,
       .out = &decider->quiet,
       .help = "don't print what is decided on, where no terminal is asked"}};

  memcpy(out, options, sizeof options);
}

static const char *string_of(const json_t *object, const char *key)
{
  const char *text = json_string_value(json_object_get(object, key));

  return text ? text : "";
}

static bool says_yes(const char *verb)
{
  char line[16];

  (void)fprintf(stderr, "\nTo %s, type yes: ", verb);
  return fgets(line, sizeof line, stdin) && strcmp(line, "yes\n") == 0;
}

static enum kith_err see(const struct kith_cli_decider *decider, const char *text,
                         const struct kith_officer_question *question, struct kith_fault *fault)
{
  char hash[2 * KITH_HASH_BYTES + 1];

  kith_hex_encode(hash, question->subject.bytes, KITH_HASH_BYTES);
  if (decider->shown && strcmp(decider->shown, hash) != 0)
    return kith_fail(
        fault, KITH_ERR_NO,
        "--shown: what is to be decided on is not what this was the hash of; look at it "
        "again");
  if (decider->shown)
    return KITH_OK;
  if (!decider->quiet || isatty(STDIN_FILENO))
    (void)fputs(text, stderr);
  if (isatty(STDIN_FILENO) && !says_yes(kith_officer_kind_name(question->kind)))
    return kith_fail(fault, KITH_ERR_NO, "nothing was decided");
  return KITH_OK;
}

/* Later than this officer's decisions before it: kithd takes an older one for a replay. */
static int64_t decision_time(const json_t *reply, const struct kith_identity *officer)
{
  char fingerprint[KITH_FINGERPRINT_BYTES];
  int64_t time = kith_clock_now();
  const json_t *item;
  size_t i;

  kith_officer_fingerprint(fingerprint, officer->public_keys.sign);
  json_array_foreach(json_object_get(reply, "decisions"), i, item)
  {
    int64_t before = json_integer_value(json_object_get(item, "time"));

    if (strcmp(string_of(item, "fingerprint"), fingerprint) == 0 && time <= before)
      time = before + 1;
  }
  return time;
}

static enum kith_err sign(char **base64, const struct kith_cli_decider *decider,
                          const json_t *reply, const struct kith_officer_question *question,
                          uint32_t reason, struct kith_fault *fault)
{
  struct kith_officer_decision decision;
  struct kith_identity *officer = NULL;
  struct kith_buf bytes;
  enum kith_err err =
      kith_cli_identity(&officer, decider->officer_key, decider->passphrase_file, fault);

  if (err != KITH_OK)
    return err;
  kith_buf_init(&bytes, KITH_OFFICER_DECISION_BYTES_MAX);
  err = kith_officer_decide(&decision, question, decision_time(reply, officer), reason, officer);
  kith_identity_free(officer);
  if (err == KITH_OK) {
    kith_officer_decision_write(&bytes, &decision);
    err = kith_buf_err(&bytes);
  }
  if (err == KITH_OK) {
    *base64 = kith_calloc(KITH_BASE64_BYTES(bytes.len), 1);
    err = *base64 ? KITH_OK : KITH_ERR_MEMORY;
  }
  if (err == KITH_OK)
    kith_base64_encode(*base64, bytes.bytes, bytes.len);
  kith_buf_free(&bytes);
  return err == KITH_OK
             ? KITH_OK
             : kith_fail(fault, err, "the decision can't be signed: %s", kith_err_name(err));
}

enum kith_err kith_cli_decide(char **base64, const struct kith_cli_decider *decider,
                              const json_t *reply, struct kith_officer_question *question,
                              uint32_t reason, struct kith_fault *fault)
{
  const char *text = string_of(reply, "text");
  enum kith_err err;

  kith_officer_subject(&question->subject, text, strlen(text));
  err = see(decider, text, question, fault);
  return err == KITH_OK ? sign(base64, decider, reply, question, reason, fault) : err;
}
