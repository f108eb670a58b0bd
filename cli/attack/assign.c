#include "cli/attack/assign.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

/* Columns and rows count from 1; 0 is none. */
struct paths {
  double *row_price; /* n + 1, each of these; owned */
  double *column_price;
  double *least;
  uint32_t *row_of;
  uint32_t *before;
  bool *done;
};

static bool paths_make(struct paths *paths, size_t n)
{
  paths->row_price = KITH_NEW_ARRAY(double, n + 1);
  paths->column_price = KITH_NEW_ARRAY(double, n + 1);
  paths->least = KITH_NEW_ARRAY(double, n + 1);
  paths->row_of = KITH_NEW_ARRAY(uint32_t, n + 1);
  paths->before = KITH_NEW_ARRAY(uint32_t, n + 1);
  paths->done = KITH_NEW_ARRAY(bool, n + 1);
  return paths->row_price && paths->column_price && paths->least && paths->row_of &&
         paths->before && paths->done;
}

static void paths_free(struct paths *paths)
{
  kith_free(paths->row_price);
  kith_free(paths->column_price);
  kith_free(paths->least);
  kith_free(paths->row_of);
  kith_free(paths->before);
  kith_free(paths->done);
}

/* One step of Dijkstra's method from `column`: the nearest column that is not done. */
static uint32_t step(struct paths *paths, const float *cost, uint32_t n, uint32_t column)
{
  uint32_t row = paths->row_of[column];
  const float *costs = cost + (size_t)(row - 1) * n;
  double delta = INFINITY;
  uint32_t nearest = 0;

  paths->done[column] = true;
  for (uint32_t j = 1; j <= n; j++) {
    double reduced;

    if (paths->done[j])
      continue;
    reduced = (double)costs[j - 1] - paths->row_price[row] - paths->column_price[j];
    if (reduced < paths->least[j]) {
      paths->least[j] = reduced;
      paths->before[j] = column;
    }
    if (paths->least[j] < delta) {
      delta = paths->least[j];
      nearest = j;
    }
  }
  for (uint32_t j = 0; j <= n; j++) {
    if (paths->done[j]) {
      paths->row_price[paths->row_of[j]] += delta;
      paths->column_price[j] -= delta;
    } else {
      paths->least[j] -= delta;
    }
  }
  return nearest;
}

enum kith_err kith_assign(uint32_t *column_of, const float *cost, uint32_t n)
{
  struct paths paths = {0};

  if (!paths_make(&paths, n)) {
    paths_free(&paths);
    return KITH_ERR_MEMORY;
  }
  for (uint32_t row = 1; row <= n; row++) {
    uint32_t column = 0;

    for (uint32_t j = 0; j <= n; j++)
      paths.least[j] = INFINITY;
    memset(paths.done, 0, ((size_t)n + 1) * sizeof *paths.done);
    paths.row_of[0] = row;
    do
      column = step(&paths, cost, n, column);
    while (paths.row_of[column] != 0);
    while (column != 0) { /* back along the path */
      paths.row_of[column] = paths.row_of[paths.before[column]];
      column = paths.before[column];
    }
  }
  for (uint32_t j = 1; j <= n; j++)
    column_of[paths.row_of[j] - 1] = j - 1;
  paths_free(&paths);
  return KITH_OK;
}
