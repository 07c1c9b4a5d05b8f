"""Whether the cost of an event stays the same as work grows: partitions, keys per window, nodes on the same fields."""

import functools
import itertools
import subprocess

import floors
import topologies
from context import ONE_COMMIT, PARTITIONS
from measuring import round_robin, summarize
from report import Table, at_least, at_most, number, percent
from sections import from_kafka
from services import Broker, Postgres

NAME = "scaling"
TITLE = "Cost as work grows"

#: One partition of the development broker keeps 5 MiB: this many events when there are only four different ones.
PARTITION_EVENTS = 200_000
DIFFERENT = 4
SAME = at_least(0.8)
TEN_NODES = at_most(3)


def run(bench):
    return [partitions(bench), keys(bench), nodes(bench)]


def partitions(bench):
    with open(bench.event_file(), "rb") as file:
        lines = list(itertools.islice(file, DIFFERENT))
    payload = b"".join(lines) * (PARTITION_EVENTS // DIFFERENT)
    counts = (1, PARTITIONS)
    with Broker(bench.millrace, {f"partitions-{count}": count for count in counts}, bench.scratch) as broker, \
            Postgres(bench.scratch / "postgres") as postgres:
        for count in counts:
            bench.say(f"filling a topic of {count} partition(s)")
            subprocess.run(list(map(str, floors.feed_command(
                broker.address, f"partitions-{count}", count, 1))), input=payload, check=True,
                stdout=subprocess.DEVNULL)
        runs = from_kafka.KafkaRuns(bench, broker, postgres)
        found = {count: summarize(PARTITION_EVENTS, measured) for count, measured in round_robin(
            {count: functools.partial(runs.run, f"partitions-{count}", PARTITION_EVENTS) for count in counts},
            bench.repeat, lambda text: bench.say(f"partitions, {text}")).items()}
    result = Table("Partitions: T1 from Kafka to Postgres", ["", "events/CPU-s", "of one partition", "target", "met"])
    base = found[1].per_cpu_second
    result.add("1 partition", base, "", "", "")
    share = found[PARTITIONS].per_cpu_second / base
    result.add(f"{PARTITIONS} partitions", found[PARTITIONS].per_cpu_second, percent(share), f"≥ {SAME.bound:.0%}",
               SAME.verdict(share))
    result.note(f"{PARTITION_EVENTS:,} events, four different ones again and again: no more fit into one partition of "
                "the broker.")
    return result


def keyed_file(bench, distinct):
    """The generated events with a field `k` in front, of `distinct` values that are all as long."""
    path = bench.work / f"events-{bench.events}-keys-{distinct}.ndjson"
    if not path.exists():
        bench.say(f"writing events of {distinct:,} keys")
        part = path.with_suffix(".part")
        with open(bench.event_file(), "rb") as file, open(part, "wb") as out:
            # A prime step visits all keys, far from each other.
            out.writelines(b'{"k":"%07d",%b' % (number * 7_368_787 % distinct, line[1:])
                           for number, line in enumerate(file))
        part.rename(path)
    return path


def keys(bench):
    counts = (10, 1_000_000)
    files = {}
    for count in counts:
        name = f"bench_keys_{count}"
        files[count] = bench.topology(name, topologies.file_source(keyed_file(bench, count)), "count by key", None)
    found = {count: summarize(bench.events, measured) for count, measured in round_robin(
        {count: functools.partial(bench.measure_file, file, workers=1, commit_interval=ONE_COMMIT)
         for count, file in files.items()}, bench.repeat, lambda text: bench.say(f"keys, {text}")).items()}
    result = Table("Keys of a window: only count(), from file",
                   ["", "events/CPU-s", "of ten keys", "target", "met", "peak MiB"])
    few, many = (found[count] for count in counts)
    share = many.per_cpu_second / few.per_cpu_second
    result.add("10 keys", few.per_cpu_second, "", "", "", few.peak_mib)
    result.add("1,000,000 keys", many.per_cpu_second, percent(share), f"≥ {SAME.bound:.0%}", SAME.verdict(share),
               many.peak_mib)
    result.note("One worker, one commit, no sink.")
    return result


def nodes(bench):
    files = {copies: bench.topology(f"bench_nodes_{copies}", topologies.file_source(bench.event_file()), "T1", None,
                                    copies=copies) for copies in (1, 10)}
    found = {copies: summarize(bench.events, measured) for copies, measured in round_robin(
        {copies: functools.partial(bench.measure_file, file, workers=1, commit_interval=ONE_COMMIT)
         for copies, file in files.items()}, bench.repeat, lambda text: bench.say(f"nodes, {text}")).items()}
    result = Table("`summarize` nodes on the same fields: T1 from file",
                   ["", "events/CPU-s", "times the cost of one", "target", "met", "peak MiB"])
    cost = found[10].cpu / found[1].cpu
    result.add("1 node", found[1].per_cpu_second, "", "", "", found[1].peak_mib)
    result.add("10 nodes", found[10].per_cpu_second, number(cost), str(TEN_NODES), TEN_NODES.verdict(cost),
               found[10].peak_mib)
    result.note("One worker, one commit, no sink.")
    return result
