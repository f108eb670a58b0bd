"""kith match --journal: runs that are killed go on, lose little, and find the same pairs; and what
a run's memory ceiling and a signal do."""
import os
import pathlib
import pty
import random
import re
import signal
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("KITH_BUILD", ROOT / "build"))
KITH = BUILD / "kith"
TESTED = BUILD / "test/kith"  # has failpoints
SEED = int(os.environ.get("KITH_TEST_SEED", "20261123"))
BITS = 256
RESUMED = re.compile(r"the journal has (\d+) of (\d+) units")


def make_files(folder, n_rows):
    rng = random.Random(SEED)
    people = [rng.getrandbits(BITS) & rng.getrandbits(BITS) for _ in range(n_rows)]
    files = []
    for name in "ab":
        rows = [rng.choice(people) for _ in range(n_rows)]
        path = folder / (name + ".raw")
        path.write_bytes(b"".join((row ^ 1 << rng.randrange(BITS)).to_bytes(BITS // 8, "big")
                                  for row in rows))
        files.append(path)
    return files


def command(files, *options, program=TESTED):
    return [str(part) for part in
            [program, "match", "--bits", BITS, "--threshold", "0.9", *options, *files]]


def run(files, *options, program=TESTED, env=None):
    return subprocess.run(command(files, *options, program=program), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=150,
                          env=dict(os.environ, **(env or {})))


@pytest.fixture(scope="module")
def long_job(tmp_path_factory):
    return make_job(tmp_path_factory.mktemp("long"), 40000)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return make_job(tmp_path_factory.mktemp("job"), 15000)


def make_job(folder, n_rows):
    """Two files, and the pairs that brute force finds in one go."""
    files = make_files(folder, n_rows)
    done = run(files, "--method", "brute", "--within", "--out", folder / "pairs.csv",
               program=KITH)
    assert done.returncode == 0, done.stderr
    pairs = (folder / "pairs.csv").read_bytes()
    assert pairs.count(b"\n") > n_rows
    return files, pairs


def units_done(trace):
    try:
        return trace.read_text().split().count("journal.unit")
    except FileNotFoundError:
        return 0


@pytest.mark.parametrize("method,threads", [("brute", 2), ("sketch", 1), ("pigeonhole", 2),
                                            ("auto", 2)])
def test_killed_again_and_again(tmp_path, long_job, method, threads):
    """SIGKILL at random moments. Each time at most 5% of the units are done twice: those that the
    trace of the killed run has and the journal has not, and one under way for each thread."""
    files, want = long_job
    rng = random.Random("%d %s %d" % (SEED, method, threads))
    journal = tmp_path / "journal"
    out = tmp_path / "pairs.csv"
    options = ["--method", method, "--threads", threads, "--within", "--journal", journal, "--out",
               out]
    reference = tmp_path / "reference"
    start = time.monotonic()
    first = run(files, *options[:-3], reference, "--out", tmp_path / "reference.csv",
                env={"KITH_TRACE_FAILPOINTS": str(tmp_path / "all")})
    whole_s = time.monotonic() - start
    assert first.returncode == 0 and "journal is removed" in first.stderr
    n_units = units_done(tmp_path / "all")
    done = 0  # units of which the journal may know
    kills = 0
    for attempt in range(40):
        trace = tmp_path / ("trace-%d" % attempt)
        process = subprocess.Popen(command(files, *options), stdin=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True,
                                   env=dict(os.environ, KITH_TRACE_FAILPOINTS=str(trace)))
        if kills < 3:
            until = time.monotonic() + rng.uniform(0.1, 0.9) * whole_s
            # The first at the latest when something is done: this run may be much quicker than the whole one was.
            while time.monotonic() < until and process.poll() is None and not (kills == 0 and units_done(trace)):
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
        _, stderr = process.communicate(timeout=150)
        resumed = RESUMED.search(stderr)
        had = int(resumed[1]) if resumed else 0
        if "part 1 of 1 whole" in stderr:
            had = n_units
        elif resumed:
            assert int(resumed[2]) == n_units
        if had:
            assert had >= done - 0.05 * n_units + threads, (had, done, n_units)
            assert had <= done
        done = had + units_done(trace)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        assert not out.exists() or out.read_bytes() == want  # whole, with the journal not yet gone
        if journal.exists():
            assert journal.stat().st_mode & 0o777 == 0o600
        kills += 1
    assert process.returncode == 0 and kills > 0
    assert done == n_units
    assert out.read_bytes() == want
    assert not journal.exists()


@pytest.mark.parametrize("place,n", [("journal.unit", 1), ("journal.unit", 40),
                                     ("journal.append.before", 1), ("journal.append.torn", 1),
                                     ("journal.append.torn", 2), ("journal.append.torn", 9),
                                     ("journal.append.after", 1), ("journal.append.after", 3),
                                     ("journal.append.after", 12), ("file.rename.before", 1),
                                     ("file.rename.after", 1), ("file.destroy.before", 1)])
@pytest.mark.parametrize("how", ["KITH_KILL", "KITH_FAIL"])
def test_stopped_at_each_place(tmp_path, job, place, n, how):
    files, want = job
    journal = tmp_path / "journal"
    out = tmp_path / "pairs.csv"
    options = ["--within", "--method", "pigeonhole", "--journal", journal, "--out", out]
    first = run(files, *options, env={how: "%s:%d" % (place, n)})
    assert first.returncode == (-signal.SIGKILL if how == "KITH_KILL" else 74), first.stderr
    assert journal.exists()
    second = run(files, *options)
    assert second.returncode == 0, second.stderr
    assert out.read_bytes() == want
    assert [path.name for path in tmp_path.iterdir() if ".tmp-" not in path.name] == ["pairs.csv"]


def test_a_torn_tail_is_cut(tmp_path, job):
    files, want = job
    journal = tmp_path / "journal"
    out = tmp_path / "pairs.csv"
    options = ["--within", "--journal", journal, "--out", out]
    assert run(files, *options, env={"KITH_KILL": "journal.append.after:9"}).returncode < 0
    whole = journal.read_bytes()
    rng = random.Random(SEED)
    cases = [whole[:n] for n in (0, 10, 63, 64, 70, len(whole) - 1, rng.randrange(len(whole)))]
    cases.append(whole + b"\xff" * 100)
    at = rng.randrange(64, len(whole))
    cases.append(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
    for case in cases:
        journal.write_bytes(case)
        done = run(files, *options)
        assert done.returncode == 0, done.stderr
        assert out.read_bytes() == want
        out.unlink()
    for case, word in [(b"not a journal", "no journal"), (b"not a journal" * 20, "no journal"),
                       (whole[:30] + b"?" + whole[31:], "damaged")]:
        journal.write_bytes(case)
        done = run(files, *options)
        assert done.returncode == 65 and word in done.stderr, done.stderr
        assert journal.read_bytes() == case and not out.exists()


def test_a_journal_of_another_run(tmp_path, job):
    files, _ = job
    journal = tmp_path / "journal"
    options = ["--within", "--journal", journal, "--out", tmp_path / "out"]
    assert run(files, *options, env={"KITH_KILL": "journal.append.after:5"}).returncode < 0
    before = journal.read_bytes()
    changed = tmp_path / "b.raw"
    data = bytearray(files[1].read_bytes())
    data[-1] ^= 1
    changed.write_bytes(data)
    for other_files, other in [(files, ["--threshold", "0.91"]), (files, ["--similarity", "jaccard"]),
                               (files[::-1], []), ([files[0], changed], []),
                               (files, ["--shard", "1/2"])]:
        done = run(other_files, *options, *other)
        assert done.returncode == 65 and "journal" in done.stderr, done.stderr
    done = run(files, "--journal", journal, "--out", tmp_path / "out")
    assert done.returncode == 65 and "--within" in done.stderr
    assert journal.read_bytes() == before and not (tmp_path / "out").exists()


def test_another_plan_begins_anew(tmp_path, job):
    files, want = job
    journal = tmp_path / "journal"
    out = tmp_path / "pairs.csv"
    options = ["--within", "--journal", journal, "--out", out]
    for method in ("brute", "pigeonhole"):
        done = run(files, *options, "--method", method, env={"KITH_KILL": "journal.append.after:9"})
        assert done.returncode < 0
    done = run(files, *options, "--method", "brute")
    assert done.returncode == 0 and "another plan" in done.stderr
    assert out.read_bytes() == want


def test_two_at_a_time(tmp_path, job):
    files, _ = job
    journal = tmp_path / "journal"
    options = ["--within", "--journal", journal, "--out", tmp_path / "out"]
    process = subprocess.Popen(command(files, *options), stdin=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL,
                               env=dict(os.environ, KITH_STOP="journal.append.after:3"))
    try:
        deadline = time.monotonic() + 60
        while "T (stopped)" not in pathlib.Path("/proc/%d/status" % process.pid).read_text():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        done = run(files, *options)
        assert done.returncode == 77 and "another kith" in done.stderr
    finally:
        process.kill()
        process.wait()


def test_a_signal_leaves_the_journal(tmp_path, job):
    """What was done counts: the next run begins where this one stopped."""
    files, want = job
    journal = tmp_path / "journal"
    out = tmp_path / "pairs.csv"
    trace = tmp_path / "trace"
    options = ["--within", "--method", "brute", "--kernel", "scalar", "--journal", journal, "--out",
               out]
    for number in (signal.SIGINT, signal.SIGTERM):
        trace.unlink(missing_ok=True)
        had = 0
        process = subprocess.Popen(command(files, *options), stdin=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True,
                                   env=dict(os.environ, KITH_TRACE_FAILPOINTS=str(trace)))
        deadline = time.monotonic() + 60
        while units_done(trace) < 3 and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        start = time.monotonic()
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
        assert time.monotonic() - start < 2
        assert process.returncode == 1 and "goes on" in stderr, stderr
        had = int(RESUMED.search(stderr)[1]) if RESUMED.search(stderr) else 0
        expected = had + units_done(trace)
    done = run(files, *options)
    assert done.returncode == 0, done.stderr
    assert int(RESUMED.search(done.stderr)[1]) == expected
    assert out.read_bytes() == want and not journal.exists()


def test_a_shard_with_a_journal(tmp_path, job):
    files, want = job
    paths = []
    for i in (1, 2):
        paths.append(tmp_path / ("%d.shard" % i))
        options = ["--within", "--shard", "%d/2" % i, "--journal", tmp_path / "j", "--out", paths[-1]]
        assert run(files, *options, env={"KITH_KILL": "journal.append.after:9"}).returncode < 0
        done = run(files, *options)
        assert done.returncode == 0 and RESUMED.search(done.stderr), done.stderr
    done = subprocess.run([str(KITH), "match", "--merge", "--out", str(tmp_path / "out"),
                           *map(str, paths)], capture_output=True, timeout=60)
    assert done.returncode == 0 and (tmp_path / "out").read_bytes() == want


def test_a_sealed_journal(tmp_path, job):
    files, want = job
    key = tmp_path / "key"
    journal = tmp_path / "journal"
    out = tmp_path / "pairs.csv"
    done = subprocess.run([str(KITH), "match", "--bits", str(BITS), "--seal-inputs", str(tmp_path),
                           "--key", str(key), *map(str, files)], capture_output=True, timeout=60)
    assert done.returncode == 0
    sealed = [tmp_path / "a.sealed", tmp_path / "b.sealed"]
    options = ["--within", "--key", key, "--journal", journal, "--out", out]
    assert run(sealed, *options, env={"KITH_KILL": "journal.append.torn:9"}).returncode < 0
    data = journal.read_bytes()
    assert b"KITHJRNL" in data
    done = run(files, "--within", "--journal", journal, "--out", out)
    assert done.returncode == 65 and "sealed" in done.stderr
    done = run(sealed, *options)
    assert done.returncode == 0 and RESUMED.search(done.stderr), done.stderr
    assert out.read_bytes() == want and not journal.exists()


def test_a_bar_on_a_terminal(tmp_path, job):
    """A bar with the share, rate and time left on a terminal; it goes at the end, and --quiet has
    none."""
    files, _ = job
    for options in ([], ["--quiet"]):
        ours, theirs = pty.openpty()
        process = subprocess.Popen(command(files, "--within", "--method", "brute", "--kernel", "scalar",
                                           "--threads", 1, "--out", tmp_path / "out", *options,
                                           program=KITH),
                                   stdin=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            shown += part
            if not part:
                break
        os.close(ours)
        assert process.wait(timeout=120) == 0
        if options:
            assert shown == b""
        else:
            assert re.search(rb"match \[#*\.*\] +\d+%.*pairs/s  ETA \d+ s", shown), shown
            assert shown.rstrip().endswith(b"pairs") and b"\r\x1b[K" in shown


# ---- memory

def test_a_ceiling_on_memory(tmp_path, job):
    """Where memory is short the work is done in parts, to the same bytes; a journal goes on."""
    files, want = job
    out = tmp_path / "pairs.csv"
    unlimited = run(files, "--within", "--explain", "--out", out, program=KITH)
    assert "part 1" not in unlimited.stderr and out.read_bytes() == want
    done = run(files, "--within", "--threads", 1, "--memory", "5M", "--explain", "--out", out,
               program=KITH)
    assert done.returncode == 0, done.stderr
    assert "part 2 of " in done.stderr and out.read_bytes() == want
    done = run(files, "--within", "--threads", 1, "--memory", "1M", "--out", out, program=KITH)
    assert done.returncode == 65 and "--memory: at least" in done.stderr
    least = int(re.search(r"at least (\d+) MiB", done.stderr)[1])
    out.unlink()
    done = run(files, "--within", "--threads", 1, "--memory", "%dM" % least, "--threshold", "1",
               "--out", out, program=KITH)
    assert done.returncode == 0, done.stderr
    journal = tmp_path / "journal"
    options = ["--within", "--threads", 1, "--memory", "5M", "--journal", journal, "--out", out]
    n = 0
    for n in range(20):
        done = run(files, *options, env={"KITH_KILL": "journal.append.after:200"})
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
    assert n > 0 and done.returncode == 0 and out.read_bytes() == want
    done = run(files, "--within", "--threads", 1, "--memory", "5M", "--max-pairs", 1000, "--out",
               out, program=KITH)
    assert done.returncode == 65 and "1000 pairs" in done.stderr


def test_the_ceiling_holds(tmp_path):
    """Resident memory: the ceiling, and what the program itself and its libraries take."""
    rng = random.Random(SEED)
    for name in "ab":
        (tmp_path / name).write_bytes(rng.randbytes(128 * 60000))
    program = [str(KITH), "match", "--quiet", "--bits", "1024", "--threshold", "0.99", "--threads",
               "2", "--method", "brute", "--out", str(tmp_path / "out"), str(tmp_path / "a"),
               str(tmp_path / "b")]
    peaks = []
    for options in (["--memory", "32M"], []):
        process = subprocess.Popen(program[:2] + options + program[2:], stdin=subprocess.DEVNULL)
        peaks.append(0)
        while process.poll() is None:
            status = pathlib.Path("/proc/%d/status" % process.pid).read_text()
            peak = re.search(r"VmHWM:\s*(\d+)", status)
            if peak and "Name:\tkith" in status:
                peaks[-1] = int(peak[1]) * 1024
            time.sleep(0.01)
        assert process.returncode == 0
    assert peaks[0] < (32 << 20) + (8 << 20) < peaks[1], peaks
