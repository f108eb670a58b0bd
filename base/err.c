#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
  const char *name;
  int exit_status;
} errors[KITH_ERR_COUNT] = {
    [KITH_OK] = {"done", 0},
    [KITH_ERR_NO] = {"the answer is no", 1},
    [KITH_ERR_USAGE] = {"wrong usage", 2},
    [KITH_ERR_DATA] = {"bad input data", 65},
    [KITH_ERR_NO_INPUT] = {"no such input", 66},
    [KITH_ERR_UNAVAILABLE] = {"not reachable", 69},
    [KITH_ERR_INTERNAL] = {"internal error", 70},
    [KITH_ERR_CREATE] = {"can't create the output", 73},
    [KITH_ERR_IO] = {"read or write error", 74},
    [KITH_ERR_DENIED] = {"not permitted", 77},
    [KITH_ERR_CONFIG] = {"bad configuration", 78},
    [KITH_ERR_MEMORY] = {"out of memory", 70},
    [KITH_ERR_LIMIT] = {"over a limit", 65},
    [KITH_ERR_NOT_FOUND] = {"not found", 1},
    [KITH_ERR_EXISTS] = {"exists already", 1},
    [KITH_ERR_FULL] = {"full", 74},
    [KITH_ERR_CANCELLED] = {"cancelled", 1},
    [KITH_ERR_TIMEOUT] = {"no answer in time", 69},
};

int kith_err_exit_status(enum kith_err err)
{
  return err < KITH_ERR_COUNT ? errors[err].exit_status : 70;
}

const char *kith_err_name(enum kith_err err)
{
  return err < KITH_ERR_COUNT ? errors[err].name : "unknown error";
}

enum kith_err(kith_fail)(struct kith_fault *fault, enum kith_err err, const char *format, ...)
{
  if (fault) {
    va_list args;
    fault->err = err;
    va_start(args, format);
    vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
  }
  return err;
}

enum kith_err(kith_fail_at)(struct kith_fault *fault, enum kith_err err, const char *format, ...)
{
  if (fault) {
    char cause[KITH_FAULT_TEXT_BYTES];
    va_list args;
    size_t used;

    memcpy(cause, fault->text, sizeof cause);
    va_start(args, format);
    vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    used = strlen(fault->text);
    snprintf(fault->text + used, sizeof fault->text - used, ": %.*s", KITH_FAULT_TEXT_BYTES - 4,
             cause);
    fault->err = err;
  }
  return err;
}
