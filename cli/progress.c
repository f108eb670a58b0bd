#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"

enum { BAR_CELLS = 30, TERMINAL_MS = 200, LINE_MS = 10000 };

void kith_cli_progress_start(struct kith_cli_progress *progress, const char *label,
                             const char *unit, bool quiet)
{
  *progress = (struct kith_cli_progress){
      .label = label, .unit = unit, .quiet = quiet, .terminal = isatty(STDERR_FILENO) == 1};
  progress->start_ms = quiet ? 0 : kith_clock_monotonic_ms();
  progress->last_ms = progress->start_ms;
}

/* "1.23 G" */
static void scaled(char out[32], double value)
{
  static const char prefixes[] = " kMGTP";
  unsigned k = 0;
  while (value >= 1000 && k + 2 < sizeof prefixes) {
    value /= 1000;
    k++;
  }
  (void)snprintf(out, 32, "%.3g %.*s", value, k > 0, prefixes + k);
}

static void print_state(const struct kith_cli_progress *progress, double share, double n_units,
                        int64_t elapsed_ms)
{
  char rate[32];
  double seconds = (double)elapsed_ms / 1000;
  scaled(rate, seconds > 0 ? n_units / seconds : 0);
  double own = share - progress->share_before;
  double left_s = own > 0 ? seconds * (1 - share) / own : 0;
  if (progress->terminal) {
    char bar[BAR_CELLS + 1];
    for (int i = 0; i < BAR_CELLS; i++)
      bar[i] = i < (int)(share * BAR_CELLS) ? '#' : '.';
    bar[BAR_CELLS] = '\0';
    (void)fprintf(stderr, "\r%s [%s] %3.0f%%  %s%s/s  ETA %.0f s \033[K", progress->label, bar,
                  share * 100, rate, progress->unit, left_s);
    (void)fflush(stderr);
  } else {
    (void)fprintf(stderr, "%s: %.0f%%, %s%s/s, ETA %.0f s\n", progress->label, share * 100, rate,
                  progress->unit, left_s);
  }
}

void kith_cli_progress_update(struct kith_cli_progress *progress, double share, double n_units)
{
  if (progress->quiet)
    return;
  int64_t now_ms = kith_clock_monotonic_ms();
  if (now_ms - progress->last_ms < (progress->terminal ? TERMINAL_MS : LINE_MS))
    return;
  progress->last_ms = now_ms;
  progress->shown = true;
  print_state(progress,
              share < 0   ? 0
              : share > 1 ? 1
                          : share,
              n_units, now_ms - progress->start_ms);
}

void kith_cli_progress_finish(struct kith_cli_progress *progress)
{
  if (progress->shown && progress->terminal) {
    (void)fputs("\r\033[K", stderr);
    (void)fflush(stderr);
  }
  progress->shown = false;
}
