/* `kith charter show` and `verify`. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/charter.h"
#include "cli/cli.h"
#include "cli/documents.h"

/* ---- show */

static json_t *charter_json(const struct kith_signed *document, const struct kith_charter *charter)
{
  json_t *members = json_array();
  char hash[2 * KITH_HASH_BYTES + 1];

  kith_cli_hash_text(hash, document);
  for (unsigned i = 0; i < charter->n_members; i++) {
    char fingerprint[KITH_FINGERPRINT_BYTES];

    kith_fingerprint(fingerprint, &charter->members[i].keys);
    if (json_array_append_new(members, json_pack("{s:s, s:s}", "id", charter->members[i].id,
                                                 "fingerprint", fingerprint)) != 0) {
      json_decref(members);
      return NULL;
    }
  }
  return json_pack(
      "{s:o, s:s, s:o, s:i, s:o}", "charter",
      json_loadb((const char *)document->bytes, document->len, JSON_REJECT_DUPLICATES, NULL),
      "hash", hash, "signatures", kith_cli_signatures_json(document), "signed",
      (int)kith_cli_count_signed(document, &charter->governance), "fingerprints", members);
}

static int charter_table(const struct kith_signed *document, const struct kith_charter *charter)
{
  struct kith_cli_table table = {0};
  char from[KITH_TIME_BYTES];
  char to[KITH_TIME_BYTES];
  char hash[2 * KITH_HASH_BYTES + 1];
  enum kith_err err;

  kith_cli_hash_text(hash, document);
  kith_time_format(from, charter->valid_from);
  kith_time_format(to, charter->expires);
  printf("charter   %s\nversion   %llu\nvalid     %s to %s\nmatcher   %s\nsigned    by %u of %u "
         "governance keys, %u needed\nhash      %s\n\n",
         charter->name, (unsigned long long)charter->version, from, to, charter->matcher_address,
         kith_cli_count_signed(document, &charter->governance), charter->governance.n_keys,
         charter->governance.threshold, hash);
  KITH_CLI_ROW(&table, "MEMBER", "ROLE", "KIND", "NAME", "FINGERPRINT");
  for (unsigned i = 0; i < charter->n_members; i++) {
    const struct kith_member *member = &charter->members[i];
    char fingerprint[KITH_FINGERPRINT_BYTES];

    kith_fingerprint(fingerprint, &member->keys);
    KITH_CLI_ROW(&table, member->id, kith_role_name(member->role),
                 member->role == KITH_ROLE_AGENCY ? kith_agency_kind_name(member->kind) : "-",
                 member->name, fingerprint);
  }
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  if (err != KITH_OK)
    return kith_cli_error(err, "out of memory");
  return kith_cli_finish_stdout();
}

int kith_charter_show(int argc, char **argv)
{
  bool json = false;
  const struct kith_cli_option options[] = {
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &json, .help = "print JSON"}};
  const struct kith_cli_spec spec = {
      .usage = "kith charter show [--json] FILE",
      .about = "Shows who is in a charter, with fingerprints to compare over the telephone. It "
               "says who signed, not whether they may: 'kith charter verify --pin' does.",
      .examples = "  $ kith charter show charter.json\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_charter *charter;
  struct kith_signed document = {0};
  struct kith_fault fault = {0};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first + 1 != argc)
    return kith_cli_usage(spec.usage, "expected one charter");
  charter = KITH_NEW(struct kith_charter);
  if (!charter)
    return kith_cli_error(KITH_ERR_MEMORY, "out of memory");
  if ((fault.err = kith_cli_crypto(&fault)) == KITH_OK)
    fault.err = kith_cli_charter_load(&document, charter, argv[first], true, &fault);
  if (fault.err != KITH_OK)
    status = kith_cli_fail(&fault);
  else
    status =
        json ? kith_cli_json(charter_json(&document, charter)) : charter_table(&document, charter);
  kith_signed_free(&document);
  kith_free(charter);
  return status;
}

/* ---- verify */

/* Equal but for blanks, hyphens and case. */
static bool fingerprint_equal(const char *typed, const char *fingerprint)
{
  for (;;) {
    while (*typed == ' ' || *typed == '-')
      typed++;
    while (*fingerprint == ' ')
      fingerprint++;
    char c = *typed >= 'a' && *typed <= 'z' ? (char)(*typed - 'a' + 'A') : *typed;
    if (c != *fingerprint)
      return false;
    if (c == '\0')
      return true;
    typed++;
    fingerprint++;
  }
}

/* A fingerprint stands for all keys of a member, so that the charter's own words about it can be
 * taken before they are verified. */
enum kith_err kith_cli_pin_key(uint8_t out[KITH_PUBLIC_BYTES], const char *pin,
                               const struct kith_charter *charter, struct kith_fault *fault)
{
  for (unsigned i = 0; i < charter->n_members; i++) {
    char fingerprint[KITH_FINGERPRINT_BYTES];

    kith_fingerprint(fingerprint, &charter->members[i].keys);
    if (fingerprint_equal(pin, fingerprint)) {
      memcpy(out, charter->members[i].keys.sign, KITH_PUBLIC_BYTES);
      return KITH_OK;
    }
  }
  if (kith_cli_sign_key(out, pin, NULL) == KITH_OK)
    return KITH_OK;
  if (kith_file_exists(pin))
    return kith_cli_sign_key(out, pin, fault);
  return kith_fail(fault, KITH_ERR_NO,
                   "--pin %.60s: no member of this charter has this fingerprint, and it is no "
                   "signing key and no card",
                   pin);
}

static enum kith_err verify(const char *path, const struct kith_cli_list *pins, uint64_t threshold,
                            struct kith_fault *fault)
{
  struct kith_charter *charter = KITH_NEW(struct kith_charter);
  struct kith_signers pinned = {.threshold = threshold ? (unsigned)threshold : (unsigned)pins->n};
  struct kith_signed document = {0};
  enum kith_err err;

  if (!charter)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  if ((err = kith_cli_crypto(fault)) == KITH_OK)
    err = kith_cli_charter_load(&document, charter, path, false, fault);
  for (size_t i = 0; i < pins->n && err == KITH_OK; i++)
    err = kith_cli_pin_key(pinned.keys[pinned.n_keys++], pins->items[i], charter, fault);
  if (err == KITH_OK)
    err = kith_charter_accept(charter, &document, pins->n ? &pinned : &charter->governance, NULL,
                              kith_clock_now(), fault);
  /* Expired is a no here, not a want of permission. */
  if (err == KITH_ERR_DENIED)
    err = KITH_ERR_NO;
  if (err == KITH_OK)
    printf("%s: version %llu, signatures and validity hold%s\n", path,
           (unsigned long long)charter->version,
           pins->n ? "" : "; whose keys they are is not checked without --pin");
  kith_signed_free(&document);
  kith_free(charter);
  return err;
}

int kith_charter_verify(int argc, char **argv)
{
  struct kith_cli_list pins = {0};
  uint64_t threshold = 0;
  const struct kith_cli_option options[] = {
      {.name = "pin",
       .kind = KITH_CLI_LIST,
       .out = &pins,
       .value = "PIN",
       .help = "a governance key's fingerprint, base64 or card; several times"},
      {.name = "threshold",
       .kind = KITH_CLI_U64,
       .out = &threshold,
       .value = "M",
       .help = "how many of the pinned keys must have signed; all by default",
       .min = 1,
       .max = KITH_GOVERNANCE_KEYS_MAX}};
  const struct kith_cli_spec spec = {
      .usage = "kith charter verify [--pin PIN ...] [--threshold M] FILE",
      .about = "Checks that the charter is in order, valid today, and signed by the pinned keys "
               "and by enough of its own governance keys. Exit status 1 if not.",
      .examples = "  $ kith charter verify --pin lead.card charter.json\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_fault fault = {0};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first + 1 != argc)
    return kith_cli_usage(spec.usage, "expected one charter");
  if (pins.n > KITH_GOVERNANCE_KEYS_MAX || threshold > pins.n)
    return kith_cli_usage(spec.usage, "expected at most %d pins, and --threshold of them",
                          KITH_GOVERNANCE_KEYS_MAX);
  fault.err = verify(argv[first], &pins, threshold, &fault);
  return fault.err == KITH_OK ? kith_cli_finish_stdout() : kith_cli_fail(&fault);
}
