"""Two of three governance keys: what one of them alone can't do, what two can, and what becomes of a
round whose governance keys are replaced."""
import os
import time

import pytest

import partnership
import wireclient as wire

BAND = {"default": "auto", "min": "0.6", "max": "0.9", "review": True}


def keys_of(*identities, threshold):
    return {"threshold": threshold,
            "keys": [wire.base64.b64encode(i.sign_public).decode() for i in identities]}


class City(partnership.Partnership):
    """A partnership of three governance members, two of whom must sign."""

    def __init__(self, folder, **more):
        self.second, self.third = (wire.Identity(m, "governance") for m in ("second", "third"))
        super().__init__(folder, extra=(self.second, self.third), **more)

    def make_charter(self, version=1, without=(), signers=None, **changes):
        changes.setdefault("governance", keys_of(self.lead, self.second, self.third, threshold=2))
        return super().make_charter(version, without, signers or [self.lead, self.second], **changes)

    def make_policy(self, signers=None, **changes):
        return super().make_policy(signers or [self.lead, self.third], **changes)

    def make_home(self, member):
        super().make_home(member)
        path = self.config_path(member)
        pin = " ".join(keys_of(self.lead, self.second, self.third, threshold=2)["keys"])
        lines = [f"governance_keys = {pin}\ngovernance_threshold = 2" if line.startswith("governance_keys")
                 else line for line in path.read_text().splitlines()]
        path.write_text("\n".join(lines) + "\n")

    def statement(self, statement_type, round_id, body, author=None, attempt=1, **more):
        return wire.make_statement(author or self.lead, statement_type, round_id, attempt, body, **more)

    def propose(self, statement, member="lead"):
        """(error, [signed, needed, said])."""
        return self.client(member).call(wire.PROPOSAL_PUT, [statement])

    def open_round(self, policy=None, agencies=None, **changes):
        policy = policy or self.policy
        error, _ = self.governance().put_document(policy)
        assert error == wire.OK, error
        round_id = os.urandom(16)
        opening = self.statement(wire.OPEN, round_id, self.open_body(policy, agencies, **changes))
        assert self.governance().put(round_id, wire.endorse(opening, self.second)) == wire.OK
        return round_id


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    with City(tmp_path_factory.mktemp("governance"), n_people=200) as city:
        city.start()
        yield city


def test_one_signature_opens_no_round(city):
    city.governance().put_document(city.policy)
    round_id = os.urandom(16)
    opening = city.statement(wire.OPEN, round_id, city.open_body())
    assert city.governance().put(round_id, opening) == wire.BAD_SIGNATURE
    # Neither by the same key twice, nor by a member who is no governance key, nor by a copied one.
    assert city.governance().put(round_id, wire.endorse(opening, city.lead)) == wire.BAD_SIGNATURE
    assert city.governance().put(round_id, wire.endorse(opening, city.members["police"])) == \
        wire.BAD_SIGNATURE
    other = city.statement(wire.OPEN, os.urandom(16), city.open_body())
    stolen = wire.unpack(wire.endorse(other, city.second))[2]
    core, signature = wire.unpack(opening)
    assert city.governance().put(round_id, wire.pack([core, signature, stolen])) == wire.BAD_SIGNATURE
    with pytest.raises(LookupError):
        city.governance().statements(round_id)
    assert city.governance().put(round_id, wire.endorse(opening, city.third)) == wire.OK
    # What agencies are shown is what two have signed: they join.
    city.join(round_id)


def test_a_proposal_waits_for_the_second(city):
    city.governance().put_document(city.policy)
    round_id = os.urandom(16)
    opening = city.statement(wire.OPEN, round_id, city.open_body())
    assert city.propose(opening) == (wire.OK, [1, 2, 0])
    assert city.propose(opening) == (wire.OK, [1, 2, 0])
    waiting = [wire.Statement(bytes(s)) for s in city.governance().call(wire.PROPOSAL_LIST, [])[1][0]]
    assert [s.round for s in waiting].count(round_id) == 1
    # A matcher that is killed keeps it.
    city.programs["matcher"].kill()
    city.start("matcher")
    # Strangers' keys take no room, and others than governance have no say.
    assert city.propose(wire.endorse(opening, city.members["police"]))[0] == wire.DENIED
    for member in ("horizon", "police"):
        assert city.propose(wire.endorse(opening, city.second), member)[0] == wire.DENIED
        assert city.client(member).call(wire.PROPOSAL_LIST, [])[0] == wire.DENIED
    assert city.propose(wire.endorse(opening, city.third), "third") == (wire.OK, [2, 2, 1])
    assert city.governance().statements(round_id)[0] == wire.ANNOUNCED
    waiting = [wire.Statement(bytes(s)) for s in city.client("third").call(wire.PROPOSAL_LIST, [])[1][0]]
    assert round_id not in [s.round for s in waiting]


def test_what_may_not_be_proposed(city):
    round_id = city.open_round()
    assert city.propose(city.statement(wire.ABORT, os.urandom(16), [1, ""]))[0] == wire.NOT_FOUND
    old = int(time.time()) - 15 * 86400
    assert city.propose(city.statement(wire.ABORT, round_id, [1, ""], at=old))[0] == wire.STALE
    forged = wire.make_statement(city.second, wire.ABORT, round_id, 1, [1, ""], author="lead")
    assert city.propose(forged)[0] == wire.BAD_SIGNATURE
    agency = city.members["police"]
    assert city.propose(city.statement(wire.ABORT, round_id, [14, ""], author=agency))[0] == wire.DENIED
    assert city.propose(b"x")[0] == wire.MALFORMED
    assert city.state(round_id) == wire.ANNOUNCED


def test_one_alone_neither_aborts_nor_decides_nor_closes(city):
    policy = city.make_policy(linkage=dict(city.policy.value["linkage"], threshold=BAND))
    round_id = city.open_round(policy)
    abort = city.statement(wire.ABORT, round_id, [1, ""])
    assert city.governance().put(round_id, abort) == wire.BAD_SIGNATURE
    city.join(round_id)
    city.wait_state(round_id, "review")
    review = city.governance().call(wire.REVIEW_GET, [round_id])[1][0]
    body = [city.statements(round_id, wire.CONFIRMATION)[0].body[0], wire.H(b"kith review v1", review),
            800000]
    decision = city.statement(wire.DECISION, round_id, body)
    assert city.governance().put(round_id, decision) == wire.BAD_SIGNATURE
    outside = city.statement(wire.DECISION, round_id, body[:2] + [950000])
    assert city.propose(outside)[0] == wire.DENIED
    assert city.propose(decision) == (wire.OK, [1, 2, 0])
    assert city.state(round_id) == wire.REVIEW
    assert city.propose(wire.endorse(decision, city.second), "second") == (wire.OK, [2, 2, 1])
    city.wait_state(round_id, "released")
    close = city.statement(wire.CLOSE, round_id, [1])
    assert city.governance().put(round_id, close) == wire.BAD_SIGNATURE
    assert city.governance().put(round_id, wire.endorse(close, city.third)) == wire.OK
    city.wait_destroyed(round_id)


def proposals(city, home):
    return city.kith("round", "proposals", "--json", home=home, lines=True)


def test_by_the_command_line(city):
    """What one proposes the other reads, signs by its name, and nothing happens before."""
    city.policy.save(city.folder / "policy.json")
    round_id = city.kith("round", "open", "--policy", "policy.json", home="lead").strip()
    (line,) = [p for p in proposals(city, "second") if p["round"] == round_id]
    assert (line["type"], line["author"], line["signed"], line["needed"], line["mine"]) == \
        ("open", "lead", 1, 2, False)
    words = city.kith("round", "proposals", home="second")
    assert "open a round" in words and "signed by    1 of 2 governance keys" in words
    city.kith("round", "show", round_id, home="second", status=1)
    city.kith("round", "sign", "0" * 16, home="second", status=1)
    city.kith("round", "sign", line["proposal"], home="lead")  # the first one's again: still one
    city.kith("round", "show", round_id, home="second", status=1)
    assert "open a round" in city.kith("round", "sign", line["proposal"], home="second")
    assert city.kith("round", "show", round_id, "--json", home="second")["state"] == "announced"
    city.kith("round", "abort", round_id, home="third")
    assert city.state(bytes.fromhex(round_id)) == wire.ANNOUNCED
    (line,) = [p for p in proposals(city, "lead") if p["round"] == round_id]
    city.kith("round", "sign", line["proposal"], home="lead")
    assert city.state(bytes.fromhex(round_id)) == wire.ABORTED
    city.kith("round", "proposals", home="police", status=78)


def test_replaced_governance_keys_end_a_round_under_way(tmp_path_factory):
    """A key that the charter has dropped decides nothing; with fewer than two left, the round ends."""
    with City(tmp_path_factory.mktemp("rotation"), n_people=60) as city:
        city.start()
        round_id = city.open_round()
        charter = city.make_charter(version=2, governance=keys_of(city.lead, city.second, threshold=2))
        assert city.governance().put_document(charter)[0] == wire.OK
        abort = city.statement(wire.ABORT, round_id, [1, ""])
        assert city.governance().put(round_id, wire.endorse(abort, city.third)) == wire.BAD_SIGNATURE
        assert city.state(round_id) == wire.ANNOUNCED
        fresh = wire.Identity("fresh", "governance")
        city.members["fresh"] = fresh
        charter = city.make_charter(version=3, governance=keys_of(city.lead, fresh, threshold=2),
                                    signers=[city.lead, city.second, fresh])
        assert city.governance().put_document(charter)[0] == wire.OK
        assert city.wait_abort(round_id) == ("matcher", "member removed", "lead")


def test_a_proposal_of_one_who_left_hides_no_other(tmp_path_factory):
    """What an author proposed whom the charter no longer has is not shown; the others' proposals are."""
    with City(tmp_path_factory.mktemp("left"), n_people=60) as city:
        city.start()
        city.governance().put_document(city.policy)
        opening = city.statement(wire.OPEN, os.urandom(16), city.open_body(), city.third)
        assert city.propose(opening, "third") == (wire.OK, [1, 2, 0])
        charter = city.make_charter(version=2, without=("third",),
                                    governance=keys_of(city.lead, city.second, threshold=2))
        assert city.governance().put_document(charter)[0] == wire.OK
        policy = city.make_policy(signers=[city.lead, city.second])
        policy.save(city.folder / "policy.json")
        round_id = city.kith("round", "open", "--policy", "policy.json", home="lead").strip()
        (line,) = proposals(city, "second")
        assert (line["round"], len(line["proposal"])) == (round_id, 32)
        assert "open a round" in city.kith("round", "sign", line["proposal"], home="second")
        city.kith("round", "sign", line["hash"], home="second", status=1)  # it waits no more


def test_one_author_does_not_take_all_the_room(city):
    """Sixteen of one author wait, and no more; another's still has its place."""
    city.governance().put_document(city.policy)

    def opened(author, member):
        statement = city.statement(wire.OPEN, os.urandom(16), city.open_body(), author)
        return city.propose(statement, member)[0]
    answers = [opened(city.third, "third") for _ in range(17)]
    assert answers[0] == wire.OK and answers[-1] == wire.LIMIT
    assert opened(city.second, "second") == wire.OK
