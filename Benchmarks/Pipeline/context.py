"""What all sections share: options, programs, generated files, and figures that one section has for another."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import topologies
from building import WORK, BenchmarkError
from measuring import measure

ROOT = pathlib.Path(__file__).resolve().parents[2]

#: More than this many events of `millrace generate`, compressed with lz4, 64 partitions of the broker do not keep.
KAFKA_EVENTS_MAX = 2_000_000
PARTITIONS = 64
#: For runs that should write or print once, at the end.
ONE_COMMIT = 3_600_000


class Bench:
    """One run of the benchmark."""

    def __init__(self, options):
        self.root = ROOT
        self.options = options
        self.events = options.events
        self.repeat = options.repeat
        self.millrace = pathlib.Path(os.environ.get("MILLRACE", ROOT / ".build/release/millrace")).resolve()
        self.is_own_build = "MILLRACE" not in os.environ
        #: Generated events, which later runs use again.
        self.work = WORK
        self.work.mkdir(parents=True, exist_ok=True)
        #: Everything else; of this run alone, so that two runs do not meet.
        self._scratch = tempfile.TemporaryDirectory(prefix="run-", dir=self.work, ignore_cleanup_errors=True)
        self.scratch = pathlib.Path(self._scratch.name)
        # Postgres does not run as root, and must get to its own folder in there.
        self.scratch.chmod(0o755)
        #: Figures for other sections: floors, the greatest rate from Kafka.
        self.found = {}
        #: Of what a section has brought along.
        self.versions = {}
        self.failures = []
        if not os.access(self.millrace, os.X_OK):
            raise BenchmarkError(f"{self.millrace}: no program there; scripts/bench builds it")

    @property
    def kafka_events(self):
        return min(self.events, KAFKA_EVENTS_MAX)

    def fail(self, text):
        """The benchmark ends with 1, once everything is measured."""
        self.failures.append(text)

    def close(self):
        self._scratch.cleanup()

    def say(self, text):
        """What is going on, for whoever waits."""
        print(f"  … {text}", file=sys.stderr, flush=True)

    def event_file(self, count=None, seed=1):
        """A file of generated events; made once."""
        path = self.work / f"events-{count or self.events}-{seed}.ndjson"
        if not path.exists():
            self.say(f"generating {path.name}")
            part = path.with_suffix(".part")
            subprocess.run([self.millrace, "generate", "--events", str(count or self.events), "--seed", str(seed),
                            "--output", part], check=True)
            part.rename(path)
        return path

    def topology(self, name, *arguments, **options):
        """The file of a topology; arguments as `topologies.topology` takes them."""
        path = self.scratch / f"{name}.yaml"
        path.write_text(topologies.topology(name, *arguments, **options), encoding="utf-8")
        return path

    def refusal(self, file):
        """What the program has against a topology file; None when it takes it."""
        end = subprocess.run([self.millrace, "check", file], capture_output=True, text=True)
        return None if end.returncode == 0 else (end.stderr or end.stdout).strip()

    def knows(self, job, file):
        """Whether the program takes the topology file of a job; says so when not."""
        refusal = self.refusal(file)
        if refusal is not None:
            self.say(f"{job} is left out, this millrace does not take it: {refusal.splitlines()[0]}")
        return refusal is None

    def command(self, file, workers=None, commit_interval=None, memory=None, log_level="error"):
        """The command that runs a topology file."""
        command = [self.millrace, "run", file, "--progress", "none", "--log-level", log_level]
        for option, value in (("--workers", workers), ("--commit-interval", commit_interval), ("--memory", memory)):
            if value is not None:
                command += [option, value]
        return command

    def tell(self, postgres, *words):
        """A command to the catalogue of a database. That no process is there to take it up is no fault."""
        done = subprocess.run(
            [str(self.millrace), *map(str, words), "--database", postgres.url], capture_output=True, text=True)
        if "rror" in done.stderr:
            raise BenchmarkError(f"millrace {words[0]}: {done.stderr}")

    def measure_file(self, file, events=None, **options):
        """A run over a file, from start to end; with `events`, it must have read so many."""
        if events is None:
            return measure(self.command(file, **options))
        return measure(self.command(file, log_level="info", **options), check=lambda said: check_read(said, events))


def check_read(said, events):
    """Whether a run has read so many events, by its last words."""
    read = re.search(r"Topology ended.*\bevents=(\d+)", said)
    if read is None or int(read[1]) != events:
        raise BenchmarkError(f"expected a run over {events} events, found\n{said}")


class Samples:
    """How many events of a topology were committed when; asked for while a run is measured."""

    def __init__(self, postgres, topology, events):
        self.postgres = postgres
        self.topology = topology
        self.events = events
        self.samples = []
        self.deadline = time.monotonic() + 600

    def is_done(self):
        read = self.postgres.events_read(self.topology)
        self.samples.append((time.monotonic(), read))
        if time.monotonic() > self.deadline:
            raise BenchmarkError(f"{self.topology}: {read} of {self.events} events after ten minutes")
        return read >= self.events
