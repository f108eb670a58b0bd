"""The protocol a second time, from docs/protocol.md and not from the C code: identities, statements,
sealing, keying and submission, so that tests can be members of a round, honest or hostile."""
import base64
import hashlib
import hmac
import json
import os
import struct
import time

import msgpack
import nacl.bindings as sodium
import zmq
import zmq.utils.z85

(HELLO, DOCUMENT_PUT, DOCUMENT_GET, ROUND_LIST, STATEMENT_PUT, STATEMENT_GET, BATCH_PUT, BATCH_STATUS,
 COHORT_GET, AUDIT_GET, REVIEW_GET, PROPOSAL_PUT, PROPOSAL_LIST, LETTER_PUT,
 LETTER_GET, COSIGN_GET, COSIGN_PUT) = range(1, 18)

(OK, DENIED, MALFORMED, UNKNOWN_TYPE, NOT_FOUND, WRONG_STATE, CONFLICT, BAD_SIGNATURE, LIMIT, INTERNAL,
 BAD_REFERENCE, STALE) = range(12)

(ANNOUNCED, GATHERING, KEYING, SUBMITTING, MATCHING, REVIEW, RELEASED, CLOSED, ABORTED) = range(1, 10)
STATES = dict(announced=1, gathering=2, keying=3, submitting=4, matching=5, review=6, released=7,
              closed=8, aborted=9)

(OPEN, JOIN, DECLINE, ROSTER, COMMITMENT, OPENING, CONFIRMATION, COMPLAINT, INTENT, MANIFEST, CONSENT,
 RELEASE, DESTROYED, RETRY, CLOSE, ABORT, DECISION, WITHDRAW) = range(1, 19)

REASONS = (None, "governance", "no quorum", "documents differ", "standardisers differ", "bad opening",
           "false complaint", "bad confirmation", "conflict", "too few records", "member removed",
           "policy expired", "retention ended", "internal", "officer", "data quality", "no decision",
           "bad submission")
CHARTER, POLICY, OFFICERS = 1, 2, 3
LABELS = {CHARTER: b"kith charter v1", POLICY: b"kith policy v1", OFFICERS: b"kith officers v1"}
BATCH_BYTES_MAX = 1024 * 1024
ASK_AGAIN_S = 1


def H(label, *parts):
    state = hashlib.blake2b(bytes([len(label)]) + label, digest_size=32)
    for part in parts:
        state.update(struct.pack("<Q", len(part)) + part)
    return state.digest()


def hkdf(salt, ikm, info, length=32):
    key = hmac.new(salt, ikm, hashlib.sha256).digest()
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.new(key, block + info + bytes([counter]), hashlib.sha256).digest()
        out += block
        counter += 1
    return out[:length]


def pack(value):
    return msgpack.packb(value, use_bin_type=True)


def unpack(data):
    return msgpack.unpackb(data, raw=False, use_list=True, strict_map_key=True)


def le64(number):
    return struct.pack("<Q", number)


# ---- sealing (section 8)

def seal(public_key, context, message):
    ephemeral_public, ephemeral = sodium.crypto_box_keypair()
    key = hkdf(ephemeral_public + public_key, sodium.crypto_scalarmult(ephemeral, public_key), context)
    return ephemeral_public + sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
        message, context, bytes(24), key)


def unseal(secret_key, context, sealed):
    """None where it is not sealed to this key and context."""
    public = sodium.crypto_scalarmult_base(secret_key)
    key = hkdf(sealed[:32] + public, sodium.crypto_scalarmult(secret_key, sealed[:32]), context)
    try:
        return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed[32:], context, bytes(24), key)
    except Exception:
        return None


# ---- keying (section 5)

def opening_context(roster_hash, author, member):
    return b"kith opening v1\0" + roster_hash + author.encode() + b"\0" + member.encode()


def commitment_of(roster_hash, member, contribution):
    return H(b"kith commitment v1", roster_hash, member.encode(), contribution)


def round_secret(roster_hash, contributions):
    ikm = b"".join(le64(len(m)) + m.encode() + le64(len(c)) + c for m, c in sorted(contributions.items()))
    return hkdf(roster_hash, ikm, b"kith round secret v1")


def linkage_secret(roster_hash, secret):
    return hkdf(roster_hash, secret, b"kith linkage v1")


def confirmation_mac(roster_hash, secret, member):
    key = hkdf(roster_hash, secret, b"kith confirmation v1")
    return hmac.new(key, b"kith confirmation v1\0" + roster_hash + member.encode(),
                    hashlib.sha256).digest()


# ---- submission and release (sections 6 and 7)

def batch_hash(round_id, member, number, rows):
    return H(b"kith batch v1", round_id, member.encode(), le64(number), rows)


def manifest_root(round_id, member, n_records, hashes):
    return H(b"kith manifest v1", round_id, member.encode(), le64(n_records), *hashes)


def sealed_list_hash(sealed):
    return H(b"kith sealed list v1", sealed)


def cohort_context(round_id, recipient):
    return b"kith cohort v1\0" + round_id + recipient.encode()


def leaf_root(cohort):
    """Of a list as it is unpacked."""
    round_id, agencies = cohort[1], cohort[6]
    leaves = [H(b"kith leaf v1", round_id, agencies[record[0]][0].encode(), record[1],
                le64(person[0]), record[2])
              for person in cohort[7] for record in person[4]]

    def tree(nodes):
        if len(nodes) == 1:
            return nodes[0]
        split = 1
        while split * 2 < len(nodes):
            split *= 2
        return H(b"kith node v1", tree(nodes[:split]), tree(nodes[split:]))
    return tree(leaves) if leaves else None


# ---- identities and documents

class Identity:
    """All of a member's keys; it can be saved as a key file for a real program."""

    def __init__(self, member, role, kind=None):
        self.id, self.role, self.kind = member, role, kind
        self.sign_public, self.sign_secret = sodium.crypto_sign_keypair()
        self.seal_public, self.seal_secret = sodium.crypto_box_keypair()
        self.curve_public, self.curve_secret = sodium.crypto_box_keypair()
        self.storage = os.urandom(32)

    def member(self):
        fields = {"id": self.id, "name": self.id.title(), "role": self.role}
        if self.kind:
            fields["kind"] = self.kind
        for name, key in (("sign", self.sign_public), ("seal", self.seal_public),
                          ("curve", self.curve_public)):
            fields[name] = base64.b64encode(key).decode()
        return fields

    def signature(self, label, data):
        return sodium.crypto_sign(label + b"\0" + data, self.sign_secret)[:64]

    def save(self, path, passphrase):
        """crypto/keyfile.h, with the cheapest Argon2id that a reader takes."""
        salt, nonce = os.urandom(16), os.urandom(24)
        head = b"KITHKEY\0" + struct.pack("<4I", 1, 8, 1, 0) + salt
        key = sodium.crypto_pwhash_alg(32, passphrase, salt, 1, 8192, sodium.crypto_pwhash_ALG_ARGON2ID13)
        secrets = self.sign_secret + self.seal_secret + self.curve_secret + self.storage
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(head + nonce + sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
                secrets, head, nonce, key))


class Document:
    def __init__(self, kind, value, signers):
        self.kind = kind
        self.value = value
        self.bytes = value if isinstance(value, bytes) else json.dumps(value, indent=2).encode() + b"\n"
        self.hash = H(LABELS[kind], self.bytes)
        self.signatures = [(s.sign_public, s.signature(LABELS[kind], self.bytes)) for s in signers]

    def save(self, path):
        path.write_bytes(self.bytes)
        path.with_name(path.name + ".sig").write_text("".join(
            f"{base64.b64encode(k).decode()} {base64.b64encode(s).decode()}\n" for k, s in self.signatures))

    def body(self):
        return [self.kind, self.bytes, [[k, s] for k, s in self.signatures]]


# ---- officers (section 10)

KINDS = dict(join=1, decline=2, approve=3, refuse=4, withdraw=5)


def officer_subject(text):
    return H(b"kith officer text v1", text)


def officer_decision(officer, member, round_id, kind, subject, time, reason=0, key=None):
    """`officer` is an Identity, of which the signing key is used."""
    core = pack([1, KINDS.get(kind, kind), member, round_id, subject, key or officer.sign_public, time,
                 reason])
    return pack([core, officer.signature(b"kith officer decision v1", core)])


# ---- statements (section 4)

class Statement:
    def __init__(self, data):
        self.bytes = data
        self.core, self.signature, *more = unpack(data)
        self.endorsements = more[0] if more else []
        (self.version, self.type, self.round, self.attempt, self.author, self.time,
         self.body) = unpack(self.core)
        self.hash = H(b"kith statement v1", data)

    def __repr__(self):
        return f"<{self.type} of {self.author}, attempt {self.attempt}>"

    def verify(self, sign_public):
        sodium.crypto_sign_open(self.signature + b"kith statement v1\0" + self.core, sign_public)


def make_statement(identity, statement_type, round_id, attempt, body, author=None, at=None):
    """As bytes. Another `author` than the identity's own is somebody else's signature."""
    core = pack([1, statement_type, round_id, attempt, author or identity.id,
                 int(time.time()) if at is None else at, body])
    return pack([core, identity.signature(b"kith statement v1", core)])


def endorse(statement, *identities):
    """A joint statement with the endorsements of these, and no others (section 4.1)."""
    core, signature = unpack(statement)[:2]
    made = sorted([i.sign_public, i.signature(b"kith endorsement v1", core)] for i in identities)
    return pack([core, signature, made] if made else [core, signature])
# ---- letters (section 11)

REQUEST, ANSWER, FEEDBACK, CONTEXT = 1, 2, 3, 4
GRANTED, REDUCED, REFUSED, EXPIRED = 1, 2, 3, 4
LETTER_LABELS = {REQUEST: b"kith disclosure request v1", ANSWER: b"kith disclosure answer v1",
                 FEEDBACK: b"kith feedback v1", CONTEXT: b"kith context v1"}


def merkle_path(leaves, index):
    """(sides, hashes), lowest first."""
    def root(nodes):
        if len(nodes) == 1:
            return nodes[0]
        split = 1
        while split * 2 < len(nodes):
            split *= 2
        return H(b"kith node v1", root(nodes[:split]), root(nodes[split:]))
    down = []
    while len(leaves) > 1:
        split = 1
        while split * 2 < len(leaves):
            split *= 2
        if index < split:
            down.append((0, root(leaves[split:])))
            leaves = leaves[:split]
        else:
            down.append((1, root(leaves[:split])))
            leaves, index = leaves[split:], index - split
    down.reverse()
    return sum(side << i for i, (side, _) in enumerate(down)), b"".join(h for _, h in down)


def opening(cohort, person, record):
    """[handle, number, nonce, sides, path] of a record of a list as it is unpacked."""
    round_id, agencies = cohort[1], cohort[6]
    leaves, at = [], None
    for someone in cohort[7]:
        for other in someone[4]:
            if other is record:
                at = len(leaves)
            leaves.append(H(b"kith leaf v1", round_id, agencies[other[0]][0].encode(), other[1],
                            le64(someone[0]), other[2]))
    sides, path = merkle_path(leaves, at)
    return [record[1], person[0], record[2], sides, path]


def make_letter(identity, kind, round_id, reader, body, author=None, at=None):
    """As bytes, padded and signed."""
    core = pack([1, round_id, author or identity.id, reader, int(time.time()) if at is None else at, body])
    parts = [core, identity.signature(LETTER_LABELS[kind], core)]
    for zeros in range(8192):
        letter = pack([*parts, bytes(zeros)])
        if len(letter) % 4096 == 0:
            return letter


def letter_id(kind, letter):
    return H(LETTER_LABELS[kind], letter)


def letter_context(kind, round_id, author, reader):
    return LETTER_LABELS[kind] + b"\0" + round_id + author.encode() + b"\0" + reader.encode()


def seal_letter(kind, round_id, author, reader, reader_key, letter):
    return seal(reader_key, letter_context(kind, round_id, author, reader), letter)


def context_tag(round_id, agency, reader, handle):
    return H(b"kith context tag v1", round_id, agency.encode(), reader.encode(), handle)[:16]


def context_key(round_id, agency, reader, handle):
    return hmac.new(handle, b"kith context entry v1\0" + round_id + agency.encode() + b"\0" + reader.encode(),
                    hashlib.sha256).digest()


def context_entry(round_id, agency, reader, handle, values):
    """One entry of a letter of context."""
    tag = context_tag(round_id, agency, reader, handle)
    nonce = os.urandom(24)
    plain = b"".join(v.encode().ljust(16, b"\0") for v in values)
    return tag + nonce + sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
        plain, tag, nonce, context_key(round_id, agency, reader, handle))


def words_commitment(nonce, reason, words):
    return hmac.new(nonce, b"kith disclosure words v1\0" + reason.encode() + b"\0" + words.encode(),
                    hashlib.sha256).digest()


# ---- the connection (section 3)

class Silence(Exception):
    """The matcher did not answer."""


class Client:
    def __init__(self, identity, address, server_key, timeout_s=20):
        self.identity = identity
        self.timeout_ms = int(timeout_s * 1000)
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        encode = zmq.utils.z85.encode
        self.socket.curve_serverkey = encode(server_key)
        self.socket.curve_publickey = encode(identity.curve_public)
        self.socket.curve_secretkey = encode(identity.curve_secret)
        self.socket.linger = 0
        self.socket.sndtimeo = 1000  # who is not let in can't even queue
        self.socket.connect(address)
        self.next_id = 1

    def close(self):
        self.context.destroy(linger=0)

    def send(self, *frames):
        """Where it can't be sent, there will be no answer."""
        try:
            self.socket.send_multipart(frames)
        except zmq.Again:
            pass

    def receive(self, timeout_ms=None):
        if not self.socket.poll(self.timeout_ms if timeout_ms is None else timeout_ms):
            raise Silence
        return self.socket.recv()

    def call(self, request_type, body, request_id=None):
        """(error, body) of the reply. Asks again where none comes: the matcher may have been killed."""
        if request_id is None:
            request_id, self.next_id = self.next_id, self.next_id + 1
        until = time.monotonic() + self.timeout_ms / 1000
        while True:
            self.send(pack([1, request_type, request_id, body]))
            again = min(until, time.monotonic() + ASK_AGAIN_S)
            while time.monotonic() < again:
                try:
                    reply = self.receive(max(1, int((again - time.monotonic()) * 1000)))
                except Silence:
                    break
                version, reply_type, answered, error, reply = unpack(reply)
                assert version == 1
                if answered == request_id:
                    assert error or reply_type == request_type
                    assert error == OK or reply == []
                    return error, reply
            if time.monotonic() >= until:
                raise Silence

    def hello(self):
        error, (software, at, charter, n_rounds) = self.call(HELLO, [])
        assert error == OK
        return charter

    def put_document(self, document):
        return self.call(DOCUMENT_PUT, document.body())

    def put(self, round_id, statement):
        """The error of statement.put."""
        return self.call(STATEMENT_PUT, [round_id, statement, [0, b"", b""]])[0]

    def say(self, statement_type, round_id, body, attempt=1, **more):
        return self.put(round_id, make_statement(self.identity, statement_type, round_id, attempt, body,
                                                 **more))

    def statements(self, round_id):
        """(state, attempt, all statements)."""
        said = []
        while True:
            error, reply = self.call(STATEMENT_GET, [round_id, len(said)])
            if error:
                raise LookupError(error)
            state, attempt, deadline, progress, total, more = reply
            said += [Statement(bytes(s)) for s in more]
            if len(said) >= total:
                return state, attempt, said

    def put_letter(self, round_id, reader, kind, letter_id, sealed):
        """The error of letter.put."""
        return self.call(LETTER_PUT, [round_id, reader, kind, letter_id, sealed])[0]

    def letters(self, round_id, after=0):
        """(error, [[number, author, kind, id, sealed], ...])."""
        error, reply = self.call(LETTER_GET, [round_id, after])
        return error, reply[0] if not error else None

    def cohort(self, round_id):
        """(error, sealed list)."""
        data = b""
        while True:
            error, reply = self.call(COHORT_GET, [round_id, len(data)])
            if error:
                return error, None
            total, list_hash, chunk = reply
            data += chunk
            if len(data) >= total:
                assert sealed_list_hash(data) == list_hash
                return OK, data


# ---- an agency's side of a round

class Player:
    """Plays an agency. `step` does what is due, honestly; a test replaces methods or says things by
    itself in between."""

    def __init__(self, client, round_id, policy, charter, standardiser=None):
        self.client, self.identity, self.id = client, client.identity, client.identity.id
        self.round, self.policy, self.charter = round_id, policy, charter
        self.standardiser = standardiser  # None: as the first other agency says
        self.keys = {}  # attempt -> round key pair
        self.contributions = {}
        self.rows = []
        self.sync()

    def sync(self):
        self.state, self.attempt, self.said = self.client.statements(self.round)
        self.open = self.said[0]

    def of(self, statement_type, attempt=True):
        """Author -> statement, of this attempt."""
        return {s.author: s for s in self.said
                if s.type == statement_type and (not attempt or s.attempt == self.attempt)}

    def say(self, statement_type, body, **more):
        return self.client.say(statement_type, self.round, body, self.attempt, **more)

    @property
    def roster(self):
        """Joins of the roster, in order of member id; [] while there is none."""
        for statement in self.of(ROSTER).values():
            named = statement.body[0]
            joins = self.of(JOIN)
            return [joins[m] for m in sorted(joins) if joins[m].hash in named]
        return []

    @property
    def roster_hash(self):
        return H(b"kith roster v1", self.round, le64(self.attempt), self.open.body[0], self.open.body[1],
                 self.open.hash, *[j.bytes for j in self.roster])

    def join_body(self, **other):
        if self.standardiser is None:
            self.standardiser = next(s.body[3] for m, s in self.of(JOIN, False).items() if m != self.id)
        self.keys.setdefault(self.attempt, sodium.crypto_box_keypair())
        body = dict(open=self.open.hash, charter=self.charter.hash, policy=self.policy.hash,
                    standardiser=self.standardiser, key=self.keys[self.attempt][0])
        body.update(other)
        return list(body.values())

    def join(self, **other):
        return self.say(JOIN, self.join_body(**other))

    def commit(self):
        contribution = self.contributions.setdefault(self.attempt, os.urandom(32))
        return self.say(COMMITMENT, [self.roster_hash, commitment_of(self.roster_hash, self.id,
                                                                     contribution)])

    def copies(self, contribution_for=None):
        """What each member gets; `contribution_for`: other bytes for some."""
        return [[j.author, seal(j.body[4], opening_context(self.roster_hash, self.id, j.author),
                                (contribution_for or {}).get(j.author,
                                                             self.contributions[self.attempt]))]
                for j in self.roster]

    def open_contribution(self, copies=None):
        commitment = commitment_of(self.roster_hash, self.id, self.contributions[self.attempt])
        return self.say(OPENING, [self.roster_hash, commitment, copies or self.copies()])

    def opened(self):
        """Author -> contribution, as sealed to us; None where a copy does not open."""
        found = {}
        for author, statement in self.of(OPENING).items():
            sealed = dict((m, s) for m, s in statement.body[2])[self.id]
            plain = unseal(self.keys[self.attempt][1],
                           opening_context(self.roster_hash, author, self.id), sealed)
            if plain is not None and commitment_of(self.roster_hash, author,
                                                   plain) != self.of(COMMITMENT)[author].body[1]:
                plain = None
            found[author] = plain
        return found

    @property
    def secret(self):
        return round_secret(self.roster_hash, self.opened())

    def confirm(self, mac=None):
        self.last_secret = self.secret
        return self.say(CONFIRMATION, [
            self.roster_hash, mac or confirmation_mac(self.roster_hash, self.last_secret, self.id),
            self.charter.hash, self.policy.hash, self.standardiser])

    def complain(self, accused):
        return self.say(COMPLAINT, [self.roster_hash, accused, self.keys[self.attempt][1]])

    @property
    def row_bytes(self):
        return 18 + (self.policy.value["linkage"]["bits"] + 7) // 8

    def make_rows(self, n):
        """Rows of noise: no person of anybody else's."""
        fields = len(self.policy.value["linkage"]["fields"])
        self.rows = [os.urandom(16) + struct.pack("<H", (1 << fields) - 1) +
                     bytes(a & b & c for a, b, c in zip(*[os.urandom(self.row_bytes - 18)
                                                          for _ in range(3)]))
                     for _ in range(n)]

    def batches(self):
        full = BATCH_BYTES_MAX // self.row_bytes
        return [b"".join(self.rows[i:i + full]) for i in range(0, len(self.rows), full)]

    def intend(self, n_records=None):
        n = len(self.rows) if n_records is None else n_records
        full = BATCH_BYTES_MAX // self.row_bytes
        return self.say(INTENT, [self.roster_hash, n, (n + full - 1) // full, self.row_bytes])

    def send_batch(self, number, rows=None, claimed=None):
        rows = self.batches()[number] if rows is None else rows
        return self.client.call(BATCH_PUT, [self.round, number,
                                            claimed or batch_hash(self.round, self.id, number, rows),
                                            rows])[0]

    def manifest(self):
        hashes = [batch_hash(self.round, self.id, i, rows) for i, rows in enumerate(self.batches())]
        return self.say(MANIFEST, [self.roster_hash, len(self.rows), hashes,
                                   manifest_root(self.round, self.id, len(self.rows), hashes)])

    def step(self):
        """Does what is due. True if something was."""
        self.sync()
        if self.state >= RELEASED:
            return False
        if self.state in (ANNOUNCED, GATHERING):
            if self.id in self.of(JOIN) or (self.standardiser is None and not set(
                    self.of(JOIN, False)) - {self.id}):
                return False
            return self.expect(self.join())
        everybody = {j.author for j in self.roster}
        if self.id not in everybody:
            return False
        due = ((COMMITMENT, self.commit), (OPENING, self.open_contribution),
               (CONFIRMATION, self.confirm))
        for statement_type, act in due:
            said = set(self.of(statement_type))
            if self.id not in said:
                return self.expect(act())
            if said != everybody:
                return False
        if self.state == KEYING:
            return False
        if self.id not in self.of(INTENT):
            if not self.rows:
                self.make_rows(self.policy.value["round"]["minimum_batch"] + 5)
            return self.expect(self.intend())
        if set(self.of(INTENT)) != everybody or self.id in self.of(MANIFEST):
            return False
        for number in range(len(self.batches())):
            self.expect(self.send_batch(number))
        return self.expect(self.manifest())

    @staticmethod
    def expect(error):
        assert error == OK, error
        return True


# ---- blind comparison (docs/blind.md)

def pair_key(roster_hash, own_secret, peer_public, own_id, peer_id):
    low, high = sorted((own_id.encode(), peer_id.encode()))
    return hkdf(roster_hash, sodium.crypto_scalarmult(own_secret, peer_public),
                b"kith blind pair v1\0" + low + b"\0" + high)


def pair_mac(roster_hash, key, author):
    confirmation = hkdf(b"", key, b"kith blind confirmation v1")
    return hmac.new(confirmation, b"kith confirmation v1\0" + roster_hash + author.encode(),
                    hashlib.sha256).digest()


class BlindShape:
    """Rows and batches of a submission under a policy's linkage section."""
    HANDLE_BYTES, TOKEN_BYTES, STEPS = 16, 12, 5

    def __init__(self, linkage, n_records, n_peers):
        blind = linkage["blind"]
        fields = blind["fields"]
        self.block_bytes = sum(f["bits"] for f in fields) // 8
        self.digits = self.TOKEN_BYTES + self.block_bytes
        self.digit_bytes = (len(fields) + 4) // 5
        self.row_bytes = self.digits + self.digit_bytes + 16
        self.n_rows = n_records * len(blind["match_keys"]) * blind["occurrences"]
        self.n_records, self.n_peers = n_records, n_peers
        self.handle_batches = -(-n_records // (BATCH_BYTES_MAX // self.HANDLE_BYTES))
        self.peer_batches = -(-self.n_rows // (BATCH_BYTES_MAX // self.row_bytes))
        self.n_batches = self.handle_batches + n_peers * self.peer_batches + 1

    def take_apart(self, data):
        """(handles, [rows for each peer], histograms) of a submission's batches, one after the other."""
        at = self.n_records * self.HANDLE_BYTES
        handles = [data[i:i + 16] for i in range(0, at, 16)]
        peers = []
        for _ in range(self.n_peers):
            end = at + self.n_rows * self.row_bytes
            peers.append([data[i:i + self.row_bytes] for i in range(at, end, self.row_bytes)])
            at = end
        return handles, peers, data[at:]


class BlindPlayer(Player):
    """Plays an agency under blind comparison; its rows are noise unless a test says otherwise."""
    records = 15
    round_secret_key = None  # another than was joined with, for one that cheats

    def peers(self):
        return [j for j in self.roster if j.author != self.id]

    def key_with(self, join):
        secret = self.round_secret_key or self.keys[self.attempt][1]
        return pair_key(self.roster_hash, secret, join.body[4], self.id, join.author)

    def pair_macs(self):
        return [[j.author, pair_mac(self.roster_hash, self.key_with(j), self.id)] for j in self.peers()]

    def confirm(self, mac=None):
        self.last_secret = self.secret
        return self.say(CONFIRMATION, [
            self.roster_hash, mac or confirmation_mac(self.roster_hash, self.last_secret, self.id),
            self.charter.hash, self.policy.hash, self.standardiser, self.pair_macs()])

    @property
    def shape(self):
        return BlindShape(self.policy.value["linkage"], self.records, len(self.peers()))

    def noise_row(self, token=None):
        shape = self.shape
        row = (token or os.urandom(12)) + os.urandom(shape.row_bytes - 12)
        return (row[:shape.digits] + bytes(b % 243 for b in row[shape.digits:shape.digits +
                                                                shape.digit_bytes]) +
                row[shape.digits + shape.digit_bytes:])

    def make_rows(self, n):
        shape = self.shape
        self.rows = sorted(os.urandom(16) for _ in range(self.records))  # handles
        self.peer_rows = {j.author: sorted(self.noise_row() for _ in range(shape.n_rows))
                          for j in self.peers()}
        self.near = bytes(4 * shape.STEPS)

    def batches(self):
        shape = self.shape

        def cut(rows, row_bytes):
            full = BATCH_BYTES_MAX // row_bytes
            return [b"".join(rows[i:i + full]) for i in range(0, len(rows), full)]
        return (cut(self.rows, 16) +
                [b for j in self.peers() for b in cut(self.peer_rows[j.author], shape.row_bytes)] +
                [self.near])

    def intend(self, n_records=None, n_batches=None):
        shape = self.shape
        return self.say(INTENT, [self.roster_hash, n_records or self.records,
                                 n_batches or shape.n_batches, shape.row_bytes])
