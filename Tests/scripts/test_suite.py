"""Tests of scripts/suite: what runs when, beside what, and that nothing is lost."""

import io
import os
import pathlib
import re
import sys
import tempfile
import time
import unittest
from contextlib import redirect_stdout

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "suite"))

import parts  # noqa: E402
import suite  # noqa: E402
from parts import Part  # noqa: E402


class RunTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.results = self.folder / "results"
        self.results.touch()

    def part(self, name, script, after=(), cores=1.0, environment=()):
        """A part that is one line of shell; it finds the test's folder in $0."""
        command = ("sh", "-c", script, str(self.folder))
        return Part(name, "check", command, after=after, cores=cores, environment=environment)

    def run_all(self, *given, cores=2, **options):
        with redirect_stdout(io.TextIOWrapper(io.BytesIO(), encoding="utf-8")) as output:
            suite.Run(given, self.results, cores, logs=self.folder / "logs", **options).run()
            output.flush()
            self.said = output.buffer.getvalue().decode()
        return {name: failed for failed, _, _, name in suite.result_lines(self.results)}

    def test_all_parts_run_and_are_counted(self):
        found = self.run_all(self.part("good", "echo well"), self.part("bad", "exit 3"))
        self.assertEqual(found, {"good": 0, "bad": 1})
        self.assertIn("well", self.said)

    def test_what_needs_a_part_waits_for_it(self):
        found = self.run_all(
            self.part("second", "test -e $0/made", after=("first",)), self.part("first", "sleep 0.2; touch $0/made"))
        self.assertEqual(found, {"second": 0, "first": 0})

    def test_what_needs_a_failed_part_is_left_out_and_so_is_what_needs_that(self):
        found = self.run_all(
            self.part("first", "false"), self.part("second", "true", after=("first",)),
            self.part("third", "true", after=("second",)))
        self.assertEqual(found, {"first": 1})
        self.assertIn("third: left out", self.said)

    def test_parts_run_side_by_side(self):
        # Each waits until the other one is there.
        script = "touch $0/$NAME; while ! [ -e $0/$OTHER ]; do sleep 0.01; done"
        found = self.run_all(
            self.part("a", script, environment=(("NAME", "a"), ("OTHER", "b"))),
            self.part("b", script, environment=(("NAME", "b"), ("OTHER", "a"))))
        self.assertEqual(found, {"a": 0, "b": 0})

    def test_no_more_run_than_there_are_cores_for(self):
        script = "mkdir $0/lock && sleep 0.2 && rmdir $0/lock"
        found = self.run_all(*(self.part(str(n), script, cores=1.5) for n in range(3)))
        self.assertEqual(set(found.values()), {0})

    def test_a_part_larger_than_the_machine_runs_alone(self):
        self.assertEqual(self.run_all(self.part("large", "true", cores=5), cores=2), {"large": 0})

    def test_a_part_of_which_nothing_was_written_down_has_failed(self):
        killed = self.folder / "tally"
        killed.write_text("#!/bin/sh\nkill -9 $$\n", encoding="utf-8")
        killed.chmod(0o755)
        self.assertEqual(self.run_all(self.part("lost", "true"), tally=killed), {"lost": 1})

    def test_nothing_is_left_running_after_an_interruption(self):
        run = suite.Run([self.part("long", "echo $$ >$0/pid; sleep 600")], self.results, 2, logs=self.folder / "logs")
        run.logs.mkdir()
        with redirect_stdout(io.StringIO()):
            run.start_what_can_run()
        while not (self.folder / "pid").exists() or not (self.folder / "pid").read_text(encoding="utf-8").strip():
            time.sleep(0.01)
        run.take_what_ended = lambda: (_ for _ in ()).throw(KeyboardInterrupt())
        self.assertRaises(KeyboardInterrupt, run.run)
        child = int((self.folder / "pid").read_text(encoding="utf-8"))
        # Killed it is; that init has taken note of it may take a moment.
        end = time.monotonic() + 60
        with self.assertRaises(ProcessLookupError):
            while time.monotonic() < end:
                os.kill(child, 0)
                time.sleep(0.01)


class PartsTests(unittest.TestCase):
    def names(self, level):
        return [part.name for part in parts.parts(level)]

    def test_each_level_runs_what_the_one_before_runs(self):
        quick = {f"{target}, quick": target for target in parts.SLOW} | {"build": "build, optimised"}
        self.assertLessEqual({quick.get(name, name) for name in self.names("smoke")}, set(self.names("default")))
        # The same for ten minutes includes what takes seconds.
        self.assertLess(set(self.names("default")) - {"Tests/attack"}, set(self.names("full")))
        self.assertIn("Tests/attack, ten minutes", self.names("full"))

    def test_every_test_target_runs(self):
        self.assertLessEqual({folder.name for folder in (ROOT / "Tests").glob("*Tests")}, set(self.names("default")))

    def test_no_integration_test_is_in_both_halves_or_in_none(self):
        halves = [part for part in parts.parts("default") if part.name.startswith("IntegrationTests")]
        for name in ("IntegrationTests.KillTests/a()", "IntegrationTests.RunTests/b()"):
            self.assertEqual(sum(self.takes(part, name) for part in halves), 1, name)

    def takes(self, part, name):
        options = list(zip(part.command, part.command[1:]))
        filters = [pattern for option, pattern in options if option == "--filter"]
        skips = [pattern for option, pattern in options if option == "--skip"]
        return any(re.search(one, name) for one in filters) and not any(re.search(one, name) for one in skips)

    def test_suites_that_are_named_are_there(self):
        self.assertEqual(parts.missing_suites(), [])

    def test_suites_that_are_not_there_are_found(self):
        self.addCleanup(setattr, parts, "WAITING", parts.WAITING)
        parts.WAITING = ("KillTests", "ForgottenTests")
        self.assertEqual(parts.missing_suites(), ["IntegrationTests.ForgottenTests"])

    def test_names_are_used_once_and_what_is_needed_is_there(self):
        names = self.names("full") + [name for name in self.names("smoke") if name not in self.names("full")]
        self.assertEqual(len(names), len(set(names)))
        for part in parts.all_parts():
            self.assertLessEqual(set(part.after), set(names))

    def test_the_versions_of_postgres_are_those_that_are_installed(self):
        text = (ROOT / "scripts" / "install-dependencies").read_text(encoding="utf-8")
        wheels = re.search(r'POSTGRES_WHEELS="\n(.*?)"', text, re.DOTALL)[1]
        self.assertEqual(tuple(line.split()[0] for line in wheels.splitlines()), parts.POSTGRES)


class TimesTests(unittest.TestCase):
    def test_times_are_kept_and_listed(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "new" / "times"
            suite.write_times({"build, optimised": (156.0, 280.4), "run smoke": (300.0, 500.0)}, path)
            suite.write_times({"SketchesTests": (9.6, 8.1)}, path)
            lines = list(suite.listing(parts.all_parts(), suite.read_times(path)))
        self.assertIn("            x    x     156    280  build, optimised", lines)
        self.assertIn("    x       x    x      10      8  SketchesTests", lines)
        self.assertTrue(any("300    500  all of smoke" in line for line in lines))


if __name__ == "__main__":
    unittest.main()
