/* The standardiser: known answers for every kind of field, and what it refuses to read. */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "base/text.h"
#include "daemon/pipeline/corpus.h"
#include "daemon/pipeline/fold.h"
#include "daemon/pipeline/standardise.h"
#include "daemon/pipeline/words.h"

/* One field of a record on its own: "a|b (outcome)". */
static const char *standardised(enum kith_field field, const char *text)
{
  static char out[KITH_VALUES_MAX * KITH_VALUE_BYTES + 32];
  static struct kith_record record;
  enum kith_outcome outcomes[KITH_FIELD_COUNT];
  const char *fields[KITH_FIELD_COUNT] = {NULL};
  size_t len = 0;

  fields[field] = text;
  kith_standardise(&record, outcomes, fields);
  for (unsigned i = 0; i < record.values[field].n; i++)
    len += (size_t)snprintf(out + len, sizeof out - len, "%s%s", i ? "|" : "",
                            record.values[field].text[i]);
  snprintf(out + len, sizeof out - len, "%s(%s)", len ? " " : "",
           kith_outcome_name(outcomes[field]));
  return out;
}

struct answer {
  const char *text;
  const char *expected;
};

static void check_answers(enum kith_field field, const struct answer *answers, size_t n)
{
  for (size_t i = 0; i < n; i++)
    assert_string_equal(standardised(field, answers[i].text), answers[i].expected);
}

static void letters(void **state)
{
  static const struct answer answers[] = {
      {"Anna", "anna (fine)"},
      {" ANNA ", "anna (fine)"},
      {"Zoë", "zoe (fine)"},
      {"Zoe\xcc\x88", "zoe (fine)"},
      {"ZoÃ«", "zoe (repaired)"},
      {"Łukasz", "lukasz (fine)"},
      {"\xc3\x85\xc2\x81ukasz",
       "lukasz (repaired)"}, /* the second byte of "Ł" is a control character */
      {"STRAẞE", "strasse (fine)"},
      {"İpek Işıl", "ipek|isil (fine)"},
      {"Øyvind", "oyvind (fine)"},
      {"Þór", "thor (fine)"},
      {"Đặng", "dang (fine)"},
      {"ﬁona", "fiona (fine)"},
      {"Ａｎｎａ", "anna (fine)"},
      {"Мария", "mariya (fine)"},
      {"Γιώργος", "giorgos (fine)"},
      {"小明", "小明 (fine)"},
      {"مُحَمَّد", "محمد (fine)"},
      {"प्रिया", "प्रिया (fine)"},
  };
  (void)state;
  check_answers(KITH_FIELD_GIVEN_NAME, answers, KITH_COUNT_OF(answers));
}

static void given_names(void **state)
{
  static const struct answer answers[] = {
      {"Mary-Jane", "mary|jane (fine)"},
      {"Mary\xe2\x80\x91Jane", "mary|jane (fine)"},
      {"Mary Jane Mary", "mary|jane (fine)"},
      {"D'Arcy", "darcy (fine)"},
      {"D\xe2\x80\x99"
       "Arcy",
       "darcy (fine)"},
      {"J.", "j (fine)"},
      {"Mr. John", "john (repaired)"},
      {"Dr", "dr (fine)"},
      {"John Jnr", "john (repaired)"},
      {"Robert (Bob)", "robert|bob (fine)"},
      {"Robert (Male)", "robert (repaired)"},
      {"Robert aka Bob", "robert|bob (repaired)"},
      {"R0bert", "robert (repaired)"},
      {"123", "(unusable)"},
      {"Mohammed", "muhammad (fine)"},
      {"Abdul Rahman", "abdulrahman (fine)"},
      {"Abdul", "abdul (fine)"},
      {"", "(missing)"},
      {"  ", "(missing)"},
      {"-", "(placeholder)"},
      {"???", "(placeholder)"},
      {"Unknown", "(placeholder)"},
      {"N/K", "(placeholder)"},
      {"n/a", "(placeholder)"},
      {"Not Known", "(placeholder)"},
      {"no name", "(placeholder)"},
      {"TEST", "(placeholder)"},
      {"xx", "(placeholder)"},
      {"Baby", "(placeholder)"},
      {"Male Infant", "(placeholder)"},
      {"NK", "(placeholder)"},
      {"N K", "n|k (fine)"}, /* initials */
      {"Na", "na (fine)"},
      {"Babette", "babette (fine)"},
  };
  (void)state;
  check_answers(KITH_FIELD_GIVEN_NAME, answers, KITH_COUNT_OF(answers));
}

static void surnames(void **state)
{
  static const struct answer answers[] = {
      {"SMITH", "smith (fine)"},
      {"O'Brien", "obrien (fine)"},
      {"O Brien", "obrien (fine)"},
      {"OBrien", "obrien (fine)"},
      {"Al-Rawi", "alrawi (fine)"},
      {"al rawi", "alrawi (fine)"},
      {"Mc Donald", "mcdonald (fine)"},
      {"Smith-Jones", "smith|jones (fine)"},
      {"Jones Smith", "jones|smith (fine)"},
      {"Smith (DECEASED)", "smith (repaired)"},
      {"Smith - DO NOT USE", "smith (repaired)"},
      {"Smith **DUP**", "smith (repaired)"},
      {"Smith (NEW)", "smith (repaired)"},
      {"New", "new (fine)"},
      {"Smith (nee Jones)", "smith|jones (repaired)"},
      {"5mith", "smith (repaired)"},
      {"SMITH, John", "smith (repaired)"},
      {"x", "(placeholder)"},
      {"DO NOT USE", "(placeholder)"},
  };
  (void)state;
  check_answers(KITH_FIELD_SURNAME, answers, KITH_COUNT_OF(answers));
}

static void dates(void **state)
{
  static const struct answer answers[] = {
      {"1985-04-20", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
      {"20/04/1985", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
      {"20.4.1985", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
      {"20 Apr 85", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
      {"20-APR-1985", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
      {"20th April 1985", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
      {"April 20, 1985", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
      {"19850420", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
      {"20041985", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
      {"1985-04-20T00:00:00", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
      {"1985-04-20 00:00:00.000Z", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
      {"20/04/1985 12:30", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (fine)"},
      {"04/20/1985", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (repaired)"},
      {"1985-20-04", "y1985|t198|u5|m04|d20|x0420|n198504|e198520 (repaired)"},
      {"1/2/03", "y2003|t200|u3|m02|d01|x0102|n200302|e200301 (fine)"},
      {"1/2/26", "y2026|t202|u6|m02|d01|x0102|n202602|e202601 (fine)"},
      {"1/2/27", "y1927|t192|u7|m02|d01|x0102|n192702|e192701 (fine)"},
      {"1985", "y1985|t198|u5 (partial)"},
      {"1985-04", "y1985|t198|u5|m04|n198504 (partial)"},
      {"04/1985", "y1985|t198|u5|m04|n198504 (partial)"},
      {"Apr 1985", "y1985|t198|u5|m04|n198504 (partial)"},
      {"00/04/1985", "y1985|t198|u5|m04|n198504 (partial)"},
      {"xx/04/1985", "y1985|t198|u5|m04|n198504 (partial)"},
      {"01/01/1985", "y1985|t198|u5 (partial)"},
      {"2001-02-29", "y2001|t200|u1|m02|n200102 (partial)"},
      {"2000-02-29", "y2000|t200|u0|m02|d29|x0229|n200002|e200029 (fine)"},
      {"1900-01-01", "(placeholder)"},
      {"01/01/1900", "(placeholder)"},
      {"01/01/01", "(placeholder)"},
      {"1/1/01", "(placeholder)"},
      {"9999-12-31", "(placeholder)"},
      {"00/00/0000", "(placeholder)"},
      {"unknown", "(placeholder)"},
      {"--", "(placeholder)"},
      {"", "(missing)"},
      {"35/17/1985", "(unusable)"},
      {"1985-13-13", "(unusable)"},
      {"20/04/985", "(unusable)"},
      {"20/04/19850", "(unusable)"},
      {"20/04", "(unusable)"},
      {"20/Foo/1985", "(unusable)"},
      {"198504", "(unusable)"},
      {"123456789", "(unusable)"},
      {"1985-04-20-11x", "(unusable)"},
      {"3012-01-02", "(unusable)"},
      {"hello", "(unusable)"},
      {"31137", "(unusable)"},
  };
  (void)state;
  check_answers(KITH_FIELD_DATE_OF_BIRTH, answers, KITH_COUNT_OF(answers));
}

static void sexes_and_postcodes(void **state)
{
  static const struct answer sexes[] = {
      {"M", "m (fine)"},      {"male", "m (fine)"},   {"1", "m (fine)"},
      {"F", "f (fine)"},      {"Female", "f (fine)"}, {"2", "f (fine)"},
      {"9", "(placeholder)"}, {"U", "(placeholder)"}, {"Not recorded", "(placeholder)"},
      {"", "(missing)"},      {"Q", "(unusable)"},    {"12", "(unusable)"},
  };
  static const struct answer postcodes[] = {
      {"CV6 2LU", "cv62lu (fine)"},
      {"cv62lu", "cv62lu (fine)"},
      {" CV6  2LU. ", "cv62lu (fine)"},
      {"SW1A 1AA", "sw1a1aa (fine)"},
      {"M1 1AE", "m11ae (fine)"},
      {"CV6 2LÚ", "cv62lu (fine)"},
      {"CVB 2LU", "cvb2lu (partial)"},
      {"CV6 OLU", "cv60lu (repaired)"},
      {"5W1A 1AA", "sw1a1aa (repaired)"},
      {"CV6", "cv6 (partial)"},
      {"CV6 2", "cv62 (partial)"},
      {"3013", "3013 (fine)"},
      {"90-001", "90001 (fine)"},
      {"NFA", "(placeholder)"},
      {"no fixed abode", "(placeholder)"},
      {"ZZ99 3VZ", "(placeholder)"},
      {"Unknown", "(placeholder)"},
      {"", "(missing)"},
      {"HELLO", "(unusable)"},
      {"7", "(unusable)"},
      {"CV6 2LU and more", "(unusable)"},
  };
  (void)state;
  check_answers(KITH_FIELD_SEX, sexes, KITH_COUNT_OF(sexes));
  check_answers(KITH_FIELD_POSTCODE, postcodes, KITH_COUNT_OF(postcodes));
}

static void addresses(void **state)
{
  static const struct answer answers[] = {
      {"3 High St", "3|high|street (fine)"},
      {"3 High Street.", "3|high|street (fine)"},
      {"12 St Anne's Rd", "12|st|annes|road (fine)"},
      {"Flat 2, 14 Mill Ln", "flat|2|14|mill|lane (fine)"},
      {"Apt 2, 14 Mill La", "flat|2|14|mill|lane (fine)"},
      {"No Fixed Abode", "(placeholder)"},
      {"NFA", "(placeholder)"},
      {"", "(missing)"},
  };
  (void)state;
  check_answers(KITH_FIELD_STREET, answers, KITH_COUNT_OF(answers));
}

static void names_together(void **state)
{
  const char *comma[KITH_FIELD_COUNT] = {[KITH_FIELD_SURNAME] = "SMITH, John Peter"};
  const char *known[KITH_FIELD_COUNT] = {[KITH_FIELD_GIVEN_NAME] = "Robert",
                                         [KITH_FIELD_SURNAME] = "Smith, James",
                                         [KITH_FIELD_KNOWN_AS] = "Bob"};
  enum kith_outcome outcomes[KITH_FIELD_COUNT];
  struct kith_record record;
  const struct kith_values *given = &record.values[KITH_FIELD_GIVEN_NAME];

  (void)state;
  kith_standardise(&record, outcomes, comma);
  assert_int_equal(given->n, 2);
  assert_string_equal(given->text[0], "john");
  assert_string_equal(given->text[1], "peter");
  assert_int_equal(outcomes[KITH_FIELD_GIVEN_NAME], KITH_VALUE_REPAIRED);
  kith_standardise(&record, outcomes, known);
  assert_int_equal(given->n, 2);
  assert_string_equal(given->text[0], "robert");
  assert_string_equal(given->text[1], "bob");
  assert_int_equal(record.values[KITH_FIELD_SURNAME].n, 1);
}

/* Values stay in their bounds, whatever comes. */
static void bounds(void **state)
{
  char text[5000];
  struct kith_record record;
  enum kith_outcome outcomes[KITH_FIELD_COUNT];
  const char *fields[KITH_FIELD_COUNT];

  (void)state;
  for (size_t i = 0; i < KITH_FIELD_COUNT; i++)
    fields[i] = text;
  memset(text, 'a', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  kith_standardise(&record, outcomes, fields);
  assert_int_equal(strlen(record.values[KITH_FIELD_SURNAME].text[0]), KITH_VALUE_BYTES - 1);
  assert_int_equal(outcomes[KITH_FIELD_SURNAME], KITH_VALUE_REPAIRED);
  for (size_t i = 0; i + 1 < sizeof text; i += 2)
    text[i] = ' ', text[i + 1] = (char)('a' + i / 2 % 26);
  text[sizeof text - 1] = '\0';
  kith_standardise(&record, outcomes, fields);
  assert_int_equal(record.values[KITH_FIELD_SURNAME].n, KITH_VALUES_MAX);
  /* A cut falls between code points. */
  text[0] = 'a';
  for (size_t i = 1; i + 2 < sizeof text; i += 3)
    memcpy(text + i, "\xe7\x8e\x8b", 3);
  text[sizeof text - 2] = '\0';
  kith_standardise(&record, outcomes, fields);
  assert_true(kith_utf8_valid(record.values[KITH_FIELD_SURNAME].text[0],
                              strlen(record.values[KITH_FIELD_SURNAME].text[0])));
  /* The longest decomposition there is. */
  for (size_t i = 0; i + 3 < sizeof text; i += 3)
    memcpy(text + i, "\xef\xb7\xba", 3);
  text[sizeof text - 2] = '\0';
  kith_standardise(&record, outcomes, fields);
  assert_true(record.values[KITH_FIELD_TOWN].n > 0);
}

static void folding_twice(void **state)
{
  char once[KITH_FOLDED_BYTES];
  char twice[KITH_FOLDED_BYTES];
  bool mended;

  (void)state;
  for (size_t i = 0; i < kith_corpus_n; i++) {
    for (unsigned j = 0; j < KITH_FIELD_COUNT; j++) {
      if (!kith_corpus[i].fields[j])
        continue;
      (void)kith_fold(once, &mended, kith_corpus[i].fields[j]);
      (void)kith_fold(twice, &mended, once);
      assert_string_equal(once, twice);
      assert_false(mended);
    }
  }
}

static void tables_in_order(void **state)
{
  (void)state;
  for (size_t i = 1; i < kith_n_letters; i++)
    assert_true(kith_letters[i - 1].letter < kith_letters[i].letter);
  /* One form is final: what a spelling becomes is no other spelling. */
  for (size_t i = 0; i < kith_word_lists[KITH_WORDS_SPELLINGS].n; i++)
    assert_null(
        kith_word_find(KITH_WORDS_SPELLINGS, kith_word_lists[KITH_WORDS_SPELLINGS].words[i].other));
  /* Every word is as folding leaves it, so that it can be met. */
  for (size_t list = 0; list < KITH_WORD_LISTS; list++) {
    for (size_t i = 0; i < kith_word_lists[list].n; i++) {
      char folded[KITH_FOLDED_BYTES];
      bool mended;
      (void)kith_fold(folded, &mended, kith_word_lists[list].words[i].word);
      assert_string_equal(folded, kith_word_lists[list].words[i].word);
      assert_ptr_equal(kith_word_find((enum kith_word_list)list, folded),
                       &kith_word_lists[list].words[i]);
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(letters),
      cmocka_unit_test(given_names),
      cmocka_unit_test(surnames),
      cmocka_unit_test(dates),
      cmocka_unit_test(sexes_and_postcodes),
      cmocka_unit_test(addresses),
      cmocka_unit_test(names_together),
      cmocka_unit_test(bounds),
      cmocka_unit_test(folding_twice),
      cmocka_unit_test(tables_in_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
