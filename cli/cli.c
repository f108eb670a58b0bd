#include "cli/cli.h"

#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* ---- faults */

int kith_cli_fail(const struct kith_fault *fault)
{
  (void)fflush(stdout);
  (void)fprintf(stderr, "kith: %s\n", fault->text[0] ? fault->text : kith_err_name(fault->err));
  return kith_err_exit_status(fault->err);
}

int kith_cli_error(enum kith_err err, const char *format, ...)
{
  struct kith_fault fault = {.err = err};
  va_list args;
  va_start(args, format);
  (void)vsnprintf(fault.text, sizeof fault.text, format, args);
  va_end(args);
  return kith_cli_fail(&fault);
}

int kith_cli_finish_stdout(void)
{
  if (fflush(stdout) != 0 || ferror(stdout))
    return kith_cli_error(KITH_ERR_IO, "standard output can't be written");
  return 0;
}

/* ---- options */

enum { OPTIONS_MAX = 64, HELP_INDEX = OPTIONS_MAX };

static void print_help(const struct kith_cli_spec *spec)
{
  printf("Usage: %s\n\n%s\n\nOptions:\n", spec->usage, spec->about);
  for (size_t i = 0; i < spec->n_options; i++) {
    char left[64];
    const struct kith_cli_option *option = &spec->options[i];
    (void)snprintf(left, sizeof left, "--%s%s%s", option->name, option->value ? " " : "",
                   option->value ? option->value : "");
    printf("  %-24s %s\n", left, option->help);
  }
  printf("  %-24s %s\n", "--help", "this text");
  if (spec->examples)
    printf("\nExamples:\n%s", spec->examples);
}

static enum kith_err take_value(const struct kith_cli_option *option, const char *text,
                                struct kith_fault *fault)
{
  if (option->given)
    *option->given = true;
  switch (option->kind) {
  case KITH_CLI_FLAG:
    *(bool *)option->out = true;
    return KITH_OK;
  case KITH_CLI_STRING:
    *(const char **)option->out = text;
    return KITH_OK;
  case KITH_CLI_U64:
    if (kith_u64_parse(option->out, text, option->min, option->max))
      return kith_fail(fault, KITH_ERR_USAGE, "--%s: expected a whole number from %llu to %llu",
                       option->name, (unsigned long long)option->min,
                       (unsigned long long)option->max);
    return KITH_OK;
  case KITH_CLI_RATIO: {
    enum kith_err err = kith_ratio_parse(option->out, text, fault);
    return err ? kith_fail_at(fault, err, "--%s", option->name) : KITH_OK;
  }
  case KITH_CLI_LIST: {
    struct kith_cli_list *list = option->out;
    if (list->n == KITH_CLI_LIST_MAX)
      return kith_fail(fault, KITH_ERR_USAGE, "--%s is given too often", option->name);
    list->items[list->n++] = text;
    return KITH_OK;
  }
  }
  return kith_fail(fault, KITH_ERR_INTERNAL, "--%s: option of unknown kind", option->name);
}

bool kith_cli_parse(const struct kith_cli_spec *spec, int argc, char **argv, int *first,
                    int *status)
{
  struct option table[OPTIONS_MAX + 2] = {0};
  size_t n = spec->n_options < OPTIONS_MAX ? spec->n_options : OPTIONS_MAX;
  for (size_t i = 0; i < n; i++)
    table[i] = (struct option){
        spec->options[i].name,
        spec->options[i].kind == KITH_CLI_FLAG ? no_argument : required_argument, NULL, (int)i};
  table[n] = (struct option){"help", no_argument, NULL, HELP_INDEX};
  optind = 0; /* a fresh scan: tests and `kith link` parse more than once */
  opterr = 0;
  for (;;) {
    int at = optind ? optind : 1;
    int got = getopt_long(argc, argv, ":", table, NULL);
    if (got == -1)
      break;
    if (got == HELP_INDEX) {
      print_help(spec);
      *status = kith_cli_finish_stdout();
      return false;
    }
    struct kith_fault fault = {.err = KITH_ERR_USAGE};
    enum kith_err err = KITH_ERR_USAGE;
    const char *word = at < argc ? argv[at] : "";
    if (got == ':')
      err = kith_fail(&fault, err, "%.*s needs a value", 64, argv[optind - 1]);
    else if (got < 0 || got == '?' || (size_t)got >= n)
      err = kith_fail(&fault, err, "unknown option %.*s", 64,
                      optind > 0 && argv[optind - 1][0] == '-' ? argv[optind - 1] : word);
    else
      err = take_value(&spec->options[got], optarg, &fault);
    if (err) {
      fault.err = err;
      *status = kith_cli_fail(&fault);
      (void)fprintf(stderr, "Usage: %s\n", spec->usage);
      return false;
    }
  }
  *first = optind;
  return true;
}

/* ---- odds and ends */

static atomic_bool cancelled;

static void on_signal(int number)
{
  atomic_store(&cancelled, true);
  (void)signal(number, SIG_DFL);
}

const atomic_bool *kith_cli_cancel_on_signal(void)
{
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  (void)sigaction(SIGINT, &action, NULL);
  (void)sigaction(SIGTERM, &action, NULL);
  return &cancelled;
}

enum kith_err kith_cli_party_name(char **out, const char *path, struct kith_fault *fault)
{
  const char *slash = strrchr(path, '/');
  const char *base = slash ? slash + 1 : path;
  size_t len = strlen(base);
  if (len > 3 && strcmp(base + len - 3, ".gz") == 0)
    len -= 3;
  for (size_t i = len; i > 1; i--)
    if (base[i - 1] == '.') {
      len = i - 1;
      break;
    }
  if (len == 0)
    return kith_fail(fault, KITH_ERR_USAGE, "%s: expected the name of a file", path);
  char *name = kith_strndup(base, len);
  if (!name)
    return kith_fail(fault, KITH_ERR_MEMORY, "not enough memory");
  *out = name;
  return KITH_OK;
}

void kith_cli_party_names_free(char **names, size_t n)
{
  for (size_t i = 0; names && i < n; i++)
    kith_free(names[i]);
  kith_free(names);
}

enum kith_err kith_cli_party_names(char ***out, char *const *paths, size_t n,
                                   struct kith_fault *fault)
{
  char **names = KITH_NEW_ARRAY(char *, n);
  if (!names)
    return kith_fail(fault, KITH_ERR_MEMORY, "not enough memory");
  enum kith_err err = KITH_OK;
  for (size_t i = 0; i < n && !err; i++) {
    err = kith_cli_party_name(&names[i], paths[i], fault);
    for (size_t j = 0; j < i && !err; j++)
      if (strcmp(names[i], names[j]) == 0)
        err = kith_fail(fault, KITH_ERR_USAGE,
                        "%s and %s would both be party \"%s\": rename one of the files", paths[j],
                        paths[i], names[i]);
  }
  if (err) {
    kith_cli_party_names_free(names, n);
    return err;
  }
  *out = names;
  return KITH_OK;
}

unsigned kith_cli_processors(void)
{
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
    return (unsigned)CPU_COUNT(&set);
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 ? (unsigned)n : 1;
}
