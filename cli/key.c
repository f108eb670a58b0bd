/* `kith key`: identities and their key files. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/key.h"
#include "cli/verbs.h"
#include "proto/charter.h"

/* One public key as text; "" where there is no room for one. */
static const char *key_text(char out[KITH_BASE64_BYTES(KITH_PUBLIC_BYTES)],
                            const uint8_t key[KITH_PUBLIC_BYTES])
{
  kith_base64_encode(out, key, KITH_PUBLIC_BYTES);
  return out;
}

static int print_public(const struct kith_public *keys, bool json)
{
  char sign[KITH_BASE64_BYTES(KITH_PUBLIC_BYTES)];
  char seal[KITH_BASE64_BYTES(KITH_PUBLIC_BYTES)];
  char curve[KITH_BASE64_BYTES(KITH_PUBLIC_BYTES)];
  char fingerprint[KITH_FINGERPRINT_BYTES];

  kith_fingerprint(fingerprint, keys);
  (void)key_text(sign, keys->sign);
  (void)key_text(seal, keys->seal);
  (void)key_text(curve, keys->curve);
  if (json)
    return kith_cli_json(json_pack("{s:s, s:s, s:s, s:s}", "fingerprint", fingerprint, "sign", sign,
                                   "seal", seal, "curve", curve));
  printf("fingerprint  %s\nsign         %s\nseal         %s\ncurve        %s\n", fingerprint, sign,
         seal, curve);
  return kith_cli_finish_stdout();
}

static int key_new(int argc, char **argv)
{
  const char *out = NULL;
  const char *passphrase_file = NULL;
  bool json = false;
  const struct kith_cli_option options[] = {
      {.name = "out",
       .kind = KITH_CLI_STRING,
       .out = &out,
       .value = "FILE",
       .help = "the key file to write (required)"},
      {.name = "passphrase-file",
       .kind = KITH_CLI_STRING,
       .out = &passphrase_file,
       .value = "FILE",
       .help = "its first line is the passphrase; asked for otherwise"},
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &json, .help = "print JSON"}};
  const struct kith_cli_spec spec = {
      .usage = "kith key new --out FILE [--passphrase-file FILE]",
      .about =
          "Makes an identity: keys for signing, sealing and the transport, in one file under a "
          "passphrase. Prints the public keys and a fingerprint to read over the telephone.",
      .examples = "  $ kith key new --out lead.key\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_identity *identity = NULL;
  struct kith_secret *passphrase = NULL;
  struct kith_fault fault = {0};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (!out || first != argc)
    return kith_cli_usage(spec.usage, "expected --out FILE and nothing else");
  if (kith_file_exists(out))
    return kith_cli_error(KITH_ERR_CREATE, "%s: is there already; a key is never overwritten", out);
  if ((fault.err = kith_cli_crypto(&fault)) == KITH_OK &&
      (fault.err = kith_cli_passphrase(&passphrase, passphrase_file, out, true, &fault)) ==
          KITH_OK &&
      (fault.err = kith_identity_new(&identity)) == KITH_OK)
    fault.err = kith_identity_save(identity, out, passphrase, &fault);
  status =
      fault.err == KITH_OK ? print_public(&identity->public_keys, json) : kith_cli_fail(&fault);
  kith_identity_free(identity);
  kith_secret_free(passphrase);
  return status;
}

static int key_show(int argc, char **argv)
{
  const char *passphrase_file = NULL;
  bool json = false;
  const struct kith_cli_option options[] = {
      {.name = "passphrase-file",
       .kind = KITH_CLI_STRING,
       .out = &passphrase_file,
       .value = "FILE",
       .help = "its first line is the passphrase; asked for otherwise"},
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &json, .help = "print JSON"}};
  const struct kith_cli_spec spec = {
      .usage = "kith key show [--passphrase-file FILE] FILE",
      .about = "Prints the public keys of a key file and their fingerprint.",
      .examples = "  $ kith key show lead.key\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_identity *identity = NULL;
  struct kith_fault fault = {0};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first + 1 != argc)
    return kith_cli_usage(spec.usage, "expected one key file");
  fault.err = kith_cli_identity(&identity, argv[first], passphrase_file, &fault);
  status =
      fault.err == KITH_OK ? print_public(&identity->public_keys, json) : kith_cli_fail(&fault);
  kith_identity_free(identity);
  return status;
}

/* ---- cards */

struct card {
  const char *id;
  const char *name;
  const char *role;
  const char *kind;
  const char *out;
  const char *passphrase_file;
};

static enum kith_err card_fill(struct kith_member *member, const struct card *card,
                               struct kith_fault *fault)
{
  const char *name = card->name ? card->name : card->id;

  if (kith_role_parse(&member->role, card->role) != KITH_OK)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "--role: expected agency, matcher, recipient or governance");
  if ((member->role == KITH_ROLE_AGENCY) != (card->kind != NULL))
    return kith_fail(fault, KITH_ERR_USAGE, "--kind is needed for an agency, and only there");
  if (card->kind && kith_agency_kind_parse(&member->kind, card->kind) != KITH_OK)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "--kind: expected police, youth_justice, probation, childrens_services, "
                     "education, health, fire, prison, charity or other");
  if (!kith_member_id_valid(card->id))
    return kith_fail(fault, KITH_ERR_USAGE, "--id: expected 1 to 32 of a-z, 0-9 and _");
  if (strlen(name) >= sizeof member->name)
    return kith_fail(fault, KITH_ERR_USAGE, "--name: at most %zu bytes", sizeof member->name - 1);
  (void)snprintf(member->id, sizeof member->id, "%s", card->id);
  (void)snprintf(member->name, sizeof member->name, "%s", name);
  return KITH_OK;
}

static int card_make(const struct card *card, const char *key_file)
{
  struct kith_identity *identity = NULL;
  struct kith_member member = {0};
  struct kith_member check;
  struct kith_fault fault = {0};
  struct kith_buf buf;
  int status;

  kith_buf_init(&buf, KITH_DOCUMENT_BYTES_MAX);
  if ((fault.err = card_fill(&member, card, &fault)) != KITH_OK ||
      (fault.err = kith_cli_identity(&identity, key_file, card->passphrase_file, &fault)) !=
          KITH_OK)
    goto end;
  member.keys = identity->public_keys;
  if ((fault.err = kith_member_print(&buf, &member)) == KITH_OK &&
      (fault.err = kith_member_parse(&check, buf.bytes, buf.len, "the card", &fault)) == KITH_OK)
    fault.err = kith_file_write(card->out, 0644, buf.bytes, buf.len, &fault);
end:
  status = fault.err == KITH_OK ? print_public(&member.keys, false) : kith_cli_fail(&fault);
  kith_buf_free(&buf);
  kith_identity_free(identity);
  return status;
}

static int key_card(int argc, char **argv)
{
  struct card card = {0};
  const struct kith_cli_option options[] = {
      {.name = "id",
       .kind = KITH_CLI_STRING,
       .out = &card.id,
       .value = "ID",
       .help = "the member's id: a-z, 0-9 and _ (required)"},
      {.name = "name",
       .kind = KITH_CLI_STRING,
       .out = &card.name,
       .value = "NAME",
       .help = "its name for people; the id otherwise"},
      {.name = "role",
       .kind = KITH_CLI_STRING,
       .out = &card.role,
       .value = "ROLE",
       .help = "agency, matcher, recipient or governance (required)"},
      {.name = "kind",
       .kind = KITH_CLI_STRING,
       .out = &card.kind,
       .value = "KIND",
       .help = "of an agency: police, education, health, ..."},
      {.name = "out",
       .kind = KITH_CLI_STRING,
       .out = &card.out,
       .value = "FILE",
       .help = "the card to write (required)"},
      {.name = "passphrase-file",
       .kind = KITH_CLI_STRING,
       .out = &card.passphrase_file,
       .value = "FILE",
       .help = "its first line is the passphrase; asked for otherwise"}};
  const struct kith_cli_spec spec = {
      .usage = "kith key card --id ID --role ROLE [--kind KIND] [--name NAME] --out CARD KEYFILE",
      .about = "Writes a member's card: its id, role and public keys, for the governance lead to "
               "put into the charter. Nothing in it is secret; its fingerprint is to be compared "
               "over the telephone.",
      .examples = "  $ kith key card --id police --role agency --kind police --out police.card "
                  "police.key\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (!card.id || !card.role || !card.out || first + 1 != argc)
    return kith_cli_usage(spec.usage, "expected --id, --role, --out and one key file");
  return card_make(&card, argv[first]);
}

int kith_cmd_key(int argc, char **argv)
{
  static const struct kith_cli_verb verbs[] = {
      {"new", key_new, "make an identity"},
      {"show", key_show, "its public keys and fingerprint"},
      {"card", key_card, "write the card that goes into a charter"},
      {"escrow", kith_key_escrow, "share a key among holders, against its loss"},
      {"share", kith_key_share, "as a holder, give a share to who recovers"},
      {"recover", kith_key_recover, "make a lost key anew of enough shares"}};

  return kith_cli_verbs("key", "Identities: the keys that a member or an officer has.", verbs,
                        KITH_COUNT_OF(verbs), argc, argv);
}
