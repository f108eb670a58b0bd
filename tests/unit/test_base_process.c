#include "base/log.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/process.h"
#include "tests/unit/unit.h"

/* What `write_log` puts on standard error. */
static void capture(char *out, size_t size, void (*write_log)(void))
{
  int ends[2];
  int saved = dup(STDERR_FILENO);
  ssize_t got;

  assert_int_equal(pipe(ends), 0);
  dup2(ends[1], STDERR_FILENO);
  close(ends[1]);
  write_log();
  dup2(saved, STDERR_FILENO);
  close(saved);
  got = read(ends[0], out, size - 1);
  close(ends[0]);
  assert_true(got >= 0);
  out[got] = '\0';
}

static void log_fields(void)
{
  kith_log(KITH_LOG_INFO, "round.state", KITH_LOG_STR("round", "6f1c:/._-"),
           KITH_LOG_STR("peer", "a b\n\"c\"=\xc3\xa9"), KITH_LOG_INT("n", -3));
}

static void log_bare(void)
{
  kith_log(KITH_LOG_ERROR, "start");
}

static void log_debug(void)
{
  kith_log(KITH_LOG_DEBUG, "detail");
}

static void log_much(void)
{
  static char much[5000];

  memset(much, 'x', sizeof much - 1);
  kith_log(KITH_LOG_WARNING, "much", KITH_LOG_STR("text", much));
}

static void writes_lines(void **state)
{
  char text[8192];

  (void)state;
  unsetenv("JOURNAL_STREAM");
  capture(text, sizeof text, log_fields);
  assert_int_equal(text[19], 'Z');
  assert_string_equal(text + 20, " info round.state round=6f1c:/._- peer=a?b??c???? n=-3\n");
  setenv("JOURNAL_STREAM", "8:1", 1);
  capture(text, sizeof text, log_bare);
  assert_string_equal(text, "<3>error start\n");
  capture(text, sizeof text, log_debug);
  assert_string_equal(text, "");
  kith_log_set_level(KITH_LOG_DEBUG);
  capture(text, sizeof text, log_debug);
  assert_string_equal(text, "<7>debug detail\n");
  capture(text, sizeof text, log_much);
  assert_int_equal(strlen(text), 2048);
  assert_int_equal(text[2047], '\n');
  unsetenv("JOURNAL_STREAM");
}

static void hardens_the_process(void **state)
{
  struct rlimit limit;
  struct sigaction action;
  mode_t old = umask(0022);

  (void)state;
  setenv("KITH_TEST_DUMPABLE", "1", 1);
  assert_int_equal(kith_process_setup(false, NULL), KITH_OK);
  assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
  assert_int_equal(umask(0022), 0022);
  unsetenv("KITH_TEST_DUMPABLE");
  assert_int_equal(kith_process_setup(true, NULL), KITH_OK);
  assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
  assert_int_equal(umask(old), 0077);
  assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
  assert_int_equal(limit.rlim_cur, 0);
  assert_int_equal(limit.rlim_max, 0);
  sigaction(SIGPIPE, NULL, &action);
  assert_true(action.sa_handler == SIG_IGN);
  sigaction(SIGXFSZ, NULL, &action);
  assert_true(action.sa_handler == SIG_IGN);
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* LeakSanitizer traces the process at its end */
}

static void errors_have_names_and_statuses(void **state)
{
  struct kith_fault fault = {0};

  (void)state;
  for (enum kith_err err = KITH_OK; err < KITH_ERR_COUNT; err++) {
    assert_non_null(kith_err_name(err));
    assert_true((kith_err_exit_status(err) == 0) == (err == KITH_OK));
  }
  assert_int_equal(kith_err_exit_status(KITH_ERR_COUNT), 70);
  assert_int_equal(kith_err_exit_status(KITH_ERR_DATA), 65);
  assert_int_equal(kith_fail(&fault, KITH_ERR_IO, "line %d", 3), KITH_ERR_IO);
  assert_int_equal(kith_fail_at(&fault, KITH_ERR_DATA, "file %s", "f"), KITH_ERR_DATA);
  assert_string_equal(fault.text, "file f: line 3");
  assert_int_equal(fault.err, KITH_ERR_DATA);
  assert_int_equal(kith_fail(NULL, KITH_ERR_IO, "x"), KITH_ERR_IO);
  kith_fail(&fault, KITH_ERR_IO, "%0600d", 1);
  kith_fail_at(&fault, KITH_ERR_IO, "%0600d", 2);
  assert_int_equal(strlen(fault.text), KITH_FAULT_TEXT_BYTES - 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_lines),
      cmocka_unit_test(hardens_the_process),
      cmocka_unit_test(errors_have_names_and_statuses),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
