/* A configuration file. */
#include "base/ini.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct kith_ini *ini;
  struct kith_fault fault;
  char path[64];
  int fd = fuzz_file_open(path, data, size);

  if (kith_ini_load(&ini, path, &fault) == KITH_OK) {
    uint64_t number;
    bool flag;
    const char *value;

    if (kith_ini_u64(ini, &number, "a", "n", 3, 9, 4, &fault) == KITH_OK &&
        (number < 3 || number > 9))
      abort();
    if (kith_ini_require(ini, &value, "a", "s", &fault) == KITH_OK && *value == '\0')
      abort();
    if (kith_ini_bool(ini, &flag, "a", "b", true, &fault) == KITH_OK && flag &&
        kith_ini_done(ini, &fault) == KITH_OK && kith_ini_get(ini, "b", "x"))
      abort(); /* nobody had asked for it before */
    kith_ini_free(ini);
  }
  close(fd);
  return 0;
}
