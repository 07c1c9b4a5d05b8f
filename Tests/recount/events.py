"""Reads a log of events and decides, for each line, what its declared fields are or why it is a dead letter.

Written from the description of Millrace's rules, not from its code: what the two disagree on is a bug in one of them.
"""

import datetime
import decimal
import gzip
import json
import re
import sys

DEPTH_MAX = 64
RECORD_BYTES_MAX = 1 << 20
TEXT_BYTES_MAX = 256
DECIMAL_DIGITS_MAX = 38

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MICROSECOND = datetime.timedelta(microseconds=1)
EXACT = decimal.Context(prec=1000, traps=[decimal.Inexact])
RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)

sys.set_int_max_str_digits(0)


class DeadLetter(Exception):
    """An event that must not be counted."""


class WrongType(DeadLetter):
    """A value of another type than the declared one."""


def lines(paths):
    """The lines of all files, as bytes; `-` is standard input. Lines of white space alone are no events."""
    for path in paths:
        if path == "-":
            stream = sys.stdin.buffer
        elif path.endswith(".gz"):
            stream = gzip.open(path, "rb")
        else:
            stream = open(path, "rb")
        with stream:
            for line in stream:
                if line.strip(b" \t\r\n"):
                    yield line


def parse(line):
    """The document in a line. Raises DeadLetter for anything that RFC 8259 does not allow."""
    if len(line) > RECORD_BYTES_MAX:
        raise DeadLetter("too long")
    if line.count(b"[") + line.count(b"{") > DEPTH_MAX and _depth(line) > DEPTH_MAX:
        raise DeadLetter("too deep")
    try:
        return _decode(line.decode("utf-8"))
    except (ValueError, RecursionError):
        raise DeadLetter("malformed JSON") from None


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


class Literal(str):
    """A number with a fraction or an exponent as it was written; what it becomes is up to the declared field."""

    __slots__ = ()


_decode = json.JSONDecoder(parse_float=Literal, parse_constant=_no_constant).decode


def _depth(line):
    depth = deepest = 0
    for byte in re.sub(rb'"(\\.|[^"\\])*"', b"", line):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def reader(path, kind, bytes_max=TEXT_BYTES_MAX, required=False, null_on_type_error=False):
    """A function from a document to the value of a declared field: None when it is missing or null."""
    convert = _converter(kind, bytes_max)
    if null_on_type_error:
        convert = _forgiving(convert)
    read = _reader(path, convert)
    if not required:
        return read

    def read_required(document):
        value = read(document)
        if value is None:
            raise DeadLetter("missing")
        return value

    return read_required


def _reader(path, convert):
    names = path.split(".")
    if len(names) == 1:

        def read_member(document, name=path):
            value = document.get(name)
            return None if value is None else convert(value)

        return read_member

    def read_nested(document):
        value = document
        for name in names:
            if type(value) is not dict:
                return None
            value = value.get(name)
        return None if value is None else convert(value)

    return read_nested


def _forgiving(convert):
    def convert_or_null(value):
        try:
            return convert(value)
        except WrongType:
            return None

    return convert_or_null


def _converter(kind, bytes_max):
    places = re.fullmatch(r"decimal\((\d+)\)", kind)
    if places:
        return lambda value: _decimal(value, int(places[1]))
    if kind == "text":
        return _text(bytes_max)
    unit = re.fullmatch(r"timestamp\((s|ms|us|ns)\)", kind)
    if unit:
        return lambda value: _integer(value) * {"s": 1_000_000_000, "ms": 1_000_000, "us": 1000, "ns": 1}[unit[1]] // 1000
    converters = {"integer": _integer, "double": _double, "boolean": _boolean, "timestamp": _timestamp}
    if kind not in converters:
        raise SystemExit(f"recount: unknown type {kind!r}, expected text, decimal(n), {', '.join(converters)}")
    return converters[kind]


def _text(bytes_max):
    seen = {}

    def convert(value):
        known = seen.get(value) if type(value) is str else None
        if known is not None:
            return known
        if type(value) is not str:
            raise WrongType
        if "\0" in value:
            raise DeadLetter("U+0000 in text")
        try:
            size = len(value.encode("utf-8"))
        except UnicodeEncodeError:
            raise DeadLetter("unpaired surrogate") from None
        if size > bytes_max:
            raise DeadLetter("text too long")
        seen[value] = value
        return value

    return convert


def _integer(value):
    if type(value) is not int:
        raise WrongType
    if not -(1 << 63) <= value < 1 << 63:
        raise DeadLetter("beyond 64 bits")
    return value


def _decimal(value, places):
    """The number in units of its last place, an integer: 4.99 with two places is 499."""
    if type(value) is int:
        return value * 10**places
    if type(value) is not Literal:
        raise WrongType
    try:
        value = decimal.Decimal(value)
    except decimal.InvalidOperation:
        raise DeadLetter("out of range") from None
    _, digits, exponent = value.as_tuple()
    if exponent < -places and any(digits[exponent + places :]):
        raise DeadLetter("too many decimals")
    if len(digits) + max(exponent, -places) + places > DECIMAL_DIGITS_MAX:
        raise DeadLetter("out of range")
    return int(value.scaleb(places, EXACT))


def _double(value):
    if type(value) not in (int, Literal):
        raise WrongType
    try:
        number = float(value)
    except OverflowError:
        raise DeadLetter("out of range") from None
    if number in (float("inf"), float("-inf")):
        raise DeadLetter("out of range")
    return number


def _boolean(value):
    if type(value) is not bool:
        raise WrongType
    return value


_seconds = {}


def _timestamp(value):
    """Microseconds since 1970.

    Most timestamps of a log share their second with many others, so what comes before the fraction is parsed once.
    """
    if type(value) is not str:
        raise WrongType
    if len(value) == 24 and value[19] == "." and value[23] == "Z" and value.isascii() and value[20:23].isdigit():
        second = _seconds.get(value[:19])
        if second is None:
            second = _seconds[value[:19]] = _instant(value[:19] + "Z")
        return second + int(value[20:23]) * 1000
    return _instant(value)


def _instant(text):
    if not RFC3339.fullmatch(text):
        raise DeadLetter("not a timestamp")
    try:
        return (datetime.datetime.fromisoformat(text.upper()) - EPOCH) // MICROSECOND
    except (ValueError, OverflowError):
        raise DeadLetter("not a timestamp") from None
