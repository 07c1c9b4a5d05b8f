"""Tests of scripts/tally, above all that no failure gets lost in it: python3 -m unittest discover Tests/scripts"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

TALLY = pathlib.Path(__file__).parents[2] / "scripts" / "tally"

#: Stands for `swift test`: writes this report to the path behind --xunit-output and ends with this code.
FAKE_SWIFT = """
import sys
report, code = sys.argv[1], int(sys.argv[2])
path = sys.argv[sys.argv.index("--xunit-output") + 1]
if report:
    open(path.replace(".xml", "-swift-testing.xml"), "w").write(report)
sys.exit(code)
"""

REPORT = '<testsuites><testsuite tests="{0}" failures="{1}" errors="0" skipped="{2}"></testsuite></testsuites>'


class TallyTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.results = os.path.join(folder.name, "results")

    def tally(self, *arguments):
        return subprocess.run([TALLY, *arguments], capture_output=True, text=True, timeout=60)

    def sum_after(self, kind, *command):
        """Exit code and last line once this suite ran beside a good one."""
        self.tally("check", self.results, "a good one", "true")
        self.assertEqual(self.tally(kind, self.results, "the suite", *command).returncode, 0)
        end = self.tally("sum", self.results)
        return end.returncode, end.stdout.splitlines()[-1]

    def swift(self, report, code):
        return self.sum_after("swift", sys.executable, "-c", FAKE_SWIFT, report, str(code))

    def unittest(self, text, code):
        return self.sum_after("unittest", sys.executable, "-c", f"print({text!r}); raise SystemExit({code})")

    def test_good_suites_add_up(self):
        self.assertEqual(self.swift(REPORT.format(12, 0, 2), 0), (0, "11 passed, 0 failed"))

    def test_a_failed_swift_test_is_counted(self):
        self.assertEqual(self.swift(REPORT.format(12, 3, 0), 1), (1, "10 passed, 3 failed"))

    def test_a_failed_swift_test_counts_even_if_the_run_says_it_was_good(self):
        self.assertEqual(self.swift(REPORT.format(2, 1, 0), 0), (1, "2 passed, 1 failed"))

    def test_a_crash_after_a_good_report_fails(self):
        self.assertEqual(self.swift(REPORT.format(2, 0, 0), 139), (1, "3 passed, 1 failed"))

    def test_a_crash_without_a_report_fails(self):
        self.assertEqual(self.swift("", 139), (1, "1 passed, 1 failed"))

    def test_a_report_cut_short_fails(self):
        self.assertEqual(self.swift("<testsuites><testsuite tests='4'", 0), (1, "1 passed, 1 failed"))

    def test_a_suite_in_which_nothing_ran_fails(self):
        self.assertEqual(self.swift(REPORT.format(0, 0, 0), 0), (1, "1 passed, 1 failed"))
        self.assertEqual(self.swift(REPORT.format(5, 0, 5), 0)[0], 1)

    def test_python_suites_are_counted(self):
        self.assertEqual(self.unittest("Ran 7 tests in 0.1s\n\nOK (skipped=2)", 0), (0, "6 passed, 0 failed"))

    def test_failed_python_tests_are_counted(self):
        text = "Ran 7 tests in 0.1s\n\nFAILED (failures=1, errors=2)"
        self.assertEqual(self.unittest(text, 1), (1, "5 passed, 3 failed"))

    def test_a_python_suite_that_says_nothing_fails(self):
        self.assertEqual(self.unittest("", 0), (1, "1 passed, 1 failed"))
        self.assertEqual(self.unittest("Ran 0 tests in 0.0s\n\nOK", 0)[0], 1)

    def test_a_failed_check_fails(self):
        self.assertEqual(self.sum_after("check", "false"), (1, "1 passed, 1 failed"))
        self.assertEqual(self.sum_after("check", "/nowhere/to/be/found")[0], 1)

    def test_a_killed_check_fails(self):
        self.assertEqual(self.sum_after("check", "sh", "-c", "kill -9 $$"), (1, "1 passed, 1 failed"))

    def test_the_end_says_what_failed(self):
        """Who reads a long log from its end needs to know which test it was."""
        self.tally("check", self.results, "a good one", "echo", "error: of no matter")
        issue = "✘ Test addsUp() recorded an issue at SumTests.swift:7:9: Expectation failed: 1 + 1 == 3"
        swift = f"import sys; print({issue!r}); {FAKE_SWIFT.strip()}"
        self.tally("swift", self.results, "Sums", sys.executable, "-c", swift, REPORT.format(2, 1, 0), "1")
        text = "FAIL: test_it (test_sums.Tests)\nRan 1 test in 0.1s\n\nFAILED (failures=1)"
        self.tally("unittest", self.results, "in Python", sys.executable, "-c", f"print({text!r})")
        self.tally("check", self.results, "a check", "sh", "-c", "echo error: none of a test; seq 1 30; exit 1")
        self.tally("swift", self.results, "crashed", "sh", "-c", "echo what came before; kill -9 $$")
        lines = self.tally("sum", self.results).stdout.splitlines()
        self.assertEqual(lines[5:7], [f"Sums: {issue}", "in Python: FAIL: test_it (test_sums.Tests)"])
        self.assertEqual(lines[7:-3], [f"a check: {number}" for number in range(19, 31)])
        self.assertEqual(
            lines[-3:-1], ["crashed: what came before", "crashed: tally: crashed: ended with -9 and reported no failure"])

    def test_of_many_failures_some_are_said(self):
        text = "\n".join(f"a.swift:{number}:1: error: none" for number in range(50))
        self.tally("check", self.results, "many", "sh", "-c", f"echo '{text}'; exit 1")
        lines = self.tally("sum", self.results).stdout.splitlines()
        self.assertEqual(lines[1:3], [f"many: a.swift:{number}:1: error: none" for number in range(2)])
        self.assertEqual(lines[-2], "many: and 38 more")

    def test_nothing_at_all_is_no_success(self):
        end = self.tally("sum", self.results)
        self.assertEqual((end.returncode, end.stdout.splitlines()[-1]), (1, "0 passed, 0 failed"))


if __name__ == "__main__":
    unittest.main()
