/* What the matcher sees of some tables under blind comparison, and the graphs that are made of it.
 */
#ifndef KITH_CLI_PRIVACY_PRIVACY_VIEW_H
#define KITH_CLI_PRIVACY_PRIVACY_VIEW_H

#include "cli/attack/graph.h"
#include "cli/link/link.h"
#include "cli/link/link_blind.h"
#include "cli/privacy/privacy.h"

/* The tables at `paths` as parties of these names, under a random secret: candidate pairs and
 * clusters, as `kith link` has them. Free with kith_privacy_view_free. */
KITH_MUST_USE enum kith_err kith_privacy_view(struct kith_link **out,
                                              const struct kith_policy *policy, char *const *paths,
                                              char **names, unsigned n, struct kith_fault *fault);
void kith_privacy_view_free(struct kith_link *view); /* takes NULL */

/* The row of a handle of party p; UINT32_MAX where it is nobody's. */
struct kith_privacy_handles;
KITH_MUST_USE enum kith_err kith_privacy_handles_new(struct kith_privacy_handles **out,
                                                     const struct kith_link *view);
uint32_t kith_privacy_row(const struct kith_privacy_handles *handles, unsigned p, uint64_t handle);
void kith_privacy_handles_free(struct kith_privacy_handles *handles);
/* Whether p is the side lo of the pair p, q. */
bool kith_privacy_is_low(const struct kith_link *view, unsigned p, unsigned q);

/* Nodes are clusters; edges join different ones. `inner`: with the pairs of one cluster's records
 * too, a kind for each pair of parties. */
KITH_MUST_USE enum kith_err kith_privacy_clusters_graph(struct kith_graph *out,
                                                        const struct kith_link *view, bool inner);
/* Nodes are rows of a table that stood for both parties. */
KITH_MUST_USE enum kith_err kith_privacy_table_graph(struct kith_graph *out,
                                                     const struct kith_link *view);

#endif
