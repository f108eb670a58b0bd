/* The standardiser: known answers for every kind of field, and what it refuses to read. */
#include "tests/unit/standardised.h"

#include "base/text.h"
#include "daemon/pipeline/corpus.h"
#include "daemon/pipeline/fold.h"
#include "daemon/pipeline/parts.h"

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
      {"Mohammed", "mohammed (fine)"},
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
  kith_standardise(&record, outcomes, comma, NULL);
  assert_int_equal(given->n, 2);
  assert_string_equal(given->text[0], "john");
  assert_string_equal(given->text[1], "peter");
  assert_int_equal(outcomes[KITH_FIELD_GIVEN_NAME], KITH_VALUE_REPAIRED);
  kith_standardise(&record, outcomes, known, NULL);
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
  kith_standardise(&record, outcomes, fields, NULL);
  assert_int_equal(strlen(record.values[KITH_FIELD_SURNAME].text[0]), KITH_VALUE_BYTES - 1);
  assert_int_equal(outcomes[KITH_FIELD_SURNAME], KITH_VALUE_REPAIRED);
  for (size_t i = 0; i + 1 < sizeof text; i += 2)
    text[i] = ' ', text[i + 1] = (char)('a' + i / 2 % 26);
  text[sizeof text - 1] = '\0';
  kith_standardise(&record, outcomes, fields, NULL);
  assert_int_equal(record.values[KITH_FIELD_SURNAME].n, KITH_VALUES_MAX);
  /* A cut falls between code points. */
  text[0] = 'a';
  for (size_t i = 1; i + 2 < sizeof text; i += 3)
    memcpy(text + i, "\xe7\x8e\x8b", 3);
  text[sizeof text - 2] = '\0';
  kith_standardise(&record, outcomes, fields, NULL);
  assert_true(kith_utf8_valid(record.values[KITH_FIELD_SURNAME].text[0],
                              strlen(record.values[KITH_FIELD_SURNAME].text[0])));
  /* The longest decomposition there is. */
  for (size_t i = 0; i + 3 < sizeof text; i += 3)
    memcpy(text + i, "\xef\xb7\xba", 3);
  text[sizeof text - 2] = '\0';
  kith_standardise(&record, outcomes, fields, NULL);
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

/* ---- forms */

static const char *form_of(const char *name, bool is_surname)
{
  static char forms[4][KITH_FORM_BYTES];
  static unsigned at;
  char folded[KITH_FOLDED_BYTES];
  char *out = forms[at++ % 4];
  bool mended;

  (void)kith_fold(folded, &mended, name);
  (void)kith_name_form(out, folded, is_surname);
  return out;
}

/* Ways of writing one name, from many traditions, and names that are not the same. */
static void forms(void **state)
{
  static const struct {
    const char *a;
    const char *b;
    bool is_surname;
    bool same;
  } pairs[] = {
      {"Bill", "William", false, true},
      {"Peggy", "Margaret", false, true},
      {"Mohammed", "Muhammad", false, true},
      {"Mehmet", "Mohamud", false, true},
      {"Yusuf", "Joseph", false, true},
      {"Khadija", "Hatice", false, true},
      {"Abdurrahman", "Abdirahman", false, true},
      {"Rehman", "Rahmaan", true, true},
      {"Chowdhury", "Chaudhary", true, true},
      {"Hsu", "Xu", true, true},
      {"Tsai", "Cai", true, true},
      {"Volodymyr", "Vladimir", false, true},
      {"Oleksandr", "Алекса́ндр", false, true},
      {"Юлия", "Yulia", false, true},
      {"Kowalska", "Kowalski", true, true},
      {"Zieliński", "Zielinska", true, true},
      {"Ivanova", "Ivanov", true, true},
      {"Nováková", "Novák", true, true},
      {"Tolstaya", "Tolstoy", true, true},
      {"Petrauskienė", "Petrauskas", true, true},
      {"Markovic", "Marković", true, true},
      {"Rameshbhai", "Ramesh", false, true},
      {"Jaspreet", "Jasprit", false, true},
      {"Sukhwinder", "Sukhvinder", false, true},
      {"Lakshmi", "Laxmi", false, true},
      {"Nguyễn", "Nguyen", true, true},
      {"MacDonald", "McDonald", true, true},
      {"Gonçalves", "Gonzalez", true, true},
      {"Oluwaseun", "Seun", false, true},
      {"Ghebre", "Gebre", false, true},
      {"Philip", "Filip", false, true},
      {"Anna", "Amna", false, false},
      {"Hassan", "Hussain", false, false},
      {"Ali", "Eli", false, false},
      {"Li", "Lu", true, false},
      {"Chen", "Zheng", true, false},
      {"Smith", "Jones", true, false},
      {"Amaka", "Faith", false, false},
      {"Maria", "Mario", false, false},
  };

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(pairs); i++) {
    const char *a = form_of(pairs[i].a, pairs[i].is_surname);
    const char *b = form_of(pairs[i].b, pairs[i].is_surname);

    if ((strcmp(a, b) == 0) != pairs[i].same)
      fail_msg("%s: %s, %s: %s", pairs[i].a, a, pairs[i].b, b);
  }
}

static void forms_check(const char *given, const char *middle, const char *surname,
                        const char *expected)
{
  const char *fields[KITH_FIELD_COUNT] = {[KITH_FIELD_GIVEN_NAME] = given,
                                          [KITH_FIELD_MIDDLE_NAMES] = middle,
                                          [KITH_FIELD_SURNAME] = surname};
  enum kith_outcome outcomes[KITH_FIELD_COUNT];
  static struct kith_record record;
  char all[KITH_VALUES_MAX * KITH_VALUE_BYTES] = "";

  kith_standardise(&record, outcomes, fields, NULL);
  for (unsigned i = 0; i < record.name_forms.n; i++) {
    strcat(all, i ? "|" : "");
    strcat(all, record.name_forms.text[i]);
  }
  assert_string_equal(all, expected);
}

/* Which parts have forms: particles and what very many bear do not, unless there is nothing else.
 */
static void forms_of_records(void **state)
{
  (void)state;
  forms_check("Mei Ling", "", "Wong", "mlng|vang");
  forms_check("Mei-Ling", "", "Wong", "mlng|vang");
  forms_check("Meiling", "", "Wong", "mlng|vang");
  forms_check("Gurpreet", "Kaur", "Dhillon", "grprt|dln|kar");
  forms_check("Gurpreet", "", "Singh Dhillon", "grprt|dln");
  forms_check("Gurpreet", "", "Singh", "grprt|sing");
  forms_check("Mohammed Bilal", "", "Ahmed", "bll|amad");
  forms_check("Mohammed", "", "Ahmed", "mmd|amad");
  forms_check("Anna", "M", "van der Berg", "an|brg");
  forms_check("", "", "", "");
  forms_check("J", "", "Smith", "smt");
  forms_check("小明", "", "王", "小明|王");
}

/* ---- properties: names that differ in case, accents and blanks only are the same */

static uint64_t random_next(uint64_t *random)
{
  *random = *random * 6364136223846793005u + 1442695040888963407u;
  return *random >> 33;
}

static uint64_t random_start(void)
{
  const char *seed = getenv("KITH_TEST_SEED");
  uint64_t random = seed ? (uint64_t)strtoul(seed, NULL, 10) : (uint64_t)getpid();

  print_message("KITH_TEST_SEED=%llu\n", (unsigned long long)random);
  return random;
}

/* A random name of 1 to 3 words of the forms' tables. */
static void random_name(char *out, uint64_t *random)
{
  size_t n = 1 + random_next(random) % 3;

  out[0] = '\0';
  for (size_t i = 0; i < n; i++) {
    bool world = random_next(random) % 2;
    const struct kith_words *list = &kith_word_lists[world ? KITH_WORDS_WORLD : KITH_WORDS_EUROPE];

    strcat(out, i ? " " : "");
    strcat(out, list->words[random_next(random) % list->n].word);
  }
}

/* The same name as another hand types it. */
static void retype(char *out, const char *name, uint64_t *random)
{
  static const char *const accents[] = {"\xcc\x81", "\xcc\x88", "\xcc\xa8", "\xcc\xa7"};

  for (; *name != '\0'; name++) {
    uint64_t how = random_next(random) % 8;

    if (*name == ' ') {
      out += sprintf(out, "%s", how < 2 ? "  " : how < 4 ? "-" : how < 6 ? "\xc2\xa0" : " \t");
      continue;
    }
    *out++ = (char)(how < 4 ? *name - 'a' + 'A' : *name);
    if (how % 4 == 3)
      out += sprintf(out, "%s", accents[random_next(random) % KITH_COUNT_OF(accents)]);
    if (how == 5)
      out += sprintf(out, "\xe2\x80\x8b"); /* zero width */
  }
  strcpy(out, "  ");
}

static void typing(void **state)
{
  uint64_t random = random_start();

  (void)state;
  for (int i = 0; i < 20000; i++) {
    char name[128];
    char other[1024];
    char expected[KITH_VALUES_MAX * KITH_VALUE_BYTES + 32];
    enum kith_field field = i % 2 ? KITH_FIELD_SURNAME : KITH_FIELD_GIVEN_NAME;

    random_name(name, &random);
    retype(other, name, &random);
    snprintf(expected, sizeof expected, "%s", standardised_with(field, name, NULL));
    assert_string_equal(standardised_with(field, other, NULL), expected);
  }
}

/* Folding is idempotent for whatever comes. */
static void folding_anything(void **state)
{
  uint64_t random = random_start();

  (void)state;
  for (int i = 0; i < 20000; i++) {
    char text[400];
    char once[KITH_FOLDED_BYTES];
    char twice[KITH_FOLDED_BYTES];
    size_t len = 0;
    bool mended;

    while (len < 100) {
      uint32_t point = (uint32_t)random_next(&random);

      point = point % 8 < 3   ? 1 + point / 8 % 0x7f
              : point % 8 < 6 ? 0x80 + point / 8 % 0x2f80
                              : 0x80 + point / 8 % 0x2ff00;
      if (point >= 0xd800 && point < 0xe000)
        continue;
      if (point < 0x80) {
        text[len++] = (char)point;
      } else if (point < 0x800) {
        text[len++] = (char)(0xc0 | point >> 6);
        text[len++] = (char)(0x80 | (point & 0x3f));
      } else {
        text[len] = (char)(point < 0x10000 ? 0xe0 | point >> 12 : 0xf0 | point >> 18);
        len++;
        if (point >= 0x10000)
          text[len++] = (char)(0x80 | (point >> 12 & 0x3f));
        text[len++] = (char)(0x80 | (point >> 6 & 0x3f));
        text[len++] = (char)(0x80 | (point & 0x3f));
      }
    }
    text[len] = '\0';
    (void)kith_fold(once, &mended, text);
    (void)kith_fold(twice, &mended, once);
    assert_string_equal(once, twice);
  }
}

/* ---- the lists */

static const struct kith_word *form_find(const char *word)
{
  const struct kith_word *found = kith_word_find(KITH_WORDS_EUROPE, word);

  return found ? found : kith_word_find(KITH_WORDS_WORLD, word);
}

static void lists_in_order(void **state)
{
  (void)state;
  for (size_t i = 1; i < kith_n_letters; i++)
    assert_true(kith_letters[i - 1].letter < kith_letters[i].letter);
  for (size_t list = 0; list < KITH_WORD_LISTS; list++) {
    const struct kith_words *words = &kith_word_lists[list];
    uint64_t starts = 0;

    for (size_t i = 0; i < words->n; i++)
      starts |= (uint64_t)1 << kith_word_start(words->words[i].word);
    if (starts != words->starts)
      fail_msg("list %zu: starts must be 0x%016llx", list, (unsigned long long)starts);
    for (size_t i = 0; i < words->n; i++) {
      char folded[KITH_FOLDED_BYTES];
      bool mended;

      /* As folding leaves it, so that it can be met, and found where it is. */
      (void)kith_fold(folded, &mended, words->words[i].word);
      assert_string_equal(folded, words->words[i].word);
      assert_true(i == 0 || strcmp(words->words[i - 1].word, words->words[i].word) < 0);
      assert_ptr_equal(kith_word_find((enum kith_word_list)list, folded), &words->words[i]);
    }
    assert_null(kith_word_find((enum kith_word_list)list, ""));
    assert_null(kith_word_find((enum kith_word_list)list, "~"));
    assert_null(kith_word_find((enum kith_word_list)list, "no such word there is"));
  }
}

/* A form is final, and no word has two. */
static void forms_agree(void **state)
{
  static const enum kith_word_list lists[] = {KITH_WORDS_EUROPE, KITH_WORDS_WORLD};

  (void)state;
  for (size_t list = 0; list < KITH_COUNT_OF(lists); list++) {
    for (size_t i = 0; i < kith_word_lists[lists[list]].n; i++) {
      const struct kith_word *word = &kith_word_lists[lists[list]].words[i];

      if (form_find(word->other))
        fail_msg("%s -> %s, which has a form of its own", word->word, word->other);
      assert_null(kith_word_find(lists[!list], word->word));
      assert_string_equal(form_of(word->word, false), form_of(word->other, false));
      assert_true(strlen(word->word) > 1 && form_of(word->word, true)[0] != '\0');
    }
  }
}

/* Each word of a list does what the list is for, met as a user would type it. */
static void words_reached(void **state)
{
  static const struct {
    enum kith_word_list list;
    enum kith_field field;
    const char *typed; /* % is the word */
    const char *expected;
  } uses[] = {
      {KITH_WORDS_PLACEHOLDERS, KITH_FIELD_GIVEN_NAME, " %. ", "(placeholder)"},
      {KITH_WORDS_PLACEHOLDERS, KITH_FIELD_TOWN, "%", "(placeholder)"},
      {KITH_WORDS_PLACEHOLDERS, KITH_FIELD_NHS_NUMBER, "%", "(placeholder)"},
      {KITH_WORDS_NAME_PLACEHOLDERS, KITH_FIELD_SURNAME, "(%)", "(placeholder)"},
      {KITH_WORDS_ADDRESS_PLACEHOLDERS, KITH_FIELD_STREET, "%", "(placeholder)"},
      {KITH_WORDS_ADDRESS_PLACEHOLDERS, KITH_FIELD_POSTCODE, "%.", "(placeholder)"},
      {KITH_WORDS_TITLES, KITH_FIELD_GIVEN_NAME, "%. Qqq", "qqq (repaired)"},
      {KITH_WORDS_SUFFIXES, KITH_FIELD_SURNAME, "Qqq %", "qqq (repaired)"},
      {KITH_WORDS_BRACKET_NOTES, KITH_FIELD_SURNAME, "Qqq (% $)", "qqq (repaired)"},
      {KITH_WORDS_NOTES, KITH_FIELD_SURNAME, "Qqq % $", "qqq (repaired)"},
      {KITH_WORDS_ALIASES, KITH_FIELD_GIVEN_NAME, "Qqq % $ Rrr", "qqq|rrr (repaired)"},
      {KITH_WORDS_SURNAME_PREFIXES, KITH_FIELD_SURNAME, "% Qqq", "%qqq (fine)"},
      {KITH_WORDS_PREFIXES, KITH_FIELD_GIVEN_NAME, "%-Qqq", "%qqq (fine)"},
      {KITH_WORDS_STREET_WORDS, KITH_FIELD_STREET, "1 Qqq %", "1|qqq|$ (fine)"},
      {KITH_WORDS_MONTHS, KITH_FIELD_DATE_OF_BIRTH, "% 1985", "y1985|t198|u5|m$|n1985$ (partial)"},
      {KITH_WORDS_DATE_NOTES, KITH_FIELD_DATE_OF_BIRTH, "% 1985", "y1985|t198|u5 (partial)"},
  };

  (void)state;
  for (size_t i = 0; i < KITH_COUNT_OF(uses); i++) {
    const struct kith_words *words = &kith_word_lists[uses[i].list];

    for (size_t j = 0; j < words->n; j++) {
      char text[2][128] = {"", ""};
      const char *from[2] = {uses[i].typed, uses[i].expected};

      for (int k = 0; k < 2; k++) {
        for (const char *c = from[k]; *c != '\0'; c++)
          snprintf(text[k] + strlen(text[k]), 40, "%.*s", *c == '%' || *c == '$' ? 30 : 1,
                   *c == '%'   ? words->words[j].word
                   : *c == '$' ? words->words[j].other
                               : c);
      }
      assert_string_equal(standardised_with(uses[i].field, text[0], NULL), text[1]);
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(letters),
      cmocka_unit_test(given_names),
      cmocka_unit_test(surnames),
      cmocka_unit_test(names_together),
      cmocka_unit_test(bounds),
      cmocka_unit_test(folding_twice),
      cmocka_unit_test(folding_anything),
      cmocka_unit_test(typing),
      cmocka_unit_test(forms),
      cmocka_unit_test(forms_of_records),
      cmocka_unit_test(lists_in_order),
      cmocka_unit_test(forms_agree),
      cmocka_unit_test(words_reached),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
