"""Reads a summary table, from a CSV file or from Postgres through psql, and gives its rows by key."""

import csv
import io
import os
import subprocess

from metrics import instant, number, places

#: How a null is written; CSV's own way, nothing between two commas, cannot be told from an empty text.
NULL = r"\N"


class TableError(Exception):
    """A table that cannot be compared."""


def export(database, table, columns):
    """The CSV text of the columns of a table."""
    names = ", ".join('"' + column.replace('"', '""') + '"' for column in columns)
    copy = f"COPY (SELECT {names} FROM {table}) TO STDOUT (FORMAT csv, HEADER, NULL '{NULL}')"
    environment = dict(os.environ, PGTZ="UTC", PGDATESTYLE="ISO", PGCLIENTENCODING="UTF8")
    result = subprocess.run(
        ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", copy],
        env=environment, capture_output=True, encoding="utf-8", check=False,
    )
    if result.returncode != 0:
        raise TableError(result.stderr.strip())
    return io.StringIO(result.stdout)


def rows(stream, key_types, columns, selection):
    """Pairs of key and cells, None for null; only rows whose columns have the values of `selection`."""
    table = csv.reader(stream, strict=True)
    try:
        header = next(table)
    except StopIteration:
        raise TableError("found an empty file, expected a header") from None
    missing = [name for name in [*key_types, *columns, *selection] if name not in header]
    if missing:
        raise TableError(f"found no column {', '.join(missing)}, among {', '.join(header)}")
    keys = [(header.index(name), _key_reader(kind)) for name, kind in key_types.items()]
    cells = [header.index(name) for name in columns]
    selected = [(header.index(name), value) for name, value in selection.items()]
    for line, row in enumerate(table, start=2):
        if len(row) != len(header):
            raise TableError(f"row {line}: found {len(row)} cells, expected {len(header)}")
        if all(row[place] == value for place, value in selected):
            key = tuple(None if row[place] == NULL else read(row[place]) for place, read in keys)
            yield key, [None if row[place] == NULL else row[place] for place in cells]


def _key_reader(kind):
    """A function from a cell to a key's value as the recount holds it."""
    if kind.startswith("decimal"):
        return lambda cell: number(cell) * 10 ** places(kind)
    if kind.startswith("timestamp"):
        return instant
    return {"integer": int, "boolean": {"t": True, "f": False}.__getitem__}.get(kind, str)
