#include "matcher/engine/plan.h"

#include <string.h>

#include "base/mem.h"

/* In cycles of each thread: a scan that costs less is not worth a plan (about 10^9). */
#define WORTH_PLANNING 1e10

enum { SAMPLE = 320 /* rows, each half against the other */ };

struct sample {
  uint64_t *rows; /* SAMPLE x n_words */
  struct kith_pack_class classes[SAMPLE];
  size_t n;
};

/* Positions spread evenly over all parties. */
static void take_sample(struct sample *sample, const struct kith_pack *packs, unsigned n_packs,
                        size_t n_words)
{
  uint64_t total = 0;
  for (unsigned p = 0; p < n_packs; p++)
    total += packs[p].n_rows;
  sample->n = total < SAMPLE ? (size_t)total : SAMPLE;
  for (size_t s = 0; s < sample->n; s++) {
    uint64_t at = s * total / sample->n;
    unsigned p = 0;
    while (at >= packs[p].n_rows)
      at -= packs[p++].n_rows;
    const uint64_t *lane = packs[p].blocks + at / KITH_KERNEL_LANES * n_words * KITH_KERNEL_LANES +
                           at % KITH_KERNEL_LANES;
    for (size_t w = 0; w < n_words; w++)
      sample->rows[s * n_words + w] = lane[w * KITH_KERNEL_LANES];
    sample->classes[s] = packs[p].classes[packs[p].class_of[at]];
  }
}

static int32_t half_down(int32_t x)
{
  return (x - (x & 1)) / 2;
}

/* The share of pairs that the sieve lets pass. */
static double pass_rate(const struct sample *sample, const struct kith_sketch *sketch,
                        const struct kith_task_setting *setting)
{
  uint8_t counts[SAMPLE][KITH_SKETCH_GROUPS_MAX];
  int32_t halves[SAMPLE];
  size_t n_pass = 0;
  size_t n = 0;
  for (size_t s = 0; s < sample->n; s++)
    halves[s] = half_down(kith_sketch_row(sketch, counts[s], sample->rows + s * setting->n_words));
  for (size_t a = 0; a < sample->n; a += 2)
    for (size_t b = 1; b < sample->n; b += 2, n++) {
      struct kith_similarity_pattern pattern = kith_similarity_pattern(
          &setting->similarity, sample->classes[a].mask, sample->classes[b].mask);
      struct kith_similarity_line line = kith_similarity_line(&pattern, setting->bound);
      int32_t rest = -halves[a] - halves[b] -
                     (int32_t)kith_similarity_line_at(&line, sample->classes[a].count,
                                                      sample->classes[b].count);
      for (unsigned g = 0; g < sketch->n_groups; g++)
        rest += counts[a][g] < counts[b][g] ? counts[a][g] : counts[b][g];
      n_pass += rest >= 0;
    }
  return n > 0 ? (double)n_pass / (double)n : 1;
}

/* Learns each size; keeps the best. */
static enum kith_err try_sizes(struct kith_sketch *best, double *best_cost,
                               const struct kith_covariance *covariance,
                               const struct sample *sample, const struct kith_task_setting *setting,
                               unsigned only)
{
  static const unsigned sizes[] = {8, 12, 20, 32, 48, 72, 104};
  for (size_t i = 0; i < (only ? 1 : KITH_COUNT_OF(sizes)); i++) {
    struct kith_sketch sketch;
    unsigned n_groups = only ? only : sizes[i];
    double sieve_cost = setting->kernel->group_cost * n_groups + 0.1;
    if (!only &&
        (n_groups * KITH_SKETCH_GROUP_BITS_MAX < covariance->n_bits || sieve_cost >= *best_cost))
      continue;
    if (setting->stopped(setting->context))
      return KITH_ERR_CANCELLED;
    enum kith_err err = kith_sketch_learn(&sketch, covariance, n_groups);
    if (err)
      return err;
    double cost = sieve_cost + setting->kernel->verify_cost * pass_rate(sample, &sketch, setting);
    if (only || cost < *best_cost) {
      *best = sketch;
      *best_cost = cost;
    }
  }
  return KITH_OK;
}

enum kith_err kith_plan_sketch(struct kith_sketch *sketch, bool *use,
                               const struct kith_encodings *const *parties, unsigned n_parties,
                               const struct kith_pack *packs,
                               const struct kith_task_setting *setting,
                               const struct kith_engine_options *options, uint64_t comparisons)
{
  bool forced = options->method == KITH_ENGINE_SKETCH;
  *use = false;
  double brute_cost = setting->kernel->word_cost * (double)setting->n_words + 0.15;
  if (options->method == KITH_ENGINE_BRUTE || setting->n_words * 64 > KITH_SKETCH_BITS_MAX ||
      (!forced && (double)comparisons * brute_cost / options->n_threads < WORTH_PLANNING))
    return KITH_OK;
  unsigned only = forced ? options->sketch_groups : 0;
  unsigned fewest = (unsigned)(setting->n_words * 64 / KITH_SKETCH_GROUP_BITS_MAX + 1);
  if (only && only < fewest)
    only = fewest;
  double cost = forced ? 1e9 : brute_cost;
  struct sample sample = {.rows = KITH_NEW_ARRAY(uint64_t, SAMPLE * setting->n_words)};
  struct kith_covariance covariance = {0};
  enum kith_err err = sample.rows ? KITH_OK : KITH_ERR_MEMORY;
  if (!err)
    err = kith_covariance_new(&covariance, parties, n_parties);
  if (!err) {
    double before = cost;
    take_sample(&sample, packs, n_parties, setting->n_words);
    err = try_sizes(sketch, &cost, &covariance, &sample, setting, only);
    *use = !err && cost < before;
  }
  kith_covariance_free(&covariance);
  kith_free(sample.rows);
  return err;
}
