"""kith policy tune: a proposal from unlabelled files, with evidence of counts and rates alone."""
import csv
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
KITH = pathlib.Path(os.environ.get("KITH_BUILD", ROOT / "build")) / "kith"
AGENCIES = ["education", "health", "police"]


def kith(*arguments, status=0):
    done = subprocess.run([KITH, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == status, (arguments, done.returncode, done.stderr)
    return done


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """The folder and the files of three agencies."""
    folder = tmp_path_factory.mktemp("tune")
    kith("generate", "--people", 2000, "--agencies", 6, "--seed", 7, "--out", folder / "city", "--quiet")
    return folder, [folder / f"city/{name}.csv" for name in AGENCIES]


def tune(city, *more):
    return json.loads(kith("policy", "tune", "--json", "--quiet", *more, *city[1]).stdout)


def test_proposal(city):
    folder, files = city
    out = folder / "tuned.json"
    report = tune(city, "--out", out)
    fields = {field["field"]: field for field in report["fields"]}
    assert report["pairs"]["likely"] >= 100 and report["foretold"]["f1"] > 0.9
    assert abs(sum(field["proposed"]["share"] for field in fields.values()) - 1) < 1e-6
    # Siblings share a sex, families and neighbours a postcode; a date of birth is one's own.
    shares = {name: field["proposed"]["share"] for name, field in fields.items()}
    assert shares["date_of_birth"] == max(shares.values())
    assert shares["sex"] < 0.1 and shares["postcode"] < 0.15
    assert fields["sex"]["values"] == 2 and 0.45 < fields["sex"]["same"]["chance"] < 0.55
    assert fields["date_of_birth"]["same"]["likely"] > 0.9 > 0.05 > fields["date_of_birth"]["same"]["rivals"]
    changes = {name: field["without"]["f1"] for name, field in fields.items()}
    assert changes["date_of_birth"] < -0.05 and all(-1 < change < 0.1 for change in changes.values())
    policy = json.loads(out.read_text())["linkage"]
    assert policy["bits"] == report["filters"][0]["bits"] and 0.2 < report["filters"][0]["fill"] < 0.4
    for field in policy["fields"]:
        proposed = fields[field["field"]]["proposed"]
        assert (field["bits_per_token"], field["weight"]) == (proposed["bits_per_token"], proposed["weight"])
        assert abs(field["weight"] - proposed["bits_set"]) <= 0.5
    # The policy is the default but for this, and links.
    kith("policy", "new", "--protection", "clk", "--agencies", ",".join(AGENCIES), "--out", folder / "default.json")
    changed = json.loads(kith("policy", "diff", "--json", folder / "default.json", out, status=1).stdout)
    assert {item["key"] for item in changed} <= {"linkage.fields", "linkage.bits"}
    kith("link", "--policy", out, "--quiet", "--out", folder / "linked", *files)
    assert "is there already" in kith("policy", "tune", "--out", out, *files, status=73).stderr


def test_the_same_each_time(city):
    one = tune(city, "--fast", "--threads", 1)
    assert tune(city, "--fast", "--threads", 5) == one
    assert all(field["without"] is None for field in one["fields"])


def test_no_value_is_shown(city):
    text = kith("policy", "tune", "--fast", "--quiet", *city[1]).stdout
    words = set(text.lower().replace('"', " ").replace(",", " ").split())
    for path in city[1]:
        with open(path, newline="") as file:
            for row in csv.DictReader(file):
                for column in ("given_name", "surname", "date_of_birth", "postcode", "street"):
                    assert not row[column] or row[column].lower() not in words, column


def test_a_field_that_is_the_same_for_all(city):
    """A city of one town: the town tells nothing, the street does."""
    report = tune(city, "--fast", "--address-filter")
    fields = {field["field"]: field for field in report["fields"]}
    assert fields["town"]["proposed"]["share"] < 0.05
    assert fields["street"]["proposed"]["share"] > 0.95
    assert len(report["filters"]) == 2


def test_one_file(city):
    """Pairs inside it stand for pairs across; of too few nothing can be learnt."""
    folder, files = city
    rows = files[1].read_text().splitlines()
    again = [f"again{line}" for line in rows[1:400]]
    path = folder / "twice.csv"
    path.write_text("\n".join(rows + again) + "\n")
    report = json.loads(kith("policy", "tune", "--fast", "--json", "--quiet", path).stdout)
    assert report["pairs"]["likely"] >= 300
    path.write_text("\n".join(rows[:50]) + "\n")
    done = kith("policy", "tune", "--fast", "--quiet", path, status=1)
    assert "too few to learn from" in done.stderr


def test_refusals(city):
    folder, files = city
    kith("policy", "tune", status=2)
    kith("policy", "tune", "--policy", folder / "x.json", "--address-filter", files[0], status=2)
    kith("policy", "tune", "--profile", "police", "--profile", "police", *files, status=2)
    kith("policy", "tune", files[0], files[0], status=2)
    kith("policy", "tune", folder / "none.csv", status=66)
    kith("policy", "tune", "--policy", folder / "none.json", files[0], status=66)
    kith("policy", "new", "--agencies", "a,b", "--no-mask", "--out", folder / "bare.json")
    done = kith("policy", "tune", "--policy", folder / "bare.json", files[0], status=78)
    assert "has no mask" in done.stderr
