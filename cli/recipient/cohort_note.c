/* `kith cohort note`: the team's own case number and words on a person of a list. They stay in the
 * home, and are read from files: an argument is seen by whoever sees the machine's processes. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/disclosure.h"
#include "cli/recipient/cohort.h"
#include "cli/recipient/recipient_note.h"
#include "cli/verbs.h"

struct noting {
  const char *home_dir;
  const char *passphrase_file;
  const char *reference_file;
  const char *words_file;
  bool remove;
  struct kith_home home;
  struct kith_recipient recipient;
  struct kith_cohort_person_at at;
  struct kith_note note;
};

static enum kith_err note_it(struct noting *noting, int n_operands, char **operands,
                             struct kith_fault *fault)
{
  struct kith_note *note = &noting->note;
  enum kith_err err = kith_home_open(&noting->home, noting->home_dir, fault);

  if (err == KITH_OK && noting->home.agency)
    err = kith_fail(fault, KITH_ERR_CONFIG, "an agency's home: only a recipient has a list");
  if (err == KITH_OK && noting->reference_file)
    err = kith_cli_words(note->reference, sizeof note->reference, noting->reference_file, fault);
  if (err == KITH_OK && noting->words_file)
    err = kith_cli_words(note->words, sizeof note->words, noting->words_file, fault);
  if (err != KITH_OK ||
      (err = kith_home_unlock(&noting->home, noting->passphrase_file, fault)) != KITH_OK ||
      (err = kith_recipient_open(&noting->recipient, &noting->home, fault)) != KITH_OK ||
      (err = kith_cohort_person_open(&noting->at, &noting->home, n_operands, operands, fault)) !=
          KITH_OK)
    return err;
  note->number = noting->at.person->number;
  note->time = kith_node_now(noting->recipient.node);
  err = kith_note_put(&noting->recipient, noting->at.id, note);
  return err == KITH_OK ? err
                        : kith_fail(fault, err, "the note can't be kept: %s", kith_err_name(err));
}

int kith_cohort_note(int argc, char **argv)
{
  KITH_AUTO_FREE struct noting *noting = KITH_NEW(struct noting);
  struct kith_fault fault = {0};
  int first;
  int status;

  if (!noting)
    return kith_cli_error(KITH_ERR_MEMORY, "out of memory");
#define STRING(name_, member, value_, help_)                                                       \
  {                                                                                                \
    .name = (name_), .kind = KITH_CLI_STRING, .out = &noting->member, .value = (value_),           \
    .help = (help_)                                                                                \
  }
  const struct kith_cli_option options[] = {
      STRING("reference-file", reference_file, "FILE", "the team's own case number"),
      STRING("words-file", words_file, "FILE", "what else there is to note"),
      {.name = "remove", .kind = KITH_CLI_FLAG, .out = &noting->remove, .help = "take it away"},
      STRING("home", home_dir, "DIR", "the recipient's home; $KITH_HOME"),
      STRING("passphrase-file", passphrase_file, "FILE", "its first line unwraps the key file")};
#undef STRING
  const struct kith_cli_spec spec = {
      .usage = "kith cohort note [--reference-file FILE] [--words-file FILE] [--remove] [ROUND] "
               "NUMBER",
      .about = "Notes the team's own case number, and words, on a person of a pulled list, in "
               "place of what was noted before. Notes stay in the home, sealed, until what "
               "belongs to the round is destroyed. 'kith cohort diff' finds people of the last "
               "list by them.",
      .examples = "  $ kith cohort note --reference-file case.txt 6f1c... 17\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (noting->remove == (noting->reference_file || noting->words_file) || first == argc)
    return kith_cli_usage(spec.usage, "expected a file or --remove, and a number of the list");
  fault.err = note_it(noting, argc - first, argv + first, &fault);
  status = fault.err == KITH_OK ? 0 : kith_cli_fail(&fault);
  kith_cohort_person_free(&noting->at);
  kith_recipient_close(&noting->recipient);
  kith_home_close(&noting->home);
  kith_wipe(noting, sizeof *noting);
  return status;
}
