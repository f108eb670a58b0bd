/* How likely a column is each role: prior x what its name says x what its values say, as if these
 * were independent, and made to sum to 1. The figures were set by hand on made-up tables and the
 * layouts of docs/standardisation.md, which also says how often the result is right. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/pipeline/propose_parts.h"

#define LEAST 0.002       /* of what values say, where none of them fits */
#define CATEGORIES_MAX 12 /* so few different values among many are codes, not people's */
#define MANY 60

static const double priors[KITH_ROLE_COUNT] = {
    [KITH_ROLE_GIVEN] = 1,        [KITH_ROLE_MIDDLE] = 0.4,      [KITH_ROLE_SURNAME] = 1,
    [KITH_ROLE_KNOWN_AS] = 0.3,   [KITH_ROLE_FULL_NAME] = 0.8,   [KITH_ROLE_BIRTH] = 1,
    [KITH_ROLE_BIRTH_YEAR] = 0.3, [KITH_ROLE_BIRTH_MONTH] = 0.5, [KITH_ROLE_BIRTH_DAY] = 0.3,
    [KITH_ROLE_SEX] = 1,          [KITH_ROLE_HOUSE] = 0.2,       [KITH_ROLE_STREET] = 1,
    [KITH_ROLE_TOWN] = 0.7,       [KITH_ROLE_ADDRESS] = 0.8,     [KITH_ROLE_POSTCODE] = 1,
    [KITH_ROLE_NHS] = 0.7,        [KITH_ROLE_UPN] = 0.5,         [KITH_ROLE_PNC] = 0.4,
    [KITH_ROLE_CRN] = 0.4,        [KITH_ROLE_RECORD_DATE] = 0.6, [KITH_ROLE_ID] = 0.9,
    [KITH_ROLE_NONE] = 1};

/* ---- what the name says */

/* Names that are used for more than what they say first. */
static void name_also(double out[KITH_ROLE_COUNT], enum kith_role role, double chance)
{
  out[role] = fmax(out[role], chance);
}

static void name_neighbours(double out[KITH_ROLE_COUNT], const struct kith_hint *hint)
{
  switch (hint->role) {
  case KITH_ROLE_FULL_NAME:
    name_also(out, KITH_ROLE_GIVEN, 0.2 * (1.5 - hint->strength));
    name_also(out, KITH_ROLE_SURNAME, 0.3 * (1.5 - hint->strength));
    break;
  case KITH_ROLE_ADDRESS:
    name_also(out, KITH_ROLE_STREET, 0.8);
    break;
  case KITH_ROLE_STREET:
    name_also(out, KITH_ROLE_ADDRESS, 0.5);
    name_also(out, KITH_ROLE_TOWN, hint->number > 1 ? 0.8 : 0.02);
    name_also(out, KITH_ROLE_HOUSE, hint->number == 1 ? 0.5 : 0.1);
    break;
  case KITH_ROLE_HOUSE:
    name_also(out, KITH_ROLE_STREET, 0.4);
    break;
  case KITH_ROLE_CRN:
  case KITH_ROLE_NHS:
  case KITH_ROLE_UPN:
  case KITH_ROLE_PNC:
    name_also(out, KITH_ROLE_ID, hint->role == KITH_ROLE_CRN ? 0.5 : 0.1);
    break;
  default:
    break;
  }
}

static void name_chances(double out[KITH_ROLE_COUNT], const struct kith_hint *hint)
{
  double rest = 1;

  if (hint->others)
    rest = 0.001;
  else if (hint->strength > 0)
    rest = (1 - hint->strength) * 0.5 + (hint->role == KITH_ROLE_NONE ? 0.003 : 0.01);
  else if (!hint->generic)
    rest = 0.5;
  for (unsigned i = 0; i < KITH_ROLE_COUNT; i++)
    out[i] = rest;
  if (hint->others || hint->strength == 0) {
    out[KITH_ROLE_NONE] = 1;
    return;
  }
  out[hint->role] = 1;
  name_neighbours(out, hint);
}

/* ---- what the values say */

/* What many rules ask for. */
struct sums {
  const struct kith_look *look;
  double fill;     /* share of the rows that have a value */
  double variety;  /* share of different values */
  bool unique;     /* each row has a value of its own */
  bool categories; /* few values, each of many rows */
  bool initials;
  double name, given, surname, words, town, comma_name, numbered, road, tail, date, code;
};

static void sums_make(struct sums *out, const struct kith_look *look)
{
  const double name = kith_look_share(look, KITH_KIND_NAME);

  *out = (struct sums){.look = look, .name = name};
  out->fill = look->rows ? (double)look->n / look->rows : 0;
  out->variety = look->tried ? (double)look->distinct / look->tried : 0;
  out->unique = look->n == look->rows && look->n > 0 && look->distinct == look->tried;
  out->categories =
      look->tried >= MANY && (look->distinct <= CATEGORIES_MAX || out->variety < 0.03);
  out->initials = look->lens * 10 <= look->n * 13 && look->distinct > CATEGORIES_MAX;
  out->given = name > 0 ? kith_look_share(look, KITH_KIND_GIVEN) / name : 0;
  out->surname = name > 0 ? kith_look_share(look, KITH_KIND_SURNAME) / name : 0;
  out->words = kith_look_share(look, KITH_KIND_WORDS);
  out->town = kith_look_share(look, KITH_KIND_TOWN);
  out->comma_name = kith_look_share(look, KITH_KIND_COMMA_NAME);
  out->numbered = kith_look_share(look, KITH_KIND_NUMBERED);
  out->road = kith_look_share(look, KITH_KIND_ROAD);
  out->tail =
      kith_look_share(look, KITH_KIND_TAIL_CODE) + kith_look_share(look, KITH_KIND_TAIL_WORDS);
  out->date = kith_look_share(look, KITH_KIND_DATE);
  out->code = kith_look_share(look, KITH_KIND_CODE);
}

/* Names of several words with a given name at one end and hardly any at the other, or with a
 * surname in capitals. */
static double full_name(const struct sums *sums, double base)
{
  const double last =
      sums->name > 0 ? kith_look_share(sums->look, KITH_KIND_GIVEN_LAST) / sums->name : 0;
  const double shout =
      sums->name > 0 ? kith_look_share(sums->look, KITH_KIND_SHOUT_FIRST) / sums->name : 0;
  const double ends = fabs(sums->given - last) / (sums->given + last + 0.05);
  const double surnames = (sums->surname + 0.02) / (sums->surname + last + 0.04);
  const double apart =
      fmax(shout, fmax(surnames * (0.1 + sums->given), ends * fmax(sums->given, last)));

  return pow(sums->comma_name, 2) * (1 - sums->numbered) * (1 - sums->road) +
         base * pow(sums->words, 3) * apart * (sums->variety > 0.3 ? 0.9 : 0.1);
}

static void name_values(double out[KITH_ROLE_COUNT], const struct sums *sums)
{
  double base = pow(sums->name, 3) * (1 - kith_look_share(sums->look, KITH_KIND_TITLE)) *
                (1 - sums->town) * (1 - pow(sums->road, 2)) * (sums->categories ? 0.02 : 1);
  const double known = base * (sums->given + sums->surname < 0.12 ? 0.4 : 1);
  const double odds = (sums->given + 0.03) / (sums->given + sums->surname + 0.06);
  const double q = odds * odds / (odds * odds + (1 - odds) * (1 - odds));
  /* Few people have no given name or surname; hardly any list has two given names for all. */
  const double whole = pow(sums->fill, 3) * (1 - 0.95 * pow(sums->words, 4));

  out[KITH_ROLE_GIVEN] += known * q * whole;
  out[KITH_ROLE_SURNAME] += known * (1 - q) * whole;
  out[KITH_ROLE_MIDDLE] +=
      known * q * (sums->fill < 0.75 ? 0.7 : 0.15) + (sums->initials ? sums->name * 0.5 : 0);
  out[KITH_ROLE_KNOWN_AS] += known * q * (sums->fill < 0.5 ? 0.7 : 0.1);
  out[KITH_ROLE_FULL_NAME] += full_name(sums, base);
}

static void address_values(double out[KITH_ROLE_COUNT], const struct sums *sums)
{
  const double numbered = sums->numbered;
  const double plain = fmax(0, 1 - sums->tail);

  out[KITH_ROLE_STREET] += sums->road * (numbered * plain + 0.6 * (1 - numbered)) + 0.05 * numbered;
  out[KITH_ROLE_ADDRESS] += sums->road * numbered * fmin(1, sums->tail) + 0.03 * numbered;
  out[KITH_ROLE_TOWN] += pow(sums->name, 2) * (sums->variety < 0.6 || sums->town > 0.5) *
                         (0.04 + sums->town) * (1 - 0.9 * sums->given);
  out[KITH_ROLE_HOUSE] += pow(kith_look_share(sums->look, KITH_KIND_HOUSE), 2) * 0.5;
  out[KITH_ROLE_POSTCODE] += pow(kith_look_share(sums->look, KITH_KIND_POSTCODE), 2);
}

/* People are born over many years, and are dealt with in a few. */
static double birthness(const struct kith_look *look)
{
  const int span = kith_look_year(look, 0.9) - kith_look_year(look, 0.1);
  const double by_span = span >= 15 ? 0.92 : span >= 8 ? 0.75 : span >= 4 ? 0.4 : 0.15;

  return kith_look_share(look, KITH_KIND_TIME) > 0.3 ? by_span * 0.05 : by_span;
}

static void date_values(double out[KITH_ROLE_COUNT], const struct sums *sums)
{
  const struct kith_look *look = sums->look;
  const double births = birthness(look);
  double date = pow(sums->date, 3);

  /* Numbers each of which is there once are numbers of rows, not days. */
  if (sums->unique && look->n >= 30 && kith_look_share(look, KITH_KIND_NUMBER) > 0.9)
    date *= 0.05;
  out[KITH_ROLE_BIRTH] += date * births;
  out[KITH_ROLE_RECORD_DATE] += date * (1 - births) * 0.8;
  out[KITH_ROLE_BIRTH_YEAR] += pow(kith_look_share(look, KITH_KIND_YEAR), 3);
  out[KITH_ROLE_BIRTH_MONTH] +=
      pow(kith_look_share(look, KITH_KIND_MONTH), 3) * (look->distinct > 6 ? 1 : 0.05);
  out[KITH_ROLE_BIRTH_DAY] +=
      pow(kith_look_share(look, KITH_KIND_DAY), 3) *
      (look->distinct > 12 && look->kinds[KITH_KIND_MONTH] < look->n ? 1 : 0.05);
}

static void number_values(double out[KITH_ROLE_COUNT], const struct kith_hint *hint,
                          const struct sums *sums)
{
  const struct kith_look *look = sums->look;
  const double nhs = kith_look_share(look, KITH_KIND_NHS);
  const double upn = kith_look_share(look, KITH_KIND_UPN);
  const double pnc = kith_look_share(look, KITH_KIND_PNC);
  const double crn = kith_look_share(look, KITH_KIND_CRN);
  /* Dates that are not numbers of eight digits. */
  const double dates = kith_look_share(look, KITH_KIND_NUMBER) < 0.5 ? sums->date : 0;
  const double typed =
      fmax(fmax(fmax(nhs, upn), fmax(pnc, hint->role == KITH_ROLE_CRN ? crn * 0.5 : 0)),
           fmax(dates, kith_look_share(look, KITH_KIND_POSTCODE)));

  out[KITH_ROLE_NHS] += nhs * nhs;
  out[KITH_ROLE_UPN] += upn * upn;
  out[KITH_ROLE_PNC] += pnc * pnc;
  /* A letter and six digits: many have such numbers. */
  out[KITH_ROLE_CRN] += crn * crn * (hint->role == KITH_ROLE_CRN ? 0.8 : 0.03);
  if (look->distinct <= CATEGORIES_MAX)
    out[KITH_ROLE_SEX] += pow(kith_look_share(look, KITH_KIND_SEX), 3);
  if (sums->unique)
    out[KITH_ROLE_ID] += 0.9 * (1 - typed) * pow(sums->code, 4) + (dates < 0.5 ? 0.01 : 0);
}

static void value_chances(double out[KITH_ROLE_COUNT], const struct kith_hint *hint,
                          const struct kith_look *look)
{
  struct sums sums;

  for (unsigned i = 0; i < KITH_ROLE_COUNT; i++)
    out[i] = look->n == 0 && i != KITH_ROLE_ID ? 1 : LEAST;
  if (look->n == 0)
    return;
  sums_make(&sums, look);
  name_values(out, &sums);
  address_values(out, &sums);
  date_values(out, &sums);
  number_values(out, hint, &sums);
  /* Other countries' codes are known by the name only. */
  if (hint->role == KITH_ROLE_POSTCODE && hint->strength > 0.6)
    out[KITH_ROLE_POSTCODE] += 0.3 * kith_look_share(look, KITH_KIND_NUMBER);
  /* So are small towns, also in a further line of an address. */
  if (hint->role == KITH_ROLE_TOWN || (hint->role == KITH_ROLE_STREET && hint->number > 1))
    out[KITH_ROLE_TOWN] += 0.3 * pow(sums.name, 2) * (1 - sums.road);
  out[KITH_ROLE_NONE] = 0.05 + 0.9 * kith_look_share(look, KITH_KIND_LONG) +
                        0.9 * kith_look_share(look, KITH_KIND_TITLE) +
                        (sums.categories && !sums.initials ? 0.3 : 0) +
                        (sums.given + sums.surname < 0.12 ? 0.1 * sums.name : 0);
}

void kith_role_chances(double out[KITH_ROLE_COUNT], const struct kith_hint *hint,
                       const struct kith_look *look)
{
  double names[KITH_ROLE_COUNT];
  double values[KITH_ROLE_COUNT];
  double sum = 0;

  name_chances(names, hint);
  value_chances(values, hint, look);
  for (unsigned i = 0; i < KITH_ROLE_COUNT; i++)
    sum += out[i] = priors[i] * names[i] * values[i];
  for (unsigned i = 0; i < KITH_ROLE_COUNT; i++)
    out[i] /= sum;
}

/* ---- reasons */

struct claim {
  enum kith_role role;
  enum kith_kind kind;
  const char *text;
};

static const struct claim claims[] = {
    {KITH_ROLE_BIRTH, KITH_KIND_DATE, "are dates"},
    {KITH_ROLE_RECORD_DATE, KITH_KIND_DATE, "are dates"},
    {KITH_ROLE_BIRTH_YEAR, KITH_KIND_YEAR, "are years"},
    {KITH_ROLE_BIRTH_MONTH, KITH_KIND_MONTH, "are from 1 to 12"},
    {KITH_ROLE_BIRTH_DAY, KITH_KIND_DAY, "are from 1 to 31"},
    {KITH_ROLE_SEX, KITH_KIND_SEX, "are words or codes for sexes"},
    {KITH_ROLE_POSTCODE, KITH_KIND_POSTCODE, "are whole UK postcodes"},
    {KITH_ROLE_NHS, KITH_KIND_NHS, "pass the check of an NHS number"},
    {KITH_ROLE_UPN, KITH_KIND_UPN, "pass the check of a UPN"},
    {KITH_ROLE_PNC, KITH_KIND_PNC, "pass the check of a PNC id"},
    {KITH_ROLE_CRN, KITH_KIND_CRN, "have the form of a CRN"},
    {KITH_ROLE_GIVEN, KITH_KIND_GIVEN, "begin with a given name that kith knows"},
    {KITH_ROLE_MIDDLE, KITH_KIND_GIVEN, "begin with a given name that kith knows"},
    {KITH_ROLE_KNOWN_AS, KITH_KIND_GIVEN, "begin with a given name that kith knows"},
    {KITH_ROLE_SURNAME, KITH_KIND_NAME, "have the form of a name"},
    {KITH_ROLE_STREET, KITH_KIND_ROAD, "name a road"},
    {KITH_ROLE_ADDRESS, KITH_KIND_ROAD, "name a road"},
    {KITH_ROLE_TOWN, KITH_KIND_TOWN, "are towns that kith knows"},
    {KITH_ROLE_HOUSE, KITH_KIND_HOUSE, "are house numbers"},
};

static void reason_add(char out[KITH_PROPOSE_REASON_BYTES], const char *format, ...)
    KITH_PRINTF(2, 3);
static void reason_add(char out[KITH_PROPOSE_REASON_BYTES], const char *format, ...)
{
  size_t len = strlen(out);
  va_list arguments;

  if (len > 0 && len + 2 < KITH_PROPOSE_REASON_BYTES) {
    memcpy(out + len, "; ", 3);
    len += 2;
  }
  va_start(arguments, format);
  (void)vsnprintf(out + len, KITH_PROPOSE_REASON_BYTES - len, format, arguments);
  va_end(arguments);
}

static void name_reason(char out[KITH_PROPOSE_REASON_BYTES], enum kith_role role,
                        const struct kith_hint *hint)
{
  if (hint->others)
    reason_add(out, "by its name it is another person's");
  else if (role == KITH_ROLE_NONE && hint->role == role && hint->strength > 0)
    reason_add(out, "by its name no standard field has it");
  else if (hint->strength > 0 && hint->role == role)
    reason_add(out, hint->strength > 0.85 ? "the name matches" : "the name may mean that");
  else if (hint->strength > 0.85 && role != KITH_ROLE_NONE)
    reason_add(out, "its values say so against its name");
  else if (role != KITH_ROLE_NONE)
    reason_add(out, "the name does not tell");
}

static void value_reason(char out[KITH_PROPOSE_REASON_BYTES], enum kith_role role,
                         const struct kith_look *look)
{
  const double comma = kith_look_share(look, KITH_KIND_COMMA_NAME);

  for (size_t i = 0; i < KITH_COUNT_OF(claims); i++)
    if (claims[i].role == role && kith_look_share(look, claims[i].kind) >= 0.2)
      reason_add(out, "%.0f%% of %u values %s", floor(100 * kith_look_share(look, claims[i].kind)),
                 look->n, claims[i].text);
  if (role == KITH_ROLE_ID)
    reason_add(out,
               look->distinct == look->tried && look->n == look->rows
                   ? "each of the %u rows looked at has a value of its own"
                   : "but it is blank or repeated in some of the %u rows looked at",
               look->rows);
  if (role == KITH_ROLE_FULL_NAME)
    reason_add(out, "%.0f%% of %u values are %s",
               floor(100 * (comma > 0.5 ? comma : kith_look_share(look, KITH_KIND_WORDS))), look->n,
               comma > 0.5 ? "names around a comma" : "names of several words");
  if (look->n < look->rows && role != KITH_ROLE_NONE && role != KITH_ROLE_ID)
    reason_add(out, "%u of %u rows have none", look->rows - look->n, look->rows);
}

void kith_role_reason(char out[KITH_PROPOSE_REASON_BYTES], enum kith_role role,
                      const struct kith_hint *hint, const struct kith_look *look)
{
  out[0] = '\0';
  name_reason(out, role, hint);
  if (look->n == 0)
    reason_add(out, "it has no values in the rows looked at");
  else
    value_reason(out, role, look);
  if (role == KITH_ROLE_NONE && out[0] == '\0')
    reason_add(out, "nothing in it is known as a standard field");
}
