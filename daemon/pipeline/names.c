/* Names: of many parts, from many traditions, with whatever people add to them. */
#include <string.h>

#include "daemon/pipeline/parts.h"

enum { WORDS_MAX = 24 };

/* Where a word of a name stands. */
enum place { PLACE_NAME, PLACE_ALSO, PLACE_RIGHT };

struct word {
  size_t len;
  enum place place;
  bool bracketed;
  char text[KITH_VALUE_BYTES];
};

struct words {
  size_t n;
  bool changed;
  struct word words[WORDS_MAX + 1]; /* the last: what follows the others, left out */
};

static void word_drop(struct words *words, size_t at, size_t n)
{
  memmove(&words->words[at], &words->words[at + n], (words->n - at - n) * sizeof words->words[0]);
  words->n -= n;
}

static void word_end(struct words *words, enum place place, bool bracketed)
{
  struct word *word = &words->words[words->n];

  word->text[word->len] = '\0';
  word->place = bracketed ? PLACE_ALSO : place;
  word->bracketed = bracketed;
  if (word->len > 0 && words->n < WORDS_MAX)
    words->n++;
  words->words[words->n].len = 0;
}

/* Apostrophes are left out of a word, other marks end it. */
static void words_split(struct words *words, const char *text, bool comma_splits)
{
  enum place place = PLACE_NAME;
  bool bracketed = false;

  words->n = 0;
  words->changed = false;
  words->words[0].len = 0;
  for (; *text != '\0'; text += kith_fold_step(text)) {
    struct word *word = &words->words[words->n];

    if (kith_is_letter(*text)) {
      if (word->len + 1 < KITH_VALUE_BYTES)
        word->text[word->len++] = *text;
      continue;
    }
    if (kith_is_word_byte(*text)) {
      size_t step = kith_fold_step(text);

      if (word->len + step < KITH_VALUE_BYTES) {
        memcpy(word->text + word->len, text, step);
        word->len += step;
      }
      continue;
    }
    if (*text == '\'')
      continue;
    word_end(words, place, bracketed);
    if (*text == '(' || *text == '[' || *text == '{')
      bracketed = true;
    else if (*text == ')' || *text == ']' || *text == '}')
      bracketed = false;
    else if (*text == ',' && comma_splits && words->n > 0)
      place = PLACE_RIGHT;
  }
  word_end(words, place, bracketed);
}

/* How many words from `at` on are one of the list: 3 for "do not use". */
static size_t phrase_len(const struct words *words, size_t at, enum kith_word_list list)
{
  const struct kith_word *first = kith_word_find(list, words->words[at].text);
  const char *more = first ? first->other : "";
  size_t n = 1;

  if (!first)
    return 0;
  for (; *more != '\0'; n++) {
    size_t len = strcspn(more, " ");

    if (at + n >= words->n || strncmp(more, words->words[at + n].text, len) != 0 ||
        words->words[at + n].len != len)
      return 0;
    more += len + (more[len] == ' ');
  }
  return n;
}

static size_t remark_len(const struct words *words, size_t at)
{
  const struct word *word = &words->words[at];
  size_t n = phrase_len(words, at, KITH_WORDS_NOTES);

  if (!n && word->bracketed)
    n = phrase_len(words, at, KITH_WORDS_BRACKET_NOTES);
  if (!n && at > 0 && kith_word_find(KITH_WORDS_SUFFIXES, word->text))
    n = 1;
  return n;
}

/* Remarks, titles and suffixes go; what follows "aka" is another name. */
static void words_clean(struct words *words)
{
  for (size_t i = 0; i < words->n;) {
    size_t n = phrase_len(words, i, KITH_WORDS_ALIASES);

    for (size_t j = i + n; n && j < words->n; j++)
      words->words[j].place = PLACE_ALSO;
    if (!n)
      n = remark_len(words, i);
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
  size_t n_digits = 0;

  for (size_t i = 0; i < word->len; i++)
    n_digits += kith_is_digit(word->text[i]);
  if (n_digits == 0)
    return;
  words->changed = true;
  if (n_digits == word->len) {
    word->len = 0;
    word->text[0] = '\0';
    return;
  }
  for (char *at = word->text; *at != '\0'; at++) {
    if (kith_is_digit(*at))
      *at = letters[*at - '0'];
  }
}

/* "o" + "mahony" is "omahony". */
static void words_join(struct words *words, bool is_surname)
{
  for (size_t i = 0; i + 1 < words->n; i++) {
    struct word *word = &words->words[i];
    struct word *next = &words->words[i + 1];

    if (word->place != next->place || word->len + next->len >= KITH_VALUE_BYTES)
      continue;
    if (!kith_word_find(KITH_WORDS_PREFIXES, word->text) &&
        !(is_surname && kith_word_find(KITH_WORDS_SURNAME_PREFIXES, word->text)))
      continue;
    memmove(next->text + word->len, next->text, next->len + 1);
    memcpy(next->text, word->text, word->len);
    next->len += word->len;
    word->len = 0;
    word->text[0] = '\0';
  }
}

static enum kith_outcome name_placeholder(const char *text)
{
  char copy[KITH_FOLDED_BYTES];
  size_t len;

  text += strspn(text, " ");
  if (*text == '\0')
    return KITH_VALUE_MISSING;
  memcpy(copy, text, strlen(text) + 1);
  len = kith_text_trim(copy);
  if (len == 0 || kith_word_find(KITH_WORDS_PLACEHOLDERS, copy) ||
      kith_word_find(KITH_WORDS_NAME_PLACEHOLDERS, copy))
    return KITH_VALUE_PLACEHOLDER;
  /* Others that say nothing: marks and x's. */
  for (const char *at = copy; *at != '\0'; at++) {
    if (*at != 'x' && kith_is_word_byte(*at))
      return KITH_VALUE_FINE;
  }
  return KITH_VALUE_PLACEHOLDER;
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
    struct kith_values *to = out;

    if (word->place == PLACE_RIGHT)
      to = right;
    else if (word->place == PLACE_ALSO && also)
      to = also;
    if (word->place == PLACE_RIGHT)
      words.changed = true;
    kith_values_add(to, word->text, word->len);
  }
  if (out->n == 0 && (!also || also->n == 0))
    return KITH_VALUE_UNUSABLE;
  return words.changed ? KITH_VALUE_REPAIRED : KITH_VALUE_FINE;
}
