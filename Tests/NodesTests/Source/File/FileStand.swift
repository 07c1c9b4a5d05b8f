import Dataflow
import DataflowTesting
import Foundation
import JSON
import Logging
import Synchronization

@testable import Nodes

/// Runs a `file` source in a pipeline in which every record is a dead letter, so that the model database knows the place of
/// each that was committed.
final class FileStand {
    let database: ModelDatabase
    let folder: URL
    private let said: Said
    private let registry = InputRegistry()
    private(set) var warnings = Words()

    /// What dead letters that were committed say.
    private final class Said: Sendable {
        let reasons = Mutex<[(offset: Int64, reason: String)]>([])
    }

    init() throws {
        let said = Said()
        self.said = said
        database = ModelDatabase { epoch, isCommitted in
            guard isCommitted else { return }
            said.reasons.withLock { $0 += epoch.deadLetters.map { ($0.offset, $0.fault.reason) } }
        }
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-files-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    @discardableResult func write(_ name: String, _ text: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
        return path(name)
    }

    func append(_ name: String, _ text: String) throws {
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path(name)))
        defer { try? handle.close() }
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(text.utf8))
    }

    func move(_ name: String, to other: String) throws {
        try FileManager.default.moveItem(atPath: path(name), toPath: path(other))
    }

    func pack(_ name: String) throws {
        let gzip = Process()
        gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        gzip.arguments = ["gzip", path(name)]
        try gzip.run()
        gzip.waitUntilExit()
    }

    /// Reads patterns to the end.
    /// - Parameter refusing: which commits, by number from 1, the database refuses.
    func run(
        _ patterns: [String], copies: FilePlan.Copies = .refuse, batchBytes: Int = 512, recordBytesMax: Int = 1 << 20,
        memory: MemoryAccountant = MemoryAccountant(budget: 256 << 20),
        words: Words = Words(), refusing: @escaping @Sendable (Int) -> Bool = { _ in false }
    ) throws {
        warnings = words
        let logger = Logger(label: "files") { _ in WordHandler(words: words) }
        let plan = FilePlan(
            node: "events", patterns: patterns.map { FilePlan.Pattern($0, place: "t.yaml:4:11") }, copies: copies)
        let source = FileSource(
            plan, topology: "files", recordBytesMax: recordBytesMax, memory: memory, registry: registry, logger: logger)
        // A field that no record has makes each a dead letter.
        let parse = ParsePlan(
            fields: [FieldDeclaration(path: ["none"], type: .integer, isRequired: true)], names: ["none"],
            limits: JSONLimits(documentLengthMax: recordBytesMax))
        let target = ScriptedTarget(ModelTarget(database: database, seed: 1, faultPercent: 0)) { number in
            refusing(number) ? .refused(reason: "a test") : nil
        }
        try Pipeline(
            PipelinePlan(
                sources: [
                    PipelinePlan.SourceNode(name: "events", source: source, child: 0, layout: BatchLayout([.integer]))
                ],
                nodes: [PipelinePlan.Node(name: "records", make: ParseJSON(parse), children: [], concurrency: nil)],
                target: target,
                settings: PipelineSettings(workers: 2, commitInterval: .milliseconds(1), batchBytes: batchBytes),
                memory: memory),
            logger: logger
        ).run()
    }

    /// Places of the records committed, by topic, in order.
    var places: [String: [Int64]] {
        Dictionary(grouping: database.deadLetters, by: \.key.topic).mapValues { $0.map(\.offset).sorted() }
    }

    /// The reasons of the records committed, of one file in its order.
    var reasons: [String] { said.reasons.withLock { $0.sorted { $0.offset < $1.offset }.map(\.reason) } }

    /// How many records were committed, and that the ledger says so too.
    var records: Int {
        let read = database.counters.values.reduce(0) { $0 + $1.read }
        return Int(read) == database.deadLetters.count ? Int(read) : -1
    }
}

/// What was logged at warning or notice.
final class Words: @unchecked Sendable {
    private let lock = NSLock()
    private var lines: [String] = []

    func append(_ line: String) { lock.withLock { lines.append(line) } }

    func contain(_ text: String) -> Bool { lock.withLock { lines.contains { $0.contains(text) } } }
}

struct WordHandler: LogHandler {
    let words: Words
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.notice

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        words.append("\(event.message) \(metadata.merging(event.metadata ?? [:]) { _, new in new })")
    }
}

/// Numbered lines of differing lengths, and where each begins.
func numberedLines(_ numbers: Range<Int>, width: Int = 0) -> (text: String, places: [Int64]) {
    var text = ""
    var places: [Int64] = []
    for number in numbers {
        places.append(Int64(text.utf8.count))
        text += #"{"id":\#(number),"pad":"\#(String(repeating: "x", count: width + number % 23))"}"# + "\n"
    }
    return (text, places)
}
