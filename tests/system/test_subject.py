"""What an agency can tell a person: before, in and after rounds, after a restart, with objections; and
objections that come when a round is under way."""
import json
import os
import subprocess

import pytest

import partnership
from partnership import AGENCIES, KITH, wait_for
from test_round import ByHand


def subject(hand, agency, person, status=0, text=False):
    done = subprocess.run([str(KITH), "source", "subject", "--home", agency, "--id-file", "-",
                           *([] if text else ["--json"])], input=person + "\n", cwd=hand.folder,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == status, (done.stdout, done.stderr)
    assert person not in done.stderr
    return done.stdout if text or status else json.loads(done.stdout)


def open_round(hand):
    return hand.kith("round", "open", "--home", "lead", "--policy", "policy.json").split()[-1]


def join_all(hand, round_id):
    for agency in hand.agencies:
        wait_for(lambda: round_id in (hand.quiet("round", "list", "--home", agency) or ""),
                 f"{agency} hears of the round", 30)
        hand.join(agency, round_id)


def restart(hand, agency):
    n = 1 + hand.agencies.index(agency)
    hand.programs[n].stop()
    hand.programs[n] = partnership.Program("kithd", hand.folder / agency / "kithd.conf",
                                           hand.folder / agency)
    wait_for(lambda: hand.quiet("status", "--home", agency, "--json"), f"{agency} serves", 20)


def configure(hand, agency, section, line):
    config = hand.folder / agency / "kithd.conf"
    config.write_text(config.read_text().replace(f"[{section}]\n", f"[{section}]\n{line}\n"))
    restart(hand, agency)


@pytest.fixture
def hand(tmp_path):
    agencies = list(AGENCIES)
    partnership.people_csvs(tmp_path, agencies, 120, seed=5)
    with ByHand(tmp_path, agencies, {a: tmp_path / f"{a}.csv" for a in agencies}) as made:
        made.agencies = agencies
        yield made


def ids_of(hand, agency):
    lines = (hand.folder / f"{agency}.csv").read_text().splitlines()
    return [line.split(",")[0] for line in lines[1:]]


def test_a_person_through_a_round(hand):
    first = hand.agencies[0]
    known, objector, *_ = ids_of(hand, first)
    (hand.folder / "objections.csv").write_text(f"id\n{objector}\nnot-there\n")
    configure(hand, first, "source", f"objections = {hand.folder / 'objections.csv'}")
    before = subject(hand, first, known)
    assert before["found"] and before["row"] == 2 and before["objected"] is False
    assert before["rounds"] == [] and before["disclosures"] == [] and before["discloses"] is True
    assert subject(hand, first, "nobody")["found"] is False

    round_id = open_round(hand)
    join_all(hand, round_id)
    hand.kith("round", "watch", "--home", "lead", "--quiet", round_id)
    hand.kith("round", "trial-map", "--home", first, "--out", "map.csv", round_id)
    mapped = {line.split(",")[2] for line in (hand.folder / "map.csv").read_text().splitlines()[1:]}
    assert known in mapped and objector not in mapped and len(mapped) == len(ids_of(hand, first)) - 1

    for again in range(2):
        told = subject(hand, first, known)
        entry, = told["rounds"]
        assert entry["round"] == round_id and entry["encoded"] is True and entry["sent"] is True
        assert entry["policy"] == "default" and entry["version"] == 1
        assert entry["recipients"] == ["horizon"]
        assert told["now"][0]["encoded"] is True and told["now"][0]["reason"] == "in_scope"
        told = subject(hand, first, objector)
        assert told["objected"] is True and told["rounds"] == [] and told["found"]
        assert told["now"][0] == {"policy": "default", "version": 1, "encoded": False,
                                  "reason": "objected", "words": "objected to"}
        restart(hand, first)
    words = subject(hand, first, known, text=True)
    assert "yes, row 2" in words and round_id in words and "to nobody" in words and known not in words

    # The round's own tables are destroyed when it closes; the log is not.
    hand.kith("round", "close", "--home", "lead", round_id)
    wait_for(lambda: hand.quiet("round", "trial-map", "--home", first, "--out", "late.csv",
                                round_id) is None, "the map is gone")
    wait_for(lambda: subject(hand, first, known)["rounds"][0]["state"] == "closed", "closed")


def test_the_store_has_no_id(hand):
    first = hand.agencies[0]
    round_id = open_round(hand)
    join_all(hand, round_id)
    hand.kith("round", "watch", "--home", "lead", "--quiet", round_id)
    hand.kith("round", "close", "--home", "lead", round_id)
    known = ids_of(hand, first)[0]
    wait_for(lambda: subject(hand, first, known)["rounds"][0]["state"] == "closed", "closed")
    for folder, _, names in os.walk(hand.folder / first):
        for name in names:
            if not os.path.islink(os.path.join(folder, name)) and os.path.isfile(
                    os.path.join(folder, name)):
                with open(os.path.join(folder, name), "rb") as stream:
                    assert known.encode() not in stream.read(), name


def test_logs_end(hand):
    first = hand.agencies[0]
    known = ids_of(hand, first)[0]
    round_id = open_round(hand)
    join_all(hand, round_id)
    hand.kith("round", "watch", "--home", "lead", "--quiet", round_id)
    assert len(subject(hand, first, known)["rounds"]) == 1
    configure(hand, first, "agency", "subject_log_days = 0")
    wait_for(lambda: subject(hand, first, known)["rounds"] == [], "the log is destroyed")
    assert "not known" in subject(hand, first, known, text=True)
    configure(hand, first, "agency", "")
    assert subject(hand, first, known)["rounds"] == []


def problem(hand, agency, round_id):
    return hand.kith("round", "show", "--home", agency, "--json", round_id)["problem"]


def test_objections_while_a_round_is_under_way(hand):
    """A list that can't be read stops the encoding; once somebody who is encoded objects, nothing is
    sent."""
    first, second, _ = hand.agencies
    lists = {a: hand.folder / f"{a}.objections.csv" for a in (first, second)}
    for agency, path in lists.items():
        path.write_text("id\n")
        configure(hand, agency, "source", f"objections = {path}")
    lists[second].write_text("Anna Example\n")
    round_id = open_round(hand)
    join_all(hand, round_id)
    wait_for(lambda: "no column" in problem(hand, second, round_id), "the second's officer is told")
    assert "Anna" not in problem(hand, second, round_id)
    known = ids_of(hand, first)[0]
    wait_for(lambda: subject(hand, first, known)["rounds"], "the first has encoded")

    lists[first].write_text(f"id\n{known}\n")
    lists[second].unlink()
    wait_for(lambda: "objections" in problem(hand, second, round_id), "a missing list is no empty one")
    lists[second].write_text("id\n")
    wait_for(lambda: "somebody has objected" in problem(hand, first, round_id), "the first holds")
    told = subject(hand, first, known)
    assert told["objected"] is True and told["rounds"][0]["sent"] is False
    assert told["rounds"][0]["state"] == "submitting"
    hand.kith("round", "abort", "--home", "lead", round_id)
    wait_for(lambda: subject(hand, first, known)["rounds"][0]["state"] == "aborted", "aborted")
    assert subject(hand, first, known)["rounds"][0]["sent"] is False

    again = open_round(hand)
    join_all(hand, again)
    hand.kith("round", "watch", "--home", "lead", "--quiet", again)
    assert [r["round"] for r in subject(hand, first, known)["rounds"]] == [round_id]
    assert hand.kith("round", "show", "--home", "lead", "--json", again)["state"] == "released"


@pytest.mark.parametrize("text", ["", "\n", "a\nb\n", "x" * 129, "a\0b"])
def test_ids_that_are_none(tmp_path, text):
    home = tmp_path / "home"
    home.mkdir()
    (home / "kithd.conf").write_text("[agency]\ncontrol_socket = /nowhere\n")
    (tmp_path / "id").write_bytes(text.encode())
    done = subprocess.run([str(KITH), "source", "subject", "--home", str(home), "--id-file",
                           str(tmp_path / "id")], capture_output=True, text=True, timeout=20)
    assert done.returncode in (65, 78), done.stderr
    done = subprocess.run([str(KITH), "source", "subject", "person-1"], capture_output=True, text=True,
                          timeout=20)
    assert done.returncode == 2
