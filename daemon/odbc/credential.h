/* The account that a database is read with: a file of two lines,
 *
 *     user = kith_reader
 *     password = correct horse battery staple
 *
 * in this or the other order; the second may be missing. Blanks around the equals sign and at the
 * end of a line are no part of the value; blank lines, and lines that begin with #, are skipped.
 * The file is a regular one that belongs to root or to who runs, and that others can neither read
 * nor write nor its group write. */
#ifndef KITH_DAEMON_ODBC_CREDENTIAL_H
#define KITH_DAEMON_ODBC_CREDENTIAL_H

#include "base/err.h"
#include "crypto/secret.h"

enum { KITH_CREDENTIAL_BYTES_MAX = 4096 };

struct kith_credential {
  struct kith_secret *text; /* owned; what the others point into. Wiped when freed */
  const char *user;
  const char *password; /* NULL: there is none */
};

/* `place`: an absolute path, or the name of a systemd credential. Faults name it and a line, never
 * what is in it. KITH_ERR_NO_INPUT, KITH_ERR_DENIED, KITH_ERR_CONFIG. */
KITH_MUST_USE enum kith_err kith_credential_load(struct kith_credential *out, const char *place,
                                                 struct kith_fault *fault);
void kith_credential_free(struct kith_credential *credential); /* takes a zeroed object */

#endif
