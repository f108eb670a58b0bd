#!/usr/bin/python3
"""Makes crypto_vectors.h and the fuzz corpora's first files from docs/protocol.md alone.

Nothing here is kith's code: BLAKE2b, HMAC and HKDF come from hashlib, X25519, Ed25519 and
ChaCha20-Poly1305 from OpenSSL (python3-cryptography), HChaCha20, MessagePack and the tree are
written out below; only Argon2id is libsodium's (python3-nacl). The result is the same at each run:

    /usr/bin/python3 tests/unit/vectors/crypto_vectors.py          writes the files
    /usr/bin/python3 tests/unit/vectors/crypto_vectors.py --check  1 if the header differs
"""
import base64
import hashlib
import hmac
import os
import struct
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, "..", "..", "fuzz", "corpus")


def le8(number):
    return struct.pack("<Q", number)


def H(label, *parts):
    label = label.encode()
    state = hashlib.blake2b(bytes([len(label)]) + label, digest_size=32)
    for part in parts:
        part = le8(part) if isinstance(part, int) else part
        state.update(le8(len(part)) + part)
    return state.digest()


def HMAC(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def HKDF(salt, ikm, info, length=32):
    prk, out, block = HMAC(salt, ikm), b"", b""
    while len(out) < length:
        block = HMAC(prk, block + info + bytes([len(out) // 32 + 1]))
        out += block
    return out[:length]


def merkle(leaves):
    """RFC 6962, section 2.1, with H; leaves are hashes already."""
    if not leaves:
        return H("kith node v1")
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return H("kith node v1", merkle(leaves[:k]), merkle(leaves[k:]))


def hchacha20(key, nonce16):
    words = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce16))

    def quarter(a, b, c, d):
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            words[x] = (words[x] + words[y]) & 0xFFFFFFFF
            value = words[z] ^ words[x]
            words[z] = (value << turn | value >> (32 - turn)) & 0xFFFFFFFF

    for _ in range(10):
        for column in range(4):
            quarter(column, 4 + column, 8 + column, 12 + column)
        for column in range(4):
            quarter(column, 4 + (column + 1) % 4, 8 + (column + 2) % 4, 12 + (column + 3) % 4)
    return struct.pack("<8I", *(words[:4] + words[12:]))


def xchacha(key, nonce, message, ad):
    return ChaCha20Poly1305(hchacha20(key, nonce[:16])).encrypt(b"\0" * 4 + nonce[16:], message, ad)


def public(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def x25519(secret):
    return X25519PrivateKey.from_private_bytes(secret)


def seal(ephemeral_secret, pk, context, message):
    ephemeral = x25519(ephemeral_secret)
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(pk))
    key = HKDF(public(ephemeral) + pk, shared, context)
    return public(ephemeral) + xchacha(key, bytes(24), message, context)


def box(key, nonce, place, message):
    return nonce + xchacha(key, nonce, message, place)


def pack(value):
    """MessagePack, shortest forms."""
    if isinstance(value, int):
        for limit, head, form in ((1 << 7, b"", ">B"), (1 << 8, b"\xcc", ">B"),
                                  (1 << 16, b"\xcd", ">H"), (1 << 32, b"\xce", ">I"),
                                  (1 << 64, b"\xcf", ">Q")):
            if value < limit:
                return head + struct.pack(form, value)
    if isinstance(value, str):
        text = value.encode()
        assert len(text) < 256
        return (bytes([0xA0 | len(text)]) if len(text) < 32 else bytes([0xD9, len(text)])) + text
    if isinstance(value, bytes):
        assert len(value) < 256
        return bytes([0xC4, len(value)]) + value
    assert len(value) < 65536
    head = bytes([0x90 | len(value)]) if len(value) < 16 else b"\xdc" + struct.pack(">H", len(value))
    return head + b"".join(pack(one) for one in value)


def fill(tag, n=32):
    """Bytes that stand for something."""
    return hashlib.shake_128(tag.encode()).digest(n)


vectors = {}
corpora = {}

# ---- hashes, keys, seals

vectors["hash"] = H("kith test v1", b"", b"abc", 5)
vectors["hash_no_parts"] = H("kith test v1")
for n in (0, 1, 2, 3, 4, 5, 7, 8, 9, 33):
    vectors["merkle_%d" % n] = merkle([H("kith leaf v1", i) for i in range(n)])

sign_key = Ed25519PrivateKey.from_private_bytes(fill("sign"))
vectors["sign_seed"] = fill("sign")
vectors["sign_public"] = public(sign_key)
vectors["signature"] = sign_key.sign(b"kith test v1\0" + b"message")
seal_secret, curve_secret, storage_key = fill("seal"), fill("curve"), fill("storage")
vectors["seal_secret"] = seal_secret
vectors["seal_public"] = public(x25519(seal_secret))
vectors["sealed"] = seal(fill("e1"), vectors["seal_public"], b"context", b"sealed message")
vectors["boxed"] = box(fill("key"), fill("nonce", 24), b"place", b"boxed message")
vectors["box_key"] = fill("key")

fingerprint = H("kith fingerprint v1", vectors["sign_public"], vectors["seal_public"],
                public(x25519(curve_secret)))
bits = int.from_bytes(fingerprint[:20], "big")
letters = "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[bits >> (155 - 5 * i) & 31] for i in range(32))
text = {"fingerprint": " ".join(letters[i:i + 4] for i in range(0, 32, 4))}

# ---- the key file, at the least cost


def keyfile(passphrase, memory_kib, passes):
    from nacl import pwhash
    header = b"KITHKEY\0" + struct.pack("<IIII", 1, memory_kib, passes, 0) + fill("salt", 16)
    key = pwhash.argon2id.kdf(32, passphrase, fill("salt", 16), passes, memory_kib * 1024)
    body = fill("sign") + vectors["sign_public"] + seal_secret + curve_secret + storage_key
    return header + box(key, fill("keyfile nonce", 24), header, body)


vectors["keyfile"] = keyfile(b"a passphrase", 8, 1)
corpora["keyfile/valid"] = vectors["keyfile"]
corpora["keyfile/two_passes"] = keyfile(b"a passphrase", 16, 2)
corpora["keyfile/wrong_passphrase"] = keyfile(b"another", 8, 1)
corpora["keyfile/cut"] = vectors["keyfile"][:-1]
corpora["keyfile/huge"] = vectors["keyfile"][:12] + b"\xff" * 8 + vectors["keyfile"][20:]

# ---- keying

round_id, members = fill("round", 16), ["ash", "birch_2", "cedar"]
charter, policy, opened = fill("charter"), fill("policy"), fill("open")
joins = [fill("join " + member, 50) for member in members]
roster = H("kith roster v1", round_id, 2, charter, policy, opened, *joins)
contributions = [fill("contribution " + member) for member in members]
vectors["round"], vectors["roster"] = round_id, roster
vectors["charter"], vectors["policy"], vectors["open"] = charter, policy, opened
for i in range(3):
    vectors["join_%d" % i], vectors["contribution_%d" % i] = joins[i], contributions[i]
vectors["commitment_1"] = H("kith commitment v1", roster, b"birch_2", contributions[1])
vectors["contribution_sealed"] = seal(fill("e2"), vectors["seal_public"],
                                      b"kith opening v1\0" + roster + b"birch_2\0ash",
                                      contributions[1])
secret = HKDF(roster, b"".join(le8(len(m)) + m.encode() + le8(32) + c
                               for m, c in zip(members, contributions)), b"kith round secret v1")
vectors["round_secret"] = secret
vectors["linkage_secret"] = HKDF(roster, secret, b"kith linkage v1")
confirmation_key = HKDF(roster, secret, b"kith confirmation v1")
vectors["confirmation_key"] = confirmation_key
vectors["confirmation_mac"] = HMAC(confirmation_key, b"kith confirmation v1\0" + roster + b"cedar")

# ---- submission

rows = fill("rows", 300)
batches = [H("kith batch v1", round_id, b"ash", number, rows) for number in range(3)]
vectors["batch_2"] = batches[2]
vectors["rows"] = rows
vectors["manifest_root"] = H("kith manifest v1", round_id, b"ash", 1234, *batches)
handle, table_key = fill("handle", 16), fill("table key")
vectors["handle"], vectors["table_key"] = handle, table_key
vectors["handle_index"] = H("kith handle index v1", round_id, handle)
entry_context = b"kith handle entry v1\0" + round_id + handle
record_id = b"record 17"
vectors["handle_entry"] = box(HMAC(table_key, entry_context), fill("entry nonce", 24), entry_context,
                              struct.pack("<H", len(record_id)) + record_id + bytes(32 - 2 - 9))

# ---- the audit log


def audit_log(n):
    head, entries = bytes(32), []
    for seq in range(1, n + 1):
        values = [["round", round_id], ["member", "ash"], ["head", fill("h%d" % seq)],
                  ["signature", fill("s", 64)], ["number", 10 ** (seq % 20)]][:seq % 6]
        entries.append(pack([seq, 1700000000 + seq, 1 + seq % 29, values, head]))
        head = H("kith audit v1", entries[-1])
    return entries, head


def tree_root(entries):
    """RFC 6962, section 2.1, word by word."""
    if len(entries) < 2:
        return hashlib.sha256(b"".join(b"\0" + entry for entry in entries)).digest()
    k = 1
    while 2 * k < len(entries):
        k *= 2
    return hashlib.sha256(b"\1" + tree_root(entries[:k]) + tree_root(entries[k:])).digest()


def audit_export(n):
    entries, _ = audit_log(n)
    root = tree_root(entries)
    note = b"kith-audit/ash\n%d\n%s\n" % (n, base64.b64encode(root))
    entries.append(pack(["ash", vectors["sign_public"], n, root, sign_key.sign(note)]))
    return (b"KITHAUD\0" + struct.pack("<IQ", 2, n)
            + b"".join(struct.pack("<I", len(entry)) + entry for entry in entries))


vectors["audit_head_7"] = audit_log(7)[1]
vectors["audit_export_7"] = audit_export(7)
for n in (0, 1, 7):
    corpora["audit_export/entries_%d" % n] = audit_export(n)
corpora["audit_export/cut"] = audit_export(3)[:-5]
corpora["audit_export/altered"] = audit_export(3).replace(b"ash", b"oak", 1)

# ---- the cohort list


def cohort(people, records):
    persons = []
    for i in range(people):
        persons.append([10 * i + 3, 1000000 - i, 900000, i % 2,
                        [[(i + r) % 3, fill("handle %d %d" % (i, r), 16), fill("n%d%d" % (i, r), 16)]
                         for r in range(records)]])
    return [1, round_id, policy, charter, roster, "0.95",
            [[member, fill("manifest " + member)] for member in members], persons]


def cohort_root(listed):
    return merkle([H("kith leaf v1", listed[1], listed[6][agency][0].encode(), h, person[0], nonce)
                   for person in listed[7] for agency, h, nonce in person[4]])


listed = cohort(3, 2)
vectors["cohort"] = pack(listed)
vectors["cohort_root"] = cohort_root(listed)
vectors["cohort_sealed"] = seal(fill("e3"), vectors["seal_public"],
                                b"kith cohort v1\0" + round_id + b"team", vectors["cohort"])
vectors["cohort_sealed_hash"] = H("kith sealed list v1", vectors["cohort_sealed"])
corpora["cohort/valid"] = vectors["cohort"]
corpora["cohort/empty"] = pack(cohort(0, 0))
corpora["cohort/twenty"] = pack(cohort(20, 3))
corpora["cohort/cut"] = vectors["cohort"][:-1]
corpora["cohort/many_claimed"] = pack(cohort(0, 0))[:-1] + b"\xdd\xff\xff\xff\xff"
twice = cohort(3, 2)
twice[7][2][4] = twice[7][0][4]
corpora["cohort/record_twice"] = pack(twice)


def header():
    lines = ["/* Made by crypto_vectors.py; do not edit. */", "// clang-format off",
             "#ifndef KITH_TESTS_CRYPTO_VECTORS_H", "#define KITH_TESTS_CRYPTO_VECTORS_H", "",
             "#include <stdint.h>", ""]
    for name, value in text.items():
        lines.append('static const char vector_%s[] __attribute__((unused)) =\n    "%s";' % (name, value))
    for name, value in vectors.items():
        lines.append("static const uint8_t vector_%s[%d] __attribute__((unused)) = {"
                     % (name, len(value)))
        for at in range(0, len(value), 16):
            lines.append("    " + " ".join("0x%02x," % byte for byte in value[at:at + 16]))
        lines.append("};")
    return "\n".join(lines + ["", "#endif", ""])


def main():
    path = os.path.join(HERE, "crypto_vectors.h")
    if sys.argv[1:] == ["--check"]:
        with open(path, encoding="ascii") as file:
            return 0 if file.read() == header() else 1
    with open(path, "w", encoding="ascii") as file:
        file.write(header())
    for name, value in corpora.items():
        target = os.path.join(CORPUS, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(value)
    return 0


if __name__ == "__main__":
    sys.exit(main())
