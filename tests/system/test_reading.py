"""What people send, through the commands that read tables: what is read, what is set aside, what is
refused, with which exit status."""
import contextlib
import gzip
import json
import os
import pathlib
import random
import subprocess
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
KITH = pathlib.Path(os.environ.get("KITH_BUILD", ROOT / "build")) / "kith"
HEADER = b"id,given_name,surname,date_of_birth\n"


def kith(*arguments, **more):
    return subprocess.run([KITH, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120, **more)


def written(path, content):
    path.write_bytes(content)
    return path


def read(path):
    """Rows, and those set aside: (row, line, column, rule)."""
    done = kith("source", "check", "--json", path)
    assert done.returncode in (0, 1, 65), done.stderr
    found = json.loads(done.stdout)
    aside = [(r["row"], r["line"], r["column"], r["rule"]) for r in found["set_aside"]["first"]]
    assert (done.returncode == 65) == bool(aside)
    return found["rows"], aside


def refused(path, status=65):
    done = kith("source", "check", path)
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith("kith: ") and str(path) in done.stderr and done.stderr.count("\n") == 1
    return done.stderr


@pytest.mark.parametrize("content,rows,aside", [
    (HEADER, 0, []),
    (HEADER[:-1], 0, []),
    (HEADER + b"1,a,b,2000-01-01", 1, []),
    (HEADER + b"1,a,b,2000-01-01\r\n2,a,b,\r\n", 2, []),
    ((HEADER + b"1,a,b,2000-01-01\n2,a,b,\n").replace(b"\n", b"\r"), 2, []),
    (HEADER + b"1,a,b,\r2,a,b,\n", 2, []),
    (b"\xef\xbb\xbf" + HEADER + b"1,a,b,\n", 1, []),
    (b"\xef\xbb\xbf\"id\",\"surname\"\n\"1\",\"a\"\n", 1, []),
    (HEADER + b"\n1,a,b,\n\n\n", 1, []),
    (b"id,surname,,\n1,a,x,y\n", 1, []),
    (HEADER + b"1,O\"Brien,b,\n2,5\" pipe,b,\n", 2, []),
    (HEADER + b"1,\"a,\n\"\"b\"\"\",c,\n", 1, []),
    (HEADER + b"1,a,b\n2,a,b,,\n3,a,b,\n", 3, [(2, 2, None, "wrong number of fields"),
                                              (3, 3, None, "wrong number of fields")]),
    (HEADER + b"1,\"a\nb\",b,\n2,a,\"b,\n3,a,b,\n", 3, [(3, 4, 3, "broken quotes")]),
    (HEADER + b"1,\"a\" x,b,\n2,a,b,\n", 2, [(2, 2, 2, "broken quotes")]),
    (HEADER + b"1, \"a, x\",b\n2,a,b,\n", 2, [(2, 2, 2, "broken quotes")]),
    (HEADER + b"1,a\0,b,\n2,a,b,\n", 2, [(2, 2, 2, "not UTF-8")]),
    (HEADER + "1,é,b,\n".encode() + b"2,a,\xe9,\n3,a,b,\n", 3, [(3, 3, 3, "not UTF-8")]),
    (HEADER + b"1,a,\xe9,\n2,a,\xe9,\n", 2, []),  # all of it is Windows-1252
    (HEADER + b"1,a,b,\n" + b"\xef\xbb\xbf" + HEADER + b"2,a,b,\n", 3, [(3, 3, 1, "not UTF-8")]),
], ids=["header", "header-no-end", "no-end", "crlf", "cr", "lone-cr", "mark", "mark-quote", "blank", "unnamed",
        "inch", "rfc", "ragged", "unclosed", "behind", "blank-quote", "nul", "one-bad", "1252", "joined"])
def test_what_is_read(tmp_path, content, rows, aside):
    assert read(written(tmp_path / "a.csv", content)) == (rows, aside)
    packed = written(tmp_path / "b.csv", gzip.compress(content))
    assert read(packed) == (rows, aside)


@pytest.mark.parametrize("content,words", [
    (b"", "is empty"), (b"\xef\xbb\xbf", "is empty"), (b"\n" + HEADER, "row 1 is blank"),
    (b",,\n1,2,3\n", "row 1 has no names"),
    (b"id,\"surname\n1,a\n", "row 1, column 2: a quote"), (b"id,sur\0name\n1,a\n", "row 1, column 2"),
    (gzip.compress(HEADER + b"1,a,b,\n")[:-3], "gzip"),
    (gzip.compress(HEADER) + b"1,a,b,\n", "something else follows"),
    (b"PK\3\4\x14\0\6\0" + bytes(100), "is a spreadsheet's own file (.xlsx, .ods)"),
    (gzip.compress(b"PK\3\4\x14\0\6\0" + bytes(100)), "save the table as CSV (UTF-8)"),
    (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "own file (.xls)"), (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
    (b"SQLite format 3\0" + bytes(100), "kith-odbc"),
])
def test_what_is_refused(tmp_path, content, words):
    assert words in refused(written(tmp_path / "a.csv", content))


def test_no_file(tmp_path):
    assert "directory" in refused(tmp_path, 66)
    refused(tmp_path / "none.csv", 66)
    os.symlink(tmp_path / "nowhere", tmp_path / "link.csv")
    refused(tmp_path / "link.csv", 66)


def test_a_pipe(tmp_path):
    """A FIFO is read to its end, though the first line comes in two pieces."""
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)

    def write():
        with open(path, "wb", buffering=0) as pipe:
            for piece in (b"id", b";surname\n1;", b"a\n2;b\n"):
                pipe.write(piece)
                time.sleep(0.05)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert read(path) == (2, [])
    finally:
        writer.join(timeout=10)


def has_open(process, path):
    """Whether the process holds the file open; a descriptor may go while we look."""
    for fd in os.listdir(f"/proc/{process.pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(f"/proc/{process.pid}/fd/{fd}") == str(path.resolve()):
                return True
    return False


@pytest.mark.parametrize("how", ["grows", "is cut"])
def test_a_file_that_changes(tmp_path, how):
    """An export that is still being written is no export."""
    path = written(tmp_path / "a.csv", HEADER + b"".join(b"%d,a,b,\n" % i for i in range(1_000_000)))
    process = subprocess.Popen([KITH, "source", "check", path], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 10
        while not has_open(process, path):
            assert time.monotonic() < deadline and process.poll() is None
        if how == "grows":
            with open(path, "ab") as file:
                file.write(b"x,a,b,\n")
        else:
            os.truncate(path, path.stat().st_size - 5)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 65
    assert "changed while it was read" in errors


def test_one_broken_quote_costs_one_row(tmp_path):
    """The same table with a quote broken here and there: all other rows are read, and encode to what
    they did."""
    random.seed(1)
    good = [b'%d,Ann,"Smith, %d",2000-01-%02d' % (i, i, i % 28 + 1) if i % 3 else
            b"%d,Bob,Roe%d,1990-01-01" % (i, i) for i in range(3000)]
    broken = sorted(random.sample(range(0, 2990, 10), 30))
    rows = list(good)
    for i in broken:
        rows[i] = b'%d,"Eve,Smith,2001-01-01' % i
    found = read(written(tmp_path / "a.csv", HEADER + b"\n".join(rows) + b"\n"))
    assert found == (3000, [(i + 2, i + 2, 2, "broken quotes") for i in broken])


def test_a_pipe_without_ids(tmp_path):
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=[b"surname\nsmith\n"])
    writer.start()
    try:
        done = kith("source", "check", path)
    finally:
        writer.join(timeout=10)
    assert done.returncode == 65 and 'no column "id"' in done.stderr


def test_strict_stops(tmp_path):
    bad = written(tmp_path / "a.csv", HEADER + b'1,a,"x\ny",\n2,SECRET"a,b,\n3,"SECRET,b,\n')
    for command in (["link"], ["encode", "--schema", tmp_path / "city" / "policy.json",
                               "--secret-file", written(tmp_path / "secret", b"s")]):
        assert kith("generate", "--people", 10, "--agencies", 2, "--seed", 1, "--out",
                    tmp_path / "city").returncode in (0, 73)
        out = tmp_path / command[0]
        done = kith(*command, "--strict", "--out", out, bad)
        assert done.returncode == 65
        assert "row 4 (line 5), column 2: broken quotes" in done.stderr
        assert "SECRET" not in done.stderr
        assert not out.exists()
        done = kith(*command, "--out", out, bad)
        assert done.returncode == 0 and "set aside" in done.stderr
