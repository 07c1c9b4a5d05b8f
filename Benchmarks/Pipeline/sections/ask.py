"""What analysts wait for: roll-ups of stored sketches in SQL, beside the extensions `hll` and `tdigest`, and by our own.

The rows are those of T1 over an hour of events, as the engine writes them; hours by event are asked from them. One
connection, no parallel workers. Seconds are medians of rounds in which every query runs once; CPU is the backend's own,
which a busy machine disturbs less.
"""

import json
import random
import statistics
import subprocess
import time

import topologies
from context import ONE_COMMIT
from report import Table, at_most
from services import Postgres

NAME = "ask"
TITLE = "Asking: sketches in SQL"

EVENTS, EVENTS_PER_SECOND = 1_000_000, 300
#: Sketches of every register in use, made of fewer by turning them.
DENSE, DENSE_MADE = 10_000, 400
PAIRS = 1_000
#: Keys of a thousand values each, for reading single sketches.
KEYS, VALUES = 200, 1_000

BY_HOUR = "date_trunc('hour', window_start) AS hour GROUP BY hour, event"
#: A figure of 200 calls would be shorter than what is read from the kernel's clock.
OF_A_THOUSAND = "FROM thousands, generate_series(1, 10)"
#: Calls of a query with one for each row of T1.
ROWS_OF_T1 = None
#: Our own extension, whose functions have the same names in a schema of its own.
OURS = "millrace_sketches"


def native(name, sql, calls, target=None):
    """The figure of a query by our extension."""
    return f"{name}, by {OURS}", sql.replace("millrace.", f"{OURS}."), calls, target, OURS


#: Name of a figure, its SQL, how many calls it stands for, unit and target; only with an extension.
QUERIES = (
    ("uniques by hour and event", "SELECT count(millrace.uniques_estimate(s)) FROM "
     f"(SELECT millrace.uniques_merge(users_sketch) AS s FROM t1, {BY_HOUR}) AS h", 1, at_most(1.5, "s"), None),
    ("the same by hll", "SELECT count(hll_cardinality(s)) FROM "
     f"(SELECT hll_union_agg(users_sketch::hll) AS s FROM t1, {BY_HOUR}) AS h", 1, None, "hll"),
    ("p95 by hour and event", "SELECT count(millrace.percentile(s, 0.95)) FROM "
     f"(SELECT millrace.percentiles_merge(duration_sketch) AS s FROM t1, {BY_HOUR}) AS h", 1, at_most(1.5, "s"), None),
    ("the same by tdigest", "SELECT count(p) FROM "
     f"(SELECT tdigest_percentile(digest, 0.95) AS p FROM digests, {BY_HOUR}) AS h", 1, None, "tdigest"),
    ("union of two dense sketches", "SELECT count(millrace.uniques_union(a, b)) FROM pairs", PAIRS,
     at_most(0.4, "ms"), None),
    ("the same by hll", "SELECT count(hll_union(a::hll, b::hll)) FROM pairs", PAIRS, None, "hll"),
    (f"{DENSE:,} dense sketches into one", "SELECT length(millrace.uniques_merge(s)) FROM dense", 1,
     at_most(3, "s"), None),
    ("the same by hll", "SELECT length(hll_send(hll_union_agg(s::hll))) FROM dense", 1, None, "hll"),
    ("estimate of a dense sketch", "SELECT count(millrace.uniques_estimate(a)) FROM pairs", PAIRS, None, None),
    ("estimate of a stored sketch of T1", "SELECT count(millrace.uniques_estimate(users_sketch)) FROM t1", ROWS_OF_T1,
     None, None),
    (f"percentile of {VALUES:,} values", f"SELECT count(millrace.percentile(amount_sketch, 0.95)) {OF_A_THOUSAND}",
     10 * KEYS, at_most(0.1, "ms"), None),
    ("three percentiles of them",
     f"SELECT count(millrace.percentiles(amount_sketch, ARRAY[0.5, 0.95, 0.99])) {OF_A_THOUSAND}", 10 * KEYS,
     None, None),
    ("percentile of a stored sketch of T1", "SELECT count(millrace.percentile(duration_sketch, 0.95)) FROM t1",
     ROWS_OF_T1, None, None),
    ("share of 1,000 values below a limit", f"SELECT count(millrace.share_below(amount_sketch, 900)) {OF_A_THOUSAND}",
     10 * KEYS, None, None),
)
NATIVE_TARGETS = {
    "uniques by hour and event": at_most(0.15, "s"), "p95 by hour and event": at_most(0.10, "s"),
    "union of two dense sketches": at_most(0.005, "ms"), f"{DENSE:,} dense sketches into one": at_most(0.06, "s"),
    f"percentile of {VALUES:,} values": at_most(0.003, "ms"),
}
QUERIES += tuple(
    native(name, sql, calls, NATIVE_TARGETS.get(name)) for name, sql, calls, _, extension in QUERIES if extension is None)


def run(bench):
    with Postgres(bench.scratch / "ask-postgres") as postgres:
        extensions = prepare(bench, postgres)
        session = postgres.session
        session.rows("SET max_parallel_workers_per_gather = 0")
        rows = int(session.value("SELECT count(*) FROM t1"))
        runs = {index: [] for index, query in enumerate(QUERIES) if query[4] is None or query[4] in extensions}
        for number_of in range(bench.repeat):
            bench.say(f"round {number_of + 1} of {bench.repeat}: every query once")
            for index, measured in runs.items():
                measured.append(timed(session, QUERIES[index][1]))
        bytes_of = session.rows("SELECT avg(length(users_sketch)), avg(length(duration_sketch)), "
                                "(SELECT avg(length(amount_sketch)) FROM thousands) FROM t1")[0]
    result = Table(f"{rows:,} minute rows and others", ["", "median", "target", "met", "CPU", "unit"])
    for index, measured in runs.items():
        name, _, calls, target, _ = QUERIES[index]
        scale = 1 if calls == 1 else 1_000 / (calls or rows)
        wall, cpu = (scale * statistics.median(column) for column in zip(*measured))
        verdict = (str(target), target.verdict(wall)) if target else ("", "")
        result.add(name, wall, *verdict, cpu, "s" if calls == 1 else "ms")
    for extension in sorted({"hll", "tdigest", OURS} - set(extensions)):
        result.note(f"The extension {extension} is not installed here.")
    result.note("Average bytes: uniques {:.0f}, percentiles {:.0f}, percentiles of 1,000 values {:.0f}.".format(
        *map(float, bytes_of)))
    return [result]


def timed(session, sql):
    """Seconds and CPU seconds of a query."""
    before, begin = cpu_seconds(session), time.monotonic()
    session.rows(sql)
    seconds = time.monotonic() - begin
    return seconds, cpu_seconds(session) - before


def cpu_seconds(session):
    """What the session's backend has used so far."""
    fields = session.value("SELECT pg_read_file('/proc/self/stat')").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def prepare(bench, postgres):
    """Tables with rows of the engine, and of the extensions that are there; returns the latter's names."""
    session = postgres.session
    known = {row[0] for row in session.rows(
        f"SELECT name FROM pg_available_extensions WHERE name IN ('hll', 'tdigest', '{OURS}')")}
    for extension in sorted(known):
        session.rows(f"CREATE EXTENSION {extension}")
    minutes = bench.work / f"events-{EVENTS}-{EVENTS_PER_SECOND}-per-second.ndjson"
    if not minutes.exists():
        bench.say(f"generating {minutes.name}")
        subprocess.run([bench.millrace, "generate", "--events", str(EVENTS), "--events-per-second",
                        str(EVENTS_PER_SECOND), "--output", minutes], check=True)
    write(bench, postgres, "ask", minutes, "T1", "t1")
    write(bench, postgres, "ask_thousands", thousands(bench), "many keys", "thousands")
    # As the engine makes its tables: sketches stay in the row while they fit.
    session.rows("CREATE TABLE dense (s bytea) WITH (toast_tuple_target = 8160)")
    for body in dense_bodies():
        session.rows(
            f"INSERT INTO dense SELECT '\\x148c44'::bytea || substring(b FROM 1 + 5 * i) || substring(b FOR 5 * i) "
            f"FROM (SELECT '\\x{body.hex()}'::bytea AS b) AS made, generate_series(1, {DENSE // DENSE_MADE}) AS i")
    session.rows("CREATE TABLE pairs WITH (toast_tuple_target = 8160) AS "
                 f"SELECT lag(s) OVER () AS a, s AS b FROM dense OFFSET 1 LIMIT {PAIRS}")
    if "tdigest" in known:
        bench.say("making digests")
        # Of as many values as the row's sketch holds, up to a hundred.
        session.rows(" ".join("""
            CREATE TABLE digests AS
            SELECT window_start, event,
                (SELECT tdigest(v, 100) FROM unnest(millrace.percentiles(duration_sketch, quantiles)) AS v) AS digest
            FROM (SELECT window_start, event, duration_sketch, least(millrace.quantile_count(duration_sketch), 100) AS n
                  FROM t1 OFFSET 0) AS sized,
                LATERAL (SELECT array_agg(i / greatest(n - 1, 1)::float8) AS quantiles
                         FROM generate_series(0, n - 1) AS i) AS evenly
            WHERE n > 0""".split()))
    session.rows("VACUUM FULL ANALYZE")
    return known


def write(bench, postgres, name, path, job, table):
    """Runs a job over a file into a table."""
    file = bench.topology(name, topologies.file_source(path), job, topologies.postgres_sink(postgres.url, table))
    bench.say(f"writing {table}")
    subprocess.run(list(map(str, bench.command(file, commit_interval=ONE_COMMIT))), check=True)


def thousands(bench):
    """Events of a few keys with a thousand values each, which are lognormal with sigma 1."""
    path = bench.scratch / "thousands.ndjson"
    draw = random.Random(1)
    with open(path, "w", encoding="utf-8") as out:
        for number_of in range(KEYS * VALUES):
            value = round(1_000 * draw.lognormvariate(0, 1))
            out.write(json.dumps({"k": f"k{number_of % KEYS}", "u": "u", "v": value}) + "\n")
    return path


def dense_bodies():
    """Registers as two values for each would leave them, packed."""
    draw = random.Random(2)
    for _ in range(DENSE_MADE):
        bits = 0
        for _ in range(4_096):
            value = 0
            for _ in range(draw.choice((1, 2, 3))):
                trailing = 1
                while draw.random() < 0.5 and trailing < 31:
                    trailing += 1
                value = max(value, trailing)
            bits = bits << 5 | value
        yield bits.to_bytes(2_560, "big")
