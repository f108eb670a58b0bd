"""A matcher that is killed in the middle of a round's matching goes on from its journal: the list is
the one that the pure engine finds, little is done twice, and nothing of the journal is left."""
import os
import re
import signal

import partnership
import wireclient as wire
from partnership import wait_for
from test_kill import pure

AGENCIES = ("education", "health")
PEOPLE = 24000  # about a hundred units
KILLED_AT = 60
SEED = int(os.environ.get("KITH_TEST_SEED") or 20261123)
RESUMED = re.compile(r"matching\.resumed run=0 finished=(\d+) units=(\d+)")


def test_killed_in_the_middle(tmp_path):
    print(f"seed {SEED}")
    reveal, trace = tmp_path / "revealed", tmp_path / "trace"
    reveal.mkdir()
    city = partnership.Partnership(tmp_path, AGENCIES, n_people=PEOPLE, seed=SEED,
                                   policy={"linkage": {"candidate_bound": "0.8"}},
                                   env={a: {"KITH_TEST_REVEAL": str(reveal)} for a in AGENCIES})
    with city:
        city.start("matcher", env={"KITH_KILL": f"matching.unit:{KILLED_AT}"})
        city.start(*AGENCIES)
        round_id = city.open_round()
        city.join(round_id)
        matcher = city.programs["matcher"]
        wait_for(lambda: not matcher.running, "killed while it matches", 180)
        assert matcher.process.returncode == -signal.SIGKILL, matcher.log
        assert "matching.resumed" not in matcher.log
        city.start("matcher", env={"KITH_TRACE_FAILPOINTS": str(trace)})
        wait_for(lambda: city.state(round_id) == wire.RELEASED, "released", 180)
        resumed = RESUMED.search(city.programs["matcher"].log)
        assert resumed, city.programs["matcher"].log
        had, n_units = int(resumed[1]), int(resumed[2])
        again = trace.read_text().split().count("matching.unit")
        assert n_units > KILLED_AT + 20, n_units
        # KILLED_AT were done, the last of them by a program that died then.
        assert KILLED_AT - 1 - 0.05 * n_units <= had <= KILLED_AT, (had, n_units)
        assert again == n_units - had
        people = {frozenset(bytes(r[1]) for r in p[4]) for p in city.cohort(round_id)[7]}
        rows = {a: (reveal / f"{a}.{round_id.hex()}.rows").read_bytes() for a in AGENCIES}
        assert len(people) > 1000
        assert people == pure(city, rows)
        wait_for(lambda: city.key_files("matcher", round_id) == [], "the intake's key is destroyed")
