"""Encodings made by other software (here: Python's hashlib) against exhaustive results (numpy), on data of
people that others made."""
import base64
import csv
import hashlib
import hmac
import json
import os
import pathlib
import subprocess

import numpy
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
KITH = pathlib.Path(os.environ.get("KITH_BUILD", ROOT / "build")) / "kith"
DATA = pathlib.Path(os.environ.get("KITH_SHARED", ROOT / "../shared")) / "data/febrl4"
BITS = 1000  # neither a multiple of 64 nor of 512, but whole bytes: the format pads nothing


def encode(row, cache):
    bits = numpy.zeros(BITS, dtype=bool)
    for field in ("given_name", "surname", "date_of_birth", "postcode", "town"):
        text = " %s " % row.get(field, "").strip().lower()
        for i in range(len(text) - 1 if len(text) > 2 else 0):
            token = field + text[i:i + 2]
            if token not in cache:
                digest = hmac.digest(b"held out", token.encode(), hashlib.sha512)
                cache[token] = [int.from_bytes(digest[k:k + 4], "big") % BITS for k in range(0, 48, 4)]
            bits[cache[token]] = True
    return bits


def write(path, bits):
    rows = [base64.b64encode(row.tobytes()).decode() for row in numpy.packbits(bits, axis=1)]
    path.write_text(json.dumps({"clks": rows}))
    return path


@pytest.fixture(scope="module")
def parties(tmp_path_factory):
    if not DATA.exists():
        pytest.skip("skipped: no %s" % DATA)
    folder = tmp_path_factory.mktemp("held-out")
    cache = {}
    out = []
    for name in "ab":
        with open(DATA / (name + ".csv"), newline="", encoding="utf-8") as file:
            bits = numpy.array([encode(row, cache) for row in csv.DictReader(file)])
        assert bits.shape[0] > 4000 and 50 < bits.sum(axis=1).mean() < 700
        out.append((write(folder / name, bits), bits))
    a, b = (bits.astype(numpy.float32) for _, bits in out)
    common = (a @ b.T).astype(numpy.int64)  # sums below 2^24: exact
    return out, common


def exhaustive(parties, common, n, d):
    sums = parties[0][1].sum(axis=1)[:, None] + parties[1][1].sum(axis=1)[None, :]
    return set(zip(*(index.tolist() for index in numpy.nonzero(2 * common * d >= n * sums))))


@pytest.mark.parametrize("n, d", [(3, 4), (9, 10)])
def test_all_methods_find_what_an_exhaustive_search_does(parties, tmp_path, n, d):
    (files, common) = parties
    want = exhaustive(files, common, n, d)
    assert len(want) > 500
    for method in ("brute", "sketch", "pigeonhole", "auto"):
        out = tmp_path / method
        done = subprocess.run([KITH, "match", "--quiet", "--threshold", "%d/%d" % (n, d), "--method", method,
                               "--out", out, files[0][0], files[1][0]], capture_output=True, text=True,
                              timeout=300)
        assert done.returncode == 0, done.stderr
        with open(out, newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))[1:]
        assert {(int(row[1]), int(row[3])) for row in rows} == want, method
        assert len(rows) == len(want)
