"""A matcher that lies: the test stands between education and the real matcher, with the matcher's own
keys, and alters what is relayed. The agency must see it, say so to its officer, and send nothing."""
import os
import threading

import pytest
import zmq
import zmq.utils.z85

import partnership
import wireclient as wire
from partnership import wait_for


class Front(threading.Thread):
    """Where education connects to; `alter(type, body)` may change the body of a reply (None: no reply at
    all; bytes: these instead of the reply)."""

    def __init__(self, city):
        super().__init__(daemon=True)
        self.city, self.alter, self.ended = city, None, False
        self.problem = None
        self.calls = 0

    def run(self):
        matcher, upstream = self.city.members["matcher"], self.city.client("education", timeout_s=60)
        context = zmq.Context()
        router = context.socket(zmq.ROUTER)
        router.curve_server = True
        router.curve_secretkey = zmq.utils.z85.encode(matcher.curve_secret)
        router.linger = 0
        router.use_fd = self.city.front_door.detach()
        router.bind(self.city.charter_address)
        try:
            while not self.ended:
                if router.poll(50):
                    route, frame = router.recv_multipart()
                    reply = self.answer(upstream, frame)
                    if reply is not None:
                        router.send_multipart([route, reply])
        except Exception as problem:
            self.problem = problem
            raise
        finally:
            context.destroy(linger=0)

    def answer(self, upstream, frame):
        self.calls += 1
        upstream.send(frame)
        reply = upstream.receive()
        version, reply_type, request_id, error, body = wire.unpack(reply)
        if not self.alter or error:
            return reply
        altered = self.alter(reply_type, body)
        if altered is None or isinstance(altered, bytes):
            return altered
        return wire.pack([version, reply_type, request_id, error, altered])


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    with partnership.Partnership(tmp_path_factory.mktemp("city"), front=True) as city:
        city.start("matcher")
        city.front = Front(city)
        city.front.start()
        city.start("education")
        yield city
        city.front.ended = True
        city.front.join(10)
        assert city.front.problem is None


class Players(list):
    stranded = False  # education's log of the round can't be mended any more


@pytest.fixture
def two(city):
    """health and police, played, in a round that education is to join; ended after the test."""
    city.front.alter = None
    round_id = city.open_round()
    players = Players(city.player(member, round_id) for member in ("health", "police"))
    yield players
    city.front.alter = None
    ending = (wire.CLOSE, [1]) if city.state(round_id) >= wire.RELEASED else (wire.ABORT, [1, ""])
    city.governance().say(ending[0], round_id, ending[1])
    if not players.stranded:
        city.wait_destroyed(round_id, ["education"])


def statements_altered(change):
    """Changes each statement of a statement.get; None drops it."""
    def alter(reply_type, body):
        if reply_type == wire.STATEMENT_GET:
            body[5] = [s for s in (change(wire.Statement(bytes(s))) for s in body[5]) if s is not None]
        return body
    return alter


def resaid(statement, identity, **changes):
    """The statement with another body, in its author's name, signed by the identity."""
    body = changes.get("body", statement.body)
    return wire.make_statement(identity, statement.type, statement.round, statement.attempt, body,
                               author=statement.author, at=statement.time)


def problem(city, players):
    shown = city.ask("education", do="show", round=players[0].round.hex())
    return shown and shown.get("problem")


def step(players):
    for player in players:
        player.step()


def refused(city, players, statement_type, text="does not verify"):
    """education sees it, and does not say the statement."""
    wait_for(lambda: step(players) or text in (problem(city, players) or ""), "the officer is told")
    players[0].sync()
    assert "education" not in players[0].of(statement_type)


def test_an_honest_front_changes_nothing(city, two):
    city.join(two[0].round, "education")
    wait_for(lambda: step(two) or two[0].state >= wire.RELEASED, "release")


def test_another_round_key_in_a_join_is_seen(city, two):
    def change(statement):
        if statement.type != wire.JOIN or statement.author != "health":
            return statement.bytes
        return resaid(statement, city.members["matcher"],
                      body=statement.body[:4] + [wire.sodium.crypto_box_keypair()[0]])
    city.front.alter = statements_altered(change)
    city.join(two[0].round, "education")
    refused(city, two, wire.COMMITMENT)


def test_one_bit_of_a_statement_is_seen(city, two):
    def change(statement):
        if statement.type != wire.JOIN or statement.author != "health":
            return statement.bytes
        return statement.bytes[:-1] + bytes([statement.bytes[-1] ^ 1])
    city.front.alter = statements_altered(change)
    city.join(two[0].round, "education")
    refused(city, two, wire.COMMITMENT)
    # When the matcher relays the truth again, the round goes on.
    city.front.alter = None
    wait_for(lambda: step(two) or two[0].state >= wire.RELEASED, "release")


def test_a_join_that_is_held_back_is_seen(city, two):
    city.front.alter = statements_altered(
        lambda s: None if s.type == wire.JOIN and s.author == "health" else s.bytes)
    two.stranded = True
    city.join(two[0].round, "education")
    refused(city, two, wire.COMMITMENT)


def test_a_roster_by_another_is_seen(city, two):
    city.front.alter = statements_altered(
        lambda s: resaid(s, city.lead) if s.type == wire.ROSTER else s.bytes)
    city.join(two[0].round, "education")
    refused(city, two, wire.COMMITMENT)


def test_an_opening_of_other_bytes_is_seen(city, two):
    def change(statement):
        if statement.type != wire.OPENING or statement.author != "health":
            return statement.bytes
        body = [statement.body[0], statement.body[1],
                [[member, os.urandom(len(sealed))] for member, sealed in statement.body[2]]]
        return resaid(statement, city.members["matcher"], body=body)
    city.front.alter = statements_altered(change)
    city.join(two[0].round, "education")
    refused(city, two, wire.CONFIRMATION)
    # The matcher must not make an agency give its round key away by a complaint.
    assert not two[0].of(wire.COMPLAINT)


def test_another_order_is_seen(city, two):
    """Statements whose place is another than what was said before allows."""
    def alter(reply_type, body):
        if reply_type == wire.STATEMENT_GET and len(body[5]) > 1:
            body[5] = body[5][::-1]
        return body
    step(two)
    city.front.alter = alter
    assert city.ask("education", do="status")["ok"]
    wait_for(lambda: "education" in city.programs and city.front.calls > 20, "it was asked")
    city.front.alter = None
    city.join(two[0].round, "education")
    wait_for(lambda: step(two) or two[0].state >= wire.RELEASED, "release")


def test_a_policy_that_is_not_the_one_named_is_refused(city):
    calls = []
    other = city.make_policy(purpose="something that nobody was told of", round={"minimum_batch": 1})

    def alter(reply_type, body):
        if reply_type == wire.DOCUMENT_GET and body[1] == wire.POLICY:
            calls.append(1)
            return [other.hash, *other.body()]
        return body
    city.front.alter = alter
    round_id = city.open_round(city.make_policy())
    wait_for(lambda: len(calls) > 3, "education asks for the policy")
    assert round_id.hex() not in [r["round"] for r in city.ask("education", do="rounds")["rounds"]]
    city.front.alter = None
    wait_for(lambda: city.ask("education", do="show", round=round_id.hex())["ok"], "the true one")
    assert city.governance().say(wire.ABORT, round_id, [1, ""]) == wire.OK


def test_replies_that_are_no_messages_do_no_harm(city, two):
    garbage = [b"", b"\0", b"\xc1" * 100, os.urandom(500), b"\x95\1\1\1\0\xdd\x7f\xff\xff\xff",
               b"\x91" * 5000]
    sent = []

    def alter(reply_type, body):
        if len(sent) < 2:
            sent.append(garbage[len(sent)])
            return sent[-1]
        return body
    city.front.alter = alter
    wait_for(lambda: len(sent) == 2, "it was sent")
    city.front.alter = None
    assert city.programs["education"].running
    city.join(two[0].round, "education")
    wait_for(lambda: step(two) or two[0].state >= wire.RELEASED, "release")


def test_a_false_release_is_not_believed(city, two):
    """An agency destroys nothing for a release that the matcher did not say as the log allows."""
    def change(statement):
        if statement.type != wire.RELEASE:
            return statement.bytes
        body = list(statement.body)
        body[4] = [[agency, os.urandom(32)] for agency, _ in body[4]]
        return resaid(statement, city.members["matcher"], body=body)
    city.front.alter = statements_altered(change)
    city.join(two[0].round, "education")
    refused(city, two, wire.RELEASE)
    wait_for(lambda: two[0].sync() or two[0].state >= wire.RELEASED, "released")
    assert f"{two[0].round.hex()}.outbox" in city.key_files("education", two[0].round)
    city.front.alter = None
    wait_for(lambda: 3 in city.destroyed(two[0].round).get("education", ()), "after the true one")
