/* The team's own notes on the people of a list: its own case number, and words. Kept boxed in the
 * recipient's store, and destroyed with what belongs to the round; never sent. */
#ifndef KITH_CLI_RECIPIENT_RECIPIENT_NOTE_H
#define KITH_CLI_RECIPIENT_RECIPIENT_NOTE_H

#include <jansson.h>

#include "cli/recipient/recipient.h"

enum { KITH_NOTE_REFERENCE_BYTES = 65, KITH_NOTE_WORDS_BYTES = 1025 };

struct kith_note {
  uint32_t number;                           /* the person's in the list */
  int64_t time;                              /* seconds since 1970 */
  char reference[KITH_NOTE_REFERENCE_BYTES]; /* "": none */
  char words[KITH_NOTE_WORDS_BYTES];         /* "": none */
};

/* In place of what was noted before; a note with neither is taken away. */
KITH_MUST_USE enum kith_err kith_note_put(const struct kith_recipient *recipient,
                                          const kith_round_id round, const struct kith_note *note);
/* What was told about a round's handles (kith_recipient_told), its notes, and (NULL: not wanted)
 * what agencies tell unasked (kith_recipient_context); all fresh. */
KITH_MUST_USE enum kith_err kith_recipient_known(struct kith_home *home, const kith_round_id round,
                                                 json_t **told, json_t **notes, json_t **context,
                                                 struct kith_fault *fault);
/* The note on a person of kith_notes' list; NULL: none. */
const json_t *kith_note_of(const json_t *notes, uint32_t number);

/* *out: a fresh object from the number, as text, to {"reference", "words", "time"}. */
KITH_MUST_USE enum kith_err kith_notes(const struct kith_recipient *recipient,
                                       const kith_round_id round, json_t **out);

#endif
