/* Of the standardiser only: the readers of each kind of field. */
#ifndef KITH_DAEMON_PIPELINE_PARTS_H
#define KITH_DAEMON_PIPELINE_PARTS_H

#include "daemon/pipeline/fold.h"
#include "daemon/pipeline/standardise.h"
#include "daemon/pipeline/words.h"

/* Adds a value unless it is there, is empty, or there is no room. A long one is cut. */
void kith_values_add(struct kith_values *values, const char *text, size_t len);

static inline bool kith_is_digit(char c)
{
  return c >= '0' && c <= '9';
}

static inline bool kith_is_letter(char c)
{
  return c >= 'a' && c <= 'z';
}

/* Of a word: letters and digits, those beyond ASCII included. */
static inline bool kith_is_word_byte(char c)
{
  return kith_is_letter(c) || kith_is_digit(c) || (unsigned char)c >= 0x80;
}

/* Folded text without blanks and punctuation at its ends, inner blanks single; 0 if nothing is
 * left. In place. */
size_t kith_text_trim(char *text);

/* ---- names.c: folded text */

/* Parts in brackets and after "aka" go to `also` (or, where it is NULL, to out); a comma's right
 * side goes to `right` if that is given. */
enum kith_outcome kith_read_name(struct kith_values *out, struct kith_values *also,
                                 struct kith_values *right, const char *text, bool is_surname);

/* ---- forms.c: what spellings of one name have in common */

enum { KITH_FORM_BYTES = 24 };
/* The form of one part of a name; its length, 0 where it has none. */
size_t kith_name_form(char out[KITH_FORM_BYTES], const char *part, bool is_surname);
/* Adds the forms of a name's parts, less particles, and less fillers where more is there. */
void kith_name_forms(struct kith_values *out, const struct kith_values *parts, bool is_surname);

/* ---- dates.c, numbers.c, codes.c: folded and trimmed text each */

enum kith_outcome kith_read_date(struct kith_date *out, const char *text,
                                 const struct kith_standardise_options *options);
enum kith_outcome kith_read_nhs_number(struct kith_values *out, const char *text);
enum kith_outcome kith_read_upn(struct kith_values *out, const char *text);
enum kith_outcome kith_read_pnc_id(struct kith_values *out, const char *text);
enum kith_outcome kith_read_crn(struct kith_values *out, const char *text);
enum kith_outcome kith_read_sex(struct kith_values *out, const char *text);
enum kith_outcome kith_read_postcode(struct kith_values *out, const char *text);
enum kith_outcome kith_read_address(struct kith_values *out, const char *text);

#endif
