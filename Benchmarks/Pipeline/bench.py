#!/usr/bin/env python3
"""Runs the benchmark pipelines and prints a table; `scripts/bench` builds what it needs and calls it."""

import argparse
import os
import pathlib
import platform
import re
import resource
import signal
import statistics
import subprocess
import sys
import time

import services

ROOT = pathlib.Path(__file__).resolve().parents[2]
MILLRACE = ROOT / ".build/release/millrace"
WORK = ROOT / ".build/bench"
TOPIC = "game.events"

RECORDS = """
  records:
    from: events
    parse_json:
      event_time: ts
      fields: {ts: timestamp, event: text, user: text, platform: text, country: text, item: text,
               duration_ms: integer, revenue: decimal(2)}
"""
SUMMARIES = {
    "T1": """
  groups:
    from: records
    summarize:
      window: 1m
      by: [event, platform, country]
      metrics:
        events: count()
        users: uniques(user)
        duration: percentiles(duration_ms, 50, 95, 99)
        revenue: sum(revenue)
""",
    "T3": """
  groups:
    from: records
    summarize:
      by: [item]
      metrics:
        events: count()
        users: uniques(user)
        duration: percentiles(duration_ms, 50, 95, 99)
""",
}
# Only the fields a pipeline needs are declared, as its user would.
UNUSED = {"T1": "item: text,", "T3": "country: text, "}


class Measurement:
    """CPU seconds, wall seconds and peak memory of one process from its start to its end."""

    def __init__(self, usage: resource.struct_rusage, wall: float):
        self.cpu = usage.ru_utime + usage.ru_stime
        self.wall = wall
        self.peak_mib = usage.ru_maxrss / 1024


def measure(command, environment=None, until=None, stdout=subprocess.DEVNULL):
    """Runs `command` to its end, or until `until()` holds and then ends it with SIGTERM."""
    began = time.monotonic()
    process = subprocess.Popen(
        list(map(str, command)), env={**os.environ, **(environment or {})}, stdout=stdout, stderr=subprocess.PIPE)
    if until is not None:
        while process.poll() is None and not until():
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
    errors = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"bench: {command[1]} ended with {process.returncode}:\n{errors}")
    return Measurement(usage, time.monotonic() - began)


def topology(name, source, summary, sink):
    path = WORK / f"{name}.yaml"
    records = RECORDS.replace(UNUSED.get(summary, ""), "")
    path.write_text(f"topology: {name}\nnodes:\n  events:\n    {source}{records}{SUMMARIES[summary]}"
                    f"  out:\n    from: groups\n    {sink}\n")
    return path


def event_file(count):
    path = WORK / f"events-{count}.ndjson"
    if not path.exists():
        subprocess.run([MILLRACE, "generate", "--events", str(count), "--output", path], check=True)
    return path


class Report:
    """Rows of the table; the median over the repetitions."""

    def __init__(self, events):
        self.events = events
        self.floors = {}

    def add(self, what, runs, floor=None, is_floor=False):
        rate = self.events / statistics.median(run.cpu for run in runs)
        wall = self.events / statistics.median(run.wall for run in runs)
        peak = max(run.peak_mib for run in runs)
        ratio = f"{rate / self.floors[floor]:6.0%} of {floor}" if floor in self.floors else ""
        if is_floor:
            self.floors[what] = rate
        print(f"{what:44} {rate:12,.0f} {wall:12,.0f} {peak:8.0f}   {ratio}", flush=True)


def json_floor(path):
    """simdjson's On-Demand over the same file, from the comparison program."""
    output = subprocess.run(
        [ROOT / "Benchmarks/JSONFloor/run", path], check=True, capture_output=True, text=True).stdout
    print(output.rstrip())
    for line in output.splitlines():
        if "On-Demand" in line or "ondemand" in line.lower():
            numbers = [float(text.replace(",", "")) for text in re.findall(r"[\d,.]+", line) if re.search(r"\d{4}", text)]
            if numbers:
                return numbers[0]
    return None


def from_file(report, events, repeat):
    path = event_file(events)
    for summary in SUMMARIES:
        file = topology(f"bench_file_{summary.lower()}", f"file: {path}", summary, "console: { max_rows: 1 }")
        for workers in (1, 2):
            command = [MILLRACE, "run", file, "--progress", "none", "--workers", workers, "--log-level", "error"]
            report.add(f"{summary} from file, {workers} worker(s)", [measure(command) for _ in range(repeat)],
                       floor="simdjson On-Demand")


def from_kafka(report, events, repeat):
    path = event_file(events)
    broker = services.Broker(MILLRACE, TOPIC, WORK)
    postgres = services.Postgres(WORK / "postgres")
    try:
        subprocess.run(
            [MILLRACE, "generate", "--events", str(events), "--kafka", broker.address, "--topic", TOPIC,
             "--compression", "lz4"], check=True, stdout=subprocess.DEVNULL)
        count = ["kcat", "-C", "-e", "-q", "-b", broker.address, "-t", TOPIC, "-o", "beginning", "-f", ""]
        report.add("librdkafka alone (kcat)", [measure(count) for _ in range(repeat)], is_floor=True)
        runs = []
        for number in range(repeat):
            name = f"bench_kafka_{number}"
            file = topology(name, f"kafka: {{ brokers: \"{broker.address}\", topics: [{TOPIC}] }}", "T1",
                            f"postgres: {{ url: \"{postgres.url}\", table: {name} }}")

            def is_done():
                try:
                    done = postgres.query(f"SELECT sum(read) FROM millrace.partitions WHERE topology = '{name}'")
                except subprocess.CalledProcessError:
                    return False  # the schema is not there yet
                return done != "" and int(done) >= events

            command = [MILLRACE, "run", file, "--progress", "none", "--log-level", "error"]
            runs.append(measure(command, until=is_done))
            applied = postgres.query(f"SELECT sum(events) FROM {name}")
            if int(applied) != events:
                sys.exit(f"bench: the table holds {applied} events, expected {events}")
        report.add("T1 from Kafka to Postgres", runs, floor="librdkafka alone (kcat)")
    finally:
        postgres.stop()
        broker.stop()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=2_000_000, help="events of 346 bytes on average")
    arguments.add_argument("--repeat", type=int, default=3, help="runs of each; the median is printed")
    arguments.add_argument("--only", default="file,kafka", help="file, kafka, sketches; comma-separated")
    options = arguments.parse_args()
    parts = options.only.split(",")
    WORK.mkdir(parents=True, exist_ok=True)
    version = subprocess.run([MILLRACE, "version"], check=True, capture_output=True, text=True).stdout.strip()
    print(f"{version}\n{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
          f"{options.events:,} events, median of {options.repeat}\n")
    report = Report(options.events)
    if "file" in parts:
        floor = json_floor(event_file(options.events))
        if floor:
            report.floors["simdjson On-Demand"] = floor
    print(f"\n{'':44} {'events/CPU-s':>12} {'events/s':>12} {'peak MiB':>8}")
    if "file" in parts:
        from_file(report, options.events, options.repeat)
    if "kafka" in parts:
        from_kafka(report, options.events, options.repeat)
    if "sketches" in parts:
        subprocess.run(["swift", "run", "-c", "release", "--package-path", ROOT / "Benchmarks", "SketchBenchmark",
                        "--quick"], check=True)


if __name__ == "__main__":
    main()
