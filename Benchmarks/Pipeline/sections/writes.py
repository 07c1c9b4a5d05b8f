"""What Postgres takes: new rows and merged rows with two sketch columns each; and what updates leave behind.

The rate is rows by the time of the transactions that write them, from their BEGIN to when they are no longer there, as
pg_stat_activity shows them every 10 ms: reading under lock, merging here and writing back are in it, parsing is not.
"""

import re
import time

import topologies
from building import BenchmarkError
from context import ONE_COMMIT, PARTITIONS
from measuring import Process
from report import Table, at_least, at_most, number, percent
from sections import from_kafka
from services import Broker, Postgres, Session

NAME = "writes"
TITLE = "Writes into Postgres"

NEW, MERGED = at_least(60_000), at_least(35_000)
GROWTH, HOT = at_most(2), at_least(0.95)
#: Updates that are hot: an even load, well below what the machine can take.
HOT_RATE = 50_000

ITEM = re.compile(rb'"item":"((?:[^"\\]|\\.)*)"')

TRANSACTIONS = "SELECT extract(epoch FROM xact_start), extract(epoch FROM clock_timestamp()) FROM pg_stat_activity " \
    "WHERE application_name = 'millrace' AND backend_xid IS NOT NULL"


class TransactionClock:
    """How long the writing transactions of Millrace took, by their beginnings."""

    def __init__(self, url):
        self.session = Session(url)
        self.last_seen = {}

    def look(self):
        for begin, now in self.session.rows(TRANSACTIONS):
            self.last_seen[begin] = float(now)

    @property
    def seconds(self):
        return sum(last - float(begin) for begin, last in self.last_seen.items())


def only_known_items(known, source, target):
    """Copies the events whose item occurs in the file `known`, so that each of them meets a row."""
    with open(known, "rb") as file:
        items = {match[1] for line in file if (match := ITEM.search(line))}
    with open(source, "rb") as file, open(target, "wb") as out:
        out.writelines(line for line in file if (match := ITEM.search(line)) and match[1] in items)


def write_once(bench, postgres, name, path, table):
    """Writes T3 of a file in one commit; rows inserted, rows updated, seconds of the transactions, the measurement."""
    file = bench.topology(name, topologies.file_source(path), "T3", topologies.postgres_sink(postgres.url, table))
    before = statistics(postgres, table)
    clock = TransactionClock(postgres.url)
    process = Process(bench.command(file, commit_interval=ONE_COMMIT, memory="4GiB"))
    while not process.has_ended():
        clock.look()
        time.sleep(0.01)
    measured = process.finish()
    clock.session.close()
    after = statistics(postgres, table)
    return after[0] - before[0], after[1] - before[1], clock.seconds, measured


def statistics(postgres, table):
    """Rows inserted, rows updated, of those HOT, once the counters have stood still for a second."""
    last = None
    while True:
        rows = postgres.session.rows(
            f"SELECT n_tup_ins, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = '{table}'")
        found = tuple(map(int, rows[0])) if rows else (0, 0, 0)
        if found == last:
            return found
        last = found
        time.sleep(1)


def run(bench):
    return [rates(bench), growth(bench)]


def rates(bench):
    first, second = bench.event_file(), bench.event_file(seed=2)
    known = bench.work / f"events-{bench.events}-2-known.ndjson"
    if not known.exists():
        bench.say("choosing events of items that are known")
        only_known_items(first, second, known)
    result = Table("Rows with two sketches", ["", "rows/s", "target", "met", "rows", "seconds", "CPU s of ours"])
    runs = {"new": [], "merged": []}
    with Postgres(bench.scratch / "postgres") as postgres:
        for number_of in range(bench.repeat):
            table = f"bench_writes_{number_of}"
            for kind, path in (("new", first), ("merged", known)):
                bench.say(f"round {number_of + 1} of {bench.repeat}: {kind} rows")
                inserted, updated, seconds, measured = write_once(bench, postgres, f"{table}_{kind}", path, table)
                # The first epoch of a run may be closed early, so a few of its rows are updated by the second.
                runs[kind].append(((inserted + updated) / seconds, inserted + updated, seconds, measured.cpu))
                if kind == "merged" and inserted > 1:
                    raise BenchmarkError(f"{inserted} rows were new where all should be known")
            postgres.session.rows(f"DROP TABLE {table}")
    for kind, target in (("new", NEW), ("merged", MERGED)):
        rate, rows, seconds, cpu = sorted(runs[kind])[len(runs[kind]) // 2]
        result.add(f"{kind} rows", rate, str(target), target.verdict(rate), rows, number(seconds), number(cpu))
    result.note("T3 (uniques and percentiles per item) from file in one commit; `merged` are other events of the same "
                "items, read, merged and written back. Seconds are those of the transactions.")
    return result


def growth(bench):
    minutes = bench.options.minutes
    name = "bench_hot"
    with Broker(bench.millrace, {from_kafka.SINGLE: PARTITIONS}, bench.scratch) as broker, \
            Postgres(bench.scratch / "postgres") as postgres:
        file = bench.topology(name, topologies.kafka_source(broker.address, from_kafka.SINGLE), "T1",
                              topologies.postgres_sink(postgres.url, name))
        events = int(HOT_RATE * minutes * 60)
        bench.say(f"updating rows for {minutes:g} min")
        process = Process(bench.command(file))
        load = Process([bench.millrace, "generate", "--rate", HOT_RATE, "--events", events, "--start", "now", "--kafka",
                        broker.address, "--topic", from_kafka.SINGLE])
        try:
            deadline = time.monotonic() + minutes * 60 + 120
            while postgres.events_read(name) < events:
                if process.has_ended() or time.monotonic() > deadline:
                    raise BenchmarkError(f"the events were not all committed:\n{process.errors()}")
                time.sleep(1)
            load.finish()
            process.stop()
            process.finish()
        finally:
            load.kill()
            process.kill()
        inserted, updated, hot = statistics(postgres, name)
        grown = int(postgres.session.value(f"SELECT pg_total_relation_size('{name}')"))
        data = int(postgres.session.value(f"SELECT sum(pg_column_size(t.*)) FROM {name} t"))
        postgres.session.rows(f"VACUUM FULL {name}")
        live = int(postgres.session.value(f"SELECT pg_total_relation_size('{name}')"))
    result = Table(f"After {minutes:g} minutes of hot updates", ["", "measured", "target", "met"])
    result.add("size over live size", number(grown / live), str(GROWTH), GROWTH.verdict(grown / live))
    result.add("updates that are HOT", percent(hot / max(1, updated)), f"≥ {HOT.bound:.0%}",
               HOT.verdict(hot / max(1, updated)))
    result.add("rows", inserted, "", "")
    result.add("updates", updated, "", "")
    result.add("size with index and TOAST, MiB", number(grown / 2**20), "", "")
    result.add("the same after VACUUM FULL, MiB", number(live / 2**20), "", "")
    result.add("bytes of the rows themselves, MiB", number(data / 2**20), "", "")
    result.note(f"T1 from Kafka at {HOT_RATE:,} events/s, with the default commit interval, autovacuum as Postgres has it. Live "
                "size is that after VACUUM FULL, which keeps the table's fill factor of 50.")
    return result
