/* What the standardiser "kith-1" knows by heart. All agencies of a round must have the same
 * tables: a change in one is a new standardiser, and kith_pipeline_fingerprint tells. */
#ifndef KITH_DAEMON_PIPELINE_TABLES_H
#define KITH_DAEMON_PIPELINE_TABLES_H

#include <stddef.h>
#include <stdint.h>

/* A test build can change an entry, to see that the fingerprint notices. */
#ifdef KITH_TESTING
#define KITH_TABLE
#else
#define KITH_TABLE const
#endif

/* A letter (after decomposition and case folding) and what it becomes. Sorted by letter. */
struct kith_table_letter {
  int32_t letter;
  char latin[8];
};
extern KITH_TABLE struct kith_table_letter kith_table_letters[];
extern const size_t kith_table_n_letters;

/* A word and where it counts; or a pair of words. Not sorted: each list is short. */
struct kith_table_word {
  char word[24];
  char other[16]; /* spellings: the one form; months: two digits; else "" */
};
enum kith_table_list {
  KITH_TABLE_PLACEHOLDERS,         /* whole values that say nothing, any field */
  KITH_TABLE_NAME_PLACEHOLDERS,    /* the same for names only */
  KITH_TABLE_ADDRESS_PLACEHOLDERS, /* streets and postcodes of no abode */
  KITH_TABLE_TITLES,               /* dropped where they stand first */
  KITH_TABLE_SUFFIXES,             /* dropped wherever they stand but first */
  KITH_TABLE_NOTES,                /* remarks in a name, dropped anywhere */
  KITH_TABLE_BRACKET_NOTES,        /* remarks only inside brackets */
  KITH_TABLE_PREFIXES,             /* joined to the part that follows: al, el */
  KITH_TABLE_SURNAME_PREFIXES,     /* the same in surnames only: o, mc */
  KITH_TABLE_SPELLINGS,            /* one name, written many ways */
  KITH_TABLE_STREET_WORDS,         /* rd -> road */
  KITH_TABLE_SEXES,                /* other = m or f, "" for a stated unknown */
  KITH_TABLE_MONTHS,               /* jan -> 01 */
  KITH_TABLE_LISTS
};
struct kith_table_words {
  KITH_TABLE struct kith_table_word *words;
  size_t n;
};
extern const struct kith_table_words kith_tables[KITH_TABLE_LISTS];

/* The entry of `word`, or NULL. */
const struct kith_table_word *kith_table_find(enum kith_table_list list, const char *word);

#endif
