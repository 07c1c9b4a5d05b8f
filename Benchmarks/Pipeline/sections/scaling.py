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
    topics = {f"partitions-{count}": count for count in counts} | {f"start-{count}": count for count in counts}
    with Broker(bench.millrace, topics, bench.scratch) as broker, \
            Postgres(bench.scratch / "postgres") as postgres:
        for topic, count in topics.items():
            bench.say(f"filling a topic of {count} partition(s)")
            events = b"".join(lines) if topic.startswith("start") else payload
            subprocess.run(list(map(str, floors.feed_command(broker.address, topic, count, 1))), input=events,
                           check=True, stdout=subprocess.DEVNULL)
        runs = from_kafka.KafkaRuns(bench, broker, postgres)
        sizes = {topic: DIFFERENT if topic.startswith("start") else PARTITION_EVENTS for topic in topics}
        found = {topic: summarize(sizes[topic], measured) for topic, measured in round_robin(
            {topic: functools.partial(runs.run, topic, size) for topic, size in sizes.items()},
            bench.repeat, lambda text: bench.say(f"partitions, {text}")).items()}
    result = Table("Partitions: T1 from Kafka to Postgres",
                   ["", "events/CPU-s", "of one partition", "target", "met", "CPU s of the start"])
    rates = {count: (PARTITION_EVENTS - DIFFERENT) / (found[f"partitions-{count}"].cpu - found[f"start-{count}"].cpu)
             for count in counts}
    share = rates[PARTITIONS] / rates[1]
    result.add("1 partition", rates[1], "", "", "", number(found["start-1"].cpu))
    result.add(f"{PARTITIONS} partitions", rates[PARTITIONS], percent(share), f"≥ {SAME.bound:.0%}",
               SAME.verdict(share), number(found[f"start-{PARTITIONS}"].cpu))
    result.note(f"{PARTITION_EVENTS:,} events, four different ones again and again: no more fit into one partition of "
                "the broker. For so few, starting up and joining the group would count for half: a run with four events "
                "is measured in the same round and taken off.")
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
    source = topologies.file_source(bench.event_file())
    files = {
        "1 node": bench.topology("bench_nodes_1", source, "T1", None),
        "10 nodes, each with a window and fields of its own":
            bench.topology("bench_nodes_segments", source, "T1", None, segments=topologies.SEGMENTS),
        "10 nodes, all as the one": bench.topology("bench_nodes_10", source, "T1", None, copies=10),
    }
    found = {name: summarize(bench.events, measured) for name, measured in round_robin(
        {name: functools.partial(bench.measure_file, file, workers=1, commit_interval=ONE_COMMIT)
         for name, file in files.items()}, bench.repeat, lambda text: bench.say(f"nodes, {text}")).items()}
    result = Table("`summarize` nodes on the same fields: T1 from file",
                   ["", "events/CPU-s", "times the cost of one", "target", "met", "peak MiB"])
    one = found["1 node"]
    for name, summary in found.items():
        if summary is one:
            result.add(name, one.per_cpu_second, "", "", "", one.peak_mib)
            continue
        cost = summary.cpu / one.cpu
        result.add(name, summary.per_cpu_second, number(cost), str(TEN_NODES), TEN_NODES.verdict(cost),
                   summary.peak_mib)
    result.note("One worker, one commit, no sink. All nodes have the metrics of T1.")
    return result
