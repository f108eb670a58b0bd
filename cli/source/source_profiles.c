/* kith source profiles: the layouts of exports that kith knows. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/source/source.h"
#include "cli/verbs.h"
#include "daemon/pipeline/profile.h"

static int print_one(const char *name)
{
  struct kith_profile_text text;

  for (size_t i = 0; (text = kith_profile_builtin(i)).name; i++) {
    if (strcmp(text.name, name) != 0)
      continue;
    (void)fputs(text.text, stdout);
    return kith_cli_finish_stdout();
  }
  return kith_cli_error(KITH_ERR_NO_INPUT, "no such profile comes with kith; `kith source "
                                           "profiles` lists those that do");
}

static int print_all(void)
{
  struct kith_cli_table table = {0};
  struct kith_profile_text text;
  enum kith_err err = KITH_OK;

  KITH_CLI_ROW(&table, "NAME", "LAYOUT");
  for (size_t i = 0; (text = kith_profile_builtin(i)).name && err == KITH_OK; i++) {
    struct kith_profile *profile = NULL;

    err = kith_profile_load(&profile, text.name, NULL);
    if (err == KITH_OK)
      KITH_CLI_ROW(&table, text.name, kith_profile_about(profile));
    kith_profile_free(profile);
  }
  if (err == KITH_OK)
    err = kith_cli_table_print(&table);
  kith_cli_table_free(&table);
  return err == KITH_OK ? kith_cli_finish_stdout() : kith_cli_error(err, "not enough memory");
}

int kith_source_profiles(int argc, char **argv)
{
  const struct kith_cli_spec spec = {
      .usage = "kith source profiles [NAME]",
      .about = "Lists the profiles that come with kith, or prints one, to be changed and used as\n"
               "a file: see kith-profile(5).",
      .examples = "  $ kith source profiles\n  $ kith source profiles police > ours.profile\n"};
  int first;
  int status;

  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if (argc - first > 1)
    return kith_cli_usage(spec.usage, "expected one name at most");
  return argc > first ? print_one(argv[first]) : print_all();
}
