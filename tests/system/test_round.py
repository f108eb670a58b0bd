"""Whole rounds: by the command line as people would do it, their endings, and programs that die in any
state of one."""
import csv
import json
import os
import subprocess
import time

import pytest

import partnership
import wireclient as wire
from partnership import AGENCIES, KITH, wait_for


def kith(folder, *arguments, status=0):
    done = subprocess.run([str(KITH), *map(str, arguments)], cwd=folder, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120, start_new_session=True)
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout) if "--json" in arguments and done.stdout else done.stdout


class ByHand:
    """A partnership that is set up with nothing but the commands of `kith`."""

    def __init__(self, folder, agencies, sources, rule="at least 1 service", policy=()):
        self.folder, self.agencies, self.programs = folder, agencies, []
        self.address = f"tcp://127.0.0.1:{partnership.free_port()}"
        (folder / "pass").write_text("a passphrase of a person\n")
        os.chmod(folder / "pass", 0o600)
        person = ("--passphrase-file", "pass")
        homes = {"lead": ("governance", *person), "horizon": ("recipient", *person),
                 "matcher": ("matcher", "--listen", self.address)}
        for agency in agencies:
            homes[agency] = ("agency", "--kind", "other", "--source", sources[agency], "--allow-trial")
        for member, (role, *rest) in homes.items():
            fingerprint = self.kith("setup", role, "--home", member, "--id", member, *rest)
            assert len(fingerprint.strip()) == 39
        self.kith("charter", "new", "--name", "By hand", "--matcher-address", self.address,
                  "--governance-key", "lead/member.json", "--out", "charter.json")
        self.kith("charter", "add", "--charter", "charter.json",
                  *[f"{member}/member.json" for member in homes])
        self.kith("charter", "sign", "--charter", "charter.json", "--key", "lead/key", *person)
        for member, (role, *rest) in homes.items():
            self.kith("setup", role, "--home", member, "--id", member, *rest, "--offline", "--charter",
                      "charter.json", "--governance-key", "lead/member.json")
        gateways = [g for a in agencies for g in ("--gateway", f"{a}=made-up data")]
        self.kith("policy", "new", "--charter", "charter.json", "--recipient", "horizon", "--rule", rule,
                  "--protection", "clk", "--trial", "--minimum-count", "1", *policy, *gateways, "--out", "policy.json")
        self.kith("policy", "sign", "--policy", "policy.json", "--key", "lead/key", *person)
        for member in ("matcher", *agencies):
            name = ("kith-matcher", "kith-matcher.conf") if member == "matcher" else ("kithd", "kithd.conf")
            config = folder / member / name[1]
            config.write_text(config.read_text() + "poll_ms = 50\n")  # its last section takes it
            self.programs.append(partnership.Program(name[0], config, folder / member))
        for agency in agencies:
            wait_for(lambda: self.quiet("status", "--home", agency, "--json"), f"{agency} serves", 20)
            self.kith("officer", "new", "--id", "officer_1", "--out", f"{agency}.officer", *person)
            self.kith("officer", "add", "--home", agency, f"{agency}.officer.json")

    def join(self, agency, round_id):
        return self.kith("round", "join", "--home", agency, "--officer-key", f"{agency}.officer",
                         "--passphrase-file", "pass", round_id)

    def kith(self, *arguments, status=0):
        return kith(self.folder, *arguments, status=status)

    def quiet(self, *arguments):
        """None where it fails."""
        try:
            return self.kith(*arguments)
        except AssertionError:
            return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for program in self.programs:
            program.kill()


def test_a_review_by_the_command_line(tmp_path):
    agencies = list(AGENCIES)
    partnership.people_csvs(tmp_path, agencies, 300, seed=8)
    sources = {a: tmp_path / f"{a}.csv" for a in agencies}
    with ByHand(tmp_path, agencies, sources, policy=("--review",)) as hand:
        round_id = hand.kith("round", "open", "--home", "lead", "--policy", "policy.json").split()[-1]
        for agency in agencies:
            wait_for(lambda: round_id in (hand.quiet("round", "list", "--home", agency) or ""),
                     f"{agency} hears of the round", 20)
            hand.join(agency, round_id)
        wait_for(lambda: hand.kith("round", "show", "--home", "lead", "--json", round_id)["state"] == "review",
                 "review", 20)
        assert "ON THE LIST" in hand.kith("threshold", "show", "--home", "lead", round_id)
        shown = hand.kith("threshold", "show", "--home", "lead", "--json", round_id)
        assert len(shown["points"]) == 26 and shown["chosen"] is None
        hand.kith("threshold", "show", "--home", "lead", "--html", "page.html", round_id)
        assert "would not belong" in (tmp_path / "page.html").read_text()
        hand.kith("threshold", "set", "--home", "lead", round_id, "1.5", status=2)
        hand.kith("threshold", "set", "--home", "lead", round_id, "0.2", status=77)
        assert hand.quiet("threshold", "set", "--home", "horizon", round_id, "0.8") is None
        assert hand.quiet("threshold", "show", "--home", "horizon", round_id) is None
        hand.kith("threshold", "set", "--home", "lead", round_id, "0.8")
        hand.kith("round", "watch", "--home", "lead", "--quiet", round_id)
        assert hand.kith("round", "show", "--home", "lead", "--json", round_id)["state"] == "released"
        assert hand.quiet("threshold", "set", "--home", "lead", round_id, "0.7") is None
        # What it was chosen from is there to be read until the round is over.
        assert hand.kith("threshold", "show", "--home", "lead", "--json", round_id)["chosen"] == 0.8


def test_a_round_by_the_command_line(tmp_path):
    agencies = list(AGENCIES)
    known = partnership.people_csvs(tmp_path, agencies, 120, seed=5)
    with open(tmp_path / "truth.csv", "w") as truth:
        truth.write("party,id,entity\n" + "".join(f"{a},{a[0]}{person:05d},e{person}\n"
                                                   for person in known for a in known[person]))
    sources = {a: tmp_path / f"{a}.csv" for a in agencies}
    with ByHand(tmp_path, agencies, sources) as hand:
        for member in ("lead", "horizon"):
            assert hand.kith("status", "--home", member, "--json")
        round_id = hand.kith("round", "open", "--home", "lead", "--policy", "policy.json").split()[-1]
        assert len(round_id) == 32
        for agency in agencies:
            wait_for(lambda: round_id in (hand.quiet("round", "list", "--home", agency) or ""),
                     f"{agency} hears of the round", 20)
            assert "made-up data" in hand.kith("round", "show", "--home", agency, round_id)
            hand.join(agency, round_id)
        hand.kith("round", "watch", "--home", "lead", "--quiet", round_id)
        assert hand.kith("round", "show", "--home", "lead", "--json", round_id)["state"] == "released"
        hand.kith("cohort", "list", "--home", "horizon", round_id, status=66)  # not pulled yet
        hand.kith("cohort", "pull", "--home", "horizon", round_id)
        assert "COHORT" in hand.kith("cohort", "list", "--home", "horizon", round_id)
        assert "confidence" in hand.kith("cohort", "show", "--home", "horizon", "--number", "1", round_id)
        hand.kith("cohort", "export", "--home", "horizon", "--out", "exported", round_id)
        maps = []
        for agency in agencies:
            maps.append(f"{agency}.map.csv")
            hand.kith("round", "trial-map", "--home", agency, "--out", maps[-1], round_id)
        score = hand.kith("evaluate", "--truth", "truth.csv", "--json", "--map", *maps, "exported")
        assert find_f1(score) > 0.9, score["pairs"]
        # Nobody else may do what is not theirs.
        for arguments in (("round", "abort", "--home", "horizon"), ("round", "close", "--home", agencies[0]),
                          ("cohort", "pull", "--home", "lead"), ("round", "join", "--home", "lead", "--officer-key", f"{agencies[0]}.officer")):
            assert hand.quiet(*arguments, round_id) is None
        hand.kith("round", "close", "--home", "lead", round_id)
        wait_for(lambda: hand.kith("round", "show", "--home", "lead", "--json",
                                   round_id)["state"] == "closed", "closed")
        assert hand.quiet("cohort", "pull", "--home", "horizon", round_id) is None
        hand.kith("cohort", "list", "--home", "horizon", round_id)  # what was pulled is the recipient's
        wait_for(lambda: hand.quiet("round", "trial-map", "--home", agencies[0], "--out", "late.csv",
                                    round_id) is None, "the map is gone")


def find_f1(score):
    pairs = score["pairs"]
    return pairs["f1"] if "f1" in pairs else pairs["all"]["f1"]


CITY_SMALL = partnership.SHARED / "data" / "city-small"


@pytest.mark.skipif(not (CITY_SMALL / "truth.csv").exists(), reason="skipped: no KITH_SHARED data")
def test_city_small_by_a_round(tmp_path):
    agencies = ["childrens_services", "education", "health", "police", "probation", "youth_justice"]
    with ByHand(tmp_path, agencies, {a: CITY_SMALL / f"{a}.csv" for a in agencies}) as hand:
        round_id = hand.kith("round", "open", "--home", "lead", "--policy", "policy.json").split()[-1]
        for agency in agencies:
            wait_for(lambda: round_id in (hand.quiet("round", "list", "--home", agency) or ""),
                     f"{agency} hears of the round", 30)
            hand.join(agency, round_id)
        hand.kith("round", "watch", "--home", "lead", "--quiet", round_id)
        hand.kith("cohort", "pull", "--home", "horizon", round_id)
        hand.kith("cohort", "export", "--home", "horizon", "--out", "exported", round_id)
        for agency in agencies:
            hand.kith("round", "trial-map", "--home", agency, "--out", f"{agency}.map.csv", round_id)
        score = hand.kith("evaluate", "--truth", CITY_SMALL / "truth.csv", "--json", "--map",
                          *[f"{a}.map.csv" for a in agencies], "exported")
        assert find_f1(score) >= 0.95, score["pairs"]


# ---- what a round leaves behind

def test_a_whole_round_and_its_destruction(tmp_path):
    with partnership.Partnership(tmp_path, policy=dict(trial=True)) as city:
        city.start()
        round_id = city.open_round()
        city.join(round_id)
        city.wait_state(round_id, "released")
        people = city.people(round_id)
        ids = {frozenset((a, f"{a[0]}{person:05d}") for a in known)
               for person, known in city.known.items() if len(known) > 1}
        assert len(people & ids) > 0.8 * len(ids)
        wait_for(lambda: all({1, 2, 3} <= city.destroyed(round_id).get(a, set()) for a in AGENCIES) and
                 3 in city.destroyed(round_id).get("matcher", ()), "attested after the release")
        for agency in AGENCIES:
            assert city.key_files(agency, round_id) == [f"{round_id.hex()}.table"]
        assert city.key_files("matcher", round_id) == []
        city.close_round(round_id)
        assert city.state(round_id) == wire.CLOSED
        for member in ("matcher", *AGENCIES):
            assert city.key_files(member, round_id) == []
        assert city.client("horizon").cohort(round_id)[0] == wire.WRONG_STATE
        assert not city.ask("police", do="trial-map", round=round_id.hex(), after="")["ok"]
        # Nothing of the people is in any store or log.
        names = {value.encode() for agency in AGENCIES
                 for row in csv.DictReader(open(city.sources[agency])) for value in
                 (row["id"], row["surname"], row["postcode"]) if len(value) > 4}
        for member in ("matcher", *AGENCIES):
            for path in city.home(member).rglob("*"):
                if path.is_file():
                    data = path.read_bytes()
                    assert not [n for n in names if n in data], path
        for program in city.programs.values():
            assert program.stop() == 0
        city.start()
        assert city.state(round_id) == wire.CLOSED


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    with partnership.Partnership(tmp_path_factory.mktemp("city"), policy=dict(trial=True)) as city:
        yield city.start("matcher", "education", "health")


def steps_of(player):
    """(name, reached): places at which the round can be held, because police does not go on."""
    everybody = {"education", "health", "police"}

    def others(statement_type):
        return lambda: everybody - {"police"} <= set(player.of(statement_type))
    return [("announced", lambda: True, None),
            ("gathering", others(wire.JOIN), player.join),
            ("committing", others(wire.COMMITMENT), player.commit),
            ("opening", others(wire.OPENING), player.open_contribution),
            ("confirming", others(wire.CONFIRMATION), player.confirm),
            ("intending", others(wire.INTENT), player.intend),
            ("sending", others(wire.MANIFEST), lambda: player.send_batch(0)),
            ("submitting", others(wire.MANIFEST), player.manifest)]


STEPS = ["announced", "gathering", "committing", "opening", "confirming", "intending", "sending",
         "submitting"]


def hold(city, until_step, at_each=None):
    """A round that stands at the step; at_each(step) is called at every one on the way."""
    round_id = city.open_round()
    player = city.player("police", round_id)
    player.make_rows(20)
    for step, reached, act in steps_of(player):
        if step == "gathering":
            city.join(round_id, "education", "health")
        wait_for(lambda: player.sync() or reached(), f"{step}: the others")
        if at_each:
            at_each(step, player)
        if step == until_step:
            return player
        if act:
            assert act() == wire.OK, step
    return player


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("author", ["lead", "police"])
def test_abort_destroys_everything(city, step, author):
    if author == "police" and step in ("committing", "confirming", "sending"):
        pytest.skip("as by the lead")
    player = hold(city, step)
    client = city.governance() if author == "lead" else player.client
    assert client.say(wire.ABORT, player.round, [1, ""], attempt=player.attempt) == wire.OK
    assert city.abort(player.round) == (author, "governance", "")
    joined = [] if step == "announced" else ["education", "health"]
    city.wait_destroyed(player.round, ["matcher", *joined])
    for member in ("matcher", "education", "health"):
        assert city.key_files(member, player.round) == []
    assert city.state(player.round) == wire.ABORTED
    later = int(time.time()) + 9  # not the same bytes as before
    for statement_type, body in ((wire.JOIN, [bytes(32)] * 5), (wire.COMMITMENT, [bytes(32)] * 2),
                                 (wire.INTENT, [bytes(32), 20, 1, player.row_bytes])):
        assert player.say(statement_type, body, at=later) == wire.WRONG_STATE
    assert player.send_batch(0) in (wire.WRONG_STATE, wire.DENIED)


def test_a_smaller_set_needs_consent(city):
    policy = city.make_policy(trial=True, round={"submit_s": 2})
    round_id = city.open_round(policy)
    player = city.player("police", round_id, policy)
    city.join(round_id, "education", "health")

    def gone_on():
        player.sync()
        if "police" not in player.of(wire.INTENT):
            player.step()
        return len(player.of(wire.MANIFEST)) == 2
    wait_for(gone_on, "two manifests")
    lead = city.governance()
    assert lead.say(wire.CONSENT, round_id, [player.roster_hash, ["education", "police"]]) != wire.OK
    assert lead.say(wire.CONSENT, round_id, [os.urandom(32), ["education", "health"]]) != wire.OK
    assert city.state(round_id) == wire.SUBMITTING
    assert lead.say(wire.CONSENT, round_id, [player.roster_hash, ["education", "health"]]) == wire.OK
    city.wait_state(round_id, "released")
    assert [a for a, _ in city.cohort(round_id)[6]] == ["education", "health"]
    city.close_round(round_id, ["matcher", "education", "health"])


@pytest.mark.parametrize("victim", ["matcher", "health"])
def test_killed_and_restarted_at_every_step(city, victim):
    def restart(step, player):
        city.programs[victim].kill()
        city.start(victim)
        if step == "announced" and victim == "health":  # the decision survives as well
            city.join(player.round, "health")
            city.programs[victim].kill()
            city.start(victim)
    player = hold(city, None, restart)
    city.wait_state(player.round, "released")
    restart("released", player)
    assert len(city.cohort(player.round)[7]) > 5
    city.close_round(player.round, ["matcher", "education", "health"])
    restart("closed", player)
    assert city.state(player.round) == wire.CLOSED


def test_what_is_over_is_destroyed_though_the_matcher_is_silent(tmp_path):
    clock = tmp_path / "clock"
    clock.write_text("0")
    with partnership.Partnership(tmp_path) as city:
        city.start(env={"KITH_TEST_CLOCK": str(clock)})
        round_id = city.open_round()
        city.join(round_id)
        city.wait_state(round_id, "released")
        city.programs["matcher"].kill()
        for agency in AGENCIES:
            assert city.key_files(agency, round_id)
        clock.write_text(str(31 * 86400))  # the policy keeps for 30 days
        for agency in AGENCIES:
            wait_for(lambda: not city.key_files(agency, round_id), f"{agency} destroys", 40)
