/* `kith bench`: what this machine can do. */
#include <string.h>

#include "base/mem.h"
#include "cli/bench/bench.h"
#include "cli/cli.h"
#include "cli/verbs.h"

/* `kith bench --against FILE` is `kith bench engine --against FILE`. */
static bool is_option(const char *argument)
{
  return argument[0] == '-' && strcmp(argument, "-h") != 0 && strcmp(argument, "--help") != 0;
}

int kith_cmd_bench(int argc, char **argv)
{
  static const struct kith_cli_verb verbs[] = {
      {"engine", kith_bench_engine, "comparisons a second of the similarity engine"},
      {"blind", kith_bench_blind, "rows a second of blind comparison, step by step"},
      {"encode", kith_bench_encode, "rows a second that are read, standardised and encoded"},
  };

  if (argc > 1 && is_option(argv[1]))
    return kith_bench_engine(argc, argv);
  return kith_cli_verbs("bench", "The project's own benchmarks.", verbs, KITH_COUNT_OF(verbs), argc,
                        argv);
}
