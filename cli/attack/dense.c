#include "cli/attack/dense.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/attack/assign.h"

enum { ROUNDS = 14, GROWTH = 6, QUANTILES = 128 };
static const float KNOWN_COST = -1000; /* far below any other: a correlation is at most 1 */

struct dense {
  const float *target;
  const float *list;
  const uint32_t *known;
  uint32_t n;
  uint32_t n_known;
  float *left;    /* owned; n x columns, features of the target */
  float *right;   /* owned; columns x n, of the list */
  float *cost;    /* owned; n x n */
  float *lead;    /* owned; n */
  uint32_t *sure; /* owned; n, landmarks by their lead */
  float *row;     /* owned; n */
};

static int descending(const void *left, const void *right)
{
  float a = *(const float *)left;
  float b = *(const float *)right;

  return (a < b) - (a > b);
}

/* Each column to mean 0 and variance 1, then each row to length 1. */
static void standardise(float *features, uint32_t n, uint32_t columns)
{
  for (uint32_t k = 0; k < columns; k++) {
    double sum = 0;
    double squares = 0;
    double scale;

    for (uint32_t i = 0; i < n; i++) {
      double value = (double)features[(size_t)i * columns + k];

      sum += value;
      squares += value * value;
    }
    sum /= n;
    squares = squares / n - sum * sum;
    scale = squares > 1e-12 ? 1 / sqrt(squares) : 0;
    for (uint32_t i = 0; i < n; i++) {
      float *value = &features[(size_t)i * columns + k];

      *value = (float)(((double)*value - sum) * scale);
    }
  }
  for (uint32_t i = 0; i < n; i++) {
    float *row = features + (size_t)i * columns;
    double length = 0;

    for (uint32_t k = 0; k < columns; k++)
      length += (double)row[k] * (double)row[k];
    for (uint32_t k = 0; k < columns && length > 0; k++)
      row[k] = (float)((double)row[k] / sqrt(length));
  }
}

/* cost = - left x right', added to what is there. */
static void multiply(struct dense *dense, uint32_t columns, float *turned)
{
  uint32_t n = dense->n;

  for (uint32_t i = 0; i < n; i++)
    for (uint32_t k = 0; k < columns; k++)
      turned[(size_t)k * n + i] = dense->right[(size_t)i * columns + k];
  memset(dense->cost, 0, (size_t)n * n * sizeof *dense->cost);
  for (uint32_t i = 0; i < n; i++) {
    float *restrict out = dense->cost + (size_t)i * n;

    for (uint32_t k = 0; k < columns; k++) {
      const float *restrict from = turned + (size_t)k * n;
      float by = dense->left[(size_t)i * columns + k];

      for (uint32_t j = 0; j < n; j++)
        out[j] -= by * from[j];
    }
  }
}

static void hold_known(struct dense *dense)
{
  for (uint32_t i = 0; i < dense->n; i++)
    if (dense->known[i] != KITH_ATTACK_NONE)
      dense->cost[(size_t)i * dense->n + dense->known[i]] = KNOWN_COST;
}

/* A record's similarities to all others, sorted: QUANTILES from the greatest on, and as many over
 * the whole range. */
static void distribution(float *features, const float *matrix, float *row, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++) {
    float *out = features + (size_t)i * 2 * QUANTILES;
    uint32_t len = 0;

    for (uint32_t j = 0; j < n; j++)
      if (j != i)
        row[len++] = matrix[(size_t)i * n + j];
    qsort(row, len, sizeof *row, descending);
    for (uint32_t k = 0; k < QUANTILES; k++) {
      out[k] = row[k < len ? k : len - 1];
      out[QUANTILES + k] = row[(size_t)k * len / QUANTILES];
    }
  }
}

/* What a record is like to the landmarks; to itself, as much as to the mean of the others. */
static void landmarks(float *features, const float *matrix, uint32_t n, const uint32_t *marks,
                      uint32_t n_marks)
{
  for (uint32_t i = 0; i < n; i++) {
    float *out = features + (size_t)i * n_marks;
    double sum = 0;

    for (uint32_t k = 0; k < n_marks; k++) {
      out[k] = matrix[(size_t)i * n + marks[k]];
      sum += marks[k] == i ? 0 : (double)out[k];
    }
    for (uint32_t k = 0; k < n_marks; k++)
      if (marks[k] == i)
        out[k] = (float)(n_marks > 1 ? sum / (n_marks - 1) : 0);
  }
}

/* By how much the guess is better than the next best of its row. */
static void leads(struct dense *dense, const uint32_t *guess)
{
  for (uint32_t i = 0; i < dense->n; i++) {
    const float *costs = dense->cost + (size_t)i * dense->n;
    float next = 2;

    for (uint32_t j = 0; j < dense->n; j++)
      if (j != guess[i] && costs[j] < next)
        next = costs[j];
    dense->lead[i] = next - costs[guess[i]];
  }
}

/* The `wanted` pairs of the widest lead, the known ones among them by their cost. */
static uint32_t choose(struct dense *dense, uint32_t wanted)
{
  uint32_t n = 0;
  float bound;

  memcpy(dense->row, dense->lead, dense->n * sizeof *dense->row);
  qsort(dense->row, dense->n, sizeof *dense->row, descending);
  bound = dense->row[wanted - 1];
  for (uint32_t i = 0; i < dense->n && n < wanted; i++)
    if (dense->lead[i] >= bound)
      dense->sure[n++] = i;
  return n;
}

static enum kith_err match_by(struct dense *dense, uint32_t *guess, uint32_t columns)
{
  float *turned = KITH_NEW_ARRAY(float, (size_t)columns * dense->n);
  enum kith_err err = turned ? KITH_OK : KITH_ERR_MEMORY;

  if (err == KITH_OK) {
    standardise(dense->left, dense->n, columns);
    standardise(dense->right, dense->n, columns);
    multiply(dense, columns, turned);
    hold_known(dense);
    err = kith_assign(guess, dense->cost, dense->n);
  }
  kith_free(turned);
  if (err == KITH_OK)
    leads(dense, guess);
  return err;
}

static enum kith_err run(struct dense *dense, uint32_t *guess)
{
  uint32_t n = dense->n;
  KITH_AUTO_FREE uint32_t *marks = KITH_NEW_ARRAY(uint32_t, n);
  uint32_t first = dense->n_known < 3 ? n / GROWTH : dense->n_known;
  enum kith_err err = marks ? KITH_OK : KITH_ERR_MEMORY;

  if (err == KITH_OK && dense->n_known < 3) {
    distribution(dense->left, dense->target, dense->row, n);
    distribution(dense->right, dense->list, dense->row, n);
    err = match_by(dense, guess, 2 * QUANTILES);
  }
  for (uint32_t i = 0; i < n && dense->n_known >= 3; i++) {
    guess[i] = dense->known[i];
    dense->lead[i] = dense->known[i] == KITH_ATTACK_NONE ? 0 : 1;
  }
  for (uint32_t round = 0; round < ROUNDS && err == KITH_OK; round++) {
    uint32_t wanted = first + (n - first) * (round < GROWTH ? round : GROWTH) / GROWTH;
    uint32_t n_marks = choose(dense, wanted > 0 ? wanted : 1);

    for (uint32_t k = 0; k < n_marks; k++)
      marks[k] = guess[dense->sure[k]];
    landmarks(dense->left, dense->target, n, dense->sure, n_marks);
    landmarks(dense->right, dense->list, n, marks, n_marks);
    err = match_by(dense, guess, n_marks);
  }
  return err;
}

enum kith_err kith_attack_dense(uint32_t *guess, const float *target, const float *list,
                                const uint32_t *known, uint32_t n)
{
  struct dense dense = {.target = target, .list = list, .known = known, .n = n};
  size_t columns = n > 2 * QUANTILES ? n : 2 * QUANTILES;
  enum kith_err err = KITH_ERR_MEMORY;

  if (n < 2) {
    for (uint32_t i = 0; i < n; i++)
      guess[i] = i;
    return KITH_OK;
  }
  for (uint32_t i = 0; i < n; i++)
    dense.n_known += known[i] != KITH_ATTACK_NONE;
  dense.left = KITH_NEW_ARRAY(float, n *columns);
  dense.right = KITH_NEW_ARRAY(float, n *columns);
  dense.cost = KITH_NEW_ARRAY(float, (size_t)n *n);
  dense.lead = KITH_NEW_ARRAY(float, n);
  dense.row = KITH_NEW_ARRAY(float, n);
  dense.sure = KITH_NEW_ARRAY(uint32_t, n);
  if (dense.left && dense.right && dense.cost && dense.lead && dense.row && dense.sure)
    err = run(&dense, guess);
  kith_free(dense.left);
  kith_free(dense.right);
  kith_free(dense.cost);
  kith_free(dense.lead);
  kith_free(dense.row);
  kith_free(dense.sure);
  return err;
}
