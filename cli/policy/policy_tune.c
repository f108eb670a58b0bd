/* `kith policy tune`: field weights and filter sizes from files without labels. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/documents.h"
#include "cli/policy/policy.h"
#include "cli/policy/tune.h"
#include "cli/verbs.h"

static enum kith_err policy_load(struct kith_tune *tune, struct kith_fault *fault)
{
  char agencies[KITH_LINKAGE_PARTIES_MAX][KITH_MEMBER_ID_BYTES] = {{0}};
  struct kith_signed document = {0};
  enum kith_err err = KITH_OK;

  if (tune->policy_path) {
    err = kith_cli_policy_load(&document, &tune->policy, tune->policy_path, fault);
    kith_signed_free(&document);
  } else {
    for (unsigned p = 0; p < tune->n_parties; p++)
      (void)snprintf(agencies[p], sizeof agencies[p], "%s", tune->names[p]);
    kith_policy_default(&tune->policy, (const char(*)[KITH_MEMBER_ID_BYTES])agencies,
                        tune->n_parties);
    if (tune->address_filter)
      kith_policy_add_address_filter(&tune->policy);
  }
  if (err == KITH_OK && tune->policy.protection == KITH_PROTECTION_BLIND)
    err = kith_fail(fault, KITH_ERR_CONFIG,
                    "%s: is blind and has no filters to tune; leave out --policy, or make one with "
                    "kith policy new --protection clk",
                    tune->policy_path);
  if (err == KITH_OK && !tune->policy.mask)
    err = kith_fail(fault, KITH_ERR_CONFIG,
                    "%s: has no mask, without which it can't be told which fields are missing",
                    tune->policy_path);
  return err;
}

static enum kith_err profiles_load(struct kith_tune *tune, struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  if (tune->profile_names.n > 1 && tune->profile_names.n != tune->n_parties)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "--profile: expected one for all files, or one for each, in their order");
  for (unsigned p = 0; err == KITH_OK && tune->profile_names.n && p < tune->n_parties; p++)
    err = kith_profile_load(&tune->profiles[p],
                            tune->profile_names.items[tune->profile_names.n > 1 ? p : 0], fault);
  return err;
}

static enum kith_err run(struct kith_tune *tune, struct kith_fault *fault)
{
  enum kith_err err = kith_cli_crypto(fault);

  if (err == KITH_OK && tune->out && kith_file_exists(tune->out))
    err = kith_fail(fault, KITH_ERR_CREATE, "%s: is there already; choose another name", tune->out);
  if (err == KITH_OK)
    err = kith_cli_party_names(&tune->names, tune->paths, tune->n_parties, fault);
  if (err == KITH_OK)
    err = policy_load(tune, fault);
  if (err == KITH_OK)
    err = profiles_load(tune, fault);
  if (err == KITH_OK)
    err = kith_tune_measure(tune, fault);
  if (err == KITH_OK)
    err = kith_tune_propose(tune, fault);
  if (err == KITH_OK && tune->out)
    err = kith_policy_save(&tune->proposed, tune->out, fault);
  return err;
}

static void tune_free(struct kith_tune *tune)
{
  for (unsigned p = 0; p < tune->n_parties; p++) {
    kith_encoded_free(&tune->parties[p]);
    kith_profile_free(tune->profiles[p]);
  }
  for (unsigned kind = 0; kind < KITH_TUNE_KINDS; kind++) {
    kith_free(tune->pairs[kind]);
    kith_free(tune->likeness[kind]);
  }
  if (tune->names)
    kith_cli_party_names_free(tune->names, tune->n_parties);
  kith_free(tune);
}

static const char tune_usage[] = "kith policy tune [--profile NAME|FILE ...] [--policy FILE | "
                                 "--address-filter] [--json] [--out POLICY.json] FILE ...";

static int tune_command(struct kith_tune *tune, int argc, char **argv)
{
  const struct kith_cli_option options[] = {
      {"profile", KITH_CLI_LIST, &tune->profile_names, "NAME|FILE",
       "how the columns are laid out: one for all files, or one for each", 0, 0, NULL},
      {"policy", KITH_CLI_STRING, &tune->policy_path, "FILE",
       "begin with this policy's fields and filters (kith's default policy)", 0, 0, NULL},
      {"address-filter", KITH_CLI_FLAG, &tune->address_filter, NULL,
       "begin with the default policy and a second filter, of street and town", 0, 0, NULL},
      {"out", KITH_CLI_STRING, &tune->out, "POLICY.json",
       "write the policy with the proposed fields and filters", 0, 0, NULL},
      {"fast", KITH_CLI_FLAG, &tune->fast, NULL, "do not link anew without each field", 0, 0, NULL},
      {"json", KITH_CLI_FLAG, &tune->json, NULL, "print JSON", 0, 0, NULL},
      {"threads", KITH_CLI_U64, &tune->n_threads, "N", "threads (all processors)", 1,
       KITH_PIPELINE_THREADS_MAX, NULL},
      {"quiet", KITH_CLI_FLAG, &tune->quiet, NULL, "no progress", 0, 0, NULL}};
  const struct kith_cli_spec spec = {
      .usage = tune_usage,
      .about = "Proposes bits per token and filter sizes for the fields of a policy, from files of "
               "people:\none agency's own, several, or made-up ones. No labels are needed: what "
               "kith's own linkage\nfinds likely, and what it finds alike but unlikely, says what "
               "each field is worth. Shows the\nevidence as counts and rates, never a value. "
               "Nothing leaves the machine.",
      .examples = "  $ kith generate --people 20000 --agencies 6 --seed 1 --out city\n"
                  "  $ kith policy tune --out tuned.json city/police.csv city/education.csv\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_fault fault = {0};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first == argc || argc - first > KITH_LINKAGE_PARTIES_MAX)
    return kith_cli_usage(tune_usage, "expected 1 to %d files", KITH_LINKAGE_PARTIES_MAX);
  if (tune->policy_path && tune->address_filter)
    return kith_cli_usage(tune_usage, "--address-filter goes with kith's default policy");
  tune->paths = argv + first;
  tune->n_parties = (unsigned)(argc - first);
  fault.err = run(tune, &fault);
  return fault.err == KITH_OK ? kith_tune_show(tune) : kith_cli_fail(&fault);
}

int kith_policy_tune(int argc, char **argv)
{
  struct kith_tune *tune = KITH_NEW(struct kith_tune);
  int status;

  if (!tune)
    return kith_cli_error(KITH_ERR_MEMORY, "out of memory");
  tune->n_threads = kith_cli_processors();
  status = tune_command(tune, argc, argv);
  tune_free(tune);
  return status;
}
