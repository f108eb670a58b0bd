/* Passphrases from a file or the terminal, and the key files that they open. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/verbs.h"

enum { PASSPHRASE_BYTES_MAX = 1024 };

enum kith_err kith_cli_crypto(struct kith_fault *fault)
{
  bool locked = true;

  if (kith_crypto_init(&locked) != KITH_OK)
    return kith_fail(fault, KITH_ERR_INTERNAL, "the cryptographic library does not start");
  if (!locked)
    (void)fprintf(stderr, "kith: note: keys may reach the swap file; raise the limit on locked "
                          "memory (ulimit -l)\n");
  return KITH_OK;
}

static void say(int tty, const char *text)
{
  /* A prompt that can't be shown is no reason to stop. */
  if (write(tty, text, strlen(text)) < 0)
    return;
}

/* One line into locked memory, without its line end. */
static enum kith_err read_line(struct kith_secret **out, int tty, struct kith_fault *fault)
{
  struct kith_secret *line;
  size_t len = 0;
  enum kith_err err = kith_secret_new(&line, PASSPHRASE_BYTES_MAX);

  if (err != KITH_OK)
    return kith_fail(fault, err, "no memory for a passphrase");
  for (;;) {
    uint8_t *at = kith_secret_bytes(line) + len;
    ssize_t got = read(tty, at, 1);

    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0 || *at == '\n')
      break;
    if (++len == PASSPHRASE_BYTES_MAX) {
      err = kith_fail(fault, KITH_ERR_USAGE, "the passphrase is too long");
      goto end;
    }
  }
  if (len == 0)
    err = kith_fail(fault, KITH_ERR_USAGE, "the passphrase is empty");
  else if ((err = kith_secret_copy(out, kith_secret_bytes(line), len)) != KITH_OK)
    err = kith_fail(fault, err, "no memory for a passphrase");
end:
  kith_secret_free(line);
  return err;
}

static enum kith_err ask(struct kith_secret **out, int tty, const char *prompt, const char *what,
                         struct kith_fault *fault)
{
  struct termios before;
  struct termios silent;
  enum kith_err err;

  if (tcgetattr(tty, &before) != 0)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "the terminal can't be told to hide what is typed; "
                     "use --passphrase-file");
  silent = before;
  silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
  silent.c_lflag |= ICANON;
  if (tcsetattr(tty, TCSAFLUSH, &silent) != 0)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "the terminal can't be told to hide what is typed; "
                     "use --passphrase-file");
  say(tty, prompt);
  say(tty, what);
  say(tty, ": ");
  err = read_line(out, tty, fault);
  say(tty, "\n");
  (void)tcsetattr(tty, TCSAFLUSH, &before);
  return err;
}

enum kith_err kith_cli_passphrase(struct kith_secret **out, const char *path, const char *what,
                                  bool is_new, struct kith_fault *fault)
{
  struct kith_secret *first = NULL;
  struct kith_secret *second = NULL;
  enum kith_err err;
  int tty;

  if (path)
    return kith_passphrase_read(out, path, fault);
  tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (tty < 0)
    return kith_fail(fault, KITH_ERR_USAGE,
                     "no terminal to ask for the passphrase; use --passphrase-file");
  err = ask(&first, tty, is_new ? "New passphrase for " : "Passphrase for ", what, fault);
  if (err == KITH_OK && is_new)
    err = ask(&second, tty, "The same again for ", what, fault);
  if (err == KITH_OK && is_new && !kith_secret_equal(first, second))
    err = kith_fail(fault, KITH_ERR_USAGE, "the two passphrases differ");
  (void)close(tty);
  kith_secret_free(second);
  if (err != KITH_OK) {
    kith_secret_free(first);
    return err;
  }
  *out = first;
  return KITH_OK;
}

enum kith_err kith_cli_identity(struct kith_identity **out, const char *key_file,
                                const char *passphrase_file, struct kith_fault *fault)
{
  struct kith_secret *passphrase;
  enum kith_err err;

  /* Before anybody types: is there such a file? */
  if (access(key_file, R_OK) != 0)
    return kith_fail(fault, KITH_ERR_NO_INPUT, "%s: %s; 'kith key new' makes one", key_file,
                     strerror(errno));
  err = kith_cli_crypto(fault);
  if (err == KITH_OK)
    err = kith_cli_passphrase(&passphrase, passphrase_file, key_file, false, fault);
  if (err != KITH_OK)
    return err;
  err = kith_identity_load(out, key_file, passphrase, fault);
  kith_secret_free(passphrase);
  return err;
}
