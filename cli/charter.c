/* `kith charter`: makes and changes charters. Showing and verifying is cli/charter_show.c. */
#include "cli/charter.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/documents.h"

enum { YEAR_S = 366 * 86400 };

/* Writes the charter as an unsigned document, if it is in order. */
static enum kith_err charter_save(const struct kith_charter *charter, const char *path,
                                  struct kith_fault *fault)
{
  struct kith_charter *check = KITH_NEW(struct kith_charter);
  struct kith_signed document = {0};
  struct kith_buf buf;
  enum kith_err err = KITH_ERR_MEMORY;

  kith_buf_init(&buf, KITH_DOCUMENT_BYTES_MAX);
  if (check)
    err = kith_charter_print(&buf, charter);
  if (err == KITH_OK)
    err = kith_charter_parse_draft(check, buf.bytes, buf.len, path, fault);
  else
    err = kith_fail(fault, err, "%s: out of memory", path);
  if (err == KITH_OK && (err = kith_signed_from_bytes(&document, KITH_DOCUMENT_CHARTER, buf.bytes,
                                                      buf.len)) == KITH_OK)
    err = kith_signed_save(&document, path, fault);
  kith_signed_free(&document);
  kith_buf_free(&buf);
  kith_free(check);
  return err;
}

/* ---- what new and set take alike */

struct terms {
  const char *name;
  const char *address;
  struct kith_cli_list keys;
  uint64_t threshold; /* 0: not given */
  const char *valid_from;
  const char *expires;
};

enum { N_TERMS = 6 };

static void terms_options(struct kith_cli_option options[N_TERMS], struct terms *terms)
{
  options[0] = (struct kith_cli_option){.name = "name",
                                        .kind = KITH_CLI_STRING,
                                        .out = &terms->name,
                                        .value = "NAME",
                                        .help = "what the partnership is called"};
  options[1] = (struct kith_cli_option){.name = "matcher-address",
                                        .kind = KITH_CLI_STRING,
                                        .out = &terms->address,
                                        .value = "ADDRESS",
                                        .help = "where the matcher listens: tcp://HOST:PORT"};
  options[2] = (struct kith_cli_option){.name = "governance-key",
                                        .kind = KITH_CLI_LIST,
                                        .out = &terms->keys,
                                        .value = "KEY",
                                        .help = "a signing key in base64 or a card; several times"};
  options[3] = (struct kith_cli_option){.name = "threshold",
                                        .kind = KITH_CLI_U64,
                                        .out = &terms->threshold,
                                        .value = "M",
                                        .help = "how many of these keys must sign",
                                        .min = 1,
                                        .max = KITH_GOVERNANCE_KEYS_MAX};
  options[4] = (struct kith_cli_option){.name = "valid-from",
                                        .kind = KITH_CLI_STRING,
                                        .out = &terms->valid_from,
                                        .value = "TIME",
                                        .help = "2026-01-01 or 2026-01-01T00:00:00Z"};
  options[5] = (struct kith_cli_option){.name = "expires",
                                        .kind = KITH_CLI_STRING,
                                        .out = &terms->expires,
                                        .value = "TIME",
                                        .help = "the same; a year after the start by default"};
}

static enum kith_err terms_keys(struct kith_signers *out, const struct terms *terms,
                                struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  if (terms->keys.n > KITH_GOVERNANCE_KEYS_MAX)
    return kith_fail(fault, KITH_ERR_USAGE, "--governance-key: at most %d keys",
                     KITH_GOVERNANCE_KEYS_MAX);
  if (terms->keys.n > 0)
    *out = (struct kith_signers){.threshold = out->threshold};
  for (size_t i = 0; i < terms->keys.n && err == KITH_OK; i++) {
    err = kith_cli_sign_key(out->keys[i], terms->keys.items[i], fault);
    if (err != KITH_OK)
      return kith_fail_at(fault, err, "--governance-key");
    out->n_keys++;
  }
  if (terms->threshold)
    out->threshold = (unsigned)terms->threshold;
  if (out->threshold > out->n_keys)
    return kith_fail(fault, KITH_ERR_USAGE, "--threshold: %u of %u keys can never sign",
                     out->threshold, out->n_keys);
  return KITH_OK;
}

static enum kith_err terms_apply(struct kith_charter *charter, const struct terms *terms,
                                 struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  if ((terms->name && strlen(terms->name) >= sizeof charter->name) ||
      (terms->address && strlen(terms->address) >= sizeof charter->matcher_address))
    return kith_fail(fault, KITH_ERR_USAGE, "--name and --matcher-address have at most %d bytes",
                     KITH_NAME_BYTES - 1);
  if (terms->name)
    (void)snprintf(charter->name, sizeof charter->name, "%s", terms->name);
  if (terms->address)
    (void)snprintf(charter->matcher_address, sizeof charter->matcher_address, "%s", terms->address);
  if (terms->valid_from)
    err = kith_cli_time(&charter->valid_from, terms->valid_from, "valid-from", fault);
  if (err == KITH_OK && terms->expires)
    err = kith_cli_time(&charter->expires, terms->expires, "expires", fault);
  return err == KITH_OK ? terms_keys(&charter->governance, terms, fault) : err;
}

/* ---- new */

static enum kith_err make_new(const struct terms *terms, const char *out, struct kith_fault *fault)
{
  struct kith_charter *charter;
  enum kith_err err;

  if (kith_file_exists(out))
    return kith_fail(fault, KITH_ERR_CREATE,
                     "%s: is there already; change it with 'kith charter add', 'remove' or 'set'",
                     out);
  charter = KITH_NEW(struct kith_charter);
  if (!charter)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  charter->version = 1;
  charter->governance.threshold = 1;
  charter->valid_from = kith_clock_now();
  err = terms_apply(charter, terms, fault);
  if (err == KITH_OK && !terms->expires)
    charter->expires = charter->valid_from + YEAR_S;
  if (err == KITH_OK)
    err = charter_save(charter, out, fault);
  kith_free(charter);
  return err;
}

static int charter_new(int argc, char **argv)
{
  struct terms terms = {0};
  const char *out = NULL;
  struct kith_cli_option options[N_TERMS + 1];
  struct kith_cli_spec spec = {
      .usage = "kith charter new --name NAME --matcher-address tcp://HOST:PORT --governance-key "
               "KEY ... [--threshold M] [--expires TIME] --out FILE",
      .about = "Begins a charter. Its members are added with 'kith charter add', and then it is "
               "signed by M of the governance keys.",
      .examples = "  $ kith charter new --name City --matcher-address tcp://192.0.2.1:7420 "
                  "--governance-key lead.card --out charter.json\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_fault fault = {0};
  int first;
  int status;

  terms_options(options, &terms);
  options[N_TERMS] = (struct kith_cli_option){.name = "out",
                                              .kind = KITH_CLI_STRING,
                                              .out = &out,
                                              .value = "FILE",
                                              .help = "the charter to write"};
  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (!terms.name || !terms.address || !terms.keys.n || !out || first != argc)
    return kith_cli_usage(spec.usage,
                          "expected --name, --matcher-address, --governance-key and --out");
  fault.err = make_new(&terms, out, &fault);
  if (fault.err != KITH_OK)
    return kith_cli_fail(&fault);
  (void)fprintf(stderr, "%s: version 1; next: kith charter add --charter %s CARD ...\n", out, out);
  return 0;
}

/* ---- changes */

typedef enum kith_err change(struct kith_charter *charter, void *context, struct kith_fault *fault);

/* Loads, changes, raises the version if anybody has signed this one, saves without signatures. */
static int change_charter(const char *path, change *apply, void *context)
{
  struct kith_charter *charter = KITH_NEW(struct kith_charter);
  struct kith_signed document = {0};
  struct kith_fault fault = {0};
  bool was_signed = false;
  unsigned long long version = 0;

  if (!charter)
    return kith_cli_error(KITH_ERR_MEMORY, "out of memory");
  fault.err = kith_cli_crypto(&fault);
  if (fault.err == KITH_OK)
    fault.err = kith_cli_charter_load(&document, charter, path, true, &fault);
  if (fault.err == KITH_OK)
    fault.err = apply(charter, context, &fault);
  if (fault.err == KITH_OK) {
    was_signed = document.n_signatures > 0;
    charter->version += was_signed;
    version = charter->version;
    fault.err = charter_save(charter, path, &fault);
  }
  kith_signed_free(&document);
  kith_free(charter);
  if (fault.err != KITH_OK)
    return kith_cli_fail(&fault);
  (void)fprintf(stderr, "%s: version %llu%s; next: kith charter sign --charter %s --key KEYFILE\n",
                path, version, was_signed ? ", to be signed anew" : "", path);
  return 0;
}

struct operands {
  char **items;
  int n;
};

static enum kith_err add_members(struct kith_charter *charter, void *context,
                                 struct kith_fault *fault)
{
  const struct operands *cards = context;

  for (int i = 0; i < cards->n; i++) {
    struct kith_member member;
    enum kith_err err = kith_cli_card(&member, cards->items[i], fault);

    if (err != KITH_OK)
      return err;
    if (kith_charter_member(charter, member.id))
      return kith_fail(fault, KITH_ERR_EXISTS,
                       "%s: \"%s\" is a member already; 'kith charter remove' it first",
                       cards->items[i], member.id);
    if (charter->n_members == KITH_MEMBERS_MAX)
      return kith_fail(fault, KITH_ERR_LIMIT, "%s: a charter has at most %d members",
                       cards->items[i], KITH_MEMBERS_MAX);
    charter->members[charter->n_members++] = member;
  }
  return KITH_OK;
}

static enum kith_err remove_members(struct kith_charter *charter, void *context,
                                    struct kith_fault *fault)
{
  const struct operands *ids = context;

  for (int i = 0; i < ids->n; i++) {
    const struct kith_member *found = kith_charter_member(charter, ids->items[i]);
    size_t at;

    if (!found)
      return kith_fail(fault, KITH_ERR_NOT_FOUND, "\"%.40s\" is no member", ids->items[i]);
    at = (size_t)(found - charter->members);
    charter->n_members--;
    memmove(&charter->members[at], &charter->members[at + 1],
            (charter->n_members - at) * sizeof charter->members[0]);
  }
  return KITH_OK;
}

static enum kith_err set_terms(struct kith_charter *charter, void *context,
                               struct kith_fault *fault)
{
  return terms_apply(charter, context, fault);
}

static int change_members(const struct kith_cli_spec *form, const char *what, change *apply,
                          int argc, char **argv)
{
  const char *path = NULL;
  const struct kith_cli_option option = {.name = "charter",
                                         .kind = KITH_CLI_STRING,
                                         .out = &path,
                                         .value = "FILE",
                                         .help = "the charter to change"};
  struct kith_cli_spec spec = *form;
  struct operands operands;
  int first;
  int status;

  spec.options = &option;
  spec.n_options = 1;
  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (!path || first == argc)
    return kith_cli_usage(spec.usage, "expected --charter and %s", what);
  operands = (struct operands){argv + first, argc - first};
  return change_charter(path, apply, &operands);
}

static int charter_add(int argc, char **argv)
{
  static const struct kith_cli_spec form = {
      .usage = "kith charter add --charter FILE CARD ...",
      .about = "Adds the members of these cards. Compare each card's fingerprint with the member "
               "over the telephone first. A charter that somebody has signed gets the next "
               "version, and must be signed anew.",
      .examples = "  $ kith charter add --charter charter.json matcher.card police.card\n"};

  return change_members(&form, "the members' cards", add_members, argc, argv);
}

static int charter_remove(int argc, char **argv)
{
  static const struct kith_cli_spec form = {
      .usage = "kith charter remove --charter FILE ID ...",
      .about = "Takes members out. Once the new version is signed and published, their next "
               "message is dropped, and rounds that they are in are aborted.",
      .examples = "  $ kith charter remove --charter charter.json police\n"};

  return change_members(&form, "the members' ids", remove_members, argc, argv);
}

static int charter_set(int argc, char **argv)
{
  struct terms terms = {0};
  const char *path = NULL;
  struct kith_cli_option options[N_TERMS + 1];
  struct kith_cli_spec spec = {
      .usage = "kith charter set --charter FILE [--name NAME] [--matcher-address ADDRESS] "
               "[--governance-key KEY ...] [--threshold M] [--valid-from TIME] [--expires TIME]",
      .about = "Changes a charter's terms. New governance keys replace all former ones, and need "
               "the signatures of enough of the former and enough of the new.",
      .examples = "  $ kith charter set --charter charter.json --expires 2028-01-01\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  int first;
  int status;

  terms_options(options, &terms);
  options[N_TERMS] = (struct kith_cli_option){.name = "charter",
                                              .kind = KITH_CLI_STRING,
                                              .out = &path,
                                              .value = "FILE",
                                              .help = "the charter to change"};
  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (!path || first != argc)
    return kith_cli_usage(spec.usage, "expected --charter and what to change");
  return change_charter(path, set_terms, &terms);
}

/* ---- sign */

static enum kith_err sign_charter(const char *path, const char *key, const char *passphrase_file,
                                  struct kith_fault *fault)
{
  struct kith_charter *charter = KITH_NEW(struct kith_charter);
  struct kith_signed document = {0};
  unsigned before;
  unsigned after;
  enum kith_err err;

  if (!charter)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  err = kith_cli_charter_load(&document, charter, path, false, fault);
  before = document.n_signatures;
  if (err == KITH_OK)
    err = kith_cli_sign(&document, path, key, passphrase_file, fault);
  if (err == KITH_OK) {
    after = kith_cli_count_signed(&document, &charter->governance);
    (void)fprintf(stderr, "%s: version %llu, signed by %u of the %u governance keys, %u needed\n",
                  path, (unsigned long long)charter->version, after, charter->governance.n_keys,
                  charter->governance.threshold);
    if (document.n_signatures > before &&
        !kith_cli_is_signer(&charter->governance, document.signatures[before].key))
      (void)fprintf(stderr,
                    "kith: note: %s is not one of this charter's governance keys; its "
                    "signature counts only where a former charter names it\n",
                    key);
  }
  kith_signed_free(&document);
  kith_free(charter);
  return err;
}

static int charter_sign(int argc, char **argv)
{
  const char *path = NULL;
  const char *key = NULL;
  const char *passphrase_file = NULL;
  const struct kith_cli_option options[] = {
      {.name = "charter",
       .kind = KITH_CLI_STRING,
       .out = &path,
       .value = "FILE",
       .help = "the charter to sign"},
      {.name = "key",
       .kind = KITH_CLI_STRING,
       .out = &key,
       .value = "KEYFILE",
       .help = "a governance key"},
      {.name = "passphrase-file",
       .kind = KITH_CLI_STRING,
       .out = &passphrase_file,
       .value = "FILE",
       .help = "its first line is the passphrase; asked for otherwise"}};
  const struct kith_cli_spec spec = {
      .usage = "kith charter sign --charter FILE --key KEYFILE [--passphrase-file FILE]",
      .about = "Signs the exact bytes of the charter; the signature goes to FILE.sig, beside those "
               "of others.",
      .examples = "  $ kith charter show charter.json\n"
                  "  $ kith charter sign --charter charter.json --key lead.key\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_fault fault = {0};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (!path || !key || first != argc)
    return kith_cli_usage(spec.usage, "expected --charter and --key");
  fault.err = sign_charter(path, key, passphrase_file, &fault);
  return fault.err == KITH_OK ? 0 : kith_cli_fail(&fault);
}

int kith_cmd_charter(int argc, char **argv)
{
  static const struct kith_cli_verb verbs[] = {
      {"new", charter_new, "begin a charter"},
      {"add", charter_add, "add members by their cards"},
      {"remove", charter_remove, "take members out"},
      {"set", charter_set, "change name, address, expiry or governance keys"},
      {"sign", charter_sign, "sign it with a governance key"},
      {"publish", kith_charter_publish, "give it to the matcher"},
      {"show", kith_charter_show, "who is in it"},
      {"verify", kith_charter_verify, "check signatures and validity"}};

  return kith_cli_verbs("charter",
                        "The charter says who takes part, in which role, with which keys.", verbs,
                        KITH_COUNT_OF(verbs), argc, argv);
}
