/* The assignment problem: each row a column of its own, so that the sum of the costs is least. By
 * shortest augmenting paths (Jonker and Volgenant 1987, without its initial reductions). */
#ifndef KITH_CLI_ATTACK_ASSIGN_H
#define KITH_CLI_ATTACK_ASSIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* cost: n x n, finite, row by row. column_of: n. O(n^3). KITH_ERR_MEMORY. */
KITH_MUST_USE enum kith_err kith_assign(uint32_t *column_of, const float *cost, uint32_t n);

#endif
