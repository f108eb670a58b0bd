"""Whose records are encoded: ages, places, period and evidence of a policy, and lists of objections,
through kith link and kith encode; and lists that stop the encoding."""
import csv
import gzip
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
KITH = pathlib.Path(os.environ.get("KITH_BUILD", ROOT / "build")) / "kith"

HEADER = "id,given_name,surname,date_of_birth,postcode,record_date\n"
PEOPLE = """in,ann,lee,2012-02-03,CV1 2AB,2025-03-04
area,bea,may,2012-02-04,CV10 2AB,2025-03-04
old,cat,ray,1980-02-03,CV1 2AB,2025-03-04
nobirth,dan,fox,unknown,CV1 2AB,2025-03-04
nopost,eve,kay,2012-05-06,no fixed abode,2025-03-04
far,fay,low,2012-06-07,B1 2AB,2025-03-04
past,gus,poe,2012-07-08,CV1 2AB,2019-03-04
nodate,hal,roe,2012-08-09,CV1 2AB,
sparse,,,2012-08-09,CV1 2AB,2025-03-04
"""
SCOPE = {"on": "2026-06-15", "age_min": 10, "age_max": 24, "places": ["cv1"],
         "period": {"from": "2024-01-01", "to": "2026-06-15"}}


def kith(*arguments, status=0):
    done = subprocess.run([KITH, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == status, (arguments, done.returncode, done.stderr)
    return done


def write(path, text):
    path.write_text(text)
    return path


def rows(path):
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def place(tmp_path):
    for name in ("one", "two"):
        write(tmp_path / f"{name}.csv", HEADER + PEOPLE)
    write(tmp_path / "secret", "fixed")
    kith("policy", "new", "--agencies", "one,two", "--mask-minimum", 1, "--out", tmp_path / "plain.json")
    return tmp_path


def policy_with(place, **members):
    policy = json.loads((place / "plain.json").read_text())
    policy.update(members)
    return write(place / "policy.json", json.dumps(policy))


def link(place, *arguments, status=0):
    done = kith("link", "--secret-file", place / "secret", "--out", place / "out", *arguments,
                place / "one.csv", place / "two.csv", status=status)
    if status:
        return done
    return done, json.loads((place / "out/report.json").read_text())["parties"]


def linked_ids(place):
    return {r["id_a"] for r in rows(place / "out/pairs.csv") if r["linked"] == "1"} | {
        r["id_b"] for r in rows(place / "out/pairs.csv") if r["linked"] == "1"}


def test_every_reason_apart(place):
    done, parties = link(place, "--policy", policy_with(place, scope=SCOPE))
    for party in parties:
        assert party["records"] == 9 and party["encoded"] == 1
        assert party["scope"] == {
            "in_scope": 1, "objected": 0, "birth_conflict": 0, "unknown_birth": 1, "age": 1,
            "unknown_place": 1, "place": 2, "unknown_period": 1, "period": 1, "sparse": 1,
            "rare": 0}
        assert party["out_of_scope"] == 7 and party["sparse"] == 1
    assert "4 rows were not encoded: outside the places" in done.stderr
    assert linked_ids(place) <= {"in"}
    assert len(rows(place / "out/clusters.csv")) == 18  # every record keeps its place


def test_unknown_is_in_where_the_policy_says_so(place):
    scope = dict(SCOPE, unknown_birth="in", unknown_place="in", unknown_period="in")
    _, parties = link(place, "--policy", policy_with(place, scope=scope))
    assert parties[0]["encoded"] == 4
    assert parties[0]["scope"]["unknown_birth"] == 0


def test_two_dates_of_birth(place):
    """Of two that differ neither counts, where ages do."""
    table = ("id,given_name,surname,date_of_birth,other_date_of_birth\n"
             "same,ann,lee,2012-02-03,03/02/2012\nnone,bea,may,2012-02-04,\n"
             "differ,cat,ray,2012-02-05,2002-02-05\npart,dan,fox,2012-02-06,2012\n")
    for name in ("one", "two"):
        write(place / f"{name}.csv", table)
    scope = {"on": "2026-06-15", "age_min": 10, "age_max": 24}
    _, parties = link(place, "--policy", policy_with(place, scope=scope))
    assert parties[0]["encoded"] == 3 and parties[0]["scope"]["birth_conflict"] == 1
    assert "differ" not in linked_ids(place)
    _, parties = link(place, "--policy", policy_with(place, scope=dict(scope, unknown_birth="in")))
    assert parties[0]["encoded"] == 4
    _, parties = link(place)
    assert parties[0]["encoded"] == 4


def test_evidence(place):
    _, parties = link(place, "--policy", policy_with(place))
    assert parties[0]["encoded"] == 8 and parties[0]["sparse"] == 1
    _, parties = link(place, "--policy", policy_with(place, evidence=[]))
    assert parties[0]["encoded"] == 9 and parties[0]["sparse"] == 0
    _, parties = link(place, "--policy", policy_with(place, evidence=[["upn", "sex"]]))
    assert parties[0]["encoded"] == 0 and parties[0]["sparse"] == 9
    done = link(place, "--policy", policy_with(place, evidence=[["shoe_size"]]), status=78)
    assert "shoe_size" in done.stderr
    # Columns that are not asked for can't be missed.
    _, parties = link(place, "--fields", "given_name,surname")
    assert parties[0]["sparse"] == 1
    _, parties = link(place, "--fields", "date_of_birth,postcode")
    assert parties[0]["sparse"] == 0


def test_objections_in_link(place):
    link(place)
    assert {"in", "old"} <= linked_ids(place)
    objections = write(place / "objections.csv", "id,received\nin,2026-01-02\nnobody,2026-01-02\n")
    done, parties = link(place, "--objections", objections)
    assert [p["objected"] for p in parties] == [1, 1]
    assert [p["objections_without_record"] for p in parties] == [1, 1]
    assert "in" not in linked_ids(place) and "old" in linked_ids(place)
    assert "2 rows were not encoded: objected to" in done.stderr
    assert "nobody" not in done.stderr
    clusters = [r["cluster"] for r in rows(place / "out/clusters.csv") if r["id"] == "in"]
    assert len(set(clusters)) == 2
    _, parties = link(place, "--objections", f"two={objections}")
    assert [p["objected"] for p in parties] == [0, 1]
    with gzip.open(place / "objections.csv.gz", "wt") as stream:
        stream.write("id\nold\n")
    _, parties = link(place, "--objections", place / "objections.csv.gz")
    assert [p["objected"] for p in parties] == [1, 1]


@pytest.mark.parametrize("text,status", [
    (None, 66), ("", 65), ("name\nx\n", 65), ("id,x\nin\n", 65), ("id,x\n,y\n", 65),
    ('id,x\n"in,y\n', 65), ("id,id\nin,in\n", 65)])
def test_a_bad_list_stops_everything(place, text, status):
    path = place / "objections.csv"
    if text is not None:
        path.write_text(text)
    for arguments in (("--objections", path), ("--objections", f"one={path}")):
        done = link(place, *arguments, status=status)
        assert "objections" in done.stderr and not (place / "out").exists()
    done = kith("encode", "--schema", place / "plain.json", "--secret-file", place / "secret", "--out",
                place / "one.kith", "--objections", path, place / "one.csv", status=status)
    assert "objections" in done.stderr and not (place / "one.kith").exists()


def test_two_lists_of_one_party(place):
    objections = write(place / "objections.csv", "id\nin\n")
    link(place, "--objections", objections, "--objections", f"one={objections}", status=2)


def test_objections_in_encode(place):
    """A row keeps its place as an empty encoding, and the others are what they were."""
    objections = write(place / "objections.csv", "id\nold\nabsent\n")
    common = ("encode", "--schema", place / "plain.json", "--secret-file", place / "secret")
    kith(*common, "--out", place / "all.kith", place / "one.csv")
    done = kith(*common, "--out", place / "some.kith", "--objections", objections, place / "one.csv")
    assert "1 rows are empty encodings: objected to" in done.stderr
    assert "1 ids of the list of objections are not in it" in done.stderr
    before, after = (place / "all.kith").read_bytes(), (place / "some.kith").read_bytes()
    assert len(before) == len(after) and before != after
    schema = write(place / "clk.json", json.dumps({"version": 3, "clkConfig": {}, "features": []}))
    kith("encode", "--schema", schema, "--secret-file", place / "secret", "--out", place / "c.json",
         "--objections", objections, place / "one.csv", status=2)


def test_many_objections(place):
    """100,000 ids are read in well under a second and a few megabytes."""
    write(place / "objections.csv", "id\n" + "".join(f"person-{i}\n" for i in range(100000)))
    done = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -v 400000; exec "$0" "$@"', KITH, "encode", "--schema",
         place / "plain.json", "--secret-file", place / "secret", "--out", place / "one.kith",
         "--objections", place / "objections.csv", place / "one.csv"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr


def findings(place, **members):
    path = policy_with(place, **members)
    done = subprocess.run([KITH, "policy", "check", "--json", path], capture_output=True, text=True,
                          timeout=20)
    found = json.loads(done.stdout)
    assert done.returncode == (1 if found["errors"] else 0)
    return found["errors"], found["warnings"]


@pytest.mark.parametrize("members,words", [
    ({"scope": {"places": ["cv"]}}, "scope.on: there are no ages"),
    ({"scope": {"places": ["cv"]}}, "records without a postcode are out"),
    ({"scope": {"places": ["cv", "cv1"]}}, '"cv1" lies in another place'),
    ({"scope": {"places": ["ec1a", "ec1"]}}, '"ec1a" lies in another place'),
    ({"scope": {"on": "2026-06-15", "age_max": 120}}, "ages 0 to 120 leave nobody out but"),
    ({"scope": {"on": "2026-06-15", "age_max": 24, "unknown_birth": "in"}}, "scope.unknown_birth"),
    ({"scope": {"on": "2029-06-15", "age_max": 24}}, "children born after 2026"),
    ({"scope": {"on": "2026-06-15"}, "dates": {"year_min": 1950}}, "a birth before 1950"),
    ({"scope": {"period": SCOPE["period"]}}, "needs a column record_date"),
    ({"scope": {"period": SCOPE["period"], "unknown_period": "in"}}, "is encoded whole"),
    ({"evidence": []}, "evidence: none is asked for"),
    ({"evidence": [["upn"]]}, "evidence[0]: none of its fields is encoded"),
    ({"source": {"minimum_linkable": "0"}}, "source.minimum_linkable: is 0"),
    ({"source": {"maximum_set_aside": "0.5"}}, "source.maximum_set_aside"),
])
def test_what_the_linter_says(place, members, words):
    _, before = findings(place)
    assert not any(words in text for text in before)
    _, warnings = findings(place, **members)
    assert any(words in text for text in warnings), warnings


def test_what_the_linter_lets_be(place):
    _, warnings = findings(place, scope={"on": "2026-06-15", "age_max": 24, "places": ["cv1", "cv10"],
                                         "unknown_place": "in"})
    assert not any(text.startswith(("scope.", "evidence", "dates", "source")) for text in warnings)
    errors, _ = findings(place, evidence=[["surname", "shoe_size"]])
    assert any("shoe_size" in text for text in errors)


def test_new_show_and_diff(place):
    common = ("policy", "new", "--agencies", "one,two")
    kith(*common, "--scope-on", "2027-06-15", "--age-max", "24", "--place", "CV", "--place", "b1",
         "--period-from", "2024-01-01", "--period-to", "2027-06-15", "--unknown-in", "place", "--out",
         place / "new.json")
    new = json.loads((place / "new.json").read_text())
    assert new["scope"] == {
        "on": "2027-06-15", "age_min": 0, "age_max": 24, "unknown_birth": "out",
        "places": ["cv", "b1"], "unknown_place": "in",
        "period": {"from": "2024-01-01", "to": "2027-06-15"}, "unknown_period": "out"}
    assert new["dates"]["year_max"] == 2027
    shown = kith("policy", "show", place / "new.json").stdout
    for words in ("ages 0 to 24", "postcodes cv b1; without one: in", "2024-01-01 to 2027-06-15",
                  "given_name or surname or names, and date_of_birth or postcode"):
        assert words in shown
    changed = dict(new, evidence=[["surname"]], source={"minimum_linkable": "0.9"})
    changed["scope"] = dict(new["scope"], places=["cv", "le"], period={"from": "2025-01-01",
                                                                       "to": "2027-06-15"})
    write(place / "changed.json", json.dumps(changed))
    words = kith("policy", "diff", place / "new.json", place / "changed.json", status=1).stdout
    for line in ("postcodes in scope: b1 is gone", "postcodes in scope: le is new",
                 "the first day of records in scope changes",
                 "the fields that a record needs to be encoded changes",
                 "the least share of usable records in an agency's source changes"):
        assert line in words, words
    for arguments, status in (
            (("--place", "coventry"), 2), (("--place", "cv1 2ab"), 2), (("--place", ""), 2),
            (("--period-from", "2024-01-01"), 2), (("--period-to", "soon"), 2),
            (("--period-from", "2025-01-01", "--period-to", "2024-01-01"), 65),
            (("--unknown-in", "place"), 2), (("--unknown-in", "sex", "--place", "cv"), 2)):
        kith(*common, *arguments, "--out", place / "bad.json", status=status)
        assert not (place / "bad.json").exists()
