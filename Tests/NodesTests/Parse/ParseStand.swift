import Dataflow
import Declaration
import JSON
import Logging
import TopologyFile

@testable import Nodes

/// A `parse_json` node as a topology file declares it, and what it makes of messages.
struct ParseStand {
    /// A message: its payload and what comes with it.
    struct Message {
        var payload: String
        var timestamp: Int64?
        /// The texts that the plan asks for, in its order.
        var texts: [String?] = []
    }

    /// What became of a batch.
    struct Result: Equatable {
        /// The good rows, their fields as text; nil for null.
        var rows: [[String?]] = []
        var letters: [Letter] = []
        /// What is wrong with each letter.
        var faults: [RecordFault] = []
        /// The rows of each run.
        var runs: [Range<Int>] = []
    }

    struct Letter: Equatable {
        var offset: Int64
        var line: Int32
        var reason: String
        var payload: String
    }

    let plan: ParsePlan
    let schema: RecordSchema
    let problems: [Diagnostic]
    let words = Words()

    /// - Parameters:
    ///   - declaration: what stands behind `parse_json:`, in one line.
    ///   - offer: what the source has; everything unless given.
    init(_ declaration: String, offer: MessageOffer = MessageOffer(source: "test") { _ in true }) throws {
        let text = "topology: t\nnodes:\n  e: { file: a }\n  r: { from: e, parse_json: \(declaration) }\n"
        let reader = TopologyReader(specs: NodeCatalog.specs, settings: NodeCatalog.settings, environment: [:])
        let (topology, found) = reader.survey(file: "t.yaml", bytes: Array(text.utf8))
        guard let node = topology?.nodes.first(where: { $0.name == "r" }) else {
            throw Failure(description: "\(found)")
        }
        var problems = found
        (plan, schema) = ParsePlan.make(node, reading: .messages(offer), &problems)
        self.problems = problems.all.filter { $0.severity == .error }
    }

    struct Failure: Error, CustomStringConvertible { let description: String }

    /// Parses messages as one batch of one run each, twice with the same worker: results must not depend on what a worker
    /// has seen.
    func run(
        _ messages: [Message], framing: Framing = .document, report: Remarks? = nil, hashes: [Int] = []
    ) throws -> Result {
        let worker = ParseJSON(
            plan, node: "r", hashedColumns: hashes, watch: report?.watch { FieldWatch(node: "r", plan, $0) }
        )
        .makeWorker(
            in: StageSlot())
        let first = process(messages, framing, worker)
        let second = process(messages, framing, worker)
        guard first == second else { throw Failure(description: "first \(first), then \(second)") }
        return first
    }

    func run(_ payloads: [String], framing: Framing = .document) throws -> Result {
        try run(payloads.map { Message(payload: $0) }, framing: framing)
    }

    private func process(_ messages: [Message], _ framing: Framing, _ worker: any OperatorWorker) -> Result {
        let batch = Batch(payloadBytes: 1 << 16, layout: BatchLayout(plan.columnTypes))
        batch.framing = framing
        var offset: Int64 = 100
        for (number, message) in messages.enumerated() {
            unsafe Array(message.payload.utf8).withUnsafeBytes {
                unsafe batch.append($0, offset: offset, timestamp: message.timestamp)
            }
            for text in message.texts {
                guard let text else {
                    unsafe batch.appendMessageText(nil)
                    continue
                }
                unsafe Array(text.utf8).withUnsafeBytes { unsafe batch.appendMessageText($0) }
            }
            offset += framing == .chunk ? Int64(message.payload.utf8.count) + 1 : 1
            batch.runs.append(
                BatchRun(
                    partition: number, messages: number..<number + 1, tombstones: 0, nextOffset: offset, tail: nil))
        }
        var result = Result()
        worker.process(batch, unsafe RowSelection(rows: nil, count: 0)) { rows in
            for index in 0..<rows.count { result.rows.append(row(rows[index], batch)) }
        }
        result.runs = batch.runs.map(\.rows)
        result.faults = batch.deadLetters.map(\.fault)
        result.letters = batch.deadLetters.map {
            Letter(
                offset: $0.offset, line: $0.line, reason: $0.fault.reason,
                payload: String(decoding: $0.payload, as: UTF8.self))
        }
        return result
    }

    private func row(_ row: Int, _ batch: Batch) -> [String?] {
        batch.columns.map { column in
            guard unsafe column.valid[row] != 0 else { return nil }
            switch column.type {
            case .text:
                let slice = unsafe column.slices[row]
                return unsafe String(
                    decoding: UnsafeRawBufferPointer(start: batch.base + Int(slice.offset), count: Int(slice.length)),
                    as: UTF8.self)
            case .double: return unsafe "\(column.doubles[row])"
            case .boolean: return unsafe column.booleans[row] != 0 ? "true" : "false"
            case .integer, .decimal, .timestamp: return unsafe "\(column.integers[row])"
            }
        }
    }
}
