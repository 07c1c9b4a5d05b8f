"""A private Postgres and the development broker, for as long as a benchmark runs."""

import glob
import os
import pathlib
import shutil
import socket
import subprocess
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postgres:
    """A cluster of its own in `directory`, with settings as Debian ships them; synchronous commits stay on."""

    def __init__(self, directory: pathlib.Path):
        binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
        self.bin = pathlib.Path(binaries[-1])
        self.directory = directory
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        if os.getuid() == 0:
            shutil.chown(directory, "postgres", "postgres")
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._run("initdb", "-D", directory / "data", "-U", "postgres", "-A", "trust", "--no-sync")
        options = f"-p {self.port} -k {directory} -c listen_addresses=127.0.0.1"
        self._run("pg_ctl", "-D", directory / "data", "-o", options, "-l", directory / "log", "-w", "start")

    def _run(self, program, *arguments):
        command = [str(self.bin / program), *map(str, arguments)]
        if os.getuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/tmp")

    def query(self, sql):
        answer = subprocess.run(
            ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", self.url, "-c", sql], check=True, capture_output=True, text=True)
        return answer.stdout.strip()

    def stop(self):
        self._run("pg_ctl", "-D", self.directory / "data", "-m", "immediate", "stop")
        shutil.rmtree(self.directory, ignore_errors=True)


class Broker:
    """`millrace broker` with one topic of 64 partitions, so that it can hold some two million events."""

    def __init__(self, millrace, topic, directory: pathlib.Path):
        address = directory / "broker-address"
        address.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [millrace, "broker", "--topic", f"{topic}:64", "--address-file", address, "--with-parent"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not (address.exists() and address.read_text().strip()):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise SystemExit("bench: the development broker did not start")
            time.sleep(0.05)
        self.address = address.read_text().strip()

    def stop(self):
        self.process.terminate()
        self.process.wait()
