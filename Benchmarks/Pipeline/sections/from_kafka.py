"""T1 from Kafka into Postgres from a standing start, beside librdkafka alone.

The events wait in the development broker: 64 partitions, lz4. A run is measured from the start of the process until
every event is committed and the process has ended in order.
"""

import functools
import subprocess

import floors
import topologies
from building import BenchmarkError
from context import PARTITIONS, Samples
from measuring import measure, measure_until, ratio, round_robin, summarize, sustained_rate
from report import Table, at_least, at_most, percent
from services import Broker, Postgres

NAME = "kafka"
TITLE = "From Kafka to Postgres"

SINGLE, LINES = "events", "event-lines"
LINES_PER_MESSAGE = 100
RATES = {SINGLE: at_least(550_000), LINES: at_least(1_400_000)}
OF_FLOOR = {SINGLE: at_least(0.55)}
PEAK = at_most(200, "MiB")
LABELS = {SINGLE: "one event per message", LINES: f"messages of {LINES_PER_MESSAGE} lines"}


def fill(bench, broker, topic, events):
    """Puts generated events into a topic of `PARTITIONS` partitions; LINES is the topic of messages of many lines."""
    if topic == SINGLE:
        subprocess.run(
            [bench.millrace, "generate", "--events", str(events), "--kafka", broker.address, "--topic", topic,
             "--compression", "lz4"], check=True, capture_output=True)
        return
    command = floors.feed_command(broker.address, topic, PARTITIONS, LINES_PER_MESSAGE)
    with open(bench.event_file(events), "rb") as file:
        subprocess.run(list(map(str, command)), check=True, stdin=file, stdout=subprocess.DEVNULL)


class KafkaRuns:
    """Runs of T1 from a topic into a table of its own, one after the other."""

    def __init__(self, bench, broker, postgres):
        self.bench = bench
        self.broker = broker
        self.postgres = postgres
        self.number = 0
        #: Sustained rates by topic.
        self.rates = {}

    def run(self, topic, events, job="T1"):
        self.number += 1
        name = f"bench_kafka_{self.number}"
        file = self.bench.topology(
            name, topologies.kafka_source(self.broker.address, topic, lines=topic == LINES), job,
            topologies.postgres_sink(self.postgres.url, name))
        samples = Samples(self.postgres, name, events)
        measured = measure_until(self.bench.command(file), samples.is_done)
        applied = int(self.postgres.session.value(f"SELECT sum(events) FROM {name}"))
        if applied != events:
            raise BenchmarkError(f"{name}: the table holds {applied} events, expected {events}")
        self.postgres.session.rows(f"DROP TABLE {name}")
        rate = sustained_rate(samples.samples)
        if rate:
            self.rates.setdefault(topic, []).append(rate)
        return measured


def run(bench):
    events = bench.kafka_events
    with Broker(bench.millrace, {SINGLE: PARTITIONS, LINES: PARTITIONS}, bench.scratch) as broker, \
            Postgres(bench.scratch / "postgres") as postgres:
        for topic in LABELS:
            bench.say(f"filling topic {topic}")
            fill(bench, broker, topic, events)
        runs = KafkaRuns(bench, broker, postgres)
        competitors = {}
        for topic in LABELS:
            messages = events if topic == SINGLE else -(-events // LINES_PER_MESSAGE)
            competitors["floor", topic] = functools.partial(measure, floors.count_command(
                broker.address, topic, PARTITIONS, messages))
            competitors["T1", topic] = functools.partial(runs.run, topic, events)
        found = {name: summarize(events, measured)
                 for name, measured in round_robin(competitors, bench.repeat, bench.say).items()}
    if runs.rates.get(SINGLE):
        bench.found["kafka rate"] = sorted(runs.rates[SINGLE])[len(runs.rates[SINGLE]) // 2]
    return [table(found, runs.rates, events)]


def table(found, sustained, events):
    result = Table("Rate and memory", ["", "events/CPU-s", "target", "met", "of librdkafka", "target", "met",
                                       "events/s", "peak MiB", "target", "met"])
    for (what, topic), summary in found.items():
        if what == "floor":
            result.add(f"librdkafka alone, {LABELS[topic]}", summary.per_cpu_second, "", "", "", "", "",
                       summary.per_second, summary.peak_mib, "", "")
            continue
        share = ratio(summary.per_cpu_second, found["floor", topic].per_cpu_second)
        rate, of_floor = RATES[topic], OF_FLOOR.get(topic)
        result.add(f"T1, {LABELS[topic]}", summary.per_cpu_second, str(rate), rate.verdict(summary.per_cpu_second),
                   percent(share), f"≥ {of_floor.bound:.0%}" if of_floor else "",
                   of_floor.verdict(share) if of_floor else "", summary.per_second, summary.peak_mib, str(PEAK),
                   PEAK.verdict(summary.peak_mib))
    result.note(f"{events:,} events wait in 64 partitions, compressed with lz4; default settings. The clock runs from "
                "the start of the process to its orderly end, joining the group included.")
    for topic, rates in sustained.items():
        result.note(f"Sustained between the first and the last commit, {LABELS[topic]}: "
                    f"{sorted(rates)[len(rates) // 2]:,.0f} events/s by the clock.")
    return result
