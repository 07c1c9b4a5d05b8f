"""What `millrace tap` shows, and to whom. python3 -m unittest discover Tests/attack"""

import json
import pathlib
import subprocess
import sys
import threading
import unittest
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "page"))

import services  # noqa: E402
from services import eventually  # noqa: E402

TAPPED = """topology: tapped
nodes:
  events: { kafka: { brokers: "${KAFKA_BROKERS}", topics: [game.events] } }
  records:
    from: events
    parse_json: { event_time: ts, fields: { ts: timestamp, platform: text, user: text, level: integer } }
  mobile: { from: records, filter: "platform in ('ios', 'android')" }
  sums: { from: mobile, summarize: { by: [platform], metrics: { all: count() } } }
  out: { from: sums, postgres: { url: "${DATABASE_URL}", table: tapped } }
"""


class TapTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for found, what in ((services.PROGRAM.exists(), f"{services.PROGRAM} is not built"),
                            (services.postgres_programs(), "there is no Postgres; scripts/install-dependencies installs it")):
            if not found:
                raise unittest.SkipTest(what)
        cls.stand = services.Stand()
        cls.addClassCleanup(cls.stand.stop)
        cls.stand.run("deploy", cls.stand.file("tapped.yaml", TAPPED))
        cls.port = urllib.parse.urlsplit(cls.stand.address).port
        # Events as long as somebody watches.
        cls.is_over = threading.Event()
        cls.producer = threading.Thread(target=cls.produce)
        cls.producer.start()
        cls.addClassCleanup(cls.producer.join)
        cls.addClassCleanup(cls.is_over.set)

    @classmethod
    def produce(cls):
        seed = 0
        while not cls.is_over.is_set():
            seed += 1
            cls.stand.run(
                "generate", "--events", 300, "--kafka", cls.stand.brokers, "--topic", "game.events", "--seed", seed)

    def tap(self, *arguments, token="token"):
        return subprocess.run(
            [str(services.PROGRAM), "tap", *map(str, arguments), "--listen", str(self.port), "--token-file",
             str(self.stand.folder / token)], capture_output=True, text=True, timeout=120, env=self.stand.environment)

    def records(self, *arguments):
        # Those of another test may still be open.
        done = eventually(
            lambda: (found := self.tap(*arguments)) and "taps are open" not in found.stderr and found, "room for a tap")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"millrace: \d+ of \d+ records that passed")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_records_are_seen_and_people_are_not(self):
        found = self.records("tapped", "records", "--count", 15, "--rate", 100)
        self.assertEqual(len(found), 15)
        for record in found:
            self.assertEqual(list(record), ["ts", "platform", "user", "level"])
            self.assertRegex(record["user"], "^~[0-9a-f]{8}$")
            self.assertIsInstance(record["level"], int)
        self.assertGreater(len({record["platform"] for record in found}), 1)

    def test_who_says_so_sees_them(self):
        found = self.records("tapped", "records", "--count", 3, "--show", "user", "--mask", "level,platform")
        for record in found:
            self.assertRegex(record["user"], "^u")
            self.assertRegex(record["platform"], "^~")
            self.assertRegex(record["level"], "^~")

    def test_a_filter_hands_on_what_it_lets_through_and_a_summary_gets_it(self):
        for node in ("mobile", "sums"):
            found = self.records("tapped", node, "--count", 10)
            self.assertLessEqual({record["platform"] for record in found}, {"ios", "android"}, node)

    def test_who_may_not_is_refused(self):
        done = self.tap("tapped", "records", "--count", 1, token="read-token")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("may look, and change nothing", done.stderr)
        for node in ("events", "out", "nothing"):
            done = self.tap("tapped", node)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(f"has no node {node} that records pass, expected one of mobile, records, sums", done.stderr)
        self.assertIn("does not run in this process", self.tap("nobody", "records").stderr)
        missing = self.tap("tapped", "records", token="no-token")
        self.assertIn("no-token is not there", missing.stderr)
        self.assertFalse((self.stand.folder / "no-token").exists())
        self.port, port = 1, self.port
        self.addCleanup(setattr, self, "port", port)
        self.assertIn("nobody answers at http://127.0.0.1:1", self.tap("tapped", "records").stderr)

    def ask(self, query):
        request = urllib.request.Request(
            f"{self.stand.address}/api/v1/topologies/tapped/tap?{query}",
            headers={"Authorization": f"Bearer {self.stand.token()}"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def test_taps_are_few_and_close_by_themselves(self):
        def open_all():
            return [self.ask(f"node=records&mask=x{number}") for number in range(9)]

        answers = eventually(lambda: (found := open_all())[-1][0] == 409 and found, "the last of nine to be refused")
        self.assertEqual(answers[-1][1]["error"]["code"], "too-many-taps")
        self.assertEqual(self.ask("node=nothing")[1]["error"]["code"], "unknown-node")
        # Nobody asks any more: there is room again.
        eventually(lambda: self.ask("node=sums&mask=y")[0] == 200, "the taps to be closed")
        log = self.stand.log.read_text()
        self.assertNotIn(self.stand.token(), log)


if __name__ == "__main__":
    unittest.main()
