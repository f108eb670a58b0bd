"""A policy of two filters a record, from end to end: encoded, matched, linked, and in a trial round. The
first filter decides; the second travels with it."""
import copy
import json
import struct
import subprocess
import sys
import zlib

import partnership
import pytest
import wireclient as wire
from test_encode import KITH, SECRET, reference
from test_link import POLICY

sys.dont_write_bytecode = True
FILTERS = [{"name": "stable", "bits": 1024}, {"name": "volatile", "bits": 512}]
PEOPLE = [f"{i},{name},Example{i % 7},19{50 + i % 40}-0{1 + i % 9}-11,f,QX{i % 9} {i % 5}AB,{i % 30} High Street"
          for i, name in enumerate(["Anna", "Berta", "Carla", "Dora", "Erna", "Frieda"] * 10)]


def kith(*arguments):
    return subprocess.run([KITH, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120)


def filtered(policy):
    """The policy with its postcode, and a street, in a filter of their own."""
    policy = copy.deepcopy(policy)
    linkage = policy["linkage"]
    del linkage["bits"]
    fields = [f for f in linkage["fields"] if f["field"] != "postcode"]
    linkage["filters"] = FILTERS
    linkage["accepted_leaks"] = ["households"]
    linkage["fields"] = fields + [
        {"field": "postcode", "q": 2, "bits_per_token": 10, "weight": 60, "filter": "volatile"},
        {"field": "street", "q": 2, "bits_per_token": 10, "weight": 90, "filter": "volatile"}]
    return policy


def rows_of(path):
    """Masks, first and second filters of a file of version 2, which is checked on the way."""
    content = path.read_bytes()
    magic, version, flags, bits, n = struct.unpack_from("<8sHHIQ", content)
    assert (magic, version, flags, bits) == (b"KITHENC\n", 2, 3, 1024)
    assert struct.unpack_from("<HH4I", content, 140) == (2, 0, 1024, 512, 0, 0)
    assert list(content[160:176]) == [0, 0, 0, 0, 1, 1] + [0] * 10
    assert struct.unpack("<I", content[-4:])[0] == zlib.crc32(content[:-4])
    assert len(content) == 176 + n * (2 + 128 + 64) + 4
    rows = [content[176 + i * 194:176 + (i + 1) * 194] for i in range(n)]
    return [(struct.unpack("<H", row[:2])[0], row[2:130], row[130:]) for row in rows]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "policy.json").write_text(json.dumps(filtered(POLICY)))
    header = "id,given_name,surname,date_of_birth,sex,postcode,street"
    (tmp_path / "police.csv").write_text("\n".join([header, *PEOPLE]) + "\n")
    moved = [",".join([*row.split(",")[:5], "QY1 1AA", "1 Other Road"]) for row in PEOPLE[:40]]
    (tmp_path / "school.csv").write_text("\n".join([header, *moved]) + "\n")
    for name in ("police", "school"):
        done = kith("encode", "--schema", tmp_path / "policy.json", "--secret-file", tmp_path / "secret",
                    "--out", tmp_path / f"{name}.kith", "--quiet", tmp_path / f"{name}.csv")
        assert done.returncode == 0, done.stderr
    return tmp_path


def test_encoded(folder):
    police, school = rows_of(folder / "police.kith"), rows_of(folder / "school.kith")
    assert (len(police), len(school)) == (60, 40)
    sex = filtered(POLICY)["linkage"]["fields"][3]
    assert sex["field"] == "sex"
    bits, _ = reference.bloom(1024, [("sex", 0, sex["bits_per_token"])], SECRET, [["f"]], "stable")
    for here, there in zip(police, school):
        assert here[0] == there[0] == 63
        assert here[1] == there[1] and here[2] != there[2]  # who moved is the same in the first
        assert all(b & a == b for a, b in zip(here[1], bits))
    assert len({row[2] for row in school}) == 1


def test_matched_and_linked(folder):
    """The second filter, in which everybody differs, takes no part."""
    done = kith("match", "--threshold", "1", "--out", folder / "pairs.csv", "--quiet",
                folder / "police.kith", folder / "school.kith")
    assert done.returncode == 0, done.stderr
    pairs = {tuple(line.split(",")) for line in (folder / "pairs.csv").read_text().split()[1:]}
    assert {("police", str(i), "school", str(i), "1.000000") for i in range(40)} <= pairs
    for name in ("csv", "kith"):
        more = ["--encodings"] if name == "kith" else ["--secret-file", folder / "secret"]
        done = kith("link", "--policy", folder / "policy.json", "--quiet", "--out", folder / name, *more,
                    folder / f"police.{name}", folder / f"school.{name}")
        assert done.returncode == 0, done.stderr
    # The other file of the same people under one filter is refused beside these.
    one = json.loads((folder / "policy.json").read_text())
    one["linkage"]["bits"] = 1024
    del one["linkage"]["filters"]
    (folder / "both.json").write_text(json.dumps(one))
    done = kith("policy", "check", folder / "both.json")
    assert done.returncode == 65 and "filter" in done.stderr  # a filter's name without filters
    for field in one["linkage"]["fields"]:
        field.pop("filter", None)
    (folder / "one.json").write_text(json.dumps(one))
    assert kith("encode", "--schema", folder / "one.json", "--secret-file", folder / "secret", "--out",
                folder / "one.kith", folder / "school.csv").returncode == 0
    done = kith("match", "--threshold", "0.8", folder / "police.kith", folder / "one.kith")
    assert done.returncode == 65 and "filters" in done.stderr
    done = kith("link", "--policy", folder / "one.json", "--encodings", "--out", folder / "bad",
                folder / "police.kith", folder / "school.kith")
    assert done.returncode == 65 and "filters" in done.stderr


@pytest.mark.parametrize("change, words", [
    (lambda l: l.update(bits=1024), "linkage.bits"),
    (lambda l: l.update(filters=FILTERS[:1]), "linkage.filters"),
    (lambda l: l.update(filters=FILTERS * 3), "linkage.filters"),
    (lambda l: l.update(filters=[FILTERS[0], FILTERS[0]]), "linkage.filters[1].name"),
    (lambda l: l.update(filters=[FILTERS[0], {"name": "Volatile", "bits": 512}]), "linkage.filters[1].name"),
    (lambda l: l.update(filters=[*FILTERS, {"name": "empty", "bits": 512}]), "linkage.filters"),
    (lambda l: l["fields"][0].update(filter="other"), "linkage.fields[0].filter"),
    (lambda l: l["fields"][0].update(filter=1), "linkage.fields[0].filter"),
])
def test_refused(tmp_path, change, words):
    policy = filtered(POLICY)
    change(policy["linkage"])
    (tmp_path / "policy.json").write_text(json.dumps(policy))
    done = kith("policy", "check", tmp_path / "policy.json")
    assert done.returncode == 65 and words in done.stderr, done.stderr


def test_policy_check_says_what_the_second_shows(folder):
    """The leak has to be accepted by its name: else no error-free check, no signature, and no round."""
    done = kith("policy", "check", folder / "policy.json")
    assert done.returncode == 0 and "linkage.filters" in done.stdout
    assert '"households" is accepted' in done.stdout and "refuges" in done.stdout
    policy = filtered(POLICY)
    del policy["linkage"]["accepted_leaks"]
    (folder / "silent.json").write_text(json.dumps(policy))
    done = kith("policy", "check", folder / "silent.json")
    assert done.returncode == 1 and "error    linkage.accepted_leaks" in done.stdout, done.stdout
    assert "NOT ACCEPTED" in kith("policy", "show", folder / "silent.json").stdout
    (folder / "words").write_text("a long passphrase\n")
    assert kith("key", "new", "--passphrase-file", folder / "words", "--out", folder / "lead.key").returncode == 0
    sign = ["policy", "sign", "--key", folder / "lead.key", "--passphrase-file", folder / "words", "--policy"]
    done = kith(*sign, folder / "silent.json")
    assert done.returncode == 1 and "accepted_leaks" in done.stderr
    assert kith(*sign, folder / "policy.json").returncode == 0
    # With a name in it, the filter is no longer of the address alone.
    policy["linkage"]["fields"][0]["filter"] = "volatile"
    (folder / "silent.json").write_text(json.dumps(policy))
    assert kith("policy", "check", folder / "silent.json").returncode == 0
    policy["linkage"]["accepted_leaks"] = ["households"]
    (folder / "silent.json").write_text(json.dumps(policy))
    done = kith("policy", "check", folder / "silent.json")
    assert done.returncode == 0 and "take it out" in done.stdout


def test_the_option_makes_it(tmp_path):
    """policy new and link have the same second filter, and diff tells of it."""
    assert kith("policy", "new", "--protection", "clk", "--agencies", "a,b", "--out",
                tmp_path / "one.json").returncode == 0
    assert kith("policy", "new", "--agencies", "a,b", "--address-filter", "--out",
                tmp_path / "two.json").returncode == 0
    done = kith("policy", "diff", tmp_path / "one.json", tmp_path / "two.json")
    assert done.returncode == 1
    for words in ("acceptance of a leak is new", "filter is new", "field street is new"):
        assert words in done.stdout, done.stdout
    assert "linkage.filters" not in kith("policy", "diff", tmp_path / "two.json", tmp_path / "two.json").stdout
    shown = kith("policy", "show", tmp_path / "two.json").stdout
    assert "leak        accepted" in shown and '"volatile" beside "stable"' in shown
    header = "id,given_name,surname,date_of_birth,sex,postcode,street"
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("\n".join([header, *PEOPLE]) + "\n")
    (tmp_path / "secret").write_bytes(SECRET)
    files = ["--quiet", "--secret-file", tmp_path / "secret", tmp_path / "a.csv", tmp_path / "b.csv"]
    assert kith("link", "--address-filter", "--out", tmp_path / "option", *files).returncode == 0
    assert kith("link", "--policy", tmp_path / "two.json", "--out", tmp_path / "file", *files).returncode == 0
    assert (tmp_path / "option/pairs.csv").read_bytes() == (tmp_path / "file/pairs.csv").read_bytes()
    assert kith("link", "--address-filter", "--policy", tmp_path / "two.json", "--out", tmp_path / "both",
                *files).returncode == 2


class Silent(partnership.Partnership):
    def make_policy(self, signers=None, **changes):
        document = super().make_policy(signers, **changes)
        policy = filtered(document.value)
        del policy["linkage"]["accepted_leaks"]
        return wire.Document(wire.POLICY, policy, signers or [self.lead])


def test_no_node_takes_a_leak_that_is_not_accepted(tmp_path):
    with Silent(tmp_path, policy=dict(trial=True)) as city:
        city.start()
        error, _ = city.governance().put_document(city.policy)
        assert error != wire.OK


class Filtered(partnership.Partnership):
    def make_policy(self, signers=None, **changes):
        document = super().make_policy(signers, **changes)
        return wire.Document(wire.POLICY, filtered(document.value), signers or [self.lead])


def test_a_trial_round(tmp_path):
    with Filtered(tmp_path, policy=dict(trial=True)) as city:
        city.start()
        round_id = city.open_round()
        city.join(round_id)
        city.wait_state(round_id, "released")
        people = city.people(round_id)
        ids = {frozenset((a, f"{a[0]}{person:05d}") for a in known)
               for person, known in city.known.items() if len(known) > 1}
        assert len(people & ids) > 0.8 * len(ids)


def test_a_street_is_evidence(tmp_path):
    """Who has no date of birth is linked by a name and a street, where a second filter has the street; and
    nobody by a name alone."""
    header = "id,given_name,surname,date_of_birth,sex,street"
    rows = [row.split(",") for row in PEOPLE]
    people = [[r[0], r[1] + "aeiou"[i % 5], r[2] + "bcdfgh"[i % 6] + "ing", r[3], r[4], "%d %s" % (i, r[6].split()[1])]
              for i, r in enumerate(rows)]
    parties = {"police": people, "school": [[*r[:3], "" if i % 3 == 0 else r[3], *r[4:]] for i, r in enumerate(people)]}
    for name, table in parties.items():
        (tmp_path / f"{name}.csv").write_text("\n".join([header, *map(",".join, table)]) + "\n")
    found = {}
    for kind in ("one", "two"):
        done = kith("policy", "new", "--protection", "clk", "--agencies", "police,school", "--out", tmp_path / f"{kind}.json")
        assert done.returncode == 0, done.stderr
        policy = json.loads((tmp_path / f"{kind}.json").read_text())
        if kind == "two":
            policy["linkage"]["filters"] = [dict(FILTERS[0], bits=policy["linkage"].pop("bits")), FILTERS[1]]
            policy["linkage"]["fields"].append(
                {"field": "street", "q": 2, "bits_per_token": 6, "weight": 60, "filter": "volatile"})
        (tmp_path / f"{kind}.json").write_text(json.dumps(policy))
        done = kith("link", "--quiet", "--policy", tmp_path / f"{kind}.json", "--out", tmp_path / kind,
                    tmp_path / "police.csv", tmp_path / "school.csv")
        assert done.returncode == 0, done.stderr
        report = json.loads((tmp_path / kind / "report.json").read_text())
        found[kind] = [party["sparse"] for party in report["parties"]]
        pairs = [line.split(",") for line in (tmp_path / kind / "pairs.csv").read_text().split()[1:]]
        undated = {row[3] for row in pairs if row[1] == row[3] and int(row[3]) % 3 == 0}
        assert len(undated) == (20 if kind == "two" else 0)
    assert found == {"one": [0, 20], "two": [0, 0]}
