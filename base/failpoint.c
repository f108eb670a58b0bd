#include "base/failpoint.h"

#ifdef KITH_TESTING

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_BYTES = 64 };

struct trigger {
  char name[NAME_BYTES];
  unsigned long at;
  unsigned long reached;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct trigger fail_trigger;
static struct trigger kill_trigger;
static struct trigger stop_trigger;
static int trace_fd = -1;
static const char *from;
static bool loaded;

static void trigger_read(struct trigger *trigger, const char *text)
{
  const char *colon;

  memset(trigger, 0, sizeof *trigger);
  if (!text)
    return;
  colon = strrchr(text, ':');
  if (!colon || (size_t)(colon - text) >= sizeof trigger->name)
    return;
  memcpy(trigger->name, text, (size_t)(colon - text));
  trigger->at = strtoul(colon + 1, NULL, 10);
}

static void load(void)
{
  const char *trace = getenv("KITH_TRACE_FAILPOINTS");

  trigger_read(&fail_trigger, getenv("KITH_FAIL"));
  trigger_read(&kill_trigger, getenv("KITH_KILL"));
  trigger_read(&stop_trigger, getenv("KITH_STOP"));
  if (trace)
    trace_fd = open(trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  from = getenv("KITH_FAILPOINTS_FROM");
  loaded = true;
}

static bool trigger_reached(struct trigger *trigger, const char *name)
{
  return trigger->at && strcmp(trigger->name, name) == 0 && ++trigger->reached == trigger->at;
}

/* Called with the lock held. */
static bool counting(void)
{
  if (!loaded)
    load();
  if (from && access(from, F_OK) == 0)
    from = NULL;
  return !from;
}

bool kith_failpoint(const char *name)
{
  bool fail;

  pthread_mutex_lock(&lock);
  if (!counting()) {
    pthread_mutex_unlock(&lock);
    return false;
  }
  if (trace_fd >= 0 && strcmp(name, "alloc") != 0)
    dprintf(trace_fd, "%s\n", name);
  if (trigger_reached(&kill_trigger, name))
    raise(SIGKILL);
  if (trigger_reached(&stop_trigger, name))
    raise(SIGSTOP);
  fail = trigger_reached(&fail_trigger, name);
  pthread_mutex_unlock(&lock);
  return fail;
}

void kith_failpoint_arm(const char *name, unsigned long n)
{
  pthread_mutex_lock(&lock);
  if (!loaded)
    load();
  memset(&fail_trigger, 0, sizeof fail_trigger);
  if (name) {
    snprintf(fail_trigger.name, sizeof fail_trigger.name, "%s", name);
    fail_trigger.at = n;
  }
  pthread_mutex_unlock(&lock);
}

unsigned long kith_failpoint_reached(void)
{
  unsigned long reached;

  pthread_mutex_lock(&lock);
  reached = fail_trigger.reached;
  pthread_mutex_unlock(&lock);
  return reached;
}

#else

/* ISO C forbids an empty translation unit. */
typedef int kith_failpoint_unused;

#endif
