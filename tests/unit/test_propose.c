/* Proposals: what names and values of columns are taken for, formats, what can't be told, and the
 * profile that is written. Everybody here is made up. */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "daemon/pipeline/profile.h"
#include "daemon/pipeline/propose.h"
#include "daemon/pipeline/propose_parts.h"

enum { COLUMNS_MAX = 16 };

/* ---- names of columns */

struct named {
  const char *name;
  enum kith_role role;
};

static void names(void **state)
{
  static const struct named cases[] = {
      {"DOB", KITH_ROLE_BIRTH},
      {"Date of Birth", KITH_ROLE_BIRTH},
      {"D.O.B.", KITH_ROLE_BIRTH},
      {"D O B", KITH_ROLE_BIRTH},
      {"clientDateOfBirth", KITH_ROLE_BIRTH},
      {"BIRTH_DT", KITH_ROLE_BIRTH},
      {"Patient's date of birth", KITH_ROLE_BIRTH},
      {"FORENAME(S)", KITH_ROLE_GIVEN},
      {"firstName", KITH_ROLE_GIVEN},
      {"FIRST-NAME", KITH_ROLE_GIVEN},
      {"Legal forename", KITH_ROLE_GIVEN},
      {"Forename 2", KITH_ROLE_MIDDLE},
      {"Family name", KITH_ROLE_SURNAME},
      {"Client surname", KITH_ROLE_SURNAME},
      {"LAST_NAME", KITH_ROLE_SURNAME},
      {"Prénom", KITH_ROLE_GIVEN},
      {"Preferred forename", KITH_ROLE_KNOWN_AS},
      {"Client Name", KITH_ROLE_FULL_NAME},
      {"Postcode", KITH_ROLE_POSTCODE},
      {"Post Code", KITH_ROLE_POSTCODE},
      {"PCODE", KITH_ROLE_POSTCODE},
      {"homePostCode", KITH_ROLE_POSTCODE},
      {"Gender", KITH_ROLE_SEX},
      {"M/F", KITH_ROLE_SEX},
      {"NHS No", KITH_ROLE_NHS},
      {"NHSNumber", KITH_ROLE_NHS},
      {"N.H.S. Number", KITH_ROLE_NHS},
      {"UPN", KITH_ROLE_UPN},
      {"addr1", KITH_ROLE_STREET},
      {"Address Line 1", KITH_ROLE_STREET},
      {"Town/City", KITH_ROLE_TOWN},
      {"Last seen", KITH_ROLE_RECORD_DATE},
      {"Date of referral", KITH_ROLE_RECORD_DATE},
      {"Client Ref", KITH_ROLE_ID},
      {"ethnicity", KITH_ROLE_NONE},
      {"Email address", KITH_ROLE_NONE},
      {"Place of birth", KITH_ROLE_NONE},
      {"Date of death", KITH_ROLE_NONE},
  };
  (void)state;

  for (size_t i = 0; i < KITH_COUNT_OF(cases); i++) {
    const struct kith_hint hint = kith_hint_of(cases[i].name);

    if (hint.role != cases[i].role || hint.strength < 0.7 || hint.others)
      fail_msg("%s: role %d, %f", cases[i].name, (int)hint.role, hint.strength);
  }
  assert_true(kith_hint_of("FORENAME(S)").plural && !kith_hint_of("Forename").plural);
}

static void names_that_do_not_tell(void **state)
{
  static const char *const generic[] = {"",           "Column1", "col_7",  "F12",
                                        "Unnamed: 3", "A",       "field 2"};
  static const char *const of_others[] = {"Mother's surname", "GP postcode", "School name",
                                          "nextOfKinDOB", "Key worker surname"};
  static const char *const nothing[] = {"Smoke alarms", "Wing", "Über", "123", "__", "名前"};
  char longest[5000];
  (void)state;

  for (size_t i = 0; i < KITH_COUNT_OF(generic); i++) {
    assert_true(kith_hint_of(generic[i]).generic);
    assert_true(kith_hint_of(generic[i]).strength < 0.5);
  }
  for (size_t i = 0; i < KITH_COUNT_OF(of_others); i++)
    assert_true(kith_hint_of(of_others[i]).others);
  for (size_t i = 0; i < KITH_COUNT_OF(nothing); i++)
    assert_true(kith_hint_of(nothing[i]).strength == 0);
  memset(longest, 'a', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  assert_true(kith_hint_of(longest).strength == 0);
}

/* ---- tables */

struct table {
  const char *const *header;
  size_t n_columns;
  const char *const *cells; /* n_rows x n_columns */
  size_t n_rows;
  unsigned times; /* the rows are given that often */
};

static enum kith_err looked_at(struct kith_proposer **out, const struct kith_proposal **proposal,
                               const struct table *table)
{
  struct kith_proposer *proposer = NULL;
  size_t lens[COLUMNS_MAX] = {0};
  enum kith_err err = kith_proposer_new(&proposer, table->header, table->n_columns);

  if (err != KITH_OK)
    return err;
  for (unsigned time = 0; time < (table->times ? table->times : 1); time++) {
    for (size_t i = 0; i < table->n_rows; i++) {
      const struct kith_table_row row = {.cells = table->cells + i * table->n_columns,
                                         .lens = lens,
                                         .n_cells = table->n_columns,
                                         .row = i + 2};
      kith_proposer_add(proposer, &row);
    }
  }
  err = kith_proposer_finish(proposal, proposer);
  if (err == KITH_OK)
    *out = proposer;
  else
    kith_proposer_free(proposer);
  return err;
}

static const struct kith_proposal *proposed(struct kith_proposer **out, const struct table *table)
{
  const struct kith_proposal *proposal = NULL;

  assert_int_equal(looked_at(out, &proposal, table), KITH_OK);
  return proposal;
}

/* The profile that is written is one, and fits the table. */
static char *written(const struct kith_proposal *proposal, const struct table *table)
{
  struct kith_profile *profile = NULL;
  struct kith_layout *layout = NULL;
  struct kith_fault fault = {0};
  struct kith_buf text;
  char *copy;

  kith_buf_init(&text, 0);
  assert_int_equal(kith_proposal_write(&text, proposal, "made;\nup"), KITH_OK);
  copy = kith_strndup((const char *)text.bytes, text.len);
  kith_buf_free(&text);
  assert_non_null(copy);
  if (kith_profile_parse(&profile, copy, "proposed", &fault) != KITH_OK)
    fail_msg("%s\n%s", fault.text, copy);
  assert_int_equal(
      kith_layout_new(&layout, profile, table->header, table->n_columns, "table", &fault), KITH_OK);
  assert_int_equal(kith_profile_headerless(profile), proposal->headerless);
  kith_layout_free(layout);
  kith_profile_free(profile);
  return copy;
}

static void expect(const struct table *table, const char *const *keys)
{
  struct kith_proposer *proposer = NULL;
  const struct kith_proposal *proposal = proposed(&proposer, table);

  for (size_t i = 0; i < table->n_columns; i++) {
    const char *key = proposal->columns[i].key;

    if ((key == NULL) != (keys[i] == NULL) || (key && strcmp(key, keys[i]) != 0))
      fail_msg("column %zu: %s instead of %s: %s", i + 1, key ? key : "none",
               keys[i] ? keys[i] : "none", proposal->columns[i].reason);
  }
  kith_free(written(proposal, table));
  kith_proposer_free(proposer);
}

/* Whether a note has the words. */
static bool notes(const struct kith_proposal *proposal, const char *words)
{
  for (unsigned i = 0; i < proposal->n_notes; i++)
    if (strstr(proposal->notes[i], words))
      return true;
  return false;
}

#define TABLE(header, cells)                                                                       \
  {                                                                                                \
    (header), KITH_COUNT_OF(header), (cells), KITH_COUNT_OF(cells) / KITH_COUNT_OF(header), 1      \
  }

static const char *const people[] = {
    "K-101",      "Smith",    "John Paul",    "24/05/1990", "1",       "12 High Street",
    "Coventry",   "CV1 2AB",  "White",        "K-102",      "Khan",    "Aisha",
    "01/12/1985", "2",        "14 Mill Lane", "Coventry",   "CV1 2AC", "Asian",
    "K-103",      "Brown",    "Thomas",       "03/04/1980", "1",       "16 Mill Lane",
    "Coventry",   "CV1 2AD",  "White",        "K-104",      "Taylor",  "Mary Ann",
    "30/04/2004", "2",        "3 Elm Road",   "Coventry",   "CV1 2AE", "White",
    "K-105",      "Williams", "Grace",        "13/09/1961", "2",       "5 Elm Road",
    "Coventry",   "CV2 2AE",  "Mixed",
};

static void with_names_and_without(void **state)
{
  static const char *const keys[] = {
      "id", "surname", "given_names", "date_of_birth", "sex", "street", "town", "postcode", NULL};
  static const char *const plain[] = {"Ref",   "Family name", "FORENAME(S)", "D.O.B.",   "Gender",
                                      "addr1", "addr2",       "PCODE",       "ethnicity"};
  static const char *const camel[] = {"clientId",    "lastName",   "firstNames",
                                      "dateOfBirth", "genderCode", "addressLine1",
                                      "postTown",    "postCode",   "ethnicOrigin"};
  static const char *const none[] = {"Column1", "Column2", "Column3", "Column4", "Column5",
                                     "Column6", "Column7", "Column8", "Column9"};
  const struct table tables[] = {TABLE(plain, people), TABLE(camel, people), TABLE(none, people)};
  (void)state;

  for (size_t i = 0; i < 2; i++)
    expect(&tables[i], keys);
  /* Without names the last column may be thought a name: no more than unsure. */
  {
    struct kith_proposer *proposer = NULL;
    const struct kith_proposal *proposal = proposed(&proposer, &tables[2]);

    for (size_t i = 0; i < 8; i++)
      assert_string_equal(proposal->columns[i].key, keys[i]);
    assert_true(!proposal->columns[8].key || proposal->columns[8].sure == KITH_UNSURE);
    assert_false(proposal->headerless);
    kith_proposer_free(proposer);
  }
}

static void without_a_header(void **state)
{
  const struct table table = {people, 9, people + 9, 4, 1};
  struct kith_proposer *proposer = NULL;
  const struct kith_proposal *proposal = proposed(&proposer, &table);
  char *text = written(proposal, &table);
  (void)state;

  assert_true(proposal->headerless && proposal->rows == 5);
  for (size_t i = 0; i < 9; i++) {
    assert_null(proposal->columns[i].name);
    assert_null(strstr(text, people[i]) && strlen(people[i]) > 3 ? text : NULL);
  }
  assert_non_null(strstr(text, "id = #1\n"));
  assert_non_null(strstr(text, "surname = #2\n"));
  assert_non_null(strstr(text, "header = none\n"));
  assert_true(notes(proposal, "looks like a person"));
  kith_free(text);
  kith_proposer_free(proposer);
}

/* Words of names of columns are in people's rows, too; and cells of rows in names of columns. */
static void headers_that_look_like_rows(void **state)
{
  static const char *const row[] = {"1", "Ward", "Rose", "24/05/1990", "12 High Street", "CV1 2AB"};
  static const char *const header[] = {"id 1",   "name 1",         "name 2",
                                       "date 1", "Address line 1", "postcode 1"};
  static const char *const cells[] = {
      "2", "House",  "Ann",   "04/11/1991", "14 High Street", "CV1 2AD",
      "3", "Street", "Aisha", "01/02/1985", "16 London Road", "CV1 2AC"};
  static const char *const strange[] = {"voornaam", "achternaam"};
  static const char *const names_only[] = {"Smith", "John", "Khan", "Aisha"};
  const struct {
    struct table table;
    bool headerless;
  } cases[] = {
      {TABLE(row, cells), true}, {TABLE(header, cells), false}, {TABLE(strange, names_only), true}};
  (void)state;

  for (size_t i = 0; i < KITH_COUNT_OF(cases); i++) {
    struct kith_proposer *proposer = NULL;

    assert_int_equal(proposed(&proposer, &cases[i].table)->headerless, cases[i].headerless);
    kith_proposer_free(proposer);
  }
}

static void full_names_and_addresses(void **state)
{
  static const char *const header[] = {"ref", "name", "address"};
  static const char *const comma[] = {
      "1", "SMITH, John",      "12 High Street, Coventry, CV1 2AB",
      "2", "KHAN, Aisha Bibi", "3 Mill Lane, Rugby, CV21 2AB",
      "3", "BROWN, Ann",       "Flat 2, 5 Elm Road, Rugby, CV21 3AB"};
  static const char *const plain[] = {"1", "John Smith",  "12 High Street, Coventry",
                                      "2", "Aisha Khan",  "3 Mill Lane, Rugby",
                                      "3", "Ann M Brown", "5 Elm Road, Rugby"};
  static const char *const shout[] = {"1", "SMITH John", "12 High Street",
                                      "2", "KHAN Aisha", "3 Mill Lane",
                                      "3", "BROWN Ann",  "5 Elm Road"};
  const struct {
    struct table table;
    const char *name;
    const char *address;
  } cases[] = {{TABLE(header, comma), "surname, forenames", "street, town, postcode"},
               {TABLE(header, plain), "forenames surname", "street, town"},
               {TABLE(header, shout), "surname, forenames", NULL}};
  (void)state;

  for (size_t i = 0; i < KITH_COUNT_OF(cases); i++) {
    struct kith_proposer *proposer = NULL;
    const struct kith_proposal *proposal = proposed(&proposer, &cases[i].table);

    assert_string_equal(proposal->columns[1].key, "full_name");
    assert_string_equal(proposal->name_format, cases[i].name);
    assert_non_null(proposal->columns[2].key);
    assert_string_equal(proposal->columns[2].key, cases[i].address ? "address" : "street");
    if (cases[i].address)
      assert_string_equal(proposal->address_format, cases[i].address);
    kith_free(written(proposal, &cases[i].table));
    kith_proposer_free(proposer);
  }
}

static void orders_of_dates(void **state)
{
  static const char *const header[] = {"id", "dob"};
  static const char *const dmy[] = {"1", "24/05/1990", "2", "01/02/1985", "3", "03/04/1960"};
  static const char *const mdy[] = {"1", "05/24/1990", "2", "01/02/1985", "3", "03/04/1960"};
  static const char *const ymd[] = {"1", "90/05/24", "2", "85/02/01", "3", "60/04/03"};
  static const char *const iso[] = {"1", "1990-05-24", "2", "1985-02-01", "3", "1960-04-03"};
  static const char *const words[] = {"1", "24 May 1990", "2", "1-Feb-85", "3", "3 April 1960"};
  static const char *const serial[] = {"1", "33017", "2", "31079", "3", "22009"};
  static const char *const either[] = {"1", "04/05/1990", "2", "01/02/1985", "3", "03/04/1960"};
  static const char *const both[] = {"1", "24/05/1990", "2", "01/22/1985", "3", "25/04/1960"};
  const struct {
    struct table table;
    const char *order;
    const char *note;
  } cases[] = {{TABLE(header, dmy), "dmy", NULL},
               {TABLE(header, mdy), "mdy", NULL},
               {TABLE(header, ymd), "ymd", NULL},
               {TABLE(header, iso), NULL, NULL},
               {TABLE(header, words), NULL, NULL},
               {TABLE(header, serial), NULL, NULL},
               {TABLE(header, either), "dmy", "can't be told"},
               {TABLE(header, both), "dmy", "in two orders"}};
  (void)state;

  for (size_t i = 0; i < KITH_COUNT_OF(cases); i++) {
    struct kith_proposer *proposer = NULL;
    const struct kith_proposal *proposal = proposed(&proposer, &cases[i].table);

    assert_string_equal(proposal->columns[1].key, "date_of_birth");
    if (cases[i].order)
      assert_string_equal(proposal->date_order, cases[i].order);
    else
      assert_null(proposal->date_order);
    assert_true(cases[i].note ? notes(proposal, cases[i].note) : proposal->n_notes == 0);
    kith_proposer_free(proposer);
  }
}

static void columns_that_are_joined(void **state)
{
  static const char *const header[] = {"id",         "surname", "birth day", "birth month",
                                       "birth year", "house",   "road"};
  static const char *const cells[] = {"1", "Smith", "4",  "5", "1990", "12",  "High Street",
                                      "2", "Khan",  "14", "2", "1985", "3a",  "Mill Lane",
                                      "3", "Brown", "31", "1", "1960", "100", "Elm Road"};
  const struct table table = TABLE(header, cells);
  struct kith_proposer *proposer = NULL;
  const struct kith_proposal *proposal = proposed(&proposer, &table);
  char *text = written(proposal, &table);
  (void)state;

  assert_non_null(strstr(text, "date_of_birth = birth year + birth month + birth day\n"));
  assert_non_null(strstr(text, "street = house + road\n"));
  kith_free(text);
  kith_proposer_free(proposer);
}

static void what_is_ambiguous(void **state)
{
  static const char *const header[] = {"id", "surname", "Surname (2)", "dob", "date of birth"};
  static const char *const cells[] = {"1", "Smith", "Jones", "24/05/1990", "24/05/1990",
                                      "1", "Khan",  "Shah",  "01/02/1985", "01/03/1985",
                                      "3", "Brown", "Green", "03/04/1960", "03/04/1960"};
  const struct table table = TABLE(header, cells);
  struct kith_proposer *proposer = NULL;
  const struct kith_proposal *proposal = proposed(&proposer, &table);
  char *text = written(proposal, &table);
  (void)state;

  assert_true(notes(proposal, "may both be the surname"));
  assert_true(proposal->columns[1].sure < KITH_SURE);
  assert_string_equal(proposal->columns[3].key, "date_of_birth");
  assert_string_equal(proposal->columns[4].key, "other_date_of_birth");
  /* An id that is not one. */
  assert_true(proposal->row_id && notes(proposal, "numbers of rows"));
  assert_non_null(strstr(text, "id = #row\n"));
  assert_true(proposal->n_missing > 0);
  kith_free(text);
  kith_proposer_free(proposer);
}

/* A profile can't have these names, or not these alone. */
static void names_that_a_profile_can_not_have(void **state)
{
  static const char *const header[] = {"Ref | No", "surname?",  "first+name", "dob ; uk",
                                       "",         "post_code", "Post Code"};
  static const char *const cells[] = {
      "A1", "Smith", "John",  "24/05/1990", "m", "CV1 2AB", "CV1 2AB",
      "A2", "Khan",  "Aisha", "01/02/1985", "f", "CV1 2AC", "CV1 2AC",
      "A3", "Brown", "Ann",   "03/04/1960", "f", "CV1 2AD", "CV1 2AD"};
  const struct table table = TABLE(header, cells);
  struct kith_proposer *proposer = NULL;
  const struct kith_proposal *proposal = proposed(&proposer, &table);
  char *text = written(proposal, &table);
  (void)state;

  assert_non_null(strstr(text, "id = #1\n"));
  assert_non_null(strstr(text, "surname = #2\n"));
  assert_non_null(strstr(text, "given_name = #3\n"));
  assert_non_null(strstr(text, "date_of_birth = #4\n"));
  assert_non_null(strstr(text, "sex = #5\n"));
  assert_non_null(strstr(text, "postcode = #6\n"));
  kith_free(text);
  kith_proposer_free(proposer);
}

static void built_in_profiles(void **state)
{
  static const char *const header[] = {"No", "Name", "Birthday", "Gender", "Address", "Post Code"};
  static const char *const cells[] = {
      "1", "John Smith", "24/05/1990", "M", "12 High Street, Coventry", "CV1 2AB",
      "2", "Aisha Khan", "01/02/1985", "F", "14 Mill Lane, Coventry",   "CV1 2AC",
      "3", "Ann Brown",  "03/04/1960", "F", "16 Mill Lane, Coventry",   "CV1 2AD"};
  static const char *const mdy[] = {
      "1", "John Smith", "05/24/1990", "M", "12 High Street, Coventry", "CV1 2AB",
      "2", "Aisha Khan", "01/02/1985", "F", "14 Mill Lane, Coventry",   "CV1 2AC",
      "3", "Ann Brown",  "03/04/1960", "F", "16 Mill Lane, Coventry",   "CV1 2AD"};
  const struct table fits = TABLE(header, cells);
  const struct table other = TABLE(header, mdy);
  struct kith_proposer *proposer = NULL;
  (void)state;

  assert_string_equal(proposed(&proposer, &fits)->builtin, "charity");
  kith_proposer_free(proposer);
  assert_null(proposed(&proposer, &other)->builtin);
  kith_proposer_free(proposer);
}

static void odd_tables(void **state)
{
  static const char *const one[] = {"id"};
  static const char *const blank[] = {"", "", ""};
  static const char *const blanks[] = {"", " ", "?", "n/a", "", "unknown"};
  static const char *const names_only[] = {"id", "surname", "dob"};
  const struct table tables[] = {{one, 1, NULL, 0, 1},
                                 {blank, 3, blanks, 2, 1},
                                 {names_only, 3, NULL, 0, 1},
                                 {people, 0, NULL, 0, 1}};
  struct kith_proposer *proposer = NULL;
  (void)state;

  for (size_t i = 0; i < KITH_COUNT_OF(tables); i++) {
    const struct kith_proposal *proposal = proposed(&proposer, &tables[i]);

    kith_free(written(proposal, &tables[i]));
    for (size_t j = 0; j < tables[i].n_columns; j++)
      assert_true(!proposal->columns[j].key || proposal->columns[j].sure < KITH_SURE);
    kith_proposer_free(proposer);
  }
}

/* The sample grows slower and slower, and ends. */
static void many_rows(void **state)
{
  static const char *const header[] = {"id", "surname"};
  static const char *const cells[] = {"1", "Smith"};
  const struct table table = {header, 2, cells, 1, KITH_PROPOSE_ROWS_MAX + 1000};
  struct kith_proposer *proposer = NULL;
  const struct kith_proposal *proposal = proposed(&proposer, &table);
  (void)state;

  assert_int_equal(proposal->rows, KITH_PROPOSE_ROWS_MAX);
  assert_true(proposal->sample > 3000 && proposal->sample < 6000);
  kith_proposer_free(proposer);
}

static void titles_above_the_header(void **state)
{
  static const char *const header[] = {"id", "surname"};
  static const char *const cells[] = {"1", "Smith", "2002"};
  size_t lens[3] = {0};
  const struct kith_table_row ragged = {
      .cells = cells, .lens = lens, .n_cells = 3, .row = 2, .problem = KITH_CSV_RAGGED};
  const struct kith_proposal *proposal;
  struct kith_proposer *proposer = NULL;
  (void)state;

  assert_int_equal(kith_proposer_new(&proposer, header, 2), KITH_OK);
  kith_proposer_add(proposer, &ragged);
  assert_int_equal(kith_proposer_finish(&proposal, proposer), KITH_OK);
  assert_true(proposal->ragged == 1 && proposal->sample == 0 && notes(proposal, "a title"));
  kith_proposer_free(proposer);
}

static void allocations(void **state)
{
  static const char *const header[] = {"Ref",   "Family name", "FORENAME(S)", "D.O.B.",   "Gender",
                                       "addr1", "addr2",       "PCODE",       "ethnicity"};
  const struct table table = TABLE(header, people);
  (void)state;

  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_proposer *proposer = NULL;
    const struct kith_proposal *proposal = NULL;
    struct kith_buf text;
    enum kith_err err = looked_at(&proposer, &proposal, &table);

    kith_buf_init(&text, 0);
    if (err == KITH_OK)
      err = kith_proposal_write(&text, proposal, "");
    kith_buf_free(&text);
    kith_proposer_free(proposer);
    if (err == KITH_OK)
      unit_allocations_done();
    else
      assert_int_equal(err, KITH_ERR_MEMORY);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names),
      cmocka_unit_test(names_that_do_not_tell),
      cmocka_unit_test(with_names_and_without),
      cmocka_unit_test(without_a_header),
      cmocka_unit_test(headers_that_look_like_rows),
      cmocka_unit_test(full_names_and_addresses),
      cmocka_unit_test(orders_of_dates),
      cmocka_unit_test(columns_that_are_joined),
      cmocka_unit_test(what_is_ambiguous),
      cmocka_unit_test(names_that_a_profile_can_not_have),
      cmocka_unit_test(built_in_profiles),
      cmocka_unit_test(odd_tables),
      cmocka_unit_test(many_rows),
      cmocka_unit_test(titles_above_the_header),
      cmocka_unit_test(allocations),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
