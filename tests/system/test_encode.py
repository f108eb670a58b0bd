"""kith encode from outside: both formats, against the independent encoder of the unit tests'
vectors, and what it refuses, with which exit status, and that no value is shown."""
import base64
import csv
import hashlib
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import zlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
KITH = pathlib.Path(os.environ.get("KITH_BUILD", ROOT / "build")) / "kith"
SHARED = pathlib.Path(os.environ.get("KITH_SHARED", ROOT / "../shared")) / "vectors"

sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests/unit/vectors"))
import encode_vectors as reference  # noqa: E402

SECRET = b"a secret\n"
ROWS = [["1", "Anna", "Example", "20.04.1985", "f"],
        ["2", "", "Sample, the \"2nd\"", "1.2.1987", "m"], ["", "Åsa", "", "29.02.2024", "m"]]
SCHEMA = reference.CASES[0][1]
HEADER = [f["identifier"] for f in SCHEMA["features"]]


def encode(*arguments):
    return subprocess.run([KITH, "encode", *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=300)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    (tmp_path / "secret").write_bytes(SECRET)
    table(tmp_path / "a.csv", ROWS)
    return tmp_path


def table(path, rows, header=None):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header or HEADER, *rows])
    return path


def usual(folder, *more, out="out.json", source="a.csv"):
    return encode("--schema", folder / "schema.json", "--secret-file", folder / "secret",
                  "--out", folder / out, *more, folder / source)


def clks(path):
    return [base64.b64decode(text) for text in json.loads(path.read_text())["clks"]]


def left(folder):
    return sorted(p.name for p in folder.iterdir() if p.name not in
                  ("schema.json", "secret", "a.csv", "policy.json"))


# ---- clkhash

def test_clkhash(folder):
    done = usual(folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert clks(folder / "out.json") == [reference.clk(SCHEMA, SECRET, row) for row in ROWS]
    assert usual(folder, "--format", "clkhash", out="again.json").returncode == 0
    assert (folder / "again.json").read_bytes() == (folder / "out.json").read_bytes()


def test_secret_is_used_exactly(folder):
    (folder / "secret").write_bytes(SECRET.rstrip())
    assert usual(folder).returncode == 0
    assert clks(folder / "out.json") == [reference.clk(SCHEMA, SECRET.rstrip(), r) for r in ROWS]


def test_random_rows(folder):
    seed = int(os.environ.get("KITH_TEST_SEED", random.randrange(1 << 32)))
    print("seed", seed)
    chance = random.Random(seed)

    def word(least, most):
        return "".join(chance.choice("aXYZ é🙂'\",") for _ in range(chance.randint(least, most)))

    rows = [[word(0, 5), word(0, 20), word(0, 30),
             f"{chance.randint(1, 28)}.{chance.randint(1, 12)}.{chance.randint(1, 9999):04}",
             chance.choice("fm")] for _ in range(100)]
    table(folder / "a.csv", rows)
    assert usual(folder).returncode == 0
    assert clks(folder / "out.json") == [reference.clk(SCHEMA, SECRET, row) for row in rows]


def test_no_rows(folder):
    table(folder / "a.csv", [])
    assert usual(folder).returncode == 0
    assert clks(folder / "out.json") == []


def test_first_bad_row_stops(folder):
    table(folder / "a.csv", ROWS + [["4", "Bo", "Hidden", "31.02.1990", "m"]])
    done = usual(folder)
    assert done.returncode == 65
    assert f"{folder}/a.csv: row 5: column 4 (\"born\"): " in done.stderr
    assert "31.02" not in done.stderr and "Hidden" not in done.stderr
    assert left(folder) == []


def test_skip_bad(folder):
    bad = [["x", "Bo", "Hidden", "31.02.1990", "m"], ["y", "Bo", "Hidden"],
           ["z", "B" * 21, "Hidden", "1.2.1990", "m"]]
    table(folder / "a.csv", [bad[0], ROWS[0], bad[1], ROWS[1], bad[2]])
    done = usual(folder, "--skip-bad")
    assert done.returncode == 0
    assert "2 rows encoded, 3 set aside" in done.stderr and "Hidden" not in done.stderr
    assert clks(folder / "out.json") == [reference.clk(SCHEMA, SECRET, row) for row in ROWS[:2]]
    assert (folder / "out.json.rows.csv").read_text() == "row,source_row\n0,3\n1,5\n"


def test_a_bad_value_late_in_a_long_file(folder):
    rows = [["1", "Anna", "Example", "20.04.1985", "f"]] * 12000
    table(folder / "a.csv", rows + [["1", "Anna", "Example", "20.04.1985", "?"]])
    done = usual(folder)
    assert done.returncode == 65 and "row 12002: column 5" in done.stderr
    assert left(folder) == []


def test_two_features_of_one_name(folder):
    """clkhash takes that, in the schema and in the header."""
    schema = json.loads(json.dumps(SCHEMA))
    schema["features"][2]["identifier"] = schema["features"][1]["identifier"]
    (folder / "schema.json").write_text(json.dumps(schema))
    table(folder / "a.csv", ROWS, [f["identifier"] for f in schema["features"]])
    assert usual(folder).returncode == 0
    assert clks(folder / "out.json") == [reference.clk(schema, SECRET, row) for row in ROWS]


def people(n):
    """Rows whose values repeat, as people's do, and one field that hardly does."""
    return [[str(i), f"Ann{i * 7919 % 300}", f"Sample é{i * 104729 % 900}",
             f"{i % 28 + 1}.{i % 12 + 1}.{1930 + i % 90}", "fm"[i % 2]] for i in range(n)]


def test_any_number_of_threads(folder):
    table(folder / "a.csv", people(20000))
    for threads in (1, 2, 3):
        assert usual(folder, "--threads", threads, out=f"{threads}.json").returncode == 0
    first = (folder / "1.json").read_bytes()
    assert (folder / "2.json").read_bytes() == first == (folder / "3.json").read_bytes()
    rows = people(20000)
    found = clks(folder / "1.json")
    assert len(found) == len(rows)
    for i in range(0, 20000, 1999):
        assert found[i] == reference.clk(SCHEMA, SECRET, rows[i]), i
    assert usual(folder, "--threads", 0).returncode == 2
    assert usual(folder, "--threads", 1000).returncode == 2


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_bad_rows_of_many(folder, threads):
    rows = people(20000)
    for i in (11234, 11235, 19999):
        rows[i][4] = "Hidden"
    table(folder / "a.csv", rows)
    done = usual(folder, "--threads", threads)
    assert done.returncode == 65 and "row 11236: column 5" in done.stderr, done.stderr
    assert "Hidden" not in done.stderr and left(folder) == []
    done = usual(folder, "--threads", threads, "--skip-bad")
    assert done.returncode == 0 and "19997 rows encoded, 3 set aside" in done.stderr
    with open(folder / "out.json.rows.csv", newline="") as file:
        there = list(csv.reader(file))[1:]
    assert [int(row) for row, _ in there] == list(range(19997))
    good = [i for i in range(20000) if i not in (11234, 11235, 19999)]
    assert [int(source) for _, source in there] == [i + 2 for i in good]
    assert clks(folder / "out.json")[11234] == reference.clk(SCHEMA, SECRET, rows[11236])


# A program's peak counts what its parent had when it started it: the parent must be small.
PEAK = """import os, sys
pid = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss // 1024)
sys.exit(os.waitstatus_to_exitcode(status))"""


def test_memory_does_not_grow(folder):
    """Twenty times the rows, and next to no memory more; far from a limit of 200 MB either way."""
    peaks = []
    for n in (15000, 300000):
        table(folder / "a.csv", people(n))
        done = subprocess.run(
            [sys.executable, "-c", PEAK, KITH, "encode", "--threads", "2", "--quiet", "--schema",
             folder / "schema.json", "--secret-file", folder / "secret", "--out", folder / "out.json",
             folder / "a.csv"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout))
    print("peaks in MB", peaks)
    assert len(json.loads((folder / "out.json").read_text())["clks"]) == 300000
    # What is remembered of values fills a table of a fixed size: 24 MB for each of two threads.
    assert peaks[1] < 120 and peaks[1] - peaks[0] < 60


@pytest.mark.parametrize("header", [HEADER[::-1], HEADER[:-1], HEADER + ["more"],
                                    ["X"] + HEADER[1:]])
def test_header_must_match(folder, header):
    table(folder / "a.csv", [], header)
    done = usual(folder)
    assert done.returncode == 65 and "row 1" in done.stderr
    assert left(folder) == []


def test_not_text(folder):
    (folder / "a.csv").write_bytes((",".join(HEADER) + "\n1,\xff,b,1.1.2000,f\n").encode("latin-1"))
    done = usual(folder)
    assert done.returncode == 65 and "row 2" in done.stderr and "UTF-8" in done.stderr


def test_bad_schema(folder):
    broken = json.loads(json.dumps(SCHEMA))
    broken["features"][1]["hashing"]["strategy"] = {"k": 3}
    for text in ("", "{", "[]", "{}", json.dumps(broken)):
        (folder / "schema.json").write_text(text)
        done = usual(folder, "--format", "clkhash")
        assert done.returncode == 78, text
        assert "schema.json" in done.stderr
        assert left(folder) == []
    assert "features[1].hashing.strategy" in done.stderr


def test_usage(folder):
    assert encode().returncode == 2
    assert usual(folder, "--format", "other").returncode == 2
    assert usual(folder, "--no-such").returncode == 2
    assert usual(folder, folder / "a.csv").returncode == 2
    assert encode("--schema", folder / "schema.json", folder / "a.csv").returncode == 2
    assert encode("--help").returncode == 0
    assert left(folder) == []


def test_no_input(folder):
    for missing in ("schema.json", "secret", "a.csv"):
        (folder / missing).rename(folder / "gone")
        assert usual(folder).returncode == 66, missing
        (folder / "gone").rename(folder / missing)


def test_no_output(folder):
    assert usual(folder, out="no/such/out").returncode == 73
    assert encode("--schema", folder / "schema.json", "--secret-file", folder / "secret", "--out",
                  "/dev/full", folder / "a.csv").returncode == 74


@pytest.mark.parametrize("case", range(1, 8))
def test_shared_vectors(case, tmp_path):
    found = list(SHARED.glob(f"{case}-*"))
    if not found:
        pytest.skip("skipped: no vectors in KITH_SHARED")
    done = encode("--schema", found[0] / "schema.json", "--secret-file", found[0] / "secret.txt",
                  "--out", tmp_path / "out.json", found[0] / "data.csv")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out.json").read_text()) == \
        json.loads((found[0] / "clks.json").read_text())


# ---- kith

PEOPLE = [["1", "Anna", "Example", "1985-04-20", "F", "QX1 1AB"],
          ["", "No", "Id", "1985-04-20", "F", ""],
          ["3", "Bo", "Sample", "", "M", "QX1 1AB"],
          ["1", "Again", "One", "1985-04-20", "F", ""],
          ["5", "ANNA", "example", "20/04/1985", "female", "qx11ab"]]
PEOPLE_HEADER = ["id", "given_name", "surname", "date_of_birth", "sex", "postcode"]


def kith_rows(path, secret=SECRET):
    """The rows' masks and filters of a file, which is checked on the way."""
    content = path.read_bytes()
    magic, version, flags, bits, n = struct.unpack_from("<8sHHIQ", content)
    assert (magic, version, flags) == (b"KITHENC\n", 1, 3)
    assert content[56:72] == reference.hkdf("sha256", secret, b"", b"kith key check v1", 16)
    assert struct.unpack("<I", content[-4:])[0] == zlib.crc32(content[:-4])
    size = 2 + bits // 8
    assert len(content) == 140 + n * size + 4
    rows = [content[140 + i * size:140 + (i + 1) * size] for i in range(n)]
    return [(struct.unpack("<H", row[:2])[0], row[2:]) for row in rows]


@pytest.fixture
def policy(folder):
    done = subprocess.run([KITH, "policy", "new", "--protection", "clk", "--agencies", "a,b", "--out",
                           folder / "policy.json"], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    table(folder / "a.csv", PEOPLE, PEOPLE_HEADER)
    return folder


def kith(folder, *more, out="out.kith"):
    return encode("--schema", folder / "policy.json", "--secret-file", folder / "secret", "--out",
                  folder / out, *more, folder / "a.csv")


def test_kith(policy):
    done = kith(policy)
    assert done.returncode == 0, done.stderr
    assert "3 rows encoded, 2 set aside" in done.stderr
    rows = kith_rows(policy / "out.kith")
    assert len(rows) == len(PEOPLE)
    empty = (0, bytes(len(rows[0][1])))
    assert rows[1] == empty and rows[3] == empty
    assert rows[0] == rows[4] != empty  # the same person, written otherwise
    assert rows[2][0] & ~rows[0][0] == 0 and rows[2][0] != rows[0][0]  # fewer fields
    assert kith(policy, "--format", "kith", out="again").returncode == 0
    assert (policy / "again").read_bytes() == (policy / "out.kith").read_bytes()


def test_kith_filter(policy):
    """The code of sex alone, from docs/encoding.md."""
    document = json.loads((policy / "policy.json").read_text())
    terms = document.get("linkage") or document["document"]["linkage"]
    terms["fields"] = [{"field": "sex", "q": 0, "bits_per_token": 26, "weight": 26}]
    (policy / "policy.json").write_text(json.dumps(document))
    done = kith(policy)
    assert done.returncode == 0, done.stderr
    rows = kith_rows(policy / "out.kith")
    for value, i in (("f", 0), ("m", 2)):
        filter_bits, mask = reference.bloom(terms["bits"], [("sex", 0, 26)], SECRET, [[value]])
        assert rows[i] == (mask, filter_bits)


def test_kith_secrets_differ(policy):
    assert kith(policy).returncode == 0
    first = kith_rows(policy / "out.kith")
    (policy / "secret").write_bytes(b"another")
    assert kith(policy).returncode == 0
    assert kith_rows(policy / "out.kith", b"another")[0] != first[0]
    assert hashlib.sha256(b"another").digest() not in (policy / "out.kith").read_bytes()


def test_kith_refuses(policy):
    assert kith(policy, "--skip-bad").returncode == 2
    (policy / "policy.json").write_text("{}")
    assert kith(policy).returncode == 78
    (policy / "policy.json").write_text(json.dumps(SCHEMA))
    assert kith(policy, "--format", "kith").returncode == 78
    assert left(policy) == []
