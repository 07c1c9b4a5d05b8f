"""A Postgres, a broker and a process that serves them, all private and gone when the tests are."""

import glob
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("MILLRACE", ROOT / ".build" / "debug" / "millrace")).resolve()


def postgres_programs():
    """The folder of the newest Postgres on this machine; None when there is none."""
    named = os.environ.get("MILLRACE_POSTGRES_BIN")
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    newest = max(found, key=lambda path: int(path.split("/")[4]), default=None)
    return named or (newest and os.path.dirname(newest))


def eventually(is_done, what, patience=120):
    """Waits until something is the case; a wait has an end, and says what it was for."""
    end = time.monotonic() + patience
    while not (found := is_done()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {patience} s for {what}")
        time.sleep(0.1)
    return found


class Postgres:
    """A server in a folder of its own. It refuses to run as root, and is run by the account postgres then."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "postgres"
        self.folder.mkdir()
        self._bin = postgres_programs()
        self._user = ()
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
            self._user = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--")
        self._data = self.folder / "data"
        self._run("initdb", "-D", self._data, "-A", "trust", "-U", "millrace", "--no-sync")
        self.start()

    def _run(self, program, *arguments):
        command = (*self._user, f"{self._bin}/{program}", *map(str, arguments))
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")

    def start(self):
        # A socket of the file system: a port that was free a moment ago may be somebody's by now.
        options = f"-k {self.folder} -c listen_addresses='' -c fsync=off"
        self._run("pg_ctl", "-D", self._data, "-w", "-l", self.folder / "log", "-o", options, "start")

    def stop(self):
        self._run("pg_ctl", "-D", self._data, "-w", "-m", "immediate", "stop")

    def url(self, database="postgres"):
        return f"postgresql://millrace@{urllib.parse.quote(str(self.folder), safe='')}/{database}"

    def query(self, sql):
        """Rows as lists of texts."""
        command = ["psql", self.url(), "-X", "-A", "-t", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", "-c", sql]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        return [line.split("\x1f") for line in lines]

    def value(self, sql):
        return self.query(sql)[0][0]


def make_certificate(folder, name, *options, kind=("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"), days=30):
    """A certificate for localhost that vouches for itself: the paths of NAME.pem and NAME.key."""
    certificate, key = (pathlib.Path(folder) / f"{name}.{kind_of_file}" for kind_of_file in ("pem", "key"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-keyout", key, "-out", certificate, "-days", str(days),
         "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", *options],
        check=True, capture_output=True)
    return certificate, key


class Stand:
    """All of it; with TLS if `is_encrypted`."""

    def __init__(self, is_encrypted=False):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace-page-"))
        self.folder.chmod(0o755)
        self._processes = []
        self.postgres = Postgres(self.folder)
        address = self.folder / "broker"
        self.start("broker", "--topic", "game.events:4", "--topic", "hostile:1", "--topic", "mended:1", "--address-file", address)
        self.brokers = eventually(lambda: address.exists() and address.read_text().strip(), "a broker")
        self.environment = {
            **os.environ, "KAFKA_BROKERS": self.brokers, "DATABASE_URL": self.postgres.url(),
            "MILLRACE_DATABASE": self.postgres.url(),
        }
        self.log = self.folder / "serve.log"
        self.certificate, options = None, ()
        if is_encrypted:
            self.certificate, self.key = make_certificate(self.folder, "site")
            options = ("--tls-certificate", self.certificate, "--tls-key", self.key)
        self.server = self.start(
            "serve", "--listen", "127.0.0.1:0", "--token-file", self.folder / "token", "--read-token-file",
            self.folder / "read-token", "--log-level", "debug" if is_encrypted else "info", *options, log=self.log,
            environment=self.environment)
        self.address = eventually(self._listening, f"a listener: {self.log.read_text()}")

    def _listening(self):
        for word in self.log.read_text().split():
            if word.startswith("url=http"):
                return word.removeprefix("url=").replace("127.0.0.1", "localhost")
        return None

    def start(self, *arguments, log=None, environment=None):
        with open(log or os.devnull, "w") as output:
            process = subprocess.Popen(
                [str(PROGRAM), *map(str, arguments)], stdout=output, stderr=subprocess.STDOUT, env=environment,
                stdin=subprocess.DEVNULL)
        self._processes.append(process)
        return process

    def token(self, name="token"):
        return (self.folder / name).read_text().split()[0]

    def call(self, *arguments, prefix=()):
        """Runs a command to its end, with another program in front of it if one is given."""
        return subprocess.run(
            [*prefix, str(PROGRAM), *map(str, arguments)], capture_output=True, text=True, env=self.environment,
            timeout=300)

    def run(self, *arguments, check=True):
        """Runs a command that is to succeed, and returns what it prints."""
        done = self.call(*arguments)
        if check and done.returncode:
            raise AssertionError(f"millrace {arguments}: {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def stop(self):
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
        try:
            self.postgres.stop()
        except subprocess.CalledProcessError:
            pass  # It is stopped already.
        shutil.rmtree(self.folder, ignore_errors=True)
