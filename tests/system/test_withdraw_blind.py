"""A person whom their agency takes out of a round under blind comparison: before it is matched, in review,
after the release, by any of their records; and the ways of taking out somebody else's."""
import csv
import json
import os
import subprocess

import pytest

import wireclient as wire
from partnership import AGENCIES, KITH, Partnership, wait_for
from test_blind_round import Blind
from test_review import BAND, body_of
from test_withdraw import index_of, officers, receipt, said, withdraw

TWICE = 20  # records of police that stand there again, with an X before their ids


class Reviewed(Blind):
    def make_policy(self, signers=None, **changes):
        self.linkage["threshold"] = BAND
        return super().make_policy(signers, **{"release": {"review_days": 7}, **changes})


def subject(place, agency, record, round_id):
    """Whether the agency would tell the person that their record is withdrawn."""
    report = subprocess.run([str(KITH), "source", "subject", "--json", "--id-file", "-", "--home",
                             str(place.home(agency))], input=record, capture_output=True, text=True)
    return {r["round"]: r["withdrawn"] for r in json.loads(report.stdout)["rounds"]}[round_id.hex()]


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    with Reviewed(tmp_path_factory.mktemp("withdraw"), n_people=300) as place:
        path = place.sources["police"]
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(lines) + "".join("X" + line for line in lines[1:TWICE + 1]))
        officers(place).start()
        yield place


def in_review(city, **changes):
    round_id = city.open_round(city.make_policy(trial=True, **changes))
    city.join(round_id)
    city.wait_state(round_id, "review")
    return round_id


def decided(city, round_id):
    assert city.governance().say(wire.DECISION, round_id, body_of(city, round_id)) == wire.OK
    city.wait_state(round_id, "released")
    return city.people(round_id)


def named(people):
    """Which of two equal records stands for a person is another in each round."""
    return {frozenset((a, r.lstrip("X")) for a, r in person) for person in people}


def of_all(people):
    """The first person whom all three agencies know once."""
    return dict(next(p for p in sorted(map(sorted, people)) if len(p) == 3 and len(dict(p)) == 3))


def test_in_review(city):
    """The numbers stay; the release is without the record, and else like one that has it."""
    before = decided(city, in_review(city))
    agency, person = "health", of_all(before)
    record = person[agency]
    round_id = in_review(city)
    numbers = city.governance().call(wire.REVIEW_GET, [round_id])
    withdraw(city, agency, round_id, record)
    statement, = said(city, round_id, 1)
    handle, = [h for h, i in city.trial_map(agency, round_id).items() if i == record]
    assert (statement.author, statement.body[1:]) == (agency, [1, 1, index_of(round_id, agency, handle)])
    assert record.encode() not in statement.bytes and handle[:7] not in statement.bytes
    receipt(city, agency, statement)
    assert city.governance().call(wire.REVIEW_GET, [round_id]) == numbers
    # What the matcher has said it has said: also after a kill.
    city.programs["matcher"].kill()
    city.start("matcher")
    after = decided(city, round_id)
    assert not [p for p in after if (agency, record) in p]
    without = {p - {(agency, record)} for p in before}
    assert named([{(a, r) for a, r in person.items() if a != agency}]) <= named(after)
    # Other keys, other bits that collide.
    after, without = named(after), named(without)
    assert len(after & without) > 0.97 * len(after | without), (len(after), len(without))
    city.kith("cohort", "pull", round_id.hex(), home="horizon")  # which refuses a list that has it
    assert "left out of the release" in city.kith("round", "show", round_id.hex(), home=agency)
    assert subject(city, agency, record, round_id) is True
    assert record not in city.programs[agency].log + city.programs["matcher"].log


def test_by_a_record_that_another_stands_for(city):
    """The agency found two of its records to be of one person: either id takes the person out, once."""
    agency = "police"
    # Whom one agency knows is listed, too: so is everybody who is in the round at all.
    round_id = in_review(city, cohort={"rule": "at least 1 service", "minimum_count": 1})
    with open(city.sources[agency], newline="") as file:
        ids = [row["id"] for row in csv.DictReader(file)]
    maps = {i: h for h, i in city.trial_map(agency, round_id).items()}
    first, other = next((a, b) for a in ids if "X" + a in ids for a, b in ((a, "X" + a), ("X" + a, a))
                        if a in maps and b not in maps)
    ask = dict(do="withdraw-show", round=round_id.hex(), reason="objection")
    texts = {i: city.ask(agency, **ask, id=i)["text"] for i in (first, other)}
    assert "another stands for the person" in texts[other] and "another stands" not in texts[first]
    assert "The person is withdrawn" in texts[first] and first not in texts[other]
    withdraw(city, agency, round_id, other)
    statement, = said(city, round_id, 1)
    assert statement.body[3] == index_of(round_id, agency, maps[first])
    assert "withdrawn from this round already" in withdraw(city, agency, round_id, first, status=1)
    # The handle that the other record would have is nobody's.
    assert subject(city, agency, first, round_id) is True and subject(city, agency, other, round_id) is True
    unrelated = next(i for i in maps if i not in (first, other))
    assert subject(city, agency, unrelated, round_id) is False
    after = decided(city, round_id)
    assert not [p for p in after if {(agency, first), (agency, other)} & p]
    assert {r for p in after for a, r in p if a == agency} == set(maps) - {first}
    withdraw(city, agency, round_id, "nobody", status=1)


def test_after_the_release(city):
    """A tombstone comes with the next pull."""
    round_id = in_review(city)
    agency, record = next(iter(of_all(decided(city, round_id)).items()))
    city.kith("cohort", "pull", round_id.hex(), home="horizon")
    withdraw(city, agency, round_id, record, reason="erasure")
    statement, = said(city, round_id, 1)
    receipt(city, agency, statement)
    wait_for(lambda: city.ask(agency, do="show", round=round_id.hex())["withdrawals"][0]["after_release"],
             "taken")
    assert city.kith("cohort", "pull", "--json", round_id.hex(), home="horizon")["withdrawn"] == 1
    handle, = [h for h, i in city.trial_map(agency, round_id).items() if i == record]
    every = {bytes(r[1]) for person in city.cohort(round_id)[7] for r in person[4]}
    assert handle in every
    city.kith("cohort", "export", "--out", "out", round_id.hex(), home="horizon")
    exported = {row["handle"] for row in csv.DictReader(open(city.folder / "out" / "cohort.csv"))}
    assert exported == {h.hex() for h in every - {handle}}
    # Another agency's statement of the same record marks nothing.
    other = next(a for a in AGENCIES if a != agency)
    neighbour = next(h for h in every if h in city.trial_map(agency, round_id) and h != handle)
    assert city.client(other).say(wire.WITHDRAW, round_id, [
        statement.body[0], 1, 1, index_of(round_id, agency, neighbour)]) == wire.OK
    assert city.kith("cohort", "pull", "--json", round_id.hex(), home="horizon")["withdrawn"] == 1


def test_before_matching(tmp_path):
    """Said while another agency's rows are missing: what the matcher takes, what it doesn't, and that the round
    is matched without it."""
    class Player(wire.BlindPlayer):
        ready = False

        def manifest(self):
            return super().manifest() if self.ready else wire.OK

    with Blind(tmp_path, n_people=120).start("matcher", "health", "education") as place:
        officers(place)
        agency, other = "health", "education"
        round_id = place.open_round()
        place.join(round_id, agency, other)
        player = Player(place.client("police"), round_id, place.policy, place.charter)

        def others_are_done():
            player.step()
            return {s.author for s in place.statements(round_id, wire.MANIFEST)} == {agency, other}
        wait_for(others_are_done, "two submit")
        maps = place.trial_map(agency, round_id)
        roster = place.statements(round_id, wire.CONFIRMATION)[0].body[0]
        mine, theirs = place.client(agency), place.client(other)
        handles = sorted(maps)

        def body(index):
            return [roster, 1, 1, index]
        # Another's, as one's own, by the other's index, in the other's name.
        assert theirs.say(wire.WITHDRAW, round_id, body(index_of(round_id, other, handles[0]))) == wire.DENIED
        assert theirs.say(wire.WITHDRAW, round_id, body(index_of(round_id, agency, handles[0]))) == wire.DENIED
        assert theirs.say(wire.WITHDRAW, round_id, body(index_of(round_id, agency, handles[0])),
                          author=agency) == wire.DENIED
        # Nobody's: what is no handle, a handle with another end than it was sent with, another round's.
        for wrong in (os.urandom(16), handles[0][:7] + os.urandom(9)):
            assert mine.say(wire.WITHDRAW, round_id, body(index_of(round_id, agency, wrong))) == wire.DENIED
        assert mine.say(wire.WITHDRAW, round_id, body(index_of(os.urandom(16), agency, handles[0]))) == \
            wire.DENIED
        # Who has not submitted yet has nothing to take out.
        assert place.client("police").say(wire.WITHDRAW, round_id, body(
            index_of(round_id, "police", player.rows[0]))) == wire.DENIED
        assert not place.statements(round_id, wire.WITHDRAW)
        known = {i for i in maps.values() if {agency, other} <= set(place.known[int(i[1:])])}
        records = sorted(known)[:2]
        withdraw(place, agency, round_id, records[0])
        withdraw(place, agency, round_id, records[1], reason="error")
        assert [s.body[1:3] for s in said(place, round_id, 2)] == [[1, 1], [2, 3]]
        player.ready = True
        place.wait_state(round_id, "released", players=[player])
        found = {r for p in place.people(round_id, [agency, other]) for a, r in p if a == agency}
        assert not found & set(records)
        assert len(found & known) > 0.9 * (len(known) - 2), (len(found), len(known))


# ---- all who are on the list of objections, under either protection

def objected(place, agency, ids):
    (place.folder / "objections.csv").write_text("id\n" + "".join(i + "\n" for i in ids))
    return place.ask(agency, do="show", round=place.round.hex())["objected"]


def withdraw_objections(place, agency, *options, status=0):
    name = f"{agency}-officer"
    done = subprocess.run(
        [str(KITH), "round", "withdraw", "--home", str(place.home(agency)), "--officer-key", f"{name}.key",
         "--passphrase-file", name, "--objections", *options, place.round.hex()], capture_output=True,
        text=True, timeout=60, cwd=place.folder, stdin=subprocess.DEVNULL)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stderr if status else done.stdout


@pytest.mark.parametrize("kind", ["clk", "blind"])
def test_the_list_of_objections(tmp_path, kind):
    """Who objects after the records were sent: the officer is told how many, and takes all of them out at once."""
    agency = "health"
    with (Blind(tmp_path, n_people=250) if kind == "blind" else
          Partnership(tmp_path, n_people=250, policy={"trial": True})) as place:
        linkage = place.linkage if kind == "blind" else json.loads(
            json.dumps(place.policy.value["linkage"]))
        linkage["threshold"] = BAND
        policy = place.make_policy(trial=True, release={"review_days": 7},
                                   **({} if kind == "blind" else {"linkage": linkage}))
        config = place.config_path(agency)
        config.write_text(config.read_text().replace(
            "[source]\n", f"[source]\nobjections = {tmp_path / 'objections.csv'}\n"))
        (tmp_path / "objections.csv").write_text("id\n")
        officers(place).start()
        place.round = round_id = place.open_round(policy)
        withdraw_objections(place, agency, status=1)
        place.join(round_id)
        place.wait_state(round_id, "review")
        maps = {i: h for h, i in place.trial_map(agency, round_id).items()}
        records = sorted(maps)[:3]
        assert objected(place, agency, []) == 0 and objected(place, agency, ["nobody"]) == 0
        assert "nobody on the list" in withdraw_objections(place, agency, status=1)
        assert "stands alone" in withdraw_objections(place, agency, "--reason", "other", status=2)
        withdraw(place, agency, round_id, records[0])
        assert objected(place, agency, [*records, "nobody"]) == 2
        shown = place.kith("round", "show", round_id.hex(), home=agency)
        assert "2 on this agency's list are in this round" in shown
        # What is signed is what was shown: a list that has grown since is another.
        ask = dict(round=round_id.hex(), objections=True, reason="objection")
        text = place.ask(agency, do="withdraw-show", **ask)
        assert "list of objections: 2" in text["text"] and not [r for r in records if r in text["text"]]
        decision = place.decision(agency, round_id, "withdraw", shown=text, time=text["now"] + 2)
        objected(place, agency, sorted(maps)[:4])
        assert not place.ask(agency, do="withdraw", **ask, decision=decision)["ok"]
        assert not place.ask(agency, do="withdraw-show", **{**ask, "reason": "other"})["ok"]
        assert not place.ask(agency, do="withdraw-show", **ask, id=records[0])["ok"]
        # More than a round takes: none of them.
        assert objected(place, agency, maps) == len(maps) - 1 > 128
        assert "128 records" in withdraw_objections(place, agency, status=65)
        assert objected(place, agency, [*records, records[2]]) == 2
        assert withdraw_objections(place, agency).count("withdrawn") == 1
        statements = said(place, round_id, 3)
        assert [s.body[1:3] for s in statements] == [[1, 1], [2, 1], [3, 1]]
        assert {s.body[3] for s in statements} == {index_of(round_id, agency, maps[r]) for r in records}
        for statement in statements:
            receipt(place, agency, statement)
        assert objected(place, agency, records) == 0
        # Nor is one that can't be compared: the log of who was encoded, or its key, is gone.
        keys = [key for key in place.home(agency).rglob("*") if "subjects" in key.name]
        assert len(keys) == 2
        for key in keys:
            kept = key.read_bytes()
            key.unlink()
            assert place.ask(agency, do="show", round=round_id.hex())["objected"] is None, key
            assert "is not known here" in withdraw_objections(place, agency, status=1)
            key.write_bytes(kept)
        assert objected(place, agency, records) == 0
        # A list that can't be read is no empty one.
        (tmp_path / "objections.csv").unlink()
        assert place.ask(agency, do="show", round=round_id.hex())["objected"] is None
        assert "nobody knows who has objected" in place.kith("round", "show", round_id.hex(), home=agency)
        withdraw_objections(place, agency, status=66)
        found = {r for p in decided(place, round_id) for a, r in p if a == agency}
        assert found and not found & set(records)
        assert not [r for r in records if r in place.programs[agency].log]
