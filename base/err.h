/* Errors: one list of codes for the whole project, and a message for people.
 *
 * A function that can fail returns `enum kith_err` and is marked KITH_MUST_USE.
 * Where the cause must be told to a person (which file, line, column, what was
 * expected, what to do) the last argument is a `struct kith_fault *`, which may
 * be NULL. A message never holds a record's value, a key or an encoding.
 * Outputs are untouched or wiped when a function fails. */
#ifndef KITH_BASE_ERR_H
#define KITH_BASE_ERR_H

#include <stddef.h>

#define KITH_MUST_USE __attribute__((warn_unused_result))
#define KITH_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* The first group maps one to one to exit statuses (sysexits.h). */
enum kith_err {
  KITH_OK = 0,
  KITH_ERR_NO,          /* the answer is no: a check failed, a signature is bad (1) */
  KITH_ERR_USAGE,       /* the command line (2) */
  KITH_ERR_DATA,        /* bad input data (65) */
  KITH_ERR_NO_INPUT,    /* no such input (66) */
  KITH_ERR_UNAVAILABLE, /* the daemon or the matcher can't be reached (69) */
  KITH_ERR_INTERNAL,    /* an error of ours (70) */
  KITH_ERR_CREATE,      /* an output can't be created (73) */
  KITH_ERR_IO,          /* a read or a write failed, a full disk included (74) */
  KITH_ERR_DENIED,      /* not permitted (77) */
  KITH_ERR_CONFIG,      /* bad configuration (78) */

  /* The second group is for callers to act on. */
  KITH_ERR_MEMORY,    /* out of memory (70) */
  KITH_ERR_LIMIT,     /* a stated limit would be passed (65) */
  KITH_ERR_NOT_FOUND, /* no such key or entry (1) */
  KITH_ERR_EXISTS,    /* there already (1) */
  KITH_ERR_FULL,      /* the store's map, a queue or a buffer is full (74) */
  KITH_ERR_CANCELLED, /* stopped because the caller asked (1) */
  KITH_ERR_TIMEOUT,   /* no answer in time (69) */
  KITH_ERR_COUNT
};

/* The exit status that stands for `err`. */
int kith_err_exit_status(enum kith_err err);

/* A short English name of `err`, static. */
const char *kith_err_name(enum kith_err err);

enum { KITH_FAULT_TEXT_BYTES = 512 };

/* What went wrong, in words for the person who has to mend it. */
struct kith_fault {
  enum kith_err err;
  char text[KITH_FAULT_TEXT_BYTES];
};

/* Sets *fault (if not NULL) and returns `err`. Text too long is cut. */
enum kith_err kith_fail(struct kith_fault *fault, enum kith_err err, const char *format, ...)
    KITH_PRINTF(3, 4);

/* Puts "PREFIX: " before the text of *fault (if not NULL) and returns its `err` argument:
 * for a caller that knows the place (file, row) where a callee knows the cause. */
enum kith_err kith_fail_at(struct kith_fault *fault, enum kith_err err, const char *format, ...)
    KITH_PRINTF(3, 4);

#ifdef __clang_analyzer__
/* The analyzer sees one file at a time: it is told here that both return their `err`. */
#define kith_fail(fault, err, ...) ((void)(kith_fail)((fault), (err), __VA_ARGS__), (err))
#define kith_fail_at(fault, err, ...) ((void)(kith_fail_at)((fault), (err), __VA_ARGS__), (err))
#endif

#endif
