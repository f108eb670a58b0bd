/* `kith audit`: what a node did and decided, read by people. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/audit.h"
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/recipient/recipient.h"
#include "cli/verbs.h"
#include "proto/audit.h"
#include "proto/officer.h"

/* In plain words; those that are missing say their name. */
static const char *const words[KITH_AUDIT_EVENTS] = {
    [KITH_AUDIT_STARTED] = "the node started",
    [KITH_AUDIT_STOPPED] = "the node was stopped",
    [KITH_AUDIT_DOCUMENT] = "a charter or policy came into force",
    [KITH_AUDIT_DOCUMENT_REFUSED] = "a charter or policy was refused",
    [KITH_AUDIT_STATEMENT] = "a signed statement was taken",
    [KITH_AUDIT_STATEMENT_REFUSED] = "a statement was refused",
    [KITH_AUDIT_CONFLICT] = "a member said two things in one place",
    [KITH_AUDIT_PEER_DENIED] = "somebody who is no member was turned away",
    [KITH_AUDIT_CHECKPOINT] = "how far a member's log is was recorded",
    [KITH_AUDIT_CONTRADICTION] = "A MEMBER'S LOG CONTRADICTS WHAT IT SIGNED BEFORE",
    [KITH_AUDIT_ROUND_STATE] = "the round moved on",
    [KITH_AUDIT_ROUND_KEY] = "a key was made for the round",
    [KITH_AUDIT_ROUND_SECRET] = "the round's secret was agreed",
    [KITH_AUDIT_ENCODED] = "the records were encoded",
    [KITH_AUDIT_BATCH] = "encodings were sent or taken",
    [KITH_AUDIT_MATCHED] = "the encodings were matched",
    [KITH_AUDIT_THRESHOLD] = "the threshold was decided",
    [KITH_AUDIT_RELEASED] = "the list was released",
    [KITH_AUDIT_LIST_SERVED] = "the list was given to a recipient",
    [KITH_AUDIT_LIST_OPENED] = "a recipient opened the list",
    [KITH_AUDIT_DESTROYED] = "destroyed",
    [KITH_AUDIT_OFFICER_JOINED] = "the officers joined the round",
    [KITH_AUDIT_OFFICER_DECLINED] = "an officer declined the round",
    [KITH_AUDIT_TRIAL_MAP] = "handles and records were written out, in a trial round",
    [KITH_AUDIT_EXPORTED] = "the log was exported",
    [KITH_AUDIT_CONFIGURED] = "the node was configured",
    [KITH_AUDIT_SOURCE_REFUSED] = "the source does not meet the policy's minima",
    [KITH_AUDIT_SUBJECT_REPORT] = "an officer asked what is known of a person",
    [KITH_AUDIT_PROPOSAL] = "governance proposed or signed a statement",
    [KITH_AUDIT_OFFICERS] = "a list of officers came into force",
    [KITH_AUDIT_OFFICER_ADDED] = "an officer was put on the list",
    [KITH_AUDIT_OFFICER_REMOVED] = "an officer was taken off the list",
    [KITH_AUDIT_OFFICER_DECISION] = "an officer decided",
    [KITH_AUDIT_DISCLOSURE_REQUESTED] = "a recipient asked who a record is of",
    [KITH_AUDIT_DISCLOSURE_REFUSED] = "a disclosure was refused",
    [KITH_AUDIT_DISCLOSURE_APPROVED] = "a disclosure was approved",
    [KITH_AUDIT_DISCLOSURE_ANSWERED] = "an answer went to the recipient",
    [KITH_AUDIT_DISCLOSURE_EXPIRED] = "a request expired without an answer",
    [KITH_AUDIT_LETTER_DROPPED] = "a letter that was not what it said was dropped",
    [KITH_AUDIT_FEEDBACK] = "a recipient said whether a list was right",
    [KITH_AUDIT_RECORD_WITHDRAWN] = "an agency withdrew a record",
    [KITH_AUDIT_CONTEXT] = "context of the list went to a recipient",
};

struct shown {
  const uint8_t *round; /* NULL: all */
  json_t *json;         /* NULL: a table */
  struct kith_cli_table table;
};

static bool is_of(const struct kith_audit_entry *entry, const uint8_t *round)
{
  for (unsigned i = 0; i < entry->n_values; i++)
    if (entry->values[i].kind == KITH_AUDIT_ROUND &&
        memcmp(entry->values[i].as.round, round, KITH_ROUND_ID_BYTES) == 0)
      return true;
  return false;
}

static void value_text(char out[2 * KITH_SIGN_BYTES + 1], const struct kith_audit_value *value)
{
  switch (value->kind) {
  case KITH_AUDIT_ID:
    (void)snprintf(out, 2 * KITH_SIGN_BYTES + 1, "%s", value->as.id);
    break;
  case KITH_AUDIT_NUMBER:
    (void)snprintf(out, 2 * KITH_SIGN_BYTES + 1, "%llu", (unsigned long long)value->as.number);
    break;
  case KITH_AUDIT_ROUND:
    kith_hex_encode(out, value->as.round, KITH_ROUND_ID_BYTES);
    break;
  case KITH_AUDIT_HASH:
    kith_hex_encode(out, value->as.hash.bytes, KITH_HASH_BYTES);
    break;
  case KITH_AUDIT_SIGNATURE:
    kith_hex_encode(out, value->as.signature, KITH_SIGN_BYTES);
    break;
  }
}

static enum kith_err show_json(struct shown *shown, const struct kith_audit_entry *entry,
                               const char *digest)
{
  json_t *object = json_pack("{s:I, s:I, s:s, s:s, s:{}}", "seq", (json_int_t)entry->seq, "time",
                             (json_int_t)entry->time, "event", kith_audit_event_name(entry->event),
                             "digest", digest, "values");

  for (unsigned i = 0; object && i < entry->n_values; i++) {
    char text[2 * KITH_SIGN_BYTES + 1];

    value_text(text, &entry->values[i]);
    json_object_set_new(json_object_get(object, "values"), entry->values[i].name,
                        json_string(text));
  }
  return object && json_array_append_new(shown->json, object) == 0 ? KITH_OK : KITH_ERR_MEMORY;
}

/* What an entry says of officers: the decision, and the key's fingerprint. */
enum { OFFICER_BYTES = KITH_FINGERPRINT_BYTES + 32 };
static void officer_words(char out[OFFICER_BYTES], const struct kith_audit_entry *entry)
{
  char fingerprint[KITH_FINGERPRINT_BYTES] = "";
  const char *kind = "";

  out[0] = '\0';
  if (entry->event != KITH_AUDIT_OFFICER_DECISION && entry->event != KITH_AUDIT_OFFICER_ADDED &&
      entry->event != KITH_AUDIT_OFFICER_REMOVED)
    return;
  for (unsigned i = 0; i < entry->n_values; i++) {
    const struct kith_audit_value *value = &entry->values[i];

    if (value->kind == KITH_AUDIT_HASH && strcmp(value->name, "key") == 0)
      kith_fingerprint_text(fingerprint, value->as.hash.bytes);
    else if (value->kind == KITH_AUDIT_NUMBER && strcmp(value->name, "kind") == 0)
      kind = kith_officer_kind_name((enum kith_officer_kind)value->as.number);
  }
  (void)snprintf(out, OFFICER_BYTES, "%s%skey %s", kind, *kind ? ", " : "", fingerprint);
}

/* Number, time, round, who, what, digest. */
static void show_row(struct shown *shown, const struct kith_audit_entry *entry, const char *digest)
{
  char seq[24];
  char at[32] = "";
  char round[9] = "";
  char what[160];
  char officer[OFFICER_BYTES];
  const char *member = "";
  const char *more = officer;
  const char *cells[6];
  time_t seconds = (time_t)entry->time;
  struct tm parts;

  (void)snprintf(seq, sizeof seq, "%llu", (unsigned long long)entry->seq);
  if (gmtime_r(&seconds, &parts))
    (void)strftime(at, sizeof at, "%Y-%m-%d %H:%M:%SZ", &parts);
  officer_words(officer, entry);
  for (unsigned i = 0; i < entry->n_values; i++) {
    const struct kith_audit_value *value = &entry->values[i];

    if (value->kind == KITH_AUDIT_ROUND)
      kith_hex_encode(round, value->as.round, 4);
    else if (value->kind == KITH_AUDIT_ID && strcmp(value->name, "reason") != 0 &&
             strcmp(value->name, "refusal") != 0)
      member = value->as.id;
    else if (value->kind == KITH_AUDIT_NUMBER && entry->event == KITH_AUDIT_ROUND_STATE)
      more = kith_round_state_name((enum kith_round_state)value->as.number);
    else if (value->kind == KITH_AUDIT_NUMBER && entry->event == KITH_AUDIT_DESTROYED)
      more = kith_destroyed_name((enum kith_destroyed)value->as.number);
  }
  (void)snprintf(what, sizeof what, "%s%s%s",
                 entry->event < KITH_AUDIT_EVENTS && words[entry->event]
                     ? words[entry->event]
                     : kith_audit_event_name(entry->event),
                 more[0] ? ": " : "", more);
  cells[0] = seq;
  cells[1] = at;
  cells[2] = round;
  cells[3] = member;
  cells[4] = what;
  cells[5] = digest;
  kith_cli_table_row(&shown->table, KITH_COUNT_OF(cells), cells);
}

static enum kith_err show_entry(void *context, const void *bytes, size_t len)
{
  struct shown *shown = context;
  struct kith_audit_entry entry;
  struct kith_hash leaf;
  char digest[2 * KITH_HASH_BYTES + 1];
  enum kith_err err = kith_audit_entry_read(&entry, bytes, len);

  if (err != KITH_OK || (shown->round && !is_of(&entry, shown->round)))
    return err;
  kith_tree_leaf(&leaf, bytes, len);
  kith_hex_encode(digest, leaf.bytes, KITH_HASH_BYTES);
  if (shown->json)
    return show_json(shown, &entry, digest);
  digest[16] = '\0';
  show_row(shown, &entry, digest);
  return KITH_OK;
}

/* `own`: of a recipient's own store, not of the matcher. */
static enum kith_err log_of(uint8_t **bytes, size_t *len, const char *file, const char *home_dir,
                            const char *passphrase_file, bool own, struct kith_fault *fault)
{
  struct kith_home home = {0};
  enum kith_err err;

  if (file)
    return kith_file_read(bytes, len, file, KITH_AUDIT_EXPORT_BYTES_MAX, fault);
  err = kith_home_open(&home, home_dir, fault);
  if (err == KITH_OK && own && home.agency)
    err = kith_fail(fault, KITH_ERR_USAGE, "--own: an agency's log is always its own");
  if (err == KITH_OK && !home.agency)
    err = own ? kith_home_unlock(&home, passphrase_file, fault)
              : kith_home_connect(&home, passphrase_file, fault);
  if (err == KITH_OK)
    err = own ? kith_recipient_audit(&home, bytes, len, fault)
              : kith_home_audit(&home, bytes, len, fault);
  kith_home_close(&home);
  return err;
}

static enum kith_err show(const uint8_t *bytes, size_t len, struct shown *shown,
                          struct kith_fault *fault)
{
  static const char *const titles[] = {"entry", "time", "round", "member", "what", "digest"};
  struct kith_audit_evidence evidence = {.entry = show_entry, .context = shown};
  struct kith_audit_report report;
  enum kith_err err;

  if (!shown->json)
    kith_cli_table_row(&shown->table, KITH_COUNT_OF(titles), titles);
  err = kith_audit_export_check(&report, bytes, len, &evidence, fault);
  /* What is before the break is shown as well. */
  if (!shown->json && (err == KITH_OK || err == KITH_ERR_NO) &&
      kith_cli_table_print(&shown->table) != KITH_OK)
    err = kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  return err;
}

#define HOME_OPTION                                                                                \
  {                                                                                                \
    .name = "home", .kind = KITH_CLI_STRING, .out = &home_dir, .value = "DIR",                     \
    .help = "this member's home; $KITH_HOME, ~/.config/kith"                                       \
  }
#define PASSPHRASE_OPTION                                                                          \
  {                                                                                                \
    .name = "passphrase-file", .kind = KITH_CLI_STRING, .out = &passphrase_file, .value = "FILE",  \
    .help = "its first line unwraps the key file"                                                  \
  }

static int verb_show(int argc, char **argv)
{
  const char *home_dir = NULL, *passphrase_file = NULL, *round_hex = NULL;
  bool json = false;
  bool own = false;
  const struct kith_cli_option options[] = {
      {.name = "round",
       .kind = KITH_CLI_STRING,
       .out = &round_hex,
       .value = "ROUND",
       .help = "this round's entries only"},
      HOME_OPTION,
      PASSPHRASE_OPTION,
      {.name = "own",
       .kind = KITH_CLI_FLAG,
       .out = &own,
       .help = "of a recipient: its own log, not the matcher's"},
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &json, .help = "print JSON"}};
  const struct kith_cli_spec spec = {
      .usage = "kith audit show [--round ROUND] [--own] [--json] [FILE]",
      .about = "What a node did and decided, entry by entry: of an exported FILE, else of this "
               "agency's daemon; a governance lead or a recipient sees the matcher's log. The "
               "digest is the entry's leaf hash (RFC 6962). Exit status 1 where the log breaks: "
               "what is before that is shown.",
      .examples = "  $ kith audit show --round 5f0e6c3a9b1d4e2f8a7b6c5d4e3f2a1b\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  KITH_AUTO_FREE uint8_t *bytes = NULL;
  struct kith_fault fault = {0};
  struct shown shown = {0};
  kith_round_id round;
  size_t len = 0;
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (argc - first > 1)
    return kith_cli_usage(spec.usage, "one exported log was expected");
  if (round_hex && kith_cli_round_id(round, round_hex, &fault) != KITH_OK)
    return kith_cli_fail(&fault);
  shown.round = round_hex ? round : NULL;
  shown.json = json ? json_array() : NULL;
  fault.err = log_of(&bytes, &len, first < argc ? argv[first] : NULL, home_dir, passphrase_file,
                     own, &fault);
  if (fault.err == KITH_OK)
    fault.err = show(bytes, len, &shown, &fault);
  kith_cli_table_free(&shown.table);
  status = fault.err == KITH_OK ? 0 : kith_cli_fail(&fault);
  if (json && (fault.err == KITH_OK || fault.err == KITH_ERR_NO)) {
    int printed = kith_cli_json(shown.json);

    return status ? status : printed;
  }
  json_decref(shown.json);
  return status ? status : kith_cli_finish_stdout();
}

static int verb_export(int argc, char **argv)
{
  const char *home_dir = NULL;
  const char *passphrase_file = NULL;
  const char *out = NULL;
  bool own = false;
  const struct kith_cli_option options[] = {
      {.name = "out",
       .kind = KITH_CLI_STRING,
       .out = &out,
       .value = "FILE",
       .help = "where to write it"},
      HOME_OPTION,
      PASSPHRASE_OPTION,
      {.name = "own",
       .kind = KITH_CLI_FLAG,
       .out = &own,
       .help = "of a recipient: its own log, not the matcher's"}};
  const struct kith_cli_spec spec = {
      .usage = "kith audit export [--own] --out FILE",
      .about =
          "Writes the audit log to a file, with all that somebody else needs to check it: the "
          "signed head, statements, charters, and what other members have signed of theirs. "
          "An agency exports its own log, the others the matcher's; a recipient's own, of what it "
          "asked, is exported with --own. It holds no personal data "
          "and no encoding.",
      .examples = "  $ kith audit export --out police.kith-audit\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  KITH_AUTO_FREE uint8_t *bytes = NULL;
  struct kith_fault fault = {0};
  size_t len = 0;
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first != argc || !out)
    return kith_cli_usage(spec.usage, "--out and no operands were expected");
  fault.err = log_of(&bytes, &len, NULL, home_dir, passphrase_file, own, &fault);
  if (fault.err == KITH_OK)
    fault.err = kith_file_write(out, 0644, bytes, len, &fault);
  return fault.err == KITH_OK ? 0 : kith_cli_fail(&fault);
}

int kith_cmd_audit(int argc, char **argv)
{
  static const struct kith_cli_verb verbs[] = {
      {"show", verb_show, "what a node did and decided"},
      {"export", verb_export, "write the log to a file for others to check"},
      {"verify", kith_audit_verify_logs, "check exported logs, off-line, with the charter alone"},
      {"privacy", kith_audit_privacy,
       "attack what a policy shows the matcher, and say who is found"}};

  return kith_cli_verbs("audit",
                        "Audit logs: what each node did, chained and signed. And what a policy's "
                        "protection is worth.",
                        verbs, KITH_COUNT_OF(verbs), argc, argv);
}
