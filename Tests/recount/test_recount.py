"""Tests of the recount, above all that it finds what is wrong: python3 -m unittest discover Tests/recount"""

import csv
import datetime
import io
import json
import math
import os
import random
import tempfile
import unittest

import events
import metrics
import recount

SEED = 20260301

QUERY = {
    "event_time": "ts",
    "window": 60,
    "fields": {
        "ts": "timestamp", "event": "text", "user": "text", "ms": "integer", "paid": "decimal(2)",
        "weight": "double", "weapon": {"path": "payload.weapon", "type": "text"},
    },
    "by": ["event", "weapon"],
    "metrics": {
        "events": "count()",
        "users": "uniques(user)",
        "duration": "percentiles(ms, 50, 99.9)",
        "revenue": "sum(paid)",
        "precise_users": "uniques(user, precision: precise)",
        "first": "min(ts)",
        "least": "min(ms)",
        "most": "max(ms)",
        "mean": "avg(ms)",
        "weight": "sum(weight)",
        "lightest": "min(weight)",
        "sales": {"metric": "count()", "where": [["paid", ">=", 5]]},
    },
}


def log(count=6000):
    """Events as (record, line) pairs; a part of them without weapon, user or price."""
    numbers = random.Random(SEED)
    for _ in range(count):
        second = numbers.randrange(150)
        record = {
            "ts": f"2026-03-01T00:{second // 60:02}:{second % 60:02}.{numbers.randrange(1000):03}Z",
            "event": numbers.choice(["play", "buy"]),
            "user": None if numbers.random() < 0.01 else f"u{numbers.randrange(300)}",
            "ms": int(numbers.lognormvariate(8, 1.5)),
        }
        if record["event"] == "buy":
            record["paid"] = numbers.choice(["4.99", "0.10", "19.99", "7"])
            record["weight"] = numbers.random()
        if numbers.random() < 0.8:
            record["payload"] = {"weapon": numbers.choice(["bow", "\u5f13", ""])}
        line = json.dumps(record).replace(f'"{record.get("paid")}"', str(record.get("paid")))
        yield record, line


def table(records):
    """The rows that an exact engine would write, computed in the simplest way."""
    groups = {}
    for record in records:
        key = (record["ts"][:16], record["event"], record.get("payload", {}).get("weapon"))
        groups.setdefault(key, []).append(record)
    rows = []
    for (minute, event, weapon), members in groups.items():
        ms = sorted(member["ms"] for member in members)
        paid = [round(float(member["paid"]) * 100) for member in members if "paid" in member]
        weights = [member["weight"] for member in members if "weight" in member]
        rows.append({
            "window_start": minute.replace("T", " ") + ":00+00",
            "event": event,
            "weapon": weapon,
            "events": len(members),
            "users": len({member["user"] for member in members} - {None}),
            "duration_p50": ms[(len(ms) - 1) // 2],
            "duration_p99_9": ms[(len(ms) - 1) * 999 // 1000],
            "revenue": f"{sum(paid) // 100}.{sum(paid) % 100:02}" if paid else None,
            "precise_users": len({member["user"] for member in members} - {None}),
            "first": min(member["ts"] for member in members).replace("T", " ").replace("Z", "+00"),
            "least": ms[0],
            "most": ms[-1],
            "mean": sum(ms) / len(ms),
            "weight": math.fsum(weights) if weights else None,
            "lightest": min(weights, default=None),
            "sales": sum(1 for cents in paid if cents >= 500),
            "users_sketch": "\\x00",
        })
    return rows


class ComparisonTests(unittest.TestCase):
    def setUp(self):
        self.records, self.lines = zip(*log())
        self.rows = table(self.records)

    def compare(self, rows=None, lines=None, query=None, more=()):
        """The exit code and the output of a run over these rows and lines."""
        rows = self.rows if rows is None else rows
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("query.json", "table.csv", "log.ndjson")]
            with open(paths[0], "w", encoding="utf-8") as stream:
                json.dump(query or QUERY, stream)
            with open(paths[1], "w", encoding="utf-8", newline="") as stream:
                writer = csv.writer(stream, lineterminator="\n")
                writer.writerow(self.rows[0])
                writer.writerows([r"\N" if cell is None else cell for cell in row.values()] for row in rows)
            with open(paths[2], "w", encoding="utf-8") as stream:
                stream.writelines(line + "\n" for line in (lines or self.lines))
            out = io.StringIO()
            code = recount.main(["--check", paths[0], paths[1], *more, paths[2]], out)
        return code, out.getvalue()

    def changed(self, column, change, where=lambda row: True):
        """The rows with one cell changed."""
        rows = [dict(row) for row in self.rows]
        row = next(row for row in rows if where(row))
        row[column] = change(row[column])
        return rows

    def test_an_exact_table_agrees(self):
        code, output = self.compare()
        self.assertEqual(code, 0, output)
        self.assertIn("agrees", output)
        self.assertGreater(len(self.rows), 20)

    def test_every_value_that_is_off_is_found(self):
        changes = {
            "events": lambda n: n + 1,
            "sales": lambda n: n + 1,
            "least": lambda n: n - 1,
            "first": lambda text: text.replace("+00", "1+00"),
            "most": lambda n: n + 1,
            "mean": lambda x: x * (1 + 1e-9),
            "users": lambda n: round(n * 1.12),
            "duration_p50": lambda x: x * 1.0055,
            "duration_p99_9": lambda x: x * 0.9945,
        }
        for column, change in changes.items():
            code, output = self.compare(self.changed(column, change))
            self.assertEqual(code, 1, f"{column}: {output}")
            self.assertIn("1 differences", output)

    def test_a_cent_too_much_is_found(self):
        rows = self.changed("revenue", lambda text: f"{float(text) + 0.01:.2f}", lambda row: row["revenue"])
        self.assertEqual(self.compare(rows)[0], 1)
        rows = self.changed("lightest", lambda x: math.nextafter(x, 1), lambda row: row["lightest"])
        self.assertEqual(self.compare(rows)[0], 1)

    def test_percentiles_within_the_bound_agree(self):
        rows = [row | {"duration_p50": row["duration_p50"] * 1.0054} for row in self.rows]
        self.assertEqual(self.compare(rows)[0], 0)

    def test_a_value_that_should_be_null_is_found_and_the_reverse(self):
        for column, value in [("revenue", "1.00"), ("weight", 1)]:
            rows = self.changed(column, lambda _, value=value: value, lambda row: row["revenue"] is None)
            self.assertEqual(self.compare(rows)[0], 1, column)
        for column in ["revenue", "events", "users", "duration_p50", "mean", "least"]:
            rows = self.changed(column, lambda _: None, lambda row: row["revenue"])
            self.assertEqual(self.compare(rows)[0], 1, column)

    def test_the_sum_of_nothing_is_null_or_zero_but_not_both(self):
        zeros = [row | {"revenue": row["revenue"] or "0.00"} for row in self.rows]
        self.assertEqual(self.compare(zeros)[0], 0)
        code, output = self.compare(zeros[1:] + self.rows[:1] if self.rows[0]["revenue"] is None else [
            zero if index % 2 else row for index, (row, zero) in enumerate(zip(self.rows, zeros, strict=True))
        ])
        self.assertEqual(code, 1, output)

    def test_missing_extra_and_repeated_rows_are_found(self):
        self.assertIn("is missing", self.compare(self.rows[1:])[1])
        self.assertIn("occurs twice", self.compare(self.rows + self.rows[:1])[1])
        extra = self.rows[0] | {"window_start": "2026-03-01 01:00:00+00"}
        self.assertIn("should not be there", self.compare([*self.rows, extra])[1])

    def test_null_is_not_an_empty_key(self):
        rows = [row for row in self.rows if row["weapon"] is not None]
        rows += [row | {"weapon": ""} for row in self.rows if row["weapon"] is None]
        code, output = self.compare(rows)
        self.assertEqual(code, 1)
        self.assertIn("weapon=null: is missing", output)

    def test_an_event_counted_twice_or_lost_is_found(self):
        self.assertEqual(self.compare(lines=self.lines + self.lines[:1])[0], 1)
        self.assertEqual(self.compare(lines=self.lines[1:])[0], 1)

    def test_dead_letters_are_counted(self):
        dead = ['{"ts":', '{"ts":"2026-03-01T00:00:00Z","user":5}', "[1,]"]
        lines = (*self.lines, *dead)
        self.assertEqual(self.compare(lines=lines, more=["--dead", "3"])[0], 0)
        self.assertEqual(self.compare(lines=lines, more=["--dead", "2"])[0], 1)

    def test_only_filtered_rows_of_a_grouping_set_are_compared(self):
        query = QUERY | {"filter": [["event", "==", "buy"]], "rows": {"event": "buy"}}
        code, output = self.compare(query=query)
        self.assertEqual(code, 0, output)
        self.assertIn(f"{sum(record['event'] == 'play' for record in self.records)} filtered", output)

    def test_keys_of_every_type_are_found(self):
        query = QUERY | {"window": None, "by": ["paid"], "metrics": {"events": "count()"}}
        counts = {}
        for record in self.records:
            paid = record.get("paid")
            counts[paid] = counts.get(paid, 0) + 1
        rows = [{"paid": paid if paid is None else f"{float(paid):.2f}", "events": n} for paid, n in counts.items()]
        self.rows = rows
        self.assertEqual(self.compare(query=query)[0], 0)

    def test_what_cannot_be_compared_is_an_error_of_its_own(self):
        query = QUERY | {"metrics": {"absent": "count()"}}
        self.assertEqual(self.compare(query=query)[0], 2)
        self.assertEqual(recount.main(["--check", "/nonexistent", "x", "y"]), 2)

    def test_a_cell_that_is_no_number_is_found(self):
        for column in ["events", "users", "duration_p50", "mean"]:
            self.assertEqual(self.compare(self.changed(column, lambda _: "NaN"))[0], 1, column)


class UniquesTests(unittest.TestCase):
    def judged(self, counts, error):
        """The differences when each count is estimated with an error drawn by `error`."""
        judge = metrics.UniquesJudge("users", 12, 8)
        numbers = random.Random(SEED)
        wrong = []
        for n in counts:
            distinct = metrics.Distinct()
            distinct.values = range(n)
            wrong.append(judge.check(distinct, [str(round(n * (1 + error(numbers))))]))
        return [one for one in wrong if one], judge.verdict()

    def test_small_counts_are_exact(self):
        self.assertEqual(self.judged(range(9), lambda _: 0), ([], []))
        self.assertEqual(len(self.judged([8], lambda _: 0.1)[0]), 1)

    def test_the_standard_error_is_accepted_and_a_larger_one_is_not(self):
        counts = [50_000] * 2000
        self.assertEqual(self.judged(counts, lambda numbers: numbers.choice([-0.0165, 0.0165])), ([], []))
        wrong, verdict = self.judged(counts, lambda numbers: numbers.choice([-0.0175, 0.0175]))
        self.assertEqual((wrong, len(verdict)), ([], 1))

    def test_a_row_beyond_five_standard_errors_is_found(self):
        self.assertEqual(self.judged([1000, 50_000], lambda _: 0.081), ([], []))
        self.assertEqual(len(self.judged([1000, 50_000], lambda _: 0.0825)[0]), 2)

    def test_few_values_may_share_registers(self):
        judge = metrics.UniquesJudge("users", 12, 8)
        numbers = random.Random(SEED)
        beyond = 0
        for n in [9, 20, 40, 80, 200]:
            for _ in range(20_000 // n):
                shared = n - len({numbers.randrange(4096) for _ in range(n)})
                beyond += abs(shared - n * (n - 1) / 8192) > judge.allowed_error(n)
            self.assertLessEqual(judge.allowed_error(n), max(9, 0.0813 * n), n)
        self.assertEqual(beyond, 0, f"seed {SEED}")


class EventTests(unittest.TestCase):
    def value(self, text, kind, **more):
        return events.reader("v", kind, **more)(events.parse(b'{"v":' + text + b"}"))

    def test_values_are_read_exactly(self):
        self.assertEqual(self.value(b"4.99", "decimal(2)"), 499)
        self.assertEqual(self.value(b"-1.5e1", "decimal(2)"), -1500)
        self.assertEqual(self.value(b"1.500", "decimal(1)"), 15)
        self.assertEqual(self.value(b"0.1", "double"), 0.1)
        self.assertEqual(self.value(b"9223372036854775807", "integer"), 2**63 - 1)
        self.assertEqual(self.value(b'"\\u00e9\\ud83d\\ude80"', "text"), "\u00e9\U0001f680")
        self.assertIsNone(self.value(b"null", "integer"))
        self.assertEqual(self.value(b'1,"v":2', "integer"), 2)

    def test_timestamps_are_rfc_3339(self):
        micros = 1_772_323_200_250_000
        for text in ["2026-03-01T00:00:00.25Z", "2026-03-01T02:00:00.250+02:00", "2026-02-28t22:30:00.250000-01:30"]:
            self.assertEqual(self.value(f'"{text}"'.encode(), "timestamp"), micros)
        for text in ["20260301T000000Z", "2026-03-01", "2026-03-01T00:00:00", "2026-02-30T00:00:00Z", "yesterday"]:
            with self.assertRaises(events.DeadLetter, msg=text):
                self.value(f'"{text}"'.encode(), "timestamp")
        instant = datetime.datetime(2026, 3, 1, 0, 0, 0, 250000, datetime.timezone.utc)
        self.assertEqual(micros, instant.timestamp() * 1e6)

    def test_what_a_column_cannot_hold_is_a_dead_letter(self):
        for text, kind in [
            (b"5", "text"), (b'"\\u0000"', "text"), (b'"\\ud800"', "text"), (b'"5"', "integer"), (b"true", "integer"),
            (b"1.0", "integer"), (b"9223372036854775808", "integer"), (b"0.001", "decimal(2)"), (b"1e99", "decimal(2)"),
            (b"1e99999999999999999999", "decimal(2)"), (b"1e400", "double"), (b"1", "boolean"), (b"{}", "text"),
        ]:
            with self.assertRaises(events.DeadLetter, msg=text):
                self.value(text, kind)
        with self.assertRaises(events.DeadLetter):
            self.value(b'"' + b"x" * 257 + b'"', "text")
        with self.assertRaises(events.DeadLetter):
            self.value(b"null", "text", required=True)
        self.assertIsNone(self.value(b"5", "text", null_on_type_error=True))
        self.assertEqual(self.value(b"1772323200250", "timestamp(ms)"), 1_772_323_200_250_000)
        self.assertEqual(self.value(b"1772323200250001999", "timestamp(ns)"), 1_772_323_200_250_001)
        self.assertEqual(self.value(b"-1", "timestamp(ns)"), -1)

    def test_what_is_not_json_is_a_dead_letter(self):
        for line in [
            b"", b"{", b'{"a":1}}', b"{'a':1}", b'{"a":NaN}', b'{"a":01}', b'{"a":1,}', b'\xef\xbb\xbf{"a":1}',
            b'{"a":"\xff"}', b'{"a":"\t"}', b'{"a":-Infinity}', b"[" * 65 + b"]" * 65, b'"' + b"x" * (1 << 20) + b'"',
        ]:
            with self.assertRaises(events.DeadLetter, msg=line[:20]):
                events.parse(line)

    def test_what_is_json_is_accepted(self):
        self.assertEqual(events.parse(b"[" * 64 + b"]" * 64 + b"\r\n")[0][0][0][0], events.parse(b"[" * 60 + b"]" * 60))
        events.parse(b'{"a":"' + b"[" * 100 + b'\\""}')
        events.parse(b'{"a":1e999999999999999999999,"b":' + b"9" * 10_000 + b"}")


if __name__ == "__main__":
    unittest.main()
