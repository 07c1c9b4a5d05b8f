import ArgumentParser
import Catalog
import Foundation

/// `millrace metrics`: the figures of `status` for Prometheus.
struct Metrics: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the figures of all topologies in the text format of Prometheus.",
        discussion:
            "For a textfile collector: millrace metrics > millrace.prom.new && mv millrace.prom.new millrace.prom. "
            + "With --json, the same figures as a list of families.")

    @OptionGroup var catalog: CatalogOptions

    func run() async throws {
        let found = try await catalog.withCatalog(isQuick: true, look: .init(nothing: ([], []))) { catalog in
            (try TopologyStatus.all(&catalog), try catalog.daemons())
        }
        if catalog.json { return JSONAnswer.print(Exposition.families(found.0, found.1)) }
        print(Exposition.text(found.0, found.1), terminator: "")
    }
}

/// Figures in Prometheus's text format, version 0.0.4: names in base units, counters that end in `_total`, every family
/// with its help and type, series in order.
enum Exposition {
    /// What an HTTP answer with it is called.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Series of one name. In JSON: `{"name", "type", "help", "series": [{"labels": {…}, "value"}]}`.
    struct Family: Encodable, Sendable {
        enum Kind: String, Encodable, Sendable {
            case counter, gauge
        }
        var name: String
        var kind: Kind
        var help: String
        var series: [(labels: [(String, String)], value: Double)] = []

        fileprivate var text: String {
            guard !series.isEmpty else { return "" }
            let lines = series.map { labels, value in
                let list = labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
                return "\(name)\(list.isEmpty ? "" : "{\(list)}") \(Self.number(value))"
            }
            return "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n" + lines.joined(separator: "\n") + "\n"
        }

        private enum CodingKeys: String, CodingKey {
            case name, type, help, series
        }

        private struct Series: Encodable {
            var labels: [String: String]
            var value: Double
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(name, forKey: .name)
            try container.encode(kind, forKey: .type)
            try container.encode(help, forKey: .help)
            let list = series.map { Series(labels: Dictionary($0.labels) { $1 }, value: $0.value) }
            try container.encode(list, forKey: .series)
        }

        private static func escaped(_ value: String) -> String {
            value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        }

        private static func number(_ value: Double) -> String {
            value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
        }
    }

    /// All families as text.
    static func text(_ topologies: [TopologyStatus], _ daemons: [DaemonRecord]) -> String {
        text(of: families(topologies, daemons))
    }

    static func text(of families: [Family]) -> String { families.map(\.text).joined() }

    /// All families.
    static func families(_ topologies: [TopologyStatus], _ daemons: [DaemonRecord]) -> [Family] {
        var families = [
            Family(
                name: "millrace_daemons", kind: .gauge,
                help: "Processes that serve this catalogue and were seen lately."),
            Family(
                name: "millrace_topology_up", kind: .gauge,
                help:
                    "Whether a topology does what is wanted of it: 1 when it runs and nothing is in its way, is paused or has ended, or has been changed a moment ago."
            ),
            Family(name: "millrace_topology_version", kind: .gauge, help: "The deployed version of a topology."),
            Family(
                name: "millrace_wanted_replicas", kind: .gauge,
                help: "Processes that a topology calls for, for an autoscaler: 0 when it is paused or has ended."),
        ]
        families[0].series = [([], Double(daemons.count { !$0.isLost }))]
        families[1].series = topologies.map { ([("topology", $0.topology)], $0.isWell ? 1 : 0) }
        families[2].series = topologies.map { ([("topology", $0.topology)], Double($0.version)) }
        families[3].series = topologies.map { ([("topology", $0.topology)], Double(WantedReplicas.count($0))) }
        return families + perInstance(topologies) + perNode(topologies) + perPermits(topologies) + perStep(topologies)
    }

    /// When the certificate of a process that listens by TLS ends; known to that process alone.
    static func certificate(end: Int64, of daemon: String) -> Family {
        Family(
            name: "millrace_certificate_end_timestamp_seconds", kind: .gauge,
            help: "When the certificate that this process shows ends, in seconds since 1970.",
            series: [([("daemon", daemon)], Double(end))])
    }

    private static func perInstance(_ topologies: [TopologyStatus]) -> [Family] {
        let figures: [(String, Family.Kind, String, (RunSnapshot) -> Double?)] = [
            (
                "records_total", .counter, "Records committed since the topology started in this process.",
                { Double($0.records) }
            ),
            (
                "dead_letters_total", .counter, "Records that became dead letters, of those committed.",
                { Double($0.dead) }
            ),
            ("received_bytes_total", .counter, "Payload bytes read since the start.", { Double($0.bytes) }),
            ("commits_total", .counter, "Epochs committed since the start.", { Double($0.epochs) }),
            ("written_rows_total", .counter, "Groups written since the start.", { Double($0.rows) }),
            ("uncommitted_records", .gauge, "Records read and not committed.", { Double($0.uncommitted) }),
            (
                "lag_records", .gauge, "Records that are not committed yet, as far as known.",
                { $0.lag.map(Double.init) }
            ),
            (
                "last_commit_seconds", .gauge, "How long the last commit took.",
                { $0.commitMilliseconds.map { $0 / 1_000 } }
            ),
            (
                "busy_ratio", .gauge,
                "Share of the time that is work, lately, of the workers or of the narrowest node: 0 to 1.", { $0.load }
            ),
            ("memory_bytes", .gauge, "Memory held by the topology in this process.", { Double($0.memory) }),
            (
                "memory_budget_bytes", .gauge, "Memory that the topology may hold in this process.",
                { Double($0.budget) }
            ),
            ("troubles", .gauge, "Things that the topology waits for in this process.", { Double($0.troubles.count) }),
        ]
        let alive = topologies.flatMap { topology in
            topology.instances.filter { $0.state != .lost }.map { (topology.topology, $0) }
        }
        return figures.map { name, kind, help, value in
            var family = Family(name: "millrace_" + name, kind: kind, help: help)
            family.series = alive.compactMap { topology, instance in
                value(instance.snapshot).map { ([("topology", topology), ("daemon", instance.daemon)], $0) }
            }
            return family
        }
    }

    /// Programs that are run after commits.
    private static func perStep(_ topologies: [TopologyStatus]) -> [Family] {
        let figures: [(String, Family.Kind, String, (RunSnapshot.Step) -> Int64)] = [
            ("step_runs_total", .counter, "Runs of a program after commits that ended well.", { $0.runs }),
            ("step_failures_total", .counter, "Runs of a program after commits that failed.", { $0.failures }),
            (
                "step_waiting_commits", .gauge, "Commits after which a program is still to be run, as far as known.",
                { $0.waiting }
            ),
        ]
        return figures.map { name, kind, help, value in
            var family = Family(name: "millrace_" + name, kind: kind, help: help)
            for topology in topologies {
                for instance in topology.instances where instance.state != .lost {
                    for step in instance.snapshot.steps {
                        let labels = [
                            ("topology", topology.topology), ("daemon", instance.daemon), ("node", step.node),
                            ("table", step.table),
                        ]
                        family.series.append((labels, Double(value(step))))
                    }
                }
            }
            return family
        }
    }

    /// Nodes that share permits with other processes.
    private static func perPermits(_ topologies: [TopologyStatus]) -> [Family] {
        let figures: [(String, String, (RunSnapshot.Permits) -> Int)] = [
            ("node_permits_limit", "Permits of a node in all processes together.", { $0.limit }),
            ("node_permits_held", "Of these, those that this process has.", { $0.held }),
            ("node_permits_used", "Permits that this process uses.", { $0.used }),
            ("node_permits_wanted", "Permits that this process could use now.", { $0.wish }),
        ]
        return figures.map { name, help, value in
            var family = Family(name: "millrace_" + name, kind: .gauge, help: help)
            for topology in topologies {
                for instance in topology.instances where instance.state != .lost {
                    for node in instance.snapshot.nodes {
                        guard let permits = node.permits else { continue }
                        let labels = [
                            ("topology", topology.topology), ("daemon", instance.daemon), ("node", node.name),
                        ]
                        family.series.append((labels, Double(value(permits))))
                    }
                }
            }
            return family
        }
    }

    private static func perNode(_ topologies: [TopologyStatus]) -> [Family] {
        let figures: [(String, Family.Kind, String, (RunSnapshot.Node) -> Double)] = [
            ("node_in_records_total", .counter, "Records that came into a node.", { Double($0.entered) }),
            ("node_out_records_total", .counter, "Records that a node handed on.", { Double($0.left) }),
            ("node_memory_bytes", .gauge, "Memory that a node holds.", { Double($0.memory) }),
        ]
        return figures.map { name, kind, help, value in
            var family = Family(name: "millrace_" + name, kind: kind, help: help)
            for topology in topologies {
                for instance in topology.instances where instance.state != .lost {
                    for node in instance.snapshot.nodes {
                        let labels = [
                            ("topology", topology.topology), ("daemon", instance.daemon), ("node", node.name),
                        ]
                        family.series.append((labels, value(node)))
                    }
                }
            }
            return family
        }
    }
}
