/* One column for each role: the surest pair of column and role first, then the next among what is
 * left. How sure a pair is takes the column's other roles and the role's other columns. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/pipeline/propose_parts.h"

#define PROPOSED_LEAST 0.3 /* less sure pairs are not proposed */
#define SURE_LEAST 0.9
#define LIKELY_LEAST 0.6
#define FIRST_GAIN 1.1
#define NAMED_LEAST 0.85
#define RIVAL_LEAST 0.25 /* from here on another column is spoken of */

enum { FEW_VALUES = 20, UNIQUE_SHARE = 90 };

/* An id may be blank or repeated in a few rows, which are set aside then. */
static bool can_be_id(const struct kith_look *look)
{
  return look->tried > 0 &&
         (uint64_t)look->distinct * 100 >= (uint64_t)look->tried * UNIQUE_SHARE &&
         (uint64_t)look->n * 100 >= (uint64_t)look->rows * UNIQUE_SHARE;
}

/* The chance among the roles that are still free. */
static double chance_left(const struct kith_proposer *proposer, const bool taken[KITH_ROLE_COUNT],
                          size_t column, enum kith_role role)
{
  const struct kith_hint *hint = &proposer->hints[column];
  const double *chances = proposer->chances[column];
  double sum = 0;

  if (role == KITH_ROLE_ID && !can_be_id(&proposer->looks[column]))
    return 0;
  /* A column whose name says what it is does not become something else for want of that. */
  for (unsigned i = 0; i < KITH_ROLE_COUNT; i++)
    sum += taken[i] && !(hint->role == i && hint->strength > NAMED_LEAST) ? 0 : chances[i];
  if (sum <= 0)
    return 0;
  /* What names the rows mostly stands first. */
  return fmin(1, chances[role] / sum * (role == KITH_ROLE_ID && column == 0 ? FIRST_GAIN : 1));
}

struct pair {
  size_t column;
  enum kith_role role;
  double chance;
};

static struct pair pair_find(const struct kith_proposer *proposer,
                             const bool taken[KITH_ROLE_COUNT])
{
  struct pair best = {.chance = PROPOSED_LEAST};

  for (size_t i = 0; i < proposer->n_looked; i++) {
    for (unsigned role = 0; role < KITH_ROLE_NONE && proposer->roles[i] == KITH_ROLE_NONE; role++) {
      double chance = taken[role] ? 0 : chance_left(proposer, taken, i, (enum kith_role)role);

      if (chance > best.chance)
        best = (struct pair){i, (enum kith_role)role, chance};
    }
  }
  return best;
}

bool kith_proposer_rivals(const struct kith_proposer *proposer, size_t winner, size_t column,
                          enum kith_role role)
{
  const struct kith_hint *mine = &proposer->hints[winner];
  const struct kith_hint *other = &proposer->hints[column];

  if (column == winner || proposer->chances[column][role] < RIVAL_LEAST ||
      (role == KITH_ROLE_ID && !can_be_id(&proposer->looks[column])))
    return false;
  return !(mine->role == role && mine->strength > NAMED_LEAST) || other->role == role;
}

/* The other column that the role would have; SIZE_MAX: none. */
static size_t rival_find(const struct kith_proposer *proposer, size_t column)
{
  const enum kith_role role = proposer->roles[column];
  size_t rival = SIZE_MAX;
  double most = 0;

  for (size_t i = 0; i < proposer->n_looked; i++) {
    if (!kith_proposer_rivals(proposer, column, i, role) || proposer->chances[i][role] < most)
      continue;
    most = proposer->chances[i][role];
    rival = i;
  }
  return rival;
}

static void sure_set(struct kith_proposer *proposer, size_t column)
{
  struct kith_proposal_column *out = &proposer->proposal.columns[column];
  const struct kith_look *look = &proposer->looks[column];
  const struct kith_hint *hint = &proposer->hints[column];
  const bool named = hint->role == proposer->roles[column] && hint->strength > NAMED_LEAST;
  const size_t rival = rival_find(proposer, column);

  if (rival != SIZE_MAX) {
    double other = proposer->chances[rival][proposer->roles[column]];

    out->score *= out->score / (out->score + other);
  }
  if (look->n < FEW_VALUES && !named)
    out->score = fmin(out->score, 0.85);
  if (look->n == 0)
    out->score = fmin(out->score, named ? 0.85 : 0.5);
  out->sure = out->score >= SURE_LEAST     ? KITH_SURE
              : out->score >= LIKELY_LEAST ? KITH_LIKELY
                                           : KITH_UNSURE;
}

void kith_proposer_settle(struct kith_proposer *proposer)
{
  bool taken[KITH_ROLE_COUNT] = {false};
  struct pair pair;

  for (size_t i = 0; i < proposer->n_looked; i++)
    proposer->roles[i] = KITH_ROLE_NONE;
  while ((pair = pair_find(proposer, taken)).chance > PROPOSED_LEAST) {
    proposer->roles[pair.column] = pair.role;
    proposer->proposal.columns[pair.column].score = pair.chance;
    taken[pair.role] = true;
  }
  for (size_t i = 0; i < proposer->n_looked; i++) {
    if (proposer->roles[i] != KITH_ROLE_NONE)
      sure_set(proposer, i);
    else
      proposer->proposal.columns[i].score = proposer->chances[i][KITH_ROLE_NONE];
  }
}
