"""The listener under those who mean harm. python3 -m unittest discover Tests/attack

A process serves two topologies: one is the victim of whatever the interface can be made to do, the other goes on reading
from Kafka meanwhile. MILLRACE names the program; MILLRACE_ATTACK_SECONDS how long each attack goes on, 6 unless given;
MILLRACE_ATTACK_SEED another seed. What was sent when something is wrong is printed.
"""

import json
import os
import pathlib
import random
import resource
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "page"))

import judge  # noqa: E402
import services  # noqa: E402
import wild  # noqa: E402
from services import ROOT, eventually  # noqa: E402

SECONDS = int(os.environ.get("MILLRACE_ATTACK_SECONDS", "6"))
SEED = int(os.environ.get("MILLRACE_ATTACK_SEED", "12"))
SCHEMATHESIS = ROOT / ".build/tools/venv/bin/schemathesis"
DOCUMENT = ROOT / "Sources/WebAPI/openapi.json"
#: A topology that starts anew is not ready, and that it is not is said with 503.
RULES = """[[operations]]
include-operation-id = "ready"
checks.not_a_server_error.enabled = false
"""
CONNECTIONS = 10_000
#: Attackers at once.
THREADS = 8

VICTIM = """topology: victim
nodes:
  events: { kafka: { brokers: "${KAFKA_BROKERS}", topics: [hostile] } }
  records: { from: events, parse_json: { fields: { number: integer, name: text } } }
  sums: { from: records, summarize: { by: [name], metrics: { all: count() } } }
  names: { from: sums, postgres: { url: "${DATABASE_URL}", table: victims } }
"""
STEADY = VICTIM.replace("victim", "steady").replace("[hostile]", "[game.events]")


class JudgeTests(unittest.TestCase):
    """A judge that finds nothing wrong with anything would let everything pass."""

    GOOD = (b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n"
            b"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n{}")

    def complaint(self, answer, may_look=False):
        return judge.complaint(b"GET / HTTP/1.1\r\n", answer, ["sesame"], may_look)

    def test_what_is_in_order_passes(self):
        self.assertIsNone(self.complaint(self.GOOD))
        self.assertIsNone(self.complaint(b""))
        self.assertIsNone(self.complaint(self.GOOD.replace(b"404 Not Found", b"200 OK"), may_look=True))

    def test_what_is_not_is_found(self):
        for old, new in ((b"404 Not Found", b"500 Internal Server Error"), (b"404 Not Found", b"503 Service Unavailable"),
                         (b"{}", b"{}" + self.GOOD), (b"{}", b"{"), (b"HTTP/1.1 ", b"HTTP/1.1  "), (b"nosniff", b"sesame"),
                         (b"Connection: close\r\n", b""), (b"Connection: close", b"Content-Length: 2"),
                         (b"404 Not Found", b"200 OK"), (b"no-store", b"\xff")):
            self.assertIsNotNone(self.complaint(self.GOOD.replace(old, new)), new)


def skip_what_cannot_run():
    missing = [
        (services.PROGRAM.exists(), f"{services.PROGRAM} is not built"),
        (services.postgres_programs(), "there is no Postgres; scripts/install-dependencies installs it"),
    ]
    for found, what in missing:
        if not found:
            raise unittest.SkipTest(what)


class AttackTests(unittest.TestCase):
    is_encrypted = False
    #: By which certificates are believed, over TLS.
    context = None
    #: For each of the attacks that go on for a time.
    seconds = SECONDS / 2

    @classmethod
    def setUpClass(cls):
        skip_what_cannot_run()
        cls.stand = services.Stand(cls.is_encrypted)
        cls.addClassCleanup(cls.stand.stop)
        cls.stand.run("deploy", cls.stand.file("victim.yaml", VICTIM), cls.stand.file("steady.yaml", STEADY))
        cls.produced = 0
        cls.bad = cls.stand.file("bad.ndjson", '{"number":"x"}\n' * 20)
        cls.stand.run("produce", cls.bad, "--kafka", cls.stand.brokers, "--topic", "hostile", "--key", "none")
        address = urllib.parse.urlsplit(cls.stand.address)
        cls.place = ("127.0.0.1", address.port)
        cls.tokens = [cls.stand.token(), cls.stand.token("read-token")]

    def tearDown(self):
        """Whatever happened: the process is the same, answers, reads and commits, and told no secret."""
        self.assertIsNone(self.stand.server.poll(), self.stand.log.read_text()[-2_000:])
        self.stand.run("resume", "victim")
        self.commits_more()
        self.assertEqual(self.ask("/health").status, 200)
        log = self.stand.log.read_text()
        for token in self.tokens:
            self.assertNotIn(token, log)

    def ask(self, path, token=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(self.stand.address + path, headers=headers)
        return urllib.request.urlopen(request, timeout=60, context=self.context)

    def connect(self):
        """A connection by which requests go."""
        return socket.create_connection(self.place, timeout=60)

    def idle(self, index):
        """A connection that asks for nothing, or not to the end."""
        connection = self.connect()
        if index % 2:
            try:
                connection.send(b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n")
            except (BrokenPipeError, ConnectionResetError):
                pass  # It has given way already.
        return connection

    def commits_more(self):
        """The topology that nobody attacks gets to the end of what is produced now."""
        cls = type(self)
        cls.stand.run(
            "generate", "--events", 2_000, "--kafka", cls.stand.brokers, "--topic", "game.events", "--seed",
            cls.produced + 1)
        cls.produced += 2_000
        position = "SELECT coalesce(sum(next_offset), 0) FROM millrace.partitions WHERE topology = 'steady'"
        eventually(lambda: int(self.stand.postgres.value(position)) == cls.produced, "what was produced to be committed")

    def wishes(self):
        """What is wanted of the topologies, and since when."""
        return self.stand.postgres.query(
            "SELECT topology, version, wanted, changed_by, changed_at FROM millrace.deployments ORDER BY topology")

    # Through the document.

    def through_the_document(self, document, *options):
        path = self.stand.file("openapi.json", json.dumps(document))
        rules = self.stand.file("schemathesis.toml", RULES)
        return subprocess.run(
            [SCHEMATHESIS, "--config-file", rules, "run", path, "--url", self.stand.address, "--header", f"Authorization: Bearer {self.tokens[0]}",
             "--seed", str(SEED), "--request-timeout", "30", "--continue-on-failure", *options],
            capture_output=True, text=True, cwd=self.stand.folder, timeout=SECONDS + 300,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"})

    def document(self):
        """The document, in which names of topologies are often those of one."""
        document = json.loads(DOCUMENT.read_text())
        for operations in document["paths"].values():
            for operation in operations.values():
                for parameter in operation.get("parameters", []):
                    known = {"name": ["victim"], "node": ["records", "sums"]}.get(parameter["name"])
                    if known:
                        parameter["schema"] = {"anyOf": [{"enum": known}, parameter["schema"]]}
        return document

    def test_answers_are_those_of_the_document(self):
        if not SCHEMATHESIS.exists():
            self.skipTest("there is no schemathesis; scripts/install-dependencies --test installs it")
        done = self.through_the_document(self.document(), "--max-time", str(SECONDS))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        cases = [line for line in done.stdout.splitlines() if "generated" in line]
        self.assertEqual(len(cases), 1, done.stdout)
        print(f"schemathesis in {SECONDS} s:{cases[0]}", file=sys.stderr)

    def test_a_document_that_lies_is_found_out(self):
        if not SCHEMATHESIS.exists():
            self.skipTest("there is no schemathesis; scripts/install-dependencies --test installs it")
        document = self.document()
        document["components"]["schemas"]["Health"]["properties"]["isAlive"] = {"type": "integer"}
        document["paths"] = {"/health": document["paths"]["/health"]}
        done = self.through_the_document(document, "--phases", "coverage")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("Response violates schema", done.stdout)

    # As bytes.

    def exchange(self, request):
        """Sends it on a connection of its own, and returns what comes back."""
        with self.connect() as connection:
            return wild.exchange(connection, request)

    def fuzz(self, tokens, seconds, seed, expected):
        """Attacks from several threads until the time is over, and all expected statuses have been answered.

        That none is missing says that requests are not all refused for one reason.
        """
        end = time.monotonic() + seconds
        faults, counts = [], [{} for _ in range(THREADS)]

        def goes_on():
            now = time.monotonic()
            return now < end or now < end + 120 and not all(any(status in one for one in counts) for status in expected)

        def attack(number):
            chance = random.Random(seed * 1_000 + number)
            while goes_on() and not faults:
                request = wild.wild(chance, "victim", tokens)
                may_look = any(token.encode() in request.bytes for token in self.tokens)
                try:
                    answer = self.exchange(request)
                    wrong = judge.complaint(request.bytes, answer, self.tokens, may_look)
                except OSError as error:
                    answer, wrong = b"", f"{error!r}"
                if wrong:
                    faults.append(f"{wrong}\nsent: {request}\nanswer: {answer[:4_000]}".replace(self.tokens[0], "TOKEN"))
                status = answer[9:12].decode("latin-1")
                counts[number][status] = counts[number].get(status, 0) + 1

        threads = [threading.Thread(target=attack, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(faults, [], f"seed {seed}: {faults[:1]}")
        statuses = {}
        for one in counts:
            for status, count in one.items():
                statuses[status] = statuses.get(status, 0) + count
        print(f"{sum(statuses.values())} wild requests: {dict(sorted(statuses.items()))}", file=sys.stderr)
        for status in expected:
            self.assertIn(status, statuses)

    def test_strangers_change_nothing(self):
        before = self.wishes()
        self.fuzz(
            ["", "0" * 64, self.tokens[1][:-1] + "g", self.tokens[1]], self.seconds, SEED,
            ("200", "303", "400", "401", "403", "404", "405", "411", "413", "431", "505"))
        self.assertEqual(self.wishes(), before)

    def test_whoever_may_act_breaks_nothing(self):
        self.fuzz(self.tokens, self.seconds, SEED + 1, ("200", "202"))

    def test_those_who_trickle_are_cut_off(self):
        slow = [self.connect() for _ in range(50)]
        request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 1_000
        ended = set()

        def trickle():
            for byte in request:
                for connection in slow:
                    if connection in ended:
                        continue
                    try:
                        connection.send(bytes([byte]))
                    except (BrokenPipeError, ConnectionResetError):
                        ended.add(connection)
                if len(ended) == len(slow):
                    return True
                time.sleep(0.2)
            return False

        self.assertTrue(trickle(), f"{len(slow) - len(ended)} are still taken from")
        for connection in slow:
            connection.close()

    def test_ten_thousand_connections_stand_in_nobodys_way(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        count = min(CONNECTIONS, hard - 500)
        idle = []
        self.addCleanup(lambda: [connection.close() for connection in idle])
        for index in range(count):
            idle.append(self.idle(index))
            if index % 1_000 == 999:
                self.assertEqual(self.ask("/health").status, 200)
        self.commits_more()
        self.assertEqual(self.ask("/api/v1/topologies", self.tokens[1]).status, 200)
        files = len(os.listdir(f"/proc/{self.stand.server.pid}/fd"))
        self.assertLess(files, 256 + 150)
        print(f"{count} connections; the process has {files} files open", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
