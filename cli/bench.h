/* Of `kith bench` only: its verbs that have a file of their own. */
#ifndef KITH_CLI_BENCH_H
#define KITH_CLI_BENCH_H

int kith_bench_encode(int argc, char **argv);

#endif
