#include "base/csv.h"

#include <zlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "tests/unit/unit.h"

/* The whole file as one string: fields in <>, rows with their number, flags as ! and ?. Ends
 * with the error's name where there is one; *fault has its text. */
static char *read_all(const char *path, const struct kith_csv_limits *limits,
                      struct kith_fault *fault)
{
  struct kith_buf all = {0};
  struct kith_csv *csv = NULL;
  struct kith_csv_row row;
  enum kith_err err;

  memset(fault, 0, sizeof *fault);
  err = kith_csv_open(&csv, path, limits, fault);
  while (err == KITH_OK && (err = kith_csv_next(csv, &row, fault)) == KITH_OK) {
    kith_buf_printf(&all, "%llu%s", (unsigned long long)row.row, row.ragged ? "!" : "");
    if (row.bad_text)
      kith_buf_printf(&all, "?%zu", row.bad_column);
    for (size_t i = 0; i < row.n_fields; i++) {
      assert_int_equal(strlen(row.fields[i]), row.lens[i]);
      kith_buf_printf(&all, "<%s>", row.fields[i]);
    }
  }
  if (err != KITH_ERR_NOT_FOUND)
    kith_buf_append_string(&all, kith_err_name(err));
  kith_buf_append(&all, "", 1);
  assert_int_equal(kith_buf_err(&all), KITH_OK);
  kith_csv_free(csv);
  return (char *)all.bytes;
}

struct sample {
  const char *text;
  size_t len;
  const char *rows;
  const char *fault; /* after the path */
};
#define SAMPLE(text, rows, fault)                                                                  \
  {                                                                                                \
    (text), sizeof(text) - 1, (rows), (fault)                                                      \
  }

static const struct sample accepted[] = {
    SAMPLE("id,n\n1,2\n", "2<1><2>", ""),
    SAMPLE("id,n\r\n1,2\r\n\r\n3,4\r\n", "2<1><2>4<3><4>", ""),
    SAMPLE("id,n\r1,2\r\r3,4\r", "2<1><2>4<3><4>", ""),
    SAMPLE("id,n\n1,2", "2<1><2>", ""),
    SAMPLE("id,n\n1,", "2<1><>", ""),
    SAMPLE("id,n\n,", "2<><>", ""),
    SAMPLE("id,n\n", "", ""),
    SAMPLE("id,n", "", ""),
    SAMPLE("id,n\n\n\n1,2\n\n", "4<1><2>", ""),
    SAMPLE("id\n1\n\n2\n", "2<1>3<>4<2>", ""),
    SAMPLE("\xef\xbb\xbf\"id\",n\n1,2\n", "2<1><2>", ""),
    SAMPLE("id,n\n\"a \"\"b\"\",\r\nc\", x \n", "2<a \"b\",\r\nc>< x >", ""),
    SAMPLE("id,n\n\"\",\"\"\n\"\n\",2", "2<><>3<\n><2>", ""),
    SAMPLE("id,n\n1,2,3\n4\n5,6\n", "2!<1><2><3>3!<4>4<5><6>", ""),
    SAMPLE("id,n\n\xe9,2\n3,\xc3\xa9\n4,Andr\xe9\n", "2?0<\xe9><2>3<3><\xc3\xa9>4?1<4><Andr\xe9>",
           ""),
};

static const struct sample refused[] = {
    SAMPLE("", "bad input data", ": is empty; expected a header row"),
    SAMPLE("\xef\xbb\xbf", "bad input data", ": is empty; expected a header row"),
    SAMPLE("\n\na,b\n", "bad input data", ": row 1 is blank; expected a header row"),
    SAMPLE("a,b,a\n1,2,3\n", "bad input data", ": row 1: columns 1 and 3 have the same name"),
    SAMPLE("a,,\n1,2,3\n", "bad input data", ": row 1: columns 2 and 3 have the same name"),
    SAMPLE("a,\xe9\n1,2\n", "bad input data", ": row 1, column 2: the column's name is not UTF-8"),
    SAMPLE("\xff\xfe"
           "a\0,\0b\0\n\0",
           "bad input data", ": row 1, column 1: the field has a NUL"),
    SAMPLE("a,b\n1,2\n3,x\0y\n", "2<1><2>bad input data",
           ": row 3, column 2 (b): the field has a NUL"),
    SAMPLE("a,b\n\0,2\n", "bad input data", ": row 2, column 1 (a): the field has a NUL"),
    SAMPLE("a,b\n1,x\"y\n", "bad input data", ": row 2, column 2 (b): a quote out of place"),
    SAMPLE("a,b\n\"x\"y,1\n", "bad input data", ": row 2, column 1 (a): a quote out of place"),
    SAMPLE("a,b\n1,2\n3, \"x\"\n", "2<1><2>bad input data",
           ": row 3, column 2 (b): a quote out of"),
    SAMPLE("a,b\n1,\"x\ny\n", "bad input data", ": row 2, column 2 (b): the file ends inside"),
    SAMPLE("a,b\n1,123456789\n", "over a limit", ": row 2, column 2 (b): the field is longer"),
    SAMPLE("a,b\n123456789\n", "over a limit", ": row 2, column 1 (a): the field is longer"),
    SAMPLE("a,b\n1,\"2345\n,\n,89\n,\n", "over a limit",
           ": row 2, column 2 (b): the field is longer"),
    SAMPLE("123456789,b\n", "over a limit", ": row 1, column 1: the field is longer"),
    SAMPLE("a,b\n1,2,3,4,5\n", "over a limit", ": row 2, column 5: the row has more columns"),
    SAMPLE("a,b,c,d,e\n", "over a limit", ": row 1, column 5: the row has more columns"),
    /* A file without a header: the words of its first record stay out of messages. */
    SAMPLE("7,smith\n8,x\"y\n", "bad input data", ": row 2, column 2: a quote out of place"),
};

static void reads_what_it_should(void **state)
{
  struct kith_fault fault;

  for (size_t i = 0; i < KITH_COUNT_OF(accepted); i++) {
    const char *path = unit_file(state, "a.csv", accepted[i].text, accepted[i].len);
    KITH_AUTO_FREE char *rows = read_all(path, NULL, &fault);

    assert_string_equal(rows, accepted[i].rows);
  }
}

static void refuses_what_it_should(void **state)
{
  const struct kith_csv_limits limits = {.max_field_bytes = 8, .max_columns = 4};
  struct kith_fault fault;

  for (size_t i = 0; i < KITH_COUNT_OF(refused); i++) {
    const char *path = unit_file(state, "r.csv", refused[i].text, refused[i].len);
    KITH_AUTO_FREE char *rows = read_all(path, &limits, &fault);
    size_t path_len = strlen(path);

    assert_string_equal(rows, refused[i].rows);
    assert_memory_equal(fault.text, path, path_len);
    if (strncmp(fault.text + path_len, refused[i].fault, strlen(refused[i].fault)) != 0)
      fail_msg("expected \"%s\", got \"%s\"", refused[i].fault, fault.text + path_len);
  }
}

static void refuses_no_file(void **state)
{
  struct kith_fault fault;
  struct kith_csv *csv;

  assert_int_equal(kith_csv_open(&csv, unit_path(state, "none.csv"), NULL, &fault),
                   KITH_ERR_NO_INPUT);
  assert_int_equal(kith_csv_open(&csv, *state, NULL, &fault), KITH_ERR_NO_INPUT);
  assert_non_null(strstr(fault.text, "is a directory"));
}

/* Rows of every length around the size of a chunk, and a long quoted field across chunks. */
static void reads_across_chunks(void **state)
{
  for (size_t len = 65500; len < 65560; len++) {
    struct kith_csv_limits limits = {.max_field_bytes = 200000};
    KITH_AUTO_FREE char *text = kith_calloc(len + 64, 1);
    struct kith_csv *csv;
    struct kith_csv_row row;
    struct kith_fault fault;
    const char *path;

    memcpy(text, "a,b\r\n1,\"", 8);
    memset(text + 8, '\n', len);
    memcpy(text + 8 + len, "\"\r\n\xc3\xa9,2\r\n", 9);
    path = unit_file(state, "c.csv", text, len + 8 + 9);
    assert_int_equal(kith_csv_open(&csv, path, &limits, &fault), KITH_OK);
    assert_int_equal(kith_csv_next(csv, &row, &fault), KITH_OK);
    assert_int_equal(row.lens[1], len);
    assert_int_equal(kith_csv_next(csv, &row, &fault), KITH_OK);
    assert_int_equal(row.row, 3);
    assert_string_equal(row.fields[0], "\xc3\xa9");
    assert_int_equal(kith_csv_next(csv, &row, &fault), KITH_ERR_NOT_FOUND);
    assert_int_equal(kith_csv_next(csv, &row, &fault), KITH_ERR_NOT_FOUND);
    kith_csv_free(csv);
  }
}

static void reads_gzip(void **state)
{
  const char *path = unit_path(state, "z.csv.gz");
  gzFile file = gzopen(path, "wb");
  struct kith_fault fault;
  char *rows;
  long size;
  FILE *stream;

  assert_int_equal(gzputs(file, "id,n\n1,2\n3,4\n"), 13);
  assert_int_equal(gzclose(file), Z_OK);
  rows = read_all(path, NULL, &fault);
  assert_string_equal(rows, "2<1><2>3<3><4>");
  kith_free(rows);

  stream = fopen(path, "rb");
  fseek(stream, 0, SEEK_END);
  size = ftell(stream);
  fclose(stream);
  for (long cut = 11; cut < size; cut++) {
    assert_int_equal(truncate(path, size - (cut - 10)), 0);
    rows = read_all(path, NULL, &fault);
    assert_non_null(strstr(rows, "bad input data"));
    kith_free(rows);
  }
}

static void finds_columns(void **state)
{
  const char *path = unit_file(state, "h.csv", "id,name\n", 8);
  struct kith_csv *csv;
  size_t n;

  assert_int_equal(kith_csv_open(&csv, path, NULL, NULL), KITH_OK);
  assert_string_equal(kith_csv_header(csv, &n)[1], "name");
  assert_int_equal(n, 2);
  assert_int_equal(kith_csv_column(csv, "name"), 1);
  assert_true(kith_csv_column(csv, "Name") == SIZE_MAX);
  kith_csv_free(csv);
  kith_csv_free(NULL);
}

static void memory_runs_out(void **state)
{
  const char *path = unit_file(state, "m.csv", "id,n\n\"a\",2\n3,4\n", 15);

  UNIT_EACH_ALLOCATION(n)
  {
    struct kith_csv *csv = NULL;
    struct kith_csv_row row;
    struct kith_fault fault = {0};
    unsigned n_rows = 0;
    enum kith_err err = kith_csv_open(&csv, path, NULL, &fault);

    while (err == KITH_OK && (err = kith_csv_next(csv, &row, &fault)) == KITH_OK)
      n_rows++;
    if (err == KITH_ERR_NOT_FOUND) {
      assert_int_equal(n_rows, 2);
      /* libcsv may have asked again for less: it ends when no allocation was left to fail. */
      if (kith_failpoint_reached() < n)
        unit_allocations_done();
    } else {
      assert_int_equal(err, KITH_ERR_MEMORY);
      assert_int_equal(fault.err, KITH_ERR_MEMORY);
    }
    kith_csv_free(csv);
  }
}

static void writes_fields(void **state)
{
  char *text = NULL;
  size_t len;
  FILE *stream = open_memstream(&text, &len);

  (void)state;
  kith_csv_write_field(stream, "plain text");
  putc(',', stream);
  kith_csv_write_field(stream, "");
  putc(',', stream);
  kith_csv_write_field(stream, "a,\"b\"\r\nc");
  fclose(stream);
  assert_string_equal(text, "plain text,,\"a,\"\"b\"\"\r\nc\"");
  free(text);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_what_it_should), cmocka_unit_test(refuses_what_it_should),
      cmocka_unit_test(refuses_no_file),      cmocka_unit_test(reads_across_chunks),
      cmocka_unit_test(reads_gzip),           cmocka_unit_test(finds_columns),
      cmocka_unit_test(memory_runs_out),      cmocka_unit_test(writes_fields),
  };

  return cmocka_run_group_tests(tests, unit_folder_make, unit_folder_remove);
}
