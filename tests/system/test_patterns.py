"""Patterns of missing fields that few records have are coarsened, in kith encode, kith link and kith source
check alike; what leaves is as if the fields had been missing."""
import csv
import json
import random
import subprocess
import sys
from collections import Counter

import pytest
from test_encode import KITH, SECRET, kith_rows

sys.dont_write_bytecode = True
HEADER = ["id", "given_name", "surname", "date_of_birth", "sex", "postcode"]
FIELDS = ["given_name", "surname", "names", "name_forms", "date_of_birth", "sex", "postcode"]
SEX = 1 << FIELDS.index("sex")


def kith(*arguments, status=0):
    done = subprocess.run([KITH, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == status, (done.returncode, done.stderr)
    return done


def people(n):
    chance = random.Random(5)
    def name():
        return "".join(chance.choice("bdfgklmnprst") + chance.choice("aeiou") for _ in range(4))

    return [[i, name(), name(), f"19{50 + i % 40}-0{1 + i % 9}-{10 + i % 17}", chance.choice("fm"),
             f"QX{i % 9} {i % 5}AB"] for i in range(n)]


def table(path, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *rows])


@pytest.fixture
def folder(tmp_path):
    """1,500 people: 20 without a postcode, two of them without a sex too, and one without a date of birth."""
    (tmp_path / "secret").write_bytes(SECRET)
    for name, minimum in (("plain", 1), ("policy", 5)):
        kith("policy", "new", "--agencies", "a,b", "--mask-minimum", minimum, "--out", tmp_path / f"{name}.json")
    rows = people(1500)
    for i in range(1000, 1020):
        rows[i][5] = ""
    for i in (1005, 1010):
        rows[i][4] = ""
    rows[1200][3] = ""
    table(tmp_path / "a.csv", rows)
    return tmp_path


def encode(folder, policy, source="a", *more):
    out = folder / f"{source}.{policy}"
    done = kith("encode", "--schema", folder / f"{policy}.json", "--secret-file", folder / "secret", "--out", out,
                *more, folder / f"{source}.csv")
    return done, kith_rows(out)


def test_as_if_they_had_been_missing(folder):
    _, plain = encode(folder, "plain")
    done, rows = encode(folder, "policy")
    assert "3 rows are encoded without a field that they have" in done.stderr
    assert "1 rows are empty encodings: lacking fields as too few others do" in done.stderr
    counts = Counter(mask for mask, _ in rows)
    assert counts.pop(0) == 1 and min(counts.values()) >= 5
    changed = [i for i, (a, b) in enumerate(zip(plain, rows)) if a != b]
    # Three without a postcode lose the sex; four dates of birth would be more than the one record.
    lost = {i: plain[i][0] & ~rows[i][0] for i in changed}
    assert lost == {**dict.fromkeys(range(1000, 1003), SEX), 1200: plain[1200][0]}
    with open(folder / "a.csv", newline="") as file:
        blanked = list(csv.reader(file))[1:]
    for i, fields in lost.items():
        for column, name in enumerate(HEADER):
            if name in FIELDS and fields >> FIELDS.index(name) & 1:
                blanked[i][column] = ""
    table(folder / "b.csv", blanked)
    _, blank = encode(folder, "plain", "b")
    for i in changed:
        assert rows[i] == blank[i], i


def test_the_same_for_any_threads(folder):
    _, one = encode(folder, "policy", "a", "--threads", 1)
    _, many = encode(folder, "policy", "a", "--threads", 7)
    assert one == many


def test_link_and_check_say_the_same(folder):
    done, rows = encode(folder, "policy")
    kith("link", "--within", "--quiet", "--policy", folder / "policy.json", "--secret-file", folder / "secret",
         "--out", folder / "csv", folder / "a.csv")
    (folder / "a").mkdir()
    (folder / "a.policy").rename(folder / "a/a.kith")
    (folder / "a/a.kith.ids").write_text("".join(f"{i}\n" for i in range(1500)))
    kith("link", "--within", "--quiet", "--policy", folder / "policy.json", "--encodings", "--out",
         folder / "kith", folder / "a/a.kith")
    assert (folder / "csv/pairs.csv").read_bytes() == (folder / "kith/pairs.csv").read_bytes()
    party = json.loads((folder / "csv/report.json").read_text())["parties"][0]
    assert (party["coarsened"], party["scope"]["rare"]) == (3, 1)
    report = json.loads(kith("source", "check", "--json", "--policy", folder / "policy.json",
                             folder / "a.csv").stdout)
    assert (report["leaves"]["coarsened"], report["leaves"]["records"]) == (3, 1499)
    assert "3 of them without a field" in kith("source", "check", "--policy", folder / "policy.json",
                                               folder / "a.csv").stdout


def test_what_cant_be_made_common_is_out(folder):
    """A name alone has no company that keeps its evidence."""
    rows = people(8)
    rows[3][3] = ""
    rows[4][5] = ""
    table(folder / "a.csv", rows)
    done, encoded = encode(folder, "policy")
    assert "2 rows are empty encodings: lacking fields as too few others do" in done.stderr
    assert [i for i, (mask, _) in enumerate(encoded) if mask == 0] == [3, 4]
    assert not any(encoded[3][1]) and not any(encoded[4][1])
    report = json.loads(kith("source", "check", "--json", "--policy", folder / "policy.json",
                             folder / "a.csv").stdout)
    assert (report["leaves"]["records"], report["scope"]["rare"]) == (6, 2)


def test_fewer_than_the_minimum(folder):
    rows = people(4)
    rows[1][4] = ""
    table(folder / "a.csv", rows)
    done, encoded = encode(folder, "policy")
    assert "fewer than 5 rows" in done.stderr
    assert encoded == encode(folder, "plain")[1]
