/* An officer's decision at the command line: what kithd shows is seen, by a person or by its hash,
 * and exactly those bytes are signed with the officer's key. For `kith round join` and `decline`,
 * and `kith disclosure approve` and `refuse`. */
#ifndef KITH_CLI_DECISION_H
#define KITH_CLI_DECISION_H

#include <jansson.h>

#include "base/err.h"
#include "cli/cli.h"
#include "proto/officer.h"

struct kith_cli_decider {
  const char *officer_key; /* all borrowed from the command line */
  const char *passphrase_file;
  const char *shown; /* the hash of the text that the officer has seen; NULL: it is shown here */
  bool quiet;        /* the text is not printed where no terminal is asked */
};

enum { KITH_CLI_DECIDER_OPTIONS = 6 };
/* The options that all four verbs have; a verb's own come after them. */
void kith_cli_decider_options(struct kith_cli_option out[KITH_CLI_DECIDER_OPTIONS],
                              struct kith_cli_decider *decider, const char **home_dir, bool *json);

/* kithd's reply to "show" has "text", and "decisions" made before. A person at a terminal is asked
 * for yes; KITH_ERR_NO where they say no, or where --shown is the hash of something else. The
 * question's subject is set here. *base64: the decision (kith_free). */
KITH_MUST_USE enum kith_err kith_cli_decide(char **base64, const struct kith_cli_decider *decider,
                                            const json_t *reply,
                                            struct kith_officer_question *question, uint32_t reason,
                                            struct kith_fault *fault);

#endif
