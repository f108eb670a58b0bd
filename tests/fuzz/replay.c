/* Runs a fuzz target over the files named as arguments, without a fuzzer. Prints each name
 * before its run, so that a crash names its input. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
  for (int i = 1; i < argc; i++) {
    struct kith_fault fault;
    uint8_t *bytes;
    uint8_t *exact;
    size_t len;

    if (kith_file_read(&bytes, &len, argv[i], 64u << 20, &fault) != KITH_OK) {
      fprintf(stderr, "%s\n", fault.text);
      return EXIT_FAILURE;
    }
    /* Without the terminator that kith_file_read adds: a read past the end must be seen. */
    exact = kith_memdup(bytes, len);
    kith_free(bytes);
    if (!exact)
      return EXIT_FAILURE;
    printf("%s\n", argv[i]);
    fflush(stdout);
    LLVMFuzzerTestOneInput(exact, len);
    kith_free(exact);
  }
  puts("done");
  return EXIT_SUCCESS;
}
