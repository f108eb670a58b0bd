/* kith source: what an agency's export is like, before anything leaves. */
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/source/source.h"
#include "cli/verbs.h"

static const char check_usage[] = "kith source check [--profile NAME|FILE] [--policy POLICY.json] "
                                  "[--objections FILE] [--strict] [--json] [--html OUT] "
                                  "[--propose OUT.ini] "
                                  "FILE | --config KITHD.CONF | --odbc DSN --query-file FILE";

/* Rows that could not be read are bad data, whatever else is so; else the answer is the verdict. */
static int check_status(const struct kith_source_check *check, bool strict)
{
  const struct kith_quality_report *report = check->report;

  if (report->summary.set_aside > 0)
    return kith_err_exit_status(KITH_ERR_DATA);
  if (report->verdict == KITH_VERDICT_NOT_READY ||
      (strict && report->verdict == KITH_VERDICT_REMARKS))
    return kith_err_exit_status(KITH_ERR_NO);
  return 0;
}

static int print(const struct kith_source_check *check, bool json)
{
  if (check->report)
    return json ? kith_cli_json(kith_source_json(check)) : kith_source_print(check);
  return json ? kith_cli_json(json_pack("{s:s, s:n, s:o}", "file", check->name, "profile",
                                        "proposal", kith_source_proposal_json(check)))
              : kith_source_proposal_print(check);
}

/* Reads the table; one that can't be read for want of a profile is looked at for one, and *fault
 * says why. */
static enum kith_err check_read(struct kith_source_check *check, struct kith_fault *fault)
{
  struct kith_fault other = {0};
  enum kith_err err = kith_source_check_open(check, fault);
  enum kith_err proposed = kith_source_propose(check, err, &other);

  if (proposed != KITH_OK && (err == KITH_OK || check->propose_path)) {
    *fault = other;
    return proposed;
  }
  return err == KITH_OK ? kith_source_check_read(check, fault) : err;
}

static int check_run(struct kith_source_check *check, bool json, const char *html, bool strict)
{
  struct kith_fault fault = {0};
  const enum kith_err read = fault.err = check_read(check, &fault);
  int status;

  if (read != KITH_OK && (!check->proposal || check->source))
    return kith_cli_fail(&fault);
  if (read != KITH_OK && !check->propose_path) {
    (void)kith_cli_fail(&fault);
    kith_source_advise(check);
  }
  fault = (struct kith_fault){0};
  if (check->propose_path)
    fault.err = kith_source_propose_write(check, &fault);
  if (fault.err == KITH_OK && html)
    fault.err = kith_source_html(check, html, &fault);
  if (fault.err != KITH_OK)
    return kith_cli_fail(&fault);
  status = print(check, json);
  if (status != 0)
    return status;
  if (read != KITH_OK)
    return check->propose_path ? 0 : kith_err_exit_status(read);
  return check_status(check, strict);
}

struct check_options {
  struct kith_source_check check;
  const char *html;
  bool json;
  bool strict;
};

enum { N_OWN_OPTIONS = 9, N_OPTIONS = N_OWN_OPTIONS + KITH_SOURCE_DATABASE_OPTIONS };

static void check_options(struct kith_cli_option out[N_OPTIONS], struct check_options *asked)
{
  struct kith_source_check *check = &asked->check;
  const struct kith_cli_option options[N_OWN_OPTIONS] = {
      {.name = "profile",
       .kind = KITH_CLI_STRING,
       .out = &check->profile_name,
       .value = "NAME|FILE",
       .help = "the layout of the file: a built-in profile or one of your own"},
      {.name = "policy",
       .kind = KITH_CLI_STRING,
       .out = &check->policy_path,
       .value = "POLICY.json",
       .help = "what a round under this policy would take; default: kith's own policy"},
      {.name = "objections",
       .kind = KITH_CLI_STRING,
       .out = &check->objections_path,
       .value = "FILE",
       .help = "CSV with a column id: people who objected, and are left out"},
      {.name = "config",
       .kind = KITH_CLI_STRING,
       .out = &check->config_path,
       .value = "KITHD.CONF",
       .help = "check the source of this kithd.conf instead of a file"},
      {.name = "strict",
       .kind = KITH_CLI_FLAG,
       .out = &asked->strict,
       .help = "exit status 1 where there are remarks, too"},
      {.name = "json", .kind = KITH_CLI_FLAG, .out = &asked->json, .help = "one JSON document"},
      {.name = "html",
       .kind = KITH_CLI_STRING,
       .out = &asked->html,
       .value = "OUT",
       .help = "also write the report as one web page, to show or print"},
      {.name = "propose",
       .kind = KITH_CLI_STRING,
       .out = &check->propose_path,
       .value = "OUT.ini",
       .help = "write the profile that is proposed for a file without the standard columns"},
      {.name = "quiet", .kind = KITH_CLI_FLAG, .out = &check->quiet, .help = "no progress"},
  };

  memcpy(out, options, sizeof options);
  kith_source_database_options(out + N_OWN_OPTIONS, check);
}

static int cmd_check(int argc, char **argv)
{
  struct check_options asked = {0};
  struct kith_cli_option options[N_OPTIONS];
  const struct kith_cli_spec spec = {
      .usage = check_usage,
      .about =
          "Says whether an export is fit for a round, and what to mend: columns recognised, "
          "values\n"
          "that are missing, placeholders, implausible or unusable, defaults typed for many,\n"
          "people who are there twice, rows set aside, and what a round would take. It shows row\n"
          "numbers and counts, never a value. For a file without the standard columns it proposes\n"
          "a profile, and says how sure it is of each column. Exit status: 0 ready, perhaps with\n"
          "remarks, or a profile was written; 1 not ready; 65 a row was set aside, or the file\n"
          "can't be read to its end or without a profile.",
      .examples = "  $ kith source check police.csv\n"
                  "  $ kith source check --policy policy.json --html report.html police.csv\n"
                  "  $ kith source check --propose ours.ini clients.csv\n"
                  "  $ kith source check --odbc people --query-file people.sql --credential "
                  "database\n",
      .options = options,
      .n_options = N_OPTIONS};
  int first;
  const char *misfit;
  int status;

  check_options(options, &asked);
  if (!kith_cli_parse(&spec, argc, argv, &first, &status))
    return status;
  if ((misfit = kith_source_misfit(&asked.check, argc - first)))
    return kith_cli_usage(check_usage, "%s", misfit);
  if (asked.check.propose_path && asked.check.profile_name)
    return kith_cli_usage(check_usage, "--propose is for a file without a profile");
  asked.check.path = argv[first];
  status = check_run(&asked.check, asked.json, asked.html, asked.strict);
  kith_source_check_free(&asked.check);
  return status;
}

int kith_cmd_source(int argc, char **argv)
{
  static const struct kith_cli_verb verbs[] = {
      {"check", cmd_check, "whether an export is fit for a round, and what to mend"},
      {"preview", kith_source_preview, "what a round under a policy would take from it"},
      {"profiles", kith_source_profiles, "the layouts of exports that kith knows"},
      {"subject", kith_source_subject, "what is known of one person, for an answer to them"},
  };

  return kith_cli_verbs("source", "An agency's export of records.", verbs, KITH_COUNT_OF(verbs),
                        argc, argv);
}
