#include "daemon/odbc/credential.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

static enum kith_err find(char **out, const char *place, struct kith_fault *fault)
{
  const char *folder = getenv("CREDENTIALS_DIRECTORY");

  if (place[0] == '/')
    *out = kith_strdup(place);
  else if (strchr(place, '/') || strcmp(place, "..") == 0 || strcmp(place, ".") == 0)
    return kith_fail(fault, KITH_ERR_CONFIG,
                     "credential: expected an absolute path, or the name of a systemd credential");
  else if (!folder)
    return kith_fail(fault, KITH_ERR_CONFIG,
                     "credential %s: it is there under systemd with LoadCredential=%s:FILE only; "
                     "else name the file",
                     place, place);
  else
    *out = kith_path_join(folder, place);
  return *out ? KITH_OK : kith_fail(fault, KITH_ERR_MEMORY, "out of memory");
}

static enum kith_err check_mode(const char *path, struct kith_fault *fault)
{
  struct stat status;

  if (stat(path, &status) != 0)
    return kith_fail(fault, errno == EACCES ? KITH_ERR_DENIED : KITH_ERR_NO_INPUT,
                     "%s: can't be read: %s", path, strerror(errno));
  if (!S_ISREG(status.st_mode))
    return kith_fail(fault, KITH_ERR_CONFIG, "%s: expected a file with user and password", path);
  if (status.st_mode & (S_IRWXO | S_IWGRP))
    return kith_fail(fault, KITH_ERR_DENIED,
                     "%s: others can read or write it; expected mode 0600 (chmod 600)", path);
  if (status.st_uid != 0 && status.st_uid != geteuid())
    return kith_fail(fault, KITH_ERR_DENIED, "%s: belongs to another user (chown)", path);
  return KITH_OK;
}

/* `line` has its terminator. True: it was for something. */
static bool take_line(struct kith_credential *out, char *line)
{
  char *end = line + strlen(line);
  char *value = strchr(line, '=');
  const char **to;
  size_t key;

  while (end > line && strchr(" \t\r", end[-1]))
    *--end = '\0';
  line += strspn(line, " \t");
  if (*line == '\0' || *line == '#')
    return true;
  if (!value || value >= end)
    return false;
  key = strcspn(line, " \t=");
  if (line + key + strspn(line + key, " \t") != value)
    return false;
  value++;
  value += strspn(value, " \t");
  to = key == 4 && strncmp(line, "user", key) == 0       ? &out->user
       : key == 8 && strncmp(line, "password", key) == 0 ? &out->password
                                                         : NULL;
  if (!to || *to || *value == '\0')
    return false;
  *to = value;
  return true;
}

static enum kith_err parse(struct kith_credential *out, const char *path, struct kith_fault *fault)
{
  char *text = (char *)kith_secret_bytes(out->text);
  size_t line = 1;

  if (strlen(text) + 1 != kith_secret_len(out->text) || !kith_utf8_valid(text, strlen(text)))
    return kith_fail(fault, KITH_ERR_CONFIG, "%s: is not UTF-8 text", path);
  for (char *next = text; next; line++) {
    char *at = next;

    next = strchr(at, '\n');
    if (next)
      *next++ = '\0';
    if (!take_line(out, at))
      return kith_fail(fault, KITH_ERR_CONFIG,
                       "%s: line %zu: expected user = NAME and password = TEXT, each once", path,
                       line);
  }
  return out->user ? KITH_OK : kith_fail(fault, KITH_ERR_CONFIG, "%s: expected user = NAME", path);
}

enum kith_err kith_credential_load(struct kith_credential *out, const char *place,
                                   struct kith_fault *fault)
{
  KITH_AUTO_FREE char *path = NULL;
  struct kith_credential read = {0};
  struct kith_secret *bytes = NULL;
  enum kith_err err = find(&path, place, fault);

  if (err == KITH_OK)
    err = check_mode(path, fault);
  if (err == KITH_OK)
    err = kith_secret_read_file(&bytes, path, KITH_CREDENTIAL_BYTES_MAX, fault);
  if (err != KITH_OK)
    return err;
  err = kith_secret_new(&read.text, kith_secret_len(bytes) + 1);
  if (err == KITH_OK) {
    memcpy(kith_secret_bytes(read.text), kith_secret_peek(bytes), kith_secret_len(bytes));
    err = parse(&read, path, fault);
  } else {
    (void)kith_fail(fault, err, "out of memory");
  }
  kith_secret_free(bytes);
  if (err == KITH_OK)
    *out = read;
  else
    kith_credential_free(&read);
  return err;
}

void kith_credential_free(struct kith_credential *credential)
{
  kith_secret_free(credential->text);
  *credential = (struct kith_credential){0};
}
