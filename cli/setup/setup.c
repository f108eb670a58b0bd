/* `kith setup`: makes a member's home. The first time keys and a card for the governance lead; once
 * there is a charter, the configuration, the unit's drop-in, and a check of the connection. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/home.h"
#include "cli/setup/setup.h"
#include "cli/verbs.h"

enum { PASSPHRASE_BYTES = 32 };

/* ---- keys and card
 * -------------------------------------------------------------------------------------- */

/* A daemon starts without a person, so its passphrase is a file, random, for its user alone or for
 * systemd to hand over as a credential. */
static enum kith_err make_passphrase(const char *path, struct kith_fault *fault)
{
  uint8_t bytes[PASSPHRASE_BYTES];
  char base64[KITH_BASE64_BYTES(PASSPHRASE_BYTES)];
  char text[sizeof base64 + 1];
  enum kith_err err;

  if (kith_file_exists(path))
    return KITH_OK;
  kith_random_bytes(bytes, sizeof bytes);
  kith_base64_encode(base64, bytes, sizeof bytes);
  (void)snprintf(text, sizeof text, "%s\n", base64);
  err = kith_file_write(path, 0600, text, strlen(text), fault);
  kith_wipe(bytes, sizeof bytes);
  kith_wipe(base64, sizeof base64);
  kith_wipe(text, sizeof text);
  return err;
}

static enum kith_err make_key(const struct kith_setup *setup, struct kith_identity **out,
                              struct kith_fault *fault)
{
  struct kith_secret *passphrase = NULL;
  enum kith_err err;

  if (kith_file_exists(setup->key_path))
    return kith_cli_identity(out, setup->key_path, setup->passphrase_path, fault);
  if (!setup->passphrase_given && setup->is_daemon &&
      (err = make_passphrase(setup->passphrase_path, fault)) != KITH_OK)
    return err;
  err = kith_cli_passphrase(&passphrase, setup->passphrase_path, "for the new key", true, fault);
  if (err == KITH_OK)
    err = kith_identity_new(out);
  if (err == KITH_OK)
    err = kith_identity_save(*out, setup->key_path, passphrase, fault);
  kith_secret_free(passphrase);
  return err;
}

static enum kith_err write_card(const struct kith_setup *setup,
                                const struct kith_identity *identity, struct kith_fault *fault)
{
  struct kith_member member = {.role = setup->role, .kind = setup->kind};
  struct kith_buf card;
  enum kith_err err;

  (void)snprintf(member.id, sizeof member.id, "%s", setup->id);
  (void)snprintf(member.name, sizeof member.name, "%s", setup->name ? setup->name : setup->id);
  member.keys = identity->public_keys;
  kith_buf_init(&card, KITH_DOCUMENT_BYTES_MAX);
  err = kith_member_print(&card, &member);
  if (err == KITH_OK)
    err = kith_file_write(setup->card_path, 0644, card.bytes, card.len, fault);
  else
    kith_fail(fault, err, "the card can't be made: %s", kith_err_name(err));
  kith_buf_free(&card);
  return err;
}

/* ---- with a charter
 * ---------------------------------------------------------------------------------------- */

static enum kith_err pinned_keys(struct kith_signers *out, const struct kith_setup *setup,
                                 struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  *out = (struct kith_signers){.threshold = (unsigned)setup->governance_threshold};
  if (setup->governance_keys.n > KITH_GOVERNANCE_KEYS_MAX)
    return kith_fail(fault, KITH_ERR_USAGE, "--governance-key: at most %d",
                     KITH_GOVERNANCE_KEYS_MAX);
  for (size_t i = 0; err == KITH_OK && i < setup->governance_keys.n; i++)
    err = kith_cli_sign_key(out->keys[out->n_keys++], setup->governance_keys.items[i], fault);
  return err;
}

/* The charter holds for this member: signed by the pinned keys, and this id is in it with these
 * keys. */
static enum kith_err install_charter(const struct kith_setup *setup,
                                     const struct kith_identity *identity,
                                     struct kith_charter *charter, struct kith_fault *fault)
{
  struct kith_signed document = {0};
  struct kith_signers pinned;
  const struct kith_member *self;
  enum kith_err err = pinned_keys(&pinned, setup, fault);

  if (err == KITH_OK)
    err = kith_signed_load(&document, KITH_DOCUMENT_CHARTER, setup->charter, fault);
  if (err == KITH_OK)
    err = kith_charter_accept(charter, &document, &pinned, NULL, kith_clock_now(), fault);
  if (err == KITH_OK) {
    self = kith_charter_member(charter, setup->id);
    if (!self || self->role != setup->role ||
        memcmp(&self->keys, &identity->public_keys, sizeof self->keys) != 0)
      err = kith_fail(fault, KITH_ERR_CONFIG,
                      "%s does not have '%s' as %s with these keys: give the governance lead %s",
                      setup->charter, setup->id, kith_role_name(setup->role), setup->card_path);
  }
  if (err == KITH_OK)
    err = kith_signed_save(&document, setup->charter_path, fault);
  kith_signed_free(&document);
  return err;
}

/* One exchange with the matcher; what it answers with is verified as anywhere. */
static enum kith_err check_connection(const struct kith_setup *setup,
                                      const struct kith_identity *identity,
                                      const struct kith_charter *charter, struct kith_fault *fault)
{
  enum { CHECK_MS = 6000 };
  struct kith_request request = {.type = KITH_REQUEST_HELLO};
  struct kith_client *client = NULL;
  struct kith_reply reply;
  enum kith_err err = kith_client_new(&client, charter->matcher_address,
                                      kith_charter_matcher(charter)->keys.curve, identity, fault);

  if (err == KITH_OK)
    err = kith_call(client, &reply, &request, CHECK_MS, fault);
  if (err == KITH_OK) {
    fprintf(stderr, "the matcher answers: %s\n", reply.body.hello.software);
    kith_reply_free(&reply);
  } else {
    kith_fail_at(fault, err, "everything is written; the connection to %s of '%s' is not yet there",
                 charter->matcher_address, setup->id);
  }
  kith_client_free(client);
  return err;
}

/* Before the connection is tried, which may not be there yet. */
static void say_next(const struct kith_setup *setup)
{
  if (setup->role == KITH_ROLE_AGENCY)
    fprintf(stderr,
            "next, once kithd runs: each officer makes a key with 'kith officer new', and 'kith "
            "officer add --home %s CARD' puts them on the list; without, nobody can join a round\n",
            setup->home);
}

static enum kith_err with_charter(const struct kith_setup *setup,
                                  const struct kith_identity *identity, struct kith_fault *fault)
{
  struct kith_charter *charter = KITH_NEW(struct kith_charter);
  enum kith_err err;

  if (!charter)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  if ((err = install_charter(setup, identity, charter, fault)) == KITH_OK &&
      (err = kith_setup_write_config(setup, fault)) == KITH_OK &&
      (!setup->is_daemon || (err = kith_setup_write_drop_in(setup, charter, fault)) == KITH_OK)) {
    say_next(setup);
    if (setup->role != KITH_ROLE_MATCHER && !setup->offline)
      err = check_connection(setup, identity, charter, fault);
  }
  kith_free(charter);
  return err;
}

/* ---- the command
 * ---------------------------------------------------------------------------------------------- */

static enum kith_err run_setup(struct kith_setup *setup, struct kith_fault *fault)
{
  char fingerprint[KITH_FINGERPRINT_BYTES];
  struct kith_identity *identity = NULL;
  enum kith_err err;

  if ((err = kith_cli_crypto(fault)) != KITH_OK ||
      (err = kith_dir_make(setup->home, 0700, fault)) != KITH_OK ||
      (err = make_key(setup, &identity, fault)) != KITH_OK)
    return err;
  err = write_card(setup, identity, fault);
  if (err == KITH_OK) {
    kith_fingerprint(fingerprint, &identity->public_keys);
    printf("%s\n", fingerprint);
    fprintf(stderr,
            "fingerprint of '%s', to read to the governance lead over the telephone; the card for "
            "the charter is %s\n",
            setup->id, setup->card_path);
  }
  if (err == KITH_OK && setup->charter)
    err = with_charter(setup, identity, fault);
  kith_identity_free(identity);
  return err;
}

static bool fill_paths(struct kith_setup *setup)
{
  setup->key_path = kith_path_join(setup->home, "key");
  setup->card_path = kith_path_join(setup->home, "member.json");
  setup->charter_path = kith_path_join(setup->home, "charter.json");
  setup->state_path = kith_path_join(setup->home, "state");
  setup->own_passphrase_path = kith_path_join(setup->home, "passphrase");
  if (!setup->key_path || !setup->card_path || !setup->charter_path || !setup->state_path ||
      !setup->own_passphrase_path)
    return false;
  /* A person is asked, unless a file is named; a daemon never is. */
  setup->passphrase_path = setup->passphrase_given ? setup->passphrase_given
                           : setup->is_daemon      ? setup->own_passphrase_path
                                                   : NULL;
  return true;
}

static void free_paths(struct kith_setup *setup)
{
  kith_free(setup->key_path);
  kith_free(setup->card_path);
  kith_free(setup->charter_path);
  kith_free(setup->state_path);
  kith_free(setup->own_passphrase_path);
  kith_free(setup->own_home);
}

static int check_arguments(const struct kith_setup *setup, const struct kith_cli_spec *spec)
{
  if (!setup->home || !setup->id || !kith_member_id_valid(setup->id))
    return kith_cli_usage(spec->usage, "expected --home and --id (a-z, 0-9 and _)");
  if (setup->role == KITH_ROLE_AGENCY && !setup->kind)
    return kith_cli_usage(spec->usage, "expected --kind: what the agency is in law, e.g. police");
  if (setup->charter && !setup->governance_keys.n)
    return kith_cli_usage(spec->usage,
                          "expected --governance-key with --charter: the key to pin, as the "
                          "governance lead reads it out");
  if (setup->charter && setup->role == KITH_ROLE_AGENCY && !setup->source == !setup->dsn)
    return kith_cli_usage(spec->usage, "expected --source or --odbc: the agency's table of people");
  if (!setup->dsn != !setup->query_path || (setup->credential && !setup->dsn))
    return kith_cli_usage(spec->usage,
                          "--odbc needs --query-file, and --credential is for it only");
  if (setup->charter && setup->role == KITH_ROLE_MATCHER && !setup->listen)
    return kith_cli_usage(spec->usage, "expected --listen tcp://ADDRESS:PORT");
  return 0;
}

enum { N_MEMBER_OPTIONS = 11, N_CHARTER_OPTIONS = 7, N_OPTIONS = 18 };

/* Who the member is. */
static void member_options(struct kith_cli_option *options, struct kith_setup *setup)
{
  const struct {
    const char *name;
    const char **out;
    const char *value;
    const char *help;
  } all[N_MEMBER_OPTIONS] = {
      {"home", &setup->home, "DIR", "where keys, card and configuration go (required)"},
      {"id", &setup->id, "ID", "the member's id in the charter (required)"},
      {"name", &setup->name, "NAME", "what people call it"},
      {"kind", &setup->kind_name, "KIND", "agency: police, youth_justice, probation, ..."},
      {"source", &setup->source, "FILE", "agency: the table of people, CSV"},
      {"odbc", &setup->dsn, "DSN", "agency: a database instead; a data source of odbc.ini"},
      {"query-file", &setup->query_path, "FILE", "agency: with --odbc, one SELECT"},
      {"credential", &setup->credential, "NAME|FILE",
       "agency: the database's user and password: a systemd credential, or a path"},
      {"profile", &setup->profile, "NAME|FILE", "agency: how its columns are laid out"},
      {"listen", &setup->listen, "ADDRESS", "matcher: tcp://ADDRESS:PORT"},
      {"passphrase-file", &setup->passphrase_given, "FILE",
       "its first line is the passphrase of the key file"}};

  for (size_t i = 0; i < N_MEMBER_OPTIONS; i++)
    options[i] = (struct kith_cli_option){.name = all[i].name,
                                          .kind = KITH_CLI_STRING,
                                          .out = all[i].out,
                                          .value = all[i].value,
                                          .help = all[i].help};
}

/* What it is to do once there is a charter. */
static void charter_options(struct kith_cli_option *options, struct kith_setup *setup)
{
  const struct kith_cli_option all[N_CHARTER_OPTIONS] = {
      {.name = "charter",
       .kind = KITH_CLI_STRING,
       .out = &setup->charter,
       .value = "FILE",
       .help = "the signed charter: then the configuration is written"},
      {.name = "governance-key",
       .kind = KITH_CLI_LIST,
       .out = &setup->governance_keys,
       .value = "KEY",
       .help = "a key that must have signed the charter: base64, or a card"},
      {.name = "governance-threshold",
       .kind = KITH_CLI_U64,
       .out = &setup->governance_threshold,
       .value = "M",
       .help = "how many of them (1)",
       .min = 1,
       .max = KITH_GOVERNANCE_KEYS_MAX},
      {.name = "peer-network",
       .kind = KITH_CLI_LIST,
       .out = &setup->peer_networks,
       .value = "CIDR",
       .help = "matcher: networks that members come from, for the unit"},
      {.name = "database-network",
       .kind = KITH_CLI_LIST,
       .out = &setup->database_networks,
       .value = "CIDR",
       .help = "agency: where the database is, for the unit"},
      {.name = "allow-trial",
       .kind = KITH_CLI_FLAG,
       .out = &setup->allow_trial,
       .help = "agency: trial rounds may be joined here"},
      {.name = "offline",
       .kind = KITH_CLI_FLAG,
       .out = &setup->offline,
       .help = "don't check the connection"}};

  memcpy(options, all, sizeof all);
}

static int setup_member(int argc, char **argv, enum kith_role role)
{
  static const char about[] =
      "Makes a member's home: the key file, and the card that the governance lead puts into the "
      "charter. Run it again with the signed charter and the governance key to pin: then it writes "
      "the configuration and, for a daemon, the unit's drop-in with the peers' addresses, and "
      "checks "
      "the connection. Prints the fingerprint to read over the telephone. Nothing that is there is "
      "overwritten but the configuration.";
  struct kith_setup setup = {.role = role,
                             .is_daemon = role == KITH_ROLE_AGENCY || role == KITH_ROLE_MATCHER,
                             .governance_threshold = 1};
  struct kith_cli_option options[N_OPTIONS];
  char usage[64];
  const struct kith_cli_spec spec = {
      .usage = usage,
      .about = about,
      .examples =
          "  $ kith setup agency --home /etc/kith --id police --kind police --source p.csv\n"
          "  $ kith setup agency --home /etc/kith --id police --kind police --source p.csv "
          "--charter charter.json --governance-key lead.card\n",
      .options = options,
      .n_options = N_OPTIONS};
  struct kith_fault fault = {0};
  int first;
  int status;

  (void)snprintf(usage, sizeof usage, "kith setup %s --home DIR --id ID ...", argv[0]);
  member_options(options, &setup);
  charter_options(options + N_MEMBER_OPTIONS, &setup);
  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first != argc)
    return kith_cli_usage(usage, "no operands were expected");
  if (setup.kind_name && kith_agency_kind_parse(&setup.kind, setup.kind_name) != KITH_OK)
    return kith_cli_usage(usage, "--kind: no such kind of agency");
  if ((status = check_arguments(&setup, &spec)) != 0)
    return status;
  /* Configurations are read from anywhere: paths in them are whole. */
  setup.own_home = kith_setup_absolute(setup.home);
  setup.home = setup.own_home;
  if (!setup.home || !fill_paths(&setup))
    fault.err = kith_fail(&fault, KITH_ERR_MEMORY, "out of memory");
  else
    fault.err = run_setup(&setup, &fault);
  free_paths(&setup);
  if (fault.err != KITH_OK)
    return kith_cli_fail(&fault);
  return kith_cli_finish_stdout();
}

static int setup_agency(int argc, char **argv)
{
  return setup_member(argc, argv, KITH_ROLE_AGENCY);
}

static int setup_matcher(int argc, char **argv)
{
  return setup_member(argc, argv, KITH_ROLE_MATCHER);
}

static int setup_recipient(int argc, char **argv)
{
  return setup_member(argc, argv, KITH_ROLE_RECIPIENT);
}

static int setup_governance(int argc, char **argv)
{
  return setup_member(argc, argv, KITH_ROLE_GOVERNANCE);
}

int kith_cmd_setup(int argc, char **argv)
{
  static const struct kith_cli_verb verbs[] = {
      {"agency", setup_agency, "a data owner, which runs kithd"},
      {"matcher", setup_matcher, "the linkage unit, which runs kith-matcher"},
      {"recipient", setup_recipient, "the team that receives lists"},
      {"governance", setup_governance, "a governance lead"}};

  return kith_cli_verbs("setup", "Makes a member's home: keys, card, configuration.", verbs,
                        KITH_COUNT_OF(verbs), argc, argv);
}
