import Dataflow
import Declaration
import JSON
import Platform

/// What is left to do for the records of a batch when the JSON parser is done: values of the message, and timestamps whose
/// text it does not read itself.
@safe struct RecordCompletion {
    private let fields: [RecordField]
    private let texts: [MessageAttribute]
    private let messageColumns: [Int]
    private let timestampColumns: [Int]
    private var clocks: [Int: ZoneClock] = [:]
    private var zones = ZoneBook()
    /// Rows that are bad, and why; of several reasons the first.
    private(set) var refused: [Int: RecordFault] = [:]
    /// By column: values that were taken for null, and texts that were cut, over the worker's life.
    private(set) var concessions: [Concessions]

    /// Nil when there is nothing left to do.
    init?(_ plan: ParsePlan) {
        fields = plan.fields
        texts = plan.messageTexts
        messageColumns = plan.fields.indices.filter { plan.fields[$0].origin != .document }
        timestampColumns = plan.fields.indices.filter { plan.fields[$0].reading != nil }
        if messageColumns.isEmpty, timestampColumns.isEmpty { return nil }
        for column in timestampColumns {
            if case .fixed(let rules)? = fields[column].reading?.zone { clocks[column] = ZoneClock(rules) }
        }
        concessions = fields.map { _ in Concessions(nulls: 0, cuts: 0, error: nil, found: .nothing) }
    }

    /// Completes the good rows.
    /// - Parameters:
    ///   - arenaUsed: bytes that the parser has written behind the payload and its padding.
    ///   - documents: the documents of the batch.
    mutating func complete(_ batch: Batch, arenaUsed: Int, _ documents: [DocumentRange]) {
        refused.removeAll(keepingCapacity: true)
        let place = batch.length + DocumentParser.padding + arenaUsed
        if !texts.isEmpty { batch.copyMessageTexts(to: place) }
        for column in messageColumns {
            guard case .message(let attribute) = fields[column].origin else { continue }
            switch attribute {
            case .timestamp: fillTimestamps(column, batch)
            case .offset: fillOffsets(column, batch, documents)
            default: fillTexts(column, attribute, batch, place)
            }
        }
        for column in timestampColumns { readTimestamps(column, batch, documents) }
        for row in refused.keys { Self.clear(row, of: batch) }
    }

    private static func clear(_ row: Int, of batch: Batch) {
        unsafe batch.status[row] = DocumentError.wrongType.rawValue
        for column in batch.columns.prefix(batch.parsedColumnCount) { unsafe column.valid[row] = 0 }
    }

    /// A value that is no good: the record is bad, or has none.
    /// - Parameter found: the value's text, where it has one.
    private mutating func refuse(
        _ row: Int, _ column: Int, _ error: DocumentError, _ batch: Batch, found: @autoclosure () -> String? = nil,
        _ reason: (Self) -> String
    ) {
        unsafe batch.columns[column].valid[row] = 0
        let field = fields[column].declaration
        if field.onTypeError == .null, !field.isRequired {
            concessions[column].nulls += 1
            (concessions[column].error, concessions[column].found) = (error, .text)
        } else if refused[row] == nil {
            // In quotes, as it stands in the document.
            let isQuoted = fields[column].origin == .document
            refused[row] = RecordFault(
                error.code, field: fields[column].name, found: found().map { isQuoted ? "\"\($0)\"" : $0 }, reason(self)
            )
        }
    }

    private mutating func miss(_ row: Int, _ column: Int, _ batch: Batch) {
        unsafe batch.columns[column].valid[row] = 0
        if fields[column].declaration.isRequired, refused[row] == nil {
            refused[row] = RecordFault(
                DocumentError.missingRequired.code, field: fields[column].name,
                "\(fields[column].place): missing, but required")
        }
    }

    // MARK: Values of the message

    private mutating func fillTimestamps(_ index: Int, _ batch: Batch) {
        let column = batch.columns[index]
        for row in 0..<batch.rowCount where unsafe batch.status[row] == 0 {
            guard let milliseconds = batch.messages[unsafe Int(batch.rowMessages[row])].timestamp else {
                miss(row, index, batch)
                continue
            }
            let (micros, overflows) = milliseconds.multipliedReportingOverflow(by: 1_000)
            guard !overflows, Self.instants.contains(micros) else {
                refuse(row, index, .outOfRange, batch) { "\($0.fields[index].place): not in the years 0001 to 9999" }
                continue
            }
            unsafe column.integers[row] = micros
            unsafe column.valid[row] = 1
        }
    }

    /// 0001-01-01T00:00:00Z to the end of 9999.
    private static let instants: ClosedRange<Int64> = -62_135_596_800_000_000...253_402_300_799_999_999

    private func fillOffsets(_ index: Int, _ batch: Batch, _ documents: [DocumentRange]) {
        let column = batch.columns[index]
        let isChunk = batch.framing == .chunk
        let places = batch.elementPlaces
        for row in 0..<batch.rowCount where unsafe batch.status[row] == 0 {
            let message = batch.messages[unsafe Int(batch.rowMessages[row])]
            // A chunk of a file is nothing that its reader knows of: the line is.
            unsafe column.integers[row] =
                isChunk
                ? message.offset
                    + Int64(documents[places.isEmpty ? row : Int(places.documents[row])].offset - message.start)
                : message.offset
            unsafe column.valid[row] = 1
        }
    }

    private mutating func fillTexts(_ index: Int, _ attribute: MessageAttribute, _ batch: Batch, _ place: Int) {
        guard let number = texts.firstIndex(of: attribute) else {
            preconditionFailure("nobody asked for \(attribute)")
        }
        for row in 0..<batch.rowCount where unsafe batch.status[row] == 0 {
            let message = unsafe Int(batch.rowMessages[row])
            guard let text = batch.messageText(number, of: message, each: texts.count) else {
                miss(row, index, batch)
                continue
            }
            let slice = Dataflow.TextSlice(offset: UInt32(place) + text.offset, length: text.length)
            let bytes = unsafe UnsafeRawBufferPointer(start: batch.base + Int(slice.offset), count: Int(slice.length))
            if fields[index].declaration.type == .text || fields[index].reading != nil {
                unsafe put(slice, bytes, row, index, batch)
            } else {
                unsafe read(bytes, row, index, batch)
            }
        }
    }

    private mutating func put(
        _ text: Dataflow.TextSlice, _ bytes: UnsafeRawBufferPointer, _ row: Int, _ index: Int, _ batch: Batch
    ) {
        let (field, name) = (fields[index].declaration, fields[index].place)
        var slice = text
        guard unsafe Self.isUTF8(bytes) else {
            return refuse(row, index, .invalidUTF8, batch) { _ in "\(name): not valid UTF-8" }
        }
        guard unsafe !bytes.contains(0) else {
            return refuse(row, index, .nulInText, batch) { _ in
                "\(name): the text holds U+0000, which Postgres cannot store"
            }
        }
        if bytes.count > field.textLengthMax {
            guard field.truncates else {
                return refuse(row, index, .textTooLong, batch) { _ in
                    "\(name): text too long, expected at most \(field.textLengthMax) bytes"
                }
            }
            var length = field.textLengthMax
            while length > 0, unsafe bytes[length] & 0xc0 == 0x80 { length -= 1 }
            slice.length = UInt32(length)
            concessions[index].cuts += 1
        }
        unsafe batch.columns[index].slices[row] = slice
        unsafe batch.columns[index].valid[row] = 1
    }

    private static func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if unsafe bytes.allSatisfy({ $0 < 0x80 }) { return true }
        return unsafe String(validating: bytes, as: UTF8.self) != nil
    }

    private mutating func read(_ bytes: UnsafeRawBufferPointer, _ row: Int, _ index: Int, _ batch: Batch) {
        let column = batch.columns[index]
        let type = fields[index].declaration.type
        if let error = unsafe type.read(bytes, into: column.values + row * column.type.stride) {
            return refuse(row, index, error, batch, found: unsafe FoundValue.text(bytes)) {
                "\($0.fields[index].place): found text that does not spell \(type.expectation)"
            }
        }
        unsafe column.valid[row] = 1
    }

    // MARK: Timestamps

    /// Turns the texts of a column, in place, into instants.
    private mutating func readTimestamps(_ index: Int, _ batch: Batch, _ documents: [DocumentRange]) {
        guard let reading = fields[index].reading else { return }
        let places = batch.elementPlaces
        let column = batch.columns[index]
        for row in 0..<batch.rowCount where unsafe column.valid[row] != 0 && batch.status[row] == 0 {
            let slice = unsafe column.slices[row]
            let bytes = unsafe UnsafeRawBufferPointer(start: batch.base + Int(slice.offset), count: Int(slice.length))
            var micros: Int64?
            switch unsafe TimestampReader.read(bytes, by: reading.pattern) {
            case .instant(let instant): micros = instant
            case .local(let seconds, let rest):
                micros = utc(seconds, row, index, reading, batch).map { $0 * 1_000_000 + rest }
                if micros == nil { continue }
            case let other:
                let begin = places.isEmpty ? documents[row].offset : places.ranges[row].offset
                let place = Int(slice.offset) < batch.length ? Int(slice.offset) - 1 - Int(begin) : nil
                refuse(row, index, .invalidTimestamp, batch, found: unsafe FoundValue.text(bytes)) {
                    $0.complaint(index, reading, place, other)
                }
                continue
            }
            guard let micros, Self.instants.contains(micros) else {
                refuse(row, index, .outOfRange, batch) { "\($0.fields[index].place): not in the years 0001 to 9999" }
                continue
            }
            unsafe column.integers[row] = micros
        }
    }

    /// Why a text is no instant.
    private func complaint(
        _ index: Int, _ reading: TimestampReading, _ place: Int?, _ outcome: TimestampReader.Outcome
    ) -> String {
        let start = fields[index].place + (fields[index].isElement ? "" : place.map { " at byte \($0)" } ?? "")
        switch outcome {
        case .noSuchDay(let day): return "\(start): \(day)"
        case .mismatch(let at):
            let wanted =
                reading.pattern.format.map { "the format \"\($0)\"" } ?? "a date and a time such as 2026-03-29 02:30:00"
            return "\(start): found text that does not fit \(wanted), from its byte \(at) on"
        case .instant, .local: preconditionFailure("an instant is nothing to complain about")
        }
    }

    /// UTC of a local time; nil when the record has no zone, which is said.
    private mutating func utc(
        _ local: Int64, _ row: Int, _ index: Int, _ reading: TimestampReading, _ batch: Batch
    ) -> Int64? {
        switch reading.zone {
        case .fixed, nil:
            guard clocks[index] != nil else { preconditionFailure("a local time has no zone") }
            return clocks[index]?.utc(ofLocal: local)
        case .column(let zone):
            guard unsafe batch.columns[zone].valid[row] != 0 else {
                refuse(row, index, .missingRequired, batch) {
                    "\($0.fields[index].place): has no offset, and its zone, field \($0.fields[zone].name), is missing"
                }
                return nil
            }
            let name = Self.text(batch.columns[zone], row, batch)
            if let utc = zones.utc(ofLocal: local, in: name) { return utc }
            refuse(row, index, .invalidTimestamp, batch) {
                "\($0.fields[index].place): its zone, field \($0.fields[zone].name), is neither the name of a time zone "
                    + "nor an offset of hours"
            }
            return nil
        }
    }

    private static func text(_ column: Column, _ row: Int, _ batch: Batch) -> String {
        switch column.type {
        case .text:
            let slice = unsafe column.slices[row]
            return unsafe String(
                decoding: UnsafeRawBufferPointer(start: batch.base + Int(slice.offset), count: Int(slice.length)),
                as: UTF8.self)
        case .double: return unsafe "\(column.doubles[row])"
        case .decimal(let scale):
            var (value, power) = (unsafe Double(column.integers[row]), 1.0)
            for _ in 0..<scale { power *= 10 }
            value /= power
            return "\(value)"
        default: return unsafe "\(column.integers[row])"
        }
    }
}
