"""What the way from a message to a record costs: T1 with derived fields, a regular expression, numbers in quotes; records
made of the elements of arrays; one operator of an expression.

Whole processes with one worker; every variant takes turns with T1, and is compared with it within the run.
"""

import functools
import json

import topologies
from measuring import ratio, round_robin, summarize
from report import Table, at_least, at_most, number, percent

NAME = "language"
TITLE = "Expressions and parsing"

PLAIN = "T1"
LONGER = "T1 over events with a URL"
WITH_URL = "T1 that reads the URL"
QUOTED = "T1, two numbers in quotes: accept: text"
DERIVED = "T1 and two derived fields: a case and a split_part"
PATTERN = "T1 and a regular expression over 10,000 URLs"
READINGS = "elements of arrays of ten"
NO_OPERATOR = "T1 and a derived field without an operator"
#: Of the events per CPU-second of T1 over the same events.
SHARES = {DERIVED: at_least(0.90), PATTERN: at_least(0.80), QUOTED: at_least(0.95)}
#: What is compared with T1 over other events than the plain ones.
BASES = {WITH_URL: LONGER, PATTERN: LONGER}
ELEMENTS = at_least(1_500_000)
OPERATOR = at_most(15, "ns")

URLS = 10_000
ELEMENTS_EACH = 10
#: Operators of one expression; enough of them stand out of the noise of a run.
OPERATORS = 20
CHAINS = {
    "whole numbers: + - *": "duration_ms" + " + 7 - 3 * duration_ms - 2" * (OPERATORS // 4),
    "decimals: + -": "revenue" + " + 0.5 - 0.25" * (OPERATORS // 2),
    "doubles: + * -": "duration_ms::double" + " + 0.5e0 * 2 - 1.5e0 * 3" * (OPERATORS // 4),
    "comparisons and and": " and ".join(f"duration_ms > {-bound}" for bound in range(1, OPERATORS // 2 + 1))
                           + " and true",
    "texts: = and or": " or ".join(f"event = 'no{number}'" for number in range(OPERATORS // 2)) + " or false",
}
#: What a type says of its own about the chain: the cast of the third is an operator more.
FIELDS_URL = topologies.FIELDS_ALL + ", url: { type: text, max_bytes: 1KiB }"


def changed_file(bench, name, change):
    """The generated events, each changed; made once."""
    path = bench.work / f"events-{bench.events}-{name}.ndjson"
    if not path.exists():
        bench.say(f"writing {path.name}")
        part = path.with_suffix(".part")
        with open(bench.event_file(), encoding="utf-8") as events, open(part, "w", encoding="utf-8") as out:
            for position, line in enumerate(events):
                out.write(change(position, line))
        part.rename(path)
    return path


def with_url(position, line):
    """The event with one of 10,000 URLs, in an order that does not repeat in a batch."""
    page = position * 7_919 % URLS
    return f'{{"url":"https://shop.example/item/{page}/view?ref=mail&utm_campaign=spring-{page % 40}",{line[1:]}'


def in_quotes(_position, line):
    """The event with its two numbers as text."""
    event = json.loads(line)
    for name in ("duration_ms", "revenue"):
        if name in event and event[name] is not None:
            # A decimal keeps its digits.
            event[name] = line.split(f'"{name}":', 1)[1].split(",", 1)[0].split("}", 1)[0]
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n"


def readings_file(bench):
    """Documents with ten readings each: as many elements as there are events."""
    path = bench.work / f"readings-{bench.events}.ndjson"
    if not path.exists():
        bench.say(f"writing {path.name}")
        part = path.with_suffix(".part")
        with open(part, "w", encoding="utf-8") as out:
            for position in range(bench.events // ELEMENTS_EACH):
                start = 1_774_744_200_000 + position * 250
                readings = ",".join(f'{{"t":{start + index * 20},"v":{(position * 31 + index * 17) % 4_000 / 100}}}'
                                    for index in range(ELEMENTS_EACH))
                out.write(f'{{"device":{{"id":"d{position % 1_000}","firmware":"1.10.3"}},"readings":[{readings}]}}\n')
        part.rename(path)
    return path


def files(bench):
    """The topology file of each competitor."""
    events = topologies.file_source(bench.event_file())
    urls = topologies.file_source(changed_file(bench, "url", with_url))
    quoted = topologies.file_source(changed_file(bench, "quoted", in_quotes))
    readings = topologies.file_source(readings_file(bench))

    def file(name, source, job="T1", **options):
        return bench.topology(f"bench_language_{name}", source, job, **options)

    with_urls = f"event_time: ts, fields: {{ {FIELDS_URL} }}"
    found = {
        PLAIN: file("plain", events),
        DERIVED: file("derived", events, derived=(
            "class: \"case when duration_ms >= 60000 then 'long' when duration_ms >= 1000 then 'short' else 'none' end\"",
            "kind: \"split_part(event, '_', 1)\"")),
        LONGER: file("longer", urls),
        WITH_URL: file("with_url", urls, parsing=with_urls),
        PATTERN: file("pattern", urls, parsing=with_urls, derived=(
            "page: \"regexp_substr(url, '/item/([0-9]+)', 1, 1, '', 1)\"",)),
        QUOTED: file("quoted", quoted, parsing="accept: text, event_time: ts, fields: { "
                     + topologies.FIELDS_ALL + " }"),
        READINGS: file("readings", readings, "readings",
                       parsing="each: readings, event_time: t, fields: { " + topologies.JOBS["readings"][0] + " }"),
        NO_OPERATOR: file("no_operator", events, derived=("x: duration_ms",)),
    }
    for position, (name, chain) in enumerate(CHAINS.items()):
        found[name] = file(f"chain_{position}", events, derived=(f"x: \"{chain}\"",))
    return found


def run(bench):
    competitors = {name: functools.partial(bench.measure_file, file, workers=1) for name, file in files(bench).items()}
    found = {name: summarize(bench.events, runs)
             for name, runs in round_robin(competitors, bench.repeat, bench.say).items()}
    return [shares(found), elements(found), operators(found)]


def shares(found):
    table = Table("Beside T1", ["", "events/CPU-s", "of T1", "target", "met"])
    for name in (PLAIN, DERIVED, QUOTED, LONGER, WITH_URL, PATTERN):
        share = ratio(found[name].per_cpu_second, found[BASES.get(name, PLAIN)].per_cpu_second)
        target = SHARES.get(name)
        table.add(name, found[name].per_cpu_second, percent(share),
                  f"≥ {percent(target.bound)}" if target else "", target.verdict(share) if target else "")
    table.note("What is derived is computed for every event and used by nothing. Events with a URL are 80 bytes longer: what "
               "reads it is compared with T1 over them. The numbers in quotes are compared with T1 over numbers.")
    return table


def elements(found):
    table = Table("A record of each element", ["", "elements/CPU-s", "target", "met"])
    rate = found[READINGS].per_cpu_second
    table.add(READINGS, rate, str(ELEMENTS), ELEMENTS.verdict(rate))
    table.note("By device and hour: count(), max(v), avg(v).")
    return table


def per_operator(found, chain):
    """Nanoseconds of CPU time that an operator takes for an event."""
    seconds = found[chain].cpu - found[NO_OPERATOR].cpu
    return seconds * 1e9 / found[chain].events / OPERATORS


def operators(found):
    table = Table("An operator of an expression", ["", "ns an event", "target", "met"])
    for name in CHAINS:
        cost = per_operator(found, name)
        table.add(name, number(cost), str(OPERATOR), OPERATOR.verdict(cost))
    table.note(f"T1 with a derived field of {OPERATORS} operators, less T1 with one that has none.")
    return table
