"""A whole round by the programs' own commands (whole_round.py): what each side has at its end, that it is
destroyed, and that every statement of it is checked with the charter alone, by kith and by this test."""
import base64
import json
import re
import subprocess

import pytest

import whole_round
import wireclient as wire
from partnership import KITH, ROOT
from test_audit import Log
from whole_round import AGENCIES, DECLINES, GOVERNANCE, RECIPIENT, WholeRound

TOOK_PART = sorted(set(AGENCIES) - {DECLINES})
NODES = ("matcher", *AGENCIES)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    with WholeRound(tmp_path_factory.mktemp("whole")) as whole:
        yield whole.all()


def statements(log):
    """Those of an export, in their order."""
    found = sorted((value[2], value[3]) for value in map(wire.unpack, log.more) if value[0] == 2)
    return [wire.Statement(bytes(data)) for _, data in found]


def logs(whole):
    return {m: Log((whole.auditor.folder / f"{m}.kith-audit").read_bytes()) for m in (*NODES, RECIPIENT)}


def test_it_ends_destroyed(whole):
    report = whole.report
    assert report["holds"] and not report["findings"]
    assert sorted(log["member"] for log in report["logs"]) == sorted([*NODES, RECIPIENT])
    assert all(log["whole"] for log in report["logs"])
    round_, = report["rounds"]
    assert (round_["round"], round_["state"], round_["destroyed"]) == (whole.round, "closed", True)
    assert sorted(round_["by"]) == sorted(["matcher", *TOOK_PART])
    for agency in TOOK_PART:
        assert round_["by"][agency] == ["round keys", "secret", "encodings", "all"]
    left = [p for n in (*NODES, RECIPIENT) for p in whole.people[n].home.rglob(f"{whole.round}.*")]
    # The subject log is the agency's own and outlives rounds.
    assert {p.suffix for p in left} <= {".subjects"}, left
    assert not list(whole.people["matcher"].home.rglob(f"{whole.round}.*"))


def test_every_statement_is_checked_with_the_charter_alone(whole):
    """Not by kith: signatures over the bytes of the exports, with keys of the charter's JSON."""
    charter = json.loads((whole.auditor.folder / "charter.json").read_text())
    keys = {m["id"]: base64.b64decode(m["sign"]) for m in charter["members"]}
    governance = {base64.b64decode(k) for k in charter["governance"]["keys"]}
    seen = {}
    for member, log in logs(whole).items():
        for s in statements(log):
            s.verify(keys[s.author])
            assert s.round.hex() == whole.round
            seen.setdefault(s.hash, (s, set()))[1].add(member)
            if keys[s.author] in governance:
                signers = {keys[s.author]}
                for key, signature in s.endorsements:
                    wire.sodium.crypto_sign_open(signature + b"kith endorsement v1\0" + s.core, key)
                    signers.add(bytes(key))
                assert signers <= governance and len(signers) >= 2, s
    types = [s.type for s, _ in seen.values()]
    for statement_type, n in ((wire.OPEN, 1), (wire.JOIN, len(TOOK_PART)), (wire.DECLINE, 1),
                              (wire.DECISION, 1), (wire.RELEASE, 1), (wire.CLOSE, 1)):
        assert types.count(statement_type) == n, statement_type
    decision, = (s for s, _ in seen.values() if s.type == wire.DECISION)
    assert decision.body[2] == 900000
    decline, = (s for s, _ in seen.values() if s.type == wire.DECLINE)
    assert decline.author == DECLINES
    # Whoever took part has what all the others have said.
    closing, = (s for s, _ in seen.values() if s.type == wire.CLOSE)
    assert seen[closing.hash][1] >= {"matcher", *TOOK_PART}


def test_a_changed_bit_is_found(whole, tmp_path):
    whole_export = (whole.auditor.folder / "police.kith-audit").read_bytes()
    bad = bytearray(whole_export)
    bad[len(bad) // 2] ^= 1
    (tmp_path / "bad.kith-audit").write_bytes(bad)
    arguments = [a if a != "police.kith-audit" else str(tmp_path / "bad.kith-audit") for a in whole.verify]
    done = subprocess.run([str(KITH), "audit", "verify", *map(str, arguments)], cwd=whole.auditor.folder,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode in (1, 65), (done.stdout, done.stderr)
    assert "bad.kith-audit" in done.stdout + done.stderr or "police" in done.stdout


def test_fewer_pins_than_have_signed_are_not_enough(whole):
    """All three keys, of which two have signed: refused without --threshold 2, and taken with it."""
    at = whole.verify.index("--threshold")
    whole.run("auditor", "audit", "verify", *whole.verify[:at], *whole.verify[at + 2:], status=1)
    whole.run("auditor", "audit", "verify", *whole.verify[:at], "--threshold", 4, *whole.verify[at + 2:],
              status=2)


def test_what_was_told(whole):
    assert whole.told_of == {"police": "granted", "health": "reduced", "probation": "refused"}
    assert set(whole.entries["police"]["fields"]) == {"given_name", "surname"}
    assert set(whole.entries["health"]["fields"]) == {"surname"}
    assert not whole.entries["probation"].get("fields")
    for person in whole.cohort:
        assert person["services"] >= 3 and DECLINES not in {h["agency"] for h in person["handles"]}


def test_the_page_is_what_is_typed(whole):
    """docs/a-round.md has these commands, in this order, for these people."""
    def typed(page):
        page = page.replace(" \\\n", "").replace("   ", "")
        found = re.findall(r"^(?:(.*):\n\n```\n\$ (.*))$", page, re.M)
        # Ids and people's numbers are each run's own.
        return [(who, re.sub(r"(?<= )([0-9a-f]{8}\N{HORIZONTAL ELLIPSIS}|\d+)(?= |$)", "#", words))
                for who, words in found]
    said = typed((ROOT / "docs" / "a-round.md").read_text())
    ran = typed(whole_round.page(whole.told))
    assert len(ran) > 40 and said == ran
    assert {who for who, _ in ran} >= {whole_round.TITLES[g] for g in (*GOVERNANCE, RECIPIENT, "police")}
