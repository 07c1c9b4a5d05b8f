import ArgumentParser
import Dataflow
import Declaration
import Logging
import Nodes
import Platform

/// A topology over a sample: its sources replaced by files, its sinks by tables in memory.
struct Trial {
    private let name: String
    private let pipeline: Pipeline
    private let tables: [TrialTable]
    private let letters: TrialLetters
    private let log: TrialLog
    private let remarks: Remarks

    /// - Parameters:
    ///   - events: a path, or `NODE=PATH` for each source.
    ///   - lookups: `NODE=PATH` for each lookup that is to have other rows than its own.
    ///   - deadLettersMax: how many dead letters are kept.
    /// - Throws: `ValidationError` about the paths, and what nodes throw.
    init(_ topology: CompiledTopology, events: [String], lookups: [String] = [], deadLettersMax: Int) throws {
        var topology = topology
        try Self.replaceSources(of: &topology, by: events)
        let rows = try Self.paths(
            lookups, "--lookup", of: LookupStandIns.nodes(of: topology), called: "lookup", holding: "rows")
        var tables: [TrialTable] = []
        for index in topology.sinks.indices {
            let table = TrialTable(node: topology.sinks[index].name)
            topology.sinks[index].plan = TrialSink(table: table)
            tables.append(table)
        }
        let log = TrialLog()
        let logger = Logger(label: "millrace") { _ in log.handler }
        let letters = TrialLetters(max: deadLettersMax, of: topology)
        remarks = Remarks { log.add($0) }
        for stage in topology.stages {
            guard let plan = stage.plan as? ParsePlan else { continue }
            if let remark = Self.remark(on: plan.attributes, of: stage.name) { log.add(remark) }
        }
        var services = RunServices()
        services[Remarks.self] = remarks
        services[LookupStandIns.self] = LookupStandIns(paths: rows, isPatient: false)
        let plan = try topology.build(
            RunOverrides(), services: services, observers: [letters], logger: logger,
            giveBackFreeMemory: Allocator.giveBackFreeMemory)
        name = topology.name
        pipeline = Pipeline(plan, logger: logger)
        self.tables = tables
        self.letters = letters
        self.log = log
    }

    /// Says which fields have no values because lines of a file are no messages; nil for none.
    private static func remark(on attributes: [String: MessageAttribute], of node: String) -> String? {
        // Of those, files have offsets.
        let missing = attributes.filter { $0.value != .offset }.sorted { $0.key < $1.key }
        guard !missing.isEmpty else { return nil }
        let names = missing.map { "\($0.key) (\($0.value))" }.joined(separator: ", ")
        return
            "values of messages are null in a sample, which has none: \(names) of \(node); to try them, `millrace produce` "
            + "puts the sample into a topic, with keys by --key"
    }

    /// Puts samples in the place of the sources.
    /// - Throws: what is wrong with the paths.
    static func replaceSources(of topology: inout CompiledTopology, by events: [String]) throws(ValidationError) {
        let paths = try samples(events, of: topology.sources.map(\.name))
        for index in topology.sources.indices {
            let source = topology.sources[index].name
            topology.sources[index].plan = FilePlan(
                node: source, patterns: [FilePlan.Pattern(paths[source] ?? "", place: "--events")], copies: .count)
        }
    }

    /// Which sample each source reads.
    private static func samples(
        _ events: [String], of sources: [String]
    ) throws(ValidationError) -> [String: String] {
        if events.count == 1, sources.count == 1, !events[0].hasPrefix("\(sources[0])=") {
            return [sources[0]: events[0]]
        }
        let paths = try paths(events, "--events", of: sources, called: "source", holding: "a sample")
        let missing = sources.filter { paths[$0] == nil }
        guard missing.isEmpty else {
            throw ValidationError(
                "--events: missing for \(missing.joined(separator: ", ")), expected NODE=PATH for each source.")
        }
        return paths
    }

    /// Reads `NODE=PATH`, of which each node may have one.
    static func paths(
        _ entries: [String], _ option: String, of nodes: [String], called kind: String, holding what: String
    ) throws(ValidationError) -> [String: String] {
        var paths: [String: String] = [:]
        for entry in entries {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, nodes.contains(parts[0]) else {
                let known =
                    nodes.isEmpty
                    ? "the topology has none" : "with one of the \(kind)s \(nodes.joined(separator: ", "))"
                throw ValidationError("\(option) \(entry): expected NODE=PATH, \(known).")
            }
            guard paths.updateValue(parts[1], forKey: parts[0]) == nil else {
                throw ValidationError("\(option) \(entry): the \(kind) \(parts[0]) has \(what) already.")
            }
        }
        return paths
    }

    /// Runs to the end of the sample.
    func run() async throws {
        let pipeline = pipeline
        try await onThread(named: name) { try pipeline.run() }
        remarks.conclude()
    }

    /// What became of the sample.
    func report(rowsMax: Int) -> TrialReport {
        TrialReport(
            snapshot: pipeline.progress(), tables: tables, letters: letters, remarks: log.remarks, rowsMax: rowsMax)
    }
}
