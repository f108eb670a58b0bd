/* Sources: columns by name, rows set aside by rule, ids kept in step, and running out of memory. */
#include "tests/unit/unit.h"

#include "base/mem.h"
#include "daemon/pipeline/source.h"

static const char *csv(void **state, const char *text)
{
  return unit_file(state, "source.csv", text, strlen(text));
}

static enum kith_err open_file(struct kith_source **out, const char *path, struct kith_fault *fault)
{
  const struct kith_source_spec spec = kith_source_of_file(path);

  return kith_source_open(out, &spec, fault);
}

static struct kith_source *opened(void **state, const char *text)
{
  struct kith_source *source = NULL;
  struct kith_fault fault = {0};

  assert_int_equal(open_file(&source, csv(state, text), &fault), KITH_OK);
  return source;
}

static void columns(void **state)
{
  struct kith_source *source =
      opened(state, "extra,Surname,ID,given_name,nhs\nx,Ray,7,Ann,1\ny,Roe,8,Bob,2\n");
  struct kith_source_row row;

  assert_true(kith_source_has(source, KITH_FIELD_SURNAME));
  assert_false(kith_source_has(source, KITH_FIELD_SEX));
  assert_int_equal(kith_source_ignored_columns(source), 2);
  assert_int_equal(kith_source_next(source, &row, NULL), KITH_OK);
  assert_int_equal(row.row, 2);
  assert_string_equal(row.id, "7");
  assert_string_equal(row.fields[KITH_FIELD_SURNAME], "Ray");
  assert_string_equal(row.fields[KITH_FIELD_GIVEN_NAME], "Ann");
  assert_null(row.fields[KITH_FIELD_SEX]);
  assert_int_equal(kith_source_next(source, &row, NULL), KITH_OK);
  assert_int_equal(kith_source_next(source, &row, NULL), KITH_ERR_NOT_FOUND);
  assert_true(kith_source_share(source) > 0.3);
  kith_source_free(source);
}

static void headers_refused(void **state)
{
  static const char *const bad[] = {
      "", "given_name\nAnn\n", "id,ID\n1,2\n", "id,sex,SEX\n1,2,3\n", "\n", "id,\"sex\n1,2\n"};
  struct kith_source *source = NULL;
  struct kith_fault fault;

  for (size_t i = 0; i < KITH_COUNT_OF(bad); i++)
    assert_int_equal(open_file(&source, csv(state, bad[i]), &fault), KITH_ERR_DATA);
  assert_int_equal(open_file(&source, *state, &fault), KITH_ERR_NO_INPUT);
  assert_int_equal(open_file(&source, unit_path(state, "none"), &fault), KITH_ERR_NO_INPUT);
  assert_null(source);
}

static void rows_set_aside(void **state)
{
  static const enum kith_row_rule rules[] = {
      KITH_ROW_FINE,   KITH_ROW_REPEATED_ID, KITH_ROW_NO_ID,  KITH_ROW_NO_ID,  KITH_ROW_RAGGED,
      KITH_ROW_RAGGED, KITH_ROW_BAD_TEXT,    KITH_ROW_BAD_ID, KITH_ROW_BAD_ID, KITH_ROW_FINE};
  char text[512];
  char long_id[KITH_ID_BYTES_MAX + 2] = {0};
  struct kith_source *source;
  struct kith_source_row row;
  struct kith_ids ids;
  const struct kith_row_fault *faults;
  size_t n;

  memset(long_id, 'i', KITH_ID_BYTES_MAX + 1);
  snprintf(text, sizeof text,
           "id,surname\n1,\xc3\xa1\n1,b\n,c\n \t,d\n2\n3,e,f\n4,\xe9\n%s,g\n\"5\n6\",h\n2,i\n",
           long_id);
  source = opened(state, text);
  for (size_t i = 0; i < KITH_COUNT_OF(rules); i++) {
    assert_int_equal(kith_source_next(source, &row, NULL), KITH_OK);
    assert_int_equal(row.rule, rules[i]);
    assert_true((row.fields[KITH_FIELD_SURNAME] != NULL) == (row.rule == KITH_ROW_FINE));
  }
  assert_int_equal(kith_source_next(source, &row, NULL), KITH_ERR_NOT_FOUND);
  assert_int_equal(kith_source_set_aside_all(source), 8);
  assert_int_equal(kith_source_set_aside(source, KITH_ROW_NO_ID), 2);
  faults = kith_source_faults(source, &n);
  assert_int_equal(n, 8);
  assert_int_equal(faults[0].row, 3);
  assert_int_equal(faults[0].column, 1);
  assert_int_equal(faults[3].column, 0);
  assert_int_equal(faults[5].column, 2);
  kith_source_take_ids(source, &ids);
  assert_int_equal(ids.n, 10);
  assert_string_equal(kith_ids_at(&ids, 0), "1");
  assert_string_equal(kith_ids_at(&ids, 1), "1");
  assert_string_equal(kith_ids_at(&ids, 4), "");
  assert_string_equal(kith_ids_at(&ids, 9), "2");
  kith_ids_free(&ids);
  kith_source_free(source);
}

static void strict_stops(void **state)
{
  static const char *const bad[] = {"id,sex\n1,a\n1,secretvalue\n", "id,sex\n1,a\n,secretvalue\n",
                                    "id,sex\n1,a\nsecretvalue\n",
                                    "id,sex\n1,\xc3\xa1\nsecretvalue,\xff\n"};
  for (size_t i = 0; i < KITH_COUNT_OF(bad); i++) {
    struct kith_source *source = NULL;
    struct kith_source_row row;
    struct kith_fault fault = {0};
    struct kith_source_spec spec = kith_source_of_file(csv(state, bad[i]));

    spec.strict = true;
    assert_int_equal(kith_source_open(&source, &spec, &fault), KITH_OK);
    assert_int_equal(kith_source_next(source, &row, &fault), KITH_OK);
    assert_int_equal(kith_source_next(source, &row, &fault), KITH_ERR_DATA);
    assert_non_null(strstr(fault.text, "row 3"));
    assert_null(strstr(fault.text, "secretvalue"));
    kith_source_free(source);
  }
}

/* Enough ids for the index to grow several times; all of them once more. */
static void many_ids(void **state)
{
  enum { N = 20000 };
  const char *path = unit_path(state, "many.csv");
  FILE *file = fopen(path, "wb");
  struct kith_source *source = NULL;
  struct kith_source_row row;

  fprintf(file, "id\n");
  for (int i = 0; i < 2 * N; i++)
    fprintf(file, "person-%d\n", i % N);
  fclose(file);
  assert_int_equal(open_file(&source, path, NULL), KITH_OK);
  for (int i = 0; i < 2 * N; i++) {
    assert_int_equal(kith_source_next(source, &row, NULL), KITH_OK);
    assert_int_equal(row.rule, i < N ? KITH_ROW_FINE : KITH_ROW_REPEATED_ID);
  }
  assert_int_equal(kith_source_set_aside_all(source), N);
  kith_source_free(source);
}

static void no_memory(void **state)
{
  const char *path = csv(state, "id,surname\n1,a\n2,b\n2,c\n");

  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_source *source = NULL;
    struct kith_source_row row;
    struct kith_fault fault = {0};
    enum kith_err err = open_file(&source, path, &fault);

    while (err == KITH_OK)
      err = kith_source_next(source, &row, &fault);
    kith_source_free(source);
    if (err == KITH_ERR_NOT_FOUND)
      unit_allocations_done();
    else
      assert_int_equal(err, KITH_ERR_MEMORY);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(columns),        cmocka_unit_test(headers_refused),
      cmocka_unit_test(rows_set_aside), cmocka_unit_test(strict_stops),
      cmocka_unit_test(many_ids),       cmocka_unit_test(no_memory),
  };
  return cmocka_run_group_tests(tests, unit_folder_make, unit_folder_remove);
}
