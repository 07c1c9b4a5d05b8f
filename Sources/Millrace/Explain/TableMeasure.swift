import Dataflow
import Declaration
import Nodes
import Sketches
import Summaries
import Synchronization

/// What stands in for a sink while a sample is measured: how many rows it would write, and how large they are.
final class TableMeasure: SinkPlan, EpochObserver {
    /// The rows of one window, or of all time.
    struct Rows {
        /// What the window is called, nil without windows.
        var window: String?
        var count = 0
        /// Bytes of their values.
        var bytes = 0
        /// The windows' beginnings.
        var starts: Set<Int64> = []

        /// The length of windows that follow on one another, in microseconds, if they have one.
        var length: Int64?

        /// The distance between windows in microseconds: their length, or the least distance seen; nil where neither is known.
        var spacing: Int64? {
            if let length { return length }
            let sorted = starts.sorted()
            return zip(sorted.dropFirst(), sorted).map { $0 - $1 }.min()
        }
    }

    /// The sink's name.
    let name: String
    private let rows = Mutex<[String: Rows]>([:])
    private let input = Mutex<(node: Int, plan: SummaryPlan)?>(nil)

    init(name: String) { self.name = name }

    var isStored: Bool { false }

    func build(in context: BuildContext) throws -> RunningSink {
        guard let found = context.input, let summarize = found.operator as? Summarize else {
            preconditionFailure("a sink was compiled onto a node that is no summarize")
        }
        input.withLock { $0 = (found.number, summarize.plan) }
        return .observer(self)
    }

    func committed(_ epoch: ClosedEpoch) {
        guard let (node, plan) = input.withLock({ $0 }), let delta = epoch.summary(of: node) else { return }
        rows.withLock { rows in
            for groups in delta.sets {
                let window = plan.windows.isEmpty ? nil : plan.windows[groups.window]
                let known =
                    rows[window?.name ?? ""] ?? Rows(window: window?.name, length: window?.function.windowLength)
                rows[window?.name ?? ""] = Self.measure(groups, plan, known)
            }
        }
    }

    /// What was measured, window by window.
    var measured: [Rows] { rows.withLock { $0.sorted { $0.key < $1.key }.map(\.value) } }

    private static func measure(_ groups: SetGroups, _ plan: SummaryPlan, _ before: Rows) -> Rows {
        var rows = before
        let results = plan.metrics.map { $0.metric.makeResult() }
        var sizes = ValueSizes()
        for group in 0..<groups.groupCount {
            if let start = groups.windowStart(ofGroup: group) { rows.starts.insert(start) }
            for key in groups.set.keys {
                let text = plan.keys[key].type == .text ? groups.keyTextBytes(key, ofGroup: group) : 7
                // Once in its column, once in the key by which the row is found.
                sizes.bytes += 2 * ((text ?? 0) + 2)
            }
            for (index, state) in groups.states.enumerated() {
                do { try results[index].load(group, of: state, merging: nil) } catch {
                    preconditionFailure("nothing stored was read, so nothing can be wrong with it")
                }
                for column in plan.metrics[index].columns.indices { results[index].write(column, to: &sizes) }
            }
        }
        rows.count += groups.groupCount
        rows.bytes += sizes.bytes
        return rows
    }
}

/// Adds up what values take in a row of Postgres.
struct ValueSizes: ValueSink {
    var bytes = 0

    mutating func appendNull() {}
    mutating func append(_ value: Int64) { bytes += 8 }
    mutating func append(_ value: Double) { bytes += 8 }
    mutating func append(microsecondsSince1970 value: Int64) { bytes += 8 }
    mutating func append(_ value: Bool) { bytes += 1 }
    mutating func append(text: [UInt8]) { bytes += text.count + 1 }
    mutating func append(json: [UInt8]) { bytes += json.count + 4 }
    /// Two bytes for four digits, and a head.
    mutating func append(_ unscaled: Int128, scale: Int) { bytes += 3 + (String(unscaled).utf8.count + 3) / 4 * 2 }
    mutating func append(_ sum: DoubleSum) { bytes += 13 }
    mutating func append(_ value: [UInt8]) { bytes += value.count + (value.count < 127 ? 1 : 4) }
}
