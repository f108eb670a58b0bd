"""The command of [notify]: run where something waits for people, told the event and the round and no more,
and once for each thing, a restart of the daemon between or not."""
import os
import subprocess

from partnership import PROGRAMS, Partnership, wait_for
from test_disclosure import Disclosing, move


def command(folder, agency="police", script='printf "%s\\n" "$*" >> "$0.told"\nenv > "$0.env"\n'):
    path = folder / f"tell-{agency}"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return path


def configure(p, path, agency="police"):
    config = p.config_path(agency)
    config.write_text(config.read_text() + f"\n[notify]\ncommand = {path}\n")


def told(path):
    file = path.with_name(path.name + ".told")
    return file.read_text().splitlines() if file.exists() else []


def test_a_round_and_requests(tmp_path, monkeypatch):
    move(tmp_path, 0)
    monkeypatch.setenv("KITH_TEST_CLOCK", str(tmp_path / "clock"))
    with Disclosing(tmp_path) as p:
        path = command(tmp_path)
        configure(p, path)
        p.start()
        p.round_id = p.open_round()
        opened = f"round-opened {p.round_id.hex()}"
        wait_for(lambda: told(path)[:1] == [opened], "the officer is told of the round")
        assert {line.split("=")[0] for line in path.with_name(path.name + ".env").read_text().splitlines()} <= {
            "PATH", "PWD", "_", "SHLVL", "OLDPWD"}
        near = f"deadline-near {p.round_id.hex()}"
        wait_for(lambda: told(path) == [opened, near], "joining ends within a day")
        wait_for(lambda: p.programs["police"].log.count("notice.given") == 2, "they have ended")
        p.programs["police"].stop()
        p.start("police")
        p.go_on()
        request = p.request(p.records("police")[0][0][0])
        p.wait_queued(request)
        waiting = f"request-waiting {p.round_id.hex()}"
        wait_for(lambda: waiting in told(path), "the officer is told of the request")
        move(tmp_path, 13 * 86400)
        wait_for(lambda: told(path).count(near) == 2, "the officer is told of the deadline")
        wait_for(lambda: p.programs["police"].log.count("notice.given") == len(told(path)), "it has ended")
        p.programs["police"].stop()
        p.start("police")
        p.wait_queued(request)
        assert told(path).count(opened) == told(path).count(waiting) == 1
        assert told(path).count(near) == 2
        assert {line.split()[0] for line in told(path)} == {"round-opened", "request-waiting", "deadline-near"}
        assert all(line.split()[1:] == [p.round] for line in told(path)), "an event and a round, no more"


def test_a_command_that_fails(tmp_path):
    """Is no harm to the round, is noted in the log, and is not run again at once."""
    with Partnership(tmp_path) as p:
        path = command(tmp_path, script='printf "%s\\n" "$*" >> "$0.told"\nexit 7\n')
        configure(p, path)
        p.start()
        round_id = p.open_round()
        wait_for(lambda: told(path), "it is run")
        p.join(round_id)
        p.wait_state(round_id, "released")
        assert len(told(path)) == 1
        wait_for(lambda: "notice.failed" in p.programs["police"].log, "the log says so")


def test_a_command_that_hangs_ends_with_the_daemon(tmp_path):
    with Partnership(tmp_path) as p:
        path = command(tmp_path, script='echo $$ > "$0.pid"\nexec sleep 1000\n')
        configure(p, path)
        p.start()
        p.open_round()
        pid = path.with_name(path.name + ".pid")
        wait_for(lambda: pid.exists() and pid.read_text().strip(), "it is run")
        assert p.programs["police"].stop() == 0
        assert not os.path.exists(f"/proc/{pid.read_text().strip()}")


def test_a_command_that_is_not_there(tmp_path):
    with Partnership(tmp_path) as p:
        before = p.config_path("police").read_text()
        for wrong in ("tell-officers", tmp_path / "nothing"):
            p.config_path("police").write_text(before)
            configure(p, wrong)
            done = subprocess.run([str(PROGRAMS / "kithd"), "--config", str(p.config_path("police"))],
                                  capture_output=True, text=True, timeout=30)
            assert done.returncode == 78 and "[notify] command" in done.stderr, done.stderr
