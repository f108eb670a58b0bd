/* `kith status`: how this node is, and whether the matcher answers. */
#include <stdio.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/verbs.h"

static enum kith_err agency_status(struct kith_home *home, json_t **out, struct kith_fault *fault)
{
  enum kith_err err = kith_home_ask(home, out, json_pack("{s:s}", "do", "status"), fault);

  if (err == KITH_OK)
    json_object_del(*out, "ok");
  return err;
}

static enum kith_err member_status(struct kith_home *home, json_t **out, struct kith_fault *fault)
{
  struct kith_request request = {.type = KITH_REQUEST_HELLO};
  struct kith_reply reply;
  enum kith_err err = kith_home_call(home, &reply, &request, fault);

  if (err != KITH_OK)
    return err;
  *out = json_pack("{s:s, s:s, s:s, s:I, s:s, s:b, s:i}", "member", home->config.id, "charter",
                   home->charter.name, "matcher_address", home->charter.matcher_address,
                   "charter_version", (json_int_t)home->charter.version, "matcher",
                   reply.body.hello.software, "charter_in_force",
                   kith_hash_equal(&reply.body.hello.charter, &home->charter_hash), "rounds",
                   (int)reply.body.hello.n_rounds);
  kith_reply_free(&reply);
  return *out ? KITH_OK : kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
}

static void print_status(const json_t *status)
{
  const char *key;
  json_t *value;

  json_object_foreach((json_t *)status, key, value)
  {
    if (json_is_string(value))
      printf("%-17s %s\n", key, json_string_value(value));
    else if (json_is_integer(value))
      printf("%-17s %" JSON_INTEGER_FORMAT "\n", key, json_integer_value(value));
    else
      printf("%-17s %s\n", key, json_is_true(value) ? "yes" : "no");
  }
}

int kith_cmd_status(int argc, char **argv)
{
  const char *home_dir = NULL;
  const char *passphrase_file = NULL;
  bool json = false;
  const struct kith_cli_option options[] = {
      {.name = "home",
       .kind = KITH_CLI_STRING,
       .out = &home_dir,
       .value = "DIR",
       .help = "this member's home; $KITH_HOME, ~/.config/kith"},
      {.name = "passphrase-file",
       .kind = KITH_CLI_STRING,
       .out = &passphrase_file,
       .value = "FILE",
       .help = "its first line unwraps the key file"},
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &json, .help = "print JSON"}};
  const struct kith_cli_spec spec = {
      .usage = "kith status [--home DIR] [--json]",
      .about = "How this node is: an agency's daemon is asked, others ask the matcher. Exit status "
               "69 where there is no answer.",
      .examples = "  $ kith status\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  struct kith_fault fault = {0};
  struct kith_home home = {0};
  json_t *status_object = NULL;
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first != argc)
    return kith_cli_usage(spec.usage, "no operands were expected");
  fault.err = kith_home_open(&home, home_dir, &fault);
  if (fault.err == KITH_OK && !home.agency)
    fault.err = kith_home_connect(&home, passphrase_file, &fault);
  if (fault.err == KITH_OK)
    fault.err = home.agency ? agency_status(&home, &status_object, &fault)
                            : member_status(&home, &status_object, &fault);
  kith_home_close(&home);
  if (fault.err != KITH_OK)
    return kith_cli_fail(&fault);
  if (json)
    return kith_cli_json(status_object);
  print_status(status_object);
  json_decref(status_object);
  return kith_cli_finish_stdout();
}
