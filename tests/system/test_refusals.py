"""What a hostile or broken member is refused: two real agencies, a real matcher, and `police` played by
the test through the second implementation of the protocol."""
import os
import struct
import time

import pytest

import partnership
import wireclient as wire
from partnership import wait_for


def fresh(tmp_path_factory, name, **options):
    return partnership.Partnership(tmp_path_factory.mktemp(name), **options)


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """education and health run; police and a second recipient are anybody's to play."""
    with fresh(tmp_path_factory, "city", extra=[wire.Identity("north", "recipient")]) as city:
        yield city.start("matcher", "education", "health")


@pytest.fixture(scope="module")
def police(city):
    return city.client("police")


@pytest.fixture
def played(city):
    """A round that the two agencies joined; the test plays police. Ended after the test."""
    round_id = city.open_round()
    city.join(round_id, "education", "health")
    player = city.player("police", round_id)
    wait_for(lambda: player.sync() or len(player.of(wire.JOIN)) == 2, "two joins")
    yield player
    city.governance().say(wire.ABORT, round_id, [1, ""], attempt=player.attempt)


def until(player, statement_type, n, what="statements"):
    """Waits, without playing, until n have said it."""
    wait_for(lambda: player.sync() or len(player.of(statement_type)) >= n, f"{n} {what}")


def raw(client, data, timeout_ms=5000):
    """The reply's error to one frame of any bytes; None where there is none."""
    client.send(data)
    try:
        return wire.unpack(client.receive(timeout_ms))[3]
    except wire.Silence:
        return None


# ---- who is let in

def test_a_key_that_is_not_listed_gets_no_answer(city):
    stranger = city.client(wire.Identity("stranger", "agency"), timeout_s=1)
    with pytest.raises(wire.Silence):
        stranger.hello()
    assert city.governance().hello() == city.charter.hash


def test_a_listed_curve_key_does_not_lend_its_signature(city, police, played):
    body = played.join_body()
    mine, theirs = city.members["police"], city.members["health"]
    round_id = played.round
    # health's own signature, brought by police
    assert police.put(round_id, wire.make_statement(theirs, wire.JOIN, round_id, 1, body)) == wire.DENIED
    # police's statement with health's signature, and health's name over police's signature
    assert police.put(round_id, wire.make_statement(
        theirs, wire.JOIN, round_id, 1, body, author="police")) == wire.BAD_SIGNATURE
    assert police.put(round_id, wire.make_statement(
        mine, wire.JOIN, round_id, 1, body, author="health")) == wire.DENIED
    # one bit of the signature
    good = wire.make_statement(mine, wire.JOIN, round_id, 1, body)
    core, signature = wire.unpack(good)
    for bit in (0, 255, 511):
        bad = bytearray(signature)
        bad[bit // 8] ^= 1 << bit % 8
        assert police.put(round_id, wire.pack([core, bytes(bad)])) == wire.BAD_SIGNATURE
    assert police.put(round_id, good) == wire.OK


def test_a_role_says_only_what_is_its_own(city, police, played):
    round_id, roster = played.round, os.urandom(32)
    for statement_type, body in ((wire.CLOSE, [1]), (wire.CONSENT, [roster, ["education", "health"]]),
                                 (wire.RETRY, [2, ["health"], 2]),
                                 (wire.ROSTER, [[j.hash for j in played.of(wire.JOIN).values()]])):
        assert police.say(statement_type, round_id, body) in (wire.DENIED, wire.WRONG_STATE)
    assert police.say(wire.OPEN, os.urandom(16), city.open_body()) == wire.DENIED
    assert police.put_document(city.policy)[0] == wire.DENIED
    recipient = city.client("horizon")
    assert recipient.say(wire.ABORT, round_id, [1, ""]) == wire.DENIED
    assert recipient.say(wire.JOIN, round_id, played.join_body()) == wire.DENIED
    assert city.state(round_id) in (wire.ANNOUNCED, wire.GATHERING)


def test_members_outside_a_round_learn_nothing_of_it(city, police):
    round_id = city.open_round(agencies=["education", "health"])
    with pytest.raises(LookupError):
        police.statements(round_id)
    assert round_id not in [bytes(r[0]) for r in police.call(wire.ROUND_LIST, [])[1][0]]
    north = city.client("north")
    with pytest.raises(LookupError):
        north.statements(round_id)
    assert north.call(wire.COHORT_GET, [round_id, 0])[0] == wire.DENIED
    assert police.call(wire.BATCH_PUT, [round_id, 0, bytes(32), bytes(146)])[0] == wire.DENIED
    assert city.governance().say(wire.ABORT, round_id, [1, ""]) == wire.OK


# ---- documents

def test_an_older_or_unsigned_charter_is_refused(tmp_path_factory):
    with fresh(tmp_path_factory, "charters") as city:
        city.start("matcher", "health")
        lead = city.governance()
        third, second = city.make_charter(3), city.make_charter(2)
        assert lead.put_document(third)[0] == wire.OK
        assert lead.put_document(third)[0] == wire.OK
        assert lead.put_document(second)[0] == wire.STALE
        other = city.make_charter(3, name="Other city")
        assert lead.put_document(other)[0] == wire.STALE
        outsider = wire.Identity("outsider", "governance")
        for signers in ([outsider], [city.members["police"]]):
            assert lead.put_document(city.make_charter(4, signers=signers))[0] == wire.BAD_SIGNATURE
        unsigned = city.make_charter(4)
        unsigned.signatures = []
        assert lead.put_document(unsigned)[0] == wire.BAD_SIGNATURE
        assert lead.hello() == third.hash
        # A node that starts with an older file keeps what it holds; with a newer one it takes it.
        wait_for(lambda: city.ask("health", do="status")["charter_version"] == 3, "health follows")
        for member in ("matcher", "health"):
            assert city.programs[member].stop() == 0
            second.save(city.home(member) / "charter.json")
        city.start("matcher", "health")
        assert lead.hello() == third.hash
        assert city.ask("health", do="status")["charter_version"] == 3
        assert city.programs["matcher"].stop() == 0
        fourth = city.make_charter(4)
        fourth.save(city.home("matcher") / "charter.json")
        city.start("matcher")
        assert lead.hello() == fourth.hash


def test_a_node_does_not_start_with_a_charter_that_was_altered(tmp_path_factory):
    with fresh(tmp_path_factory, "altered") as city:
        for member, name in (("matcher", "kith-matcher"), ("health", "kithd")):
            path = city.home(member) / "charter.json"
            path.write_bytes(path.read_bytes().replace(b"Test city", b"Test citi"))
            program = partnership.Program(name, city.config_path(member), city.home(member))
            assert program.process.wait(20) != 0
            assert "signature" in program.log


def test_a_policy_with_one_byte_changed_is_refused(city):
    policy = city.make_policy()
    assert city.governance().put_document(policy)[0] == wire.OK
    round_id = os.urandom(16)
    for at in (0, len(policy.bytes) // 2, len(policy.bytes) - 1):
        altered = city.make_policy()
        altered.signatures = policy.signatures
        altered.bytes = bytearray(policy.bytes)
        altered.bytes[at] ^= 1
        altered.bytes = bytes(altered.bytes)
        altered.hash = wire.H(b"kith policy v1", altered.bytes)
        assert city.governance().put_document(altered)[0] == wire.BAD_SIGNATURE
        assert city.governance().say(wire.OPEN, round_id,
                                     city.open_body(altered)) == wire.BAD_REFERENCE


def test_a_policy_version_does_not_fall(city):
    lead = city.governance()
    assert lead.put_document(city.make_policy(name="steady", version=2))[0] == wire.OK
    assert lead.put_document(city.make_policy(name="steady", version=1))[0] == wire.STALE
    assert lead.put_document(city.make_policy(name="steady", version=2, trial=True))[0] == wire.STALE
    assert lead.put_document(city.make_policy(name="between"))[0] == wire.OK
    assert lead.put_document(city.make_policy(name="steady", version=1))[0] == wire.STALE
    assert lead.put_document(city.make_policy(name="steady", version=3))[0] == wire.OK


def test_a_round_beyond_its_policy_is_not_opened(city):
    lead, policy = city.governance(), city.make_policy(round={"quorum": 3})
    assert lead.put_document(policy)[0] == wire.OK

    def opened(**changes):
        return lead.say(wire.OPEN, os.urandom(16), city.open_body(policy, **changes))

    def opened_with(place, value):
        body = city.open_body(policy)
        body[place] = value
        return lead.say(wire.OPEN, os.urandom(16), body)
    assert opened(quorum=2) == wire.DENIED
    assert opened(recipients=["north"]) == wire.DENIED
    assert opened(agencies=["education", "health", "north"]) == wire.DENIED
    assert opened(agencies=["education", "health", "horizon"]) == wire.DENIED
    assert opened(charter=os.urandom(32)) == wire.BAD_REFERENCE
    assert opened_with(1, os.urandom(32)) == wire.BAD_REFERENCE
    assert opened(expires=int(time.time()) - 1) == wire.STALE
    assert opened(expires=int(time.time()) + 400 * 86400) == wire.STALE
    assert opened(recipients=[]) == wire.MALFORMED
    assert opened_with(2, ["health", "education", "police"]) == wire.MALFORMED


@pytest.mark.parametrize("gateway", ["", "PCSC Act 2022 s.16"])
def test_a_round_without_a_lawful_gateway_is_not_opened(city, gateway):
    """Signed by governance all the same: the matcher looks again, and so does each agency."""
    policy = city.make_policy(agencies=[{"id": a, "gateway": gateway if a == "health" else "an act, s.1"}
                                        for a in city.agencies])
    assert city.governance().put_document(policy)[0] == wire.OK
    assert city.governance().say(wire.OPEN, os.urandom(16), city.open_body(policy)) == wire.DENIED


def test_more_rounds_than_the_policy_allows(tmp_path_factory):
    """Two in a month: the third is not opened; one that ended before records were announced is none."""
    terms = dict(quorum=2, minimum_batch=5, gather_s=600, keying_s=600, submit_s=600, rounds_max=2,
                 rounds_days=30)
    with partnership.Partnership(tmp_path_factory.mktemp("often"), policy=dict(round=terms)) as city:
        city.start()
        city.governance().put_document(city.policy)
        first = city.open_round()
        early = city.open_round()
        third = os.urandom(16)
        assert city.governance().say(wire.OPEN, third, city.open_body()) == wire.LIMIT
        assert city.governance().say(wire.ABORT, early, [1, ""]) == wire.OK
        # An unbounded policy's rounds count as well.
        free = city.open_round(city.make_policy(round=dict(rounds_max=1000, rounds_days=1)))
        for round_id in (first, free):
            city.join(round_id)
            city.wait_state(round_id, "released")
        assert city.governance().say(wire.OPEN, third, city.open_body()) == wire.LIMIT
        assert "2 in 30 days" in city.kith("policy", "show", "policy.json")


def test_an_agency_counts_its_rounds_itself(tmp_path_factory):
    """A round that the matcher let through before others were opened."""
    with partnership.Partnership(tmp_path_factory.mktemp("counted")) as city:
        city.start()
        one = city.open_round(city.make_policy(round=dict(rounds_max=1, rounds_days=30)))
        other = city.open_round()
        city.join(other)
        city.wait_state(other, "released")
        assert city.decide("police", one)["ok"]

        def problem():
            return city.ask("police", do="show", round=one.hex())["problem"]
        assert wait_for(problem, "the agency says why") == \
            "the policy allows 1 rounds in 30 days, and there were as many"
        assert not city.statements(one, wire.JOIN)


# ---- joining

def test_a_join_under_another_policy_stops_the_round_and_names_who(city, played):
    assert played.join(policy=os.urandom(32)) == wire.OK
    assert city.wait_abort(played.round) == ("matcher", "documents differ", "police")


def test_a_join_under_another_charter_stops_the_round_and_names_who(city, played):
    assert played.join(charter=os.urandom(32)) == wire.OK
    assert city.wait_abort(played.round) == ("matcher", "documents differ", "police")


def test_another_standardiser_stops_the_round_and_names_who(city, played):
    assert played.join(standardiser=os.urandom(32)) == wire.OK
    assert city.wait_abort(played.round) == ("matcher", "standardisers differ", "police")
    wait_for(lambda: {"education", "health"} <= set(city.destroyed(played.round)), "all is destroyed")
    assert not city.key_files("education", played.round)


def test_a_join_to_another_opening_is_refused(played):
    assert played.join(open=os.urandom(32)) == wire.BAD_REFERENCE


def test_a_statement_from_the_future_is_refused(played):
    body = played.join_body()
    assert played.say(wire.JOIN, body, at=int(time.time()) + 3600) == wire.LIMIT
    assert played.say(wire.JOIN, body, at=int(time.time()) + 60) == wire.OK


def test_two_statements_in_one_place_are_a_conflict(city, played):
    first = wire.make_statement(played.identity, wire.JOIN, played.round, 1, played.join_body())
    assert played.client.put(played.round, first) == wire.OK
    assert played.client.put(played.round, first) == wire.OK  # the same bytes again
    other = played.join_body(key=os.urandom(32))
    assert played.say(wire.JOIN, other) in (wire.CONFLICT, wire.WRONG_STATE)
    until(played, wire.ROSTER, 1)
    assert played.commit() == wire.OK
    played.contributions[1] = os.urandom(32)
    assert played.commit() == wire.CONFLICT
    played.sync()
    assert played.of(wire.JOIN)["police"].bytes == first


def test_a_statement_in_the_wrong_state_is_refused(played):
    roster = os.urandom(32)
    assert played.say(wire.COMMITMENT, [roster, bytes(32)]) == wire.WRONG_STATE
    assert played.say(wire.INTENT, [roster, 10, 1, played.row_bytes]) == wire.WRONG_STATE
    assert played.say(wire.MANIFEST, [roster, 10, [bytes(32)], bytes(32)]) == wire.WRONG_STATE
    assert played.join() == wire.OK
    until(played, wire.ROSTER, 1)
    assert played.say(wire.DECLINE, [played.open.hash, 14]) == wire.WRONG_STATE
    assert played.say(wire.INTENT, [played.roster_hash, 10, 1, played.row_bytes]) == wire.WRONG_STATE
    until(played, wire.COMMITMENT, 2)
    # An opening before all commitments could be answered by the last one's choice.
    played.contributions[1] = os.urandom(32)
    assert played.open_contribution() == wire.BAD_REFERENCE
    assert played.say(wire.CONFIRMATION, [played.roster_hash, bytes(32)] +
                      [bytes(32)] * 3) == wire.BAD_REFERENCE
    assert played.say(wire.COMMITMENT, [roster, bytes(32)]) == wire.BAD_REFERENCE
    played.attempt = 2
    assert played.commit() == wire.BAD_REFERENCE


# ---- keying

def keyed(player, statement_type, n):
    assert player.join() == wire.OK
    until(player, wire.ROSTER, 1)
    assert player.commit() == wire.OK
    until(player, wire.COMMITMENT, 3)
    if statement_type == wire.CONFIRMATION:
        assert player.open_contribution() == wire.OK
        until(player, wire.OPENING, 3)


def test_a_contribution_from_another_roster_is_found_out(city, played):
    keyed(played, wire.OPENING, 3)
    old_copies, old_hash = played.copies(), played.roster_hash
    old_commitment = played.of(wire.COMMITMENT)["police"].body[1]
    second = city.open_round()
    city.join(second, "education", "health")
    again = city.player("police", second)
    wait_for(lambda: again.sync() or len(again.of(wire.JOIN)) == 2, "two joins")
    assert again.join() == wire.OK
    until(again, wire.ROSTER, 1)
    # The statement itself is of another round, its hash of another roster, its copies for neither.
    stale = played.of(wire.COMMITMENT)["police"].bytes
    assert again.client.put(second, stale) == wire.MALFORMED
    assert again.say(wire.COMMITMENT, [old_hash, old_commitment]) == wire.BAD_REFERENCE
    again.contributions[1] = played.contributions[1]
    assert again.commit() == wire.OK
    until(again, wire.COMMITMENT, 3)
    assert again.open_contribution(old_copies) == wire.OK
    assert city.wait_abort(second)[1:] == ("bad opening", "police")


def test_a_commitment_from_another_roster_is_found_out(city, played):
    assert played.join() == wire.OK
    until(played, wire.ROSTER, 1)
    played.contributions[1] = os.urandom(32)
    other = wire.commitment_of(os.urandom(32), "police", played.contributions[1])
    assert played.say(wire.COMMITMENT, [played.roster_hash, other]) == wire.OK
    until(played, wire.COMMITMENT, 3)
    assert played.say(wire.OPENING, [played.roster_hash, other, played.copies()]) == wire.OK
    assert city.wait_abort(played.round)[1:] == ("bad opening", "police")


def test_different_contributions_are_found_out(city, played):
    keyed(played, wire.OPENING, 3)
    copies = played.copies({"health": os.urandom(32)})
    assert played.open_contribution(copies) == wire.OK
    assert city.wait_abort(played.round) == ("matcher", "bad opening", "police")
    played.sync()
    complaint = played.of(wire.COMPLAINT)["health"]
    assert complaint.body[1] == "police"
    # Anybody can open the same copy with the key that the complaint gives away.
    assert wire.sodium.crypto_scalarmult_base(complaint.body[2]) == played.of(wire.JOIN)["health"].body[4]
    sealed = dict((m, s) for m, s in played.of(wire.OPENING)["police"].body[2])["health"]
    found = wire.unseal(complaint.body[2],
                        wire.opening_context(played.roster_hash, "police", "health"), sealed)
    assert found is not None and found != played.contributions[1]
    wait_for(lambda: {"education", "health", "matcher"} <= set(city.destroyed(played.round)), "all ends")


def test_copies_for_others_than_the_roster_are_refused(played):
    keyed(played, wire.OPENING, 3)
    copies = played.copies()
    assert played.open_contribution(copies[:2]) == wire.BAD_REFERENCE
    assert played.open_contribution(copies[:2] + [["zebra", copies[2][1]]]) == wire.BAD_REFERENCE
    assert played.open_contribution([copies[1], copies[0], copies[2]]) == wire.MALFORMED
    assert played.open_contribution(copies) == wire.OK


def test_a_false_complaint_names_the_complainer(city, played):
    keyed(played, wire.CONFIRMATION, 3)
    assert played.complain("health") == wire.OK
    assert city.wait_abort(played.round)[1:] == ("false complaint", "police")


def test_a_complaint_with_another_key_names_the_complainer(city, played):
    keyed(played, wire.CONFIRMATION, 3)
    assert played.say(wire.COMPLAINT, [played.roster_hash, "health", os.urandom(32)]) == wire.OK
    assert city.wait_abort(played.round)[1:] == ("false complaint", "police")


def test_a_confirmation_that_fails_stops_the_round(city, played):
    keyed(played, wire.CONFIRMATION, 3)
    assert played.confirm(os.urandom(32)) == wire.OK
    author, reason, culprit = city.wait_abort(played.round)
    assert (reason, culprit) == ("bad confirmation", "") and author in ("education", "health")
    played.sync()
    assert not played.of(wire.INTENT)


def test_a_confirmation_of_other_documents_stops_the_round_and_names_who(city, played):
    keyed(played, wire.CONFIRMATION, 3)
    mac = wire.confirmation_mac(played.roster_hash, played.secret, "police")
    assert played.say(wire.CONFIRMATION, [played.roster_hash, mac, played.charter.hash, os.urandom(32),
                                          played.standardiser]) == wire.OK
    author, reason, culprit = city.wait_abort(played.round)
    assert (reason, culprit) == ("documents differ", "police") and author in ("education", "health")


def test_keying_without_one_goes_on_with_those_who_remain(city):
    policy = city.make_policy(round={"keying_s": 2})
    round_id = city.open_round(policy)
    city.join(round_id, "education", "health")
    player = city.player("police", round_id, policy)
    wait_for(lambda: player.join() == wire.OK if player.sync() or player.of(wire.JOIN) else False, "join")
    city.wait_state(round_id, "released")
    retry, = city.statements(round_id, wire.RETRY)
    assert retry.body[:2] == [2, ["police"]]
    joins = [(s.attempt, s.author) for s in city.statements(round_id, wire.JOIN)]
    assert sorted(joins) == [(1, "education"), (1, "health"), (1, "police"), (2, "education"),
                             (2, "health")]
    keys = {s.body[4] for s in city.statements(round_id, wire.JOIN)}
    assert len(keys) == 5  # fresh ones
    player.sync()
    assert player.say(wire.JOIN, player.join_body()) in (wire.WRONG_STATE, wire.BAD_REFERENCE)
    assert [a for a, _ in city.cohort(round_id)[6]] == ["education", "health"]


def test_too_few_who_join_end_the_round(city):
    round_id = city.open_round(city.make_policy(round={"gather_s": 1}))
    city.join(round_id, "health")
    assert city.wait_abort(round_id) == ("matcher", "no quorum", "")


# ---- submitting

def test_fewer_records_than_the_minimum_stop_the_round(city, played):
    keyed(played, wire.CONFIRMATION, 3)
    assert played.confirm() == wire.OK
    until(played, wire.CONFIRMATION, 3)
    played.make_rows(4)
    wait_for(lambda: played.sync() or played.state == wire.SUBMITTING, "submitting")
    # An intent whose batches are not those of its records would have memory set aside for nothing.
    for records, batches, row_bytes in ((2**32 - 1, 0, played.row_bytes), (10, 2, played.row_bytes),
                                        (10, 1, played.row_bytes + 1)):
        assert played.say(wire.INTENT, [played.roster_hash, records, batches, row_bytes]) == wire.MALFORMED
    assert played.intend() == wire.OK
    assert city.wait_abort(played.round)[1:] == ("too few records", "police")
    assert played.send_batch(0) in (wire.WRONG_STATE, wire.DENIED)


def submitting(player, n_rows=20):
    """Up to the place where batches are taken."""
    player.make_rows(n_rows)
    wait_for(lambda: player.sync() or player.of(wire.INTENT).get("police") or player.step() and False,
             "own intent")
    until(player, wire.INTENT, 3)


def test_batches_before_all_intents_or_outside_them_are_refused(city, police):
    policy = city.make_policy(agencies=[{"id": a, "gateway": "an act"} for a in ("health", "police")])
    round_id = city.open_round(policy, ["health", "police"])
    player = city.player("police", round_id, policy, standardiser=os.urandom(32))
    player.make_rows(20)
    assert player.join() == wire.OK
    # health has not joined: nothing is taken
    assert player.send_batch(0) in (wire.WRONG_STATE, wire.DENIED)
    assert city.governance().say(wire.ABORT, round_id, [1, ""]) == wire.OK
    assert player.send_batch(0) in (wire.WRONG_STATE, wire.DENIED)


def test_a_replayed_batch_changes_nothing_and_other_bytes_are_a_conflict(city, played):
    submitting(played)
    rows, = played.batches()
    assert played.send_batch(0, claimed=os.urandom(32)) == wire.BAD_REFERENCE
    assert played.send_batch(0, rows[:-1]) == wire.MALFORMED
    assert played.send_batch(0, rows[:-played.row_bytes]) == wire.MALFORMED
    assert played.send_batch(1, rows) == wire.MALFORMED
    assert played.send_batch(2**31, rows) == wire.MALFORMED
    assert played.manifest() == wire.WRONG_STATE  # names a batch that is not held
    assert played.send_batch(0) == wire.OK
    error, (held, checkpoint) = played.client.call(
        wire.BATCH_PUT, [played.round, 0, wire.batch_hash(played.round, "police", 0, rows), rows])
    assert (error, held) == (wire.OK, 1)
    other = rows[:-1] + bytes([rows[-1] ^ 1])
    assert played.send_batch(0, other) == wire.CONFLICT
    assert played.client.call(wire.BATCH_STATUS, [played.round]) == (wire.OK, [b"\1"])
    # A manifest of other hashes, or of another number of records.
    good = [wire.batch_hash(played.round, "police", 0, rows)]
    root = wire.manifest_root(played.round, "police", 20, good)
    assert played.say(wire.MANIFEST, [played.roster_hash, 20, [os.urandom(32)], root]) != wire.OK
    assert played.say(wire.MANIFEST, [played.roster_hash, 20, good, os.urandom(32)]) != wire.OK
    assert played.say(wire.MANIFEST, [played.roster_hash, 21, good, root]) != wire.OK
    assert played.manifest() == wire.OK
    city.wait_state(played.round, "released")
    assert played.send_batch(0) == wire.WRONG_STATE
    manifests = dict((a, m) for a, m in city.cohort(played.round)[6])
    played.sync()
    assert manifests["police"] == played.of(wire.MANIFEST)["police"].hash


# ---- bytes

def messages(played):
    """Good requests of each kind that police may make."""
    yield [1, wire.HELLO, 7, []]
    yield [1, wire.DOCUMENT_GET, 8, [wire.CHARTER, b""]]
    yield [1, wire.ROUND_LIST, 9, []]
    yield [1, wire.STATEMENT_GET, 10, [played.round, 0]]
    yield [1, wire.STATEMENT_PUT, 11, [played.round, wire.make_statement(
        played.identity, wire.JOIN, played.round, 1, played.join_body()), [0, b"", b""]]]


def test_messages_that_are_not_as_the_protocol_says_are_refused(city, police, played):
    for good in messages(played):
        data = wire.pack(good)
        for end in range(len(data)):
            if end < 24 or end % 17 == 0 or end > len(data) - 4:
                assert raw(police, data[:end]) in (wire.MALFORMED, wire.UNKNOWN_TYPE), (good, end)
        assert raw(police, data + b"\0") == wire.MALFORMED
        assert raw(police, data + data) == wire.MALFORMED
        for version in (0, 2, 255):
            assert raw(police, wire.pack([version, *good[1:]])) == wire.MALFORMED
    huge = struct.pack(">BI", 0xdd, 2**31)  # an array of 2^31 elements, of which none is there
    for bad in (b"\x94\1\1\7" + huge, huge, b"\x94\1\4\7\x92\xc4\x10" + played.round + huge,
                b"\x94\1\4\7\x92" + struct.pack(">BI", 0xc6, 2**31) + b"\0",
                b"\x94\1\1\xcc\7\x90",  # 7 in two bytes
                b"\x94\1\1\7\x80", b"\x94\1\1\7\xc0", b"\xc1", b"\x94" * 100, b"\x91" * 5000,
                wire.pack([1, wire.STATEMENT_GET, 1, [played.round[:15], 0]]),
                wire.pack([1, wire.STATEMENT_GET, 1, [played.round, -1]]),
                wire.pack([1, wire.STATEMENT_GET, 1, [played.round, 2**40]]),
                wire.pack([1, wire.STATEMENT_GET, 1, [played.round.hex(), 0]])):
        assert raw(police, bad) == wire.MALFORMED, bad[:40]
    for unknown in (0, 11, 2**31):
        assert raw(police, wire.pack([1, unknown, 1, []])) in (wire.UNKNOWN_TYPE, wire.MALFORMED)
    played.sync()
    assert "police" not in played.of(wire.JOIN)
    assert police.hello() == city.charter.hash


def test_statements_that_are_not_as_the_protocol_says_are_refused(played):
    good = wire.make_statement(played.identity, wire.JOIN, played.round, 1, played.join_body())
    core, signature = wire.unpack(good)
    for data in (b"", good[:-1], good + b"\0", good[1:], wire.pack([core]), wire.pack([core, signature, 1]),
                 wire.pack([core + b"\0", signature])):
        assert played.client.put(played.round, data) == wire.MALFORMED
    def signed(fields):
        data = wire.pack(fields)
        return wire.pack([data, played.identity.signature(b"kith statement v1", data)])
    fields = wire.unpack(core)
    for place, value in ((0, 2), (1, 17), (1, 0), (3, 0), (3, 9), (4, ""), (4, "Police"), (4, "p" * 33),
                         (5, -1), (5, "now"), (6, []), (6, fields[6] + [1]), (6, 1)):
        other = list(fields)
        other[place] = value
        assert played.client.put(played.round, signed(other)) == wire.MALFORMED, (place, value)
    assert played.client.put(played.round, good) == wire.OK


def test_an_oversized_message_ends_its_connection_and_nothing_else(city, played):
    client = city.client("police", timeout_s=2)
    assert client.hello() == city.charter.hash
    client.send(b"\x94\1\1\7" + bytes(1024 * 1024 + 64 * 1024))
    with pytest.raises(wire.Silence):
        client.receive(1000)
    assert city.governance().hello() == city.charter.hash
    again = city.client("police")
    assert again.hello() == city.charter.hash
    assert city.programs["matcher"].running


def test_more_frames_than_one_are_dropped(city, police):
    client = city.client("police", timeout_s=1)
    for frames in ((b"", b""), (b"", wire.pack([1, wire.HELLO, 1, []])),
                   (wire.pack([1, wire.HELLO, 1, []]), b"more")):
        client.send(*frames)
        with pytest.raises(wire.Silence):
            client.receive(300)
    assert client.hello() == city.charter.hash


# ---- removal

def test_a_removed_member_is_not_heard_any_more(tmp_path_factory):
    with fresh(tmp_path_factory, "removal") as city:
        city.start("matcher", "education", "health")
        round_id = city.open_round()
        city.join(round_id, "education", "health")
        player = city.player("police", round_id)
        wait_for(lambda: player.join() == wire.OK if player.sync() or player.of(wire.JOIN) else 0, "join")
        police = city.client("police", timeout_s=1)
        police.hello()
        assert city.governance().put_document(city.make_charter(2, without=["police"]))[0] == wire.OK
        with pytest.raises(wire.Silence):
            police.hello()  # on the connection that was let in before
        with pytest.raises(wire.Silence):
            city.client("police", timeout_s=1).hello()
        assert city.wait_abort(round_id) == ("matcher", "member removed", "police")
        wait_for(lambda: city.ask("health", do="status")["charter_version"] == 2, "health follows")


# ---- the list

@pytest.fixture(scope="module")
def released(city):
    """A released round of two agencies."""
    round_id = city.open_round(agencies=["education", "health"])
    city.join(round_id, "education", "health")
    city.wait_state(round_id, "released")
    return round_id


def test_a_list_is_for_its_recipients_only(city, released, police):
    assert len(city.cohort(released)[7]) > 5
    assert city.client("north").cohort(released)[0] == wire.DENIED
    assert police.cohort(released)[0] == wire.DENIED
    assert city.client("education").cohort(released)[0] == wire.DENIED
    assert city.governance().cohort(released)[0] == wire.DENIED
    horizon = city.client("horizon")
    assert horizon.call(wire.COHORT_GET, [os.urandom(16), 0])[0] == wire.DENIED
    assert horizon.call(wire.COHORT_GET, [released, 10**6])[0] == wire.BAD_REFERENCE


def test_a_list_before_the_release_is_refused(city, played):
    assert city.client("horizon").cohort(played.round)[0] == wire.WRONG_STATE


def test_a_pulled_list_opens_with_its_key_only_and_unaltered(city, released):
    identity = city.members["horizon"]
    sealed = city.client("horizon").cohort(released)[1]
    for other in (m for m in city.members.values() if m is not identity):
        assert wire.unseal(other.seal_secret, wire.cohort_context(released, "horizon"), sealed) is None
    assert wire.unseal(identity.seal_secret, wire.cohort_context(released, "north"), sealed) is None
    assert wire.unseal(identity.seal_secret, wire.cohort_context(os.urandom(16), "horizon"),
                       sealed) is None
    city.kith("cohort", "pull", released.hex(), home="horizon")
    path = city.home("horizon") / "cohorts" / f"{released.hex()}.list"
    assert path.read_bytes() == sealed
    city.kith("cohort", "list", released.hex(), home="horizon")
    for bit in (0, 300, len(sealed) * 4, len(sealed) * 8 - 1):
        altered = bytearray(sealed)
        altered[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bytes(altered))
        city.kith("cohort", "list", released.hex(), home="horizon", status=1)
    for data in (sealed[:-1], sealed + b"\0", b""):
        path.write_bytes(data)
        city.kith("cohort", "list", released.hex(), home="horizon", status=1)
    path.write_bytes(sealed)
    city.kith("cohort", "list", released.hex(), home="horizon")
    # The statements that it is checked against are signed as well.
    statements = path.with_suffix(".statements")
    original = statements.read_bytes()
    for bit in (400, len(original) * 4, len(original) * 8 - 100):
        altered = bytearray(original)
        altered[bit // 8] ^= 1 << bit % 8
        statements.write_bytes(bytes(altered))
        with pytest.raises(AssertionError):
            city.kith("cohort", "list", released.hex(), home="horizon")
    statements.write_bytes(original)
    # Another's home, with its own key, opens nothing of it.
    theirs = city.home("north") / "cohorts"
    theirs.mkdir()
    for kept in path.parent.iterdir():
        (theirs / kept.name).write_bytes(kept.read_bytes())
    with pytest.raises(AssertionError):
        city.kith("cohort", "list", released.hex(), home="north")
