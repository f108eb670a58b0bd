#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { LINE_BYTES = 2048 };

static atomic_int max_level = KITH_LOG_INFO;

struct line {
  char bytes[LINE_BYTES];
  size_t len;
};

static void put(struct line *line, char c)
{
  if (line->len < sizeof line->bytes - 1) /* one is kept for the end */
    line->bytes[line->len++] = c;
}

static void put_trusted(struct line *line, const char *text)
{
  for (; *text != '\0'; text++)
    put(line, *text);
}

static void put_string(struct line *line, const char *text)
{
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "._:/-";

  for (; *text != '\0'; text++)
    put(line, strchr(allowed, *text) ? *text : '?');
}

static void put_start(struct line *line, enum kith_log_level level)
{
  static const char *const names[] = {"error", "warning", "info", "debug"};
  static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"};
  char now[KITH_TIME_BYTES];

  if (getenv("JOURNAL_STREAM")) {
    put_trusted(line, priorities[level]);
  } else {
    kith_time_format(now, kith_clock_now());
    put_trusted(line, now);
    put(line, ' ');
  }
  put_trusted(line, names[level]);
  put(line, ' ');
}

void kith_log_set_level(enum kith_log_level level)
{
  atomic_store(&max_level, (int)level);
}

void kith_log_write(enum kith_log_level level, const char *event,
                    const struct kith_log_field *fields, unsigned n_fields)
{
  struct line line = {.len = 0};
  char number[32];
  ssize_t written;

  if ((int)level > atomic_load(&max_level))
    return;
  put_start(&line, level);
  put_trusted(&line, event);
  for (unsigned i = 0; i < n_fields; i++) {
    put(&line, ' ');
    put_trusted(&line, fields[i].name);
    put(&line, '=');
    if (fields[i].string) {
      put_string(&line, fields[i].string);
    } else {
      snprintf(number, sizeof number, "%lld", (long long)fields[i].number);
      put_trusted(&line, number);
    }
  }
  line.bytes[line.len++] = '\n';
  /* One write, so that threads' lines don't mix. A log that can't be written stops nobody. */
  written = write(STDERR_FILENO, line.bytes, line.len);
  (void)written;
}
