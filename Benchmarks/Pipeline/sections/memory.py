"""A budget that holds: 5 million keys within 256 MiB, while Postgres is slowed to a crawl for 20 s.

The events wait in the development broker, 100 in a message, and come as fast as Kafka gives them. Once the first are
committed, the backends of Millrace are stopped and continued by signals, so that they work for a fiftieth of the time.
The process's anonymous memory, which `memory:` bounds, is sampled; beside it stands the kernel's own peak, with the pages
of the program's files, which must fit into a container 64 MiB above the budget. Afterwards the ledger and the table must
hold every event. The same again in a control group of such a size, where the system lets us make one.
"""

import os
import random
import signal
import subprocess
import time

import floors
import topologies
from building import BenchmarkError
from control_group import ControlGroup
from measuring import Process, anonymous_mib
from report import Table, at_most, number
from services import Broker, Postgres

NAME = "memory"
TITLE = "A memory budget that holds"

TOPIC, PARTITIONS = "keys", 128
BUDGET_MIB = 256
ANONYMOUS = at_most(BUDGET_MIB * 1.15, "MiB")
#: What docs/ARCHITECTURE.md advises as the limit of a container.
GROUP_MIB = BUDGET_MIB + 64
PEAK = at_most(GROUP_MIB, "MiB")
SLOW_SECONDS = 20
STOPPED, RUNNING = 0.49, 0.01
#: One event in six meets a key that was seen before.
REPEATED = 5
WAIT_SECONDS = 1_200


def key_file(bench, keys):
    """Events {"k", "u", "v"} of `keys` distinct keys, a fifth more events than keys; the path and how many events."""
    path = bench.work / f"keys-{keys}.ndjson"
    events = keys + keys // REPEATED
    if not path.exists():
        bench.say(f"writing {events:,} events of {keys:,} keys")
        part = path.with_suffix(".part")
        chance = random.Random(1)
        with open(part, "wb") as out:
            # A prime step visits every key once, far from each other.
            out.writelines(b'{"k":"key-%08x","u":"u%07x","v":%d}\n' % (
                (number_of * 7_368_787) % keys, chance.getrandbits(28), chance.getrandbits(20))
                for number_of in range(events))
        part.rename(path)
    return path, events


def slow_down(postgres, seconds, watch):
    """Lets the backends of Millrace work for a fiftieth of the time; `watch()` is called all the while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pids = [int(pid) for (pid,) in postgres.session.rows(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'millrace'")]
        signal_all(pids, signal.SIGSTOP)
        try:
            stopped = time.monotonic() + STOPPED
            while time.monotonic() < stopped:
                watch()
                time.sleep(0.05)
        finally:
            signal_all(pids, signal.SIGCONT)
        time.sleep(RUNNING)


def signal_all(pids, which):
    for pid in pids:
        try:
            os.kill(pid, which)
        except ProcessLookupError:
            pass


class Watch:
    """The anonymous memory of a process over time."""

    def __init__(self, process):
        self.process = process
        self.peak = 0.0

    def __call__(self):
        if self.process.has_ended():
            raise BenchmarkError(f"millrace ended:\n{self.process.errors()}")
        pid = self.process.pid
        if pid is not None:
            try:
                self.peak = max(self.peak, anonymous_mib(pid))
            except OSError:
                pass  # It ended just now, which the next call says.


def run_once(bench, broker, postgres, keys, events, name, prefix=()):
    """One run; what it found by name."""
    file = bench.topology(name, topologies.kafka_source(broker.address, TOPIC, lines=True), "many keys",
                          topologies.postgres_sink(postgres.url, name))
    process = Process(bench.command(file, memory=f"{BUDGET_MIB}MiB"), prefix=prefix)
    watch = Watch(process)
    deadline = time.monotonic() + WAIT_SECONDS

    def wait_for(count):
        while (read := postgres.events_read(name)) < count:
            watch()
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{read:,} of {events:,} events were committed after {WAIT_SECONDS} s")
            time.sleep(0.1)

    try:
        wait_for(1)
        before = postgres.events_read(name)
        bench.say(f"{before:,} events are committed; slowing Postgres down for {SLOW_SECONDS} s")
        slow_down(postgres, SLOW_SECONDS, watch)
        during, resumed = postgres.events_read(name), time.monotonic()
        bench.say(f"{during:,} events are committed; Postgres is itself again")
        wait_for(min(events, during + 1))
        resumed = time.monotonic() - resumed
        wait_for(events)
        process.stop()
        measured = process.finish()
    finally:
        process.kill()
    read, applied, rest = map(int, postgres.session.rows(
        f"SELECT sum(read), sum(applied), sum(filtered + dead + refused) FROM millrace.partitions "
        f"WHERE topology = '{name}'")[0])
    rows, counted = map(int, postgres.session.rows(f"SELECT count(*), sum(events) FROM {name}")[0])
    postgres.session.rows(f"DROP TABLE {name}")
    return {
        "peak": measured.peak_mib, "anonymous": watch.peak, "slow": during - before, "resumed": resumed,
        "lost": events - counted, "whole": (read, applied, rest, rows, counted) == (events, events, 0, keys, events),
        "rate": measured.wall and events / measured.wall,
    }


def run(bench):
    keys = bench.options.keys
    path, events = key_file(bench, keys)
    result = Table(f"{keys:,} keys with uniques and percentiles, `memory: {BUDGET_MIB}MiB`",
                   ["", "anonymous MiB", "target", "met", "peak MiB", "target", "met", "events lost", "books and rows right",
                    "committed while slow", "s until it goes on", "events/s"])
    with Broker(bench.millrace, {TOPIC: PARTITIONS}, bench.scratch) as broker, \
            Postgres(bench.scratch / "postgres") as postgres:
        bench.say(f"filling the broker with {events:,} events")
        with open(path, "rb") as file:
            subprocess.run(list(map(str, floors.feed_command(broker.address, TOPIC, PARTITIONS, 100))),
                           check=True, stdin=file, stdout=subprocess.DEVNULL)
        add(result, "Postgres slowed for 20 s", run_once(bench, broker, postgres, keys, events, "bench_memory"))
        group, reasons = ControlGroup.make(GROUP_MIB << 20)
        if group is None:
            bench.say(f"NO CONTROL GROUP: the run within {GROUP_MIB} MiB is left out: {'; '.join(reasons)}")
            result.note(f"**Not run in a control group of {GROUP_MIB} MiB**: this system lets us make none.")
        else:
            try:
                found = run_once(bench, broker, postgres, keys, events, "bench_memory_group", group.prefix)
                add(result, f"the same in a control group of {GROUP_MIB} MiB", found)
                result.note(f"The kernel killed {group.kills()} processes in the control group.")
            finally:
                group.remove()
    result.note(f"{events:,} events, {keys:,} of them with a key that is new, 100 in a message, from {PARTITIONS} "
                "partitions into Postgres, default settings but for `memory:`. While slow, Postgres works for a "
                "fiftieth of the time. Anonymous memory is the most that was seen, some ten times a second.")
    return [result]


def add(table, label, found):
    anonymous, peak = found["anonymous"], found["peak"]
    table.add(label, number(anonymous), str(ANONYMOUS), ANONYMOUS.verdict(anonymous), number(peak), str(PEAK),
              PEAK.verdict(peak), found["lost"], "yes" if found["whole"] else "NO", found["slow"],
              number(found["resumed"]), found["rate"])
