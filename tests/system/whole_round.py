"""One round from the first key to its destruction, by nothing but the programs' own commands, with a
home folder for each person: three governance keys of which two sign, six agencies, one recipient.
test_whole_round.py looks at what came out, and tests/demo/chapter writes what was typed and seen into
docs/a-round.md."""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import textwrap

from partnership import KITH, Program, TimedOut, free_port, wait_for

AGENCIES = ("police", "youth_justice", "probation", "childrens_services", "education", "health")
DECLINES = "education"
GOVERNANCE = ("lead", "second", "third")
RECIPIENT = "horizon"
PEOPLE = 6000
THRESHOLD = "0.9"
GATEWAYS = {"police": "PCSC Act 2022 s.16", "youth_justice": "CDA 1998 s.115",
            "probation": "OMA 2007 s.14", "childrens_services": "Children Act 2004 s.10",
            "education": "Education Act 2002 s.175",
            "health": "NHS Act 2006 s.251, with the leave of the Confidentiality Advisory Group"}
HOME = ".config/kith"
PASSPHRASE = "a passphrase that a person would type\n"


# Who types, in the words of the page.
TITLES = {"lead": "The governance lead", "second": "The second governance key's holder",
          "third": "The third governance key's holder", RECIPIENT: "The prevention team",
          "auditor": "Somebody with the charter", **{a: f"Data officer, {a}" for a in AGENCIES}}
INTRODUCTION = """# A round, from the first key to the last

What each person types and sees, in order. Every answer below is a real one, of a round between real processes
over a made-up city: three governance keys of which two must sign, six agencies, a prevention team. `make chapter`
runs it again and writes this page, and `tests/system/test_whole_round.py` holds that the commands are these.

Each person types on a machine of their own, and `~` is their own home folder. Where a command uses a key, it asks
for the passphrase; that is not shown. Ids, keys and fingerprints are cut (`…`), long answers too
(`[...]`). Commands that others type in the same way are shown once. What is lost when a key is:
[keys.md](keys.md).
"""


def first_lines(seen, n):
    lines = seen.splitlines()
    return "\n".join(lines[:n] + ["[...]"] if len(lines) > n else lines) + "\n"


def shortened(text):
    """Without what differs from one run to the next and says nothing to a reader."""
    text = re.sub(r"tcp://127\.0\.0\.1:\d+", "tcp://192.0.2.1:7420", text)
    text = re.sub(r"\b([0-9a-f]{8})[0-9a-f]{8,}\b", "\\1…", text)
    return re.sub(r"\b((?:[0-9A-Z]{4} ){2})(?:[0-9A-Z]{4} ){5}[0-9A-Z]{4}\b", "\\1…", text)


def wrapped(typed):
    """A command as a person would break it."""
    lines = [""]
    for word in re.findall(r"(?:[^\s']|'[^']*')+", typed):
        if lines[-1] and len(lines[-1]) + len(word) > 92:
            lines.append("   ")
        lines[-1] += (" " if lines[-1] else "") + word
    return " \\\n".join(lines)


def page(told):
    """The chapter, in Markdown."""
    parts, n = [INTRODUCTION], 0
    for entry in told:
        if len(entry) == 2:
            n += 1
            parts.append(f"## {n}. {entry[0]}\n\n{textwrap.fill(entry[1], 112)}\n")
        else:
            who, typed, seen = entry
            seen = "\n".join(line.rstrip() for line in shortened(seen).splitlines())
            block = f"$ {wrapped(shortened(typed))}\n{seen}".rstrip()
            parts.append(f"{TITLES[who]}:\n\n```\n{block}\n```\n")
    return "\n".join(parts)


class Person:
    """A home folder, in which this person types."""

    def __init__(self, folder, name):
        self.name, self.folder = name, folder / name
        self.home = self.folder / HOME
        self.home.mkdir(parents=True)
        secret = self.folder / "passphrase"
        secret.write_text(PASSPHRASE)
        secret.chmod(0o600)

    def take(self, path):
        """A file that somebody has handed over, with its signatures."""
        shutil.copy(path, self.folder)
        signatures = path.with_name(path.name + ".sig")
        if signatures.exists():
            shutil.copy(signatures, self.folder)


class WholeRound:
    """Runs it. `told` is what happened: (heading, words) and (who, what was typed, what was seen)."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.told, self.daemons = [], []
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self.people = {n: Person(self.folder, n)
                       for n in (*GOVERNANCE, RECIPIENT, "matcher", *AGENCIES)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for daemon in self.daemons:
            if daemon.running:
                daemon.kill()

    # ---- telling and typing

    def heading(self, title, words):
        self.told.append((title, words))

    def run(self, who, *arguments, passphrase=False, status=0, merge=False):
        """Standard output, with standard error where `merge`."""
        person = self.people[who]
        command = [str(KITH), *map(str, arguments)]
        if passphrase:
            command += ["--passphrase-file", str(person.folder / "passphrase")]
        done = subprocess.run(command, cwd=person.folder, stdin=subprocess.DEVNULL, text=True, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT if merge else subprocess.PIPE,
                              start_new_session=True, env=dict(os.environ, HOME=str(person.folder)))
        assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def types(self, who, *arguments, keep=None, **how):
        """As run(), and it is told; `keep` says which part of a long answer is."""
        seen = self.run(who, *arguments, merge=True, **how)
        home = str(self.people[who].folder)
        typed = "kith " + " ".join(shlex.quote(str(a).replace(home, "~")).replace("'~'", "~")
                                   for a in arguments)
        typed = re.sub(r"'(~[\w./]*)'", r"\1", typed)
        shown = keep(seen) if keep else seen
        self.told.append((who, typed, shown.replace(home, "~").replace(str(self.folder) + "/", "")))
        return seen

    def json(self, who, *arguments, lines=False, **how):
        said = self.run(who, *arguments, "--json", **how)
        return [json.loads(line) for line in said.splitlines()] if lines else json.loads(said)

    def started(self, who, program, config):
        person = self.people[who]
        daemon = Program(program, person.home / config, person.home, {"HOME": str(person.folder)})
        self.daemons.append(daemon)
        return daemon

    def answers(self, who, *arguments, **how):
        """Until the command is no failure: a daemon that has not heard of something yet."""
        failures = []

        def asked():
            try:
                return self.run(who, *arguments, **how) or " "
            except AssertionError as failure:
                failures.append(failure)
                return None
        try:
            return wait_for(asked, f"{who}: kith {' '.join(map(str, arguments))}", pause_s=0.1)
        except TimedOut:
            raise failures[-1] from None

    def state(self):
        return self.json("lead", "round", "show", self.round)["state"]

    def until(self, *states):
        def reached():
            state = self.state()
            assert state in states or state != "aborted", self.run("lead", "round", "show", self.round)
            return state in states
        return wait_for(reached, f"the round is {states}", pause_s=0.1)

    # ---- the round

    def all(self):
        for step in (self.keys, self.charter, self.daemons_up, self.policy, self.officers, self.opened,
                     self.joined, self.reviewed, self.listed, self.asked, self.answered, self.visited,
                     self.closed, self.verified):
            step()
        return self

    def keys(self):
        self.run("matcher", "generate", "--people", PEOPLE, "--agencies", len(AGENCIES), "--seed", 2026,
                 "--out", self.folder / "city", "--quiet")
        self.heading("Keys", "Everybody makes keys on their own machine. A key file never leaves it; the "
                     "card, `member.json`, does, and the fingerprint is read over the telephone.")
        self.setup = {**{g: ("governance", "--id", g) for g in GOVERNANCE},
                      RECIPIENT: ("recipient", "--id", RECIPIENT, "--name", "Prevention team"),
                      "matcher": ("matcher", "--id", "matcher", "--listen", self.address)}
        for agency in AGENCIES:
            shutil.copy(self.folder / "city" / f"{agency}.csv", self.people[agency].folder / "people.csv")
            self.setup[agency] = ("agency", "--id", agency, "--kind", agency, "--source",
                                  self.people[agency].folder / "people.csv")
        for who, options in self.setup.items():
            say = self.types if who in ("lead", "police", RECIPIENT) else self.run
            say(who, "setup", options[0], "--home", self.people[who].home, *options[1:], passphrase=True)

    def card(self, who):
        return self.people[who].home / "member.json"

    def charter(self):
        self.heading("The charter", "The governance lead writes down who takes part, and two of the three "
                     "governance keys sign it.")
        lead = self.people["lead"]
        for who in self.people:
            shutil.copy(self.card(who), lead.folder / f"{who}.card")
        pins = [o for g in GOVERNANCE for o in ("--governance-key", f"{g}.card")]
        self.types("lead", "charter", "new", "--name", "Our city", "--matcher-address", self.address, *pins,
                   "--threshold", 2, "--out", "charter.json")
        self.types("lead", "charter", "add", "--charter", "charter.json", *(f"{w}.card" for w in self.people))
        self.sign("charter", "lead", "second")

    def sign(self, what, *signers):
        """Each signs, and hands the file with the signatures on."""
        file = f"{what}.json"
        for i, who in enumerate(signers):
            if i:
                self.people[who].take(self.people[signers[i - 1]].folder / file)
            self.types(who, what, "sign", f"--{what}", file, "--key", self.people[who].home / "key",
                       passphrase=True)
        for person in self.people.values():
            if person.name != signers[-1]:
                person.take(self.people[signers[-1]].folder / file)

    def pins(self, who):
        for g in GOVERNANCE:
            shutil.copy(self.card(g), self.people[who].folder / f"{g}.card")
        return ["--charter", "charter.json", "--governance-threshold", 2,
                *(o for g in GOVERNANCE for o in ("--governance-key", f"{g}.card"))]

    def daemons_up(self):
        self.heading("Everybody pins the governance keys", "With the signed charter, the same command writes "
                     "the configuration. From here on a charter or a policy without two of the three "
                     "signatures is refused on each machine. Then the agencies and the matcher start their "
                     "daemons.")
        order = ("matcher", *AGENCIES, *GOVERNANCE, RECIPIENT)
        for who in order:
            options = self.setup[who]
            daemon = who == "matcher" or who in AGENCIES
            more = ["--offline"] if who in AGENCIES else []
            say = self.types if who == "police" else self.run
            say(who, "setup", options[0], "--home", self.people[who].home, *options[1:], *self.pins(who), *more,
                passphrase=True)
            if daemon:
                config = self.people[who].home / ("kith-matcher.conf" if who == "matcher" else "kithd.conf")
                with open(config, "a") as file:
                    file.write("poll_ms = 100\n")
                self.started(who, "kith-matcher" if who == "matcher" else "kithd", config.name)
        for agency in AGENCIES:
            self.answers(agency, "status")

    def policy(self):
        self.heading("The policy", "What a round may do, and what it may not, is a file that two governance "
                     "keys sign.")
        options = [o for a in AGENCIES for o in ("--gateway", f"{a}={GATEWAYS[a]}")]
        self.types("lead", "policy", "new", "--charter", "charter.json", "--name", "Early help", "--purpose",
                   "offer help to families that several services know", "--rule", "at least 3 services",
                   "--recipient", RECIPIENT, *options, "--review", "--disclose",
                   "given_name,surname,postcode", "--disclose-reason", "early_help", "--ask-gateway",
                   f"{RECIPIENT}=Children Act 2004 s.10", "--out", "policy.json")
        self.sign("policy", "lead", "third")

    def officers(self):
        self.heading("Officers", "An agency takes part only by a person: its data officer, who has a key of "
                     "their own. The agency signs the list of its officers.")
        for agency in AGENCIES:
            say = self.types if agency == "police" else self.run
            say(agency, "officer", "new", "--id", "officer_1", "--role", "data officer", "--out", "officer.key",
                passphrase=True)
            say(agency, "officer", "add", "officer.key.json")

    def opened(self):
        self.heading("The round is opened", "The lead proposes it. Nothing happens until a second governance "
                     "key has signed the same.")
        self.types("lead", "round", "open", "--policy", "policy.json")
        proposal, = self.json("lead", "round", "proposals", lines=True)
        self.round = proposal["round"]
        self.seconded("second")

    def seconded(self, who):
        """The second signature: what is read, and what is typed."""
        self.types(who, "round", "proposals")
        proposal, = self.json(who, "round", "proposals", lines=True)
        self.types(who, "round", "sign", proposal["proposal"])

    def joined(self):
        self.heading("Officers decide", "Each agency's officer reads what would leave the building, and signs "
                     "these words. One agency declines, and the round goes on without it.")
        for agency in AGENCIES:
            self.answers(agency, "round", "show", self.round)
        self.types("police", "round", "show", self.round)
        key = ["--officer-key", "officer.key"]
        for agency in AGENCIES:
            if agency != DECLINES:
                say = self.types if agency == "police" else self.run
                say(agency, "round", "join", *key, "--quiet", self.round, passphrase=True)
        self.types(DECLINES, "round", "decline", *key, "--reason", "scope", "--quiet", self.round,
                   passphrase=True)

    def reviewed(self):
        self.until("review")
        self.heading("The threshold", "The agencies' daemons have agreed on a secret, encoded their records and "
                     "sent them; the matcher has compared them and waits. Governance looks at what each "
                     "threshold would do, before anybody is on a list.")
        self.types("lead", "threshold", "show", self.round, keep=lambda seen: first_lines(seen, 10))
        self.types("lead", "threshold", "set", self.round, THRESHOLD)
        assert self.state() == "review"
        self.seconded("third")
        self.until("released")
        self.types("lead", "round", "show", self.round)

    def listed(self):
        self.heading("The list", "The prevention team fetches its list and opens it with its own key. It has "
                     "no names: a number, the services that know the person, and how sure it is.")
        self.types(RECIPIENT, "cohort", "pull", self.round)
        self.types(RECIPIENT, "cohort", "list", "--limit", 8, self.round)
        self.types(RECIPIENT, "cohort", "show", "--number", 1, self.round)

    def asked(self):
        """Three questions, of three agencies, about people of the list."""
        self.heading("Questions", "To learn who somebody is, the team asks an agency that knows them, and says "
                     "what for.")
        (self.people[RECIPIENT].folder / "why.txt").write_text("The family has asked for a visit; who are they?\n")
        self.questions = {}
        people = self.json(RECIPIENT, "cohort", "list", self.round, lines=True)
        self.cohort = people
        for agency, fields in (("police", "given_name,surname"), ("health", "given_name,surname,postcode"),
                               ("probation", "given_name,surname")):
            number = self.person_known_to(agency, people)
            self.types(RECIPIENT, "disclosure", "request", "--agency", agency, "--fields", fields, "--reason",
                       "early_help", "--words-file", "why.txt", self.round, number)
            self.questions[agency] = number

    def person_known_to(self, agency, people):
        return next(p["cohort"] for p in people
                    if agency in {h["agency"] for h in p["handles"]} and p["cohort"] not in self.questions.values())

    def answered(self):
        self.heading("Answers", "An officer of the agency sees who asks, what for, and the record as it is now; "
                     "and tells all that was asked, or less, or nothing.")
        ways = {"police": ("approve",), "health": ("approve", "--fields", "surname"),
                "probation": ("refuse", "--reason", "safety")}
        for agency, (verb, *options) in ways.items():
            waiting = wait_for(lambda: self.json(agency, "disclosure", "list"), f"{agency} has a question",
                               pause_s=0.1)
            self.types(agency, "disclosure", "list")
            self.types(agency, "disclosure", verb, "--officer-key", "officer.key", *options, "--quiet",
                       waiting[0]["id"], passphrase=True)

        def all_told():
            self.run(RECIPIENT, "disclosure", "pull")
            return all(d["state"] not in ("waiting", "not sent yet")
                       for d in self.json(RECIPIENT, "disclosure", "list"))
        wait_for(all_told, "three answers", pause_s=0.1)
        self.told_of = {d["agency"]: d["state"] for d in self.json(RECIPIENT, "disclosure", "list")}
        self.entries = {agency: next(h for h in self.json(RECIPIENT, "cohort", "show", "--number", number,
                                                          self.round)["handles"] if h["agency"] == agency)
                        for agency, number in self.questions.items()}
        self.types(RECIPIENT, "disclosure", "list")
        self.types(RECIPIENT, "cohort", "show", "--number", self.questions["police"], self.round)

    def visited(self):
        self.heading("After the visit", "The team says whether the list was right. The agencies count it, and "
                     "keep a wrong link beside their own record.")
        self.types(RECIPIENT, "cohort", "feedback", "--right", "--reason", "confirmed", self.round,
                   self.questions["police"])

    def closed(self):
        self.heading("The end", "The round is closed, again by two keys. Every node destroys its keys of the "
                     "round and signs that it has; without them, what is left in its files is noise.")
        self.types("lead", "round", "close", self.round)
        self.seconded("second")
        self.types(RECIPIENT, "disclosure", "pull")

    def exports(self):
        for agency in AGENCIES:
            say = self.types if agency == "police" else self.run
            say(agency, "audit", "export", "--out", f"{agency}.kith-audit")
        self.types("lead", "audit", "export", "--out", "matcher.kith-audit")
        self.run(RECIPIENT, "audit", "export", "--own", "--out", f"{RECIPIENT}.kith-audit")
        self.auditor = Person(self.folder, "auditor")
        self.people["auditor"] = self.auditor
        for who in (*AGENCIES, RECIPIENT):
            self.auditor.take(self.people[who].folder / f"{who}.kith-audit")
        self.auditor.take(self.people["lead"].folder / "matcher.kith-audit")
        self.auditor.take(self.people["lead"].folder / "charter.json")
        for g in GOVERNANCE:
            shutil.copy(self.card(g), self.auditor.folder / f"{g}.card")

    def attested(self):
        """Who has signed in the matcher's log that all is destroyed, and that all agencies have cosigned that log, as
        governance can see at any time."""
        self.run("lead", "audit", "export", "--out", "now.kith-audit")
        report = json.loads(self.run("lead", "audit", "verify", "--charter", "charter.json", "--json",
                                     "now.kith-audit"))
        log, = report["logs"]
        return report["rounds"] and report["rounds"][0]["destroyed"] and \
            [c["entries"] for c in log["cosigned"]] == [log["entries"]] * log["cosigners"]

    def verified(self):
        wait_for(self.attested, "all have signed that it is destroyed", pause_s=0.2)
        self.heading("Afterwards", "Anybody who has the charter can check the logs of all, on a machine that "
                     "is connected to nothing.")
        self.exports()
        self.verify = ["--charter", "charter.json", *(o for g in GOVERNANCE for o in ("--pin", f"{g}.card")),
                       "--threshold", 2, *sorted(p.name for p in self.auditor.folder.glob("*.kith-audit"))]
        self.types("auditor", "audit", "verify", *self.verify)
        self.report = self.json("auditor", "audit", "verify", *self.verify)
