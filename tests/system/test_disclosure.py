"""From a handle to a person: granted, reduced, refused and expired; and each way of getting more than
that, or something else, which must not pass. The forger has a member's own keys."""
import base64
import csv
import json
import os
import subprocess
import time

import pytest

import partnership
import test_false_matcher
import wireclient as wire
from partnership import KITH, Partnership, wait_for

FIELDS = ["given_name", "surname", "postcode", "contact"]
DISCLOSURE = {"fields": FIELDS, "reasons": ["early_help", "safeguarding"],
              "recipients": [{"id": "horizon", "gateway": "an invented act, section 7"}],
              "agencies": [{"id": a, "gateway": "an invented act, section 8"} for a in ("education", "police")],
              "officers": 1, "answer_days": 14, "requests_per_round": 60, "requests_per_day": 60}
WORDS = "The family has asked for a visit; who are they?"
MARKER = "do not contact at this address"


def add_columns(folder, agency):
    """A column that is no standard field, and a safety marker for everybody."""
    path = folder / f"{agency}.csv"
    rows = list(csv.DictReader(open(path, newline="")))
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "contact", "safety"])
        writer.writeheader()
        for row in rows:
            writer.writerow({**row, "contact": f"Worker {row['id'][1:]}", "safety": MARKER})
    return {row["id"]: row for row in rows}


class Disclosing(Partnership):
    """A released trial round, so that the test knows who is behind each handle."""

    def __init__(self, folder, disclosure=None, clock=None, **more):
        super().__init__(folder, policy={"trial": True, "disclosure": {**DISCLOSURE, **(disclosure or {})}},
                         **more)
        self.rows = {a: add_columns(self.folder, a) for a in self.agencies}
        for agency in self.agencies:
            config = self.config_path(agency)
            config.write_text(config.read_text().replace("[source]\n", "[source]\nsafety_column = safety\n"))
        (self.folder / "why.txt").write_text(WORDS + "\n")

    def release(self):
        self.start()
        return self.release_again()

    def release_again(self):
        self.round_id = self.open_round()
        return self.go_on()

    def go_on(self):
        """From an open round to its list."""
        self.join(self.round_id)
        return self.pull_list()

    def pull_list(self):
        """Once the round is released: who is on it, for the test, and the officers' keys."""
        self.wait_state(self.round_id, "released")
        self.round = self.round_id.hex()
        self.list = self.cohort(self.round_id)
        self.names = [a for a, _ in self.list[6]]
        self.maps = {a: self.trial_map(a, self.round_id) for a in self.names}
        self.kith("cohort", "pull", self.round, home="horizon")
        self.horizon = self.client("horizon")
        self.n_asked = 0
        for agency in self.agencies:
            (self.folder / f"{agency}-officer").write_text("correct horse\n")
            self.officer(agency).save(self.folder / f"{agency}-officer.key", b"correct horse")
        return self

    # ---- people of the list

    def records(self, agency):
        """(person, record) of each person of the list that the agency knows."""
        at = self.names.index(agency)
        return [(p, r) for p in self.list[7] for r in p[4] if r[0] == at]

    def next_record(self, agency):
        """One that nobody has asked about."""
        self.n_asked += 1
        return self.records(agency)[self.n_asked % len(self.records(agency))]

    # ---- by the programs

    def request(self, number, *options, agency="police", fields="given_name,surname", reason="early_help",
                status=0):
        answer = self.kith("disclosure", "request", "--agency", agency, "--fields", fields, "--reason", reason,
                           "--words-file", "why.txt", "--json", *options, self.round, number, home="horizon",
                           status=status)
        return answer[0]["id"] if status == 0 else answer

    def queue(self, agency="police", everything=False):
        return self.kith("disclosure", "list", "--json", *(["--all"] if everything else []), home=agency)

    def wait_queued(self, request, agency="police"):
        return wait_for(lambda: [d for d in self.queue(agency) if d["id"] == request], "the request waits")[0]

    def settle(self, verb, request, *options, agency="police", officer=None, status=0):
        key = officer or f"{agency}-officer"
        return self.kith("disclosure", verb, "--officer-key", f"{key}.key", "--passphrase-file", key, "--quiet",
                         *options, request, home=agency, status=status)

    def pull(self):
        """The exit status is 1 where a letter was made up; the forged requests of this file's tests have
        answers that kith did not ask for."""
        done = subprocess.run([str(KITH), "disclosure", "pull", "--json", "--home", str(self.home("horizon"))],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode in (0, 1), done.stderr
        report = json.loads(done.stdout)
        assert (done.returncode == 1) == (report["dropped"] > 0)
        return report

    def pulled(self, request):
        """What the recipient has of it, once it is answered."""
        def answered():
            self.pull()
            found, = [d for d in self.kith("disclosure", "list", "--json", home="horizon")
                      if d["id"] == request]
            return found if found["state"] not in ("waiting", "not sent yet") else None
        return wait_for(answered, "an answer")

    def shown(self, number, agency="police"):
        person = self.kith("cohort", "show", "--number", number, "--json", self.round, home="horizon")
        return [h for h in person["handles"] if h["agency"] == agency]

    # ---- by a recipient who has its key and does as it likes

    def body(self, agency="police", at=None, **changes):
        person, record = at or self.next_record(agency)
        body = dict(opening=wire.opening(self.list, person, record), nonce=os.urandom(16),
                    expires=int(time.time()) + 86400, fields=["surname"], reason="early_help", words=WORDS,
                    gateway=DISCLOSURE["recipients"][0]["gateway"])
        body.update(changes)
        return list(body.values())

    def forge(self, body, agency="police", author=None, signer=None, kind=wire.REQUEST):
        """Puts a letter; (error, id)."""
        signer = signer or self.members["horizon"]
        letter = wire.make_letter(signer, kind, self.round_id, agency, body, author=author or "horizon")
        name = wire.letter_id(kind, letter)
        sealed = wire.seal_letter(kind, self.round_id, author or "horizon", agency,
                                  self.members[agency].seal_public, letter)
        return self.horizon.put_letter(self.round_id, agency, kind, name, sealed), name

    def answer_to(self, name, agency="police"):
        """The body of the answer to a forged request, opened and verified here."""
        def there():
            error, letters = self.horizon.letters(self.round_id)
            assert error == wire.OK
            return [l for l in letters if l[3] == name]
        (_, author, kind, _, sealed), = wait_for(there, "an answer")
        assert (author, kind) == (agency, wire.ANSWER)
        letter = wire.unseal(self.members["horizon"].seal_secret,
                             wire.letter_context(wire.ANSWER, self.round_id, agency, "horizon"), sealed)
        core, signature, zeros = wire.unpack(letter)
        assert len(letter) % 4096 == 0 and not any(zeros)
        wire.sodium.crypto_sign_open(signature + wire.LETTER_LABELS[wire.ANSWER] + b"\0" + core,
                                     self.members[agency].sign_public)
        version, round_id, author, reader, _, body = wire.unpack(core)
        assert (version, round_id, author, reader, body[0]) == (1, self.round_id, agency, "horizon", name)
        return body

    def refused(self, body, why, agency="police", **more):
        error, name = self.forge(body, agency, **more)
        assert error == wire.OK
        answer = self.answer_to(name, agency)
        assert answer[1:3] == [wire.REFUSED, why] and answer[3:] == ["", [], "", []]

    def subject(self, agency, person):
        done = subprocess.run([str(KITH), "source", "subject", "--json", "--id-file", "-", "--home",
                               str(self.home(agency))], input=person + "\n", capture_output=True, text=True,
                              check=True, timeout=60)
        return json.loads(done.stdout)

    def dropped(self, agency="police"):
        return [e for e in self.kith("audit", "show", "--json", home=agency) if e["event"] == "letter_dropped"]


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    with Disclosing(tmp_path_factory.mktemp("disclosure")) as p:
        yield p.release()


# ---- as it should be

def test_granted(city):
    person, record = city.next_record("police")
    request = city.request(person[0], fields="given_name,surname,contact")
    waiting = city.wait_queued(request)
    row = city.rows["police"][city.maps["police"][record[1]]]
    assert dict(waiting["record"])["surname"] == row["surname"] and waiting["marker"] == MARKER
    assert waiting["words"] == WORDS and waiting["gateway"] == DISCLOSURE["recipients"][0]["gateway"]
    city.settle("approve", request[:8])
    assert city.pulled(request)["state"] == "granted"
    entry, = [h for h in city.shown(person[0]) if h["handle"] == record[1].hex()]
    assert entry["state"] == "granted" and entry["marker"] == MARKER
    assert entry["reference"] == row["id"]
    assert entry["fields"] == {"given_name": row["given_name"], "surname": row["surname"],
                               "contact": f"Worker {row['id'][1:]}"}
    assert not city.queue()
    told = city.subject("police", row["id"])["disclosures"][-1]
    assert told["recipient"] == "horizon" and told["round"] == city.round and not told["reduced"]
    assert told["reason"] == "early_help" and told["fields"] == ["given_name", "surname", "contact"]
    others = {r[1] for _, r in city.records("police")} - {record[1]}
    assert city.subject("police", city.maps["police"][min(others)])["disclosures"] == []


def test_reduced(city):
    person, record = city.next_record("education")
    request = city.request(person[0], agency="education", fields="given_name,surname,postcode")
    city.wait_queued(request, "education")
    city.settle("approve", request, "--fields", "surname", agency="education")
    assert city.pulled(request)["state"] == "reduced"
    entry, = [h for h in city.shown(person[0], "education") if h["handle"] == record[1].hex()]
    assert list(entry["fields"]) == ["surname"]


def test_refused(city):
    person, _ = city.next_record("police")
    request = city.request(person[0])
    city.wait_queued(request)
    city.settle("refuse", request, "--reason", "nonsense", status=2)
    city.settle("approve", request, "--fields", "postcode", status=2)
    city.settle("refuse", request, "--reason", "safety")
    found = city.pulled(request)
    assert found["state"] == "refused" and found["refusal"] == "safety"
    city.settle("approve", request, status=1)


def test_a_safety_marker_of_a_file(city):
    """A file that can't be read stops the answer: nothing is told without the marker."""
    config = city.config_path("education")
    before = config.read_text()
    safety = city.folder / "safety.csv"
    config.write_text(before.replace("safety_column = safety", f"safety_file = {safety}"))
    city.programs["education"].stop()
    city.start("education")
    person, record = city.next_record("education")
    request = city.request(person[0], agency="education", fields="surname")
    wait_for(lambda: city.ask("education", do="disclosures")["ok"] is False, "the list is missing")
    marked = city.maps["education"][record[1]]
    # Two rows of one record, and one without words: none hides another.
    safety.write_text(f"id,marker\n{marked},beware of the dog\n{marked},go in pairs\n{marked},\n")
    assert city.wait_queued(request, "education")["marker"] == "beware of the dog; go in pairs"
    city.settle("approve", request, agency="education")
    city.pulled(request)
    assert [h["marker"] for h in city.shown(person[0], "education") if h["handle"] == record[1].hex()] == [
        "beware of the dog; go in pairs"]
    config.write_text(before)
    city.programs["education"].stop()
    city.start("education")


def test_two_officers(tmp_path):
    """Two keys for one decision: not one key twice, not two decisions of different fields, and one officer
    is enough to refuse. What was signed is what is shown now."""
    with Disclosing(tmp_path, disclosure=dict(officers=2)) as p:
        p.release()
        p.enrol("police", "officer_1", "officer_2")
        (p.folder / "second").write_text("correct horse\n")
        p.officer("police", "officer_2").save(p.folder / "second.key", b"correct horse")
        (p.folder / "stranger").write_text("correct horse\n")
        wire.Identity("stranger", "officer").save(p.folder / "stranger.key", b"correct horse")
        one, two = [p.request(person[0]) for person, _ in p.records("police")[:2]]
        p.wait_queued(one)
        p.wait_queued(two)
        assert "1 of 2" in p.settle("approve", one)
        assert "1 of 2" in p.settle("approve", one)
        assert "1 of 2" in p.settle("approve", one, "--fields", "surname", officer="second")
        p.settle("approve", one, officer="stranger", status=77)
        shown = p.ask("police", do="disclosure-show", id=one, choice="approve")
        p.settle("approve", one, "--shown", "0" * 64, status=1)
        for wrong in (dict(officer=wire.Identity("officer_2", "officer")), dict(kind="refuse"),
                      dict(subject=os.urandom(32)), dict(member="education"), dict(round_id=os.urandom(16)),
                      dict(time=shown["now"] - 7200)):
            terms = {**dict(officer=p.officer("police", "officer_2"), member="police", round_id=p.round_id,
                            kind="approve", subject=wire.officer_subject(shown["text"].encode()),
                            time=shown["now"] + 1), **wrong}
            decision = base64.b64encode(wire.officer_decision(**terms)).decode()
            reply = p.ask("police", do="disclosure-decide", id=one, choice="approve", decision=decision)
            assert reply["ok"] is False, wrong
        assert p.ask("police", do="disclosure-decide", id=one, choice="approve")["exit"] == 77
        assert p.wait_queued(one)["state"] == "waiting"
        wait_for(lambda: "granted" in p.settle("approve", one, officer="second"), "the second officer's clock")
        assert p.pulled(one)["state"] == "granted"
        assert "refused" in p.settle("refuse", two, "--reason", "safety")
        log = [e for e in p.kith("audit", "show", "--json", home="police")
               if e["event"] == "disclosure_approved"]
        assert len({e["values"]["officer"] for e in log}) == 2


def test_a_policy_that_discloses(tmp_path):
    """Made, checked, shown and compared."""
    def kith(*arguments, status=0):
        done = subprocess.run([str(KITH), "policy", *arguments], cwd=tmp_path, capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == status, (done.stdout, done.stderr)
        return done.stdout + done.stderr
    base = ["--agencies", "police,health", "--recipient", "horizon", "--gateway", "police=a law, section 1"]
    disclose = ["--disclose", "surname,contact", "--disclose-reason", "early_help"]
    kith("new", *base, "--out", "none.json")
    kith("new", *base, *disclose, "--out", "p.json", status=2)
    kith("new", *base, *disclose, "--ask-gateway", "nobody=a law", "--out", "p.json", status=65)
    kith("new", *base, *disclose, "--ask-gateway", "horizon=a law, section 7", "--out", "p.json")
    assert "nobody can ask" in kith("check", "none.json", status=1)
    checked = kith("check", "p.json", status=1)
    assert "disclosure.agencies: the lawful gateway of health is not stated" in checked
    assert "one officer alone" in checked and "nobody can ask" not in checked
    shown = kith("show", "p.json")
    assert "of surname contact; for early_help" in shown and "horizon may ask: a law, section 7" in shown
    assert "what may be disclosed about people of the list is new" in kith("diff", "none.json", "p.json",
                                                                            status=1)

    lead, police = wire.Identity("lead", "governance"), wire.Identity("police", "agency", "police")
    health = wire.Identity("health", "agency", "health")
    members = [m.member() for m in (lead, police, health, wire.Identity("matcher", "matcher"),
                                    wire.Identity("horizon", "recipient"))]
    charter = wire.Document(wire.CHARTER, {
        "kith": "charter", "format": 1, "name": "City", "version": 1, "valid_from": partnership.zulu(-1),
        "expires": partnership.zulu(300), "matcher_address": "tcp://127.0.0.1:1", "members": members,
        "governance": {"threshold": 1, "keys": [base64.b64encode(lead.sign_public).decode()]}}, [lead])
    charter.save(tmp_path / "charter.json")
    for gateway, wrong in (("PCSC Act 2022 s.16", True), ("PCSC Act 2022 s.16; NHS Act 2006 s.251", False)):
        value = json.loads((tmp_path / "p.json").read_text())
        value["disclosure"]["agencies"][1]["gateway"] = gateway
        (tmp_path / "q.json").write_text(json.dumps(value))
        said = kith("check", "--charter", "charter.json", "q.json", status=1)
        assert ("health is a health or social care authority, and its gateway is section 16" in said) == wrong


# ---- what must not pass: before it leaves the building

def test_the_policy_gives_no_gateway(city):
    """Refused at the recipient, which has not even written it; and nobody else is asked."""
    number = city.records("health")[0][0][0]
    before = len(city.kith("disclosure", "list", "--json", home="horizon"))
    city.request(number, agency="health", status=77)
    city.request(number, fields="given_name,date_of_birth", status=77)
    city.request(number, reason="curiosity", status=77)
    city.request(number, "--days", "15", status=2)
    (city.folder / "empty").write_text("\n\n")
    city.kith("disclosure", "request", "--fields", "surname", "--reason", "early_help", "--words-file",
              "empty", city.round, number, home="horizon", status=65)
    assert len(city.kith("disclosure", "list", "--json", home="horizon")) == before


def test_a_policy_without_disclosure_allows_none(tmp_path):
    with Disclosing(tmp_path) as p:
        p.policy = p.make_policy(trial=True)
        p.release()
        p.request(1, agency=p.names[0], status=77)
        error, _ = p.forge(p.body("police"))
        assert error == wire.DENIED


# ---- by a recipient that has its keys and does not use kith

def test_a_round_with_digits_to_spare_is_none(city):
    words = city.kith("disclosure", "request", "--fields", "surname", "--reason", "early_help", "--words-file",
                      "why.txt", city.round + "00", "1", home="horizon", status=2)
    assert not words
    city.kith("cohort", "feedback", "--right", "--reason", "confirmed", city.round + "00", "1", home="horizon",
              status=2)


def test_an_unknown_gateway_is_refused(city):
    city.refused(city.body(gateway="because we say so"), "not_allowed")
    # The matcher, too, knows whom the policy names.
    assert city.forge(city.body("health"), "health")[0] == wire.DENIED


def test_what_is_beyond_the_policy_is_refused(city):
    city.refused(city.body(fields=["surname", "date_of_birth"]), "not_allowed")
    city.refused(city.body(reason="curiosity"), "not_allowed")
    city.refused(city.body(expires=int(time.time()) + 15 * 86400 + 60), "not_allowed")


def test_a_handle_that_was_not_released_is_refused(city):
    """One of the agency's own, not on the list; and a made-up one under another's proof."""
    released = {r[1] for _, r in city.records("police")}
    other = next(h for h in city.maps["police"] if h not in released)
    opening = wire.opening(city.list, *city.next_record("police"))
    city.refused(city.body(opening=[other, *opening[1:]]), "not_released")
    city.refused(city.body(opening=[opening[0], opening[1] + 1, *opening[2:]]), "not_released")
    city.refused(city.body(opening=[*opening[:3], opening[3] ^ 1, opening[4]]), "not_released")


def test_a_handle_of_another_agency_is_refused(city):
    """The leaf names its agency: the proof of one is none for another."""
    city.refused(city.body(at=city.next_record("education")), "not_released")


def test_an_expired_request_is_refused(city):
    past = int(time.time()) - 100
    letter = wire.make_letter(city.members["horizon"], wire.REQUEST, city.round_id, "police",
                              city.body(expires=past + 50), at=past)
    name = wire.letter_id(wire.REQUEST, letter)
    sealed = wire.seal_letter(wire.REQUEST, city.round_id, "horizon", "police",
                              city.members["police"].seal_public, letter)
    assert city.horizon.put_letter(city.round_id, "police", wire.REQUEST, name, sealed) == wire.OK
    assert city.answer_to(name)[1:3] == [wire.REFUSED, "expired"]


def test_a_replayed_nonce_is_refused(city):
    nonce = os.urandom(16)
    error, name = city.forge(city.body(nonce=nonce))
    assert error == wire.OK
    city.wait_queued(name.hex())
    city.refused(city.body(nonce=nonce), "replayed")
    city.settle("refuse", name.hex(), "--reason", "other")


def test_a_request_of_somebody_else_is_dropped(city):
    """Signed by an agency's key under the recipient's name; and sealed for one agency, sent to another."""
    before = len(city.dropped())
    error, name = city.forge(city.body(), signer=city.members["health"])
    assert error == wire.OK
    wait_for(lambda: len(city.dropped()) == before + 1, "it is dropped")
    letter = wire.make_letter(city.members["horizon"], wire.REQUEST, city.round_id, "education", city.body())
    sealed = wire.seal_letter(wire.REQUEST, city.round_id, "horizon", "education",
                              city.members["education"].seal_public, letter)
    name = wire.letter_id(wire.REQUEST, letter)
    assert city.horizon.put_letter(city.round_id, "police", wire.REQUEST, name, sealed) == wire.OK
    wait_for(lambda: len(city.dropped()) == before + 2, "it is dropped")
    assert not [d for d in city.queue(everything=True) if d["id"] == name.hex()]


def test_who_may_write_what_to_whom(city):
    """The matcher relays requests of recipients and answers of agencies that were asked, and no others."""
    police, name = city.client("police"), os.urandom(32)
    assert police.put_letter(city.round_id, "education", wire.REQUEST, name, b"x" * 100) == wire.DENIED
    assert police.put_letter(city.round_id, "horizon", wire.ANSWER, name, b"x" * 100) == wire.NOT_FOUND
    assert city.horizon.put_letter(city.round_id, "police", wire.ANSWER, name, b"x" * 100) == wire.DENIED
    assert city.client("lead").letters(city.round_id)[0] == wire.DENIED
    assert city.horizon.put_letter(os.urandom(16), "police", wire.REQUEST, name, b"x" * 100) == wire.DENIED


# ---- by an agency, or a matcher

def test_an_agency_that_answers_for_anothers_handle_is_dropped(city):
    """Education answers a question that was put to the police, with its own key and name."""
    person, _ = city.next_record("police")
    request = city.request(person[0])
    name = bytes.fromhex(request)
    body = [name, wire.GRANTED, "", "E1", [["surname", "Nobody"]], "", []]
    letter = wire.make_letter(city.members["education"], wire.ANSWER, city.round_id, "horizon", body)
    sealed = wire.seal_letter(wire.ANSWER, city.round_id, "education", "horizon",
                              city.members["horizon"].seal_public, letter)
    # The matcher refuses it; one that helps education does not.
    assert city.client("education").put_letter(city.round_id, "horizon", wire.ANSWER, name,
                                               sealed) == wire.NOT_FOUND
    city.wait_queued(request)
    city.settle("refuse", request, "--reason", "not_needed")
    assert city.pulled(request)["state"] == "refused"


class Shim:
    """What test_false_matcher's Front needs to stand between the recipient and the matcher."""

    def __init__(self, city):
        self.city, self.members = city, city.members
        self.charter_address, self.front_door = partnership.listening()

    def client(self, _, **options):
        return self.city.client("horizon", **options)


@pytest.fixture
def front(tmp_path):
    """A round of its own, and a recipient whose newer charter leads to a matcher that lies."""
    with Disclosing(tmp_path) as p:
        p.release()
        shim = Shim(p)
        p.make_charter(version=2, matcher_address=shim.charter_address).save(
            p.home("horizon") / "charter.json")
        front = test_false_matcher.Front(shim)
        front.start()
        front.city = p
        yield front
        front.ended = True
        front.join(10)
        assert front.problem is None


def granted_twice(p):
    """Two answers that the matcher has and the recipient has not yet."""
    requests = []
    for person, _ in p.records("police")[:2]:
        requests.append(p.request(person[0]))
        p.wait_queued(requests[-1])
        p.settle("approve", requests[-1])
    wait_for(lambda: len(p.horizon.letters(p.round_id)[1]) == 2, "both answers are there")
    return requests


def states(p):
    return {d["id"]: d["state"] for d in p.kith("disclosure", "list", "--json", home="horizon")}


def altered_letters(change):
    def alter(reply_type, body):
        return [change(body[0])] if reply_type == wire.LETTER_GET else body
    return alter


def test_a_matcher_that_swaps_answers_is_seen(front):
    """Each answer is signed over its own question."""
    p = front.city
    one, two = granted_twice(p)

    def swap(letters):
        ids = [l[3] for l in letters]
        return [[*l[:3], other, l[4]] for l, other in zip(letters, reversed(ids))]
    front.alter = altered_letters(swap)
    assert p.pull()["dropped"] == 2
    assert states(p) == {one: "waiting", two: "waiting"}
    log = p.kith("audit", "show", "--own", "--json", home="horizon")
    assert [e["event"] for e in log].count("letter_dropped") == 2


def test_a_matcher_that_edits_an_answer_is_seen(front):
    p = front.city
    requests = granted_twice(p)
    front.alter = altered_letters(lambda letters: [[*l[:4], l[4][:-1] + bytes([l[4][-1] ^ 1])] for l in letters])
    assert p.pull()["dropped"] == 2
    assert set(states(p).values()) == {"waiting"} and len(requests) == 2


def test_a_matcher_that_makes_up_an_answer_is_seen(front):
    """Sealed to the recipient, as anybody can, but not signed by the agency; and by another agency."""
    p = front.city
    person, _ = p.records("police")[0]
    request = p.request(person[0])

    def made_up(author, signer):
        body = [bytes.fromhex(request), wire.GRANTED, "", "P1", [["surname", "Nobody"]], "", []]
        letter = wire.make_letter(p.members[signer], wire.ANSWER, p.round_id, "horizon", body, author=author)
        sealed = wire.seal_letter(wire.ANSWER, p.round_id, author, "horizon",
                                  p.members["horizon"].seal_public, letter)
        return [author, wire.ANSWER, bytes.fromhex(request), sealed]
    front.alter = altered_letters(lambda _: [[1, *made_up("police", "matcher")],
                                             [2, *made_up("education", "education")],
                                             [3, *made_up("police", "education")]])
    assert p.pull()["dropped"] == 3 and states(p) == {request: "waiting"}


def test_a_request_is_kept_where_the_matcher_fails(front):
    """An internal error is no refusal: the letter stays, answers still come, and it is sent again."""
    p = front.city
    granted_twice(p)
    honest = front.answer

    def failing(upstream, frame):
        reply = wire.unpack(honest(upstream, frame))
        if reply[1] == wire.LETTER_PUT:
            reply[3:] = [wire.INTERNAL, []]
        return wire.pack(reply)
    front.answer = failing
    person, _ = p.records("police")[2]
    p.request(person[0], status=70)
    assert sorted(states(p).values()) == ["not sent yet", "waiting", "waiting"]
    assert p.pull()["answers"] == 2
    assert sorted(states(p).values()) == ["granted", "granted", "not sent yet"]
    front.answer = honest
    p.pull()
    assert sorted(states(p).values()) == ["granted", "granted", "waiting"]


def test_over_the_rate_limit(tmp_path):
    """Three in the round, two a day: by the matcher, and by the daemon where the matcher lets more through."""
    with Disclosing(tmp_path, disclosure=dict(requests_per_round=3, requests_per_day=2)) as p:
        p.release()
        numbers = [person[0] for person, _ in p.records("police")]
        first = p.request(numbers[0])
        p.request(numbers[1])
        p.request(numbers[2], status=1)
        assert p.forge(p.body())[0] == wire.LIMIT
        states = [d["state"] for d in p.kith("disclosure", "list", "--json", home="horizon")]
        assert sorted(states) == ["refused by the matcher", "waiting", "waiting"]
        p.wait_queued(first)
        p.settle("approve", first)
        assert p.pulled(first)["state"] == "granted"


# ---- time

def move(folder, seconds):
    (folder / "clock.new").write_text(f"{seconds}\n")
    (folder / "clock.new").rename(folder / "clock")


def test_unanswered_then_over(tmp_path, monkeypatch):
    """Nobody answers for 14 days: the request has expired, and the recipient is told. After the retention
    nothing is left, at any of the three, that opens."""
    (tmp_path / "clock").write_text("0\n")
    monkeypatch.setenv("KITH_TEST_CLOCK", str(tmp_path / "clock"))
    with Disclosing(tmp_path) as p:
        p.release()
        (person, _), (granted, record) = p.records("police")[:2]
        row = p.rows["police"][p.maps["police"][record[1]]]
        told = p.request(granted[0])
        p.wait_queued(told)
        p.settle("approve", told)
        assert p.pulled(told)["state"] == "granted"
        request = p.request(person[0])
        p.wait_queued(request)
        move(tmp_path, 15 * 86400)
        wait_for(lambda: not p.queue(), "it expires")
        assert p.pulled(request)["state"] == "expired"
        p.settle("approve", request, status=1)
        assert p.key_files("horizon", p.round_id) and p.key_files("matcher", p.round_id)

        move(tmp_path, 31 * 86400)
        p.wait_destroyed(p.round_id)
        assert p.kith("disclosure", "list", "--json", home="horizon") == []
        for member in ("horizon", "matcher", "police"):
            assert p.key_files(member, p.round_id) == []
        assert not list((p.home("horizon") / "cohorts").glob("*.list"))
        p.kith("cohort", "show", "--number", granted[0], p.round, home="horizon", status=66)
        # The person can still be told; whoever has the files without the keys can't.
        assert p.subject("police", row["id"])["disclosures"][0]["fields"] == ["given_name", "surname"]
        events = [e["event"] for e in p.kith("audit", "show", "--own", "--json", home="horizon")]
        assert events.count("disclosure_requested") == 2 and events.count("disclosure_answered") == 2
        assert "destroyed" in events


def test_a_queue_that_is_longer_than_the_list_says_so(tmp_path):
    with Disclosing(tmp_path, disclosure=dict(requests_per_round=300, requests_per_day=300)) as p:
        p.release()
        for _ in range(257):
            assert p.forge(p.body())[0] == wire.OK
        done = wait_for(lambda: next((d for d in [subprocess.run(
            [str(KITH), "disclosure", "list", "--json", "--home", str(p.home("police"))], capture_output=True,
            text=True, timeout=60)] if d.returncode == 0 and len(json.loads(d.stdout)) == 256 and d.stderr), None),
                        "the list is full")
        assert "more requests than are shown" in done.stderr


def test_an_expired_request_is_not_granted_while_the_matcher_is_away(tmp_path, monkeypatch):
    (tmp_path / "clock").write_text("0\n")
    monkeypatch.setenv("KITH_TEST_CLOCK", str(tmp_path / "clock"))
    with Disclosing(tmp_path) as p:
        p.release()
        (person, _), *_ = p.records("police")
        request = p.request(person[0])
        p.wait_queued(request)
        p.programs["matcher"].stop()
        move(tmp_path, 15 * 86400)
        p.settle("approve", request, status=1)
        p.start("matcher")
        assert p.pulled(request)["state"] == "expired"


def test_whose_keys_were_replaced_is_told_nothing(tmp_path):
    """What the recipient asked with its old keys, which may be in others' hands, is only refused."""
    with Disclosing(tmp_path) as p:
        p.release()
        (person, _), *_ = p.records("police")
        request = p.request(person[0])
        p.wait_queued(request)
        p.members["horizon"] = wire.Identity("horizon", "recipient")
        assert p.governance().put_document(p.make_charter(version=2))[0] == wire.OK
        wait_for(lambda: p.ask("police", do="status")["charter_version"] == 2, "the new charter")
        p.settle("approve", request, status=77)
        p.settle("refuse", request, "--reason", "other")


def test_feedback_is_neither_replayed_nor_taken_out_of_order(city):
    """What a recipient said last stands: not a nonce again, not an older letter, not one of the future."""
    opening, now = city.body()[0], int(time.time())
    before = len(city.dropped())

    def say(nonce, wrong, at):
        body = [opening, nonce, wrong, "other", os.urandom(32)]
        letter = wire.make_letter(city.members["horizon"], wire.FEEDBACK, city.round_id, "police", body, at=at)
        sealed = wire.seal_letter(wire.FEEDBACK, city.round_id, "horizon", "police",
                                  city.members["police"].seal_public, letter)
        assert city.horizon.put_letter(city.round_id, "police", wire.FEEDBACK,
                                       wire.letter_id(wire.FEEDBACK, letter), sealed) == wire.OK
    first, second = os.urandom(16), os.urandom(16)
    say(first, 1, now - 20)
    say(second, 0, now - 10)
    for letter in ((first, 1, now - 5), (os.urandom(16), 1, now - 15), (os.urandom(16), 1, now + 86400)):
        say(*letter)
    wait_for(lambda: len(city.dropped()) == before + 3, "three are dropped")
    assert [e["event"] for e in city.kith("audit", "show", "--json", home="police")].count("feedback") == 2


def test_a_closed_round_is_forgotten(tmp_path):
    with Disclosing(tmp_path) as p:
        p.release()
        request = p.request(p.records("police")[0][0][0])
        p.wait_queued(request)
        p.close_round(p.round_id)
        assert p.queue() == []
        assert p.pull()["ended"] == 1
        assert p.kith("disclosure", "list", "--json", home="horizon") == []
        assert p.key_files("horizon", p.round_id) == [] == p.key_files("police", p.round_id)


# ---- what is kept, and what is logged

def test_logs_and_stores_have_no_person(city):
    """Names, words, fields' values, markers and handles are in no log and in no store that a node keeps."""
    person, record = city.next_record("police")
    request = city.request(person[0], fields="given_name,surname,contact")
    city.wait_queued(request)
    city.settle("approve", request)
    city.pulled(request)
    row = city.rows["police"][city.maps["police"][record[1]]]
    secret = [WORDS, MARKER, f"Worker {row['id'][1:]}", record[1].hex(), "asked for a visit"]
    secret += [v for k, v in row.items() if len(v) > 5]
    for member in ("horizon", "police", "matcher"):
        for path in city.home(member).rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                for value in secret:
                    assert value.encode() not in content, (member, path.name)
                assert record[1] not in content, (member, path.name)
    for home, own in (("police", []), ("horizon", ["--own"]), ("lead", [])):
        city.kith("audit", "export", *own, "--out", "log", home=home)
        content = (city.folder / "log").read_bytes()
        assert bytes.fromhex(request) in content and b"surname" not in content
        assert not [v for v in secret if v.encode() in content] and record[1] not in content
    # Both sides have committed to the same words, and whoever has the request can show them.
    entries = [next(e for e in city.kith("audit", "show", "--json", *own, home=home)
                    if e["values"].get("hash") == request and e["event"] == "disclosure_requested")
               for home, own in (("police", []), ("horizon", ["--own"]))]
    assert entries[0]["values"]["words"] == entries[1]["values"]["words"]
    assert entries[0]["values"]["reason"] == "early_help"
    city.kith("audit", "verify", "--charter", city.home("horizon") / "charter.json", "log")


def test_the_commitment_to_words(city):
    nonce = os.urandom(16)
    _, name = city.forge(city.body(nonce=nonce, words="words of mine"))
    city.wait_queued(name.hex())
    entry, = [e for e in city.kith("audit", "show", "--json", home="police")
              if e["values"].get("hash") == name.hex()]
    assert entry["values"]["words"] == wire.words_commitment(nonce, "early_help", "words of mine").hex()
    city.settle("refuse", name.hex(), "--reason", "other")


# ---- wrong door

def feedback(p, agency="police"):
    return p.ask(agency, do="show", round=p.round)["feedback"]


def test_a_wrong_door_is_not_gone_to_twice(tmp_path):
    """Both agencies are told; in a later round the recipient is warned of the two records, and of no others."""
    with Disclosing(tmp_path) as p:
        p.release()
        both = [person for person in p.list[7]
                if {p.names[r[0]] for r in person[4]} >= {"education", "police"}]
        wrong, right = both[0], both[1]

        def ids(person):
            return {a: {p.maps[a][r[1]] for r in person[4] if p.names[r[0]] == a}
                    for a in ("education", "police")}
        wrong_ids, right_ids = ids(wrong), ids(right)
        say = ["cohort", "feedback", "--reason"]
        p.kith(*say, "nonsense", "--wrong", p.round, wrong[0], home="horizon", status=2)
        p.kith(*say, "confirmed", "--right", "--wrong", p.round, wrong[0], home="horizon", status=2)
        p.kith(*say, "confirmed", "--right", p.round, wrong[0], home="horizon")
        p.kith(*say, "other_person", "--wrong", p.round, wrong[0], home="horizon")
        p.kith(*say, "other_person", "--wrong", p.round, right[0], home="horizon")
        p.kith(*say, "confirmed", "--right", p.round, right[0], home="horizon")
        # A minimum of one shows what is not rounded away: 1 and 1 are 0 and 0 of five.
        wait_for(lambda: feedback(p) == {"right": 0, "wrong": 0} == feedback(p, "education"), "counted")
        assert [e["event"] for e in p.kith("audit", "show", "--json", home="police")].count("feedback") == 4
        body = [wire.opening(p.list, *p.records("education")[0]), os.urandom(16), 1, "other", os.urandom(32)]
        p.forge(body, kind=wire.FEEDBACK)
        wait_for(lambda: p.dropped(), "feedback on another's handle is dropped")

        p.policy = p.make_policy(trial=True, disclosure=DISCLOSURE)
        first, p.round_id = p.round_id, p.open_round(p.policy)
        p.join(p.round_id)
        p.wait_state(p.round_id, "released")
        p.round, p.list = p.round_id.hex(), p.cohort(p.round_id)
        p.names = [a for a, _ in p.list[6]]
        p.maps = {a: p.trial_map(a, p.round_id) for a in p.names}
        p.kith("cohort", "pull", p.round, home="horizon")
        for known, warned in ((wrong_ids, True), (right_ids, False)):
            person = next(person for person in p.list[7]
                          if {p.maps["police"][r[1]] for r in person[4] if p.names[r[0]] == "police"}
                          == known["police"])
            for agency in ("education", "police"):
                request = p.request(person[0], agency=agency, fields="surname")
                assert p.wait_queued(request, agency)["wrong_before"] == (1 if warned else 0)
                p.settle("approve", request, agency=agency)
                p.pulled(request)
            for agency in ("education", "police"):
                assert {h["wrong_before"] for h in p.shown(person[0], agency)} == {warned}
            text = p.kith("cohort", "show", "--number", person[0], p.round, home="horizon")
            assert ("found to be of somebody else" in text) == warned
        assert first != p.round_id
