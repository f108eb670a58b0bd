"""kith audit privacy: clk falls, blind holds, bounds, what signing says, and what is refused."""
import json
import xml.etree.ElementTree as tree

import pytest

from test_link import kith

PARTIES = "police,youth_justice,probation,childrens_services,education,health".split(",")


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("privacy")
    done = kith("generate", "--people", "2500", "--agencies", "6", "--seed", "3", "--out",
                folder / "city", "--quiet")
    assert done.returncode == 0, done.stderr
    return folder


def files(city):
    return sorted(f for f in (city / "city").glob("*.csv") if f.name != "truth.csv")


def policy(city, name, protection, bound=None):
    path = city / name
    path.unlink(missing_ok=True)
    done = kith("policy", "new", "--protection", protection, "--agencies",
                ",".join(f.stem for f in files(city)), "--out", path)
    assert done.returncode == 0, done.stderr
    if bound:
        value = json.loads(path.read_text())
        value["privacy_bound"] = bound
        path.write_text(json.dumps(value))
    return path


def audit(city, path, *more, status=0):
    done = kith("audit", "privacy", "--policy", path, "--truth", city / "city" / "truth.csv",
                "--records", "300", "--known", "0,20", "--json", *more)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout), done.stderr


def share(result, attack, known):
    return next(a["share"] for a in result["attacks"]
                if a["attack"] == attack and a["known"] == known)


def test_clk_falls(city):
    path = policy(city, "clk.json", "clk", "0.01")
    result, err = audit(city, path, city / "city" / "health.csv", status=1)
    assert "privacy_bound is exceeded" in err
    assert share(result, "graph", 20) >= 0.95
    assert share(result, "dictionary", 0) >= 0.95
    assert result["bound"] == 0.01 and result["largest"] > 0.9
    for attack in result["attacks"]:
        assert set(attack) >= {"attack", "who", "known", "recognised", "people", "low", "high"}
        assert 0 <= attack["low"] <= attack["share"] <= attack["high"] <= 1
        assert attack["people"] == 300 - attack["known"]
    assert "lower bound" in result["note"]


def test_clk_falls_to_another_list(city):
    path = policy(city, "clk.json", "clk")
    result, _ = audit(city, path, "--list", city / "city" / "education.csv",
                      city / "city" / "health.csv")
    assert result["list"] == "another" and share(result, "graph", 20) >= 0.9


def test_blind_holds(city):
    path = policy(city, "blind.json", "blind", "0.02")
    page = city / "page.html"
    result, _ = audit(city, path, "--html", page, city / "city" / "health.csv",
                      *[f for f in files(city) if f.name != "health.csv"])
    assert share(result, "graph", 20) <= 0.01
    # The same attack where the protection is taken away, and who has a key.
    assert share(result, "unmasked", 20) >= 0.9
    assert share(result, "dictionary", 0) >= 0.8
    text = page.read_text()
    tree.fromstring(text.split("\n", 1)[1])
    assert "bound is kept" in text and "<script" not in text and "http-equiv" not in text
    saved = json.loads((city / "blind.json.audit").read_text())
    assert saved["attacks"] and saved["policy"] == result["policy"]


def test_signing_asks_for_an_audit(city):
    path = policy(city, "signed.json", "clk", "1")
    path.write_text(json.dumps({**json.loads(path.read_text()), "trial": True}))
    key, words = city / "lead.key", city / "words"
    words.write_text("a passphrase for the test\n")
    done = kith("key", "new", "--out", key, "--passphrase-file", words)
    assert done.returncode == 0, done.stderr

    def sign(*more):
        done = kith("policy", "sign", "--policy", path, "--key", key, "--passphrase-file", words,
                    *more)
        return done.stderr

    assert "no fresh privacy audit" in sign() and "is not there" in sign()
    audit(city, path, city / "city" / "health.csv")
    assert "privacy audit" not in sign()
    result = json.loads((city / "signed.json.audit").read_text())
    for key_of, value, words_of in [("time", "2020-01-01T00:00:00Z", "is older"),
                                    ("policy", "00" * 32, "another version"),
                                    ("largest", 2, "exceeded"), ("kith", "x", "is no result")]:
        other = city / "other.audit"
        other.write_text(json.dumps({**result, key_of: value}))
        assert words_of in sign("--audit", other)
    (city / "broken.audit").write_text("{")
    assert "can't be read" in sign("--audit", city / "broken.audit")


def test_refusals(city):
    path = policy(city, "clk.json", "clk")
    health = city / "city" / "health.csv"
    assert kith("audit", "privacy", health).returncode == 2
    assert kith("audit", "privacy", "--policy", path).returncode == 2
    done = kith("audit", "privacy", "--policy", path, "--list", health, health)
    assert done.returncode == 2 and "--truth" in done.stderr
    done = kith("audit", "privacy", "--policy", path, "--known", "5,x", health)
    assert done.returncode == 2 and "--known" in done.stderr
    done = kith("audit", "privacy", "--policy", path, "--truth", health, health)
    assert done.returncode == 65 and '"party"' in done.stderr
    value = json.loads(path.read_text())
    value["privacy_bound"] = "2"
    bad = city / "bad.json"
    bad.write_text(json.dumps(value))
    done = kith("policy", "check", bad)
    assert done.returncode != 0 and "privacy_bound" in done.stderr
