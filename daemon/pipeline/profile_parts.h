/* Of profiles only: what their text says, for layout.c. */
#ifndef KITH_DAEMON_PIPELINE_PROFILE_PARTS_H
#define KITH_DAEMON_PIPELINE_PROFILE_PARTS_H

#include <stdint.h>

#include "daemon/pipeline/profile.h"

/* What a profile maps columns to: the standard fields, the id, and things that are taken apart. */
enum {
  KITH_KEY_ID = KITH_FIELD_COUNT,
  KITH_KEY_GIVEN_NAMES, /* given name and middle names */
  KITH_KEY_FULL_NAME,
  KITH_KEY_ADDRESS,
  KITH_KEY_OTHER_BIRTH, /* a second date of birth, to be held against the first */
  KITH_KEY_COUNT
};

enum { KITH_CHOICES_MAX = 8, KITH_JOINED_MAX = 4 };

enum kith_name_format { KITH_NAME_SURNAME_FIRST, KITH_NAME_SURNAME_LAST };
enum kith_address_format {
  KITH_ADDRESS_STREET,
  KITH_ADDRESS_STREET_TOWN,
  KITH_ADDRESS_STREET_TOWN_POSTCODE
};

/* Columns that are joined. */
struct kith_profile_choice {
  unsigned n_names;
  const char *names[KITH_JOINED_MAX];
};

/* The first choice of which a table has all columns. */
struct kith_profile_column {
  char *text; /* owned; what the names point into. NULL: not mapped */
  bool optional;
  unsigned n_choices;
  struct kith_profile_choice choices[KITH_CHOICES_MAX];
};

struct kith_profile {
  char *name;
  char *about;
  struct kith_profile_column columns[KITH_KEY_COUNT];
  unsigned name_format;
  unsigned address_format;
  enum kith_date_order date_order;
  bool headerless; /* the first row is a row */
};

/* What a key is taken from: 0-based; *n is 0 where the table has none of its columns. */
const uint32_t *kith_layout_columns(const struct kith_layout *layout, unsigned key, unsigned *n);

/* "given_name", "id", "full_name", ..., static. */
const char *kith_profile_key_name(unsigned key);

#endif
