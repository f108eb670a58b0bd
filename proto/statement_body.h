/* Bodies of statements, writer beside reader: private to proto/statement.c. */
#ifndef KITH_PROTO_STATEMENT_BODY_H
#define KITH_PROTO_STATEMENT_BODY_H

#include "proto/statement.h"

void kith_statement_body_write(struct kith_buf *buf, const struct kith_statement *statement);
/* Sticky errors in the reader; KITH_ERR_MEMORY where a manifest's array can't be had. */
KITH_MUST_USE enum kith_err kith_statement_body_read(struct kith_reader *reader,
                                                     struct kith_statement *out);

#endif
