/* Web pages that kith writes: one file each, nothing fetched, on a light or dark screen and on
 * paper. */
#ifndef KITH_CLI_PAGE_H
#define KITH_CLI_PAGE_H

#include "base/buf.h"
#include "base/err.h"

/* Text from outside: escaped, control characters taken out. */
void kith_page_text(struct kith_buf *page, const char *value);
/* Markup; what is put into it is numbers and kith's own words. Up to 2047 bytes. */
void kith_page_put(struct kith_buf *page, const char *format, ...) KITH_PRINTF(2, 3);
#endif
