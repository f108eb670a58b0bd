/* Forms of names: one short code that spellings of one name share, across short forms, languages
 * and ways of writing other scripts in Latin letters. Evidence beside the name as written, never
 * instead of it: a form is right about less than the letters are. */
#include <string.h>

#include "base/mem.h"
#include "daemon/pipeline/parts.h"

enum { ENDING_STEM_MIN = 3, CONSONANTS_MANY = 3 };

/* Endings that tell the bearer's sex, or add "brother" or "son of", and what is left of them. */
struct ending {
  size_t len;
  char text[8];
  char left[8];
};
static const struct ending surname_endings[] = {
    {5, "skaya", "sk"},   {5, "skaia", "sk"},   {5, "skaja", "sk"}, {4, "skyi", "sk"},
    {4, "skiy", "sk"},    {4, "skii", "sk"},    {4, "skij", "sk"},  {3, "ska", "sk"},
    {3, "ski", "sk"},     {3, "sky", "sk"},     {3, "cka", "ck"},   {3, "cki", "ck"},
    {3, "cky", "ck"},     {4, "dzka", "dzk"},   {4, "dzki", "dzk"}, {4, "iene", ""},
    {4, "aite", ""},      {3, "yte", ""},       {4, "iute", ""},    {6, "auskas", "ausk"},
    {3, "ova", ""},       {2, "ov", ""},        {3, "off", ""},     {3, "eva", ""},
    {2, "ev", ""},        {3, "ina", "in"},     {3, "ins", "in"},   {6, "poulou", "pul"},
    {6, "poulos", "pul"}, {6, "vicius", "vic"}, {4, "vych", "vic"}, {4, "vich", "vic"},
    {4, "wicz", "vic"},   {3, "vic", "vic"},    {4, "vits", "vic"},
};
static const struct ending given_endings[] = {
    {4, "bhai", ""}, {3, "ben", ""}, {6, "kumari", ""}, {5, "kumar", ""}, {3, "lal", ""},
};

static void ending_drop(char *word, size_t len, const struct ending *endings, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    size_t ending = endings[i].len;

    if (len < ending + ENDING_STEM_MIN || word[len - 1] != endings[i].text[ending - 1] ||
        memcmp(word + len - ending, endings[i].text, ending) != 0)
      continue;
    memcpy(word + len - ending, endings[i].left, strlen(endings[i].left) + 1);
    return;
  }
}

static char vowel(char c)
{
  switch (c) {
  case 'a':
    return 'a';
  case 'e':
  case 'i':
  case 'y':
    return 'i';
  case 'o':
  case 'u':
    return 'u';
  default:
    return '\0';
  }
}

/* A sound that starts with 't', 's' or 'c', and how many letters it has. */
static size_t hissing_at(char *code, const char *text)
{
  switch (text[0]) {
  case 't':
    *code = text[1] == 'h' ? 't' : 'c';
    if (text[1] == 's')
      return text[2] == 'c' && text[3] == 'h' ? 4 : 2;
    if (text[1] == 'c' && text[2] == 'h')
      return 3;
    if (text[1] == 'z' || text[1] == 'h')
      return 2;
    *code = 't';
    return 1;
  case 's':
    *code = 's';
    if (text[1] == 'c')
      return text[2] == 'h' ? 3 : 2;
    return text[1] == 'h' || text[1] == 'z' ? 2 : 1;
  default:
    *code = text[1] == 'h' || text[1] == 'z' || text[1] == 's' ? 'c' : 'k';
    if (*code == 'c' || text[1] == 'k')
      return 2;
    if (vowel(text[1]) == 'i') /* the vowel is still to come */
      *code = 's';
    return 1;
  }
}

/* One consonant sound: its code, and how many letters it has. */
static size_t sound_at(char *code, const char *text)
{
  bool breathed = text[1] == 'h';

  *code = text[0];
  switch (text[0]) {
  case 't':
  case 's':
  case 'c':
    return hissing_at(code, text);
  case 'p':
    *code = breathed ? 'f' : 'p';
    break;
  case 'z':
    *code = breathed ? 'j' : 's';
    break;
  case 'd':
    *code = text[1] == 'j' ? 'j' : 'd';
    return breathed || text[1] == 'j' ? 2 : 1;
  case 'k':
    *code = text[1] == 'n' ? 'n' : 'k';
    return breathed || text[1] == 'n' ? 2 : 1;
  case 'w':
    *code = text[1] == 'r' ? 'r' : 'v';
    return text[1] == 'r' ? 2 : 1;
  case 'r':
    return text[1] == 'z' ? 2 : 1;
  case 'g':
  case 'b':
  case 'j':
    break;
  case 'y':
    *code = 'j';
    return 1;
  case 'q':
  case 'x':
    *code = 'k';
    return 1;
  default:
    return 1;
  }
  return breathed ? 2 : 1;
}

/* Runs of one letter count once; h may be part of another sound, ng is one. */
static unsigned n_consonants(const char *word)
{
  unsigned n = 0;

  for (size_t i = 0; word[i] != '\0'; i++)
    n += !vowel(word[i]) && word[i] != 'h' &&
         (i == 0 || (word[i] != word[i - 1] && (word[i] != 'g' || word[i - 1] != 'n')));
  return n;
}

/* Consonants by sound; vowels by class, and where there are three consonants to tell a word by,
 * only one that leads: they are what transliterations differ in. */
static size_t skeleton(char out[KITH_FORM_BYTES], const char *word)
{
  bool few = n_consonants(word) < CONSONANTS_MANY;
  size_t n = 0;
  char last = '\0';

  for (size_t at = 0; word[at] != '\0' && n + 4 < KITH_FORM_BYTES;) {
    /* "Yulia" and "Julia" */
    char code = at == 0 && word[0] == 'y' && vowel(word[1]) ? '\0' : vowel(word[at]);
    size_t step = 1;

    if (!kith_is_letter(word[at])) {
      step = kith_fold_step(word + at);
      memcpy(out + n, word + at, step);
      n += step;
      last = '\0';
    } else if (code) {
      if (n == 0 || (few && !vowel(last)))
        out[n++] = code;
      last = code;
    } else if (word[at] != 'h' || n == 0) {
      step = sound_at(&code, word + at);
      if (code != last)
        out[n++] = code;
      last = code;
    }
    at += step;
  }
  out[n] = '\0';
  return n;
}

size_t kith_name_form(char out[KITH_FORM_BYTES], const char *part, bool is_surname)
{
  char word[KITH_VALUE_BYTES];
  size_t len = strlen(part);
  const struct kith_word *form = kith_word_find(KITH_WORDS_EUROPE, part);

  if (!form)
    form = kith_word_find(KITH_WORDS_WORLD, part);
  if (form)
    return skeleton(out, form->other);
  memcpy(word, part, len + 1);
  if (is_surname)
    ending_drop(word, len, surname_endings, KITH_COUNT_OF(surname_endings));
  else
    ending_drop(word, len, given_endings, KITH_COUNT_OF(given_endings));
  return skeleton(out, word);
}

/* A syllable as Chinese names have them in Latin letters: mei, hsin, yeung, kwok. */
static bool is_syllable(const char *part)
{
  size_t n_first = strspn(part, "bcdfghjklmnpqrstvwxyz");
  size_t n_vowels = strspn(part + n_first, "aeiouy");
  const char *last = part + n_first + n_vowels;

  return n_first <= 2 && n_vowels >= 1 && n_vowels <= 3 && n_first + n_vowels > 1 &&
         (last[0] == '\0' || strcmp(last, "ng") == 0 ||
          (last[1] == '\0' && strchr("nmktph", last[0])));
}

/* Given names of two syllables are one name, written "Mei Ling", "Mei-Ling" or "Meiling". */
static bool syllables_join(struct kith_values *out, const struct kith_values *parts)
{
  char both[2 * KITH_VALUE_BYTES];
  char form[KITH_FORM_BYTES];
  size_t len;

  if (parts->n != 2 || !is_syllable(parts->text[0]) || !is_syllable(parts->text[1]))
    return false;
  len = strlen(parts->text[0]);
  memcpy(both, parts->text[0], len);
  memcpy(both + len, parts->text[1], strlen(parts->text[1]) + 1);
  kith_values_add(out, form, skeleton(form, both));
  return true;
}

static bool says_little(const char *part)
{
  return kith_word_find(KITH_WORDS_PARTICLES, part) || kith_word_find(KITH_WORDS_FILLERS, part);
}

void kith_name_forms(struct kith_values *out, const struct kith_values *parts, bool is_surname)
{
  bool little[KITH_VALUES_MAX];
  unsigned n_own = 0;

  if (!is_surname && syllables_join(out, parts))
    return;
  for (unsigned i = 0; i < parts->n; i++) {
    little[i] = says_little(parts->text[i]);
    n_own += !little[i];
  }
  for (unsigned i = 0; i < parts->n; i++) {
    char form[KITH_FORM_BYTES];

    if (parts->text[i][1] != '\0' && (!little[i] || n_own == 0))
      kith_values_add(out, form, kith_name_form(form, parts->text[i], is_surname));
  }
}
