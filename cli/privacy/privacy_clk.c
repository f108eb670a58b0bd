/* Attacks on keyed Bloom filters. The attacker's plaintext similarities are those of his list under
 * keys of his own, averaged: the policy is public, so he can make filters of the same fields,
 * weights and fill. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/attack/assign.h"
#include "cli/privacy/privacy.h"
#include "crypto/secret.h"

enum { SECRET_BYTES = 32, OWN_KEYS = 4, MASK_COST = 1 << 14 };

static unsigned common(const uint8_t *a, const uint8_t *b, size_t len)
{
  unsigned n = 0;
  size_t i = 0;

  for (; i + 8 <= len; i += 8) {
    uint64_t x;
    uint64_t y;

    memcpy(&x, a + i, 8);
    memcpy(&y, b + i, 8);
    n += (unsigned)__builtin_popcountll(x & y);
  }
  for (; i < len; i++)
    n += (unsigned)__builtin_popcount(a[i] & b[i]);
  return n;
}

static unsigned bits_set(const struct kith_encodings *enc, size_t row)
{
  const uint8_t *filter = kith_encodings_row(enc, row);

  return common(filter, filter, enc->stride);
}

static float dice(const struct kith_encodings *a, size_t row_a, const struct kith_encodings *b,
                  size_t row_b)
{
  unsigned sum = bits_set(a, row_a) + bits_set(b, row_b);

  return sum ? 2 *
                   (float)common(kith_encodings_row(a, row_a), kith_encodings_row(b, row_b),
                                 a->stride) /
                   (float)sum
             : 0;
}

static enum kith_err encode(struct kith_encoded *out, const struct kith_privacy *run,
                            const char *path, const struct kith_secret *secret,
                            struct kith_fault *fault)
{
  const struct kith_pipeline_options options = {0};
  struct kith_source_spec source = kith_source_of_file(path);

  return kith_pipeline_run(out, &run->policy, kith_secret_peek(secret), kith_secret_len(secret),
                           &source, &options, fault);
}

struct attacked {
  struct kith_encoded target;  /* owned, as all of it */
  struct kith_encoded insider; /* the list under the agencies' key */
  struct kith_privacy_both *both;
  uint32_t n;
  struct kith_privacy_dense dense;
  float *bits; /* n; how many the list's records set under own keys, on average */
  double encode_s;
};

static const char *list_of(const struct kith_privacy *run)
{
  return run->list_path ? run->list_path : run->paths[0];
}

/* Row of the list's record j. */
static void list_rows(const struct attacked *a, uint32_t *rows)
{
  for (uint32_t i = 0; i < a->n; i++)
    rows[a->dense.truth[i]] = a->both[i].list;
}

static enum kith_err own_similarities(struct kith_privacy *run, struct attacked *a,
                                      const uint32_t *rows, struct kith_fault *fault)
{
  enum kith_err err = KITH_OK;

  for (unsigned key = 0; key < OWN_KEYS && err == KITH_OK; key++) {
    struct kith_encoded own = {0};
    struct kith_secret *secret = NULL;

    err = kith_secret_random(&secret, SECRET_BYTES);
    if (err == KITH_OK)
      err = encode(&own, run, list_of(run), secret, fault);
    for (uint32_t i = 0; i < a->n && err == KITH_OK; i++) {
      a->bits[i] += (float)bits_set(&own.encodings, rows[i]) / OWN_KEYS;
      for (uint32_t j = 0; j < a->n; j++)
        a->dense.list[(size_t)i * a->n + j] +=
            dice(&own.encodings, rows[i], &own.encodings, rows[j]) / OWN_KEYS;
    }
    kith_encoded_free(&own);
    kith_secret_free(secret);
  }
  return err;
}

/* Which fields a record has, and how many bits it sets: an assignment by both. */
static enum kith_err frequency(struct kith_privacy *run, const struct attacked *a,
                               const uint32_t *rows)
{
  struct kith_privacy_attack attack = {.name = "frequency", .n = a->n};
  KITH_AUTO_FREE float *cost = KITH_NEW_ARRAY(float, (size_t)a->n * a->n + 1);
  KITH_AUTO_FREE uint32_t *guess = KITH_NEW_ARRAY(uint32_t, (size_t)a->n + 1);
  const struct kith_encodings *target = &a->target.encodings;
  const struct kith_encodings *list = &a->insider.encodings;
  enum kith_err err;

  if (!cost || !guess)
    return KITH_ERR_MEMORY;
  for (uint32_t i = 0; i < a->n; i++)
    for (uint32_t j = 0; j < a->n; j++) {
      uint32_t row = a->both[i].target;
      float apart = (float)bits_set(target, row) - a->bits[j];
      bool same = !target->masks || target->masks[row] == list->masks[rows[j]];

      cost[(size_t)i * a->n + j] = fabsf(apart) + (same ? 0 : (float)MASK_COST);
    }
  err = kith_assign(guess, cost, a->n);
  for (uint32_t i = 0; i < a->n && err == KITH_OK; i++)
    attack.hits += guess[i] == a->dense.truth[i];
  if (err == KITH_OK)
    kith_privacy_add(run, attack);
  return err;
}

/* Who has the key encodes the list, and takes the most similar. */
static void dictionary(struct kith_privacy *run, const struct attacked *a, const uint32_t *rows)
{
  struct kith_privacy_attack attack = {
      .name = "dictionary", .who = KITH_PRIVACY_INSIDER, .n = a->n};

  for (uint32_t i = 0; i < a->n; i++) {
    float most = -1;
    uint32_t best = 0;

    for (uint32_t j = 0; j < a->n; j++) {
      float similarity =
          dice(&a->target.encodings, a->both[i].target, &a->insider.encodings, rows[j]);

      if (similarity > most) {
        most = similarity;
        best = j;
      }
    }
    attack.hits += best == a->dense.truth[i];
  }
  attack.guesses_per_s = a->encode_s > 0 ? (double)a->insider.encodings.n / a->encode_s : 0;
  kith_privacy_add(run, attack);
}

static enum kith_err attack_all(struct kith_privacy *run, struct attacked *a,
                                struct kith_fault *fault)
{
  KITH_AUTO_FREE uint32_t *rows = KITH_NEW_ARRAY(uint32_t, (size_t)a->n + 1);
  enum kith_err err = rows ? KITH_OK : KITH_ERR_MEMORY;

  a->bits = KITH_NEW_ARRAY(float, (size_t)a->n + 1);
  if (err == KITH_OK)
    err = a->bits ? kith_privacy_dense_new(run, &a->dense, a->n) : KITH_ERR_MEMORY;
  if (err != KITH_OK)
    return err;
  list_rows(a, rows);
  for (uint32_t i = 0; i < a->n; i++)
    for (uint32_t j = 0; j < a->n; j++)
      a->dense.target[(size_t)i * a->n + j] =
          dice(&a->target.encodings, a->both[i].target, &a->target.encodings, a->both[j].target);
  err = own_similarities(run, a, rows, fault);
  if (err == KITH_OK)
    err = frequency(run, a, rows);
  if (err == KITH_OK)
    err = kith_privacy_dense_run(run, &a->dense, "graph", KITH_PRIVACY_MATCHER);
  if (err == KITH_OK)
    dictionary(run, a, rows);
  return err;
}

enum kith_err kith_privacy_clk(struct kith_privacy *run, struct kith_fault *fault)
{
  struct attacked a = {0};
  struct kith_secret *secret = NULL;
  int64_t start_ms;
  enum kith_err err = kith_secret_random(&secret, SECRET_BYTES);

  if (err == KITH_OK)
    err = encode(&a.target, run, run->paths[0], secret, fault);
  start_ms = kith_clock_monotonic_ms();
  if (err == KITH_OK)
    err = encode(&a.insider, run, list_of(run), secret, fault);
  a.encode_s = (double)(kith_clock_monotonic_ms() - start_ms) / 1000;
  if (err == KITH_OK)
    err = kith_privacy_both(run, &a.both, &a.n, &a.target, &a.insider);
  if (err == KITH_OK && a.n < 2)
    err = kith_fail(fault, KITH_ERR_DATA,
                    "%s: fewer than two people that are in the attacker's list too", run->paths[0]);
  if (err == KITH_OK)
    err = attack_all(run, &a, fault);
  kith_secret_free(secret);
  kith_encoded_free(&a.target);
  kith_encoded_free(&a.insider);
  kith_free(a.both);
  kith_free(a.bits);
  kith_privacy_dense_free(&a.dense);
  return err;
}
