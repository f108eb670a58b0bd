/* What the linter says of a policy's scope: what it misses, or can't do. */
#include <string.h>

#include "cli/policy/policy.h"

enum { AGE_OF_NOBODY = 110 };

static void lint_ages(struct kith_lint *lint, const struct kith_policy *policy)
{
  const struct kith_scope *scope = &policy->scope;

  if (!scope->present)
    return;
  if (!scope->on.year) {
    kith_lint_add(
        lint, false,
        "scope.on: there are no ages, so people of every age are encoded. Data minimisation asks "
        "for the ages that the purpose is about.");
    return;
  }
  if (scope->age_min == 0 && scope->age_max >= AGE_OF_NOBODY)
    kith_lint_add(lint, false, "scope.age_max: ages 0 to %u leave nobody out%s.", scope->age_max,
                  scope->unknown_birth_in ? "" : " but those whose age is not known");
  if (scope->unknown_birth_in)
    kith_lint_add(
        lint, false,
        "scope.unknown_birth: records without a usable date of birth are encoded, whatever age the "
        "people are.");
  if (policy->dates.year_max < (unsigned)scope->on.year)
    kith_lint_add(
        lint, false,
        "dates.year_max: children born after %u count as implausible, and the ages are counted in "
        "%d.",
        policy->dates.year_max, scope->on.year);
  if ((int)policy->dates.year_min > scope->on.year - (int)scope->age_max - 1)
    kith_lint_add(lint, false, "dates.year_min: some ages in scope mean a birth before %u.",
                  policy->dates.year_min);
}

/* Whether a district is in another entry: "cv1" in "cv", "ec1a" in "ec1"; "cv10" is not in "cv1".
 */
static bool place_covered(const struct kith_scope *scope, unsigned at)
{
  const char *place = scope->places[at];

  for (unsigned i = 0; i < scope->n_places; i++) {
    size_t len = strlen(scope->places[i]);
    bool area = strcspn(scope->places[i], "0123456789") == len;

    if (i != at && strlen(place) > len && strncmp(scope->places[i], place, len) == 0 &&
        area == (place[len] >= '0' && place[len] <= '9'))
      return true;
  }
  return false;
}

static void lint_places(struct kith_lint *lint, const struct kith_scope *scope)
{
  if (scope->n_places > 0 && !scope->unknown_place_in)
    kith_lint_add(
        lint, false,
        "scope.places: records without a postcode are out, and so are people of no fixed abode. "
        "\"unknown_place\": \"in\" takes them in.");
  for (unsigned i = 0; i < scope->n_places; i++)
    if (place_covered(scope, i))
      kith_lint_add(lint, false, "scope.places: \"%s\" lies in another place of the list.",
                    scope->places[i]);
  if (scope->from.year && !scope->unknown_period_in)
    kith_lint_add(
        lint, false,
        "scope.period: needs a column record_date. Of a source without one nothing is encoded.");
  if (scope->from.year && scope->unknown_period_in)
    kith_lint_add(
        lint, false,
        "scope.unknown_period: a source without a column record_date is encoded whole, however old "
        "its records are.");
}

void kith_policy_lint_scope(struct kith_lint *lint, const struct kith_policy *policy)
{
  lint_ages(lint, policy);
  lint_places(lint, &policy->scope);
}
