import Dataflow
import Declaration
import Nodes
import Synchronization

/// A tap that somebody reads from: records of a node as they pass, masked, some a second, until nobody asks any more.
final class OpenTap: Sendable {
    /// What has passed since somebody asked last.
    struct Answer {
        /// What to ask with next time.
        var next: Int64
        /// Records that have passed since it was opened, shown or not.
        var passed: Int64
        /// JSON objects.
        var records: [[UInt8]]

        /// `{"next": …, "passed": …, "records": […]}`
        var json: [UInt8] {
            var bytes = Array("{\"next\":\(next),\"passed\":\(passed),\"records\":[".utf8)
            for (index, record) in records.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes += record
            }
            return bytes + Array("]}".utf8)
        }
    }

    private struct State {
        var lines: RecordLines
        var records: [(number: Int64, json: [UInt8])] = []
        var next: Int64
        var allowed: Double
        var lastTaken: ContinuousClock.Instant
        var lastAsked: ContinuousClock.Instant
    }

    private let rate: Double
    private let passed = Atomic<Int64>(0)
    private let state: Mutex<State>
    private let tap: NodeTap
    private let number = Atomic(0)

    /// Opens one.
    /// - Parameter first: the number of the first record; larger than those of taps before this one.
    init(_ tap: NodeTap, _ fields: [RecordSchema.Field], masked: Set<String>, rate: Int, first: Int64) {
        let now = ContinuousClock.now
        self.tap = tap
        self.rate = Double(rate)
        state = Mutex(
            State(
                lines: RecordLines(fields, masked: masked), next: first, allowed: Double(rate), lastTaken: now,
                lastAsked: now))
        number.store(tap.add { [weak self] batch, rows in self?.take(batch, rows) }, ordering: .relaxed)
    }

    /// Takes nothing more.
    func close() { tap.remove(number.load(ordering: .relaxed)) }

    /// Whether nobody has asked for so long that it was closed, or will be with the next batch.
    func isIdle(at now: ContinuousClock.Instant) -> Bool {
        state.withLock { now - $0.lastAsked > TapLimits.idle }
    }

    /// Keeps some records of a batch. A worker waits for nobody here: what it cannot keep at once it does not keep.
    func take(_ batch: Batch, _ rows: RowSelection, at now: ContinuousClock.Instant = .now) {
        passed.wrappingAdd(Int64(rows.count), ordering: .relaxed)
        let isIdle = state.withLockIfAvailable { state -> Bool in
            guard now - state.lastAsked <= TapLimits.idle else { return true }
            state.allowed = min(rate, state.allowed + (now - state.lastTaken) / .seconds(1) * rate)
            state.lastTaken = now
            let count = min(rows.count, Int(state.allowed))
            guard count > 0 else { return false }
            state.allowed -= Double(count)
            state.lines.write(batch, rows.prefix(count))
            var start = 0
            for end in state.lines.ends {
                Self.keep(state.lines.bytes[start..<end].dropLast(), &state)
                start = end
            }
            return false
        }
        if isIdle == true { close() }
    }

    private static func keep(_ line: ArraySlice<UInt8>, _ state: inout State) {
        let isShown = line.count <= TapLimits.recordBytes
        let json = isShown ? Array(line) : Array("{\"_not_shown\":\"a record of \(line.count) bytes\"}".utf8)
        if state.records.count == TapLimits.records { state.records.removeFirst() }
        state.records.append((state.next, json))
        state.next += 1
    }

    /// What has come behind a number; nil for nothing but where it goes on.
    func read(after number: Int64?, at now: ContinuousClock.Instant = .now) -> Answer {
        state.withLock { state in
            state.lastAsked = now
            let found = number.map { number in state.records.filter { $0.number >= number }.map(\.json) } ?? []
            return Answer(next: state.next, passed: passed.load(ordering: .relaxed), records: found)
        }
    }
}
