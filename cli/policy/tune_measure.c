/* What each field is like among likely matches, rivals and any two records. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/policy/tune.h"
#include "crypto/secret.h"

enum {
  LIKELY_PPM = 900000,
  RIVAL_PPM = 100000,
  PAIRS_MAX = 50000, /* of a kind */
  MEASURE_BITS = 1024,
  MEASURE_TOKEN_BITS = 8
};

/* Encodings stay in this process, so their key need not be a secret; with one that is always the
 * same the same files give the same proposal. */
static const char tune_key[] = "kith policy tune, a key that is public";

/* ---- encodings */

enum kith_err kith_tune_encode(struct kith_tune *tune, struct kith_encoded *out,
                               const struct kith_policy *policy, struct kith_fault *fault)
{
  const struct kith_pipeline_options options = {.n_threads = (unsigned)tune->n_threads,
                                                .cancel = kith_cli_cancel_on_signal()};
  enum kith_err err = KITH_OK;

  for (unsigned p = 0; err == KITH_OK && p < tune->n_parties; p++) {
    struct kith_source_spec source = kith_source_of_file(tune->paths[p]);

    source.profile = tune->profiles[p];
    err = kith_pipeline_run(&out[p], policy, (const uint8_t *)tune_key, sizeof tune_key - 1,
                            &source, &options, fault);
  }
  return err;
}

void kith_tune_alone(struct kith_policy *out, const struct kith_policy *policy, unsigned field,
                     unsigned bits, unsigned bits_per_token)
{
  *out = *policy;
  out->evidence = (struct kith_evidence){0};
  out->mask_minimum = 1;
  out->n_filters = 0;
  out->bits = bits;
  out->n_fields = 1;
  out->fields[0] = policy->fields[field];
  out->fields[0].bits_per_token = bits_per_token;
  out->fields[0].filter = 0;
}

static unsigned bits_of(const uint8_t *row, size_t bytes)
{
  unsigned n = 0;

  for (size_t i = 0; i < bytes; i++)
    n += (unsigned)__builtin_popcount(row[i]);
  return n;
}

void kith_tune_encoded_free(struct kith_encoded *parties, unsigned n_parties)
{
  for (unsigned p = 0; p < n_parties; p++)
    kith_encoded_free(&parties[p]);
}

double kith_tune_bits_set(const struct kith_encoded *parties, unsigned n_parties)
{
  uint64_t bits = 0;
  uint64_t n = 0;

  for (unsigned p = 0; p < n_parties; p++)
    for (size_t i = 0; i < parties[p].encodings.n; i++) {
      if (parties[p].encodings.masks[i] == 0)
        continue;
      bits += bits_of(kith_encodings_row(&parties[p].encodings, i), parties[p].encodings.row_bytes);
      n++;
    }
  return n ? (double)bits / (double)n : 0;
}

/* ---- the pairs */

static bool of_kind(const struct kith_tune *tune, const struct kith_linkage_pair *pair,
                    enum kith_tune_kind kind)
{
  if (kind == KITH_TUNE_RIVAL)
    return pair->probability <= RIVAL_PPM;
  return pair->probability >= LIKELY_PPM &&
         (tune->n_parties == 1 || pair->party_a != pair->party_b);
}

/* All pairs of a kind, or every n-th of many. */
static enum kith_err pairs_take(struct kith_tune *tune, const struct kith_linkage_result *result,
                                enum kith_tune_kind kind)
{
  uint64_t n = 0;
  uint64_t seen = 0;
  uint64_t step;

  for (size_t i = 0; i < result->n_pairs; i++)
    n += of_kind(tune, &result->pairs[i], kind);
  step = n / PAIRS_MAX + 1;
  tune->pairs[kind] = KITH_NEW_ARRAY(struct kith_linkage_pair, n / step + 1);
  if (!tune->pairs[kind])
    return KITH_ERR_MEMORY;
  for (size_t i = 0; i < result->n_pairs; i++)
    if (of_kind(tune, &result->pairs[i], kind) && seen++ % step == 0)
      tune->pairs[kind][tune->n_pairs[kind]++] = result->pairs[i];
  return KITH_OK;
}

/* splitmix64: the same pairs each time. */
static uint64_t next(uint64_t *state)
{
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

struct place {
  uint32_t row;
  uint8_t party;
};

static enum kith_err pairs_draw(struct kith_tune *tune)
{
  struct place *places = KITH_NEW_ARRAY(struct place, tune->n_records + 1);
  struct kith_linkage_pair *pairs = KITH_NEW_ARRAY(struct kith_linkage_pair, PAIRS_MAX);
  uint64_t state = 1;
  uint64_t n = 0;

  tune->pairs[KITH_TUNE_CHANCE] = pairs;
  if (!places || !pairs) {
    kith_free(places);
    return KITH_ERR_MEMORY;
  }
  for (unsigned p = 0; p < tune->n_parties; p++)
    for (size_t i = 0; i < tune->parties[p].encodings.n; i++)
      if (tune->parties[p].in_scope[i])
        places[n++] = (struct place){(uint32_t)i, (uint8_t)p};
  for (uint64_t i = 0; n > 1 && i < PAIRS_MAX; i++) {
    struct place a = places[next(&state) % n];
    struct place b = places[next(&state) % n];

    if (a.party != b.party || a.row != b.row)
      pairs[tune->n_pairs[KITH_TUNE_CHANCE]++] = (struct kith_linkage_pair){
          .row_a = a.row, .row_b = b.row, .party_a = a.party, .party_b = b.party};
  }
  kith_free(places);
  return KITH_OK;
}

/* ---- one field */

static float dice(const struct kith_encoded *parties, const struct kith_linkage_pair *pair)
{
  const struct kith_encodings *a = &parties[pair->party_a].encodings;
  const struct kith_encodings *b = &parties[pair->party_b].encodings;
  const uint8_t *row_a = kith_encodings_row(a, pair->row_a);
  const uint8_t *row_b = kith_encodings_row(b, pair->row_b);
  unsigned common = 0;

  if (a->masks[pair->row_a] == 0 || b->masks[pair->row_b] == 0)
    return -1;
  for (size_t i = 0; i < a->row_bytes; i++)
    common += (unsigned)__builtin_popcount(row_a[i] & row_b[i]);
  return (float)(2.0 * common / (bits_of(row_a, a->row_bytes) + bits_of(row_b, b->row_bytes)));
}

static void field_pairs(struct kith_tune *tune, const struct kith_encoded *alone, unsigned field)
{
  struct kith_tune_field *out = &tune->fields[field];

  for (unsigned kind = 0; kind < KITH_TUNE_KINDS; kind++) {
    uint64_t equal = 0;
    double sum = 0;

    for (uint64_t i = 0; i < tune->n_pairs[kind]; i++) {
      float alike = dice(alone, &tune->pairs[kind][i]);

      tune->likeness[kind][i * tune->policy.n_fields + field] = alike;
      if (alike < 0)
        continue;
      out->n_both[kind]++;
      equal += alike >= 1;
      sum += alike;
    }
    if (out->n_both[kind]) {
      out->equal[kind] = (double)equal / (double)out->n_both[kind];
      out->mean[kind] = sum / (double)out->n_both[kind];
    }
  }
}

static int compare_hashes(const void *a, const void *b)
{
  const uint64_t *left = a;
  const uint64_t *right = b;

  return (*left > *right) - (*left < *right);
}

/* Of the filter of one value: FNV-1a, for counting only. */
static uint64_t hash_of(const uint8_t *row, size_t bytes)
{
  uint64_t hash = UINT64_C(0xcbf29ce484222325);

  for (size_t i = 0; i < bytes; i++)
    hash = (hash ^ row[i]) * UINT64_C(0x100000001b3);
  return hash;
}

/* How many have it, how many values and tokens there are. */
static enum kith_err field_values(struct kith_tune *tune, const struct kith_encoded *alone,
                                  unsigned field)
{
  struct kith_tune_field *out = &tune->fields[field];
  uint64_t *hashes = KITH_NEW_ARRAY(uint64_t, tune->n_records + 1);
  double tokens = 0;

  if (!hashes)
    return KITH_ERR_MEMORY;
  for (unsigned p = 0; p < tune->n_parties; p++)
    for (size_t i = 0; i < alone[p].encodings.n; i++) {
      const uint8_t *row = kith_encodings_row(&alone[p].encodings, i);
      double share;

      if (!tune->parties[p].in_scope[i] || alone[p].encodings.masks[i] == 0)
        continue;
      share = (double)bits_of(row, alone[p].encodings.row_bytes) / MEASURE_BITS;
      tokens += -log1p(-share) * MEASURE_BITS / MEASURE_TOKEN_BITS;
      hashes[out->n_with++] = hash_of(row, alone[p].encodings.row_bytes);
    }
  if (out->n_with)
    qsort(hashes, out->n_with, sizeof *hashes, compare_hashes);
  for (uint64_t i = 0; i < out->n_with; i++)
    out->distinct += i == 0 || hashes[i] != hashes[i - 1];
  out->tokens = out->n_with ? tokens / (double)out->n_with : 0;
  kith_free(hashes);
  return KITH_OK;
}

static enum kith_err field_measure(struct kith_tune *tune, unsigned field, struct kith_fault *fault)
{
  struct kith_encoded alone[KITH_LINKAGE_PARTIES_MAX] = {0};
  struct kith_policy *policy = KITH_NEW(struct kith_policy);
  enum kith_err err;

  if (!policy)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  kith_tune_alone(policy, &tune->policy, field, MEASURE_BITS, MEASURE_TOKEN_BITS);
  err = kith_tune_encode(tune, alone, policy, fault);
  if (err == KITH_OK) {
    field_pairs(tune, alone, field);
    if ((err = field_values(tune, alone, field)) != KITH_OK)
      (void)kith_fail(fault, err, "out of memory");
  }
  kith_tune_encoded_free(alone, tune->n_parties);
  kith_free(policy);
  return err;
}

/* ---- linking */

static enum kith_err run_linkage(struct kith_tune *tune, struct kith_linkage_result *result,
                                 const struct kith_encoded *parties,
                                 const struct kith_policy *policy, struct kith_fault *fault)
{
  const struct kith_encodings *encodings[KITH_LINKAGE_PARTIES_MAX];
  const struct kith_linkage_input input = {.n_parties = tune->n_parties,
                                           .parties = encodings,
                                           .policy = policy,
                                           .within = tune->n_parties == 1,
                                           .n_threads = (unsigned)tune->n_threads,
                                           .cancel = kith_cli_cancel_on_signal()};

  for (unsigned p = 0; p < tune->n_parties; p++)
    encodings[p] = &parties[p].encodings;
  return kith_linkage_run(result, &input, fault);
}

/* At the threshold that decided: the links that are right, and how many of the links they are. */
static double foretold(const struct kith_linkage_result *result, double *precision)
{
  const struct kith_curve_point *best = &result->curve[0];

  for (unsigned i = 0; i < KITH_CURVE_STEPS; i++)
    if (result->curve[i].threshold == result->threshold)
      best = &result->curve[i];
  *precision = best->precision;
  return (double)best->links - best->false_links;
}

static double f1(double precision, double recall)
{
  return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
}

static void without(struct kith_policy *out, const struct kith_policy *policy, unsigned field)
{
  *out = *policy;
  out->n_fields--;
  memmove(&out->fields[field], &out->fields[field + 1],
          (out->n_fields - field) * sizeof out->fields[0]);
}

/* Right links are held against the true pairs that linking with all fields tells of: what is lost
 * on the way to the candidates counts, too. */
static enum kith_err leave_out(struct kith_tune *tune, unsigned field, double true_pairs,
                               struct kith_fault *fault)
{
  struct kith_encoded parties[KITH_LINKAGE_PARTIES_MAX] = {0};
  struct kith_linkage_result result = {0};
  struct kith_policy *policy = KITH_NEW(struct kith_policy);
  struct kith_tune_field *out = &tune->fields[field];
  double precision = 0;
  double recall;
  enum kith_err err;

  if (!policy)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  without(policy, &tune->policy, field);
  err = kith_tune_encode(tune, parties, policy, fault);
  if (err == KITH_OK)
    err = run_linkage(tune, &result, parties, policy, fault);
  if (err == KITH_OK) {
    recall = true_pairs > 0 ? foretold(&result, &precision) / true_pairs : 0;
    recall = recall < 1 ? recall : 1;
    out->precision_change = precision - tune->precision;
    out->recall_change = recall - tune->recall;
    out->f1_change = f1(precision, recall) - tune->f1;
  }
  kith_linkage_result_free(&result);
  kith_tune_encoded_free(parties, tune->n_parties);
  kith_free(policy);
  return err;
}

static enum kith_err link_all(struct kith_tune *tune, double *true_pairs, struct kith_fault *fault)
{
  struct kith_linkage_result result = {0};
  enum kith_err err = kith_tune_encode(tune, tune->parties, &tune->policy, fault);

  for (unsigned p = 0; err == KITH_OK && p < tune->n_parties; p++)
    tune->n_records += tune->parties[p].n_in_scope;
  if (err == KITH_OK)
    err = run_linkage(tune, &result, tune->parties, &tune->policy, fault);
  if (err != KITH_OK)
    return err;
  *true_pairs = result.true_pairs;
  tune->recall =
      result.true_pairs > 0 ? foretold(&result, &tune->precision) / result.true_pairs : 0;
  tune->recall = tune->recall < 1 ? tune->recall : 1;
  tune->f1 = f1(tune->precision, tune->recall);
  err = pairs_take(tune, &result, KITH_TUNE_LIKELY);
  if (err == KITH_OK)
    err = pairs_take(tune, &result, KITH_TUNE_RIVAL);
  if (err == KITH_OK)
    err = pairs_draw(tune);
  kith_linkage_result_free(&result);
  return err == KITH_OK ? err : kith_fail(fault, err, "out of memory");
}

enum kith_err kith_tune_measure(struct kith_tune *tune, struct kith_fault *fault)
{
  unsigned n_steps = tune->policy.n_fields * (tune->fast ? 1 : 2) + 1;
  struct kith_cli_progress progress;
  double true_pairs = 0;
  enum kith_err err;

  kith_cli_progress_start(&progress, "tune", "steps", tune->quiet);
  err = link_all(tune, &true_pairs, fault);
  for (unsigned kind = 0; err == KITH_OK && kind < KITH_TUNE_KINDS; kind++) {
    tune->likeness[kind] = KITH_NEW_ARRAY(float, tune->n_pairs[kind] * tune->policy.n_fields + 1);
    if (!tune->likeness[kind])
      err = kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  }
  for (unsigned i = 0; err == KITH_OK && i < tune->policy.n_fields; i++) {
    kith_cli_progress_update(&progress, (double)(i + 1) / n_steps, i + 1);
    err = field_measure(tune, i, fault);
  }
  for (unsigned i = 0; err == KITH_OK && !tune->fast && i < tune->policy.n_fields; i++) {
    kith_cli_progress_update(&progress, (double)(tune->policy.n_fields + i + 1) / n_steps,
                             tune->policy.n_fields + i + 1);
    err = tune->policy.n_fields > 1 ? leave_out(tune, i, true_pairs, fault) : KITH_OK;
  }
  kith_cli_progress_finish(&progress);
  return err;
}
