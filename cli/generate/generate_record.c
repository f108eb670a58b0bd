/* What happens to a person's particulars on the way into an agency's table. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <utf8proc.h>

#include "base/mem.h"
#include "cli/generate/generate.h"

enum { YEAR_DAYS = 365 };

/* True `rate` times in ten thousand at an ordinary agency, oftener at a careless one. */
static bool slip(struct kith_gen_rng *rng, const struct kith_gen_care *care, uint32_t rate)
{
  return kith_gen_chance(rng, rate * care->slips / 100);
}

/* ---- letters */

/* One slip of the finger, among plain letters only so that the text stays UTF-8. */
static void typo(struct kith_gen_rng *rng, char *text, size_t cap)
{
  static const char near_keys[] = "snvfrghjokpmmliktsayetzdux";
  size_t len = strlen(text);
  size_t at;

  if (len < 3 || len + 2 > cap)
    return;
  at = 1 + kith_gen_below(rng, (uint32_t)len - 2);
  if (!islower((unsigned char)text[at]) || !islower((unsigned char)text[at + 1]))
    return;
  switch (kith_gen_below(rng, 4)) {
  case 0: /* a neighbour's key */
    text[at] = near_keys[text[at] - 'a'];
    break;
  case 1: /* left out */
    memmove(text + at, text + at + 1, len - at);
    break;
  case 2: /* twice */
    memmove(text + at + 1, text + at, len - at + 1);
    break;
  default: { /* two the wrong way round */
    char held = text[at];
    text[at] = text[at + 1];
    text[at + 1] = held;
  }
  }
}

/* Writes the text without accents, in capitals, or both. */
static void rewrite(char *text, size_t cap, bool plain, bool upper)
{
  char out[4 * KITH_GEN_NAME_BYTES];
  size_t len = 0;
  const uint8_t *at = (const uint8_t *)text;

  while (*at && len + 5 < sizeof out) {
    int32_t point;
    utf8proc_ssize_t step = utf8proc_iterate(at, -1, &point);

    if (step <= 0)
      break;
    at += step;
    if (plain && point >= 0x80) {
      int32_t parts[8];
      int boundary = 0;

      if (utf8proc_decompose_char(point, parts, 8, UTF8PROC_DECOMPOSE, &boundary) > 1)
        point = parts[0];
      point = point == 0x142 ? 'l' : point == 0x141 ? 'L' : point;
    }
    if (upper)
      point = utf8proc_toupper(point);
    len += (size_t)utf8proc_encode_char(point, (uint8_t *)out + len);
  }
  out[len] = '\0';
  if (len < cap)
    memcpy(text, out, len + 1);
}

/* Names of several parts: one of them, all in one, or the other way of joining them. */
static void break_parts(struct kith_gen_rng *rng, char *text)
{
  char *gap = strpbrk(text, " -");

  if (!gap)
    return;
  switch (kith_gen_below(rng, 4)) {
  case 0:
    *gap = *gap == ' ' ? '-' : ' ';
    break;
  case 1:
    if ((uint8_t)gap[1] < 0x80)
      gap[1] = (char)tolower((unsigned char)gap[1]);
    memmove(gap, gap + 1, strlen(gap));
    break;
  case 2:
    *gap = '\0';
    break;
  default:
    memmove(text, gap + 1, strlen(gap));
  }
}

/* ---- names */

#define COPY(to, from) ((void)snprintf((to), sizeof(to), "%s", (from)))

static void make_names(struct kith_gen_record *out, struct kith_gen_rng *rng,
                       const struct kith_gen_person *person, const struct kith_gen_care *care)
{
  const char *other = kith_gen_nickname(rng, person->given);
  bool far = kith_gen_traditions[person->tradition].custom >= KITH_GEN_MUSLIM;

  COPY(out->given, person->given);
  COPY(out->middle, person->middle);
  COPY(out->surname, person->surname);
  if (other && slip(rng, care, 1200)) {
    if (kith_gen_chance(rng, 3000))
      COPY(out->known_as, other);
    else
      COPY(out->given, other);
  } else if (slip(rng, care, 1800)) {
    other = kith_gen_spelling(rng, person->given);
    if (other)
      COPY(out->given, other);
  }
  other = kith_gen_spelling(rng, person->surname);
  if (other && slip(rng, care, 1500))
    COPY(out->surname, other);
  if (out->middle[0] && slip(rng, care, 4000))
    out->middle[kith_gen_chance(rng, 6000) || (uint8_t)out->middle[0] >= 0x80 ? 0 : 1] = '\0';
  if (slip(rng, care, 2500))
    break_parts(rng, out->given);
  if (slip(rng, care, 2500))
    break_parts(rng, out->surname);
  if (slip(rng, care, 450))
    typo(rng, out->given, sizeof out->given);
  if (slip(rng, care, 500))
    typo(rng, out->surname, sizeof out->surname);
  if (slip(rng, care, far ? 250 : 40)) {
    char held[sizeof out->given];
    COPY(held, out->given);
    COPY(out->given, out->surname);
    COPY(out->surname, held);
  }
}

/* What people write where they have nothing, or beside what they have. */
static void make_remarks(struct kith_gen_record *out, struct kith_gen_rng *rng,
                         const struct kith_gen_care *care)
{
  static const char *const nothing[] = {"Unknown", "N/K", "UNK", "Not Known", "XX", ""};
  static const char *const beside[] = {" (DUP)", " - DO NOT USE", " (DECEASED)"};

  if (slip(rng, care, 50))
    COPY(out->given, nothing[kith_gen_below(rng, KITH_COUNT_OF(nothing))]);
  if (slip(rng, care, 30)) {
    const char *remark = beside[kith_gen_below(rng, KITH_COUNT_OF(beside))];
    size_t len = strlen(out->surname);
    (void)snprintf(out->surname + len, sizeof out->surname - len, "%s", remark);
  }
}

/* ---- dates, sexes, addresses */

static void make_birth(struct kith_gen_record *out, struct kith_gen_rng *rng,
                       const struct kith_gen_person *person, const struct kith_gen_care *care)
{
  struct kith_date date = kith_gen_date(person->born);
  struct kith_date wrong = date;

  if (kith_gen_chance(rng, care->no_birth))
    return;
  if (slip(rng, care, 170)) {
    wrong = (struct kith_date){date.year, 1, 1};
  } else if (slip(rng, care, 130)) {
    wrong = (struct kith_date){date.year, date.day, date.month};
  } else if (slip(rng, care, 250)) {
    switch (kith_gen_below(rng, 4)) {
    case 0:
      wrong.year += kith_gen_chance(rng, 5000) ? 1 : -1;
      break;
    case 1:
      wrong.year += kith_gen_chance(rng, 5000) ? 10 : -10;
      break;
    case 2:
      wrong.month = 1 + (int)kith_gen_below(rng, 12);
      break;
    default:
      wrong.day = date.day / 10 * 10 + (int)kith_gen_below(rng, 10);
    }
  }
  if (kith_date_valid(wrong))
    date = wrong;
  (void)snprintf(out->birth, sizeof out->birth, "%04u-%02u-%02u", (unsigned)date.year % 10000,
                 (unsigned)date.month % 100, (unsigned)date.day % 100);
}

static void make_sex(struct kith_gen_record *out, struct kith_gen_rng *rng,
                     const struct kith_gen_person *person, const struct kith_gen_care *care)
{
  bool female = person->female;

  if (slip(rng, care, 200))
    return;
  if (slip(rng, care, 40))
    female = !female;
  COPY(out->sex, female ? "F" : "M");
}

static void shorten_street(char street[96])
{
  static const char *const pairs[][2] = {
      {" Road", " Rd"},  {" Street", " St"}, {" Avenue", " Ave"},  {" Close", " Cl"},
      {" Drive", " Dr"}, {" Lane", " Ln"},   {" Gardens", " Gdns"}};

  for (size_t i = 0; i < KITH_COUNT_OF(pairs); i++) {
    char *at = strstr(street, pairs[i][0]);
    if (at && at[strlen(pairs[i][0])] == '\0')
      (void)snprintf(at, (size_t)(street + 96 - at), "%s", pairs[i][1]);
  }
}

static void make_postcode(struct kith_gen_record *out, struct kith_gen_rng *rng,
                          const struct kith_gen_home *home, const struct kith_gen_care *care)
{
  if (kith_gen_chance(rng, care->no_postcode))
    return;
  COPY(out->postcode, home->postcode);
  if (slip(rng, care, 200))
    out->postcode[strlen(out->postcode) - 1] = (char)('A' + kith_gen_below(rng, 8));
  else if (slip(rng, care, 150))
    out->postcode[strcspn(out->postcode, " ")] = '\0';
  else if (slip(rng, care, 1000))
    memmove(out->postcode + 3, out->postcode + 4, strlen(out->postcode + 4) + 1);
}

static void make_address(struct kith_gen_record *out, struct kith_gen_rng *rng,
                         const struct kith_gen_city *city, const struct kith_gen_person *person,
                         const struct kith_gen_care *care)
{
  static const char *const towns[] = {"Kithford", "Northwick", "Eastmere", "Wexbridge"};
  int32_t seen = city->today - (int32_t)kith_gen_rank(rng, 9 * YEAR_DAYS);
  const struct kith_gen_home *home =
      &city->homes[seen < person->moved ? person->before : person->home];

  if (kith_gen_age(person, city->today) >= 16 && person->risk > 100 && slip(rng, care, 500)) {
    COPY(out->street, kith_gen_chance(rng, 5000) ? "No Fixed Abode" : "NFA");
    return;
  }
  if (home->flat)
    (void)snprintf(out->street, sizeof out->street, "Flat %u, %u %s", home->flat, home->number,
                   kith_gen_streets.words[home->street]);
  else
    (void)snprintf(out->street, sizeof out->street, "%u %s", home->number,
                   kith_gen_streets.words[home->street]);
  COPY(out->town, towns[home->town]);
  if (slip(rng, care, 3000))
    shorten_street(out->street);
  if (slip(rng, care, 300))
    typo(rng, out->street, sizeof out->street);
  if (slip(rng, care, 500))
    out->street[0] = '\0';
  make_postcode(out, rng, home, care);
}

void kith_gen_record_make(struct kith_gen_record *out, struct kith_gen_rng *rng,
                          const struct kith_gen_city *city, const struct kith_gen_person *person,
                          const struct kith_gen_care *care)
{
  bool plain = kith_gen_chance(rng, care->plain_letters);

  *out = (struct kith_gen_record){0};
  make_names(out, rng, person, care);
  make_remarks(out, rng, care);
  make_birth(out, rng, person, care);
  make_sex(out, rng, person, care);
  make_address(out, rng, city, person, care);
  rewrite(out->given, sizeof out->given, plain, care->upper_all);
  rewrite(out->middle, sizeof out->middle, plain, care->upper_all);
  rewrite(out->known_as, sizeof out->known_as, plain, care->upper_all);
  rewrite(out->surname, sizeof out->surname, plain, care->upper_all || care->upper_surname);
}
