/* Verbs of `kith audit`: in cli/audit.c, cli/audit_verify.c and cli/privacy/privacy.c. */
#ifndef KITH_CLI_AUDIT_H
#define KITH_CLI_AUDIT_H

int kith_audit_verify_logs(int argc, char **argv);
int kith_audit_privacy(int argc, char **argv);

#endif
