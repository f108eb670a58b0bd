"""A database as a source: PostgreSQL through unixODBC, and SQLite as a second driver."""
import contextlib
import csv
import glob
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import time

import pytest

import partnership
import postgres
from partnership import KITH, wait_for

COLUMNS = ["id", "given_name", "surname", "date_of_birth", "sex", "postcode"]
SELECT = "SELECT " + ", ".join(COLUMNS) + " FROM people ORDER BY kith_row"
N_MANY = 100000


@pytest.fixture(scope="module")
def cluster():
    why = postgres.missing()
    if why:
        pytest.skip(why)
    with contextlib.closing(postgres.Cluster()) as started:
        started.sql("CREATE TABLE written (id text)", "GRANT ALL ON written TO PUBLIC",
                    "CREATE FUNCTION writes() RETURNS text LANGUAGE sql AS "
                    "$$ INSERT INTO written VALUES ('x') RETURNING id $$",
                    "CREATE TABLE hidden (id text)",
                    "CREATE TABLE many AS SELECT i::text AS id, 'Given' || i AS given_name, 'Sur' || i AS "
                    "surname, date '1990-01-01' + i % 9000 AS date_of_birth, 'f' AS sex, 'AB1 2CD' AS "
                    f"postcode FROM generate_series(1, {N_MANY}) AS i", "GRANT SELECT ON many TO PUBLIC")
        yield started


@pytest.fixture
def server(cluster):
    """The cluster, running, and as it was."""
    if cluster.process.poll() is not None:
        cluster.start()
    return cluster


def source(server, verb, query, *options, dsn="people", credential=None, env=None, **more):
    arguments = ["source", verb, "--odbc", dsn, "--query-file", server.query(query), "--quiet",
                 "--credential", credential or server.credential, *options]
    return subprocess.run([str(KITH), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120, env=dict(os.environ, **server.env, **(env or {})), **more)


def report(server, query, *options, status=None, **more):
    done = source(server, "check", query, "--json", *options, **more)
    assert done.returncode == status if status is not None else done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def refused(server, query, status, words, proposed=False, **more):
    done = source(server, "check", query, **more)
    assert done.returncode == status, (done.returncode, done.stderr)
    assert words in done.stderr and ("what its columns seem to be" in done.stdout if proposed else
                                     not done.stdout)
    for hidden in (postgres.PASSWORD, "wrong horse", "Driver=", "ERROR:", "FATAL"):
        assert hidden not in done.stderr + done.stdout
    return done.stderr


def people_of(folder, name, rows):
    path = folder / name
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
    return path


def check_file(path):
    done = subprocess.run([str(KITH), "source", "check", "--json", "--quiet", str(path)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    return done.returncode, json.loads(done.stdout)


def started(server, query, *options):
    """`kith source check` at work."""
    return subprocess.Popen([str(KITH), "source", "check", "--quiet", "--odbc", "people", "--query-file",
                             str(server.query(query)), "--credential", str(server.credential), *options],
                            env=dict(os.environ, **server.env), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def children(pid):
    return [int(c) for c in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def preview(server, tmp_path, query, *options, **more):
    """What is shown of rows, each a dict of the value as it came."""
    policy = tmp_path / "policy.json"
    if not policy.exists():
        subprocess.run([str(KITH), "generate", "--people", "50", "--agencies", "2", "--seed", "1", "--out",
                        str(tmp_path / "city"), "--quiet"], check=True)
        policy.write_bytes((tmp_path / "city" / "policy.json").read_bytes())
    return source(server, "preview", query, "--policy", policy, "--show-values", *options, **more)


# ---- what is read

def test_the_same_report_as_of_the_file(server, tmp_path):
    subprocess.run([str(KITH), "generate", "--people", "20000", "--agencies", "3", "--seed", "7", "--out",
                    str(tmp_path / "city"), "--quiet"], check=True)
    path = sorted(p for p in (tmp_path / "city").glob("*.csv") if p.name != "truth.csv")[0]
    server.sql("DROP TABLE IF EXISTS city")
    columns = server.load("city", path)
    status, of_file = check_file(path)
    query = "SELECT " + ", ".join(f'"{c}"' for c in columns) + " FROM city ORDER BY kith_row;"
    for dsn in ("people", server.settings):
        of_database = report(server, query, dsn=dsn, status=status)
        assert of_database["rows"] == of_file["rows"] > 500
        shown = {key for key in of_file if of_file[key] != of_database.get(key)}
        assert shown <= {"file", "charset", "delimiter", "values"}, shown  # "values" are estimates
    # What standardisation makes of each row, which with a key is its encoding.
    city = tmp_path / "city" / "policy.json"
    shown = [str(KITH), "source", "preview", "--policy", str(city), "--show-values", "--quiet", "--rows", "1000"]
    of_file = subprocess.run([*shown, str(path)], capture_output=True, text=True, timeout=60).stdout
    of_database = source(server, "preview", query, "--policy", city, "--show-values", "--rows", "1000").stdout
    assert of_file.count("\nRow ") > 500
    assert of_file.split("\n", 1)[1] == of_database.split("\n", 1)[1]
    server.sql("DROP TABLE city")


def test_values_come_as_they_are(server, tmp_path):
    rows = [["1", "Si\u00e2n", "\U00020BB7\u91ce \U0001F600", "1990-01-02", "f", "AB1 2CD"],
            ["2", "Line\nbreak \"quoted\", comma", "", "1991-02-03", "m", ""],
            ["3", "\u0130\u015f\u0131l", "\u0141ukasz", "", "", "tab\there"]]
    server.sql("DROP TABLE IF EXISTS people")
    server.load("people", people_of(tmp_path, "people.csv", rows))
    server.sql("UPDATE people SET surname = NULL WHERE id = '2'")
    # Whatever the locale, and whatever the account is set to.
    server.sql(f"ALTER ROLE {postgres.USER} SET DateStyle = 'German'",
               f"ALTER ROLE {postgres.USER} SET client_encoding = 'LATIN1'")
    query = SELECT.replace("date_of_birth", "NULLIF(date_of_birth, '')::date AS date_of_birth")
    for env in ({}, {"LC_ALL": "C"}, {"LC_ALL": "C.UTF-8"}):
        done = preview(server, tmp_path, query, env=env)
        assert done.returncode == 0, done.stderr
        for value in ('"Si\u00e2n"', '"\U00020BB7\u91ce \U0001F600"', '"Line?break "quoted", comma"',
                      '"1990-01-02"', '"\u0130\u015f\u0131l"', '"tab?here"', 'surname        "" -> nothing'):
            assert value in done.stdout, (value, done.stdout)
    server.sql(f"ALTER ROLE {postgres.USER} RESET ALL")
    done = preview(server, tmp_path, "SELECT 'a' AS id, timestamp '2011-02-28 13:00' AS date_of_birth")
    assert '"2011-02-28 13:00:00"' in done.stdout
    server.sql("DROP TABLE people")


def test_rows_that_are_set_aside(server):
    found = report(server, "SELECT i::text AS id, CASE i WHEN 2 THEN repeat('\u00e9', 32769) WHEN 4 THEN "
                   "repeat('x', 65536) WHEN 5 THEN repeat('y', 65537) END AS given_name, "
                   "'Sample' AS surname, date '1990-05-06' AS date_of_birth, 'f' AS sex "
                   "FROM generate_series(1, 6) AS i UNION ALL SELECT '', 'a', 'b', NULL, 'm' "
                   "UNION ALL SELECT '1', 'a', 'b', NULL, 'm'", status=65)
    assert found["rows"] == 8
    text = json.dumps(found)
    assert "over a limit" in text and "no id" in text and "repeated id" in text
    done = source(server, "check", "SELECT repeat('x', 3000000) AS id UNION ALL SELECT 'y'")
    assert done.returncode == 65 and "over a limit" in done.stdout
    refused(server, "SELECT 1 AS id, 2 AS id", 65, "columns 1 and 2 of the query have the same name")
    refused(server, "SELECT 1 AS number", 65, "id", proposed=True)
    assert report(server, "SELECT 'x' AS id WHERE false", status=None)["rows"] == 0


def peak_kib(pid):
    """What the process ever held; 0 where it is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("VmHWM")), 0)


def test_many_rows_in_bounded_memory(server):
    reading = started(server, "SELECT *, repeat('z', 1000) AS more FROM many")
    child = wait_for(lambda: children(reading.pid), "kith-odbc runs")[0]
    peaks = [0, 0]
    while reading.poll() is None:
        peaks = [max(peak, peak_kib(pid)) for peak, pid in zip(peaks, (reading.pid, child))]
        time.sleep(0.02)
    assert f"{N_MANY:,} rows" in reading.communicate(timeout=60)[0]
    # The result is 100 MB of text; kith holds ids and what the report needs.
    assert 0 < peaks[0] < 128 << 10 and 0 < peaks[1] < 48 << 10, peaks


# ---- what is refused

def test_logins(server):
    wrong = server.write_credential("wrong", postgres.USER, "wrong horse")
    for dsn in ("people", server.settings):
        assert "credential" in refused(server, "SELECT 'a' AS id", 77, "may not log in", dsn=dsn,
                                       credential=wrong)
    assert "person" not in refused(server, "SELECT 'a' AS id", 77, "may not log in",
                                   credential=server.write_credential("who", "person", "wrong horse"))
    refused(server, "SELECT 'a' AS id", 78, "no data source of this name", dsn="absent")
    refused(server, "SELECT 'a' AS id", 78, "driver of the data source can't be loaded", dsn="lost")
    refused(server, "SELECT 'a' AS id", 69, "can't be reached", dsn="nowhere")
    refused(server, "SELECT 'a' AS id", 78, "no database of this name",
            dsn=server.settings.replace("Database=postgres", "Database=absent"))
    for dsn in ("Driver=x;UID=me", "Driver=x; pwd = wrong horse", "Driver=x;pqopt={password=wrong horse}",
                "Driver={x", "a=b;c", "a;b"):
        refused(server, "SELECT 'a' AS id", 78, "dsn: ", dsn=dsn)


def test_credentials(server):
    for mode in (0o604, 0o602, 0o620, 0o644):
        loose = server.write_credential("loose", postgres.USER, postgres.PASSWORD, mode)
        refused(server, "SELECT 'a' AS id", 77, "chmod 600", credential=loose)
    for text in ("", "user =\n", "password = wrong horse\n", "user = a\nuser = b\n", "a wrong horse\n",
                 "user = a\npasswort = wrong horse\n", "user = a\0\n", "user = a\n" + "#" * 5000):
        path = server.folder / "malformed"
        path.write_text(text)
        path.chmod(0o600)
        done = source(server, "check", "SELECT 'a' AS id", credential=path)
        assert done.returncode in (65, 78) and "malformed" in done.stderr, done.stderr
        assert "wrong horse" not in done.stderr
    refused(server, "SELECT 'a' AS id", 66, "can't be read", credential=server.folder / "none")
    refused(server, "SELECT 'a' AS id", 78, "expected a file", credential=server.folder)


@pytest.mark.parametrize("query, words", [
    ("INSERT INTO written VALUES ('x')", "expected a query that begins with SELECT"),
    ("DELETE FROM written", "expected a query that begins with SELECT"),
    ("SELECT 'a' AS id INTO stolen", "INTO is not for a query that only reads"),
    ("WITH w AS (INSERT INTO written VALUES ('x') RETURNING id) SELECT id FROM w", "INSERT is not"),
    ("SELECT 'a' AS id; SELECT 'b' AS id", "a second statement"),
    ("SELECT 'a' AS id; COMMIT; INSERT INTO written VALUES ('x')", "a second statement"),
    ("SELECT 'a' AS id -- first\n;\n;", "line 3: a second statement"),
    ("SELECT $$ ' $$ AS id; COMMIT; INSERT INTO written VALUES ('x') --'", "a dollar sign"),
    ("SELECT id FROM written FOR UPDATE", "UPDATE is not"),
    ("SELECT 'a\\' AS id; COMMIT; INSERT INTO written VALUES ('x') --'", "a backslash before a quote"),
    ("", "expected a query"),
    ("-- nothing\n", "expected a query"),
    ("SELECT 'a AS id", "a quote that is not closed"),
])
def test_queries_that_write(server, query, words):
    refused(server, query, 78, words)
    assert server.sql("SELECT count(*) FROM written").strip() == "0"


def test_what_the_database_refuses(server):
    refused(server, "SELECT writes() AS id", 78, "writes")
    refused(server, "SELECT id FROM written FOR SHARE", 78, "writes")
    refused(server, "SELECT set_config('transaction_read_only', 'off', false) AS id, writes()", 78, "")
    refused(server, "SELECT id FROM hidden", 77, "may not read")
    refused(server, "SELECT id FROM absent", 78, "table that is not there")
    refused(server, "SELECT absent AS id FROM many", 78, "column that is not there")
    refused(server, "SELECT FROM WHERE", 78, "syntax")
    refused(server, "SELECT ('Secretvalue' || id)::int::text AS id FROM many", 65, "value of the result")
    assert server.sql("SELECT count(*) FROM written").strip() == "0"


def test_nothing_is_in_the_arguments_or_the_errors(server):
    """While it reads, no process has query or credential among its arguments or in its environment."""
    query = "SELECT i::text AS id, pg_sleep(0.01)::text AS given_name, 'Hiddenvalue' AS surname " \
            "FROM generate_series(1, 1000) AS i"
    reading = started(server, query)
    child = wait_for(lambda: children(reading.pid), "kith-odbc runs")[0]
    time.sleep(0.3)
    for kind in ("cmdline", "environ"):
        text = pathlib.Path(f"/proc/{child}/{kind}").read_bytes()
        assert b"Hiddenvalue" not in text and postgres.PASSWORD.encode() not in text
    assert pathlib.Path(f"/proc/{child}/cmdline").read_bytes() == b"kith-odbc\0--pipe\0"
    # Nothing but its pipes and what the driver opened.
    links = [os.readlink(fd) for fd in glob.glob(f"/proc/{child}/fd/*")]
    assert not any("query.sql" in link or "credential" in link for link in links), links
    # An interrupt ends both at once.
    reading.send_signal(signal.SIGINT)
    assert reading.wait(10) == 1
    assert "stopped" in reading.stderr.read()
    wait_for(lambda: not pathlib.Path(f"/proc/{child}").exists(), "kith-odbc is gone", 5)


# ---- servers that fail

def reading_slowly(server, *options):
    query = "SELECT i::text AS id, pg_sleep(0.002)::text AS given_name FROM generate_series(1, 100000) AS i"
    reading = started(server, query, *options)
    wait_for(lambda: "FETCH" in server.log.rsplit("DECLARE kith_rows", 1)[-1], "rows are fetched")
    time.sleep(1.5)
    return reading


def test_a_server_that_goes_away(server):
    reading = reading_slowly(server)
    server.stop(signal.SIGQUIT)
    _, errors = reading.communicate(timeout=30)
    assert reading.returncode == 69 and "connection to the database was lost" in errors, errors
    refused(server, "SELECT 'a' AS id", 69, "can't be reached")
    server.start()
    assert report(server, "SELECT 'a' AS id")["rows"] == 1


def test_a_server_that_is_silent(server):
    reading = reading_slowly(server, "--timeout", "2")
    backends = children(server.process.pid)
    for backend in backends:
        os.kill(backend, signal.SIGSTOP)
    try:
        _, errors = reading.communicate(timeout=30)
    finally:
        for backend in backends:
            os.kill(backend, signal.SIGCONT)
    assert reading.returncode == 69 and "no answer within 2 s" in errors, errors
    # The server's own limit, where it works and gives nothing.
    start = time.monotonic()
    done = source(server, "check", "SELECT pg_sleep(60)::text AS id", "--timeout", "1")
    assert done.returncode == 69 and time.monotonic() - start < 15 and "timeout" in done.stderr


def test_a_login_that_hangs(server, tmp_path):
    folder = server.folder / "mute"
    folder.mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(folder / ".s.PGSQL.5432"))
        mute.listen()
        done = source(server, "check", "SELECT 'a' AS id", "--timeout", "1",
                      dsn=server.settings.replace(str(server.sockets), str(folder)))
    assert done.returncode == 69 and "within 1 s" in done.stderr or "can't be reached" in done.stderr


def test_a_missing_reader(server, tmp_path):
    """The program that reads databases is a package of its own, perhaps."""
    copy = tmp_path / "kith"
    copy.write_bytes(pathlib.Path(KITH).read_bytes())
    copy.chmod(0o755)
    done = subprocess.run([str(copy), "source", "check", "--odbc", "people", "--query-file",
                           str(server.query("SELECT 1 AS id"))], capture_output=True, text=True, timeout=60)
    assert done.returncode == 78 and "kith-odbc" in done.stderr
    alone = [str(partnership.PROGRAMS / "kith-odbc")]
    assert subprocess.run(alone, capture_output=True, timeout=20).returncode == 2
    for request in (b"", b"Q", b"not a frame at all", b"H" + bytes(16)):
        done = subprocess.run([*alone, "--pipe"], input=request, capture_output=True, timeout=20)
        assert done.returncode == 70 and done.stdout[:1] == b"F" and not done.stderr


# ---- kithd

def database_config(city, agency, server, query, **more):
    """The agency reads the database from now on."""
    keys = dict(type="odbc", dsn="people", query_file=server.query(query, f"{agency}.sql"),
                credential=server.credential, timeout=60, **more)
    lines = "\n".join(f"{key} = {value}" for key, value in keys.items() if value is not None)
    path = city.config_path(agency)
    text = path.read_text()
    path.write_text(text.replace(f"file = {city.sources[agency]}", lines))


@pytest.mark.parametrize("filtered", [False, True])
def test_a_round_with_a_database(server, tmp_path, monkeypatch, filtered):
    """Also under the system-call filter of the unit, which the reader inherits."""
    server.sql("DROP TABLE IF EXISTS people")
    if filtered:
        if not shutil.which("systemd-analyze"):
            pytest.skip("skipped: no systemd-analyze")
        monkeypatch.setattr(partnership, "PROGRAMS", filters(tmp_path))
    with partnership.Partnership(tmp_path, env={"health": server.env}, policy=dict(trial=True)) as city:
        server.load("people", city.sources["health"])
        database_config(city, "health", server, SELECT)
        server.stop(signal.SIGQUIT)  # away at first: the officer sees why, and it is tried again
        city.start()
        round_id = city.open_round()
        city.join(round_id)
        problem = wait_for(lambda: (city.ask("health", do="status") and problem_of(city, round_id)),
                           "the problem is shown")
        assert "can't be reached" in problem and "people" in problem
        server.start()
        city.wait_state(round_id, "released")
        assert not problem_of(city, round_id)
        people = city.people(round_id)
        ids = {frozenset((a, f"{a[0]}{person:05d}") for a in known)
               for person, known in city.known.items() if len(known) > 1}
        assert len(people & ids) > 0.8 * len(ids)
        row = city.sources["health"].read_text().splitlines()[1].split(",")
        asked = city.ask("health", do="subject", id=row[0])
        assert asked["ok"] and asked["found"] and asked["row"] == 2, asked
        config = str(city.config_path("health"))
        found = city.kith("source", "check", "--config", config, "--json", "--quiet", env=server.env)
        assert found["rows"] == len(city.sources["health"].read_text().splitlines()) - 1
        for log in city.folder.rglob("log"):
            text = log.read_text()
            assert postgres.PASSWORD not in text and row[2] + "," not in text
        city.close_round(round_id)
    server.sql("DROP TABLE people")


def filters(folder):
    """Programs that run under the filters of their units."""
    (folder / "programs").mkdir()
    for name in ("kithd", "kith-matcher"):
        wrapper = folder / "programs" / name
        wrapper.write_text(f"""#!/bin/sh
exec /usr/bin/python3 {partnership.ROOT}/tests/system/filtered.py \\
  {partnership.ROOT}/systemd/{name}.service {partnership.BUILD}/test/{name} "$@"
""")
        wrapper.chmod(0o755)
    return folder / "programs"


def problem_of(city, round_id):
    reply = city.ask("health", do="rounds") or {}
    for item in reply.get("rounds", []):
        if item.get("round", item.get("id")) == round_id.hex():
            return item.get("problem")
    return None


def test_a_server_that_goes_away_in_a_round(server, tmp_path):
    server.sql("DROP TABLE IF EXISTS people")
    with partnership.Partnership(tmp_path, env={"health": server.env}) as city:
        server.load("people", city.sources["health"])
        database_config(city, "health", server, SELECT.replace(
            "postcode FROM", "postcode || left(pg_sleep(0.3)::text, 0) AS postcode FROM"))
        city.start()
        round_id = city.open_round()
        city.join(round_id)
        wait_for(lambda: "FETCH" in server.log.rsplit("DECLARE kith_rows", 1)[-1] and
                 "pg_sleep(0.3)" in server.log, "it reads")
        time.sleep(0.3)
        server.stop(signal.SIGQUIT)
        problem = wait_for(lambda: problem_of(city, round_id), "the problem is shown")
        assert "the database was lost" in problem or "can't be reached" in problem
        assert city.programs["health"].running
        server.start()
        assert city.programs["health"].stop() == 0  # and one that reads ends when it is told to
        assert not children_named("kith-odbc")
    server.sql("DROP TABLE people")


def children_named(name):
    found = []
    for comm in glob.glob("/proc/[0-9]*/comm"):
        with contextlib.suppress(OSError):
            if pathlib.Path(comm).read_text().strip() == name:
                found.append(comm)
    return found


@pytest.mark.parametrize("lines, words", [
    ("type = odbc\ndsn = people", "query"),
    ("type = odbc\nquery = SELECT 1 AS id", "dsn"),
    ("type = odbc\ndsn = people\nquery = DELETE FROM people", "[source] query: line 1"),
    ("type = odbc\ndsn = people\nquery = SELECT 1 AS id\nquery_file = /tmp/q", "either query or query_file"),
    ("type = odbc\ndsn = people\nquery = SELECT 1 AS id\ntimeout = 0", "timeout"),
    ("type = odbc\ndsn = Driver=x;UID=me\nquery = SELECT 1 AS id", "no place"),
    ("type = odbc\ndsn = people\nquery = SELECT 1 AS id\nfile = x.csv", "file"),
    ("type = odbc\ndsn = people\nquery = SELECT 1 AS id\npassword = wrong horse", "password"),
    ("type = oracle\ndsn = people", "type"),
])
def test_configurations(tmp_path, lines, words):
    with partnership.Partnership(tmp_path, ("education", "health")) as city:
        path = city.config_path("health")
        path.write_text(path.read_text().replace(f"file = {city.sources['health']}", lines))
        done = subprocess.run([str(partnership.PROGRAMS / "kithd"), "--config", str(path)],
                              capture_output=True, text=True, timeout=20)
        assert done.returncode == 78 and words in done.stderr and "wrong horse" not in done.stderr


# ---- another driver

@pytest.mark.skipif(not glob.glob("/usr/lib/*/odbc/libsqlite3odbc.so"), reason="skipped: no driver of SQLite")
def test_sqlite(server, tmp_path):
    path = tmp_path / "people.db"
    rows = [("1", "Si\u00e2n", "O'Brien \u0141\u91ce", "1990-01-02", "f", "AB1 2CD"),
            ("2", "Line\nbreak", None, "1991-02-03", "m", "x" * 9000), ("3", None, "", None, "", "")]
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE people (id text, given_name text, surname text, date_of_birth date, "
                   "sex text, postcode text, kith_row integer primary key)")
        db.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?, ?, NULL)", rows)
    of_file = check_file(people_of(tmp_path, "people.csv", [[v or "" for v in row] for row in rows]))[1]
    dsn = f"Driver=SQLite3;Database={path};"
    nothing = server.write_credential("nothing", "nobody", "none")
    found = report(server, SELECT, dsn=dsn, credential=nothing)
    assert found["fields"] == of_file["fields"] and found["rows"] == 3
    done = preview(server, tmp_path, SELECT, dsn=dsn, credential=nothing)
    for value in ('"Si\u00e2n"', '"O\'Brien \u0141\u91ce"', '"Line?break"', '"1990-01-02"', "x" * 400):
        assert value in done.stdout, done.stdout
    refused(server, "SELECT absent AS id FROM people", 78, "", dsn=dsn, credential=nothing)
