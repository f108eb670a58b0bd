"""Rounds under blind comparison: as kith link finds people, through kills, against agencies that cheat,
and what the matcher's store shows."""
import itertools
import json
import os
import random
import threading

import pytest

import wireclient as wire
from partnership import AGENCIES, Partnership, wait_for
from test_link import CITY, SHARED, kith, link, rows


def blind_linkage(folder, agencies, **changes):
    """The linkage section that kith itself proposes."""
    path = folder / "proposed.json"
    done = kith("policy", "new", "--protection", "blind", "--agencies", ",".join(agencies), "--out", path)
    assert done.returncode == 0, done.stderr
    linkage = json.loads(path.read_text())["linkage"]
    linkage["blind"].update(changes)
    linkage["threshold"] = {"default": "0.5", "min": "0.5", "max": "0.99"}
    return linkage


class Blind(Partnership):
    """A partnership under a policy of blind comparison."""

    def __init__(self, folder, agencies=AGENCIES, changes=None, policy=None, **more):
        self.linkage = blind_linkage(folder, agencies, **(changes or {}))
        super().__init__(folder, agencies=agencies, policy={"trial": True, **(policy or {})}, **more)

    def make_policy(self, signers=None, **changes):
        value = dict(super().make_policy(signers, **changes).value, linkage=self.linkage)
        return wire.Document(wire.POLICY, value, signers or [self.lead])


def linked_people(folder, place):
    """What kith link finds in the same files under the same policy, without the duplicates of an agency."""
    files = [place.sources[a] for a in place.agencies]
    link("--policy", folder / "policy.json", "--out", folder / "linked", *files)
    groups = {}
    for row in rows(folder / "linked" / "clusters.csv"):
        groups.setdefault(row["cluster"], set()).add((row["party"], row["id"]))
    return {frozenset(g) for g in groups.values() if len({a for a, _ in g}) > 1}


def test_a_round_finds_whom_kith_link_finds(tmp_path):
    with Blind(tmp_path, n_people=300).start() as place:
        round_id = place.open_round()
        place.join(round_id)
        place.wait_state(round_id, "released")
        people = place.people(round_id)
        # Other keys, other bits that collide: nearly the same, as for any two secrets.
        linked = linked_people(tmp_path, place)
        assert len(people & linked) > 0.97 * len(people | linked), (len(people), len(linked))
        true = {frozenset((a, f"{a[0]}{person:05d}") for a in known)
                for person, known in place.known.items() if len(known) > 1}
        assert len(people & true) > 0.9 * len(true)
        wait_for(lambda: all(3 in place.destroyed(round_id).get(m, ()) for m in ("matcher", *AGENCIES)),
                 "submissions are destroyed")
        for agency in AGENCIES:
            assert not [f for f in place.key_files(agency, round_id) if f.endswith((".p1", ".s1", ".x1"))]
        place.close_round(round_id)
        for member in ("matcher", *AGENCIES):
            assert not place.key_files(member, round_id)


def run(place):
    """A whole round; its id."""
    round_id = place.open_round()
    place.join(round_id)
    place.wait_state(round_id, "released")
    return round_id


# ---- what is sent, and kept

@pytest.fixture(scope="module")
def two_rounds(tmp_path_factory):
    """The bytes that each agency sent in two rounds on the same data, taken apart: what the matcher's
    store holds, opened."""
    folder = tmp_path_factory.mktemp("two")
    revealed = folder / "revealed"
    revealed.mkdir()
    with Blind(folder, n_people=200, env={a: {"KITH_TEST_REVEAL": str(revealed)}
                                          for a in AGENCIES}).start() as place:
        sent = []
        for _ in range(2):
            round_id = run(place)
            sent.append({})
            for intent in place.statements(round_id, wire.INTENT):
                shape = wire.BlindShape(place.linkage, intent.body[1], len(AGENCIES) - 1)
                assert shape.n_batches == intent.body[2] and shape.row_bytes == intent.body[3]
                data = (revealed / f"{intent.author}.{round_id.hex()}.rows").read_bytes()
                handles, peers, near = shape.take_apart(data)
                others = [a for a in sorted(AGENCIES) if a != intent.author]
                sent[-1][intent.author] = (shape, handles, dict(zip(others, peers)), near)
        return sent


def tokens(rows):
    return {row[:12] for row in rows}


def test_no_token_twice_in_a_submission(two_rounds):
    for sent in two_rounds:
        for shape, handles, peers, _ in sent.values():
            assert len({h[:7] for h in handles}) == shape.n_records
            for rows in peers.values():
                assert len(tokens(rows)) == len(rows) == shape.n_rows
                assert rows == sorted(rows, key=lambda row: row[:12])


def test_submissions_for_two_peers_share_nothing(two_rounds):
    """Nor two rounds, nor what others have keys for: only the two sides of one pair meet."""
    everything = [(i, author, peer, rows) for i, sent in enumerate(two_rounds)
                  for author, (_, _, peers, _) in sent.items() for peer, rows in peers.items()]
    for n, (i, author, peer, rows) in enumerate(everything):
        for other_i, other_author, other_peer, other in everything[n + 1:]:
            same = i == other_i and {author, peer} == {other_author, other_peer}
            assert bool(tokens(rows) & tokens(other)) == same
            # Masks hide what one record's rows have in common: no 8 bytes come again.
            if not same:
                assert not {row[12:20] for row in rows} & {row[12:20] for row in other}
    first, second = ({h for _, handles, _, _ in sent.values() for h in handles} for sent in two_rounds)
    assert not first & second


def test_rows_without_a_partner_are_uniform(two_rounds):
    """Chi-square of the bytes of masked blocks and openings; beyond 6 standard deviations is no chance."""
    for sent in two_rounds:
        counts, n = [0] * 256, 0
        for author, (shape, _, peers, _) in sent.items():
            for peer, rows in peers.items():
                met = tokens(sent[peer][2][author])
                for row in rows:
                    if row[:12] not in met:
                        for byte in row[12:shape.digits] + row[shape.digits + shape.digit_bytes:]:
                            counts[byte] += 1
                            n += 1
        assert n > 100000
        chi = sum((c - n / 256) ** 2 / (n / 256) for c in counts)
        assert abs(chi - 255) < 6 * (2 * 255) ** 0.5, chi


def test_the_matcher_keeps_no_row_in_the_open(tmp_path):
    """Deleted pages of its store stay; what is in them was sealed under a key that is gone."""
    revealed = tmp_path / "revealed"
    revealed.mkdir()
    with Blind(tmp_path, env={a: {"KITH_TEST_REVEAL": str(revealed)}
                              for a in AGENCIES}).start() as place:
        round_id = run(place)
        wait_for(lambda: 3 in place.destroyed(round_id).get("matcher", ()), "destruction")
        assert not [name for name in place.key_files("matcher", round_id) if "intake" in name]
        store = b"".join(p.read_bytes() for p in place.home("matcher").rglob("data.mdb"))
        for intent in place.statements(round_id, wire.INTENT):
            shape = wire.BlindShape(place.linkage, intent.body[1], len(AGENCIES) - 1)
            data = (revealed / f"{intent.author}.{round_id.hex()}.rows").read_bytes()
            _, peers, _ = shape.take_apart(data)
            assert not any(row[:12] in store for peer in peers for row in peer[:50])


def test_duplicates_are_told_to_the_officer(tmp_path):
    with Blind(tmp_path, n_people=100) as place:
        path = place.sources["police"]
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(lines) + "".join("X" + line for line in lines[1:21]))
        place.start()
        round_id = run(place)
        shown = place.ask("police", do="show", round=round_id.hex())
        assert shown["duplicates"] == 20, shown
        assert "birth + given_form" in shown["text"] and "8 rows of 67" in shown["text"]
        assert "about 20 records were of people" in place.kith("round", "show", round_id.hex(),
                                                               home="police")
        found = place.people(round_id)
        assert all(len({a for a, _ in person}) == len(person) for person in found)


# ---- killed

@pytest.mark.parametrize("victim,place_of_death", [
    ("police", "store.commit.before:25"), ("police", "store.commit.after:32"),
    ("police", "roundkey.save.after:5"), ("matcher", "store.commit.after:30"),
    ("matcher", "store.commit.before:38"), ("matcher", "matching.pair:1"),
    ("matcher", "matching.pair:3")])
def test_killed_and_started_again(tmp_path, victim, place_of_death):
    deaths, done = [], threading.Event()
    with Blind(tmp_path, n_people=120) as place:
        for member in ("matcher", *AGENCIES):
            place.start(member, env={"KITH_KILL": place_of_death} if member == victim else None)

        def revive():
            while not done.wait(0.02):
                if not place.programs[victim].running:
                    deaths.append(place.programs[victim].process.returncode)
                    place.start(victim)

        keeper = threading.Thread(target=revive)
        keeper.start()
        try:
            round_id = place.open_round()
            place.join(round_id)
            place.wait_state(round_id, "released")
        finally:
            done.set()
            keeper.join()
        assert deaths == [-9], place.logs()
        people, linked = place.people(round_id), linked_people(tmp_path, place)
        assert len(people & linked) > 0.95 * len(people | linked)


# ---- agencies that cheat

class Cheat(Blind):
    """education and health are honest; police is played."""

    def __init__(self, folder, **more):
        super().__init__(folder, **more)
        self.start("matcher", "education", "health")

    def play(self, player_class):
        round_id = self.open_round()
        self.join(round_id, "education", "health")
        return round_id, player_class(self.client("police"), round_id, self.policy, self.charter)


def test_noise_alone_finds_nobody(tmp_path):
    """An agency whose rows meet none: an honest end, with the others' people."""
    with Cheat(tmp_path) as place:
        round_id, player = place.play(wire.BlindPlayer)
        place.wait_state(round_id, "released", players=[player])
        people = place.people(round_id, ["education", "health"])
        assert people and all(a != "police" for person in people for a, _ in person)


def test_another_key_than_that_of_the_join(tmp_path):
    class Player(wire.BlindPlayer):
        round_secret_key = os.urandom(32)

        def intend(self, **counts):
            super().intend(**counts)  # the others may have ended the round
            return wire.OK

    with Cheat(tmp_path) as place:
        round_id, player = place.play(Player)
        author, reason, culprit = place.wait_abort(round_id, [player])
        assert author in ("education", "health") and reason == "bad confirmation" and culprit == ""


def test_no_word_on_the_keys(tmp_path):
    class Player(wire.BlindPlayer):
        def pair_macs(self):
            return super().pair_macs()[:1]

    with Cheat(tmp_path) as place:
        round_id, player = place.play(Player)
        assert place.wait_abort(round_id, [player])[1] == "bad confirmation"


def twice(player):
    player.peer_rows["health"][1] = player.peer_rows["health"][0][:12] + player.peer_rows["health"][1][12:]


def falling(player):
    player.peer_rows["health"].reverse()


def no_digits(player):
    row, at = player.peer_rows["education"][3], player.shape.digits
    player.peer_rows["education"][3] = row[:at] + b"\xff" + row[at + 1:]


def handle_twice(player):
    player.rows[1] = player.rows[0]


def no_histograms(player):
    player.near = player.near + b"\0"


@pytest.mark.parametrize("change", [twice, falling, no_digits, handle_twice, no_histograms])
def test_a_submission_that_is_none(tmp_path, change):
    """Signed by its author's manifest: the one who sent it is named."""
    class Player(wire.BlindPlayer):
        def make_rows(self, n):
            super().make_rows(n)
            change(self)

    with Cheat(tmp_path) as place:
        round_id, player = place.play(Player)
        assert place.wait_abort(round_id, [player]) == ("matcher", "bad submission", "police")
        wait_for(lambda: all(4 in place.destroyed(round_id).get(m, ())
                             for m in ("matcher", "education", "health")), "all is destroyed")


def test_more_than_the_manifest_says(tmp_path):
    refused = []

    class Player(wire.BlindPlayer):
        def intend(self, n_records=None, n_batches=None):
            shape = self.shape
            refused.append(super().intend(n_batches=shape.n_batches + 1))
            return super().intend()

        def send_batch(self, number, rows=None, claimed=None):
            rows = self.batches()[number]
            last = self.shape.n_batches - 1
            refused.append(super().send_batch(last + 1, rows))
            if number < last:  # histograms are of any length
                refused.append(super().send_batch(number, rows + rows[:self.shape.row_bytes]))
                refused.append(super().send_batch(number, rows[self.shape.row_bytes:]))
            return super().send_batch(number)

        def manifest(self):
            hashes = [wire.batch_hash(self.round, self.id, i, b) for i, b in enumerate(self.batches())]
            self.say(wire.MANIFEST, [self.roster_hash, self.records + 1, hashes, wire.manifest_root(
                self.round, self.id, self.records + 1, hashes)])
            return super().manifest()

    with Cheat(tmp_path) as place:
        round_id, player = place.play(Player)
        place.wait_state(round_id, "released", players=[player])
        assert len(refused) > 8 and set(refused) == {wire.MALFORMED}, refused


def test_a_flipped_bit_is_found(tmp_path):
    """On the way, and by the manifest, in any batch."""
    found = []

    class Player(wire.BlindPlayer):
        def send_batch(self, number, rows=None, claimed=None):
            rows = self.batches()[number]
            at = random.randrange(len(rows))
            other = rows[:at] + bytes([rows[at] ^ 1 << random.randrange(8)]) + rows[at + 1:]
            right = wire.batch_hash(self.round, self.id, number, rows)
            found.append(super().send_batch(number, other, claimed=right) == wire.BAD_REFERENCE)
            return super().send_batch(number)

        def manifest(self):
            for number in range(self.shape.n_batches):
                hashes = [wire.batch_hash(self.round, self.id, i, b) for i, b in
                          enumerate(self.batches())]
                hashes[number] = bytes([hashes[number][0] ^ 1]) + hashes[number][1:]
                found.append(self.say(wire.MANIFEST, [
                    self.roster_hash, self.records, hashes, wire.manifest_root(
                        self.round, self.id, self.records, hashes)]) == wire.WRONG_STATE)
            return super().manifest()

    with Cheat(tmp_path) as place:
        round_id, player = place.play(Player)
        place.wait_state(round_id, "released", players=[player])
        assert len(found) > 6 and all(found)


@pytest.mark.parametrize("content", ["noise", "zeros"])
def test_a_token_without_what_belongs_to_it(tmp_path, content):
    """Who has a token but not the mask (here: stolen from the peer's rows) can't make what opens: the two
    submissions contradict each other, and which one lies can't be told."""
    revealed = tmp_path / "revealed"
    revealed.mkdir()

    class Player(wire.BlindPlayer):
        def send_batch(self, number, rows=None, claimed=None):
            if number == 0:
                shape = wire.BlindShape(self.policy.value["linkage"],
                                        self.of(wire.INTENT)["health"].body[1], 2)
                path = revealed / f"health.{self.round.hex()}.rows"
                data = wait_for(lambda: path.exists() and path.read_bytes(), "health submits")
                stolen = shape.take_apart(data)[1][1][:40]  # health's for police
                mine = self.peer_rows["health"]
                mine[:40] = [self.noise_row(row[:12]) if content == "noise" else
                             row[:12] + bytes(self.shape.row_bytes - 12) for row in stolen]
                mine.sort()
            return super().send_batch(number)

    with Cheat(tmp_path, env={"health": {"KITH_TEST_REVEAL": str(revealed)}}) as place:
        round_id, player = place.play(Player)
        assert place.wait_abort(round_id, [player]) == ("matcher", "bad submission", "")


def test_without_one_that_never_submits(tmp_path):
    """Governance consents to the others, whose rows for the absent one are left aside."""
    class Player(wire.BlindPlayer):
        def manifest(self):
            return wire.OK

    with Blind(tmp_path, n_people=120).start("matcher", "health", "police") as place:
        round_id = place.open_round()
        place.join(round_id, "health", "police")
        player = Player(place.client("education"), round_id, place.policy, place.charter)

        def others_are_done():
            player.step()
            return {s.author for s in place.statements(round_id, wire.MANIFEST)} == {"health", "police"}

        wait_for(others_are_done, "two submit")
        assert place.governance().say(wire.CONSENT, round_id,
                                      [player.roster_hash, ["health", "police"]]) == wire.OK
        place.wait_state(round_id, "released")
        people = place.people(round_id)
        true = {frozenset((a, f"{a[0]}{person:05d}") for a in ("health", "police"))
                for person, known in place.known.items() if {"health", "police"} <= set(known)}
        assert len(people & true) > 0.9 * len(true)


def test_open_data(tmp_path):
    """A small city of six agencies: of the records that stand for people, a round links those that kith
    link does in the same files under another secret."""
    data = SHARED / "data" / "city-small"
    if not data.exists():
        pytest.skip("the open data are not here")
    sources = {a: data / f"{a}.csv" for a in CITY}
    with Blind(tmp_path, agencies=CITY, sources=sources).start() as place:
        round_id = run(place)
        people = place.people(round_id)
        sent = {(a, i) for a in CITY for i in place.trial_map(a, round_id).values()}
        found = {frozenset(two) for person in people for two in itertools.combinations(person, 2)}
        link("--policy", tmp_path / "policy.json", "--out", tmp_path / "linked",
             *(sources[a] for a in CITY))
        linked = set()
        for row in rows(tmp_path / "linked" / "pairs.csv"):
            a, b = (row["party_a"], row["id_a"]), (row["party_b"], row["id_b"])
            if row["linked"] == "1" and a in sent and b in sent:
                linked.add(frozenset((a, b)))
        assert len(found) > 6000 and len(found & linked) > 0.98 * len(found | linked), (
            len(found), len(linked), len(found & linked))
