/* The numbers of `kith threshold`, and their JSON. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/threshold/threshold.h"

/* ---- from a linkage */

static struct kith_threshold_figure figure_of(const struct kith_estimate *estimate)
{
  return (struct kith_threshold_figure){estimate->expected, estimate->low, estimate->high};
}

static struct kith_threshold_cell cell_of(const struct kith_people_count *count)
{
  return (struct kith_threshold_cell){(double)count->listed, figure_of(&count->wrong),
                                      figure_of(&count->missed)};
}

/* Whether any threshold lists, or might miss, somebody of the group. */
static bool services_matter(const struct kith_people_curve *curve, unsigned n)
{
  bool matters = false;

  for (unsigned i = 0; i < curve->n_points; i++)
    matters |= curve->points[i].services[n].listed || curve->points[i].services[n].missed.high > 0;
  return matters;
}

static void add_services(struct kith_threshold_view *out, const struct kith_people_curve *curve)
{
  for (unsigned n = 1; n <= curve->n_parties; n++) {
    if (!services_matter(curve, n))
      continue;
    for (unsigned i = 0; i < curve->n_points; i++)
      out->cells[i][out->n_groups] = cell_of(&curve->points[i].services[n]);
    out->groups[out->n_groups++].services = n;
  }
}

static void add_pairs(struct kith_threshold_view *out, const struct kith_people_curve *curve,
                      const char *const *names)
{
  for (unsigned p = 0; p < curve->n_parties; p++)
    for (unsigned q = p + 1; q < curve->n_parties; q++) {
      struct kith_threshold_group *group = &out->groups[out->n_groups];

      (void)snprintf(group->party_a, sizeof group->party_a, "%s", names[p]);
      (void)snprintf(group->party_b, sizeof group->party_b, "%s", names[q]);
      for (unsigned i = 0; i < curve->n_points; i++)
        out->cells[i][out->n_groups] = cell_of(&curve->points[i].pairs[p][q]);
      out->n_groups++;
    }
}

/* The best F1 of the pairs' curve within the band, as `auto` chooses it. */
static double recommended(const struct kith_linkage_result *result, double min, double max)
{
  double best = min;
  double best_f1 = -1;

  for (unsigned i = 0; i < KITH_CURVE_STEPS; i++) {
    double threshold = (double)result->curve[i].threshold / KITH_PPM;

    if (threshold >= min && threshold <= max && result->curve[i].f1 > best_f1) {
      best = threshold;
      best_f1 = result->curve[i].f1;
    }
  }
  return best;
}

void kith_threshold_of_linkage(struct kith_threshold_view *out,
                               const struct kith_linkage_result *result,
                               const struct kith_policy *policy, const char *const *names)
{
  const struct kith_people_curve *curve = result->people;

  *out = (struct kith_threshold_view){0};
  (void)snprintf(out->policy, sizeof out->policy, "%s", policy->name);
  (void)snprintf(out->rule, sizeof out->rule, "%s", policy->rule);
  out->min = kith_ratio_double(policy->threshold.min);
  out->max = kith_ratio_double(policy->threshold.max);
  out->chosen = (double)result->threshold / KITH_PPM;
  out->recommended = recommended(result, out->min, out->max);
  out->n_points = curve->n_points;
  for (unsigned i = 0; i < curve->n_points; i++) {
    out->thresholds[i] = (double)curve->points[i].threshold / KITH_PPM;
    out->cells[i][0] = cell_of(&curve->points[i].all);
  }
  out->n_groups = 1;
  add_services(out, curve);
  add_pairs(out, curve, names);
}

/* ---- JSON */

/* Thousandths: more would be noise. */
static json_t *number(double value)
{
  return value < 0 ? json_null() : json_real(round(value * 1000) / 1000);
}

static json_t *figure_json(const struct kith_threshold_figure *figure)
{
  return json_pack("{s:o,s:o,s:o}", "expected", number(figure->expected), "low",
                   number(figure->expected < 0 ? -1 : figure->low), "high",
                   number(figure->expected < 0 ? -1 : figure->high));
}

static json_t *cell_json(const struct kith_threshold_cell *cell)
{
  return json_pack("{s:o,s:o,s:o}", "listed",
                   cell->listed < 0 ? json_null() : json_integer((json_int_t)llrint(cell->listed)),
                   "wrongly_in", figure_json(&cell->wrong), "missed", figure_json(&cell->missed));
}

static int label(json_t *cell, const struct kith_threshold_group *group)
{
  if (group->services)
    return json_object_set_new(cell, "services", json_integer(group->services));
  return json_object_set_new(cell, "party_a", json_string(group->party_a)) ||
         json_object_set_new(cell, "party_b", json_string(group->party_b));
}

static json_t *point_json(const struct kith_threshold_view *view, unsigned i)
{
  json_t *point = cell_json(&view->cells[i][0]);
  json_t *services = json_array();
  json_t *pairs = json_array();
  int bad = json_object_set_new(point, "threshold", number(view->thresholds[i]));

  for (unsigned g = 1; g < view->n_groups && !bad; g++) {
    json_t *cell = cell_json(&view->cells[i][g]);

    bad |= !cell || label(cell, &view->groups[g]);
    bad |= json_array_append_new(view->groups[g].services ? services : pairs, cell);
  }
  bad |= json_object_set_new(point, "by_services", services);
  bad |= json_object_set_new(point, "by_party_pair", pairs);
  if (!bad)
    return point;
  json_decref(point);
  return NULL;
}

json_t *kith_threshold_json(const struct kith_threshold_view *view)
{
  json_t *points = json_array();
  int bad = 0;

  for (unsigned i = 0; i < view->n_points && !bad; i++)
    bad |= json_array_append_new(points, point_json(view, i));
  if (bad) {
    json_decref(points);
    return NULL;
  }
  return json_pack("{s:s,s:s,s:f,s:o,s:o,s:o,s:o,s:I,s:o}", "policy", view->policy, "rule",
                   view->rule, "interval", 0.9, "min", number(view->min), "max", number(view->max),
                   "recommended", number(view->recommended), "chosen", number(view->chosen),
                   "minimum_count", (json_int_t)view->minimum, "points", points);
}

/* ---- from JSON: a null is a number that is hidden */

static bool get(double *out, json_t *object, const char *key)
{
  json_t *value = json_object_get(object, key);

  *out = json_is_number(value) ? json_number_value(value) : -1;
  return json_is_null(value) || (json_is_number(value) && *out >= 0 && *out < 1e12);
}

static bool get_text(char out[KITH_TEXT_BYTES], json_t *object, const char *key)
{
  const char *text = json_string_value(json_object_get(object, key));

  if (text)
    (void)snprintf(out, KITH_TEXT_BYTES, "%s", text);
  return text && strlen(text) < KITH_TEXT_BYTES;
}

static bool get_figure(struct kith_threshold_figure *out, json_t *cell, const char *key)
{
  json_t *figure = json_object_get(cell, key);

  return get(&out->expected, figure, "expected") && get(&out->low, figure, "low") &&
         get(&out->high, figure, "high");
}

static bool get_cell(struct kith_threshold_cell *out, json_t *cell)
{
  return get(&out->listed, cell, "listed") && get_figure(&out->wrong, cell, "wrongly_in") &&
         get_figure(&out->missed, cell, "missed");
}

/* The cells of one list of a point; at the first point they name the groups. */
static bool get_groups(struct kith_threshold_view *out, unsigned i, unsigned *g, json_t *list,
                       bool services)
{
  for (size_t k = 0; k < json_array_size(list); k++, ++*g) {
    json_t *cell = json_array_get(list, k);
    struct kith_threshold_group group = {0};

    if (*g >= KITH_THRESHOLD_GROUPS_MAX || !get_cell(&out->cells[i][*g], cell))
      return false;
    if (services)
      group.services = (unsigned)json_integer_value(json_object_get(cell, "services"));
    else if (!get_text(group.party_a, cell, "party_a") || !get_text(group.party_b, cell, "party_b"))
      return false;
    if (i == 0)
      out->groups[*g] = group;
    else if (*g >= out->n_groups || memcmp(&group, &out->groups[*g], sizeof group) != 0)
      return false;
  }
  return true;
}

static bool get_point(struct kith_threshold_view *out, unsigned i, json_t *point)
{
  unsigned g = 1;

  if (!get(&out->thresholds[i], point, "threshold") || !get_cell(&out->cells[i][0], point) ||
      (i > 0 && out->thresholds[i] <= out->thresholds[i - 1]) ||
      !get_groups(out, i, &g, json_object_get(point, "by_services"), true) ||
      !get_groups(out, i, &g, json_object_get(point, "by_party_pair"), false) ||
      (i > 0 && g != out->n_groups))
    return false;
  out->n_groups = g;
  return true;
}

enum kith_err kith_threshold_read(struct kith_threshold_view *out, json_t *json, const char *name,
                                  struct kith_fault *fault)
{
  json_t *points = json_object_get(json, "points");
  double minimum = 0;

  *out = (struct kith_threshold_view){0};
  bool good = get_text(out->policy, json, "policy") && get_text(out->rule, json, "rule") &&
              get(&out->min, json, "min") && get(&out->max, json, "max") &&
              get(&out->recommended, json, "recommended") && get(&out->chosen, json, "chosen") &&
              get(&minimum, json, "minimum_count") && json_array_size(points) > 0 &&
              json_array_size(points) <= KITH_THRESHOLD_POINTS_MAX;

  out->minimum = (unsigned)minimum;
  for (; good && out->n_points < json_array_size(points); out->n_points++)
    good = get_point(out, out->n_points, json_array_get(points, out->n_points));
  return good ? KITH_OK
              : kith_fail(fault, KITH_ERR_DATA,
                          "%s: expected \"people\" as kith link writes it; link again", name);
}

/* ---- odds and ends */

unsigned kith_threshold_nearest(const struct kith_threshold_view *view, double threshold)
{
  unsigned best = 0;

  for (unsigned i = 1; i < view->n_points; i++)
    if (fabs(view->thresholds[i] - threshold) < fabs(view->thresholds[best] - threshold) - 1e-9)
      best = i;
  return best;
}

void kith_threshold_group_name(char *out, size_t room, const struct kith_threshold_group *group)
{
  if (group->services)
    (void)snprintf(out, room, "%u service%s", group->services, group->services == 1 ? "" : "s");
  else if (*group->party_a)
    (void)snprintf(out, room, "%s and %s", group->party_a, group->party_b);
  else
    (void)snprintf(out, room, "all people");
}
