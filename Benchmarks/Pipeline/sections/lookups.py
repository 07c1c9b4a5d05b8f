"""What dimensions cost: reading their rows from Postgres, the table in memory, its refresh, looking keys up.

LookupBenchmark in Benchmarks/ measures; each part is a process of its own, so that its peak is its own.
"""

import re
import subprocess

from building import BENCHMARKS, BenchmarkError
from report import Table, at_least, at_most
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
    return [rows(bench), tables(bench)]


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
