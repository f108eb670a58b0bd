"""Officers and their keys: what they are shown and sign, who may decide, how two decide, and what kithd
refuses to take for a decision."""
import base64
import json
import os
import time

import pytest

import partnership
import wireclient as wire
from partnership import Partnership, wait_for


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("officers")
    with Partnership(folder, policy=dict(cohort={"minimum_count": 5}, trial=True)) as p:
        yield p.start()


@pytest.fixture
def round_id(city):
    """A round that every agency has heard of, and the list of police with one officer."""
    made = city.open_round()
    city.enrol("police")
    for agency in city.agencies:
        wait_for(lambda: city.ask(agency, do="show", round=made.hex())["ok"], f"{agency} hears of it")
    yield made
    assert city.governance().say(wire.ABORT, made, [1, ""]) == wire.OK


def refused(reply, words, status=77):
    assert not reply["ok"] and reply["exit"] == status and words in reply["error"], reply


def decided(city, round_id, agency="police"):
    return city.ask(agency, do="show", round=round_id.hex())["decision"]


def audit(city, agency="police"):
    return city.kith("audit", "show", "--json", home=agency)


# ---- what is shown

def test_what_an_officer_is_shown(city, round_id):
    shown = city.ask("police", do="show", round=round_id.hex())
    n = len((city.folder / "police.csv").read_text().splitlines()) - 1
    text = shown["text"]
    for words in (round_id.hex(), "given_name, surname, date_of_birth, sex, postcode", "go to the matcher",
                  "The list goes to horizon", "at least 2 services", "find those who are known",
                  "Lawful gateway of police: an invented act, section 1", "To be decided by",
                  "after 30 days", "The round ends by itself", "A TRIAL",
                  f"Records in scope: about {(n + 2) // 5 * 5}, rounded to 5",
                  "has sent records in no round before"):
        assert words in text, (words, text)
    # The same bytes as long as nothing changes, whoever asks, and after a restart.
    assert city.ask("police", do="show", round=round_id.hex())["text"] == text
    assert wire.officer_subject(text.encode()).hex() == shown["text_hash"]
    city.programs["police"].stop()
    city.start("police")
    assert city.ask("police", do="show", round=round_id.hex())["text"] == text
    assert text in city.kith("round", "show", round_id.hex(), home="police")


def test_a_small_count_is_hidden_and_a_recount_is_asked_for(tmp_path):
    with Partnership(tmp_path, policy=dict(cohort={"minimum_count": 5})) as p:
        p.start("matcher", "police")
        lines = p.sources["police"].read_text().splitlines()
        p.sources["police"].write_text("\n".join(lines[:4]) + "\n")
        made = p.open_round()
        shown = wait_for(lambda: (lambda r: r if r["ok"] else None)(
            p.ask("police", do="show", round=made.hex())), "the round")
        assert "Records in scope: fewer than 5," in shown["text"]
        p.sources["police"].write_text("\n".join(lines) + "\n")
        assert p.ask("police", do="show", round=made.hex())["text"] == shown["text"]
        again = p.ask("police", do="recount", round=made.hex())
        assert f"about {(len(lines) + 1) // 5 * 5}, rounded" in again["text"]
        # Who decides on what was shown before is told to look again.
        p.enrol("police")
        refused(p.decide("police", made, shown=shown), "look at it again")
        p.sources["police"].unlink()
        reply = p.ask("police", do="recount", round=made.hex())
        assert not reply["ok"] and reply["exit"] == 66
        assert p.ask("police", do="show", round=made.hex())["text"] == again["text"]
        assert p.decide("police", made)["ok"]


def test_what_differs_from_the_last_round(tmp_path):
    with Partnership(tmp_path) as p:
        p.start()
        first = p.open_round()
        p.join(first)
        p.wait_state(first, "released")
        same = p.open_round()
        changed = p.make_policy(version=2, name=p.policy.value["name"], purpose="something else",
                                linkage={"bits": 512}, release={"retention_days": 60},
                                scope={"on": "2026-01-01", "age_max": 25})
        fewer = p.open_round(changed, agencies=["education", "police"])
        for made in (same, fewer):
            wait_for(lambda: p.ask("police", do="show", round=made.hex())["ok"], "it hears of it")
        text = p.ask("police", do="show", round=same.hex())["text"]
        assert f"Against round {first.hex()}" in text and text.endswith("  - nothing\n")
        text = p.ask("police", do="show", round=fewer.hex())["text"].partition("What differs")[2]
        for words in ("  - its version: was 1, is 2\n", "the bits of a filter: was 1024, is 512",
                      "its purpose: was find those who are known to several services, is something else",
                      "days the list is kept: was 30, is 60", "whose records are in scope: was nothing, is",
                      "  - health is not invited any more\n"):
            assert words in text, (words, text)
        assert "quorum" not in text


# ---- one officer decides

def test_an_officer_joins_and_the_log_says_who(city, round_id):
    before = len(audit(city))
    reply = city.decide("police", round_id)
    assert reply["ok"] and reply["decision"] == "join" and reply["waiting"] == ""
    wait_for(lambda: any(s.author == "police" for s in city.statements(round_id, wire.JOIN)), "the join")
    shown = city.ask("police", do="show", round=round_id.hex())
    listed, = city.ask("police", do="officers")["officers"]
    one, = shown["decisions"]
    assert (one["officer"], one["decision"], one["on_list"]) == ("officer_1", "join", True)
    assert one["fingerprint"] == listed["fingerprint"]
    entry, = [e for e in audit(city)[before:] if e["event"] == "officer_decision"]
    key = wire.H(b"kith officer key v1", city.officer("police").sign_public).hex()
    assert entry["values"]["officer"] == "officer_1" and entry["values"]["key"] == key
    assert entry["values"]["subject"] == shown["text_hash"] and entry["values"]["kind"] == "1"
    assert "officer_1" in city.kith("round", "show", round_id.hex(), home="police")


def test_one_officer_declines(city, round_id):
    assert city.decide("police", round_id, "decline", reason=3)["ok"]
    statement = wait_for(lambda: city.statements(round_id, wire.DECLINE), "the decline")[0]
    assert statement.author == "police" and statement.body[1] == 14
    one, = city.ask("police", do="show", round=round_id.hex())["decisions"]
    assert (one["decision"], one["reason"]) == ("decline", 3)
    # Nobody takes it back.
    refused(city.decide("police", round_id, time=int(time.time()) + 5), "has declined the round", 1)


def test_nothing_but_an_officers_decision_decides(city, round_id):
    ask = dict(do="join", round=round_id.hex())
    good = city.decision("police", round_id, "join")
    shown = city.ask("police", do="show", round=round_id.hex())
    refused(city.ask("police", **ask), "an officer's signed decision is needed")
    refused(city.ask("police", **ask, decision=""), "in base64", 65)
    refused(city.ask("police", **ask, decision="%%%"), "in base64", 65)
    refused(city.ask("police", **ask, decision=7), "in base64", 65)
    refused(city.ask("police", **ask, decision=base64.b64encode(b"\x92\xc4").decode()), "can't be read", 65)
    changed = bytearray(base64.b64decode(good))
    changed[-1] ^= 1
    refused(city.ask("police", **ask, decision=base64.b64encode(changed).decode()), "false")
    # Another's key: of nobody, of the agency itself, of another agency's officer, of a member.
    city.enrol("health", "officer_9")
    for who in (wire.Identity("x", "officer"), city.members["police"], city.officer("health", "officer_9"),
                city.members["lead"]):
        refused(city.decide("police", round_id, officer=who), "no officer on this member's list")
    # Signed by somebody else in an officer's name.
    refused(city.decide("police", round_id, officer=wire.Identity("x", "officer"),
                        key=city.officer("police").sign_public), "signature is false")
    # Right key, other question.
    for change, words in ((dict(member="health"), "another member"),
                          (dict(round_id=os.urandom(16)), "another round"),
                          (dict(kind="decline"), "is to decline, not to join"),
                          (dict(kind="approve"), "is to approve, not to join"),
                          (dict(subject=wire.officer_subject(b"another text")), "look at it again"),
                          (dict(time=shown["now"] - 3700), "more than 60 minutes ago"),
                          (dict(time=shown["now"] + 600), "in the future")):
        refused(city.decide("police", round_id, **change), words)
    refused(city.ask("police", do="decline", round=round_id.hex(), decision=good),
            "is to join, not to decline")
    assert decided(city, round_id) == "none" and not city.statements(round_id, wire.JOIN)
    assert not [e for e in audit(city) if e["event"] == "officer_decision"
                and e["values"].get("round") == round_id.hex()]


def test_an_old_decision_is_no_new_one(city, round_id):
    """The same bytes again are nothing new; after another decision they are refused."""
    city.enrol("police", "officer_1", "officer_2")
    two = city.open_round(city.make_policy(trial=True, round={"officers": 2}))
    shown = wait_for(lambda: (lambda r: r if r["ok"] else None)(
        city.ask("police", do="show", round=two.hex())), "the round")
    first = city.decision("police", two, "join", shown=shown)
    ask = dict(do="join", round=two.hex())
    for _ in range(3):
        assert "1 of 2" in city.ask("police", **ask, decision=first)["waiting"]
    assert len(city.ask("police", do="show", round=two.hex())["decisions"]) == 1
    later = city.decision("police", two, "join", shown=shown, time=shown["now"] + 1)
    assert "1 of 2" in city.ask("police", **ask, decision=later)["waiting"]
    refused(city.ask("police", **ask, decision=first), "has decided on this round since")
    # Of another round.
    refused(city.ask("police", do="join", round=round_id.hex(), decision=later), "another round")


# ---- two officers

def test_two_officers_are_two_keys(city, round_id):
    city.enrol("police", "officer_1", "officer_2")
    two = city.open_round(city.make_policy(trial=True, round={"officers": 2}))
    wait_for(lambda: city.ask("police", do="show", round=two.hex())["ok"], "the round")
    assert "2 officers of police must decide" in city.ask("police", do="show", round=two.hex())["text"]
    before = city.ask("police", do="status")["rounds_to_decide"]
    waiting = city.decide("police", two)
    assert waiting["decision"] == "none" and waiting["waiting"].startswith("1 of 2 officers has decided")
    # The same officer again, by the same key or by a new one of theirs, is still one.
    now = city.ask("police", do="show", round=two.hex())["now"]
    assert "1 of 2" in city.decide("police", two, time=now + 2)["waiting"]
    assert "1 of 2" in city.kith("round", "list", home="police")
    assert "1 of 2" in city.kith("round", "show", two.hex(), home="police")
    assert city.ask("police", do="status")["rounds_to_decide"] == before
    assert not city.statements(two, wire.JOIN)
    city.programs["police"].kill()
    city.start("police")
    done = city.decide("police", two, officer="officer_2")
    assert done["decision"] == "join" and done["waiting"] == ""
    wait_for(lambda: city.statements(two, wire.JOIN), "the join")
    assert {d["officer"] for d in city.ask("police", do="show", round=two.hex())["decisions"]} == \
        {"officer_1", "officer_2"}


def test_one_of_two_declines(city, round_id):
    city.enrol("police", "officer_1", "officer_2")
    two = city.open_round(city.make_policy(trial=True, round={"officers": 2}))
    wait_for(lambda: city.ask("police", do="show", round=two.hex())["ok"], "the round")
    assert "1 of 2" in city.decide("police", two)["waiting"]
    assert city.decide("police", two, "decline", officer="officer_2")["decision"] == "decline"
    wait_for(lambda: city.statements(two, wire.DECLINE), "the decline")


def test_a_key_that_is_struck_off_counts_no_more(city, round_id):
    """Revoked, or lost and replaced: the first officer's decision is gone with their key."""
    city.enrol("police", "officer_1", "officer_2")
    two = city.open_round(city.make_policy(trial=True, round={"officers": 2}))
    wait_for(lambda: city.ask("police", do="show", round=two.hex())["ok"], "the round")
    assert "1 of 2" in city.decide("police", two)["waiting"]
    old = city.officers.pop(("police", "officer_1"))
    city.enrol("police", "officer_1", "officer_2")  # the same id, a new key
    assert "2 officers must decide" in city.ask("police", do="show", round=two.hex())["waiting"]
    assert "1 of 2" in city.decide("police", two, officer="officer_2")["waiting"]
    shown = city.ask("police", do="show", round=two.hex())
    assert [d["on_list"] for d in shown["decisions"]] == [False, True]
    refused(city.decide("police", two, officer=old), "no officer on this member's list")
    assert city.decide("police", two)["decision"] == "join"


def test_too_few_officers_for_the_policy(city, round_id):
    city.enrol("police", "officer_1")
    two = city.open_round(city.make_policy(trial=True, round={"officers": 2}))
    wait_for(lambda: city.ask("police", do="show", round=two.hex())["ok"], "the round")
    assert "2 officers must decide, and 1 is on this agency's list" in \
        city.ask("police", do="show", round=two.hex())["waiting"]
    assert city.decide("police", two)["decision"] == "none"


def test_keys_are_valid_from_and_to(city, round_id):
    for days in ((-3, -1), (1, 2)):
        city.enrol("police", days=days)
        refused(city.decide("police", round_id), "not valid at the decision's time")
    city.enrol("police", days=(-1, 1))
    assert city.decide("police", round_id)["ok"]


# ---- the list

def test_a_list_is_taken_from_the_agency_alone(city, round_id):
    held = city.ask("police", do="officers")
    version = held["version"]
    put = lambda *names, **more: city.ask("police", **city.officer_list("police", names, **more))
    refused(put("officer_1", version=version + 1, signer=city.officer("police")), "false", 1)
    refused(put("officer_1", version=version + 1, signer=city.members["health"]), "false", 1)
    refused(put("officer_1", version=version - 1), "is held")
    refused(put("officer_2", version=version), "is held")
    refused(put("officer_1", version=version + 1, member="health"), "another member")
    entry = {"id": "own", "role": "", "valid_from": partnership.zulu(-1), "expires": partnership.zulu(9),
             "key": base64.b64encode(city.members["police"].sign_public).decode()}
    refused(put(entry, version=version + 1), "own key")
    refused(put("officer_1", "officer_1", version=version + 1), "has the same", 65)
    refused(put({**entry, "id": "Jane Doe"}, version=version + 1), "id", 65)
    refused(put("officer_1", version=version + 1, kith="policy"), "another document", 65)
    refused(city.ask("police", do="officers-put", document="", signature=""), "expected", 65)
    assert city.ask("police", do="officers") == held
    city.programs["police"].stop()
    city.start("police")
    assert city.ask("police", do="officers") == held


def test_every_change_of_the_list_is_in_the_log(city):
    entries = {n: city.listed("education", n) for n in ("officer_1", "officer_2")}
    city.enrol("education", entries["officer_1"])
    city.enrol("education", *entries.values())
    city.enrol("education", entries["officer_2"])
    events = [(e["event"], e["values"].get("officer")) for e in audit(city, "education")
              if e["event"].startswith("officer")]
    assert events == [("officers", None), ("officer_added", "officer_1"), ("officers", None),
                      ("officer_added", "officer_2"), ("officers", None), ("officer_removed", "officer_1")]


# ---- by the command line

def test_officers_by_the_command_line(city, round_id):
    folder, kith = city.folder, city.kith
    for name in ("one", "two", "three"):
        (folder / f"{name}.pass").write_text(f"the passphrase of {name}\n")
        os.chmod(folder / f"{name}.pass", 0o600)
        kith("officer", "new", "--id", name, "--role", "data officer", "--out", f"{name}.key",
             "--passphrase-file", f"{name}.pass")
    assert json.loads((folder / "one.key.json").read_text())["id"] == "one"
    kith("officer", "new", "--id", "one", "--out", "one.key", "--passphrase-file", "one.pass", status=73)
    kith("officer", "new", "--id", "Jane Doe", "--out", "x", "--passphrase-file", "one.pass", status=2)
    for listed in city.ask("health", do="officers")["officers"]:
        kith("officer", "remove", "--home", "health", listed["id"])
    for name in ("one", "two"):
        made = kith("officer", "add", "--home", "health", f"{name}.key.json")
        assert made.startswith(f"{name}  ")
    kith("officer", "add", "--home", "health", "one.key.json", status=1)
    kith("officer", "add", "--home", "lead", "one.key.json", status=78)
    listed = kith("officer", "list", "--home", "health")
    assert "data officer" in listed and "valid" in listed and made.split("  ")[1].strip() in listed
    join = ("round", "join", "--home", "health", "--officer-key")
    by = lambda name: (f"{name}.key", "--passphrase-file", f"{name}.pass")
    kith("round", "join", "--home", "health", round_id.hex(), status=2)
    kith(*join, "one.key", "--passphrase-file", "two.pass", round_id.hex(), status=77)  # a lost passphrase
    kith(*join, *by("three"), round_id.hex(), status=77)
    kith(*join, "health/key", "--passphrase-file", "health/passphrase", round_id.hex(), status=77)
    kith(*join, *by("one"), "--shown", "0" * 64, round_id.hex(), status=1)
    two = city.open_round(city.make_policy(trial=True, round={"officers": 2}))
    shown = wait_for(lambda: (lambda r: r if r["ok"] else None)(
        city.ask("health", do="show", round=two.hex())), "the round")
    assert kith(*join, *by("one"), "--shown", shown["text_hash"], two.hex()).startswith("kept: 1 of 2")
    assert "kept: 1 of 2" in kith(*join, *by("one"), two.hex())
    kith("officer", "remove", "--home", "health", "nobody", status=1)
    kith("officer", "remove", "--home", "health", "one")
    kith(*join, *by("one"), two.hex(), status=77)
    assert "kept: 2 officers must decide, and 1 is" in kith(*join, *by("two"), two.hex())
    kith("officer", "add", "--home", "health", "three.key.json", "--days", "30")
    assert kith(*join, *by("three"), two.hex()) == "health joins\n"
    done = kith("round", "decline", "--home", "health", "--officer-key", *by("two"), "--reason", "scope",
                "--json", round_id.hex())
    assert done["decision"] == "decline"
    kith("round", "decline", "--home", "health", "--officer-key", *by("two"), "--reason", "whim",
         round_id.hex(), status=2)
    assert ": decline, scope" in kith("round", "show", "--home", "health", round_id.hex())


# ---- nobody decides for an agency that has no officers

def test_without_officers_nothing_is_decided(tmp_path):
    with Partnership(tmp_path) as p:
        p.start("matcher", "police")
        made = p.open_round()
        shown = wait_for(lambda: (lambda r: r if r["ok"] else None)(
            p.ask("police", do="show", round=made.hex())), "the round")
        refused(p.decide("police", made), "no officers on its list yet")
        assert "0 are on this agency's list" in shown["waiting"]
        p.enrol("police")
        assert p.decide("police", made)["ok"]


def test_the_control_socket_is_for_officers_alone(city):
    mode = os.stat(city.home("police") / "control").st_mode
    assert mode & 0o777 == 0o660
