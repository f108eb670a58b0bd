#include "crypto/encode/match_key.h"

#include <string.h>

#include "crypto/hash.h"

bool kith_match_digest(struct kith_match_digest *out, const char *const *parts, unsigned n_parts)
{
  struct kith_hasher hasher;
  struct kith_hash hash;

  memset(out, 0, sizeof *out);
  kith_hasher_init(&hasher, "kith match key v1");
  for (unsigned i = 0; i < n_parts; i++) {
    if (!parts[i] || !*parts[i])
      return false;
    kith_hasher_part(&hasher, parts[i], strlen(parts[i]));
  }
  kith_hasher_final(&hasher, &hash);
  memcpy(out->bytes, hash.bytes, sizeof out->bytes);
  return true;
}
