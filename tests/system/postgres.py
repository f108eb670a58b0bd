"""A PostgreSQL server of the test's own: a fresh cluster on a Unix socket in a temporary folder, run as
the user postgres where the test runs as root, UTF-8 in the locale C; and data sources of ODBC for it."""
import glob
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

DRIVER = "PostgreSQL Unicode"
USER, PASSWORD = "kith_reader", "p{w};d=\u00e9'\"\\ x}}"  # what connection strings trip over


def missing():
    """Why there can be no test; "" where there can."""
    if not glob.glob("/usr/lib/postgresql/*/bin/initdb"):
        return "skipped: no PostgreSQL server"
    if not glob.glob("/usr/lib/*/odbc/psqlodbcw.so"):
        return "skipped: no ODBC driver of PostgreSQL"
    return ""


class Cluster:
    def __init__(self):
        self.bin = pathlib.Path(sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1])
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kith-pg-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.identity = {}
        if os.getuid() == 0:
            entry = pwd.getpwnam("postgres")
            self.identity = dict(user=entry.pw_uid, group=entry.pw_gid, extra_groups=[])
        self.data, self.sockets = self.folder / "data", self.folder / "sockets"
        for path in (self.data, self.sockets):
            path.mkdir(mode=0o700)
            if self.identity:
                os.chown(path, self.identity["user"], self.identity["group"])
        self.sockets.chmod(0o755)
        self.process = None
        (self.folder / "password").write_text("owner\n")
        (self.folder / "password").chmod(0o644)
        self.run("initdb", "-D", self.data, "-E", "UTF8", "--locale=C", "-U", "owner", "--no-sync",
                 "--auth-local=scram-sha-256", f"--pwfile={self.folder}/password")
        self.start()
        self.sql(f"CREATE ROLE {USER} LOGIN PASSWORD '" + PASSWORD.replace("'", "''") + "'")
        self.make_odbc()

    def run(self, program, *arguments, text="", **options):
        done = subprocess.run([str(self.bin / program), *map(str, arguments)], input=text, text=True,
                              capture_output=True, cwd=self.folder, timeout=120,
                              env=dict(os.environ, PGPASSWORD="owner", LC_ALL="C.UTF-8"),
                              **{**self.identity, **options})
        assert done.returncode == 0, (program, done.stdout, done.stderr)
        return done.stdout

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [str(self.bin / "postgres"), "-D", str(self.data), "-k", str(self.sockets), "-h", "",
                 "-c", "fsync=off", "-c", "log_statement=all", "-c", "max_connections=20"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, **self.identity)
        until = time.monotonic() + 30
        while subprocess.run([str(self.bin / "pg_isready"), "-q", "-h", str(self.sockets)]).returncode:
            assert self.process.poll() is None and time.monotonic() < until, self.log
            time.sleep(0.05)

    @property
    def log(self):
        """Every statement that it was asked."""
        return (self.folder / "log").read_text(errors="replace")

    def stop(self, how=signal.SIGINT):
        """SIGQUIT: at once, whoever is connected."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)

    def close(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, *statements, text=""):
        """As the owner; the last result, a line a row."""
        commands = [a for s in statements for a in ("-c", s)]
        return self.run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.sockets,
                        "-U", "owner", "-d", "postgres", *commands, text=text)

    def load(self, table, path):
        """A CSV file as a table of text, which the reader may read."""
        content = pathlib.Path(path).read_text(encoding="utf-8")
        columns = content.split("\n", 1)[0].strip().split(",")
        self.sql(f"CREATE TABLE {table} (kith_row serial, " +
                 ", ".join(f'"{c}" text' for c in columns) + ")",
                 f"GRANT SELECT ON {table} TO {USER}")
        self.sql(f"COPY {table} (" + ", ".join(f'"{c}"' for c in columns) +
                 ") FROM STDIN WITH (FORMAT csv, HEADER)", text=content)
        return columns

    # ---- ODBC

    def make_odbc(self):
        driver = glob.glob("/usr/lib/*/odbc/psqlodbcw.so")[0]
        (self.folder / "odbcinst.ini").write_text(
            f"[{DRIVER}]\nDriver = {driver}\n[Lost]\nDriver = /nonexistent/lost.so\n" + "".join(
                f"[SQLite3]\nDriver = {path}\n" for path in glob.glob("/usr/lib/*/odbc/libsqlite3odbc.so")))
        self.settings = f"Driver={{{DRIVER}}};Servername={self.sockets};Database=postgres"
        (self.folder / "odbc.ini").write_text(
            f"[people]\nDriver = {DRIVER}\nServername = {self.sockets}\nDatabase = postgres\n"
            f"[nowhere]\nDriver = {DRIVER}\nServername = {self.folder}/none\nDatabase = postgres\n"
            "[lost]\nDriver = Lost\n")
        self.env = {"ODBCSYSINI": str(self.folder), "ODBCINI": str(self.folder / "odbc.ini")}
        self.credential = self.write_credential("credential", USER, PASSWORD)

    def write_credential(self, name, user, password, mode=0o600):
        path = self.folder / name
        path.write_text(f"user = {user}\npassword = {password}\n", encoding="utf-8")
        path.chmod(mode)
        return path

    def query(self, text, name="query.sql"):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path
