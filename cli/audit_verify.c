/* `kith audit verify`: exported logs against the charter and against each other, off-line. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/audit.h"
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/verbs.h"
#include "proto/audit_check.h"

static const char *state_of(const struct kith_round_view *view)
{
  return view->aborted ? "aborted" : view->closed ? "closed" : view->released ? "released" : "open";
}

/* Who has signed that all of it is destroyed; a round that is over needs everybody who took part.
 */
static json_t *destroyed_json(const struct kith_audit_round *round, bool *all)
{
  const struct kith_round_view *view = kith_round_log_view(round->log);
  json_t *object = json_object();

  *all = true;
  for (unsigned i = 0; i < round->charter->n_members; i++) {
    const struct kith_member *member = &round->charter->members[i];
    const struct kith_seat *seat = kith_round_seat(view, member->id);
    bool took_part = member->role == KITH_ROLE_MATCHER || (seat && seat->joined);
    json_t *what = json_array();

    for (unsigned bit = KITH_DESTROYED_ROUND_KEYS; bit <= KITH_DESTROYED_ALL; bit++)
      if (view->destroyed[i] & 1u << bit)
        json_array_append_new(what, json_string(kith_destroyed_name((enum kith_destroyed)bit)));
    if (took_part && !(view->destroyed[i] & 1u << KITH_DESTROYED_ALL))
      *all = false;
    if (took_part || json_array_size(what))
      json_object_set_new(object, member->id, what);
    else
      json_decref(what);
  }
  return object;
}

/* Longest first, the order of the charter among equals. */
static json_t *cosigned_json(const struct kith_audit_check *check,
                             const struct kith_audit_book *book)
{
  json_t *array = json_array();

  for (uint64_t below = UINT64_MAX, seq = 0; array; below = seq) {
    seq = 0;
    for (unsigned i = 0; i < book->n_cosigners; i++)
      if (book->cosigners[i].seq < below && book->cosigners[i].seq > seq)
        seq = book->cosigners[i].seq;
    if (!seq)
      break;
    for (unsigned i = 0; i < book->n_cosigners; i++) {
      const struct kith_audit_cosigner *cosigner = &book->cosigners[i];
      const struct kith_member *member = kith_charter_member(check->charter, cosigner->member);

      if (cosigner->seq == seq)
        json_array_append_new(array,
                              json_pack("{s:s, s:s, s:I, s:I}", "member", cosigner->member, "role",
                                        member ? kith_role_name(member->role) : "", "entries",
                                        (json_int_t)seq, "time", (json_int_t)cosigner->time));
    }
  }
  return array;
}

/* How many could cosign it: the agencies of the matcher's log, the matcher of an agency's. */
static int cosigners_of(const struct kith_charter *charter, const char *owner)
{
  const struct kith_member *member = kith_charter_member(charter, owner);
  int n = 0;

  for (unsigned i = 0; member && i < charter->n_members; i++)
    n += (member->role == KITH_ROLE_MATCHER && charter->members[i].role == KITH_ROLE_AGENCY) ||
         (member->role == KITH_ROLE_AGENCY && charter->members[i].role == KITH_ROLE_MATCHER);
  return n;
}

static json_t *report_json(const struct kith_audit_check *check)
{
  json_t *logs = json_array();
  json_t *rounds = json_array();
  json_t *findings = json_array();

  for (size_t i = 0; i < check->n_books; i++) {
    const struct kith_audit_report *report = &check->books[i].report;
    char root[2 * KITH_HASH_BYTES + 1];

    kith_hex_encode(root, report->root.bytes, KITH_HASH_BYTES);
    json_array_append_new(logs, json_pack("{s:s, s:s, s:I, s:s, s:b, s:i, s:o}", "file",
                                          check->books[i].name, "member", report->member, "entries",
                                          (json_int_t)report->n_entries, "root", root, "whole",
                                          check->books[i].whole, "cosigners",
                                          cosigners_of(check->charter, report->member), "cosigned",
                                          cosigned_json(check, &check->books[i])));
  }
  for (size_t i = 0; i < check->n_rounds; i++) {
    const struct kith_audit_round *round = &check->rounds[i];
    char id[2 * KITH_ROUND_ID_BYTES + 1];
    bool all = false;
    json_t *destroyed;

    kith_hex_encode(id, round->id, KITH_ROUND_ID_BYTES);
    if (!round->log)
      continue;
    destroyed = destroyed_json(round, &all);
    json_array_append_new(rounds, json_pack("{s:s, s:s, s:b, s:o}", "round", id, "state",
                                            state_of(kith_round_log_view(round->log)), "destroyed",
                                            all, "by", destroyed));
  }
  for (size_t i = 0; i < check->n_findings; i++)
    json_array_append_new(findings, json_pack("{s:s, s:s}", "member", check->findings[i].member,
                                              "text", check->findings[i].text));
  return json_pack("{s:b, s:o, s:o, s:o}", "holds", check->n_findings == 0, "logs", logs, "rounds",
                   rounds, "findings", findings);
}

/* "cosigned by 5 of 6 agencies up to entry 40": who has cosigned more has cosigned that as well. */
static void print_cosigned(const json_t *log)
{
  const json_t *cosigned = json_object_get(log, "cosigned");
  long long of = (long long)json_integer_value(json_object_get(log, "cosigners"));
  long long n = 0;
  size_t i;
  json_t *item;

  if (!json_is_true(json_object_get(log, "whole")))
    return;
  if (of && json_array_size(cosigned) == 0)
    puts("  cosigned by nobody");
  json_array_foreach(cosigned, i, item)
  {
    const char *role = json_string_value(json_object_get(item, "role"));
    json_int_t entries = json_integer_value(json_object_get(item, "entries"));
    const json_t *next = json_array_get(cosigned, i + 1);

    n += strcmp(role, "agency") == 0;
    if (strcmp(role, "agency") != 0)
      printf("  cosigned by %s up to entry %lld\n",
             json_string_value(json_object_get(item, "member")), (long long)entries);
    else if (!next || json_integer_value(json_object_get(next, "entries")) != entries)
      printf("  cosigned by %lld of %lld agencies up to entry %lld\n", n, of, (long long)entries);
  }
}

static void print_report(const json_t *report)
{
  size_t i;
  json_t *item;

  json_array_foreach(json_object_get(report, "logs"), i, item)
  {
    printf("%s: the log of %s, %lld entries%s\n", json_string_value(json_object_get(item, "file")),
           json_string_value(json_object_get(item, "member")),
           (long long)json_integer_value(json_object_get(item, "entries")),
           json_is_true(json_object_get(item, "whole")) ? ", whole and signed" : ", BROKEN");
    print_cosigned(item);
  }
  json_array_foreach(json_object_get(report, "rounds"), i, item)
  {
    const char *member;
    json_t *what;

    printf("round %s: %s, %s\n", json_string_value(json_object_get(item, "round")),
           json_string_value(json_object_get(item, "state")),
           json_is_true(json_object_get(item, "destroyed")) ? "destroyed by all who took part"
                                                            : "not destroyed by all");
    json_object_foreach(json_object_get(item, "by"), member, what)
    {
      size_t j;
      json_t *name;

      printf("  %s has signed:", member);
      json_array_foreach(what, j, name)
      {
        printf("%s %s", j ? "," : "", json_string_value(name));
      }
      puts(json_array_size(what) ? "" : " nothing");
    }
  }
  json_array_foreach(json_object_get(report, "findings"), i, item)
  {
    printf("does not hold: %s\n", json_string_value(json_object_get(item, "text")));
  }
}

/* The charter that logs are checked with, and the keys that must have signed it. */
struct trust {
  const char *charter;
  struct kith_cli_list pins;
  uint64_t threshold; /* 0: all of the pins */
};

/* Of any age: a log is checked when the charter that it was kept under may be over. */
static enum kith_err charter_load(struct kith_charter *charter, struct kith_hash *hash,
                                  const struct trust *trust, struct kith_fault *fault)
{
  const struct kith_cli_list *pins = &trust->pins;
  struct kith_signers pinned = {.threshold =
                                    (unsigned)(trust->threshold ? trust->threshold : pins->n)};
  struct kith_signed document = {0};
  enum kith_err err = kith_cli_crypto(fault);

  if (err == KITH_OK)
    err = kith_cli_charter_load(&document, charter, trust->charter, false, fault);
  for (size_t i = 0; i < pins->n && err == KITH_OK; i++)
    err = kith_cli_pin_key(pinned.keys[pinned.n_keys++], pins->items[i], charter, fault);
  if (err == KITH_OK)
    err = kith_signed_verify(&document, pins->n ? &pinned : &charter->governance, fault);
  if (err == KITH_OK)
    kith_signed_hash(hash, &document);
  kith_signed_free(&document);
  return err;
}

static enum kith_err check_files(struct kith_audit_check *check, char *const *paths, int n,
                                 struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  for (int i = 0; err == KITH_OK && i < n; i++) {
    uint8_t *bytes = NULL;
    size_t len = 0;

    err = kith_file_read(&bytes, &len, paths[i], KITH_AUDIT_EXPORT_BYTES_MAX, fault);
    if (err != KITH_OK)
      return err;
    err = kith_audit_check_add(check, paths[i], bytes, len, fault);
    if (err != KITH_OK)
      return kith_fail_at(fault, err, "%s", paths[i]);
  }
  return err;
}

static int verify(const struct trust *trust, char *const *paths, int n, bool json)
{
  struct kith_charter *charter = KITH_NEW(struct kith_charter);
  struct kith_audit_check *check = NULL;
  struct kith_fault fault = {0};
  struct kith_hash hash;
  json_t *report = NULL;
  int status;

  fault.err = charter ? charter_load(charter, &hash, trust, &fault) : KITH_ERR_MEMORY;
  if (fault.err == KITH_OK)
    fault.err = kith_audit_check_new(&check, charter, &hash);
  if (fault.err == KITH_OK)
    fault.err = check_files(check, paths, n, &fault);
  if (fault.err == KITH_OK) {
    fault.err = kith_audit_check_finish(check);
    report = fault.err == KITH_OK || fault.err == KITH_ERR_NO ? report_json(check) : NULL;
    if (!report)
      fault.err = kith_fail(&fault, KITH_ERR_MEMORY, "out of memory");
  }
  status = kith_err_exit_status(fault.err);
  if (report && json) {
    int printed = kith_cli_json(report);

    status = printed ? printed : status;
  } else if (report) {
    print_report(report);
    json_decref(report);
    status = kith_cli_finish_stdout() ? kith_err_exit_status(KITH_ERR_IO) : status;
  } else {
    status = kith_cli_fail(&fault);
  }
  kith_audit_check_free(check);
  kith_free(charter);
  return status;
}

int kith_audit_verify_logs(int argc, char **argv)
{
  struct trust trust = {0};
  bool json = false;
  const struct kith_cli_option options[] = {
      {.name = "charter",
       .kind = KITH_CLI_STRING,
       .out = &trust.charter,
       .value = "FILE",
       .help = "who the members are"},
      {.name = "pin",
       .kind = KITH_CLI_LIST,
       .out = &trust.pins,
       .value = "PIN",
       .help = "a governance key's fingerprint, base64 or card; several times"},
      {.name = "threshold",
       .kind = KITH_CLI_U64,
       .out = &trust.threshold,
       .value = "M",
       .help = "how many of the pinned keys must have signed; all by default",
       .min = 1,
       .max = KITH_GOVERNANCE_KEYS_MAX},
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &json, .help = "print JSON"}};
  const struct kith_cli_spec spec = {
      .usage = "kith audit verify --charter FILE [--pin PIN ...] [--threshold M] [--json] LOG ...",
      .about =
          "Checks exported logs with the charter alone: each log's chain, tree and signature; the "
          "signed statements of its rounds; which rounds are destroyed, and by whom; who has "
          "cosigned it, and how far; and with several logs that nobody has shown two histories. "
          "Exit status 0: all holds; 1: it does "
          "not, each finding says where; 65: no exported log.",
      .examples = "  $ kith audit verify --charter charter.json --pin lead.card *.kith-audit\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (!trust.charter || first == argc)
    return kith_cli_usage(spec.usage, "--charter and one or more exported logs were expected");
  if (trust.pins.n > KITH_GOVERNANCE_KEYS_MAX || trust.threshold > trust.pins.n)
    return kith_cli_usage(spec.usage, "expected at most %d pins, and --threshold of them",
                          KITH_GOVERNANCE_KEYS_MAX);
  return verify(&trust, argv + first, argc - first, json);
}
