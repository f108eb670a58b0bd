/* What governance may see of a round in review: what is hidden, rounded, held together; strict
 * bytes. */
#include "tests/unit/unit.h"

#include <string.h>

#include "proto/review.h"

static struct kith_review review;

static int set_up(void **state)
{
  (void)state;
  memset(&review, 0, sizeof review);
  memset(review.round, 7, sizeof review.round);
  review.minimum = 10;
  review.recommended = 800000;
  review.n_agencies = 3;
  strcpy(review.agencies[0], "ash");
  strcpy(review.agencies[1], "birch");
  strcpy(review.agencies[2], "cedar");
  review.n_points = 4;
  for (unsigned i = 0; i < 4; i++)
    review.thresholds[i] = 500000 + i * 100000;
  return 0;
}

static void put(unsigned group, enum kith_review_number what, const uint32_t numbers[4])
{
  for (unsigned i = 0; i < 4; i++)
    review.numbers[i][group][what] = numbers[i];
}

static void expect(unsigned group, enum kith_review_number what, const uint32_t numbers[4])
{
  for (unsigned i = 0; i < 4; i++)
    assert_int_equal(review.numbers[i][group][what], numbers[i]);
}

#define FOUR(a, b, c, d) ((const uint32_t[]){a, b, c, d})

static void test_hides(void **state)
{
  (void)state;
  put(0, KITH_REVIEW_LISTED, FOUR(103, 101, 92, 9));
  put(0, KITH_REVIEW_WRONG, FOUR(12, 9, 2, 0));
  put(0, KITH_REVIEW_WRONG_LOW, FOUR(3, 2, 0, 0));
  put(0, KITH_REVIEW_WRONG_HIGH, FOUR(33, 20, 5, 0));
  kith_review_protect(&review);
  /* 101 and 92 are within ten of 103 and 103; 9 is below the minimum. */
  expect(0, KITH_REVIEW_LISTED, FOUR(105, 105, 90, KITH_REVIEW_HIDDEN));
  expect(0, KITH_REVIEW_WRONG, FOUR(10, 10, KITH_REVIEW_HIDDEN, KITH_REVIEW_HIDDEN));
  expect(0, KITH_REVIEW_WRONG_LOW, FOUR(0, 0, KITH_REVIEW_HIDDEN, KITH_REVIEW_HIDDEN));
  expect(0, KITH_REVIEW_WRONG_HIGH, FOUR(35, 35, KITH_REVIEW_HIDDEN, KITH_REVIEW_HIDDEN));
}

/* 100 in all, 60 and 33: the third is 7, unless another is hidden, too. */
static void test_complement(void **state)
{
  (void)state;
  put(0, KITH_REVIEW_LISTED, FOUR(100, 100, 100, 100));
  put(1, KITH_REVIEW_LISTED, FOUR(60, 60, 60, 60));
  put(2, KITH_REVIEW_LISTED, FOUR(33, 33, 33, 33));
  put(3, KITH_REVIEW_LISTED, FOUR(7, 7, 7, 7));
  kith_review_protect(&review);
  expect(1, KITH_REVIEW_LISTED, FOUR(60, 60, 60, 60));
  for (unsigned group = 2; group <= 3; group++)
    expect(group, KITH_REVIEW_LISTED,
           FOUR(KITH_REVIEW_HIDDEN, KITH_REVIEW_HIDDEN, KITH_REVIEW_HIDDEN, KITH_REVIEW_HIDDEN));
}

static void test_bytes(void **state)
{
  static struct kith_review got;
  struct kith_buf buf;

  (void)state;
  put(6, KITH_REVIEW_MISSED_HIGH, FOUR(0, 5, KITH_REVIEW_HIDDEN, 1 << 29));
  kith_buf_init(&buf, KITH_REVIEW_BYTES_MAX);
  assert_int_equal(kith_review_write(&buf, &review), KITH_OK);
  assert_int_equal(kith_review_read(&got, buf.bytes, buf.len), KITH_OK);
  assert_memory_equal(&got, &review, sizeof got);
  /* Cut anywhere, or with more behind it, it is refused. */
  for (size_t len = 0; len < buf.len; len++)
    assert_int_equal(kith_review_read(&got, buf.bytes, len), KITH_ERR_DATA);
  kith_buf_append(&buf, "", 1);
  assert_int_equal(kith_review_read(&got, buf.bytes, buf.len), KITH_ERR_DATA);
  kith_buf_free(&buf);
}

/* The largest there is fits. */
static void test_largest(void **state)
{
  struct kith_buf buf;

  (void)state;
  review.n_agencies = KITH_AGENCIES_MAX;
  for (unsigned p = 0; p < KITH_AGENCIES_MAX; p++) {
    memset(review.agencies[p], 'a', KITH_MEMBER_ID_BYTES - 1);
    review.agencies[p][0] = (char)('a' + p);
  }
  review.n_points = 26;
  for (unsigned i = 0; i < 26; i++) {
    review.thresholds[i] = 500000 + i * 10000;
    for (unsigned g = 0; g < KITH_REVIEW_GROUPS_MAX; g++)
      for (unsigned k = 0; k < KITH_REVIEW_NUMBERS; k++)
        review.numbers[i][g][k] = 1 << 29;
  }
  kith_buf_init(&buf, KITH_REVIEW_BYTES_MAX);
  assert_int_equal(kith_review_write(&buf, &review), KITH_OK);
  kith_buf_free(&buf);
}

static void test_refuses(void **state)
{
  static struct kith_review got;
  struct kith_buf buf;

  (void)state;
  for (unsigned what = 0; what < 5; what++) {
    (void)set_up(NULL);
    if (what == 0)
      review.thresholds[2] = review.thresholds[1];
    else if (what == 1)
      review.thresholds[3] = 1000001;
    else if (what == 2)
      review.n_points = 0;
    else if (what == 3)
      strcpy(review.agencies[1], "No Member");
    else
      review.numbers[1][2][3] = 1u << 31;
    kith_buf_init(&buf, KITH_REVIEW_BYTES_MAX);
    assert_int_equal(kith_review_write(&buf, &review), KITH_OK);
    assert_int_equal(kith_review_read(&got, buf.bytes, buf.len), KITH_ERR_DATA);
    kith_buf_free(&buf);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_hides, set_up),   cmocka_unit_test_setup(test_complement, set_up),
      cmocka_unit_test_setup(test_bytes, set_up),   cmocka_unit_test_setup(test_largest, set_up),
      cmocka_unit_test_setup(test_refuses, set_up),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
