/* Notices to people: a command of the agency's own is run where something waits for somebody, so
 * that they need not look. It is told the event and the round, and nothing of any person:
 *
 *   COMMAND EVENT ROUND      ROUND in hexadecimal; input, output and error are /dev/null, and of
 *                            the environment there is PATH only
 *
 *   round-opened        a round waits for an officer's decision
 *   request-waiting     a request for disclosure came, or several
 *   deadline-near       within two days a request expires, or within one the round does without us
 *
 * One command runs at a time. It has 60 seconds; one that fails is run again after ten minutes.
 * What was noticed is kept with the round, so that a restart does not repeat it. */
#ifndef KITH_DAEMON_SERVICE_NOTICES_H
#define KITH_DAEMON_SERVICE_NOTICES_H

#include "daemon/service/agency.h"

/* Runs what is due, without waiting for it. */
KITH_MUST_USE enum kith_err kith_notices_turn(struct kith_agency *agency);
/* Of the configuration: KITH_ERR_CONFIG with *fault where it can't be run. */
KITH_MUST_USE enum kith_err kith_notices_check(const char *command, struct kith_fault *fault);
/* Takes the command that runs, if any, with it. */
void kith_notices_end(struct kith_agency *agency);

#endif
