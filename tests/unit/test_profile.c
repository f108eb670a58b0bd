/* Profiles: what their text may say, how columns are found, and how names and addresses are taken
 * apart. */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "daemon/pipeline/profile.h"

static struct kith_profile *parsed(const char *text)
{
  struct kith_profile *profile = NULL;
  struct kith_fault fault = {0};

  assert_int_equal(kith_profile_parse(&profile, text, "made up", &fault), KITH_OK);
  return profile;
}

static void builtin(void **state)
{
  (void)state;
  size_t n = 0;

  for (; kith_profile_builtin(n).name; n++) {
    struct kith_profile *profile = NULL;

    assert_int_equal(kith_profile_load(&profile, kith_profile_builtin(n).name, NULL), KITH_OK);
    assert_string_equal(kith_profile_name(profile), kith_profile_builtin(n).name);
    assert_true(strlen(kith_profile_about(profile)) > 5);
    kith_profile_free(profile);
  }
  assert_true(n >= 11);
}

static void refusals(void **state)
{
  static const char *const bad[] = {
      "",
      "[columns]\ngiven_name = a\n",
      "[columns]\nid =\n",
      "[columns]\nid = a ?\n",
      "[columns]\nid = a |\n",
      "[columns]\nid = a + \n",
      "[columns]\nid = a+b+c+d+e\n",
      "[columns]\nid = a|b|c|d|e|f|g|h|i\n",
      "[columns]\nid = a\nshoe_size = b\n",
      "[columns]\nid = a\n[formats]\nfull_name = backwards\n",
      "[columns]\nid = a\n[formats]\ndates = dym\n",
      "[columns]\nid = a\n[formats]\naddress = town, street\n",
      "[columns]\nid = a\n[colours]\nx = y\n",
      "[columns]\nid = a\n[formats]\nheader = two\n",
      "[columns]\nid = a\nid = b\n",
  };
  struct kith_fault fault = {0};
  (void)state;

  for (size_t i = 0; i < KITH_COUNT_OF(bad); i++) {
    struct kith_profile *profile = NULL;

    assert_int_equal(kith_profile_parse(&profile, bad[i], "made up", &fault), KITH_ERR_CONFIG);
    assert_non_null(strstr(fault.text, "made up"));
    assert_null(profile);
  }
}

static void loading(void **state)
{
  static const char text[] = "[columns]\nid = ref\n";
  struct kith_profile *profile = NULL;
  struct kith_fault fault = {0};

  assert_int_equal(kith_profile_load(&profile, "polise", &fault), KITH_ERR_NO_INPUT);
  assert_int_equal(kith_profile_load(&profile, unit_path(state, "none.profile"), &fault),
                   KITH_ERR_NO_INPUT);
  assert_int_equal(
      kith_profile_load(&profile, unit_file(state, "own.profile", text, sizeof text - 1), &fault),
      KITH_OK);
  kith_profile_free(profile);
}

static void columns(void **state)
{
  static const char *const header[] = {"REF No",   " First-Name", "extra",
                                       "surname ", "House",       "Road"};
  static const char *const twice[] = {"ref_no", "Ref No", "first name"};
  static const char *const without[] = {"ref_no", "Mary"};
  const char *const cells[] = {"7", "Ann", "x", "Lee", "12", "High St"};
  struct kith_profile *profile = parsed("[columns]\n"
                                        "id = number | ref_no\n"
                                        "given_name = forename | first_name\n"
                                        "surname = surname ?\n"
                                        "postcode = postcode ?\n"
                                        "street = house + road ?\n");
  struct kith_layout *layout = NULL;
  struct kith_fault fault = {0};
  const char *fields[KITH_FIELD_COUNT];
  (void)state;

  assert_int_equal(kith_layout_new(&layout, profile, header, 6, "t", &fault), KITH_OK);
  assert_string_equal(kith_layout_apply(layout, cells, fields), "7");
  assert_string_equal(fields[KITH_FIELD_GIVEN_NAME], "Ann");
  assert_string_equal(fields[KITH_FIELD_SURNAME], "Lee");
  assert_string_equal(fields[KITH_FIELD_STREET], "12 High St");
  assert_null(fields[KITH_FIELD_POSTCODE]);
  assert_true(kith_layout_has(layout, KITH_FIELD_STREET));
  assert_false(kith_layout_has(layout, KITH_FIELD_POSTCODE));
  assert_int_equal(kith_layout_ignored(layout), 1);
  kith_layout_free(layout);
  assert_int_equal(kith_layout_new(&layout, profile, twice, 3, "t", &fault), KITH_ERR_DATA);
  assert_int_equal(kith_layout_new(&layout, profile, without, 2, "t", &fault), KITH_ERR_DATA);
  assert_non_null(strstr(fault.text, "forename"));
  assert_null(strstr(fault.text, "Mary"));
  kith_profile_free(profile);
}

/* Places instead of names, with a header and without. */
static void places(void **state)
{
  static const char *const header[] = {"A1", "Smith", "#1", "Surname"};
  const char *const cells[] = {"A2", "Khan", "x", "y"};
  static const struct {
    const char *text;
    const char *id;
    const char *surname;
  } cases[] = {{"[columns]\nid = #1\nsurname = #2\n", "A2", "Khan"},
               {"[columns]\nid = #1\nsurname = surname\n", "A2", "y"},
               {"[columns]\nid = #5 | #3\nsurname = #9 ?\n", "x", NULL},
               {"[columns]\nid = #row\nsurname = #2 + #1\n", "", "Khan A2"},
               /* Without a header nothing has a name. */
               {"[columns]\nid = #1\nsurname = surname ?\n[formats]\nheader = none\n", "A2", NULL}};
  static const char *const bad[] = {"[columns]\nid = #5\n", "[columns]\nid = #0\n",
                                    "[columns]\nid = #x\n", "[columns]\nid = #1x\n",
                                    "[columns]\nid = a1\n[formats]\nheader = none\n"};
  (void)state;

  for (size_t i = 0; i < KITH_COUNT_OF(cases); i++) {
    struct kith_profile *profile = parsed(cases[i].text);
    struct kith_layout *layout = NULL;
    const char *fields[KITH_FIELD_COUNT];

    assert_int_equal(kith_layout_new(&layout, profile, header, 4, "t", NULL), KITH_OK);
    assert_string_equal(kith_layout_apply(layout, cells, fields), cases[i].id);
    assert_int_equal(kith_layout_id_is_row(layout), cases[i].id[0] == '\0');
    if (cases[i].surname)
      assert_string_equal(fields[KITH_FIELD_SURNAME], cases[i].surname);
    else
      assert_null(fields[KITH_FIELD_SURNAME]);
    kith_layout_free(layout);
    kith_profile_free(profile);
  }
  for (size_t i = 0; i < KITH_COUNT_OF(bad); i++) {
    struct kith_profile *profile = parsed(bad[i]);
    struct kith_layout *layout = NULL;

    assert_int_equal(kith_layout_new(&layout, profile, header, 4, "t", NULL), KITH_ERR_DATA);
    kith_profile_free(profile);
  }
}

struct split {
  const char *text;
  const char *parts[3];
};

static void check_splits(const char *profile_text, const enum kith_field of[3],
                         const struct split *splits, size_t n)
{
  static const char *const header[] = {"id", "x"};
  struct kith_profile *profile = parsed(profile_text);
  struct kith_layout *layout = NULL;

  assert_int_equal(kith_layout_new(&layout, profile, header, 2, "t", NULL), KITH_OK);
  for (size_t i = 0; i < n; i++) {
    const char *const cells[] = {"1", splits[i].text};
    const char *fields[KITH_FIELD_COUNT];

    (void)kith_layout_apply(layout, cells, fields);
    for (unsigned part = 0; part < 3; part++)
      assert_string_equal(fields[of[part]] ? fields[of[part]] : "", splits[i].parts[part]);
  }
  kith_layout_free(layout);
  kith_profile_free(profile);
}

static void names(void **state)
{
  static const enum kith_field of[] = {KITH_FIELD_SURNAME, KITH_FIELD_GIVEN_NAME,
                                       KITH_FIELD_MIDDLE_NAMES};
  static const struct split first[] = {{"SMITH, John Paul", {"SMITH", "John", "Paul"}},
                                       {" LEE ,Ann ", {"LEE", "Ann", ""}},
                                       {"O BRIEN, Mary", {"O BRIEN", "Mary", ""}},
                                       {"Nguyen Thi Lan", {"Nguyen", "Thi", "Lan"}},
                                       {"Almaz", {"Almaz", "", ""}},
                                       {"VAN DER BERG Ann Mary", {"VAN DER BERG", "Ann", "Mary"}},
                                       {"SMITH JOHN", {"SMITH", "JOHN", ""}},
                                       {"SMITH J Paul", {"SMITH", "J", "Paul"}},
                                       {", John", {"", "John", ""}},
                                       {"", {"", "", ""}}};
  static const struct split last[] = {{"John Paul Smith", {"Smith", "John", "Paul"}},
                                      {"Smith, John", {"Smith", "John", ""}},
                                      {"  Ann  ", {"Ann", "", ""}},
                                      {"", {"", "", ""}}};
  static const struct split given[] = {{"STEPHEN ALEXANDER", {"", "STEPHEN", "ALEXANDER"}},
                                       {" Ann", {"", "Ann", ""}}};
  (void)state;

  check_splits("[columns]\nid = id\nfull_name = x\n", of, first, KITH_COUNT_OF(first));
  check_splits("[columns]\nid = id\nfull_name = x\n[formats]\nfull_name = forenames surname\n", of,
               last, KITH_COUNT_OF(last));
  check_splits("[columns]\nid = id\ngiven_names = x\n", of, given, KITH_COUNT_OF(given));
}

static void addresses(void **state)
{
  static const enum kith_field of[] = {KITH_FIELD_STREET, KITH_FIELD_TOWN, KITH_FIELD_POSTCODE};
  static const struct split whole[] = {
      {"70 Milton Avenue, Warwick, CV34 4NZ", {"70 Milton Avenue", "Warwick", "CV34 4NZ"}},
      {"Flat 5, 3 High St, Coventry, CV1 2AB", {"Flat 5, 3 High St", "Coventry", "CV1 2AB"}},
      {"70 Milton Avenue, Warwick", {"70 Milton Avenue", "Warwick", ""}},
      {"70 Milton Avenue", {"70 Milton Avenue", "", ""}},
      {"CV34 4NZ", {"", "", "CV34 4NZ"}},
      {"3 High St, Coventry, cv12ab", {"3 High St", "Coventry", "cv12ab"}},
      {"3 High St, Flat 2B", {"3 High St", "Flat 2B", ""}},
      {"Coventry, 12 High", {"Coventry", "12 High", ""}},
      {"", {"", "", ""}}};
  static const struct split two[] = {
      {"56 Shakespeare Road, Coventry", {"56 Shakespeare Road", "Coventry", ""}},
      {"no fixed abode", {"no fixed abode", "", ""}}};
  (void)state;

  check_splits("[columns]\nid = id\naddress = x\n[formats]\naddress = street, town, postcode\n", of,
               whole, KITH_COUNT_OF(whole));
  check_splits("[columns]\nid = id\naddress = x\n[formats]\naddress = street, town\n", of, two,
               KITH_COUNT_OF(two));
}

/* Different parts make different ids. */
static void joined_ids(void **state)
{
  static const char *const header[] = {"a", "b"};
  static const struct {
    const char *const cells[2];
    const char *id;
  } cases[] = {{{"A", "B"}, "A/B"},      {{"A", ""}, "A/"},        {{"", "A"}, "/A"},
               {{"A/B", "C"}, "A//B/C"}, {{"A", "B/C"}, "A/B//C"}, {{"/", "/"}, "/////"}};
  struct kith_profile *profile = parsed("[columns]\nid = a + b\n");
  struct kith_layout *layout = NULL;
  (void)state;

  assert_int_equal(kith_layout_new(&layout, profile, header, 2, "t", NULL), KITH_OK);
  for (size_t i = 0; i < KITH_COUNT_OF(cases); i++) {
    const char *fields[KITH_FIELD_COUNT];

    assert_string_equal(kith_layout_apply(layout, cases[i].cells, fields), cases[i].id);
  }
  kith_layout_free(layout);
  kith_profile_free(profile);
}

/* Longer than a field is looked at: cut between code points. */
static void long_names(void **state)
{
  static const char *const header[] = {"id", "x"};
  struct kith_profile *profile = parsed("[columns]\nid = id\nfull_name = x\n");
  struct kith_layout *layout = NULL;
  const char *fields[KITH_FIELD_COUNT];
  char text[3 * KITH_FIELD_BYTES_MAX + 1];
  const char *const cells[] = {"1", text};
  (void)state;

  for (size_t i = 0; i < KITH_FIELD_BYTES_MAX; i++)
    memcpy(text + 3 * i, "\xe4\xb8\xad", 3);
  text[3 * KITH_FIELD_BYTES_MAX] = '\0';
  assert_int_equal(kith_layout_new(&layout, profile, header, 2, "t", NULL), KITH_OK);
  (void)kith_layout_apply(layout, cells, fields);
  assert_int_equal(strlen(fields[KITH_FIELD_SURNAME]) % 3, 0);
  assert_in_range(strlen(fields[KITH_FIELD_SURNAME]), KITH_FIELD_BYTES_MAX - 3,
                  KITH_FIELD_BYTES_MAX);
  kith_layout_free(layout);
  kith_profile_free(profile);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(builtin),   cmocka_unit_test(refusals),   cmocka_unit_test(loading),
      cmocka_unit_test(columns),   cmocka_unit_test(places),     cmocka_unit_test(names),
      cmocka_unit_test(addresses), cmocka_unit_test(long_names), cmocka_unit_test(joined_ids),
  };
  return cmocka_run_group_tests(tests, unit_folder_make, unit_folder_remove);
}
