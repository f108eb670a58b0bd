#include "proto/message_parts.h"

static void write_proof(struct kith_buf *out, const struct kith_tree_proof *proof)
{
  kith_write_array(out, proof->n);
  for (unsigned i = 0; i < proof->n; i++)
    write_hash(out, &proof->hashes[i]);
}

static void read_proof(struct kith_reader *reader, struct kith_tree_proof *out)
{
  out->n = kith_read_array_between(reader, 0, KITH_TREE_PROOF_MAX);
  for (unsigned i = 0; i < out->n; i++)
    read_hash(reader, &out->hashes[i]);
}

void kith_cosign_request_write(struct kith_buf *out, const struct kith_request *request)
{
  if (request->type == KITH_REQUEST_COSIGN_GET) {
    kith_write_array(out, 1);
    kith_write_u64(out, request->body.cosign_get.old);
    return;
  }
  kith_write_array(out, 5);
  kith_write_u64(out, request->body.cosign_put.seq);
  kith_write_u64(out, (uint64_t)request->body.cosign_put.time);
  kith_write_bin(out, request->body.cosign_put.signature, KITH_SIGN_BYTES);
  kith_checkpoint_write(out, &request->body.cosign_put.checkpoint);
  write_proof(out, &request->body.cosign_put.proof);
}

void kith_cosign_request_read(struct kith_reader *reader, struct kith_request *out)
{
  if (out->type == KITH_REQUEST_COSIGN_GET) {
    kith_read_array(reader, 1);
    out->body.cosign_get.old = kith_read_u64(reader, 0, UINT64_MAX);
    return;
  }
  kith_read_array(reader, 5);
  out->body.cosign_put.seq = kith_read_u64(reader, 1, UINT64_MAX);
  out->body.cosign_put.time = (int64_t)kith_read_u64(reader, 0, INT64_MAX);
  kith_read_bin_exact(reader, out->body.cosign_put.signature, KITH_SIGN_BYTES);
  kith_checkpoint_read(reader, &out->body.cosign_put.checkpoint);
  read_proof(reader, &out->body.cosign_put.proof);
}

void kith_cosign_reply_write(struct kith_buf *out, const struct kith_reply *reply)
{
  if (reply->type == KITH_REQUEST_COSIGN_GET) {
    kith_write_array(out, 4);
    kith_checkpoint_write(out, &reply->body.cosign_get.checkpoint);
    write_proof(out, &reply->body.cosign_get.proof);
    kith_write_u64(out, reply->body.cosign_get.cosigned);
    kith_write_u64(out, reply->body.cosign_get.held);
    return;
  }
  kith_write_array(out, 2);
  kith_write_u64(out, (uint64_t)reply->body.cosign_put.time);
  kith_write_bin(out, reply->body.cosign_put.signature, KITH_SIGN_BYTES);
}

void kith_cosign_reply_read(struct kith_reader *reader, struct kith_reply *out)
{
  if (out->type == KITH_REQUEST_COSIGN_GET) {
    kith_read_array(reader, 4);
    kith_checkpoint_read(reader, &out->body.cosign_get.checkpoint);
    read_proof(reader, &out->body.cosign_get.proof);
    out->body.cosign_get.cosigned = kith_read_u64(reader, 0, UINT64_MAX);
    out->body.cosign_get.held = kith_read_u64(reader, 0, UINT64_MAX);
    return;
  }
  kith_read_array(reader, 2);
  out->body.cosign_put.time = (int64_t)kith_read_u64(reader, 0, INT64_MAX);
  kith_read_bin_exact(reader, out->body.cosign_put.signature, KITH_SIGN_BYTES);
}
