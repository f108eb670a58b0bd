"""What is left of a round once it is destroyed: with all files of a node and its identity, unwrapped, no 32
bytes at any place and no wrapped key open anything that the node has kept of it. The same search (opens.c),
given the files of before, opens all of it. What is kept is searched for in its real form: boxes bound to their
place in the store, handle tables, and the contributions sealed to the round's own X25519 keys."""
import os
import re
import shutil
import subprocess

import pytest

import lmdb_dump
import test_review
import wireclient as wire
from partnership import BUILD, wait_for
from test_disclosure import Disclosing

# The matcher's journal is under the key of its batches, and is gone when it has matched.
BOXED = dict(matcher={"batches", "letters"}, agency={"outbox", "trial", "disclosures"},
             recipient={"asked"})
ENTRY_LABEL = b"kith handle entry v1\0"


class City(Disclosing):
    """A round that keeps all it can: a trial with a review and disclosures. `stages` are copies of the
    nodes' homes on the way."""

    def __init__(self, folder):
        super().__init__(folder, n_people=120)
        self.stages = {}

    def make_policy(self, signers=None, **changes):
        linkage = {"threshold": {"default": "auto", "min": "0.6", "max": "0.9", "review": True}}
        return super().make_policy(signers, linkage=linkage, **changes)

    def stage(self, name, *nodes):
        """Copies homes of nodes that are stopped for it."""
        for node in nodes:
            if node in self.programs:
                assert self.programs[node].stop() == 0
            shutil.copytree(self.home(node), self.folder / "stages" / name / node,
                            ignore=shutil.ignore_patterns("control"))
            self.stages.setdefault(node, {})[name] = self.folder / "stages" / name / node

    def again(self, name, *nodes):
        self.stage(name, *nodes)
        self.start(*(n for n in nodes if n in self.programs))

    def run(self):
        nodes = ("matcher", *self.agencies)
        self.start()
        self.round_id = self.open_round()
        self.join(self.round_id, "police")
        wait_for(lambda: self.statements(self.round_id, wire.JOIN), "police joins")
        self.again("joined", "police")  # its round key is there now, and soon no more
        self.join(self.round_id, *(a for a in self.agencies if a != "police"))
        self.wait_state(self.round_id, "review")
        self.again("review", *nodes)
        assert self.governance().say(wire.DECISION, self.round_id,
                                     test_review.body_of(self, self.round_id)) == wire.OK
        self.pull_list()
        told, waits = (self.request(person[0]) for person, _ in self.records("police")[:2])
        self.wait_queued(told)
        self.settle("approve", told)
        assert self.pulled(told)["state"] == "granted"
        self.wait_queued(waits)
        self.again("released", *nodes, "horizon")
        self.said = self.statements(self.round_id)
        self.close_round(self.round_id)
        self.kith("disclosure", "pull", home="horizon")
        self.stage("destroyed", *nodes, "horizon")
        return self

    # ---- what to look for

    def boxes(self, node):
        """(table, context, value) of all stages: an entry that is there twice is one."""
        role = self.members[node].role
        found = {}
        for name, home in self.stages[node].items():
            if name == "destroyed":
                continue
            for table, entries in lmdb_dump.tables(home / "state" / "store").items():
                if table in BOXED[role]:
                    found.update({(table, key, value): None for key, value in entries
                                  if self.is_boxed(table, key, value)})
        return list(found)

    def is_boxed(self, table, key, value):
        """All values of these tables but a nonce's mark, which is empty, and a recipient's two times."""
        return key.startswith(self.round_id) and value and (table != "asked" or key[16:17] == b"d")

    def handles(self, node):
        """(context, value) for the handles that the test knows; each handle's key is its own."""
        entries = dict(lmdb_dump.tables(self.stages[node]["released"] / "state" / "store")["handles"])
        found = []
        for handle in sorted(self.maps[node]):
            index = wire.H(b"kith handle index v1", self.round_id, handle)
            found.append((ENTRY_LABEL + self.round_id + handle, entries[self.round_id + index]))
        return found

    def contributions(self, node):
        """(public key, context, value) of what was sealed to the node's round key."""
        join, = (s for s in self.said if s.type == wire.JOIN and s.author == node)
        roster = next(s.body[0] for s in self.said if s.type == wire.OPENING)
        return [(join.body[4], wire.opening_context(roster, s.author, node), dict(s.body[2])[node])
                for s in self.said if s.type == wire.OPENING]

    def specifications(self, node):
        """[(name, line)]: what to look for, in the words of opens.c."""
        lines, seen = [], set()
        for name, home in self.stages[node].items():
            for path in sorted((home / "state" / "keys").glob(f"{self.round_id.hex()}.*")):
                context = b"kith round key v1 " + path.name.encode()
                if path.name not in seen:
                    lines.append(("wrapped " + path.suffix[1:],
                                  f"wrapped {context.hex()} {path.stat().st_size}"))
                seen.add(path.name)
        boxes = sorted(self.boxes(node), key=lambda box: (self.kin(box), len(box[2])))
        for i, box in enumerate(boxes):
            first = i == 0 or self.kin(boxes[i - 1]) != self.kin(box)
            lines.append((self.kin(box), f"{'box' if first else 'same'} {box[1].hex()} {box[2].hex()}"))
        if self.members[node].role == "agency":
            lines += [("handles", f"handle {c.hex()} {v.hex()}") for c, v in self.handles(node)[:2]]
        if node == "police":
            lines += [("contributions", f"sealed {p.hex()} {c.hex()} {v.hex()}")
                      for p, c, v in self.contributions(node)]
        return lines

    @staticmethod
    def kin(box):
        """What is under one key."""
        return box[0]

    # ---- the search

    def search(self, node, *stages):
        """As search_files(), in all files of these stages."""
        return self.search_files(node, [p for s in stages for p in sorted(self.stages[node][s].rglob("*"))
                                        if p.is_file()])

    def search_files(self, node, files):
        """(names opened -> how many, names unwrapped, (line, file) of each), with the identity's keys."""
        identity = self.members[node]
        secrets = self.folder / f"{node}.identity"
        secrets.write_bytes(identity.sign_secret + identity.seal_secret + identity.curve_secret + identity.storage)
        files = [secrets, *files]
        lines = self.specifications(node)
        done = subprocess.run([str(BUILD / "test" / "opens"), "--storage", identity.storage.hex(), *map(str, files)],
                              input="\n".join(line for _, line in lines) + "\n", capture_output=True, text=True,
                              timeout=300)
        assert done.returncode == 0, done.stderr
        opened, unwrapped = set(), set()
        for what, line, path in re.findall(r"^(opened|unwrapped) (\d+) (\S+) \d+$", done.stdout, re.M):
            (opened if what == "opened" else unwrapped).add((int(line), path))
        tried, = re.findall(r"^tried (\d+) windows$", done.stdout, re.M)
        assert int(tried) == sum(max(0, p.stat().st_size - 31) for p in files)
        counts = {}
        for line in {line for line, _ in opened}:
            counts[lines[line][0]] = counts.get(lines[line][0], 0) + 1
        return counts, {lines[line][0] for line, _ in unwrapped}, opened

    def there(self, node):
        """Name -> how many values there are to open."""
        counts = {}
        for name, line in self.specifications(node):
            if not line.startswith("wrapped"):
                counts[name] = counts.get(name, 0) + 1
        return counts


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    with City(tmp_path_factory.mktemp("destruction")) as city:
        yield city.run()


NODES = {"matcher": {"batches", "letters"},
         "police": {"outbox", "trial", "disclosures", "handles", "contributions"},
         "horizon": {"asked"}}


@pytest.mark.parametrize("node", sorted(NODES))
def test_before_all_of_it_opens(city, node):
    stages = [s for s in city.stages[node] if s != "destroyed"]
    opened, unwrapped, where = city.search(node, *stages)
    assert opened == city.there(node) and set(opened) == NODES[node]
    assert unwrapped
    # By unwrapped key files alone: no key lies in the open.
    assert all("/state/keys/" in path for _, path in where)


@pytest.mark.parametrize("node", ["matcher", "horizon", "health", "police"])
def test_afterwards_nothing_opens(city, node):
    assert city.there(node) and len(list(city.stages[node]["destroyed"].rglob("data.mdb"))) == 1
    opened, unwrapped, _ = city.search(node, "destroyed")
    assert opened == {} and unwrapped <= {"wrapped subjects"}


def test_a_key_that_is_left_over_is_found(city, tmp_path):
    """Anywhere: at the end of a log, in the open; and wrapped, in the middle of something else."""
    key_file, = (city.stages["police"]["released"] / "state" / "keys").glob(f"{city.round_id.hex()}.letters")
    wrapped = key_file.read_bytes()
    key = wire.sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
        wrapped[24:], b"kith round key v1 " + key_file.name.encode(), wrapped[:24],
        city.members["police"].storage)
    for left in (key, wrapped):
        log = (city.stages["police"]["destroyed"] / "log").read_bytes()
        (tmp_path / "log").write_bytes(log + os.urandom(13) + left + b"!")
        opened, _, where = city.search_files("police", [tmp_path / "log"])
        assert opened == {"disclosures": city.there("police")["disclosures"]}
        assert {path for _, path in where} == {str(tmp_path / "log")}
