"""Audit logs: shown, exported and verified by somebody who has the charter alone; and each way of
forging one that must not pass. The forger has a member's own key, as a node that lies would."""
import base64
import hashlib
import json
import struct
import subprocess

import pytest

import partnership
import wireclient as wire
from partnership import KITH
from test_disclosure import MARKER, WORDS, Disclosing

MEMBERS = ("matcher", *partnership.AGENCIES)


class Log:
    """An export taken apart from docs/man/kith-audit.5, to be forged and put together again."""

    def __init__(self, data):
        assert data[:12] == b"KITHAUD\0\2\0\0\0"
        n, = struct.unpack_from("<Q", data, 12)
        frames, at = [], 20
        while at < len(data):
            size, = struct.unpack_from("<I", data, at)
            frames.append(data[at + 4:at + 4 + size])
            at += 4 + size
        self.entries, self.end, self.more = frames[:n], wire.unpack(frames[n]), frames[n + 1:]

    def sign(self, identity):
        root = tree_root(self.entries)
        note = b"kith-audit/%s\n%d\n%s\n" % (self.end[0].encode(), len(self.entries), base64.b64encode(root))
        signature = wire.sodium.crypto_sign(note, identity.sign_secret)[:64]
        self.end = [self.end[0], identity.sign_public, len(self.entries), root, signature]
        return self

    def chain(self):
        """Numbers and hashes as they must be for what the entries say now."""
        head = bytes(32)
        for i, entry in enumerate(self.entries):
            value = wire.unpack(entry)
            value[0], value[4] = i + 1, head
            self.entries[i] = wire.pack(value)
            head = wire.H(b"kith audit v1", self.entries[i])
        return self

    def data(self):
        frames = [*self.entries, wire.pack(self.end), *self.more]
        return (b"KITHAUD\0" + struct.pack("<IQ", 2, len(self.entries)) +
                b"".join(struct.pack("<I", len(f)) + f for f in frames))


def tree_root(entries):
    if len(entries) < 2:
        return hashlib.sha256(b"".join(b"\0" + e for e in entries)).digest()
    k = 1
    while 2 * k < len(entries):
        k *= 2
    return hashlib.sha256(b"\1" + tree_root(entries[:k]) + tree_root(entries[k:])).digest()


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """A round that has been released, with disclosures, closed and destroyed, and everybody's exported log."""
    folder = tmp_path_factory.mktemp("audit")
    with Disclosing(folder) as p:
        p.charter.save(folder / "charter.json")
        p.release()
        for verb, options, (person, _) in zip(("approve", "refuse"), ([], ["--reason", "safety"]),
                                              p.records("police")):
            request = p.request(person[0], fields="given_name,surname,contact")
            p.wait_queued(request)
            p.settle(verb, request, *options)
            p.pulled(request)
        # Until nobody says anything more: an export is held against what others have of its log.
        partnership.wait_for(lambda: all(3 in p.destroyed(p.round_id).get(m, ()) for m in MEMBERS),
                             "encodings are destroyed")
        export_all(p, "before")
        p.kith("audit", "export", "--own", "--out", "before-horizon.kith-audit", home="horizon")
        p.handles = [r[1] for person in p.cohort(p.round_id)[7] for r in person[4]]
        p.close_round(p.round_id)
        partnership.wait_for(lambda: cosigned_by_all(p), "the logs are cosigned to their end")
        export_all(p, "after")
        yield p


def cosigned_by_all(p):
    """Whether every agency has cosigned all of the matcher's log, and the matcher all of theirs."""
    export_all(p, "now")
    report = verify(p, *logs("now"), status=None)
    return all(len(log["cosigned"]) == log["cosigners"] and
               all(c["entries"] == log["entries"] for c in log["cosigned"]) for log in report["logs"])


def export_all(p, name):
    for member in (*p.agencies, "matcher"):
        home = "lead" if member == "matcher" else member
        p.kith("audit", "export", "--out", f"{name}-{member}.kith-audit", home=home)


def verify(p, *files, status=0, charter="charter.json"):
    done = subprocess.run([str(KITH), "audit", "verify", "--charter", charter, "--json", *map(str, files)],
                          cwd=p.folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == status or status is None, (done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout) if done.stdout else done.stderr


def logs(name="after", members=MEMBERS):
    return [f"{name}-{m}.kith-audit" for m in members]


def forged(p, member, change, name="forged.kith-audit", whole=False):
    log = Log((p.folder / f"after-{member}.kith-audit").read_bytes())
    change(log)
    if whole:
        log.chain().sign(p.members[member])
    (p.folder / name).write_bytes(log.data())
    return name


def refused(p, file, why, *others):
    found = verify(p, file, *others, status=1)["findings"]
    assert any(why in f["text"] for f in found), found


def test_logs_of_all_hold(city):
    report = verify(city, *logs())
    assert report["holds"] and all(log["whole"] for log in report["logs"])


def test_a_round_is_shown_as_destroyed_or_not(city):
    before, = verify(city, *logs("before"))["rounds"]
    assert before["round"] == city.round_id.hex() and not before["destroyed"]
    after, = verify(city, *logs())["rounds"]
    assert after["state"] == "closed" and after["destroyed"]
    assert set(after["by"]) == set(MEMBERS)


def test_an_earlier_and_a_later_export_agree(city):
    verify(city, *logs("before"), *logs())


def test_show_is_in_words_and_in_json(city):
    shown = city.kith("audit", "show", "after-police.kith-audit", "--round", city.round_id.hex())
    assert "the officers joined the round" in shown and "destroyed" in shown
    decided, = [line for line in shown.splitlines() if "an officer decided: join, key " in line]
    listed, = city.ask("police", do="officers")["officers"]
    assert listed["fingerprint"] in decided and "officer_1" in decided
    entries = city.kith("audit", "show", "--json", home="police")
    assert [e["seq"] for e in entries] == list(range(1, len(entries) + 1))
    assert "released" in city.kith("audit", "show", home="lead")


def test_an_edited_entry_is_found(city):
    def edit(log):
        log.entries[2] = log.entries[2][:-1] + bytes([log.entries[2][-1] ^ 1])
    refused(city, forged(city, "matcher", edit), "entry 3")


def test_a_moved_entry_is_found(city):
    def move(log):
        log.entries[3], log.entries[4] = log.entries[4], log.entries[3]
    refused(city, forged(city, "matcher", move), "entry 4")


def test_a_cut_log_is_found(city):
    def cut(log):
        del log.entries[-3:]
    refused(city, forged(city, "matcher", cut), "is not the last one that was signed")


def test_a_cut_log_that_is_signed_anew_is_found_by_others_checkpoints(city):
    def cut(log):
        del log.entries[8:]
        log.more = [m for m in log.more if wire.unpack(m)[0] == 1]
    refused(city, forged(city, "matcher", cut, whole=True), "are missing", *logs(members=city.agencies))


def test_a_log_made_anew_is_found_by_others_checkpoints(city):
    def rewrite(log):
        value = wire.unpack(log.entries[1])
        value[3] = [["number", 99]]
        log.entries[1] = wire.pack(value)
    refused(city, forged(city, "matcher", rewrite, whole=True), "past was rewritten",
            *logs(members=city.agencies))


def test_two_histories_are_found(city):
    def other(log):
        value = wire.unpack(log.entries[-1])
        value[3] = [["number", 99]]
        log.entries[-1] = wire.pack(value)
    refused(city, forged(city, "police", other, whole=True), "two histories",
            "after-police.kith-audit")


def test_another_key_is_refused(city):
    log = Log((city.folder / "after-police.kith-audit").read_bytes()).sign(city.members["health"])
    (city.folder / "key.kith-audit").write_bytes(log.data())
    refused(city, "key.kith-audit", "another key")


def test_a_forged_checkpoint_of_another_is_refused(city):
    def forge(log):
        for i, frame in enumerate(log.more):
            value = wire.unpack(frame)
            if value[0] == 3:
                value[3] = bytes(32)
                log.more[i] = wire.pack(value)
                return
    refused(city, forged(city, "police", forge), "is not signed by")


def test_a_left_out_statement_is_found(city):
    def leave_out(log):
        log.more = [m for i, m in enumerate(log.more) if wire.unpack(m)[:1] != [2] or i % 5]
    refused(city, forged(city, "police", leave_out), "statement")


def test_different_rosters_are_found(city):
    """The matcher signs another roster for one agency, and that agency's log has it."""
    def swap(log):
        at = [i for i, m in enumerate(log.more) if wire.unpack(m)[0] == 2 and
              wire.Statement(wire.unpack(m)[3]).type == wire.ROSTER][0]
        _, round_id, index, old = wire.unpack(log.more[at])
        roster = wire.Statement(old)
        new = wire.make_statement(city.members["matcher"], wire.ROSTER, round_id, 1,
                                  [roster.body[0][:2]], at=roster.time)
        log.more[at] = wire.pack([2, round_id, index, new])
    refused(city, forged(city, "police", swap), "were shown different statements",
            "after-health.kith-audit")


def cosignatures(log):
    return [i for i, m in enumerate(log.more) if wire.unpack(m)[0] == 6]


def cosignature(identity, member, log, entries, at=1700000000, owner="matcher"):
    """By `identity`, of the first entries of a log: the bytes of docs/protocol.md, section 9.1."""
    root = tree_root(log.entries[:entries])
    note = b"cosignature/v1\ntime %d\nkith-audit/%s\n%d\n%s\n" % (
        at, owner.encode(), entries, base64.b64encode(root))
    return wire.pack([6, member, entries, root, wire.sodium.crypto_sign(note, identity.sign_secret)[:64], at])


def test_all_logs_are_cosigned(city):
    by = {log["member"]: log for log in verify(city, *logs())["logs"]}
    assert {c["member"] for c in by["matcher"]["cosigned"]} == set(city.agencies)
    assert by["matcher"]["cosigners"] == len(city.agencies)
    for agency in city.agencies:
        assert [c["member"] for c in by[agency]["cosigned"]] == ["matcher"]
    n = len(city.agencies)
    text = city.kith("audit", "verify", "--charter", "charter.json", "after-matcher.kith-audit")
    assert f"cosigned by {n} of {n} agencies up to entry {by['matcher']['entries']}\n" in text
    text = city.kith("audit", "verify", "--charter", "charter.json", "after-police.kith-audit")
    assert f"cosigned by matcher up to entry {by['police']['entries']}\n" in text


def test_cosignatures_are_made_of_the_bytes_that_are_documented(city):
    log = Log((city.folder / "after-matcher.kith-audit").read_bytes())
    for i in cosignatures(log):
        _, member, entries, _, _, at = wire.unpack(log.more[i])
        assert log.more[i] == cosignature(city.members[member], member, log, entries, at)


def test_left_out_cosignatures_are_not_counted(city):
    def leave_out(log):
        at = cosignatures(log)
        log.more = [m for i, m in enumerate(log.more) if i not in at[:2]]
        member = wire.unpack(log.more[cosignatures(log)[0]])[1]
        log.more.append(cosignature(city.members[member], member, log, 3)) # a shorter one counts no more
        log.more.append(log.more[cosignatures(log)[0]]) # nor does one that is there twice
    report, = verify(city, forged(city, "matcher", leave_out))["logs"]
    assert len(report["cosigned"]) == len(city.agencies) - 2
    assert all(c["entries"] == report["entries"] for c in report["cosigned"])
    text = city.kith("audit", "verify", "--charter", "charter.json", "forged.kith-audit")
    assert f"cosigned by {len(city.agencies) - 2} of {len(city.agencies)} agencies" in text


def test_a_forged_cosignature_is_found(city):
    def forge(log):
        log.more.append(cosignature(city.members["matcher"], "police", log, 5))
    refused(city, forged(city, "matcher", forge), "the cosignature of entry 5 by 'police' is not signed by")


def test_a_cosignature_of_another_log_is_found(city):
    def move(log):
        log.more.append(cosignature(city.members["police"], "police", log, 5, owner="health"))
    refused(city, forged(city, "matcher", move), "is not signed by 'police'")


def test_a_cosignature_of_a_stranger_is_found(city):
    def stranger(log):
        log.more.append(cosignature(city.members["police"], "nobody", log, 5))
    refused(city, forged(city, "matcher", stranger), "whom no charter here has")


def test_a_log_that_cosigns_itself_is_found(city):
    def itself(log):
        log.more.append(cosignature(city.members["matcher"], "matcher", log, 5))
    refused(city, forged(city, "matcher", itself), "has cosigned its own log")


def test_a_rewritten_log_is_found_by_its_own_cosignatures(city):
    """By nothing else: no other log is at hand."""
    def rewrite(log):
        value = wire.unpack(log.entries[1])
        value[3] = [["number", 99]]
        log.entries[1] = wire.pack(value)
    refused(city, forged(city, "matcher", rewrite, whole=True), "are not those that 'police' has cosigned")


def test_a_cut_log_is_found_by_its_own_cosignatures(city):
    def cut(log):
        del log.entries[8:]
        log.more = [m for m in log.more if wire.unpack(m)[0] in (1, 6)]
    refused(city, forged(city, "matcher", cut, whole=True), "it was cut")


def test_a_rewritten_log_without_its_cosignatures_is_found_by_what_a_cosigner_holds(city):
    def rewrite(log):
        value = wire.unpack(log.entries[-1])
        value[3] = [["number", 99]]
        log.entries[-1] = wire.pack(value)
        log.more = [m for m in log.more if wire.unpack(m)[0] != 6]
    refused(city, forged(city, "matcher", rewrite, whole=True), "past was rewritten", "after-police.kith-audit")


def test_nobody_cosigns_for_who_has_no_part_in_it(city):
    for member in ("lead", "horizon"):
        assert city.client(member).call(wire.COSIGN_GET, [0])[0] == wire.DENIED


def test_the_matcher_takes_no_false_cosignature_and_cosigns_no_other_past(city):
    """Asked by somebody with the keys of an agency; its kithd is stopped."""
    partnership.wait_for(lambda: cosigned_by_all(city), "the logs are cosigned to their end")
    city.programs["police"].kill()
    client = city.client("police")
    error, (checkpoint, proof, cosigned, held) = client.call(wire.COSIGN_GET, [0])
    assert error == 0 and proof == [] and cosigned > 0 and held > 0
    assert client.call(wire.COSIGN_GET, [checkpoint[0] + 1])[0] == wire.BAD_REFERENCE
    ours = Log((city.folder / "now-police.kith-audit").read_bytes())
    matcher = Log((city.folder / "now-matcher.kith-audit").read_bytes())
    good = wire.unpack(cosignature(city.members["police"], "police", matcher, len(matcher.entries)))
    false = wire.unpack(cosignature(city.members["health"], "police", matcher, len(matcher.entries)))

    def put(by, log):
        end = log.sign(city.members["police"]).end
        return client.call(wire.COSIGN_PUT, [by[2], by[5], by[4], end[2:], []])

    error, reply = put(good, ours)
    assert error == 0
    assert put(good, ours) == (0, reply)
    assert put(false, ours)[0] == wire.BAD_SIGNATURE
    value = wire.unpack(ours.entries[-1])
    value[3] = [["number", 99]]
    ours.entries[-1] = wire.pack(value)
    assert put(good, ours)[0] == wire.CONFLICT
    del ours.entries[-1]
    assert put(good, ours)[0] == wire.BAD_REFERENCE
    city.kith("audit", "export", "--out", "accusing.kith-audit", home="lead")
    refused(city, "accusing.kith-audit", "'police' has signed two histories")
    # Of two roots, one of which police did not sign, the exporter answers for the other.
    accusing = Log((city.folder / "accusing.kith-audit").read_bytes())
    for i, more in enumerate(map(wire.unpack, accusing.more)):
        if more[0] in (3, 5) and more[1] == "police":
            accusing.more[i] = wire.pack([*more[:4], bytes(64)])
    (city.folder / "accusing.kith-audit").write_bytes(accusing.sign(city.members["matcher"]).data())
    findings = " ".join(str(f) for f in verify(city, "accusing.kith-audit", status=1)["findings"])
    assert "is not signed by 'police'" in findings and "has signed two histories" not in findings


def test_what_is_no_log_is_bad_data(city):
    (city.folder / "no").write_bytes(b"nothing of the kind")
    verify(city, "no", status=65)


def test_no_personal_data_and_no_handle(city):
    """No value of any source and no handle is in any log."""
    values, texts = set(), b""
    for agency in city.agencies:
        for line in (city.folder / f"{agency}.csv").read_text().splitlines()[1:]:
            values.update(v for v in line.split(",") if len(v) > 4)
    values |= {WORDS, MARKER, *WORDS.split("? ")}
    for file in logs() + logs("before") + ["before-horizon.kith-audit"]:
        texts += (city.folder / file).read_bytes()
    assert len(values) > 100
    for event in ("requested", "approved", "refused", "answered"):
        assert any(e["event"] == f"disclosure_{event}" for e in
                   city.kith("audit", "show", "--json", "after-police.kith-audit"))
    for value in values:
        assert value.encode() not in texts and value.lower().encode() not in texts, "a value"
    assert city.handles
    for handle in city.handles:
        assert handle not in texts and handle.hex().encode() not in texts
