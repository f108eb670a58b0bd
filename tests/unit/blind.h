/* What tests of blind comparison share: a policy, keys, and agencies from lines of CSV. */
#ifndef KITH_TESTS_UNIT_BLIND_H
#define KITH_TESTS_UNIT_BLIND_H

#include "base/mem.h"
#include "daemon/pipeline/blind.h"
#include "matcher/linkage/blind.h"
#include "proto/policy_blind.h"
#include "tests/unit/unit.h"

static struct kith_policy policy;

static inline struct kith_secret *secret_of(const char *text)
{
  struct kith_secret *secret = NULL;

  assert_int_equal(kith_secret_copy(&secret, text, strlen(text)), KITH_OK);
  return secret;
}

static inline struct kith_secret *pair_key(const char *secret, const char *a, const char *b)
{
  struct kith_secret *ikm = secret_of(secret);
  struct kith_secret *key = NULL;

  assert_int_equal(kith_blind_pair_key(&key, ikm, NULL, 0, a, b), KITH_OK);
  kith_secret_free(ikm);
  return key;
}

/* ---- an agency from lines of CSV */

struct agency {
  struct kith_blind_agency blind;
  struct kith_encoded encoded;
  struct kith_secret *secret;
};

static const char heading[] = "id,given_name,middle_names,surname,date_of_birth,sex,postcode\n";

static inline void agency_make(struct agency *agency, void **state, const char *name,
                               const char *lines)
{
  const struct kith_pipeline_options options = {.n_threads = 1};
  const char *path = unit_path(state, name);
  struct kith_source_spec spec;
  struct kith_fault fault = {0};
  FILE *file = fopen(path, "w");

  assert_non_null(file);
  assert_true(fputs(heading, file) >= 0 && fputs(lines, file) >= 0 && fclose(file) == 0);
  *agency = (struct agency){.secret = secret_of(name)};
  spec = kith_source_of_file(path);
  if (kith_blind_read(&agency->blind, &agency->encoded, &policy, agency->secret, &spec, &options,
                      &fault) != KITH_OK)
    fail_msg("%s", fault.text);
  assert_int_equal(kith_blind_merge_duplicates(&agency->blind), KITH_OK);
}

static inline void agency_free(struct agency *agency)
{
  kith_blind_agency_free(&agency->blind);
  kith_encoded_free(&agency->encoded);
  kith_secret_free(agency->secret);
}

/* n people, whom `seed` makes; rows of both agencies of a pair are of the same people. */
static inline char *people(unsigned first, unsigned n)
{
  static const char *const given[] = {"amelia", "oliver", "priya", "mohammed", "zofia", "chidi",
                                      "mei",    "jack",   "ruby",  "theo",     "noor",  "ivan"};
  static const char *const family[] = {"smith", "patel", "khan",  "nowak", "okafor", "jones",
                                       "chen",  "singh", "brown", "ahmed", "fischer"};
  char *text = NULL;
  size_t len = 0;
  FILE *file = open_memstream(&text, &len);

  for (unsigned i = first; i < first + n; i++)
    fprintf(file, "R%u,%s,,%s,%u-%02u-%02u,%c,CV%u %uAB\n", i, given[i * 7 % 12],
            family[i * 5 % 11], 1960 + i * 13 % 60, 1 + i * 17 % 12, 1 + i * 23 % 28,
            i % 2 ? 'F' : 'M', 1 + i % 6, i * 3 % 10);
  assert_int_equal(fclose(file), 0);
  return text;
}

static inline int set_up(void **state)
{
  static const char agencies[2][KITH_MEMBER_ID_BYTES] = {"a", "b"};

  kith_policy_default(&policy, agencies, 2);
  kith_policy_default_blind(&policy);
  return unit_folder_make(state);
}

#endif
