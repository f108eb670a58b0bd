/* Failpoints: named places where a test build can fail or kill itself.
 *
 * In the programs that are installed every call below is a constant; only objects built
 * with -DKITH_TESTING (build/test/) look at the environment:
 *
 *   KITH_FAIL=alloc:17          the 17th allocation fails
 *   KITH_FAIL=store.write:3     the 3rd time this place is reached it reports a failure
 *   KITH_KILL=store.commit.before:2   SIGKILL of itself, the 2nd time it is reached
 *   KITH_STOP=roundkey.save.after:3   SIGSTOP likewise, for a test that looks at the process
 *   KITH_TRACE_FAILPOINTS=FILE  appends the name of each place reached, for finding them all
 *   KITH_FAILPOINTS_FROM=FILE   nothing counts, and nothing is traced, before this file exists
 */
#ifndef KITH_BASE_FAILPOINT_H
#define KITH_BASE_FAILPOINT_H

#include <stdbool.h>

#ifdef KITH_TESTING
/* True if the place is to fail now. May not return (KITH_KILL). */
bool kith_failpoint(const char *name);
/* For unit tests: the n-th (1-based) time `name` is reached fails; NULL turns it off.
 * kith_failpoint_reached: how often it has been since. Thread-safe. */
void kith_failpoint_arm(const char *name, unsigned long n);
unsigned long kith_failpoint_reached(void);
#else
static inline bool kith_failpoint(const char *name)
{
  (void)name;
  return false;
}
#endif

#endif
