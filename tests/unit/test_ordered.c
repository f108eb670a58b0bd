#include <stdatomic.h>

#include "base/mem.h"
#include "base/ordered.h"
#include "tests/unit/unit.h"

enum { BLOCKS = 500, SLOTS_MAX = 2 * KITH_ORDERED_THREADS_MAX + 1 };

/* Blocks of numbers: what is filled in is squared by the work. */
struct numbers {
  uint64_t slots[SLOTS_MAX];
  size_t n_slots;
  unsigned n_threads;
  uint64_t n_filled;
  uint64_t n_blocks;
  uint64_t last_given;
  bool content_at_end;
  atomic_uint_fast64_t n_worked;
  atomic_bool strange;
};

static bool fill(void *context, size_t slot, bool *ended)
{
  struct numbers *numbers = context;

  if (slot >= numbers->n_slots || numbers->n_filled - numbers->last_given > numbers->n_slots)
    atomic_store(&numbers->strange, true);
  *ended = numbers->n_filled + (numbers->content_at_end ? 1 : 0) >= numbers->n_blocks;
  if (numbers->n_filled >= numbers->n_blocks)
    return false;
  numbers->slots[slot] = ++numbers->n_filled;
  return true;
}

static void work(void *context, size_t slot, unsigned thread)
{
  struct numbers *numbers = context;

  if (thread >= numbers->n_threads)
    atomic_store(&numbers->strange, true);
  if (numbers->slots[slot] % 7 == 0) /* some take long */
    for (volatile int i = 0; i < 20000; i++)
      ;
  numbers->slots[slot] *= numbers->slots[slot];
  atomic_fetch_add(&numbers->n_worked, 1);
}

static void start(struct numbers *numbers, struct kith_ordered **ordered, unsigned n_threads,
                  uint64_t n_blocks, bool content_at_end)
{
  const struct kith_ordered_how how = {fill, work, numbers};

  memset(numbers, 0, sizeof *numbers);
  numbers->n_threads = n_threads;
  numbers->n_slots = kith_ordered_slots(n_threads);
  numbers->n_blocks = n_blocks;
  numbers->content_at_end = content_at_end;
  assert_int_equal(kith_ordered_new(ordered, &how, n_threads), KITH_OK);
}

static void given_in_order(void **state)
{
  static const unsigned threads[] = {1, 2, 3, 8};
  static const uint64_t counts[] = {0, 1, 2, 7, BLOCKS};

  (void)state;
  for (size_t t = 0; t < KITH_COUNT_OF(threads); t++)
    for (size_t c = 0; c < 2 * KITH_COUNT_OF(counts); c++) {
      struct numbers numbers;
      struct kith_ordered *ordered = NULL;
      size_t slot = 0;

      start(&numbers, &ordered, threads[t], counts[c / 2], c % 2);
      for (uint64_t i = 1; i <= counts[c / 2]; i++) {
        assert_true(kith_ordered_next(ordered, &slot));
        assert_int_equal(numbers.slots[slot], i * i);
        numbers.last_given = i;
      }
      assert_false(kith_ordered_next(ordered, &slot));
      assert_false(kith_ordered_next(ordered, &slot));
      assert_int_equal(numbers.n_worked, counts[c / 2]);
      assert_false(numbers.strange);
      kith_ordered_free(ordered);
    }
}

/* With blocks at work and others that wait. */
static void left_in_the_middle(void **state)
{
  (void)state;
  for (unsigned n_threads = 1; n_threads <= 4; n_threads++)
    for (uint64_t given = 0; given < 20; given++) {
      struct numbers numbers;
      struct kith_ordered *ordered = NULL;
      size_t slot = 0;

      start(&numbers, &ordered, n_threads, BLOCKS, false);
      for (uint64_t i = 0; i < given; i++) {
        numbers.last_given = i;
        assert_true(kith_ordered_next(ordered, &slot));
      }
      kith_ordered_free(ordered);
      assert_true(numbers.n_filled <= given + numbers.n_slots);
      assert_false(numbers.strange);
    }
  kith_ordered_free(NULL);
}

static void numbers_of_threads(void **state)
{
  (void)state;
  assert_true(kith_ordered_threads(0) >= 1);
  assert_int_equal(kith_ordered_threads(3), 3);
  assert_int_equal(kith_ordered_threads(100000), KITH_ORDERED_THREADS_MAX);
  assert_int_equal(kith_ordered_slots(1), 1);
  assert_int_equal(kith_ordered_slots(4), 9);
}

static void allocations_fail(void **state)
{
  (void)state;
  UNIT_EACH_ALLOCATION(n)
  {
    const struct kith_ordered_how how = {fill, work, NULL};
    struct kith_ordered *ordered = NULL;
    enum kith_err err = kith_ordered_new(&ordered, &how, 2);

    kith_ordered_free(ordered);
    if (err == KITH_OK)
      unit_allocations_done();
    else
      assert_int_equal(err, KITH_ERR_MEMORY);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(given_in_order),
      cmocka_unit_test(left_in_the_middle),
      cmocka_unit_test(numbers_of_threads),
      cmocka_unit_test(allocations_fail),
  };

  return cmocka_run_group_tests_name("ordered", tests, NULL, NULL);
}
