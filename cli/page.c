#include "cli/page.h"

#include <stdarg.h>
#include <stdio.h>

void kith_page_text(struct kith_buf *page, const char *value)
{
  for (; *value != '\0'; value++) {
    switch (*value) {
    case '&':
      kith_buf_append_string(page, "&amp;");
      break;
    case '<':
      kith_buf_append_string(page, "&lt;");
      break;
    case '>':
      kith_buf_append_string(page, "&gt;");
      break;
    case '"':
      kith_buf_append_string(page, "&quot;");
      break;
    case '\'':
      kith_buf_append_string(page, "&#39;");
      break;
    default: /* control characters are no XML */
      kith_buf_append(page, (unsigned char)*value < 0x20 || *value == 0x7f ? "?" : value, 1);
    }
  }
}

void kith_page_put(struct kith_buf *page, const char *format, ...)
{
  char piece[2048];
  va_list args;

  va_start(args, format);
  (void)vsnprintf(piece, sizeof piece, format, args);
  va_end(args);
  kith_buf_append_string(page, piece);
}
