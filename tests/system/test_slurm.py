"""kith-slurm-match on a real Slurm: controller, node and munge on this machine, apart from any
other. Tasks that are killed are run again and go on from their journals; the pairs are those of one
machine."""
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from partnership import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("KITH_BUILD", ROOT / "build")).resolve()
KITH = BUILD / "kith"
TESTED = BUILD / "test/kith"  # has failpoints
SCRIPT = ROOT / "scripts/slurm/kith-slurm-match"
SBIN = os.environ["PATH"] + ":/usr/sbin:/sbin"
BITS = 256

CONF = """
ClusterName=kith-test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPort={port}
SlurmdPort={node_port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerType=sched/builtin
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
KillWait=2
SlurmdTimeout=30
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 State=UNKNOWN
PartitionName=kith Nodes={host} Default=YES State=UP
"""


class Cluster:
    """Three daemons of our own; their process ids are from their own pid files."""

    def __init__(self, folder):
        self.folder = folder
        self.env = dict(os.environ, PATH=SBIN, SLURM_CONF=str(folder / "slurm.conf"))
        self.host = socket.gethostname().split(".")[0]
        (folder / "state").mkdir()
        (folder / "spool").mkdir()
        folder.chmod(0o755)
        key = folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        user = subprocess.run(["id", "-un"], capture_output=True, text=True).stdout.strip()
        (folder / "slurm.conf").write_text(CONF.format(
            host=self.host, user=user, folder=folder, port=free_port(), node_port=free_port()))

    def start(self):
        self.call("munged", "--force", "--key-file=%s/munge.key" % self.folder,
                  "--socket=%s/munge.socket" % self.folder,
                  "--pid-file=%s/munged.pid" % self.folder,
                  "--log-file=%s/munged.log" % self.folder,
                  "--seed-file=%s/munge.seed" % self.folder)
        self.call("slurmctld", "-f", self.env["SLURM_CONF"])
        self.start_node()

    def start_node(self):
        self.call("slurmd", "-f", self.env["SLURM_CONF"], "-N", self.host)
        deadline = time.monotonic() + 20
        while "idle" not in self.state() and "mix" not in self.state():
            assert time.monotonic() < deadline, self.state()
            time.sleep(0.1)

    def state(self):
        return subprocess.run(["sinfo", "-h", "-o", "%T"], env=self.env, capture_output=True,
                              text=True, timeout=30).stdout

    def call(self, *command):
        done = subprocess.run(command, env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=30)
        assert done.returncode == 0, (command, done.stdout)
        return done.stdout

    def kill(self, name, number):
        try:
            pid = int((self.folder / (name + ".pid")).read_text())
            os.kill(pid, number)
        except (FileNotFoundError, ValueError, ProcessLookupError):
            return
        deadline = time.monotonic() + 10
        while pathlib.Path("/proc/%d" % pid).exists() and time.monotonic() < deadline:
            time.sleep(0.05)

    def stop(self):
        subprocess.run(["scancel", "--signal=KILL", "--state=RUNNING"], env=self.env,
                       capture_output=True, timeout=30)
        for name in ("slurmd", "slurmctld", "munged"):
            self.kill(name, signal.SIGTERM)


@pytest.fixture(scope="module")
def cluster():
    for program in ("munged", "slurmctld", "slurmd", "sbatch"):
        if not shutil.which(program, path=SBIN):
            pytest.skip("skipped: no %s (packages slurm-wlm and munge)" % program)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="kith-slurm-", dir="/tmp"))
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("job")
    rng = random.Random(20261123)
    people = [rng.getrandbits(BITS) & rng.getrandbits(BITS) for _ in range(3000)]
    files = []
    for name in ("police north", "health"):
        files.append(folder / (name + ".raw"))
        files[-1].write_bytes(b"".join((rng.choice(people) ^ 1 << rng.randrange(BITS)).to_bytes(
            BITS // 8, "big") for _ in range(4000)))
    done = subprocess.run([KITH, "match", "--quiet", "--bits", str(BITS), "--threshold", "0.9",
                           "--within", "--out", folder / "pairs.csv", *files], timeout=60)
    assert done.returncode == 0
    return files, (folder / "pairs.csv").read_bytes()


def stopping_kith(folder, shards):
    """A kith whose first task of each of these shards stops itself once its journal has something,
    and waits there to be killed."""
    path = folder / "kith"
    path.write_text("""#!/bin/sh
for word in "$@"; do
  case $word in
  %s)
    marker=%s/${word%%/*}.begun
    if [ ! -e "$marker" ]; then
      : >"$marker"
      export KITH_STOP=journal.append.after:2
    fi ;;
  esac
done
exec %s "$@"
""" % ("|".join(shards), folder, TESTED))
    path.chmod(0o755)
    return path


class Run:
    def __init__(self, cluster, folder, files, n_shards, kith=KITH, options=()):
        self.dir = folder / "shared dir"
        self.key = folder / "job.key"
        self.out = folder / "pairs.csv"
        self.command = [str(SCRIPT), "--threshold", "0.9", "--within", "--bits", str(BITS),
                        "--shards", str(n_shards), "--dir", str(self.dir), "--key", str(self.key),
                        "--out", str(self.out), "--poll", "1", "--kith", str(kith), *options,
                        *map(str, files)]
        self.env = cluster.env
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command, env=self.env, stdin=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        return self

    def finish(self):
        _, stderr = self.process.communicate(timeout=60)
        return self.process.returncode, stderr

    def check(self, want):
        status, stderr = self.finish()
        assert status == 0, stderr
        assert self.out.read_bytes() == want
        assert not self.dir.exists() and not self.key.exists()
        return stderr

    def stopped(self, shard):
        """The process id of the task of this shard, once it has stopped itself."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for path in pathlib.Path("/proc").glob("[0-9]*"):
                try:
                    words = (path / "cmdline").read_text().split("\0")
                    status = (path / "status").read_text()
                except (FileNotFoundError, ProcessLookupError, PermissionError):
                    continue
                if shard in words and str(self.key) in words and "T (stopped)" in status:
                    return int(path.name)
            time.sleep(0.1)
        raise AssertionError("no task of shard %s stopped" % shard)

    def job_id(self):
        return (self.dir / "jobs").read_text().split()[0]


def test_eight_shards_one_killed(tmp_path, cluster, job):
    files, want = job
    run = Run(cluster, tmp_path, files, 8, kith=stopping_kith(tmp_path, ["5/8"])).start()
    pid = run.stopped("5/8")
    assert run.key.stat().st_mode & 0o777 == 0o600
    command = pathlib.Path("/proc/%d/cmdline" % pid).read_bytes()
    environment = pathlib.Path("/proc/%d/environ" % pid).read_bytes()
    assert run.key.read_bytes()[8:] not in command + environment
    rows = files[0].read_bytes()[:BITS // 8]
    for path in run.dir.rglob("*"):
        assert path.is_dir() or (path.stat().st_mode & 0o077 == 0 and rows not in path.read_bytes())
    os.kill(pid, signal.SIGKILL)
    stderr = run.check(want)
    assert stderr.count(": shards 5\n") == 1, stderr


def test_two_shards_one_cancelled(tmp_path, cluster, job):
    files, want = job
    run = Run(cluster, tmp_path, files, 2, kith=stopping_kith(tmp_path, ["2/2"])).start()
    run.stopped("2/2")
    cluster.call("scancel", run.job_id() + "_2")
    stderr = run.check(want)
    assert ": shards 2\n" in stderr, stderr


def test_one_shard_and_the_node_dies(tmp_path, cluster, job):
    """The node's daemon is killed with its task; Slurm finds the task lost when it is back."""
    files, want = job
    run = Run(cluster, tmp_path, files, 1, kith=stopping_kith(tmp_path, ["1/1"])).start()
    pid = run.stopped("1/1")
    journal = run.dir / "journals/1"
    assert journal.stat().st_size > 100
    cluster.kill("slurmd", signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    cluster.start_node()
    run.check(want)


def test_the_command_is_stopped_and_given_again(tmp_path, cluster, job):
    files, want = job
    run = Run(cluster, tmp_path, files, 2, kith=stopping_kith(tmp_path, ["1/2"])).start()
    pid = run.stopped("1/2")
    other = subprocess.run(run.command, env=run.env, capture_output=True, text=True, timeout=30)
    assert other.returncode == 77
    run.process.send_signal(signal.SIGTERM)
    status, stderr = run.finish()
    assert status == 1 and "the same command" in stderr
    other = [word if word != "0.9" else "0.91" for word in run.command]
    other = subprocess.run(other, env=run.env, capture_output=True, text=True, timeout=30)
    assert other.returncode == 65 and "another job" in other.stderr
    os.kill(pid, signal.SIGKILL)
    run.start().check(want)


def test_what_can_not_work_ends(tmp_path, cluster, job):
    files, _ = job
    broken = tmp_path / "kith"
    broken.write_text("#!/bin/sh\ncase $* in *--shard*) echo broken >&2; exit 70;; esac\n"
                      "exec %s \"$@\"\n" % KITH)
    broken.chmod(0o755)
    run = Run(cluster, tmp_path, files, 2, kith=broken, options=["--retries", "1"]).start()
    status, stderr = run.finish()
    assert status == 69 and "lost 2 times" in stderr and "broken" in stderr, stderr
    done = subprocess.run([str(SCRIPT), "--abort", "--dir", str(run.dir), "--key", str(run.key),
                           "--kith", str(KITH)], env=run.env, capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 0, done.stderr
    assert not run.dir.exists() and not run.key.exists() and not run.out.exists()


@pytest.mark.parametrize("change,status", [(["--shards", "0"], 2), (["--shards", "x"], 2),
                                           (["--sideways"], 2), (["--kith", "/none"], 69),
                                           (["none.kith"], 66), (["--retries"], 2)])
def test_refusals(tmp_path, cluster, job, change, status):
    run = Run(cluster, tmp_path, job[0], 2)
    done = subprocess.run(run.command + change, env=run.env, capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == status and done.stderr.startswith("kith-slurm-match: ")
    assert list(tmp_path.iterdir()) == []
