"""A private Postgres and the development broker, for as long as a benchmark runs."""

import contextlib
import glob
import os
import pathlib
import shutil
import socket
import subprocess
import time

from building import BenchmarkError


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Session:
    """One connection that stays: a psql that is asked through a pipe. A new one per query would cost a core."""

    ANSWERED = "--answered--"

    def __init__(self, url):
        self._psql = subprocess.Popen(
            ["psql", "-XAtq", "-F", "\t", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, bufsize=1)

    def rows(self, sql):
        """The rows of one statement, each a list of text.

        Raises BenchmarkError with what Postgres says about a statement it refuses.
        """
        self._psql.stdin.write(f"{sql.rstrip().rstrip(';')};\n\\echo {self.ANSWERED}\n")
        self._psql.stdin.flush()
        lines = []
        for line in self._psql.stdout:
            line = line.rstrip("\n")
            if line == self.ANSWERED:
                break
            lines.append(line)
        else:
            raise BenchmarkError("psql ended: " + "\n".join(lines))
        errors = [line for line in lines if line.startswith(("ERROR:", "FATAL:"))]
        if errors:
            raise BenchmarkError(f"{errors[0]} in: {sql}")
        return [line.split("\t") for line in lines]

    def value(self, sql):
        """The only value of the only row."""
        return self.rows(sql)[0][0]

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self._psql.stdin.close()
        self._psql.wait()
        self._psql.stdout.close()


class Postgres:
    """A cluster of its own in `directory`, with settings as Debian ships them; synchronous commits stay on."""

    def __init__(self, directory: pathlib.Path):
        binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
        if not binaries:
            raise BenchmarkError("no Postgres server here: scripts/install-dependencies installs one")
        self.bin = pathlib.Path(binaries[-1])
        self.directory = directory
        directory.mkdir()
        if os.getuid() == 0:
            shutil.chown(directory, "postgres", "postgres")
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._run("initdb", "-D", directory / "data", "-U", "postgres", "-A", "trust", "--no-sync")
        # No socket of the file system: its path has a limit that a deep folder exceeds.
        options = f"-p {self.port} -c unix_socket_directories='' -c listen_addresses=127.0.0.1"
        self._run("pg_ctl", "-D", directory / "data", "-o", options, "-l", directory / "log", "-w", "start")
        self.session = Session(self.url)

    def _run(self, program, *arguments, check=True):
        command = [str(self.bin / program), *map(str, arguments)]
        if os.getuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, check=check, stdout=subprocess.DEVNULL, cwd="/")

    def events_read(self, topology):
        """How many events of a topology are committed; 0 before its first commit."""
        if self.session.value("SELECT to_regclass('millrace.partitions') IS NOT NULL") != "t":
            return 0
        return int(self.session.value(
            f"SELECT coalesce(sum(read), 0) FROM millrace.partitions WHERE topology = '{topology}'"))

    def stop(self):
        self.session.close()
        self._run("pg_ctl", "-D", self.directory / "data", "-m", "immediate", "stop", check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Broker:
    """`millrace broker` with its topics, a dictionary of names and partitions.

    It keeps 5 MiB per partition, compressed as they came: with lz4 and 64 partitions some two million events.
    """

    def __init__(self, millrace, topics, directory: pathlib.Path):
        address = directory / "broker-address"
        address.unlink(missing_ok=True)
        named = [word for name, partitions in topics.items() for word in ("--topic", f"{name}:{partitions}")]
        self.process = subprocess.Popen(
            [millrace, "broker", *named, "--address-file", address, "--with-parent"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not (address.exists() and address.read_text().strip()):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise BenchmarkError("the development broker did not start")
            time.sleep(0.05)
        self.address = address.read_text().strip()

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
