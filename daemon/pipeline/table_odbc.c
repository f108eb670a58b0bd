/* A table that is the result of a query, read by kith-odbc in a process of its own.
 *
 * A driver is a library of somebody else's, which may wait for ever, crash, take all memory or read
 * what it should not: it never shares a process with keys. What it may cost is a child that is
 * killed. The request goes over a pipe, since other users can read a command line. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/csv.h"
#include "base/mem.h"
#include "base/process.h"
#include "daemon/pipeline/dsn.h"
#include "daemon/pipeline/query.h"
#include "daemon/pipeline/rowpipe.h"
#include "daemon/pipeline/table_kinds.h"

enum {
  TICK_MS = 100,
  READ_BYTES = 64 * 1024,
  BYTES_MAX = KITH_ROWPIPE_HEAD_BYTES + KITH_ROWPIPE_BODY_BYTES_MAX + READ_BYTES
};

struct database {
  pid_t pid; /* 0: there is none */
  int fd;    /* its frames; -1: none */
  unsigned timeout_s;
  bool (*wait)(void *context);
  void *wait_context;
  uint8_t *bytes; /* [at, at + len) have not been looked at */
  size_t cap;
  size_t at;
  size_t len;
  struct kith_rowpipe_frame frame;
  bool logged_in;
  char **header;
  size_t n_columns;
  uint64_t row;
  bool over;
};

/* ---- the child */

static void child_end(struct database *db)
{
  if (db->fd >= 0)
    close(db->fd);
  db->fd = -1;
  if (db->pid > 0) {
    (void)kill(db->pid, SIGKILL);
    while (waitpid(db->pid, NULL, 0) < 0 && errno == EINTR)
      ;
  }
  db->pid = 0;
}

/* Beside the program that runs. */
static enum kith_err reader_path(char out[PATH_MAX], struct kith_fault *fault)
{
  static const char name[] = "kith-odbc";
  ssize_t len = readlink("/proc/self/exe", out, PATH_MAX - sizeof name);
  char *slash;

  if (len <= 0)
    return kith_fail(fault, KITH_ERR_INTERNAL, "/proc can't be read, so kith-odbc isn't found");
  out[len] = '\0';
  slash = strrchr(out, '/');
  if (!slash)
    return KITH_ERR_INTERNAL;
  memcpy(slash + 1, name, sizeof name);
  if (access(out, X_OK) != 0)
    return kith_fail(fault, KITH_ERR_CONFIG,
                     "databases are read by the program kith-odbc, and there is no %s", out);
  return KITH_OK;
}

/* *request is where it is asked. */
static enum kith_err child_start(struct database *db, int *request, struct kith_fault *fault)
{
  char *arguments[] = {"kith-odbc", "--pipe", NULL};
  char path[PATH_MAX];
  int to[2] = {-1, -1};
  int from[2] = {-1, -1};
  enum kith_err err = reader_path(path, fault);

  if (err != KITH_OK)
    return err;
  if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0 ||
      kith_process_spawn(&db->pid, path, arguments, environ, to[0], from[1]) != 0) {
    db->pid = 0;
    err = kith_fail(fault, KITH_ERR_INTERNAL, "kith-odbc can't be started");
    for (unsigned i = 0; i < 2; i++) {
      if (to[i] >= 0)
        close(to[i]);
      if (from[i] >= 0)
        close(from[i]);
    }
    return err;
  }
  close(to[0]);
  close(from[1]);
  *request = to[1];
  db->fd = from[0];
  return KITH_OK;
}

/* What can't be written is found when nothing comes back. */
static enum kith_err ask(int fd, const struct kith_table_place *place, unsigned timeout_s,
                         struct kith_fault *fault)
{
  struct kith_buf buf;
  char *query = NULL;
  size_t done = 0;
  enum kith_err err = kith_dsn_check(place->dsn, fault);

  if (err == KITH_OK)
    err = kith_query_check(&query, place->query, "query", fault);
  if (err != KITH_OK)
    return err;
  kith_buf_init(&buf, KITH_ROWPIPE_BODY_BYTES_MAX);
  kith_rowpipe_strings(
      &buf, KITH_ROWPIPE_REQUEST, timeout_s,
      (const char *[]){place->dsn, query, place->credential ? place->credential : ""}, 3);
  err = kith_buf_err(&buf);
  if (err != KITH_OK)
    (void)kith_fail(fault, err, "the request can't be written: %s", kith_err_name(err));
  while (err == KITH_OK && done < buf.len) {
    ssize_t n = write(fd, buf.bytes + done, buf.len - done);

    if (n < 0 && errno != EINTR)
      break;
    done += n > 0 ? (size_t)n : 0;
  }
  kith_buf_free(&buf);
  kith_free(query);
  return err;
}

/* ---- its frames */

static enum kith_err silent(const struct database *db, unsigned limit_s, struct kith_fault *fault)
{
  return kith_fail(fault, KITH_ERR_UNAVAILABLE, "%s within %u s; %s",
                   db->logged_in ? "the database gave no answer" : "there was no login", limit_s,
                   db->logged_in ? "is it reached still? A query that takes longer needs a higher "
                                   "timeout"
                                 : "is it running, and are its address and the network right?");
}

/* Until there are bytes to read; time is counted while nothing comes. */
static enum kith_err await(const struct database *db, struct kith_fault *fault)
{
  const unsigned limit_s = db->logged_in || db->timeout_s < KITH_TABLE_LOGIN_S
                               ? db->timeout_s
                               : (unsigned)KITH_TABLE_LOGIN_S;
  struct pollfd fd = {.fd = db->fd, .events = POLLIN};

  for (uint64_t ticks = 0;;) {
    int n = poll(&fd, 1, TICK_MS);

    if (n > 0)
      return KITH_OK;
    if (db->wait && !db->wait(db->wait_context))
      return kith_fail(fault, KITH_ERR_CANCELLED, "stopped");
    ticks += n == 0; /* a signal is no time */
    if (ticks * TICK_MS >= limit_s * UINT64_C(1000))
      return silent(db, limit_s, fault);
  }
}

static enum kith_err read_more(struct database *db, struct kith_fault *fault)
{
  enum kith_err err;
  ssize_t n;

  memmove(db->bytes, db->bytes + db->at, db->len);
  db->at = 0;
  if (db->cap - db->len < READ_BYTES) {
    size_t cap = db->cap * 2 < BYTES_MAX ? db->cap * 2 : BYTES_MAX;
    uint8_t *bytes = kith_realloc(db->bytes, cap, 1);

    if (!bytes)
      return kith_fail(fault, KITH_ERR_MEMORY, "no memory for a row");
    db->bytes = bytes;
    db->cap = cap;
  }
  err = await(db, fault);
  if (err != KITH_OK)
    return err;
  do
    n = read(db->fd, db->bytes + db->len, READ_BYTES);
  while (n < 0 && errno == EINTR);
  if (n <= 0)
    return kith_fail(fault, KITH_ERR_UNAVAILABLE,
                     "kith-odbc ended before the last row; its driver may have failed, or there is "
                     "not enough memory");
  db->len += (size_t)n;
  return KITH_OK;
}

static enum kith_err fault_of(const struct kith_rowpipe_frame *frame, struct kith_fault *fault)
{
  enum kith_err err =
      frame->a > KITH_OK && frame->a < KITH_ERR_COUNT && frame->a != KITH_ERR_NOT_FOUND
          ? (enum kith_err)frame->a
          : KITH_ERR_INTERNAL;

  return kith_fail(fault, err, "%s", frame->n_texts == 1 ? frame->texts[0] : kith_err_name(err));
}

/* The next frame is db->frame. */
static enum kith_err next_frame(struct database *db, struct kith_fault *fault)
{
  size_t used = 0;
  enum kith_err err;

  while ((err = kith_rowpipe_read(&db->frame, &used, db->bytes + db->at, db->len)) ==
         KITH_ERR_NOT_FOUND) {
    if ((err = read_more(db, fault)) != KITH_OK)
      return err;
  }
  if (err != KITH_OK)
    return kith_fail(fault, KITH_ERR_INTERNAL, "kith-odbc said something that is not understood");
  db->at += used;
  db->len -= used;
  return db->frame.type == KITH_ROWPIPE_FAULT ? fault_of(&db->frame, fault) : KITH_OK;
}

/* ---- the table */

static void database_free(void *state)
{
  struct database *db = state;

  child_end(db);
  for (size_t i = 0; db->header && i < db->n_columns; i++)
    kith_free(db->header[i]);
  kith_free(db->header);
  kith_free(db->bytes);
  kith_free(db);
}

/* As base/csv.h has it of a file: a name is there once. */
static enum kith_err header_take(struct database *db, struct kith_fault *fault)
{
  const struct kith_rowpipe_frame *frame = &db->frame;

  if (frame->type != KITH_ROWPIPE_HEADER || frame->n_texts == 0)
    return kith_fail(fault, KITH_ERR_INTERNAL, "kith-odbc gave no header");
  for (size_t i = 0; i < frame->n_texts; i++) {
    for (size_t j = i + 1; *frame->texts[i] && j < frame->n_texts; j++) {
      if (strcmp(frame->texts[i], frame->texts[j]) == 0)
        return kith_fail(fault, KITH_ERR_DATA,
                         "columns %zu and %zu of the query have the same name; give each one of "
                         "its own with AS",
                         i + 1, j + 1);
    }
  }
  db->header = KITH_NEW_ARRAY(char *, frame->n_texts);
  if (!db->header)
    return kith_fail(fault, KITH_ERR_MEMORY, "no memory for a header");
  for (; db->n_columns < frame->n_texts; db->n_columns++) {
    db->header[db->n_columns] = kith_strdup(frame->texts[db->n_columns]);
    if (!db->header[db->n_columns])
      return kith_fail(fault, KITH_ERR_MEMORY, "no memory for a header");
  }
  return KITH_OK;
}

static enum kith_err begin(struct database *db, const struct kith_table_place *place,
                           struct kith_fault *fault)
{
  int request = -1;
  enum kith_err err;

  db->bytes = kith_calloc(2 * (size_t)READ_BYTES, 1);
  db->cap = 2 * (size_t)READ_BYTES;
  if (!db->bytes)
    return kith_fail(fault, KITH_ERR_MEMORY, "no memory for its rows");
  if ((err = child_start(db, &request, fault)) != KITH_OK)
    return err;
  err = ask(request, place, db->timeout_s, fault);
  close(request);
  if (err != KITH_OK || (err = next_frame(db, fault)) != KITH_OK)
    return err;
  if (db->frame.type != KITH_ROWPIPE_OPENED)
    return kith_fail(fault, KITH_ERR_INTERNAL, "kith-odbc did not log in");
  db->logged_in = true;
  if ((err = next_frame(db, fault)) != KITH_OK)
    return err;
  return header_take(db, fault);
}

static enum kith_err database_open(void **state, const struct kith_table_place *place,
                                   struct kith_fault *fault)
{
  struct database *db = KITH_NEW(struct database);
  enum kith_err err;

  if (!db)
    return kith_fail(fault, KITH_ERR_MEMORY, "no memory");
  db->fd = -1;
  db->row = 1;
  db->timeout_s = place->timeout_s ? place->timeout_s : (unsigned)KITH_TABLE_TIMEOUT_S;
  db->wait = place->wait;
  db->wait_context = place->wait_context;
  err = begin(db, place, fault);
  if (err != KITH_OK) {
    database_free(db);
    return err;
  }
  *state = db;
  return KITH_OK;
}

static const char *const *database_header(const void *state, size_t *n_columns)
{
  const struct database *db = state;

  *n_columns = db->n_columns;
  return (const char *const *)db->header;
}

static bool is_problem(uint32_t problem)
{
  return problem == KITH_CSV_BAD_TEXT || problem == KITH_CSV_NUL ||
         problem == KITH_CSV_LONG_FIELD || problem == KITH_CSV_LONG_ROW;
}

static enum kith_err database_next(void *state, struct kith_table_row *row,
                                   struct kith_fault *fault)
{
  struct database *db = state;
  const struct kith_rowpipe_frame *frame = &db->frame;
  enum kith_err err = db->over ? KITH_ERR_NOT_FOUND : next_frame(db, fault);

  if (err != KITH_OK)
    return err;
  if (frame->type == KITH_ROWPIPE_END) {
    db->over = true;
    return KITH_ERR_NOT_FOUND;
  }
  if (frame->type != KITH_ROWPIPE_ROW ||
      (frame->a == KITH_CSV_FINE
           ? frame->n_texts != db->n_columns
           : !is_problem(frame->a) || frame->b >= db->n_columns || frame->n_texts != 0))
    return kith_fail(fault, KITH_ERR_INTERNAL, "kith-odbc gave a row that is not understood");
  *row = (struct kith_table_row){.cells = frame->texts,
                                 .lens = frame->lens,
                                 .n_cells = frame->n_texts,
                                 .row = ++db->row,
                                 .problem = (enum kith_csv_problem)frame->a,
                                 .bad_column = frame->b};
  return KITH_OK;
}

static const char *database_charset(const void *state)
{
  (void)state;
  return NULL;
}

static char database_delimiter(const void *state)
{
  (void)state;
  return '\0';
}

static double database_share(const void *state)
{
  (void)state;
  return 0;
}

const struct kith_table_kind_ops kith_table_odbc = {
    database_open,      database_header, database_next, database_charset,
    database_delimiter, database_share,  database_free};
