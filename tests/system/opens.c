/* Looks for keys: opens --storage KEY FILE ... <SPECS
 *
 * Every 32 bytes of every file, at every offset, are tried as a key on every value of the
 * specifications, and every place of a file as a key wrapped under the storage key (of 32 bytes, in
 * hex; "-" for none); what that unwraps is tried as well. Used by test_destruction.py. Lines of
 * standard input, in hex ("-" for no bytes):
 *
 *   wrapped CONTEXT LENGTH         a round key file's bytes (crypto/roundkey.h)
 *   box CONTEXT VALUE              under a symmetric key (crypto/seal.h)
 *   same CONTEXT VALUE             the same, tried only with what opens another
 *   handle CONTEXT VALUE           under HMAC-SHA-256(key, context) (proto/submission.h)
 *   sealed PUBLIC CONTEXT VALUE    to a public key; a candidate is one whose public key it is
 *
 * Prints "unwrapped LINE FILE OFFSET" and "opened LINE FILE OFFSET", and last "tried N windows". */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/seal.h"
#include "crypto/secret.h"

enum { KEY_BYTES = 32, SPECS_MAX = 20000, PLAIN_MAX = 4096 };

struct bytes {
  uint8_t *at;
  size_t len;
};

enum kind { WRAPPED, BOX, SAME, HANDLE, SEALED, KINDS };

struct spec {
  enum kind kind;
  uint8_t public_key[KEY_BYTES];
  struct bytes context;
  struct bytes value; /* of WRAPPED: the length alone */
};

static struct spec specs[SPECS_MAX];
static size_t n_specs;
static uint8_t *plain; /* as long as the longest value */
static struct kith_secret *candidate;
static uint8_t its_public[KEY_BYTES]; /* of the candidate, where it is known */
static bool public_known;
static struct kith_secret *entry;

static void give_up(const char *why)
{
  (void)fprintf(stderr, "opens: %s\n", why);
  exit(2);
}

static struct bytes unhex(const char *hex)
{
  struct bytes out = {malloc(strlen(hex) / 2 + 1), 0};

  if (!out.at)
    give_up("no memory");
  if (strcmp(hex, "-") != 0 &&
      sodium_hex2bin(out.at, strlen(hex) / 2, hex, strlen(hex), NULL, &out.len, NULL) != 0)
    give_up("no hex");
  return out;
}

static void read_specs(void)
{
  static const char *const kinds[] = {"wrapped", "box", "same", "handle", "sealed"};
  size_t longest = 1;
  size_t room = 0;
  char *line = NULL;

  while (getline(&line, &room, stdin) > 0) {
    struct spec *spec = &specs[n_specs];
    char *word = strtok(line, " \n");
    unsigned kind = 0;

    if (n_specs == SPECS_MAX)
      give_up("too many lines");
    while (kind < KINDS && (!word || strcmp(word, kinds[kind]) != 0))
      kind++;
    if (kind == KINDS)
      give_up("a line of no kind");
    spec->kind = (enum kind)kind;
    if (kind == SEALED) {
      struct bytes key = unhex(strtok(NULL, " \n"));

      memcpy(spec->public_key, key.at, KEY_BYTES);
      free(key.at);
    }
    spec->context = unhex(strtok(NULL, " \n"));
    if (kind == WRAPPED)
      spec->value.len = strtoul(strtok(NULL, " \n"), NULL, 10);
    else
      spec->value = unhex(strtok(NULL, " \n"));
    longest = spec->value.len > longest ? spec->value.len : longest;
    n_specs++;
  }
  free(line);
  if (!(plain = malloc(longest)))
    give_up("no memory");
}

static bool opens_sealed(const struct spec *spec, const uint8_t *key)
{
  if (!public_known && crypto_scalarmult_base(its_public, key) != 0)
    give_up("no public key");
  public_known = true;
  return memcmp(its_public, spec->public_key, KEY_BYTES) == 0 &&
         kith_seal_open(plain, candidate, spec->context.at, spec->context.len, spec->value.at,
                        spec->value.len) == KITH_OK;
}

/* The candidate holds the key. */
static bool opens(const struct spec *spec, const uint8_t *key)
{
  const struct kith_secret *with = candidate;
  crypto_auth_hmacsha256_state state;

  if (spec->kind == WRAPPED)
    return false;
  if (spec->kind == SEALED)
    return opens_sealed(spec, key);
  if (spec->kind == HANDLE) {
    crypto_auth_hmacsha256_init(&state, key, KEY_BYTES);
    crypto_auth_hmacsha256_update(&state, spec->context.at, spec->context.len);
    crypto_auth_hmacsha256_final(&state, kith_secret_bytes(entry));
    with = entry;
  }
  return kith_box_open(plain, with, spec->context.at, spec->context.len, spec->value.at,
                       spec->value.len) == KITH_OK;
}

static void try_key(const uint8_t *key, const char *file, size_t offset, bool found)
{
  bool any = false;

  public_known = false;
  memcpy(kith_secret_bytes(candidate), key, KEY_BYTES);
  for (size_t i = 0; i < n_specs; i++) {
    if ((specs[i].kind == SAME && !found) || !opens(&specs[i], key))
      continue;
    any = true;
    if (found)
      printf("opened %zu %s %zu\n", i, file, offset);
  }
  if (any && !found)
    try_key(key, file, offset, true); /* once more, now with all of its kin */
}

static void try_wrapped(const struct bytes *file, size_t offset, const char *name,
                        const struct kith_secret *storage)
{
  uint8_t key[PLAIN_MAX];

  for (size_t i = 0; i < n_specs; i++) {
    size_t len = specs[i].value.len;

    if (specs[i].kind != WRAPPED || len > file->len - offset || len - KITH_BOX_OVERHEAD > PLAIN_MAX)
      continue;
    if (kith_box_open(key, storage, specs[i].context.at, specs[i].context.len, file->at + offset,
                      len) != KITH_OK)
      continue;
    printf("unwrapped %zu %s %zu\n", i, name, offset);
    for (size_t at = 0; at + KEY_BYTES <= len - KITH_BOX_OVERHEAD; at++)
      try_key(key + at, name, offset, true);
  }
}

static struct bytes read_file(const char *path)
{
  struct bytes out = {0};
  FILE *file = fopen(path, "rb");
  long size = 0;

  if (!file || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0)
    give_up(path);
  rewind(file);
  out.at = malloc((size_t)size + 1);
  out.len = (size_t)size;
  if (!out.at || fread(out.at, 1, out.len, file) != out.len)
    give_up(path);
  (void)fclose(file);
  return out;
}

int main(int argc, char **argv)
{
  struct kith_secret *storage = NULL;
  size_t n_tried = 0;
  bool locked;

  if (argc < 3 || strcmp(argv[1], "--storage") != 0)
    give_up("usage: opens --storage KEY FILE ... <SPECS");
  if (kith_crypto_init(&locked) != KITH_OK || kith_secret_new(&candidate, KEY_BYTES) != KITH_OK ||
      kith_secret_new(&entry, KEY_BYTES) != KITH_OK)
    give_up("no memory");
  if (strcmp(argv[2], "-") != 0) {
    struct bytes key = unhex(argv[2]);

    if (key.len != KEY_BYTES || kith_secret_copy(&storage, key.at, key.len) != KITH_OK)
      give_up("no storage key");
    free(key.at);
  }
  read_specs();
  for (int i = 3; i < argc; i++) {
    struct bytes file = read_file(argv[i]);

    for (size_t at = 0; at + KEY_BYTES <= file.len; at++) {
      if (storage)
        try_wrapped(&file, at, argv[i], storage);
      n_tried++;
      /* The same 32 bytes as one place before: a run of one byte. */
      if (at && memcmp(file.at + at - 1, file.at + at, KEY_BYTES) == 0)
        continue;
      try_key(file.at + at, argv[i], at, false);
    }
    free(file.at);
  }
  printf("tried %zu windows\n", n_tried);
  return 0;
}
