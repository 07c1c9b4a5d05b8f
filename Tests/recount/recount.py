#!/usr/bin/env python3
"""Counts a log of events again, slowly and exactly, and compares the result with the tables that Millrace wrote.

    recount.py [--dead N] [--database CONNINFO] --check QUERY TABLE [--check QUERY TABLE ...] LOG...

LOG is an NDJSON file (- is standard input, .gz is unpacked). QUERY is a JSON file:

    {"event_time": "ts", "window": 60,                 seconds; without it there is no window_start
     "fields": {"ts": "timestamp", "event": "text", "weapon": {"path": "payload.weapon", "type": "text"}, ...},
     "filter": [["event", "==", "purchase"]],          all must hold; == != < <= > >=; null never does
     "by": ["event"],
     "metrics": {"events": "count()", "users": "uniques(user)", "duration": "percentiles(duration_ms, 50, 99)",
                 "paid": {"metric": "sum(revenue)", "where": [["event", "==", "purchase"]]}},
     "rows": {"grouping_set": "event"}}                only rows of the table where these columns have these values

Fields and metrics are written as in a topology file, except for conditions.

TABLE is a CSV file with a header, written by COPY ... TO ... (FORMAT csv, HEADER, NULL '\\N') in time zone UTC, or, with
--database, a table's name. Counts, sums, minima and maxima must be equal; uniques equal up to 8 and within five
standard errors above, 1.7 % in the root mean square; percentiles within 0.5416 % of the value at rank floor(q(n-1)).

Exit code: 0 all agree, 1 something differs, 2 it could not be compared.
"""

import argparse
import json
import operator
import pathlib
import sys

import events
import metrics
import tables

OPERATORS = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}


class Check:
    """One query: groups the events and compares the groups with a table."""

    def __init__(self, query, table):
        self.table = table
        self.by = query.get("by", [])
        self.window = query.get("window")
        self.selection = query.get("rows", {})
        self.types = {}
        self.readers = []
        for name, field in query["fields"].items():
            field = {"type": field} if isinstance(field, str) else field
            self.types[name] = field["type"]
            read = events.reader(
                field.get("path", name), field["type"], field.get("max_bytes", events.TEXT_BYTES_MAX),
                field.get("required", False), field.get("on_type_error") == "null",
            )
            self.readers.append((name, read))
        self.event_time = query.get("event_time")
        self.time = self.event_time if self.window else None
        self.filter = self._conditions(query.get("filter", []))
        self.metrics = []
        for name, given in query["metrics"].items():
            given = {"metric": given} if isinstance(given, str) else given
            field, accumulator, judge = metrics.metric(name, given["metric"], self.types)
            self.metrics.append((field, self._conditions(given.get("where", [])), accumulator, judge))
        # What each metric adds to, in the order of a group's accumulators.
        self.updates = [(place, field, where) for place, (field, where, _, _) in enumerate(self.metrics)]
        self.timed = {place for place, (_, _, kind, _) in enumerate(self.metrics) if kind is metrics.Moments}
        self.groups = {}
        self.applied = self.filtered = self.dead = 0

    def feed(self, document):
        """Adds an event; None stands for a line that is no JSON."""
        try:
            if document is None:
                raise events.DeadLetter
            record = {name: read(document) for name, read in self.readers}
            if self.time is not None and record[self.time] is None:
                raise events.DeadLetter("no event time")
        except events.DeadLetter:
            self.dead += 1
            return
        if self.filter and not self._holds(self.filter, record):
            self.filtered += 1
            return
        self.applied += 1
        if self.time is None:
            key = tuple([record[name] for name in self.by])
        else:
            length = self.window * 1_000_000
            key = (record[self.time] // length * length, *[record[name] for name in self.by])
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = [accumulator() for _, _, accumulator, _ in self.metrics]
        for place, field, where in self.updates:
            if not where or self._holds(where, record):
                value = True if field is None else record[field]
                group[place].add((record[self.event_time], value) if place in self.timed else value)

    def differences(self, stream):
        """What is wrong with the table, one line each."""
        key_types = {"window_start": "timestamp"} if self.time else {}
        key_types |= {name: self.types[name] for name in self.by}
        seen = set()
        for key, cells in tables.rows(stream, key_types, self.columns, self.selection):
            shown = f"row {self._shown(key)}: "
            if key in seen:
                yield shown + "occurs twice"
                continue
            seen.add(key)
            group = self.groups.get(key)
            if group is None:
                yield shown + "should not be there"
                continue
            start = 0
            for (_, _, _, judge), accumulator in zip(self.metrics, group, strict=True):
                end = start + len(judge.columns)
                try:
                    wrong = judge.check(accumulator, cells[start:end])
                except ValueError:
                    wrong = f"found {cells[start:end]}, expected numbers"
                if wrong:
                    yield shown + f"{judge.columns[0]}: {wrong}"
                start = end
        for key in self.groups.keys() - seen:
            yield f"row {self._shown(key)}: is missing"
        for _, _, _, judge in self.metrics:
            for wrong in judge.verdict():
                yield f"{judge.columns[0]}: {wrong}"

    @property
    def columns(self):
        """The columns of the metrics."""
        return [column for _, _, _, judge in self.metrics for column in judge.columns]

    @property
    def exported(self):
        """All columns that are read."""
        keys = (["window_start"] if self.time else []) + self.by
        return [*keys, *self.columns, *(name for name in self.selection if name not in keys)]

    def summary(self):
        parts = [judge.summary() for _, _, _, judge in self.metrics]
        counts = f"{len(self.groups)} rows of {self.applied} events, {self.filtered} filtered, {self.dead} dead"
        return "; ".join([counts, *(part for part in parts if part)])

    def _conditions(self, conditions):
        made = []
        for name, comparison, value in conditions:
            if name not in self.types or comparison not in OPERATORS:
                raise SystemExit(f"recount: cannot evaluate {name} {comparison}")
            places = metrics.places(self.types[name])
            if places:
                value = metrics.number(str(value)) * 10**places
            made.append((name, OPERATORS[comparison], value))
        return made

    @staticmethod
    def _holds(conditions, record):
        return all(record[name] is not None and compare(record[name], value) for name, compare, value in conditions)

    def _shown(self, key):
        names = (["window_start"] if self.time else []) + self.by
        shown = []
        for name, value in zip(names, key, strict=True):
            if name == "window_start":
                value = (events.EPOCH + value * events.MICROSECOND).isoformat()
            shown.append(f"{name}={'null' if value is None else value}")
        return " ".join(shown) or "(all)"


def run(arguments, out):
    """Compares and reports; returns the exit code."""
    checks = [Check(json.loads(pathlib.Path(query).read_text(encoding="utf-8")), table) for query, table in arguments.check]
    for line in events.lines(arguments.logs):
        try:
            document = events.parse(line)
            if type(document) is not dict:
                document = {}
        except events.DeadLetter:
            document = None
        for check in checks:
            check.feed(document)

    code = 0
    for check in checks:
        wrong = []
        if arguments.dead is not None and arguments.dead != check.dead:
            wrong.append(f"dead letters: found {arguments.dead}, expected {check.dead}")
        if arguments.database is None:
            with open(check.table, encoding="utf-8", newline="") as stream:
                wrong += check.differences(stream)
        else:
            wrong += check.differences(tables.export(arguments.database, check.table, check.exported))
        for line in wrong[: arguments.show]:
            print(f"{check.table}: {line}", file=out)
        if len(wrong) > arguments.show:
            print(f"{check.table}: ... and {len(wrong) - arguments.show} more", file=out)
        print(f"{check.table}: {f'{len(wrong)} differences' if wrong else 'agrees'}: {check.summary()}", file=out)
        code = max(code, 1 if wrong else 0)
    return code


def main(given, out=sys.stdout):
    parser = argparse.ArgumentParser(description="Counts a log of events again and compares with summary tables.")
    parser.add_argument("--check", nargs=2, action="append", required=True, metavar=("QUERY", "TABLE"))
    parser.add_argument("--dead", type=int, help="how many dead letters Millrace wrote")
    parser.add_argument("--database", metavar="CONNINFO", help="read the tables there, through psql")
    parser.add_argument("--show", type=int, default=20, help="how many differences to show for a table")
    parser.add_argument("logs", nargs="+", metavar="LOG")
    try:
        return run(parser.parse_args(given), out)
    except (OSError, tables.TableError, json.JSONDecodeError, KeyError) as error:
        print(f"recount: cannot compare: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
