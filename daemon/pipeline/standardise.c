#include "daemon/pipeline/standardise.h"

#include <string.h>

#include "daemon/pipeline/parts.h"

enum { WORDS_MAX = 24 };

const char *kith_outcome_name(enum kith_outcome outcome)
{
  static const char *const names[KITH_OUTCOME_COUNT] = {"missing", "placeholder", "unusable",
                                                        "partial", "repaired",    "fine"};
  return names[outcome];
}

void kith_values_add(struct kith_values *values, const char *text, size_t len)
{
  size_t kept = 0;
  char *to = values->text[values->n < KITH_VALUES_MAX ? values->n : 0];

  while (kept < len && kept + kith_fold_step(text + kept) < KITH_VALUE_BYTES)
    kept += kith_fold_step(text + kept);
  if (kept == 0 || values->n == KITH_VALUES_MAX)
    return;
  memcpy(to, text, kept);
  to[kept] = '\0';
  for (unsigned i = 0; i < values->n; i++) {
    if (strcmp(values->text[i], to) == 0)
      return;
  }
  values->n++;
}

static bool is_word_byte(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

size_t kith_text_trim(char *text)
{
  size_t len = 0;
  size_t from = 0;

  while (text[from] != '\0' && !is_word_byte(text[from]))
    from++;
  for (; text[from] != '\0'; from++) {
    if (text[from] != ' ' || text[len - 1] != ' ')
      text[len++] = text[from];
  }
  while (len > 0 && !is_word_byte(text[len - 1]))
    len--;
  text[len] = '\0';
  return len;
}

/* ---- names */

/* Where a word of a name stands. */
enum place { PLACE_NAME, PLACE_ALSO, PLACE_RIGHT };

struct word {
  char text[KITH_VALUE_BYTES];
  enum place place;
  bool bracketed;
};

struct words {
  struct word words[WORDS_MAX];
  size_t n;
  bool changed;
};

static void word_drop(struct words *words, size_t at, size_t n)
{
  memmove(&words->words[at], &words->words[at + n], (words->n - at - n) * sizeof words->words[0]);
  words->n -= n;
}

/* Apostrophes are left out of a word, other marks end it. */
static void words_split(struct words *words, const char *text, bool comma_splits)
{
  enum place place = PLACE_NAME;
  bool bracketed = false;
  size_t len = 0;
  struct word left_out = {0}; /* what follows WORDS_MAX words */

  *words = (struct words){0};
  for (;; text += kith_fold_step(text)) {
    struct word *word = words->n < WORDS_MAX ? &words->words[words->n] : &left_out;
    size_t step = kith_fold_step(text);

    if (is_word_byte(*text)) {
      if (len + step < KITH_VALUE_BYTES)
        memcpy(word->text + len, text, step);
      else
        step = 0;
      len += step;
      continue;
    }
    if (*text == '\'')
      continue;
    if (len > 0 && words->n < WORDS_MAX) {
      word->text[len] = '\0';
      word->place = bracketed ? PLACE_ALSO : place;
      word->bracketed = bracketed;
      words->n++;
    }
    len = 0;
    if (*text == '\0')
      return;
    if (strchr("([{", *text))
      bracketed = true;
    else if (strchr(")]}", *text))
      bracketed = false;
    else if (*text == ',' && comma_splits && words->n > 0)
      place = PLACE_RIGHT;
  }
}

/* How many words from `at` on are a remark: 3 for "do not use". */
static size_t note_len(const struct words *words, size_t at)
{
  char phrase[3 * KITH_VALUE_BYTES] = "";
  size_t len = 0;

  if (kith_word_find(KITH_WORDS_NOTES, words->words[at].text) ||
      (words->words[at].bracketed &&
       kith_word_find(KITH_WORDS_BRACKET_NOTES, words->words[at].text)))
    return 1;
  for (size_t i = at; i < words->n && i < at + 3; i++) {
    size_t n = strlen(words->words[i].text);
    memcpy(phrase + len, words->words[i].text, n);
    len += n;
    phrase[len++] = i == at + 2 ? '\0' : ' ';
  }
  phrase[len ? len - 1 : 0] = '\0';
  return kith_word_find(KITH_WORDS_NOTES, phrase) ? 3 : 0;
}

/* Remarks, titles and suffixes go; what follows "aka" is another name. */
static void words_clean(struct words *words)
{
  for (size_t i = 0; i < words->n;) {
    size_t n = note_len(words, i);

    if (n && words->words[i].text[0] == 'a') {
      for (size_t j = i + n; j < words->n; j++)
        words->words[j].place = PLACE_ALSO;
    }
    if (!n && i > 0 && kith_word_find(KITH_WORDS_SUFFIXES, words->words[i].text))
      n = 1;
    if (n) {
      word_drop(words, i, n);
      words->changed = true;
    } else {
      i++;
    }
  }
  while (words->n > 1 && words->words[1].place == words->words[0].place &&
         kith_word_find(KITH_WORDS_TITLES, words->words[0].text)) {
    word_drop(words, 0, 1);
    words->changed = true;
  }
}

/* Digits that a scanner or a finger put among letters. A number alone is no name. */
static void word_mend(struct words *words, struct word *word)
{
  static const char letters[] = "olzeasbtbg"; /* of 0 .. 9, by their shapes */
  size_t n_digits = strspn(word->text, "0123456789");

  if (word->text[strcspn(word->text, "0123456789")] == '\0')
    return;
  words->changed = true;
  if (word->text[n_digits] == '\0') {
    word->text[0] = '\0';
    return;
  }
  for (char *at = word->text; *at != '\0'; at++) {
    if (*at >= '0' && *at <= '9')
      *at = letters[*at - '0'];
  }
}

/* "o" + "mahony" is "omahony". */
static void words_join(struct words *words, bool is_surname)
{
  for (size_t i = 0; i + 1 < words->n; i++) {
    struct word *word = &words->words[i];
    struct word *next = &words->words[i + 1];
    size_t len = strlen(word->text);

    if (word->place != next->place || len + strlen(next->text) >= KITH_VALUE_BYTES)
      continue;
    if (!kith_word_find(KITH_WORDS_PREFIXES, word->text) &&
        !(is_surname && kith_word_find(KITH_WORDS_SURNAME_PREFIXES, word->text)))
      continue;
    memmove(next->text + len, next->text, strlen(next->text) + 1);
    memcpy(next->text, word->text, len);
    word->text[0] = '\0';
  }
}

static enum kith_outcome name_placeholder(const char *text)
{
  char copy[KITH_FOLDED_BYTES];
  size_t len = strspn(text, " ");

  if (text[len] == '\0')
    return KITH_VALUE_MISSING;
  memcpy(copy, text, strlen(text) + 1);
  len = kith_text_trim(copy);
  if (len == 0 || copy[strspn(copy, "x")] == '\0' ||
      kith_word_find(KITH_WORDS_PLACEHOLDERS, copy) ||
      kith_word_find(KITH_WORDS_NAME_PLACEHOLDERS, copy))
    return KITH_VALUE_PLACEHOLDER;
  return KITH_VALUE_FINE;
}

enum kith_outcome kith_read_name(struct kith_values *out, struct kith_values *also,
                                 struct kith_values *right, const char *text, bool is_surname)
{
  struct words words;
  enum kith_outcome outcome = name_placeholder(text);

  if (outcome != KITH_VALUE_FINE)
    return outcome;
  words_split(&words, text, right != NULL);
  words_clean(&words);
  for (size_t i = 0; i < words.n; i++)
    word_mend(&words, &words.words[i]);
  words_join(&words, is_surname);
  for (size_t i = 0; i < words.n; i++) {
    const struct word *word = &words.words[i];
    const struct kith_word *form = kith_word_find(KITH_WORDS_SPELLINGS, word->text);
    const char *value = form ? form->other : word->text;
    struct kith_values *to = out;

    if (word->place == PLACE_RIGHT)
      to = right;
    else if (word->place == PLACE_ALSO && also)
      to = also;
    if (word->place == PLACE_RIGHT)
      words.changed = true;
    kith_values_add(to, value, strlen(value));
  }
  if (out->n == 0 && (!also || also->n == 0))
    return KITH_VALUE_UNUSABLE;
  return words.changed ? KITH_VALUE_REPAIRED : KITH_VALUE_FINE;
}

/* ---- the record */

static void values_append(struct kith_values *values, const struct kith_values *more)
{
  for (unsigned i = 0; i < more->n; i++)
    kith_values_add(values, more->text[i], strlen(more->text[i]));
}

static void read_names(struct kith_record *out, enum kith_outcome outcomes[KITH_FIELD_COUNT],
                       const char (*folded)[KITH_FOLDED_BYTES])
{
  struct kith_values *given = &out->values[KITH_FIELD_GIVEN_NAME];
  struct kith_values also = {0};
  struct kith_values right = {0};

  outcomes[KITH_FIELD_GIVEN_NAME] =
      kith_read_name(given, &also, NULL, folded[KITH_FIELD_GIVEN_NAME], false);
  outcomes[KITH_FIELD_MIDDLE_NAMES] = kith_read_name(&out->values[KITH_FIELD_MIDDLE_NAMES], NULL,
                                                     NULL, folded[KITH_FIELD_MIDDLE_NAMES], false);
  outcomes[KITH_FIELD_SURNAME] = kith_read_name(&out->values[KITH_FIELD_SURNAME], NULL, &right,
                                                folded[KITH_FIELD_SURNAME], true);
  outcomes[KITH_FIELD_KNOWN_AS] = kith_read_name(&out->values[KITH_FIELD_KNOWN_AS], NULL, NULL,
                                                 folded[KITH_FIELD_KNOWN_AS], false);
  /* "SMITH, John" where there is no other given name. */
  if (given->n == 0 && right.n > 0) {
    *given = right;
    outcomes[KITH_FIELD_GIVEN_NAME] = KITH_VALUE_REPAIRED;
  }
  values_append(given, &out->values[KITH_FIELD_KNOWN_AS]);
  values_append(given, &also);
}

static void read_others(struct kith_record *out, enum kith_outcome outcomes[KITH_FIELD_COUNT],
                        char (*folded)[KITH_FOLDED_BYTES])
{
  for (unsigned i = KITH_FIELD_DATE_OF_BIRTH; i < KITH_FIELD_COUNT; i++) {
    char *text = folded[i];
    struct kith_values *values = &out->values[i];

    if (text[strspn(text, " ")] == '\0')
      outcomes[i] = KITH_VALUE_MISSING;
    else if (kith_text_trim(text) == 0 || kith_word_find(KITH_WORDS_PLACEHOLDERS, text))
      outcomes[i] = KITH_VALUE_PLACEHOLDER;
    else if (i == KITH_FIELD_DATE_OF_BIRTH)
      outcomes[i] = kith_read_date(&out->birth, text);
    else if (i == KITH_FIELD_SEX)
      outcomes[i] = kith_read_sex(values, text);
    else if (i == KITH_FIELD_POSTCODE)
      outcomes[i] = kith_read_postcode(values, text);
    else
      outcomes[i] = kith_read_address(values, text);
  }
}

static void add_number(struct kith_values *values, char sign, int number, int digits)
{
  char text[10] = {sign};

  for (int i = digits; i > 0; i--, number /= 10)
    text[i] = (char)('0' + number % 10);
  kith_values_add(values, text, (size_t)digits + 1);
}

/* The date's parts, and pairs of them: two dates with one slip still share half or more, two
 * random dates hardly any. "x" has day and month in no order, for dates typed the other way. */
static void add_birth(struct kith_values *values, struct kith_date birth)
{
  int year = birth.year;
  int month = birth.month;
  int day = birth.day;

  if (year) {
    add_number(values, 'y', year, 4);
    add_number(values, 't', year / 10, 3);
    add_number(values, 'u', year % 10, 1);
  }
  if (month)
    add_number(values, 'm', month, 2);
  if (day)
    add_number(values, 'd', day, 2);
  if (month && day)
    add_number(values, 'x', month < day ? month * 100 + day : day * 100 + month, 4);
  if (year && month)
    add_number(values, 'n', year * 100 + month, 6);
  if (year && day)
    add_number(values, 'e', year * 100 + day, 6);
}

void kith_standardise(struct kith_record *out, enum kith_outcome outcomes[KITH_FIELD_COUNT],
                      const char *const fields[KITH_FIELD_COUNT])
{
  static const char nothing[] = "";
  char folded[KITH_FIELD_COUNT][KITH_FOLDED_BYTES];
  bool mended[KITH_FIELD_COUNT];

  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
    (void)kith_fold(folded[i], &mended[i], fields[i] ? fields[i] : nothing);
    out->values[i].n = 0;
  }
  out->birth = (struct kith_date){0};
  read_names(out, outcomes, folded);
  read_others(out, outcomes, folded);
  add_birth(&out->values[KITH_FIELD_DATE_OF_BIRTH], out->birth);
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++) {
    if (mended[i] && outcomes[i] == KITH_VALUE_FINE)
      outcomes[i] = KITH_VALUE_REPAIRED;
  }
}

void kith_standardise_count(struct kith_standardise_counts *counts,
                            const enum kith_outcome outcomes[KITH_FIELD_COUNT])
{
  counts->rows++;
  for (unsigned i = 0; i < KITH_FIELD_COUNT; i++)
    counts->n[i][outcomes[i]]++;
}
