/* What unit tests share: cmocka's headers in their order, a folder of their own, files with
 * given content, and the loop that fails each allocation in turn. */
#ifndef KITH_TESTS_UNIT_UNIT_H
#define KITH_TESTS_UNIT_UNIT_H

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/failpoint.h"

/* Runs its block with the 1st, 2nd, ... allocation failing, until unit_allocations_done() says
 * that a run had none to fail: UNIT_EACH_ALLOCATION(n) { ... } */
static inline int unit_allocation_next(unsigned long *n)
{
  if (*n == ULONG_MAX) {
    kith_failpoint_arm(NULL, 0);
    return 0;
  }
  kith_failpoint_arm("alloc", ++*n);
  /* A loop that never succeeds is a failure, not a hang. */
  assert_true(*n < 100000);
  return 1;
}

#define UNIT_EACH_ALLOCATION(n) for (unsigned long n = 0; unit_allocation_next(&n);)
#define unit_allocations_done() (n = ULONG_MAX)

/* A fresh folder; a group's set-up and tear-down: *state is its path. */
static inline int unit_folder_make(void **state)
{
  char *path = strdup("/tmp/kith-unit-XXXXXX");

  *state = path;
  return path && mkdtemp(path) ? 0 : -1;
}

static inline int unit_folder_remove(void **state)
{
  char command[128];
  int status;

  snprintf(command, sizeof command, "rm -rf '%s'", (char *)*state);
  status = system(command);
  free(*state);
  return status;
}

/* "FOLDER/NAME" in one of a few static buffers. */
static inline const char *unit_path(void **state, const char *name)
{
  static char paths[4][256];
  static unsigned next;
  char *path = paths[next++ % 4];

  snprintf(path, sizeof paths[0], "%s/%s", (const char *)*state, name);
  return path;
}

static inline const char *unit_file(void **state, const char *name, const void *bytes, size_t len)
{
  const char *path = unit_path(state, name);
  FILE *file = fopen(path, "wb");

  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
  return path;
}

#endif
