"""kith bench engine: the grid, its agreement with brute force, and the comparison with an earlier result."""
import base64
import json
import os
import pathlib
import subprocess

import pytest

BUILD = pathlib.Path(os.environ.get("KITH_BUILD", "build"))
KITH = BUILD / "test" / "kith"
SMALL = ("--rows", "300,700", "--threshold", "0.7,0.9", "--bits", "256")


def bench(*args):
    return subprocess.run([KITH, "bench", *map(str, args)], capture_output=True, text=True, timeout=300,
                          stdin=subprocess.DEVNULL)


def result(*args):
    done = bench("engine", "--json", *args)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_grid_has_each_cell_with_brute_force_first():
    out = result(*SMALL, "--similarity", "dice,masked", "--method", "sketch:9,auto,brute,pigeonhole",
                 "--threads", "1,2", "--repeat", 3)
    assert out["compiler"] and out["processor"] and out["peak_bytes"] > 1 << 20
    assert out["settings"]["bits"] == 256 and out["settings"]["data"] == "people"
    cells = {}
    for run in out["runs"]:
        cell = tuple(run[key] for key in ("rows", "similarity", "threshold", "kernel", "threads"))
        cells.setdefault(cell, []).append(run)
        assert len(run["seconds"]) == 3 and sorted(run["seconds"])[1] == pytest.approx(run["median"])
        assert run["comparisons"] == run["rows"] ** 2 and not run["part"]
        assert run["per_second"] == pytest.approx(run["comparisons"] / run["median"], rel=1e-6)
    assert len(cells) == 2 * 2 * 2 * 2
    for runs in cells.values():
        assert [run["method"] for run in runs] == ["brute", "sketch:9", "auto", "pigeonhole"]
        assert runs[0]["times_brute"] == 1
        assert "sketches of 9 groups" in runs[1]["plan"] and "pigeonhole" in runs[3]["plan"]
    same = {}
    for run in out["runs"]:
        same.setdefault((run["rows"], run["similarity"], run["threshold"]),
                        set()).add((run["pairs"], run["hash"]))
    assert all(len(found) == 1 for found in same.values())
    assert len({found.pop() for found in same.values()}) == len(same)


def test_every_kernel_and_other_data():
    out = result("--rows", 200, "--threshold", "0.4", "--bits", 100, "--kernel", "all", "--data",
                 "independent", "--similarity", "jaccard")
    kernels = {run["kernel"] for run in out["runs"]}
    assert "scalar" in kernels
    assert len({run["hash"] for run in out["runs"]}) == 1


def test_brute_force_on_a_part():
    out = result("--rows", 600, "--threshold", "0.9", "--brute-rows", 100, "--method", "sketch")
    brute, sketch = out["runs"]
    assert brute["part"] and brute["comparisons"] == 100 ** 2
    assert not sketch["part"] and sketch["comparisons"] == 600 ** 2
    done = bench("engine", "--rows", 600, "--threshold", "0.9", "--brute-rows", 100)
    assert "on the first 100 rows" in done.stdout


def test_the_table():
    done = bench("engine", *SMALL)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    heading = next(i for i, line in enumerate(lines) if line.startswith("ROWS"))
    assert lines[heading].split() == ["ROWS", "SIMILARITY", "BOUND", "METHOD", "KERNEL", "THREADS", "PAIRS",
                                      "SECONDS", "10^9/S", "X", "BRUTE"]
    assert [line.split()[3] for line in lines[heading + 1:heading + 5]] == [
        "brute", "sketch", "pigeonhole", "auto"]
    assert "All ways found the same pairs" in done.stdout


def test_against_an_earlier_result(tmp_path):
    earlier = tmp_path / "earlier.json"
    out = result(*SMALL, "--method", "brute")
    for run in out["runs"]:
        run["per_second"] /= 1000
    earlier.write_text(json.dumps(out))
    done = bench("--against", earlier, "--json")
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout)
    assert again["settings"] == out["settings"]
    assert [run["hash"] for run in again["runs"]] == [run["hash"] for run in out["runs"]]
    assert all(run["times_earlier"] > 20 for run in again["runs"])
    table = bench("engine", "--against", earlier, "--threshold", "0.9,0.8")
    assert table.returncode == 0 and "X EARLIER" in table.stdout
    rows = [line.split() for line in table.stdout.splitlines() if line[:3] in ("300", "700")]
    assert [len(row) for row in rows] == [11, 10, 11, 10]  # 0.8 was not measured then
    other = bench("engine", "--against", earlier, "--bits", 128, "--json")
    assert all("times_earlier" not in run for run in json.loads(other.stdout)["runs"])


def test_files_of_encodings(tmp_path):
    rows = [bytes((i * 7 + j) % 256 for j in range(32)) for i in range(50)]
    files = []
    for name in "abc":
        path = tmp_path / name
        path.write_text(json.dumps({"clks": [base64.b64encode(row).decode() for row in rows]}))
        files.append(path)
    out = result("--threshold", "1", *files)
    assert out["settings"]["data"] == "files" and out["settings"]["parties"] == 3
    assert {run["rows"] for run in out["runs"]} == {50}
    assert {run["pairs"] for run in out["runs"]} == {150}
    assert bench("engine", files[0]).returncode == 2
    assert bench("engine", files[0], tmp_path / "none").returncode == 66


@pytest.mark.parametrize("args, word", [
    (("--rows", "0"), "--rows"), (("--rows", "10,,20"), "--rows"), (("--rows", "10,"), "--rows"),
    (("--threshold", "2"), "--threshold"), (("--threshold", "0"), "threshold"),
    (("--similarity", "cosine"), "--similarity"), (("--method", "magic"), "--method"),
    (("--method", "sketch:0"), "sketch"), (("--method", "sketch:x"), "sketch"),
    (("--kernel", "abacus"), "kernel"), (("--threads", "0"), "--threads"), (("--data", "cats"), "--data"),
    (("--rows", ",".join("1" * 17)), "--rows"), (("--threshold", "0.9" + "0" * 20), "--threshold"),
])
def test_refusals(args, word):
    done = bench("engine", "--rows", "20", *args)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("kith: ") and word in done.stderr


def test_files_that_are_no_results(tmp_path):
    good = result("--rows", 20, "--threshold", "1", "--method", "brute")
    for change in ({"settings": {}}, {"runs": 3}, {"runs": [{}]}, {"settings": {**good["settings"], "bits": 0}},
                   {"settings": {**good["settings"], "rows": 20}}):
        path = tmp_path / "changed.json"
        path.write_text(json.dumps({**good, **change}))
        done = bench("--against", path)
        assert done.returncode == 65 and "not a result" in done.stderr
    path.write_text("{")
    assert bench("--against", path).returncode == 65
    assert bench("--against", tmp_path / "none").returncode == 66
