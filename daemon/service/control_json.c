#include "daemon/service/control_json.h"

#include <string.h>

#include "base/text.h"

json_t *kith_control_refuse(enum kith_err err, const char *text)
{
  return json_pack("{s:b, s:s, s:i}", "ok", 0, "error", text, "exit", kith_err_exit_status(err));
}

json_t *kith_control_hex(const void *bytes, size_t len)
{
  char text[2 * KITH_HASH_BYTES + 1];

  kith_hex_encode(text, bytes, len);
  return json_string(text);
}

enum kith_err kith_control_decision(struct kith_officer_decision *out, const json_t *request)
{
  const char *base64 = json_string_value(json_object_get(request, "decision"));
  uint8_t bytes[KITH_OFFICER_DECISION_BYTES_MAX];
  size_t len = 0;

  if (!base64)
    return KITH_ERR_DENIED;
  if (kith_base64_decode_any(bytes, &len, sizeof bytes, base64, strlen(base64)) != KITH_OK ||
      kith_officer_decision_read(out, bytes, len) != KITH_OK)
    return KITH_ERR_DATA;
  return KITH_OK;
}
