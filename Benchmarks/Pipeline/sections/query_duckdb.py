"""T1, T2 or T3 in DuckDB, one thread: query_duckdb.py JOB FILE. Prints nothing: what it takes is measured from outside.

Only the needed columns are declared, so nothing else is converted. The time stays text, of which the minute is a
prefix: a tenth quicker than TIMESTAMP and date_trunc.
"""

import sys

import duckdb

METRICS = 'count(*) AS events, approx_count_distinct("user") AS users, ' \
    "approx_quantile(duration_ms, [0.5, 0.95, 0.99]) AS duration"
SEGMENTS = {"ts": "VARCHAR", "event": "VARCHAR", "user": "VARCHAR", "platform": "VARCHAR", "country": "VARCHAR",
            "duration_ms": "BIGINT", "revenue": "DECIMAL(18, 2)"}
ITEMS = {"user": "VARCHAR", "item": "VARCHAR", "duration_ms": "BIGINT"}
T1 = "SELECT substr(ts, 1, 16) AS minute, event, platform, country, " + METRICS + ", sum(revenue) AS revenue FROM {} "
QUERIES = {
    "T1": (SEGMENTS, T1 + "GROUP BY minute, event, platform, country"),
    "T2": (SEGMENTS, T1 + "GROUP BY GROUPING SETS ((minute, event, platform, country), (minute, event, country), "
                          "(minute, event, platform), (minute, event), (minute))"),
    "T3": (ITEMS, "SELECT item, " + METRICS + " FROM {} GROUP BY item"),
}


def main(job, path):
    columns, query = QUERIES[job]
    declared = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    source = f"read_json('{path}', format = 'newline_delimited', columns = {{{declared}}})"
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute("SET preserve_insertion_order = false")
    # Every row is computed and used.
    rows, events, users, durations = connection.execute(
        f"SELECT count(*), sum(events), sum(users), sum(duration[3]) FROM ({query.format(source)})").fetchone()
    assert rows > 0 and events > 0 and users > 0 and durations > 0


main(*sys.argv[1:])
