/* What two rows have to go by: classes of evidence. Private to matcher/linkage/.
 *
 * Pairs fall into classes by how much of the first filter's fields both rows have (nearly all,
 * most, little), and by how far the volatile fields, those of further filters, agree where both
 * rows have some (unlike, alike, as good as the same). Each class learns its probabilities by
 * itself: what an address is worth is a matter of the data, and of who else lives there.
 *
 * Life: zero bytes, init, free. */
#ifndef KITH_MATCHER_LINKAGE_EVIDENCE_H
#define KITH_MATCHER_LINKAGE_EVIDENCE_H

#include "matcher/linkage/linkage.h"

enum {
  KITH_SHARES = 3, /* of the fields' weight: nearly all, most, little */
  KITH_LEVELS = 4, /* of agreement: nothing on both sides, unlike, alike, the same */
  KITH_CLASSES = KITH_SHARES * KITH_LEVELS, /* share x KITH_LEVELS + level */
  KITH_MASKS = 1 << KITH_ENCODINGS_FIELDS_MAX
};

struct kith_classes {
  const struct kith_linkage_input *input;
  bool masked;        /* every row says which fields it has */
  bool flat;          /* levels are not told apart: all are the first */
  uint16_t volatiles; /* the fields of filters beyond the first */
  uint8_t *shares;    /* owned; by the mask of fields on both sides: share + 1, 0: too little */
};

KITH_MUST_USE enum kith_err kith_classes_init(struct kith_classes *classes,
                                              const struct kith_linkage_input *input);
void kith_classes_free(struct kith_classes *classes);

/* Whether two rows with these fields share the policy's minimum evidence: a name, and a date of
 * birth or a postcode. Fields that the policy does not encode can't be asked for. */
bool kith_classes_enough(const struct kith_classes *classes, uint16_t both);
/* The class of a pair; of one without the minimum evidence, the last share's. */
unsigned kith_class_of(const struct kith_classes *classes, const struct kith_linkage_pair *pair);
/* The levels that pairs with these fields on both sides can have: [*first, *end). */
void kith_classes_levels(const struct kith_classes *classes, uint16_t both, unsigned *first,
                         unsigned *end);

/* The fields that both rows of a pair have; all, where rows don't say. */
uint16_t kith_classes_both(const struct kith_classes *classes,
                           const struct kith_linkage_pair *pair);

#endif
