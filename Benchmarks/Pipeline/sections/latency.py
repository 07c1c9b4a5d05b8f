"""From producing an event to seeing it in Postgres, at half of the greatest load.

While `millrace generate` keeps the load, a probe event with a name of its own is produced every 50 ms (`event` is
`probe-N`, so T1 makes a row of its own for it). A poller on one connection asks every 10 ms which probes have a row. A
probe's latency is the time from handing it to the producer, which sends it at once, to the answer that shows its row:
broker, engine, commit and at most one interval of the poller are in it. What is asked for is in a partial index that
holds probes only, so that asking costs next to nothing.
"""

import datetime
import json
import re
import subprocess
import time

import floors
import topologies
from building import BenchmarkError
from context import PARTITIONS
from measuring import Process, quantile
from report import Table, at_most, number
from sections import from_kafka
from services import Broker, Postgres

NAME = "latency"
TITLE = "Latency"

PROBE_EVERY = 0.05
POLL_EVERY = 0.01
WARM_UP_SECONDS = 8
#: Enough for a rate: a start from nothing takes a second or two of it.
RATE_EVENTS_MAX = 1_000_000
#: A generator below this share of its rate has too little of the machine.
REACHED = 0.95
P50, P99 = at_most(0.5, "s"), at_most(1.5, "s")


def probe_line(sequence, now):
    """An event like those of the load, with a name of its own."""
    return json.dumps({
        "ts": now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03}Z", "event": f"probe-{sequence:06}",
        "user": f"u{sequence:08x}", "platform": "probe", "country": "ZZ", "duration_ms": sequence, "revenue": 1.25,
    }, separators=(",", ":")) + "\n"


def greatest_rate(bench):
    """Events per second that T1 takes from Kafka, from the section that measured it or from a run here."""
    if "kafka rate" not in bench.found:
        events = min(bench.kafka_events, RATE_EVENTS_MAX)
        bench.say("measuring the greatest rate first")
        with Broker(bench.millrace, {from_kafka.SINGLE: PARTITIONS}, bench.scratch) as broker, \
                Postgres(bench.scratch / "postgres") as postgres:
            from_kafka.fill(bench, broker, from_kafka.SINGLE, events)
            runs = from_kafka.KafkaRuns(bench, broker, postgres)
            runs.run(from_kafka.SINGLE, events)
            if from_kafka.SINGLE not in runs.rates:
                raise BenchmarkError("too few events to find the greatest rate: give --rate, or more --events")
            bench.found["kafka rate"] = runs.rates[from_kafka.SINGLE][0]
    return bench.found["kafka rate"]


class Probes:
    """Produces probes and notes when each was produced and when its row was first seen."""

    def __init__(self, bench, broker, postgres, table, partitions=PARTITIONS):
        command = floors.feed_command(broker.address, from_kafka.SINGLE, partitions, 1, linger_ms=0)
        self.producer = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, bufsize=1)
        self.postgres = postgres
        self.table = table
        self.produced = {}
        self.latencies = []

    def produce(self):
        sequence = len(self.produced) + len(self.latencies)
        line = probe_line(sequence, datetime.datetime.now(datetime.timezone.utc))
        self.produced[f"probe-{sequence:06}"] = time.monotonic()
        self.producer.stdin.write(line)
        self.producer.stdin.flush()

    def look(self):
        if not self.produced:
            return
        oldest = next(iter(self.produced))
        rows = self.postgres.session.rows(
            f"SELECT event FROM {self.table} WHERE event >= 'probe-' AND event < 'probe.' AND event >= '{oldest}'")
        seen = time.monotonic()
        for (name,) in rows:
            began = self.produced.pop(name, None)
            if began is not None:
                self.latencies.append(seen - began)

    def run(self, seconds, process):
        """Produces for `seconds` and looks until every probe was seen."""
        begin = time.monotonic()
        due = begin
        while time.monotonic() < begin + seconds or self.produced:
            now = time.monotonic()
            if now >= due and now < begin + seconds:
                self.produce()
                due += PROBE_EVERY
            self.look()
            if process.has_ended():
                raise BenchmarkError(f"millrace ended under load:\n{process.errors()}")
            if now > begin + seconds + 60:
                raise BenchmarkError(f"{len(self.produced)} probes were not seen after 60 s")
            time.sleep(POLL_EVERY)

    def close(self):
        self.producer.stdin.close()
        self.producer.wait()


def run(bench):
    rate = bench.options.rate or int(greatest_rate(bench) / 2)
    name = "bench_latency"
    with Broker(bench.millrace, {from_kafka.SINGLE: PARTITIONS}, bench.scratch) as broker, \
            Postgres(bench.scratch / "postgres") as postgres:
        file = bench.topology(name, topologies.kafka_source(broker.address, from_kafka.SINGLE), "T1",
                              topologies.postgres_sink(postgres.url, name))
        process = Process(bench.command(file))
        load = Process([bench.millrace, "generate", "--rate", rate, "--start", "now", "--kafka", broker.address,
                        "--topic", from_kafka.SINGLE])
        try:
            bench.say(f"warming up at {rate:,} events/s")
            until_committed(postgres, process, name)
            time.sleep(WARM_UP_SECONDS)
            postgres.session.rows(f"CREATE INDEX ON {name} (event) WHERE event >= 'probe-' AND event < 'probe.'")
            probes = Probes(bench, broker, postgres, name)
            before, began = postgres.events_read(name), time.monotonic()
            bench.say(f"probing for {bench.options.seconds} s")
            probes.run(bench.options.seconds, process)
            achieved = (postgres.events_read(name) - before) / (time.monotonic() - began)
            probes.close()
            load.stop()
            produced = delivered(load)
            process.stop()
            measured = process.finish()
        finally:
            load.kill()
            process.kill()
    return [table(probes.latencies, rate, produced, achieved, measured)]


def delivered(load):
    """Events per second that a finished `millrace generate` has delivered, from what it says at its end."""
    wall = load.finish().wall
    match = re.search(r"delivered (\d+) messages", load.errors())
    return int(match[1]) / wall if match else 0.0


def until_committed(postgres, process, name):
    deadline = time.monotonic() + 60
    while postgres.events_read(name) == 0:
        if process.has_ended() or time.monotonic() > deadline:
            raise BenchmarkError(f"nothing was committed:\n{process.errors()}")
        time.sleep(0.2)


def table(latencies, rate, produced, achieved, measured):
    result = Table("Event produced to row visible", ["", "measured", "target", "met"])
    for label, q, target in (("p50, s", 0.5, P50), ("p90, s", 0.9, None), ("p99, s", 0.99, P99), ("most, s", 1, None)):
        value = quantile(latencies, q)
        result.add(label, number(value), str(target or ""), target.verdict(value) if target else "")
    result.add("load asked for, events/s", rate, "", "")
    result.add("load produced, events/s", produced, "", "")
    result.add("load committed while probing, events/s", achieved, "", "")
    result.add("peak memory, MiB", measured.peak_mib, "", "")
    result.note(f"{len(latencies)} probe events, one every {PROBE_EVERY * 1000:.0f} ms among the load; seen by asking "
                f"every {POLL_EVERY * 1000:.0f} ms. Generator, broker and Postgres run on the same cores.")
    if produced < REACHED * rate:
        result.note("**The load asked for was not reached**: the machine has no room for the generator beside it.")
    return result
