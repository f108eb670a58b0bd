/* From evidence to shares, from shares to bits: docs/linkage.md section 7.
 *
 * A filter's Dice is near enough the mean of its fields' Dice, weighted by the bits they set. The
 * weights that part likely matches from rivals best are Fisher's linear discriminant (1936): the
 * inverse of the covariance of the fields' likeness within both, times the difference of the means.
 * So a field counts by how far it parts them, and two that say the same share what they are worth.
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "cli/policy/tune.h"

enum { PAIRS_LEAST = 100, BITS_LEAST = 256, TOKEN_BITS_MAX = 64 };

/* Of a filter's bits, set. Where half are, unlike records begin to look alike; few of many waste
 * room. */
static const double fill_wanted = 0.3;
/* A token of a field that counts sets about so many bits: with fewer, one bit that meets another's
 * is much of what the field can say. */
static const double token_bits_least = 2.5;
/* Shares below it do not decide the filter's size. */
static const double share_little = 0.02;
/* Against likeness that never varies; of the variance that Dice can have at most, 1/4. */
static const double ridge = 0.002;

struct filter_fields {
  unsigned n;
  unsigned fields[KITH_FIELDS_MAX];
};

/* ---- the discriminant */

static double likeness(const struct kith_tune *tune, enum kith_tune_kind kind, uint64_t pair,
                       unsigned field)
{
  float alike = tune->likeness[kind][pair * tune->policy.n_fields + field];

  /* Where one side lacks it, it says nothing either way. */
  return alike < 0 ? 0 : alike - tune->fields[field].mean[kind];
}

static void covariance_add(double out[KITH_FIELDS_MAX][KITH_FIELDS_MAX],
                           const struct kith_tune *tune, const struct filter_fields *of,
                           enum kith_tune_kind kind)
{
  for (uint64_t pair = 0; pair < tune->n_pairs[kind]; pair++)
    for (unsigned i = 0; i < of->n; i++)
      for (unsigned k = 0; k <= i; k++) {
        double product = likeness(tune, kind, pair, of->fields[i]) *
                         likeness(tune, kind, pair, of->fields[k]) / (double)tune->n_pairs[kind];

        out[i][k] += product;
        if (i != k)
          out[k][i] += product;
      }
}

/* Solves a x = b for a symmetric positive definite a, which the ridge makes it. */
static void solve(double a[KITH_FIELDS_MAX][KITH_FIELDS_MAX], double *b, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    for (unsigned row = i + 1; row < n; row++) {
      double times = a[row][i] / a[i][i];

      for (unsigned k = i; k < n; k++)
        a[row][k] -= times * a[i][k];
      b[row] -= times * b[i];
    }
  for (unsigned i = n; i-- > 0;) {
    for (unsigned k = i + 1; k < n; k++)
      b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
}

static void discriminant(double *out, const struct kith_tune *tune, const struct filter_fields *of)
{
  double covariance[KITH_FIELDS_MAX][KITH_FIELDS_MAX] = {{0}};

  covariance_add(covariance, tune, of, KITH_TUNE_LIKELY);
  covariance_add(covariance, tune, of, KITH_TUNE_RIVAL);
  for (unsigned i = 0; i < of->n; i++) {
    const struct kith_tune_field *field = &tune->fields[of->fields[i]];

    covariance[i][i] += ridge;
    out[i] = field->mean[KITH_TUNE_LIKELY] - field->mean[KITH_TUNE_RIVAL];
  }
  solve(covariance, out, of->n);
}

/* A field that counts against a match beside the others is left out, and the rest done again: bits
 * can't count against. */
static void shares_set(struct kith_tune *tune, const struct filter_fields *all)
{
  struct filter_fields of = *all;
  double weights[KITH_FIELDS_MAX] = {0};
  double sum = 0;

  while (of.n > 0) {
    unsigned least = 0;

    discriminant(weights, tune, &of);
    for (unsigned i = 1; i < of.n; i++)
      if (weights[i] < weights[least])
        least = i;
    if (weights[least] > 0)
      break;
    of.n--;
    memmove(&of.fields[least], &of.fields[least + 1], (of.n - least) * sizeof of.fields[0]);
  }
  for (unsigned i = 0; i < of.n; i++)
    sum += weights[i];
  for (unsigned i = 0; i < of.n; i++)
    tune->fields[of.fields[i]].share = weights[i] / sum;
}

/* ---- bits */

/* Bits a token, not rounded. */
static double token_bits(const struct kith_tune_field *field, unsigned bits)
{
  double all = -log1p(-fill_wanted) * bits;

  return field->tokens > 0 ? field->share * all / field->tokens : 0;
}

static unsigned filter_bits(const struct kith_tune *tune, const struct filter_fields *of)
{
  unsigned bits = BITS_LEAST;
  bool enough = false;

  while (!enough && bits < KITH_BITS_MAX) {
    enough = true;
    for (unsigned i = 0; i < of->n; i++) {
      const struct kith_tune_field *field = &tune->fields[of->fields[i]];

      enough &= field->share < share_little || token_bits(field, bits) >= token_bits_least;
    }
    bits *= enough ? 1 : 2;
  }
  return bits;
}

static void filter_propose(struct kith_tune *tune, unsigned filter)
{
  struct filter_fields of = {0};
  unsigned bits;

  for (unsigned i = 0; i < tune->policy.n_fields; i++)
    if (tune->policy.fields[i].filter == filter)
      of.fields[of.n++] = i;
  shares_set(tune, &of);
  bits = filter_bits(tune, &of);
  if (filter == 0)
    tune->proposed.bits = bits;
  if (tune->proposed.n_filters)
    tune->proposed.filters[filter].bits = bits;
  for (unsigned i = 0; i < of.n; i++) {
    struct kith_tune_field *field = &tune->fields[of.fields[i]];
    long per_token = lrint(token_bits(field, bits));

    field->bits_per_token = per_token < 1                ? 1
                            : per_token > TOKEN_BITS_MAX ? TOKEN_BITS_MAX
                                                         : (unsigned)per_token;
    tune->proposed.fields[of.fields[i]].bits_per_token = field->bits_per_token;
  }
}

/* ---- what it comes to */

static void fill_of(double *out, const struct kith_encoded *parties, unsigned n_parties,
                    const struct kith_policy *policy)
{
  for (unsigned f = 0; f == 0 || f < policy->n_filters; f++) {
    unsigned bits = f ? policy->filters[f].bits : policy->bits;
    uint64_t set = 0;
    uint64_t n = 0;

    for (unsigned p = 0; p < n_parties; p++)
      for (size_t i = 0; i < parties[p].encodings.n; i++) {
        const uint8_t *row = kith_encodings_filter(&parties[p].encodings, i, f);

        if (!parties[p].in_scope[i])
          continue;
        n++;
        for (size_t k = 0; k < bits / 8; k++)
          set += (unsigned)__builtin_popcount(row[k]);
      }
    out[f] = n ? (double)set / (double)n / bits : 0;
  }
}

/* Weights are what fields set on average: each is encoded once more, alone. */
static enum kith_err weights_set(struct kith_tune *tune, struct kith_fault *fault)
{
  struct kith_encoded parties[KITH_LINKAGE_PARTIES_MAX] = {0};
  struct kith_policy *alone = KITH_NEW(struct kith_policy);
  enum kith_err err = alone ? KITH_OK : kith_fail(fault, KITH_ERR_MEMORY, "out of memory");

  for (unsigned i = 0; err == KITH_OK && i < tune->proposed.n_fields; i++) {
    struct kith_policy_field *field = &tune->proposed.fields[i];
    unsigned bits =
        field->filter ? tune->proposed.filters[field->filter].bits : tune->proposed.bits;

    kith_tune_alone(alone, &tune->proposed, i, bits, field->bits_per_token);
    err = kith_tune_encode(tune, parties, alone, fault);
    if (err == KITH_OK) {
      double set = kith_tune_bits_set(parties, tune->n_parties);

      tune->fields[i].bits_set = set;
      tune->fields[i].weight = field->weight = set < 1 ? 1 : (uint32_t)lrint(set);
    }
    kith_tune_encoded_free(parties, tune->n_parties);
  }
  if (err == KITH_OK)
    err = kith_tune_encode(tune, parties, &tune->proposed, fault);
  if (err == KITH_OK)
    fill_of(tune->fill, parties, tune->n_parties, &tune->proposed);
  kith_tune_encoded_free(parties, tune->n_parties);
  kith_free(alone);
  return err;
}

enum kith_err kith_tune_propose(struct kith_tune *tune, struct kith_fault *fault)
{
  if (tune->n_pairs[KITH_TUNE_LIKELY] < PAIRS_LEAST || tune->n_pairs[KITH_TUNE_RIVAL] < PAIRS_LEAST)
    return kith_fail(
        fault, KITH_ERR_NO,
        "%llu likely matches and %llu rivals are too few to learn from, of each %d are "
        "needed; give larger files, or more of them, of people who overlap",
        (unsigned long long)tune->n_pairs[KITH_TUNE_LIKELY],
        (unsigned long long)tune->n_pairs[KITH_TUNE_RIVAL], PAIRS_LEAST);
  tune->proposed = tune->policy;
  for (unsigned filter = 0; filter == 0 || filter < tune->policy.n_filters; filter++)
    filter_propose(tune, filter);
  fill_of(tune->fill_now, tune->parties, tune->n_parties, &tune->policy);
  return weights_set(tune, fault);
}
