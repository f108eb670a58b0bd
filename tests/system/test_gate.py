"""The gate before a round: a source that does not meet the policy's minima stops its agency, says why,
and goes on when it is mended."""
import csv

import wireclient as wire
from partnership import Partnership, wait_for

MINIMA = {"minimum_linkable": "0.9", "maximum_set_aside": "0.1"}


def spoilt(path, share, spoil):
    """Spoils the first rows of a table; its first state."""
    good = path.read_text()
    rows = list(csv.DictReader(good.splitlines()))
    for row in rows[:round(len(rows) * share)]:
        spoil(row)
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return good, len(rows)


def nameless(row):
    row["given_name"] = row["surname"] = ""


def problem(partnership, agency, round_id):
    shown = partnership.kith("round", "show", "--json", round_id.hex(), home=agency)
    return shown.get("problem") or ""


def test_a_source_that_is_too_sparse_waits(tmp_path):
    with Partnership(tmp_path, policy={"trial": True, "source": MINIMA}) as city:
        good, n_rows = spoilt(tmp_path / "police.csv", 0.4, nameless)
        city.start()
        round_id = city.open_round()
        city.join(round_id)
        said = wait_for(lambda: problem(city, "police", round_id), "police is stopped")
        assert "have enough to be linked by" in said and "90%" in said
        assert f"{n_rows - round(n_rows * 0.4)} of {n_rows} rows" in said
        assert "nothing was sent" in said and "kith source check" in said
        assert said in city.kith("round", "show", round_id.hex(), home="police")
        # Nothing of police is there, and the others wait for it.
        said_of_police = {s.type for s in city.statements(round_id) if s.author == "police"}
        assert not said_of_police & {wire.INTENT, wire.MANIFEST}
        (tmp_path / "police.csv").write_text(good)
        city.wait_state(round_id, "released")
        assert problem(city, "police", round_id) == ""
        assert any(a == "police" for person in city.people(round_id) for a, _ in person)


def test_a_source_of_broken_rows_waits(tmp_path):
    with Partnership(tmp_path, policy={"trial": True, "source": MINIMA}) as city:
        good, n_rows = spoilt(tmp_path / "health.csv", 0.4, lambda row: row.update(id=""))
        city.start()
        round_id = city.open_round()
        city.join(round_id)
        said = wait_for(lambda: problem(city, "health", round_id), "health is stopped")
        assert f"{round(n_rows * 0.4)} of {n_rows} rows" in said and "can't be read" in said
        (tmp_path / "health.csv").write_text(good)
        city.wait_state(round_id, "released")


def test_a_source_at_the_minimum_goes_on(tmp_path):
    with Partnership(tmp_path, policy={"trial": True, "source": {
            "minimum_linkable": "0.5", "maximum_set_aside": "0.2"}}) as city:
        spoilt(tmp_path / "police.csv", 0.4, nameless)
        city.start()
        round_id = city.open_round()
        city.join(round_id)
        city.wait_state(round_id, "released")
