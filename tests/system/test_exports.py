"""Shipped profiles over exports as partners' systems write them (invented people): each works unchanged, and gives the
same records as kith's own columns do."""
import csv
import json
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
KITH = pathlib.Path(os.environ.get("KITH_BUILD", ROOT / "build")) / "kith"
EXPORTS = pathlib.Path(__file__).resolve().parent / "exports"
COLUMNS = ["id", "given_name", "middle_names", "surname", "known_as", "date_of_birth", "sex", "street", "town", "postcode",
           "nhs_number", "pnc_id", "record_date"]

# What each export says, in the order of COLUMNS.
SAME = {
    "emergency_department": [
        "ED0001|Anna|Maria|Example||1985-04-20|F|12 Sample Street|Modelton|QX1 1AB|9990000018||2026-05-03",
        "ED0002|Peter||Sample||1990-01-31|M|Flat 2, 7 Pattern Road|Modelton|QX1 2CD|||2026-05-03",
        "ED0003|Paula||O'Specimen-Model||2011-12-05|F|NFA|||||2026-05-04"],
    "fire_and_rescue": [
        "HFSV-1|Anna||Example||1985-04-20|F|12 Sample Street|Modelton|QX1 1AB|||2026-05-03",
        "HFSV-2|Peter||Sample|||M|Flat 2, 7 Pattern Road|Modelton|QX1 2CD|||2026-05-04",
        "HFSV-3|Paula||Model||1941-12-05|F|Rose Cottage Specimen Lane|Modelton|QX1 3EF|||2026-05-04"],
    "prison": [
        "A0001XX|Anna|Maria|Example||1985-04-20|F|12 Sample Street|Modelton|QX1 1AB|||2026-05-03",
        "A0002XX|Peter||Sample|Pete|1990-01-31|M|Flat 2, 7 Pattern Road|Modelton|QX1 2CD|||2026-05-04",
        "A0003XX|Paula||Model||1971-12-05|F|NFA|||||2026-05-05"],
    "charity": [
        "1|Anna|Maria|Example|Annie|1985-04-20|F|12 Sample Street|Modelton|QX1 1AB|||2026-05-03",
        "2|Peter||Sample||1990-01-31|M|7 Pattern Road|Modelton|QX1 2CD|||2026-05-04",
        "3|Paula||Model||2004-12-05|F||||||2026-05-05"],
}


def run(*arguments):
    return subprocess.run([KITH, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("name", SAME)
def test_an_export_works_unchanged(name):
    done = run("source", "check", "--json", "--profile", name, EXPORTS / f"{name}.csv")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["profile"] == name and found["rows"] == 3 and found["set_aside"]["rows"] == 0
    for field, counts in found["fields"].items():
        assert counts.get("unusable", 0) == 0 and counts.get("implausible", 0) == 0, field


@pytest.mark.parametrize("name", SAME)
def test_an_export_is_told_its_profile(name):
    done = run("source", "check", EXPORTS / f"{name}.csv")
    assert done.returncode == 65
    assert re.search(r"try --profile ([a-z_]+)", done.stderr)[1] == name


@pytest.mark.parametrize("name", SAME)
def test_an_export_is_the_same_people(name, tmp_path):
    city = tmp_path / "city"
    assert run("generate", "--people", "200", "--agencies", "2", "--seed", "1", "--out", city).returncode == 0
    secret, same = tmp_path / "secret", tmp_path / "same.csv"
    secret.write_bytes(b"s")
    with open(same, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *(line.split("|") for line in SAME[name])])
    made = []
    for path, rest in ((EXPORTS / f"{name}.csv", ["--profile", name]), (same, [])):
        out = tmp_path / f"{len(made)}.kith"
        done = run("encode", "--schema", city / "policy.json", "--secret-file", secret, *rest, "--out", out, path)
        assert done.returncode == 0, done.stderr
        made.append(out.read_bytes())
    assert made[0] == made[1]
