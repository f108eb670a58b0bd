/* What the standardiser "kith-1" knows by heart. All agencies of a round must have the same
 * tables: a change in one is a new standardiser, and kith_pipeline_fingerprint tells. */
#ifndef KITH_DAEMON_PIPELINE_WORDS_H
#define KITH_DAEMON_PIPELINE_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* A test build can change an entry, to see that the fingerprint notices. */
#ifdef KITH_TESTING
#define KITH_WORDS_CONST
#else
#define KITH_WORDS_CONST const
#endif

/* A letter (after decomposition and case folding) and what it becomes. Sorted by letter. */
struct kith_letter {
  int32_t letter;
  char latin[8];
};
extern KITH_WORDS_CONST struct kith_letter kith_letters[];
extern const size_t kith_n_letters;

/* A word and where it counts; or a pair of words. Each list is sorted by word (by its bytes), which
 * is as folding leaves it; what is after the terminator is zero. */
struct kith_word {
  char word[24];
  char other[16]; /* forms: the one form; months: two digits; ...; else "" */
};
enum kith_word_list {
  KITH_WORDS_PLACEHOLDERS,         /* whole values that say nothing, any field */
  KITH_WORDS_NAME_PLACEHOLDERS,    /* the same for names only */
  KITH_WORDS_ADDRESS_PLACEHOLDERS, /* streets and postcodes of no abode */
  KITH_WORDS_TITLES,               /* dropped where they stand first */
  KITH_WORDS_SUFFIXES,             /* dropped wherever they stand but first */
  KITH_WORDS_NOTES,                /* remarks in a name, with the words that must follow: dropped */
  KITH_WORDS_BRACKET_NOTES,        /* the same inside brackets only */
  KITH_WORDS_ALIASES,              /* the same; what follows is another name */
  KITH_WORDS_PREFIXES,             /* joined to the part that follows: al, el */
  KITH_WORDS_SURNAME_PREFIXES,     /* the same in surnames only: o, mc */
  KITH_WORDS_PARTICLES,            /* of, son of, the: no forms of their own */
  KITH_WORDS_FILLERS,              /* borne by very many beside their own name: kaur, thi */
  KITH_WORDS_EUROPE,               /* forms of names: bill -> william (words_europe.c) */
  KITH_WORDS_WORLD,                /* forms of names: yousef -> yusuf (words_world.c) */
  KITH_WORDS_STREET_WORDS,         /* rd -> road */
  KITH_WORDS_SEXES,                /* other = m or f, "" for a stated unknown */
  KITH_WORDS_MONTHS,               /* jan -> 01 */
  KITH_WORDS_DATE_NOTES,           /* words in a date; other = ~ where it is a guess */
  KITH_WORD_LISTS
};
struct kith_words {
  KITH_WORDS_CONST struct kith_word *words;
  size_t n;
  uint64_t starts; /* bit kith_word_start(word) of each: most words are in no list */
};
static inline unsigned kith_word_start(const char *word)
{
  return word[0] == '\0' ? 0 : ((unsigned char)word[0] * 7u + (unsigned char)word[1]) % 64;
}
extern const struct kith_words kith_word_lists[KITH_WORD_LISTS];

enum { KITH_WORDS_EUROPE_N = 1705, KITH_WORDS_WORLD_N = 1299 };
extern KITH_WORDS_CONST struct kith_word kith_words_europe[KITH_WORDS_EUROPE_N];
extern KITH_WORDS_CONST struct kith_word kith_words_world[KITH_WORDS_WORLD_N];

/* The entry of `word`, or NULL. */
const struct kith_word *kith_word_find(enum kith_word_list list, const char *word);

#endif
