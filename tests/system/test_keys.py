"""A key that is lost and made anew of shares (kith key escrow, share, recover), and one that is replaced."""
import subprocess

import pytest

import wireclient as wire
from partnership import KITH, Partnership, wait_for

HOLDERS = ("lead", "horizon", "health")


def key(folder, *arguments, status=0):
    done = subprocess.run([str(KITH), "key", *map(str, arguments)], cwd=folder, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120, start_new_session=True)
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout if status == 0 else done.stderr


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """Police's key, shared among three members of whom two are needed; and a new key for who recovers."""
    with Partnership(tmp_path_factory.mktemp("keys")) as p:
        p.start()
        (p.folder / "word").write_text("correct horse\n")
        for member in HOLDERS:
            role = p.members[member].role
            kind = ["--kind", "health"] if role == "agency" else []
            key(p.folder, "card", "--id", member, "--role", role, *kind, "--out", f"{member}.card",
                "--passphrase-file", "word", p.home(member) / "key")
        cards = [o for h in HOLDERS for o in ("--holder", f"{h}.card")]
        p.said = key(p.folder, "escrow", *cards, "--threshold", 2, "--out", "shares", "--passphrase-file", "word",
                     p.home("police") / "key")
        wire.Identity("new", "agency").save(p.folder / "new.key", b"correct horse")
        key(p.folder, "card", "--id", "new", "--role", "agency", "--kind", "police", "--out", "new.card",
            "--passphrase-file", "word", "new.key")
        for h in HOLDERS:
            key(p.folder, "share", "--for", "new.card", "--key", p.home(h) / "key", "--passphrase-file", "word",
                "--out", f"{h}.given", f"shares/{h}.share")
        yield p


def recover(city, *shares, out, status=0):
    return key(city.folder, "recover", "--key", "new.key", "--passphrase-file", "word", "--new-passphrase-file",
               "word", "--out", out, *shares, status=status)


def test_what_a_share_says(city):
    lines = city.said.splitlines()
    shown = key(city.folder, "show", "--passphrase-file", "word", city.home("police") / "key")
    fingerprint = shown.split("\n")[0].removeprefix("fingerprint").strip()
    assert [f"shares/{h}.share: share {i + 1} of 3, 2 needed, of the key {fingerprint}"
            for i, h in enumerate(HOLDERS)] == lines
    for h in HOLDERS:
        assert (city.folder / "shares" / f"{h}.share").stat().st_mode & 0o777 == 0o600


def test_a_lost_key_in_the_middle_of_a_round(city):
    """The agency has sent its part; its key file is lost; the round goes on with the key made anew, which
    also opens what the node has kept."""
    round_id = city.open_round()
    city.join(round_id, "police")
    wait_for(lambda: city.statements(round_id, wire.JOIN), "police joins")
    city.programs["police"].stop()
    (city.home("police") / "key").unlink()
    recover(city, "horizon.given", "health.given", out=city.home("police") / "key")
    city.start("police")
    city.join(round_id, "education", "health")
    city.wait_state(round_id, "released")
    city.close_round(round_id)


def test_all_pairs_and_all_three(city):
    for n, shares in enumerate((("lead", "horizon"), ("health", "lead"), HOLDERS)):
        said = recover(city, *(f"{s}.given" for s in shares), out=f"made{n}.key")
        assert said.split("the key ")[1].strip() in city.said
        shown = [key(city.folder, "show", "--passphrase-file", "word", k)
                 for k in (f"made{n}.key", city.home("police") / "key")]
        assert shown[0] == shown[1]


def test_what_is_no_recovery(city):
    folder = city.folder
    assert "2 of 3 shares are needed, 1 given" in recover(city, "lead.given", out="no.key", status=65)
    assert "there twice" in recover(city, "lead.given", "lead.given", out="no.key", status=65)
    assert "not sealed to this key" in recover(city, "shares/lead.share", "health.given", out="no.key", status=77)
    data = bytearray((folder / "health.given").read_bytes())
    data[-1] ^= 1
    (folder / "bad.given").write_bytes(data)
    assert "bad.given" in recover(city, "lead.given", "bad.given", out="no.key", status=77)
    data[-1] ^= 1
    data[700] ^= 1
    (folder / "bad.given").write_bytes(data)
    assert "signature is false" in recover(city, "lead.given", "bad.given", out="no.key", status=1)
    assert "no share" in recover(city, "lead.given", "word", out="no.key", status=65)
    assert "never overwritten" in recover(city, "lead.given", "health.given", out="new.key", status=73)
    assert not (folder / "no.key").exists()
    # Another's share can't be given, nor one twice to the same holder.
    key(folder, "share", "--for", "new.card", "--key", city.home("lead") / "key", "--passphrase-file", "word",
        "--out", "no.given", "shares/health.share", status=77)
    for options, status in ((["--holder", "lead.card", "--holder", "lead.card", "--threshold", 2], 65),
                            (["--holder", "lead.card", "--threshold", 2], 2),
                            (["--holder", "lead.card", "--holder", "health.card", "--threshold", 1], 2)):
        key(folder, "escrow", *options, "--out", "none", "--passphrase-file", "word", "new.key", status=status)
    assert not (folder / "none").exists()


def verify(city, charter, *logs):
    done = subprocess.run([str(KITH), "audit", "verify", "--charter", charter, *logs], cwd=city.folder,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_stolen_key_is_replaced(city):
    """The charter's next version has the agency under another id and key, and no more the old one, which
    speaks for nobody. The old home is set aside; its log is checked with the charter of its time."""
    old = city.members["police"]
    city.charter.save(city.folder / "charter1.json")
    city.kith("audit", "export", "--out", "police.kith-audit", home="police")
    city.programs["police"].stop()
    del city.members["police"]
    city.members["police_2"] = wire.Identity("police_2", "agency", "police")
    city.agencies = sorted({*city.agencies, "police_2"} - {"police"})
    city.sources["police_2"] = city.sources["police"]
    city.charter = city.make_charter(version=2)
    assert city.governance().put_document(city.charter)[0] == wire.OK
    with pytest.raises(Exception):
        city.client(old).statements(bytes(16))
    city.make_home("police_2")
    city.start("police_2")
    round_id = city.open_round(city.make_policy())
    city.join(round_id)
    city.wait_state(round_id, "released")
    city.close_round(round_id)
    city.charter.save(city.folder / "charter2.json")
    for home, name in (("police_2", "police_2"), ("lead", "matcher")):
        city.kith("audit", "export", "--out", f"{name}.kith-audit", home=home)
    verify(city, "charter2.json", "police_2.kith-audit", "matcher.kith-audit")
    verify(city, "charter1.json", "police.kith-audit")
