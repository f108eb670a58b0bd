/* `kith officer`: an agency's officers, who decide each with a key of their own. The list of them
 * is signed here, with the agency's key, and handed to kithd. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/verbs.h"
#include "proto/officer.h"

enum { DAY_S = 86400, DAYS = 365, DAYS_MAX = 3650 };

static int print_officer(const struct kith_officer *officer, uint64_t version, bool json)
{
  char fingerprint[KITH_FINGERPRINT_BYTES];

  kith_officer_fingerprint(fingerprint, officer->key);
  if (json)
    return kith_cli_json(json_pack("{s:s, s:s, s:I}", "id", officer->id, "fingerprint", fingerprint,
                                   "version", (json_int_t)version));
  printf("%s  %s\n", officer->id, fingerprint);
  return kith_cli_finish_stdout();
}

/* ---- new */

struct make {
  const char *id;
  const char *role;
  const char *out;
  const char *passphrase_file;
  bool json;
};

static enum kith_err card_write(const struct kith_officer *officer, const char *path,
                                struct kith_fault *fault)
{
  struct kith_officer check;
  struct kith_buf buf;
  enum kith_err err;

  kith_buf_init(&buf, KITH_DOCUMENT_BYTES_MAX);
  err = kith_officer_card_print(&buf, officer);
  if (err == KITH_OK)
    err = kith_officer_card_parse(&check, buf.bytes, buf.len, "the card", fault);
  if (err == KITH_OK)
    err = kith_file_write(path, 0644, buf.bytes, buf.len, fault);
  kith_buf_free(&buf);
  return err;
}

/* The card first: if it can't be written, no key lies about without one. */
static enum kith_err make_officer(const struct make *make, struct kith_officer *officer,
                                  struct kith_fault *fault)
{
  KITH_AUTO_FREE char *card = kith_calloc(strlen(make->out) + sizeof ".json", 1);
  struct kith_identity *identity = NULL;
  struct kith_secret *passphrase = NULL;
  enum kith_err err;

  if (!card)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  (void)snprintf(card, strlen(make->out) + sizeof ".json", "%s.json", make->out);
  (void)snprintf(officer->id, sizeof officer->id, "%s", make->id);
  (void)snprintf(officer->role, sizeof officer->role, "%s", make->role ? make->role : "");
  if (kith_file_exists(make->out))
    return kith_fail(fault, KITH_ERR_CREATE, "%s: is there already; a key is never overwritten",
                     make->out);
  if ((err = kith_cli_crypto(fault)) == KITH_OK &&
      (err = kith_cli_passphrase(&passphrase, make->passphrase_file, make->out, true, fault)) ==
          KITH_OK &&
      (err = kith_identity_new(&identity)) == KITH_OK) {
    memcpy(officer->key, identity->public_keys.sign, sizeof officer->key);
    err = card_write(officer, card, fault);
    if (err == KITH_OK)
      err = kith_identity_save(identity, make->out, passphrase, fault);
  }
  kith_identity_free(identity);
  kith_secret_free(passphrase);
  return err;
}

static int officer_new(int argc, char **argv)
{
  struct make make = {0};
  const struct kith_cli_option options[] = {
      {.name = "id",
       .kind = KITH_CLI_STRING,
       .out = &make.id,
       .value = "ID",
       .help = "the officer's id at the agency, no name: a-z, 0-9 and _ (required)"},
      {.name = "role",
       .kind = KITH_CLI_STRING,
       .out = &make.role,
       .value = "WORDS",
       .help = "what they are: 'data protection officer'"},
      {.name = "out",
       .kind = KITH_CLI_STRING,
       .out = &make.out,
       .value = "FILE",
       .help = "the key file to write, and FILE.json, the card (required)"},
      {.name = "passphrase-file",
       .kind = KITH_CLI_STRING,
       .out = &make.passphrase_file,
       .value = "FILE",
       .help = "its first line is the passphrase; asked for otherwise"},
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &make.json, .help = "print JSON"}};
  const struct kith_cli_spec spec = {
      .usage = "kith officer new --id ID [--role WORDS] --out FILE [--passphrase-file FILE]",
      .about = "An officer makes a key: FILE, under their passphrase, which they keep, and "
               "FILE.json, a card that goes to who keeps the agency's list. Prints the key's "
               "fingerprint, to be compared in person. A key that is lost, or whose passphrase is, "
               "is taken off the list, and a new one made.",
      .examples = "  $ kith officer new --id officer_1 --role 'data officer' --out officer.key\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_officer officer = {0};
  struct kith_fault fault = {0};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (!make.id || !make.out || first != argc)
    return kith_cli_usage(spec.usage, "expected --id and --out");
  if (!kith_member_id_valid(make.id))
    return kith_cli_usage(spec.usage, "--id: expected 1 to 32 of a-z, 0-9 and _");
  if (make.role && strlen(make.role) >= sizeof officer.role)
    return kith_cli_usage(spec.usage, "--role: at most %zu bytes", sizeof officer.role - 1);
  fault.err = make_officer(&make, &officer, &fault);
  return fault.err == KITH_OK ? print_officer(&officer, 0, make.json) : kith_cli_fail(&fault);
}

/* ---- the list */

static enum kith_err open_agency(struct kith_home *home, const char *dir, struct kith_fault *fault)
{
  enum kith_err err = kith_home_open(home, dir, fault);

  if (err == KITH_OK && !home->agency)
    err = kith_fail(fault, KITH_ERR_CONFIG,
                    "only an agency has officers: this home has no kithd.conf");
  return err;
}

static enum kith_err officer_of(struct kith_officer *out, const json_t *item,
                                struct kith_fault *fault)
{
  const char *id = json_string_value(json_object_get(item, "id"));
  const char *role = json_string_value(json_object_get(item, "role"));
  const char *key = json_string_value(json_object_get(item, "key"));

  if (!id || !role || !key || strlen(id) >= sizeof out->id || strlen(role) >= sizeof out->role ||
      kith_base64_decode(out->key, sizeof out->key, key) != KITH_OK)
    return kith_fail(fault, KITH_ERR_INTERNAL, "kithd's list of officers can't be read");
  (void)snprintf(out->id, sizeof out->id, "%s", id);
  (void)snprintf(out->role, sizeof out->role, "%s", role);
  out->valid_from = json_integer_value(json_object_get(item, "valid_from"));
  out->expires = json_integer_value(json_object_get(item, "expires"));
  return KITH_OK;
}

/* The list in force at kithd. */
static enum kith_err fetch_list(struct kith_home *home, struct kith_officers *out,
                                struct kith_fault *fault)
{
  json_t *reply = NULL;
  const json_t *item;
  size_t i;
  enum kith_err err = kith_home_ask(home, &reply, json_pack("{s:s}", "do", "officers"), fault);

  if (err != KITH_OK)
    return err;
  (void)snprintf(out->member, sizeof out->member, "%s", home->config.id);
  out->version = (uint64_t)json_integer_value(json_object_get(reply, "version"));
  json_array_foreach(json_object_get(reply, "officers"), i, item)
  {
    if (err == KITH_OK && out->n == KITH_OFFICERS_MAX)
      err = kith_fail(fault, KITH_ERR_INTERNAL, "kithd's list of officers can't be read");
    if (err == KITH_OK)
      err = officer_of(&out->officers[out->n], item, fault);
    out->n += err == KITH_OK;
  }
  json_decref(reply);
  return err;
}

/* Signs the next version with the agency's key, and hands it in. */
static enum kith_err put_list(struct kith_home *home, struct kith_officers *list,
                              const char *passphrase_file, struct kith_fault *fault)
{
  char signature[KITH_BASE64_BYTES(KITH_SIGN_BYTES)];
  KITH_AUTO_FREE char *document_text = NULL;
  struct kith_signed document = {0};
  json_t *reply = NULL;
  enum kith_err err =
      kith_cli_identity(&home->identity, home->config.key_file,
                        passphrase_file ? passphrase_file : home->config.passphrase_file, fault);

  if (err != KITH_OK)
    return err;
  list->version++;
  err = kith_officers_sign(&document, list, home->identity);
  if (err == KITH_OK && !(document_text = kith_calloc(KITH_BASE64_BYTES(document.len), 1)))
    err = KITH_ERR_MEMORY;
  if (err != KITH_OK) {
    kith_signed_free(&document);
    return kith_fail(fault, err, "the list can't be signed: %s", kith_err_name(err));
  }
  kith_base64_encode(document_text, document.bytes, document.len);
  kith_base64_encode(signature, document.signatures[0].signature, KITH_SIGN_BYTES);
  kith_signed_free(&document);
  err = kith_home_ask(home, &reply,
                      json_pack("{s:s, s:s, s:s}", "do", "officers-put", "document", document_text,
                                "signature", signature),
                      fault);
  json_decref(reply);
  return err;
}

struct change {
  const char *home_dir;
  const char *passphrase_file;
  uint64_t days;
  bool json;
};
enum { N_CHANGE = 3 };

static void change_options(struct kith_cli_option *options, struct change *change)
{
  options[0] = (struct kith_cli_option){.name = "home",
                                        .kind = KITH_CLI_STRING,
                                        .out = &change->home_dir,
                                        .value = "DIR",
                                        .help = "this agency's home; $KITH_HOME, ~/.config/kith"};
  options[1] = (struct kith_cli_option){
      .name = "passphrase-file",
      .kind = KITH_CLI_STRING,
      .out = &change->passphrase_file,
      .value = "FILE",
      .help = "its first line unwraps the agency's key; of kithd.conf otherwise"};
  options[2] = (struct kith_cli_option){
      .name = "json", .kind = KITH_CLI_FLAG, .out = &change->json, .help = "print JSON"};
}

/* ---- add */

static enum kith_err card_read(struct kith_officer *out, const char *path, struct kith_fault *fault)
{
  KITH_AUTO_FREE uint8_t *bytes = NULL;
  size_t len = 0;
  enum kith_err err = kith_file_read(&bytes, &len, path, KITH_DOCUMENT_BYTES_MAX, fault);

  return err == KITH_OK ? kith_officer_card_parse(out, bytes, len, path, fault) : err;
}

static enum kith_err add(const struct change *change, const char *card_path,
                         struct kith_officer *officer, uint64_t *version, struct kith_fault *fault)
{
  struct kith_officers *list = KITH_NEW(struct kith_officers);
  struct kith_home home = {0};
  enum kith_err err;

  if (!list)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  if ((err = card_read(officer, card_path, fault)) != KITH_OK ||
      (err = open_agency(&home, change->home_dir, fault)) != KITH_OK ||
      (err = fetch_list(&home, list, fault)) != KITH_OK)
    goto end;
  officer->valid_from = kith_clock_now();
  officer->expires = officer->valid_from + (int64_t)change->days * DAY_S;
  if (kith_officer_by_id(list, officer->id))
    err =
        kith_fail(fault, KITH_ERR_EXISTS,
                  "'%s' is on the list already; 'kith officer remove' takes them off", officer->id);
  else if (kith_officer_by_key(list, officer->key))
    err = kith_fail(fault, KITH_ERR_EXISTS,
                    "this key is on the list already, as '%s': each officer has their own",
                    kith_officer_by_key(list, officer->key)->id);
  else if (list->n == KITH_OFFICERS_MAX)
    err = kith_fail(fault, KITH_ERR_LIMIT, "the list is full: %d officers", KITH_OFFICERS_MAX);
  if (err == KITH_OK) {
    list->officers[list->n++] = *officer;
    err = put_list(&home, list, change->passphrase_file, fault);
  }
  *version = list->version;
end:
  kith_home_close(&home);
  kith_free(list);
  return err;
}

static int officer_add(int argc, char **argv)
{
  struct change change = {.days = DAYS};
  struct kith_cli_option options[N_CHANGE + 1] = {
      [N_CHANGE] = {.name = "days",
                    .kind = KITH_CLI_U64,
                    .out = &change.days,
                    .value = "N",
                    .help = "the key is valid for so many days (365)",
                    .min = 1,
                    .max = DAYS_MAX}};
  const struct kith_cli_spec spec = {
      .usage = "kith officer add [--home DIR] [--days N] CARD",
      .about = "Puts an officer on this agency's list. The list is signed with the agency's own "
               "key: whoever may only talk to kithd can't do it. Compare the fingerprint that is "
               "printed with the officer's, in person.",
      .examples = "  $ kith officer add --home police officer.key.json\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_officer officer = {0};
  struct kith_fault fault = {0};
  uint64_t version = 0;
  int first;
  int status;

  change_options(options, &change);
  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first + 1 != argc)
    return kith_cli_usage(spec.usage, "expected one officer's card");
  fault.err = add(&change, argv[first], &officer, &version, &fault);
  return fault.err == KITH_OK ? print_officer(&officer, version, change.json)
                              : kith_cli_fail(&fault);
}

/* ---- remove */

static enum kith_err take_off(const struct change *change, const char *id,
                              struct kith_officer *officer, uint64_t *version,
                              struct kith_fault *fault)
{
  struct kith_officers *list = KITH_NEW(struct kith_officers);
  struct kith_home home = {0};
  const struct kith_officer *found;
  enum kith_err err;

  if (!list)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  if ((err = open_agency(&home, change->home_dir, fault)) != KITH_OK ||
      (err = fetch_list(&home, list, fault)) != KITH_OK)
    goto end;
  found = kith_officer_by_id(list, id);
  if (!found) {
    err = kith_fail(fault, KITH_ERR_NOT_FOUND,
                    "no officer on the list has this id; see "
                    "'kith officer list'");
    goto end;
  }
  *officer = *found;
  list->n--;
  memmove(list->officers + (found - list->officers), found + 1,
          (list->n - (size_t)(found - list->officers)) * sizeof *found);
  err = put_list(&home, list, change->passphrase_file, fault);
  *version = list->version;
end:
  kith_home_close(&home);
  kith_free(list);
  return err;
}

static int officer_remove(int argc, char **argv)
{
  struct change change = {0};
  struct kith_cli_option options[N_CHANGE];
  const struct kith_cli_spec spec = {
      .usage = "kith officer remove [--home DIR] ID",
      .about = "Takes an officer off this agency's list, which is signed with the agency's own "
               "key. From then on nothing counts that their key signs or has signed, but for what "
               "the agency has done already.",
      .examples = "  $ kith officer remove --home police officer_1\n",
      .options = options,
      .n_options = N_CHANGE};
  struct kith_officer officer = {0};
  struct kith_fault fault = {0};
  uint64_t version = 0;
  int first;
  int status;

  change_options(options, &change);
  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first + 1 != argc)
    return kith_cli_usage(spec.usage, "expected one officer's id");
  fault.err = take_off(&change, argv[first], &officer, &version, &fault);
  return fault.err == KITH_OK ? print_officer(&officer, version, change.json)
                              : kith_cli_fail(&fault);
}

/* ---- list */

static int print_list(const struct kith_officers *list)
{
  struct kith_cli_table table = {0};
  int64_t now = kith_clock_now();
  enum kith_err err;

  KITH_CLI_ROW(&table, "OFFICER", "ROLE", "FINGERPRINT", "VALID FROM", "TO", "NOW");
  for (unsigned i = 0; i < list->n; i++) {
    const struct kith_officer *officer = &list->officers[i];
    char fingerprint[KITH_FINGERPRINT_BYTES];
    char from[KITH_TIME_BYTES];
    char to[KITH_TIME_BYTES];

    kith_officer_fingerprint(fingerprint, officer->key);
    kith_time_format(from, officer->valid_from);
    kith_time_format(to, officer->expires);
    KITH_CLI_ROW(&table, officer->id, officer->role[0] ? officer->role : "-", fingerprint, from, to,
                 now < officer->valid_from ? "not yet"
                 : now >= officer->expires ? "expired"
                                           : "valid");
  }
  err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  return err == KITH_OK ? kith_cli_finish_stdout() : kith_cli_error(err, "out of memory");
}

static json_t *list_json(const struct kith_officers *list)
{
  json_t *officers = json_array();

  for (unsigned i = 0; i < list->n; i++) {
    const struct kith_officer *officer = &list->officers[i];
    char fingerprint[KITH_FINGERPRINT_BYTES];
    char from[KITH_TIME_BYTES];
    char to[KITH_TIME_BYTES];

    kith_officer_fingerprint(fingerprint, officer->key);
    kith_time_format(from, officer->valid_from);
    kith_time_format(to, officer->expires);
    json_array_append_new(officers, json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", officer->id,
                                              "role", officer->role, "fingerprint", fingerprint,
                                              "valid_from", from, "expires", to));
  }
  return json_pack("{s:s, s:I, s:o}", "member", list->member, "version", (json_int_t)list->version,
                   "officers", officers);
}

static int officer_list(int argc, char **argv)
{
  struct change change = {0};
  struct kith_cli_option options[N_CHANGE];
  const struct kith_cli_spec spec = {.usage = "kith officer list [--home DIR] [--json]",
                                     .about = "The officers who may decide for this agency.",
                                     .examples = "  $ kith officer list --home police\n",
                                     .options = options,
                                     .n_options = 2};
  struct kith_officers *list = KITH_NEW(struct kith_officers);
  struct kith_fault fault = {0};
  struct kith_home home = {0};
  int first;
  int status;

  change_options(options, &change);
  options[1] = options[2];
  if (!list) {
    status = kith_cli_error(KITH_ERR_MEMORY, "out of memory");
  } else if (!kith_cli_parse(&spec, argc, argv, &first, &status)) {
    ;
  } else if (first != argc) {
    status = kith_cli_usage(spec.usage, "no operands were expected");
  } else {
    fault.err = open_agency(&home, change.home_dir, &fault);
    if (fault.err == KITH_OK)
      fault.err = fetch_list(&home, list, &fault);
    status = fault.err != KITH_OK ? kith_cli_fail(&fault)
             : change.json        ? kith_cli_json(list_json(list))
                                  : print_list(list);
    kith_home_close(&home);
  }
  kith_free(list);
  return status;
}

int kith_cmd_officer(int argc, char **argv)
{
  static const struct kith_cli_verb verbs[] = {
      {"new", officer_new, "make an officer's key and card"},
      {"add", officer_add, "put an officer on the agency's list"},
      {"remove", officer_remove, "take one off it"},
      {"list", officer_list, "who may decide for the agency"}};

  return kith_cli_verbs("officer",
                        "Officers decide for their agency, each with a key of their own.", verbs,
                        KITH_COUNT_OF(verbs), argc, argv);
}
