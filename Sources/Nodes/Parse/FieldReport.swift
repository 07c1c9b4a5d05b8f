import Dataflow
import JSON
package import Logging
import Synchronization

/// Says what the records lack: declared fields that none of them has, and timestamps that all lie before 1980, which are
/// seconds taken for milliseconds. Both count, and say nothing by themselves.
package final class FieldReport: Sendable {
    private let logger: Logger
    private let watches = Mutex<[FieldWatch]>([])

    /// Creates a report that speaks through `logger`.
    package init(logger: Logger) { self.logger = logger }

    /// A watch over the records of one `parse_json` node.
    package func watch(node: String, _ plan: ParsePlan) -> FieldWatch {
        let watch = FieldWatch(node: node, plan, logger)
        watches.withLock { $0.append(watch) }
        return watch
    }

    /// Says, at the end, what fewer records than usual have shown.
    package func conclude() {
        for watch in watches.withLock({ $0 }) {
            watch.conclude()
            watch.tellConcessions()
        }
    }
}

/// Watches the fields of one `parse_json` node until each has been seen, and says once which have not.
package final class FieldWatch: Sendable {
    /// Good records after which a field that none of them had is reported.
    static let recordsMin: Int64 = 3_000
    /// Documents whose keys are looked at.
    static let documentsMax = 32
    /// Keys shown of one object.
    static let keysMax = 20

    private let node: String
    let fields: [RecordField]
    private let elements: [String]
    private let logger: Logger
    private let state: Mutex<State>

    private struct State {
        var records: Int64 = 0
        var isReported = false
        /// By field: no record had a value so far.
        var isAbsent: [Bool]
        /// By field: every value so far lay before 1980.
        var isEarly: [Bool]
        var documents = 0
        /// By field: the keys that stood where it was looked for.
        var keys: [[String]]
        /// By field: values that were taken for null, and texts that were cut.
        var nulls: [Int64]
        var cuts: [Int64]
    }

    init(node: String, _ plan: ParsePlan, _ logger: Logger) {
        self.node = node
        fields = plan.fields
        elements = plan.elements
        self.logger = logger
        let count = plan.fields.count
        state = Mutex(
            State(
                isAbsent: Array(repeating: true, count: count), isEarly: Array(repeating: true, count: count),
                keys: Array(repeating: [], count: count), nulls: Array(repeating: 0, count: count),
                cuts: Array(repeating: 0, count: count)))
    }

    /// Whether a field takes values for null or cuts them.
    var countsConcessions: Bool { fields.contains { $0.declaration.onTypeError == .null || $0.declaration.truncates } }

    /// Adds what was conceded since the worker said so last; the first of each kind is said at once.
    func concede(_ counts: [(field: Int, Concessions)]) {
        for (field, count) in counts where count.nulls > 0 || count.cuts > 0 {
            let isFirst = state.withLock { state in
                defer {
                    state.nulls[field] += count.nulls
                    state.cuts[field] += count.cuts
                }
                return (null: state.nulls[field] == 0 && count.nulls > 0, cut: state.cuts[field] == 0 && count.cuts > 0)
            }
            var metadata: Logger.Metadata = ["node": "\(node)", "field": "\(fields[field].name)"]
            if isFirst.cut {
                logger.warning("A text was cut to max_bytes; more are only counted", metadata: metadata)
            }
            if isFirst.null {
                metadata["reason"] = "\(count.error?.code ?? "")"
                metadata["expected"] = "\(fields[field].declaration.type.expectation)"
                logger.warning("A value did not fit and was taken for null; more are only counted", metadata: metadata)
            }
        }
    }

    /// By field that has any: how many values were taken for null, and how many texts were cut.
    package var concessions: [(field: String, nulls: Int64, cuts: Int64)] {
        let (nulls, cuts) = state.withLock { ($0.nulls, $0.cuts) }
        return fields.indices.filter { nulls[$0] > 0 || cuts[$0] > 0 }.map { (fields[$0].name, nulls[$0], cuts[$0]) }
    }

    /// Takes note of a batch.
    /// - Parameters:
    ///   - absent: the fields that the caller has not seen yet, those of this batch left out.
    ///   - early: the timestamps of which it has seen none after 1979.
    ///   - document: bytes of a good document of the batch, by number; nil behind the last.
    func note(
        records: Int, absent: [Int], early: [Int], document: (Int) -> UnsafeRawBufferPointer?
    ) {
        let isDue = state.withLock { state in
            state.records += Int64(records)
            let (absentNow, earlyNow) = (Set(absent), Set(early))
            for field in fields.indices {
                if !absentNow.contains(field) { state.isAbsent[field] = false }
                if !earlyNow.contains(field) { state.isEarly[field] = false }
            }
            unsafe collectKeys(document, &state)
            return state.records >= Self.recordsMin
        }
        if isDue { conclude() }
    }

    private func collectKeys(_ document: (Int) -> UnsafeRawBufferPointer?, _ state: inout State) {
        var number = 0
        while state.documents < Self.documentsMax, let bytes = unsafe document(number) {
            for field in fields.indices where state.isAbsent[field] && fields[field].origin == .document {
                let declaration = fields[field].declaration
                let array = declaration.isOutside ? [] : elements
                for key in unsafe ObjectKeys.list(bytes, at: declaration.path.dropLast(), inElementsOf: array)
                where !state.keys[field].contains(key) && state.keys[field].count < Self.keysMax {
                    state.keys[field].append(key)
                }
            }
            state.documents += 1
            number += 1
        }
    }

    /// Says at the end what was conceded, with the numbers.
    func tellConcessions() {
        for (field, nulls, cuts) in concessions {
            var metadata: Logger.Metadata = ["node": "\(node)", "field": "\(field)"]
            if nulls > 0 { metadata["taken_for_null"] = "\(nulls)" }
            if cuts > 0 { metadata["cut"] = "\(cuts)" }
            logger.warning("Values did not fit their field", metadata: metadata)
        }
    }

    /// Says what there is to say, once.
    func conclude() {
        let found = state.withLock { state -> State? in
            guard !state.isReported, state.records > 0 else { return nil }
            state.isReported = true
            return state
        }
        guard let found else { return }
        for field in fields.indices {
            if found.isAbsent[field] { report(fields[field], found.keys[field], found.records) }
            if !found.isAbsent[field], found.isEarly[field],
                case .timestamp(let format) = fields[field].declaration.type
            {
                reportEarly(fields[field], format, found.records)
            }
        }
    }

    private func report(_ field: RecordField, _ keys: [String], _ records: Int64) {
        guard field.origin == .document else {
            let metadata: Logger.Metadata = [
                "node": "\(node)", "field": "\(field.name)", "records": "\(records)", "from": "\(field.place)",
            ]
            return logger.warning("No message so far had what a field is to be filled from", metadata: metadata)
        }
        var metadata: Logger.Metadata = [
            "node": "\(node)", "field": "\(field.place)", "records": "\(records)",
            "seen_keys": "\(keys.isEmpty ? "none" : keys.joined(separator: ", "))",
        ]
        let isThere = field.declaration.path.last.map { keys.contains($0) } ?? false
        if !isThere { metadata["hint"] = "correct its path, or leave it out" }
        logger.warning(
            isThere
                ? "A field was null in every record so far, or of a type that counts as null"
                : "A field was absent in every record so far", metadata: metadata)
    }

    private func reportEarly(_ field: RecordField, _ format: TimestampFormat, _ records: Int64) {
        var metadata: Logger.Metadata = [
            "node": "\(node)", "field": "\(field.name)", "records": "\(records)",
        ]
        switch format {
        case .epochMilliseconds: metadata["hint"] = "if the numbers are seconds, declare timestamp(s)"
        case .epochMicroseconds: metadata["hint"] = "if the numbers are milliseconds, declare timestamp(ms)"
        case .epochSeconds, .rfc3339: break
        }
        logger.warning("A timestamp lay before 1980 in every record so far", metadata: metadata)
    }
}

/// The watching side of one worker: what it has not seen itself yet. Costs nothing once everything was seen.
struct FieldLookout {
    /// 1980-01-01T00:00:00Z in microseconds since 1970.
    private static let year1980: Int64 = 315_532_800_000_000

    private let watch: FieldWatch
    private var absent: [Int]
    private var early: [Int]
    private var said: [Concessions]
    /// Whether there is anything to `note`.
    let countsConcessions: Bool

    init(_ watch: FieldWatch) {
        self.watch = watch
        absent = Array(watch.fields.indices)
        early = watch.fields.indices.filter {
            if case .timestamp = watch.fields[$0].declaration.type { true } else { false }
        }
        said = watch.fields.map { _ in Concessions(nulls: 0, cuts: 0, error: nil, found: .nothing) }
        countsConcessions = watch.countsConcessions
    }

    /// Notes what the worker has conceded so far, by field.
    mutating func note(_ counts: [Concessions]) {
        var fresh: [(field: Int, Concessions)] = []
        for (field, count) in counts.enumerated() where count.nulls > said[field].nulls || count.cuts > said[field].cuts
        {
            var more = count
            more.nulls -= said[field].nulls
            more.cuts -= said[field].cuts
            fresh.append((field, more))
            said[field] = count
        }
        if !fresh.isEmpty { watch.concede(fresh) }
    }

    /// Looks at a parsed batch.
    /// - Parameter source: where a row's document is.
    mutating func look(at batch: Batch, good: Int, source: (Int) -> DocumentRange) {
        guard good > 0, !(absent.isEmpty && early.isEmpty) else { return }
        absent.removeAll { Self.hasValue(batch.columns[$0], batch.rowCount) }
        early.removeAll { Self.hasLateInstant(batch.columns[$0], batch.rowCount) }
        var row = 0
        unsafe watch.note(records: good, absent: absent, early: early) { _ in
            while row < batch.rowCount, unsafe batch.status[row] != 0 { row += 1 }
            guard row < batch.rowCount else { return nil }
            defer { row += 1 }
            let place = source(row)
            return unsafe UnsafeRawBufferPointer(start: batch.base + Int(place.offset), count: Int(place.length))
        }
    }

    private static func hasValue(_ column: Column, _ count: Int) -> Bool {
        unsafe UnsafeRawBufferPointer(start: column.valid, count: count).contains(1)
    }

    private static func hasLateInstant(_ column: Column, _ count: Int) -> Bool {
        for row in 0..<count where unsafe column.valid[row] != 0 && column.integers[row] >= year1980 { return true }
        return false
    }
}
