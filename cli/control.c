/* An agency's daemon, asked over its control socket. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/home.h"

enum { REPLY_BYTES_MAX = 16 * 1024 * 1024, TIMEOUT_S = 60 };

static enum kith_err connect_daemon(int *out, const char *path, struct kith_fault *fault)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct timeval timeout = {TIMEOUT_S, 0};
  int fd;

  if (strlen(path) >= sizeof address.sun_path)
    return kith_fail(fault, KITH_ERR_CONFIG, "[agency] control_socket: the path is too long");
  memcpy(address.sun_path, path, strlen(path));
  fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return kith_fail(fault, KITH_ERR_INTERNAL, "no socket: %s", strerror(errno));
  if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) == 0 &&
      connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
    *out = fd;
    return KITH_OK;
  }
  kith_fail(fault, errno == EACCES ? KITH_ERR_DENIED : KITH_ERR_UNAVAILABLE,
            errno == EACCES ? "%s: only members of the group kith-officers may ask kithd: %s"
                            : "kithd does not answer on %s: %s; is it running?",
            path, strerror(errno));
  close(fd);
  return fault ? fault->err : KITH_ERR_UNAVAILABLE;
}

static enum kith_err exchange(int fd, const char *line, struct kith_buf *reply,
                              struct kith_fault *fault)
{
  size_t len = strlen(line);
  char chunk[65536];
  ssize_t n;

  if (send(fd, line, len, MSG_NOSIGNAL) != (ssize_t)len || send(fd, "\n", 1, MSG_NOSIGNAL) != 1)
    return kith_fail(fault, KITH_ERR_UNAVAILABLE, "kithd closed the connection");
  do {
    n = recv(fd, chunk, sizeof chunk, 0);
    if (n <= 0)
      return kith_fail(fault, KITH_ERR_UNAVAILABLE, "kithd did not answer in full");
    kith_buf_append(reply, chunk, (size_t)n);
  } while (!memchr(chunk, '\n', (size_t)n));
  return kith_buf_err(reply);
}

/* The daemon names the exit status; its words are for the person. */
static enum kith_err refusal(const json_t *reply, struct kith_fault *fault)
{
  json_int_t status = json_integer_value(json_object_get(reply, "exit"));
  const char *text = json_string_value(json_object_get(reply, "error"));
  enum kith_err err = KITH_ERR_NO;

  for (unsigned candidate = KITH_ERR_NO; candidate <= KITH_ERR_CONFIG; candidate++)
    if (kith_err_exit_status((enum kith_err)candidate) == status)
      err = (enum kith_err)candidate;
  return kith_fail(fault, err, "%s", text ? text : "kithd refused");
}

enum kith_err kith_home_ask(struct kith_home *home, json_t **out, json_t *request,
                            struct kith_fault *fault)
{
  char *line = request ? json_dumps(request, JSON_COMPACT) : NULL;
  struct kith_buf reply;
  json_t *object = NULL;
  int fd = -1;
  enum kith_err err = KITH_ERR_MEMORY;

  json_decref(request);
  kith_buf_init(&reply, REPLY_BYTES_MAX);
  if (line)
    err = connect_daemon(&fd, home->control_socket, fault);
  if (err == KITH_OK)
    err = exchange(fd, line, &reply, fault);
  if (err == KITH_OK) {
    object = json_loadb((const char *)reply.bytes, reply.len, JSON_REJECT_DUPLICATES, NULL);
    if (!object)
      err = kith_fail(fault, KITH_ERR_INTERNAL, "kithd's answer can't be read");
    else if (!json_is_true(json_object_get(object, "ok")))
      err = refusal(object, fault);
  }
  if (fd >= 0)
    close(fd);
  free(line);
  kith_buf_free(&reply);
  if (err != KITH_OK) {
    json_decref(object);
    return err;
  }
  *out = object;
  return KITH_OK;
}
