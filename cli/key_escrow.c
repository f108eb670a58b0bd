/* `kith key escrow`, `share` and `recover`: keys shared among holders, and made anew. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/key.h"
#include "cli/verbs.h"
#include "crypto/escrow.h"
#include "proto/charter.h"

struct options {
  struct kith_cli_list holders;
  const char *to;
  const char *key;
  const char *out;
  const char *passphrase_file;
  const char *new_passphrase_file;
  uint64_t threshold;
};

static enum kith_err share_read(uint8_t out[KITH_SHARE_BYTES], struct kith_escrow *escrow,
                                const char *path, struct kith_fault *fault)
{
  KITH_AUTO_FREE uint8_t *bytes = NULL;
  size_t len = 0;
  enum kith_err err = kith_file_read(&bytes, &len, path, 2 * KITH_SHARE_BYTES, fault);

  if (err == KITH_ERR_LIMIT)
    return kith_fail(fault, KITH_ERR_DATA, "%s: is no share of a key", path);
  if (err != KITH_OK)
    return err;
  err = kith_escrow_parse(escrow, bytes, len, fault);
  if (err != KITH_OK)
    return kith_fail_at(fault, err, "%s", path);
  memcpy(out, bytes, KITH_SHARE_BYTES);
  return KITH_OK;
}

static void share_print(const char *path, const struct kith_escrow *escrow)
{
  char fingerprint[KITH_FINGERPRINT_BYTES];

  kith_fingerprint(fingerprint, &escrow->owner);
  printf("%s: share %u of %u, %u needed, of the key %s\n", path, escrow->number, escrow->n,
         escrow->threshold, fingerprint);
}

/* ---- escrow */

static enum kith_err holders_read(struct kith_member members[KITH_SHARES_MAX],
                                  uint8_t keys[KITH_SHARES_MAX][KITH_PUBLIC_BYTES],
                                  const struct kith_cli_list *cards, struct kith_fault *fault)
{
  for (size_t i = 0; i < cards->n; i++) {
    enum kith_err err = kith_cli_card(&members[i], cards->items[i], fault);

    if (err != KITH_OK)
      return err;
    for (size_t j = 0; j < i; j++) {
      if (strcmp(members[j].id, members[i].id) == 0 ||
          memcmp(keys[j], members[i].keys.seal, KITH_PUBLIC_BYTES) == 0)
        return kith_fail(fault, KITH_ERR_DATA, "%s: is %s's, who is a holder already",
                         cards->items[i], members[j].id);
    }
    memcpy(keys[i], members[i].keys.seal, KITH_PUBLIC_BYTES);
  }
  return KITH_OK;
}

/* DIR/<holder's id>.share, each; no share is overwritten. */
static enum kith_err shares_write(const char *dir, uint8_t (*files)[KITH_SHARE_BYTES],
                                  const struct kith_member *holders, size_t n,
                                  struct kith_fault *fault)
{
  enum kith_err err = kith_dir_make(dir, 0700, fault);

  for (size_t i = 0; i < n && err == KITH_OK; i++) {
    char name[KITH_MEMBER_ID_BYTES + sizeof ".share"];
    KITH_AUTO_FREE char *path = NULL;
    struct kith_escrow escrow;

    (void)snprintf(name, sizeof name, "%.*s.share", KITH_MEMBER_ID_BYTES - 1, holders[i].id);
    path = kith_path_join(dir, name);
    if (!path)
      return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
    if (kith_file_exists(path))
      return kith_fail(fault, KITH_ERR_CREATE,
                       "%s: is there already; write the shares to a new folder", path);
    err = kith_escrow_parse(&escrow, files[i], KITH_SHARE_BYTES, fault);
    if (err == KITH_OK)
      err = kith_file_write(path, 0600, files[i], KITH_SHARE_BYTES, fault);
    if (err == KITH_OK)
      share_print(path, &escrow);
  }
  return err;
}

static enum kith_err escrow(const struct options *options, const char *key_file,
                            struct kith_fault *fault)
{
  struct kith_member holders[KITH_SHARES_MAX];
  uint8_t keys[KITH_SHARES_MAX][KITH_PUBLIC_BYTES];
  uint8_t files[KITH_SHARES_MAX][KITH_SHARE_BYTES];
  size_t n = options->holders.n;
  struct kith_identity *identity = NULL;
  enum kith_err err = holders_read(holders, keys, &options->holders, fault);

  if (err == KITH_OK)
    err = kith_cli_identity(&identity, key_file, options->passphrase_file, fault);
  if (err == KITH_OK && (err = kith_escrow_make(files, identity, (unsigned)options->threshold, keys,
                                                (unsigned)n)) != KITH_OK)
    err = kith_fail(fault, err, "%s: can't be shared: %s", key_file, kith_err_name(err));
  if (err == KITH_OK)
    err = shares_write(options->out, files, holders, n, fault);
  kith_identity_free(identity);
  return err;
}

int kith_key_escrow(int argc, char **argv)
{
  struct options options = {0};
  const struct kith_cli_option table[] = {
      {.name = "holder",
       .kind = KITH_CLI_LIST,
       .out = &options.holders,
       .value = "CARD",
       .help = "the card of who gets a share; several times (required)"},
      {.name = "threshold",
       .kind = KITH_CLI_U64,
       .out = &options.threshold,
       .value = "M",
       .help = "so many shares make the key anew (required)",
       .min = 2,
       .max = KITH_SHARES_MAX},
      {.name = "out",
       .kind = KITH_CLI_STRING,
       .out = &options.out,
       .value = "DIR",
       .help = "where the share files go (required)"},
      {.name = "passphrase-file",
       .kind = KITH_CLI_STRING,
       .out = &options.passphrase_file,
       .value = "FILE",
       .help = "its first line is the key's passphrase; asked for otherwise"}};
  const struct kith_cli_spec spec = {
      .usage = "kith key escrow --holder CARD ... --threshold M --out DIR KEYFILE",
      .about =
          "Shares a key among holders, so that M of them together can make it anew where it is "
          "lost, and fewer learn nothing of it. Each share is sealed to its holder's key. "
          "M holders together have the key: choose them so.",
      .examples = "  $ kith key escrow --holder lead.card --holder second.card --holder third.card "
                  "\\\n      --threshold 2 --out shares police.key\n",
      .options = table,
      .n_options = KITH_COUNT_OF(table)};
  struct kith_fault fault = {0};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (!options.out || !options.threshold || first + 1 != argc)
    return kith_cli_usage(spec.usage, "expected --holder, --threshold, --out and one key file");
  if (options.holders.n > KITH_SHARES_MAX || options.threshold > options.holders.n)
    return kith_cli_usage(spec.usage, "expected --threshold to %d holders", KITH_SHARES_MAX);
  fault.err = escrow(&options, argv[first], &fault);
  return fault.err == KITH_OK ? kith_cli_finish_stdout() : kith_cli_fail(&fault);
}

/* ---- share */

static enum kith_err share(const struct options *options, const char *path,
                           struct kith_fault *fault)
{
  uint8_t given[KITH_SHARE_BYTES];
  uint8_t sealed[KITH_SHARE_BYTES];
  struct kith_escrow escrow;
  struct kith_member to;
  struct kith_identity *holder = NULL;
  enum kith_err err;

  if (kith_file_exists(options->out))
    return kith_fail(fault, KITH_ERR_CREATE, "%s: is there already", options->out);
  if ((err = kith_cli_crypto(fault)) == KITH_OK &&
      (err = share_read(given, &escrow, path, fault)) == KITH_OK &&
      (err = kith_cli_card(&to, options->to, fault)) == KITH_OK &&
      (err = kith_cli_identity(&holder, options->key, options->passphrase_file, fault)) ==
          KITH_OK) {
    err = kith_escrow_reseal(sealed, given, holder, to.keys.seal, fault);
    if (err != KITH_OK)
      err = kith_fail_at(fault, err, "%s", path);
  }
  if (err == KITH_OK)
    err = kith_file_write(options->out, 0600, sealed, sizeof sealed, fault);
  if (err == KITH_OK)
    share_print(options->out, &escrow);
  kith_identity_free(holder);
  return err;
}

int kith_key_share(int argc, char **argv)
{
  struct options options = {0};
  const struct kith_cli_option table[] = {
      {.name = "for",
       .kind = KITH_CLI_STRING,
       .out = &options.to,
       .value = "CARD",
       .help = "the card of who recovers the key (required)"},
      {.name = "key",
       .kind = KITH_CLI_STRING,
       .out = &options.key,
       .value = "KEYFILE",
       .help = "your own key, to which the share is sealed (required)"},
      {.name = "out",
       .kind = KITH_CLI_STRING,
       .out = &options.out,
       .value = "FILE",
       .help = "the share, sealed to them (required)"},
      {.name = "passphrase-file",
       .kind = KITH_CLI_STRING,
       .out = &options.passphrase_file,
       .value = "FILE",
       .help = "its first line is your key's passphrase; asked for otherwise"}};
  const struct kith_cli_spec spec = {
      .usage = "kith key share --for CARD --key KEYFILE --out FILE SHARE",
      .about = "A holder gives their share to who recovers a key: seals it anew, to that card. "
               "Compare the card's fingerprint in person first: whoever has enough shares has the "
               "key.",
      .examples = "  $ kith key share --for police-new.card --key lead.key --out police-1.share "
                  "lead.share\n",
      .options = table,
      .n_options = KITH_COUNT_OF(table)};
  struct kith_fault fault = {0};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (!options.to || !options.key || !options.out || first + 1 != argc)
    return kith_cli_usage(spec.usage, "expected --for, --key, --out and one share");
  fault.err = share(&options, argv[first], &fault);
  return fault.err == KITH_OK ? kith_cli_finish_stdout() : kith_cli_fail(&fault);
}

/* ---- recover */

static enum kith_err recover(const struct options *options, char *const *paths, unsigned n,
                             struct kith_fault *fault)
{
  uint8_t files[KITH_SHARES_MAX][KITH_SHARE_BYTES];
  char fingerprint[KITH_FINGERPRINT_BYTES];
  struct kith_identity *reader = NULL;
  struct kith_identity *found = NULL;
  struct kith_secret *passphrase = NULL;
  struct kith_escrow escrow;
  enum kith_err err;

  if (kith_file_exists(options->out))
    return kith_fail(fault, KITH_ERR_CREATE, "%s: is there already; a key is never overwritten",
                     options->out);
  err = kith_cli_crypto(fault);
  for (unsigned i = 0; i < n && err == KITH_OK; i++)
    err = share_read(files[i], &escrow, paths[i], fault);
  if (err == KITH_OK)
    err = kith_cli_identity(&reader, options->key, options->passphrase_file, fault);
  if (err == KITH_OK)
    err = kith_escrow_recover(&found, files, (const char *const *)paths, n, reader, fault);
  if (err == KITH_OK)
    err = kith_cli_passphrase(&passphrase, options->new_passphrase_file, options->out, true, fault);
  if (err == KITH_OK)
    err = kith_identity_save(found, options->out, passphrase, fault);
  if (err == KITH_OK) {
    kith_fingerprint(fingerprint, &found->public_keys);
    printf("%s: the key %s\n", options->out, fingerprint);
  }
  kith_secret_free(passphrase);
  kith_identity_free(found);
  kith_identity_free(reader);
  return err;
}

int kith_key_recover(int argc, char **argv)
{
  struct options options = {0};
  const struct kith_cli_option table[] = {
      {.name = "key",
       .kind = KITH_CLI_STRING,
       .out = &options.key,
       .value = "KEYFILE",
       .help = "the key to which the holders sealed their shares (required)"},
      {.name = "out",
       .kind = KITH_CLI_STRING,
       .out = &options.out,
       .value = "FILE",
       .help = "the key file to make anew (required)"},
      {.name = "passphrase-file",
       .kind = KITH_CLI_STRING,
       .out = &options.passphrase_file,
       .value = "FILE",
       .help = "its first line is the passphrase of --key; asked for otherwise"},
      {.name = "new-passphrase-file",
       .kind = KITH_CLI_STRING,
       .out = &options.new_passphrase_file,
       .value = "FILE",
       .help = "its first line is the recovered key's new passphrase"}};
  const struct kith_cli_spec spec = {
      .usage = "kith key recover --key KEYFILE --out FILE SHARE ...",
      .about = "Makes a lost key anew of enough shares, which their holders have sealed to KEYFILE "
               "with 'kith key share'. A share that is not the one the owner gave out is named.",
      .examples = "  $ kith key recover --key police-new.key --out police.key 1.share 2.share\n",
      .options = table,
      .n_options = KITH_COUNT_OF(table)};
  struct kith_fault fault = {0};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (!options.key || !options.out || first == argc || argc - first > KITH_SHARES_MAX)
    return kith_cli_usage(spec.usage, "expected --key, --out and 1 to %d shares", KITH_SHARES_MAX);
  fault.err = recover(&options, argv + first, (unsigned)(argc - first), &fault);
  return fault.err == KITH_OK ? kith_cli_finish_stdout() : kith_cli_fail(&fault);
}
