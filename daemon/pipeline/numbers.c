/* Numbers that name a person in one service, each with the check that its issuer gave it. A number
 * whose check is wrong is of no use: it would join its record to a stranger's. */
#include <string.h>

#include "daemon/pipeline/parts.h"

enum {
  TEXT_MAX = 32,
  NHS_DIGITS = 10,
  UPN_LENGTH = 13,
  PNC_SERIAL_DIGITS = 7,
  PNC_DIGITS = 2 + PNC_SERIAL_DIGITS,
  CRN_LENGTH = 7
};

/* Letters for 0 .. 22; I, O and S are left out, being too like 1, 0 and 5. */
static const char upn_letters[] = "abcdefghjklmnpqrtuvwxyz";
static const char pnc_letters[] = "zabcdefghjklmnpqrtuvwxy";

/* Letters and digits only; 0 where there are too many, none, or others. */
static size_t letters_and_digits(char out[TEXT_MAX], const char *text)
{
  size_t len = 0;

  memset(out, 0, TEXT_MAX);
  for (; *text != '\0'; text++) {
    if (!kith_is_digit(*text) && !kith_is_letter(*text)) {
      if ((unsigned char)*text >= 0x80)
        return 0;
      continue;
    }
    if (len + 1 == TEXT_MAX)
      return 0;
    out[len++] = *text;
  }
  out[len] = '\0';
  return len;
}

/* "nhs no: 943..." */
static char *after_label(char *text, const char *label)
{
  size_t len = strlen(label);

  return strncmp(text, label, len) == 0 ? text + len : text;
}

/* One digit all the way: what forms put where they have no number. */
static bool all_one(const char *text)
{
  return text[strspn(text, (const char[]){text[0], '\0'})] == '\0';
}

static bool digits_mend(char *text, size_t n)
{
  bool changed = false;

  for (size_t i = 0; i < n; i++) {
    char c = text[i];

    text[i] = c == 'o' ? '0' : c == 'i' || c == 'l' ? '1' : c == 's' ? '5' : c;
    changed |= text[i] != c;
  }
  return changed;
}

static bool are_digits(const char *text, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (!kith_is_digit(text[i]))
      return false;
  return true;
}

/* NHS Data Dictionary, NHS NUMBER: weights 10 .. 2, the check digit is 11 less the remainder; a
 * check of 10 is never issued. */
enum kith_outcome kith_read_nhs_number(struct kith_values *out, const char *text)
{
  char all[TEXT_MAX];
  char *number;
  unsigned sum = 0;
  bool mended;

  if (letters_and_digits(all, text) == 0)
    return KITH_VALUE_UNUSABLE;
  number = after_label(after_label(all, "nhs"), "no");
  if (strlen(number) != NHS_DIGITS)
    return all_one(number) && kith_is_digit(number[0]) ? KITH_VALUE_PLACEHOLDER
                                                       : KITH_VALUE_UNUSABLE;
  mended = digits_mend(number, NHS_DIGITS);
  if (!are_digits(number, NHS_DIGITS))
    return KITH_VALUE_UNUSABLE;
  if (all_one(number)) /* of which each would pass the check */
    return KITH_VALUE_PLACEHOLDER;
  for (unsigned i = 0; i < NHS_DIGITS - 1; i++)
    sum += (unsigned)(number[i] - '0') * (10 - i);
  if ((11 - sum % 11) % 11 != (unsigned)(number[NHS_DIGITS - 1] - '0'))
    return KITH_VALUE_UNUSABLE;
  kith_values_add(out, number, NHS_DIGITS);
  return mended ? KITH_VALUE_REPAIRED : KITH_VALUE_FINE;
}

/* Department for Education, "A guide to unique pupil numbers": a check letter, the local authority
 * (3 digits), the school (4), the year (2), a serial number (3; of a temporary UPN, its last is a
 * letter). The check letter is the weighted sum (2 .. 13) modulo 23. */
enum kith_outcome kith_read_upn(struct kith_values *out, const char *text)
{
  char all[TEXT_MAX];
  char *upn;
  unsigned sum = 0;
  bool mended;
  bool temporary;

  if (letters_and_digits(all, text) == 0)
    return KITH_VALUE_UNUSABLE;
  upn = after_label(all, "upn");
  if (strlen(upn) != UPN_LENGTH)
    return all_one(upn) && kith_is_digit(upn[0]) ? KITH_VALUE_PLACEHOLDER : KITH_VALUE_UNUSABLE;
  mended = digits_mend(upn + 1, UPN_LENGTH - 2);
  temporary = kith_is_letter(upn[UPN_LENGTH - 1]);
  if (!are_digits(upn + 1, UPN_LENGTH - 2))
    return KITH_VALUE_UNUSABLE;
  if (all_one(upn + 1))
    return KITH_VALUE_PLACEHOLDER;
  for (unsigned i = 1; i < UPN_LENGTH; i++) {
    const char *letter = kith_is_digit(upn[i]) ? NULL : strchr(upn_letters, upn[i]);

    if (!letter && !kith_is_digit(upn[i]))
      return KITH_VALUE_UNUSABLE;
    sum += (i + 1) * (letter ? (unsigned)(letter - upn_letters) : (unsigned)(upn[i] - '0'));
  }
  if (upn[0] != upn_letters[sum % 23])
    return KITH_VALUE_UNUSABLE;
  kith_values_add(out, upn, UPN_LENGTH);
  /* The next school gives a pupil another one. */
  return temporary ? KITH_VALUE_PARTIAL : mended ? KITH_VALUE_REPAIRED : KITH_VALUE_FINE;
}

/* The letter over the first n digits of `digits`. */
static char pnc_letter(const char *digits, size_t n)
{
  unsigned remainder = 0;

  for (size_t i = 0; i < n; i++)
    remainder = (remainder * 10 + (unsigned)(digits[i] - '0')) % 23;
  return pnc_letters[remainder];
}

/* Two digits of the year and seven of the serial number; false where the text has none. *rest is
 * what follows. */
static bool pnc_digits(char out[PNC_DIGITS], const char **rest, const char *text)
{
  size_t year_len = strspn(text, "0123456789");
  size_t serial_len;

  if (year_len >= PNC_DIGITS && !strchr("/-\\", text[year_len])) /* no stroke between them */
    year_len -= PNC_SERIAL_DIGITS;
  if (year_len != 2 && year_len != 4)
    return false;
  memcpy(out, text + year_len - 2, 2);
  text += year_len;
  text += strspn(text, " /-\\");
  serial_len = strspn(text, "0123456789");
  if (serial_len == 0 || serial_len > PNC_SERIAL_DIGITS)
    return false;
  memset(out + 2, '0', PNC_SERIAL_DIGITS - serial_len);
  memcpy(out + PNC_DIGITS - serial_len, text, serial_len);
  text += serial_len;
  *rest = text + strspn(text, " -/");
  return true;
}

/* The Police National Computer's PNCID: a year (of two or four digits), a serial number of up to
 * seven, a check letter: the last two digits of the year and the serial number, modulo 23. Some
 * exports have the letter of the serial number alone. "SF" in front says that the file was a paper
 * one. All forms of one become one: 170012701e. */
enum kith_outcome kith_read_pnc_id(struct kith_values *out, const char *text)
{
  char pnc[PNC_DIGITS + 1];

  if (text[strspn(text, "0/ ")] == '\0')
    return KITH_VALUE_PLACEHOLDER;
  text += strncmp(text, "pnc", 3) == 0 ? 3 : 0;
  text += strspn(text, " :.#");
  text += strncmp(text, "sf", 2) == 0 ? 2 : 0;
  text += strspn(text, " ");
  if (!pnc_digits(pnc, &text, text) || !kith_is_letter(text[0]) || text[1] != '\0')
    return KITH_VALUE_UNUSABLE;
  if (text[0] != pnc_letter(pnc, PNC_DIGITS) && text[0] != pnc_letter(pnc + 2, PNC_SERIAL_DIGITS))
    return KITH_VALUE_UNUSABLE;
  pnc[PNC_DIGITS] = text[0];
  kith_values_add(out, pnc, sizeof pnc);
  return KITH_VALUE_FINE;
}

/* Probation's case reference number: a letter and six digits, without a check. */
enum kith_outcome kith_read_crn(struct kith_values *out, const char *text)
{
  char all[TEXT_MAX];
  char *crn;
  bool mended;

  if (letters_and_digits(all, text) == 0)
    return KITH_VALUE_UNUSABLE;
  crn = after_label(all, "crn");
  if (strlen(crn) != CRN_LENGTH || !kith_is_letter(crn[0]))
    return all_one(crn) && kith_is_digit(crn[0]) ? KITH_VALUE_PLACEHOLDER : KITH_VALUE_UNUSABLE;
  mended = digits_mend(crn + 1, CRN_LENGTH - 1);
  if (!are_digits(crn + 1, CRN_LENGTH - 1))
    return KITH_VALUE_UNUSABLE;
  if (all_one(crn + 1))
    return KITH_VALUE_PLACEHOLDER;
  kith_values_add(out, crn, CRN_LENGTH);
  return mended ? KITH_VALUE_REPAIRED : KITH_VALUE_FINE;
}
