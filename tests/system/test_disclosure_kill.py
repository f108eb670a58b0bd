"""Programs that are killed at the places where they write, commit or send, in the middle of a
disclosure, and started again: nothing is lost, and each request has one answer."""
import collections
import os
import random
import signal
import subprocess
import threading

import pytest

import wireclient as wire
from partnership import KITH, Program, wait_for
from test_disclosure import Disclosing

SEED = int(os.environ.get("KITH_TEST_SEED") or 20261123)
ALL = os.environ.get("KITH_KILL_ALL") == "1"
POINTS = 4  # of each victim, where not all


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    with Disclosing(tmp_path_factory.mktemp("kill"),
                    disclosure=dict(requests_per_round=4000, requests_per_day=4000)) as p:
        yield p.release()


def again(p, member, env=None, wait=True):
    """Started anew, with the environment."""
    program = p.programs[member]
    if program.running:
        program.stop()
    p.programs[member] = Program("kith-matcher" if member == "matcher" else "kithd", p.config_path(member),
                                 p.home(member), env)
    if wait:
        p.wait_ready(member)


class Tended:
    """A daemon that is started again as soon as it has died by its own hand."""

    def __init__(self, p, member):
        self.p, self.member, self.deaths, self.problem = p, member, 0, None
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.keep)

    def keep(self):
        while not self.done.wait(0.02):
            program = self.p.programs[self.member]
            if program.running:
                continue
            if program.process.returncode != -signal.SIGKILL:
                self.problem = program.log
                return
            self.deaths += 1
            self.p.programs[self.member] = Program(
                "kith-matcher" if self.member == "matcher" else "kithd",
                self.p.config_path(self.member), self.p.home(self.member))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()
        assert not self.problem, self.problem


def disclose(p):
    """One request from asking to answer, however often something dies; its id."""
    number = p.next_record("police")[0][0]
    before = {d["id"] for d in p.kith("disclosure", "list", "--json", home="horizon")}
    run(p, "disclosure", "request", "--agency", "police", "--fields", "surname", "--reason", "early_help",
        "--words-file", "why.txt", p.round, str(number))
    request, = {d["id"] for d in p.kith("disclosure", "list", "--json", home="horizon")} - before

    def waits():
        run(p, "disclosure", "pull")
        found = p.ask("police", do="disclosures")
        return found and [d for d in found["disclosures"] if d["id"] == request]
    wait_for(waits, "it waits")

    def approved():
        done = subprocess.run([str(KITH), "disclosure", "approve", "--home", str(p.home("police")),
                               "--officer-key", str(p.folder / "police-officer.key"), "--passphrase-file",
                               str(p.folder / "police-officer"), "--quiet", request], capture_output=True,
                              text=True, timeout=60, start_new_session=True)
        return done.returncode == 0 or "answered already" in done.stderr
    wait_for(approved, "approved")

    def answered():
        run(p, "disclosure", "pull")
        return [d for d in p.kith("disclosure", "list", "--json", home="horizon")
                if d["id"] == request and d["state"] == "granted"]
    wait_for(answered, "an answer")
    return request


def run(p, *arguments):
    """kith at the recipient; it may fail, where the matcher is away."""
    return subprocess.run([str(KITH), *arguments, "--home", str(p.home("horizon"))], cwd=p.folder,
                          capture_output=True, text=True, timeout=60, start_new_session=True)


def check(p, request):
    """One answer; asked, approved and answered once, as both logs say."""
    error, letters = p.horizon.letters(p.round_id)
    assert error == wire.OK
    seen = 0
    while letters:
        seen += sum(l[3].hex() == request for l in letters)
        error, letters = p.horizon.letters(p.round_id, letters[-1][0])
    assert seen == 1
    for home, own, events in (("police", [], ("requested", "approved", "answered")),
                              ("horizon", ["--own"], ("requested", "answered"))):
        found = collections.Counter(e["event"] for e in p.kith("audit", "show", "--json", *own, home=home)
                                    if e["values"].get("hash") == request)
        assert found == {f"disclosure_{event}": 1 for event in events}, (home, found)


def draw(places, most=None):
    """Where to kill: all points, or some. How often a place is come by hangs on how long a run takes, but
    what comes by often is sure to come by ten times."""
    counts = {place: n for place, n in sorted(places.items())
              if place.startswith(("store.", "file.", "roundkey.", "transport."))}
    if ALL:
        return [(place, i) for place, n in counts.items() for i in range(1, n + 1)]
    points = [(place, i) for place, n in counts.items() for i in range(1, min(n, 10) + 1)]
    return [(max(counts, key=counts.get), 10)] + \
        random.Random(SEED).sample(points, min(most or POINTS, len(points)) - 1)


@pytest.mark.parametrize("victim", ["police", "matcher"])
def test_a_daemon_is_killed(city, tmp_path, victim):
    print(f"seed {SEED}")
    trace = tmp_path / "trace"
    again(city, victim, {"KITH_TRACE_FAILPOINTS": str(trace)})
    check(city, disclose(city))
    city.programs[victim].stop()
    places = collections.Counter(trace.read_text().split())
    assert len(places) >= 4, places
    deaths = 0
    for place, n in draw(places, 2 if victim == "matcher" else POINTS):
        again(city, victim, {"KITH_KILL": f"{place}:{n}"}, wait=False)
        with Tended(city, victim) as tended:
            request = disclose(city)
        deaths += tended.deaths
        again(city, victim)
        check(city, request)
    assert deaths >= 1, deaths
    again(city, victim)


def cli_places(city, tmp_path, arguments):
    trace = tmp_path / "trace"
    done = subprocess.run([str(KITH), *arguments, "--home", str(city.home("horizon"))], cwd=city.folder,
                          capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, KITH_TRACE_FAILPOINTS=str(trace)))
    assert done.returncode == 0, done.stderr
    return collections.Counter(trace.read_text().split())


def killed(city, arguments, place, n):
    done = subprocess.run([str(KITH), *arguments, "--home", str(city.home("horizon"))], cwd=city.folder,
                          capture_output=True, timeout=60, env=dict(os.environ, KITH_KILL=f"{place}:{n}"))
    return done.returncode == -signal.SIGKILL


def test_the_recipients_kith_is_killed(city, tmp_path):
    """A request that was kept is sent by the next pull, once; one that was not is not there. An answer that
    was on its way is fetched again."""
    number = city.records("police")[0][0][0]
    ask = ["disclosure", "request", "--agency", "police", "--fields", "surname", "--reason", "early_help",
           "--words-file", "why.txt", city.round, str(number)]

    def listed():
        return {d["id"]: d["state"] for d in city.kith("disclosure", "list", "--json", home="horizon")}
    deaths = 0
    for place, n in draw(cli_places(city, tmp_path, ask)):
        before = listed()
        deaths += killed(city, ask, place, n)
        fresh = set(listed()) - set(before)
        assert len(fresh) <= 1
        city.pull()
        for request in fresh:
            city.wait_queued(request)
            city.settle("approve", request)
            assert city.pulled(request)["state"] == "granted"
            check(city, request)
    for waiting in city.queue():
        city.settle("approve", waiting["id"])
    wait_for(lambda: all(d["state"] != "waiting" for d in city.queue(everything=True)), "answers are made")
    for place, n in draw(cli_places(city, tmp_path, ["disclosure", "pull"])):
        request = city.request(number)
        city.wait_queued(request)
        city.settle("approve", request)
        deaths += killed(city, ["disclosure", "pull"], place, n)
        assert city.pulled(request)["state"] == "granted"
        check(city, request)
    assert deaths >= POINTS // 2, deaths
