"""The same queries on the same file in DuckDB and in ClickHouse (chdb), with one thread each, round by round with ours.

Both are installed from PyPI into an environment that is deleted afterwards.
"""

import contextlib
import functools
import pathlib
import subprocess
import sys
import tempfile

from building import BenchmarkError
from measuring import measure, ratio, round_robin, summarize
from report import Table, at_least, number, percent
from sections import from_file

NAME = "peers"
TITLE = "Beside DuckDB and ClickHouse"

VERSIONS = {"duckdb": "2.0.1", "chdb": "4.4.0"}
QUERIES = {
    "duckdb": pathlib.Path(__file__).with_name("query_duckdb.py"),
    "chdb": pathlib.Path(__file__).with_name("query_chdb.py"),
}
#: Job: the queries that answer it. T3 in ClickHouse with both of its percentiles: one has an error bound like ours,
#: the other is quicker.
RIVALS = {
    "T1": {"DuckDB": ("duckdb", "T1"), "ClickHouse, DD": ("chdb", "T1")},
    "T2": {"DuckDB": ("duckdb", "T2"), "ClickHouse, DD": ("chdb", "T2")},
    "T3": {"DuckDB": ("duckdb", "T3"), "ClickHouse, DD": ("chdb", "T3"),
           "ClickHouse, t-digest": ("chdb", "T3-tdigest")},
}
#: Ours: all rows with all their estimates, which is what is compared, and one row.
OURS, ONE_ROW = "Millrace, every row printed", "Millrace, one row printed"
#: Times the best of them.
BEST = {"T1": at_least(2.2), "T2": at_least(2.1), "T3": at_least(1.6)}
#: Times DuckDB.
OVER_DUCKDB = {"T3": at_least(2.3)}


@contextlib.contextmanager
def environment(bench):
    """The path of a Python that has both; gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        wanted = [f"{name}=={version}" for name, version in VERSIONS.items()]
        bench.say("installing into a temporary environment: " + ", ".join(wanted))
        python = pathlib.Path(folder) / "venv/bin/python"
        try:
            subprocess.run([sys.executable, "-m", "venv", f"{folder}/venv"], check=True, capture_output=True, text=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted],
                           check=True, capture_output=True, text=True)
        except subprocess.CalledProcessError as error:
            said = (error.stderr or error.stdout or "").strip().splitlines()
            raise BenchmarkError(", ".join(wanted) + " could not be installed from PyPI; is the network "
                                 "there, and python3-venv? " + (said[-1] if said else "")) from error
        yield python


def run(bench):
    path = bench.event_file()
    files, unknown = from_file.jobs(bench, path)
    printing = from_file.printing_jobs(bench, path)
    with environment(bench) as python:
        competitors = {from_file.FLOOR: from_file.floor_run(bench, path)}
        for job, rivals in RIVALS.items():
            if job in files:
                competitors[job, ONE_ROW] = functools.partial(bench.measure_file, files[job], workers=1)
                competitors[job, OURS] = functools.partial(bench.measure_file, printing[job], workers=1)
            for name, (engine, query) in rivals.items():
                competitors[job, name] = functools.partial(measure, [python, QUERIES[engine], query, path])
        runs = round_robin(competitors, bench.repeat, bench.say)
    found = {name: summarize(bench.events, measured) for name, measured in runs.items()}
    bench.versions.update({"DuckDB": VERSIONS["duckdb"], "chdb": VERSIONS["chdb"]})
    return [rates(found, unknown), ratios(found)]


def rates(found, unknown):
    table = Table("One thread, from file", ["", "events/CPU-s", "of simdjson", "events/s", "peak MiB"])
    floor = found[from_file.FLOOR].per_cpu_second
    for name, summary in found.items():
        label = name if isinstance(name, str) else ", ".join(name)
        table.add(label, summary.per_cpu_second, percent(ratio(summary.per_cpu_second, floor)), summary.per_second,
                  summary.peak_mib)
    table.note("CPU seconds of whole processes: the import of duckdb or chdb is included, as our start is. The peers' "
               "queries compute every row and add them up; ours print every row as JSON, which is more than adding "
               "up, or only one, which is less.")
    for job in unknown:
        table.note(f"{job}: ours is not measured, this program does not know `grouping_sets` yet.")
    return table


def ratios(found):
    table = Table("Times the peers' rate", ["", "over the best", "target", "met", "over DuckDB", "target", "met"])
    for job, rivals in RIVALS.items():
        if (job, OURS) not in found:
            continue
        ours = found[job, OURS].per_cpu_second
        best = ours / max(found[job, name].per_cpu_second for name in rivals)
        duckdb = ours / found[job, "DuckDB"].per_cpu_second
        over = OVER_DUCKDB.get(job)
        table.add(job, number(best), str(BEST[job]), BEST[job].verdict(best), number(duckdb), str(over or ""),
                  over.verdict(duckdb) if over else "")
    table.note(f"{OURS}.")
    return table
