/* What kith and kith-odbc say to each other over a pipe: a request one way; opened, header, rows,
 * and the end or a fault the other. Writer and reader side by side.
 *
 * A frame, numbers little-endian:
 *
 *     0   1   type
 *     1   4   bytes that follow
 *     5   4   a: of a row its problem, of a fault the error, of a request the seconds to wait
 *     9   4   b: of a row the column of its problem
 *     13  4   number of texts, KITH_ROWPIPE_TEXTS_MAX at most
 *     17  -   each text: 4 bytes of length, its bytes, a NUL
 *
 * Texts are UTF-8 without NUL. A reader refuses anything else: a driver of somebody else's runs in
 * the process that writes. */
#ifndef KITH_DAEMON_PIPELINE_ROWPIPE_H
#define KITH_DAEMON_PIPELINE_ROWPIPE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum kith_rowpipe_type {
  KITH_ROWPIPE_REQUEST = 'Q', /* data source, query, credential ("": none) */
  KITH_ROWPIPE_OPENED = 'O',  /* logged in */
  KITH_ROWPIPE_HEADER = 'H',  /* names of columns */
  KITH_ROWPIPE_ROW = 'R',     /* as many cells; none where there is a problem */
  KITH_ROWPIPE_END = 'E',     /* all rows were given */
  KITH_ROWPIPE_FAULT = 'F'    /* one text, for people; the last frame */
};

enum {
  KITH_ROWPIPE_TEXTS_MAX = 1024,          /* as columns of a CSV file */
  KITH_ROWPIPE_FIELD_BYTES_MAX = 1 << 16, /* as base/csv.h */
  KITH_ROWPIPE_ROW_BYTES_MAX = 1 << 20,   /* as base/csv.h */
  KITH_ROWPIPE_HEAD_BYTES = 5,
  KITH_ROWPIPE_BODY_BYTES_MAX = KITH_ROWPIPE_ROW_BYTES_MAX + 5 * KITH_ROWPIPE_TEXTS_MAX + 12
};

struct kith_rowpipe_frame {
  enum kith_rowpipe_type type;
  uint32_t a;
  uint32_t b;
  size_t n_texts;
  const char *texts[KITH_ROWPIPE_TEXTS_MAX]; /* into the bytes that were read */
  size_t lens[KITH_ROWPIPE_TEXTS_MAX];
};

/* ---- writing: begin, texts, end. Errors stick to the buffer, as base/buf.h says. */
size_t kith_rowpipe_begin(struct kith_buf *buf, enum kith_rowpipe_type type, uint32_t a,
                          uint32_t b);
void kith_rowpipe_text(struct kith_buf *buf, const char *text, size_t len);
/* `frame` is what begin returned. */
void kith_rowpipe_end(struct kith_buf *buf, size_t frame, size_t n_texts);
/* A frame of up to a few strings. */
void kith_rowpipe_strings(struct kith_buf *buf, enum kith_rowpipe_type type, uint32_t a,
                          const char *const *strings, size_t n);

/* ---- reading: the first frame of the bytes, and how many of them it has. KITH_ERR_NOT_FOUND: it
 * is not all there yet; KITH_ERR_DATA: no frame at all. */
KITH_MUST_USE enum kith_err kith_rowpipe_read(struct kith_rowpipe_frame *out, size_t *used,
                                              const uint8_t *bytes, size_t len);

#endif
