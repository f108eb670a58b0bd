/* Numbers of people as sentences. */
#include <math.h>
#include <stdio.h>

#include "cli/threshold/threshold.h"

static long whole(double value)
{
  return lround(value);
}

void kith_threshold_figure_text(char out[KITH_THRESHOLD_FIGURE_BYTES],
                                const struct kith_threshold_figure *figure, unsigned minimum)
{
  if (figure->expected < 0)
    (void)snprintf(out, KITH_THRESHOLD_FIGURE_BYTES, "fewer than %u", minimum);
  else
    (void)snprintf(out, KITH_THRESHOLD_FIGURE_BYTES, "%ld (%ld to %ld)", whole(figure->expected),
                   whole(figure->low), whole(figure->high));
}

static void clause(char *out, size_t room, const struct kith_threshold_figure *figure,
                   unsigned minimum)
{
  if (figure->expected < 0)
    (void)snprintf(out, room, "fewer than %u", minimum);
  else if (whole(figure->high) == 0)
    (void)snprintf(out, room, "hardly anybody");
  else
    (void)snprintf(out, room, "about %ld (between %ld and %ld)", whole(figure->expected),
                   whole(figure->low), whole(figure->high));
}

void kith_threshold_words(char out[KITH_THRESHOLD_WORDS_BYTES],
                          const struct kith_threshold_view *view, unsigned point)
{
  const struct kith_threshold_cell *cell = &view->cells[point][0];
  char wrong[96];
  char missed[96];

  clause(wrong, sizeof wrong, &cell->wrong, view->minimum);
  clause(missed, sizeof missed, &cell->missed, view->minimum);
  if (cell->listed < 0)
    (void)snprintf(out, KITH_THRESHOLD_WORDS_BYTES,
                   "The list would have fewer than %u people at this setting; %s who belong would "
                   "be missed.",
                   view->minimum, missed);
  else
    (void)snprintf(out, KITH_THRESHOLD_WORDS_BYTES,
                   "Of the %ld people on the list at this setting, %s would not belong; %s who "
                   "belong would be missed.",
                   whole(cell->listed), wrong, missed);
}
