"""What it costs to run as a service: T1 from Kafka by `serve` beside `run`, also while three browsers show its page, ten
topologies that have nothing to do, and how long a start takes.

Every process begins at the same place, with all events waiting, and ends in order when they are committed.
"""

import functools
import http.cookiejar
import os
import pathlib
import threading
import time
import urllib.parse
import urllib.request

import topologies
from building import BenchmarkError
from context import PARTITIONS, Samples
from measuring import Process, measure_until, ratio, round_robin, summarize
from report import Table, at_least, at_most, percent
from sections import from_kafka
from services import Broker, Postgres, free_port

NAME = "serving"
TITLE = "As a service"

RUN, SERVE, WATCHED = "run", "serve", "serve, and its page in three browsers"
SHARE = at_least(0.98)
#: MiB above that of `run`.
GROWTH = {SERVE: at_most(8, "MiB"), WATCHED: at_most(16, "MiB")}
IDLE = at_most(0.5, "% of a core")
#: From the start of the process to the first commit that others can see.
START = at_most(0.5, "s")
BROWSERS = 3
IDLE_TOPOLOGIES, IDLE_SECONDS = 10, 30
#: The first seconds of a process are not those of one that rests.
SETTLE_SECONDS = 10
STARTS = 7


def run(bench):
    events = bench.kafka_events
    topics = {from_kafka.SINGLE: PARTITIONS, "quiet": 4}
    with Broker(bench.millrace, topics, bench.scratch) as broker, Postgres(bench.scratch / "serving-postgres") as postgres:
        bench.say("filling the topic")
        from_kafka.fill(bench, broker, from_kafka.SINGLE, events)
        service = Service(bench, broker, postgres)
        competitors = {RUN: functools.partial(service.run, events)}
        competitors |= {name: functools.partial(service.serve, events, name == WATCHED) for name in (SERVE, WATCHED)}
        found = {name: summarize(events, measured)
                 for name, measured in round_robin(competitors, bench.repeat, bench.say).items()}
        bench.say(f"{IDLE_TOPOLOGIES} topologies with nothing to do")
        idle = service.idle()
        bench.say("starts")
        starts = sorted(service.start(number) for number in range(STARTS))
    return [load(found, events), rest(idle, starts)]


class Service:
    """Runs of T1 into tables of their own, one after the other."""

    def __init__(self, bench, broker, postgres):
        self.bench = bench
        self.broker = broker
        self.postgres = postgres
        self.number = 0

    def topology(self, topic=from_kafka.SINGLE):
        self.number += 1
        name = f"bench_serving_{self.number}"
        return name, self.bench.topology(
            name, topologies.kafka_source(self.broker.address, topic), "T1",
            topologies.postgres_sink(self.postgres.url, name))

    def run(self, events):
        name, file = self.topology()
        return measure_until(self.bench.command(file), Samples(self.postgres, name, events).is_done)

    def serve(self, events, is_watched):
        name, file = self.topology()
        self.bench.tell(self.postgres, "deploy", file, "--wait", "0s")
        token = self.bench.scratch / "token"
        port = free_port()
        listen = ["--listen", f"127.0.0.1:{port}", "--token-file", token] if is_watched else []
        browsers = Browsers(f"http://127.0.0.1:{port}", token, [f"/topologies/{name}"] * BROWSERS if is_watched else [])
        try:
            with browsers:
                return measure_until(self.daemon(*listen), Samples(self.postgres, name, events).is_done)
        finally:
            browsers.check()
            self.bench.tell(self.postgres, "remove", name, "--wait", "0s")

    def daemon(self, *options):
        return [self.bench.millrace, "serve", "--database", self.postgres.url, "--log-level", "error", *options]

    def idle(self):
        """Per cent of a core that a process with topologies over a topic without events takes."""
        names = []
        for _ in range(IDLE_TOPOLOGIES):
            name, file = self.topology("quiet")
            self.bench.tell(self.postgres, "deploy", file, "--wait", "0s")
            names.append(name)
        process = Process(self.daemon())
        try:
            running = "SELECT count(*) FROM millrace.states WHERE state = 'running'"
            deadline = time.monotonic() + 60
            while int(self.postgres.session.value(running)) < IDLE_TOPOLOGIES:
                if time.monotonic() > deadline or process.has_ended():
                    raise BenchmarkError(f"ten idle topologies did not come up: {process.errors()}")
                time.sleep(0.2)
            time.sleep(SETTLE_SECONDS)
            before, began = ticks(process.pid), time.monotonic()
            time.sleep(IDLE_SECONDS)
            return 100 * (ticks(process.pid) - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - began)
        finally:
            process.stop()
            process.finish()
            process.kill()
            for name in names:
                self.bench.tell(self.postgres, "remove", name, "--wait", "0s")

    def start(self, number):
        """Seconds from the start of a process over a file to its first commit."""
        name = f"bench_start_{number}"
        file = self.bench.topology(
            name, topologies.file_source(self.bench.event_file()), "T1", topologies.postgres_sink(self.postgres.url, name))
        process = Process(self.bench.command(file, commit_interval=10))
        try:
            while self.postgres.events_read(name) == 0:
                if process.has_ended():
                    raise BenchmarkError(f"no commit was seen: {process.errors()}")
                time.sleep(0.002)
            return time.monotonic() - process.began
        finally:
            process.stop()
            process.finish()
            process.kill()


def ticks(pid):
    """What a process has had of the processors, in ticks of the kernel's clock."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


class Browsers:
    """What browsers that show a page ask for: it anew, a second after each answer."""

    def __init__(self, address, token, paths):
        self.address = address
        self.token = token
        self.looks = [0] * len(paths)
        self.failure = None
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self.look, args=(n, path)) for n, path in enumerate(paths)]

    def look(self, number, path):
        try:
            browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
            while not self.is_over.is_set():
                try:
                    form = urllib.parse.urlencode({"token": self.token.read_text(encoding="ascii").strip()}).encode()
                    browser.open(self.address + "/sign-in", form, timeout=10).read()
                    break
                except (OSError, ValueError):
                    # It has just been started.
                    self.is_over.wait(0.1)
            while not self.is_over.wait(1):
                page = browser.open(self.address + path, timeout=10).read()
                if b'id="content"' not in page:
                    raise BenchmarkError("the page has no content")
                self.looks[number] += 1
        except Exception as error:
            # The last look may meet the end of the process.
            if not self.is_over.wait(5):
                self.failure = error

    def check(self):
        """Raises BenchmarkError when they did not see the page."""
        if self.failure or 0 in self.looks:
            raise BenchmarkError(f"the page was seen {self.looks} times: {self.failure}")

    def __enter__(self):
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join()


def load(found, events):
    table = Table("T1 from Kafka", ["", "events/CPU-s", "of run", "target", "met", "peak MiB", "more", "target", "met"])
    base = found[RUN]
    for name, summary in found.items():
        if name == RUN:
            table.add(name, summary.per_cpu_second, "", "", "", summary.peak_mib, "", "", "")
            continue
        share, growth = ratio(summary.per_cpu_second, base.per_cpu_second), summary.peak_mib - base.peak_mib
        table.add(name, summary.per_cpu_second, percent(share), f"≥ {percent(SHARE.bound)}", SHARE.verdict(share),
                  summary.peak_mib, growth, str(GROWTH[name]), GROWTH[name].verdict(growth))
    table.note(f"{events:,} events wait in {PARTITIONS} partitions. Whole processes, so start and end are in it; a browser "
               "asks for the page of the topology a second after each answer.")
    return table


def rest(idle, starts):
    table = Table("At rest and at the start", ["", "measured", "target", "met"])
    table.add(f"{IDLE_TOPOLOGIES} topologies without events: % of a core", idle, str(IDLE), IDLE.verdict(idle))
    middle = starts[len(starts) // 2]
    table.add("from the start of run to the first commit: s", middle, str(START), START.verdict(middle))
    table.note(f"The core: over {IDLE_SECONDS} s. The start: median of {len(starts)}, over a file, commits every 10 ms; "
               f"the slowest {max(starts):.2f} s.")
    return table
