/* `kith round trial-map`: who is behind the handles of a trial round, for evaluating it. */
#include <stdio.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/round/round.h"
#include "cli/verbs.h"
#include "proto/submission.h"

static enum kith_err write_page(FILE *stream, const json_t *reply, struct kith_fault *fault)
{
  const char *party = json_string_value(json_object_get(reply, "party"));
  const json_t *entries = json_object_get(reply, "entries");
  const json_t *entry;
  size_t i;

  if (!party || !json_is_array(entries))
    return kith_fail(fault, KITH_ERR_INTERNAL, "kithd's answer can't be read");
  json_array_foreach(entries, i, entry)
  {
    const char *handle = json_string_value(json_array_get(entry, 0));
    const char *id = json_string_value(json_array_get(entry, 1));

    if (!handle || !id)
      return kith_fail(fault, KITH_ERR_INTERNAL, "kithd's answer can't be read");
    (void)fprintf(stream, "%s,%s,", party, handle);
    kith_csv_write_field(stream, id);
    (void)fputc('\n', stream);
  }
  return KITH_OK;
}

static enum kith_err write_map(struct kith_home *home, const char *round, const char *path,
                               struct kith_fault *fault)
{
  char after[2 * KITH_HASH_BYTES + 1] = "";
  struct kith_file_out *file = NULL;
  bool more = true;
  enum kith_err err = kith_file_out_new(&file, path, 0600, fault);

  if (err != KITH_OK)
    return err;
  (void)fputs("party,handle,id\n", kith_file_out_stream(file));
  while (err == KITH_OK && more) {
    json_t *reply = NULL;
    const char *next;

    err = kith_home_ask(
        home, &reply,
        json_pack("{s:s, s:s, s:s}", "do", "trial-map", "round", round, "after", after), fault);
    if (err == KITH_OK)
      err = write_page(kith_file_out_stream(file), reply, fault);
    if (err == KITH_OK) {
      more = json_is_true(json_object_get(reply, "more"));
      next = json_string_value(json_object_get(reply, "after"));
      (void)snprintf(after, sizeof after, "%s", next ? next : "");
    }
    json_decref(reply);
  }
  if (err == KITH_OK)
    err = kith_file_out_commit(file, fault);
  kith_file_out_free(file);
  return err;
}

int kith_round_trial_map(int argc, char **argv)
{
  const char *home_dir = NULL;
  const char *out = NULL;
  const struct kith_cli_option options[] = {
      {.name = "home",
       .kind = KITH_CLI_STRING,
       .out = &home_dir,
       .value = "DIR",
       .help = "the agency's home; $KITH_HOME, ~/.config/kith"},
      {.name = "out",
       .kind = KITH_CLI_STRING,
       .out = &out,
       .value = "FILE",
       .help = "the map to write: party,handle,id (required)"}};
  const struct kith_cli_spec spec = {
      .usage = "kith round trial-map --out FILE ROUND",
      .about = "Writes which record is behind each handle that this agency sent in a trial round. "
               "Only a policy that says it is a trial, at an agency whose configuration allows "
               "trials, has this map, and it is gone when the round is closed.",
      .examples = "  $ kith round trial-map --home police --out police.map.csv 6f1c...\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_fault fault = {0};
  struct kith_home home = {0};
  kith_round_id id;
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (!out || first + 1 != argc)
    return kith_cli_usage(spec.usage, "expected --out and one round");
  fault.err = kith_cli_round_id(id, argv[first], &fault);
  if (fault.err == KITH_OK)
    fault.err = kith_home_open(&home, home_dir, &fault);
  if (fault.err == KITH_OK && !home.agency)
    fault.err = kith_fail(&fault, KITH_ERR_CONFIG, "only an agency has a map of its handles");
  if (fault.err == KITH_OK)
    fault.err = write_map(&home, argv[first], out, &fault);
  kith_home_close(&home);
  return fault.err == KITH_OK ? 0 : kith_cli_fail(&fault);
}
