"""What a key of a large population takes through the whole engine: 5 million keys, most with one to three users."""

import subprocess

import topologies
from building import BENCHMARKS, build
from context import ONE_COMMIT
from report import Table, at_most, number

NAME = "population"
TITLE = "Millions of keys"

#: Job, and the bytes that its `uniques` may take for each key.
JOBS = {
    "uniques, exact up to 8": ("population standard", at_most(52, "B")),
    "uniques, compact": ("population compact", at_most(38, "B")),
}


def event_file(bench, keys):
    path = bench.work / f"population-{keys}.ndjson"
    if not path.exists():
        bench.say(f"writing the events of {keys:,} keys")
        source = BENCHMARKS / "Population/population.cpp"
        part = path.with_suffix(".part")
        with open(part, "wb") as out:
            subprocess.run([build("population", [source], [source]), str(keys)], stdout=out, check=True)
        part.rename(path)
    return path


def run(bench):
    keys = bench.options.keys
    path = event_file(bench, keys)

    def peak(job):
        bench.say(job)
        name = "bench_" + job.replace(" ", "_")
        file = bench.topology(name, topologies.file_source(path), job, None)
        return bench.measure_file(file, workers=1, commit_interval=ONE_COMMIT, memory="16GiB").peak_mib

    base = peak("population count")
    result = Table(f"{keys:,} keys in one epoch", ["", "peak MiB", "B per key", "target", "met"])
    result.add("count() only: program, keys and counts", base, number(base * 2**20 / keys), "", "")
    for name, (job, target) in JOBS.items():
        found = peak(job)
        per_key = (found - base) * 2**20 / keys
        result.add(f"{name}: beside that", found, number(per_key), str(target), target.verdict(per_key))
    result.note("Events of Benchmarks/Population: users per key fall as rank^-0.8756, median 2, mean 8.9, most a million. "
                "Bytes are the peak of resident memory over that without the sketches.")
    return [result]
