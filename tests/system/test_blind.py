"""kith link under a blind policy: its results, and what it refuses."""
import json
import random

import pytest

from test_link import CITY, SHARED, evaluate, kith, link, rows, town, write


def blind_policy(folder, agencies, name="blind.json", change=None):
    path = folder / name
    done = kith("policy", "new", "--protection", "blind", "--agencies", ",".join(agencies),
                "--out", path)
    assert done.returncode == 0, done.stderr
    if change:
        value = json.loads(path.read_text())
        change(value["linkage"]["blind"])
        path.write_text(json.dumps(value))
    return path


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """A town of people with errors, compared blindly under a secret of its own."""
    folder = tmp_path_factory.mktemp("blind")
    files = town(folder)
    policy = blind_policy(folder, [f.stem for f in files])
    secret = write(folder / "secret", "a secret of the test")
    link("--policy", policy, "--secret-file", secret, "--out", folder / "out", *files)
    return folder, files, folder / "truth.csv", policy, secret


def clusters_of(folder):
    """The clusters as sets of records, whatever their numbers."""
    groups = {}
    for row in rows(folder / "clusters.csv"):
        groups.setdefault(row["cluster"], set()).add((row["party"], row["id"]))
    return set(map(frozenset, groups.values()))


def test_finds_people(result):
    folder, files, truth, _, _ = result
    pairs = evaluate(truth, folder / "out")["pairs"]
    report = json.loads((folder / "out" / "report.json").read_text())
    point = next(p for p in report["threshold_curve"] if p["threshold"] == report["threshold"])
    assert pairs["f1"] > 0.9, pairs
    assert abs(point["precision"] - pairs["precision"]) < 0.05
    blind = report["blind"]
    assert set(blind["duplicates"]) == {f.stem for f in files}
    assert 0 < blind["candidates"] <= blind["rows"] and blind["bytes"] > 60 * blind["rows"]


def test_says_what_it_left_out(result, tmp_path):
    _, files, _, policy, _ = result
    twice = write(tmp_path / "twice.csv", files[0].read_text() +
                  "D1,Ngozi,Thistlethwaite,1971-02-03,F,CV1 1AB\n"
                  "D2,Ngozi,Thistlethwaite,1971-02-03,F,CV1 1AB\n")
    done = kith("link", "--policy", policy, "--out", tmp_path / "out", twice, files[1])
    assert done.returncode == 0, done.stderr
    assert " records of twice are of people that it has already" in done.stderr, done.stderr


def test_every_record_once_and_every_linked_pair(result):
    folder, files, _, _, _ = result
    cluster = {}
    for row in rows(folder / "out" / "clusters.csv"):
        assert cluster.setdefault((row["party"], row["id"]), row["cluster"]) == row["cluster"]
    for path in files:
        for row in rows(path):
            assert (path.stem, row["id"]) in cluster
    linked = set()
    for row in rows(folder / "out" / "pairs.csv"):
        a, b = (row["party_a"], row["id_a"]), (row["party_b"], row["id_b"])
        assert (row["linked"] == "1") == (cluster[a] == cluster[b])
        assert 0 <= float(row["similarity"]) <= 1 and 0 <= float(row["probability"]) <= 1
        if row["linked"] == "1":
            linked.add(frozenset((a, b)))
    for group in clusters_of(folder / "out"):
        members = sorted(group)
        for i, a in enumerate(members):
            for b in members[i + 1:]:
                assert frozenset((a, b)) in linked


def test_order_of_rows_and_files_does_not_matter(result, tmp_path):
    folder, files, _, policy, secret = result
    shuffled = []
    rng = random.Random(7)
    for path in files[::-1]:
        head, *lines = path.read_text().splitlines(keepends=True)
        rng.shuffle(lines)
        shuffled.append(write(tmp_path / path.name, head + "".join(lines)))
    link("--policy", policy, "--secret-file", secret, "--out", tmp_path / "out", *shuffled)
    assert clusters_of(tmp_path / "out") == clusters_of(folder / "out")


def test_two_secrets_agree_nearly(result, tmp_path):
    folder, files, _, policy, _ = result
    link("--policy", policy, "--out", tmp_path / "out", *files)

    def linked(out):
        return {(r["party_a"], r["id_a"], r["party_b"], r["id_b"])
                for r in rows(out / "pairs.csv") if r["linked"] == "1"}

    a, b = linked(folder / "out"), linked(tmp_path / "out")
    assert len(a & b) > 0.97 * len(a | b)


def test_several_occurrences(result, tmp_path):
    folder, files, truth, _, secret = result
    policy = blind_policy(tmp_path, [f.stem for f in files],
                          change=lambda blind: blind.update(occurrences=2))
    link("--policy", policy, "--secret-file", secret, "--out", tmp_path / "out", *files)
    once = json.loads((folder / "out" / "report.json").read_text())["blind"]
    twice = json.loads((tmp_path / "out" / "report.json").read_text())["blind"]
    assert twice["rows"] == 2 * once["rows"]
    assert evaluate(truth, tmp_path / "out")["pairs"]["f1"] > 0.9


def test_usage(result, tmp_path):
    folder, files, _, policy, _ = result
    for arguments, why in (((files[0],), "between files"),
                           (("--fields", "surname", *files), "--fields"),
                           (("--encodings", *files), "--encodings")):
        done = kith("link", "--policy", policy, "--out", tmp_path / "out", *arguments)
        assert done.returncode == 2 and why in done.stderr, done.stderr
    done = kith("encode", "--format", "kith", "--schema", policy, "--secret-file",
                folder / "secret", "--out", tmp_path / "out.kenc", files[0])
    assert done.returncode == 78 and "kith link" in done.stderr, done.stderr


def test_the_policy_in_words(result, tmp_path):
    policy = result[3]
    shown = kith("policy", "show", policy).stdout
    assert "birth + given_form" in shown and "8 match keys" in shown
    checked = kith("policy", "check", policy)
    assert checked.returncode == 1 and "one distance a field" in checked.stdout
    agencies = [f.stem for f in result[1]]
    other = blind_policy(tmp_path, agencies, "other.json", lambda b: b["match_keys"].pop())
    done = kith("policy", "diff", policy, other)
    assert done.returncode == 1 and "the match keys changes" in done.stdout, done.stdout
    done = kith("policy", "new", "--protection", "rot13", "--agencies", "a,b", "--out",
                tmp_path / "x.json")
    assert done.returncode == 2 and "--protection" in done.stderr


def test_blind_is_the_default(tmp_path):
    """Of policies; an option that only filters have makes one with filters, and kith link has to be asked."""
    for options, protection in (((), "blind"), (("--protection", "clk"), "clk"), (("--address-filter",), "clk"),
                                (("--no-mask",), "clk"), (("--mask-minimum", "9"), "clk"),
                                (("--candidate-bound", "0.7"), "clk")):
        out = tmp_path / f"{protection}-{len(options)}-{options[:1]}.json"
        done = kith("policy", "new", "--agencies", "a,b", *options, "--out", out)
        assert done.returncode == 0, done.stderr
        assert json.loads(out.read_text())["linkage"]["protection"] == protection
        assert ("how alike any two records are" in done.stderr) == (protection == "clk")
        if options[:1] == ("--protection",):
            continue
        done = kith("policy", "new", "--protection", "blind", "--agencies", "a,b", *options, "--out", tmp_path / "no.json")
        assert done.returncode == (2 if options else 0), done.stderr
        if not options:
            (tmp_path / "no.json").unlink()
    blind = tmp_path / "blind-0-().json"
    people = write(tmp_path / "a.csv", "id,given_name,surname,date_of_birth\n1,Ann,Lee,1990-02-03\n")
    secret = write(tmp_path / "secret", "s")
    for refused in (("encode", "--schema", blind, "--secret-file", secret, "--format", "kith", "--out", tmp_path / "x"),
                    ("policy", "tune", "--policy", blind, "--out", tmp_path / "x")):
        done = kith(*refused, people)
        assert done.returncode == 78 and "--protection clk" in done.stderr
        assert not (tmp_path / "x").exists()


def test_link_by_option(result, tmp_path):
    """--protection blind is the default blind policy; --fields narrows fields and match keys."""
    folder, files, _, _, secret = result
    link("--protection", "blind", "--secret-file", secret, "--out", tmp_path / "out", *files)
    for name in ("pairs.csv", "clusters.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (folder / "out" / name).read_bytes()
    few = ("--fields", "given_name,surname,date_of_birth")
    link("--protection", "blind", *few, "--secret-file", secret, "--out", tmp_path / "few", *files)
    assert 0 < sum(r["linked"] == "1" for r in rows(tmp_path / "few" / "pairs.csv"))
    assert (tmp_path / "few" / "pairs.csv").read_bytes() != (folder / "out" / "pairs.csv").read_bytes()
    for options, words in ((("--fields", "sex"), "match keys"), (("--protection", "rot13"), "--protection"),
                           (("--address-filter",), "--address-filter"), (("--policy", result[3]), "--policy")):
        protection = () if options[0] == "--protection" else ("--protection", "blind")
        done = kith("link", *protection, *options, "--out", tmp_path / "none", *files)
        assert done.returncode == 2 and words in done.stderr, done.stderr


def test_the_street_is_a_home(tmp_path):
    """People without a date of birth are found where files have streets and no postcodes."""
    people = [(f"{chr(97 + i % 26)}{chr(97 + i // 26)}nne", f"{chr(98 + i % 23)}o{chr(97 + i % 19)}er", f"{i} high street")
              for i in range(400)]
    head = "id,given_name,surname,date_of_birth,street\n"
    files = [write(tmp_path / f"{party}.csv", head + "".join(
        f"{i},{a},{b},{'' if i % 4 == 0 else f'19{50 + i % 50}-0{1 + i % 9}-1{i % 10}'},{s}\n"
        for i, (a, b, s) in enumerate(people))) for party in ("one", "two")]
    link("--protection", "blind", "--out", tmp_path / "out", *files)
    found = {(r["id_a"], r["id_b"]) for r in rows(tmp_path / "out" / "pairs.csv") if r["linked"] == "1"}
    assert sum((str(i), str(i)) in found for i in range(0, 400, 4)) > 90


@pytest.mark.parametrize("name,bar", [("city-small", 0.975), ("pseudo5", 0.984)])
def test_open_data(tmp_path, name, bar):
    data = SHARED / "data" / name
    if not data.exists():
        pytest.skip("the open data are not here")
    files = sorted(path for path in data.glob("*.csv*") if not path.name.startswith("truth"))
    secret = write(tmp_path / "secret", "a secret of the test")
    link("--protection", "blind", "--secret-file", secret, "--out", tmp_path / "out", *files)
    pairs = evaluate(next(data.glob("truth.csv*")), tmp_path / "out")["pairs"]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    point = next(p for p in report["threshold_curve"] if p["threshold"] == report["threshold"])
    assert pairs["f1"] >= bar, pairs
    assert abs(point["precision"] - pairs["precision"]) <= 0.02
