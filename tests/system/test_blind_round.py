"""Rounds under blind comparison: as kith link finds people, through kills, against agencies that cheat,
and what the matcher's store shows."""
import json
import subprocess

import pytest

import wireclient as wire
from partnership import AGENCIES, Partnership, wait_for
from test_link import kith, link, rows


def blind_linkage(folder, agencies, **changes):
    """The linkage section that kith itself proposes."""
    path = folder / "proposed.json"
    done = kith("policy", "new", "--protection", "blind", "--agencies", ",".join(agencies), "--out", path)
    assert done.returncode == 0, done.stderr
    linkage = json.loads(path.read_text())["linkage"]
    linkage["blind"].update(changes)
    linkage["threshold"] = {"default": "0.5", "min": "0.5", "max": "0.99"}
    return linkage


class Blind(Partnership):
    """A partnership under a policy of blind comparison."""

    def __init__(self, folder, agencies=AGENCIES, changes=None, policy=None, **more):
        self.linkage = blind_linkage(folder, agencies, **(changes or {}))
        super().__init__(folder, agencies=agencies, policy={"trial": True, **(policy or {})}, **more)

    def make_policy(self, signers=None, **changes):
        value = dict(super().make_policy(signers, **changes).value, linkage=self.linkage)
        return wire.Document(wire.POLICY, value, signers or [self.lead])


def linked_people(folder, place):
    """What kith link finds in the same files under the same policy, without the duplicates of an agency."""
    files = [place.sources[a] for a in place.agencies]
    link("--policy", folder / "policy.json", "--out", folder / "linked", *files)
    groups = {}
    for row in rows(folder / "linked" / "clusters.csv"):
        groups.setdefault(row["cluster"], set()).add((row["party"], row["id"]))
    return {frozenset(g) for g in groups.values() if len({a for a, _ in g}) > 1}


def test_a_round_finds_whom_kith_link_finds(tmp_path):
    with Blind(tmp_path, n_people=300).start() as place:
        round_id = place.open_round()
        place.join(round_id)
        place.wait_state(round_id, "released")
        people = place.people(round_id)
        # Other keys, other bits that collide: nearly the same, as for any two secrets.
        linked = linked_people(tmp_path, place)
        assert len(people & linked) > 0.97 * len(people | linked), (len(people), len(linked))
        true = {frozenset((a, f"{a[0]}{person:05d}") for a in known)
                for person, known in place.known.items() if len(known) > 1}
        assert len(people & true) > 0.9 * len(true)
        wait_for(lambda: all(3 in place.destroyed(round_id).get(m, ()) for m in ("matcher", *AGENCIES)),
                 "submissions are destroyed")
        place.close_round(round_id)
        for member in ("matcher", *AGENCIES):
            assert not place.key_files(member, round_id)
