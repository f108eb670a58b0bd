"""kith source check: what it counts, what it refuses, and that it shows no value."""
import csv
import gzip
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
KITH = pathlib.Path(os.environ.get("KITH_BUILD", ROOT / "build")) / "kith"
SHARED = pathlib.Path(os.environ.get("KITH_SHARED", ROOT / "../shared"))
HEADER = "id,given_name,surname,date_of_birth,sex,postcode\n"


def check(*arguments):
    return subprocess.run([KITH, "source", "check", *map(str, arguments)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)


def report(*arguments, status=0):
    done = check("--json", *arguments)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


GOOD = (HEADER + "1,Anna,Example,1985-04-20,F,QX1 1AB\n"
        "2,ANNA,EXAMPLE,20/04/1985,female,qx11ab\n"
        "3,Unknown,Sample (DECEASED),01/01/1990,9,NFA\n"
        "4,Peter,Model,31/02/1990,M,QX1\n"
        "5,Paula,Model,not a date,Q,HELLO\n"
        "6,,,1900-01-01,,\n")


def test_counts(tmp_path):
    found = report(written(tmp_path / "a.csv", GOOD))
    assert found["rows"] == 6
    assert found["profile"] == "standard"
    assert found["set_aside"]["rows"] == 0
    assert found["duplicates"] == {"rows": 1, "people": 1}
    fields = found["fields"]
    assert fields["given_name"] == {"column": True, "missing": 1, "placeholder": 1, "unusable": 0,
                                    "partial": 0, "repaired": 0, "fine": 4}
    assert fields["surname"]["repaired"] == 1
    assert fields["date_of_birth"] == {"column": True, "missing": 0, "placeholder": 1,
                                       "unusable": 1, "partial": 2, "repaired": 0, "fine": 2}
    assert found["bad_dates"] == {"unusable": 1, "placeholder": 1, "partial": 2}
    assert fields["postcode"]["placeholder"] == 1
    assert fields["street"]["column"] is False and fields["street"]["missing"] == 6
    assert found["unusable"] == [{"row": 6, "field": "date_of_birth"}, {"row": 6, "field": "sex"},
                                 {"row": 6, "field": "postcode"}]


def test_table_and_no_values(tmp_path):
    done = check(written(tmp_path / "a.csv", GOOD))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[2].split()[:3] == ["FIELD", "COLUMN", "MISSING"]
    assert done.stderr == ""
    for value in ["Anna", "ANNA", "Example", "1985", "QX1", "Sample", "HELLO", "not a date"]:
        assert value.lower() not in done.stdout.lower()


def test_gzip(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(GOOD.encode()))
    plain = report(written(tmp_path / "a.csv", GOOD))
    packed = report(path)
    del plain["file"], packed["file"]
    assert plain == packed


def test_rows_set_aside(tmp_path):
    content = (HEADER.encode() + b"1,a,b,1985-04-20,F,\n" b"1,SECRET,b,1985-04-20,F,\n"
               b",SECRET,b,,,\n" b"2,SECRET\n" b"3,a,b,c,d,e,SECRET\n" b"4,SECRET\xe9,b,,,\n")
    path = written(tmp_path / "a.csv", content)
    found = report(path, status=65)
    assert found["rows"] == 6
    aside = found["set_aside"]
    assert aside["rows"] == 5
    assert [(r["row"], r["column"], r["rule"]) for r in aside["first"]] == [
        (3, 1, "repeated id"), (4, 1, "no id"), (5, None, "wrong number of fields"),
        (6, None, "wrong number of fields"), (7, 2, "not UTF-8")]
    assert aside["by_rule"]["wrong number of fields"] == 2
    done = check(path)
    assert done.returncode == 65
    assert "SECRET" not in done.stdout + done.stderr


def test_windows_1252(tmp_path):
    content = (HEADER + "1,Zoë,Müller,1985-04-20,F,\n2,Ann,Roe,1985-04-20,F,\n").encode("cp1252")
    found = report(written(tmp_path / "a.csv", content), status=65)
    assert found["set_aside"]["by_rule"]["not UTF-8"] == 1
    assert found["rows"] == 2


@pytest.mark.parametrize("content,words", [
    (b"", "empty"),
    (b"\n", "blank"),
    (b"given_name,surname\nAnn,Roe\n", 'no column "id"'),
    (b"id,surname,Surname\n1,a,b\n", "both"),
    (b"id,surname,surname\n1,a,b\n", "same name"),
    (b"id,sex\n1,\0\n", "NUL"),
    (b"id,sex\n1,\"a\" b\n", "quote"),
    (b"id,sex\n1,\"a\n", "quoted"),
    (b"id,surname\n1," + b"a" * 10_000_000 + b"\n", "row 2"),
    (b"id," + b",".join(b"c%d" % i for i in range(5000)) + b"\n", "column"),
    (gzip.compress(GOOD.encode())[:60], "gzip"),
], ids=["empty", "blank", "no-id", "twice", "same", "nul", "quote", "unclosed", "long-field",
        "many-columns", "cut-gzip"])
def test_files_refused(tmp_path, content, words):
    done = check(written(tmp_path / "a.csv", content))
    assert done.returncode == 65
    assert words in done.stderr
    assert str(tmp_path / "a.csv") in done.stderr
    assert len(done.stderr) < 700


def test_no_file(tmp_path):
    assert check(tmp_path / "none.csv").returncode == 66
    assert check(tmp_path).returncode == 66
    denied = written(tmp_path / "denied.csv", GOOD)
    denied.chmod(0)
    if os.getuid() != 0:
        assert check(denied).returncode == 66


@pytest.mark.parametrize("arguments", [
    [], ["a.csv", "b.csv"], ["--profile", "police", "a.csv"], ["--profile"], ["--nonsense", "a.csv"],
])
def test_usage(arguments):
    done = check(*arguments)
    assert done.returncode == 2
    assert "Usage:" in done.stderr
    if "police" in arguments:
        assert "standard" in done.stderr


def test_help():
    done = check("--help")
    assert done.returncode == 0 and "kith source check" in done.stdout
    done = subprocess.run([KITH, "source", "nonsense"], capture_output=True, text=True)
    assert done.returncode == 2


def test_full_output():
    if not pathlib.Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run([KITH, "source", "check", "/dev/null"], stdout=full,
                              stderr=subprocess.PIPE, text=True)
    assert done.returncode == 65  # the file is empty: nothing was to be printed


def test_full_output_of_a_good_file(tmp_path):
    path = written(tmp_path / "a.csv", GOOD)
    with open("/dev/full", "w") as full:
        for options in [[], ["--json"]]:
            done = subprocess.run([KITH, "source", "check", *options, path], stdout=full,
                                  stderr=subprocess.PIPE, text=True)
            assert done.returncode == 74


def test_open_data():
    folder = SHARED / "data/city-small"
    if not folder.exists():
        pytest.skip("no open data here")
    for path in sorted(folder.glob("*.csv")):
        if path.name == "truth.csv":
            continue
        found = report(path)
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert found["rows"] == len(rows)
        for field, counts in found["fields"].items():
            empty = sum(row[field] == "" for row in rows)
            assert counts["missing"] == empty
            assert sum(v for k, v in counts.items() if k != "column") == len(rows)
            assert counts["unusable"] <= len(rows) // 100
