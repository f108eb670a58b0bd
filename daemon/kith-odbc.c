/* kith-odbc: reads one query of a database, for kith and kithd, which start it; kith-odbc(8). */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"
#include "crypto/secret.h"
#include "daemon/odbc/reader.h"
#include "daemon/pipeline/rowpipe.h"
#include "proto/daemon_main.h"

/* A driver that takes a whole result into memory must not take the daemon's. */
enum { MEMORY_BYTES_MAX = 512 << 20, FRAME_BYTES_MAX = 1 << 18 };

/* Private, bounded, and gone with who started it. */
static enum kith_err harden(struct kith_fault *fault)
{
  struct rlimit memory = {MEMORY_BYTES_MAX, MEMORY_BYTES_MAX};
  enum kith_err err = kith_process_setup(true, fault);
  bool locked;

  if (err == KITH_OK &&
      (setrlimit(RLIMIT_DATA, &memory) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0))
    err = kith_fail(fault, KITH_ERR_INTERNAL, "kith-odbc can't be bounded");
  if (err == KITH_OK && (err = kith_crypto_init(&locked)) != KITH_OK)
    (void)kith_fail(fault, err, "the cryptographic library can't be started");
  return err;
}

/* All of standard input: one frame. */
static enum kith_err read_request(struct kith_rowpipe_frame *out, uint8_t *bytes,
                                  struct kith_fault *fault)
{
  size_t len = 0;
  size_t used = 0;
  ssize_t n;

  while (len < FRAME_BYTES_MAX && (n = read(STDIN_FILENO, bytes + len, FRAME_BYTES_MAX - len)) > 0)
    len += (size_t)n;
  if (kith_rowpipe_read(out, &used, bytes, len) != KITH_OK || used != len ||
      out->type != KITH_ROWPIPE_REQUEST || out->n_texts != 3)
    return kith_fail(fault, KITH_ERR_INTERNAL, "kith-odbc was asked something not understood");
  return KITH_OK;
}

/* What a driver prints must not get between frames: they have a descriptor of their own. */
static int take_output(void)
{
  int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

  if (out < 0 || nothing < 0 || dup2(nothing, STDOUT_FILENO) < 0)
    return -1;
  close(nothing);
  return out;
}

static int serve(void)
{
  struct kith_rowpipe_frame *frame = KITH_NEW(struct kith_rowpipe_frame);
  uint8_t *bytes = kith_calloc(FRAME_BYTES_MAX, 1);
  struct kith_fault fault = {0};
  struct kith_buf last;
  int out = take_output();
  enum kith_err err = frame && bytes && out >= 0 ? harden(&fault) : KITH_ERR_INTERNAL;

  if (err == KITH_OK)
    err = read_request(frame, bytes, &fault);
  if (err == KITH_OK) {
    struct kith_odbc_request request = {.dsn = frame->texts[0],
                                        .query = frame->texts[1],
                                        .credential = frame->lens[2] ? frame->texts[2] : NULL,
                                        .timeout_s = frame->a};
    err = kith_odbc_read(out, &request, &fault);
  }
  if (err != KITH_OK && out >= 0) {
    const char *text = fault.text[0] ? fault.text : kith_err_name(err);

    kith_buf_init(&last, 0);
    kith_rowpipe_strings(&last, KITH_ROWPIPE_FAULT, err, &text, 1);
    if (kith_buf_err(&last) != KITH_OK || kith_odbc_write(out, last.bytes, last.len) != KITH_OK)
      err = KITH_ERR_IO;
    kith_buf_free(&last);
  }
  kith_free(frame);
  kith_free(bytes);
  return err == KITH_OK ? 0 : kith_err_exit_status(err);
}

int main(int argc, char **argv)
{
  if (argc == 2 && strcmp(argv[1], "--pipe") == 0)
    return serve();
  if (argc == 2 && strcmp(argv[1], "--version") == 0) {
    printf("kith-odbc %s\n", KITH_VERSION);
    return 0;
  }
  if (argc == 2 && strcmp(argv[1], "--help") == 0) {
    printf("kith-odbc reads databases for kith and kithd, which start it: see kith-odbc(8). To "
           "try a data source:\n"
           "  $ kith source check --odbc NAME --query-file FILE --credential FILE\n");
    return 0;
  }
  (void)fprintf(stderr, "kith-odbc: started by kith and kithd; see kith-odbc --help\n");
  return kith_err_exit_status(KITH_ERR_USAGE);
}
