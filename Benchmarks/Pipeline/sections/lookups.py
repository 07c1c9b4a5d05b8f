"""What dimensions cost: reading their rows from Postgres, the table in memory, its refresh, looking keys up.

LookupBenchmark in Benchmarks/ measures; each part is a process of its own, so that its peak is its own.
"""

import functools
import json
import re
import subprocess

import topologies
from building import BENCHMARKS, BenchmarkError
from measuring import ratio, round_robin, summarize
from report import Table, at_least, at_most, percent
from services import Postgres

NAME = "lookups"
TITLE = "Dimensions"

ROWS = 3_000_000
#: Typed rows of five columns a CPU-second, and memory for any number of them.
RATE, PEAK = at_least(1_500_000), at_most(25)
RATE_NAME, PEAK_NAME = "typed rows per CPU-second", "peak memory beside the program"
SMALL, LARGE = 1_000_000, 10_000_000
TARGETS = {
    "beside keys and cells": at_most(16, "bytes/row"),
    "peak of the refresh, counted": at_most(1.1),
    "peak of the refresh, anonymous memory": at_most(1.1),
    ("anonymous memory", LARGE): at_most(400, "MiB"),
}

#: T1 beside T1 that joins every event to a row, by a text that a million rows have.
PLAIN, JOINED, IDLE = "T1", "T1 with a lookup into 1,000,000 rows", "the same, one event: start and load"
JOINED_SHARE = at_least(0.90)
TIMES = 3

#: A line of LookupBenchmark.
FIGURE = re.compile(r"^(?P<name>[^:\n]+): (?P<value>-?\d+(?:\.\d+)?) (?P<unit>.*)$", re.M)


def parse(text):
    """Figures by their names, from what the program prints."""
    return {match["name"]: float(match["value"]) for match in FIGURE.finditer(text)}


def measure(*arguments):
    command = ["swift", "run", "-c", "release", "--package-path", str(BENCHMARKS), "LookupBenchmark", *arguments]
    end = subprocess.run(command, capture_output=True, text=True)
    figures = parse(end.stdout)
    if end.returncode != 0 or not figures:
        raise BenchmarkError(f"LookupBenchmark ended with {end.returncode}:\n{end.stdout}{end.stderr[-2_000:]}")
    return figures


def run(bench):
    return [joined(bench), rows(bench), tables(bench)]


def dimension(bench):
    """A million users, all of those who are in the events among them, with a text that repeats."""
    path = bench.work / f"users-{bench.events * TIMES}-{SMALL}.csv"
    if not path.exists():
        bench.say(f"writing {path.name}")
        with open(bench.event_file(bench.events * TIMES), encoding="utf-8") as lines:
            users = {json.loads(line)["user"] for line in lines}
        users = list(users) + [f"v{number:08x}" for number in range(SMALL - len(users))]
        part = path.with_suffix(".part")
        with open(part, "w", encoding="utf-8") as out:
            out.write("user,segment\n")
            for position, user in enumerate(users):
                out.write(f"{user},segment {position * 7_919 % 400}\n")
        part.rename(path)
    return path


def joined(bench):
    """Whole processes with one worker over several times the events; what the load costs is measured by itself."""
    events = bench.events * TIMES
    many = topologies.file_source(bench.event_file(events))
    one = bench.scratch / "one.ndjson"
    with open(bench.event_file(), encoding="utf-8") as lines:
        one.write_text(lines.readline(), encoding="utf-8")
    lookup = f'file: "{dimension(bench)}", on: user, add: segment, every: 1h'
    files = {
        PLAIN: bench.topology("bench_lookup_plain", many, "T1"),
        JOINED: bench.topology("bench_lookup_joined", many, "T1", lookup=lookup),
        IDLE: bench.topology("bench_lookup_idle", topologies.file_source(one), "T1", lookup=lookup),
    }
    competitors = {
        name: functools.partial(bench.measure_file, file, events=1 if name == IDLE else events, workers=1)
        for name, file in files.items()}
    found = {name: summarize(events, runs)
             for name, runs in round_robin(competitors, bench.repeat, bench.say).items()}
    table = Table("T1 and a lookup", ["", "CPU s", "of plain T1", "target", "met", "peak MiB"])
    share = ratio(found[PLAIN].cpu, found[JOINED].cpu - found[IDLE].cpu)
    table.add(PLAIN, found[PLAIN].cpu, "", "", "", found[PLAIN].peak_mib)
    table.add(JOINED, found[JOINED].cpu, percent(share), f"≥ {percent(JOINED_SHARE.bound)}",
              JOINED_SHARE.verdict(share), found[JOINED].peak_mib)
    table.add(IDLE, found[IDLE].cpu, "", "", "", found[IDLE].peak_mib)
    table.note("The share is that of the events alone: less what start and load take, which happen once.")
    return table


def rows(bench):
    result = Table(f"{ROWS:,} rows of five columns from Postgres, typed", ["", "measured", "target", "met"])
    with Postgres(bench.scratch / "lookups-postgres") as postgres:
        for label, part in (("read as they arrive", "iterated"), ("fetched at once", "fetched")):
            bench.say(f"rows {label}")
            figures = measure(part, "--postgres", postgres.url, "--rows", str(ROWS))
            for name, target in ((RATE_NAME, RATE), (PEAK_NAME, PEAK)):
                judged = (str(target), target.verdict(figures[name])) if part == "iterated" else ("", "")
                result.add(f"{label}: {name}", figures[name], *judged)
    result.note("CPU time of the client; memory in MiB beside that of the program when it has connected.")
    return result


def tables(bench):
    result = Table("Tables with text keys and two text cells, of 10,000 and of 400 values",
                   ["", "measured", "target", "met"])
    for count in (SMALL, LARGE):
        bench.say(f"a table of {count:,} rows")
        figures = measure("table", "--rows", str(count))
        for name, value in figures.items():
            target = TARGETS.get((name, count)) or TARGETS.get(name)
            result.add(f"{count:,} rows: {name}", value, *((str(target), target.verdict(value)) if target else ("", "")))
    result.note("Memory in MiB, times in nanoseconds of CPU time per row or key.")
    return result
