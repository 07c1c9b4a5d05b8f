"""Measuring processes: CPU and wall time, peak memory, rounds, medians and ratios."""

import dataclasses
import os
import resource
import signal
import statistics
import subprocess
import tempfile
import time


class BenchmarkError(Exception):
    """Something that was to be measured did not work; the text says what."""


@dataclasses.dataclass(frozen=True)
class Measurement:
    """CPU seconds (user and system), wall seconds and peak memory of one process from its start to its end."""

    cpu: float
    wall: float
    peak_mib: float

    @staticmethod
    def of(usage: resource.struct_rusage, wall: float):
        return Measurement(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


class Process:
    """A process that is being measured. The kernel counts: children that it waited for are included."""

    def __init__(self, command, environment=None, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL):
        self.command = list(map(str, command))
        # A file, not a pipe: a pipe that nobody reads while the process runs would stop it.
        self._errors = tempfile.TemporaryFile()
        self._ended = None
        self.began = time.monotonic()
        self._child = subprocess.Popen(
            self.command, env={**os.environ, **(environment or {})}, stdin=stdin, stdout=stdout, stderr=self._errors)
        self.pid = self._child.pid

    def has_ended(self):
        if self._ended is None:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self._end(status, usage)
        return self._ended is not None

    def stop(self):
        """Asks for an orderly end; what that takes is measured too."""
        if not self.has_ended():
            os.kill(self.pid, signal.SIGTERM)

    def kill(self):
        if not self.has_ended():
            os.kill(self.pid, signal.SIGKILL)
            self._wait()

    def finish(self):
        """Waits for the end.

        Raises BenchmarkError when the process fails, with what it said.
        """
        self._wait()
        status, measurement = self._ended
        if status != 0:
            raise BenchmarkError(f"{' '.join(self.command[:2])} ended with {status}:\n{self.errors()}")
        return measurement

    def errors(self):
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()

    def _wait(self):
        if self._ended is None:
            _, status, usage = os.wait4(self.pid, 0)
            self._end(status, usage)

    def _end(self, status, usage):
        self._ended = os.waitstatus_to_exitcode(status), Measurement.of(usage, time.monotonic() - self.began)
        self._child.returncode = self._ended[0]


def measure(command, environment=None, stdout=subprocess.DEVNULL):
    """Runs `command` to its end."""
    return Process(command, environment, stdout).finish()


def measure_until(command, is_done, every=0.2, environment=None):
    """Runs `command` until `is_done()` holds, then ends it with SIGTERM."""
    process = Process(command, environment)
    try:
        while not is_done():
            if process.has_ended():
                process.finish()
                raise BenchmarkError(f"{' '.join(process.command[:2])} ended by itself:\n{process.errors()}")
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
            say(f"round {number + 1} of {repeat}: {name}")
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


def resident_mib(pid):
    """Memory in use by a running process."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0
