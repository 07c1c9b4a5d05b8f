"""A private server with the plain functions and the extension, for tests of the extension."""

import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
#: The plain functions, in the order in which they can be made.
PLAIN = (
    "percentiles", "percentiles_decode", "percentiles_quick", "percentiles_merge", "percentiles_read",
    "percentiles_charts", "uniques", "uniques_merge", "uniques_read", "sums", "top", "top_merge", "top_read",
)
#: Instead of what the server was compiled with, by another compiler perhaps.
WARNINGS = ("-O2 -g -fno-strict-aliasing -fwrapv -fexcess-precision=standard -Wall -Wextra -Wno-unused-parameter "
            "-Wno-sign-compare -Wno-missing-field-initializers -Wmissing-prototypes -Wdeclaration-after-statement -Werror")


class Refused(Exception):
    """What the server said to a script."""


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Refused(f"{command[0]}: {done.stderr or done.stdout}")
    return done.stdout


def as_server_user(*command):
    """Server programs refuse to run as root."""
    if os.geteuid() != 0:
        return run(*command, cwd="/tmp")
    return run("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--", *command, cwd="/tmp")


def built(binaries, folder):
    """The extension, compiled for a server in a folder of its own; warnings are errors."""
    shutil.copytree(ROOT / "extension", folder, ignore=shutil.ignore_patterns("*.o", "*.so", "*.bc"))
    include = run(binaries / "pg_config", "--includedir-server").strip()
    flags = f"PG_CONFIG={binaries / 'pg_config'}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    # Some distributions of the server moved after they were made, and say where they were.
    run("make", "-C", folder, flags, "with_llvm=no", "CC=gcc", f"CFLAGS={WARNINGS}", f"CPPFLAGS=-I{include} -D_GNU_SOURCE",
        env=environment)
    return folder / "millrace_sketches.so"


class Server:
    """One cluster; in database `beside` the plain functions are in schema millrace, native ones in millrace_sketches."""

    def __init__(self, binaries, library=None):
        self.binaries = pathlib.Path(binaries)
        self.folder = pathlib.Path(as_server_user("mktemp", "-d", "/tmp/extension.XXXXXX").strip())
        self.library = library
        data = self.folder / "data"
        as_server_user(self.binaries / "initdb", "-D", data, "-A", "trust", "-U", "tester", "--no-sync", "-E", "UTF8",
                       "--no-locale")
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c fsync=off"
        as_server_user(self.binaries / "pg_ctl", "-D", data, "-o", options, "-l", self.folder / "log", "-w", "start")

    def stop(self):
        as_server_user(self.binaries / "pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def rows(self, script, database="postgres"):
        """The lines that psql prints for a script, columns joined by `|`."""
        environment = {"PGOPTIONS": "-c client_min_messages=warning", "PATH": os.environ["PATH"], "LC_ALL": "C"}
        # The psql of the newest server there is: the tests' own scripts need no special one.
        return run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "tester", "-d", database,
                   input=script, env=environment).splitlines()

    def create(self, database, native=True):
        """A database with the plain functions and, by the script of the extension alone, the native ones."""
        self.rows(f"CREATE DATABASE {database}")
        scripts = [(ROOT / "Sources/Nodes/Sink/SQL" / f"{name}.sql").read_text() for name in PLAIN]
        self.rows("\n".join(scripts), database)
        if native:
            self.rows(self.native_script(), database)

    def native_script(self):
        script = (ROOT / "extension/millrace_sketches--1.0.sql").read_text()
        lines = [line for line in script.splitlines() if not line.startswith("\\echo")]
        return "\n".join(lines).replace("MODULE_PATHNAME", str(self.library))
