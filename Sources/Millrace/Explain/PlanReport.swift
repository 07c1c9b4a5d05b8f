import Dataflow
import Declaration
import Logging
import Nodes
import Platform

/// What `millrace explain` prints.
struct PlanReport {
    private let plan: PhysicalPlan

    init(_ topology: CompiledTopology) { plan = topology.physicalPlan() }

    /// The nodes, each with what it reads and does.
    var text: String {
        plan.nodes.map { node in
            let from = node.inputs.isEmpty ? "" : " <- \(node.inputs.joined(separator: ", "))"
            return ([node.name + from] + node.lines.map { "  \($0)" }).joined(separator: "\n")
        }.joined(separator: "\n\n") + "\n"
    }
}

/// What a sample says of the tables' rows.
struct SampleEstimate {
    private let measures: [TableMeasure]
    private let pipeline: Pipeline

    /// Puts the sample in the place of the sources, and measures in that of the sinks.
    init(_ topology: CompiledTopology, events: [String], lookups: [String]) throws {
        var topology = topology
        try Trial.replaceSources(of: &topology, by: events)
        let rows = try Trial.paths(
            lookups, "--lookup", of: LookupStandIns.nodes(of: topology), called: "lookup", holding: "rows")
        var measures: [TableMeasure] = []
        for index in topology.sinks.indices {
            let measure = TableMeasure(name: topology.sinks[index].name)
            topology.sinks[index].plan = measure
            measures.append(measure)
        }
        var services = RunServices()
        services[LookupStandIns.self] = LookupStandIns(paths: rows, isPatient: false)
        let logger = Logger(label: "millrace") { _ in SwiftLogNoOpLogHandler() }
        let plan = try topology.build(
            RunOverrides(), services: services, observers: [], logger: logger,
            giveBackFreeMemory: Allocator.giveBackFreeMemory)
        pipeline = Pipeline(plan, logger: logger)
        self.measures = measures
    }

    /// Reads the sample.
    func run() async throws {
        let pipeline = pipeline
        try await onThread(named: "explain") { try pipeline.run() }
    }

    private static let dayMicroseconds: Int64 = 86_400_000_000
    /// A row's own head and its entry in the index, beside the key.
    private static let rowHeadBytes = 24 + 8 + 16

    /// The estimate and what it rests on.
    var text: String {
        let snapshot = pipeline.progress()
        var rows = [
            ["sink", "window", "rows", "windows", "rows per window", "bytes per row", "rows per day", "MB per day"]
        ]
        for measure in measures {
            for found in measure.measured where found.count > 0 {
                let bytes = found.bytes / found.count + Self.rowHeadBytes
                let windows = max(1, found.starts.count)
                let each = Double(found.count) / Double(windows)
                let perDay = found.spacing.map { each * Double(Self.dayMicroseconds) / Double($0) }
                rows.append([
                    measure.name, found.window ?? "-", "\(found.count)", found.starts.isEmpty ? "-" : "\(windows)",
                    Self.number(each), "\(bytes)", perDay.map { Self.number($0) } ?? "-",
                    perDay.map { Self.number($0 * Double(bytes) / 1e6) } ?? "-",
                ])
            }
        }
        let dead = snapshot.deadLetters > 0 ? ", \(snapshot.deadLetters) of them dead letters" : ""
        let notes = """
            From \(snapshot.records) records of the sample\(dead). A window has as many rows as groups were seen in it: more
            records find more groups, so take a sample of whole windows. A commit writes at most the rows of the windows that
            its records are in: rows per window, for each window that is still being filled. A day has the windows that its length
            gives, or the least distance seen between them. Bytes are those of values, keys, row heads and index entries; pages
            are half empty at first (fillfactor 50), so a table takes about twice that on disk.
            """
        return TextTable(rows).description + "\n\n" + notes + "\n"
    }

    private static func number(_ value: Double) -> String {
        value >= 100 ? "\(Int(value.rounded()))" : "\((value * 10).rounded() / 10)"
    }
}
