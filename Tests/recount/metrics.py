"""What a metric's true value is, and how far the table may be from it.

Each metric has an accumulator (one per row) with `add(value)`, and a judge (one per table) with `check(true, cells)`,
which returns what is wrong with a row's cells or None, and `verdict()`, which judges the rows together.
"""

import datetime
import decimal
import fractions
import json
import math
import re

from events import EPOCH, MICROSECOND

#: Error bound of a percentile at scale 6: (b - 1) / (b + 1) with b = 2^(1/64) is 0.54152 %.
PERCENTILE_ERROR_MAX = 0.005416
UNIQUES_RMSE_MAX = 0.017
#: Fewer rows than this say nothing about a root mean square.
RMSE_ROWS_MIN = 100
#: log2m of a `uniques` column, and up to how many values it is exact.
PRECISIONS = {"standard": (12, 8), "compact": (12, 0), "precise": (14, 32)}
#: A normal variable is beyond 5 standard deviations, to one side, with this probability.
FIVE_SIGMA = 2.87e-7


class Count:
    __slots__ = ("n",)

    def __init__(self):
        self.n = 0

    def add(self, value):
        if value is not None:
            self.n += 1


class Total:
    """Sum, number, minimum and maximum of the values that are not null."""

    __slots__ = ("n", "sum", "min", "max")

    def __init__(self):
        self.n = 0
        self.sum = 0
        self.min = None
        self.max = None

    def add(self, value):
        if value is None:
            return
        self.n += 1
        self.sum += value
        if self.min is None or value < self.min:
            self.min = value
        if self.max is None or value > self.max:
            self.max = value


class DoubleTotal(Total):
    """The same for doubles, whose sum is kept exactly."""

    __slots__ = ()

    def add(self, value):
        if value is not None:
            super().add(fractions.Fraction(value))


class Moments:
    """The values with the earliest and with the latest event time: any of several with the same one may be shown."""

    __slots__ = ("first", "last")

    def __init__(self):
        self.first = (None, [])
        self.last = (None, [])

    def add(self, value):
        time, value = value
        if value is None:
            return
        if self.first[0] is None or time < self.first[0]:
            self.first = (time, [])
        if time == self.first[0]:
            self.first[1].append(value)
        if self.last[0] is None or time > self.last[0]:
            self.last = (time, [])
        if time == self.last[0]:
            self.last[1].append(value)


class Distinct:
    __slots__ = ("values",)

    def __init__(self):
        self.values = set()

    def add(self, value):
        if value is not None:
            self.values.add(value)


class Values:
    __slots__ = ("values",)

    def __init__(self):
        self.values = []

    def add(self, value):
        if value is not None:
            self.values.append(value)


class ExactJudge:
    """Counts, sums, minima and maxima: equal or wrong."""

    def __init__(self, column, kind, read):
        self.columns = [column]
        self.scale = places(kind)
        self.parse = instant if kind.startswith("timestamp") else double if kind == "double" else number
        self.read = read
        self.empty_cells = set()

    def check(self, accumulator, cells):
        true, is_empty = self.read(accumulator)
        cell = cells[0]
        if is_empty:
            # The sum of no values may be null or 0, but the same in all rows.
            self.empty_cells.add(cell is None)
            return None if cell is None or true == 0 and number(cell) == 0 else f"found {cell}, expected null"
        if cell is None:
            return f"found null, expected {shown(true, self.scale)}"
        if self.parse(cell) * 10**self.scale == true:
            return None
        return f"found {cell}, expected {shown(true, self.scale)}"

    def verdict(self):
        if len(self.empty_cells) > 1:
            return ["the sum of no values is null in some rows and 0 in others"]
        return []

    def summary(self):
        return None


class CloseJudge:
    """Averages, and sums of doubles: within rounding (a relative error of 1e-12)."""

    def __init__(self, column, kind, read):
        self.columns = [column]
        self.scale = places(kind)
        self.read = read
        self.worst = 0.0

    def check(self, accumulator, cells):
        true, is_empty = self.read(accumulator)
        cell = cells[0]
        if is_empty:
            return None if cell is None or true == 0 and number(cell) == 0 else f"found {cell}, expected null"
        if cell is None:
            return f"found null, expected {float(true)}"
        true = fractions.Fraction(true) / 10**self.scale
        error = relative_error(number(cell), true)
        self.worst = max(self.worst, error)
        return None if error <= 1e-12 else f"found {cell}, expected {float(true)!r}"

    def verdict(self):
        return []

    def summary(self):
        return f"{self.columns[0]} worst {self.worst:.1e}"


class ShareJudge:
    """The share of values below a number: exact but for the division, with both counts beside it."""

    def __init__(self, column, threshold, kind):
        self.columns = [column, f"{column}_below", f"{column}_values"]
        self.threshold = fractions.Fraction(threshold) * 10 ** places(kind)

    def check(self, accumulator, cells):
        values = accumulator.values
        below = sum(1 for value in values if fractions.Fraction(value) < self.threshold)
        if [number(cell) for cell in cells[1:]] != [below, len(values)]:
            return f"found {cells[1]} of {cells[2]}, expected {below} of {len(values)}"
        if not values or cells[0] is None:
            return f"found {shown_cell(cells[0])}, expected null" if values or cells[0] is not None else None
        return None if float(cells[0]) == below / len(values) else f"found {cells[0]}, expected {below / len(values)!r}"

    def verdict(self):
        return []

    def summary(self):
        return None


class Occurrences:
    """How often each value is there."""

    __slots__ = ("counts",)

    def __init__(self):
        self.counts = {}

    def add(self, value):
        if value is not None:
            self.counts[value] = self.counts.get(value, 0) + 1


class TopJudge:
    """The most frequent values: exact up to 1,024 distinct ones; beyond, most counts are within the error that is said."""

    def __init__(self, column, number, kind):
        self.columns = [column]
        self.number = int(number)
        self.kind = kind
        self.shown = self.within = 0

    def check(self, accumulator, cells):
        if cells[0] is None:
            return "found null, expected a list"
        counts = accumulator.counts
        items = json.loads(cells[0], parse_float=decimal.Decimal)
        true = sorted(counts.items(), key=lambda item: (-item[1], item[0].encode() if self.kind == "text" else item[0]))
        if len(counts) <= 1024:
            expected = [(value, count, 0) for value, count in true[: self.number]]
            found = [(self.value(item["value"]), item["count"], item["error"]) for item in items]
            return None if found == expected else f"found {found}, expected {expected}"
        if len(items) != self.number:
            return f"found {len(items)} values, expected {self.number}"
        for item in items:
            self.shown += 1
            value = self.value(item["value"])
            if value not in counts:
                return f"found {value}, which is not there"
            self.within += abs(item["count"] - counts[value]) <= item["error"]
        return None

    def value(self, value):
        return int(fractions.Fraction(value) * 10 ** places(self.kind)) if self.kind.startswith("decimal") else value

    def verdict(self):
        if self.shown >= RMSE_ROWS_MIN and self.within < 0.97 * self.shown:
            return [f"{self.within} of {self.shown} counts are within their error, expected 97 %"]
        return []

    def summary(self):
        return f"{self.columns[0]} {self.within} of {self.shown} estimates within their error" if self.shown else None


class MomentJudge:
    """The first or the last value: one of those with the earliest or the latest event time."""

    def __init__(self, column, kind, is_last):
        self.columns = [column, f"{column}_time"]
        self.kind = kind
        self.is_last = is_last

    def check(self, accumulator, cells):
        time, values = accumulator.last if self.is_last else accumulator.first
        if time is None or None in cells:
            return None if time is None and cells == [None, None] else f"found {shown_cell(cells[0])}"
        if instant(cells[1]) != time:
            return f"found a value of {cells[1]}, expected one of {EPOCH + time * MICROSECOND}"
        return None if self.value(cells[0]) in values else f"found {cells[0]}, expected one of {values}"

    def value(self, cell):
        if self.kind.startswith("timestamp"):
            return instant(cell)
        if self.kind == "boolean":
            return cell == "t"
        if self.kind == "text":
            return cell
        return float(cell) if self.kind == "double" else number(cell) * 10 ** places(self.kind)

    def verdict(self):
        return []

    def summary(self):
        return None


class UniquesJudge:
    def __init__(self, column, log2m, exact_max):
        self.columns = [column]
        self.registers = 1 << log2m
        self.exact_max = exact_max
        self.rmse_max = UNIQUES_RMSE_MAX * math.sqrt(4096 / self.registers)
        self.errors = []
        self.large_errors = []
        self.exact_rows = 0
        self.worst = (0.0, 0)

    def check(self, accumulator, cells):
        true = len(accumulator.values)
        if cells[0] is None:
            return f"found null, expected about {true}"
        estimate = number(cells[0])
        if true <= self.exact_max:
            self.exact_rows += 1
            return None if estimate == true else f"found {estimate}, expected exactly {true}"
        error = float(abs(estimate - true))
        self.errors.append(error / true)
        if true > 100:
            self.large_errors.append(error / true)
        self.worst = max(self.worst, (error / true, true))
        allowed = self.allowed_error(true)
        if error > allowed:
            return f"found {estimate}, expected {true} give or take {allowed:.1f}"
        return None

    def allowed_error(self, n):
        """Five standard errors (1.04/sqrt(m) of n).

        Of few values the estimate is wrong by how many registers they share more or less than expected. That number is
        Poisson distributed with mean n(n-1)/2m, not normal: there the bound is what it exceeds as rarely as a normal
        variable exceeds five standard errors, plus 1 for rounding.
        """
        gaussian = 5 * 1.04 / math.sqrt(self.registers) * n
        mean = n * (n - 1) / 2 / self.registers
        if mean > 10:
            return gaussian
        shared, term = 0, math.exp(-mean)
        tail = 1 - term
        while tail > FIVE_SIGMA:
            shared += 1
            term *= mean / shared
            tail -= term
        return max(gaussian, shared - mean + 1)

    def verdict(self):
        found = rmse(self.errors)
        if len(self.errors) >= RMSE_ROWS_MIN and found > self.rmse_max:
            return [f"root mean square error {found:.3%} over {len(self.errors)} rows, expected {self.rmse_max:.2%}"]
        return []

    def summary(self):
        return (
            f"{self.columns[0]} {self.exact_rows} rows exact, rmse {rmse(self.errors):.3%} over {len(self.errors)} rows"
            f" ({rmse(self.large_errors):.3%} over {len(self.large_errors)} above 100),"
            f" worst {self.worst[0]:.2%} of {self.worst[1]}"
        )


class PercentilesJudge:
    def __init__(self, columns, percents, kind):
        self.columns = columns
        self.scale = places(kind)
        self.fractions = [fractions.Fraction(percent) / 100 for percent in percents]
        self.worst = 0.0

    def check(self, accumulator, cells):
        values = accumulator.values
        values.sort()
        wrong = []  # doubles will do: they are off by 1e-16, the bound is 5e-3
        for column, fraction, cell in zip(self.columns, self.fractions, cells, strict=True):
            if not values or cell is None:
                if values or cell is not None:
                    wrong.append(f"{column} found {shown_cell(cell)}, expected {'a value' if values else 'null'}")
                continue
            true = values[fraction.numerator * (len(values) - 1) // fraction.denominator] / 10**self.scale
            error = relative_error(float(cell), true)
            self.worst = max(self.worst, error)
            if not error <= PERCENTILE_ERROR_MAX:
                wrong.append(f"{column} found {cell}, expected {true!r} within {PERCENTILE_ERROR_MAX:.4%}")
        return "; ".join(wrong) or None

    def verdict(self):
        return []

    def summary(self):
        return f"{self.columns[0]}.. worst {self.worst:.4%}"


def number(cell):
    """The value of a cell, exactly."""
    return fractions.Fraction(cell)


def double(cell):
    """The value of the double that a cell's shortest decimal number stands for."""
    return number(float(cell))


def instant(cell):
    """Microseconds since 1970."""
    return (datetime.datetime.fromisoformat(cell) - EPOCH) // MICROSECOND


def places(kind):
    """By which power of ten the values of a type are scaled up to be integers."""
    match = re.fullmatch(r"decimal\((\d+)\)", kind)
    return int(match[1]) if match else 0


def shown(value, scale):
    return float(fractions.Fraction(value)) if scale == 0 and value != int(value) else decimal.Decimal(
        int(value)
    ).scaleb(-scale)


def shown_cell(cell):
    return "null" if cell is None else cell


def relative_error(found, true):
    if true == 0:
        return 0.0 if found == 0 else math.inf
    return float(abs(found - true) / abs(true))


def rmse(errors):
    return math.sqrt(sum(error * error for error in errors) / len(errors)) if errors else 0.0


def metric(name, text, types):
    """The field, accumulator class and judge of a metric given as in a topology file: `uniques(user)`."""
    call = re.fullmatch(r"\s*(\w+)\s*\((.*)\)\s*", text)
    if not call:
        raise SystemExit(f"recount: metric {name}: found {text!r}, expected function(arguments)")
    function = call[1]
    arguments = [argument.strip() for argument in call[2].split(",") if argument.strip()]
    field = arguments[0] if arguments else None
    if function == "count" and field is None:
        return None, Count, ExactJudge(name, "integer", lambda a: (a.n, False))
    if field not in types:
        raise SystemExit(f"recount: metric {name}: found field {field!r}, expected one of {', '.join(types)}")
    kind = types[field]
    total = DoubleTotal if kind == "double" else Total
    match function:
        case "count":
            return field, Count, ExactJudge(name, "integer", lambda a: (a.n, False))
        case "sum":
            judge = CloseJudge if kind == "double" else ExactJudge
            return field, total, judge(name, kind, lambda a: (a.sum, a.n == 0))
        case "min":
            return field, total, ExactJudge(name, kind, lambda a: (a.min, a.n == 0))
        case "max":
            return field, total, ExactJudge(name, kind, lambda a: (a.max, a.n == 0))
        case "avg":
            return field, total, CloseJudge(
                name, kind, lambda a: (fractions.Fraction(a.sum) / a.n if a.n else None, a.n == 0)
            )
        case "first" | "last":
            return field, Moments, MomentJudge(name, kind, function == "last")
        case "top":
            return field, Occurrences, TopJudge(name, arguments[1], kind)
        case "share_below":
            return field, Values, ShareJudge(name, arguments[1], kind)
        case "uniques":
            options = [argument.removeprefix("precision:").strip() for argument in arguments[1:]]
            return field, Distinct, UniquesJudge(name, *PRECISIONS[options[0] if options else "standard"])
        case "percentiles":
            percents = arguments[1:]
            columns = [f"{name}_p{percent.replace('.', '_')}" for percent in percents]
            return field, Values, PercentilesJudge(columns, percents, kind)
    raise SystemExit(f"recount: metric {name}: unknown function {function!r}")
