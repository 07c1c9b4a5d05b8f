"""What each step costs by itself: parse, key, sketch update, merge, encode.

Parse: the comparison program, in one process, with simdjson. Key and sketch updates: the program runs T1 with more and
more of it left out, and the differences are shown; so it is the shipped code in its place, with its caches as they are.
Merge and encode: SketchBenchmark in Benchmarks/.
"""

import functools
import re
import subprocess

import floors
import topologies
from building import BENCHMARKS, BenchmarkError
from context import ONE_COMMIT
from measuring import round_robin
from report import Table, number, percent

NAME = "micro"
TITLE = "Step by step"

#: Events for the comparison in one process, which runs each way 15 times.
PARSE_EVENTS_MAX = 400_000
STEPS = {
    "start and end of the process": None,
    "read and parse, 7 fields": "nothing",
    "key: window and 3 texts to a group, and count()": "T1 only keys",
    "uniques(user): hash and update": "T1 and uniques",
    "percentiles(duration_ms): update": "T1 and percentiles",
    "sum(revenue): update": "T1 and sum",
}
MENTIONED = ("update", "merge", "encode")
#: A line of SketchBenchmark.
FIGURE = re.compile(r"^(?P<name>.*?)(?:, (?P<named>ns/group|ns|us))?\s+(?P<value>-?\d+(?:\.\d+)?)(?: (?P<unit>ns|µs))?"
                    r"(?:\s+(?:target|<=) (?P<target>[\d.]+))?(?:\s+(?:met|MISSED))?\s*$")


def run(bench):
    return [parse(bench), steps(bench), sketches(bench)]


def parse_floor(text):
    """Names and events per CPU-second, from what the comparison program prints."""
    return [(match[1].strip(), float(match[2])) for match in re.finditer(r"^(.+?)\s+(\d+) events/CPU-s", text, re.M)]


def parse(bench):
    path = bench.event_file(min(bench.events, PARSE_EVENTS_MAX))
    bench.say("parsing in one process")
    output = subprocess.run([floors.json_floor(), path], check=True, capture_output=True, text=True).stdout
    rows = parse_floor(output)
    if not rows:
        raise BenchmarkError(f"the comparison program printed no figures:\n{output}")
    result = Table("Parse, in one process", ["", "events/CPU-s", "ns/event", "of simdjson in memory"])
    base = dict(rows).get("simdjson On-Demand, 7 fields, in memory")
    for name, rate in rows:
        result.add(name, rate, number(1e9 / rate), percent(rate / base) if base else "")
    result.note("The best of 15 rounds that take turns; starting the process is not in it.")
    return result


def steps(bench):
    source = topologies.file_source(bench.event_file())
    tiny = topologies.file_source(bench.event_file(1_000))
    files = {}
    for number_of, (label, job) in enumerate(STEPS.items()):
        name = f"bench_step_{number_of}"
        if job is None or job == "nothing":
            files[label] = bench.topology(name, tiny if job is None else source, "T1 only keys", None, filtered=True)
        else:
            files[label] = bench.topology(name, source, job, None)
    runs = round_robin({label: functools.partial(bench.measure_file, file, workers=1, commit_interval=ONE_COMMIT)
                        for label, file in files.items()}, bench.repeat, bench.say)
    # The least, not the median: differences of medians would show the noise of both.
    found = {label: min(run.cpu for run in measured) * 1e9 / bench.events for label, measured in runs.items()}
    result = Table("The steps of T1, in the program", ["", "ns/event"])
    labels = list(STEPS)
    start, parsed, keyed = (found[label] for label in labels[:3])
    for label, cost in zip(labels, [start, parsed - start, keyed - parsed] + [found[each] - keyed
                                                                              for each in labels[3:]]):
        result.add(label, number(cost))
    result.note("CPU time of runs over the file with one worker, one commit, no sink: each row is the difference to a "
                "run without the step, the least of the rounds; small rows are within the noise of large ones.")
    return result


def parse_sketches(text):
    """Name, figure with its unit, and target of the lines about updates, merges and encoding.

    SketchBenchmark prints a headline after an empty line, then a figure per line: `name  12.3 ns  target 15.0  met`, or
    `name, ns  12.3  <= 15`.
    """
    rows = []
    group, is_headline = "", True
    for line in text.splitlines():
        if not line.strip() or is_headline:
            # "distinct count, updates of hot sketches": the subject is what comes before the comma.
            is_headline = not line.strip()
            group = re.split(r",|  ", line)[0]
            continue
        if line.startswith("percentiles "):
            group = "percentiles"
            continue
        match = FIGURE.match(line)
        if match is None or not any(word in match["name"] for word in MENTIONED):
            continue
        unit = match["unit"] or match["named"]
        if unit is None:
            continue
        target = f"≤ {match['target']}" if match["target"] else ""
        rows.append((f"{group}: {match['name'].strip()}", f"{match['value']} {unit.replace('us', 'µs')}", target))
    return rows


def sketches(bench):
    bench.say("SketchBenchmark: building and running")
    command = ["swift", "run", "-c", "release", "--package-path", str(BENCHMARKS), "SketchBenchmark", "--quick"]
    end = subprocess.run(command, capture_output=True, text=True)
    if end.returncode != 0:
        raise BenchmarkError(f"SketchBenchmark ended with {end.returncode}:\n{end.stderr[-2_000:]}")
    result = Table("Sketches: update, merge, encode", ["", "measured", "target"])
    for row in parse_sketches(end.stdout):
        result.add(*row)
    result.note("`swift run -c release --package-path Benchmarks SketchBenchmark` prints all of it: errors, bytes per "
                "key, sizes.")
    return result
