"""What the engine loses to those who mean harm: T1 over a file by `serve`, left alone, and while as many wild requests
come as a core can send.

The process has a core for itself in either case, and whoever attacks another one, beside the database: what is measured
is what the requests take from the engine, and not who else had the processor.
"""

import functools
import os
import pathlib
import subprocess
import sys
import time

import topologies
from building import BenchmarkError
from context import Samples
from measuring import Process, Summary, ratio, round_robin, summarize
from report import Table, at_least, percent
from services import Postgres, free_port

NAME = "attacked"
TITLE = "Under attack"

CALM, ATTACKED = "left alone", "wild requests all the time"
SHARE = at_least(0.97)
ATTACKER = pathlib.Path(__file__).resolve().parents[3] / "Tests/attack/attacker.py"
#: A file that takes as many times as long as that of the other sections: the start and the end are in it.
EVENTS = 3


def run(bench):
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        raise BenchmarkError("one core for the process and one for the attack: there is only one")
    own, others = sorted(cores)[:2]
    os.sched_setaffinity(0, {others})
    try:
        with Postgres(bench.scratch / "attacked-postgres") as postgres:
            service = Service(bench, postgres, own)
            found = round_robin({CALM: service.run, ATTACKED: functools.partial(service.run, is_attacked=True)},
                                bench.repeat, bench.say)
    finally:
        os.sched_setaffinity(0, cores)
    return [table(service, {name: summarize(service.events, runs) for name, runs in found.items()})]


class Service:
    """Runs of T1 into tables of their own, one after the other."""

    def __init__(self, bench, postgres, core):
        self.bench = bench
        self.postgres = postgres
        self.core = core
        self.files = [bench.event_file(seed=seed) for seed in range(1, EVENTS + 1)]
        self.events = bench.events * EVENTS
        self.number = 0
        #: Requests a second, of each attack.
        self.rates = []

    def run(self, is_attacked=False):
        self.number += 1
        name = f"bench_attacked_{self.number}"
        file = self.bench.topology(
            name, topologies.file_source(*self.files), "T1", topologies.postgres_sink(self.postgres.url, name))
        self.tell("deploy", file, "--wait", "0s")
        port, token = free_port(), self.bench.scratch / "token"
        process = Process(
            [self.bench.millrace, "serve", "--database", self.postgres.url, "--log-level", "critical", "--listen",
             f"127.0.0.1:{port}", "--token-file", token], prefix=("taskset", "-c", str(self.core)))
        samples = Samples(self.postgres, name, self.events)
        attack = None
        try:
            if is_attacked:
                attack = subprocess.Popen(
                    [sys.executable, ATTACKER, str(port), name], stdout=subprocess.PIPE, text=True)
                began = time.monotonic()
            while not samples.is_done():
                if process.has_ended() or attack is not None and attack.poll() is not None:
                    raise BenchmarkError(f"the process or the attack ended by itself:\n{process.errors()}")
                time.sleep(0.05)
            if attack is not None:
                attack.terminate()
                count = int(attack.communicate()[0])
                if count == 0:
                    raise BenchmarkError("no request was answered")
                self.rates.append(count / (time.monotonic() - began))
            process.stop()
            return process.finish()
        finally:
            if attack is not None:
                attack.kill()
            process.kill()
            self.tell("remove", name, "--wait", "0s")

    def tell(self, *words):
        """A command to the catalogue. That no process is there to take it up is no fault."""
        done = subprocess.run(
            [str(self.bench.millrace), *map(str, words), "--database", self.postgres.url], capture_output=True, text=True)
        if "rror" in done.stderr:
            raise BenchmarkError(f"millrace {words[0]}: {done.stderr}")


def table(service, found: dict[str, Summary]):
    shown = Table("T1 from a file, on one core", ["", "events/s", "of the calm", "target", "met", "events/CPU-s"])
    calm, attacked = found[CALM], found[ATTACKED]
    share = ratio(attacked.per_second, calm.per_second)
    shown.add(CALM, calm.per_second, "", "", "", calm.per_cpu_second)
    shown.add(ATTACKED, attacked.per_second, percent(share), f"≥ {percent(SHARE.bound)}", SHARE.verdict(share),
              attacked.per_cpu_second)
    shown.note(f"{service.events:,} events. Whole processes, so start and end are in it. Requests of strangers, as in "
               f"Tests/attack, {min(service.rates):,.0f} to {max(service.rates):,.0f} answered a second.")
    return shown
