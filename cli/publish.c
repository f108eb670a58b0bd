/* `kith charter publish`: gives a signed charter to the matcher, which puts it into force. */
#include "base/file.h"
#include "base/mem.h"
#include "cli/charter.h"
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/home.h"

/* The home follows: what governance publishes is what it goes by itself. */
static enum kith_err publish(struct kith_home *home, const char *path, struct kith_fault *fault)
{
  struct kith_charter *charter = KITH_NEW(struct kith_charter);
  struct kith_signed document = {0};
  enum kith_err err;

  if (!charter)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  err = kith_cli_charter_load(&document, charter, path, false, fault);
  if (err == KITH_OK)
    err = kith_home_publish(home, &document, fault);
  if (err == KITH_OK)
    err = kith_signed_save(&document, home->config.charter_file, fault);
  kith_signed_free(&document);
  kith_free(charter);
  return err;
}

int kith_charter_publish(int argc, char **argv)
{
  const char *home_dir = NULL;
  const char *passphrase_file = NULL;
  const char *charter = NULL;
  const struct kith_cli_option options[] = {
      {.name = "home",
       .kind = KITH_CLI_STRING,
       .out = &home_dir,
       .value = "DIR",
       .help = "the governance lead's home; $KITH_HOME, ~/.config/kith"},
      {.name = "passphrase-file",
       .kind = KITH_CLI_STRING,
       .out = &passphrase_file,
       .value = "FILE",
       .help = "its first line unwraps the key file"},
      {.name = "charter",
       .kind = KITH_CLI_STRING,
       .out = &charter,
       .value = "FILE",
       .help = "the signed charter (required)"}};
  const struct kith_cli_spec spec = {
      .usage = "kith charter publish --charter FILE [--home DIR]",
      .about = "Gives a signed charter to the matcher. A higher version comes into force there at "
               "once, for the next message already, and at the agencies when they next ask. A "
               "round with a member that it drops is aborted.",
      .examples = "  $ kith charter publish --home lead --charter charter.json\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_fault fault = {0};
  struct kith_home home = {0};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (!charter || first != argc)
    return kith_cli_usage(spec.usage, "expected --charter");
  fault.err = kith_home_open(&home, home_dir, &fault);
  if (fault.err == KITH_OK && home.agency)
    fault.err = kith_fail(&fault, KITH_ERR_CONFIG, "only a governance lead publishes a charter");
  if (fault.err == KITH_OK)
    fault.err = kith_home_connect(&home, passphrase_file, &fault);
  if (fault.err == KITH_OK)
    fault.err = publish(&home, charter, &fault);
  kith_home_close(&home);
  return fault.err == KITH_OK ? 0 : kith_cli_fail(&fault);
}
