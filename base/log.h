/* Structured log lines on standard error: level, event id and fields.
 *
 *   2026-11-23T09:30:00Z info round.state round=6f1c... from=gathering to=keying
 *
 * Only programs and services log; libraries return errors. Never keys, encodings, values of
 * records or free text of peers: strings are printed with anything but [A-Za-z0-9._:/-] shown
 * as '?'. Under systemd (JOURNAL_STREAM) the time is left out and a <N> priority comes first. */
#ifndef KITH_BASE_LOG_H
#define KITH_BASE_LOG_H

#include <stdint.h>

enum kith_log_level { KITH_LOG_ERROR, KITH_LOG_WARNING, KITH_LOG_INFO, KITH_LOG_DEBUG };

struct kith_log_field {
  const char *name;
  const char *string; /* or NULL, then the number */
  int64_t number;
};

#define KITH_LOG_STR(name_, string_) ((struct kith_log_field){(name_), (string_), 0})
#define KITH_LOG_INT(name_, number_) ((struct kith_log_field){(name_), NULL, (int64_t)(number_)})

void kith_log_set_level(enum kith_log_level level);
void kith_log_write(enum kith_log_level level, const char *event,
                    const struct kith_log_field *fields, unsigned n_fields);

/* kith_log(KITH_LOG_INFO, "round.state", KITH_LOG_STR("round", id), KITH_LOG_INT("n", 3)); */
#define kith_log(level, event, ...)                                                                \
  kith_log_write((level), (event), (struct kith_log_field[]){{0}, ##__VA_ARGS__} + 1,              \
                 (unsigned)(sizeof((struct kith_log_field[]){{0}, ##__VA_ARGS__}) /                \
                            sizeof(struct kith_log_field)) -                                       \
                     1)

#endif
