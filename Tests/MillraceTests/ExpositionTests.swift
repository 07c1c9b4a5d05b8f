import Catalog
import Foundation
import Testing

@testable import Millrace

/// What `metrics` prints is what Prometheus reads, by its own rules.
@Suite struct ExpositionTests {
    private static let families: [Exposition.Family] = {
        var snapshot = RunSnapshot()
        snapshot.records = 1_234_567
        snapshot.lag = 7
        snapshot.load = 0.25
        snapshot.commitMilliseconds = 12.5
        snapshot.nodes = [.init(name: "we\"ird\\", entered: 5, left: 4, groups: 3, memory: 2)]
        snapshot.nodes[0].permits = .init(limit: 4, told: 4, held: 2, used: 1, wish: 3)
        snapshot.steps = [.init(node: "out", table: "public.kpi", runs: 12, failures: 3, waiting: 2)]
        let state = TopologyState(
            topology: "kpis", daemon: "h/1:a", version: 2, generation: 3, kind: .running, reason: "", since: 0,
            restarts: 0,
            snapshot: snapshot)
        let deployment = Deployment(
            topology: "kpis", version: 2, wanted: .running, generation: 3, settings: RunSettings(), changedBy: "me",
            changedAt: 0)
        let daemon = DaemonRecord(name: "h/1:a", program: "1", memoryBytes: 1, startedAt: 0, secondsSilent: 0)
        return Exposition.families([TopologyStatus(deployment, [state])], [daemon])
    }()
    private static let text = Exposition.text(of: families)

    /// What `--json` prints has every series of the text, with its labels and value.
    @Test func jsonHasTheSameFigures() throws {
        struct Family: Decodable {
            struct Series: Decodable {
                var labels: [String: String]
                var value: Double
            }
            var name: String
            var type: String
            var help: String
            var series: [Series]
        }
        let families = try JSONDecoder().decode([Family].self, from: JSONAnswer.bytes(Self.families))
        let lines = Self.text.split(separator: "\n")
        #expect(families.reduce(0) { $0 + $1.series.count } == lines.count { !$0.hasPrefix("#") })
        for family in families where !family.series.isEmpty {
            #expect(lines.contains("# TYPE \(family.name) \(family.type)"))
            #expect(lines.contains("# HELP \(family.name) \(family.help)"))
        }
        let node = try #require(families.first { $0.name == "millrace_node_in_records_total" }?.series.first)
        #expect(node.labels == ["topology": "kpis", "daemon": "h/1:a", "node": "we\"ird\\"] && node.value == 5)
    }

    @Test func valuesStandThere() {
        let lines = Self.text.split(separator: "\n").map(String.init)
        for line in [
            "millrace_daemons 1", "millrace_topology_up{topology=\"kpis\"} 1",
            "millrace_topology_version{topology=\"kpis\"} 2", "millrace_wanted_replicas{topology=\"kpis\"} 1",
            "millrace_node_permits_limit{topology=\"kpis\",daemon=\"h/1:a\",node=\"we\\\"ird\\\\\"} 4",
            "millrace_node_permits_held{topology=\"kpis\",daemon=\"h/1:a\",node=\"we\\\"ird\\\\\"} 2",
            "millrace_node_permits_used{topology=\"kpis\",daemon=\"h/1:a\",node=\"we\\\"ird\\\\\"} 1",
            "millrace_node_permits_wanted{topology=\"kpis\",daemon=\"h/1:a\",node=\"we\\\"ird\\\\\"} 3",
            "millrace_busy_ratio{topology=\"kpis\",daemon=\"h/1:a\"} 0.25",
            "millrace_records_total{topology=\"kpis\",daemon=\"h/1:a\"} 1234567",
            "millrace_lag_records{topology=\"kpis\",daemon=\"h/1:a\"} 7",
            "millrace_last_commit_seconds{topology=\"kpis\",daemon=\"h/1:a\"} 0.0125",
            "millrace_node_in_records_total{topology=\"kpis\",daemon=\"h/1:a\",node=\"we\\\"ird\\\\\"} 5",
            "millrace_step_runs_total{topology=\"kpis\",daemon=\"h/1:a\",node=\"out\",table=\"public.kpi\"} 12",
            "millrace_step_failures_total{topology=\"kpis\",daemon=\"h/1:a\",node=\"out\",table=\"public.kpi\"} 3",
            "millrace_step_waiting_commits{topology=\"kpis\",daemon=\"h/1:a\",node=\"out\",table=\"public.kpi\"} 2",
        ] { #expect(lines.contains(line), "\(line)") }
    }

    /// The rules of promlint: help for each family, counters that end in `_total` and nothing else that does, base units,
    /// no type or metric kind in names, each family once and in one piece.
    @Test func namesFollowTheRules() throws {
        var family = ""
        var kind = ""
        var seen: Set<String> = []
        let certificate = Exposition.text(of: [Exposition.certificate(end: 1_800_000_000, of: "h/1:a")])
        #expect(
            certificate.hasSuffix("\nmillrace_certificate_end_timestamp_seconds{daemon=\"h/1:a\"} 1800000000\n"))
        for line in (Self.text + certificate).split(separator: "\n") {
            let words = line.split(separator: " ")
            if line.hasPrefix("# HELP ") {
                family = String(words[2])
                #expect(seen.insert(family).inserted, "\(family) twice")
                #expect(words.count > 4 && line.hasSuffix("."), "\(line)")
            } else if line.hasPrefix("# TYPE ") {
                #expect(words[2] == family)
                kind = String(words[3])
                #expect(family.hasSuffix("_total") == (kind == "counter"), "\(family) is a \(kind)")
            } else {
                let name = line.prefix { $0 != "{" && $0 != " " }
                #expect(name == family, "\(line)")
                #expect(name.wholeMatch(of: /millrace_[a-z][a-z_]*[a-z]/) != nil)
                for unit in ["milliseconds", "_ms", "minutes", "kib", "mib", "percent", "gauge", "counter"] {
                    #expect(!name.contains(unit), "\(name)")
                }
                #expect(Double(words[words.count - 1]) != nil, "\(line)")
            }
        }
        #expect(seen.count > 12)
    }

    @Test func nothingIsThere() {
        #expect(
            Exposition.text([], [])
                == "# HELP millrace_daemons Processes that serve this catalogue and were seen lately.\n# TYPE millrace_daemons gauge\nmillrace_daemons 0\n"
        )
    }
}
