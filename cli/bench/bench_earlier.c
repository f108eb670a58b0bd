/* An earlier result of `kith bench engine --json`: its settings, and its figures beside new ones.
 */
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/bench/bench.h"

enum { FILE_BYTES_MAX = 1 << 24 };

static enum kith_err bad(const char *path, struct kith_fault *fault)
{
  return kith_fail(fault, KITH_ERR_DATA, "%s: not a result of kith bench engine --json", path);
}

/* What the table needs of a run, checked once. */
static bool is_run(const json_t *run)
{
  return json_is_integer(json_object_get(run, "rows")) &&
         json_is_string(json_object_get(run, "similarity")) &&
         json_is_string(json_object_get(run, "threshold")) &&
         json_is_string(json_object_get(run, "method")) &&
         json_is_string(json_object_get(run, "kernel")) &&
         json_is_integer(json_object_get(run, "threads")) &&
         json_is_number(json_object_get(run, "per_second"));
}

static bool is_result(const json_t *result)
{
  static const char *const words[] = {"rows",    "similarity", "threshold", "method",
                                      "kernels", "threads",    "data"};
  static const char *const numbers[] = {"parties", "bits", "repeat", "brute_rows"};
  const json_t *settings = json_object_get(result, "settings");
  const json_t *runs = json_object_get(result, "runs");
  for (size_t i = 0; i < KITH_COUNT_OF(words); i++)
    if (!json_is_string(json_object_get(settings, words[i])))
      return false;
  for (size_t i = 0; i < KITH_COUNT_OF(numbers); i++)
    if (json_integer_value(json_object_get(settings, numbers[i])) < 1)
      return false;
  for (size_t i = 0; i < json_array_size(runs); i++)
    if (!is_run(json_array_get(runs, i)))
      return false;
  return json_is_array(runs);
}

enum kith_err kith_bench_earlier_read(json_t **out, const char *path, struct kith_fault *fault)
{
  uint8_t *bytes = NULL;
  size_t len = 0;
  enum kith_err err = kith_file_read(&bytes, &len, path, FILE_BYTES_MAX, fault);
  if (err)
    return err;
  err = kith_json_parse(out, bytes, len, path, fault);
  kith_free(bytes);
  if (!err && !is_result(*out)) {
    json_decref(*out);
    *out = NULL;
    err = bad(path, fault);
  }
  return err;
}

static void take_word(const char **setting, const json_t *settings, const char *key)
{
  if (!*setting)
    *setting = json_string_value(json_object_get(settings, key));
}

static void take_number(uint64_t *setting, const json_t *settings, const char *key)
{
  if (!*setting)
    *setting = (uint64_t)json_integer_value(json_object_get(settings, key));
}

void kith_bench_earlier_settings(struct kith_bench_settings *settings, const json_t *earlier)
{
  const json_t *own = json_object_get(earlier, "settings");
  take_word(&settings->rows, own, "rows");
  take_word(&settings->similarities, own, "similarity");
  take_word(&settings->thresholds, own, "threshold");
  take_word(&settings->methods, own, "method");
  take_word(&settings->kernels, own, "kernels");
  take_word(&settings->threads, own, "threads");
  take_word(&settings->data, own, "data");
  take_number(&settings->n_parties, own, "parties");
  take_number(&settings->bits, own, "bits");
  take_number(&settings->repeat, own, "repeat");
  take_number(&settings->brute_rows, own, "brute_rows");
}

static bool equal_word(const json_t *object, const char *key, const char *value)
{
  return strcmp(json_string_value(json_object_get(object, key)), value) == 0;
}

static bool equal_number(const json_t *object, const char *key, uint64_t value)
{
  return (uint64_t)json_integer_value(json_object_get(object, key)) == value;
}

static bool is_same(const json_t *run, const struct kith_bench_run *now)
{
  return equal_number(run, "rows", now->rows) && equal_number(run, "threads", now->n_threads) &&
         equal_word(run, "similarity", kith_similarity_name(now->similarity)) &&
         equal_word(run, "threshold", now->threshold) && equal_word(run, "method", now->method) &&
         equal_word(run, "kernel", now->kernel);
}

void kith_bench_earlier_compare(struct kith_bench_results *results, const json_t *earlier,
                                const struct kith_bench_settings *settings)
{
  const json_t *own = json_object_get(earlier, "settings");
  const json_t *runs = json_object_get(earlier, "runs");
  if (!equal_word(own, "data", settings->data) ||
      !equal_number(own, "parties", settings->n_parties) ||
      !equal_number(own, "bits", settings->bits))
    return; /* of other rows */
  for (size_t r = 0; r < results->n; r++) {
    struct kith_bench_run *now = &results->items[r];
    for (size_t i = 0; i < json_array_size(runs); i++) {
      const json_t *run = json_array_get(runs, i);
      const double then = json_number_value(json_object_get(run, "per_second"));
      if (then > 0 && now->median > 0 && is_same(run, now))
        now->times_earlier = (double)now->comparisons / now->median / then;
    }
  }
}
