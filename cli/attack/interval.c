#include "cli/attack/interval.h"

#include <math.h>

struct kith_interval kith_interval(uint64_t hits, uint64_t n)
{
  const double z = 1.959963984540054; /* of the normal distribution, 97.5% */
  double size = (double)n;
  double share;
  double middle;
  double half;

  if (n == 0)
    return (struct kith_interval){.high = 1};
  share = (double)hits / size;
  middle = (share + z * z / (2 * size)) / (1 + z * z / size);
  half = z / (1 + z * z / size) * sqrt(share * (1 - share) / size + z * z / (4 * size * size));
  return (struct kith_interval){.share = share,
                                .low = hits == 0 ? 0 : fmax(0, middle - half),
                                .high = hits == n ? 1 : fmin(1, middle + half)};
}
