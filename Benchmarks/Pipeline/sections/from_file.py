"""T1 to T3 from a file, with one worker and with two, beside simdjson alone."""

import functools

import floors
import topologies
from measuring import measure, ratio, round_robin, summarize
from report import Table, at_least, at_most, number, percent

NAME = "file"
TITLE = "From file"

FLOOR = "simdjson alone, 7 fields"
EVERY_ROW = "every row"
LONG = "long"
TIMES = 3
RATES = {"T1": at_least(1_500_000), "T2": at_least(1_250_000), "T3": at_least(750_000)}
PEAKS = {"T1": at_most(64, "MiB"), "T3": at_most(150, "MiB")}
SPEEDUP = at_least(1.8)


def floor_run(bench, path):
    """simdjson over the file, once, as a process of its own."""
    return functools.partial(measure, [floors.json_floor(), "--once", path])


def jobs(bench, path, sink=topologies.CONSOLE, suffix=""):
    """The topology files of T1 to T3 that this program knows, and the names of the others."""
    files = {job: bench.topology(f"bench_file_{job.lower()}{suffix}", topologies.file_source(path), job, sink)
             for job in RATES}
    unknown = [job for job, file in files.items() if not bench.knows(job, file)]
    return {job: file for job, file in files.items() if job not in unknown}, unknown


def printing_jobs(bench, path):
    """The same with a sink that computes and prints every row, as the queries of other programs do."""
    return jobs(bench, path, "console: { max_rows: 1000000 }", "_all")[0]


def long_jobs(bench):
    """The jobs over several times as many events: a start of 30 ms and the merging of two workers' groups at the end, which
    hardly grow, would pass for a lack of speed-up."""
    source = topologies.file_source(bench.event_file(bench.events * TIMES))
    return {job: bench.topology(f"bench_file_{job.lower()}_long", source, job) for job in RATES}


def run(bench):
    path = bench.event_file()
    files, unknown = jobs(bench, path)
    printing = printing_jobs(bench, path)
    longer = long_jobs(bench)
    competitors = {FLOOR: floor_run(bench, path)}
    for job, file in files.items():
        for workers in (1, 2):
            competitors[job, workers] = functools.partial(bench.measure_file, file, workers=workers)
        for workers in (1, 2):
            competitors[job, LONG, workers] = functools.partial(
                bench.measure_file, longer[job], events=bench.events * TIMES, workers=workers)
        competitors[job, EVERY_ROW] = functools.partial(bench.measure_file, printing[job], workers=1)
    found = {name: summarize(bench.events, runs)
             for name, runs in round_robin(competitors, bench.repeat, bench.say).items()}
    bench.found["file"] = found
    return [rates(found, unknown), speedups(found)]


def rates(found, unknown):
    table = Table("Rate and memory", ["", "events/CPU-s", "target", "met", "of simdjson", "events/s", "peak MiB",
                                      "target", "met"])
    floor = found[FLOOR]
    table.add(FLOOR, floor.per_cpu_second, "", "", "", floor.per_second, floor.peak_mib, "", "")
    for name, summary in found.items():
        if name == FLOOR or LONG in name:
            continue
        job, workers = name
        with_one = workers != 2
        rate, peak = (RATES.get(job), PEAKS.get(job)) if with_one else (None, None)
        label = {1: "1 worker", 2: "2 workers", EVERY_ROW: "1 worker, every row printed"}[workers]
        table.add(f"{job}, {label}", summary.per_cpu_second, str(rate or ""),
                  rate.verdict(summary.per_cpu_second) if rate else "",
                  percent(ratio(summary.per_cpu_second, floor.per_cpu_second)), summary.per_second, summary.peak_mib,
                  str(peak or ""), peak.verdict(summary.peak_mib) if peak else "")
    table.note("With the settings a topology has by default, into a `console` sink that prints one row at the end, or "
               "every row with all its estimates (470,000 of T3).")
    for job in unknown:
        table.note(f"{job}: not measured, this program does not know `grouping_sets` yet.")
    return table


def speedups(found):
    table = Table("Two workers over one, by the clock", ["", "times the throughput", "target", "met", "of the short file"])
    for job in RATES:
        if (job, 2) in found:
            gain = found[job, LONG, 1].wall / found[job, LONG, 2].wall
            short = found[job, 1].wall / found[job, 2].wall
            table.add(job, number(gain), str(SPEEDUP), SPEEDUP.verdict(gain), number(short))
    table.note(f"A file of {TIMES} times the events; starting and merging at the end weigh more in the short one.")
    return table
