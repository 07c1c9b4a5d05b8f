"""What the engine loses to those who mean harm: T1 over a file by `serve`, left alone, and while as many wild requests
come as a core can send.

The process has a core for itself in either case, and whoever attacks another one, beside the database: nobody but the
requests takes the processor from the engine. The database has less of its own while it is shared with an attacker.
"""

import functools
import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import topologies
from building import BenchmarkError
from context import Samples
from measuring import Process, quantile, ratio, round_robin, sustained_rate
from report import Table, at_least, percent
from services import Postgres, free_port

NAME = "attacked"
TITLE = "Under attack"

CALM, ATTACKED = "left alone", "wild requests all the time"
SHARE = at_least(0.97)
ATTACKER = pathlib.Path(__file__).resolve().parents[3] / "Tests/attack/attacker.py"
#: Files of as many events as one of the other sections: some seconds between the first commit and the last.
FILES = 3


def run(bench):
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        raise BenchmarkError("one core for the process and one for the attack: there is only one")
    own, others = sorted(cores)[:2]
    os.sched_setaffinity(0, {others})
    try:
        with Postgres(bench.scratch / "attacked-postgres") as postgres:
            service = Service(bench, postgres, own)
            found = round_robin(
                {name: functools.partial(service.run, name) for name in (CALM, ATTACKED)}, bench.repeat, bench.say)
            rates = {name: statistics.median(runs) for name, runs in found.items()}
    finally:
        os.sched_setaffinity(0, cores)
    return [table(service, rates)]


class Service:
    """Runs of T1 into tables of their own, one after the other."""

    def __init__(self, bench, postgres, core):
        self.bench = bench
        self.postgres = postgres
        self.core = core
        self.files = [bench.event_file(seed=seed) for seed in range(1, FILES + 1)]
        self.events = bench.events * FILES
        self.number = 0
        #: Requests a second, of each attack.
        self.rates = []
        #: Seconds that somebody who means no harm waited for /health meanwhile.
        self.waits = []

    def run(self, kind):
        self.number += 1
        name = f"bench_attacked_{self.number}"
        file = self.bench.topology(
            name, topologies.file_source(*self.files), "T1", topologies.postgres_sink(self.postgres.url, name))
        self.bench.tell(self.postgres, "deploy", file, "--wait", "0s")
        port = free_port()
        process = Process(
            [self.bench.millrace, "serve", "--database", self.postgres.url, "--log-level", "critical", "--listen",
             f"127.0.0.1:{port}", "--token-file", self.bench.scratch / "token"], prefix=("taskset", "-c", str(self.core)))
        samples = Samples(self.postgres, name, self.events)
        attack, is_over = None, threading.Event()
        asking = threading.Thread(target=self.ask, args=(port, is_over), daemon=True)
        try:
            if kind == ATTACKED:
                attack = subprocess.Popen(
                    [sys.executable, ATTACKER, str(port), name], stdout=subprocess.PIPE, text=True)
                began = time.monotonic()
                asking.start()
            while not samples.is_done():
                if process.has_ended() or attack is not None and attack.poll() is not None:
                    raise BenchmarkError(f"the process or the attack ended by itself:\n{process.errors()}")
                time.sleep(0.01)
            is_over.set()
            if attack is not None:
                attack.terminate()
                self.rates.append(self.answered(attack) / (time.monotonic() - began))
                asking.join()
            process.stop()
            process.finish()
            return sustained_rate(samples.samples)
        finally:
            if attack is not None:
                attack.kill()
            process.kill()
            self.bench.tell(self.postgres, "remove", name, "--wait", "0s")

    @staticmethod
    def answered(attack):
        """How many requests of an attack that is ending were answered."""
        count = int(attack.communicate()[0])
        if count == 0:
            raise BenchmarkError("no request was answered")
        return count

    def ask(self, port, is_over):
        """Notes how long answers take, five times a second."""
        while not is_over.wait(0.2):
            began = time.monotonic()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=30).read()
            except urllib.error.URLError as error:
                # It has just been started, or ends.
                if not isinstance(error.reason, ConnectionError):
                    raise
            else:
                self.waits.append(time.monotonic() - began)


def table(service, rates):
    shown = Table("T1 from a file, on one core", ["", "events/s", "of the calm", "target", "met"])
    share = ratio(rates[ATTACKED], rates[CALM])
    shown.add(CALM, rates[CALM], "", "", "")
    shown.add(ATTACKED, rates[ATTACKED], percent(share), f"≥ {percent(SHARE.bound)}", SHARE.verdict(share))
    shown.note(f"{service.events:,} events, from the first commit to the last. Requests of strangers, as in Tests/attack, "
               f" {min(service.rates):,.0f} to {max(service.rates):,.0f} answered a second; meanwhile "
               f"/health took {1e3 * quantile(service.waits, 0.5):,.0f} ms (median), at most {1e3 * max(service.waits):,.0f} ms.")
    return shown
