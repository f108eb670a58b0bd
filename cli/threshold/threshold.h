/* `kith threshold`: what a threshold does to people, from a report of `kith link` or from a round
 * in review; as a table, JSON and a web page. */
#ifndef KITH_CLI_THRESHOLD_THRESHOLD_H
#define KITH_CLI_THRESHOLD_THRESHOLD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "matcher/linkage/curve.h"
#include "proto/policy.h"

enum { KITH_THRESHOLD_POINTS_MAX = 64, KITH_THRESHOLD_GROUPS_MAX = 256 };

/* A number of people, or, where it is negative, one that is below the policy's minimum. */
struct kith_threshold_figure {
  double expected;
  double low;
  double high;
};

struct kith_threshold_cell {
  double listed; /* negative: below the minimum */
  struct kith_threshold_figure wrong;
  struct kith_threshold_figure missed;
};

/* All people, those known to so many services, or those known to both parties. */
struct kith_threshold_group {
  unsigned services; /* 0: not by number of services */
  char party_a[KITH_TEXT_BYTES];
  char party_b[KITH_TEXT_BYTES]; /* both empty: not by party pair */
};

struct kith_threshold_view {
  char title[KITH_TEXT_BYTES]; /* the folder or the round */
  char policy[KITH_TEXT_BYTES];
  char rule[KITH_TEXT_BYTES];
  double min; /* the policy's band */
  double max;
  double recommended; /* what auto gives */
  double chosen;      /* what decided; negative: nothing yet */
  unsigned minimum;   /* lesser counts are not shown; 0: all are */
  unsigned n_groups;  /* the first is all people */
  struct kith_threshold_group groups[KITH_THRESHOLD_GROUPS_MAX];
  unsigned n_points;
  double thresholds[KITH_THRESHOLD_POINTS_MAX]; /* rising */
  struct kith_threshold_cell cells[KITH_THRESHOLD_POINTS_MAX][KITH_THRESHOLD_GROUPS_MAX];
};

/* ---- threshold_view.c */

/* From a linkage on this machine: nothing is hidden. `names`: of its parties. */
void kith_threshold_of_linkage(struct kith_threshold_view *out,
                               const struct kith_linkage_result *result,
                               const struct kith_policy *policy, const char *const *names);
/* NULL: out of memory. */
json_t *kith_threshold_json(const struct kith_threshold_view *view);
/* What kith_threshold_json gave; `name` is the file's. KITH_ERR_DATA. */
KITH_MUST_USE enum kith_err kith_threshold_read(struct kith_threshold_view *out, json_t *json,
                                                const char *name, struct kith_fault *fault);
/* The step nearest to a threshold. */
unsigned kith_threshold_nearest(const struct kith_threshold_view *view, double threshold);
/* "all people", "3 services", "police and health". */
void kith_threshold_group_name(char *out, size_t room, const struct kith_threshold_group *group);

/* ---- threshold_words.c */

/* "of the 582 people on the list at this setting, about 4 (between 2 and 8) would not belong; about
 * 25 (14 to 39) who belong would be missed." */
enum { KITH_THRESHOLD_WORDS_BYTES = 512 };
void kith_threshold_words(char out[KITH_THRESHOLD_WORDS_BYTES],
                          const struct kith_threshold_view *view, unsigned point);
/* "4 (2 to 8)", "fewer than 10". */
enum { KITH_THRESHOLD_FIGURE_BYTES = 64 };
void kith_threshold_figure_text(char out[KITH_THRESHOLD_FIGURE_BYTES],
                                const struct kith_threshold_figure *figure, unsigned minimum);

/* ---- threshold_html.c */

/* One page that fetches nothing and works without its script. */
KITH_MUST_USE enum kith_err kith_threshold_html(const struct kith_threshold_view *view,
                                                const char *path, struct kith_fault *fault);

#endif
