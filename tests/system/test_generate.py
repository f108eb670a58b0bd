"""kith generate: the same seed gives the same bytes, files appear whole, the city is worth a demo."""
import collections
import csv
import json
import os
import pathlib
import resource
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
KITH = pathlib.Path(os.environ.get("KITH_BUILD", ROOT / "build")) / "kith"
AGENCIES = ["police", "youth_justice", "probation", "childrens_services", "education", "health",
            "fire", "prison", "charity", "housing", "ambulance", "employment"]
COLUMNS = ["id", "given_name", "middle_names", "surname", "known_as", "date_of_birth", "sex",
           "street", "town", "postcode"]


def generate(out, people=2000, agencies=6, seed=1, **options):
    return subprocess.run([KITH, "generate", "--people", str(people), "--agencies", str(agencies),
                           "--seed", str(seed), "--out", str(out)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120, **options)


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("city") / "of" / "20000"
    done = generate(folder, people=20000)
    assert done.returncode == 0, done.stderr
    return folder


def test_files(city):
    assert sorted(content(city)) == sorted([a + ".csv" for a in AGENCIES[:6]]
                                           + ["truth.csv", "policy.json"])
    policy = json.loads((city / "policy.json").read_text())
    assert [agency["id"] for agency in policy["agencies"]] == AGENCIES[:6]
    truth = table(city / "truth.csv")
    assert list(truth[0]) == ["party", "id", "entity"]
    ids = collections.Counter((row["party"], row["id"]) for row in truth)
    assert max(ids.values()) == 1
    n = 0
    for agency in AGENCIES[:6]:
        rows = table(city / (agency + ".csv"))
        assert list(rows[0]) == COLUMNS
        assert all((agency, row["id"]) in ids for row in rows)
        n += len(rows)
    assert n == len(truth)


def test_overlap(city):
    known = collections.defaultdict(set)
    for row in table(city / "truth.csv"):
        known[row["entity"]].add(row["party"])
    n = collections.Counter(party for parties in known.values() for party in parties)
    assert n["health"] > 18000
    assert 3000 < n["education"] < 6500
    assert 400 < n["police"] < 1600
    cohort = sum(len(parties) >= 3 for parties in known.values())
    assert 200 < cohort < 1500


def test_errors_of_a_real_city(city):
    police = table(city / "police.csv")
    assert 0.10 < sum(row["postcode"] == "" for row in police) / len(police) < 0.25
    assert 0.01 < sum(row["date_of_birth"] == "" for row in police) / len(police) < 0.08
    assert any(row["known_as"] for row in police)
    health = table(city / "health.csv")
    assert sum(row["date_of_birth"] == "" for row in health) / len(health) < 0.01
    education = table(city / "education.csv")
    assert any(not row["surname"].isascii() for row in education)
    truth = collections.defaultdict(list)
    records = {(a, r["id"]): r for a in AGENCIES[:6] for r in table(city / (a + ".csv"))}
    for row in table(city / "truth.csv"):
        truth[row["entity"]].append(records[row["party"], row["id"]])
    pairs = [rows for rows in truth.values() if len(rows) > 1]

    def differ(field):
        return sum(len({r[field].upper() for r in rows if r[field]}) > 1 for rows in pairs)

    for field in ["given_name", "surname", "date_of_birth", "postcode", "sex"]:
        assert 0 < differ(field) < len(pairs) / 2, field


def test_same_seed(tmp_path):
    for name, seed in [("a", 7), ("b", 7), ("c", 8)]:
        assert generate(tmp_path / name, seed=seed).returncode == 0
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert content(tmp_path / "a") != content(tmp_path / "c")
    # Again into the same folder.
    assert generate(tmp_path / "c", seed=7).returncode == 0
    assert content(tmp_path / "a") == content(tmp_path / "c")


def test_more_agencies_leave_the_others(tmp_path):
    assert generate(tmp_path / "a", agencies=2).returncode == 0
    assert generate(tmp_path / "b", agencies=12).returncode == 0
    for name in AGENCIES[:2]:
        assert ((tmp_path / "a" / (name + ".csv")).read_bytes()
                == (tmp_path / "b" / (name + ".csv")).read_bytes())
    assert len(content(tmp_path / "b")) == 14


def test_checks_as_good(city):
    for agency in AGENCIES[:6]:
        done = subprocess.run([KITH, "source", "check", "--json", city / (agency + ".csv")],
                              capture_output=True, text=True)
        assert done.returncode == 0
        fields = json.loads(done.stdout)["fields"]
        assert all(field["unusable"] == 0 for field in fields.values())


@pytest.mark.parametrize("arguments", [
    [], ["--people", "10", "--agencies", "2", "--seed", "1"],
    ["--people", "0", "--agencies", "2", "--seed", "1", "--out", "x"],
    ["--people", "10", "--agencies", "0", "--seed", "1", "--out", "x"],
    ["--people", "10", "--agencies", "13", "--seed", "1", "--out", "x"],
    ["--people", "10", "--agencies", "2", "--seed", "-1", "--out", "x"],
    ["--people", "ten", "--agencies", "2", "--seed", "1", "--out", "x"],
    ["--people", "10", "--agencies", "2", "--seed", "1", "--out", ""],
    ["--people", "10", "--agencies", "2", "--seed", "1", "--out", "x", "operand"],
])
def test_usage(tmp_path, arguments):
    done = subprocess.run([KITH, "generate", *arguments], capture_output=True, text=True,
                          cwd=tmp_path)
    assert done.returncode == 2
    assert "Usage:" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_small_cities(tmp_path):
    for people in [1, 2, 3, 10]:
        assert generate(tmp_path / str(people), people=people, agencies=12).returncode == 0
        assert len(content(tmp_path / str(people))) == 14


def test_folder_is_a_file(tmp_path):
    (tmp_path / "file").write_text("here")
    done = generate(tmp_path / "file")
    assert done.returncode == 73
    assert (tmp_path / "file").read_text() == "here"


@pytest.mark.parametrize("limit", [4096, 100_000])
def test_full_disk(tmp_path, limit):
    """A file may not grow beyond the limit: none appears, and what was there stays."""
    folder = tmp_path / "city"
    folder.mkdir()
    (folder / "police.csv").write_text("before")

    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = generate(folder, preexec_fn=small)
    assert done.returncode == 74
    assert content(folder) == {"police.csv": b"before"}


def test_unwritable_folder(tmp_path):
    """As an ordinary user: root may write everywhere."""
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o755)
    tool = []
    if os.getuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("no setpriv")
        tool = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        for path in [tmp_path, *tmp_path.parents][:3]:
            path.chmod(0o755)
        # A program in a folder of root's can't be run by others: a copy can.
        program = tmp_path / "kith"
        shutil.copy(KITH, program)
        program.chmod(0o755)
    else:
        program = KITH
        folder.chmod(0o555)
    for out in [folder, folder / "new" / "folder"]:
        done = subprocess.run([*tool, program, "generate", "--people", "100", "--agencies", "2",
                               "--seed", "1", "--out", out], capture_output=True, text=True)
        assert done.returncode == 73, done.stderr
        assert str(folder) in done.stderr
    assert list(folder.iterdir()) == []
