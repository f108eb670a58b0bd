"""kith match: against an oracle on Python's integers, and what it refuses."""
import base64
import csv
import gzip
import json
import os
import pathlib
import random
import signal
import struct
import subprocess
import time
import zlib
from fractions import Fraction

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
KITH = pathlib.Path(os.environ.get("KITH_BUILD", ROOT / "build")) / "kith"
SHARED = pathlib.Path(os.environ.get("KITH_SHARED", ROOT / "../shared"))
HEADER = ["party_a", "row_a", "party_b", "row_b", "similarity"]


def match(*arguments, env=None):
    return subprocess.run([KITH, "match", *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120,
                          env=dict(os.environ, **(env or {})))


def pairs(*arguments, env=None):
    done = match("--quiet", *arguments, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    rows = list(csv.reader(done.stdout.splitlines()))
    assert rows[0] == HEADER
    return rows[1:]


# ---- rows are Python integers of `bits` bits, bit 0 the most significant

def row_bytes(row, bits):
    return (row << -bits % 8).to_bytes((bits + 7) // 8, "big")


def make_rows(rng, n, bits, like=()):
    rows = []
    for _ in range(n):
        kind = rng.random()
        source = list(like) or rows
        if kind < 0.05:
            row = 0
        elif kind < 0.1:
            row = (1 << bits) - 1
        elif kind < 0.6 and source:
            row = rng.choice(source)
            for _ in range(rng.choice([0, 1, 1, 2, bits // 20, bits // 8])):
                row ^= 1 << rng.randrange(bits)
        else:
            row = 0
            for _ in range(rng.randrange(1, bits // 2)):
                row |= 1 << rng.randrange(bits)
        rows.append(row)
    return rows


def write_clkhash(path, rows, bits):
    text = json.dumps({"clks": [base64.b64encode(row_bytes(r, bits)).decode() for r in rows]})
    path.write_text(text)
    return path


def write_raw(path, rows, bits):
    path.write_bytes(b"".join(row_bytes(row, bits) for row in rows))
    return path


def write_kith(path, rows, bits, masks=None, weights=(), schema=b"s" * 32, key=b"k" * 16):
    data = b"KITHENC\n" + struct.pack("<HHIQ", 1, 2 | (masks is not None), bits, len(rows))
    data += schema + key + struct.pack("<HH", len(weights), 0)
    data += struct.pack("<16I", *list(weights) + [0] * (16 - len(weights)))
    for i, row in enumerate(rows):
        data += struct.pack("<H", masks[i]) if masks is not None else b""
        data += row_bytes(row, bits)
    path.write_bytes(data + struct.pack("<I", zlib.crc32(data)))
    return path


# ---- the oracle

def count(row):
    return bin(row).count("1")


def similarity(kind, bits, x, y, mask_x=0, mask_y=0, weights=()):
    a, b, c = count(x), count(y), count(x & y)
    if a + b == 0:
        return Fraction(0)
    if kind == "dice":
        return Fraction(2 * c, a + b)
    if kind == "jaccard":
        return Fraction(c, a + b - c)
    if kind == "hamming":
        return Fraction(bits - count(x ^ y), bits)

    def weight(mask):
        return sum(w for f, w in enumerate(weights) if mask >> f & 1)
    both = weight(mask_x & mask_y)
    if both == 0:
        return Fraction(0)
    scaled = a * Fraction(both, weight(mask_x)) + b * Fraction(both, weight(mask_y))
    return min(Fraction(1), 2 * c / scaled) if scaled else Fraction(0)


def six_decimals(fraction):
    millionths = round(fraction * 10**6)  # of a Fraction: half to even, exactly
    return "%d.%06d" % divmod(millionths, 10**6)


def oracle(kind, bits, parties, bound, within=False, across=True, weights=()):
    """parties: a list of (name, rows, masks)."""
    found = []
    for p, (name_p, rows_p, masks_p) in enumerate(parties):
        for q in range(p, len(parties)):
            name_q, rows_q, masks_q = parties[q]
            if not (within if p == q else across):
                continue
            for i, x in enumerate(rows_p):
                for j in range(i + 1 if p == q else 0, len(rows_q)):
                    value = similarity(kind, bits, x, rows_q[j], masks_p and masks_p[i],
                                       masks_q and masks_q[j], weights)
                    if value >= bound:
                        found.append([name_p, str(i), name_q, str(j), six_decimals(value)])
    return found


# ---- right answers

@pytest.mark.parametrize("kind", ["dice", "jaccard", "hamming"])
@pytest.mark.parametrize("bits", [64, 200, 1024])
def test_clkhash_files(tmp_path, kind, bits):
    rng = random.Random(bits)
    first = make_rows(rng, 60, bits)
    parties = [("a", first, None), ("b", make_rows(rng, 50, bits, first), None),
               ("c", make_rows(rng, 40, bits, first), None)]
    files = [write_clkhash(tmp_path / (name + ".json"), rows, bits) for name, rows, _ in parties]
    for text, bound in [("0.85", Fraction(17, 20)), ("1", Fraction(1)), ("2/3", Fraction(2, 3)),
                        ("0.123456789", Fraction(123456789, 10**9))]:
        want = oracle(kind, bits, parties, bound)
        assert pairs("--threshold", text, "--similarity", kind, *files) == want
        want = oracle(kind, bits, parties, bound, within=True)
        assert pairs("--threshold", text, "--similarity", kind, "--within", *files) == want


@pytest.mark.parametrize("bits", [1, 13, 61, 100, 1000, 1030, 8192])
def test_raw_files_of_any_length(tmp_path, bits):
    rng = random.Random(bits)
    parties = [("x", make_rows(rng, 30, bits) if bits > 3 else [0, 1, 1], None)]
    parties.append(("y", make_rows(rng, 30, bits, parties[0][1]) if bits > 3 else [1, 0], None))
    files = [write_raw(tmp_path / name, rows, bits) for name, rows, _ in parties]
    want = oracle("dice", bits, parties, Fraction(4, 5), within=True)
    assert pairs("--threshold", "0.8", "--bits", bits, "--within", *files) == want


def test_kith_files_masked_by_default(tmp_path):
    rng = random.Random(5)
    weights = (80, 90, 60, 20)
    parties = []
    for name in "ab":
        rows = make_rows(rng, 70, 512, parties[0][1] if parties else ())
        parties.append((name, rows, [rng.choice([15, 15, 7, 11, 1, 0]) for _ in rows]))
    files = [write_kith(tmp_path / (name + ".kith"), rows, 512, masks, weights)
             for name, rows, masks in parties]
    for text in ["0.5", "0.8", "1"]:
        bound = Fraction(text)
        want = oracle("masked", 512, parties, bound, within=True, weights=weights)
        assert pairs("--threshold", text, "--within", *files) == want
        want = oracle("dice", 512, parties, bound, within=True)
        assert pairs("--threshold", text, "--within", "--similarity", "dice", *files) == want
        assert want


def test_kith_files_without_masks_are_dice(tmp_path):
    files = [write_kith(tmp_path / name, [7, 0, 15], 8) for name in ("a.kith", "b.kith")]
    assert len(pairs("--threshold", "0.9", *files)) == 2
    done = match("--threshold", "0.9", "--similarity", "masked", *files)
    assert done.returncode == 65 and "b.kith" in done.stderr


def test_equality_is_in_and_just_above_is_out(tmp_path):
    x = (1 << 20) - 1
    a = write_clkhash(tmp_path / "a", [x], 128)
    b = write_clkhash(tmp_path / "b", [x << 3], 128)  # 17 bits in common, 20 and 20
    assert pairs("--threshold", "0.85", a, b) == [["a", "0", "b", "0", "0.850000"]]
    assert pairs("--threshold", "17/20", a, b) == [["a", "0", "b", "0", "0.850000"]]
    assert pairs("--threshold", "0.850000001", a, b) == []


def test_similarity_is_rounded_half_even(tmp_path):
    a = write_clkhash(tmp_path / "a", [1, 7, 31], 256)
    b = write_clkhash(tmp_path / "b", [(1 << 255) - 1, (1 << 253) - 1, (1 << 251) - 1], 256)
    values = {(r[1], r[3]): r[4] for r in pairs("--threshold", "0.001", a, b)}
    assert values["0", "0"] == "0.007812"  # 2 / 256 = 0.0078125
    assert values["1", "1"] == "0.023438"  # 6 / 256 = 0.0234375
    assert values["2", "2"] == "0.039062"  # 10 / 256 = 0.0390625


def test_empty_rows_match_nothing(tmp_path):
    a = write_clkhash(tmp_path / "a", [0, 0], 64)
    b = write_clkhash(tmp_path / "b", [0, 1], 64)
    for kind in ["dice", "jaccard"]:
        assert pairs("--threshold", "0.000000001", "--similarity", kind, "--within", a, b) == []
    assert pairs("--threshold", "1", "--similarity", "hamming", "--within", a, b) == []


def test_no_rows(tmp_path):
    a = write_clkhash(tmp_path / "a", [], 64)
    b = write_clkhash(tmp_path / "b", [1], 64)
    assert pairs("--threshold", "1", "--within", a, b) == []
    assert pairs("--threshold", "1", "--within", a) == []


def test_kernels_and_threads_agree_to_the_byte(tmp_path):
    rng = random.Random(9)
    first = make_rows(rng, 900, 320)
    a = write_clkhash(tmp_path / "a", first, 320)
    b = write_clkhash(tmp_path / "b", make_rows(rng, 700, 320, first), 320)
    outputs = set()
    for kernel in ["avx512", "avx512bw", "avx2", "popcnt", "neon", "scalar"]:
        for threads in range(1, 5):
            done = match("--threshold", "0.7", "--within", "--threads", threads, a, b,
                         env={"KITH_KERNEL": kernel})
            if done.returncode == 2 and ("processor" in done.stderr or "no such kernel" in done.stderr):
                continue
            assert done.returncode == 0
            outputs.add(done.stdout)
    assert len(outputs) == 1
    assert match("--threshold", "1", a, b, env={"KITH_KERNEL": "abacus"}).returncode == 2


def test_party_names(tmp_path):
    folder = tmp_path / "x.y"
    folder.mkdir()
    plain = write_clkhash(folder / "po,lice.2024.json", [5], 64)
    zipped = folder / 'health "north".json.gz'
    zipped.write_bytes(gzip.compress(write_clkhash(tmp_path / "z", [5], 64).read_bytes()))
    assert pairs("--threshold", "1", plain, zipped) == [
        ["po,lice.2024", "0", 'health "north"', "0", "1.000000"]]
    twin = write_clkhash(tmp_path / "po,lice.2024.txt", [5], 64)
    done = match("--threshold", "1", plain, twin)
    assert done.returncode == 2 and done.stderr.startswith("kith: ")


def test_clkhash_vectors(tmp_path):
    files = sorted(SHARED.glob("vectors/*/clks.json"))
    if not files:
        pytest.skip("skipped: no vectors in %s" % SHARED)
    for path in files:
        rows = [base64.b64decode(clk) for clk in json.loads(path.read_text())["clks"]]
        bits = len(rows[0]) * 8
        parties = [("clks", [int.from_bytes(row, "big") for row in rows], None)]
        want = oracle("dice", bits, parties, Fraction(3, 5), within=True)
        assert pairs("--threshold", "0.6", "--within", path) == want


def test_out_appears_whole(tmp_path):
    a = write_clkhash(tmp_path / "a", [5, 7], 64)
    b = write_clkhash(tmp_path / "b", [5], 64)
    out = tmp_path / "out" / "pairs.csv"
    assert match("--threshold", "1", "--out", out, a, b).returncode == 73
    out.parent.mkdir()
    done = match("--threshold", "1", "--out", out, a, b)
    assert done.returncode == 0 and done.stdout == ""
    assert out.read_text() == "party_a,row_a,party_b,row_b,similarity\na,0,b,0,1.000000\n"
    out.unlink()
    assert match("--threshold", "0.1", "--max-pairs", 1, "--out", out, a, b).returncode == 65
    assert list(out.parent.iterdir()) == []


# ---- refusals

@pytest.mark.parametrize("arguments", [
    [], ["--threshold", "0.8"], ["--threshold", "0.8", "A"], ["A", "B"],
    ["--threshold", "0", "A", "B"], ["--threshold", "1.01", "A", "B"],
    ["--threshold", "2/1", "A", "B"], ["--threshold", "1/0", "A", "B"],
    ["--threshold", "0.1234567891", "A", "B"], ["--threshold", "-0.5", "A", "B"],
    ["--threshold", "8e-1", "A", "B"], ["--threshold", "", "A", "B"],
    ["--threshold", "nan", "A", "B"], ["--threshold", "0.8", "--similarity", "cosine", "A", "B"],
    ["--threshold", "0.8", "--bits", "0", "A", "B"], ["--threshold", "0.8", "--threads", "0", "A", "B"],
    ["--threshold", "0.8", "--threads", "x", "A", "B"], ["--threshold", "0.8", "--sideways", "A", "B"],
    ["--threshold", "0.8", "A", "A"], ["--threshold"], ["--threshold", "0.8"] + ["A"] * 17,
])
def test_usage_errors(tmp_path, arguments):
    for name in "AB":
        write_clkhash(tmp_path / name, [5], 64)
    done = match(*[tmp_path / a if a in ("A", "B") else a for a in arguments])
    assert done.returncode == 2
    assert done.stderr.startswith("kith: ") and done.stdout == ""


def test_bad_data(tmp_path):
    good = write_clkhash(tmp_path / "good", [5], 64)
    longer = write_clkhash(tmp_path / "longer", [5], 72)
    broken = tmp_path / "broken"
    broken.write_text('{"clks": ["AAE="')
    kith = write_kith(tmp_path / "kith", [5], 64)
    damaged = tmp_path / "damaged"
    damaged.write_bytes(kith.read_bytes()[:-1] + b"?")
    schema = write_kith(tmp_path / "schema", [5], 64, schema=b"t" * 32)
    key = write_kith(tmp_path / "key", [5], 64, key=b"l" * 16)
    for pair, status in [((good, longer), 65), ((good, broken), 65), ((good, kith), 65),
                         ((kith, schema), 65), ((kith, key), 65), ((good, damaged), 65),
                         ((good, tmp_path / "none"), 66), ((good, tmp_path), 66)]:
        done = match("--threshold", "1", *pair)
        assert done.returncode == status, (pair, done.stderr)
        assert done.stderr.startswith("kith: ") and pair[1].name in done.stderr
    raw = tmp_path / "raw"
    raw.write_bytes(b"\xff\xff\xff")
    assert match("--threshold", "1", "--within", "--bits", 15, raw).returncode == 65
    assert match("--threshold", "1", "--within", "--bits", 16, raw).returncode == 65
    assert match("--threshold", "1", "--within", "--bits", 24, raw).returncode == 0


def test_help():
    done = match("--help")
    assert done.returncode == 0 and "kith match --threshold" in done.stdout


def test_a_signal_stops_it_soon_and_cleanly(tmp_path):
    rng = random.Random(1)
    rows = tmp_path / "rows"
    rows.write_bytes(rng.randbytes(128 * 150000))
    out = tmp_path / "pairs.csv"
    process = subprocess.Popen([KITH, "match", "--threshold", "0.99", "--bits", "1024", "--within",
                                "--method", "brute",
                                "--out", out, rows], stderr=subprocess.PIPE, text=True,
                               env=dict(os.environ, KITH_KERNEL="scalar"))
    time.sleep(1.5)
    assert process.poll() is None
    start = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=30)
    assert time.monotonic() - start < 1
    assert process.returncode == 1 and "stopped" in stderr
    assert [path.name for path in tmp_path.iterdir()] == ["rows"]


def test_methods_and_the_plan(tmp_path):
    """Every method finds the same pairs, and --explain names the plan."""
    rng = random.Random(20261123)
    rows = [rng.getrandbits(512) & rng.getrandbits(512) for _ in range(400)]
    files = []
    for name in "ab":
        path = tmp_path / f"{name}.raw"
        path.write_bytes(b"".join((row ^ 1 << rng.randrange(512)).to_bytes(64, "big") for row in rows))
        files.append(path)
    found = set()
    for method in ("auto", "brute", "sketch", "pigeonhole"):
        out = tmp_path / f"{method}.csv"
        done = match("--bits", 512, "--threshold", "0.9", "--method", method, "--explain", "--out",
                    out, *files)
        assert done.returncode == 0, done.stderr
        assert done.stderr.startswith("match: ")
        assert ("match: pigeonhole join" in done.stderr) == (method == "pigeonhole"), done.stderr
        found.add(out.read_bytes())
    assert len(found) == 1 and found.pop().count(b"\n") > 400
    assert match("--bits", 512, "--threshold", "0.9", "--method", "magic", *files).returncode == 2
    assert match("--bits", 512, "--threshold", "0.9", "--kernel", "magic", *files).returncode == 2
