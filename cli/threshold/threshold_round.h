/* `kith threshold` on a round in review: cli/threshold/threshold_round.c. */
#ifndef KITH_CLI_THRESHOLD_THRESHOLD_ROUND_H
#define KITH_CLI_THRESHOLD_THRESHOLD_ROUND_H

#include "cli/threshold/threshold.h"

struct kith_threshold_home {
  const char *home;
  const char *passphrase_file;
};

/* Fetches what the matcher shows governance of the round. */
KITH_MUST_USE enum kith_err kith_threshold_of_round(struct kith_threshold_view *out,
                                                    const struct kith_threshold_home *where,
                                                    const char *round, struct kith_fault *fault);
/* Signs and sends the decision, a probability. */
int kith_threshold_set(int argc, char **argv);

#endif
