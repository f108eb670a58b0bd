/* A fuzzer's input as a file that has a path, for readers that open one. */
#ifndef KITH_TESTS_FUZZ_FILE_H
#define KITH_TESTS_FUZZ_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Sets `path`; close the result. */
static inline int fuzz_file_open(char path[64], const uint8_t *data, size_t size)
{
  int fd = memfd_create("fuzz", 0);

  if (fd < 0 || (size && write(fd, data, size) != (ssize_t)size))
    abort();
  snprintf(path, 64, "/proc/self/fd/%d", fd);
  return fd;
}

#endif
