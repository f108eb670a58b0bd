/* `kith disclosure`: asking who is behind a handle, and answering. */
#include "cli/disclosure.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/recipient/cohort.h"
#include "cli/verbs.h"
#include "proto/document.h"

enum kith_err kith_cli_words(char *out, size_t cap, const char *path, struct kith_fault *fault)
{
  uint8_t *bytes = NULL;
  size_t len = 0;
  enum kith_err err = kith_file_read(&bytes, &len, path, cap, fault);

  if (err != KITH_OK)
    return err;
  while (len && strchr(" \t\r\n", bytes[len - 1]))
    len--;
  for (size_t i = 0; i < len; i++)
    if (strchr("\t\r\n", bytes[i]) && bytes[i])
      bytes[i] = ' ';
  if (len == 0)
    err = kith_fail(fault, KITH_ERR_DATA, "%s: no words; say why it is asked for", path);
  else if (len >= cap)
    err = kith_fail(fault, KITH_ERR_DATA, "%s: more than %zu bytes; say it shorter", path, cap - 1);
  else if (!kith_utf8_valid((const char *)bytes, len) || memchr(bytes, 0, len))
    err = kith_fail(fault, KITH_ERR_DATA, "%s: is not UTF-8 text", path);
  if (err == KITH_OK) {
    memcpy(out, bytes, len);
    out[len] = '\0';
    if (!kith_text_plain(out))
      err = kith_fail(fault, KITH_ERR_DATA, "%s: has characters that can't be seen", path);
  }
  kith_free_wiped(bytes, len);
  return err;
}

/* ---- a person of a kept list */

void kith_cohort_person_free(struct kith_cohort_person_at *at)
{
  kith_cohort_free(&at->cohort);
  kith_remote_round_free(&at->round);
  at->person = NULL;
}

enum kith_err kith_cohort_person_open(struct kith_cohort_person_at *out, struct kith_home *home,
                                      int n_operands, char **operands, struct kith_fault *fault)
{
  struct kith_cohort_person_at at = {0};
  struct kith_kept kept = {0};
  char round[KITH_ROUND_HEX_BYTES] = "";
  uint64_t number = 0;
  enum kith_err err = KITH_OK;

  if (n_operands < 1 || n_operands > 2 ||
      kith_u64_parse(&number, operands[n_operands - 1], 1, UINT32_MAX) != KITH_OK)
    return kith_fail(fault, KITH_ERR_USAGE, "expected [ROUND] and a number of its list");
  if (n_operands == 1)
    err = kith_kept_only(home, round, fault);
  else if ((err = kith_cli_round_id(at.id, operands[0], fault)) == KITH_OK)
    memcpy(round, operands[0], sizeof round); /* as long as an id is */
  if (err == KITH_OK && (err = kith_cli_round_id(at.id, round, fault)) == KITH_OK &&
      (err = kith_kept_init(&kept, home, round, fault)) == KITH_OK)
    err = kith_cohort_open_kept(&at.cohort, &at.round, home, &kept, fault);
  kith_kept_free(&kept);
  for (size_t i = 0; err == KITH_OK && i < at.cohort.n_people; i++)
    if (at.cohort.people[i].number == number)
      at.person = &at.cohort.people[i];
  if (err == KITH_OK && !at.person)
    err = kith_fail(fault, KITH_ERR_NOT_FOUND, "the list has no number %llu",
                    (unsigned long long)number);
  if (err == KITH_OK)
    *out = at;
  else
    kith_cohort_person_free(&at);
  return err;
}

/* ---- list: the same word for both sides */

static int verb_list(int argc, char **argv)
{
  const char *home_dir = NULL;
  const char *passphrase_file = NULL;
  bool all = false;
  bool json = false;
  const struct kith_cli_option options[] = {
      {.name = "all",
       .kind = KITH_CLI_FLAG,
       .out = &all,
       .help = "at an agency: those that are answered, too"},
      {.name = "home",
       .kind = KITH_CLI_STRING,
       .out = &home_dir,
       .value = "DIR",
       .help = "the agency's or the recipient's home; $KITH_HOME"},
      {.name = "passphrase-file",
       .kind = KITH_CLI_STRING,
       .out = &passphrase_file,
       .value = "FILE",
       .help = "of a recipient: its first line unwraps the key file"},
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &json, .help = "print JSON"}};
  const struct kith_cli_spec spec = {
      .usage = "kith disclosure list [--all] [--json]",
      .about = "At an agency: the requests that wait for an officer, with the record as the source "
               "has it now, who asks, why, and what for. At a recipient: what was asked, and what "
               "became of it.",
      .examples = "  $ kith disclosure list --home police\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_fault fault = {0};
  struct kith_home home = {0};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first != argc)
    return kith_cli_usage(spec.usage, "no operands were expected");
  fault.err = kith_home_open(&home, home_dir, &fault);
  if (fault.err != KITH_OK)
    status = kith_cli_fail(&fault);
  else if (home.agency)
    status = kith_disclosure_list_queue(&home, all, json);
  else
    status = kith_disclosure_list_asked(&home, passphrase_file, all, json);
  kith_home_close(&home);
  return status;
}

int kith_cmd_disclosure(int argc, char **argv)
{
  static const struct kith_cli_verb verbs[] = {
      {"request", kith_disclosure_request_verb, "a recipient asks who is behind handles"},
      {"pull", kith_disclosure_pull_verb, "a recipient fetches answers"},
      {"list", verb_list, "what waits, or what was asked"},
      {"approve", kith_disclosure_approve_verb, "an agency's officer answers"},
      {"refuse", kith_disclosure_refuse_verb, "an agency's officer does not"}};

  return kith_cli_verbs("disclosure",
                        "From a handle of a released list to a person: asked by the recipient, "
                        "answered by an officer of the agency, one record at a time.",
                        verbs, KITH_COUNT_OF(verbs), argc, argv);
}
