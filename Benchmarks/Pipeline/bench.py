#!/usr/bin/env python3
"""Measures Millrace on this machine, beside the floors of the libraries underneath, and prints tables.

`scripts/bench` installs and builds what is needed and calls this.
"""

import argparse
import signal
import subprocess
import sys

import machine
from building import BenchmarkError
from context import Bench
from report import Section, merged_document
from sections import (
    ask, attacked, counts, from_file, from_kafka, language, latency, lookups, memory, micro, peers, population, scaling,
    serving, summaries, writes)

#: In the order of the page.
SECTIONS = {section.NAME: section for section in (
    from_file, peers, from_kafka, latency, writes, ask, scaling, serving, attacked, memory, summaries, language, lookups,
    population, micro, counts)}
#: What runs when nothing is said; `peers` needs the network.
DEFAULT = [name for name in SECTIONS if name != peers.NAME]


def parse(arguments):
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.splitlines()[0], epilog="""
        MILLRACE=path measures that program instead of building this one. Times are reported, never judged; the exit
        code is 1 when a deterministic count is over its recorded limit, or when something could not be measured.""")
    parser.add_argument("--events", type=int, default=2_000_000, help="events of 346 bytes on average")
    parser.add_argument("--repeat", type=int, default=5, help="rounds; the median is shown")
    parser.add_argument("--only", default=None, metavar="SECTIONS",
                        help="comma-separated, of: " + ", ".join(SECTIONS))
    parser.add_argument("--peers", action="store_true",
                        help="also DuckDB and ClickHouse, from PyPI into a temporary environment")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/PERFORMANCE.md")
    parser.add_argument("--rate", type=int, help="latency: events per second, instead of half of the greatest rate")
    parser.add_argument("--seconds", type=int, default=30, help="latency: how long")
    parser.add_argument("--minutes", type=float, default=10, help="writes: how long rows are updated again and again")
    parser.add_argument("--instance-seconds", type=int, default=120, help="scaling: how long several instances run")
    parser.add_argument("--keys", type=int, default=5_000_000, help="memory: distinct keys")
    parser.add_argument("--record", action="store_true", help="counts: record what is counted as the new limits")
    parser.add_argument("--canary", action="store_true", help="counts: show that the check can fail")
    options = parser.parse_args(arguments)
    names = options.only.split(",") if options.only else list(DEFAULT)
    if options.peers and peers.NAME not in names:
        names.append(peers.NAME)
    for name in names:
        if name not in SECTIONS:
            parser.error(f"--only: found {name}, expected some of {', '.join(SECTIONS)}")
    if options.events < 1_000 or options.repeat < 1:
        parser.error("--events: at least 1000; --repeat: at least 1")
    options.sections = [name for name in SECTIONS if name in names]
    return options


def write(root, sections):
    page = root / "docs/PERFORMANCE.md"
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    page.write_text(merged_document(old, sections, list(SECTIONS)), encoding="utf-8")


def main(arguments):
    options = parse(arguments)
    try:
        bench = Bench(options)
    except BenchmarkError as error:
        sys.exit(f"bench: {error}")
    # What was started ends with us: `with` blocks run for an exception, not for a signal.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: told to end"))
    try:
        measure_sections(bench, options)
    finally:
        bench.close()
    if bench.failures:
        sys.exit("\n".join(f"bench: {failure}" for failure in bench.failures))


def measure_sections(bench, options):
    print(machine.Conditions(bench).text())
    for name in options.sections:
        module = SECTIONS[name]
        print(f"\n== {module.TITLE}", flush=True)
        conditions = machine.Conditions(bench)
        try:
            tables = module.run(bench)
        except (BenchmarkError, subprocess.CalledProcessError) as error:
            bench.fail(f"{name}: {error}")
            print(f"bench: {name}: {error}", flush=True)
            continue
        for table in tables:
            print(f"\n{table.as_text()}", flush=True)
        if options.write and not options.canary:
            # At once: an hour of measuring must not be lost to the last section.
            write(bench.root, [Section(name, module.TITLE, conditions.text(), tables)])


if __name__ == "__main__":
    main(sys.argv[1:])
