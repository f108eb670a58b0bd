/* What the proposer counts of the values of one column. A value is folded and read as each of the
 * standard fields; what stays of it is a few counts and a hash. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/secret.h"
#include "daemon/pipeline/parts.h"
#include "daemon/pipeline/propose_parts.h"

enum { WORDS_MAX = 9, WORD_BYTES = 32, HOUSE_MAX = 10 };

#define BIT(kind) (UINT64_C(1) << (kind))

/* The words of a text, by what ends them. */
struct words {
  unsigned n; /* WORDS_MAX: that many or more */
  char words[WORDS_MAX][WORD_BYTES];
  bool only_letters; /* and what stands in names: - ' . */
};

static bool in_name(char c)
{
  return (kith_is_word_byte(c) && !kith_is_digit(c)) || c == '-' || c == '\'' || c == '.';
}

static void words_read(struct words *out, const char *text, size_t n)
{
  size_t at = 0;

  out->n = 0;
  out->only_letters = n > 0;
  while (at < n && out->n < WORDS_MAX) {
    size_t len = 0;

    while (at < n && text[at] == ' ')
      at++;
    for (; at < n && text[at] != ' '; at++) {
      out->only_letters = out->only_letters && in_name(text[at]);
      if (text[at] != '.' && text[at] != '\'' && len + 1 < WORD_BYTES)
        out->words[out->n][len++] = text[at];
    }
    out->words[out->n][len] = '\0';
    out->n += len > 0;
  }
}

/* ---- readers */

static bool reads(enum kith_outcome outcome)
{
  return outcome >= KITH_VALUE_PARTIAL;
}

static uint64_t number_kinds(const char *text)
{
  struct kith_values values = {0};
  uint64_t kinds = 0;

  if (kith_read_nhs_number(&values, text) >= KITH_VALUE_REPAIRED)
    kinds |= BIT(KITH_KIND_NHS);
  if (reads(kith_read_upn(&values, text)))
    kinds |= BIT(KITH_KIND_UPN);
  if (kith_read_pnc_id(&values, text) == KITH_VALUE_FINE)
    kinds |= BIT(KITH_KIND_PNC);
  if (kith_read_crn(&values, text) == KITH_VALUE_FINE)
    kinds |= BIT(KITH_KIND_CRN);
  if (kith_read_sex(&values, text) >= KITH_VALUE_FINE ||
      (text[0] != '\0' && kith_word_find(KITH_WORDS_SEXES, text)))
    kinds |= BIT(KITH_KIND_SEX);
  kith_wipe(&values, sizeof values);
  return kinds;
}

static bool is_postcode(const char *text)
{
  struct kith_values values = {0};
  bool is = kith_read_postcode(&values, text) == KITH_VALUE_FINE && isalpha((uint8_t)text[0]);

  kith_wipe(&values, sizeof values);
  return is;
}

/* Digits that stand alone; -1: not a number of up to eight digits. */
static long number_of(const char *text, size_t *digits)
{
  long number = 0;

  *digits = strspn(text, "0123456789");
  if (*digits == 0 || *digits > 8 || text[*digits] != '\0')
    return -1;
  for (size_t i = 0; i < *digits; i++)
    number = number * 10 + (text[i] - '0');
  return number;
}

/* The numbers of 20/04/1985; how many there are, up to three. */
static unsigned date_numbers(unsigned numbers[3], size_t digits[3], const char *text)
{
  unsigned n = 0;

  while (n < 3) {
    text += strspn(text, "/-. ");
    digits[n] = strspn(text, "0123456789");
    if (digits[n] == 0 || digits[n] > 4)
      return n;
    numbers[n] = 0;
    for (size_t i = 0; i < digits[n]; i++)
      numbers[n] = numbers[n] * 10 + (unsigned)(text[i] - '0');
    text += digits[n++];
  }
  return n;
}

static uint64_t order_kinds(const char *text)
{
  unsigned numbers[3];
  size_t digits[3];

  if (date_numbers(numbers, digits, text) < 3 || digits[0] > 2 || digits[1] > 2)
    return 0;
  if (digits[2] == 2 && numbers[0] > 31 && numbers[1] <= 12)
    return BIT(KITH_KIND_YEAR_FIRST);
  if (numbers[0] > 12)
    return numbers[1] <= 12 ? BIT(KITH_KIND_DAY_FIRST) : 0;
  if (numbers[1] > 12)
    return BIT(KITH_KIND_MONTH_FIRST);
  return numbers[0] != numbers[1] ? BIT(KITH_KIND_EITHER) : 0;
}

static bool has_time(const char *text)
{
  const char *colon = strchr(text, ':');

  return colon && strpbrk(colon, "123456789") && strcspn(colon, "0123456789") == 1;
}

static uint64_t date_kinds(int *year, const char *text)
{
  static const struct kith_standardise_options options = {KITH_YEAR_MIN, KITH_YEAR_MAX + 10,
                                                          KITH_DATE_DMY};
  struct kith_date date = {0};
  size_t digits;
  long number = number_of(text, &digits);
  uint64_t kinds = 0;

  /* A number of six digits is seldom a date, and one of four a year. */
  if (number >= 0 && digits != 8 && (digits != 5 || number < 3654 || number > 50000))
    return 0;
  if (number < 0 && strcspn(text, "0123456789") == strlen(text))
    return 0;
  if (kith_read_date(&date, text, &options) < KITH_VALUE_IMPLAUSIBLE || date.year == 0)
    return 0;
  *year = date.year;
  kinds = BIT(KITH_KIND_DATE) | order_kinds(text);
  if (digits == 5 && number >= 0)
    kinds |= BIT(KITH_KIND_SERIAL);
  return kinds | (has_time(text) ? BIT(KITH_KIND_TIME) : 0);
}

/* ---- names */

static uint64_t name_kinds(const struct words *words)
{
  uint64_t kinds = 0;
  const char *last;

  if (!words->only_letters || words->n == 0 || words->n > 4 || strlen(words->words[0]) == 0)
    return 0;
  last = words->words[words->n - 1];
  kinds |= BIT(KITH_KIND_NAME);
  if (words->n > 1)
    kinds |= BIT(KITH_KIND_WORDS);
  if (kith_word_is_given_name(words->words[0]))
    kinds |= BIT(KITH_KIND_GIVEN);
  if (kith_word_is_surname(last))
    kinds |= BIT(KITH_KIND_SURNAME);
  if (words->n > 1 && kith_word_is_given_name(last))
    kinds |= BIT(KITH_KIND_GIVEN_LAST);
  if (words->n == 1 && kith_word_find(KITH_WORDS_TITLES, last))
    kinds |= BIT(KITH_KIND_TITLE);
  return kinds;
}

/* "smith, john" and "12 high street, coventry, cv1 2ab". */
static uint64_t comma_kinds(const char *text)
{
  const char *comma = strchr(text, ',');
  const char *last = comma ? strrchr(text, ',') + 1 : NULL;
  char tail[WORD_BYTES];
  struct words words;
  uint64_t kinds = 0;
  bool left;

  if (!comma)
    return 0;
  kinds = BIT(KITH_KIND_COMMA);
  words_read(&words, text, (size_t)(comma - text));
  left = words.only_letters && words.n <= 3;
  words_read(&words, last, strlen(last));
  if (words.n == 0)
    return kinds;
  if (words.only_letters)
    kinds |= BIT(KITH_KIND_TAIL_WORDS);
  if (left && last == comma + 1 && words.only_letters && words.n <= 4)
    kinds |= BIT(KITH_KIND_COMMA_NAME);
  if (strlen(last) < sizeof tail) {
    memcpy(tail, last, strlen(last) + 1);
    if (kith_text_trim(tail) > 0 && is_postcode(tail))
      kinds |= BIT(KITH_KIND_TAIL_CODE);
  }
  return kinds;
}

/* A road by its last word, or by the last before a comma. */
static bool is_road(const char *text)
{
  size_t n = strcspn(text, ",");
  struct words words;

  for (;; n += 1 + strcspn(text + n + 1, ",")) {
    words_read(&words, text, n);
    if (words.n > 1 && words.n < WORDS_MAX && kith_word_is_road(words.words[words.n - 1]))
      return true;
    if (text[n] == '\0')
      return false;
  }
}

static bool is_house(const char *text)
{
  const size_t len = strlen(text);
  const size_t digits = strspn(text, "0123456789");

  return (digits >= 1 && digits <= 3 &&
          (len == digits || (len == digits + 1 && kith_is_letter(text[digits])))) ||
         (strncmp(text, "flat ", 5) == 0 && len <= HOUSE_MAX);
}

static uint64_t text_kinds(const char *text)
{
  const size_t len = strlen(text);
  const bool digit = strpbrk(text, "0123456789") != NULL;
  struct words words;
  uint64_t kinds;

  words_read(&words, text, len);
  kinds = name_kinds(&words) | comma_kinds(text);
  if (words.n == WORDS_MAX || strchr(text, '@'))
    kinds |= BIT(KITH_KIND_LONG);
  if (digit && words.n > 1 && strpbrk(text, "abcdefghijklmnopqrstuvwxyz"))
    kinds |= BIT(KITH_KIND_NUMBERED);
  if (digit && !strchr(text, ' ') && !strchr(text, '@') && !strchr(text, ':'))
    kinds |= BIT(KITH_KIND_CODE);
  if (is_road(text))
    kinds |= BIT(KITH_KIND_ROAD);
  if (is_house(text))
    kinds |= BIT(KITH_KIND_HOUSE);
  if (kith_word_is_town(text))
    kinds |= BIT(KITH_KIND_TOWN);
  kith_wipe(&words, sizeof words);
  return kinds;
}

static uint64_t whole_kinds(const char *text)
{
  size_t digits;
  long number = number_of(text, &digits);
  uint64_t kinds = text[strspn(text, "0123456789")] == '\0' ? BIT(KITH_KIND_NUMBER) : 0;

  if (digits == 4 && number >= KITH_YEAR_MIN && number <= KITH_YEAR_MAX + 10)
    kinds |= BIT(KITH_KIND_YEAR);
  if (number >= 1 && number <= 12)
    kinds |= BIT(KITH_KIND_MONTH);
  if (number >= 1 && number <= 31)
    kinds |= BIT(KITH_KIND_DAY);
  return kinds;
}

static uint64_t folded_kinds(char *text, int *year)
{
  *year = 0;
  if (kith_text_trim(text) == 0 || kith_word_find(KITH_WORDS_PLACEHOLDERS, text))
    return 0;
  return number_kinds(text) | (is_postcode(text) ? BIT(KITH_KIND_POSTCODE) : 0) |
         date_kinds(year, text) | text_kinds(text) | whole_kinds(text);
}

uint64_t kith_look_kinds(const char *text)
{
  char folded[KITH_FOLDED_BYTES];
  bool mended;
  int year;
  uint64_t kinds = 0;

  if (kith_fold(folded, &mended, text) > 0)
    kinds = folded_kinds(folded, &year);
  kith_wipe(folded, sizeof folded);
  return kinds;
}

/* ---- counting */

/* FNV-1a, mixed at the end; never 0. */
static uint64_t hash_of(const char *text)
{
  uint64_t hash = 14695981039346656037u;

  for (; *text != '\0'; text++)
    hash = (hash ^ (uint8_t)*text) * 1099511628211u;
  hash ^= hash >> 29;
  hash *= 0xbf58476d1ce4e5b9u;
  hash ^= hash >> 32;
  return hash ? hash : 1;
}

/* Where the hash is or belongs. Half of the slots stay free. */
static uint64_t *slot_of(struct kith_look *look, uint64_t hash)
{
  size_t at = hash % KITH_LOOK_SLOTS;

  while (look->hashes[at] && look->hashes[at] != hash)
    at = (at + 1) % KITH_LOOK_SLOTS;
  return &look->hashes[at];
}

static void distinct_add(struct kith_look *look, const char *folded)
{
  uint64_t hash = hash_of(folded);
  uint64_t *slot = slot_of(look, hash);

  if (look->tried == KITH_LOOK_SLOTS / 2)
    return;
  look->tried++;
  look->distinct += *slot == 0;
  *slot = hash;
}

static void case_add(struct kith_look *look, const char *cell, uint64_t kinds)
{
  bool lower = false;
  bool upper = false;
  bool first_upper = true;
  size_t first = strcspn(cell, " ");

  for (size_t i = 0; cell[i] != '\0'; i++) {
    lower = lower || islower((uint8_t)cell[i]);
    upper = upper || isupper((uint8_t)cell[i]);
    first_upper = first_upper && !(i < first && islower((uint8_t)cell[i]));
  }
  look->letters += lower || upper;
  look->capitals += upper && !lower;
  if ((kinds & BIT(KITH_KIND_WORDS)) && lower && first_upper && first > 1)
    look->kinds[KITH_KIND_SHOUT_FIRST]++;
}

void kith_look_add(struct kith_look *look, const char *cell)
{
  char folded[KITH_FOLDED_BYTES];
  bool mended;
  int year;
  uint64_t kinds;

  look->rows++;
  if (cell[strspn(cell, " \t")] == '\0' || kith_fold(folded, &mended, cell) == 0)
    return;
  kinds = folded_kinds(folded, &year);
  if (kinds != 0 || (folded[0] != '\0' && !kith_word_find(KITH_WORDS_PLACEHOLDERS, folded))) {
    look->n++;
    look->lens += (uint32_t)strlen(folded);
    distinct_add(look, folded);
    case_add(look, cell, kinds);
  }
  for (unsigned i = 0; i < KITH_KIND_COUNT; i++)
    look->kinds[i] += (kinds >> i & 1) != 0;
  if (year >= KITH_LOOK_YEAR_FIRST && year < KITH_LOOK_YEAR_FIRST + KITH_LOOK_YEARS)
    look->years[year - KITH_LOOK_YEAR_FIRST]++;
  kith_wipe(folded, sizeof folded);
}

bool kith_look_has(struct kith_look *look, const char *cell)
{
  char folded[KITH_FOLDED_BYTES];
  bool mended;
  bool has = kith_fold(folded, &mended, cell) > 0 && kith_text_trim(folded) > 0 &&
             *slot_of(look, hash_of(folded)) != 0;

  kith_wipe(folded, sizeof folded);
  return has;
}

double kith_look_share(const struct kith_look *look, enum kith_kind kind)
{
  return look->n ? (double)look->kinds[kind] / look->n : 0;
}

int kith_look_year(const struct kith_look *look, double share)
{
  uint64_t all = 0;
  uint64_t below = 0;

  for (unsigned i = 0; i < KITH_LOOK_YEARS; i++)
    all += look->years[i];
  for (unsigned i = 0; i < KITH_LOOK_YEARS; i++) {
    below += look->years[i];
    if (all > 0 && (double)below >= share * (double)all)
      return KITH_LOOK_YEAR_FIRST + (int)i;
  }
  return 0;
}
