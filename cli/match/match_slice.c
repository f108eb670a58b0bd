#include "cli/match/match_slice.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/secret.h"

static_assert(KITH_MATCH_FILES_MAX * 6 <= KITH_ENGINE_PARTIES_MAX, "a file has up to six sets");

static size_t rows_from(size_t n, size_t first, size_t step)
{
  return first < n ? (n - first + step - 1) / step : 0;
}

/* The set of a file's rows first, first + step, ...; the one that is there, or a new one. */
static enum kith_err strided(unsigned *out, struct kith_match_slice *slice,
                             const struct kith_encodings *file, unsigned number, size_t first,
                             size_t step)
{
  for (unsigned s = 0; s < slice->n_sets; s++)
    if (slice->sets[s].file == number && slice->sets[s].first == first &&
        slice->sets[s].step == step && !slice->sets[s].rows) {
      *out = s;
      return KITH_OK;
    }
  struct kith_match_set *set = &slice->sets[slice->n_sets];
  *set =
      (struct kith_match_set){.file = (uint8_t)number, .first = first, .step = step, .view = *file};
  set->view.n = rows_from(file->n, first, step);
  set->view.stride = file->stride * step;
  if (set->view.n > 0)
    set->view.filters = file->filters + first * file->stride;
  if (file->masks) {
    set->view.masks = KITH_NEW_ARRAY(uint16_t, set->view.n);
    if (!set->view.masks)
      return KITH_ERR_MEMORY;
    for (size_t i = 0; i < set->view.n; i++)
      set->view.masks[i] = file->masks[first + i * step];
  }
  *out = slice->n_sets++;
  return KITH_OK;
}

/* The rows of the classes that come after `class` within half the clock, as a copy: they are
 * not a stride apart. */
static enum kith_err half_clock(unsigned *out, struct kith_match_slice *slice,
                                const struct kith_encodings *file, unsigned number, size_t class,
                                size_t count)
{
  struct kith_match_set *set = &slice->sets[slice->n_sets];
  const size_t half = (count - 1) / 2;
  size_t n = 0;
  *set = (struct kith_match_set){.file = (uint8_t)number, .step = 1, .view = *file};
  for (size_t k = 1; k <= half; k++)
    n += rows_from(file->n, (class + k) % count, count);
  set->view.n = n;
  set->view.masks = file->masks ? KITH_NEW_ARRAY(uint16_t, n) : NULL;
  set->view.filters = kith_calloc(n, file->stride);
  set->owns_filters = true;
  set->rows = KITH_NEW_ARRAY(uint32_t, n);
  *out = slice->n_sets++;
  if (!set->rows || !set->view.filters || (file->masks && !set->view.masks))
    return KITH_ERR_MEMORY;
  size_t at = 0;
  for (size_t row = 0; row < file->n; row++) {
    const size_t after = (row % count + count - class) % count;
    if (after < 1 || after > half)
      continue;
    memcpy(set->view.filters + at * file->stride, kith_encodings_row(file, row), file->stride);
    if (file->masks)
      set->view.masks[at] = file->masks[row];
    set->rows[at++] = (uint32_t)row;
  }
  return KITH_OK;
}

/* The number of classes of the earlier file's rows. */
static uint32_t earlier_classes(const struct kith_encodings *files, unsigned n_files,
                                uint32_t count)
{
  uint32_t best = 1;
  unsigned __int128 best_cost = 0;
  uint64_t earlier = 0; /* rows, as often as they are on that side */
  uint64_t later = 0;
  for (unsigned p = 0; p < n_files; p++) {
    earlier += files[p].n * (uint64_t)(n_files - 1 - p);
    later += files[p].n * (uint64_t)p;
  }
  for (uint32_t f = 1; f <= count; f++) {
    if (count % f != 0)
      continue;
    /* earlier / f + later / (count / f), times count */
    unsigned __int128 cost =
        (unsigned __int128)earlier * (count / f) + (unsigned __int128)later * f;
    if (f == 1 || cost < best_cost) {
      best = f;
      best_cost = cost;
    }
  }
  return best;
}

struct chosen {
  unsigned sets[KITH_ENGINE_PARTIES_MAX][2];
  unsigned n;
};

static void choose(struct chosen *chosen, unsigned a, unsigned b)
{
  assert(chosen->n < KITH_COUNT_OF(chosen->sets) && a <= b);
  chosen->sets[chosen->n][0] = a;
  chosen->sets[chosen->n++][1] = b;
}

static enum kith_err cut_within(struct kith_match_slice *slice, struct chosen *chosen,
                                const struct kith_encodings *file, unsigned number, size_t class,
                                size_t count)
{
  const size_t across = (class + count / 2) % count;
  const size_t low = class < across ? class : across;
  const size_t high = class < across ? across : class;
  unsigned own;
  unsigned other;
  enum kith_err err = strided(&own, slice, file, number, class, count);
  if (err)
    return err;
  choose(chosen, own, own);
  if (count >= 3) {
    if ((err = half_clock(&other, slice, file, number, class, count)))
      return err;
    choose(chosen, own, other);
  }
  if (count % 2 != 0)
    return KITH_OK;
  /* Every other row of the lower class meets all of the higher one. */
  err = strided(&own, slice, file, number, low + (class == low ? 0 : count), 2 * count);
  if (!err)
    err = strided(&other, slice, file, number, high, count);
  if (!err)
    choose(chosen, own < other ? own : other, own < other ? other : own);
  return err;
}

static enum kith_err cut(struct kith_match_slice *slice, const struct kith_encodings *files,
                         unsigned n_files, bool within, uint32_t index, uint32_t count)
{
  const uint32_t f = earlier_classes(files, n_files, count);
  unsigned earlier[KITH_MATCH_FILES_MAX] = {0};
  unsigned later[KITH_MATCH_FILES_MAX] = {0};
  struct chosen inside = {.n = 0};
  enum kith_err err = KITH_OK;
  for (unsigned p = 0; p < n_files && !err; p++) {
    if (p + 1 < n_files)
      err = strided(&earlier[p], slice, &files[p], p, (index - 1) % f, f);
    if (!err && p > 0)
      err = strided(&later[p], slice, &files[p], p, (index - 1) / f, count / f);
    if (!err && within)
      err = cut_within(slice, &inside, &files[p], p, index - 1, count);
  }
  for (unsigned p = 0; p < n_files && !err; p++)
    for (unsigned q = p + 1; q < n_files; q++)
      slice->wanted[earlier[p] * slice->n_sets + later[q]] = true;
  for (unsigned i = 0; i < inside.n && !err; i++)
    slice->wanted[inside.sets[i][0] * slice->n_sets + inside.sets[i][1]] = true;
  return err;
}

enum kith_err kith_match_slice_cut(struct kith_match_slice *out, const struct kith_encodings *files,
                                   unsigned n_files, bool within, uint32_t index, uint32_t count)
{
  memset(out, 0, sizeof *out);
  enum kith_err err = cut(out, files, n_files, within, index, count);
  if (err)
    kith_match_slice_free(out);
  return err;
}

void kith_match_slice_free(struct kith_match_slice *slice)
{
  for (unsigned s = 0; s < slice->n_sets; s++) {
    struct kith_match_set *set = &slice->sets[s];
    if (set->view.masks)
      kith_wipe(set->view.masks, set->view.n * sizeof set->view.masks[0]);
    kith_free(set->view.masks);
    if (set->owns_filters && set->view.filters)
      kith_wipe(set->view.filters, set->view.n * set->view.stride);
    if (set->owns_filters)
      kith_free(set->view.filters);
    kith_free(set->rows);
  }
  slice->n_sets = 0;
}

size_t kith_match_slice_bytes(const struct kith_match_slice *slice)
{
  size_t bytes = 0;
  for (unsigned s = 0; s < slice->n_sets; s++) {
    const struct kith_match_set *set = &slice->sets[s];
    bytes += set->view.n * ((set->owns_filters ? set->view.stride : 0) +
                            (set->view.masks ? sizeof set->view.masks[0] : 0) +
                            (set->rows ? sizeof set->rows[0] : 0));
  }
  return bytes;
}

static uint32_t row_of(const struct kith_match_set *set, uint32_t row)
{
  return set->rows ? set->rows[row] : (uint32_t)(set->first + row * set->step);
}

struct kith_match_pair kith_match_slice_pair(const struct kith_match_slice *slice,
                                             const struct kith_pair *pair)
{
  const struct kith_match_set *a = &slice->sets[pair->party_a];
  const struct kith_match_set *b = &slice->sets[pair->party_b];
  const uint32_t row_a = row_of(a, pair->row_a);
  const uint32_t row_b = row_of(b, pair->row_b);
  const bool swap = a->file > b->file || (a->file == b->file && row_a > row_b);
  return (struct kith_match_pair){.row_a = swap ? row_b : row_a,
                                  .row_b = swap ? row_a : row_b,
                                  .file_a = swap ? b->file : a->file,
                                  .file_b = swap ? a->file : b->file,
                                  .millionths = kith_fraction_millionths(pair->similarity)};
}
