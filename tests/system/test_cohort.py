"""A prevention team's work on its list: chosen and ranked, noted, held against an earlier list, and gone
when its time is over though nobody asked for anything."""
import subprocess

import pytest

from partnership import KITH
from test_disclosure import Disclosing, move


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    with Disclosing(tmp_path_factory.mktemp("cohort")) as p:
        yield p.release()


def people(team, *options, status=0):
    return team.kith("cohort", "list", "--json", *options, team.round, home="horizon", status=status, lines=True)


def agencies(person):
    return {h["agency"] for h in person["handles"]}


def test_everybody_is_ranked_by_services(team):
    everybody = people(team)
    assert len(everybody) == len(team.list[7])
    ranks = [(-p["services"], -p["confidence"], -p["weakest"], p["cohort"]) for p in everybody]
    assert ranks == sorted(ranks)
    by_number = people(team, "--order", "number")
    assert [p["cohort"] for p in by_number] == sorted(p["cohort"] for p in everybody)
    weakest = [p["weakest"] for p in people(team, "--order", "weakest")]
    assert weakest == sorted(weakest, reverse=True)


def test_filters(team):
    everybody = people(team)
    numbers = lambda found: {p["cohort"] for p in found}
    for options, wanted in [
            (["--known-to", "police"], lambda p: "police" in agencies(p)),
            (["--known-to", "police", "--known-to", "education"], lambda p: {"police", "education"} <= agencies(p)),
            (["--not-known-to", "police"], lambda p: "police" not in agencies(p)),
            (["--services-min", "2"], lambda p: p["services"] >= 2),
            (["--confidence-min", "0.9"], lambda p: p["confidence"] >= 0.9),
            (["--weakest-min", "0.95"], lambda p: p["weakest"] >= 0.95),
            (["--flagged", "weak", "--flagged", "ambiguous"], lambda p: "weak" in p["flags"] or "ambiguous" in p["flags"]),
            (["--unflagged", "weak"], lambda p: "weak" not in p["flags"])]:
        assert numbers(people(team, *options)) == {p["cohort"] for p in everybody if wanted(p)}, options
    assert 0 < len(people(team, "--known-to", "police")) <= len(everybody)


def test_what_there_is_not(team):
    people(team, "--known-to", "nobody", status=2)
    people(team, "--flagged", "odd", status=2)
    people(team, "--order", "colour", status=2)
    people(team, "--confidence-min", "2", status=2)


def note(team, number, reference=None, words=None, status=0):
    options = []
    for option, text in (("--reference-file", reference), ("--words-file", words)):
        if text is not None:
            path = team.folder / f"note{option}"
            path.write_text(text)
            options += [option, path]
            path.chmod(0o600)
    team.kith("cohort", "note", *(options or ["--remove"]), team.round, number, home="horizon", status=status)
    for path in options[1::2]:
        path.unlink()


def show(team, number):
    return team.kith("cohort", "show", "--number", number, "--json", team.round, home="horizon")


def test_notes(team):
    one, other = [p["cohort"] for p in people(team)[:2]]
    secret = "CASE 4711/22 of the team"
    note(team, one, secret, "a visit\non Monday")
    assert {k: show(team, one)["note"][k] for k in ("reference", "words")} == {
        "reference": secret, "words": "a visit on Monday"}
    assert "note" not in show(team, other)
    for path in (team.folder / "horizon").rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path.name
    note(team, one, "CASE 2")
    assert show(team, one)["note"]["reference"] == "CASE 2" and show(team, one)["note"]["words"] == ""
    note(team, one)
    assert "note" not in show(team, one)
    note(team, 999999, "CASE 3", status=1)
    note(team, one, "x" * 65, status=65)
    note(team, one, "", status=65)


def test_asked_about(team):
    person, _ = team.next_record("police")
    before = {p["cohort"] for p in people(team, "--unasked")}
    assert person[0] in before
    team.request(person[0])
    assert {p["cohort"] for p in people(team, "--unasked")} == before - {person[0]}


def test_diff(team):
    """The second round has other handles and other numbers; the team's case numbers and the agencies'
    references tell who was there before."""
    first = team.round
    granted, record = team.next_record("police")
    request = team.request(granted[0])
    team.wait_queued(request)
    team.settle("approve", request)
    assert team.pulled(request)["state"] == "granted"
    police_id = team.maps["police"][record[1]]
    noted = next(p for p in people(team) if p["cohort"] != granted[0] and "education" in agencies(p))
    handle = next(h["handle"] for h in noted["handles"] if h["agency"] == "education")
    education_id = team.maps["education"][bytes.fromhex(handle)]
    lost = next(p for p in people(team) if p["cohort"] not in (granted[0], noted["cohort"]))
    note(team, noted["cohort"], "CASE 1")
    note(team, lost["cohort"], "CASE LOST")

    team.release_again()
    second = team.round
    numbers = {}
    for person in people(team):
        for h in person["handles"]:
            numbers[(h["agency"], team.maps[h["agency"]][bytes.fromhex(h["handle"])])] = person["cohort"]
    again, known = numbers[("police", police_id)], numbers[("education", education_id)]
    request = team.request(again)
    team.wait_queued(request)
    team.settle("approve", request)
    assert team.pulled(request)["state"] == "granted"
    note(team, known, "CASE 1")
    strange = next(p["cohort"] for p in people(team) if p["cohort"] not in (again, known))
    note(team, strange, "CASE NEW")

    lines = team.kith("cohort", "diff", "--json", first, second, home="horizon", lines=True)
    assert [(l["cohort"], l["before"]) for l in lines if l["status"] == "again"] == sorted(
        [(again, [granted[0]]), (known, [noted["cohort"]])], key=lambda l: [p["cohort"] for p in lines
                                                                         if "cohort" in p].index(l[0]))
    assert [l["cohort"] for l in lines if l["status"] == "not_before"] == [strange]
    assert [l["before"] for l in lines if l["status"] == "not_again"] == [[lost["cohort"]]]
    assert sum(l["status"] == "no_reference" for l in lines) == len(people(team)) - 3
    team.kith("cohort", "diff", second, second, home="horizon", status=2)
    plain = subprocess.run([str(KITH), "cohort", "diff", first, second, "--home", str(team.home("horizon"))],
                           capture_output=True, text=True, timeout=60, check=True).stdout
    assert "2 on both, 1 not found before, 1 not found now" in plain


def test_a_list_goes_when_its_time_is_over(tmp_path, monkeypatch):
    """Though nothing was asked about it: who pulled a list and forgot it does not keep it."""
    move(tmp_path, 0)
    monkeypatch.setenv("KITH_TEST_CLOCK", str(tmp_path / "clock"))
    with Disclosing(tmp_path) as p:
        p.release()
        kept = lambda: sorted(f.name for f in p.home("horizon").rglob(f"{p.round}*"))
        assert kept()
        note(p, people(p)[0]["cohort"], "CASE 9")
        move(tmp_path, 31 * 86400)
        p.kith("cohort", "list", p.round, home="horizon", status=66)
        assert kept() == []
