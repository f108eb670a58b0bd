"""Programs that are killed at the places where they write, rename, commit, destroy or send, and
started again: the round ends, with the clusters that the pure engine finds in the same rows.

KITH_KILL_ALL=1: at every occurrence of every place, and at 200 random instants. KITH_TEST_SEED: of what
is drawn."""
import binascii
import collections
import concurrent.futures
import csv
import os
import random
import signal
import struct
import threading

import pytest

import partnership
import wireclient as wire
from partnership import Program, wait_for

AGENCIES = ("education", "health")
VICTIMS = ("matcher", "education")
ALL = os.environ.get("KITH_KILL_ALL") == "1"
SEED = int(os.environ.get("KITH_TEST_SEED") or 20261123)
AT_ONCE = 3
PLACES_MIN = {"matcher": 10, "education": 12}


class Round:
    """One round, in which a victim may die; it is started again at once."""

    def __init__(self, folder, victim=None, env=None):
        self.victim, self.deaths, self.problem = victim, 0, None
        self.env = env or {}
        self.reveal = folder / "revealed"
        self.reveal.mkdir()
        self.city = partnership.Partnership(folder, AGENCIES, n_people=40, seed=SEED,
                                            env={a: {"KITH_TEST_REVEAL": str(self.reveal)}
                                                 for a in AGENCIES})

    def begin(self, member, env):
        name = "kith-matcher" if member == "matcher" else "kithd"
        self.city.programs[member] = Program(name, self.city.config_path(member), self.city.home(member),
                                             {**self.city.env.get(member, {}), **env})

    def wait(self, condition, what):
        def tended():
            assert not self.problem, self.problem
            return condition()
        try:
            return wait_for(tended, what, 90)
        except partnership.TimedOut as timed_out:
            raise partnership.TimedOut(f"{timed_out}\n{self.city.logs()}") from None

    def run(self):
        """To the end of the round; the people found."""
        city = self.city
        for member in ("matcher", *AGENCIES):
            self.begin(member, self.env if member == self.victim else {})
        done = threading.Event()
        keeper = threading.Thread(target=self.keep, args=(done,))
        keeper.start()
        try:
            self.wait(lambda: city.governance().hello(), "the matcher serves")
            round_id = city.open_round()
            for agency in AGENCIES:
                self.wait(lambda: city.try_join(agency, round_id), f"{agency} joins")
            self.wait(lambda: self.ended(round_id) or city.state(round_id) == wire.RELEASED, "release")
            people = {frozenset(bytes(r[1]) for r in p[4]) for p in city.cohort(round_id)[7]}
            rows = {a: (self.reveal / f"{a}.{round_id.hex()}.rows").read_bytes() for a in AGENCIES}
            assert city.governance().say(wire.CLOSE, round_id, [1]) == wire.OK
            self.wait(lambda: all(4 in city.destroyed(round_id).get(m, ())
                                  for m in ("matcher", *AGENCIES)), "destruction")
            for member in ("matcher", *AGENCIES):
                assert city.key_files(member, round_id) == []
            assert city.state(round_id) == wire.CLOSED
        finally:
            done.set()
            keeper.join()
        return people, rows

    def run_aborted(self):
        """One agency has joined when governance aborts: what it and the matcher hold is destroyed."""
        city = self.city
        for member in ("matcher", *AGENCIES):
            self.begin(member, self.env if member == self.victim else {})
        done = threading.Event()
        keeper = threading.Thread(target=self.keep, args=(done,))
        keeper.start()
        try:
            self.wait(lambda: city.governance().hello(), "the matcher serves")
            round_id = city.open_round()
            self.wait(lambda: city.try_join(AGENCIES[0], round_id), "joins")
            self.wait(lambda: city.statements(round_id, wire.JOIN), "the join is there")
            (city.folder / "aborting").touch()
            self.wait(lambda: city.governance().say(wire.ABORT, round_id, [1, ""]) == wire.OK, "aborted")
            self.wait(lambda: all(4 in city.destroyed(round_id).get(m, ())
                                  for m in ("matcher", AGENCIES[0])), "destruction")
            for member in ("matcher", *AGENCIES):
                assert city.key_files(member, round_id) == []
            assert city.state(round_id) == wire.ABORTED
        finally:
            done.set()
            keeper.join()
        return self.deaths

    def keep(self, done):
        """Starts the victim again when it has died by its own hand."""
        while not done.wait(0.02):
            for member, program in list(self.city.programs.items()):
                if program.running:
                    continue
                if member != self.victim or program.process.returncode != -signal.SIGKILL:
                    self.problem = (member, program.process.returncode, program.log)
                    return
                self.deaths += 1
                self.begin(member, {})

    def ended(self, round_id):
        abort = self.city.abort(round_id)
        assert not abort, (abort, self.city.logs())
        return False

    def close(self):
        self.city.close()


def encodings_file(path, policy, rows):
    """kith-encodings(5), written here; the ids are the handles."""
    linkage = policy.value["linkage"]
    row_bytes = 18 + linkage["bits"] // 8
    rows = [rows[i:i + row_bytes] for i in range(0, len(rows), row_bytes)]
    weights = [f["weight"] for f in linkage["fields"]]
    data = struct.pack("<8sHHIQ32s16sHH", b"KITHENC\n", 1, 1, linkage["bits"], len(rows), b"", b"",
                       len(weights), 0)
    data += struct.pack("<16I", *(weights + [0] * 16)[:16]) + b"".join(r[16:] for r in rows)
    path.write_bytes(data + struct.pack("<I", binascii.crc32(data)))
    path.with_name(path.name + ".ids").write_text("".join(r[:16].hex() + "\n" for r in rows))


def pure(city, rows):
    """The people that `kith link` finds in the same rows."""
    files = []
    for agency, data in rows.items():
        files.append(city.folder / f"{agency}.kith")
        encodings_file(files[-1], city.policy, data)
    city.kith("link", "--encodings", "--quiet", "--policy", "policy.json", "--out", "linked", *files)
    people = collections.defaultdict(set)
    with open(city.folder / "linked" / "cohort.csv") as file:
        for row in csv.DictReader(file):
            people[row["cohort"]].add(bytes.fromhex(row["id"]))
    return {frozenset(p) for p in people.values()}


def play(folder, victim, env):
    """Deaths; the people must be those of the pure engine."""
    folder.mkdir(parents=True)
    round_ = Round(folder, victim, env)
    try:
        people, rows = round_.run()
        assert len(people) > 5
        assert people == pure(round_.city, rows)
        return round_.deaths
    finally:
        round_.close()


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    """victim -> how often each place is reached in a round that nothing disturbs."""
    found = {}
    for victim in VICTIMS:
        folder = tmp_path_factory.mktemp("trace")
        trace = folder / "trace"
        assert play(folder / "round", victim, {"KITH_TRACE_FAILPOINTS": str(trace)}) == 0
        found[victim] = collections.Counter(trace.read_text().split())
        assert len(found[victim]) >= PLACES_MIN[victim], found[victim]
    return found


def draw(victim, places):
    """(place, occurrence) to be killed at: of each place one, of the store's several."""
    chance = random.Random(SEED)
    for place, n in sorted(places.items()):
        if ALL:
            yield from ((place, i) for i in range(1, n + 1))
        elif place.startswith("store.commit"):
            yield from ((place, i) for i in sorted({1, chance.randint(1, n), max(1, int(n * 0.9))}))
        else:
            yield place, chance.randint(1, max(1, int(n * 0.9)))


@pytest.mark.parametrize("victim", VICTIMS)
def test_killed_at_each_place(tmp_path, traces, victim):
    print(f"seed {SEED}")
    points = list(draw(victim, traces[victim]))
    failures, deaths = [], 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        running = {pool.submit(play, tmp_path / f"{place}.{n}", victim, {"KITH_KILL": f"{place}:{n}"}):
                   (place, n) for place, n in points}
        for future in concurrent.futures.as_completed(running):
            try:
                deaths += future.result() > 0
            except BaseException as failure:
                failures.append((running[future], str(failure)[-3000:]))
    assert not failures, failures
    # How often a place is reached differs a little from round to round.
    assert deaths >= len(points) * 0.8, (deaths, points)


def abort_in(folder, victim, env):
    """Only what the victim reaches after the abort counts: how often it turned before is chance."""
    folder.mkdir(parents=True)
    round_ = Round(folder, victim, {**env, "KITH_FAILPOINTS_FROM": str(folder / "aborting")})
    try:
        return round_.run_aborted()
    finally:
        round_.close()


@pytest.mark.parametrize("victim", VICTIMS)
def test_killed_while_a_round_is_aborted(tmp_path, victim):
    trace = tmp_path / "trace"
    assert abort_in(tmp_path / "undisturbed", victim, {"KITH_TRACE_FAILPOINTS": str(trace)}) == 0
    reached = collections.Counter(trace.read_text().split())
    points = [(place, i) for place, n in sorted(reached.items()) for i in {1, (n + 1) // 2}]
    failures, deaths = [], 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        running = {pool.submit(abort_in, tmp_path / f"{place}.{n}", victim,
                               {"KITH_KILL": f"{place}:{n}"}): (place, n) for place, n in points}
        for future in concurrent.futures.as_completed(running):
            try:
                deaths += future.result() > 0
            except BaseException as failure:
                failures.append((running[future], str(failure)[-3000:]))
    assert not failures, failures
    assert deaths >= len(points) * 0.8, (deaths, points)


@pytest.mark.skipif(not ALL, reason="KITH_KILL_ALL=1 is not set")
@pytest.mark.parametrize("victim", VICTIMS)
def test_killed_at_random_instants(tmp_path, victim):
    print(f"seed {SEED}")
    chance = random.Random(SEED)

    def one(i, after_s):
        folder = tmp_path / str(i)
        folder.mkdir()
        round_ = Round(folder, victim)
        timer = threading.Timer(after_s, lambda: round_.city.programs[victim].process.kill())
        timer.start()
        try:
            people, rows = round_.run()
            assert people == pure(round_.city, rows)
        finally:
            timer.cancel()
            round_.close()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for future in [pool.submit(one, i, chance.uniform(0.1, 2)) for i in range(100)]:
            future.result()
