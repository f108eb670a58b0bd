/* From roles to what a profile can say: keys, columns that are joined, formats; and in sentences
 * what can't be told. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/pipeline/propose_parts.h"

#define SEVERAL_NAMES                                                                              \
  0.1 /* share of given names of two words that makes the column "given_names" */

static const char *const keys[KITH_ROLE_COUNT] = {
    [KITH_ROLE_GIVEN] = "given_name",
    [KITH_ROLE_MIDDLE] = "middle_names",
    [KITH_ROLE_SURNAME] = "surname",
    [KITH_ROLE_KNOWN_AS] = "known_as",
    [KITH_ROLE_FULL_NAME] = "full_name",
    [KITH_ROLE_BIRTH] = "date_of_birth",
    [KITH_ROLE_BIRTH_YEAR] = "date_of_birth",
    [KITH_ROLE_BIRTH_MONTH] = "date_of_birth",
    [KITH_ROLE_BIRTH_DAY] = "date_of_birth",
    [KITH_ROLE_SEX] = "sex",
    [KITH_ROLE_HOUSE] = "street",
    [KITH_ROLE_STREET] = "street",
    [KITH_ROLE_TOWN] = "town",
    [KITH_ROLE_ADDRESS] = "address",
    [KITH_ROLE_POSTCODE] = "postcode",
    [KITH_ROLE_NHS] = "nhs_number",
    [KITH_ROLE_UPN] = "upn",
    [KITH_ROLE_PNC] = "pnc_id",
    [KITH_ROLE_CRN] = "crn",
    [KITH_ROLE_RECORD_DATE] = "record_date",
    [KITH_ROLE_ID] = "id",
};

static size_t of(const struct kith_proposer *proposer, enum kith_role role)
{
  return kith_proposer_column(proposer, role);
}

static bool has(const struct kith_proposer *proposer, enum kith_role role)
{
  return of(proposer, role) != SIZE_MAX;
}

static double share(const struct kith_proposer *proposer, size_t column, enum kith_kind kind)
{
  return kith_look_share(&proposer->looks[column], kind);
}

/* ---- roles that go together, or not at all */

static void drop(struct kith_proposer *proposer, enum kith_role role)
{
  size_t column = of(proposer, role);

  if (column != SIZE_MAX)
    proposer->roles[column] = KITH_ROLE_NONE;
}

/* A column of its own would be taken instead of the part of the full name: it must say what it is.
 * Where few have one, it may be the name that somebody is known as. */
static void name_parts(struct kith_proposer *proposer)
{
  static const enum kith_role parts[] = {KITH_ROLE_GIVEN, KITH_ROLE_SURNAME};

  const size_t given = of(proposer, KITH_ROLE_GIVEN);

  /* Several names for each person and no surname anywhere: it is one of them. */
  if (given != SIZE_MAX && !has(proposer, KITH_ROLE_SURNAME) &&
      proposer->hints[given].role != KITH_ROLE_GIVEN &&
      share(proposer, given, KITH_KIND_WORDS) > 0.7 && !has(proposer, KITH_ROLE_FULL_NAME))
    proposer->roles[given] = KITH_ROLE_FULL_NAME;
  if (!has(proposer, KITH_ROLE_FULL_NAME))
    return;
  /* Names that have columns of their own are not taken apart again. */
  if (has(proposer, KITH_ROLE_GIVEN) && has(proposer, KITH_ROLE_SURNAME)) {
    drop(proposer, KITH_ROLE_FULL_NAME);
    return;
  }
  for (unsigned i = 0; i < 2; i++) {
    const size_t column = of(proposer, parts[i]);
    const struct kith_look *look = column == SIZE_MAX ? NULL : &proposer->looks[column];

    if (!look || proposer->hints[column].role == parts[i])
      continue;
    proposer->roles[column] = look->n * 2 < look->rows && !has(proposer, KITH_ROLE_KNOWN_AS)
                                  ? KITH_ROLE_KNOWN_AS
                                  : KITH_ROLE_NONE;
  }
}

/* Day, month and year, all three, where there is no date; the year first, which is read so in any
 * order of dates. */
static void birth_parts(struct kith_proposer *proposer)
{
  static const enum kith_role parts[] = {KITH_ROLE_BIRTH_YEAR, KITH_ROLE_BIRTH_MONTH,
                                         KITH_ROLE_BIRTH_DAY};
  bool whole = !has(proposer, KITH_ROLE_BIRTH);

  for (unsigned i = 0; i < 3; i++)
    whole = whole && has(proposer, parts[i]);
  for (unsigned i = 0; i < 3; i++) {
    if (whole)
      proposer->proposal.columns[of(proposer, parts[i])].part = i + 1;
    else
      drop(proposer, parts[i]);
  }
}

static void street_parts(struct kith_proposer *proposer)
{
  const size_t house = of(proposer, KITH_ROLE_HOUSE);
  const size_t street = of(proposer, KITH_ROLE_STREET);
  unsigned part = 0;

  if (house != SIZE_MAX &&
      (street == SIZE_MAX || share(proposer, street, KITH_KIND_NUMBERED) > 0.7))
    drop(proposer, KITH_ROLE_HOUSE);
  if (street == SIZE_MAX)
    return;
  if (has(proposer, KITH_ROLE_HOUSE)) {
    proposer->proposal.columns[house].part = ++part;
    proposer->proposal.columns[street].part = ++part;
  }
  /* Further lines of an address that name roads. */
  for (size_t i = 0; i < proposer->n_looked && part < 4; i++) {
    const struct kith_hint *hint = &proposer->hints[i];

    if (proposer->roles[i] != KITH_ROLE_NONE || hint->role != KITH_ROLE_STREET ||
        hint->number < 2 || share(proposer, i, KITH_KIND_ROAD) < 0.3)
      continue;
    if (part == 0)
      proposer->proposal.columns[street].part = ++part;
    proposer->proposal.columns[i].part = ++part;
    proposer->roles[i] = KITH_ROLE_STREET;
  }
}

/* ---- what names the rows */

static bool is_unique(const struct kith_look *look)
{
  return look->n > 0 && look->n == look->rows && look->distinct == look->tried;
}

static void id_choose(struct kith_proposer *proposer)
{
  static const enum kith_role numbers[] = {KITH_ROLE_CRN, KITH_ROLE_PNC, KITH_ROLE_UPN,
                                           KITH_ROLE_NHS};
  struct kith_proposal *proposal = &proposer->proposal;
  char called[KITH_COLUMN_CALLED_BYTES];

  if (has(proposer, KITH_ROLE_ID)) {
    proposal->columns[of(proposer, KITH_ROLE_ID)].is_id = true;
    return;
  }
  for (size_t i = 0; i < KITH_COUNT_OF(numbers); i++) {
    size_t column = of(proposer, numbers[i]);

    if (column == SIZE_MAX || !is_unique(&proposer->looks[column]))
      continue;
    proposal->columns[column].is_id = true;
    kith_proposal_called(called, proposal, column);
    kith_proposal_note(proposal,
                       "no column is there to name the rows; %s has a value of its own in "
                       "each row, and is taken for that, too",
                       called);
    return;
  }
  proposal->row_id = true;
  kith_proposal_note(proposal, "no column has a value of its own in each row: the numbers of rows "
                               "name them. Keep this very file, since answers will name its rows; "
                               "better, number the people in a column of their own");
}

/* ---- columns */

static bool several_names(const struct kith_proposer *proposer, size_t column)
{
  return !has(proposer, KITH_ROLE_MIDDLE) &&
         (proposer->hints[column].plural ||
          share(proposer, column, KITH_KIND_WORDS) > SEVERAL_NAMES);
}

static void column_fill(struct kith_proposer *proposer, size_t column)
{
  const enum kith_role role = proposer->roles[column];
  struct kith_proposal_column *out = &proposer->proposal.columns[column];

  out->key = keys[role];
  if (role == KITH_ROLE_GIVEN && several_names(proposer, column))
    out->key = "given_names";
  kith_role_reason(out->reason, role, &proposer->hints[column], &proposer->looks[column]);
}

/* A column that would have been the same, if another were not. */
static void left_over(struct kith_proposer *proposer, bool *second_birth, size_t column)
{
  struct kith_proposal_column *out = &proposer->proposal.columns[column];
  char mine[KITH_COLUMN_CALLED_BYTES];
  char other[KITH_COLUMN_CALLED_BYTES];

  for (unsigned role = 0; role < KITH_ROLE_NONE; role++) {
    size_t winner = of(proposer, (enum kith_role)role);

    if (winner == SIZE_MAX || !kith_proposer_rivals(proposer, winner, column, (enum kith_role)role))
      continue;
    kith_proposal_called(mine, &proposer->proposal, column);
    kith_proposal_called(other, &proposer->proposal, winner);
    /* A second date of birth can be held against the first. */
    if (role == KITH_ROLE_BIRTH && !*second_birth && proposer->chances[column][role] > 0.6 &&
        proposer->hints[column].role == KITH_ROLE_BIRTH) {
      *second_birth = true;
      out->key = "other_date_of_birth";
      out->sure = KITH_LIKELY;
      out->score = proposer->chances[column][role];
    }
    kith_proposal_note(&proposer->proposal, "%s and %s may both be the %s; %s is taken", other,
                       mine, keys[role], other);
  }
}

static void columns_fill(struct kith_proposer *proposer)
{
  bool second_birth = false;

  for (size_t i = 0; i < proposer->n_looked; i++)
    column_fill(proposer, i);
  for (size_t i = 0; i < proposer->n_looked; i++)
    if (proposer->roles[i] == KITH_ROLE_NONE)
      left_over(proposer, &second_birth, i);
}

/* ---- formats */

static void name_format(struct kith_proposer *proposer)
{
  const size_t column = of(proposer, KITH_ROLE_FULL_NAME);
  char called[KITH_COLUMN_CALLED_BYTES];
  double first;
  double last;

  if (column == SIZE_MAX)
    return;
  if (share(proposer, column, KITH_KIND_COMMA_NAME) > 0.5 ||
      share(proposer, column, KITH_KIND_SHOUT_FIRST) > 0.5) {
    proposer->proposal.name_format = "surname, forenames";
    return;
  }
  first = share(proposer, column, KITH_KIND_GIVEN);
  last = share(proposer, column, KITH_KIND_GIVEN_LAST);
  proposer->proposal.name_format = last > first ? "surname, forenames" : "forenames surname";
  if (fabs(first - last) > 0.15)
    return;
  kith_proposal_called(called, &proposer->proposal, column);
  kith_proposal_note(&proposer->proposal,
                     "whether the surname stands first or last in %s can't be "
                     "told: \"%s\" is taken",
                     called, proposer->proposal.name_format);
}

static void address_format(struct kith_proposer *proposer)
{
  const size_t column = of(proposer, KITH_ROLE_ADDRESS);

  if (column == SIZE_MAX)
    return;
  if (share(proposer, column, KITH_KIND_TAIL_CODE) > 0.4)
    proposer->proposal.address_format = "street, town, postcode";
  else if (share(proposer, column, KITH_KIND_TAIL_WORDS) > 0.4)
    proposer->proposal.address_format = "street, town";
  else
    proposer->proposal.address_format = "street";
}

struct orders {
  uint64_t day_first, month_first, year_first, either;
};

static void orders_add(struct orders *orders, const struct kith_look *look)
{
  orders->day_first += look->kinds[KITH_KIND_DAY_FIRST];
  orders->month_first += look->kinds[KITH_KIND_MONTH_FIRST];
  orders->year_first += look->kinds[KITH_KIND_YEAR_FIRST];
  orders->either += look->kinds[KITH_KIND_EITHER];
}

static void date_order(struct kith_proposer *proposer)
{
  struct kith_proposal *proposal = &proposer->proposal;
  struct orders orders = {0};

  for (size_t i = 0; i < proposer->n_looked; i++) {
    const char *key = proposal->columns[i].key;

    if (key && proposal->columns[i].part == 0 && strstr(key, "date"))
      orders_add(&orders, &proposer->looks[i]);
  }
  if (orders.day_first + orders.month_first + orders.year_first + orders.either == 0)
    return;
  proposal->date_order = "dmy";
  if (orders.year_first > orders.day_first + orders.month_first)
    proposal->date_order = "ymd";
  else if (orders.month_first > orders.day_first)
    proposal->date_order = "mdy";
  if (orders.day_first + orders.month_first + orders.year_first == 0)
    kith_proposal_note(proposal,
                       "the order of day and month can't be told: none of %llu dates that look "
                       "both ways is beside one that tells; day first is taken",
                       (unsigned long long)orders.either);
  else if (orders.day_first > 0 && orders.month_first > 0)
    kith_proposal_note(proposal,
                       "dates are written in two orders: %llu must have the day first and %llu the "
                       "month; \"%s\" is taken for those that could be either",
                       (unsigned long long)orders.day_first, (unsigned long long)orders.month_first,
                       proposal->date_order);
}

/* ---- what is not there */

static void missing(struct kith_proposer *proposer)
{
  struct kith_proposal *proposal = &proposer->proposal;
  const bool full = has(proposer, KITH_ROLE_FULL_NAME);
  const char *address = proposal->address_format;
  const struct {
    enum kith_role role;
    bool there;
  } wanted[] = {
      {KITH_ROLE_GIVEN, full},
      {KITH_ROLE_SURNAME, full},
      {KITH_ROLE_BIRTH, has(proposer, KITH_ROLE_BIRTH_YEAR)},
      {KITH_ROLE_SEX, false},
      {KITH_ROLE_STREET, address != NULL},
      {KITH_ROLE_TOWN, address && strchr(address, ',')},
      {KITH_ROLE_POSTCODE, address && strstr(address, "postcode")},
  };

  for (size_t i = 0; i < KITH_COUNT_OF(wanted); i++)
    if (!wanted[i].there && !has(proposer, wanted[i].role))
      proposal->missing[proposal->n_missing++] = keys[wanted[i].role];
}

void kith_proposer_keys(struct kith_proposer *proposer)
{
  name_parts(proposer);
  birth_parts(proposer);
  street_parts(proposer);
  columns_fill(proposer);
  id_choose(proposer);
  name_format(proposer);
  address_format(proposer);
  date_order(proposer);
  missing(proposer);
}
