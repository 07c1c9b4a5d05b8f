"""Tables: on the terminal, and in docs/PERFORMANCE.md, of which each section is replaced when it was measured again."""

import dataclasses
import re

PREAMBLE = """# Performance

<!-- Written by `scripts/bench --write`; measure again instead of editing. -->

What Millrace does on the machine named under each headline: `scripts/bench --write --peers` measures all of it again,
`scripts/bench --help` lists the parts. Things that are compared run one after the other, round by round, and the median
is shown; ratios are within one run, since machines are noisy. Events per CPU-second are events by the user and system
time of the whole process, from its start to its end. Peak memory is the kernel's, of the whole process: the anonymous
memory that `memory:` bounds, and the pages of the program's files, some 40 MiB ([Memory](ARCHITECTURE.md#memory)).
Sections may come from different days: each says when and on what.
"""


@dataclasses.dataclass(frozen=True)
class Target:
    """What a figure should reach."""

    bound: float
    at_least: bool = True
    unit: str = ""

    def __str__(self):
        sign = "≥" if self.at_least else "≤"
        return f"{sign} {number(self.bound)}{' ' * bool(self.unit)}{self.unit}"

    def is_met(self, value):
        return value >= self.bound if self.at_least else value <= self.bound

    def verdict(self, value):
        return "" if value is None else "yes" if self.is_met(value) else "no"


def at_least(bound, unit=""):
    return Target(bound, True, unit)


def at_most(bound, unit=""):
    return Target(bound, False, unit)


def number(value):
    """Digits as a reader needs them: 1,234,567 or 12.3 or 0.042; - for nothing."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if float(value).is_integer() or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"


def percent(share):
    return "-" if share is None else f"{share:.0%}"


class Table:
    """Rows of text under a title; the first column is aligned left, the others right."""

    def __init__(self, title, columns, notes=()):
        self.title = title
        self.columns = list(columns)
        self.rows = []
        self.notes = list(notes)

    def add(self, *cells):
        if len(cells) != len(self.columns):
            raise ValueError(f"{self.title}: found {len(cells)} cells, expected {len(self.columns)}")
        self.rows.append([number(cell) for cell in cells])

    def note(self, text):
        self.notes.append(text)

    def as_text(self):
        widths = [max(len(row[i]) for row in [self.columns, *self.rows]) for i in range(len(self.columns))]
        lines = [self.title]
        for row in [self.columns, *self.rows]:
            cells = [cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in
                     enumerate(zip(row, widths))]
            lines.append("  " + "  ".join(cells).rstrip())
        return "\n".join(lines + [f"  {note}" for note in self.notes])

    def as_markdown(self):
        def line(cells):
            return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

        rule = "| --- |" + " ---: |" * (len(self.columns) - 1)
        lines = [f"### {self.title}", "", line(self.columns), rule, *map(line, self.rows)]
        for note in self.notes:
            lines += ["", note]
        return "\n".join(lines)


@dataclasses.dataclass(frozen=True)
class Section:
    """What one part of the benchmark found, and under which conditions."""

    name: str
    title: str
    provenance: str
    tables: list

    def as_markdown(self):
        parts = [f"<!-- section {self.name} -->", f"## {self.title}", self.provenance,
                 *(table.as_markdown() for table in self.tables), f"<!-- end {self.name} -->"]
        return "\n\n".join(parts) + "\n"


def merged_document(old, sections, order):
    """The page with these sections in place of their older versions; the others stay, with their own date.

    `order` names all sections there are: it decides where they stand, and what is no longer measured is dropped.
    """
    kept = {match[1]: match[0] + "\n" for match in
            re.finditer(r"<!-- section (\S+) -->\n.*?<!-- end \1 -->", old, re.DOTALL)}
    kept.update({section.name: section.as_markdown() for section in sections})
    return "\n".join([PREAMBLE, *(kept[name] for name in order if name in kept)])
