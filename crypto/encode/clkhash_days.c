/* Dates of birth are of many values, but of few years and 366 days: masks of these are a small
 * table in the near caches, where those of whole dates would be fetched from memory, and made
 * first. */
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/encode/clkhash_parts.h"

enum {
  PAGE_BYTES = 4096,
  DIGITS = 8, /* of YYYYMMDD */
  YEAR_DIGITS = 4,
  MARKS_MAX = 8,
  YEARS = 10000,
  FIRST_YEAR = 1000, /* one before has fewer digits */
  YEARS_MAX = 256,   /* that have masks; more are no years of birth */
  DAYS = 1232,       /* month x 100 + day */
  DAYS_MAX = 366,
  LEAP_DAY = 229
};

struct kith_clkhash_days {
  size_t len;                 /* of a date */
  uint8_t at[DIGITS];         /* where the digits of YYYYMMDD stand in it */
  uint8_t mark_at[MARKS_MAX]; /* and what is between them */
  char marks[MARKS_MAX];
  size_t n_marks;
  uint16_t years[YEARS]; /* the number of its mask from 1; 0: none */
  uint16_t days[DAYS];   /* likewise, of those that are days of a month */
  unsigned n_years;
  unsigned n_days;
  uint8_t *masks; /* mask_bytes each: YEARS_MAX of years, then DAYS_MAX of days */
  size_t mask_bytes;
  size_t bytes; /* of all masks, whole pages */
};

/* Takes the format apart; false where it has more marks than are kept. */
static bool format_read(struct kith_clkhash_days *out, const char *plain)
{
  for (; *plain; plain++) {
    const size_t first = *plain == 'Y' ? 0 : *plain == 'm' ? 4 : 6;
    const size_t n = *plain == 'Y' ? 4 : 2;

    if (*plain == 'Y' || *plain == 'm' || *plain == 'd') {
      for (size_t i = 0; i < n; i++)
        out->at[first + i] = (uint8_t)out->len++;
      continue;
    }
    if (out->n_marks == MARKS_MAX)
      return false;
    out->mark_at[out->n_marks] = (uint8_t)out->len++;
    out->marks[out->n_marks++] = *plain;
  }
  return out->len > 0;
}

static bool is_served(const struct kith_clkhash_feature *feature)
{
  return !feature->ignored && feature->format == KITH_CLKHASH_DATE &&
         feature->comparison == KITH_CLKHASH_NGRAM && feature->n == 1;
}

enum kith_err kith_clkhash_days_new(struct kith_clkhash_days **out,
                                    const struct kith_clkhash_feature *feature, size_t mask_bytes)
{
  struct kith_clkhash_days *days;

  *out = NULL;
  if (!is_served(feature))
    return KITH_OK;
  days = KITH_NEW(struct kith_clkhash_days);
  if (!days)
    return KITH_ERR_MEMORY;
  /* A sentinel is no date, even if it looks like one. */
  if (!format_read(days, feature->date.plain) ||
      (feature->sentinel && strlen(feature->sentinel) == days->len)) {
    kith_free(days);
    return KITH_OK;
  }
  days->mask_bytes = mask_bytes;
  days->bytes = (YEARS_MAX + DAYS_MAX) * mask_bytes;
  days->bytes = (days->bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
  days->masks = kith_alloc_aligned(PAGE_BYTES, days->bytes, 1);
  if (!days->masks) {
    kith_free(days);
    return KITH_ERR_MEMORY;
  }
  /* Where it fails, core dumps are still off for the programs that hold keys. */
  (void)madvise(days->masks, days->bytes, MADV_DONTDUMP);
  *out = days;
  return KITH_OK;
}

void kith_clkhash_days_free(struct kith_clkhash_days *days)
{
  if (!days)
    return;
  kith_wipe(days->masks, days->bytes);
  (void)madvise(days->masks, days->bytes, MADV_DODUMP); /* others get these pages */
  kith_free(days->masks);
  kith_free(days);
}

/* Whether eight bytes are digits, all at once: none is below '0', none above '9'. */
static bool all_digits(uint64_t bytes)
{
  const uint64_t ones = UINT64_C(0x0101010101010101);

  return ((bytes | (bytes + ones * (0x7f - '9')) | (bytes - ones * '0')) & ones << 7) == 0;
}

static bool is_date(unsigned year, unsigned day)
{
  return kith_date_valid((struct kith_date){(int)year, (int)(day / 100), (int)(day % 100)});
}

uint32_t kith_clkhash_days_read(const struct kith_clkhash_days *days, const char *text, size_t len)
{
  uint64_t digits = 0;
  uint64_t pairs;
  unsigned year;
  unsigned day;

  if (len != days->len)
    return 0;
  for (size_t i = 0; i < days->n_marks; i++)
    if (text[days->mark_at[i]] != days->marks[i])
      return 0;
  for (unsigned i = 0; i < DIGITS; i++)
    digits |= (uint64_t)(uint8_t)text[days->at[i]] << 8 * i;
  if (!all_digits(digits))
    return 0;
  digits &= UINT64_C(0x0f0f0f0f0f0f0f0f);
  pairs = 10 * digits + (digits >> 8); /* in every other byte */
  year = 100 * (unsigned)(pairs & 0xff) + (unsigned)(pairs >> 16 & 0xff);
  day = 100 * (unsigned)(pairs >> 32 & 0xff) + (unsigned)(pairs >> 48 & 0xff);
  if (year < FIRST_YEAR || day >= DAYS)
    return 0;
  if ((!days->days[day] || day == LEAP_DAY) && !is_date(year, day))
    return 0;
  if (!days->years[year] && days->n_years == YEARS_MAX)
    return 0;
  return year << 16 | day;
}

/* The mask of n digits from the first-th on of a date: `number` in decimal. */
static enum kith_err mask_make(struct kith_clkhash_encoder *encoder, uint8_t *mask, unsigned index,
                               unsigned first, unsigned number, struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  memset(mask, 0, encoder->days[index]->mask_bytes);
  for (unsigned i = 0, unit = 1000; err == KITH_OK && i < YEAR_DIGITS; i++, unit /= 10) {
    const char gram = (char)('0' + number / unit % 10);

    err = kith_clkhash_gram_add(encoder, mask, index, DIGITS, first + i, &gram, fault);
  }
  return err;
}

enum kith_err kith_clkhash_days_masks(struct kith_clkhash_encoder *encoder, unsigned index,
                                      uint32_t date, const uint8_t *masks[2],
                                      struct kith_fault *fault)
{
  struct kith_clkhash_days *days = encoder->days[index];
  uint16_t *year = &days->years[date >> 16];
  uint16_t *day = &days->days[date & 0xffff];
  enum kith_err err = KITH_OK;

  if (!*year && days->n_years == YEARS_MAX)
    return KITH_ERR_NOT_FOUND;
  if (!*year) {
    err = mask_make(encoder, days->masks + days->n_years * days->mask_bytes, index, 0, date >> 16,
                    fault);
    if (err == KITH_OK)
      *year = (uint16_t)++days->n_years;
  }
  if (err == KITH_OK && !*day) {
    err = mask_make(encoder, days->masks + (YEARS_MAX + days->n_days) * days->mask_bytes, index,
                    YEAR_DIGITS, date & 0xffff, fault);
    if (err == KITH_OK)
      *day = (uint16_t)++days->n_days;
  }
  if (err != KITH_OK)
    return err;
  masks[0] = days->masks + (*year - (size_t)1) * days->mask_bytes;
  masks[1] = days->masks + (YEARS_MAX + *day - (size_t)1) * days->mask_bytes;
  return KITH_OK;
}
