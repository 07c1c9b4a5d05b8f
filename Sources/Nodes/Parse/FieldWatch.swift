import Dataflow
import JSON
import Logging
import Synchronization

/// Watches the fields of one `parse_json` node until each has been seen, and says once which have not; says of timestamps that
/// all lie before 1980 that they are seconds taken for milliseconds. Both count, and say nothing by themselves.
package final class FieldWatch: NodeWatch {
    /// Good records after which a field that none of them had is reported.
    static let recordsMin: Int64 = 3_000
    /// Documents whose keys are looked at.
    static let documentsMax = 32
    /// Keys shown of one object.
    static let keysMax = 20

    private let node: String
    let fields: [RecordField]
    private let elements: ElementArray?
    private let tell: @Sendable (Remark) -> Void
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
        /// By field: what stood on the way to it, where that was no object.
        var barriers: [Int: PathBarrier] = [:]
        /// By field: values that were taken for null, and texts that were cut.
        var nulls: [Int64]
        var cuts: [Int64]
    }

    init(node: String, _ plan: ParsePlan, _ tell: @escaping @Sendable (Remark) -> Void) {
        self.node = node
        fields = plan.fields
        elements = plan.elements
        self.tell = tell
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
                tell(Remark(message: "A text was cut to max_bytes; more are only counted", metadata: metadata))
            }
            if isFirst.null {
                metadata["reason"] = "\(count.error?.code ?? "")"
                metadata["expected"] = "\(fields[field].declaration.type.expectation)"
                tell(
                    Remark(
                        message: "A value did not fit and was taken for null; more are only counted",
                        metadata: metadata))
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
        if isDue { tellFields() }
    }

    private func collectKeys(_ document: (Int) -> UnsafeRawBufferPointer?, _ state: inout State) {
        var number = 0
        while state.documents < Self.documentsMax, let bytes = unsafe document(number) {
            for field in fields.indices where state.isAbsent[field] && fields[field].origin == .document {
                let declaration = fields[field].declaration
                let arrays = elements?.paths.dropLast(declaration.outward) ?? []
                for key in unsafe ObjectKeys.list(
                    bytes, at: declaration.leadingKeys.dropLast(), inElementsOf: Array(arrays))
                where !state.keys[field].contains(key) && state.keys[field].count < Self.keysMax {
                    state.keys[field].append(key)
                }
                if state.barriers[field] == nil {
                    state.barriers[field] = unsafe PathBarrier(
                        in: bytes, to: declaration, inElementsOf: Array(arrays))
                }
            }
            state.documents += 1
            number += 1
        }
    }

    /// Says at the end what was conceded, with the numbers.
    private func tellConcessions() {
        for (field, nulls, cuts) in concessions {
            var metadata: Logger.Metadata = ["node": "\(node)", "field": "\(field)"]
            if nulls > 0 { metadata["taken_for_null"] = "\(nulls)" }
            if cuts > 0 { metadata["cut"] = "\(cuts)" }
            let parts = [
                nulls > 0 ? "\(nulls) value\(nulls == 1 ? "" : "s") did not fit and became null" : nil,
                cuts > 0 ? "\(cuts) text\(cuts == 1 ? " was" : "s were") cut to max_bytes" : nil,
            ]
            tell(
                Remark(
                    message: "Values did not fit their field", metadata: metadata,
                    sentence: "the field \(field) of \(node): " + parts.compactMap(\.self).joined(separator: ", ")))
        }
    }

    /// Says, at the end, what fewer records than usual have shown, and what did not fit.
    package func conclude() {
        tellFields()
        tellConcessions()
    }

    /// Says what there is to say, once.
    private func tellFields() {
        let found = state.withLock { state -> State? in
            guard !state.isReported, state.records > 0 else { return nil }
            state.isReported = true
            return state
        }
        guard let found else { return }
        for field in fields.indices {
            if found.isAbsent[field] {
                report(fields[field], found.keys[field], found.barriers[field], found.records)
            }
            if !found.isAbsent[field], found.isEarly[field],
                case .timestamp(let format) = fields[field].declaration.type
            {
                reportEarly(fields[field], format, found.records)
            }
        }
    }

    private func report(_ field: RecordField, _ keys: [String], _ barrier: PathBarrier?, _ records: Int64) {
        guard field.origin == .document else {
            let metadata: Logger.Metadata = [
                "node": "\(node)", "field": "\(field.name)", "records": "\(records)", "from": "\(field.place)",
            ]
            return tell(
                Remark(
                    message: "No message so far had what a field is to be filled from", metadata: metadata,
                    sentence: "the field \(field.name) of \(node): none of the messages had a \(field.place)"))
        }
        let place = field.isElement ? field.name : field.place
        var metadata: Logger.Metadata = [
            "node": "\(node)", "field": "\(place)", "records": "\(records)",
            "seen_keys": "\(keys.isEmpty ? "none" : keys.joined(separator: ", "))",
        ]
        let isThere = field.declaration.leadingKeys.last.map { keys.contains($0) } ?? true
        let records = records == 1 ? "the only record" : "all \(records) records"
        guard !isThere else {
            if let choice = field.declaration.choices.first {
                return reportUnchosen(choice, field, metadata, records)
            }
            return tell(
                Remark(
                    message: "A field was null in every record so far, or of a type that counts as null",
                    metadata: metadata, sentence: "the field \(place) of \(node) was null in \(records)"))
        }
        var seen =
            keys.isEmpty ? "nothing stood where it is looked for" : "keys seen there: \(keys.joined(separator: ", "))"
        var advice = "correct its path, or leave it out"
        if keys.isEmpty, let barrier { (seen, advice) = (barrier.clause, barrier.advice(elements)) }
        metadata["hint"] = "\(keys.isEmpty && barrier != nil ? "\(seen), \(advice)" : advice)"
        tell(
            Remark(
                message: "A field was absent in every record so far", metadata: metadata,
                sentence: "the field \(place) of \(node) was absent in \(records); \(seen); \(advice)"))
    }

    /// The array is there, but the path leads nowhere through its elements.
    private func reportUnchosen(
        _ choice: ElementChoice, _ field: RecordField, _ metadata: Logger.Metadata, _ records: String
    ) {
        let array = FieldDeclaration.written(field.declaration.leadingKeys)
        let hint =
            "no element of \(array) had both \(choice.text) under \(choice.key) and a value where the path goes on"
        var metadata = metadata
        metadata["hint"] = "\(hint)"
        tell(
            Remark(
                message: "A field was absent or null in every record so far", metadata: metadata,
                sentence: "the field \(field.place) of \(node) was absent or null in \(records): \(hint)"))
    }

    private func reportEarly(_ field: RecordField, _ format: TimestampFormat, _ records: Int64) {
        var metadata: Logger.Metadata = [
            "node": "\(node)", "field": "\(field.name)", "records": "\(records)",
        ]
        let hint: String? =
            switch format {
            case .epochMilliseconds: "if the numbers are seconds, declare timestamp(s)"
            case .epochMicroseconds: "if the numbers are milliseconds, declare timestamp(ms)"
            case .epochNanoseconds: "if the numbers are microseconds, declare timestamp(us)"
            case .epochSeconds, .rfc3339: nil
            }
        if let hint { metadata["hint"] = "\(hint)" }
        tell(
            Remark(
                message: "A timestamp lay before 1980 in every record so far", metadata: metadata,
                sentence: "the timestamp \(field.name) of \(node) lay before 1980 in every record"
                    + (hint.map { "; \($0)" } ?? "")))
    }
}
