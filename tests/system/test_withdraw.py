"""A record that its agency takes out of a round: before it is matched, in review, after the release; the
ways of taking out what is not one's own, or of keeping what was taken out; and programs killed in it."""
import collections
import csv
import json
import os
import random
import subprocess

import pytest

import partnership
import wireclient as wire
from partnership import KITH, wait_for
from test_disclosure import Disclosing
from test_disclosure_kill import Tended, again
from test_review import BAND, body_of

SEED = int(os.environ.get("KITH_TEST_SEED") or 20261129)


def index_of(round_id, agency, handle):
    return wire.H(b"kith withdrawal v1", round_id, agency.encode(), handle)


def officers(p):
    for agency in p.agencies:
        (p.folder / f"{agency}-officer").write_text("correct horse\n")
        p.officer(agency).save(p.folder / f"{agency}-officer.key", b"correct horse")
    return p


def withdraw(p, agency, round_id, record, reason="objection", status=0, key=None, check=True):
    """By the command line; the id is on standard input."""
    name = key or f"{agency}-officer"
    done = subprocess.run(
        [str(KITH), "round", "withdraw", "--home", str(p.home(agency)), "--officer-key",
         str(p.folder / f"{name}.key"), "--passphrase-file", str(p.folder / name), "--id-file", "-",
         "--reason", reason, "--json", round_id.hex()], input=record + "\n", capture_output=True,
        text=True, timeout=60, cwd=p.folder)
    assert record not in done.stdout + done.stderr
    if not check:
        return done
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stderr if status else json.loads(done.stdout)


def said(p, round_id, n, agency=None):
    """The statements of withdrawal, once there are n."""
    def there():
        found = [s for s in p.statements(round_id, wire.WITHDRAW) if agency in (None, s.author)]
        return found if len(found) >= n else None
    return wait_for(there, f"{n} withdrawals")


def receipt(p, agency, statement):
    """What agency and matcher keep of it, both in their audit logs."""
    for home in (agency, "horizon"):  # its own, the matcher's
        found = [e["values"] for e in p.kith("audit", "show", "--json", home=home)
                 if e["event"] == "record_withdrawn"]
        assert [v for v in found if v["hash"] == statement.body[3].hex()
                and v["number"] == str(statement.body[2])], (home, found)


def reviewed(p, **changes):
    linkage = json.loads(json.dumps(p.policy.value["linkage"]))
    linkage["threshold"] = BAND
    return p.make_policy(linkage=linkage, release={"review_days": 7}, trial=True, **changes)


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    # Of these people each secret links the same: two rounds can be held against each other. Of others, one
    # secret in twenty links a few strangers.
    with partnership.Partnership(tmp_path_factory.mktemp("withdraw"), n_people=120, seed=2,
                                 policy={"trial": True}) as p:
        officers(p).start()
        yield p


def test_in_review(city):
    """The numbers stay as governance saw them; the release at the decided threshold is without the
    record, and otherwise the same as one that nobody took anything out of."""
    plain = city.open_round(reviewed(city))
    city.join(plain)
    city.wait_state(plain, "review")
    assert city.governance().say(wire.DECISION, plain, body_of(city, plain)) == wire.OK
    city.wait_state(plain, "released")
    agency = city.agencies[0]
    before = city.people(plain)
    person = next(p for p in sorted(map(sorted, before)) if len(p) == 3 and len(dict(p)) == 3)
    record = dict(person)[agency]

    round_id = city.open_round(reviewed(city))
    city.join(round_id)
    city.wait_state(round_id, "review")
    numbers = city.governance().call(wire.REVIEW_GET, [round_id])
    withdraw(city, agency, round_id, record)
    statement, = said(city, round_id, 1)
    maps = city.trial_map(agency, round_id)
    handle, = [h for h, i in maps.items() if i == record]
    assert (statement.author, statement.body[1:]) == (agency, [1, 1, index_of(round_id, agency, handle)])
    assert record.encode() not in statement.bytes and handle not in statement.bytes
    receipt(city, agency, statement)
    assert city.state(round_id) == wire.REVIEW
    assert city.governance().call(wire.REVIEW_GET, [round_id]) == numbers
    # By way of its audit log the matcher is held to it after a kill, too.
    city.programs["matcher"].kill()
    city.start("matcher")
    assert city.governance().say(wire.DECISION, round_id, body_of(city, round_id)) == wire.OK
    city.wait_state(round_id, "released")
    after = city.people(round_id)
    assert not [p for p in after if (agency, record) in p]
    assert after == {p if (agency, record) not in p else p - {(agency, record)} for p in before}
    city.kith("cohort", "pull", round_id.hex(), home="horizon")
    shown = city.ask(agency, do="show", round=round_id.hex())["withdrawals"]
    assert [(w["number"], w["reason"], w["taken"], w["after_release"]) for w in shown] == \
        [(1, "objection", True, False)]
    assert "left out of the release" in city.kith("round", "show", round_id.hex(), home=agency)
    seen = city.kith("round", "show", "--json", round_id.hex(), home="horizon")
    assert seen["withdrawn"] == 1
    assert {a["agency"]: a["withdrawn"] for a in seen["agencies"]} == \
        {a: int(a == agency) for a in city.agencies}
    for member, home in (("matcher", "horizon"), (agency, agency)):
        city.kith("audit", "export", "--out", f"{member}.kith-audit", home=home)
    city.kith("audit", "verify", "--charter", city.home("horizon") / "charter.json", "matcher.kith-audit",
              f"{agency}.kith-audit")
    report = subprocess.run([str(KITH), "source", "subject", "--json", "--id-file", "-", "--home",
                             str(city.home(agency))], input=record, capture_output=True, text=True)
    rounds = {r["round"]: r["withdrawn"] for r in json.loads(report.stdout)["rounds"]}
    assert rounds[round_id.hex()] is True and rounds[plain.hex()] is False


def test_before_matching(city):
    """Said while another agency's records are still missing; the round is matched without the records."""
    slow, agency = city.agencies[-1], city.agencies[0]
    city.programs[slow].stop()
    try:
        round_id = city.open_round()
        city.join(round_id, *city.agencies[:-1])
        wait_for(lambda: city.statements(round_id, wire.JOIN), "a join")
        player = city.player(slow, round_id)

        def submitted():
            if slow not in {s.author for s in city.statements(round_id, wire.INTENT)}:
                player.step()
            return [s for s in city.statements(round_id, wire.MANIFEST) if s.author == agency]
        wait_for(submitted, "submitted")
        handles = {i: h for h, i in city.trial_map(agency, round_id).items()}
        records = sorted(handles)[:2]
        withdraw(city, agency, round_id, records[0])
        withdraw(city, agency, round_id, records[1], reason="error")
        statements = said(city, round_id, 2)
        assert [s.body[1:3] for s in statements] == [[1, 1], [2, 3]]
        assert city.state(round_id) == wire.SUBMITTING
        city.wait_state(round_id, "released", players=[player])
        listed = {bytes(r[1]) for person in city.cohort(round_id)[7] for r in person[4]}
        assert listed & set(handles.values()) and not listed & {handles[r] for r in records}
        city.kith("cohort", "pull", round_id.hex(), home="horizon")
    finally:
        city.start(slow)


def test_who_may_take_out_what(city):
    """In review: another's record, a stranger's, twice, again, otherwise, out of turn."""
    round_id = city.open_round(reviewed(city))
    city.join(round_id)
    city.wait_state(round_id, "review")
    agency, other = city.agencies[:2]
    handles = sorted(city.trial_map(agency, round_id))
    roster = city.statements(round_id, wire.CONFIRMATION)[0].body[0]

    def body(handle, number=1, reason=1, of=agency, roster_hash=roster):
        return [roster_hash, number, reason, index_of(round_id, of, handle)]
    mine, theirs = city.client(agency), city.client(other)
    # Of somebody else's handle, under its own name and under the other's.
    assert theirs.say(wire.WITHDRAW, round_id, body(handles[0])) == wire.DENIED
    assert theirs.say(wire.WITHDRAW, round_id, body(handles[0], of=other)) == wire.DENIED
    assert theirs.say(wire.WITHDRAW, round_id, body(handles[0]), author=agency) == wire.DENIED
    forged = wire.make_statement(city.members[other], wire.WITHDRAW, round_id, 1, body(handles[0]),
                                 author=agency)
    assert mine.put(round_id, forged) == wire.BAD_SIGNATURE
    # By whom it is not to say.
    for member in ("horizon", "lead"):
        assert city.client(member).say(wire.WITHDRAW, round_id, body(handles[0])) == wire.DENIED
    # Nobody's record; out of turn; another roster; numbers and reasons that there are not.
    assert mine.say(wire.WITHDRAW, round_id, body(os.urandom(16))) == wire.DENIED
    assert mine.say(wire.WITHDRAW, round_id, body(handles[0], number=2)) == wire.BAD_REFERENCE
    assert mine.say(wire.WITHDRAW, round_id,
                    body(handles[0], roster_hash=os.urandom(32))) == wire.BAD_REFERENCE
    for number, reason in ((0, 1), (129, 1), (1, 0), (1, 5), ("1", 1)):
        assert mine.say(wire.WITHDRAW, round_id, body(handles[0], number, reason)) == wire.MALFORMED
    assert not city.statements(round_id, wire.WITHDRAW)
    # Once is once, however often it is sent; another round's is no statement of this one.
    statement = wire.make_statement(city.members[agency], wire.WITHDRAW, round_id, 1, body(handles[0]))
    assert mine.put(round_id, statement) == wire.OK
    assert mine.put(round_id, statement) == wire.OK
    assert len(city.statements(round_id, wire.WITHDRAW)) == 1
    assert mine.say(wire.WITHDRAW, round_id, body(handles[1])) == wire.CONFLICT
    assert mine.say(wire.WITHDRAW, round_id, body(handles[0], number=2)) == wire.BAD_REFERENCE
    replayed = city.open_round(reviewed(city))
    assert mine.put(replayed, statement) == wire.MALFORMED
    assert mine.say(wire.WITHDRAW, replayed, body(handles[1])) == wire.WRONG_STATE
    assert city.governance().say(wire.ABORT, round_id, [1, ""]) == wire.OK
    assert mine.say(wire.WITHDRAW, round_id, body(handles[1], number=2)) == wire.WRONG_STATE


def test_by_the_command_line(city):
    """Who may decide, and what there is to say no to."""
    agency = city.agencies[0]
    round_id = city.open_round(reviewed(city))
    withdraw(city, agency, round_id, "x", status=1)
    city.join(round_id)
    city.wait_state(round_id, "review")
    record = sorted(city.trial_map(agency, round_id).values())[0]
    withdraw(city, agency, round_id, "nobody", status=1)
    # A key that is on nobody's list, and a request without any.
    stranger = wire.Identity(agency, "agency")
    stranger.save(city.folder / "stranger.key", b"correct horse")
    (city.folder / "stranger").write_text("correct horse\n")
    withdraw(city, agency, round_id, record, status=77, key="stranger")
    ask = dict(round=round_id.hex(), id=record, reason="erasure")
    assert not city.ask(agency, do="withdraw", **ask)["ok"]
    # A decision on another record, another reason, or of another kind.
    shown = city.ask(agency, do="withdraw-show", **ask)
    later = shown["now"] + 2  # than the same officer's joining
    decision = city.decision(agency, round_id, "withdraw", shown=shown, time=later)
    for change in (dict(reason="error"), dict(id=sorted(city.trial_map(agency, round_id).values())[1])):
        reply = city.ask(agency, do="withdraw", **{**ask, **change}, decision=decision)
        assert not reply["ok"], reply
    for change in (dict(kind="join"), dict(member=city.agencies[1]), dict(round_id=os.urandom(16))):
        reply = city.ask(agency, do="withdraw", **ask, decision=city.decision(
            agency, round_id, "withdraw", shown=shown, time=later, **change))
        assert not reply["ok"], reply
    assert not city.statements(round_id, wire.WITHDRAW)
    assert city.ask(agency, do="withdraw", **ask, decision=decision)["ok"]
    said(city, round_id, 1)
    # Twice.
    assert "withdrawn from this round already" in withdraw(city, agency, round_id, record, status=1)
    assert not city.ask(agency, do="withdraw", **ask, decision=decision)["ok"]
    # An id on the command line.
    assert "never an argument" in subprocess.run(
        [str(KITH), "round", "withdraw", "--officer-key", "k", "--reason", "other", round_id.hex()],
        capture_output=True, text=True).stderr
    # Who takes no part, and who is no agency.
    few = city.open_round(reviewed(city), agencies=city.agencies[:2])
    outsider = city.agencies[2]
    done = withdraw(city, outsider, few, "x", check=False)
    assert done.returncode != 0
    assert city.client(outsider).say(wire.WITHDRAW, few, [os.urandom(32), 1, 1, os.urandom(32)]) in \
        (wire.DENIED, wire.WRONG_STATE)
    # Nothing of it is in a log.
    for member in ("matcher", *city.agencies):
        assert record not in city.programs[member].log
    assert city.governance().say(wire.ABORT, round_id, [1, ""]) == wire.OK
    assert city.governance().say(wire.ABORT, few, [1, ""]) == wire.OK


@pytest.fixture
def told(tmp_path):
    with Disclosing(tmp_path) as p:
        yield p.release()


def test_after_the_release(told):
    """A tombstone comes with the next pull: shown, not exported, what was told of it is gone, and nobody
    is told any more."""
    p, agency = told, "police"
    first, second = [(person, record) for person, record in p.records(agency)][:2]
    number, handle = first[0][0], bytes(first[1][1])
    record = p.maps[agency][handle]
    answered = p.request(number)
    p.wait_queued(answered)
    p.settle("approve", answered)
    p.pulled(answered)
    surname = p.rows[agency][record]["surname"]
    assert p.shown(number)[0]["fields"]["surname"] == surname
    waiting = p.request(number, reason="safeguarding")
    p.wait_queued(waiting)

    withdraw(p, agency, p.round_id, record, reason="erasure")
    statement, = said(p, p.round_id, 1)
    assert statement.body[3] == index_of(p.round_id, agency, handle)
    receipt(p, agency, statement)
    wait_for(lambda: p.ask(agency, do="show", round=p.round)["withdrawals"][0]["after_release"], "taken")
    # A request that waits can't be granted any more.
    assert "withdrawn" in subprocess.run(
        [str(KITH), "disclosure", "approve", "--home", str(p.home(agency)), "--officer-key",
         str(p.folder / f"{agency}-officer.key"), "--passphrase-file", str(p.folder / f"{agency}-officer"),
         "--quiet", waiting], capture_output=True, text=True).stderr
    # A new one, of a recipient that has not pulled, is refused by the agency.
    error, name = p.forge(p.body(agency, at=first), agency)
    assert error == wire.OK
    wait_for(lambda: [d for d in p.queue(everything=True)
                      if d["id"] == name.hex() and d.get("refusal") == "withdrawn"], "refused")

    report = p.kith("cohort", "pull", "--json", p.round, home="horizon")
    assert report["withdrawn"] == 1
    shown, = p.shown(number)
    assert shown["withdrawn"] is True and shown["state"] == "withdrawn"
    assert shown["fields"] == {} and shown["reference"] == "" and surname not in json.dumps(shown)
    assert "withdrawn by the agency" in p.kith("cohort", "show", "--number", number, p.round, home="horizon")
    people = {e["cohort"]: e for e in p.kith("cohort", "list", "--json", p.round, home="horizon", lines=True)}
    assert "withdrawn" in people[number]["flags"]
    assert people[number]["services"] == len({r[0] for r in first[0][4]}) - 1
    p.kith("cohort", "export", "--out", "out", p.round, home="horizon")
    exported = {row["handle"] for row in csv.DictReader(open(p.folder / "out" / "cohort.csv"))}
    every = {bytes(r[1]).hex() for person in p.list[7] for r in person[4]}
    assert exported == every - {handle.hex()}
    events = collections.Counter(e["event"] for e in p.kith("audit", "show", "--json", "--own", home="horizon"))
    assert events["record_withdrawn"] == 2
    p.kith("disclosure", "request", "--agency", agency, "--fields", "surname", "--reason", "early_help",
           "--words-file", "why.txt", p.round, number, home="horizon", status=1)
    # An answer that comes late is not kept.
    p.pull()
    assert p.shown(number)[0]["state"] == "withdrawn"
    # The other record is as it was.
    assert "withdrawn" not in p.shown(second[0][0])[0]
    # A copy of the statement by another agency marks nothing.
    other = next(a for a in p.names if a != agency)
    assert p.client(other).say(wire.WITHDRAW, p.round_id,
                               [statement.body[0], 1, 1, index_of(p.round_id, agency, bytes(second[1][1]))]) \
        == wire.OK
    assert p.kith("cohort", "pull", "--json", p.round, home="horizon")["withdrawn"] == 1
    for member in ("matcher", *p.agencies):
        assert record not in p.programs[member].log and surname not in p.programs[member].log
    # The round over, there is nothing left to withdraw.
    p.close_round(p.round_id)
    assert "over" in withdraw(p, agency, p.round_id, p.maps[agency][bytes(second[1][1])], status=1)


@pytest.mark.parametrize("victim", ["matcher", "agency"])
def test_killed_at_a_withdrawal(city, tmp_path, victim):
    """At places where something is written or sent: said once, and in no release."""
    agency = city.agencies[0]
    victim = agency if victim == "agency" else victim
    trace = tmp_path / "trace"
    round_id = city.open_round(reviewed(city))
    city.join(round_id)
    city.wait_state(round_id, "review")
    records = sorted(city.trial_map(agency, round_id).values())

    def once(n):
        """However often something dies."""
        def accepted():
            done = withdraw(city, agency, round_id, records[n], check=False)
            return done.returncode == 0 or "already" in done.stderr
        wait_for(accepted, "decided", 60)

        def there():
            try:
                found = city.client(agency, timeout_s=5).statements(round_id)[2]
            except (wire.Silence, LookupError):
                return None
            return len([s for s in found if s.type == wire.WITHDRAW]) == n + 1
        wait_for(there, "said", 60)
    again(city, victim, {"KITH_TRACE_FAILPOINTS": str(trace)})
    once(0)
    city.programs[victim].stop()
    places = collections.Counter(trace.read_text().split())
    names = sorted(p for p in places if p.startswith(("store.", "transport.", "file.", "roundkey.")))
    assert names
    draw = random.Random(SEED)
    points = [(name, draw.randrange(1, min(places[name], 6) + 1)) for name in names][:6]
    deaths = 0
    for n, (place, at) in enumerate(points, 1):
        again(city, victim, {"KITH_KILL": f"{place}:{at}"}, wait=False)
        with Tended(city, victim) as tended:
            once(n)
        deaths += tended.deaths
        again(city, victim)
    assert deaths >= 1
    statements = city.statements(round_id, wire.WITHDRAW)
    assert [s.body[1] for s in statements] == list(range(1, len(points) + 2))
    assert city.governance().say(wire.DECISION, round_id, body_of(city, round_id)) == wire.OK
    city.wait_state(round_id, "released")
    found = {r for person in city.people(round_id) for a, r in person if a == agency}
    assert found and not found & set(records[:len(points) + 1])
