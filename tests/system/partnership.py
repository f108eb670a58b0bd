"""A partnership on this machine: matcher, agencies, governance and a recipient, as real programs with
real keys on a free loopback port, in a temporary folder. Members' keys are made here, so a test can
also be any of them (wireclient.py)."""
import base64
import csv
import datetime
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

import wireclient as wire

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("KITH_BUILD", ROOT / "build")).resolve()
PROGRAMS = BUILD / "test"
KITH = PROGRAMS / "kith"
SHARED = pathlib.Path(os.environ.get("KITH_SHARED", ROOT.parent / "shared"))
AGENCIES = ("education", "health", "police")
TIMEOUT_S = 60
KINDS = dict(police="police", education="education", health="health")
FIELDS = [dict(field="given_name", q=2, bits_per_token=10, weight=67),
          dict(field="surname", q=2, bits_per_token=10, weight=71),
          dict(field="date_of_birth", q=0, bits_per_token=20, weight=147),
          dict(field="sex", q=0, bits_per_token=20, weight=20),
          dict(field="postcode", q=2, bits_per_token=3, weight=21)]


class TimedOut(AssertionError):
    pass


def wait_for(condition, what, timeout_s=TIMEOUT_S, pause_s=0.03):
    """The first true value of condition(); bounded, and without sleeping longer than needed."""
    until = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise TimedOut(f"{what}: not within {timeout_s} s")
        time.sleep(pause_s)


HANDED_OUT = set()


def free_port():
    """Below the range from which the kernel takes the ports of connections: one of those may be gone by the time it is
    listened on."""
    while True:
        port = random.SystemRandom().randrange(10240, 32768)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in HANDED_OUT:
            HANDED_OUT.add(port)
            return port


def listening():
    """(address, socket that listens there): for a server of the test's own, which takes the socket over."""
    server = socket.create_server(("127.0.0.1", 0))
    return f"tcp://127.0.0.1:{server.getsockname()[1]}", server


def zulu(days):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def people_csvs(folder, agencies, n_people, seed):
    """A table for each agency; ids tell the person, which the linkage never sees. Returns person ->
    agencies that know them."""
    draw = random.Random(seed)
    given = ["Olivia", "Amelia", "Isla", "George", "Noah", "Arthur", "Zofia", "Mohammed", "Aisha", "Siân",
             "Oscar", "Harriet", "Jakub", "Priya", "Tomasz", "Freya", "Callum", "Eilidh", "Idris", "Nia"]
    surnames = ["Smith", "Jones", "Okafor", "Kowalski", "Patel", "Evans", "Murphy", "O'Brien", "Novak",
                "Ahmed", "Whittaker", "Blackwood", "Fairclough", "Hargreaves", "Lindqvist", "Moreau"]
    known = {}
    rows = {agency: [] for agency in agencies}
    for person in range(n_people):
        born = datetime.date(1995, 1, 1) + datetime.timedelta(days=draw.randrange(7000))
        record = dict(given_name=draw.choice(given), surname=draw.choice(surnames) +
                      draw.choice(["", "", "-" + draw.choice(surnames)]),
                      date_of_birth=born.isoformat(), sex=draw.choice("fm"),
                      postcode=f"{draw.choice('ABCDEGH')}{draw.randrange(1, 30)} "
                               f"{draw.randrange(1, 10)}{draw.choice('ABDEF')}{draw.choice('GHJLN')}")
        known[person] = draw.sample(agencies, draw.choice([1, 1, 2, len(agencies)]))
        for agency in known[person]:
            copy = dict(record, id=f"{agency[0]}{person:05d}")
            if draw.random() < 0.1:
                copy["surname"] = copy["surname"][:-1]
            rows[agency].append(copy)
    columns = ["id", "given_name", "surname", "date_of_birth", "sex", "postcode"]
    for agency in agencies:
        draw.shuffle(rows[agency])
        with open(folder / f"{agency}.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows[agency])
    return known


class Program:
    """A daemon in its folder; stderr goes to a file there."""

    def __init__(self, name, config, folder, env=None):
        self.log_path = folder / "log"
        self.folder = folder
        self.process = subprocess.Popen(
            [str(PROGRAMS / name), "--config", str(config)], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=open(self.log_path, "ab"),
            env=dict(os.environ, **(env or {})))

    @property
    def pid(self):
        return self.process.pid

    @property
    def running(self):
        return self.process.poll() is None

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.wait(30)

    def stop(self):
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


class Partnership:
    def __init__(self, folder, agencies=AGENCIES, n_people=60, seed=7, policy=None, extra=(),
                 sources=None, env=None, front=False):
        self.folder = pathlib.Path(folder)
        self.agencies = sorted(agencies)
        self.port = free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"  # where the matcher listens
        # What the charter says: with `front` a place of the test's own, between agencies and matcher.
        self.charter_address, self.front_door = listening() if front else (self.address, None)
        self.programs = {}
        self.n_policies = 0
        self.officers = {}  # (agency, name) -> Identity
        self.clients = []
        self.env = env or {}  # member -> environment of its program
        self.members = {"matcher": wire.Identity("matcher", "matcher"),
                        "lead": wire.Identity("lead", "governance"),
                        "horizon": wire.Identity("horizon", "recipient"),
                        **{a: wire.Identity(a, "agency", KINDS.get(a, "other")) for a in self.agencies}}
        for identity in extra:
            self.members[identity.id] = identity
        self.lead = self.members["lead"]
        if sources is None:
            self.known = people_csvs(self.folder, self.agencies, n_people, seed)
        self.sources = sources or {a: self.folder / f"{a}.csv" for a in self.agencies}
        self.charter = self.make_charter()
        self.policy = self.make_policy(**(policy or {}))
        self.policy.save(self.folder / "policy.json")
        for member in self.members:
            self.make_home(member)

    # ---- documents

    def make_charter(self, version=1, without=(), signers=None, **changes):
        value = {"kith": "charter", "format": 1, "name": "Test city", "version": version,
                 "valid_from": zulu(-1), "expires": zulu(365),
                 "governance": {"threshold": 1,
                                "keys": [base64.b64encode(self.lead.sign_public).decode()]},
                 "matcher_address": self.charter_address,
                 "members": [m.member() for m in self.members.values() if m.id not in without]}
        value.update(changes)
        return wire.Document(wire.CHARTER, value, signers or [self.lead])

    def make_policy(self, signers=None, **changes):
        self.n_policies += 1
        value = {"kith": "policy", "format": 1, "name": f"test {self.n_policies}", "version": 1,
                 "expires": zulu(300),
                 "purpose": "find those who are known to several services", "trial": False,
                 "agencies": [{"id": a, "gateway": "an invented act, section 1"} for a in self.agencies],
                 "standardiser": "kith-1",
                 "linkage": {"protection": "clk", "bits": 1024, "mask": True,
                             "similarity": "masked_dice", "fields": FIELDS, "candidate_bound": "0.55",
                             "threshold": {"default": "auto", "min": "0.5", "max": "0.99"}},
                 "cohort": {"rule": "at least 2 services", "minimum_count": 1},
                 "round": {"quorum": 2, "minimum_batch": 5, "gather_s": 600, "keying_s": 600,
                           "submit_s": 600},
                 "release": {"recipients": ["horizon"], "review_days": 0, "retention_days": 30}}
        for key, change in changes.items():
            value[key] = {**value.get(key, {}), **change} if isinstance(change, dict) else change
        return wire.Document(wire.POLICY, value, signers or [self.lead])

    # ---- homes

    def home(self, member):
        return self.folder / member

    def config_path(self, member):
        role = self.members[member].role
        return self.home(member) / {"agency": "kithd.conf", "matcher": "kith-matcher.conf"}.get(
            role, "kith.conf")

    def make_home(self, member):
        identity, home = self.members[member], self.home(member)
        home.mkdir()
        (home / "passphrase").write_text("correct horse\n")
        os.chmod(home / "passphrase", 0o600)
        identity.save(home / "key", b"correct horse")
        self.charter.save(home / "charter.json")
        text = (f"[node]\nid = {member}\nstate_dir = {home}/state\nkey_file = {home}/key\n"
                f"passphrase_file = {home}/passphrase\ncharter_file = {home}/charter.json\n"
                f"governance_keys = {base64.b64encode(self.lead.sign_public).decode()}\n")
        if identity.role == "agency":
            text += (f"\n[source]\nfile = {self.sources.get(member, '/nonexistent')}\n\n[agency]\n"
                     f"control_socket = {home}/control\nallow_trial = yes\nstore_gib = 1\n"
                     "poll_ms = 50\n")
        elif identity.role == "matcher":
            text += f"\n[matcher]\nlisten = {self.address}\nthreads = 1\nstore_gib = 1\npoll_ms = 50\n"
        self.config_path(member).write_text(text)

    # ---- programs

    def start(self, *members, env=None):
        """Starts members (all daemons if none is named) and waits until they serve."""
        for member in members or ("matcher", *self.agencies):
            name = "kith-matcher" if self.members[member].role == "matcher" else "kithd"
            more = {**self.env.get(member, {}), **(env or {})}
            program = Program(name, self.config_path(member), self.home(member), more)
            self.programs[member] = program
        for member in members or ("matcher", *self.agencies):
            self.wait_ready(member)
        return self

    def wait_ready(self, member):
        program = self.programs[member]

        def ready():
            if not program.running:
                raise AssertionError(f"{member} ended with {program.process.returncode}: {program.log}")
            if self.members[member].role == "matcher":
                with socket.socket() as probe:
                    return probe.connect_ex(("127.0.0.1", self.port)) == 0
            return self.ask(member, do="status")
        wait_for(ready, f"{member} serves", 20)

    def close(self):
        for client in self.clients:
            client.close()
        for program in self.programs.values():
            if program.running:
                program.kill()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- being a member

    def client(self, member, **options):
        identity = member if isinstance(member, wire.Identity) else self.members[member]
        client = wire.Client(identity, self.address, self.members["matcher"].curve_public, **options)
        self.clients.append(client)
        return client

    def ask(self, agency, **request):
        """An officer's question over the control socket; None where nobody listens."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(20)
            try:
                control.connect(str(self.home(agency) / "control"))
                control.sendall(json.dumps(request).encode() + b"\n")
                reply = b""
                while not reply.endswith(b"\n"):
                    more = control.recv(65536)
                    if not more:
                        return None
                    reply += more
            except OSError:
                return None
        return json.loads(reply)

    def kith(self, *arguments, status=0, home=None, env=None, lines=False):
        """Runs the command line; standard output, parsed where --json was given, `lines` one by one."""
        command = [str(KITH), *map(str, arguments)]
        if home:
            command += ["--home", str(self.home(home))]
        done = subprocess.run(command, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=120, text=True, start_new_session=True,
                              env=dict(os.environ, **(env or {})))
        assert done.returncode == status, (command[1:], done.returncode, done.stdout, done.stderr)
        if "--json" not in arguments or status:
            return done.stdout
        return [json.loads(line) for line in done.stdout.splitlines()] if lines else json.loads(done.stdout)

    # ---- rounds

    def governance(self):
        if not hasattr(self, "_governance"):
            self._governance = self.client("lead")
        return self._governance

    def open_body(self, policy=None, agencies=None, **changes):
        policy = policy or self.policy
        terms = policy.value["round"]
        body = dict(charter=self.charter.hash, policy=policy.hash,
                    agencies=sorted(agencies or self.agencies), recipients=["horizon"],
                    quorum=terms["quorum"], gather_s=terms["gather_s"], keying_s=terms["keying_s"],
                    submit_s=terms["submit_s"], expires=int(time.time()) + 86400)
        body.update(changes)
        return list(body.values())

    def open_round(self, policy=None, agencies=None, **changes):
        """Published and opened by the governance lead; its id."""
        lead, policy = self.governance(), policy or self.policy
        error, _ = lead.put_document(policy)
        assert error == wire.OK, error
        round_id = os.urandom(16)
        error = lead.say(wire.OPEN, round_id, self.open_body(policy, agencies, **changes))
        assert error == wire.OK, error
        return round_id

    # ---- officers

    def officer(self, agency, name="officer_1"):
        """An officer's key; made when it is first asked for."""
        return self.officers.setdefault((agency, name), wire.Identity(name, "officer"))

    def listed(self, agency, name, days=(-1, 300)):
        return {"id": name, "role": "data officer",
                "key": base64.b64encode(self.officer(agency, name).sign_public).decode(),
                "valid_from": zulu(days[0]), "expires": zulu(days[1])}

    def officer_list(self, agency, officers, version, days=(-1, 300), signer=None, **changes):
        """The request that hands in a signed list: of names, or of whole entries."""
        value = {"kith": "officers", "format": 1, "member": agency, "version": version,
                 "officers": [o if isinstance(o, dict) else self.listed(agency, o, days) for o in officers]}
        value.update(changes)
        document = wire.Document(wire.OFFICERS, value, [signer or self.members[agency]])
        return dict(do="officers-put", document=base64.b64encode(document.bytes).decode(),
                    signature=base64.b64encode(document.signatures[0][1]).decode())

    def enrol(self, agency, *names, **options):
        """Makes these the agency's officers; kithd's answer."""
        version = self.ask(agency, do="officers")["version"] + 1
        reply = self.ask(agency, **self.officer_list(agency, names or ["officer_1"], version, **options))
        assert reply["ok"], reply
        return reply

    def decision(self, agency, of_round, verb, officer="officer_1", shown=None, **changes):
        """An officer's signed decision on what kithd shows now, in base64."""
        shown = shown or self.ask(agency, do="show", round=of_round.hex())
        subject = wire.officer_subject(shown["text"].encode())
        assert subject.hex() == shown["text_hash"]
        if isinstance(officer, str):
            officer = self.officer(agency, officer)
        terms = dict(officer=officer, member=agency, round_id=of_round, kind=verb, subject=subject,
                     time=shown["now"])
        return base64.b64encode(wire.officer_decision(**{**terms, **changes})).decode()

    def decide(self, agency, of_round, verb="join", officer="officer_1", **changes):
        return self.ask(agency, do=verb, round=of_round.hex(),
                        decision=self.decision(agency, of_round, verb, officer, **changes))

    def try_join(self, agency, round_id):
        """An officer joins, enrolled where there is none; None where kithd does not (yet) take it."""
        officers = self.ask(agency, do="officers")
        if officers is None:
            return None
        if not officers["officers"]:
            put = self.officer_list(agency, ["officer_1"], officers["version"] + 1)
            if not (self.ask(agency, **put) or {}).get("ok"):
                return None
        shown = self.ask(agency, do="show", round=round_id.hex())
        if not (shown or {}).get("ok"):
            return None
        reply = self.decide(agency, round_id, shown=shown)
        return reply if (reply or {}).get("ok") else None

    def join(self, round_id, *agencies):
        """Officers of running daemons join, each with a key."""
        for agency in agencies or self.agencies:
            wait_for(lambda: self.try_join(agency, round_id), f"{agency} joins")

    def player(self, member, round_id, policy=None, **more):
        return wire.Player(self.client(member), round_id, policy or self.policy, self.charter, **more)

    def state(self, round_id):
        return self.governance().statements(round_id)[0]

    def statements(self, round_id, statement_type=None):
        return [s for s in self.governance().statements(round_id)[2]
                if statement_type in (None, s.type)]

    def wait_state(self, round_id, state, timeout_s=TIMEOUT_S, players=()):
        """Until the round is in the state (or one after it); players step meanwhile."""
        wanted = wire.STATES[state]

        def reached():
            for player in players:
                player.step()
            now = self.state(round_id)
            if now > wanted and now in (wire.CLOSED, wire.ABORTED):
                raise AssertionError(f"the round ended: {self.abort(round_id)}\n{self.logs()}")
            return now >= wanted
        try:
            wait_for(reached, f"state {state}", timeout_s)
        except TimedOut as timed_out:
            raise TimedOut(f"{timed_out}; in state {self.state(round_id)}\n{self.logs()}") from None

    def abort(self, round_id):
        """(author, reason, culprit) of the round's abort; None while there is none."""
        for statement in self.statements(round_id, wire.ABORT):
            return statement.author, wire.REASONS[statement.body[0]], statement.body[1]
        return None

    def wait_abort(self, round_id, players=(), timeout_s=TIMEOUT_S):
        def aborted():
            for player in players if not self.abort(round_id) else ():
                try:
                    player.step()
                except AssertionError:  # the abort may have come between
                    if not self.abort(round_id):
                        raise
            return self.abort(round_id)
        try:
            return wait_for(aborted, "abort", timeout_s)
        except TimedOut as timed_out:
            raise TimedOut(f"{timed_out}\n{self.logs()}") from None

    def destroyed(self, round_id):
        """Member -> set of what it has attested."""
        found = {}
        for statement in self.statements(round_id, wire.DESTROYED):
            found.setdefault(statement.author, set()).add(statement.body[0])
        return found

    def cohort(self, round_id):
        """The list as the recipient opens it, checked against the release statement."""
        recipient = self.members["horizon"]
        error, sealed = self.client("horizon").cohort(round_id)
        assert error == wire.OK, error
        release = self.statements(round_id, wire.RELEASE)[0]
        assert dict(release.body[5])["horizon"] == wire.sealed_list_hash(sealed)
        plain = wire.unseal(recipient.seal_secret, wire.cohort_context(round_id, "horizon"), sealed)
        assert plain is not None
        cohort = wire.unpack(plain)
        if cohort[7]:
            assert wire.leaf_root(cohort) == release.body[6]
        return cohort

    def trial_map(self, agency, round_id):
        """handle -> record id."""
        found, after = {}, ""
        while True:
            page = self.ask(agency, do="trial-map", round=round_id.hex(), after=after)
            assert page["ok"], page
            found.update((bytes.fromhex(h), i) for h, i in page["entries"])
            if not page["more"]:
                return found
            after = page["after"]

    def people(self, round_id, agencies=None):
        """The cohort of a trial round as a set of people, each a set of (agency, record id)."""
        cohort = self.cohort(round_id)
        maps = {a: self.trial_map(a, round_id) for a in agencies or [a for a, _ in cohort[6]]}
        names = [a for a, _ in cohort[6]]
        return {frozenset((names[r[0]], maps[names[r[0]]][r[1]]) for r in person[4])
                for person in cohort[7]}

    def close_round(self, round_id, members=None):
        """Closed by governance, and destroyed by everybody."""
        assert self.governance().say(wire.CLOSE, round_id, [1]) == wire.OK
        self.wait_destroyed(round_id, members)

    def wait_destroyed(self, round_id, members=None):
        wait_for(lambda: all(4 in self.destroyed(round_id).get(m, ())
                             for m in members or ("matcher", *self.agencies)), "all is destroyed")

    def key_files(self, member, round_id):
        return sorted(p.name for p in self.home(member).rglob(f"{round_id.hex()}.*"))

    def logs(self):
        return "\n".join(f"---- {name}\n{program.log[-1500:]}" for name, program in self.programs.items())
