#include "proto/blind.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"

static const uint8_t magic[] = {'k', 'i', 't', 'h', 'b', 'l', 'n', 'd', 1};

size_t kith_blind_header_put(uint8_t out[KITH_BLIND_HEADER_BYTES_MAX],
                             const struct kith_blind_header *header)
{
  const struct kith_blind_layout *layout = &header->layout;
  uint8_t *at = out;

  memcpy(at, magic, sizeof magic);
  at += sizeof magic;
  *at++ = (uint8_t)layout->n_fields;
  for (unsigned f = 0; f < layout->n_fields; f++)
    *at++ = (uint8_t)(layout->bits[f] / 8);
  *at++ = (uint8_t)layout->n_keys;
  *at++ = (uint8_t)layout->occurrences;
  *at++ = header->high;
  kith_put_le(at, 8, header->n_records);
  at += 8;
  memcpy(at, header->terms.bytes, KITH_HASH_BYTES);
  return (size_t)(at + KITH_HASH_BYTES - out);
}

/* The header's length, 0 where it is none. */
static size_t header_read(struct kith_blind_header *header, const uint8_t *bytes, size_t len)
{
  struct kith_blind_layout *layout = &header->layout;
  size_t at = sizeof magic;

  *header = (struct kith_blind_header){0};
  if (len < at + 1 || memcmp(bytes, magic, sizeof magic) != 0 || bytes[at] > KITH_BLIND_FIELDS_MAX)
    return 0;
  layout->n_fields = bytes[at++];
  if (len - at < layout->n_fields + 3 + 8 + KITH_HASH_BYTES)
    return 0;
  for (unsigned f = 0; f < layout->n_fields; f++)
    layout->bits[f] = bytes[at++] * 8u;
  layout->n_keys = bytes[at++];
  layout->occurrences = bytes[at++];
  if (bytes[at] > 1 || !kith_blind_layout_make(layout))
    return 0;
  header->high = bytes[at++];
  header->n_records = kith_get_le(bytes + at, 8);
  memcpy(header->terms.bytes, bytes + at + 8, KITH_HASH_BYTES);
  return at + 8 + KITH_HASH_BYTES;
}

static enum kith_err check_rows(const struct kith_blind_submission *submission, const char *name,
                                struct kith_fault *fault)
{
  const struct kith_blind_layout *layout = &submission->header.layout;
  const uint8_t *row = submission->rows;

  for (uint64_t i = 0; i < submission->n_rows; i++, row += layout->row_bytes) {
    int order = i > 0 ? memcmp(row - layout->row_bytes, row, KITH_BLIND_TOKEN_BYTES) : -1;

    if (order == 0)
      return kith_fail(fault, KITH_ERR_DATA, "%s: row %llu: a token that was sent already", name,
                       (unsigned long long)i);
    if (order > 0)
      return kith_fail(fault, KITH_ERR_DATA, "%s: row %llu: tokens are not in rising order", name,
                       (unsigned long long)i);
    for (size_t k = 0; k < layout->digit_bytes; k++)
      if (row[layout->digits + k] >= KITH_BLIND_DIGITS_END)
        return kith_fail(fault, KITH_ERR_DATA, "%s: row %llu: not three-valued digits", name,
                         (unsigned long long)i);
  }
  return KITH_OK;
}

enum kith_err kith_blind_parse(struct kith_blind_submission *out, const uint8_t *bytes, size_t len,
                               const char *name, struct kith_fault *fault)
{
  struct kith_blind_submission read = {0};
  size_t header = header_read(&read.header, bytes, len);
  size_t row_bytes = read.header.layout.row_bytes;
  enum kith_err err;

  if (header == 0)
    return kith_fail(fault, KITH_ERR_DATA, "%s: not a blind submission of this version", name);
  read.rows = bytes + header;
  read.n_rows = (len - header) / row_bytes;
  if ((len - header) % row_bytes != 0 || read.header.n_records > read.n_rows ||
      kith_blind_rows(&read.header.layout, read.header.n_records) != read.n_rows)
    return kith_fail(fault, KITH_ERR_DATA,
                     "%s: %zu bytes of rows are not what its %llu records have", name, len - header,
                     (unsigned long long)read.header.n_records);
  err = check_rows(&read, name, fault);
  if (err == KITH_OK)
    *out = read;
  return err;
}

enum kith_err kith_blind_expect(const struct kith_blind_submission *submission,
                                const struct kith_blind_layout *layout,
                                const struct kith_hash *terms, bool high, const char *name,
                                struct kith_fault *fault)
{
  const struct kith_blind_header *header = &submission->header;

  if (!kith_hash_equal(&header->terms, terms) || header->layout.row_bytes != layout->row_bytes ||
      memcmp(header->layout.bits, layout->bits, sizeof layout->bits) != 0 ||
      header->layout.n_keys != layout->n_keys || header->layout.occurrences != layout->occurrences)
    return kith_fail(fault, KITH_ERR_DATA, "%s: was made under other terms than the policy's",
                     name);
  if (header->high != high)
    return kith_fail(fault, KITH_ERR_DATA, "%s: is of the pair's other side", name);
  return KITH_OK;
}

/* ---- levels */

unsigned kith_blind_level(unsigned distance, unsigned bits, unsigned missing)
{
  unsigned level;

  if (missing)
    return missing > 1 ? KITH_BLIND_LEVEL_BOTH_LACK : KITH_BLIND_LEVEL_ONE_LACKS;
  level = (distance * 32 + 3 * bits - 1) / (3 * bits); /* by 3 in 32 of the bits, upward */
  return level < 5 ? level : 5;
}

uint32_t kith_blind_cell(const struct kith_blind_layout *layout, const uint8_t *distances,
                         const uint8_t *missing, unsigned n_keys)
{
  unsigned keys = n_keys < KITH_BLIND_KEY_LEVELS ? n_keys - 1 : KITH_BLIND_KEY_LEVELS - 1;
  uint32_t cell = keys << KITH_BLIND_FIELDS_MAX * KITH_BLIND_LEVEL_BITS;

  for (unsigned f = 0; f < layout->n_fields; f++)
    cell |= kith_blind_level(distances[f], layout->bits[f], missing[f])
            << f * KITH_BLIND_LEVEL_BITS;
  return cell;
}

void kith_blind_histogram_free(struct kith_blind_histogram *histogram)
{
  kith_free(histogram->counts);
  *histogram = (struct kith_blind_histogram){0};
}

/* ---- histograms */

unsigned kith_blind_step(uint64_t n_people, uint64_t n_peer)
{
  unsigned step = 0;

  /* Next by ratio: a step is one half, so the border is its root. */
  while (step + 1 < KITH_BLIND_STEPS && (double)(n_people >> step) * (double)(n_people >> step) >
                                            2.0 * (double)n_peer * (double)n_peer)
    step++;
  return step;
}

uint64_t kith_blind_step_people(uint64_t n_people, unsigned step)
{
  uint64_t n = n_people >> step;

  return n || !n_people ? n : 1;
}

enum { COUNT_BYTES = 8, N_BYTES = 4 };

enum kith_err
kith_blind_histograms_write(uint8_t **out, size_t *len,
                            const struct kith_blind_histogram histograms[KITH_BLIND_STEPS],
                            size_t limit)
{
  size_t n = 0;
  uint8_t *at;

  for (unsigned step = 0; step < KITH_BLIND_STEPS; step++)
    n += histograms[step].n;
  if (n > (limit - (size_t)KITH_BLIND_STEPS * N_BYTES) / COUNT_BYTES)
    return KITH_ERR_LIMIT;
  *len = (size_t)KITH_BLIND_STEPS * N_BYTES + n * COUNT_BYTES;
  at = kith_calloc(*len, 1);
  if (!at)
    return KITH_ERR_MEMORY;
  *out = at;
  for (unsigned step = 0; step < KITH_BLIND_STEPS; step++) {
    kith_put_le(at, N_BYTES, histograms[step].n);
    at += N_BYTES;
    for (size_t i = 0; i < histograms[step].n; i++, at += COUNT_BYTES) {
      kith_put_le(at, 4, histograms[step].counts[i].cell);
      kith_put_le(at + 4, 4, histograms[step].counts[i].count);
    }
  }
  return KITH_OK;
}

/* Rising cells, of the fields that there are, each with a count. */
static bool counts_hold(const struct kith_blind_histogram *histogram,
                        const struct kith_blind_layout *layout)
{
  uint32_t fields = (UINT32_C(1) << layout->n_fields * KITH_BLIND_LEVEL_BITS) - 1;

  for (size_t i = 0; i < histogram->n; i++) {
    uint32_t cell = histogram->counts[i].cell;

    if (histogram->counts[i].count == 0 || kith_blind_cell_keys(cell) >= KITH_BLIND_KEY_LEVELS ||
        (cell & ~fields) != kith_blind_cell_keys(cell)
                                << KITH_BLIND_FIELDS_MAX * KITH_BLIND_LEVEL_BITS ||
        (i > 0 && histogram->counts[i - 1].cell >= cell))
      return false;
  }
  return true;
}

static enum kith_err histogram_read(struct kith_blind_histogram *out, const uint8_t **at,
                                    const uint8_t *end)
{
  size_t n;

  if (end - *at < N_BYTES)
    return KITH_ERR_DATA;
  n = kith_get_le(*at, N_BYTES);
  *at += N_BYTES;
  if (n > (size_t)(end - *at) / COUNT_BYTES)
    return KITH_ERR_DATA;
  out->counts = kith_calloc(n, sizeof *out->counts);
  if (!out->counts)
    return KITH_ERR_MEMORY;
  out->n = n;
  for (size_t i = 0; i < n; i++, *at += COUNT_BYTES)
    out->counts[i] =
        (struct kith_blind_count){(uint32_t)kith_get_le(*at, 4), (uint32_t)kith_get_le(*at + 4, 4)};
  return KITH_OK;
}

enum kith_err kith_blind_histograms_read(struct kith_blind_histogram out[KITH_BLIND_STEPS],
                                         const uint8_t *bytes, size_t len,
                                         const struct kith_blind_layout *layout, uint64_t n_people)
{
  const uint8_t *at = bytes;
  enum kith_err err = KITH_OK;

  memset(out, 0, KITH_BLIND_STEPS * sizeof *out);
  for (unsigned step = 0; step < KITH_BLIND_STEPS && err == KITH_OK; step++) {
    err = histogram_read(&out[step], &at, bytes + len);
    out[step].comparisons =
        n_people ? (double)kith_blind_step_people(n_people, step) * (double)(n_people - 1) : 0;
    if (err == KITH_OK && !counts_hold(&out[step], layout))
      err = KITH_ERR_DATA;
  }
  if (err == KITH_OK && at != bytes + len)
    err = KITH_ERR_DATA;
  for (unsigned step = 0; step < KITH_BLIND_STEPS && err != KITH_OK; step++)
    kith_blind_histogram_free(&out[step]);
  return err;
}
