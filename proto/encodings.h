/* Encodings: the rows of one party as arrays of bits, and the files that hold them.
 *
 * Life: kith_encodings_init, then alloc (an empty set to fill) or one of the readers, then
 * kith_encodings_free, which takes an initialised or already freed object. Readers leave *out
 * empty when they fail; their faults name the file and the row, never a row's content.
 *
 * Three formats:
 *   kith     binary: header, rows (mask and filter), CRC-32. Layout in
 *            encodings_file.c and kith-encodings(5).
 *   clkhash  {"clks": [base64, ...]}, all of one length: the clkhash command's output.
 *   raw      no header, ceil(bits / 8) bytes a row; the caller knows `bits`.
 * Each may be gzipped, which the first two bytes tell. */
#ifndef KITH_PROTO_ENCODINGS_H
#define KITH_PROTO_ENCODINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum {
  KITH_ENCODINGS_FIELDS_MAX = 16,
  KITH_ENCODINGS_FILTERS_MAX = 4,
  KITH_ENCODINGS_BITS_MAX = 1 << 20,
  KITH_ENCODINGS_WEIGHT_SUM_MAX = 16 * 65535, /* keeps similarities in 64 bits */
  KITH_SCHEMA_HASH_BYTES = 32,
  KITH_KEY_CHECK_BYTES = 16,
  KITH_ENCODINGS_HEADER_BYTES_MAX = 176
};
#define KITH_ENCODINGS_ROWS_MAX UINT32_MAX
#define KITH_ENCODINGS_FILE_BYTES_MAX ((size_t)1 << 34) /* unzipped */

/* A row is one filter, or several one after the other, each of whole bytes. `bits` and `row_bytes`
 * are the first filter's, which is what is compared: its bytes are row_bytes at
 * kith_encodings_row. */
struct kith_encodings {
  size_t n;         /* rows */
  unsigned bits;    /* 0 only where n = 0 and nothing told the length */
  size_t row_bytes; /* ceil(bits / 8) */
  size_t stride;    /* from row to row: the bytes of all filters */
  uint8_t *filters; /* owned, n x stride; bit 0 = most significant of byte 0; pad bits zero */
  uint16_t *masks;  /* owned, n; bit f set = field f of the policy was present; NULL: unknown */
  bool has_schema;  /* schema_hash and key_check mean something (else zero) */
  uint8_t schema_hash[KITH_SCHEMA_HASH_BYTES];
  uint8_t key_check[KITH_KEY_CHECK_BYTES];
  unsigned n_fields;                                /* 1..16 where there are masks, else 0..16 */
  unsigned n_filters;                               /* 1..4 */
  unsigned filter_bits[KITH_ENCODINGS_FILTERS_MAX]; /* [0] is `bits`; zeros from n_filters on */
  uint8_t field_filters[KITH_ENCODINGS_FIELDS_MAX]; /* the filter that a field is in */
  /* What each field adds to its filter, as relative expected bits; the sum is above 0 where there
   * are masks. Entries from n_fields on are zero. */
  uint32_t field_weights[KITH_ENCODINGS_FIELDS_MAX];
};

void kith_encodings_init(struct kith_encodings *enc);
void kith_encodings_free(struct kith_encodings *enc); /* wipes filters and masks */

/* Room for n zeroed rows (and masks); the rest as kith_encodings_init leaves it. Memory held
 * before is not freed: for initialised objects only. KITH_ERR_LIMIT: too many bits or rows. */
KITH_MUST_USE enum kith_err kith_encodings_alloc(struct kith_encodings *enc, size_t n,
                                                 unsigned bits, bool with_masks);

/* The same with several filters a row. */
KITH_MUST_USE enum kith_err kith_encodings_alloc_filters(struct kith_encodings *enc, size_t n,
                                                         const unsigned *bits, unsigned n_filters,
                                                         bool with_masks);

/* The lengths of rows of n_filters filters, 1 to 4. */
void kith_encodings_set_filters(struct kith_encodings *enc, const unsigned *bits,
                                unsigned n_filters);

static inline uint8_t *kith_encodings_row(const struct kith_encodings *enc, size_t row)
{
  return enc->filters + row * enc->stride;
}

/* Filter f of a row: ceil(filter_bits[f] / 8) bytes; f below n_filters. */
const uint8_t *kith_encodings_filter(const struct kith_encodings *enc, size_t row, unsigned f);
/* The weights of the fields of filter f, zero for the others. */
void kith_encodings_filter_weights(const struct kith_encodings *enc, unsigned f,
                                   uint32_t out[KITH_ENCODINGS_FIELDS_MAX]);
/* The fields of filter f, one bit each. */
uint16_t kith_encodings_filter_fields(const struct kith_encodings *enc, unsigned f);

/* Holds every promise that the struct's comments make (lengths, pad bits, masks, weights);
 * KITH_ERR_DATA with a fault prefixed by `name` if not. */
KITH_MUST_USE enum kith_err kith_encodings_check(const struct kith_encodings *enc, const char *name,
                                                 struct kith_fault *fault);

/* Whether rows of the two sets may be compared: equal filters, schema hash, key check and field
 * weights (a set without rows and length fits all). KITH_ERR_DATA with a fault that names both. */
KITH_MUST_USE enum kith_err kith_encodings_comparable(const struct kith_encodings *a,
                                                      const char *name_a,
                                                      const struct kith_encodings *b,
                                                      const char *name_b, struct kith_fault *fault);

enum kith_encodings_format {
  KITH_ENCODINGS_DETECT, /* kith by its magic, else raw if bits are given, else clkhash */
  KITH_ENCODINGS_KITH,
  KITH_ENCODINGS_CLKHASH,
  KITH_ENCODINGS_RAW
};

/* From memory; `name` stands for the file in faults. */
KITH_MUST_USE enum kith_err kith_encodings_parse_kith(struct kith_encodings *out, const void *bytes,
                                                      size_t len, const char *name,
                                                      struct kith_fault *fault);
KITH_MUST_USE enum kith_err kith_encodings_parse_clkhash(struct kith_encodings *out,
                                                         const void *bytes, size_t len,
                                                         const char *name,
                                                         struct kith_fault *fault);
KITH_MUST_USE enum kith_err kith_encodings_parse_raw(struct kith_encodings *out, const void *bytes,
                                                     size_t len, unsigned bits, const char *name,
                                                     struct kith_fault *fault);

/* A file, plain or gzipped. `bits` is for raw files, 0 otherwise; where a file of another
 * format is read with bits given, they must agree (KITH_ERR_DATA). */
KITH_MUST_USE enum kith_err kith_encodings_read(struct kith_encodings *out, const char *path,
                                                enum kith_encodings_format format, unsigned bits,
                                                struct kith_fault *fault);

/* Writes the document to a stream; what is not representable is left out (clkhash and raw have
 * no masks or header and the first filter alone, clkhash pads to whole bytes). KITH_ERR_IO if the
 * stream failed. */
KITH_MUST_USE enum kith_err kith_encodings_print(FILE *stream, const struct kith_encodings *enc,
                                                 enum kith_encodings_format format);
/* A kith file row by row: begin with everything but rows in `like` (n and filters are ignored),
 * add rows, end. The stream must be seekable: the number of rows is written to its header at the
 * end. Nothing of it is owned; a failed write is KITH_ERR_IO from end. */
struct kith_encodings_writer {
  FILE *stream;
  uint64_t n;
  uint32_t crc; /* of the rows */
  bool masked;
  size_t stride;
  uint8_t header[KITH_ENCODINGS_HEADER_BYTES_MAX];
  size_t header_len;
  bool failed; /* a row could not be replaced */
};
void kith_encodings_begin(struct kith_encodings_writer *writer, FILE *stream,
                          const struct kith_encodings *like, bool masked);
void kith_encodings_add(struct kith_encodings_writer *writer, const uint8_t *filters,
                        const uint16_t *masks, size_t n);
/* Another content for a row that was added, below n; what it was must be given as it was. */
void kith_encodings_replace(struct kith_encodings_writer *writer, uint64_t row,
                            const uint8_t *old_filters, uint16_t old_mask, const uint8_t *filters,
                            uint16_t mask);
KITH_MUST_USE enum kith_err kith_encodings_end(struct kith_encodings_writer *writer);

/* A whole set to a file that appears whole or not at all. */
KITH_MUST_USE enum kith_err kith_encodings_write(const char *path, const struct kith_encodings *enc,
                                                 enum kith_encodings_format format,
                                                 struct kith_fault *fault);

#endif
