"""The systemd units, and what the daemons tell systemd; and that a daemon's options are checked."""
import base64
import pathlib
import re
import shutil
import socket
import subprocess
import time

import pytest

import partnership
from partnership import PROGRAMS, ROOT, Program

UNITS = {"matcher": "kith-matcher", "education": "kithd"}
EXPOSURE_MAX = 1.0  # "SAFE" is below 2


def exposure(unit):
    """As systemd-analyze counts it: 0 is the safest, 10 the most exposed."""
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)],
                          capture_output=True, text=True, timeout=60)
    return float(re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)[1])


class Notified:
    """The socket that sd_notify writes to."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.path = str(path)

    def until(self, word, timeout_s=20):
        """All that was told until `word` was, which is the last."""
        told, end = [], time.monotonic() + timeout_s
        while not told or told[-1] != word:
            self.socket.settimeout(max(0.01, end - time.monotonic()))
            told += self.socket.recv(4096).decode().split()
        return told


@pytest.mark.parametrize("member", UNITS)
def test_daemons_notify(tmp_path, member):
    with partnership.Partnership(tmp_path, ("education", "health")) as city:
        if member != "matcher":
            city.start("matcher")
        notified = Notified(tmp_path / "notify")
        program = Program(UNITS[member], city.config_path(member), city.home(member),
                          {"NOTIFY_SOCKET": notified.path})
        city.programs[member] = program
        assert notified.until("READY=1")[-1] == "READY=1"
        city.wait_ready(member)  # what was told is true
        assert len([t for _ in range(3) for t in notified.until("WATCHDOG=1")]) == 3
        program.process.terminate()
        assert "READY=1" not in notified.until("STOPPING=1")
        assert program.process.wait(20) == 0


def test_a_daemon_lives_without_its_matcher(tmp_path):
    """The watchdog is fed while nobody answers."""
    with partnership.Partnership(tmp_path, ("education", "health")) as city:
        notified = Notified(tmp_path / "notify")
        city.programs["health"] = Program("kithd", city.config_path("health"), city.home("health"),
                                          {"NOTIFY_SOCKET": notified.path})
        notified.until("READY=1")
        start = time.monotonic()
        while time.monotonic() - start < 3:
            before = time.monotonic()
            notified.until("WATCHDOG=1")
            assert time.monotonic() - before < 2
        assert city.ask("health", do="status")["ok"]


@pytest.mark.parametrize("name", UNITS.values())
def test_options(tmp_path, name):
    def run(*arguments):
        return subprocess.run([str(PROGRAMS / name), *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=20, cwd=tmp_path)
    assert run("--help").returncode == 0 and name in run("--help").stdout
    assert re.fullmatch(name + r" \d+\.\d+\.\d+\n", run("--version").stdout)
    assert run("--nonsense").returncode == 2
    assert run("operand").returncode == 2
    missing = run("--config", "none.conf")
    assert missing.returncode == 66 and "none.conf" in missing.stderr
    (tmp_path / "bad.conf").write_text("[node]\nid = Nobody\n")
    assert run("--config", "bad.conf").returncode in (65, 78)
    assert not list(tmp_path.glob("core*"))


@pytest.fixture
def units(tmp_path):
    """The units, with programs that are there."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("skipped: no systemd-analyze")
    for name in UNITS.values():
        text = (ROOT / "systemd" / f"{name}.service").read_text()
        assert f"ExecStart=/usr/bin/{name} --config /etc/kith/{name}.conf\n" in text
        (tmp_path / f"{name}.service").write_text(text.replace(f"/usr/bin/{name}", str(PROGRAMS / name)))
    return tmp_path


@pytest.mark.parametrize("name", UNITS.values())
def test_units_are_sound(units, name):
    unit = str(units / f"{name}.service")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert exposure(unit) <= EXPOSURE_MAX


@pytest.mark.parametrize("name", UNITS.values())
def test_units_hold_what_the_threat_model_rests_on(name):
    text = (ROOT / "systemd" / f"{name}.service").read_text()
    for line in ("Type=notify", "IPAddressDeny=any", "NoNewPrivileges=yes", "ProtectSystem=strict",
                 "MemoryDenyWriteExecute=yes", "LimitCORE=0", "CapabilityBoundingSet=", "WatchdogSec=60",
                 "LoadCredential=passphrase:/etc/kith/passphrase"):
        assert line in text.splitlines(), line


def test_a_drop_in_of_setup_is_sound(units):
    """`kith setup` writes the addresses that the units leave out."""
    kith = str(partnership.KITH)
    with partnership.Partnership(units, ("education", "health")) as city:
        key = ["--charter", str(units / "matcher" / "charter.json"), "--governance-key",
               base64.b64encode(city.lead.sign_public).decode(), "--offline"]
        for member, role, rest in (("matcher", "matcher", ["--listen", city.address, "--peer-network",
                                                           "192.0.2.0/24"]),
                                   ("education", "agency", ["--kind", "education", "--source", "x.csv",
                                                            "--profile", "education"])):
            subprocess.run([kith, "setup", role, "--home", str(city.home(member)), "--id", member, *rest,
                            *key], check=True, capture_output=True, timeout=60)
            unit = units / f"{UNITS[member]}.service"
            assert ("\nprofile = education\n" in (city.home(member) / f"{UNITS[member]}.conf").read_text()) \
                == (role == "agency")
            drop_in = city.home(member) / f"{unit.name}.d" / "peers.conf"
            text = drop_in.read_text()
            assert "IPAddressAllow=" + ("192.0.2.0/24" if member == "matcher" else "127.0.0.1") in text
            merged = units / "merged"
            merged.mkdir(exist_ok=True)
            (merged / unit.name).write_text(unit.read_text() + "\n" + text)
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(merged / unit.name)],
                                  capture_output=True, text=True, timeout=60)
            assert done.returncode == 0 and not done.stderr, done.stderr
            assert exposure(merged / unit.name) <= EXPOSURE_MAX


def test_a_drop_in_for_a_database_is_sound(units):
    """The unit and the configuration of an agency whose people are in a database."""
    kith, unit = str(partnership.KITH), units / "kithd.service"
    (units / "people.sql").write_text("SELECT id FROM people")
    with partnership.Partnership(units, ("education", "health")) as city:
        home = city.home("education")
        command = [kith, "setup", "agency", "--home", str(home), "--id", "education", "--kind", "education",
                   "--odbc", "people", "--query-file", str(units / "people.sql"), "--charter",
                   str(home / "charter.json"), "--governance-key",
                   base64.b64encode(city.lead.sign_public).decode(), "--offline"]
        for credential, networks in (("database", ["192.0.2.10", "2001:db8::/64"]), (str(units / "c"), [])):
            subprocess.run([*command, "--credential", credential,
                            *[word for n in networks for word in ("--database-network", n)]],
                           check=True, capture_output=True, timeout=60)
            config = (home / "kithd.conf").read_text()
            assert f"type = odbc\ndsn = people\nquery_file = {units}/people.sql\n" in config
            assert f"\ncredential = {credential}\n" in config and "\nfile =" not in config
            text = (home / "kithd.service.d" / "peers.conf").read_text()
            for network in networks:
                assert f"\nIPAddressAllow={network}\n" in text
            assert ("\nLoadCredential=database:/etc/kith/database\n" in text) == (credential == "database")
            merged = units / "merged"
            merged.mkdir(exist_ok=True)
            (merged / unit.name).write_text(unit.read_text() + "\n" + text)
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(merged / unit.name)],
                                  capture_output=True, text=True, timeout=60)
            assert done.returncode == 0 and not done.stderr, done.stderr
            assert exposure(merged / unit.name) <= EXPOSURE_MAX
        for more in (["--source", "x.csv"], ["--odbc", "a=b;PWD=x"], ["--odbc", "a=b ;c=d"],
                     ["--query-file", str(home / "charter.json")]):
            done = subprocess.run([*command, *more], capture_output=True, text=True, timeout=60)
            assert done.returncode in (2, 78), (more, done.stderr)


def test_a_round_under_the_units_system_call_filters(tmp_path, monkeypatch):
    """Every daemon runs under the filter of its unit, and the round ends as it should."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("skipped: no systemd-analyze")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in UNITS.values():
        wrapper = programs / name
        wrapper.write_text(f"""#!/bin/sh
exec /usr/bin/python3 {ROOT}/tests/system/filtered.py {ROOT}/systemd/{name}.service {PROGRAMS}/{name} "$@"
""")
        wrapper.chmod(0o755)
    monkeypatch.setattr(partnership, "PROGRAMS", programs)
    (tmp_path / "city").mkdir()
    with partnership.Partnership(tmp_path / "city", policy=dict(trial=True)) as city:
        city.start()
        for program in city.programs.values():
            status = pathlib.Path(f"/proc/{program.pid}/status").read_text()
            assert re.search(r"^Seccomp:\s*2$", status, re.M), status
        round_id = city.open_round()
        city.join(round_id)
        city.wait_state(round_id, "released")
        assert city.people(round_id)
        city.close_round(round_id)
        for member in ("matcher", *city.agencies):
            assert city.key_files(member, round_id) == []
