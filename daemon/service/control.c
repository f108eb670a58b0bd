#include "daemon/service/agency.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

/* One JSON object a line, each answered by one. A client that is slow or silent is dropped after a
 * while and delays nobody; one connection more than there is room for waits in the backlog. */
enum {
  CONNECTIONS_MAX = KITH_CONTROL_FDS - 1,
  REQUEST_BYTES_MAX = 48 * 1024, /* a list of officers, in base64, fits */
  IDLE_MS = 10000,
  REPLY_MS = 2000,
  BACKLOG = 8
};

struct connection {
  int fd; /* -1: free */
  int64_t since_ms;
  size_t len;
  char request[REQUEST_BYTES_MAX];
};

struct kith_control {
  int listener;
  char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
  struct connection connections[CONNECTIONS_MAX];
};

static enum kith_err listener_open(struct kith_control *control, const char *path,
                                   struct kith_fault *fault)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct group *officers = getgrnam("kith-officers");
  struct stat there;

  if (strlen(path) >= sizeof address.sun_path)
    return kith_fail(fault, KITH_ERR_CONFIG, "[agency] control_socket: the path is too long");
  memcpy(address.sun_path, path, strlen(path));
  /* What a killed daemon left; the store's lock says that no other runs. */
  if (lstat(path, &there) == 0 && S_ISSOCK(there.st_mode))
    unlink(path);
  control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (control->listener < 0 ||
      bind(control->listener, (struct sockaddr *)&address, sizeof address) != 0)
    return kith_fail(fault, KITH_ERR_CREATE, "the control socket %s can't be made: %s", path,
                     strerror(errno));
  memcpy(control->path, path, strlen(path));
  /* Without the group, or the right to give it away, the owner alone may ask. */
  if (officers && chown(path, (uid_t)-1, officers->gr_gid) != 0 && errno != EPERM)
    return kith_fail(fault, KITH_ERR_CREATE, "%s: %s", path, strerror(errno));
  if (chmod(path, 0660) != 0 || listen(control->listener, BACKLOG) != 0)
    return kith_fail(fault, KITH_ERR_CREATE, "%s: %s", path, strerror(errno));
  return KITH_OK;
}

enum kith_err kith_control_open(struct kith_control **out, const char *path,
                                struct kith_fault *fault)
{
  struct kith_control *control = KITH_NEW(struct kith_control);
  enum kith_err err;

  if (!control)
    return kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
  control->listener = -1;
  for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
    control->connections[i].fd = -1;
  err = listener_open(control, path, fault);
  if (err != KITH_OK) {
    kith_control_free(control);
    return err;
  }
  *out = control;
  return KITH_OK;
}

static void connection_close(struct connection *connection)
{
  close(connection->fd);
  connection->fd = -1;
}

void kith_control_free(struct kith_control *control)
{
  if (!control)
    return;
  for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
    if (control->connections[i].fd >= 0)
      connection_close(&control->connections[i]);
  if (control->listener >= 0)
    close(control->listener);
  if (control->path[0])
    unlink(control->path);
  kith_free(control);
}

static struct connection *free_connection(struct kith_control *control)
{
  for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
    if (control->connections[i].fd < 0)
      return &control->connections[i];
  return NULL;
}

unsigned kith_control_fds(const struct kith_control *control, int fds[KITH_CONTROL_FDS])
{
  unsigned n = 0;
  bool room = false;

  for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
    if (control->connections[i].fd >= 0)
      fds[n++] = control->connections[i].fd;
    else
      room = true;
  }
  if (room)
    fds[n++] = control->listener;
  return n;
}

/* Writes all of it within REPLY_MS, or gives the client up. */
static bool write_all(int fd, const char *text, size_t len)
{
  int64_t until_ms = kith_clock_monotonic_ms() + REPLY_MS;

  while (len) {
    struct pollfd writable = {fd, POLLOUT, 0};
    ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
    int64_t left_ms = until_ms - kith_clock_monotonic_ms();

    if (n > 0) {
      text += n;
      len -= (size_t)n;
      continue;
    }
    if ((errno != EAGAIN && errno != EINTR) || left_ms <= 0 || poll(&writable, 1, (int)left_ms) < 0)
      return false;
  }
  return true;
}

static bool answer_line(struct connection *connection, struct kith_agency *agency, size_t line_len)
{
  KITH_AUTO_FREE char *reply = NULL;

  return kith_officer_answer(agency, &reply, connection->request, line_len) == KITH_OK &&
         write_all(connection->fd, reply, strlen(reply)) && write_all(connection->fd, "\n", 1);
}

/* False: the connection is over. */
static bool connection_serve(struct connection *connection, struct kith_agency *agency)
{
  size_t room = sizeof connection->request - connection->len;
  ssize_t n = recv(connection->fd, connection->request + connection->len, room, 0);
  char *end;

  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return kith_clock_monotonic_ms() - connection->since_ms < IDLE_MS;
  if (n <= 0)
    return false;
  connection->len += (size_t)n;
  while ((end = memchr(connection->request, '\n', connection->len)) != NULL) {
    size_t line_len = (size_t)(end - connection->request);

    if (!answer_line(connection, agency, line_len))
      return false;
    connection->len -= line_len + 1;
    memmove(connection->request, end + 1, connection->len);
    connection->since_ms = kith_clock_monotonic_ms();
  }
  return connection->len < sizeof connection->request;
}

void kith_control_serve(struct kith_control *control, struct kith_agency *agency)
{
  struct connection *place;

  for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
    struct connection *connection = &control->connections[i];

    if (connection->fd >= 0 && !connection_serve(connection, agency))
      connection_close(connection);
  }
  while ((place = free_connection(control)) != NULL) {
    int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
      return;
    place->fd = fd;
    place->len = 0;
    place->since_ms = kith_clock_monotonic_ms();
  }
}
