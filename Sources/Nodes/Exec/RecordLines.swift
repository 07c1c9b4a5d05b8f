package import Dataflow
package import Declaration
import Platform
import Summaries

/// Records as lines of JSON, for a program, or for somebody who watches.
package struct RecordLines: Sendable {
    /// The lines one after the other, each with its newline.
    package private(set) var bytes: [UInt8] = []
    /// Where the line of each record ends.
    package private(set) var ends: [Int] = []
    private let fields: [Field]
    /// What stands before a record's number; nil without one.
    private let echo: [UInt8]?

    /// Writes values that are not to be seen.
    private let pseudonyms: Pseudonyms

    private struct Field {
        var label: [UInt8]
        var column: Int
        var isMasked: Bool
    }

    /// - Parameters:
    ///   - echo: the field that holds a record's number.
    ///   - masked: the fields that have pseudonyms in place of their values.
    package init(_ fields: [RecordSchema.Field], echo: String? = nil, masked: Set<String> = []) {
        func label(_ name: String) -> [UInt8] {
            var bytes: [UInt8] = []
            bytes.appendJSON(text: name.utf8)
            return bytes + [UInt8(ascii: ":")]
        }
        self.fields = fields.map {
            Field(label: label($0.name), column: $0.column, isMasked: masked.contains($0.name))
        }
        self.echo = echo.map(label)
        pseudonyms = Pseudonyms()
    }

    /// Bytes that it holds on to.
    var memoryBytes: Int { bytes.capacity + ends.capacity * 8 }

    /// Writes the selected rows of a batch.
    package mutating func write(_ batch: Batch, _ rows: RowSelection) {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        for index in 0..<rows.count {
            bytes.append(UInt8(ascii: "{"))
            if let echo {
                bytes += echo
                bytes += "\(index)".utf8
            }
            for (number, field) in fields.enumerated() {
                if number > 0 || echo != nil { bytes.append(UInt8(ascii: ",")) }
                bytes += field.label
                let start = bytes.count
                append(batch.columns[field.column], rows[index])
                if field.isMasked { bytes.replaceSubrange(start..., with: pseudonyms.text(for: bytes[start...])) }
            }
            bytes.append(UInt8(ascii: "}"))
            bytes.append(UInt8(ascii: "\n"))
            ends.append(bytes.count)
        }
    }

    private mutating func append(_ column: Column, _ row: Int) {
        guard unsafe column.valid[row] != 0 else {
            bytes += "null".utf8
            return
        }
        switch column.type {
        case .text:
            let slice = unsafe column.slices[row]
            unsafe bytes.appendJSON(
                text: UnsafeRawBufferPointer(start: column.base + Int(slice.offset), count: Int(slice.length)))
        case .integer: bytes += unsafe "\(column.integers[row])".utf8
        case .double: bytes += unsafe "\(column.doubles[row])".utf8
        case .boolean: bytes += unsafe (column.booleans[row] == 0 ? "false" : "true").utf8
        case .decimal(let scale): bytes.appendDecimal(unscaled: unsafe Int128(column.integers[row]), scale: scale)
        case .timestamp: append(microseconds: unsafe column.integers[row])
        }
    }

    /// RFC 3339 in UTC, with microseconds where there are any.
    private mutating func append(microseconds: Int64) {
        let (days, rest) = microseconds.quotientAndFloorRemainder(by: 86_400_000_000)
        let date = CivilDate(daysSince1970: days)
        func append(_ number: Int64, digits: Int) {
            let text = "\(number)"
            bytes += repeatElement(UInt8(ascii: "0"), count: max(0, digits - text.utf8.count))
            bytes += text.utf8
        }
        let (seconds, fraction) = rest.quotientAndRemainder(dividingBy: 1_000_000)
        bytes.append(UInt8(ascii: "\""))
        append(date.year, digits: 4)
        for part in [date.month, date.day] {
            bytes.append(UInt8(ascii: "-"))
            append(part, digits: 2)
        }
        for (separator, part) in [("T", seconds / 3_600), (":", seconds / 60 % 60), (":", seconds % 60)] {
            bytes += separator.utf8
            append(part, digits: 2)
        }
        if fraction > 0 {
            bytes.append(UInt8(ascii: "."))
            append(fraction, digits: 6)
        }
        bytes += "Z\"".utf8
    }
}

extension Int64 {
    /// The quotient rounded down, and a remainder of 0 or more.
    fileprivate func quotientAndFloorRemainder(by divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
