/* Sexes, postcodes and addresses: fields with a form of their own. */
#include <string.h>

#include "daemon/pipeline/parts.h"

enum kith_outcome kith_read_sex(struct kith_values *out, const char *text)
{
  const struct kith_word *word = kith_word_find(KITH_WORDS_SEXES, text);

  if (!word)
    return KITH_VALUE_UNUSABLE;
  if (word->other[0] == '\0')
    return KITH_VALUE_PLACEHOLDER;
  kith_values_add(out, word->other, 1);
  return KITH_VALUE_FINE;
}

/* ---- postcodes */

/* A letter that was meant as a digit, and the other way round; unchanged where neither. */
static char as_digit(char c)
{
  return c == 'o' ? '0' : c == 'i' || c == 'l' ? '1' : c == 's' ? '5' : c;
}

static char as_letter(char c)
{
  return c == '0' ? 'o' : c == '1' ? 'i' : c == '5' ? 's' : c;
}

/* A9, A99, AA9, AA99, A9A, AA9A: the district, mended in place. */
static bool outward_mend(char *code, size_t len)
{
  size_t at = 1;

  if (len < 2 || len > 4)
    return false;
  code[0] = as_letter(code[0]);
  if (!kith_is_letter(code[0]))
    return false;
  if (len > 2 && kith_is_letter(code[1]))
    at = 2;
  code[at] = as_digit(code[at]);
  if (!kith_is_digit(code[at]))
    return false;
  return at + 1 == len ||
         (at + 2 == len && (kith_is_digit(code[len - 1]) || kith_is_letter(code[len - 1])));
}

static bool inward_mend(char *code)
{
  code[0] = as_digit(code[0]);
  code[1] = as_letter(code[1]);
  code[2] = as_letter(code[2]);
  return kith_is_digit(code[0]) && kith_is_letter(code[1]) && kith_is_letter(code[2]);
}

/* ZZ99 are the health service's codes for no fixed abode and for countries. */
static bool is_no_place(const char *code)
{
  return strncmp(code, "zz99", 4) == 0 || kith_word_find(KITH_WORDS_ADDRESS_PLACEHOLDERS, code);
}

enum kith_outcome kith_read_postcode(struct kith_values *out, const char *text)
{
  enum { CODE_MAX = 10 };
  char code[CODE_MAX + 1] = {0};
  char mended[CODE_MAX + 1];
  size_t len = 0;
  size_t n_digits = 0;

  if (kith_word_find(KITH_WORDS_ADDRESS_PLACEHOLDERS, text))
    return KITH_VALUE_PLACEHOLDER;
  for (; *text != '\0'; text++) {
    if (!kith_is_digit(*text) && !kith_is_letter(*text))
      continue;
    if (len == CODE_MAX)
      return KITH_VALUE_UNUSABLE;
    n_digits += kith_is_digit(*text);
    code[len++] = *text;
  }
  if (is_no_place(code))
    return KITH_VALUE_PLACEHOLDER;
  memcpy(mended, code, sizeof mended);
  if (len >= 5 && len <= 7 && outward_mend(mended, len - 3) && inward_mend(mended + len - 3)) {
    if (is_no_place(mended))
      return KITH_VALUE_PLACEHOLDER;
    kith_values_add(out, mended, len);
    return memcmp(mended, code, len) == 0 ? KITH_VALUE_FINE : KITH_VALUE_REPAIRED;
  }
  memcpy(mended, code, sizeof mended);
  if (n_digits == 0 || len < 2)
    return KITH_VALUE_UNUSABLE;
  /* A district alone, a code of another country, or one with a slip: what is there still tells. */
  kith_values_add(out, code, len);
  return n_digits == len && len >= 4 ? KITH_VALUE_FINE : KITH_VALUE_PARTIAL;
}

/* ---- addresses */

static bool ends_word(char c)
{
  return !kith_is_word_byte(c) && (c == '\0' || strchr(" ,./-()&:;\"#", c));
}

enum kith_outcome kith_read_address(struct kith_values *out, const char *text)
{
  bool first = true;

  if (kith_word_find(KITH_WORDS_ADDRESS_PLACEHOLDERS, text))
    return KITH_VALUE_PLACEHOLDER;
  while (*text != '\0') {
    char word[KITH_VALUE_BYTES];
    size_t len = 0;
    const struct kith_word *form = NULL;

    for (; !ends_word(*text); text += kith_fold_step(text)) {
      size_t step = kith_is_letter(*text) ? 1 : kith_fold_step(text);

      if (*text == '\'' || len + step >= sizeof word)
        continue;
      for (size_t i = 0; i < step; i++)
        word[len++] = text[i];
    }
    word[len] = '\0';
    text += *text != '\0';
    /* "St Johns Road" is a saint's, "High St" is a street. */
    if (len > 0 && !(first && strcmp(word, "st") == 0))
      form = kith_word_find(KITH_WORDS_STREET_WORDS, word);
    first = first && (len == 0 || kith_is_digit(word[0]));
    if (form)
      kith_values_add(out, form->other, strlen(form->other));
    else
      kith_values_add(out, word, len);
  }
  return out->n ? KITH_VALUE_FINE : KITH_VALUE_UNUSABLE;
}
