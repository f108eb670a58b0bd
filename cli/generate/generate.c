/* kith generate: a synthetic city, for trials and demonstrations. */
#include "cli/generate/generate.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/verbs.h"
#include "proto/policy.h"

enum { PEOPLE_MAX = 2000000, FILE_MODE = 0644, DIR_MODE = 0755, TRUTH = KITH_GEN_AGENCIES_MAX };

static const char generate_usage[] =
    "kith generate --people N --agencies K --seed S --out DIR [--quiet]";

struct task {
  uint64_t people;
  uint64_t agencies;
  uint64_t seed;
  const char *dir;
  bool quiet;
  struct kith_file_out *files[KITH_GEN_AGENCIES_MAX + 2]; /* agencies, truth, policy */
};

static enum kith_err file_start(struct task *task, unsigned at, const char *name,
                                struct kith_fault *fault)
{
  KITH_AUTO_FREE char *path = kith_path_join(task->dir, name);

  if (!path)
    return kith_fail(fault, KITH_ERR_MEMORY, "not enough memory");
  return kith_file_out_new(&task->files[at], path, FILE_MODE, fault);
}

static enum kith_err files_start(struct task *task, struct kith_fault *fault)
{
  enum kith_err err = kith_dir_make(task->dir, DIR_MODE, fault);

  for (unsigned i = 0; err == KITH_OK && i < task->agencies; i++) {
    char name[64];
    (void)snprintf(name, sizeof name, "%s.csv", kith_gen_agency_name(i));
    err = file_start(task, i, name, fault);
  }
  if (err == KITH_OK)
    err = file_start(task, TRUTH, "truth.csv", fault);
  if (err == KITH_OK)
    err = file_start(task, TRUTH + 1, "policy.json", fault);
  return err;
}

static enum kith_err write_policy(const struct task *task, struct kith_fault *fault)
{
  char names[KITH_GEN_AGENCIES_MAX][KITH_MEMBER_ID_BYTES];
  struct kith_policy *policy = KITH_NEW(struct kith_policy);
  struct kith_buf text;
  enum kith_err err = policy ? KITH_OK : KITH_ERR_MEMORY;

  kith_buf_init(&text, 0);
  for (unsigned i = 0; i < task->agencies; i++)
    (void)snprintf(names[i], sizeof names[i], "%s", kith_gen_agency_name(i));
  if (policy) {
    kith_policy_default(policy, names, (unsigned)task->agencies);
    err = kith_policy_print(&text, policy);
  }
  if (err == KITH_OK)
    (void)fwrite(text.bytes, 1, text.len, kith_file_out_stream(task->files[TRUTH + 1]));
  else
    (void)kith_fail(fault, err, "the policy can't be written: %s", kith_err_name(err));
  kith_buf_free(&text);
  kith_free(policy);
  return err;
}

/* All files are written before the first one appears. */
static enum kith_err files_commit(struct task *task, struct kith_fault *fault)
{
  for (size_t i = 0; i < KITH_COUNT_OF(task->files); i++) {
    FILE *stream = task->files[i] ? kith_file_out_stream(task->files[i]) : NULL;

    if (stream && (fflush(stream) != 0 || ferror(stream)))
      return kith_fail(fault, KITH_ERR_IO, "%s: can't be written: the disk or a quota is full",
                       task->dir);
  }
  for (size_t i = 0; i < KITH_COUNT_OF(task->files); i++) {
    enum kith_err err = task->files[i] ? kith_file_out_commit(task->files[i], fault) : KITH_OK;
    if (err != KITH_OK)
      return err;
  }
  return KITH_OK;
}

static enum kith_err generate(struct task *task, struct kith_cli_table *table,
                              struct kith_fault *fault)
{
  struct kith_gen_city city = {0};
  FILE *truth;
  enum kith_err err = files_start(task, fault);

  if (err != KITH_OK)
    return err;
  err = kith_gen_city_make(&city, task->people, task->seed);
  if (err != KITH_OK)
    return kith_fail(fault, err, "not enough memory for so many people");
  truth = kith_file_out_stream(task->files[TRUTH]);
  (void)fprintf(truth, "party,id,entity\n");
  KITH_CLI_ROW(table, "AGENCY", "RECORDS");
  for (unsigned i = 0; err == KITH_OK && i < task->agencies; i++) {
    size_t n = 0;
    char number[24];

    err = kith_gen_agency_write(&city, i, kith_file_out_stream(task->files[i]), truth, &n);
    if (err != KITH_OK)
      (void)kith_fail(fault, err, "not enough memory for so many people");
    (void)snprintf(number, sizeof number, "%zu", n);
    KITH_CLI_ROW(table, kith_gen_agency_name(i), number);
  }
  if (err == KITH_OK)
    err = write_policy(task, fault);
  if (err == KITH_OK)
    err = files_commit(task, fault);
  kith_gen_city_free(&city);
  return err;
}

static bool options_read(struct task *task, int argc, char **argv, int *status)
{
  bool people = false;
  bool agencies = false;
  bool seed = false;
  const struct kith_cli_option options[] = {
      {"people", KITH_CLI_U64, &task->people, "N", "how many people live in the city", 1,
       PEOPLE_MAX, &people},
      {"agencies", KITH_CLI_U64, &task->agencies, "K", "how many services keep a table, 1 to 12", 1,
       KITH_GEN_AGENCIES_MAX, &agencies},
      {"seed", KITH_CLI_U64, &task->seed, "S", "the same seed gives the same bytes", 0, UINT64_MAX,
       &seed},
      {.name = "out",
       .kind = KITH_CLI_STRING,
       .out = &task->dir,
       .value = "DIR",
       .help = "the folder for the files; made if it is not there"},
      {.name = "quiet", .kind = KITH_CLI_FLAG, .out = &task->quiet, .help = "no table at the end"},
  };
  const struct kith_cli_spec spec = {
      .usage = generate_usage,
      .about =
          "Makes up a city: one CSV file for each agency, truth.csv (party,id,entity) and\n"
          "policy.json. Households, siblings, twins, people who move, misspelt names, nicknames,\n"
          "swapped dates, missing values, several naming traditions. Nobody in it is real.",
      .examples = "  $ kith generate --people 20000 --agencies 6 --seed 1 --out city\n",
      .options = options,
      .n_options = KITH_COUNT_OF(options)};
  int first;

  if (!kith_cli_parse(&spec, argc, argv, &first, status))
    return false;
  if (first == argc && people && agencies && seed && task->dir && task->dir[0] != '\0')
    return true;
  *status =
      kith_cli_usage(generate_usage, first < argc ? "expected options only"
                                                  : "--people, --agencies, --seed and --out are "
                                                    "needed");
  return false;
}

int kith_cmd_generate(int argc, char **argv)
{
  struct task task = {0};
  struct kith_cli_table table = {0};
  struct kith_fault fault = {0};
  int status;

  if (!options_read(&task, argc, argv, &status))
    return status;
  fault.err = generate(&task, &table, &fault);
  for (size_t i = 0; i < KITH_COUNT_OF(task.files); i++)
    kith_file_out_free(task.files[i]);
  if (fault.err != KITH_OK)
    status = kith_cli_fail(&fault);
  else if (task.quiet)
    status = 0;
  else if (kith_cli_table_print(&table) != KITH_OK)
    status = kith_cli_error(KITH_ERR_MEMORY, "not enough memory");
  else
    status = kith_cli_finish_stdout();
  kith_cli_table_free(&table);
  return status;
}
