"""Whether the cost of an event stays the same as work grows: partitions, keys per window, nodes on the same fields; and
whether many instances can write one table.
"""

import functools
import itertools
import re
import subprocess
import time

import floors
import topologies
from building import BenchmarkError
from context import ONE_COMMIT, PARTITIONS
from measuring import Process, quantile, round_robin, summarize
from report import Table, at_least, at_most, number, percent
from sections import from_kafka, latency
from services import Broker, Postgres

NAME = "scaling"
TITLE = "Cost as work grows"

#: One partition of the development broker keeps 5 MiB: this many events when there are only four different ones.
PARTITION_EVENTS = 200_000
DIFFERENT = 4
SAME = at_least(0.8)
TEN_NODES = at_most(3)
#: Instances, events per second, and the 99th percentile of event to row.
INSTANCES = ((6, 60_000, at_most(1.0, "s")), (12, 20_000, at_most(1.5, "s")))
INSTANCE_PARTITIONS = 12
NO_DEADLOCKS = at_most(0)


def run(bench):
    return [partitions(bench), keys(bench), nodes(bench), instances(bench)]


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


class Instances:
    """Several processes of one topology, which begin and end together."""

    def __init__(self, commands):
        self.processes = [Process(command) for command in commands]

    def has_ended(self):
        """Whether any of them has: none should."""
        return any(process.has_ended() for process in self.processes)

    def errors(self):
        return "\n".join(process.errors() for process in self.processes)

    def finish(self):
        for process in self.processes:
            process.stop()
        return [process.finish() for process in self.processes]

    def kill(self):
        for process in self.processes:
            process.kill()


def wrong_counts(delivered, read, applied, stored):
    """What is wrong with the books of a run in which every event is good; empty when all agree."""
    found = {"read": read, "applied": applied, "in the table": stored}
    return [f"{count:,} {name}, {delivered:,} delivered" for name, count in found.items() if count != delivered]


def deadlocks(postgres):
    """Deadlocks of the database so far. Only backends that have ended or are idle have reported all of theirs."""
    return int(postgres.session.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))


def several(bench, count, rate):
    """Runs `count` instances at `rate` events per second; latencies, deadlocks, what is wrong with the counts, and the
    load that was produced."""
    name = f"bench_instances_{count}"
    with Broker(bench.millrace, {from_kafka.SINGLE: INSTANCE_PARTITIONS}, bench.scratch) as broker, \
            Postgres(bench.scratch / "postgres") as postgres:
        file = bench.topology(name, topologies.kafka_source(broker.address, from_kafka.SINGLE), "T1",
                              topologies.postgres_sink(postgres.url, name))
        group = Instances([bench.command(file, memory="64MiB")] * count)
        load = Process([bench.millrace, "generate", "--rate", rate, "--start", "now", "--kafka", broker.address,
                        "--topic", from_kafka.SINGLE])
        try:
            bench.say(f"{count} instances: warming up at {rate:,} events/s")
            latency.until_committed(postgres, group, name)
            time.sleep(latency.WARM_UP_SECONDS)
            postgres.session.rows(f"CREATE INDEX ON {name} (event) WHERE event >= 'probe-' AND event < 'probe.'")
            # What happens while the instances join one by one is part of it.
            probes = latency.Probes(bench, broker, postgres, name, INSTANCE_PARTITIONS)
            bench.say(f"{count} instances: probing for {bench.options.instance_seconds} s")
            probes.run(bench.options.instance_seconds, group)
            probes.close()
            load.stop()
            wall = load.finish().wall
            match = re.search(r"delivered (\d+) messages", load.errors())
            delivered = (int(match[1]) if match else 0) + len(probes.latencies)
            until_read(postgres, group, name, delivered)
            group.finish()
        finally:
            load.kill()
            group.kill()
        read, applied = map(int, postgres.session.rows(
            f"SELECT sum(read), sum(applied) FROM millrace.partitions WHERE topology = '{name}'")[0])
        stored = int(postgres.session.value(f"SELECT sum(events) FROM {name}"))
        return probes.latencies, deadlocks(postgres), wrong_counts(delivered, read, applied, stored), delivered / wall


def until_read(postgres, group, name, events):
    deadline = time.monotonic() + 120
    while postgres.events_read(name) < events:
        if group.has_ended() or time.monotonic() > deadline:
            raise BenchmarkError(f"{postgres.events_read(name):,} of {events:,} events were committed:\n{group.errors()}")
        time.sleep(0.2)


def instances(bench):
    result = Table("Several instances that write one table: T1 from Kafka",
                   ["", "p50, s", "p99, s", "target", "met", "deadlocks", "counts exact", "load produced, events/s"])
    for count, rate, target in INSTANCES:
        latencies, locked, wrong, produced = several(bench, count, rate)
        p99 = quantile(latencies, 0.99)
        result.add(f"{count} instances, {rate:,} events/s", number(quantile(latencies, 0.5)), number(p99), str(target),
                   target.verdict(p99), locked, "yes" if not wrong else "no", produced)
        if wrong:
            bench.fail(f"{NAME}: {count} instances: {'; '.join(wrong)}")
        if NO_DEADLOCKS.verdict(locked) != "yes":
            bench.fail(f"{NAME}: {count} instances: {locked} deadlocks, expected none")
        if produced < latency.REACHED * rate:
            result.note(f"**The load of {rate:,} events/s was not reached**: the machine has no room for the generator.")
    result.note(f"{INSTANCE_PARTITIONS} partitions, `memory: 64MiB` each, {bench.options.instance_seconds} s. Event produced "
                "to row visible, as in the section on latency. Generator, broker, Postgres and all instances run on the "
                "same cores.")
    return result
