"""Counts that hardly depend on the machine: instructions per event under callgrind, allocations per batch.

They are marginal: what twice the events take more than once the events, so that starting up is not in them. One worker,
one commit, no sink. They are compared with Benchmarks/counts.json, and the benchmark fails when one is exceeded.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import topologies
from building import BenchmarkError
from context import ONE_COMMIT
from report import Table, number

NAME = "counts"
TITLE = "Deterministic counts"

LIMITS = pathlib.Path(__file__).resolve().parents[2] / "counts.json"
SOURCES = LIMITS.parent / "Counting"
JOBS = ("T1", "T2", "T3")
EVENTS = 20_000
#: Allocations are counted over more events: a batch of 512 KiB holds 1,500.
ALLOCATION_EVENTS = 100_000
BATCH_BYTES = 512 << 10
#: Of so many runs the least counts: in every other one a thread gets first to where the runtime looks through all protocol
#: conformances once, which takes 1.4 million instructions, 72 for each event.
RUNS = 8
#: What a limit allows beyond what was recorded; a busy machine makes 1 or 2 % of a difference.
TOLERANCE = {"instructions/event": 0.03, "allocations/batch": 0.10}


def marginal(once, twice, units):
    """What a unit costs: `twice` was measured with twice the units of `once`."""
    return (twice - once) / units


def exceeded(measured, limits):
    """The names of the counts that are over their limits, or that have none; a count far below is no failure."""
    return [name for name, value in measured.items()
            if name not in limits or value > limits[name]["value"] * (1 + limits[name]["tolerance"])]


def recorded(measured, old):
    """New limits: those measured, and the old ones of what was not."""
    new = dict(old)
    for name, value in measured.items():
        kind = name.split(" ", 1)[1]
        new[name] = {"value": round(value, 1), "tolerance": TOLERANCE[kind]}
    return dict(sorted(new.items()))


def read_limits():
    return json.loads(LIMITS.read_text(encoding="utf-8")) if LIMITS.exists() else {}


class Counter:
    """Runs topologies under the counters; what it builds is in `folder`."""

    def __init__(self, bench, folder):
        self.bench = bench
        self.folder = pathlib.Path(folder)
        if shutil.which("valgrind") is None:
            raise BenchmarkError("valgrind: not found; scripts/install-dependencies --bench installs it")
        # valgrind 3.19 gives up at Swift's debugging information.
        self.program = self.folder / "millrace"
        subprocess.run(["strip", "--strip-debug", "-o", self.program, bench.millrace], check=True)
        for name in ("sigsuspend", "allocations"):
            subprocess.run([shutil.which("clang") or "cc", "-O2", "-shared", "-fPIC", SOURCES / f"{name}.c", "-o",
                            self.library(name)], check=True)

    def library(self, name):
        return self.folder / f"{name}.so"

    def file(self, job, events):
        """The topology file of a job over that many events, without a sink: the engine alone is counted."""
        name = f"bench_count_{re.sub('[^a-z0-9]+', '_', job.lower())}_{events}"
        return self.bench.topology(name, topologies.file_source(self.bench.event_file(events)), job, None)

    def _run(self, file, prefix, environment):
        command = [*prefix, self.program, *self.bench.command(file, workers=1, commit_interval=ONE_COMMIT)[1:]]
        # Swift's hashing is seeded by chance otherwise.
        end = subprocess.run(
            list(map(str, command)), capture_output=True, text=True,
            env={**os.environ, "SWIFT_DETERMINISTIC_HASHING": "1", **environment})
        if end.returncode != 0:
            said = "\n".join(line for line in end.stderr.splitlines() if not line.startswith("=="))
            raise BenchmarkError(f"{prefix[0] if prefix else 'millrace'} ended with {end.returncode}:\n{said}")
        return end.stderr

    def instructions(self, file):
        said = self._run(file, ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"],
                         {"LD_PRELOAD": str(self.library("sigsuspend"))})
        return callgrind_total(said)

    def allocations(self, file):
        out = self.folder / "allocations"
        out.unlink(missing_ok=True)
        self._run(file, [], {"LD_PRELOAD": str(self.library("allocations")), "ALLOCATIONS_FILE": str(out)})
        if not out.exists():
            raise BenchmarkError("the counter of allocations wrote nothing")
        return int(out.read_text())

    def instructions_per_event(self, job):
        """`job` is the name of one in topologies.JOBS."""
        self.bench.say(f"{job} under callgrind")
        once, twice = (least(self.instructions, self.file(job, count)) for count in (EVENTS, 2 * EVENTS))
        return marginal(once, twice, EVENTS)

    def allocations_per_batch(self, job):
        self.bench.say(f"{job}: counting allocations")
        sizes = [self.bench.event_file(count).stat().st_size for count in (ALLOCATION_EVENTS, 2 * ALLOCATION_EVENTS)]
        once, twice = (least(self.allocations, self.file(job, count))
                       for count in (ALLOCATION_EVENTS, 2 * ALLOCATION_EVENTS))
        return marginal(once, twice, (sizes[1] - sizes[0]) / BATCH_BYTES)


def least(count, file):
    """The least of some runs: a busy machine makes threads wait for each other more often, and nothing makes less."""
    return min(count(file) for _ in range(RUNS))


def callgrind_total(text):
    """Instructions, from what callgrind says at the end."""
    match = re.search(r"Collected\s*:\s*(\d+)", text)
    if match is None:
        raise BenchmarkError(f"callgrind told no total:\n{text[-2_000:]}")
    return int(match[1])


def run(bench):
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        counter = Counter(bench, folder)
        if bench.options.canary:
            return [canary(bench, counter)]
        jobs = [job for job in JOBS if bench.knows(job, counter.file(job, EVENTS))]
        measured = {}
        for job in jobs:
            measured[f"{job} instructions/event"] = counter.instructions_per_event(job)
            measured[f"{job} allocations/batch"] = counter.allocations_per_batch(job)
    limits = read_limits()
    if bench.options.record:
        limits = recorded(measured, limits)
        LIMITS.write_text(json.dumps(limits, indent=2) + "\n", encoding="utf-8")
        bench.say(f"recorded in {LIMITS.relative_to(bench.root)}")
    over = exceeded(measured, limits)
    result = table(measured, limits, over)
    for job in JOBS:
        if job not in jobs:
            result.note(f"{job}: not counted, this program does not know `grouping_sets` yet.")
    if over:
        bench.fail("more than recorded in Benchmarks/counts.json: " + ", ".join(over)
                   + "; if that is meant, scripts/bench --only counts --record")
    return [result]


def table(measured, limits, over):
    result = Table("Per event and per batch", ["", "counted", "recorded", "allowed", "within"])
    for name, value in measured.items():
        limit = limits.get(name)
        result.add(name, number(round(value, 1)), limit["value"] if limit else "none",
                   f"+{limit['tolerance']:.0%}" if limit else "", "no" if name in over else "yes")
    result.note("From file, one worker, one commit, no sink; what twice the events take more. A batch is 512 KiB of "
                "events. valgrind shows programs a processor without AVX-512.")
    return result


def canary(bench, counter):
    """The check can fail: T1 with more metrics is over the limit of T1."""
    name = "T1 instructions/event"
    measured = {name: counter.instructions_per_event("T1 and more")}
    limits = read_limits()
    over = exceeded(measured, limits)
    if not over:
        bench.fail("the canary lives: T1 with more metrics is within the limit of T1")
    result = Table("Canary: T1 with more metrics against the limit of T1",
                   ["", "counted", "recorded", "fails as it should"])
    result.add(name, measured[name], limits.get(name, {}).get("value"), "yes" if over else "NO")
    return result
