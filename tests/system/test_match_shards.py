"""kith match in shards: the same bytes as in one go, and what a merge refuses."""
import os
import pathlib
import random
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("KITH_BUILD", ROOT / "build"))
KITH = BUILD / "kith"
BITS = 256


def match(*arguments, cwd=None):
    return subprocess.run([KITH, "match", "--quiet", *map(str, arguments)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                          cwd=cwd)


def good(*arguments):
    done = match(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" and done.stdout == ""


def refused(status, word, *arguments):
    done = match(*arguments)
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith("kith: ") and word in done.stderr, done.stderr


def make_files(folder, sizes, seed=20261123):
    rng = random.Random(seed)
    people = [rng.getrandbits(BITS) & rng.getrandbits(BITS) for _ in range(max(sizes) * 2 // 3)]
    files = []
    for name, n in zip("abcdefgh", sizes):
        rows = [rng.choice(people) ^ (1 << rng.randrange(BITS)) for _ in range(n)]
        path = folder / (name + ".raw")
        path.write_bytes(b"".join(row.to_bytes(BITS // 8, "big") for row in rows))
        files.append(path)
    return files


def shards(folder, n, *arguments):
    paths = [folder / ("%d-of-%d.shard" % (i, n)) for i in range(1, n + 1)]
    for i, path in enumerate(paths, 1):
        good("--bits", BITS, "--threshold", "0.8", "--shard", "%d/%d" % (i, n), "--out", path,
             *arguments)
    return paths


@pytest.mark.parametrize("sizes", [(300,), (300, 200), (400, 3, 250), (120, 90, 0, 80, 70)])
@pytest.mark.parametrize("within", [False, True])
def test_the_same_bytes(tmp_path, sizes, within):
    if len(sizes) == 1 and not within:
        pytest.skip("one file and no --within")
    files = make_files(tmp_path, sizes)
    options = ["--within"] if within else []
    good("--bits", BITS, "--threshold", "0.8", "--out", tmp_path / "one.csv", *options, *files)
    one = (tmp_path / "one.csv").read_bytes()
    assert one.count(b"\n") > 50
    for n in (1, 2, 3, 4, 5, 6, 8, 13):
        paths = shards(tmp_path, n, *options, *files)
        assert len({path.stat().st_size for path in paths}) > 1 or n == 1
        random.Random(n).shuffle(paths)
        good("--merge", "--out", tmp_path / "merged.csv", *paths)
        assert (tmp_path / "merged.csv").read_bytes() == one, n
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in paths)


def test_more_shards_than_rows(tmp_path):
    files = make_files(tmp_path, (5, 4))
    good("--bits", BITS, "--threshold", "0.4", "--within", "--out", tmp_path / "one.csv", *files)
    paths = [tmp_path / str(i) for i in range(1, 38)]
    for i, path in enumerate(paths, 1):
        good("--bits", BITS, "--threshold", "0.4", "--within", "--shard", "%d/37" % i, "--out", path,
             *files)
    good("--merge", "--out", tmp_path / "merged.csv", *paths)
    assert (tmp_path / "merged.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()


def test_shards_do_not_depend_on_the_plan(tmp_path):
    files = make_files(tmp_path, (500, 400))
    contents = set()
    for options in ([], ["--threads", 1], ["--method", "sketch"], ["--method", "pigeonhole"],
                    ["--method", "brute", "--kernel", "scalar"]):
        good("--bits", BITS, "--threshold", "0.8", "--within", "--shard", "2/3", "--out",
             tmp_path / "shard", *options, *files)
        contents.add((tmp_path / "shard").read_bytes())
    assert len(contents) == 1


def test_shards_have_the_same_number_of_pairs_of_rows(tmp_path):
    """At a bound that all reach, each shard finds as many pairs as it compares."""
    row = (1 << BITS) - 1
    files = []
    for name, n in (("a", 120), ("b", 81)):
        files.append(tmp_path / name)
        files[-1].write_bytes(row.to_bytes(BITS // 8, "big") * n)
    total = 120 * 81 + 120 * 119 // 2 + 81 * 80 // 2
    for n in (2, 5, 8, 12):
        sizes = [(path.stat().st_size - 80 - 6 - 32) // 14
                 for path in shards(tmp_path, n, "--within", *files)]
        assert sum(sizes) == total
        assert max(sizes) < 1.12 * total / n and min(sizes) > 0.88 * total / n, sizes


def test_refusals_of_a_merge(tmp_path):
    files = make_files(tmp_path, (200, 150))
    one, two, three = shards(tmp_path, 3, *files)
    out = tmp_path / "merged.csv"
    merge = ["--merge", "--out", out]
    refused(65, "shard 2/3 is missing", *merge, one, three)
    refused(65, two.name, *merge, one, two, two)
    refused(65, two.name, *merge, one, two, three, two)
    refused(66, "none", *merge, one, two, tmp_path / "none")
    refused(65, files[0].name, *merge, one, two, files[0])
    refused(65, "--threshold", *merge, "--threshold", "0.81", one, two, three)
    refused(65, "--within", *merge, "--within", one, two, three)
    refused(65, "--similarity", *merge, "--similarity", "jaccard", one, two, three)
    other = tmp_path / "other"
    for options in (["--threshold", "0.79"], ["--threshold", "0.8", "--within"],
                    ["--threshold", "0.8", "--similarity", "jaccard"]):
        good("--bits", BITS, *options, "--shard", "3/3", "--out", other, *files)
        refused(65, other.name, *merge, one, two, other)
    good("--bits", BITS, "--threshold", "0.8", "--shard", "3/4", "--out", other, *files)
    refused(65, other.name, *merge, one, two, other)
    data = bytearray(files[1].read_bytes())
    data[7] ^= 1
    files[1].write_bytes(data)
    good("--bits", BITS, "--threshold", "0.8", "--shard", "3/3", "--out", other, *files)
    refused(65, other.name, *merge, one, two, other)
    assert not out.exists()


def test_a_damaged_shard(tmp_path):
    files = make_files(tmp_path, (60, 50))
    one, two = shards(tmp_path, 2, *files)
    whole = two.read_bytes()
    out = tmp_path / "merged.csv"
    for length in (0, 5, 79, 80, 83, 90, len(whole) // 2, len(whole) - 33, len(whole) - 1):
        two.write_bytes(whole[:length])
        refused(65, two.name, "--merge", "--out", out, one, two)
    two.write_bytes(whole + b"x")
    refused(65, two.name, "--merge", "--out", out, one, two)
    for at in range(0, len(whole), 7):
        two.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1:])
        done = match("--merge", "--out", out, one, two)
        assert done.returncode == 65 and "kith: " in done.stderr, at
    assert not out.exists()
    two.write_bytes(whole)
    good("--merge", "--out", out, one, two)


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "1/", "/2", "1/0", "-1/2", "1/2/3", "a/b",
                                   "1/10001", " 1/2", "01/2x", "1.0/2", ""])
def test_usage_of_shard(tmp_path, shard):
    files = make_files(tmp_path, (5, 5))
    refused(2, "--shard", "--bits", BITS, "--threshold", "0.8", "--shard", shard, "--out",
            tmp_path / "x", *files)


def test_usage(tmp_path):
    files = make_files(tmp_path, (5, 5))
    both = ["--bits", BITS, "--threshold", "0.8"]
    refused(2, "--out", *both, "--shard", "1/2", *files)
    refused(2, "--merge", "--merge", "--shard", "1/2", *files)
    refused(2, "--merge", "--merge")
    refused(2, "--key", "--seal-inputs", tmp_path / "sealed", *files)
    refused(2, "--key", "--destroy-key")
    refused(2, "--destroy-key", *both, "--key", "k", "--destroy-key", *files)
    refused(2, "--seal-inputs", *both, "--seal-inputs", tmp_path, "--key", "k", *files)
    for memory in ("", "0", "x", "1X", "-1", "1.5G", "99999999T"):
        refused(2, "--memory", *both, "--memory", memory, *files)


# ---- sealed

def test_sealed_inputs_and_shards(tmp_path):
    files = make_files(tmp_path, (3000, 250, 20))
    both = ["--bits", BITS, "--threshold", "0.8", "--within"]
    key = tmp_path / "job.key"
    store = tmp_path / "store"
    good(*both, "--out", tmp_path / "one.csv", *files)
    good("--bits", BITS, "--seal-inputs", store, "--key", key, *files)
    assert key.stat().st_mode & 0o777 == 0o600 and key.stat().st_size == 40
    sealed = [store / (path.stem + ".sealed") for path in files]
    assert sorted(store.iterdir()) == sorted(sealed) and store.stat().st_mode & 0o777 == 0o700
    for path, plain in zip(sealed, files):
        assert path.stat().st_mode & 0o777 == 0o600
        data = path.read_bytes()
        assert data.startswith(b"KITHSEAL") and b"KITHENC" not in data
        assert plain.read_bytes()[:16] not in data
    paths = []
    for i in (1, 2):
        paths.append(store / ("%d.shard" % i))
        good("--threshold", "0.8", "--within", "--key", key, "--shard", "%d/2" % i, "--journal",
             store / "journal", "--out", paths[-1], *sealed)
        assert paths[-1].read_bytes().startswith(b"KITHSEAL")
    good("--merge", "--key", key, "--out", tmp_path / "merged.csv", *paths)
    assert (tmp_path / "merged.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()

    refused(65, "is sealed", "--threshold", "0.8", *sealed)
    refused(65, "is sealed", "--merge", "--out", tmp_path / "x", *paths)
    refused(65, "not sealed", *both, "--key", key, *files)
    plain = shards(tmp_path, 2, "--within", *files)
    refused(65, "not sealed", "--merge", "--key", key, "--out", tmp_path / "x", paths[0], plain[1])
    other = tmp_path / "other.key"
    good("--bits", BITS, "--seal-inputs", tmp_path / "elsewhere", "--key", other, files[0])
    refused(65, sealed[0].name, "--threshold", "0.8", "--key", other, *sealed)
    refused(65, paths[0].name, "--merge", "--key", other, "--out", tmp_path / "x", *paths)

    # One party's file in another's place, and a file that is cut or altered.
    whole = [path.read_bytes() for path in sealed]
    sealed[0].write_bytes(whole[1])
    refused(65, sealed[0].name, "--threshold", "0.8", "--key", key, *sealed)
    for damaged in (whole[0][:-1], whole[0][:40], whole[0][:20], whole[0][:40 + 65536 + 17],
                    whole[0] + b"x", whole[0][:50] + b"?" + whole[0][51:],
                    whole[0][:40] + whole[0][40 + 65536 + 17:]):
        sealed[0].write_bytes(damaged)
        refused(65, sealed[0].name, "--threshold", "0.8", "--key", key, *sealed)
    sealed[0].write_bytes(whole[0])

    key.chmod(0o640)
    refused(77, key.name, "--threshold", "0.8", "--key", key, *sealed)
    key.chmod(0o600)
    refused(66, "none", "--threshold", "0.8", "--key", tmp_path / "none", *sealed)
    refused(65, files[0].name, "--threshold", "0.8", "--key", chmod(files[0]), *sealed)

    good("--merge", "--key", key, "--destroy-key", "--out", tmp_path / "again.csv", *paths)
    assert not key.exists()
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()
    good("--key", other, "--destroy-key")
    assert not other.exists()


def chmod(path):
    path.chmod(0o600)
    return path


def test_a_merge_that_fails_keeps_the_key(tmp_path):
    files = make_files(tmp_path, (50, 50))
    key = tmp_path / "job.key"
    good("--bits", BITS, "--seal-inputs", tmp_path, "--key", key, *files)
    shard = tmp_path / "1.shard"
    good("--threshold", "0.8", "--key", key, "--shard", "1/2", "--out", shard,
         tmp_path / "a.sealed", tmp_path / "b.sealed")
    refused(65, "2/2", "--merge", "--key", key, "--destroy-key", "--out", tmp_path / "x", shard)
    assert key.exists()
