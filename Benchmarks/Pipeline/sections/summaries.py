"""What segments, windows, metrics and more nodes cost on top of T1: five sets, three windows, ten nodes, the most
frequent values.

Whole processes with one worker; every variant takes turns with T1, and is compared with it within the run.
"""

import functools

import topologies
from measuring import ratio, round_robin, summarize
from report import Table, at_least, percent

NAME = "summaries"
TITLE = "Segments, windows and metrics"

PLAIN = "T1"
SETS = "T1 in five grouping sets"
WINDOWS = "T1 in windows of 1m, 1h and 1d"
TOP_FEW = "T1 and top(country, 20): 20 values"
BY_EVENT = "T1 by event alone"
TOP_MANY = "T1 by event alone and top(user, 20): more values than are counted exactly"
FIRST = "T1 and last(revenue)"
SHARE = "T1 and share_below(duration_ms, 300)"
EQUAL = "ten nodes like T1"
CUTS = "ten nodes of other windows and fields"

#: The job, and the share of T1's events per CPU-second that is asked for.
JOBS = {
    PLAIN: ("T1", None),
    SETS: ("T2", at_least(0.80)),
    WINDOWS: ("T1 in three windows", at_least(0.85)),
    TOP_FEW: ("T1 and top of few", at_least(0.70)),
    BY_EVENT: ("T1 by event", None),
    TOP_MANY: ("T1 by event and top", at_least(0.70)),
    FIRST: ("T1 and last", None),
    SHARE: ("T1 and share_below", None),
    EQUAL: ("T1", at_least(1 / 1.3)),
    CUTS: ("T1", at_least(1 / 3)),
}
#: What else their topologies say.
SHAPES = {EQUAL: {"copies": 10}, CUTS: {"segments": topologies.SEGMENTS}}
#: What is compared with another one than T1.
BASES = {TOP_MANY: BY_EVENT}


def run(bench):
    source = topologies.file_source(bench.event_file())
    competitors = {
        name: functools.partial(
            bench.measure_file, workers=1,
            file=bench.topology(f"bench_summaries_{position}", source, job, **SHAPES.get(name, {})))
        for position, (name, (job, _)) in enumerate(JOBS.items())}
    return [shares({name: summarize(bench.events, runs)
                    for name, runs in round_robin(competitors, bench.repeat, bench.say).items()})]


def shares(found):
    table = Table("Beside T1", ["", "events/CPU-s", "of T1", "target", "met", "peak MiB"])
    for name, (_, target) in JOBS.items():
        share = ratio(found[name].per_cpu_second, found[BASES.get(name, PLAIN)].per_cpu_second)
        table.add(name, found[name].per_cpu_second, percent(share), f"≥ {percent(target.bound)}" if target else "",
                  target.verdict(share) if target else "", found[name].peak_mib)
    table.note("By minute, event, platform and country; the last top is compared with T1 by event alone. What Postgres "
               "would have to write is not in it: a console prints one row.")
    return table
