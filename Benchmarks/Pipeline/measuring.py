"""Measuring processes: CPU and wall time, peak memory, rounds, medians and ratios."""

import dataclasses
import os
import pathlib
import signal
import statistics
import subprocess
import tempfile
import time

from building import BenchmarkError, launcher


@dataclasses.dataclass(frozen=True)
class Measurement:
    """CPU seconds (user and system), wall seconds and peak memory of one process from its start to its end."""

    cpu: float
    wall: float
    peak_mib: float


def parse_launched(text, wall):
    """Exit code and measurement, from what the launcher writes."""
    code, user, system, peak = map(int, text.split())
    return code, Measurement((user + system) / 1e6, wall, peak / 1024)


class Process:
    """A process that is being measured. The kernel counts; children that it waited for are included."""

    def __init__(self, command, environment=None, prefix=()):
        self.command = list(map(str, command))
        # Files, not pipes: a pipe that nobody reads while the process runs would stop it.
        self._errors = tempfile.TemporaryFile()
        self._folder = tempfile.TemporaryDirectory(prefix="millrace-bench-")
        self._result = pathlib.Path(self._folder.name) / "usage"
        self._wall = None
        self.began = time.monotonic()
        self._launcher = subprocess.Popen(
            [*map(str, prefix), launcher(), self._result, *self.command], env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._errors)

    @property
    def pid(self):
        """The process itself; None when it has ended."""
        launched = self._launcher.pid
        try:
            children = pathlib.Path(f"/proc/{launched}/task/{launched}/children").read_text(encoding="ascii").split()
        except OSError:
            return None
        return int(children[0]) if children else None

    def has_ended(self):
        if self._launcher.poll() is None:
            return False
        if self._wall is None:
            self._wall = time.monotonic() - self.began
        return True

    def stop(self):
        """Asks for an orderly end; what that takes is measured too."""
        if not self.has_ended():
            self._launcher.send_signal(signal.SIGTERM)

    def kill(self):
        """The end, in order or not; to be called in any case."""
        if not self.has_ended():
            self._launcher.kill()
            self._launcher.wait()
        self._folder.cleanup()
        self._errors.close()

    def finish(self):
        """Waits for the end.

        Raises BenchmarkError when the process failed, with what it said.
        """
        self._launcher.wait()
        self.has_ended()
        if not self._result.exists():
            raise BenchmarkError(f"{self._name} was not measured: {self.errors()}")
        code, measurement = parse_launched(self._result.read_text(encoding="ascii"), self._wall)
        if code != 0:
            raise BenchmarkError(f"{self._name} ended with {code}:\n{self.errors()}")
        return measurement

    @property
    def _name(self):
        return " ".join(self.command[:2])

    def errors(self):
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()


def measure(command, environment=None, check=None):
    """Runs `command` to its end. `check` is given what it said, and raises when it did something else than it should."""
    process = Process(command, environment)
    try:
        measured = process.finish()
        if check is not None:
            check(process.errors())
        return measured
    finally:
        process.kill()


def measure_until(command, is_done, every=0.2, environment=None):
    """Runs `command` until `is_done()` holds, then ends it with SIGTERM."""
    process = Process(command, environment)
    try:
        while not is_done():
            if process.has_ended():
                process.finish()
                raise BenchmarkError(f"{process.command[0]} ended by itself:\n{process.errors()}")
            time.sleep(every)
        process.stop()
        return process.finish()
    finally:
        process.kill()


def round_robin(competitors, repeat, say=lambda text: None):
    """Runs every competitor once per round, A B C A B C, so that a busy moment of the machine hits all of them.

    `competitors` maps names to functions that return a Measurement; the answer maps names to lists of them.
    """
    runs = {name: [] for name in competitors}
    for number in range(repeat):
        for name, run in competitors.items():
            label = name if isinstance(name, str) else ", ".join(map(str, name)) if isinstance(name, tuple) else name
            say(f"round {number + 1} of {repeat}: {label}")
            runs[name].append(run())
    return runs


@dataclasses.dataclass(frozen=True)
class Summary:
    """The median over the rounds; of memory, the most."""

    events: int
    cpu: float
    wall: float
    peak_mib: float

    @property
    def per_cpu_second(self):
        return self.events / self.cpu

    @property
    def per_second(self):
        return self.events / self.wall


def summarize(events, runs):
    return Summary(events, statistics.median(run.cpu for run in runs), statistics.median(run.wall for run in runs),
                   max(run.peak_mib for run in runs))


def ratio(value, reference):
    """value / reference, None when there is nothing to compare with."""
    return None if value is None or not reference else value / reference


def quantile(values, q):
    """The value at rank ceil(q * n) of the sorted values: one that was really seen."""
    ordered = sorted(values)
    return ordered[max(0, -int(-q * len(ordered) // 1) - 1)]


def sustained_rate(samples):
    """Events per second between the first and the last step of `samples`, pairs of seconds and events so far.

    Starting up and joining the group, before the first event is committed, are left out; None when there is only one
    step.
    """
    steps = [(when, count) for position, (when, count) in enumerate(samples)
             if count > 0 and (position == 0 or count > samples[position - 1][1])]
    if len(steps) < 2:
        return None
    (first, base), (last, total) = steps[0], steps[-1]
    return (total - base) / (last - first)


def anonymous_mib(pid):
    """Anonymous memory of a running process, which is what `memory:` bounds: the pages of its files are not in it."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) / 1024
    return 0.0
