import ArgumentParser
import Catalog
import Foundation

/// `millrace status`: what runs, and how.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show how the deployed topologies are, or one of them in detail.",
        discussion: """
            Exits with 0 when each does what is wanted of it, or is about to: it starts or stops since it was changed, for 30 \
            seconds at most, or a command such as promote has it paused, for 150. Exits with 3 when one does not: it failed, \
            its file was refused, it waits for something that is in its way, or no process runs it.
            """)

    @Argument(help: "A topology, to see its nodes, partitions and processes.")
    var topology: String?

    @OptionGroup var catalog: CatalogOptions

    func run() async throws {
        let name = topology
        let found = try await catalog.withCatalog(isQuick: true, look: .init(nothing: name == nil ? [] : nil)) {
            catalog in
            try TopologyStatus.all(&catalog, named: name)
        }
        if catalog.json {
            JSONAnswer.print(found)
        } else if name != nil, let only = found.first {
            Swift.print(StatusReport.detail(only))
        } else {
            Swift.print(StatusReport.overview(found))
        }
        if found.contains(where: { !$0.isWell }) { throw ExitCode(3) }
    }
}

/// What `status` prints.
enum StatusReport {
    /// A line for each topology.
    static func overview(_ all: [TopologyStatus]) -> String {
        guard !all.isEmpty else {
            return "nothing is deployed in this database; millrace deploy FILE deploys a topology"
        }
        let table = TextTable(
            [["topology", "version", "state", "records", "a second", "lag", "dead", "processes"]]
                + all.map { status in
                    [
                        status.topology, "\(status.version)", "\(status.state)", ProgressReporter.short(status.records),
                        ProgressReporter.short(Int64(status.rate)),
                        status.lag.map { ProgressReporter.short($0) } ?? "-",
                        "\(status.dead)", "\(status.instances.count { $0.state != .lost })",
                    ]
                })
        let reasons = all.filter { !$0.reason.isEmpty }.map { "\($0.topology): \($0.reason)" }
        return ([table.description] + reasons).joined(separator: "\n")
    }

    /// All there is to say about one.
    static func detail(_ status: TopologyStatus) -> String {
        var lines = [
            "\(status.topology), version \(status.version): \(status.state)"
                + (status.reason.isEmpty ? "" : ": \(status.reason)"),
            "wanted: \(status.wanted), changed by \(status.changedBy) at \(status.changedAt)",
        ]
        if let workers = status.settings.workers { lines.append("workers: \(workers)") }
        if let memory = status.settings.memoryBytes { lines.append("memory: \(memory >> 20) MiB") }
        for (node, permits) in (status.settings.concurrency ?? [:]).sorted(by: { $0.key < $1.key }) {
            lines.append("concurrency of \(node): \(permits)\(absence(node, status))")
        }
        for (node, permits) in (status.settings.clusterConcurrency ?? [:]).sorted(by: { $0.key < $1.key }) {
            lines.append("cluster_concurrency of \(node): \(permits)\(absence(node, status))")
        }
        for instance in status.instances {
            let snapshot = instance.snapshot
            lines += [
                "",
                "\(instance.daemon): \(instance.state), version \(instance.version), since \(instance.since)"
                    + (instance.restarts > 0 ? ", restarted \(instance.restarts) times" : "")
                    + (instance.state == .lost ? ", silent for \(Int(instance.secondsSilent)) s" : ""),
            ]
            if !instance.reason.isEmpty { lines.append("  \(instance.reason)") }
            lines += snapshot.troubles.filter { !instance.reason.contains($0) }.map { "  \($0)" }
            lines.append(
                "  \(ProgressReporter.count(snapshot.records)) records, \(ProgressReporter.short(Int64(snapshot.rate))) a second, "
                    + "\(snapshot.dead) dead, lag \(snapshot.lag.map { ProgressReporter.count($0) } ?? "unknown"), memory "
                    + "\(snapshot.memory >> 20) of \(snapshot.budget >> 20) MiB"
                    + (snapshot.commitMilliseconds.map { ", last commit \(Int($0)) ms" } ?? ""))
            if !snapshot.nodes.isEmpty {
                lines.append(
                    TextTable(
                        [["node", "in", "out", "groups", "MiB"]]
                            + snapshot.nodes.map {
                                [$0.name, "\($0.entered)", "\($0.left)", "\($0.groups)", "\($0.memory >> 20)"]
                            }
                    ).description)
            }
            lines += permits(of: snapshot)
            let ours = snapshot.partitions.filter(\.isOurs)
            if !ours.isEmpty {
                lines.append(
                    TextTable(
                        [["source", "topic", "partition", "next", "committed"]]
                            + ours.map { part in
                                [
                                    part.source, part.topic, "\(part.partition)", part.next.map(String.init) ?? "-",
                                    part.committed.map(String.init) ?? "-",
                                ]
                            }
                    ).description)
            }
        }
        return lines.joined(separator: "\n")
    }

    /// What there is to say of a setting for a node that the running version does not have.
    private static func absence(_ node: String, _ status: TopologyStatus) -> String {
        let running = status.instances.filter { $0.version == status.version && !$0.snapshot.nodes.isEmpty }
        guard let one = running.first, !one.snapshot.nodes.contains(where: { $0.name == node }) else { return "" }
        return " (version \(status.version) has no such node)"
    }

    /// What the process has of the permits that processes share; nothing where none are.
    private static func permits(of snapshot: RunSnapshot) -> [String] {
        let rows = snapshot.nodes.compactMap { node -> [String]? in
            guard let permits = node.permits else { return nil }
            let others = permits.others.map { "\($0.instance): \($0.held)" + ($0.isGone ? " (gone)" : "") }
            return [
                node.name, "\(permits.limit)", "\(permits.held)", "\(permits.used)", "\(permits.wish)",
                others.isEmpty ? "-" : others.joined(separator: ", "),
            ]
        }
        guard !rows.isEmpty else { return [] }
        let head = ["cluster_concurrency", "limit", "has", "uses", "could use", "others have"]
        return [TextTable([head] + rows).description]
    }
}
