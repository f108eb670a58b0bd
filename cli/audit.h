/* Verbs of `kith audit`: in cli/audit.c and cli/audit_verify.c. */
#ifndef KITH_CLI_AUDIT_H
#define KITH_CLI_AUDIT_H

int kith_audit_verify_logs(int argc, char **argv);

#endif
