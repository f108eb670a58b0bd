/* Of the proposer only: what is counted of a column, and what its name says. */
#ifndef KITH_DAEMON_PIPELINE_PROPOSE_PARTS_H
#define KITH_DAEMON_PIPELINE_PROPOSE_PARTS_H

#include "daemon/pipeline/propose.h"

/* What a column may be: a key of a profile, a part of one, or of no use. */
enum kith_role {
  KITH_ROLE_GIVEN,
  KITH_ROLE_MIDDLE,
  KITH_ROLE_SURNAME,
  KITH_ROLE_KNOWN_AS,
  KITH_ROLE_FULL_NAME,
  KITH_ROLE_BIRTH,
  KITH_ROLE_BIRTH_YEAR,
  KITH_ROLE_BIRTH_MONTH,
  KITH_ROLE_BIRTH_DAY,
  KITH_ROLE_SEX,
  KITH_ROLE_HOUSE,
  KITH_ROLE_STREET,
  KITH_ROLE_TOWN,
  KITH_ROLE_ADDRESS,
  KITH_ROLE_POSTCODE,
  KITH_ROLE_NHS,
  KITH_ROLE_UPN,
  KITH_ROLE_PNC,
  KITH_ROLE_CRN,
  KITH_ROLE_RECORD_DATE,
  KITH_ROLE_ID,
  KITH_ROLE_NONE,
  KITH_ROLE_COUNT
};

/* ---- propose_look.c: the values */

enum kith_kind {
  KITH_KIND_DATE,
  KITH_KIND_SEX,
  KITH_KIND_POSTCODE, /* a whole British one */
  KITH_KIND_NHS,
  KITH_KIND_UPN,
  KITH_KIND_PNC,
  KITH_KIND_CRN,
  KITH_KIND_NAME,        /* letters, up to four words */
  KITH_KIND_GIVEN,       /* of these, the first word is a given name that kith knows */
  KITH_KIND_SURNAME,     /* the last word is a surname that it knows */
  KITH_KIND_GIVEN_LAST,  /* several words, and the last is such a given name */
  KITH_KIND_WORDS,       /* of names: two words or more */
  KITH_KIND_COMMA_NAME,  /* words, a comma, words */
  KITH_KIND_SHOUT_FIRST, /* SMITH John */
  KITH_KIND_TITLE,       /* Mr, Dr */
  KITH_KIND_TOWN,        /* a town that kith knows */
  KITH_KIND_NUMBERED,    /* text that has a number and words */
  KITH_KIND_ROAD,        /* it ends in, or has before a comma, a word such as road */
  KITH_KIND_COMMA,
  KITH_KIND_TAIL_CODE, /* the part after the last comma is a postcode */
  KITH_KIND_TAIL_WORDS,
  KITH_KIND_HOUSE, /* 12, 12a, flat 3 */
  KITH_KIND_NUMBER,
  KITH_KIND_YEAR,
  KITH_KIND_MONTH,
  KITH_KIND_DAY,
  KITH_KIND_CODE, /* without blanks, with a digit */
  KITH_KIND_LONG, /* more than eight words, or with an @ */
  /* Of dates: */
  KITH_KIND_DAY_FIRST, /* the first of three numbers is above 12 */
  KITH_KIND_MONTH_FIRST,
  KITH_KIND_YEAR_FIRST, /* of two digits, above 31 */
  KITH_KIND_EITHER,     /* day and month can't be told */
  KITH_KIND_TIME,       /* a time of day that is not midnight */
  KITH_KIND_SERIAL,
  KITH_KIND_COUNT
};

enum { KITH_LOOK_SLOTS = 4096, KITH_LOOK_YEARS = 256, KITH_LOOK_YEAR_FIRST = 1850 };

struct kith_look {
  uint32_t rows;
  uint32_t n;        /* values: neither blank nor a placeholder */
  uint32_t tried;    /* values until half of the hashes are taken */
  uint32_t distinct; /* of those */
  uint32_t capitals; /* values with letters, all of them capitals */
  uint32_t letters;
  uint32_t lens; /* the sum of their bytes */
  uint32_t kinds[KITH_KIND_COUNT];
  uint32_t years[KITH_LOOK_YEARS]; /* of dates, from KITH_LOOK_YEAR_FIRST */
  uint64_t hashes[KITH_LOOK_SLOTS];
};

void kith_look_add(struct kith_look *look, const char *cell);
/* Whether the cell is one of the values. */
bool kith_look_has(struct kith_look *look, const char *cell);
/* The kinds of one text, as bits; 0 where it is blank or a placeholder. */
uint64_t kith_look_kinds(const char *text);
double kith_look_share(const struct kith_look *look, enum kith_kind kind);
/* The year below which a share of the dates is; 0 of none. */
int kith_look_year(const struct kith_look *look, double share);

/* ---- propose_words.c: the names of columns */

struct kith_hint {
  enum kith_role role;
  /* In [0, 1]: 1: it is the whole name, less words such as "client". 0: the name says nothing. */
  double strength;
  bool plural;     /* forenames */
  bool generic;    /* column 3, f7, blank */
  bool others;     /* of another person: mother's, next of kin's */
  unsigned number; /* of "address line 2"; 0: none */
};
/* `name` is valid UTF-8. */
struct kith_hint kith_hint_of(const char *name);

/* ---- propose_lists.c: words of values, folded */

bool kith_word_is_given_name(const char *word);
bool kith_word_is_surname(const char *word);
bool kith_word_is_town(const char *text);
bool kith_word_is_road(const char *word);

/* ---- propose_score.c: what both say */

/* How likely the column is each role: they sum to 1. */
void kith_role_chances(double out[KITH_ROLE_COUNT], const struct kith_hint *hint,
                       const struct kith_look *look);
/* Why the column is thought to be that. */
void kith_role_reason(char out[KITH_PROPOSE_REASON_BYTES], enum kith_role role,
                      const struct kith_hint *hint, const struct kith_look *look);

/* ---- propose.c and propose_settle.c */

struct kith_proposer {
  const char *const *header;
  size_t n_columns;
  size_t n_looked; /* the first of them */
  struct kith_look *looks;
  struct kith_hint *hints;
  double (*chances)[KITH_ROLE_COUNT];
  enum kith_role *roles;
  struct kith_proposal proposal;
};

void kith_proposal_note(struct kith_proposal *proposal, const char *format, ...) KITH_PRINTF(2, 3);
/* The column that has the role; SIZE_MAX: none. */
size_t kith_proposer_column(const struct kith_proposer *proposer, enum kith_role role);
/* propose_settle.c: roles, and how sure they are. */
void kith_proposer_settle(struct kith_proposer *proposer);
/* Whether a column may be the role instead of the one that has it. */
bool kith_proposer_rivals(const struct kith_proposer *proposer, size_t winner, size_t column,
                          enum kith_role role);
/* propose_keys.c: what the roles are in a profile: keys, formats, notes. */
void kith_proposer_keys(struct kith_proposer *proposer);
/* propose_text.c: proposal->builtin. */
KITH_MUST_USE enum kith_err kith_proposer_builtin(struct kith_proposer *proposer);

#endif
