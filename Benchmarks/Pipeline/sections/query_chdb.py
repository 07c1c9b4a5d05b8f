"""T1, T2 or T3 in ClickHouse, one thread: query_chdb.py JOB FILE. Prints nothing: it is measured from outside.

The structure is given, so nothing is guessed and unknown fields are skipped. Of what could be written differently, the
quicker was taken: the time as DateTime64 rather than a prefix of the text, uniqCombined(12) rather than uniq.
`quantilesDD` has a bound of its relative error, like our percentiles but twice ours; `quantilesTDigest` has none.
"""

import sys

import chdb

SEGMENTS = "ts DateTime64(3), event String, user String, platform Nullable(String), country Nullable(String), " \
    "duration_ms Nullable(Int64), revenue Nullable(Decimal(18, 2))"
ITEMS = "user String, item Nullable(String), duration_ms Nullable(Int64)"
DD = "quantilesDD(0.01, 0.5, 0.95, 0.99)(duration_ms) AS duration"
TDIGEST = "quantilesTDigest(0.5, 0.95, 0.99)(duration_ms) AS duration"
METRICS = "count() AS events, uniqCombined(12)(user) AS users, "
T1 = "SELECT toStartOfMinute(ts) AS minute, event, platform, country, " + METRICS + DD \
    + ", sum(revenue) AS sales FROM {} "
QUERIES = {
    "T1": (SEGMENTS, T1 + "GROUP BY minute, event, platform, country"),
    "T2": (SEGMENTS, T1 + "GROUP BY GROUPING SETS ((minute, event, platform, country), (minute, event, country), "
                          "(minute, event, platform), (minute, event), (minute))"),
    "T3": (ITEMS, "SELECT item, " + METRICS + DD + " FROM {} GROUP BY item"),
    "T3-tdigest": (ITEMS, "SELECT item, " + METRICS + TDIGEST + " FROM {} GROUP BY item"),
}
SETTINGS = "max_threads = 1, input_format_parallel_parsing = 0, date_time_input_format = 'best_effort', " \
    "input_format_skip_unknown_fields = 1"


def main(job, path):
    structure, query = QUERIES[job]
    source = f"file('{path}', JSONEachRow, '{structure}')"
    # Every row is computed and used.
    answer = str(chdb.query(
        f"SELECT count(), sum(events), sum(users), countIf(duration[3] >= 0) FROM ({query.format(source)}) "
        f"SETTINGS {SETTINGS}", "CSV"))
    assert all(int(cell) > 0 for cell in answer.strip().split(","))


main(*sys.argv[1:])
