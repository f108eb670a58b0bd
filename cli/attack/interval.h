/* How sure a measured share is. */
#ifndef KITH_CLI_ATTACK_INTERVAL_H
#define KITH_CLI_ATTACK_INTERVAL_H

#include <stdint.h>

struct kith_interval {
  double share; /* hits / n; 0 where n is 0 */
  double low;   /* Wilson's score interval, 95%; [0, 1] where n is 0 */
  double high;
};

/* hits <= n. */
struct kith_interval kith_interval(uint64_t hits, uint64_t n);

#endif
