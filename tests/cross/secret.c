/* What the engine's tests need of crypto/, without its libraries. */
#include "crypto/secret.h"

#include <string.h>

void kith_wipe(void *bytes, size_t len)
{
  explicit_bzero(bytes, len);
}
