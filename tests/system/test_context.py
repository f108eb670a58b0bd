"""What agencies tell of the people of a list unasked: the recipient has it of its list and of nobody else,
counts it by place without small numbers, and takes nothing that another has made up."""
import csv
import json
import subprocess

import pytest

import partnership
import wireclient as wire
from partnership import KITH, wait_for
from test_blind_round import blind_linkage
from test_disclosure import Disclosing
from test_withdraw import said, withdraw

MINIMUM = 4
CONTEXT = {"agencies": [{"id": "education", "attributes": ["ward", "school"]},
                        {"id": "police", "attributes": ["age_band", "ward"]}]}
TERMS = {"trial": True, "context": CONTEXT, "scope": {"on": "2026-11-23", "age_min": 0, "age_max": 120},
         "cohort": {"minimum_count": MINIMUM}}
BANDS = [(0, "0-4"), (5, "5-10"), (11, "11-15"), (16, "16-17"), (18, "18-25"), (26, "26-64")]


def ward(person):
    """Few live in W9; of some it is not told, or not in a code."""
    return "W9" if person % 20 == 0 else "" if person % 7 == 0 else "a long way off" if person % 11 == 0 \
        else f"W{person % 2}"


def add_columns(p):
    rows = {}
    for agency in p.agencies:
        path = p.folder / f"{agency}.csv"
        table = list(csv.DictReader(open(path, newline="")))
        rows[agency] = {row["id"]: {**row, "Ward": ward(int(row["id"][1:])), "school": f"S{int(row['id'][1:]) % 3}"}
                        for row in table}
        with open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, list(next(iter(rows[agency].values()))))
            writer.writeheader()
            writer.writerows(rows[agency].values())
    return rows


def band(born):
    year, month, day = map(int, born.split("-"))
    age = 2026 - year - ((month, day) > (11, 23))
    return [name for least, name in BANDS if least <= age][-1]


def expected(agency, row):
    if agency not in ("education", "police"):
        return {}
    there = row["Ward"] if " " not in row["Ward"] else ""
    own = {"school": row["school"]} if agency == "education" else {"age_band": band(row["date_of_birth"])}
    return {**({"ward": there} if there else {}), **own}


class Telling(Disclosing):
    def __init__(self, folder, **terms):
        partnership.Partnership.__init__(self, folder, n_people=90, policy={**TERMS, **terms})
        self.rows = add_columns(self)

    def wait_context(self):
        """Until every agency that tells has told."""
        def told():
            letters = self.context_letters()
            return {l[1] for l in letters} == {"education", "police"} and letters
        return wait_for(told, "context")

    def context_letters(self):
        error, letters = self.horizon.letters(self.round_id)
        assert error == wire.OK
        return [l for l in letters if l[2] == wire.CONTEXT]

    def told_now(self):
        people = self.kith("cohort", "list", "--json", self.round, home="horizon", lines=True)
        return {h["handle"]: h.get("context", {}) for p in people for h in p["handles"]}

    def places(self, *options):
        return self.kith("cohort", "places", "--json", *options, self.round, home="horizon")

    def counted(self, attribute, without=()):
        """What must be shown: place -> people, rounded."""
        counts = {}
        for person in self.list[7]:
            own = {expected(self.names[r[0]], self.rows[self.names[r[0]]][self.maps[self.names[r[0]]][r[1]]])
                   .get(attribute) for r in person[4] if r[1] not in without}
            for place in own - {None}:
                counts[place] = counts.get(place, 0) + 1
        return counts, {place: (n + 2) // 5 * 5 for place, n in counts.items() if n >= MINIMUM}

    def check_list(self):
        shown = self.told_now()
        assert len(shown) == sum(len(person[4]) for person in self.list[7])
        for agency in self.names:
            for _, record in self.records(agency):
                row = self.rows[agency][self.maps[agency][record[1]]]
                assert shown[record[1].hex()] == expected(agency, row), (agency, row)

    def forge_context(self, by, agency, attributes, entries, author=None, signer=None):
        """Puts a letter of context by the client of `by`; whether the recipient dropped one."""
        letter = wire.make_letter(signer or self.members[by], wire.CONTEXT, self.round_id, "horizon",
                                  [attributes, b"".join(sorted(entries))], author=author or by)
        name = wire.letter_id(wire.CONTEXT, letter)
        sealed = wire.seal_letter(wire.CONTEXT, self.round_id, agency, "horizon",
                                  self.members["horizon"].seal_public, letter)
        error = self.client(by).put_letter(self.round_id, "horizon", wire.CONTEXT, name, sealed)
        return error, self.pull()["dropped"] if error == wire.OK else None

    def entry(self, agency, handle, values):
        return wire.context_entry(self.round_id, agency, "horizon", handle, values)


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    with Telling(tmp_path_factory.mktemp("context")) as p:
        yield p.release()


def test_of_the_list_and_of_nobody_else(city):
    assert "ward" not in json.dumps(city.told_now())
    letters = city.wait_context()
    assert city.pull()["context"] == len(letters)
    city.check_list()
    # A letter tells of all of an agency's records, and without a handle of none: what the recipient opens is
    # its list, and its store has nothing of others.
    for number, author, kind, name, sealed in letters:
        letter = wire.unseal(city.members["horizon"].seal_secret,
                             wire.letter_context(wire.CONTEXT, city.round_id, author, "horizon"), sealed)
        assert len(letter) % 4096 == 0
        attributes, entries = wire.unpack(wire.unpack(letter)[0])[5]
        step = 56 + 16 * len(attributes)
        tags = [entries[at:at + 16] for at in range(0, len(entries), step)]
        assert attributes == next(a["attributes"] for a in CONTEXT["agencies"] if a["id"] == author)
        assert tags == sorted(set(tags)) and len(tags) == len(city.maps[author]) == len(city.rows[author])
        assert set(tags) == {wire.context_tag(city.round_id, author, "horizon", h) for h in city.maps[author]}
        for value in (b"W0\0\0\0\0", b"W1\0\0\0\0", b"S1\0\0\0\0"):
            assert value not in entries
    outside = [h for a in city.names for h in city.maps[a]
               if h not in {r[1] for person in city.list[7] for r in person[4]}]
    assert outside and not {h.hex() for h in outside} & set(city.told_now())
    number = city.list[7][0][0]
    assert "ward" in city.kith("cohort", "show", "--number", number, city.round, home="horizon") or \
        not any("ward" in c for c in city.told_now().values())
    assert city.pull()["context"] == 0


def test_counted_by_place(city):
    for attribute in ("ward", "school", "age_band"):
        counts, wanted = city.counted(attribute)
        report = city.places("--by", attribute)
        assert report["minimum"] == MINIMUM
        shown, = report["attributes"]
        assert {p["place"]: p["people"] for p in shown["places"]} == wanted
        assert shown["left_out"] == (len(wanted) < len(counts))
    counts, wanted = city.counted("ward")
    assert 0 < counts["W9"] < MINIMUM and {"W0", "W1"} <= set(wanted)
    table = city.kith("cohort", "places", city.round, home="horizon")
    assert "W9" not in table and f"fewer than {MINIMUM} people are left out" in table
    assert {a["attribute"] for a in city.places()["attributes"]} == {"ward", "school", "age_band"}
    city.kith("cohort", "places", "--by", "surname", city.round, home="horizon", status=2)


def test_made_up(city):
    """About another agency's record, with other attributes, in another's name, with what is no code."""
    before = city.told_now()
    handle = city.records("police")[0][1][1]
    own = city.records("education")[0][1][1]
    # Its own letter, with the handle of the police: nothing is looked for there.
    for agency in ("police", "education"):
        assert city.forge_context("education", "education", ["ward", "school"],
                                  [city.entry(agency, handle, ["W5", "S5"])]) == (wire.OK, 0)
    assert city.told_now() == before
    for attributes, values in ((["age_band", "ward"], ["0-4", "W5"]), (["ward"], ["W5"]),
                               (["school", "ward"], ["S5", "W5"]), (["surname", "school"], ["Smith", "S5"]),
                               (["ward", "school"], ["W 5", "S5"]), (["ward", "school"], ["W5\0x", "S5"])):
        assert city.forge_context("education", "education", attributes,
                                  [city.entry("education", own, values)]) == (wire.OK, 1), values
    good = [city.entry("police", handle, ["0-4", "W5"])]
    assert city.forge_context("education", "police", ["age_band", "ward"], good) == (wire.OK, 1)
    assert city.forge_context("education", "education", ["ward", "school"], good, signer=city.members["police"]) \
        == (wire.OK, 1)
    twice = city.entry("education", own, ["W5", "S5"])
    assert city.forge_context("education", "education", ["ward", "school"], [twice, twice]) == (wire.OK, 1)
    bad = bytearray(twice)
    bad[-1] ^= 1
    assert city.forge_context("education", "education", ["ward", "school"], [bytes(bad)]) == (wire.OK, 1)
    assert city.told_now() == before
    # Who is given none to tell, and who is no agency.
    other = next(a for a in city.agencies if a not in ("education", "police"))
    assert city.forge_context(other, other, ["ward"], [city.entry(other, own, ["W5"])])[0] == wire.DENIED
    assert city.forge_context("horizon", "horizon", ["ward"], [city.entry("horizon", own, ["W5"])])[0] \
        == wire.DENIED
    # The same by its own agency is taken: the forgeries above were refused for what they were.
    assert city.forge_context("education", "education", ["ward", "school"], [twice]) == (wire.OK, 0)
    assert city.told_now() == {**before, own.hex(): {"ward": "W5", "school": "S5"}}
    row = city.rows["education"][city.maps["education"][own]]
    city.forge_context("education", "education", ["ward", "school"], [city.entry(
        "education", own, [expected("education", row).get("ward", ""), row["school"]])])
    assert city.told_now() == before


def test_who_has_seen_what(city):
    """In the officers' words before, in the audit logs after, and in no log a value."""
    shown = city.ask("police", do="show", round=city.round)["text"]
    assert "without asking an officer" in shown and "age_band, ward." in shown
    other = next(a for a in city.agencies if a not in ("education", "police"))
    assert "age_band" not in city.ask(other, do="show", round=city.round)["text"]
    for home, options in (("police", []), ("horizon", []), ("horizon", ["--own"])):
        log = [e for e in city.kith("audit", "show", "--json", *options, home=home) if e["event"] == "context"]
        assert log and not any(v in json.dumps(log) for v in ("W0", "W1", "W9", "18-25"))
    for program in city.programs.values():
        assert "W1" not in program.log


def test_withdrawn(city):
    (number, *_), record = next((p, r) for p, r in city.records("police")
                                if city.told_now()[r[1].hex()].get("ward"))
    withdraw(city, "police", city.round_id, city.maps["police"][record[1]])
    said(city, city.round_id, 1)
    wait_for(lambda: city.ask("police", do="show", round=city.round)["withdrawals"][0]["after_release"], "taken")
    city.pull()
    city.kith("cohort", "pull", city.round, home="horizon")
    assert city.told_now()[record[1].hex()] == {}
    for attribute in ("ward", "age_band"):
        _, wanted = city.counted(attribute, without={record[1]})
        shown, = city.places("--by", attribute)["attributes"]
        assert {p["place"]: p["people"] for p in shown["places"]} == wanted
    # A letter that comes again brings nothing back.
    city.forge_context("police", "police", ["age_band", "ward"], [city.entry("police", record[1], ["0-4", "W5"])])
    assert city.told_now()[record[1].hex()] == {}


def test_without_and_after(city):
    """A policy without context sends none; what was told goes with the list."""
    told, first = city.round, city.round_id
    city.round_id = city.open_round(policy=city.make_policy(trial=True, cohort={"minimum_count": 1}))
    city.go_on()
    wait_for(lambda: all(city.destroyed(city.round_id).values()) or True, "after the release")
    assert city.pull()["context"] == 0 and not city.context_letters()
    assert not any(city.told_now().values()) and city.places()["attributes"] == []
    city.close_round(first)
    city.pull()
    city.kith("cohort", "places", told, home="horizon", status=66)
    assert "letters" not in " ".join(map(str, city.key_files("horizon", first)))


def test_the_list_is_not_there(tmp_path):
    """Context waits at the matcher; what else is to be pulled comes."""
    with Telling(tmp_path) as p:
        p.release()
        p.wait_context()
        kept, = (p.home("horizon") / "cohorts").glob("*.list")
        moved = kept.rename(tmp_path / "moved")
        done = subprocess.run([str(KITH), "disclosure", "pull", "--json", "--home", str(p.home("horizon"))],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and "context is left at the matcher" in done.stderr, done.stderr
        assert json.loads(done.stdout)["context"] == 0
        moved.rename(kept)
        assert p.pull()["context"] > 0
        p.check_list()


class TellingBlind(Telling):
    def make_policy(self, signers=None, **changes):
        value = dict(super().make_policy(signers, **changes).value,
                     linkage=blind_linkage(self.folder, self.agencies))
        return wire.Document(wire.POLICY, value, signers or [self.lead])


def test_under_blind_comparison(tmp_path):
    """And what the profile makes a standard field or the id of is not told, though the policy asks for it."""
    more = {"agencies": [CONTEXT["agencies"][0],
                         {"id": "police", "attributes": ["age_band", "ward", "surname", "id"]}]}
    with TellingBlind(tmp_path, context=more) as p:
        p.release()
        p.wait_context()
        p.pull()
        p.check_list()


def test_policies(tmp_path):
    def kith(*arguments, status=0):
        done = subprocess.run([str(KITH), "policy", *arguments], cwd=tmp_path, capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == status, (done.stdout, done.stderr)
        return done.stdout + done.stderr
    base = ["--agencies", "police,health", "--recipient", "horizon", "--scope-on", "2026-11-23"]
    kith("new", *base, "--out", "none.json")
    assert "nothing is told unasked" in kith("show", "none.json")
    kith("new", *base, "--context", "nobody=ward", "--out", "p.json", status=65)
    kith("new", *base, "--context", "ward", "--out", "p.json", status=2)
    kith("new", *base, "--context", "police=a,b,c,d,e", "--out", "p.json", status=2)
    kith("new", *base, "--context", "police=age_band,ward", "--out", "p.json")
    kith("new", *base, "--context", "police=age_band,ward,school", "--context", "health=postcode,case_number",
         "--out", "much.json")
    assert "police tells, of each person of the list and unasked: age_band ward" in kith("show", "p.json")
    assert "what is told of people of the list unasked is new" in kith("diff", "none.json", "p.json", status=1)
    assert "unasked, by police" in kith("diff", "p.json", "much.json", status=1)
    checked = kith("check", "p.json", status=1)
    assert '"ward" of everybody' in checked and "nearly a name" not in checked and '"age_band"' not in checked
    checked = kith("check", "much.json", status=1)
    assert "nearly a name" in checked
    assert '"postcode" of health is one of kith\'s standard fields' in checked
    assert '"case_number" of health is of one person' in checked
