"""A round in review: what governance sees, what it may decide, and that nothing goes on before."""
import json
import os

import pytest

import partnership
import wireclient as wire

BAND = {"default": "auto", "min": "0.6", "max": "0.9", "review": True}


def review_hash(data):
    return wire.H(b"kith review v1", data)


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    with partnership.Partnership(tmp_path_factory.mktemp("review"), n_people=300) as city:
        city.start()
        yield city


def policy_of(city, minimum=10, review_days=7):
    linkage = json.loads(json.dumps(city.policy.value["linkage"]))
    linkage["threshold"] = BAND
    return city.make_policy(linkage=linkage, cohort={"minimum_count": minimum},
                            release={"review_days": review_days})


def to_review(city, **changes):
    policy = policy_of(city, **changes)
    round_id = city.open_round(policy)
    city.join(round_id)
    city.wait_state(round_id, "review")
    return round_id


def get(city, round_id, member="lead"):
    client = city.governance() if member == "lead" else city.client(member)
    error, body = client.call(wire.REVIEW_GET, [round_id])
    return error, (body[0] if error == wire.OK else None)


def body_of(city, round_id, threshold=850000, review=None, roster=None):
    data = get(city, round_id)[1]
    release = city.statements(round_id, wire.CONFIRMATION)[0]
    return [roster or release.body[0], review or review_hash(data), threshold]


def test_the_numbers(city):
    round_id = to_review(city)
    error, data = get(city, round_id)
    assert error == wire.OK
    version, round_, minimum, recommended, agencies, points = wire.unpack(data)
    assert (version, round_, minimum) == (1, round_id, 10)
    assert agencies == sorted(city.agencies) and 600000 <= recommended <= 900000
    assert len(points) == 26
    n = len(agencies)
    previous = {}
    for threshold, numbers in points:
        assert len(numbers) == 7 * (1 + n + n * (n - 1) // 2)
        for place, number in enumerate(numbers):
            number -= 1  # 0: hidden
            assert number == -1 or number % 5 == 0
            if place % 7 in (0, 1, 4):  # listed, wrong, missed
                # Neighbours differ by nothing or by about the minimum: both are rounded.
                before = previous.get(place)
                if before not in (None, -1) and number != -1:
                    assert number == before or abs(number - before) >= 5
                assert number == -1 or number >= 10
            previous[place] = number
        # Of the numbers by service one alone is never hidden.
        listed = [numbers[7 * k] for k in range(1, n + 1)]
        assert listed.count(0) != 1
    # For governance only.
    assert get(city, round_id, "horizon")[0] == wire.DENIED
    assert get(city, round_id, city.agencies[0])[0] == wire.DENIED
    assert get(city, os.urandom(16))[0] == wire.NOT_FOUND
    # Nothing was released.
    assert not city.statements(round_id, wire.RELEASE)
    assert city.client("horizon").cohort(round_id)[0] == wire.WRONG_STATE

    lead = city.governance()
    for threshold in (599999, 900001, 1, 999999):
        assert lead.say(wire.DECISION, round_id, body_of(city, round_id, threshold)) == wire.DENIED
    for threshold in (0, 1000000, -1, "0.8", None):
        assert lead.say(wire.DECISION, round_id,
                        body_of(city, round_id, threshold)) == wire.MALFORMED
    assert lead.say(wire.DECISION, round_id,
                    body_of(city, round_id, review=os.urandom(32))) == wire.BAD_REFERENCE
    assert lead.say(wire.DECISION, round_id,
                    body_of(city, round_id, roster=os.urandom(32))) == wire.BAD_REFERENCE
    for member in ("horizon", city.agencies[0]):
        assert city.client(member).say(wire.DECISION, round_id,
                                       body_of(city, round_id)) == wire.DENIED
    assert city.state(round_id) == wire.REVIEW

    # Another round's numbers are no ground for this one.
    other = to_review(city)
    assert lead.say(wire.DECISION, other, body_of(city, round_id)) == wire.BAD_REFERENCE

    # A matcher that is killed in review has the same to show, and goes on.
    city.programs["matcher"].kill()
    city.start("matcher")
    assert get(city, round_id) == (wire.OK, data)
    assert city.governance().say(wire.DECISION, round_id, body_of(city, round_id)) == wire.OK
    city.wait_state(round_id, "released")
    release = city.statements(round_id, wire.RELEASE)[0]
    assert release.body[3] == "0.850000"
    assert city.client("horizon").cohort(round_id)[0] == wire.OK
    # One decision: not again, not otherwise.
    assert city.governance().say(wire.DECISION, round_id,
                                 body_of(city, round_id, 700000)) == wire.WRONG_STATE
    city.close_round(other) if city.state(other) == wire.RELEASED else None


def test_no_review_no_wait(city):
    """A policy that does not ask for a decision releases at its own threshold."""
    round_id = city.open_round()
    city.join(round_id)
    city.wait_state(round_id, "released")
    assert not city.statements(round_id, wire.DECISION)
    assert get(city, round_id)[0] == wire.WRONG_STATE


def test_abort_in_review(city):
    round_id = to_review(city)
    lead = city.governance()
    assert lead.say(wire.ABORT, round_id, [1, ""]) == wire.OK
    city.wait_destroyed(round_id)
    assert get(city, round_id)[0] == wire.WRONG_STATE
