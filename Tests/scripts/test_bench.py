"""Tests of what scripts/bench computes from what it measures, and that its check of counts can fail."""

import contextlib
import io
import pathlib
import shutil
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "Benchmarks" / "Pipeline"))

import bench  # noqa: E402
import context  # noqa: E402
import floors  # noqa: E402
import measuring  # noqa: E402
import report  # noqa: E402
import topologies  # noqa: E402
from building import BenchmarkError  # noqa: E402
from sections import (  # noqa: E402
    counts, from_file, from_kafka, language, latency, lookups, micro, peers, scaling, summaries)


def run(cpu, wall=1.0, peak=10.0):
    return measuring.Measurement(cpu, wall, peak)


class LookupsTests(unittest.TestCase):
    def test_figures_are_read_by_their_names(self):
        text = "load: 123.4 ns/row\npeak of the refresh, counted: 1.024 times the table\ncheck: -5 \nno figure\n"
        self.assertEqual(lookups.parse(text), {"load": 123.4, "peak of the refresh, counted": 1.024, "check": -5.0})


class LanguageTests(unittest.TestCase):
    @staticmethod
    def found(**seconds):
        cpu = {name: 1.0 for name in (language.PLAIN, language.LONGER, language.WITH_URL, language.NO_OPERATOR,
                                      language.READINGS, *language.SHARES, *language.CHAINS)}
        cpu.update(seconds)
        return {name: measuring.Summary(1_000_000, value, value, 50.0) for name, value in cpu.items()}

    def test_a_variant_is_judged_by_its_share_of_plain_t1(self):
        rows = {row[0]: row[2:] for row in language.shares(self.found(**{language.QUOTED: 1.25})).rows}
        self.assertEqual(rows[language.QUOTED], ["80%", "≥ 95%", "no"])
        self.assertEqual(rows[language.DERIVED], ["100%", "≥ 90%", "yes"])
        self.assertEqual(rows[language.PLAIN], ["100%", "", ""])

    def test_an_operator_is_what_a_chain_takes_more(self):
        chain = next(iter(language.CHAINS))
        found = self.found(**{chain: 1.4})
        self.assertAlmostEqual(language.per_operator(found, chain), 20.0)
        self.assertEqual(language.operators(found).rows[0][-1], "no")

    def test_every_chain_has_its_operators(self):
        for name, chain in language.CHAINS.items():
            words = [word for word in chain.split() if word in ("+", "-", "*", ">", "=", "and", "or")]
            self.assertEqual(len(words), language.OPERATORS, name)

    def test_events_are_changed_as_they_should(self):
        line = '{"ts":"x","duration_ms":12,"revenue":4.90,"a":null}\n'
        self.assertEqual(language.in_quotes(0, line), '{"ts":"x","duration_ms":"12","revenue":"4.90","a":null}\n')
        self.assertEqual(len({language.with_url(position, line) for position in range(20_000)}), language.URLS)


class FloorTests(unittest.TestCase):
    def test_the_floor_of_the_parser_fits_the_parser(self):
        """Only the benchmark compiles it, so nothing else notices that the parser has changed."""
        compiler = shutil.which("clang++") or shutil.which("g++")
        self.assertIsNotNone(compiler, "a C++ compiler is a dependency of the build")
        done = subprocess.run(
            [compiler, "-std=c++17", "-fsyntax-only", f"-I{ROOT / 'Sources' / 'CSimdJSON' / 'include'}",
             str(ROOT / "Benchmarks" / "JSONFloor" / "floor.cpp")], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)


class SummariesTests(unittest.TestCase):
    def test_a_variant_is_judged_by_its_share_of_t1(self):
        cpu = {name: 1.0 for name in summaries.JOBS} | {summaries.SETS: 1.3, summaries.FIRST: 2.0}
        found = {name: measuring.Summary(1_000_000, value, value, 50.0) for name, value in cpu.items()}
        rows = {row[0]: row[2:5] for row in summaries.shares(found).rows}
        self.assertEqual(rows[summaries.SETS], ["77%", "≥ 80%", "no"])
        self.assertEqual(rows[summaries.TOP_FEW], ["100%", "≥ 70%", "yes"])
        self.assertEqual(rows[summaries.FIRST], ["50%", "", ""])

    def test_every_variant_is_a_job(self):
        for job, _ in summaries.JOBS.values():
            self.assertIn("summarize:", topologies.topology("t", "file: [x]", job))


class MeasuringTests(unittest.TestCase):
    def test_competitors_take_turns(self):
        order = []
        competitors = {name: lambda name=name: order.append(name) or run(1) for name in "abc"}
        runs = measuring.round_robin(competitors, 2)
        self.assertEqual("".join(order), "abcabc")
        self.assertEqual({name: len(measured) for name, measured in runs.items()}, {"a": 2, "b": 2, "c": 2})

    def test_time_is_the_median_and_memory_the_most(self):
        summary = measuring.summarize(1_000, [run(9, 30, 5), run(2, 10, 7), run(1, 20, 6)])
        self.assertEqual((summary.cpu, summary.wall, summary.peak_mib), (2, 20, 7))
        self.assertEqual((summary.per_cpu_second, summary.per_second), (500, 50))

    def test_a_ratio_to_nothing_is_none(self):
        self.assertEqual(measuring.ratio(3, 2), 1.5)
        self.assertIsNone(measuring.ratio(3, None))
        self.assertIsNone(measuring.ratio(3, 0))

    def test_quantiles_are_values_that_were_seen(self):
        values = list(range(1, 101))
        self.assertEqual([measuring.quantile(values, q) for q in (0.5, 0.99, 1)], [50, 99, 100])
        self.assertEqual(measuring.quantile([3.0], 0.5), 3.0)
        self.assertEqual(measuring.quantile([2, 1], 0.5), 1)

    def test_the_sustained_rate_leaves_out_the_start_and_the_end(self):
        samples = [(0, 0), (1, 0), (2, 100), (3, 100), (4, 700), (5, 700), (9, 700)]
        self.assertEqual(measuring.sustained_rate(samples), 300)
        self.assertIsNone(measuring.sustained_rate([(0, 0), (1, 50), (2, 50)]))
        self.assertIsNone(measuring.sustained_rate([]))

    def test_what_the_launcher_writes_is_read(self):
        code, measured = measuring.parse_launched("3 1500000 250000 2048\n", 9.0)
        self.assertEqual((code, measured), (3, run(1.75, 9.0, 2.0)))

    def test_a_process_is_measured_alone(self):
        ballast = b"x" * (100 << 20)
        measured = measuring.measure(["sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"])
        self.assertGreater(measured.cpu, 0)
        self.assertLess(measured.peak_mib, len(ballast) >> 21)

    def test_a_failure_is_told_with_what_the_process_said(self):
        with self.assertRaisesRegex(BenchmarkError, "ended with 4:\nwrong"):
            measuring.measure(["sh", "-c", "echo wrong >&2; exit 4"])

    def test_a_run_over_other_events_than_meant_is_an_error(self):
        last = "2026-01-01T00:00:00Z INFO Topology ended dead=0 events={} rows=1"
        context.check_read(last.format(6_000_000), 6_000_000)
        for said in (last.format(2_000_000), last.format(60_000_000), ""):
            with self.assertRaisesRegex(BenchmarkError, "expected a run over 6000000 events"):
                measuring.measure(["sh", "-c", f"echo '{said}' >&2"], check=lambda said: context.check_read(said, 6_000_000))

    def test_a_process_that_ends_before_it_is_done_is_an_error(self):
        with self.assertRaisesRegex(BenchmarkError, "ended by itself"):
            measuring.measure_until(["true"], lambda: False, every=0.01)

    def test_a_process_is_asked_to_end_when_done(self):
        command = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.01; done"]
        began = time.monotonic()
        self.assertGreater(measuring.measure_until(command, lambda: time.monotonic() > began + 0.2, 0.01).wall, 0.1)


class InstancesTests(unittest.TestCase):
    def test_books_that_agree_have_nothing_wrong(self):
        self.assertEqual(scaling.wrong_counts(1_000, 1_000, 1_000, 1_000), [])

    def test_whatever_differs_is_named(self):
        self.assertEqual(scaling.wrong_counts(1_000, 1_000, 999, 1_001),
                         ["999 applied, 1,000 delivered", "1,001 in the table, 1,000 delivered"])

    def test_a_deadlock_is_too_many(self):
        self.assertEqual([scaling.NO_DEADLOCKS.verdict(count) for count in (0, 1)], ["yes", "no"])

    def test_instances_end_together_and_one_that_ended_early_is_seen(self):
        group = scaling.Instances([["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.01; done"]] * 2)
        try:
            time.sleep(0.3)
            self.assertFalse(group.has_ended())
            self.assertEqual(len(group.finish()), 2)
        finally:
            group.kill()
        group = scaling.Instances([["true"], ["sleep", "5"]])
        try:
            group.processes[0].finish()
            self.assertTrue(group.has_ended())
        finally:
            group.kill()


class ReportTests(unittest.TestCase):
    def table(self):
        table = report.Table("Rates", ["", "events/s", "target", "met"], ["A note."])
        table.add("T1 | file", 1234567.0, str(report.at_least(1_000_000)), "yes")
        return table

    def test_numbers_have_the_digits_a_reader_needs(self):
        shown = [report.number(value) for value in (None, "x", 1234567.4, 123.4, 12.34, 1.234, 0.0123, 7.0)]
        self.assertEqual(shown, ["-", "x", "1,234,567", "123", "12.3", "1.23", "0.012", "7"])

    def test_targets_have_a_direction(self):
        least, most = report.at_least(1.8), report.at_most(64, "MiB")
        self.assertEqual((str(least), str(most)), ("≥ 1.80", "≤ 64 MiB"))
        self.assertEqual([least.verdict(1.8), least.verdict(1.7), most.verdict(64), most.verdict(65)],
                         ["yes", "no", "yes", "no"])
        self.assertEqual(least.verdict(None), "")

    def test_a_table_is_aligned_on_the_terminal(self):
        lines = self.table().as_text().splitlines()
        self.assertEqual(lines[2], "  T1 | file  1,234,567  ≥ 1,000,000  yes")
        self.assertEqual(lines[1].index("events/s") + len("events/s"), lines[2].index("1,234,567") + 9)
        self.assertEqual(lines[-1], "  A note.")

    def test_a_table_is_markdown_on_the_page(self):
        self.assertEqual(self.table().as_markdown().splitlines(), [
            "### Rates", "", "|  | events/s | target | met |", "| --- | ---: | ---: | ---: |",
            "| T1 \\| file | 1,234,567 | ≥ 1,000,000 | yes |", "", "A note."])

    def test_a_row_of_another_length_is_a_bug(self):
        with self.assertRaises(ValueError):
            self.table().add("too", "short")

    def section(self, name, provenance):
        return report.Section(name, name.title(), provenance, [self.table()])

    def test_a_section_measured_again_replaces_itself_and_nothing_else(self):
        order = ["file", "kafka", "counts"]
        page = report.merged_document("", [self.section("kafka", "Monday."), self.section("file", "Monday.")], order)
        self.assertLess(page.index("## File"), page.index("## Kafka"))
        page = report.merged_document(page, [self.section("kafka", "Tuesday.")], order)
        self.assertEqual((page.count("Monday."), page.count("Tuesday.")), (1, 1))
        self.assertLess(page.index("Monday."), page.index("Tuesday."))
        self.assertEqual(report.merged_document(page, [], order), page)

    def test_a_section_that_is_no_longer_measured_is_dropped(self):
        page = report.merged_document("", [self.section("file", "Monday.")], ["file"])
        self.assertEqual(report.merged_document(page, [], ["kafka"]), report.PREAMBLE)


class CountsTests(unittest.TestCase):
    LIMITS = {"T1 instructions/event": {"value": 4_000, "tolerance": 0.02},
              "T1 allocations/batch": {"value": 50, "tolerance": 0.1}}

    def test_marginal_cost_leaves_the_start_out(self):
        self.assertEqual(counts.marginal(1_000_000 + 20_000 * 7, 1_000_000 + 40_000 * 7, 20_000), 7)

    def test_counts_within_their_limits_pass(self):
        self.assertEqual(counts.exceeded({"T1 instructions/event": 4_080, "T1 allocations/batch": 1}, self.LIMITS), [])

    def test_a_count_over_its_limit_fails(self):
        self.assertEqual(counts.exceeded({"T1 instructions/event": 4_081, "T1 allocations/batch": 56}, self.LIMITS),
                         ["T1 instructions/event", "T1 allocations/batch"])

    def test_a_count_without_a_limit_fails(self):
        self.assertEqual(counts.exceeded({"T9 instructions/event": 1}, self.LIMITS), ["T9 instructions/event"])

    def test_what_is_recorded_is_within_its_own_limit_and_keeps_the_rest(self):
        measured = {"T1 instructions/event": 3_000.04}
        new = counts.recorded(measured, self.LIMITS)
        self.assertEqual(new["T1 instructions/event"]["value"], 3_000.0)
        self.assertEqual(new["T1 allocations/batch"], self.LIMITS["T1 allocations/batch"])
        self.assertEqual(counts.exceeded(measured, new), [])

    def test_the_recorded_limits_can_be_exceeded(self):
        limits = counts.read_limits()
        self.assertIn("T1 instructions/event", limits)
        worse = {name: limit["value"] * 1.5 for name, limit in limits.items()}
        self.assertEqual(sorted(counts.exceeded(worse, limits)), sorted(limits))

    def test_the_total_is_found_in_what_callgrind_says(self):
        said = "==7== Events    : Ir\n==7== Collected : 164182407\n==7==\n"
        self.assertEqual(counts.callgrind_total(said), 164182407)
        with self.assertRaisesRegex(BenchmarkError, "no total"):
            counts.callgrind_total("valgrind: the 'impossible' happened")


class TextTests(unittest.TestCase):
    def test_the_floors_figures_are_read(self):
        text = ("400000 events of 346 bytes; kernel icelake, walker AVX2\n"
                "simdjson On-Demand, 7 fields, in memory         3798440 events/CPU-s  (400000 events, sum 1)\n"
                "ours, lines only                               26554802 events/CPU-s  (400000 events, sum 0)\n")
        self.assertEqual(micro.parse_floor(text), [
            ("simdjson On-Demand, 7 fields, in memory", 3798440.0), ("ours, lines only", 26554802.0)])

    def test_the_sketch_figures_are_read(self):
        text = ("\ndistinct count, updates of hot sketches (8,192 hashes at a time)\n"
                "update, 600 groups, 300 values each             35.23 ns        target 15.00      MISSED\n"
                "estimate, mean over all keys                                  300.0 ns\n"
                "3 + 3 values: encode                                          0.11 µs\n"
                "percentiles                                        measured      target\n"
                "index, ns                                        9.10         <= 11\n"
                "update integer, 64 hot groups, ns                6.79         <= 20\n"
                "read-merge-write of 100 values, us               7.55         \n")
        self.assertEqual(micro.parse_sketches(text), [
            ("distinct count: update, 600 groups, 300 values each", "35.23 ns", "≤ 15.00"),
            ("distinct count: 3 + 3 values: encode", "0.11 µs", ""),
            ("percentiles: update integer, 64 hot groups", "6.79 ns", "≤ 20"),
            ("percentiles: read-merge-write of 100 values", "7.55 µs", "")])

    def test_swift_constants_are_read(self):
        text = ("    public static let queuedKilobytes = 16 * 1024\n    public static let queuedMessagesMin = 100_000\n"
                "    public static let fetchBytes = 8 << 20\n    static let other = f(1)\n")
        self.assertEqual([floors.swift_constant(text, name) for name in
                          ("queuedKilobytes", "queuedMessagesMin", "fetchBytes")], [16_384, 100_000, 8 << 20])
        with self.assertRaises(BenchmarkError):
            floors.swift_constant(text, "other")

    def test_the_floor_fetches_as_our_consumer_does(self):
        settings = floors.fetch_settings()
        self.assertGreater(settings["fetch.max.bytes"], settings["fetch.message.max.bytes"])
        self.assertEqual(settings["check.crcs"], "true")

    def test_a_topology_has_what_was_asked_for(self):
        text = topologies.topology("name", "file: x", "T1", copies=2)
        self.assertEqual(text.count("summarize:"), 2)
        self.assertIn("from: groups_2", text)
        self.assertNotIn("console", topologies.topology("name", "file: x", "T1", None))
        self.assertIn("from: nothing\n    summarize", topologies.topology("name", "file: x", "T1", filtered=True))

    def test_a_probe_is_an_event_of_the_load(self):
        line = latency.probe_line(7, latency.datetime.datetime(2026, 3, 1, 9, 30, 0, 250_000))
        self.assertTrue(line.startswith('{"ts":"2026-03-01T09:30:00.250Z","event":"probe-000007"'))
        self.assertTrue(line.endswith("}\n"))


class TableTests(unittest.TestCase):
    SUMMARY = measuring.Summary(1_000_000, 0.5, 0.5, 40.0)

    def test_from_file_says_what_is_missing(self):
        found = {from_file.FLOOR: self.SUMMARY, ("T1", 1): self.SUMMARY, ("T1", 2): self.SUMMARY,
                 ("T1", from_file.LONG, 1): self.SUMMARY, ("T1", from_file.LONG, 2): self.SUMMARY}
        text = from_file.rates(found, ["T2"]).as_text()
        self.assertIn("T2: not measured", text)
        self.assertIn("2,000,000  ≥ 1,500,000  yes         100%", text)
        self.assertIn("1  ≥ 1.80   no", from_file.speedups(found).as_text())

    def test_peers_are_compared_with_the_best_of_them(self):
        quick, slow = self.SUMMARY, measuring.Summary(1_000_000, 2.0, 2.0, 40.0)
        found = {("T1", peers.OURS): quick, ("T1", "DuckDB"): slow,
                 ("T1", "ClickHouse, DD"): measuring.Summary(1_000_000, 1.0, 1.0, 40.0)}
        self.assertEqual(peers.ratios(found).rows, [["T1", "2", "≥ 2.20", "no", "4", "", ""]])

    def test_kafka_is_compared_with_its_floor(self):
        found = {("floor", "events"): self.SUMMARY,
                 ("T1", "events"): measuring.Summary(1_000_000, 1.0, 1.0, 201.0)}
        row = from_kafka.table(found, {}, 1_000_000).rows[-1]
        self.assertEqual(row[1:7] + row[-1:], ["1,000,000", "≥ 550,000", "yes", "50%", "≥ 55%", "no", "no"])


class OptionsTests(unittest.TestCase):
    def test_everything_but_the_network_by_default(self):
        self.assertNotIn("peers", bench.parse([]).sections)
        self.assertIn("counts", bench.parse([]).sections)

    def test_sections_run_in_the_order_of_the_page(self):
        self.assertEqual(bench.parse(["--only", "counts,file", "--peers"]).sections, ["file", "peers", "counts"])

    def test_an_unknown_section_is_refused(self):
        with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()) as said:
            bench.parse(["--only", "flie"])
        self.assertIn("found flie", said.getvalue())


if __name__ == "__main__":
    unittest.main()
