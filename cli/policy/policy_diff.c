/* `kith policy diff`: which terms of two policies differ, in words. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/policy/policy.h"
#include "proto/policy_diff.h"

static void print_side(const char *sign, const json_t *value)
{
  char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

  if (text && !json_is_null(value))
    printf("  %s %s\n", sign, text);
  free(text);
}

static void print_words(const json_t *list)
{
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *item = json_array_get(list, i);
    const json_t *from = json_object_get(item, "from");
    const json_t *to = json_object_get(item, "to");

    printf("%s %s (%s)\n", json_string_value(json_object_get(item, "what")),
           json_is_null(from) ? "is new"
           : json_is_null(to) ? "is gone"
                              : "changes",
           json_string_value(json_object_get(item, "key")));
    print_side("-", from);
    print_side("+", to);
  }
  if (json_array_size(list) == 0)
    printf("no difference\n");
}

static enum kith_err load(struct kith_policy **out, const char *path, struct kith_fault *fault)
{
  struct kith_policy *policy = KITH_NEW(struct kith_policy);
  struct kith_signed document = {0};
  enum kith_err err;

  if (!policy)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  err = kith_cli_policy_load(&document, policy, path, fault);
  kith_signed_free(&document);
  if (err == KITH_OK)
    *out = policy;
  else
    kith_free(policy);
  return err;
}

static int diff(const char *path_a, const char *path_b, bool json)
{
  struct kith_policy *a = NULL;
  struct kith_policy *b = NULL;
  struct kith_fault fault = {0};
  json_t *list = NULL;
  size_t n;
  int status;

  if ((fault.err = load(&a, path_a, &fault)) == KITH_OK &&
      (fault.err = load(&b, path_b, &fault)) == KITH_OK &&
      (fault.err = kith_policy_differences(&list, a, b)) != KITH_OK)
    fault.err = kith_fail(&fault, fault.err, "out of memory");
  n = json_array_size(list);
  if (fault.err != KITH_OK) {
    status = kith_cli_fail(&fault);
  } else if (json) {
    status = kith_cli_json(json_incref(list));
  } else {
    print_words(list);
    status = kith_cli_finish_stdout();
  }
  json_decref(list);
  kith_free(a);
  kith_free(b);
  return status == 0 && n > 0 ? kith_err_exit_status(KITH_ERR_NO) : status;
}

int kith_policy_diff(int argc, char **argv)
{
  bool json = false;
  const struct kith_cli_option options[] = {
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &json, .help = "print JSON"}};
  const struct kith_cli_spec spec = {
      .usage = "kith policy diff [--json] OLD NEW",
      .about = "Says in words which terms of two policies differ. Exit status 1 where any do, as "
               "diff(1).",
      .examples = "  $ kith policy diff policy-1.json policy-2.json\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (first + 2 != argc)
    return kith_cli_usage(spec.usage, "expected two policies");
  return diff(argv[first], argv[first + 1], json);
}
