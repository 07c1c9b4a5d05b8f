"""Runs the suite: see scripts/test. Parts run side by side as far as the machine has cores for them."""

import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

import parts as suite_parts
from parts import LEVELS, ROOT

#: What each part said when it ran last.
LOGS = ROOT / ".build/test-logs"
#: How long each part took when it ran last: `seconds cpu-seconds name` in each line.
TIMES = ROOT / ".build/test-times"


class Run:
    """The parts of one level, each as a process of scripts/tally."""

    def __init__(self, parts, results, cores, tally=ROOT / "scripts/tally", logs=LOGS):
        self.waiting = list(parts)
        self.names = {part.name for part in parts}
        self.results = results
        self.cores = cores
        self.tally = tally
        self.logs = logs
        #: Part and start by process.
        self.running = {}
        #: Whether each part that ended has passed.
        self.passed = {}

    def run(self):
        """Runs all; what needs a part that failed is left out."""
        self.logs.mkdir(parents=True, exist_ok=True)
        try:
            while self.waiting or self.running:
                self.start_what_can_run()
                self.take_what_ended()
        finally:
            for process in self.running:
                process.terminate()
            for process in self.running:
                process.wait()

    def start_what_can_run(self):
        for part in list(self.waiting):
            needed = [name for name in part.after if name in self.names]
            if any(self.passed.get(name) is False for name in needed):
                self.waiting.remove(part)
                self.passed[part.name] = False
                say(f"--- {part.name}: left out, since what it needs has failed")
            elif all(self.passed.get(name) for name in needed) and self.has_cores_for(part):
                self.waiting.remove(part)
                self.start(part)

    def has_cores_for(self, part):
        used = sum(other.cores for other in self.running.values())
        return not self.running or used + part.cores <= self.cores + 0.01

    def start(self, part):
        say(f"--- {part.name}: started")
        with open(self.log(part), "wb") as log:
            process = subprocess.Popen(
                [self.tally, part.kind, self.results, part.name, *part.command], stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, env={**os.environ, "NO_COLOR": "1", **dict(part.environment)}, cwd=ROOT)
        self.running[process] = part

    def take_what_ended(self):
        if not self.running:
            return
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        for process in [process for process in self.running if process.poll() is not None]:
            part = self.running.pop(process)
            with open(self.log(part), "rb") as log:
                sys.stdout.flush()
                sys.stdout.buffer.write(log.read())
                sys.stdout.flush()
            self.passed[part.name] = self.has_passed(part)

    def has_passed(self, part):
        """What scripts/tally wrote down; if it could not even do that, the part has failed."""
        for failed, _, _, name in result_lines(self.results):
            if name == part.name:
                return failed == 0
        with open(self.results, "a", encoding="utf-8") as file:
            file.write(f"0 1 0 0 0 {part.name}\n")
        return False

    def log(self, part):
        return self.logs / (re.sub(r"[^\w.]+", "-", part.name) + ".log")


def result_lines(results):
    """(failed, seconds, CPU seconds, name) of each part in the file of scripts/tally."""
    with open(results, encoding="utf-8") as file:
        for line in file:
            _, failed, _, seconds, cpu_seconds, name = line.rstrip("\n").split(" ", 5)
            yield int(failed), float(seconds), float(cpu_seconds), name


def say(line):
    print(line, flush=True)


# ---- Times


def read_times(path=TIMES):
    """(seconds, CPU seconds) by name."""
    times = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            seconds, cpu_seconds, name = line.split(" ", 2)
            times[name] = (float(seconds), float(cpu_seconds))
    return times


def write_times(new, path=TIMES):
    """Adds to what is known of other parts."""
    times = {**read_times(path), **new}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{a:.1f} {b:.1f} {name}\n" for name, (a, b) in sorted(times.items())), encoding="utf-8")


def listing(parts, times):
    """The lines of --list."""
    known = [time for part in parts for time in [times.get(part.name)] if time]
    yield f"{'smoke':>5} {'default':>7} {'full':>4} {'seconds':>7} {'CPU':>6}  part"
    for part in parts:
        marks = ["x" if part.runs_in(level) else "" for level in LEVELS]
        took = "{:7.0f} {:6.0f}".format(*times[part.name]) if part.name in times else f"{'-':>7} {'-':>6}"
        yield f"{marks[0]:>5} {marks[1]:>7} {marks[2]:>4} {took}  {part.name}"
    for level in LEVELS:
        if f"run {level}" in times:
            yield f"{'':18} {times[f'run {level}'][0]:7.0f} {times[f'run {level}'][1]:6.0f}  all of {level}, side by side"
    if not known:
        yield "No part has run here yet."


# ---- The program


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/test", description="Installs what is missing and runs the tests.")
    level = parser.add_mutually_exclusive_group()
    for name, text in (
        ("smoke", "some three minutes once it is built: before each commit"),
        ("full", "everything: also each version of PostgreSQL, sanitizers and mutations"),
        ("list", "what runs where, and how long it took when it ran last"),
    ):
        level.add_argument(f"--{name}", action="store_true", help=text)
    parser.add_argument("--only", metavar="PATTERN", help="of these, the parts whose name matches, and what they need")
    return parser.parse_args()


def chosen(parts, pattern):
    """The parts whose name matches, and what they need."""
    if pattern is None:
        return parts
    names = {part.name for part in parts if re.search(pattern, part.name)}
    for part in reversed(parts):
        if part.name in names:
            names.update(part.after)
    return [part for part in parts if part.name in names]


def main():
    given = arguments()
    # A part of that name would be skipped, or run where it is not expected.
    if missing := suite_parts.missing_suites():
        sys.exit(f"test: scripts/suite/parts.py names suites that are not there: {', '.join(missing)}")
    if given.list:
        for line in listing(suite_parts.all_parts(), read_times()):
            say(line)
        return 0
    level = "smoke" if given.smoke else "full" if given.full else "default"
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="millrace-test-") as folder:
        results = pathlib.Path(folder) / "results"
        results.touch()
        Run(chosen(suite_parts.parts(level), given.only), results, max(2, os.cpu_count() or 2)).run()
        lines = list(result_lines(results))
        times = {name: (seconds, cpu_seconds) for _, seconds, cpu_seconds, name in lines}
        if given.only is None:
            times[f"run {level}"] = (time.monotonic() - started, sum(line[2] for line in lines))
        write_times(times)
        say("")
        return subprocess.run([ROOT / "scripts/tally", "sum", results], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
