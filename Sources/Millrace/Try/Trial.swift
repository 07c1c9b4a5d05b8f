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
    private let fields: FieldReport
    private let nulls: NullReport

    /// - Parameters:
    ///   - events: a path, or `NODE=PATH` for each source.
    ///   - deadLettersMax: how many dead letters are kept.
    /// - Throws: `ValidationError` about the paths, and what nodes throw.
    init(_ topology: CompiledTopology, events: [String], deadLettersMax: Int) throws {
        var topology = topology
        let paths = try Self.paths(events, of: topology.sources.map(\.name))
        for index in topology.sources.indices {
            let source = topology.sources[index].name
            topology.sources[index].plan = FilePlan(
                node: source, patterns: [FilePlan.Pattern(paths[source] ?? "", place: "--events")], copies: .count)
        }
        var tables: [TrialTable] = []
        for index in topology.sinks.indices {
            let table = TrialTable(node: topology.sinks[index].name)
            topology.sinks[index].plan = TrialSink(table: table)
            tables.append(table)
        }
        let log = TrialLog()
        let logger = Logger(label: "millrace") { _ in log.handler }
        let letters = TrialLetters(max: deadLettersMax)
        fields = FieldReport(logger: logger)
        nulls = NullReport(logger: logger)
        var services = RunServices()
        services[FieldReport.self] = fields
        services[NullReport.self] = nulls
        let plan = try topology.build(
            RunOverrides(), services: services, observers: [letters], logger: logger,
            giveBackFreeMemory: Allocator.giveBackFreeMemory)
        name = topology.name
        pipeline = Pipeline(plan, logger: logger)
        self.tables = tables
        self.letters = letters
        self.log = log
    }

    /// Which sample each source reads.
    private static func paths(_ events: [String], of sources: [String]) throws(ValidationError) -> [String: String] {
        if events.count == 1, sources.count == 1, !events[0].hasPrefix("\(sources[0])=") {
            return [sources[0]: events[0]]
        }
        var paths: [String: String] = [:]
        for entry in events {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, sources.contains(parts[0]) else {
                throw ValidationError(
                    "--events \(entry): expected NODE=PATH, with one of the sources \(sources.joined(separator: ", "))."
                )
            }
            guard paths.updateValue(parts[1], forKey: parts[0]) == nil else {
                throw ValidationError("--events \(entry): the source \(parts[0]) has a sample already.")
            }
        }
        let missing = sources.filter { paths[$0] == nil }
        guard missing.isEmpty else {
            throw ValidationError(
                "--events: missing for \(missing.joined(separator: ", ")), expected NODE=PATH for each source.")
        }
        return paths
    }

    /// Runs to the end of the sample.
    func run() async throws {
        let pipeline = pipeline
        try await onThread(named: name) { try pipeline.run() }
        fields.conclude()
        nulls.conclude()
    }

    /// What became of the sample.
    func report(rowsMax: Int) -> TrialReport {
        TrialReport(
            snapshot: pipeline.progress(), tables: tables, letters: letters, remarks: log.remarks, rowsMax: rowsMax)
    }
}
