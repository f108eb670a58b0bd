"""The matcher never holds what would let it read a record: its memory and its files are searched, in every
state of a round, for the round secret and all that comes from it, and for names of the data."""
import base64
import csv
import hashlib
import hmac
import os
import signal

import numpy as np

import partnership
import wireclient as wire
from partnership import wait_for
from test_round import steps_of

CHUNK_BYTES = 1 << 20
DUMPABLE = {"KITH_TEST_DUMPABLE": "1"}


def memory(pid):
    """Every readable region, in pieces that overlap by a page. Fails where memory can't be read."""
    page = os.sysconf("SC_PAGESIZE")
    total = 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, rights, *_ = line.split()
            if not rights.startswith("r") or "[v" in line:
                continue
            at, end = (int(x, 16) for x in span.split("-"))
            while at < end:
                try:
                    piece = os.pread(mem.fileno(), min(CHUNK_BYTES, end - at), at)
                except OSError:
                    # Behind the end of a mapped file there is nothing; anywhere else it must be read.
                    assert "/" in line, line
                    break
                if not piece:
                    break
                total += len(piece)
                yield piece
                at += len(piece) if len(piece) < CHUNK_BYTES or at + len(piece) >= end \
                    else len(piece) - page
    assert total > 1 << 20


def files(folder):
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes()


def found(pieces, needles):
    """Names of the needles that are there: looked up by their first three bytes, then compared."""
    starts = np.zeros(1 << 24, bool)
    forms = {}
    for name, all_forms in needles.items():
        for form in all_forms:
            starts[int.from_bytes(form[:3], "little")] = True
            forms.setdefault(form[:3], []).append((form, name))
    hits = set()
    for piece in pieces:
        if len(piece) < 3:
            continue
        at = np.frombuffer(piece, np.uint8).astype(np.uint32)
        for place in np.flatnonzero(starts[at[:-2] | at[1:-1] << 8 | at[2:] << 16]):
            hits.update(name for form, name in forms[piece[place:place + 3]]
                        if piece.startswith(form, place))
    return hits


def forms_of(data):
    """Raw, in hex, and in base64 at each of the three alignments."""
    forms = {data, data.hex().encode(), data.hex().upper().encode()}
    for shift in range(3):
        text = base64.b64encode(bytes(shift) + data)
        forms.add(text[4 if shift else 0:-4])
    return forms


def secret_needles(player):
    roster_hash, secret = player.roster_hash, player.secret
    linkage = wire.linkage_secret(roster_hash, secret)
    secrets = {"round secret": secret, "linkage secret": linkage,
               "confirmation key": wire.hkdf(roster_hash, secret, b"kith confirmation v1")}
    for field in player.policy.value["linkage"]["fields"]:
        name = field["field"].encode()
        secrets["field key " + field["field"]] = wire.hkdf(b"", linkage, b"kith field v1\0" + name)
    for member, contribution in player.opened().items():
        secrets["contribution " + member] = contribution
    return {name: forms_of(data) for name, data in secrets.items()}


def data_needles(city):
    """Ids, names, dates and postcodes of real agencies' people."""
    needles = {}
    for agency in ("education", "health"):
        with open(city.sources[agency]) as file:
            for row in csv.DictReader(file):
                for column in ("id", "surname", "given_name", "date_of_birth", "postcode"):
                    value = row[column]
                    if len(value) >= 6:
                        data = {value.encode(), value.lower().encode(), value.upper().encode()}
                        if column in ("id", "surname"):
                            data |= forms_of(value.encode())
                        needles[f"{column} {value}"] = {d for d in data if len(d) >= 6}
    assert len(needles) > 50
    return needles


def stopped(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "T"


def test_the_searcher_finds_what_is_there():
    data = os.urandom(32)
    for text in (data, data.hex().encode(), base64.b64encode(data), base64.b64encode(b"a" + data),
                 base64.b64encode(b"ab" + data)):
        assert found([b"x" * 99 + text + b"y" * 99], {"it": forms_of(data)}) == {"it"}
    assert not found([os.urandom(4096)], {"it": forms_of(data)})
    assert found(memory(os.getpid()), {"it": forms_of(data)}) == {"it"}


def test_the_field_keys_are_those_of_the_encoding():
    """HKDF with an empty salt is HKDF with a salt of zeros (RFC 5869)."""
    assert wire.hkdf(b"", b"ikm", b"info") == wire.hkdf(bytes(32), b"ikm", b"info")
    assert hmac.new(b"", b"x", hashlib.sha256).digest() == hmac.new(bytes(32), b"x",
                                                                    hashlib.sha256).digest()


def test_the_matcher_never_holds_a_secret_or_a_name(tmp_path):
    with partnership.Partnership(tmp_path, env={"matcher": DUMPABLE, "health": DUMPABLE}) as city:
        city.start("matcher", "health")
        # x1, c1 and s1 are saved in this order: education stops with the round secret in its hands.
        city.start("education", env={**DUMPABLE, "KITH_STOP": "roundkey.save.after:3"})
        matcher, education = city.programs["matcher"], city.programs["education"]
        names = data_needles(city)
        assert found(memory(matcher.pid), {"charter": {b"Test city"}}) == {"charter"}

        def search(needles):
            assert not found(memory(matcher.pid), needles)
            assert not found(files(city.home("matcher")), needles)
        round_id = city.open_round()
        player = city.player("police", round_id)
        player.make_rows(20000)
        secrets = {}
        for step, reached, act in steps_of(player):
            if step == "gathering":
                city.join(round_id, "education", "health")
            if step == "confirming":
                wait_for(lambda: stopped(education.pid), "education stops")
                player.sync()
                secrets = secret_needles(player)
                assert "round secret" in found(memory(education.pid), secrets)  # the control
                os.kill(education.pid, signal.SIGCONT)
            wait_for(lambda: player.sync() or reached(), f"{step}: the others")
            search({**names, **secrets})
            if step == "sending":
                for number in range(len(player.batches())):
                    assert player.send_batch(number) == wire.OK
            elif act:
                assert act() == wire.OK, step
        # The matching, held still: it takes some time with so many rows.
        wait_for(lambda: "state=matching" in matcher.log, "matching", pause_s=0.001)
        os.kill(matcher.pid, signal.SIGSTOP)
        assert "state=released" not in matcher.log
        search({**names, **secrets})
        os.kill(matcher.pid, signal.SIGCONT)
        city.wait_state(round_id, "released")
        assert len(city.cohort(round_id)[7]) > 5
        search({**names, **secrets})
        # An agency that has attested that the secret is destroyed has it no more either.
        wait_for(lambda: all(2 in city.destroyed(round_id).get(a, ()) for a in ("education", "health")),
                 "the secret is destroyed")
        for agency in ("education", "health"):
            assert not found(memory(city.programs[agency].pid), secrets), agency
            assert not found(files(city.home(agency)), secrets), agency
        city.close_round(round_id, ["matcher", "education", "health"])
        search({**names, **secrets})
